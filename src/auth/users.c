/* The users file, reading side: finds users and checks passwords. winrmd-auth; the check
 * blocks for as long as the hash takes. Does not write the file (users_write.c). */
#include "auth/users.h"

#include "auth/users_file.h"
#include "wsmerror.h"

#include <crypt.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Spends the time of a check where there is no user to take a hash from: the default of
 * Debian 12 (yescrypt, cost 5), of a password that nobody knows. */
static const char DUMMY_HASH[] =
    "$y$j9T$215RskD06K.yo1056pvWE0$UOMSARvAYdhi7q0IDnTgUN/r/iZoiB8SZeTZIKfm1F.";

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

bool wsm_users_parse(struct wsm_users *users, struct wsm_span text, const char *path,
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
    if (!wsm_users_file_read(path, &text, &st, err) ||
        !wsm_users_parse(users, wsm_buf_span(&text), path, err))
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
