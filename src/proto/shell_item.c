/* rsp:Shell and rsp:Command, as answers have them. Pure; what a shell is, and what of it a
 * client may see, is not decided here. */
#include "proto/shell_item.h"

#include "base/duration.h"
#include "proto/element.h"
#include "proto/extension.h"

static const char declaration[] = " xmlns:rsp=\"" WSM_NS_SHELL "\"";

void wsm_shell_item_init(struct wsm_shell_item *item)
{
    *item = (struct wsm_shell_item){
        .idle_timeout_ms = -1, .max_idle_timeout_ms = -1, .memory_kib = -1, .child_processes = -1
    };
}

/* Order of elements: as Windows writes them. */
void wsm_shell_item_write(struct wsm_buf *out, const struct wsm_shell_item *item)
{
    wsm_buf_append_str(out, "<rsp:Shell");
    wsm_buf_append_str(out, declaration);
    if (item->is_marked && item->session_id.len > 0) {
        wsm_buf_append_str(out, " xmlns:o=\"" WSM_NS_EXTENSION "\"");
        wsm_element_write_attr(out, "o:SessionId", item->session_id);
    }
    wsm_buf_append_byte(out, '>');
    wsm_element_write(out, "ShellId", item->shell_id);
    wsm_element_write(out, "Name", item->name);
    wsm_element_write(out, "ResourceUri", item->resource_uri);
    wsm_element_write(out, "Owner", item->owner);
    wsm_element_write(out, "ClientIP", item->client_ip);
    wsm_element_write(out, "WorkingDirectory", item->working_directory);
    wsm_element_write_duration(out, "IdleTimeOut", item->idle_timeout_ms);
    wsm_element_write(out, "InputStreams", item->input_streams);
    wsm_element_write(out, "OutputStreams", item->output_streams);
    wsm_element_write_duration(out, "MaxIdleTimeOut", item->max_idle_timeout_ms);
    wsm_element_write(out, "BufferMode", item->buffer_mode);
    wsm_element_write(out, "State", item->state);
    wsm_element_write_run_time(out, "ShellRunTime", item->run_time_s);
    wsm_element_write_run_time(out, "ShellInactivity", item->inactivity_s);
    if (item->memory_kib >= 0) /* rounded up: no shell uses nothing */
        wsm_buf_printf(out, "<rsp:MemoryUsed>%lldMB</rsp:MemoryUsed>",
                       (long long)(item->memory_kib / 1024 + (item->memory_kib % 1024 > 0)));
    if (item->child_processes >= 0)
        wsm_buf_printf(out, "<rsp:ChildProcesses>%lld</rsp:ChildProcesses>",
                       (long long)item->child_processes);
    if (item->is_marked)
        wsm_extension_mark_write(out);
    wsm_buf_append_str(out, "</rsp:Shell>");
}

static int64_t duration_of(const struct wsm_xml_node *shell, const char *name)
{
    int64_t ms;

    return wsm_duration_parse(wsm_xml_child_text(shell, WSM_NS_SHELL, name), &ms) ? ms : -1;
}

static int64_t seconds_of(const struct wsm_xml_node *shell, const char *name)
{
    int64_t ms = duration_of(shell, name);

    return ms < 0 ? 0 : ms / 1000;
}

static int64_t memory_of(const struct wsm_xml_node *shell)
{
    struct wsm_span text = wsm_xml_child_text(shell, WSM_NS_SHELL, "MemoryUsed");
    uint64_t mib;

    if (text.len < 2 || !wsm_span_is_nocase(wsm_span_of(text.ptr + text.len - 2, 2), "MB"))
        return -1;
    text.len -= 2;
    return wsm_xml_number_parse(text, INT64_MAX / 1024, &mib) ? (int64_t)mib * 1024 : -1;
}

static int64_t number_of(const struct wsm_xml_node *shell, const char *name)
{
    uint64_t number;

    return wsm_xml_number_parse(wsm_xml_child_text(shell, WSM_NS_SHELL, name), INT64_MAX, &number)
               ? (int64_t)number
               : -1;
}

void wsm_shell_item_parse(const struct wsm_xml_node *node, struct wsm_shell_item *out)
{
    struct wsm_span session_id = { NULL, 0 };

    (void)wsm_xml_attr(node, WSM_NS_EXTENSION, "SessionId", &session_id);
    *out = (struct wsm_shell_item){
        .shell_id = wsm_xml_child_text(node, WSM_NS_SHELL, "ShellId"),
        .name = wsm_xml_child_text(node, WSM_NS_SHELL, "Name"),
        .resource_uri = wsm_xml_child_text(node, WSM_NS_SHELL, "ResourceUri"),
        .owner = wsm_xml_child_text(node, WSM_NS_SHELL, "Owner"),
        .client_ip = wsm_xml_child_text(node, WSM_NS_SHELL, "ClientIP"),
        .working_directory = wsm_xml_child_text(node, WSM_NS_SHELL, "WorkingDirectory"),
        .idle_timeout_ms = duration_of(node, "IdleTimeOut"),
        .input_streams = wsm_xml_child_text(node, WSM_NS_SHELL, "InputStreams"),
        .output_streams = wsm_xml_child_text(node, WSM_NS_SHELL, "OutputStreams"),
        .max_idle_timeout_ms = duration_of(node, "MaxIdleTimeOut"),
        .buffer_mode = wsm_xml_child_text(node, WSM_NS_SHELL, "BufferMode"),
        .state = wsm_xml_child_text(node, WSM_NS_SHELL, "State"),
        .run_time_s = seconds_of(node, "ShellRunTime"),
        .inactivity_s = seconds_of(node, "ShellInactivity"),
        .memory_kib = memory_of(node),
        .child_processes = number_of(node, "ChildProcesses"),
        .session_id = wsm_span_trim(session_id),
        .is_marked = wsm_extension_mark_find(node) > 0,
    };
}

static void write_stream_item(struct wsm_buf *out, const struct wsm_stream_item *stream)
{
    wsm_buf_append_str(out, "<Stream xmlns=\"" WSM_NS_EXTENSION "\"");
    wsm_element_write_attr(out, "Name", stream->name);
    wsm_buf_printf(out,
                   " Confirmed=\"%llu\" Served=\"%llu\" ServedAgain=\"%llu\" End=\"%llu\""
                   " Dropped=\"%llu\"/>",
                   (unsigned long long)stream->confirmed, (unsigned long long)stream->served,
                   (unsigned long long)stream->served_again, (unsigned long long)stream->end,
                   (unsigned long long)stream->dropped);
}

void wsm_command_item_write(struct wsm_buf *out, const struct wsm_command_item *item)
{
    size_t i;

    wsm_buf_append_str(out, "<rsp:Command");
    wsm_buf_append_str(out, declaration);
    wsm_buf_append_byte(out, '>');
    wsm_element_write(out, "CommandId", item->command_id);
    wsm_buf_append_str(out, "<rsp:CommandLine>"); /* there even if it is empty */
    wsm_xml_escape(out, item->line);
    wsm_buf_append_str(out, "</rsp:CommandLine>");
    wsm_element_write(out, "CommandState", item->state);
    if (item->has_exit_code)
        wsm_buf_printf(out, "<ExitCode xmlns=\"" WSM_NS_EXTENSION "\">%lu</ExitCode>",
                       (unsigned long)item->exit_code);
    for (i = 0; i < item->stream_count; i++)
        write_stream_item(out, &item->streams[i]);
    wsm_buf_append_str(out, "</rsp:Command>");
}

static bool number_attr(const struct wsm_xml_node *node, const char *name, uint64_t *out)
{
    struct wsm_span text;

    return wsm_xml_attr(node, NULL, name, &text) && wsm_xml_number_parse(text, UINT64_MAX, out);
}

static bool parse_stream_item(const struct wsm_xml_node *node, struct wsm_stream_item *out)
{
    if (!wsm_xml_attr(node, NULL, "Name", &out->name))
        return false;
    out->name = wsm_span_trim(out->name);
    return out->name.len > 0 && number_attr(node, "Confirmed", &out->confirmed) &&
           number_attr(node, "Served", &out->served) &&
           number_attr(node, "ServedAgain", &out->served_again) &&
           number_attr(node, "End", &out->end) && number_attr(node, "Dropped", &out->dropped);
}

void wsm_command_item_parse(const struct wsm_xml_node *node, struct wsm_command_item *out)
{
    const struct wsm_xml_node *child = wsm_xml_child(node, WSM_NS_SHELL, "CommandLine");
    struct wsm_command_item item = {
        .command_id = wsm_xml_child_text(node, WSM_NS_SHELL, "CommandId"),
        .state = wsm_xml_child_text(node, WSM_NS_SHELL, "CommandState"),
    };
    uint64_t exit_code;

    if (child != NULL)
        item.line = child->text; /* blanks belong to it */
    item.has_exit_code = wsm_xml_number_parse(
        wsm_xml_child_text(node, WSM_NS_EXTENSION, "ExitCode"), UINT32_MAX, &exit_code);
    if (item.has_exit_code)
        item.exit_code = (uint32_t)exit_code;
    child = wsm_xml_child(node, WSM_NS_EXTENSION, "Stream");
    for (; child != NULL && item.stream_count < WSM_COMMAND_ITEM_STREAMS_MAX;
         child = wsm_xml_next_same(child))
        if (parse_stream_item(child, &item.streams[item.stream_count]))
            item.stream_count++;
    *out = item;
}
