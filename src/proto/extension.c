/* What our client and our service say to each other beyond MS-WSMV. Pure; who is announced,
 * and what an offset means, is not decided here. */
#include "proto/extension.h"

#include "wsmerror.h"

uint32_t wsm_extension_announced(const struct wsm_envelope *env)
{
    const struct wsm_option *option = wsm_envelope_option(env, WSM_OPTION_CLIENT);
    uint64_t version;

    if (option == NULL || !wsm_xml_number_parse(option->value, UINT64_MAX, &version))
        return 0;
    return version > WSM_EXTENSION_VERSION ? WSM_EXTENSION_VERSION : (uint32_t)version;
}

bool wsm_extension_takeover(const struct wsm_envelope *env, bool *out, struct wsm_error *err)
{
    const struct wsm_option *option = wsm_envelope_option(env, WSM_OPTION_TAKEOVER);
    bool takes_over = false;

    if (option != NULL && !wsm_xml_bool_parse(option->value, &takes_over))
        return wsm_fail(err, ERROR_WSMAN_INVALID_OPTIONS,
                        "option " WSM_OPTION_TAKEOVER ": neither true nor false");
    *out = takes_over;
    return true;
}

void wsm_extension_mark_write(struct wsm_buf *out)
{
    wsm_buf_printf(out, "<Extensions xmlns=\"" WSM_NS_EXTENSION "\" Version=\"%d\"/>",
                   WSM_EXTENSION_VERSION);
}

uint32_t wsm_extension_mark_find(const struct wsm_xml_node *parent)
{
    const struct wsm_xml_node *mark;
    struct wsm_span text;
    uint64_t version;

    mark = parent == NULL ? NULL : wsm_xml_child(parent, WSM_NS_EXTENSION, "Extensions");
    if (mark == NULL || !wsm_xml_attr(mark, NULL, "Version", &text) ||
        !wsm_xml_number_parse(text, UINT32_MAX, &version))
        return 0;
    return (uint32_t)version;
}

void wsm_from_write(struct wsm_buf *out, const struct wsm_from *entries, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        if (i > 0)
            wsm_buf_append_byte(out, ' ');
        wsm_buf_append_span(out, entries[i].stream);
        wsm_buf_printf(out, "=%llu:%llu", (unsigned long long)entries[i].confirmed,
                       (unsigned long long)entries[i].start);
    }
}

/* The next run of bytes that are no blanks, cut off the front of *text. Empty at its end. */
static struct wsm_span take_word(struct wsm_span *text)
{
    struct wsm_span word = wsm_span_trim(*text);
    size_t len = 0;

    if (word.len == 0)
        return word;
    while (len < word.len && !wsm_is_xml_space(word.ptr[len]))
        len++;
    *text = wsm_span_of(word.ptr + len, word.len - len);
    return wsm_span_of(word.ptr, len);
}

/* Cuts *text at the first `byte`, which is left out. */
static bool split(struct wsm_span *text, char byte, struct wsm_span *out_rest)
{
    const uint8_t *at = text->len == 0 ? NULL : memchr(text->ptr, byte, text->len);
    size_t before;

    if (at == NULL)
        return false;
    before = (size_t)(at - text->ptr);
    *out_rest = wsm_span_of(at + 1, text->len - before - 1);
    text->len = before;
    return true;
}

static bool parse_entry(struct wsm_span word, struct wsm_from *out)
{
    struct wsm_span confirmed;
    struct wsm_span start;

    if (!split(&word, '=', &confirmed) || !split(&confirmed, ':', &start) ||
        !wsm_xml_number_parse(confirmed, UINT64_MAX, &out->confirmed) ||
        !wsm_xml_number_parse(start, UINT64_MAX, &out->start))
        return false;
    out->stream = word;
    return word.len > 0 && word.len <= WSM_STREAM_NAME_MAX && out->confirmed <= out->start;
}

bool wsm_from_parse(struct wsm_span value, struct wsm_from *entries, size_t *out_count,
                    struct wsm_error *err)
{
    struct wsm_from read[WSM_FROM_STREAMS_MAX];
    struct wsm_span word = take_word(&value);
    size_t count = 0;
    size_t i;

    for (; word.len > 0; word = take_word(&value)) {
        if (count == WSM_FROM_STREAMS_MAX)
            return wsm_fail(err, ERROR_WSMAN_INVALID_OPTIONS,
                            "option " WSM_OPTION_FROM ": more than WSM_FROM_STREAMS_MAX = %d",
                            WSM_FROM_STREAMS_MAX);
        if (!parse_entry(word, &read[count]))
            return wsm_fail(err, ERROR_WSMAN_INVALID_OPTIONS,
                            "option " WSM_OPTION_FROM ": \"%.*s\" is not NAME=CONFIRMED:START",
                            (int)word.len, (const char *)word.ptr);
        for (i = 0; i < count; i++)
            if (wsm_span_equal(read[i].stream, read[count].stream))
                return wsm_fail(err, ERROR_WSMAN_INVALID_OPTIONS,
                                "option " WSM_OPTION_FROM ": stream %.*s twice",
                                (int)read[i].stream.len, (const char *)read[i].stream.ptr);
        count++;
    }
    if (count == 0)
        return wsm_fail(err, ERROR_WSMAN_INVALID_OPTIONS,
                        "option " WSM_OPTION_FROM ": names no stream");
    memcpy(entries, read, count * sizeof(read[0]));
    *out_count = count;
    return true;
}

void wsm_delivered_write(struct wsm_buf *out, const struct wsm_delivered *entries, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        if (i > 0)
            wsm_buf_append_byte(out, ' ');
        wsm_buf_append_span(out, entries[i].command);
        wsm_buf_append_byte(out, '/');
        wsm_buf_append_span(out, entries[i].stream);
        wsm_buf_printf(out, "=%llu", (unsigned long long)entries[i].offset);
    }
}

static bool parse_delivered(struct wsm_span word, struct wsm_delivered *out)
{
    struct wsm_span stream;
    struct wsm_span offset;

    if (!split(&word, '/', &stream) || !split(&stream, '=', &offset) ||
        !wsm_xml_number_parse(offset, UINT64_MAX, &out->offset))
        return false;
    out->command = word;
    out->stream = stream;
    return word.len > 0 && word.len <= WSM_WIRE_ID_MAX && stream.len > 0 &&
           stream.len <= WSM_STREAM_NAME_MAX;
}

static bool is_same_stream(const struct wsm_delivered *a, const struct wsm_delivered *b)
{
    return wsm_span_equal(a->stream, b->stream) && wsm_span_equal(a->command, b->command);
}

bool wsm_delivered_parse(struct wsm_span value, struct wsm_delivered *entries, size_t *out_count,
                         struct wsm_error *err)
{
    struct wsm_span word = take_word(&value);
    size_t count = 0;
    size_t i;

    for (; word.len > 0; word = take_word(&value)) {
        if (count == WSM_DELIVERED_MAX)
            return wsm_fail(err, ERROR_WSMAN_INVALID_OPTIONS,
                            "option " WSM_OPTION_DELIVERED ": more than WSM_DELIVERED_MAX = %d",
                            WSM_DELIVERED_MAX);
        if (!parse_delivered(word, &entries[count]))
            return wsm_fail(err, ERROR_WSMAN_INVALID_OPTIONS,
                            "option " WSM_OPTION_DELIVERED ": \"%.*s\" is not COMMAND/NAME=OFFSET",
                            (int)word.len, (const char *)word.ptr);
        for (i = 0; i < count; i++)
            if (is_same_stream(&entries[i], &entries[count]))
                return wsm_fail(err, ERROR_WSMAN_INVALID_OPTIONS,
                                "option " WSM_OPTION_DELIVERED ": %.*s twice", (int)word.len,
                                (const char *)word.ptr);
        count++;
    }
    if (count == 0)
        return wsm_fail(err, ERROR_WSMAN_INVALID_OPTIONS,
                        "option " WSM_OPTION_DELIVERED ": names no stream");
    *out_count = count;
    return true;
}
