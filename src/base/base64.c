/* Base64, the parts that look at single characters: ends, padding, white space, and
 * everything where no wide step is known (base64_bulk.h). Any thread. */
#include "base/base64.h"

#include "base/base64_bulk.h"
#include "base/span.h"

static const uint8_t alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum {
    BAD = 0x80, /* no value has this bit, so that an OR over four values shows a bad one */
};

/* What a character stands for, or BAD. */
static const uint8_t value_of[256] = {
    /* clang-format off */
    128,128,128,128,128,128,128,128,128,128,128,128,128,128,128,128,
    128,128,128,128,128,128,128,128,128,128,128,128,128,128,128,128,
    128,128,128,128,128,128,128,128,128,128,128, 62,128,128,128, 63,
     52, 53, 54, 55, 56, 57, 58, 59, 60, 61,128,128,128,128,128,128,
    128,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14,
     15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,128,128,128,128,128,
    128, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
     41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51,128,128,128,128,128,
    128,128,128,128,128,128,128,128,128,128,128,128,128,128,128,128,
    128,128,128,128,128,128,128,128,128,128,128,128,128,128,128,128,
    128,128,128,128,128,128,128,128,128,128,128,128,128,128,128,128,
    128,128,128,128,128,128,128,128,128,128,128,128,128,128,128,128,
    128,128,128,128,128,128,128,128,128,128,128,128,128,128,128,128,
    128,128,128,128,128,128,128,128,128,128,128,128,128,128,128,128,
    128,128,128,128,128,128,128,128,128,128,128,128,128,128,128,128,
    128,128,128,128,128,128,128,128,128,128,128,128,128,128,128,128,
    /* clang-format on */
};

void wsm_base64_encode_scalar(const uint8_t *in, size_t count, uint8_t *out)
{
    size_t left = count;

    for (; left >= 3; left -= 3, in += 3, out += 4) {
        uint32_t bits = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];

        out[0] = alphabet[bits >> 18];
        out[1] = alphabet[bits >> 12 & 63];
        out[2] = alphabet[bits >> 6 & 63];
        out[3] = alphabet[bits & 63];
    }
    if (left == 0)
        return;
    out[0] = alphabet[in[0] >> 2];
    if (left == 1) {
        out[1] = alphabet[(in[0] & 3) << 4];
        out[2] = '=';
    } else {
        out[1] = alphabet[(in[0] & 3) << 4 | in[1] >> 4];
        out[2] = alphabet[(in[1] & 15) << 2];
    }
    out[3] = '=';
}

void wsm_base64_encode(const uint8_t *in, size_t count, uint8_t *out)
{
    size_t taken;

    if (count == 0)
        return; /* the pointers may be NULL */
    taken = wsm_base64_encode_bulk(in, count, out);
    wsm_base64_encode_scalar(in + taken, count - taken, out + taken / 3 * 4);
}

static inline void put_three(uint8_t *out, uint32_t bits)
{
    out[0] = (uint8_t)(bits >> 16);
    out[1] = (uint8_t)(bits >> 8);
    out[2] = (uint8_t)bits;
}

/* Groups of four without padding and white space; says how many characters it took. */
static size_t decode_groups(const uint8_t *in, size_t count, uint8_t *out)
{
    size_t i;

    for (i = 0; count - i >= 4; i += 4, out += 3) {
        uint32_t a = value_of[in[i]];
        uint32_t b = value_of[in[i + 1]];
        uint32_t c = value_of[in[i + 2]];
        uint32_t d = value_of[in[i + 3]];

        if (((a | b | c | d) & BAD) != 0)
            break;
        put_three(out, a << 18 | b << 12 | c << 6 | d);
    }
    return i;
}

/* The next up to four characters that are not white space; moves *inout_at past them. */
static size_t next_group(const uint8_t *in, size_t count, size_t *inout_at, uint8_t group[4])
{
    size_t at = *inout_at;
    size_t got = 0;

    for (; at < count && got < 4; at++) {
        if (!wsm_is_xml_space(in[at]))
            group[got++] = in[at];
    }
    *inout_at = at;
    return got;
}

/* One group that may be padded. How many bytes it gave, 0 = malformed. */
static size_t decode_group(const uint8_t group[4], uint8_t *out)
{
    uint32_t a = value_of[group[0]];
    uint32_t b = value_of[group[1]];
    uint32_t c = value_of[group[2]];
    uint32_t d = value_of[group[3]];

    if (((a | b) & BAD) != 0)
        return 0;
    if (group[2] == '=' && group[3] == '=') {
        if ((b & 15) != 0)
            return 0;
        out[0] = (uint8_t)(a << 2 | b >> 4);
        return 1;
    }
    if ((c & BAD) != 0)
        return 0;
    if (group[3] == '=') {
        if ((c & 3) != 0)
            return 0;
        out[0] = (uint8_t)(a << 2 | b >> 4);
        out[1] = (uint8_t)(b << 4 | c >> 2);
        return 2;
    }
    if ((d & BAD) != 0)
        return 0;
    put_three(out, a << 18 | b << 12 | c << 6 | d);
    return 3;
}

typedef size_t (*bulk_fn)(const uint8_t *in, size_t count, uint8_t *out);

/* Clean stretches go through `bulk`; then one group at a time over what stopped it. */
static inline bool decode_with(bulk_fn bulk, const uint8_t *in, size_t count, uint8_t *out,
                               size_t *out_len)
{
    uint8_t group[4];
    size_t at = 0;
    size_t len = 0;
    size_t got;

    while (at < count) { /* no arithmetic on pointers that may be NULL without characters */
        size_t taken = bulk(in + at, count - at, out + len);

        at += taken;
        len += taken / 4 * 3;
        got = next_group(in, count, &at, group);
        if (got == 0)
            break;
        if (got < 4)
            return false;
        got = decode_group(group, out + len);
        len += got;
        if (got == 0)
            return false;
        if (got < 3) {
            if (next_group(in, count, &at, group) != 0)
                return false; /* nothing may follow the padding */
            break;
        }
    }
    *out_len = len;
    return true;
}

static size_t decode_fast(const uint8_t *in, size_t count, uint8_t *out)
{
    size_t taken = wsm_base64_decode_bulk(in, count, out);

    return taken + decode_groups(in + taken, count - taken, out + taken / 4 * 3);
}

bool wsm_base64_decode_scalar(const uint8_t *in, size_t count, uint8_t *out, size_t *out_len)
{
    return decode_with(decode_groups, in, count, out, out_len);
}

bool wsm_base64_decode(const uint8_t *in, size_t count, uint8_t *out, size_t *out_len)
{
    return decode_with(decode_fast, in, count, out, out_len);
}
