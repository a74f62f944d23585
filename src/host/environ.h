/* The environment of commands: strings NAME=VALUE, later ones replace earlier ones.
 * Pure; the host's only thread. */
#ifndef WSM_HOST_ENVIRON_H
#define WSM_HOST_ENVIRON_H

#include "base/error.h"
#include "base/span.h"

#include <stddef.h>

enum { WSM_ENVIRON_MAX = 4096 }; /* variables; their bytes are limited by the message */

/* entries: owned strings, the last one NULL; NULL while empty. */
struct wsm_environ {
    char **entries;
    size_t count;
    size_t cap;
};

#define WSM_ENVIRON_INIT \
    {                    \
        NULL, 0, 0       \
    }

void wsm_environ_clear(struct wsm_environ *environment);
/* entry: NAME=VALUE, NAME not empty, no NUL; copied. */
bool wsm_environ_set(struct wsm_environ *environment, struct wsm_span entry,
                     struct wsm_error *err) WSM_MUST_CHECK;
/* Borrowed until the next change; NULL if there is no such variable. */
const char *wsm_environ_get(const struct wsm_environ *environment, const char *name);

/* What every command gets: PATH, HOME, USER, LOGNAME, SHELL as `inherited` (NULL-ended) has
 * them, LANG for code page 65001, then the shell's own (a list of wsm_strings). */
bool wsm_environ_make(const char *const *inherited, uint32_t code_page, struct wsm_span own,
                      struct wsm_environ *out, struct wsm_error *err) WSM_MUST_CHECK;

#endif
