/* Command: start a command in a shell. Pure; how command and arguments become a
 * command line is not decided here. */
#include "proto/command.h"

#include "wsmerror.h"

void wsm_command_request_write(struct wsm_buf *out, const struct wsm_request_headers *headers,
                               const struct wsm_command_request *msg)
{
    size_t i;

    wsm_request_begin(out, headers);
    wsm_buf_append_str(out, "<rsp:CommandLine");
    if (msg->command_id.len > 0) {
        wsm_buf_append_str(out, " CommandId=\"");
        wsm_xml_escape_attr(out, msg->command_id);
        wsm_buf_append_byte(out, '"');
    }
    wsm_buf_append_str(out, "><rsp:Command>");
    wsm_xml_escape(out, msg->command);
    wsm_buf_append_str(out, "</rsp:Command>");
    for (i = 0; i < msg->argument_count; i++) {
        wsm_buf_append_str(out, "<rsp:Arguments>");
        wsm_xml_escape(out, msg->arguments[i]);
        wsm_buf_append_str(out, "</rsp:Arguments>");
    }
    wsm_buf_append_str(out, "</rsp:CommandLine>");
    wsm_request_end(out);
}

static bool parse_arguments(const struct wsm_xml_node *line, struct wsm_span *arguments,
                            size_t *out_count, struct wsm_error *err)
{
    const struct wsm_xml_node *node = wsm_xml_child(line, WSM_NS_SHELL, "Arguments");
    size_t count = 0;

    for (; node != NULL; node = wsm_xml_next_same(node)) {
        if (count == WSM_ARGUMENTS_MAX)
            return wsm_fail(err, ERROR_WSMAN_QUOTA_LIMIT,
                            "rsp:Arguments: more than WSM_ARGUMENTS_MAX = %d", WSM_ARGUMENTS_MAX);
        arguments[count++] = node->text;
    }
    *out_count = count;
    return true;
}

bool wsm_command_request_parse(const struct wsm_envelope *env, struct wsm_span *arguments,
                               struct wsm_command_request *out, struct wsm_error *err)
{
    const struct wsm_xml_node *line = wsm_envelope_content(env);
    struct wsm_command_request msg = { .arguments = arguments };
    const struct wsm_xml_node *command;
    struct wsm_span id;
    struct wsm_guid guid;

    if (line == NULL || !wsm_xml_is(line, WSM_NS_SHELL, "CommandLine"))
        return wsm_fail(err, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR, "no rsp:CommandLine in the body");
    command = wsm_xml_child(line, WSM_NS_SHELL, "Command");
    if (command == NULL || wsm_xml_next_same(command) != NULL)
        return wsm_fail(err, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR,
                        "rsp:CommandLine: not exactly one rsp:Command");
    if (wsm_xml_attr(line, NULL, "CommandId", &id))
        msg.command_id = wsm_span_trim(id);
    if (msg.command_id.len > 0 && !wsm_guid_parse(msg.command_id, &guid))
        return wsm_fail(err, ERROR_WINRS_SHELLCOMMAND_CLIENTID_NOT_VALID, "CommandId: not a GUID");
    msg.command = command->text;
    if (!parse_arguments(line, arguments, &msg.argument_count, err))
        return false;
    *out = msg;
    return true;
}

void wsm_command_response_write(struct wsm_buf *out, const struct wsm_response_headers *headers,
                                struct wsm_span command_id)
{
    wsm_response_begin(out, headers);
    wsm_buf_append_str(out, "<rsp:CommandResponse><rsp:CommandId>");
    wsm_xml_escape(out, command_id);
    wsm_buf_append_str(out, "</rsp:CommandId></rsp:CommandResponse>");
    wsm_response_end(out);
}

bool wsm_command_response_parse(const struct wsm_envelope *env, struct wsm_span *out_command_id,
                                struct wsm_error *err)
{
    const struct wsm_xml_node *response = wsm_envelope_content(env);
    struct wsm_span id;

    if (response == NULL || !wsm_xml_is(response, WSM_NS_SHELL, "CommandResponse"))
        return wsm_fail(err, ERROR_WSMAN_NO_COMMAND_RESPONSE,
                        "no rsp:CommandResponse in the answer");
    id = wsm_xml_child_text(response, WSM_NS_SHELL, "CommandId");
    if (id.len == 0)
        return wsm_fail(err, ERROR_WSMAN_NO_COMMANDID, "rsp:CommandResponse: no rsp:CommandId");
    if (id.len > WSM_WIRE_ID_MAX)
        return wsm_fail(err, ERROR_WSMAN_NO_COMMANDID,
                        "rsp:CommandId: longer than WSM_WIRE_ID_MAX = %d", WSM_WIRE_ID_MAX);
    *out_command_id = id;
    return true;
}
