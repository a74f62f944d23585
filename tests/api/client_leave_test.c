/* Shells that are let go, or are just about to be, and what is left there: input that nobody
 * reads, and what goes from the server when it is closed, and what lives on. */
#include "client_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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

static void test_r_dis_9_close_of_a_disconnected_one_is_local(void **state)
{
    (void)state;
    disconnect_shell(shell);
    close_command(command);
    close_shell(shell);
    assert_int_equal(fake_count(f->service, "Signal"), 0);
    assert_int_equal(fake_count(f->service, "Delete"), 0);
}

static void test_close_shell_deletes_a_disconnected_one_if_told(void **state)
{
    struct recorder *recorder = recorder_new();

    (void)state;
    disconnect_shell(shell);
    WSManCloseShell(shell, WSMAN_FLAG_DELETE_SERVER_SESSION, &recorder->async);
    assert_last_code(recorder, 0);
    assert_int_equal(fake_count(f->service, "Delete"), 1);
    recorder_free(recorder);
}

static void close_while_disconnecting(DWORD flags, size_t deletes)
{
    struct recorder *out = recorder_new();
    struct recorder *recorder = recorder_new();
    struct recorder *close = recorder_new();

    receive(shell, command, out);
    fake_wait(f->service, "Receive", 1);
    fake_hold(f->service, "Disconnect");
    disconnect(shell, 0, NULL, recorder);
    fake_wait(f->service, "Disconnect", 1);
    WSManCloseShell(shell, flags, &close->async);
    assert_last_code(close, 0);
    assert_call_refused(recorder, ERROR_OPERATION_ABORTED);
    assert_last_code(out, ERROR_OPERATION_ABORTED);
    assert_true(recorder_last(out)->order < recorder_last(close)->order);
    fake_release(f->service, "Disconnect");
    assert_int_equal(fake_count(f->service, "Delete"), deletes);
    recorder_free(out);
    recorder_free(close);
}

static void test_close_shell_while_it_disconnects(void **state)
{
    (void)state;
    close_while_disconnecting(0, 0);
}

static void test_close_shell_while_it_disconnects_deletes_if_told(void **state)
{
    (void)state;
    close_while_disconnecting(WSMAN_FLAG_DELETE_SERVER_SESSION, 1);
}

static void test_r_dis_13_client_that_exits_leaves_the_shell(void **state)
{
    (void)state;
    disconnect_shell(shell);
    assert_int_equal(WSManCloseSession(f->session, 0), 0);
    f->session = NULL;
    assert_int_equal(WSManDeinitialize(f->api, 0), 0);
    f->api = NULL;
    assert_int_equal(fake_count(f->service, "Delete"), 0);
    assert_int_equal(fake_count(f->service, "Signal"), 0);
}

static void end_while_disconnecting(bool deinitialize)
{
    struct recorder *out = recorder_new();
    struct recorder *recorder = recorder_new();

    receive(shell, command, out);
    fake_wait(f->service, "Receive", 1);
    fake_hold(f->service, "Disconnect");
    disconnect(shell, 0, NULL, recorder);
    fake_wait(f->service, "Disconnect", 1);
    if (!deinitialize)
        assert_int_equal(WSManCloseSession(f->session, 0), 0);
    f->session = NULL;
    if (deinitialize)
        assert_int_equal(WSManDeinitialize(f->api, 0), 0);
    if (deinitialize)
        f->api = NULL;
    assert_int_equal(recorder_count(recorder), 1);
    assert_int_equal(recorder_count(out), 1);
    assert_call_refused(recorder, ERROR_OPERATION_ABORTED);
    assert_last_code(out, ERROR_OPERATION_ABORTED);
    fake_release(f->service, "Disconnect");
    assert_int_equal(fake_count(f->service, "Delete"), 0);
    recorder_free(out);
}

static void test_r_dis_14_close_session_ends_a_running_disconnect(void **state)
{
    (void)state;
    end_while_disconnecting(false);
}

static void test_r_dis_14_deinitialize_ends_a_running_disconnect(void **state)
{
    (void)state;
    end_while_disconnecting(true);
}

static void test_r_dis_14_close_session_ends_one_that_is_held_back(void **state)
{
    struct recorder *sent = recorder_new();
    struct recorder *recorder = recorder_new();

    (void)state;
    fake_hold(f->service, "Send");
    send_text(shell, command, "a", false, sent);
    disconnect(shell, 0, NULL, recorder);
    fake_wait(f->service, "Send", 1);
    wait_for_loop(f->session);
    assert_int_equal(WSManCloseSession(f->session, 0), 0);
    f->session = NULL;
    assert_last_code(sent, ERROR_OPERATION_ABORTED);
    assert_call_refused(recorder, ERROR_OPERATION_ABORTED);
    assert_int_equal(fake_count(f->service, "Disconnect"), 0);
    fake_release(f->service, "Send");
    recorder_free(sent);
}

/* ---- Input that the command does not read ---- */

static void test_input_that_nobody_reads_sleeps_through_a_disconnect(void **state)
{
    struct recorder *first = recorder_new();
    struct recorder *second = recorder_new();
    struct recorder *recorder = recorder_new();

    (void)state;
    fake_hold(f->service, "Send");
    send_text(shell, command, "abc", false, first);
    send_text(shell, command, "def", true, second);
    fake_wait(f->service, "Send", 1);
    disconnect(shell, 0, NULL, recorder);
    fake_wait_answered(f->service, "Disconnect", 1); /* after WSM_DISCONNECT_HOLD_MS */
    wait_for_loop(f->session);
    assert_int_equal(recorder_count(recorder), 0); /* the first may still be answered */
    fake_release(f->service, "Send");
    assert_last_code(recorder, 0);
    assert_last_code(first, 0);
    assert_true(recorder_last(first)->order < recorder_last(recorder)->order);
    assert_int_equal(recorder_count(second), 0);
    reconnect_shell(shell);
    assert_int_equal(fake_count(f->service, "Send"), 1);
    reconnect_shell_command(command);
    assert_last_code(second, 0);
    assert_memory_equal(fake_input(f->service).ptr, "abcdef", 6);
    assert_int_equal(fake_input(f->service).len, 6);
    recorder_free(first);
    recorder_free(second);
    recorder_free(recorder);
}

static _Atomic uint32_t refusal; /* of Sends */

static bool refuse_send(struct fake_service *service, const struct fake_request *request,
                        struct fake_reply *reply)
{
    (void)service;
    if (refusal == 0 || strcmp(request->name, "Send") != 0)
        return false;
    fake_reply_fault(reply, request, refusal, "scripted");
    return true;
}

static void test_input_that_the_server_does_not_take_sleeps_through_a_disconnect(void **state)
{
    struct recorder *sent = recorder_new();

    (void)state;
    fake_service_handler(f->service, refuse_send);
    refusal = ERROR_BUSY;
    send_text(shell, command, "abc", false, sent);
    disconnect_shell(shell);
    refusal = 0;
    assert_int_equal(recorder_count(sent), 0);
    reconnect_shell(shell);
    reconnect_shell_command(command);
    assert_last_code(sent, 0);
    recorder_free(sent);
}

static void test_input_refused_because_of_the_disconnect_is_sent_again(void **state)
{
    struct recorder *sent = recorder_new();
    struct recorder *recorder = recorder_new();

    (void)state;
    fake_service_handler(f->service, refuse_send);
    refusal = ERROR_WINRS_SHELL_DISCONNECTED;
    fake_hold(f->service, "Send");
    send_text(shell, command, "abc", false, sent);
    fake_wait(f->service, "Send", 1);
    disconnect(shell, 0, NULL, recorder);
    fake_wait_answered(f->service, "Disconnect", 1);
    wait_for_loop(f->session);
    fake_release(f->service, "Send");
    assert_last_code(recorder, 0);
    assert_int_equal(recorder_count(sent), 0);
    refusal = 0;
    reconnect_shell(shell);
    reconnect_shell_command(command);
    assert_last_code(sent, 0);
    recorder_free(sent);
    recorder_free(recorder);
}

static void test_input_that_sleeps_can_be_cancelled(void **state)
{
    struct recorder *first = recorder_new();
    struct recorder *second = recorder_new();
    WSMAN_OPERATION_HANDLE operation;

    (void)state;
    fake_service_handler(f->service, refuse_send);
    refusal = ERROR_BUSY;
    operation = send_text(shell, command, "abc", false, first);
    send_text(shell, command, "def", false, second);
    disconnect_shell(shell);
    refusal = 0;
    assert_int_equal(WSManCloseOperation(operation, 0), 0);
    assert_last_code(first, ERROR_OPERATION_ABORTED);
    wait_for_loop(f->session);
    assert_int_equal(recorder_count(second), 0); /* sleeps on */
    reconnect_shell(shell);
    reconnect_shell_command(command);
    assert_last_code(second, 0);
    recorder_free(first);
    recorder_free(second);
}

static void test_input_that_sleeps_ends_with_its_shell(void **state)
{
    struct recorder *sent = recorder_new();

    (void)state;
    fake_service_handler(f->service, refuse_send);
    refusal = ERROR_BUSY;
    send_text(shell, command, "abc", false, sent);
    disconnect_shell(shell);
    close_shell(shell);
    assert_last_code(sent, ERROR_OPERATION_ABORTED);
    assert_int_equal(fake_count(f->service, "Delete"), 0);
    refusal = 0;
    recorder_free(sent);
}

static bool drop_disconnect(struct fake_service *service, const struct fake_request *request,
                            struct fake_reply *reply)
{
    (void)service;
    reply->is_dropped = strcmp(request->name, "Disconnect") == 0;
    return reply->is_dropped || refuse_send(service, request, reply);
}

/* After an input whose fate is unknown none may follow as if nothing were missing. */
static void test_input_in_the_queue_is_refused_when_the_network_is_dead(void **state)
{
    struct recorder *first = recorder_new();
    struct recorder *second = recorder_new();
    struct recorder *recorder = recorder_new();

    (void)state;
    fake_service_handler(f->service, drop_disconnect);
    refusal = ERROR_BUSY;
    send_text(shell, command, "abc", false, first);
    send_text(shell, command, "def", false, second);
    disconnect(shell, 0, NULL, recorder);
    assert_last_code(recorder, ERROR_WINRS_SHELL_DISCONNECT_OPERATION_NOT_GRACEFUL);
    assert_last_code(second, ERROR_WINRS_SHELL_DISCONNECTED);
    refusal = 0;
    reconnect_shell(shell);
    reconnect_shell_command(command);
    assert_last_code(first, 0); /* of this one is known that it was not taken */
    recorder_free(first);
    recorder_free(second);
    recorder_free(recorder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_r_dis_9_close_of_a_disconnected_one_is_local, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_close_shell_deletes_a_disconnected_one_if_told, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_close_shell_while_it_disconnects, setup, teardown),
        cmocka_unit_test_setup_teardown(test_close_shell_while_it_disconnects_deletes_if_told,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_r_dis_13_client_that_exits_leaves_the_shell, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_r_dis_14_close_session_ends_a_running_disconnect,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_r_dis_14_deinitialize_ends_a_running_disconnect, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_r_dis_14_close_session_ends_one_that_is_held_back,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_input_that_nobody_reads_sleeps_through_a_disconnect,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_input_that_the_server_does_not_take_sleeps_through_a_disconnect, setup, teardown),
        cmocka_unit_test_setup_teardown(test_input_refused_because_of_the_disconnect_is_sent_again,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_input_that_sleeps_can_be_cancelled, setup, teardown),
        cmocka_unit_test_setup_teardown(test_input_that_sleeps_ends_with_its_shell, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_input_in_the_queue_is_refused_when_the_network_is_dead,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
