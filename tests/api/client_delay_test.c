/* Receive with WSMAN_FLAG_RECEIVE_DELAY_OUTPUT_STREAM: one callback that says the request is
 * taken, no output until the shell has been let go and taken up again. PowerShell compares the
 * flags of that callback exactly and looks at no data then. */
#include "client_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { DELAY = WSMAN_FLAG_RECEIVE_DELAY_OUTPUT_STREAM, ACCEPTED = 0x2000 };

static struct fixture *f;
static WSMAN_SHELL_HANDLE shell;
static WSMAN_COMMAND_HANDLE command;

static int setup(void **state)
{
    (void)state;
    f = fixture_new();
    fake_can_disconnect(f->service);
    shell = open_shell(f);
    command = run_command(shell, WSMAN_TEXT("cat"));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_free(f);
    return 0;
}

static WSMAN_OPERATION_HANDLE receive_later(struct recorder *recorder)
{
    WSMAN_OPERATION_HANDLE operation = NULL;

    WSManReceiveShellOutput(shell, command, DELAY, NULL, &recorder->async, &operation);
    assert_non_null(operation);
    return operation;
}

static void assert_accepted(struct recorder *recorder, WSMAN_OPERATION_HANDLE operation)
{
    recorder_wait(recorder, 1);
    assert_int_equal(recorder->events[0].flags, ACCEPTED);
    assert_int_equal(recorder->events[0].code, 0);
    assert_false(recorder->events[0].has_data);
    assert_ptr_equal(recorder->events[0].shell, shell);
    assert_ptr_equal(recorder->events[0].command, command);
    assert_ptr_equal(recorder->events[0].operation, operation);
}

/* Accepted, then aborted, and nothing else. Frees the recorder. */
static void assert_only_aborted(struct recorder *recorder)
{
    assert_last_code(recorder, ERROR_OPERATION_ABORTED);
    assert_int_equal(recorder->count, 2);
    assert_int_equal(recorder->events[0].flags, ACCEPTED);
    assert_int_equal(recorder->events[1].flags, WSMAN_FLAG_CALLBACK_END_OF_OPERATION);
    assert_false(recorder->events[1].has_data);
    recorder_free(recorder);
}

static void test_2_13_delayed_receive_is_accepted_and_asks_for_nothing(void **state)
{
    struct recorder *out = recorder_new();

    (void)state;
    fake_push_output(f->service, "early", NULL, false);
    assert_accepted(out, receive_later(out));
    wait_for_loop(f->session);
    assert_int_equal(recorder_count(out), 1);
    assert_int_equal(fake_count(f->service, "Receive"), 0);
    close_command(command);
    assert_only_aborted(out);
}

static void test_2_13_delayed_output_comes_after_the_reconnect(void **state)
{
    struct recorder *out = recorder_new();
    WSMAN_OPERATION_HANDLE operation;

    (void)state;
    operation = receive_later(out);
    assert_accepted(out, operation);
    disconnect_shell(shell);
    reconnect_shell(shell);
    wait_for_loop(f->session);
    assert_int_equal(fake_count(f->service, "Receive"), 0); /* the command has to come back too */
    fake_push_output(f->service, "late", NULL, true);
    fake_push_done(f->service, 7);
    reconnect_shell_command(command);
    assert_last_code(out, 0);
    assert_int_equal(recorder_last(out)->flags, WSMAN_FLAG_CALLBACK_END_OF_OPERATION);
    assert_int_equal(recorder_last(out)->exit_code, 7);
    assert_ptr_equal(recorder_last(out)->operation, operation);
    assert_int_equal(out->output_len, 4);
    assert_memory_equal(out->output, "late", 4);
    assert_int_equal(out->last_count, 1);
    recorder_free(out);
}

static bool refuse_disconnect(struct fake_service *service, const struct fake_request *request,
                              struct fake_reply *reply)
{
    (void)service;
    if (strcmp(request->name, "Disconnect") != 0)
        return false;
    fake_reply_fault(reply, request, ERROR_ACCESS_DENIED, "no");
    return true;
}

static void test_2_13_delayed_receive_waits_on_when_the_disconnect_is_refused(void **state)
{
    struct recorder *out = recorder_new();
    struct recorder *recorder = recorder_new();

    (void)state;
    fake_service_handler(f->service, refuse_disconnect);
    assert_accepted(out, receive_later(out));
    disconnect(shell, 0, NULL, recorder);
    assert_last_code(recorder, ERROR_ACCESS_DENIED);
    wait_for_loop(f->session);
    assert_int_equal(fake_count(f->service, "Receive"), 0);
    close_command(command);
    assert_only_aborted(out);
    recorder_free(recorder);
}

/* What PowerShell does for Invoke-Command -InDisconnectedSession. */
static void test_R_DIS_9_delayed_receive_ends_with_its_closed_command(void **state)
{
    struct recorder *out = recorder_new();

    (void)state;
    assert_accepted(out, receive_later(out));
    disconnect_shell(shell);
    close_command(command);
    assert_only_aborted(out);
    close_shell(shell);
    assert_int_equal(fake_count(f->service, "Signal"), 0);
    assert_int_equal(fake_count(f->service, "Delete"), 0);
}

static void test_2_9_close_operation_ends_a_delayed_receive(void **state)
{
    struct recorder *out = recorder_new();
    WSMAN_OPERATION_HANDLE operation = receive_later(out);

    (void)state;
    assert_accepted(out, operation);
    assert_int_equal(WSManCloseOperation(operation, 0), 0);
    assert_last_code(out, ERROR_OPERATION_ABORTED);
    assert_only_aborted(out);
    fake_push_done(f->service, 0); /* the command can be received from as ever */
    out = recorder_new();
    receive(shell, command, out);
    assert_last_code(out, 0);
    recorder_free(out);
}

static void close_when_accepted(struct recorder *recorder, const struct recorder_event *event)
{
    (void)recorder;
    if (event->flags == ACCEPTED)
        assert_int_equal(WSManCloseOperation(event->operation, 0), 0);
}

static void test_2_9_close_operation_in_the_callback_that_accepts(void **state)
{
    struct recorder *out = recorder_new();

    (void)state;
    out->on_event = close_when_accepted;
    receive_later(out);
    assert_last_code(out, ERROR_OPERATION_ABORTED);
    assert_only_aborted(out);
}

static void test_2_13_second_receive_beside_a_delayed_one_is_refused(void **state)
{
    struct recorder *out = recorder_new();
    struct recorder *second = recorder_new();

    (void)state;
    assert_accepted(out, receive_later(out));
    receive(shell, command, second);
    assert_last_code(second, ERROR_WINRS_RECEIVE_IN_PROGRESS);
    close_command(command);
    assert_only_aborted(out);
    recorder_free(second);
}

static void test_2_5_close_session_ends_a_delayed_receive(void **state)
{
    struct recorder *out = recorder_new();

    (void)state;
    receive_later(out);
    assert_int_equal(WSManCloseSession(f->session, 0), 0);
    f->session = NULL;
    assert_int_equal(out->last_count, 1); /* it has come already, whether accepted before or not */
    assert_last_code(out, ERROR_OPERATION_ABORTED);
    recorder_free(out);
}

static void test_2_13_delay_needs_a_command_and_no_other_flag(void **state)
{
    static const DWORD flags[] = { 1, 8, DELAY | 1, 0x20, 0x80000000 };
    WSMAN_OPERATION_HANDLE operation = NULL;
    struct recorder *out;
    size_t i;

    (void)state;
    for (i = 0; i <= sizeof(flags) / sizeof(flags[0]); i++) {
        bool is_shell = i == sizeof(flags) / sizeof(flags[0]);

        out = recorder_new();
        WSManReceiveShellOutput(shell, is_shell ? NULL : command, is_shell ? DELAY : flags[i], NULL,
                                &out->async, &operation);
        assert_null(operation);
        assert_last_code(out, ERROR_WSMAN_CLIENT_INVALID_RECEIVE_SHELL_FLAG);
        assert_int_equal(out->count, 1);
        recorder_free(out);
    }
}

static void assert_delay_is_not_supported(WSMAN_API_HANDLE api, struct fake_service *service)
{
    WSMAN_SESSION_HANDLE session = f->session;
    struct recorder *out = recorder_new();

    f->session = open_session(api, fake_service_port(service), true);
    shell = open_shell(f);
    command = run_command(shell, WSMAN_TEXT("cat"));
    receive_later(out);
    assert_last_code(out, ERROR_WINRS_SHELL_DISCONNECT_NOT_SUPPORTED);
    assert_int_equal(out->count, 1);
    recorder_free(out);
    assert_int_equal(WSManCloseSession(f->session, 0), 0);
    f->session = session;
}

static void test_2_13_delay_needs_a_shell_that_can_be_disconnected(void **state)
{
    struct fake_service *plain = fake_service_start();

    (void)state;
    assert_delay_is_not_supported(f->api, plain);
    fake_service_stop(plain);
}

static void test_G15_delay_is_not_for_api_1_0(void **state)
{
    WSMAN_API_HANDLE old = NULL;

    (void)state;
    assert_int_equal(WSManInitialize(WSMAN_FLAG_REQUESTED_API_VERSION_1_0, &old), 0);
    assert_delay_is_not_supported(old, f->service);
    assert_int_equal(WSManDeinitialize(old, 0), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_2_13_delayed_receive_is_accepted_and_asks_for_nothing),
        TEST(test_2_13_delayed_output_comes_after_the_reconnect),
        TEST(test_2_13_delayed_receive_waits_on_when_the_disconnect_is_refused),
        TEST(test_R_DIS_9_delayed_receive_ends_with_its_closed_command),
        TEST(test_2_9_close_operation_ends_a_delayed_receive),
        TEST(test_2_9_close_operation_in_the_callback_that_accepts),
        TEST(test_2_13_second_receive_beside_a_delayed_one_is_refused),
        TEST(test_2_5_close_session_ends_a_delayed_receive),
        TEST(test_2_13_delay_needs_a_command_and_no_other_flag),
        TEST(test_2_13_delay_needs_a_shell_that_can_be_disconnected),
        TEST(test_G15_delay_is_not_for_api_1_0),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
