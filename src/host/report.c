/* What the host says about its shell and commands. The host's only thread. Changes nothing:
 * asking is no activity of the shell. */
#include "host/report.h"

#include "host/command.h"
#include "host/host.h"
#include "host/usage.h"

static void fill_shell(const struct wsm_host *host, struct wsm_host_shell *report)
{
    const struct wsm_shell *shell = &host->shell;
    const struct wsm_connection *connection = &host->connection;
    struct wsm_usage usage;

    wsm_usage_read(&usage);
    report->resource_uri = wsm_span_str(shell->resource_uri);
    report->input_streams = wsm_span_str(shell->input_streams);
    report->output_streams = wsm_span_str(shell->output_streams);
    report->idle_timeout_ms = host->idle.timeout_ms;
    report->run_time_ms = host->now_ms - shell->opened_ms;
    report->inactivity_ms = wsm_idle_inactivity(&host->idle, host->now_ms);
    report->working_directory = wsm_span_str(shell->working_directory);
    report->can_disconnect = shell->can_disconnect;
    report->buffer_mode = (uint8_t)connection->buffer_mode;
    report->client_version = connection->client_version;
    report->session_id = wsm_session_span(&connection->holder);
    report->create_message_id = wsm_span_of(shell->create_message_id.bytes,
                                            shell->create_message_id.len);
    report->name = wsm_span_str(shell->name);
    report->client_ip = wsm_span_str(shell->client_ip);
    report->connection = (uint8_t)connection->state;
    report->is_taken = connection->is_taken;
    report->processes = usage.processes;
    report->memory_kib = usage.memory_kib;
}

static void report_command(struct wsm_host *host, const struct wsm_command *command)
{
    struct wsm_host_command report = { .command_id = wsm_span_str(command->id.text),
                                       .is_done = command->state == WSM_COMMAND_DONE };

    if (host->link.channel.queued_bytes <= WSM_LINK_LINES_MAX)
        report.line = wsm_buf_span(&command->line);
    if (report.is_done != 0)
        report.exit_code = command->exit_code;
    for (size_t i = 0; i < WSM_HOST_STREAMS; i++) {
        const struct wsm_output_stream *stream = &command->output.streams[i];

        report.confirmed[i] = stream->confirmed;
        report.served[i] = stream->served;
        report.served_again[i] = stream->served_again;
        report.end[i] = stream->end;
        report.dropped[i] = stream->dropped;
    }
    wsm_link_send(&host->link, &wsm_host_command_type, &report);
}

void wsm_report(struct wsm_host *host, uint64_t request)
{
    const struct wsm_host_report_end end = { .request = request };
    struct wsm_host_shell shell = { .is_open = host->state == WSM_HOST_STATE_OPEN };
    const struct wsm_list *node;

    if (shell.is_open)
        fill_shell(host, &shell);
    wsm_link_send(&host->link, &wsm_host_shell_type, &shell);
    WSM_LIST_FOREACH (node, &host->commands)
        report_command(host, WSM_CONTAINER_OF(node, const struct wsm_command, node));
    wsm_link_send(&host->link, &wsm_host_report_end_type, &end);
}
