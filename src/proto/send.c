/* Send: input for a command, and rsp:Stream, which Receive uses too. Pure; order and
 * repetition of input are not the business of this file. */
#include "proto/send.h"

#include "base/base64.h"
#include "proto/extension.h"

#include "wsmerror.h"

enum {
    /* Upper bound of everything but base64 in a Send of ours: our own text with the names of the
     * machine and the stream, and what varies. Characters, so that it holds for UTF-16 too. */
    SEND_FRAME_MAX = 1640 + 2 * WSM_WIRE_URI_MAX + 2 * WSM_WIRE_ID_MAX * WSM_XML_ESCAPE_MAX +
                     2 * WSM_LANGUAGE_MAX,
};

void wsm_stream_write(struct wsm_buf *out, const struct wsm_stream_data *stream)
{
    size_t encoded = wsm_base64_encoded_len(stream->data.len);

    wsm_buf_append_str(out, "<rsp:Stream Name=\"");
    wsm_xml_escape_attr(out, stream->name);
    if (stream->command_id.len > 0) {
        wsm_buf_append_str(out, "\" CommandId=\"");
        wsm_xml_escape_attr(out, stream->command_id);
    }
    if (stream->has_offset) /* declared here, so that a stream can go into any answer */
        wsm_buf_printf(out, "\" xmlns:o=\"" WSM_NS_EXTENSION "\" o:Offset=\"%llu",
                       (unsigned long long)stream->offset);
    wsm_buf_append_str(out, stream->end ? "\" End=\"true\">" : "\">");
    if (encoded > 0 && wsm_buf_reserve(out, encoded)) {
        wsm_base64_encode(stream->data.ptr, stream->data.len, wsm_buf_end(out));
        wsm_buf_added(out, encoded);
    }
    wsm_buf_append_str(out, "</rsp:Stream>");
}

bool wsm_stream_parse(const struct wsm_xml_node *node, struct wsm_stream_data *out)
{
    struct wsm_stream_data stream = { .end = false };
    struct wsm_span text;

    if (!wsm_xml_attr(node, NULL, "Name", &text))
        return false;
    stream.name = wsm_span_trim(text);
    if (stream.name.len == 0 || stream.name.len > WSM_STREAM_NAME_MAX)
        return false;
    if (wsm_xml_attr(node, NULL, "CommandId", &text))
        stream.command_id = wsm_span_trim(text);
    if (wsm_xml_attr(node, NULL, "End", &text) && !wsm_xml_bool_parse(text, &stream.end))
        return false;
    stream.has_offset = wsm_xml_attr(node, WSM_NS_EXTENSION, "Offset", &text);
    if (stream.has_offset && !wsm_xml_number_parse(text, UINT64_MAX, &stream.offset))
        return false;
    if (!wsm_xml_decode_in_place(node, &stream.data))
        return false;
    *out = stream;
    return true;
}

size_t wsm_send_data_max(size_t max_envelope_size, bool is_utf16)
{
    size_t characters = is_utf16 ? max_envelope_size / 2 : max_envelope_size;

    return characters < SEND_FRAME_MAX ? 0 : (characters - SEND_FRAME_MAX) / 4 * 3;
}

void wsm_send_request_write(struct wsm_buf *out, const struct wsm_request_headers *headers,
                            const struct wsm_stream_data *stream)
{
    wsm_request_begin(out, headers);
    wsm_buf_append_str(out, "<rsp:Send>");
    wsm_stream_write(out, stream);
    wsm_buf_append_str(out, "</rsp:Send>");
    wsm_request_end(out);
}

bool wsm_send_request_parse(const struct wsm_envelope *env, struct wsm_stream_data *streams,
                            size_t *out_count, struct wsm_error *err)
{
    const struct wsm_xml_node *send = wsm_envelope_content(env);
    const struct wsm_xml_node *node;
    size_t count = 0;

    if (send == NULL || !wsm_xml_is(send, WSM_NS_SHELL, "Send"))
        return wsm_fail(err, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR, "no rsp:Send in the body");
    node = wsm_xml_child(send, WSM_NS_SHELL, "Stream");
    if (node == NULL)
        return wsm_fail(err, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR, "rsp:Send: no rsp:Stream");
    for (; node != NULL; node = wsm_xml_next_same(node)) {
        if (count == WSM_SEND_STREAMS_MAX)
            return wsm_fail(err, ERROR_WSMAN_QUOTA_LIMIT,
                            "rsp:Send: more than WSM_SEND_STREAMS_MAX = %d", WSM_SEND_STREAMS_MAX);
        if (!wsm_stream_parse(node, &streams[count]))
            return wsm_fail(err, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR,
                            "rsp:Stream: no Name, a bad End, or text that is not base64");
        count++;
    }
    *out_count = count;
    return true;
}

void wsm_send_response_write(struct wsm_buf *out, const struct wsm_response_headers *headers)
{
    wsm_response_begin(out, headers);
    wsm_buf_append_str(out, "<rsp:SendResponse></rsp:SendResponse>");
    wsm_response_end(out);
}
