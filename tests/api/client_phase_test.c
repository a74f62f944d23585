/* Broken connections on a server with our mark: what the callback of CreateShell is told and when,
 * what waits for the end of a phase, how long it lasts, and what ends within it. */
#include "robust_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <wsmext.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define NO_MEMORY_LIMIT /* they need all there is */
#endif

static void test_results_come_behind_the_notice_of_success(void **state)
{
    struct recorder *done = recorder_new();
    size_t back;

    (void)state;
    marked_cut("Send", MARKED_UNANSWERED, 1);
    send_text(shell, command, "a", false, done);
    assert_last_code(done, 0);
    back = wait_notice(RECONNECTED, 1);
    assert_true(notices->events[back].order < recorder_last(done)->order);
    recorder_free(done);
}

static void test_tries_go_on_until_the_server_is_back(void **state)
{
    struct recorder *out = recorder_new();
    struct recorder *in = recorder_new();
    size_t tries;

    (void)state;
    receive(shell, command, out);
    fake_wait(f->service, "Receive", 1);
    lose_link();
    tries = wait_notice(RETRYING, wait_notice(FAILURE, 1));
    tries = wait_notice(RETRYING, tries + 1);
    send_text(shell, command, "meanwhile", true, in); /* waits for the link */
    wait_notice(RETRYING, tries + 1);
    assert_int_equal(recorder_count(in), 0);
    fake_accept(f->service);
    assert_last_code(in, 0);
    marked_write("stdout", "there");
    marked_end(0);
    assert_output(out, "there");
    assert_int_equal(fake_count(f->service, "Send"), 1);
    assert_recovered();
    recorder_free(out);
    recorder_free(in);
}

/* 0, 250, 750 and 1750 ms, give or take a fifth of each wait: not many within 2 s. */
static void test_4_8_tries_become_rarer(void **state)
{
    struct recorder *out = recorder_new();
    size_t tries = 0;
    size_t end;
    size_t i;

    (void)state;
    assert_int_equal(WSManExtSetRetryTime(f->session, 2000), 0);
    receive(shell, command, out);
    fake_wait(f->service, "Receive", 1);
    lose_link();
    end = wait_notice(DISCONNECTED, 1);
    for (i = 1; i < end; i++)
        tries += notices->events[i].flags == RETRYING;
    assert_in_range(tries, 1, 5);
    fake_accept(f->service);
    close_shell(shell);
    assert_last_code(out, ERROR_OPERATION_ABORTED);
    recorder_free(out);
}

/* Though the server would have taken it: what was lost first is tried until it is answered. */
static void test_new_requests_wait_for_the_link(void **state)
{
    struct recorder *out = recorder_new();
    struct recorder *done = recorder_new();
    char *log;
    size_t back;

    (void)state;
    receive(shell, command, out);
    marked_wait_receives(1);
    marked_cut("Receive", MARKED_STARTING, 2);
    fake_hold(f->service, "Receive");
    fake_close_all(f->service);
    fake_wait(f->service, "Receive", 2);
    signal_command(shell, command, WSMAN_SIGNAL_SHELL_CODE_CTRL_C, done);
    wait_for_loop(f->session); /* it waits; only now is the try answered */
    fake_release(f->service, "Receive");
    assert_last_code(done, 0);
    back = wait_notice(RECONNECTED, 1);
    assert_true(notices->events[back].order < recorder_last(done)->order);
    assert_int_equal(count_phases(), 1);
    log = fake_log(f->service);
    assert_non_null(strstr(log, "Command Receive Receive Receive Receive "));
    free(log);
    marked_end(0);
    assert_output(out, "");
    recorder_free(out);
    recorder_free(done);
}

static void test_a_second_loss_begins_a_second_phase(void **state)
{
    struct recorder *done = recorder_new();
    size_t back;

    (void)state;
    marked_cut("Signal", MARKED_UNREAD, 1);
    signal_command(shell, command, WSMAN_SIGNAL_SHELL_CODE_CTRL_C, done);
    back = wait_notice(RECONNECTED, 1);
    marked_cut("Signal", MARKED_UNREAD, 1);
    close_command(command);
    wait_notice(RECONNECTED, back + 1);
    assert_int_equal(count_phases(), 2);
    recorder_free(done);
}

#ifndef NO_MEMORY_LIMIT
/* Until it is given again, no more memory is to be had from the system. */
static void limit_memory(rlim_t bytes)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_AS, &limit), 0);
    limit.rlim_cur = bytes == 0 ? limit.rlim_max : bytes;
    assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
}

/* What there is no memory for is the input itself, which would have to be written anew. */
static void test_4_8_a_try_that_cannot_be_made_ends_the_shell(void **state)
{
    struct recorder *sent = recorder_new();
    struct recorder *queued = recorder_new();
    struct recorder *out = recorder_new();
    struct recorder *refused = recorder_new();
    WSMAN_DATA large = { .type = WSMAN_DATA_TYPE_DWORD, .number = 65536 };
    WSMAN_OPERATION_HANDLE operation = NULL;
    size_t size = 48 * 1000 * 1000;
    size_t end;

    (void)state;
    assert_int_equal(WSManSetSessionOption(f->session, WSMAN_OPTION_MAX_ENVELOPE_SIZE_KB, &large),
                     0);
    fake_hold(f->service, "Send");
    large.type = WSMAN_DATA_TYPE_BINARY;
    large.binaryData.dataLength = (DWORD)size;
    large.binaryData.data = calloc(1, size);
    assert_non_null(large.binaryData.data);
    WSManSendShellInput(shell, command, 0, WSMAN_STREAM_ID_STDIN, &large, false, &sent->async,
                        &operation);
    free(large.binaryData.data);
    fake_wait(f->service, "Send", 1); /* on the oldest connection */
    send_text(shell, command, "behind it", false, queued);
    receive(shell, command, out);
    fake_wait(f->service, "Receive", 1);
    fake_refuse(f->service);
    limit_memory(1);
    fake_close_oldest(f->service); /* so that the Send is what is tried */
    end = wait_notice(ABORTED, 1);
    limit_memory(0);
    assert_int_equal(count_phases(), 1);
    assert_int_equal(notices->events[end - 1].flags, RETRYING);
    assert_last_code(sent, ERROR_OUTOFMEMORY);
    assert_last_code(queued, ERROR_OUTOFMEMORY);
    assert_last_code(out, ERROR_OUTOFMEMORY);
    assert_true(recorder_last(out)->order > notices->events[end].order);

    /* It can only be closed, which deletes it. */
    fake_release(f->service, "Send");
    fake_accept(f->service);
    receive(shell, command, refused);
    assert_last_code(refused, ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE);
    recorder_free(refused);
    refused = recorder_new();
    reconnect(shell, 0, refused);
    assert_last_code(refused, ERROR_WINRS_SHELL_RECONNECT_OPERATION_NOT_VALID);
    close_shell(shell);
    assert_int_equal(marked_applied("Delete"), 1);
    assert_int_equal(recorder_count(notices), end + 1);
    recorder_free(sent);
    recorder_free(queued);
    recorder_free(out);
    recorder_free(refused);
}
#endif

/* Whoever answers is there, whatever he says. */
static void test_a_refused_login_ends_the_operation_and_not_the_shell(void **state)
{
    struct recorder *done = recorder_new();

    (void)state;
    marked_cut("Signal", MARKED_UNREAD, 1);
    marked_cut("Signal", MARKED_DENIED, 1);
    signal_command(shell, command, WSMAN_SIGNAL_SHELL_CODE_CTRL_C, done);
    assert_last_code(done, ERROR_ACCESS_DENIED);
    assert_recovered();
    close_command(command);
    recorder_free(done);
}

static void test_a_silent_command_does_not_hold_up_the_return(void **state)
{
    struct recorder *out = recorder_new();
    struct recorder *done = recorder_new();

    (void)state;
    receive(shell, command, out);
    fake_wait(f->service, "Receive", 1);
    lose_link();
    wait_notice(RETRYING, 1);
    signal_command(shell, command, WSMAN_SIGNAL_SHELL_CODE_CTRL_C, done);
    fake_accept(f->service);
    assert_last_code(done, 0); /* well before the Receive's minute */
    assert_recovered();
    marked_end(0);
    assert_output(out, "");
    recorder_free(out);
    recorder_free(done);
}

/* ---- Retry time ---- */

/* All that was under way; and then the shell can be taken up again. */
static void test_time_over_disconnects_the_shell(void **state)
{
    struct recorder *out = recorder_new();
    struct recorder *in = recorder_new();
    struct recorder *run = recorder_new();
    WSMAN_COMMAND_HANDLE refused = NULL;
    size_t gone;

    (void)state;
    assert_int_equal(WSManExtSetRetryTime(f->session, 600), 0);
    receive(shell, command, out);
    fake_wait(f->service, "Receive", 1);
    lose_link();
    send_text(shell, command, "a", false, in);
    gone = wait_notice(DISCONNECTED, 1);
    assert_int_equal(notices->events[gone - 1].flags, DISCONNECTING);
    assert_int_equal(count_phases(), 1);
    assert_last_code(in, ERROR_WSMAN_HTTP_SERVICE_UNAVAILABLE_STATUS);
    assert_true(recorder_last(in)->order > notices->events[gone].order);
    WSManRunShellCommand(shell, 0, WSMAN_TEXT("b"), NULL, NULL, &run->async, &refused);
    assert_last_code(run, ERROR_WINRS_SHELL_DISCONNECTED);
    assert_int_equal(recorder_count(out), 0); /* it sleeps */

    fake_accept(f->service);
    reconnect_shell(shell);
    reconnect_shell_command(command);
    marked_write("stdout", "there");
    marked_end(0);
    assert_output(out, "there");
    close_command(refused);
    recorder_free(out);
    recorder_free(in);
    recorder_free(run);
}

/* A try that hangs ends with the time too. */
static void test_time_over_ends_a_try_without_an_answer(void **state)
{
    struct recorder *done = recorder_new();

    (void)state;
    assert_int_equal(WSManExtSetRetryTime(f->session, 200), 0);
    marked_cut("Signal", MARKED_UNREAD, 1);
    fake_hold(f->service, "Signal");
    signal_command(shell, command, WSMAN_SIGNAL_SHELL_CODE_CTRL_C, done);
    fake_wait(f->service, "Signal", 1);
    fake_close_all(f->service);
    wait_notice(DISCONNECTED, 1);
    assert_last_code(done, ERROR_WSMAN_NETWORK_TIMEDOUT);
    assert_int_equal(count_phases(), 1);
    fake_release(f->service, "Signal");
    recorder_free(done);
}

static void test_no_retry_time_gives_plain_errors(void **state)
{
    struct recorder *done = recorder_new();

    (void)state;
    assert_int_equal(WSManExtSetRetryTime(f->session, 0), 0);
    marked_cut("Signal", MARKED_UNREAD, 1);
    signal_command(shell, command, WSMAN_SIGNAL_SHELL_CODE_CTRL_C, done);
    assert_last_code(done, ERROR_WSMAN_NETWORK_TIMEDOUT);
    assert_int_equal(recorder_count(notices), 1);
    recorder_free(done);
}

static void test_set_retry_time_checks_its_arguments(void **state)
{
    DWORD value = 0;

    (void)state;
    assert_int_equal(WSManExtSetRetryTime(NULL, 1), ERROR_WSMAN_CLIENT_NO_HANDLE);
    assert_int_equal(WSManExtSetRetryTime((WSMAN_SESSION_HANDLE)f->api, 1),
                     ERROR_WSMAN_SESSION_ALREADY_CLOSED);
    assert_int_equal(WSManExtSetRetryTime(f->session, 0x80000000), ERROR_INVALID_PARAMETER);
    assert_int_equal(WSManGetSessionOptionAsDword(f->session, WSMAN_OPTION_MAX_RETRY_TIME, &value),
                     0);
    assert_int_equal(value, 240000);
    assert_int_equal(WSManExtSetRetryTime(f->session, 0x7fffffff), 0);
    assert_int_equal(WSManGetSessionOptionAsDword(f->session, WSMAN_OPTION_MAX_RETRY_TIME, &value),
                     0);
    assert_int_equal(value, 0x7fffffff);
}

/* ---- Ending within a phase ---- */

static void test_close_operation_within_a_phase(void **state)
{
    struct recorder *out = recorder_new();
    WSMAN_OPERATION_HANDLE operation;

    (void)state;
    operation = receive(shell, command, out);
    fake_wait(f->service, "Receive", 1);
    lose_link();
    wait_notice(FAILURE, 1);
    assert_int_equal(WSManCloseOperation(operation, 0), 0);
    assert_last_code(out, ERROR_OPERATION_ABORTED);
    fake_accept(f->service); /* with nothing to repeat somebody has to knock all the same */
    assert_recovered();
    close_command(command);
    recorder_free(out);
}

static void test_disconnect_within_a_phase_is_not_graceful(void **state)
{
    struct recorder *out = recorder_new();
    struct recorder *done = recorder_new();

    (void)state;
    receive(shell, command, out);
    fake_wait(f->service, "Receive", 1);
    lose_link();
    wait_notice(RETRYING, 1);
    disconnect(shell, 0, NULL, done);
    assert_last_code(done, ERROR_WINRS_SHELL_DISCONNECT_OPERATION_NOT_GRACEFUL);
    assert_int_equal(notices->events[recorder_count(notices) - 1].flags, DISCONNECTED);
    assert_int_equal(count_phases(), 1);
    assert_int_equal(recorder_count(out), 0);
    fake_accept(f->service);
    reconnect_shell(shell);
    reconnect_shell_command(command);
    marked_end(0);
    assert_output(out, "");
    recorder_free(out);
    recorder_free(done);
}

static void test_close_shell_within_a_phase_ends_in_time(void **state)
{
    struct recorder *out = recorder_new();
    struct recorder *closed = recorder_new();

    (void)state;
    receive(shell, command, out);
    fake_wait(f->service, "Receive", 1);
    lose_link();
    wait_notice(RETRYING, 1);
    WSManCloseShell(shell, 0, &closed->async);
    assert_last_code(out, ERROR_OPERATION_ABORTED);
    assert_last_code(closed, ERROR_WSMAN_HTTP_SERVICE_UNAVAILABLE_STATUS);
    assert_int_equal(WSManCloseSession(f->session, 0), 0);
    f->session = NULL;
    assert_true(notices->events[recorder_count(notices) - 1].order < recorder_last(closed)->order);
    recorder_free(out);
    recorder_free(closed);
}

static void test_close_shell_within_a_phase_deletes_it_if_it_can(void **state)
{
    struct recorder *out = recorder_new();
    struct recorder *closed = recorder_new();

    (void)state;
    receive(shell, command, out);
    fake_wait(f->service, "Receive", 1);
    lose_link();
    wait_notice(RETRYING, 1);
    WSManCloseShell(shell, 0, &closed->async);
    assert_last_code(out, ERROR_OPERATION_ABORTED);
    fake_accept(f->service);
    assert_last_code(closed, 0);
    assert_int_equal(marked_applied("Delete"), 1);
    recorder_free(out);
    recorder_free(closed);
}

static void test_deinitialize_within_a_phase(void **state)
{
    struct recorder *out = recorder_new();

    (void)state;
    receive(shell, command, out);
    fake_wait(f->service, "Receive", 1);
    lose_link();
    wait_notice(RETRYING, 1);
    assert_int_equal(WSManDeinitialize(f->api, 0), 0);
    assert_last_code(out, ERROR_OPERATION_ABORTED);
    f->session = NULL;
    f->api = NULL;
    recorder_free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHELL(test_results_come_behind_the_notice_of_success),
        SHELL(test_tries_go_on_until_the_server_is_back),
        SHELL(test_4_8_tries_become_rarer),
        SHELL(test_new_requests_wait_for_the_link),
        SHELL(test_a_second_loss_begins_a_second_phase),
        SHELL(test_time_over_disconnects_the_shell),
        SHELL(test_time_over_ends_a_try_without_an_answer),
        SHELL(test_no_retry_time_gives_plain_errors),
#ifndef NO_MEMORY_LIMIT
        SHELL(test_4_8_a_try_that_cannot_be_made_ends_the_shell),
#endif
        SHELL(test_a_refused_login_ends_the_operation_and_not_the_shell),
        SHELL(test_a_silent_command_does_not_hold_up_the_return),
        SHELL(test_close_operation_within_a_phase),
        SHELL(test_disconnect_within_a_phase_is_not_graceful),
        SHELL(test_close_shell_within_a_phase_ends_in_time),
        SHELL(test_close_shell_within_a_phase_deletes_it_if_it_can),
        SHELL(test_deinitialize_within_a_phase),
        TEST(test_set_retry_time_checks_its_arguments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
