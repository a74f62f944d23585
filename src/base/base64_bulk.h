/* The part of base64 that the processor can do in wide steps; base64.c does the rest.
 * One of base64_avx2.c and base64_plain.c is built. */
#ifndef WSM_BASE_BASE64_BULK_H
#define WSM_BASE_BASE64_BULK_H

#include <stddef.h>
#include <stdint.h>

/* Encodes a multiple of 3 bytes from the start of `in`, says how many; 0 is a valid answer. */
size_t wsm_base64_encode_bulk(const uint8_t *in, size_t count, uint8_t *out);

/* Decodes a multiple of 4 characters from the start of `in`, says how many; stops before
 * the first step with anything but the 64 characters in it. `out` may be at or before `in`
 * in the same memory, else it has room for count / 4 * 3 bytes. */
size_t wsm_base64_decode_bulk(const uint8_t *in, size_t count, uint8_t *out);

#endif
