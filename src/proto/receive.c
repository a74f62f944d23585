/* Receive: output and state of a command. Pure; which bytes go into an answer, and how
 * often, is not decided here. */
#include "proto/receive.h"

#include "wsmerror.h"

#define STATE_PREFIX WSM_NS_SHELL "/CommandState/"

enum {
    ID_MAX = 48,     /* a command id as echoed, with uuid: or braces */
    ENDS_MAX = 2,    /* empty closing elements: stdout and stderr */
    OFFSET_MAX = 60, /* our Offset and the declaration of its namespace */
    PIECE_MAX = 63 + WSM_STREAM_NAME_MAX + ID_MAX + OFFSET_MAX, /* tags of one rsp:Stream */
    STATE_MAX = 200 + ID_MAX,                /* rsp:CommandState with rsp:ExitCode */
    ENVELOPE_MAX = 900 + WSM_MESSAGE_ID_MAX, /* everything around; RelatesTo as escaped */
    RECEIVE_FRAME_MAX = ENVELOPE_MAX + STATE_MAX + ENDS_MAX * PIECE_MAX,
};

void wsm_receive_request_write(struct wsm_buf *out, const struct wsm_request_headers *headers,
                               const struct wsm_receive_request *msg)
{
    wsm_request_begin(out, headers);
    wsm_buf_append_str(out, "<rsp:Receive><rsp:DesiredStream");
    if (msg->command_id.len > 0) {
        wsm_buf_append_str(out, " CommandId=\"");
        wsm_xml_escape_attr(out, msg->command_id);
        wsm_buf_append_byte(out, '"');
    }
    wsm_buf_append_byte(out, '>');
    wsm_xml_escape(out, msg->streams);
    wsm_buf_append_str(out, "</rsp:DesiredStream></rsp:Receive>");
    wsm_request_end(out);
}

bool wsm_receive_request_parse(const struct wsm_envelope *env, struct wsm_receive_request *out,
                               struct wsm_error *err)
{
    const struct wsm_xml_node *receive = wsm_envelope_content(env);
    const struct wsm_xml_node *desired;
    struct wsm_receive_request msg = { .streams = { NULL, 0 } };
    struct wsm_span id;

    if (receive == NULL || !wsm_xml_is(receive, WSM_NS_SHELL, "Receive"))
        return wsm_fail(err, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR, "no rsp:Receive in the body");
    desired = wsm_xml_child(receive, WSM_NS_SHELL, "DesiredStream");
    if (desired == NULL || wsm_xml_next_same(desired) != NULL)
        return wsm_fail(err, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR,
                        "rsp:Receive: not exactly one rsp:DesiredStream");
    msg.streams = wsm_span_trim(desired->text);
    if (msg.streams.len == 0)
        return wsm_fail(err, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR,
                        "rsp:DesiredStream: names no stream");
    if (wsm_xml_attr(desired, NULL, "CommandId", &id))
        msg.command_id = wsm_span_trim(id);
    *out = msg;
    return true;
}

size_t wsm_receive_data_max(size_t max_envelope_size, size_t pieces)
{
    size_t frame;

    /* Each piece is padded on its own: up to four characters more. */
    if (pieces > max_envelope_size / (PIECE_MAX + 4))
        return 0;
    frame = RECEIVE_FRAME_MAX + pieces * (PIECE_MAX + 4);
    return max_envelope_size < frame ? 0 : (max_envelope_size - frame) / 4 * 3;
}

void wsm_receive_response_begin(struct wsm_buf *out, const struct wsm_response_headers *headers)
{
    wsm_response_begin(out, headers);
    wsm_buf_append_str(out, "<rsp:ReceiveResponse>");
}

void wsm_receive_response_stream(struct wsm_buf *out, const struct wsm_stream_data *stream)
{
    wsm_stream_write(out, stream);
}

void wsm_receive_response_state(struct wsm_buf *out, struct wsm_span command_id,
                                enum wsm_command_state state, uint32_t exit_code)
{
    static const char *const names[] = {
        [WSM_COMMAND_RUNNING] = "Running",
        [WSM_COMMAND_PENDING] = "Pending",
        [WSM_COMMAND_DONE] = "Done",
    };

    wsm_buf_append_str(out, "<rsp:CommandState");
    if (command_id.len > 0) {
        wsm_buf_append_str(out, " CommandId=\"");
        wsm_xml_escape_attr(out, command_id);
        wsm_buf_append_byte(out, '"');
    }
    wsm_buf_append_str(out, " State=\"" STATE_PREFIX);
    wsm_buf_append_str(out, names[state]);
    wsm_buf_append_str(out, "\">");
    if (state == WSM_COMMAND_DONE)
        wsm_buf_printf(out, "<rsp:ExitCode>%lu</rsp:ExitCode>", (unsigned long)exit_code);
    wsm_buf_append_str(out, "</rsp:CommandState>");
}

void wsm_receive_response_end(struct wsm_buf *out)
{
    wsm_buf_append_str(out, "</rsp:ReceiveResponse>");
    wsm_response_end(out);
}

/* Windows writes 32 bits without a sign, others with one. */
static bool parse_exit_code(struct wsm_span text, uint32_t *out)
{
    bool negative;
    int64_t value = 0;
    size_t i;

    text = wsm_span_trim(text);
    negative = text.len > 0 && text.ptr[0] == '-';
    i = negative ? 1 : 0;
    if (i == text.len)
        return false;
    for (; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        value = value * 10 + (text.ptr[i] - '0');
        if (value > UINT32_MAX)
            return false;
    }
    if (negative && value > -(int64_t)INT32_MIN)
        return false;
    *out = (uint32_t)(negative ? -value : value);
    return true;
}

static enum wsm_command_state state_of(const struct wsm_xml_node *node)
{
    struct wsm_span uri = { NULL, 0 };

    if (wsm_xml_attr(node, NULL, "State", &uri))
        uri = wsm_span_trim(uri);
    if (wsm_span_is_nocase(uri, STATE_PREFIX "Done"))
        return WSM_COMMAND_DONE;
    return wsm_span_is_nocase(uri, STATE_PREFIX "Pending") ? WSM_COMMAND_PENDING
                                                           : WSM_COMMAND_RUNNING;
}

bool wsm_receive_response_parse(const struct wsm_envelope *env, struct wsm_receive_response *out,
                                struct wsm_error *err)
{
    const struct wsm_xml_node *response = wsm_envelope_content(env);
    struct wsm_receive_response msg = { .next_stream = NULL };
    const struct wsm_xml_node *node;

    if (response == NULL || !wsm_xml_is(response, WSM_NS_SHELL, "ReceiveResponse"))
        return wsm_fail(err, ERROR_WSMAN_NO_RECEIVE_RESPONSE,
                        "no rsp:ReceiveResponse in the answer");
    msg.next_stream = wsm_xml_child(response, WSM_NS_SHELL, "Stream");
    node = wsm_xml_child(response, WSM_NS_SHELL, "CommandState");
    for (; node != NULL && msg.state != WSM_COMMAND_DONE; node = wsm_xml_next_same(node)) {
        msg.has_state = true;
        msg.state = state_of(node);
        msg.has_exit_code = parse_exit_code(wsm_xml_child_text(node, WSM_NS_SHELL, "ExitCode"),
                                            &msg.exit_code);
    }
    *out = msg;
    return true;
}

enum wsm_parse wsm_receive_response_next(struct wsm_receive_response *msg,
                                         struct wsm_stream_data *out)
{
    if (msg->next_stream == NULL)
        return WSM_PARSE_DONE;
    if (!wsm_stream_parse(msg->next_stream, out))
        return WSM_PARSE_BAD;
    msg->next_stream = wsm_xml_next_same(msg->next_stream);
    return WSM_PARSE_MORE;
}
