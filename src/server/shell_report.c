/* Reports of hosts as items. Pure; the winrmd-net loop calls it. A host runs as its user:
 * its texts are neither trusted to be text nor to be short. */
#include "server/shell_report.h"

#include "base/utf.h"
#include "ipc/stream_names.h"
#include "proto/disconnect.h"

static struct wsm_span text_of(struct wsm_span text)
{
    return text.len <= WSM_REPORT_TEXT_MAX && wsm_utf8_is_valid(text) ? text : wsm_span_of(NULL, 0);
}

/* In a list a line is there to be recognised: a thousand of them must fit. */
static struct wsm_span line_of(struct wsm_span line)
{
    if (!wsm_utf8_is_valid(line))
        return wsm_span_of(NULL, 0);
    if (line.len > WSM_REPORT_LINE_MAX) {
        line.len = WSM_REPORT_LINE_MAX;
        while ((line.ptr[line.len] & 0xC0) == 0x80)
            line.len--; /* not within a character */
    }
    return line;
}

static int64_t seconds(int64_t ms)
{
    return ms < 0 ? 0 : ms / 1000;
}

void wsm_shell_report_item(const struct wsm_shell *shell, const struct wsm_host_shell *report,
                           const struct wsm_settings *settings, bool is_marked,
                           struct wsm_shell_item *out)
{
    bool drops = report->buffer_mode == WSM_HOST_BUFFER_DROP;

    wsm_shell_item_init(out);
    out->shell_id = wsm_span_str(shell->id.text);
    out->name = text_of(report->name);
    out->resource_uri = text_of(report->resource_uri);
    out->owner = wsm_span_str(shell->owner);
    out->client_ip = text_of(report->client_ip);
    out->working_directory = text_of(report->working_directory);
    out->idle_timeout_ms = report->idle_timeout_ms < 0 ? -1 : report->idle_timeout_ms;
    out->input_streams = text_of(report->input_streams);
    out->output_streams = text_of(report->output_streams);
    out->max_idle_timeout_ms = settings->max_idle_timeout_ms;
    if (report->can_disconnect != 0)
        out->buffer_mode = wsm_span_str(
            wsm_buffer_mode_name(drops ? WSM_BUFFER_DROP : WSM_BUFFER_BLOCK));
    out->state = wsm_span_str(report->connection == WSM_HOST_DISCONNECTED ||
                                      report->connection == WSM_HOST_AUTO_DISCONNECTED
                                  ? "Disconnected"
                                  : "Connected");
    out->run_time_s = seconds(report->run_time_ms);
    out->inactivity_s = seconds(report->inactivity_ms);
    out->memory_kib = report->memory_kib > INT64_MAX / 2 ? -1 : (int64_t)report->memory_kib;
    out->child_processes = report->processes;
    out->session_id = text_of(report->session_id);
    out->is_marked = is_marked;
}

void wsm_shell_report_unknown(const struct wsm_shell *shell, bool is_marked,
                              struct wsm_shell_item *out)
{
    wsm_shell_item_init(out);
    out->shell_id = wsm_span_str(shell->id.text);
    out->resource_uri = wsm_span_str(WSM_URI_CMD);
    out->owner = wsm_span_str(shell->owner);
    out->state = wsm_span_str(shell->holder.connection == WSM_HOST_CONNECTED ? "Connected"
                                                                             : "Disconnected");
    out->session_id = text_of(wsm_span_str(shell->holder.session_id));
    out->is_marked = is_marked;
}

bool wsm_command_report_item(const struct wsm_host_command *report, bool is_marked,
                             struct wsm_command_item *out)
{
    struct wsm_guid id;

    if (!wsm_guid_parse(report->command_id, &id))
        return false;
    *out = (struct wsm_command_item){ .command_id = report->command_id,
                                      .line = line_of(report->line),
                                      .state = wsm_span_str(report->is_done ? "Done" : "Running") };
    if (!is_marked)
        return true;
    out->has_exit_code = report->is_done != 0;
    out->exit_code = report->exit_code;
    out->stream_count = WSM_HOST_STREAMS;
    for (size_t i = 0; i < WSM_HOST_STREAMS; i++)
        out->streams[i] = (struct wsm_stream_item){ .name = wsm_span_str(
                                                        wsm_output_stream_names[i]),
                                                    .confirmed = report->confirmed[i],
                                                    .served = report->served[i],
                                                    .served_again = report->served_again[i],
                                                    .end = report->end[i],
                                                    .dropped = report->dropped[i] };
    return true;
}
