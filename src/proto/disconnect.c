/* Disconnect, Reconnect and Connect. Pure; who may take up a shell, and what becomes of the
 * operations under way, is not decided here. */
#include "proto/disconnect.h"

#include "base/duration.h"
#include "proto/element.h"
#include "proto/extension.h"

#include "wsmerror.h"

bool wsm_buffer_mode_parse(struct wsm_span text, enum wsm_buffer_mode *out)
{
    text = wsm_span_trim(text);
    if (text.len == 0)
        *out = WSM_BUFFER_UNCHANGED;
    else if (wsm_span_is_nocase(text, "Block"))
        *out = WSM_BUFFER_BLOCK;
    else if (wsm_span_is_nocase(text, "Drop"))
        *out = WSM_BUFFER_DROP;
    else
        return false;
    return true;
}

const char *wsm_buffer_mode_name(enum wsm_buffer_mode mode)
{
    static const char *const names[] = {
        [WSM_BUFFER_UNCHANGED] = "",
        [WSM_BUFFER_BLOCK] = "Block",
        [WSM_BUFFER_DROP] = "Drop",
    };

    return names[mode];
}

static void write_mode(struct wsm_buf *out, enum wsm_buffer_mode mode)
{
    wsm_element_write(out, "BufferMode", wsm_span_str(wsm_buffer_mode_name(mode)));
}

static bool parse_mode(const struct wsm_xml_node *parent, enum wsm_buffer_mode *out,
                       struct wsm_error *err)
{
    return wsm_buffer_mode_parse(wsm_xml_child_text(parent, WSM_NS_SHELL, "BufferMode"), out) ||
           wsm_fail(err, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR,
                    "rsp:BufferMode: neither Block nor Drop");
}

/* An attribute or an element; one that is there must name a command, else a client that
 * means a command would get the whole shell. */
static bool parse_command_id(const struct wsm_xml_node *parent, struct wsm_span *out,
                             struct wsm_error *err)
{
    const struct wsm_xml_node *node = wsm_xml_child(parent, WSM_NS_SHELL, "CommandId");
    struct wsm_span id;

    if (wsm_xml_attr(parent, NULL, "CommandId", &id)) {
        if (node != NULL)
            return wsm_fail(err, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR, "CommandId: comes twice");
    } else if (node == NULL) {
        return true;
    } else {
        id = node->text;
    }
    *out = wsm_span_trim(id);
    return out->len > 0 ||
           wsm_fail(err, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR, "CommandId: names no command");
}

void wsm_disconnect_request_write(struct wsm_buf *out, const struct wsm_request_headers *headers,
                                  const struct wsm_disconnect_request *msg)
{
    wsm_request_begin(out, headers);
    wsm_buf_append_str(out, "<rsp:Disconnect>");
    wsm_element_write_duration(out, "IdleTimeOut", msg->idle_timeout_ms);
    write_mode(out, msg->buffer_mode);
    wsm_buf_append_str(out, "</rsp:Disconnect>");
    wsm_request_end(out);
}

bool wsm_disconnect_request_parse(const struct wsm_envelope *env,
                                  struct wsm_disconnect_request *out, struct wsm_error *err)
{
    const struct wsm_xml_node *content = wsm_envelope_content(env);
    struct wsm_disconnect_request msg = { .idle_timeout_ms = -1 };
    const struct wsm_xml_node *idle;

    if (content != NULL) {
        if (!wsm_xml_is(content, WSM_NS_SHELL, "Disconnect"))
            return wsm_fail(err, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR,
                            "no rsp:Disconnect in the body");
        idle = wsm_xml_child(content, WSM_NS_SHELL, "IdleTimeOut");
        if (idle != NULL && !wsm_duration_parse(idle->text, &msg.idle_timeout_ms))
            return wsm_fail(err, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR,
                            "rsp:IdleTimeOut: not a positive duration such as PT7200.000S");
        if (!parse_mode(content, &msg.buffer_mode, err))
            return false;
    }
    *out = msg;
    return true;
}

static void write_empty_response(struct wsm_buf *out, const struct wsm_response_headers *headers)
{
    wsm_response_begin(out, headers);
    wsm_response_end(out);
}

void wsm_disconnect_response_write(struct wsm_buf *out, const struct wsm_response_headers *headers)
{
    write_empty_response(out, headers);
}

void wsm_reconnect_request_write(struct wsm_buf *out, const struct wsm_request_headers *headers,
                                 const struct wsm_reconnect_request *msg)
{
    wsm_request_begin(out, headers);
    if (msg->command_id.len > 0 || msg->buffer_mode != WSM_BUFFER_UNCHANGED) {
        wsm_buf_append_str(out, "<rsp:Reconnect");
        wsm_element_write_attr(out, "CommandId", msg->command_id);
        wsm_buf_append_byte(out, '>');
        write_mode(out, msg->buffer_mode);
        wsm_buf_append_str(out, "</rsp:Reconnect>");
    }
    wsm_request_end(out);
}

bool wsm_reconnect_request_parse(const struct wsm_envelope *env, struct wsm_reconnect_request *out,
                                 struct wsm_error *err)
{
    const struct wsm_xml_node *content = wsm_envelope_content(env);
    struct wsm_reconnect_request msg = { .buffer_mode = WSM_BUFFER_UNCHANGED };

    if (content != NULL) {
        if (wsm_xml_is(content, WSM_NS_SHELL, "CommandId") ||
            wsm_xml_is(content, WSM_NS_SHELL, "BufferMode"))
            content = env->body; /* which then is what rsp:Reconnect is elsewhere */
        else if (!wsm_xml_is(content, WSM_NS_SHELL, "Reconnect"))
            return wsm_fail(err, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR,
                            "neither rsp:Reconnect nor rsp:CommandId in the body");
        if (!parse_command_id(content, &msg.command_id, err) ||
            !parse_mode(content, &msg.buffer_mode, err))
            return false;
    }
    *out = msg;
    return true;
}

void wsm_reconnect_response_write(struct wsm_buf *out, const struct wsm_response_headers *headers)
{
    write_empty_response(out, headers);
}

void wsm_connect_request_write(struct wsm_buf *out, const struct wsm_request_headers *headers,
                               const struct wsm_connect_request *msg)
{
    wsm_request_begin(out, headers);
    wsm_buf_append_str(out, "<rsp:Connect");
    wsm_element_write_attr(out, "CommandId", msg->command_id);
    wsm_buf_append_byte(out, '>');
    write_mode(out, msg->buffer_mode);
    wsm_buf_append_span(out, msg->extra_xml);
    wsm_buf_append_str(out, "</rsp:Connect>");
    wsm_request_end(out);
}

bool wsm_connect_request_parse(const struct wsm_envelope *env, struct wsm_connect_request *out,
                               struct wsm_error *err)
{
    const struct wsm_xml_node *connect = wsm_envelope_content(env);
    struct wsm_connect_request msg = { .buffer_mode = WSM_BUFFER_UNCHANGED };

    if (connect == NULL || !wsm_xml_is(connect, WSM_NS_SHELL, "Connect"))
        return wsm_fail(err, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR, "no rsp:Connect in the body");
    if (!parse_command_id(connect, &msg.command_id, err) ||
        !parse_mode(connect, &msg.buffer_mode, err))
        return false;
    *out = msg;
    return true;
}

void wsm_connect_response_write(struct wsm_buf *out, const struct wsm_response_headers *headers,
                                const struct wsm_connect_response *msg)
{
    wsm_response_begin(out, headers);
    wsm_buf_append_str(out, "<rsp:ConnectResponse>");
    wsm_element_write(out, "InputStreams", msg->input_streams);
    wsm_element_write(out, "OutputStreams", msg->output_streams);
    if (msg->extension_version > 0)
        wsm_extension_mark_write(out);
    wsm_buf_append_str(out, "</rsp:ConnectResponse>");
    wsm_response_end(out);
}

bool wsm_connect_response_parse(const struct wsm_envelope *env, struct wsm_connect_response *out,
                                const struct wsm_xml_node **out_xml, struct wsm_error *err)
{
    const struct wsm_xml_node *response = wsm_envelope_content(env);

    if (response == NULL || !wsm_xml_is(response, WSM_NS_SHELL, "ConnectResponse"))
        return wsm_fail(err, ERROR_WINRS_CONNECT_RESPONSE_BAD_BODY,
                        "no rsp:ConnectResponse in the answer");
    *out = (struct wsm_connect_response){
        .input_streams = wsm_xml_child_text(response, WSM_NS_SHELL, "InputStreams"),
        .output_streams = wsm_xml_child_text(response, WSM_NS_SHELL, "OutputStreams"),
        .extension_version = wsm_extension_mark_find(response),
    };
    *out_xml = response;
    return true;
}
