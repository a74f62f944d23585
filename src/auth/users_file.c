/* The users file as bytes and lines: whose it may be, how long, of what form. winrmd-auth. */
#include "auth/users_file.h"

#include "auth/user_name.h"
#include "wsmerror.h"

#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static bool check_owner(const char *path, const struct stat *st, struct wsm_error *err)
{
    if (!S_ISREG(st->st_mode))
        return wsm_fail(err, ERROR_ACCESS_DENIED, "users file %s: not a regular file", path);
    if (st->st_uid != 0 && st->st_uid != geteuid())
        return wsm_fail(err, ERROR_ACCESS_DENIED,
                        "users file %s: owned by user %u, must be owned by root or user %u", path,
                        st->st_uid, geteuid());
    if ((st->st_mode & 077) != 0)
        return wsm_fail(err, ERROR_ACCESS_DENIED,
                        "users file %s: mode %04o, must give no rights to group and others", path,
                        st->st_mode & 07777);
    if (st->st_size > WSM_USERS_FILE_MAX)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "users file %s: larger than %d bytes", path,
                        WSM_USERS_FILE_MAX);
    return true;
}

/* Up to the limit and one byte more, so that a file that grew meanwhile is noticed. */
static bool read_all(int fd, const char *path, struct wsm_buf *out, struct wsm_error *err)
{
    for (;;) {
        ssize_t count;

        if (!wsm_buf_reserve(out, 4096))
            return wsm_fail_memory(err, "users file");
        count = read(fd, wsm_buf_end(out), wsm_buf_room(out));
        if (count < 0)
            return wsm_fail(err, ERROR_ACCESS_DENIED, "users file %s: %s", path, strerror(errno));
        if (count == 0)
            return true;
        wsm_buf_added(out, (size_t)count);
        if (out->len > WSM_USERS_FILE_MAX)
            return wsm_fail(err, ERROR_INVALID_PARAMETER, "users file %s: larger than %d bytes",
                            path, WSM_USERS_FILE_MAX);
    }
}

bool wsm_users_file_read(const char *path, struct wsm_buf *out, struct stat *out_stat,
                         struct wsm_error *err)
{
    /* O_NONBLOCK: a FIFO in its place must not stop us. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat st;
    bool ok = false;

    if (fd < 0)
        return wsm_fail(err, errno == ENOENT ? ERROR_FILE_NOT_FOUND : ERROR_ACCESS_DENIED,
                        "users file %s: %s", path, strerror(errno));
    if (fstat(fd, &st) != 0) {
        wsm_fail(err, ERROR_ACCESS_DENIED, "users file %s: %s", path, strerror(errno));
        goto out;
    }
    if (!check_owner(path, &st, err) || !read_all(fd, path, out, err))
        goto out;
    *out_stat = st;
    ok = true;
out:
    close(fd);
    return ok;
}

bool wsm_users_line_next(struct wsm_span *text, struct wsm_span *out_line)
{
    const uint8_t *end;
    size_t used;

    if (text->len == 0)
        return false;
    end = memchr(text->ptr, '\n', text->len);
    used = end == NULL ? text->len : (size_t)(end - text->ptr);
    *out_line = wsm_span_of(text->ptr, used);
    if (end != NULL)
        used++;
    text->ptr += used;
    text->len -= used;
    return true;
}

/* crypt(3) of this form and of no other: no DES, which looks at eight characters only. */
static bool is_hash(struct wsm_span hash)
{
    if (hash.len < 8 || hash.len >= CRYPT_OUTPUT_SIZE || hash.ptr[0] != '$')
        return false;
    for (size_t i = 0; i < hash.len; i++)
        if (hash.ptr[i] <= 0x20 || hash.ptr[i] >= 0x7f || strchr(":;*!\\", hash.ptr[i]) != NULL)
            return false;
    return true;
}

bool wsm_users_line_parse(struct wsm_span line, struct wsm_span *out_name,
                          struct wsm_span *out_hash, struct wsm_error *err)
{
    struct wsm_span name, hash;
    const uint8_t *colon;

    if (line.len > WSM_USERS_LINE_MAX)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "longer than %d bytes", WSM_USERS_LINE_MAX);
    if (wsm_span_trim(line).len == 0 || line.ptr[0] == '#') {
        *out_name = *out_hash = wsm_span_of(NULL, 0);
        return true;
    }
    colon = memchr(line.ptr, ':', line.len);
    if (colon == NULL)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "no colon");
    name = wsm_span_of(line.ptr, (size_t)(colon - line.ptr));
    hash = wsm_span_of(colon + 1, line.len - name.len - 1);
    if (!wsm_user_name_check(name, err))
        return false;
    if (!is_hash(hash))
        return wsm_fail(err, ERROR_INVALID_PARAMETER,
                        "what follows the name is not a hash of crypt(3) that starts with '$'");
    *out_name = name;
    *out_hash = hash;
    return true;
}
