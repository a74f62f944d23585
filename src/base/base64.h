/* Base64 (RFC 4648, standard alphabet, padded). AVX2 where the processor has it,
 * chosen at run time, scalar elsewhere; both give the same bytes. */
#ifndef WSM_BASE_BASE64_H
#define WSM_BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Characters that `count` bytes need, padding included. */
static inline size_t wsm_base64_encoded_len(size_t count)
{
    return (count + 2) / 3 * 4;
}

/* Writes wsm_base64_encoded_len(count) characters to `out`, no NUL, no line breaks. */
void wsm_base64_encode(const uint8_t *in, size_t count, uint8_t *out);

/* Decodes `count` characters to `out`, which may be `in` itself (in place) and has
 * room for count / 4 * 3 bytes. XML white space between characters is skipped.
 * Padding is required and nothing may follow it; the unused bits before it must be
 * zero. False on anything else; `out` is then undefined. */
bool wsm_base64_decode(const uint8_t *in, size_t count, uint8_t *out, size_t *out_len)
    __attribute__((warn_unused_result));

/* For the test that compares both and for benches: the scalar forms. */
void wsm_base64_encode_scalar(const uint8_t *in, size_t count, uint8_t *out);
bool wsm_base64_decode_scalar(const uint8_t *in, size_t count, uint8_t *out, size_t *out_len)
    __attribute__((warn_unused_result));

#endif
