/* Strict UTF-8 and UTF-16. Any thread; no locale. */
#include "base/utf.h"

#include "wsmerror.h"

#include <stdint.h>
#include <stdlib.h>

/* Length of the run of ASCII at the start. */
static size_t ascii_run(const uint8_t *ptr, size_t len)
{
    size_t i = 0;

    for (; len - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
        uint64_t eight;

        memcpy(&eight, ptr + i, sizeof(eight));
        if ((eight & 0x8080808080808080U) != 0)
            break;
    }
    while (i < len && ptr[i] < 0x80)
        i++;
    return i;
}

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

/* Reads one character of two to four bytes. Its length, 0 = malformed.
 * Source: RFC 3629, section 4. */
static size_t decode_multibyte(const uint8_t *p, size_t len, uint32_t *out_code)
{
    uint32_t code;

    if (p[0] >= 0xc2 && p[0] <= 0xdf) { /* c0 and c1 would be overlong */
        if (len < 2 || !is_continuation(p[1]))
            return 0;
        *out_code = (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
        return 2;
    }
    if ((p[0] & 0xf0) == 0xe0) {
        if (len < 3 || !is_continuation(p[1]) || !is_continuation(p[2]))
            return 0;
        code = (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
        if (code < 0x800 || (code >= 0xd800 && code <= 0xdfff))
            return 0;
        *out_code = code;
        return 3;
    }
    if ((p[0] & 0xf8) == 0xf0) {
        if (len < 4 || !is_continuation(p[1]) || !is_continuation(p[2]) || !is_continuation(p[3]))
            return 0;
        code = (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3f) << 12 |
               (uint32_t)(p[2] & 0x3f) << 6 | (p[3] & 0x3f);
        if (code < 0x10000 || code > 0x10ffff)
            return 0;
        *out_code = code;
        return 4;
    }
    return 0;
}

bool wsm_utf8_is_valid(struct wsm_span text)
{
    size_t i = 0;

    while (i < text.len) {
        uint32_t code;
        size_t used;

        i += ascii_run(text.ptr + i, text.len - i);
        if (i == text.len)
            break;
        used = decode_multibyte(text.ptr + i, text.len - i, &code);
        if (used == 0)
            return false;
        i += used;
    }
    return true;
}

size_t wsm_utf16_len(const char16_t *text)
{
    size_t len = 0;

    while (text[len] != 0)
        len++;
    return len;
}

static bool is_high_surrogate(char16_t unit)
{
    return (unit & 0xfc00) == 0xd800;
}

static bool is_low_surrogate(char16_t unit)
{
    return (unit & 0xfc00) == 0xdc00;
}

/* Bytes of UTF-8 that the units need; false at a unit that cannot be converted. */
static bool measure_utf16(const char16_t *text, size_t count, size_t *out_len, size_t *out_bad)
{
    size_t len = 0;
    size_t i;

    for (i = 0; i < count; i++) {
        char16_t unit = text[i];

        *out_bad = i;
        if (unit == 0 || is_low_surrogate(unit))
            return false;
        if (is_high_surrogate(unit)) {
            if (i + 1 == count || !is_low_surrogate(text[i + 1]))
                return false;
            i++;
            len += 4;
        } else {
            len += unit < 0x80 ? 1 : unit < 0x800 ? 2 : 3;
        }
    }
    *out_len = len;
    return true;
}

static char *put_utf8(char *out, uint32_t code)
{
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xc0 | code >> 6);
        *out++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *out++ = (char)(0xe0 | code >> 12);
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    } else {
        *out++ = (char)(0xf0 | code >> 18);
        *out++ = (char)(0x80 | (code >> 12 & 0x3f));
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    }
    return out;
}

bool wsm_utf16_to_utf8(const char16_t *text, size_t count, const char *what, char **out_text,
                       struct wsm_error *err)
{
    size_t len = 0;
    size_t bad = 0;
    char *utf8;
    char *out;
    size_t i;

    if (count > (SIZE_MAX - 1) / 3)
        return wsm_fail_memory(err, what);
    if (!measure_utf16(text, count, &len, &bad))
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "%s: %s at position %zu", what,
                        text[bad] == 0 ? "NUL" : "lone surrogate", bad);
    utf8 = malloc(len + 1);
    if (utf8 == NULL)
        return wsm_fail_memory(err, what);
    for (i = 0, out = utf8; i < count; i++) {
        uint32_t code = text[i];

        if (is_high_surrogate(text[i])) {
            i++;
            code = 0x10000 + ((code & 0x3ff) << 10 | (text[i] & 0x3ffU));
        }
        out = put_utf8(out, code);
    }
    *out = '\0';
    *out_text = utf8;
    return true;
}

/* One stretch of ASCII, which may hold no NUL. */
static bool widen(const uint8_t *text, size_t len, char16_t *out)
{
    char16_t has_nul = 0;
    size_t i;

    for (i = 0; i < len; i++) {
        out[i] = text[i];
        has_nul |= (char16_t)(text[i] == 0);
    }
    return has_nul == 0;
}

/* `out` has room for text.len units. False at *out_bad. */
static bool fill_utf16(struct wsm_span text, char16_t *out, size_t *out_count, size_t *out_bad)
{
    size_t count = 0;
    size_t i = 0;

    while (i < text.len) {
        size_t run = ascii_run(text.ptr + i, text.len - i);
        uint32_t code;
        size_t used;

        if (!widen(text.ptr + i, run, out + count)) {
            *out_bad = i + strlen((const char *)text.ptr + i);
            return false;
        }
        i += run;
        count += run;
        if (i == text.len)
            break;
        used = decode_multibyte(text.ptr + i, text.len - i, &code);
        *out_bad = i;
        if (used == 0)
            return false;
        i += used;
        if (code >= 0x10000) {
            code -= 0x10000;
            out[count++] = (char16_t)(0xd800 | code >> 10);
            code = 0xdc00 | (code & 0x3ff);
        }
        out[count++] = (char16_t)code;
    }
    *out_count = count;
    return true;
}

bool wsm_utf8_to_utf16(struct wsm_span text, const char *what, char16_t **out_text,
                       size_t *out_count, struct wsm_error *err)
{
    size_t count = 0;
    size_t bad = 0;
    char16_t *utf16;

    if (text.len > SIZE_MAX / sizeof(*utf16) - 1)
        return wsm_fail_memory(err, what);
    utf16 = malloc((text.len + 1) * sizeof(*utf16));
    if (utf16 == NULL)
        return wsm_fail_memory(err, what);
    if (!fill_utf16(text, utf16, &count, &bad)) {
        free(utf16);
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "%s: %s at byte %zu", what,
                        text.ptr[bad] == 0 ? "NUL" : "not UTF-8", bad);
    }
    utf16[count] = 0;
    *out_text = utf16;
    if (out_count != NULL)
        *out_count = count;
    return true;
}
