/* winrmd-shell: letting go of a shell and taking it up, what becomes of its output meanwhile,
 * its report, and requests that come twice. The test is in the place of winrmd-net. */
#include "host_holder.h"

#include "wsmerror.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define ID_A "11111111-0000-4000-8000-00000000000A"
#define ID_B "22222222-0000-4000-8000-00000000000B"

static const uint32_t both = 3;
static const struct host_open ours = { .can_disconnect = 1,
                                       .client_version = 3,
                                       .session_id = "uuid:Mine",
                                       .create_message_id = "uuid:create",
                                       .name = "a name",
                                       .client_ip = "::1" };

static void begin(struct host_peer *peer, const struct host_open *open)
{
    host_start(peer, NULL);
    host_connect(peer);
    host_greet(peer, NULL, NULL, NULL, 0);
    assert_int_equal(host_open(peer, open), 0);
}

static void test_host_reports_what_it_was_told_and_who_holds_it(void **state)
{
    struct host_report report;
    struct host_peer peer;

    (void)state;
    begin(&peer, &ours);
    host_inspect(&peer, &report);
    assert_int_equal(report.shell.is_open, 1);
    assert_int_equal(report.shell.can_disconnect, 1);
    assert_int_equal(report.shell.buffer_mode, WSM_HOST_BUFFER_BLOCK);
    assert_int_equal(report.shell.client_version, 3);
    assert_int_equal(report.shell.connection, WSM_HOST_CONNECTED);
    assert_int_equal(report.shell.is_taken, 0);
    assert_int_equal(report.shell.processes, 0);
    assert_true(report.shell.memory_kib > 0);
    assert_string_equal(report.session_id, "uuid:Mine");
    assert_string_equal(report.create_message_id, "uuid:create");
    assert_string_equal(report.name, "a name");
    assert_string_equal(report.client_ip, "::1");
    assert_string_equal(report.working_directory, "/");
    assert_int_equal(report.count, 0);

    assert_int_equal(host_let_go(&peer, WSM_HOST_BUFFER_DROP, 5000, " UUID:mine\n"), 0);
    host_inspect(&peer, &report);
    assert_int_equal(report.shell.connection, WSM_HOST_DISCONNECTED);
    assert_int_equal(report.shell.buffer_mode, WSM_HOST_BUFFER_DROP);
    assert_int_equal(report.shell.idle_timeout_ms, 5000);
    assert_int_equal(report.shell.is_taken, 0); /* the same, written otherwise */
    assert_string_equal(report.session_id, " UUID:mine\n");
    assert_int_equal(host_let_go_by_itself(&peer, "uuid:Mine"), 0); /* weaker: changes nothing */
    assert_int_equal(host_take_up(&peer, WSM_HOST_BUFFER_UNCHANGED, 0, "other"), 0);
    host_inspect(&peer, &report);
    assert_int_equal(report.shell.connection, WSM_HOST_CONNECTED);
    assert_int_equal(report.shell.buffer_mode, WSM_HOST_BUFFER_DROP);
    assert_int_equal(report.shell.idle_timeout_ms, 5000);
    assert_int_equal(report.shell.client_version, 0);
    assert_int_equal(report.shell.is_taken, 1);
    assert_string_equal(report.session_id, "other");

    assert_int_equal(host_let_go_by_itself(&peer, "other"), 0);
    wsm_channel_close(&peer.channel); /* the next net learns it all */
    host_connect(&peer);
    host_greet_and_report(&peer, &report);
    assert_int_equal(report.shell.connection, WSM_HOST_AUTO_DISCONNECTED);
    assert_int_equal(host_take_up(&peer, WSM_HOST_BUFFER_BLOCK, 1, "uuid:mine"), 0);
    host_inspect(&peer, &report);
    assert_int_equal(report.shell.buffer_mode, WSM_HOST_BUFFER_BLOCK);
    assert_int_equal(report.shell.is_taken, 1); /* for ever */
    host_stop(&peer);
}

static void test_host_reports_commands_with_their_lines_and_numbers(void **state)
{
    static char line[5001];
    struct host_output output = { .is_done = false };
    struct host_report report;
    struct host_peer peer;

    (void)state;
    begin(&peer, &ours);
    memset(line, 'x', 5000);
    memcpy(line, "printf 12345; printf 123 >&2; exit 7 #", 38);
    memcpy(line + 4095, "\xc3\xa4", 2); /* would be cut in two */
    assert_int_equal(host_run(&peer, ID_A, line), 0);
    host_answer(&peer, host_fetch(&peer, ID_A, both, 0, 0, 100), &output);
    host_answer(&peer, host_fetch(&peer, ID_A, both, 2, 0, 100), &output);
    host_confirm(&peer, ID_A, 1, 2);
    host_inspect_until(&peer, HOST_DONE, 1, &report);
    assert_int_equal(report.commands[0].numbers.exit_code, 7);
    assert_int_equal(report.commands[0].numbers.confirmed[0], 1);
    assert_int_equal(report.commands[0].numbers.confirmed[1], 2);
    assert_int_equal(report.commands[0].numbers.served[0], 5);
    assert_int_equal(report.commands[0].numbers.served[1], 3);
    assert_int_equal(report.commands[0].numbers.served_again[0], 3);
    assert_int_equal(report.commands[0].numbers.served_again[1], 3);
    assert_int_equal(report.commands[0].numbers.end[0], 5);
    assert_int_equal(report.commands[0].numbers.end[1], 3);
    assert_int_equal(report.commands[0].numbers.dropped[0], 0);
    assert_int_equal(strlen(report.commands[0].line), 4095);
    assert_memory_equal(report.commands[0].line, line, 4095);

    assert_int_equal(host_run_direct(&peer, ID_B, (const char *const[]){ "sleep", "1000", NULL }),
                     0);
    host_inspect(&peer, &report);
    assert_int_equal(report.count, 2);
    assert_string_equal(report.commands[1].id, ID_B);
    assert_string_equal(report.commands[1].line, "sleep 1000");
    assert_int_equal(report.commands[1].numbers.is_done, 0);
    assert_int_equal(report.commands[1].numbers.exit_code, 0);
    assert_int_equal(report.shell.processes, 1);
    host_output_clear(&output);
    host_stop(&peer);
}

static void test_host_counts_what_runs_under_it(void **state)
{
    struct host_report report;
    struct host_peer peer;
    uint64_t alone;

    (void)state;
    begin(&peer, NULL);
    host_inspect(&peer, &report);
    alone = report.shell.memory_kib;
    assert_int_equal(
        host_run(&peer, ID_A, "sleep 1000 & (sleep 1000 & sleep 1000 & echo; wait) & wait"), 0);
    host_inspect_until(&peer, HOST_END, 1, &report);
    assert_int_equal(report.shell.processes, 5);
    assert_true(report.shell.memory_kib > alone);
    host_stop(&peer);
}

static void test_host_is_not_kept_by_being_looked_at(void **state)
{
    struct host_report report;
    struct host_peer peer;

    (void)state;
    begin(&peer, NULL);
    do
        host_inspect(&peer, &report);
    while (report.shell.inactivity_ms < 100);
    assert_int_equal(host_take_up(&peer, 0, 0, ""), 0); /* the clock starts anew */
    host_inspect(&peer, &report);
    assert_true(report.shell.inactivity_ms < 100);
    host_stop(&peer);
}

static void test_host_answers_who_waits_when_it_is_let_go(void **state)
{
    struct wsm_host_disconnect message = { .idle_timeout_ms = -1 };
    struct host_output output = { .is_done = false };
    struct host_peer peer;
    uint64_t fetches[2];

    (void)state;
    begin(&peer, NULL);
    assert_int_equal(host_run(&peer, ID_A, "sleep 1000"), 0);
    assert_int_equal(host_run(&peer, ID_B, "echo word; sleep 1000"), 0);
    host_collect_until(&peer, ID_B, &output, "word");
    host_output_clear(&output);
    fetches[0] = host_fetch(&peer, ID_A, both, 0, 0, 100);
    fetches[1] = host_fetch(&peer, ID_B, both, 5, 0, 100);
    message.request = host_next_request(&peer);
    host_send(&peer, &wsm_host_disconnect_type, &message);
    host_answer(&peer, fetches[0], &output);
    assert_int_equal(output.failed, ERROR_WSMAN_SERVICE_STREAM_DISCONNECTED);
    host_answer(&peer, fetches[1], &output);
    assert_int_equal(output.failed, ERROR_WSMAN_SERVICE_STREAM_DISCONNECTED);
    host_expect_done(&peer, message.request);
    host_output_clear(&output);
    host_stop(&peer);
}

/* A FETCH that is in its short wait has data: those come before the DONE. */
static void test_host_hands_out_what_there_is_before_it_lets_go(void **state)
{
    struct wsm_host_disconnect message = { .idle_timeout_ms = -1 };
    struct host_output output = { .is_done = false };
    struct host_report report;
    struct host_peer peer;
    uint64_t fetch;

    (void)state;
    begin(&peer, NULL);
    assert_int_equal(host_run(&peer, ID_A, "echo word; sleep 1000"), 0);
    host_inspect_until(&peer, HOST_END, 5, &report);
    fetch = host_fetch(&peer, ID_A, both, 0, 0, 100);
    message.request = host_next_request(&peer);
    host_send(&peer, &wsm_host_disconnect_type, &message);
    host_answer(&peer, fetch, &output);
    assert_int_equal(output.failed, 0);
    assert_string_equal(host_text(&output, WSM_HOST_STDOUT), "word\n");
    host_expect_done(&peer, message.request);
    host_inspect(&peer, &report);
    assert_int_equal(report.commands[0].numbers.confirmed[0], 0); /* it may be asked for again */
    host_output_clear(&output);
    host_stop(&peer);
}

static void test_host_refuses_use_while_it_is_let_go(void **state)
{
    struct host_output output = { .is_done = false };
    struct host_report report;
    struct host_peer peer;
    char id[40];

    (void)state;
    begin(&peer, NULL);
    assert_int_equal(host_run(&peer, ID_A, "echo word"), 0);
    host_inspect_until(&peer, HOST_DONE, 1, &report);
    assert_int_equal(host_let_go_by_itself(&peer, ""), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(host_run_as(&peer, "", ID_B, "true", id), ERROR_WINRS_SHELL_DISCONNECTED);
        assert_int_equal(host_input(&peer, ID_A, "stdin", "x", 1, false),
                         ERROR_WINRS_SHELL_DISCONNECTED);
        assert_int_equal(host_signal(&peer, ID_A, WSM_HOST_SIGNAL_TERMINATE),
                         ERROR_WINRS_SHELL_DISCONNECTED);
        host_answer(&peer, host_fetch(&peer, ID_A, both, 0, 0, 100), &output);
        assert_int_equal(output.failed, ERROR_WINRS_SHELL_DISCONNECTED);
        assert_int_equal(host_let_go(&peer, 0, -1, ""), 0);
    }
    host_send(&peer, &wsm_host_cancel_type, &(struct wsm_host_cancel){ .request = 1 });
    host_confirm(&peer, ID_A, 2, 0);
    host_inspect(&peer, &report);
    assert_int_equal(report.commands[0].numbers.confirmed[0], 2);
    assert_int_equal(host_take_up(&peer, 0, 0, ""), 0);
    output.failed = 0;
    host_collect_until(&peer, ID_A, &output, "") /* nothing */;
    host_output_clear(&output);
    host_answer(&peer, host_fetch(&peer, ID_A, both, 2, 0, 100), &output);
    assert_string_equal(host_text(&output, WSM_HOST_STDOUT), "rd\n");
    assert_true(output.is_done);
    assert_int_equal(host_let_go(&peer, 0, -1, ""), 0);
    assert_int_equal(host_delete(&peer), 0);
    host_expect_eof(&peer);
    host_output_clear(&output);
    host_stop(&peer);
}

static void test_host_refuses_to_be_let_go_in_ways_there_are_not(void **state)
{
    static char long_id[WSM_HOST_ID_MAX + 2];
    struct host_report report;
    struct host_peer peer;

    (void)state;
    memset(long_id, 'x', WSM_HOST_ID_MAX + 1);
    host_start(&peer, NULL);
    host_connect(&peer);
    host_greet(&peer, NULL, NULL, NULL, 0);
    assert_int_equal(host_open(&peer, &(struct host_open){ .session_id = long_id }),
                     ERROR_INVALID_PARAMETER);
    assert_int_equal(host_open(&peer, &(struct host_open){ .buffer_mode = 3 }),
                     ERROR_INVALID_PARAMETER);
    assert_int_equal(host_open(&peer, &(struct host_open){ .create_message_id = long_id }), 0);
    assert_int_equal(host_let_go(&peer, 3, 1000, "other"), ERROR_INVALID_PARAMETER);
    assert_int_equal(host_let_go(&peer, 2, -2, "other"), ERROR_INVALID_PARAMETER);
    assert_int_equal(host_let_go(&peer, 2, 1000, long_id), ERROR_INVALID_PARAMETER);
    assert_int_equal(host_take_up(&peer, 3, 1, "other"), ERROR_INVALID_PARAMETER);
    assert_int_equal(host_take_up(&peer, 2, 1, long_id), ERROR_INVALID_PARAMETER);
    host_inspect(&peer, &report);
    assert_int_equal(report.shell.connection, WSM_HOST_CONNECTED);
    assert_int_equal(report.shell.buffer_mode, WSM_HOST_BUFFER_BLOCK);
    assert_int_equal(report.shell.idle_timeout_ms, 3600 * 1000);
    assert_int_equal(report.shell.is_taken, 0);
    assert_int_equal(report.shell.client_version, 0);
    assert_string_equal(report.create_message_id, "");
    assert_string_equal(report.session_id, "");
    host_stop(&peer);
}

static void test_host_ends_when_nobody_takes_it_up_though_commands_run(void **state)
{
    struct wsm_host_gone gone;
    struct host_report report;
    struct host_peer peer;

    (void)state;
    begin(&peer, &ours);
    assert_int_equal(host_run(&peer, ID_A, "sleep 1000"), 0);
    host_fetch(&peer, ID_A, both, 0, 0, 100);
    wsm_channel_close(&peer.channel);
    host_connect(&peer);
    host_greet_and_report(&peer, &report);
    assert_int_equal(host_let_go(&peer, 0, 200, "uuid:Mine"), 0);
    host_expect(&peer, &wsm_host_gone_type, &gone);
    assert_int_equal(gone.code, ERROR_WSMAN_UNEXPECTED_SELECTORS);
    host_expect_eof(&peer);
    assert_int_equal(host_wait(&peer), 0);
    host_stop(&peer);
}

/* When its idle clock was started, in ms of the shell's life. */
static int64_t idle_since(const struct host_report *report)
{
    return report->shell.run_time_ms - report->shell.inactivity_ms;
}

static void test_host_starts_its_idle_clock_anew_when_it_is_taken_up(void **state)
{
    struct host_report before;
    struct host_report after;
    struct host_peer peer;

    (void)state;
    begin(&peer, &ours);
    assert_int_equal(host_let_go(&peer, 0, -1, "uuid:Mine"), 0);
    do
        host_inspect(&peer, &before);
    while (before.shell.inactivity_ms < 5);
    assert_int_equal(host_take_up(&peer, 0, 1, "uuid:Mine"), 0);
    host_inspect(&peer, &after);
    assert_true(idle_since(&after) >= before.shell.run_time_ms);
    host_stop(&peer);
}

static void test_host_ends_by_its_own_clock_without_a_service(void **state)
{
    struct host_report report;
    struct host_peer peer;
    pid_t command;

    (void)state;
    begin(&peer, &ours);
    assert_int_equal(host_run(&peer, ID_A, "echo $$; exec sleep 1000"), 0);
    {
        struct host_output output = { .is_done = false };

        host_collect_until(&peer, ID_A, &output, "\n");
        command = (pid_t)strtol(host_text(&output, WSM_HOST_STDOUT), NULL, 10);
        host_output_clear(&output);
    }
    assert_int_equal(host_let_go(&peer, 0, 300, ""), 0);
    assert_int_equal(host_take_up(&peer, 0, 0, ""), 0);
    assert_int_equal(host_let_go(&peer, 0, -1, ""), 0); /* as it was */
    host_inspect(&peer, &report);
    assert_int_equal(report.shell.idle_timeout_ms, 300);
    wsm_channel_close(&peer.channel);
    assert_int_equal(host_wait(&peer), 0);
    host_wait_gone(command);
    host_stop(&peer);
}

/* Writes lines of 8 bytes: a number of 7 digits. */
static const char numbers[] =
    "exec awk 'BEGIN { for (i = 0; i < 9999999; i++) printf \"%07d\\n\", i }'";

static void check_numbers(const struct wsm_buf *bytes, uint64_t first)
{
    char line[16];

    for (size_t i = 0; i < bytes->len; i++) {
        uint64_t at = first + i;

        if (i == 0 || at % 8 == 0)
            snprintf(line, sizeof(line), "%07u\n", (unsigned)(at / 8 % 10000000));
        assert_int_equal(bytes->ptr[i], line[at % 8]);
    }
}

static void test_host_blocks_who_writes_too_much_unless_it_may_drop(void **state)
{
    enum { FULL = 3 * 512 * 1024, MUCH = 8 * 1024 * 1024 };
    struct host_output output = { .is_done = false };
    struct host_report report;
    struct host_peer peer;
    const struct wsm_host_command *command = &report.commands[0].numbers;

    (void)state;
    begin(&peer, &(struct host_open){ .buffer_mode = WSM_HOST_BUFFER_DROP });
    assert_int_equal(host_run(&peer, ID_A, numbers), 0);
    host_inspect_until(&peer, HOST_END, FULL, &report);
    assert_int_equal(command->end[0], FULL); /* connected: it never drops */
    host_answer(&peer, host_fetch(&peer, ID_A, both, 0, 0, 100000), &output);
    assert_int_equal(host_let_go(&peer, WSM_HOST_BUFFER_BLOCK, -1, ""), 0);
    host_inspect(&peer, &report);
    assert_int_equal(command->end[0], FULL);
    assert_int_equal(command->dropped[0], 0);
    assert_int_equal(host_let_go(&peer, WSM_HOST_BUFFER_DROP, -1, ""), 0); /* another mode */
    host_inspect_until(&peer, HOST_DROPPED, MUCH, &report);
    assert_int_equal(host_take_up(&peer, WSM_HOST_BUFFER_UNCHANGED, 0, ""), 0);
    host_inspect_until(&peer, HOST_DROPPED, MUCH, &report);
    assert_int_equal(command->confirmed[0], 0);
    assert_int_equal(command->served[0], 100000);

    host_output_clear(&output); /* what an answer carried is there */
    host_answer(&peer, host_fetch(&peer, ID_A, both, 0, 0, 100000), &output);
    assert_int_equal(output.first[0], 0);
    check_numbers(&output.streams[0], 0);
    host_confirm(&peer, ID_A, 100000, 0);
    host_output_clear(&output); /* then a gap, counted exactly */
    host_answer(&peer, host_fetch(&peer, ID_A, both, 100000, 0, 100000), &output);
    assert_int_equal(output.first[0], 100000 + command->dropped[0]);
    check_numbers(&output.streams[0], output.first[0]);
    host_inspect(&peer, &report);
    assert_int_equal(command->served_again[0], 100000);
    assert_true(command->end[0] - command->dropped[0] - command->confirmed[0] <= FULL);
    host_output_clear(&output);
    host_stop(&peer);
}

static void test_host_takes_a_flood_while_nobody_looks(void **state)
{
    enum { MUCH = 256 * 1024 * 1024 };
    struct host_output output = { .is_done = false };
    struct host_report report;
    struct host_peer peer;
    struct timespec from;
    struct timespec to;
    double seconds;

    (void)state;
    begin(&peer, &(struct host_open){ .buffer_mode = WSM_HOST_BUFFER_DROP });
    assert_int_equal(host_run(&peer, ID_A, "exec yes"), 0);
    assert_int_equal(host_run(&peer, ID_B, "echo alive; sleep 1000"), 0);
    assert_int_equal(host_let_go(&peer, 0, -1, ""), 0);
    clock_gettime(CLOCK_MONOTONIC, &from);
    host_inspect_until(&peer, HOST_DROPPED, MUCH, &report);
    clock_gettime(CLOCK_MONOTONIC, &to);
    seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
    print_message("%.0f MB/s\n", (double)report.commands[0].numbers.dropped[0] / 1e6 / seconds);
    assert_int_equal(report.commands[1].numbers.end[0], 6); /* others have their turn */
    assert_int_equal(host_take_up(&peer, 0, 0, ""), 0);
    host_collect_until(&peer, ID_B, &output, "alive\n");
    host_output_clear(&output);
    assert_int_equal(host_signal(&peer, ID_A, WSM_HOST_SIGNAL_TERMINATE), 0);
    host_stop(&peer);
}

static void test_host_ends_a_command_that_lost_its_last_bytes(void **state)
{
    struct host_output output = { .is_done = false };
    struct host_report report;
    struct host_peer peer;

    (void)state;
    begin(&peer, &(struct host_open){ .buffer_mode = WSM_HOST_BUFFER_DROP });
    assert_int_equal(host_run(&peer, ID_A, "head -c 5000000 /dev/zero; printf end; exit 9"), 0);
    assert_int_equal(host_let_go_by_itself(&peer, ""), 0);
    host_inspect_until(&peer, HOST_DONE, 1, &report);
    assert_int_equal(report.commands[0].numbers.end[0], 5000003);
    assert_true(report.commands[0].numbers.dropped[0] > 0);
    assert_int_equal(host_take_up(&peer, 0, 0, ""), 0);
    while (!output.is_done) {
        uint64_t at = output.first[0] == UINT64_MAX ? 0 : output.streams[0].len;

        host_answer(&peer,
                    host_fetch(&peer, ID_A, both,
                               at == 0 ? 0 : report.commands[0].numbers.dropped[0] + at, 0,
                               512 * 1024),
                    &output);
    }
    assert_int_equal(output.exit_code, 9);
    assert_int_equal(output.streams[0].len, 5000003 - report.commands[0].numbers.dropped[0]);
    assert_memory_equal(output.streams[0].ptr + output.streams[0].len - 3, "end", 3);
    host_output_clear(&output);
    host_stop(&peer);
}

static void test_host_names_the_range_that_was_missed(void **state)
{
    struct host_output output = { .is_done = false };
    struct wsm_host_failed failed;
    struct host_report report;
    struct host_peer peer;
    uint64_t request;

    (void)state;
    begin(&peer, NULL);
    assert_int_equal(host_run(&peer, ID_A, "printf 12345678901234567890; printf 1 >&2"), 0);
    host_inspect_until(&peer, HOST_DONE, 1, &report);
    host_confirm(&peer, ID_A, 10, 0);
    request = host_fetch(&peer, ID_A, both, 5, 0, 100);
    host_expect(&peer, &wsm_host_failed_type, &failed);
    assert_int_equal(failed.request, request);
    assert_int_equal(failed.code, ERROR_INVALID_PARAMETER);
    assert_true(wsm_span_is(failed.text, "stdout 5 is not within what is kept, 10 to 20"));
    host_fetch(&peer, ID_A, both, 10, 2, 100);
    host_expect(&peer, &wsm_host_failed_type, &failed);
    assert_true(wsm_span_is(failed.text, "stderr 2 is not within what is kept, 0 to 1"));
    host_answer(&peer, host_fetch(&peer, ID_A, 1, 20, 99, 100), &output); /* not asked for */
    assert_true(output.is_done);
    host_output_clear(&output);
    host_stop(&peer);
}

static void test_host_starts_nothing_twice(void **state)
{
    static char long_id[WSM_HOST_ID_MAX + 2];
    struct host_report report;
    struct host_peer peer;
    char id[40];

    (void)state;
    memset(long_id, 'x', WSM_HOST_ID_MAX + 1);
    begin(&peer, NULL);
    assert_int_equal(host_run_as(&peer, "m1", ID_A, "exec sleep 1000", id), 0);
    assert_string_equal(id, ID_A);
    assert_int_equal(host_run_as(&peer, "m1", ID_A, "exec sleep 1000", id), 0);
    assert_string_equal(id, ID_A);
    assert_int_equal(host_run_as(&peer, "m1", ID_B, "false", id), 0); /* net chose a new one */
    assert_string_equal(id, ID_A);
    assert_int_equal(host_run_as(&peer, "M1", ID_A, "true", id),
                     ERROR_WINRS_SHELLCOMMAND_CLIENTID_RESOURCE_CONFLICT);
    host_inspect(&peer, &report);
    assert_int_equal(report.count, 1);
    assert_int_equal(report.shell.processes, 1);
    wsm_channel_close(&peer.channel); /* also after another net came */
    host_connect(&peer);
    host_greet_and_report(&peer, &report);
    assert_int_equal(host_signal(&peer, ID_A, WSM_HOST_SIGNAL_TERMINATE), 0);
    assert_int_equal(host_run_as(&peer, "m1", ID_B, "false", id), 0); /* though it was ended */
    assert_string_equal(id, ID_A);
    assert_int_equal(host_run_as(&peer, "m2", ID_B, "\n", id), 0);
    assert_int_equal(host_run_as(&peer, "m3", "no-guid", "x", id),
                     ERROR_WINRS_SHELLCOMMAND_CLIENTID_NOT_VALID);
    assert_int_equal(host_signal(&peer, ID_B, WSM_HOST_SIGNAL_TERMINATE), 0);
    for (int i = 0; i < 2; i++) { /* ids that nobody remembers */
        assert_int_equal(host_run_as(&peer, "m3", ID_B, "true", id), 0); /* FAILED is none */
        assert_int_equal(host_signal(&peer, ID_B, WSM_HOST_SIGNAL_TERMINATE), 0);
    }
    assert_int_equal(host_run_as(&peer, long_id, ID_A, "true", id), 0);
    assert_int_equal(host_run_as(&peer, long_id, ID_B, "true", id), 0);
    assert_string_equal(id, ID_B);
    for (int i = 0; i < 64; i++) {
        char number[8];
        char other[40];

        snprintf(number, sizeof(number), "n%d", i);
        snprintf(other, sizeof(other), "%08d-0000-4000-8000-00000000000A", i);
        assert_int_equal(host_run_as(&peer, number, other, "true", id), 0);
        assert_string_equal(id, other);
        assert_int_equal(host_signal(&peer, other, WSM_HOST_SIGNAL_TERMINATE), 0);
    }
    assert_int_equal(host_run_as(&peer, "n0", "33333333-0000-4000-8000-00000000000C", "true", id),
                     0);
    assert_string_equal(id, "00000000-0000-4000-8000-00000000000A");
    assert_int_equal(host_run_as(&peer, "m1", "33333333-0000-4000-8000-00000000000C", "true", id),
                     0); /* the 64 after it made it be forgotten */
    assert_string_equal(id, "33333333-0000-4000-8000-00000000000C");
    host_stop(&peer);
}

static void test_host_takes_no_input_twice(void **state)
{
    struct host_output output = { .is_done = false };
    struct host_peer peer;

    (void)state;
    begin(&peer, NULL);
    assert_int_equal(host_run(&peer, ID_A, "cat"), 0);
    for (int i = 0; i < 66; i++) {
        char text[8];

        snprintf(text, sizeof(text), "%d ", i);
        host_expect_done(&peer, host_send_input(&peer, text, ID_A, wsm_span_str(text), false));
        host_expect_done(&peer, host_send_input(&peer, text, ID_A, wsm_span_str("no"), true));
    }
    host_expect_done(&peer, host_send_input(&peer, "2 ", ID_A, wsm_span_str("no"), false));
    host_expect_done(&peer, host_send_input(&peer, "1 ", ID_A, wsm_span_str("1 "), false));
    host_expect_done(&peer, host_send_input(&peer, "", ID_A, wsm_span_str("x"), false));
    host_expect_done(&peer, host_send_input(&peer, "", ID_A, wsm_span_str("x"), false));
    host_expect_done(&peer, host_send_input(&peer, "end", ID_A, wsm_span_str("."), true));
    host_expect_done(&peer, host_send_input(&peer, "end", ID_A, wsm_span_str("."), true));
    host_collect(&peer, ID_A, &output);
    assert_non_null(strstr(host_text(&output, WSM_HOST_STDOUT), "63 64 65 1 xx."));
    assert_int_equal(host_input(&peer, ID_A, "stdin", "x", 1, false), ERROR_BROKEN_PIPE);
    host_expect_done(&peer, host_send_input(&peer, "end", ID_A, wsm_span_str("."), true));
    host_output_clear(&output);
    host_stop(&peer);
}

/* Half a message: a frame that says more follows. */
static void send_half_an_input(struct host_peer *peer)
{
    static uint8_t frame[WSM_FRAME_MAX];
    struct wsm_buf payload = WSM_BUF_INIT;
    static uint8_t data[2 * WSM_FRAME_MAX];
    const struct wsm_host_input message = { .request = host_next_request(peer),
                                            .message_id = wsm_span_str("half"),
                                            .command_id = wsm_span_str(ID_A),
                                            .stream = wsm_span_str("stdin"),
                                            .data = wsm_span_of(data, sizeof(data)) };

    wsm_message_write(&payload, &wsm_host_input_type, &message);
    wsm_frame_header_write(frame, WSM_HOST_INPUT, WSM_FRAME_FLAG_MORE,
                           sizeof(frame) - WSM_FRAME_HEADER);
    memcpy(frame + WSM_FRAME_HEADER, payload.ptr, sizeof(frame) - WSM_FRAME_HEADER);
    assert_int_equal(write(peer->channel.fd, frame, sizeof(frame)), sizeof(frame));
    wsm_buf_clear(&payload);
}

static void test_host_does_not_count_half_an_input(void **state)
{
    struct host_output output = { .is_done = false };
    struct host_report report;
    struct host_peer peer;

    (void)state;
    begin(&peer, NULL);
    assert_int_equal(host_run(&peer, ID_A, "cat"), 0);
    send_half_an_input(&peer);
    wsm_channel_close(&peer.channel);
    host_connect(&peer);
    host_greet_and_report(&peer, &report);
    host_expect_done(&peer, host_send_input(&peer, "half", ID_A, wsm_span_str("whole"), true));
    host_collect(&peer, ID_A, &output);
    assert_string_equal(host_text(&output, WSM_HOST_STDOUT), "whole");
    host_output_clear(&output);
    host_stop(&peer);
}

enum { LONG = 1500 * 1000 }; /* of input: more than may wait */
static uint8_t long_input[LONG];

/* A command that reads its input once the file `path` is there, and the line for that. */
static const char *waiting_line(char path[64])
{
    static char line[256];

    snprintf(path, 64, "/tmp/winrmd-go-%d", (int)getpid());
    unlink(path);
    snprintf(line, sizeof(line), "until [ -e %s ]; do sleep 0.02; done; exec wc -c", path);
    return line;
}

static void let_read(const char *path)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fclose(file);
}

static void test_host_lets_a_repetition_wait_for_the_answer(void **state)
{
    const struct wsm_span data = wsm_span_of(long_input, LONG);
    struct host_output output = { .is_done = false };
    struct host_report report;
    struct host_peer peer;
    char path[64];
    uint64_t first;
    uint64_t second;

    (void)state;
    begin(&peer, NULL);
    assert_int_equal(host_run(&peer, ID_A, waiting_line(path)), 0);
    first = host_send_input(&peer, "long", ID_A, data, false);
    second = host_send_input(&peer, "long", ID_A, data, false);
    host_expect_done(&peer, first);
    wsm_channel_close(&peer.channel);
    host_connect(&peer);
    host_greet_and_report(&peer, &report);
    second = host_send_input(&peer, "long", ID_A, data, false);
    host_inspect(&peer, &report); /* which is answered, and that not */
    assert_int_equal(host_input(&peer, ID_A, "stdin", "x", 1, false), ERROR_BUSY);
    let_read(path);
    host_expect_done(&peer, second);
    host_expect_done(&peer, host_send_input(&peer, "long", ID_A, data, false));
    host_expect_done(&peer, host_send_input(&peer, "end", ID_A, wsm_span_str(""), true));
    host_collect(&peer, ID_A, &output);
    assert_int_equal(strtol(host_text(&output, WSM_HOST_STDOUT), NULL, 10), LONG);
    unlink(path);
    host_output_clear(&output);
    host_stop(&peer);
}

static void test_host_forgets_the_id_of_input_that_nobody_read(void **state)
{
    enum {
        FILLING = 1024 * 1024 + 2048
    }; /* more than a pipe takes that has grown, and just so
          much that it need not wait if one is small */
    const struct wsm_span data = wsm_span_of(long_input, LONG);
    struct host_report report;
    struct host_peer peer;
    uint64_t first;

    (void)state;
    begin(&peer, NULL);
    assert_int_equal(host_run(&peer, ID_A, "exec sleep 1000"), 0);
    host_expect_done(&peer,
                     host_send_input(&peer, "a", ID_A, wsm_span_of(long_input, FILLING), false));
    first = host_send_input(&peer, "b", ID_A, data, false);
    {
        const struct wsm_host_signal_request message = { .request = host_next_request(&peer),
                                                         .command_id = wsm_span_str(ID_A),
                                                         .signal = WSM_HOST_SIGNAL_CTRL_C };
        struct wsm_host_failed failed;

        host_send(&peer, &wsm_host_signal_type, &message);
        host_expect_done(&peer, message.request);
        host_expect(&peer, &wsm_host_failed_type, &failed);
        assert_int_equal(failed.request, first);
        assert_int_equal(failed.code, ERROR_BROKEN_PIPE);
    }
    host_inspect_until(&peer, HOST_DONE, 1, &report);
    first = host_send_input(&peer, "b", ID_A, data, false);
    assert_int_equal(host_done_or_failed(&peer, first), ERROR_BROKEN_PIPE);
    host_expect_done(&peer, host_send_input(&peer, "a", ID_A, data, false));
    host_stop(&peer);
}

static void test_host_keeps_input_that_waits_when_it_is_let_go(void **state)
{
    const struct wsm_span data = wsm_span_of(long_input, LONG);
    struct wsm_host_disconnect message = { .idle_timeout_ms = -1 };
    struct host_output output = { .is_done = false };
    struct host_report report;
    struct host_peer peer;
    char path[64];
    uint64_t waiting;

    (void)state;
    begin(&peer, NULL);
    assert_int_equal(host_run(&peer, ID_A, waiting_line(path)), 0);
    waiting = host_send_input(&peer, "a", ID_A, data, false);
    message.request = host_next_request(&peer);
    host_send(&peer, &wsm_host_disconnect_type, &message);
    host_expect_done(&peer, waiting);
    host_expect_done(&peer, message.request);
    assert_int_equal(host_take_up(&peer, 0, 0, ""), 0);
    host_expect_done(&peer, host_send_input(&peer, "a", ID_A, data, false));
    waiting = host_send_input(&peer, "b", ID_A, data, true); /* waits, but is not refused */
    host_inspect(&peer, &report);
    let_read(path);
    host_expect_done(&peer, waiting);
    host_collect(&peer, ID_A, &output);
    assert_int_equal(strtol(host_text(&output, WSM_HOST_STDOUT), NULL, 10), 2 * LONG);
    unlink(path);
    host_output_clear(&output);
    host_stop(&peer);
}

static void test_host_bounds_input_however_often_it_is_let_go(void **state)
{
    const struct wsm_span data = wsm_span_of(long_input, LONG);
    struct host_peer peer;
    uint32_t code = 0;
    int rounds = 0;

    (void)state;
    begin(&peer, NULL);
    assert_int_equal(host_run(&peer, ID_A, "sleep 1000"), 0);
    for (; code == 0 && rounds < 100; rounds++) {
        struct wsm_host_disconnect message = { .idle_timeout_ms = -1 };
        uint64_t waiting = host_send_input(&peer, "", ID_A, data, false);

        message.request = host_next_request(&peer);
        host_send(&peer, &wsm_host_disconnect_type, &message);
        code = host_done_or_failed(&peer, waiting);
        host_expect_done(&peer, message.request);
        assert_int_equal(host_take_up(&peer, 0, 0, ""), 0);
    }
    assert_int_equal(code, ERROR_BUSY);
    assert_true(rounds >= 4 && rounds < 10);
    host_stop(&peer);
}

static void test_host_sends_no_signal_twice(void **state)
{
    struct host_output output = { .is_done = false };
    struct host_peer peer;

    (void)state;
    begin(&peer, NULL);
    assert_int_equal(
        host_run(&peer, ID_A,
                 "trap 'echo int' INT; echo ready; while :; do read x && echo $x; done"),
        0);
    host_collect_until(&peer, ID_A, &output, "ready\n");
    assert_int_equal(host_signal_as(&peer, "s1", ID_A, 99), ERROR_INVALID_PARAMETER);
    assert_int_equal(host_signal_as(&peer, "s1", ID_A, WSM_HOST_SIGNAL_CTRL_C), 0);
    host_collect_until(&peer, ID_A, &output, "int\n");
    assert_int_equal(host_signal_as(&peer, "s1", ID_A, WSM_HOST_SIGNAL_CTRL_C), 0);
    assert_int_equal(host_input(&peer, ID_A, "stdin", "one\n", 4, false), 0);
    host_collect_until(&peer, ID_A, &output, "one\n");
    assert_int_equal(host_signal_as(&peer, "s2", ID_A, WSM_HOST_SIGNAL_CTRL_C), 0);
    host_collect_until(&peer, ID_A, &output, "one\nint\n");
    assert_int_equal(host_signal_as(&peer, "s3", ID_A, WSM_HOST_SIGNAL_TERMINATE), 0);
    assert_int_equal(host_signal_as(&peer, "s3", ID_A, WSM_HOST_SIGNAL_TERMINATE), 0);
    assert_string_equal(host_text(&output, WSM_HOST_STDOUT), "ready\nint\none\nint\n");
    host_output_clear(&output);
    host_stop(&peer);
}

static void test_host_logs_what_was_under_way_when_its_net_went(void **state)
{
    static const char expected[] = "command " ID_A
                                   ": the service has gone: stdout served 6 confirmed 2 again 4, "
                                   "stderr served 0 confirmed 0 again 0\n";
    char path[128];
    char text[4096] = "";
    struct host_output output = { .is_done = false };
    struct host_report report;
    struct host_peer peer;
    const char *at;
    FILE *file;

    (void)state;
    snprintf(path, sizeof(path), "/tmp/winrmd-host-log-%d", (int)getpid());
    host_start(&peer, &(struct host_setup){ .log = path });
    host_connect(&peer);
    host_greet(&peer, NULL, NULL, NULL, 0);
    assert_int_equal(host_open(&peer, NULL), 0);
    assert_int_equal(host_run(&peer, ID_A, "echo 12345; sleep 1000"), 0);
    assert_int_equal(host_run(&peer, ID_B, "echo 12345; sleep 1000"), 0);
    host_inspect_until(&peer, HOST_END, 6, &report);
    host_answer(&peer, host_fetch(&peer, ID_A, both, 0, 0, 100), &output);
    host_confirm(&peer, ID_A, 2, 0);
    host_answer(&peer, host_fetch(&peer, ID_A, both, 2, 0, 100), &output);
    host_answer(&peer, host_fetch(&peer, ID_B, both, 0, 0, 100), &output);
    host_confirm(&peer, ID_B, 6, 0); /* nothing under way: no line */
    host_inspect(&peer, &report);    /* it has been read */
    wsm_channel_close(&peer.channel);
    host_connect(&peer);
    host_greet_and_report(&peer, &report);
    assert_int_equal(host_delete(&peer), 0);
    assert_int_equal(host_wait(&peer), 0);
    file = fopen(path, "r");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
    fclose(file);
    unlink(path);
    at = strstr(text, expected);
    assert_non_null(at);
    assert_null(strstr(at + strlen(expected), "the service has gone"));
    host_output_clear(&output);
    host_stop(&peer);
}

/* More reports than a connection holds, asked for by somebody who does not read them yet. */
static void test_host_takes_no_questions_while_answers_pile_up(void **state)
{
    enum { COMMANDS = 100, QUESTIONS = 60 };
    static char line[4097];
    struct wsm_host_report_end end = { .request = 0 };
    struct host_peer peer;

    (void)state;
    begin(&peer, &ours);
    memset(line, ' ', sizeof(line) - 1);
    for (int i = 0; i < COMMANDS; i++) {
        char id[40];

        snprintf(id, sizeof(id), "11111111-0000-4000-8000-%012d", i);
        assert_int_equal(host_run(&peer, id, line), 0);
    }
    for (int i = 0; i < QUESTIONS; i++) {
        const struct wsm_host_inspect message = { .request = host_next_request(&peer) };

        host_send(&peer, &wsm_host_inspect_type, &message);
    }
    while (end.request < peer.last_request) {
        struct wsm_frame frame;

        assert_true(host_next(&peer, &frame)); /* else the host gave up */
        if (frame.type == WSM_HOST_REPORT_END)
            assert_true(wsm_message_parse(&wsm_host_report_end_type, frame.payload, &end));
    }
    host_stop(&peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_reports_what_it_was_told_and_who_holds_it),
        cmocka_unit_test(test_host_reports_commands_with_their_lines_and_numbers),
        cmocka_unit_test(test_host_counts_what_runs_under_it),
        cmocka_unit_test(test_host_is_not_kept_by_being_looked_at),
        cmocka_unit_test(test_host_answers_who_waits_when_it_is_let_go),
        cmocka_unit_test(test_host_hands_out_what_there_is_before_it_lets_go),
        cmocka_unit_test(test_host_refuses_use_while_it_is_let_go),
        cmocka_unit_test(test_host_refuses_to_be_let_go_in_ways_there_are_not),
        cmocka_unit_test(test_host_ends_when_nobody_takes_it_up_though_commands_run),
        cmocka_unit_test(test_host_starts_its_idle_clock_anew_when_it_is_taken_up),
        cmocka_unit_test(test_host_ends_by_its_own_clock_without_a_service),
        cmocka_unit_test(test_host_blocks_who_writes_too_much_unless_it_may_drop),
        cmocka_unit_test(test_host_takes_a_flood_while_nobody_looks),
        cmocka_unit_test(test_host_ends_a_command_that_lost_its_last_bytes),
        cmocka_unit_test(test_host_names_the_range_that_was_missed),
        cmocka_unit_test(test_host_starts_nothing_twice),
        cmocka_unit_test(test_host_takes_no_input_twice),
        cmocka_unit_test(test_host_does_not_count_half_an_input),
        cmocka_unit_test(test_host_lets_a_repetition_wait_for_the_answer),
        cmocka_unit_test(test_host_forgets_the_id_of_input_that_nobody_read),
        cmocka_unit_test(test_host_keeps_input_that_waits_when_it_is_let_go),
        cmocka_unit_test(test_host_bounds_input_however_often_it_is_let_go),
        cmocka_unit_test(test_host_sends_no_signal_twice),
        cmocka_unit_test(test_host_logs_what_was_under_way_when_its_net_went),
        cmocka_unit_test(test_host_takes_no_questions_while_answers_pile_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
