/* GUIDs as text: 8-4-4-4-12 hexadecimal digits. */
#ifndef WSM_BASE_GUID_H
#define WSM_BASE_GUID_H

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

enum { WSM_GUID_LEN = 36 };

/* 36 characters and NUL. Keeps the spelling it was made from. */
struct wsm_guid {
    char text[WSM_GUID_LEN + 1];
};

/* Makes a version 4 GUID, upper case as Windows writes them, from 16 random bytes. */
void wsm_guid_from_random(const uint8_t random[16], struct wsm_guid *out);

/* Reads a GUID with or without "uuid:" (any case), braces and XML white space
 * around it; the spelling of the digits is kept. False: not a GUID. */
bool wsm_guid_parse(struct wsm_span text, struct wsm_guid *out) __attribute__((warn_unused_result));

/* Without regard to case. */
bool wsm_guid_equal(const struct wsm_guid *a, const struct wsm_guid *b);

#endif
