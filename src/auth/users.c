/* The users file, reading side: finds users and checks passwords. winrmd-auth; the check
 * blocks for as long as the hash takes. Does not write the file (users_write.c). */
#include "auth/users_file.h"
#include "base/utf.h"
#include "wsmerror.h"

#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Spends the time of a check where there is no user to take a hash from: the default of
 * Debian 12 (yescrypt, cost 5), of a password that nobody knows. */
static const char DUMMY_HASH[] =
    "$y$j9T$215RskD06K.yo1056pvWE0$UOMSARvAYdhi7q0IDnTgUN/r/iZoiB8SZeTZIKfm1F.";

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

bool wsm_user_name_check(struct wsm_span name, struct wsm_error *err)
{
    if (name.len == 0)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "the user name is empty");
    if (name.len > WSM_USER_NAME_MAX)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "the user name is longer than %d bytes",
                        WSM_USER_NAME_MAX);
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] < 0x20 || name.ptr[i] == 0x7f || name.ptr[i] == ':')
            return wsm_fail(err, ERROR_INVALID_PARAMETER,
                            "the user name holds a colon or a control character");
    if (name.ptr[0] == '#' || name.ptr[0] == ' ' || name.ptr[name.len - 1] == ' ')
        return wsm_fail(err, ERROR_INVALID_PARAMETER,
                        "the user name starts with '#' or has blanks around it");
    if (!wsm_utf8_is_valid(name))
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "the user name is not valid UTF-8");
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

static bool add_user(struct wsm_users *users, struct wsm_span name, struct wsm_span hash,
                     struct wsm_error *err)
{
    struct wsm_user *grown;
    struct wsm_user user;

    if (wsm_users_find(users, name) != NULL)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "the user is there twice");
    if (users->count == WSM_USERS_MAX)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "more than %d users", WSM_USERS_MAX);
    grown = reallocarray(users->users, users->count + 1, sizeof(*grown));
    if (grown == NULL)
        return wsm_fail_memory(err, "users");
    users->users = grown;
    user.name = strndup((const char *)name.ptr, name.len);
    user.hash = strndup((const char *)hash.ptr, hash.len);
    if (user.name == NULL || user.hash == NULL) {
        free(user.name);
        free(user.hash);
        return wsm_fail_memory(err, "users");
    }
    users->users[users->count++] = user;
    return true;
}

static bool load(struct wsm_users *users, struct wsm_span text, const char *path,
                 struct wsm_error *err)
{
    struct wsm_span line, name, hash;
    struct wsm_error why = WSM_ERROR_INIT;

    for (size_t number = 1; wsm_users_line_next(&text, &line); number++) {
        if (!wsm_users_line_parse(line, &name, &hash, &why) ||
            (name.len > 0 && !add_user(users, name, hash, &why))) {
            wsm_fail(err, why.code, "users file %s, line %zu: %s", path, number,
                     wsm_error_text(&why));
            wsm_error_clear(&why);
            return false;
        }
    }
    return true;
}

static int64_t mtime_ns(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

/* stat() by name: no descriptor for the usual case that nothing changed. */
static bool is_unchanged(const struct wsm_users *users, const char *path)
{
    struct stat st;

    return users->is_loaded && stat(path, &st) == 0 && (uint64_t)st.st_ino == users->inode &&
           mtime_ns(&st) == users->mtime_ns && st.st_size == users->size_bytes &&
           (st.st_mode & 077) == 0 && (st.st_uid == 0 || st.st_uid == geteuid());
}

bool wsm_users_refresh(struct wsm_users *users, const char *path, struct wsm_error *err)
{
    struct wsm_buf text = WSM_BUF_INIT;
    struct stat st;
    bool ok = false;

    if (is_unchanged(users, path))
        return true;
    wsm_users_clear(users);
    if (!wsm_users_file_read(path, &text, &st, err) || !load(users, wsm_buf_span(&text), path, err))
        goto out;
    users->is_loaded = true;
    users->inode = (uint64_t)st.st_ino;
    users->mtime_ns = mtime_ns(&st);
    users->size_bytes = st.st_size;
    ok = true;
out:
    if (!ok)
        wsm_users_clear(users);
    wsm_buf_wipe(&text);
    return ok;
}

void wsm_users_clear(struct wsm_users *users)
{
    for (size_t i = 0; i < users->count; i++) {
        free(users->users[i].name);
        explicit_bzero(users->users[i].hash, strlen(users->users[i].hash));
        free(users->users[i].hash);
    }
    free(users->users);
    *users = (struct wsm_users){ 0 };
}

const struct wsm_user *wsm_users_find(const struct wsm_users *users, struct wsm_span name)
{
    for (size_t i = 0; i < users->count; i++)
        if (wsm_span_is(name, users->users[i].name))
            return &users->users[i];
    return NULL;
}

/* In constant time for texts of equal length; the length of a hash is no secret. */
static bool is_same_hash(const char *a, const char *b)
{
    size_t len = strlen(a);
    unsigned difference = 0;

    if (len != strlen(b))
        return false;
    for (size_t i = 0; i < len; i++)
        difference |= (unsigned)(unsigned char)(a[i] ^ b[i]);
    return difference == 0;
}

bool wsm_users_check(const struct wsm_users *users, struct wsm_span name, const char *password,
                     const struct wsm_user **out_user, struct wsm_error *err)
{
    const struct wsm_user *user = wsm_users_find(users, name);
    const char *hash = user != NULL       ? user->hash
                       : users->count > 0 ? users->users[0].hash
                                          : DUMMY_HASH;
    struct crypt_data *data = calloc(1, sizeof(*data)); /* 32 KiB: not for the stack */
    const char *result;
    bool is_right;

    if (data == NULL)
        return wsm_fail_memory(err, "password check");
    result = crypt_r(password, hash, data);
    is_right = result != NULL && result[0] != '*' && is_same_hash(result, hash);
    explicit_bzero(data, sizeof(*data));
    free(data);
    if (user == NULL)
        return wsm_fail(err, ERROR_LOGON_FAILURE, "unknown user");
    if (!is_right)
        return wsm_fail(err, ERROR_LOGON_FAILURE, "wrong password");
    *out_user = user;
    return true;
}
