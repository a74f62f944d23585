/* Letting go of a shell and taking it up, repetition, and the host's report, for tests. */
#include "host_holder.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void copy(struct wsm_span text, char *out, size_t size)
{
    assert_true(text.len < size);
    if (text.len > 0)
        memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
}

static void read_report(struct host_peer *peer, struct host_report *out)
{
    struct wsm_host_report_end end;
    struct wsm_host_shell shell;
    struct wsm_frame frame;

    out->count = 0;
    host_expect(peer, &wsm_host_shell_type, &shell);
    out->shell = shell;
    copy(shell.session_id, out->session_id, HOST_REPORT_TEXT);
    copy(shell.create_message_id, out->create_message_id, HOST_REPORT_TEXT);
    copy(shell.name, out->name, HOST_REPORT_TEXT);
    copy(shell.client_ip, out->client_ip, HOST_REPORT_TEXT);
    copy(shell.working_directory, out->working_directory, HOST_REPORT_TEXT);
    for (;;) {
        struct wsm_host_command command;

        assert_true(host_next(peer, &frame));
        if (frame.type == WSM_HOST_REPORT_END)
            break;
        assert_int_equal(frame.type, WSM_HOST_COMMAND);
        assert_true(wsm_message_parse(&wsm_host_command_type, frame.payload, &command));
        assert_true(out->count < HOST_REPORT_COMMANDS);
        out->commands[out->count].numbers = command;
        copy(command.command_id, out->commands[out->count].id, sizeof(out->commands[0].id));
        copy(command.line, out->commands[out->count].line, sizeof(out->commands[0].line));
        out->count++;
    }
    assert_true(wsm_message_parse(&wsm_host_report_end_type, frame.payload, &end));
    out->request = end.request;
}

void host_greet_and_report(struct host_peer *peer, struct host_report *out)
{
    const struct wsm_host_hello ours = { .lowest = 1, .highest = 1 };
    struct wsm_host_hello hello;

    host_expect(peer, &wsm_host_hello_type, &hello);
    host_send(peer, &wsm_host_hello_type, &ours);
    read_report(peer, out);
    assert_int_equal(out->request, 0);
}

void host_inspect(struct host_peer *peer, struct host_report *out)
{
    const struct wsm_host_inspect message = { .request = host_next_request(peer) };

    host_send(peer, &wsm_host_inspect_type, &message);
    read_report(peer, out);
    assert_int_equal(out->request, message.request);
}

void host_inspect_until(struct host_peer *peer, enum host_figure figure, uint64_t least,
                        struct host_report *out)
{
    const struct wsm_host_command *numbers = &out->commands[0].numbers;

    for (int i = 0; i < HOST_WAIT_MS; i++) {
        uint64_t value;

        host_inspect(peer, out);
        assert_true(out->count > 0);
        value = figure == HOST_DONE      ? numbers->is_done
                : figure == HOST_DROPPED ? numbers->dropped[0] + numbers->dropped[1]
                                         : numbers->end[0] + numbers->end[1];
        if (value >= least)
            return;
        poll(NULL, 0, 1); /* between two looks */
    }
    fail_msg("the command does not come that far");
}

uint32_t host_let_go(struct host_peer *peer, uint8_t buffer_mode, int64_t idle_timeout_ms,
                     const char *session_id)
{
    const struct wsm_host_disconnect message = { .request = host_next_request(peer),
                                                 .buffer_mode = buffer_mode,
                                                 .idle_timeout_ms = idle_timeout_ms,
                                                 .session_id = wsm_span_str(session_id) };

    host_send(peer, &wsm_host_disconnect_type, &message);
    return host_done_or_failed(peer, message.request);
}

uint32_t host_let_go_by_itself(struct host_peer *peer, const char *session_id)
{
    const struct wsm_host_disconnect message = { .request = host_next_request(peer),
                                                 .is_automatic = 1,
                                                 .idle_timeout_ms = -1,
                                                 .session_id = wsm_span_str(session_id) };

    host_send(peer, &wsm_host_disconnect_type, &message);
    return host_done_or_failed(peer, message.request);
}

uint32_t host_take_up(struct host_peer *peer, uint8_t buffer_mode, uint32_t client_version,
                      const char *session_id)
{
    const struct wsm_host_connect message = { .request = host_next_request(peer),
                                              .buffer_mode = buffer_mode,
                                              .client_version = client_version,
                                              .session_id = wsm_span_str(session_id) };

    host_send(peer, &wsm_host_connect_type, &message);
    return host_done_or_failed(peer, message.request);
}

uint32_t host_signal_as(struct host_peer *peer, const char *message_id, const char *id,
                        uint32_t signal)
{
    const struct wsm_host_signal_request message = { .request = host_next_request(peer),
                                                     .message_id = wsm_span_str(message_id),
                                                     .command_id = wsm_span_str(id),
                                                     .signal = signal };

    host_send(peer, &wsm_host_signal_type, &message);
    return host_done_or_failed(peer, message.request);
}

uint32_t host_run_as(struct host_peer *peer, const char *message_id, const char *id,
                     const char *line, char out_id[40])
{
    const struct wsm_host_run message = { .request = host_next_request(peer),
                                          .message_id = wsm_span_str(message_id),
                                          .command_id = wsm_span_str(id),
                                          .command = wsm_span_str(line) };
    struct wsm_host_started started;
    struct wsm_host_failed failed;
    struct wsm_frame frame;

    host_send(peer, &wsm_host_run_type, &message);
    assert_true(host_next(peer, &frame));
    if (frame.type == WSM_HOST_FAILED) {
        assert_true(wsm_message_parse(&wsm_host_failed_type, frame.payload, &failed));
        assert_int_equal(failed.request, message.request);
        return failed.code;
    }
    assert_int_equal(frame.type, WSM_HOST_STARTED);
    assert_true(wsm_message_parse(&wsm_host_started_type, frame.payload, &started));
    assert_int_equal(started.request, message.request);
    copy(started.command_id, out_id, 40);
    return 0;
}

uint64_t host_send_input(struct host_peer *peer, const char *message_id, const char *id,
                         struct wsm_span data, bool end)
{
    const struct wsm_host_input message = { .request = host_next_request(peer),
                                            .message_id = wsm_span_str(message_id),
                                            .command_id = wsm_span_str(id),
                                            .stream = wsm_span_str("stdin"),
                                            .end = end,
                                            .data = data };

    host_send(peer, &wsm_host_input_type, &message);
    return message.request;
}

void host_expect_done(struct host_peer *peer, uint64_t request)
{
    struct wsm_host_done done;

    host_expect(peer, &wsm_host_done_type, &done);
    assert_int_equal(done.request, request);
}
