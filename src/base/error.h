/* The one error type. A function that can fail returns bool (or an owned
 * pointer), takes `struct wsm_error *err` last, and fills it exactly when it fails. */
#ifndef WSM_BASE_ERROR_H
#define WSM_BASE_ERROR_H

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

#define WSM_MUST_CHECK          __attribute__((warn_unused_result))
#define WSM_PRINTF(text, first) __attribute__((format(__printf__, text, first)))

/* code: a Win32 or WS-Management value of wsmerror.h, 0 = no error.
 * text: owned, freed by wsm_error_clear(); what failed and why, in English,
 * without a trailing dot. NULL where there was no memory for it or the code says
 * it all: wsm_error_text() then falls back on a static text. */
struct wsm_error {
    uint32_t code;
    char *text;
    struct wsm_error_origin *origin; /* owned; NULL = it arose here */
};

/* Where an error that came in a message arose, as far as the message says: else NULL. */
struct wsm_error_origin {
    const char *machine;  /* borrowed from the origin, like all below */
    const char *provider; /* the plug-in */
    const char *language; /* of the error's text */
    const char *redirect; /* where to go instead */
};

#define WSM_ERROR_INIT \
    {                  \
        0, NULL, NULL  \
    }

/* Fills err and returns false, so that `return wsm_fail(…)` raises and returns.
 * The first error wins: an err that is already filled stays as it is.
 * Needs no memory to succeed. err may be NULL (the caller does not care). */
bool wsm_fail(struct wsm_error *err, uint32_t code, const char *format, ...) WSM_PRINTF(3, 4);

/* Shorthand for an allocation that failed while making `what`. */
bool wsm_fail_memory(struct wsm_error *err, const char *what);

/* Copies the four texts, each empty = not known. Without memory for them there is no origin. */
void wsm_error_set_origin(struct wsm_error *err, struct wsm_span machine, struct wsm_span provider,
                          struct wsm_span language, struct wsm_span redirect);

/* Frees what it owns and makes err empty again. */
void wsm_error_clear(struct wsm_error *err);

/* Moves `from` into `to` (cleared first) and leaves `from` empty. */
void wsm_error_move(struct wsm_error *to, struct wsm_error *from);

/* Never NULL; borrowed until err changes. */
const char *wsm_error_text(const struct wsm_error *err);

#endif
