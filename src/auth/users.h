/* The users file: lines NAME:HASH with crypt(3) hashes, `#` comments. Who may log on with
 * a password. Reading is strict: one malformed line and the whole file is refused. */
#ifndef WSM_AUTH_USERS_H
#define WSM_AUTH_USERS_H

#include "auth/user_name.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    WSM_USER_PASSWORD_MAX = 511, /* bytes; the most that crypt(3) takes */
    WSM_USERS_MAX = 4096,        /* users */
};

/* A user; both texts owned by the table, NUL-terminated. */
struct wsm_user {
    char *name;
    char *hash;
};

/* The file as it was read last. Embedded; empty when zeroed. */
struct wsm_users {
    struct wsm_user *users; /* owned, `count` of them */
    size_t count;
    bool is_loaded; /* the following describe the file that `users` came from */
    uint64_t inode;
    int64_t mtime_ns;
    int64_t size_bytes;
};

/* Looks at the file and reads it again if it is another one than last time (inode,
 * modification time, size). Fails, forgetting what was known, if the file cannot be
 * opened, is no regular file, is not owned by root or the caller's user, gives rights
 * to group or others, or is malformed (the error names the line). */
bool wsm_users_refresh(struct wsm_users *users, const char *path,
                       struct wsm_error *err) WSM_MUST_CHECK;
void wsm_users_clear(struct wsm_users *users);
/* Adds the users of the file's text to `users`. Failing, which names `path` and the line, it
 * leaves some of them there. */
bool wsm_users_parse(struct wsm_users *users, struct wsm_span text, const char *path,
                     struct wsm_error *err) WSM_MUST_CHECK;

/* Borrowed until the next refresh; NULL if unknown. */
const struct wsm_user *wsm_users_find(const struct wsm_users *users, struct wsm_span name);

/* Is this the user's password? Costs the same time for an unknown name. False with
 * ERROR_LOGON_FAILURE and a reason for the log. *out_user is borrowed until refresh. */
bool wsm_users_check(const struct wsm_users *users, struct wsm_span name, const char *password,
                     const struct wsm_user **out_user, struct wsm_error *err) WSM_MUST_CHECK;

/* Adds the user or gives it a new password (not empty, at most 511 bytes). All other
 * lines stay as they are. The file is made, with mode 0600, if there is none (missing
 * folders with 0700), replaced in one step, and locked against a second writer by
 * PATH.lock. *out_is_new says which of the two it was. */
bool wsm_users_set(const char *path, const char *name, const char *password, bool *out_is_new,
                   struct wsm_error *err) WSM_MUST_CHECK;

/* Appends the old text with the user's line replaced, or a line added at the end: never a file
 * that reading would refuse. Failing, it leaves *out half done. */
bool wsm_users_merge(struct wsm_span old, const char *path, struct wsm_span user, const char *hash,
                     struct wsm_buf *out, bool *out_is_new, struct wsm_error *err) WSM_MUST_CHECK;

#endif
