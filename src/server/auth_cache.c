/* Remembered log-ons. The winrmd-net loop owns it; time comes as an argument. Failures
 * are never remembered, passwords never kept. */
#include "server/auth_cache.h"

#include "wsmerror.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    struct wsm_list node;
    uint8_t key[WSM_AUTH_KEY_LEN];
    struct wsm_logon *logon; /* owned reference */
    struct wsm_file_mark mark;
    int64_t ends_ms;
};

struct wsm_logon *wsm_logon_new(struct wsm_span user, const uint8_t token[WSM_TOKEN_LEN],
                                void (*on_end)(void *context, const uint8_t token[WSM_TOKEN_LEN]),
                                void *context)
{
    struct wsm_logon *logon = calloc(1, sizeof(*logon));

    if (logon == NULL)
        return NULL;
    logon->user = strndup((const char *)user.ptr, user.len);
    if (logon->user == NULL) {
        free(logon);
        return NULL;
    }
    logon->refs = 1;
    memcpy(logon->token, token, WSM_TOKEN_LEN);
    logon->on_end = on_end;
    logon->context = context;
    return logon;
}

struct wsm_logon *wsm_logon_ref(struct wsm_logon *logon)
{
    logon->refs++;
    return logon;
}

void wsm_logon_unref(struct wsm_logon *logon)
{
    if (logon == NULL || --logon->refs > 0)
        return;
    logon->on_end(logon->context, logon->token);
    explicit_bzero(logon->token, WSM_TOKEN_LEN);
    free(logon->user);
    free(logon);
}

void wsm_auth_cache_init(struct wsm_auth_cache *cache, const uint8_t secret[WSM_AUTH_KEY_LEN])
{
    memcpy(cache->secret, secret, WSM_AUTH_KEY_LEN);
    wsm_list_init(&cache->entries);
    cache->count = 0;
}

static void entry_remove(struct wsm_auth_cache *cache, struct entry *entry)
{
    wsm_list_remove(&entry->node);
    cache->count--;
    wsm_logon_unref(entry->logon);
    explicit_bzero(entry->key, sizeof(entry->key));
    free(entry);
}

static struct entry *oldest(struct wsm_auth_cache *cache)
{
    return WSM_CONTAINER_OF(cache->entries.next, struct entry, node);
}

void wsm_auth_cache_clear(struct wsm_auth_cache *cache)
{
    while (cache->count > 0)
        entry_remove(cache, oldest(cache));
    explicit_bzero(cache->secret, sizeof(cache->secret));
}

bool wsm_auth_cache_key(const struct wsm_auth_cache *cache, struct wsm_span user,
                        struct wsm_span password, uint8_t out_key[WSM_AUTH_KEY_LEN],
                        struct wsm_error *err)
{
    uint8_t text[4096];
    unsigned len = WSM_AUTH_KEY_LEN;
    bool ok;

    if (user.len + password.len + 1 > sizeof(text))
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "credentials: longer than %zu bytes",
                        sizeof(text));
    memcpy(text, user.ptr, user.len);
    text[user.len] = '\0'; /* in neither of them */
    if (password.len > 0)
        memcpy(text + user.len + 1, password.ptr, password.len);
    ok = HMAC(EVP_sha256(), cache->secret, WSM_AUTH_KEY_LEN, text, user.len + password.len + 1,
              out_key, &len) != NULL;
    explicit_bzero(text, sizeof(text));
    return ok ? true : wsm_fail(err, ERROR_INTERNAL_ERROR, "credentials: HMAC failed");
}

void wsm_auth_cache_sweep(struct wsm_auth_cache *cache, int64_t now_ms)
{
    while (cache->count > 0 && oldest(cache)->ends_ms <= now_ms)
        entry_remove(cache, oldest(cache));
}

static struct entry *find(struct wsm_auth_cache *cache, const uint8_t key[WSM_AUTH_KEY_LEN])
{
    struct wsm_list *node;

    WSM_LIST_FOREACH (node, &cache->entries) {
        struct entry *entry = WSM_CONTAINER_OF(node, struct entry, node);

        if (CRYPTO_memcmp(entry->key, key, WSM_AUTH_KEY_LEN) == 0)
            return entry;
    }
    return NULL;
}

void wsm_auth_cache_add(struct wsm_auth_cache *cache, const uint8_t key[WSM_AUTH_KEY_LEN],
                        struct wsm_logon *logon, const struct wsm_file_mark *mark, int64_t now_ms)
{
    struct entry *entry = find(cache, key);

    if (entry != NULL)
        entry_remove(cache, entry);
    wsm_auth_cache_sweep(cache, now_ms);
    if (cache->count == WSM_AUTH_CACHE_MAX)
        entry_remove(cache, oldest(cache));
    entry = calloc(1, sizeof(*entry));
    if (entry == NULL)
        return;
    memcpy(entry->key, key, WSM_AUTH_KEY_LEN);
    entry->logon = wsm_logon_ref(logon);
    entry->mark = *mark;
    entry->ends_ms = now_ms + WSM_AUTH_CACHE_MS;
    wsm_list_add(&cache->entries, &entry->node);
    cache->count++;
}

struct wsm_logon *wsm_auth_cache_find(struct wsm_auth_cache *cache,
                                      const uint8_t key[WSM_AUTH_KEY_LEN],
                                      const struct wsm_file_mark *mark, int64_t now_ms)
{
    struct entry *entry;

    wsm_auth_cache_sweep(cache, now_ms);
    entry = find(cache, key);
    if (entry == NULL)
        return NULL;
    if (entry->mark.inode != mark->inode || entry->mark.mtime_ns != mark->mtime_ns) {
        entry_remove(cache, entry);
        return NULL;
    }
    return entry->logon;
}
