/* Signal: tell a command something. Pure; what a signal does is not decided here. */
#include "proto/signal.h"

#include "wsmerror.h"

void wsm_signal_request_write(struct wsm_buf *out, const struct wsm_request_headers *headers,
                              const struct wsm_signal_request *msg)
{
    wsm_request_begin(out, headers);
    wsm_buf_append_str(out, "<rsp:Signal");
    if (msg->command_id.len > 0) {
        wsm_buf_append_str(out, " CommandId=\"");
        wsm_xml_escape_attr(out, msg->command_id);
        wsm_buf_append_byte(out, '"');
    }
    wsm_buf_append_str(out, "><rsp:Code>");
    wsm_xml_escape(out, msg->code);
    wsm_buf_append_str(out, "</rsp:Code></rsp:Signal>");
    wsm_request_end(out);
}

bool wsm_signal_request_parse(const struct wsm_envelope *env, struct wsm_signal_request *out,
                              struct wsm_error *err)
{
    const struct wsm_xml_node *signal = wsm_envelope_content(env);
    const struct wsm_xml_node *code;
    struct wsm_signal_request msg = { .code = { NULL, 0 } };
    struct wsm_span id;

    if (signal == NULL || !wsm_xml_is(signal, WSM_NS_SHELL, "Signal"))
        return wsm_fail(err, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR, "no rsp:Signal in the body");
    code = wsm_xml_child(signal, WSM_NS_SHELL, "Code");
    if (code == NULL || wsm_xml_next_same(code) != NULL)
        return wsm_fail(err, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR,
                        "rsp:Signal: not exactly one rsp:Code");
    msg.code = wsm_span_trim(code->text);
    if (msg.code.len == 0)
        return wsm_fail(err, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR, "rsp:Code: names no signal");
    if (wsm_xml_attr(signal, NULL, "CommandId", &id))
        msg.command_id = wsm_span_trim(id);
    *out = msg;
    return true;
}

/* Without case: the schema says "terminate", the prose and Windows "Terminate". */
enum wsm_signal_code wsm_signal_code_of(struct wsm_span code)
{
    if (wsm_span_is_nocase(code, WSM_SIGNAL_URI_TERMINATE))
        return WSM_SIGNAL_TERMINATE;
    if (wsm_span_is_nocase(code, WSM_SIGNAL_URI_CTRL_C))
        return WSM_SIGNAL_CTRL_C;
    if (wsm_span_is_nocase(code, WSM_SIGNAL_URI_CTRL_BREAK))
        return WSM_SIGNAL_CTRL_BREAK;
    return WSM_SIGNAL_OTHER;
}

void wsm_signal_response_write(struct wsm_buf *out, const struct wsm_response_headers *headers)
{
    wsm_response_begin(out, headers);
    wsm_buf_append_str(out, "<rsp:SignalResponse></rsp:SignalResponse>");
    wsm_response_end(out);
}
