/* The environment of commands. Pure; the host's only thread. Does not touch the process's
 * own environment. */
#include "host/environ.h"

#include "ipc/frame.h"
#include "wsmerror.h"

#include <stdlib.h>
#include <string.h>

enum { CODE_PAGE_UTF8 = 65001, ENTRIES_FIRST = 16 };

void wsm_environ_clear(struct wsm_environ *environment)
{
    for (size_t i = 0; i < environment->count; i++)
        free(environment->entries[i]);
    free(environment->entries);
    *environment = (struct wsm_environ)WSM_ENVIRON_INIT;
}

/* Index of the entry whose name is the first name_len bytes of `name`; count if none. */
static size_t find(const struct wsm_environ *environment, const char *name, size_t name_len)
{
    size_t i = 0;

    while (i < environment->count && (strncmp(environment->entries[i], name, name_len) != 0 ||
                                      environment->entries[i][name_len] != '='))
        i++;
    return i;
}

static bool grow(struct wsm_environ *environment, struct wsm_error *err)
{
    size_t cap = environment->cap == 0 ? ENTRIES_FIRST : environment->cap * 2;
    char **entries;

    if (environment->count + 1 < environment->cap)
        return true;
    entries = realloc(environment->entries, cap * sizeof(*entries));
    if (entries == NULL)
        return wsm_fail_memory(err, "environment");
    environment->entries = entries;
    environment->cap = cap;
    return true;
}

bool wsm_environ_set(struct wsm_environ *environment, struct wsm_span entry, struct wsm_error *err)
{
    const uint8_t *equals = entry.len == 0 ? NULL : memchr(entry.ptr, '=', entry.len);
    size_t at;
    char *text;

    if (equals == NULL || equals == entry.ptr || memchr(entry.ptr, 0, entry.len) != NULL)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "environment: '%.*s' is not NAME=VALUE",
                        (int)(entry.len < 64 ? entry.len : 64), (const char *)entry.ptr);
    text = strndup((const char *)entry.ptr, entry.len);
    if (text == NULL)
        return wsm_fail_memory(err, "environment");
    at = find(environment, text, (size_t)(equals - entry.ptr));
    if (at < environment->count) {
        free(environment->entries[at]);
        environment->entries[at] = text;
        return true;
    }
    if (at == WSM_ENVIRON_MAX)
        wsm_fail(err, ERROR_INVALID_PARAMETER, "environment: more than %d variables",
                 WSM_ENVIRON_MAX);
    if (at == WSM_ENVIRON_MAX || !grow(environment, err)) {
        free(text);
        return false;
    }
    environment->entries[environment->count++] = text;
    environment->entries[environment->count] = NULL;
    return true;
}

const char *wsm_environ_get(const struct wsm_environ *environment, const char *name)
{
    size_t at = find(environment, name, strlen(name));

    return at == environment->count ? NULL : environment->entries[at] + strlen(name) + 1;
}

static bool is_handed_on(const char *entry)
{
    static const char *const names[] = { "PATH=", "HOME=", "USER=", "LOGNAME=", "SHELL=" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strncmp(entry, names[i], strlen(names[i])) == 0)
            return true;
    }
    return false;
}

bool wsm_environ_make(const char *const *inherited, uint32_t code_page, struct wsm_span own,
                      struct wsm_environ *out, struct wsm_error *err)
{
    struct wsm_environ made = WSM_ENVIRON_INIT;
    const char *entry;
    bool ok = grow(&made, err);

    if (ok)
        made.entries[0] = NULL;
    for (size_t i = 0; ok && inherited[i] != NULL; i++) {
        if (is_handed_on(inherited[i]))
            ok = wsm_environ_set(&made, wsm_span_str(inherited[i]), err);
    }
    if (ok && code_page == CODE_PAGE_UTF8)
        ok = wsm_environ_set(&made, wsm_span_str("LANG=C.UTF-8"), err);
    if (ok && !wsm_strings_are_valid(own))
        ok = wsm_fail(err, ERROR_INVALID_PARAMETER, "environment: not a list of strings");
    while (ok && wsm_strings_next(&own, &entry))
        ok = wsm_environ_set(&made, wsm_span_str(entry), err);
    if (!ok) {
        wsm_environ_clear(&made);
        return false;
    }
    *out = made;
    return true;
}
