/* Base64 where no wide step is known: base64.c does everything. Any thread. */
#include "base/base64_bulk.h"

size_t wsm_base64_encode_bulk(const uint8_t *in, size_t count, uint8_t *out)
{
    (void)in;
    (void)count;
    (void)out;
    return 0;
}

size_t wsm_base64_decode_bulk(const uint8_t *in, size_t count, uint8_t *out)
{
    (void)in;
    (void)count;
    (void)out;
    return 0;
}
