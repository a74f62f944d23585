/* GUIDs as text. Any thread; random bytes are the caller's. */
#include "base/guid.h"

static bool is_dash_position(size_t i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

static bool is_hex(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f') ||
           (byte >= 'A' && byte <= 'F');
}

void wsm_guid_from_random(const uint8_t random[16], struct wsm_guid *out)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t at = 0;
    size_t i;

    for (i = 0; i < 16; i++) {
        uint8_t byte = random[i];

        if (i == 6)
            byte = (uint8_t)((byte & 0x0f) | 0x40); /* version 4 */
        if (i == 8)
            byte = (uint8_t)((byte & 0x3f) | 0x80); /* variant of RFC 4122 */
        if (is_dash_position(at))
            out->text[at++] = '-';
        out->text[at++] = digits[byte >> 4];
        out->text[at++] = digits[byte & 15];
    }
    out->text[at] = '\0';
}

bool wsm_guid_parse(struct wsm_span text, struct wsm_guid *out)
{
    static const char prefix[] = "uuid:";
    const size_t prefix_len = sizeof(prefix) - 1;
    size_t i;

    text = wsm_span_trim(text);
    if (text.len > prefix_len && wsm_span_is_nocase(wsm_span_of(text.ptr, prefix_len), prefix))
        text = wsm_span_of(text.ptr + prefix_len, text.len - prefix_len);
    if (text.len == WSM_GUID_LEN + 2 && text.ptr[0] == '{' && text.ptr[text.len - 1] == '}')
        text = wsm_span_of(text.ptr + 1, WSM_GUID_LEN);
    if (text.len != WSM_GUID_LEN)
        return false;
    for (i = 0; i < WSM_GUID_LEN; i++) {
        if (is_dash_position(i) ? text.ptr[i] != '-' : !is_hex(text.ptr[i]))
            return false;
    }
    memcpy(out->text, text.ptr, WSM_GUID_LEN);
    out->text[WSM_GUID_LEN] = '\0';
    return true;
}

bool wsm_guid_equal(const struct wsm_guid *a, const struct wsm_guid *b)
{
    return wsm_span_is_nocase(wsm_span_str(a->text), b->text);
}
