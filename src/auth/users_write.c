/* The users file, writing side: `winrmd-auth user add`. One process at a time, by a lock
 * on PATH.lock (the file itself is replaced, so a lock on it would guard nothing). */
#include "auth/users.h"

#include "auth/users_file.h"
#include "wsmerror.h"

#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static bool hash_password(const char *password, char **out_hash, struct wsm_error *err)
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    struct crypt_data *data = calloc(1, sizeof(*data));
    const char *result;
    char *hash = NULL;

    if (data == NULL)
        return wsm_fail_memory(err, "password hash");
    /* NULL prefix, cost 0: the library's best method, with random salt of its own. */
    if (crypt_gensalt_rn(NULL, 0, NULL, 0, setting, sizeof(setting)) == NULL) {
        wsm_fail(err, ERROR_INTERNAL_ERROR, "crypt_gensalt: %s", strerror(errno));
        goto out;
    }
    result = crypt_r(password, setting, data);
    if (result == NULL || result[0] == '*') {
        wsm_fail(err, ERROR_INTERNAL_ERROR, "crypt: %s", strerror(errno));
        goto out;
    }
    hash = strdup(result);
    if (hash == NULL)
        wsm_fail_memory(err, "password hash");
out:
    explicit_bzero(data, sizeof(*data));
    free(data);
    if (hash == NULL)
        return false;
    *out_hash = hash;
    return true;
}

static bool check_password(const char *password, struct wsm_error *err)
{
    size_t len = strlen(password);

    if (len == 0)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "the password is empty");
    if (len > WSM_USER_PASSWORD_MAX)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "the password is longer than %d bytes",
                        WSM_USER_PASSWORD_MAX);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)password[i] < 0x20 || password[i] == 0x7f)
            return wsm_fail(err, ERROR_INVALID_PARAMETER,
                            "the password holds a control character, which Basic cannot carry");
    return true;
}

/* Folders above `path` that are missing, as for ~/.config/winrmd/users of a new user. */
static bool make_parents(const char *path, struct wsm_error *err)
{
    char *copy = strdup(path);
    bool ok = true;

    if (copy == NULL)
        return wsm_fail_memory(err, "users file");
    for (char *slash = strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(copy, 0700) != 0 && errno != EEXIST) {
            ok = wsm_fail(err, ERROR_ACCESS_DENIED, "folder %s: %s", copy, strerror(errno));
            break;
        }
        *slash = '/';
    }
    free(copy);
    return ok;
}

/* Waits for another writer. The lock goes with the descriptor. */
static bool lock_file(const char *path, int *out_fd, struct wsm_error *err)
{
    char *lock_path = NULL;
    int fd;

    if (asprintf(&lock_path, "%s.lock", path) < 0)
        return wsm_fail_memory(err, "users file");
    fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || flock(fd, LOCK_EX) != 0) {
        wsm_fail(err, ERROR_ACCESS_DENIED, "%s: %s", lock_path, strerror(errno));
        if (fd >= 0)
            close(fd);
        free(lock_path);
        return false;
    }
    free(lock_path);
    *out_fd = fd;
    return true;
}

static void append_user(struct wsm_buf *out, struct wsm_span name, const char *hash)
{
    wsm_buf_append_span(out, name);
    wsm_buf_append_byte(out, ':');
    wsm_buf_append_str(out, hash);
    wsm_buf_append_byte(out, '\n');
}

/* The users of the old text, and whether `user` is to be one more. */
static bool check_old(struct wsm_span old, const char *path, struct wsm_span user, bool *out_is_new,
                      struct wsm_error *err)
{
    struct wsm_users users = { 0 };
    bool ok = wsm_users_parse(&users, old, path, err);
    bool is_new = ok && wsm_users_find(&users, user) == NULL;

    if (is_new && users.count == WSM_USERS_MAX)
        ok = wsm_fail(err, ERROR_INVALID_PARAMETER, "users file %s: holds %d users, no more fit",
                      path, WSM_USERS_MAX);
    wsm_users_clear(&users);
    if (ok)
        *out_is_new = is_new;
    return ok;
}

bool wsm_users_merge(struct wsm_span old, const char *path, struct wsm_span user, const char *hash,
                     struct wsm_buf *out, bool *out_is_new, struct wsm_error *err)
{
    struct wsm_span line, name, unused;
    bool is_new;

    if (!check_old(old, path, user, &is_new, err))
        return false;
    while (wsm_users_line_next(&old, &line)) {
        if (!is_new && wsm_users_line_parse(line, &name, &unused, NULL) &&
            wsm_span_equal(name, user)) {
            append_user(out, user, hash);
        } else {
            wsm_buf_append_span(out, line);
            wsm_buf_append_byte(out, '\n');
        }
    }
    if (is_new)
        append_user(out, user, hash);
    if (!wsm_buf_ok(out))
        return wsm_fail_memory(err, "users file");
    if (out->len > WSM_USERS_FILE_MAX)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "users file %s: larger than %d bytes", path,
                        WSM_USERS_FILE_MAX);
    *out_is_new = is_new;
    return true;
}

static bool write_fd(int fd, struct wsm_span text)
{
    while (text.len > 0) {
        ssize_t count = write(fd, text.ptr, text.len);

        if (count < 0 && errno != EINTR)
            return false;
        if (count > 0) {
            text.ptr += count;
            text.len -= (size_t)count;
        }
    }
    return fsync(fd) == 0;
}

static bool replace_file(const char *path, struct wsm_span text, struct wsm_error *err)
{
    char *temporary = NULL;
    bool ok = false;
    int fd;

    if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
        return wsm_fail_memory(err, "users file");
    fd = mkostemp(temporary, O_CLOEXEC); /* mode 0600 */
    if (fd < 0) {
        wsm_fail(err, ERROR_ACCESS_DENIED, "%s: %s", temporary, strerror(errno));
        goto out;
    }
    if (!write_fd(fd, text) || rename(temporary, path) != 0) {
        wsm_fail(err, ERROR_ACCESS_DENIED, "users file %s: %s", path, strerror(errno));
        unlink(temporary);
        goto out;
    }
    ok = true;
out:
    if (fd >= 0)
        close(fd);
    free(temporary);
    return ok;
}

bool wsm_users_set(const char *path, const char *name, const char *password, bool *out_is_new,
                   struct wsm_error *err)
{
    struct wsm_buf old = WSM_BUF_INIT, merged = WSM_BUF_INIT;
    struct wsm_error why = WSM_ERROR_INIT;
    struct stat st;
    char *hash = NULL;
    int lock_fd = -1;
    bool is_new = false, ok = false;

    if (!wsm_user_name_check(wsm_span_str(name), err) || !check_password(password, err) ||
        !hash_password(password, &hash, err))
        return false;
    if (!make_parents(path, err) || !lock_file(path, &lock_fd, err))
        goto out;
    if (!wsm_users_file_read(path, &old, &st, &why) && why.code != ERROR_FILE_NOT_FOUND) {
        wsm_error_move(err, &why);
        goto out;
    }
    if (!wsm_users_merge(wsm_buf_span(&old), path, wsm_span_str(name), hash, &merged, &is_new,
                         err) ||
        !replace_file(path, wsm_buf_span(&merged), err))
        goto out;
    *out_is_new = is_new;
    ok = true;
out:
    wsm_error_clear(&why);
    if (lock_fd >= 0)
        close(lock_fd);
    explicit_bzero(hash, strlen(hash));
    free(hash);
    wsm_buf_wipe(&old);
    wsm_buf_wipe(&merged);
    return ok;
}
