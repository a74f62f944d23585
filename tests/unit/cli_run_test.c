/* winrmc run against a library of paper: what it asks for in which order, and which exit
 * code each answer leads to, also answers that only foreign services give. */
#include "cli_fakes.h"

#include "cli/message.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <wsmerror.h>

#include <cmocka.h>

#define NO_LINK   WSMAN_FLAG_CALLBACK_NETWORK_FAILURE_DETECTED
#define TRYING    WSMAN_FLAG_CALLBACK_RETRYING_AFTER_NETWORK_FAILURE
#define LINK_BACK WSMAN_FLAG_CALLBACK_RECONNECTED_AFTER_NETWORK_FAILURE
#define LEAVING   WSMAN_FLAG_CALLBACK_SHELL_AUTODISCONNECTING
#define GIVEN_UP  WSMAN_FLAG_CALLBACK_SHELL_AUTODISCONNECTED

static void expect(struct cli_script given, int status, const char *calls, const char *words)
{
    cli_expect(wsm_cli_run, given, status, calls, words);
}

static void test_run_passes_the_exit_code(void **state)
{
    (void)state;
    expect((struct cli_script){ .receive = HOLD, .exit_code = 0 }, 0, "CRrEooDd", NULL);
    expect((struct cli_script){ .receive = HOLD, .exit_code = 255 }, 255, "CRrEooDd", NULL);
    expect((struct cli_script){ .receive = HOLD, .exit_code = 256 }, 255, "CRrEooDd", NULL);
    expect((struct cli_script){ .receive = HOLD, .exit_code = 0xC000013A }, 255, "CRrEooDd", NULL);
}

static void test_run_create_that_fails_sends_no_command(void **state)
{
    (void)state;
    expect((struct cli_script){ .create = ERROR_ACCESS_DENIED }, 77, "CDd", "127.0.0.1: words");
    expect((struct cli_script){ .create = ERROR_WSMAN_DESTINATION_UNREACHABLE }, 69, "CDd",
           "127.0.0.1: words");
    expect((struct cli_script){ .create = ERROR_WSMAN_INVALID_XML }, 70, "CDd", "2150858819");
}

static void test_run_command_that_is_refused_deletes_the_shell(void **state)
{
    (void)state;
    expect((struct cli_script){ .run = 0x80070002 }, 70, "CRDd", "words of the service");
    /* The login was good enough for the shell: it is the program that may not be run. */
    expect((struct cli_script){ .run = ERROR_ACCESS_DENIED }, 70, "CRDd",
           "words of the service (error 5)\n");
}

static void test_run_lost_connection_without_a_way_back_is_69(void **state)
{
    (void)state;
    expect((struct cli_script){ .is_plain = true, .receive = ERROR_WSMAN_NETWORK_TIMEDOUT }, 69,
           "CRro", "; shell ");
    expect((struct cli_script){ .is_plain = true, .run = RPC_S_SERVER_UNAVAILABLE }, 69, "CR",
           "; shell ");
    expect((struct cli_script){ .is_plain = true,
                                .receive = HOLD,
                                .send = ERROR_WSMAN_NETWORK_TIMEDOUT },
           69, "CRrEoo", "; shell ");
}

static void test_run_lost_connection_tells_how_to_attach(void **state)
{
    (void)state;
    expect((struct cli_script){ .receive = ERROR_WSMAN_NETWORK_TIMEDOUT }, 75, "CRro",
           "attach with: winrmc attach --take u@127.0.0.1 ");
    expect((struct cli_script){ .run = RPC_S_SERVER_UNAVAILABLE }, 75, "CR", "attach with: ");
    expect((struct cli_script){ .receive = HOLD,
                                .notices = { NO_LINK, TRYING, LEAVING, GIVEN_UP },
                                .has_offsets = true,
                                .offsets = { .delivered = { 12, 3 } } },
           75, NULL, "attach --take --resume-at 12,3 u@127.0.0.1 ");
}

static void test_run_lost_link_is_said_when_it_begins_and_when_it_is_back(void **state)
{
    struct cli_script given = { .receive = 0,
                                .exit_code = 6,
                                .notices = { NO_LINK, TRYING, LINK_BACK } };

    (void)state;
    expect(given, 6, NULL, "127.0.0.1: the link is lost; trying again for 240 s\n");
    expect(given, 6, NULL, "127.0.0.1: the link is back after 0.0 s\n");
}

static void test_run_retry_time_is_handed_on(void **state)
{
    (void)state;
    expect((struct cli_script){ .options = { .has_retry_time = true, .retry_time_ms = 7000 },
                                .retry_ms = 7000 },
           0, NULL, NULL);
}

static void test_run_shell_that_another_client_has_is_left(void **state)
{
    (void)state;
    expect((struct cli_script){ .receive = ERROR_WINRS_SHELL_CONNECTED_TO_DIFFERENT_CLIENT }, 75,
           "CRro", "another client has taken shell ");
    expect((struct cli_script){ .receive = ERROR_WSMAN_SERVICE_STREAM_DISCONNECTED }, 75, "CRro",
           "another client has taken shell ");
    expect((struct cli_script){ .receive = ERROR_WINRS_SHELL_CLIENTSESSIONID_MISMATCH }, 75, "CRro",
           "another client has detached shell ");
    expect((struct cli_script){ .receive = HOLD, .send = ERROR_WINRS_SHELL_DISCONNECTED }, 75, NULL,
           "attach with: ");
}

static void test_run_input_that_nobody_reads_is_no_failure(void **state)
{
    static const DWORD codes[] = { ERROR_OPERATION_ABORTED, ERROR_BROKEN_PIPE,
                                   ERROR_WSMAN_UNEXPECTED_SELECTORS };

    (void)state;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        expect((struct cli_script){ .receive = HOLD, .send = codes[i], .exit_code = 3 }, 3,
               "CRrEooDd", NULL);
}

static void test_run_input_that_is_refused_ends_the_run(void **state)
{
    (void)state;
    expect(
        (struct cli_script){ .receive = HOLD, .signals = { SIGCHLD }, .send = ERROR_ACCESS_DENIED },
        77, "CRrEoDd", "words of the service");
}

static void test_run_first_interrupt_goes_to_the_command(void **state)
{
    (void)state;
    expect((struct cli_script){ .receive = HOLD, .signals = { SIGINT }, .exit_code = 130 }, 130,
           "CRrcooEoDd", NULL);
    expect((struct cli_script){ .receive = HOLD,
                                .signals = { SIGINT },
                                .receive_on_signal = ERROR_CANCELLED },
           130, "CRrcooEoDd", NULL);
    expect((struct cli_script){ .receive = HOLD,
                                .signals = { SIGINT },
                                .receive_on_signal = ERROR_OPERATION_ABORTED },
           130, "CRrcooEoDd", NULL);
}

static void test_run_second_interrupt_leaves_the_command(void **state)
{
    struct cli_script given = { .receive = HOLD,
                                .signals = { SIGINT, SIGINT },
                                .has_offsets = true };

    (void)state;
    expect(given, 75, "CRrcoL", "attach with: winrmc attach u@127.0.0.1 ");
    given.offsets.delivered[1] = 5;
    expect(given, 75, "CRrcoL", "winrmc attach --resume-at 0,5 u@127.0.0.1 ");
    given.has_offsets = false;
    expect(given, 75, "CRrcoL", "winrmc attach u@127.0.0.1 ");
    given.disconnect = ERROR_WINRS_SHELL_DISCONNECT_OPERATION_NOT_GRACEFUL;
    expect(given, 75, "CRrcoL", "winrmc attach --take u@127.0.0.1 ");
}

static void test_run_third_interrupt_does_not_wait(void **state)
{
    (void)state;
    expect((struct cli_script){ .receive = HOLD,
                                .signals = { SIGINT, SIGINT },
                                .signal_on_leave = SIGINT,
                                .disconnect = HOLD },
           75, "CRrcoL", "winrmc attach --take ");
}

static void test_run_second_interrupt_deletes_what_cannot_be_left(void **state)
{
    (void)state;
    expect((struct cli_script){ .is_plain = true, .receive = HOLD, .signals = { SIGINT, SIGINT } },
           130, "CRrcoDd", NULL);
    expect((struct cli_script){ .is_plain = true,
                                .receive = HOLD,
                                .signals = { SIGINT, SIGINT, 0, SIGINT },
                                .close = HOLD },
           130, "CRrcoD", NULL);
}

static void test_run_interrupt_before_the_command_deletes_the_shell(void **state)
{
    (void)state;
    expect((struct cli_script){ .create = HOLD, .signals = { SIGINT } }, 130, "CDd", NULL);
    expect((struct cli_script){ .create = HOLD, .signals = { SIGHUP } }, 129, "CDd", NULL);
}

static void test_run_end_signals_leave_the_command(void **state)
{
    (void)state;
    expect((struct cli_script){ .receive = HOLD, .signals = { SIGTERM } }, 75, "CRrL",
           "winrmc attach u@127.0.0.1 ");
    expect((struct cli_script){ .receive = HOLD, .signals = { SIGHUP } }, 75, "CRrL",
           "winrmc attach ");
}

/* As systemd and a closing terminal send them, one after the other. */
static void test_run_second_end_signal_changes_nothing(void **state)
{
    (void)state;
    expect(
        (struct cli_script){ .receive = HOLD, .signals = { SIGTERM }, .signal_on_leave = SIGHUP },
        75, "CRrL", "winrmc attach u@127.0.0.1 ");
}

static void test_run_end_signals_delete_where_that_is_wanted(void **state)
{
    (void)state;
    expect((struct cli_script){ .receive = HOLD,
                                .signals = { SIGTERM },
                                .options = { .is_hangup_kill = true } },
           143, "CRrDd", NULL);
    expect((struct cli_script){ .receive = HOLD, .signals = { SIGHUP }, .is_plain = true }, 129,
           "CRrDd", NULL);
}

static void test_run_dropped_output_is_counted(void **state)
{
    (void)state;
    expect((struct cli_script){ .has_offsets = true, .offsets = { .dropped = { 7, 8 } } }, 0, NULL,
           "7 bytes of standard output and 8 of standard error were dropped");
}

static void test_run_buffer_mode_goes_with_the_create(void **state)
{
    (void)state;
    expect((struct cli_script){ .options = { .buffer = WSM_CLI_BUFFER_DROP },
                                .create_flags = WSMAN_FLAG_SERVER_BUFFERING_MODE_DROP },
           0, NULL, NULL);
    expect((struct cli_script){ .options = { .buffer = WSM_CLI_BUFFER_BLOCK },
                                .create_flags = WSMAN_FLAG_SERVER_BUFFERING_MODE_BLOCK },
           0, NULL, NULL);
}

/* The command gets the end of its input, the user the id and nothing else. */
static void test_run_detached_prints_the_shell(void **state)
{
    struct cli_outcome got;

    (void)state;
    got = cli_play(wsm_cli_run, (struct cli_script){ .options = { .is_detach = true } }, -1);
    assert_int_equal(got.status, 0);
    assert_string_equal(got.calls, "CREoL");
    assert_int_equal(strlen(got.out), 37);
    assert_int_equal(strspn(got.out, "0123456789ABCDEF-"), 36);
    assert_string_equal(got.err, "");
}

static void test_run_detached_needs_a_shell_that_can_be_left(void **state)
{
    (void)state;
    expect((struct cli_script){ .options = { .is_detach = true }, .is_plain = true }, 70, "CDd",
           "keeps no shell");
    expect((struct cli_script){ .options = { .is_detach = true }, .run = 0x80070002 }, 70, "CRDd",
           "words of the service");
}

static void test_run_detached_without_an_answer_says_how_to_attach(void **state)
{
    struct cli_script given = { .options = { .is_detach = true },
                                .disconnect = ERROR_WINRS_SHELL_DISCONNECT_OPERATION_NOT_GRACEFUL };
    struct cli_outcome got;

    (void)state;
    got = cli_play(wsm_cli_run, given, -1);
    assert_int_equal(got.status, 75);
    assert_string_equal(got.out, "");
    assert_non_null(strstr(got.err, "winrmc attach --take u@127.0.0.1 "));
}

static void test_run_detached_id_that_cannot_be_written_is_said(void **state)
{
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    struct cli_outcome got;

    (void)state;
    got = cli_play(wsm_cli_run, (struct cli_script){ .options = { .is_detach = true } }, full);
    close(full);
    assert_int_equal(got.status, 74);
    assert_non_null(strstr(got.err, "winrmc attach u@127.0.0.1 "));
}

static void test_run_timeout_is_124_and_names_the_host(void **state)
{
    (void)state;
    expect((struct cli_script){ .receive = HOLD, .options = { .timeout_ms = 1 } }, 124, NULL,
           "127.0.0.1: --timeout");
}

static void test_run_failed_delete_changes_nothing(void **state)
{
    (void)state;
    expect((struct cli_script){ .receive = HOLD, .exit_code = 4, .close = ERROR_ACCESS_DENIED }, 4,
           "CRrEooDd", NULL);
}

static void test_run_output_that_nobody_reads_is_sigpipe(void **state)
{
    struct cli_outcome got;
    int fds[2];

    (void)state;
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    close(fds[0]);
    got = cli_play(wsm_cli_run, (struct cli_script){ .receive = HOLD, .output = "x" }, fds[1]);
    close(fds[1]);
    assert_int_equal(got.status, 141);
    assert_non_null(strchr(got.calls, 'D'));
    assert_string_equal(got.err, "");
}

/* The disconnect is called while the callback with the unwritten bytes waits. */
static void test_run_output_that_cannot_be_written_is_left_at_the_server(void **state)
{
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    struct cli_outcome got;

    (void)state;
    got = cli_play(wsm_cli_run,
                   (struct cli_script){ .receive = HOLD,
                                        .output = "text",
                                        .has_offsets = true,
                                        .offsets = { .delivered = { 100, 9 } } },
                   full);
    assert_int_equal(got.status, 74);
    assert_non_null(strchr(got.calls, 'L'));
    assert_null(strchr(got.calls, 'D'));
    assert_non_null(strstr(got.err, "No space left"));
    assert_non_null(strstr(got.err, "winrmc attach --resume-at 100,9 u@127.0.0.1 "));
    got = cli_play(wsm_cli_run,
                   (struct cli_script){ .receive = HOLD, .output = "text", .is_plain = true },
                   full);
    close(full);
    assert_int_equal(got.status, 74);
    assert_non_null(strchr(got.calls, 'D'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_passes_the_exit_code),
        cmocka_unit_test(test_run_create_that_fails_sends_no_command),
        cmocka_unit_test(test_run_command_that_is_refused_deletes_the_shell),
        cmocka_unit_test(test_run_lost_connection_without_a_way_back_is_69),
        cmocka_unit_test(test_run_lost_connection_tells_how_to_attach),
        cmocka_unit_test(test_run_lost_link_is_said_when_it_begins_and_when_it_is_back),
        cmocka_unit_test(test_run_retry_time_is_handed_on),
        cmocka_unit_test(test_run_shell_that_another_client_has_is_left),
        cmocka_unit_test(test_run_input_that_nobody_reads_is_no_failure),
        cmocka_unit_test(test_run_input_that_is_refused_ends_the_run),
        cmocka_unit_test(test_run_first_interrupt_goes_to_the_command),
        cmocka_unit_test(test_run_second_interrupt_leaves_the_command),
        cmocka_unit_test(test_run_third_interrupt_does_not_wait),
        cmocka_unit_test(test_run_second_interrupt_deletes_what_cannot_be_left),
        cmocka_unit_test(test_run_interrupt_before_the_command_deletes_the_shell),
        cmocka_unit_test(test_run_end_signals_leave_the_command),
        cmocka_unit_test(test_run_second_end_signal_changes_nothing),
        cmocka_unit_test(test_run_end_signals_delete_where_that_is_wanted),
        cmocka_unit_test(test_run_dropped_output_is_counted),
        cmocka_unit_test(test_run_buffer_mode_goes_with_the_create),
        cmocka_unit_test(test_run_detached_prints_the_shell),
        cmocka_unit_test(test_run_detached_needs_a_shell_that_can_be_left),
        cmocka_unit_test(test_run_detached_without_an_answer_says_how_to_attach),
        cmocka_unit_test(test_run_detached_id_that_cannot_be_written_is_said),
        cmocka_unit_test(test_run_timeout_is_124_and_names_the_host),
        cmocka_unit_test(test_run_failed_delete_changes_nothing),
        cmocka_unit_test(test_run_output_that_nobody_reads_is_sigpipe),
        cmocka_unit_test(test_run_output_that_cannot_be_written_is_left_at_the_server),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
