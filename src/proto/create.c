/* Create and Delete of a shell. Pure; limits of the service (shells, idle time) and the
 * meaning of options are not applied here. */
#include "proto/create.h"

#include "base/duration.h"
#include "proto/disconnect.h"
#include "proto/element.h"
#include "proto/extension.h"

#include "wsmerror.h"

static const struct wsm_span absent = { NULL, 0 };

void wsm_create_request_write(struct wsm_buf *out, const struct wsm_request_headers *headers,
                              const struct wsm_create_request *msg)
{
    size_t i;

    wsm_request_begin(out, headers);
    wsm_buf_append_str(out, "<rsp:Shell");
    wsm_element_write_attr(out, "ShellId", msg->shell_id);
    wsm_element_write_attr(out, "Name", msg->name);
    wsm_buf_append_byte(out, '>');
    if (msg->variable_count > 0) {
        wsm_buf_append_str(out, "<rsp:Environment>");
        for (i = 0; i < msg->variable_count; i++) {
            wsm_buf_append_str(out, "<rsp:Variable Name=\"");
            wsm_xml_escape_attr(out, msg->variables[i].name);
            wsm_buf_append_str(out, "\">");
            wsm_xml_escape(out, msg->variables[i].value);
            wsm_buf_append_str(out, "</rsp:Variable>");
        }
        wsm_buf_append_str(out, "</rsp:Environment>");
    }
    wsm_element_write(out, "WorkingDirectory", msg->working_directory);
    wsm_element_write_duration(out, "IdleTimeOut", msg->idle_timeout_ms);
    wsm_element_write(out, "InputStreams", msg->input_streams);
    wsm_element_write(out, "OutputStreams", msg->output_streams);
    wsm_element_write(out, "BufferMode", msg->buffer_mode);
    wsm_buf_append_span(out, msg->extra_xml);
    wsm_buf_append_str(out, "</rsp:Shell>");
    wsm_request_end(out);
}

static size_t count_characters(struct wsm_span text)
{
    size_t count = 0;
    size_t i;

    for (i = 0; i < text.len; i++)
        if ((text.ptr[i] & 0xC0) != 0x80) /* not inside a UTF-8 sequence */
            count++;
    return count;
}

static size_t count_words(struct wsm_span text)
{
    size_t count = 0;
    size_t i;

    for (i = 0; i < text.len; i++)
        if (!wsm_is_xml_space(text.ptr[i]) && (i == 0 || wsm_is_xml_space(text.ptr[i - 1])))
            count++;
    return count;
}

/* All rsp:Variable of all rsp:Environment. Values are never trimmed. */
static bool parse_variables(const struct wsm_xml_node *shell, struct wsm_variable *variables,
                            size_t *out_count, struct wsm_error *err)
{
    const struct wsm_xml_node *environment = wsm_xml_child(shell, WSM_NS_SHELL, "Environment");
    const struct wsm_xml_node *node;
    size_t count = 0;

    for (; environment != NULL; environment = wsm_xml_next_same(environment)) {
        node = wsm_xml_child(environment, WSM_NS_SHELL, "Variable");
        for (; node != NULL; node = wsm_xml_next_same(node)) {
            struct wsm_span name = absent;

            if (!wsm_xml_attr(node, NULL, "Name", &name) || name.len == 0 ||
                memchr(name.ptr, '=', name.len) != NULL)
                return wsm_fail(err, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR,
                                "rsp:Variable: \"%.*s\" is no name of a variable", (int)name.len,
                                (const char *)name.ptr);
            if (count == WSM_ENV_VARIABLES_MAX)
                return wsm_fail(err, ERROR_WSMAN_QUOTA_LIMIT,
                                "rsp:Environment: more than WSM_ENV_VARIABLES_MAX = %d",
                                WSM_ENV_VARIABLES_MAX);
            variables[count++] = (struct wsm_variable){ .name = name, .value = node->text };
        }
    }
    *out_count = count;
    return true;
}

static bool parse_streams(const struct wsm_xml_node *shell, const char *name, struct wsm_span *out,
                          struct wsm_error *err)
{
    struct wsm_span streams = wsm_xml_child_text(shell, WSM_NS_SHELL, name);

    if (count_words(streams) > WSM_STREAMS_MAX)
        return wsm_fail(err, ERROR_WSMAN_QUOTA_LIMIT, "rsp:%s: more than WSM_STREAMS_MAX = %d",
                        name, WSM_STREAMS_MAX);
    *out = streams;
    return true;
}

static bool parse_id_and_name(const struct wsm_xml_node *shell, struct wsm_create_request *out,
                              struct wsm_error *err)
{
    struct wsm_span text = absent;
    struct wsm_guid guid;

    if (wsm_xml_attr(shell, NULL, "ShellId", &text))
        out->shell_id = wsm_span_trim(text);
    if (out->shell_id.len > 0 && !wsm_guid_parse(out->shell_id, &guid))
        return wsm_fail(err, ERROR_WINRS_SHELL_CLIENTID_NOT_VALID, "ShellId: not a GUID");
    if (wsm_xml_attr(shell, NULL, "Name", &text))
        out->name = wsm_span_trim(text);
    if (out->name.len == 0)
        out->name = wsm_xml_child_text(shell, WSM_NS_SHELL, "Name");
    if (count_characters(out->name) > WSM_SHELL_NAME_MAX)
        return wsm_fail(err, ERROR_WSMAN_CLIENT_CREATESHELL_NAME_INVALID,
                        "name of the shell: longer than WSM_SHELL_NAME_MAX = %d",
                        WSM_SHELL_NAME_MAX);
    return true;
}

bool wsm_create_request_parse(const struct wsm_envelope *env, struct wsm_variable *variables,
                              struct wsm_create_request *out, struct wsm_error *err)
{
    const struct wsm_xml_node *shell = wsm_envelope_content(env);
    struct wsm_create_request msg = { .idle_timeout_ms = -1, .variables = variables };
    const struct wsm_xml_node *idle;
    enum wsm_buffer_mode mode;

    if (shell == NULL || !wsm_xml_is(shell, WSM_NS_SHELL, "Shell"))
        return wsm_fail(err, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR, "no rsp:Shell in the body");
    if (!parse_id_and_name(shell, &msg, err) ||
        !parse_variables(shell, variables, &msg.variable_count, err) ||
        !parse_streams(shell, "InputStreams", &msg.input_streams, err) ||
        !parse_streams(shell, "OutputStreams", &msg.output_streams, err))
        return false;
    msg.working_directory = wsm_xml_child_text(shell, WSM_NS_SHELL, "WorkingDirectory");
    idle = wsm_xml_child(shell, WSM_NS_SHELL, "IdleTimeOut");
    if (idle != NULL && !wsm_duration_parse(idle->text, &msg.idle_timeout_ms))
        return wsm_fail(err, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR,
                        "rsp:IdleTimeOut: not a positive duration such as PT7200.000S");
    msg.buffer_mode = wsm_xml_child_text(shell, WSM_NS_SHELL, "BufferMode");
    if (!wsm_buffer_mode_parse(msg.buffer_mode, &mode))
        return wsm_fail(err, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR,
                        "rsp:BufferMode: neither Block nor Drop");
    *out = msg;
    return true;
}

void wsm_create_response_write(struct wsm_buf *out, const struct wsm_response_headers *headers,
                               const struct wsm_create_response *msg)
{
    wsm_response_begin(out, headers);
    wsm_buf_append_str(out, "<x:ResourceCreated><a:Address>");
    wsm_xml_escape(out, msg->address);
    wsm_buf_append_str(out, "</a:Address><a:ReferenceParameters><w:ResourceURI>");
    wsm_xml_escape(out, msg->shell.resource_uri);
    wsm_buf_append_str(out, "</w:ResourceURI><w:SelectorSet><w:Selector Name=\"ShellId\">");
    wsm_xml_escape(out, msg->shell.shell_id);
    wsm_buf_append_str(out, "</w:Selector></w:SelectorSet></a:ReferenceParameters>"
                            "</x:ResourceCreated>");
    wsm_shell_item_write(out, &msg->shell);
    wsm_response_end(out);
}

static const struct wsm_xml_node *child_or_null(const struct wsm_xml_node *node, const char *ns,
                                                const char *name)
{
    return node == NULL ? NULL : wsm_xml_child(node, ns, name);
}

static struct wsm_span shell_id_of(const struct wsm_xml_node *parameters)
{
    const struct wsm_xml_node *set = child_or_null(parameters, WSM_NS_WSMAN, "SelectorSet");
    const struct wsm_xml_node *selector = child_or_null(set, WSM_NS_WSMAN, "Selector");

    for (; selector != NULL; selector = wsm_xml_next_same(selector)) {
        struct wsm_span name;

        if (wsm_xml_attr(selector, NULL, "Name", &name) &&
            wsm_span_is_nocase(wsm_span_trim(name), "ShellId"))
            return wsm_span_trim(selector->text);
    }
    return absent;
}

bool wsm_create_response_parse(const struct wsm_envelope *env, struct wsm_create_response *out,
                               const struct wsm_xml_node **out_shell_xml, struct wsm_error *err)
{
    const struct wsm_xml_node *created = wsm_xml_child(env->body, WSM_NS_TRANSFER,
                                                       "ResourceCreated");
    const struct wsm_xml_node *parameters = child_or_null(created, WSM_NS_ADDR,
                                                          "ReferenceParameters");
    const struct wsm_xml_node *shell = wsm_xml_child(env->body, WSM_NS_SHELL, "Shell");
    struct wsm_span shell_id = shell_id_of(parameters);
    struct wsm_create_response msg = { .extension_version = wsm_extension_mark_find(shell) };
    struct wsm_span resource_uri;

    if (shell_id.len == 0)
        return wsm_fail(err, ERROR_WSMAN_CREATE_RESPONSE_NO_EPR,
                        "the answer to Create names no shell");
    if (shell_id.len > WSM_WIRE_ID_MAX)
        return wsm_fail(err, ERROR_WSMAN_CREATE_RESPONSE_NO_EPR,
                        "the answer to Create: ShellId longer than WSM_WIRE_ID_MAX = %d",
                        WSM_WIRE_ID_MAX);
    if (shell != NULL)
        wsm_shell_item_parse(shell, &msg.shell);
    else
        wsm_shell_item_init(&msg.shell);
    msg.address = wsm_xml_child_text(created, WSM_NS_ADDR, "Address");
    msg.shell.shell_id = shell_id;
    resource_uri = wsm_xml_child_text(parameters, WSM_NS_WSMAN, "ResourceURI");
    if (resource_uri.len > 0)
        msg.shell.resource_uri = resource_uri;
    *out = msg;
    *out_shell_xml = shell;
    return true;
}

void wsm_delete_request_write(struct wsm_buf *out, const struct wsm_request_headers *headers)
{
    wsm_request_begin(out, headers);
    wsm_request_end(out);
}

void wsm_delete_response_write(struct wsm_buf *out, const struct wsm_response_headers *headers)
{
    wsm_response_begin(out, headers);
    wsm_response_end(out);
}
