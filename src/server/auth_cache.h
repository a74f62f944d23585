/* Log-ons that are known, and for a short time how they were proved. Basic comes with
 * every request and a good password hash costs milliseconds, so a success is remembered
 * under a keyed hash of name and password, as long as the users file stays the same. */
#ifndef WSM_SERVER_AUTH_CACHE_H
#define WSM_SERVER_AUTH_CACHE_H

#include "base/error.h"
#include "base/list.h"
#include "base/span.h"
#include "ipc/frame.h"

enum {
    WSM_AUTH_CACHE_MS = 60000, /* a success counts that long; a use does not prolong it */
    WSM_AUTH_CACHE_MAX = 256,  /* entries; the oldest goes */
    WSM_AUTH_KEY_LEN = 32,
};

/* A verified user. References: the cache entry, and every request that runs as him.
 * When the last goes, on_end tells the monitor to forget the token. */
struct wsm_logon {
    unsigned refs;
    char *user; /* owned */
    uint8_t token[WSM_TOKEN_LEN];
    void (*on_end)(void *context, const uint8_t token[WSM_TOKEN_LEN]);
    void *context; /* borrowed, longer than any log-on */
};

/* NULL without memory (on_end is not called then). */
struct wsm_logon *wsm_logon_new(struct wsm_span user, const uint8_t token[WSM_TOKEN_LEN],
                                void (*on_end)(void *context, const uint8_t token[WSM_TOKEN_LEN]),
                                void *context);
struct wsm_logon *wsm_logon_ref(struct wsm_logon *logon);
void wsm_logon_unref(struct wsm_logon *logon); /* accepts NULL */

/* Which users file a success was judged by. */
struct wsm_file_mark {
    uint64_t inode;
    int64_t mtime_ns;
};

struct wsm_auth_cache {
    uint8_t secret[WSM_AUTH_KEY_LEN]; /* of this process alone */
    struct wsm_list entries;          /* oldest first */
    size_t count;
};

/* `secret`: random bytes, copied. */
void wsm_auth_cache_init(struct wsm_auth_cache *cache, const uint8_t secret[WSM_AUTH_KEY_LEN]);
void wsm_auth_cache_clear(struct wsm_auth_cache *cache);

/* HMAC-SHA256 of name and password. */
bool wsm_auth_cache_key(const struct wsm_auth_cache *cache, struct wsm_span user,
                        struct wsm_span password, uint8_t out_key[WSM_AUTH_KEY_LEN],
                        struct wsm_error *err) WSM_MUST_CHECK;

/* Takes its own reference to the log-on. Without memory nothing is remembered. */
void wsm_auth_cache_add(struct wsm_auth_cache *cache, const uint8_t key[WSM_AUTH_KEY_LEN],
                        struct wsm_logon *logon, const struct wsm_file_mark *mark, int64_t now_ms);
/* Borrowed until the next call; NULL if it is not there, too old, or was judged by another file
 * than `mark` names (then it is forgotten). */
struct wsm_logon *wsm_auth_cache_find(struct wsm_auth_cache *cache,
                                      const uint8_t key[WSM_AUTH_KEY_LEN],
                                      const struct wsm_file_mark *mark, int64_t now_ms);
/* Forgets what is too old. */
void wsm_auth_cache_sweep(struct wsm_auth_cache *cache, int64_t now_ms);

#endif
