/* Frames and the payloads of messages: encoding and checks, no I/O. Used by any thread
 * of any of our processes; keeps no state. */
#include "ipc/frame.h"

static const uint16_t known_flags = WSM_FRAME_FLAG_IGNORABLE | WSM_FRAME_FLAG_MORE;

static void put_little(uint8_t *out, uint64_t value, size_t width)
{
    for (size_t i = 0; i < width; i++)
        out[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get_little(const uint8_t *in, size_t width)
{
    uint64_t value = 0;

    for (size_t i = 0; i < width; i++)
        value |= (uint64_t)in[i] << (8 * i);
    return value;
}

enum wsm_parse wsm_frame_parse(struct wsm_span packet, struct wsm_frame *out)
{
    uint16_t type;
    uint16_t flags;

    if (packet.len < WSM_FRAME_HEADER || packet.len > WSM_FRAME_MAX)
        return WSM_PARSE_BAD;
    type = (uint16_t)get_little(packet.ptr, 2);
    flags = (uint16_t)get_little(packet.ptr + 2, 2);
    if (type == 0 || (flags & ~known_flags) != 0)
        return WSM_PARSE_BAD;
    if (get_little(packet.ptr + 4, 4) != packet.len - WSM_FRAME_HEADER)
        return WSM_PARSE_BAD;
    out->type = type;
    out->flags = flags;
    out->payload = wsm_span_of(packet.ptr + WSM_FRAME_HEADER, packet.len - WSM_FRAME_HEADER);
    return WSM_PARSE_DONE;
}

void wsm_frame_header_write(uint8_t out[WSM_FRAME_HEADER], uint16_t type, uint16_t flags,
                            uint32_t payload_len)
{
    put_little(out, type, 2);
    put_little(out + 2, flags, 2);
    put_little(out + 4, payload_len, 4);
}

/* Bytes of a fixed-width field; of a span its length prefix. */
static size_t field_width(enum wsm_field_kind kind)
{
    switch (kind) {
    case WSM_FIELD_U8:
        return 1;
    case WSM_FIELD_U32:
    case WSM_FIELD_SPAN:
        return 4;
    case WSM_FIELD_U64:
    case WSM_FIELD_I64:
        return 8;
    case WSM_FIELD_TOKEN:
        break;
    }
    return WSM_TOKEN_LEN;
}

static void span_write(struct wsm_buf *out, struct wsm_span span)
{
    uint8_t length[4];

    if (span.len > WSM_MESSAGE_MAX) {
        out->failed = true; /* cannot be sent anyway, and must not wrap its length */
        return;
    }
    put_little(length, span.len, sizeof(length));
    wsm_buf_append(out, length, sizeof(length));
    wsm_buf_append_span(out, span);
}

static void integer_write(struct wsm_buf *out, const uint8_t *field, enum wsm_field_kind kind)
{
    uint8_t bytes[8];
    uint64_t value;
    uint32_t narrow;

    if (kind == WSM_FIELD_U8) {
        value = *field;
    } else if (kind == WSM_FIELD_U32) {
        memcpy(&narrow, field, sizeof(narrow));
        value = narrow;
    } else {
        memcpy(&value, field, sizeof(value));
    }
    put_little(bytes, value, field_width(kind));
    wsm_buf_append(out, bytes, field_width(kind));
}

/* Payload bytes of *message. */
static size_t message_size(const struct wsm_message_type *type, const void *message)
{
    size_t size = 0;

    for (size_t i = 0; i < type->field_count; i++) {
        struct wsm_span span;

        size += field_width(type->fields[i].kind);
        if (type->fields[i].kind == WSM_FIELD_SPAN) {
            memcpy(&span, (const uint8_t *)message + type->fields[i].offset, sizeof(span));
            size += span.len > WSM_MESSAGE_MAX ? 0 : span.len; /* that one fails below */
        }
    }
    return size;
}

void wsm_message_write(struct wsm_buf *out, const struct wsm_message_type *type,
                       const void *message)
{
    if (!wsm_buf_reserve(out, message_size(type, message))) /* once: no copies of secrets */
        return;
    for (size_t i = 0; i < type->field_count; i++) {
        const uint8_t *field = (const uint8_t *)message + type->fields[i].offset;
        struct wsm_span span;

        switch (type->fields[i].kind) {
        case WSM_FIELD_SPAN:
            memcpy(&span, field, sizeof(span));
            span_write(out, span);
            break;
        case WSM_FIELD_TOKEN:
            wsm_buf_append(out, field, WSM_TOKEN_LEN);
            break;
        default:
            integer_write(out, field, type->fields[i].kind);
            break;
        }
    }
}

static void integer_read(const uint8_t *in, enum wsm_field_kind kind, uint8_t *field)
{
    uint64_t value = get_little(in, field_width(kind));
    uint32_t narrow = (uint32_t)value;

    if (kind == WSM_FIELD_U8)
        *field = (uint8_t)value;
    else if (kind == WSM_FIELD_U32)
        memcpy(field, &narrow, sizeof(narrow));
    else
        memcpy(field, &value, sizeof(value));
}

/* Reads one field from the start of *rest and moves *rest behind it. */
static bool field_read(struct wsm_span *rest, enum wsm_field_kind kind, uint8_t *field)
{
    size_t width = field_width(kind);
    struct wsm_span span;

    if (rest->len < width)
        return false;
    if (kind == WSM_FIELD_SPAN) {
        span = wsm_span_of(rest->ptr + width, get_little(rest->ptr, width));
        if (span.len > rest->len - width)
            return false;
        memcpy(field, &span, sizeof(span));
        width += span.len;
    } else if (kind == WSM_FIELD_TOKEN) {
        memcpy(field, rest->ptr, WSM_TOKEN_LEN);
    } else {
        integer_read(rest->ptr, kind, field);
    }
    *rest = wsm_span_of(rest->ptr + width, rest->len - width);
    return true;
}

bool wsm_message_parse(const struct wsm_message_type *type, struct wsm_span payload, void *out)
{
    for (size_t i = 0; i < type->field_count; i++) {
        uint8_t *field = (uint8_t *)out + type->fields[i].offset;

        if (!field_read(&payload, type->fields[i].kind, field))
            return false;
    }
    return payload.len == 0;
}

void wsm_strings_add(struct wsm_buf *list, struct wsm_span text)
{
    wsm_buf_append_span(list, text);
    wsm_buf_append_byte(list, 0);
}

bool wsm_strings_next(struct wsm_span *list, const char **out_text)
{
    const uint8_t *end;

    if (list->len == 0)
        return false;
    end = memchr(list->ptr, 0, list->len);
    if (end == NULL)
        return false;
    *out_text = (const char *)list->ptr;
    *list = wsm_span_of(end + 1, list->len - (size_t)(end + 1 - list->ptr));
    return true;
}

bool wsm_strings_are_valid(struct wsm_span list)
{
    return list.len == 0 || list.ptr[list.len - 1] == 0;
}
