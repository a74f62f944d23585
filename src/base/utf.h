/* Strict UTF-8 <-> UTF-16. Lone surrogates, overlong forms, code points above
 * U+10FFFF are errors, never replaced. */
#ifndef WSM_BASE_UTF_H
#define WSM_BASE_UTF_H

#include "base/error.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <uchar.h>

bool wsm_utf8_is_valid(struct wsm_span text);

/* Units before the NUL. */
size_t wsm_utf16_len(const char16_t *text);

/* `count` units to NUL-terminated UTF-8. *out_text is owned by the caller, free().
 * Fails with ERROR_OUTOFMEMORY, or ERROR_INVALID_PARAMETER naming `what` and the
 * position of the lone surrogate or embedded NUL. */
bool wsm_utf16_to_utf8(const char16_t *text, size_t count, const char *what, char **out_text,
                       struct wsm_error *err) WSM_MUST_CHECK;

/* UTF-8 to NUL-terminated UTF-16, owned by the caller, free(). out_count (may be
 * NULL) is without the NUL. Fails as above. */
bool wsm_utf8_to_utf16(struct wsm_span text, const char *what, char16_t **out_text,
                       size_t *out_count, struct wsm_error *err) WSM_MUST_CHECK;

#endif
