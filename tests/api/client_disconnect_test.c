/* Disconnect: each fact R-DIS of the reference as a test of its name, wrong arguments, and what
 * happens to everything else of the shell meanwhile. */
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

static void test_r_dis_7_receive_sleeps_and_goes_on_by_itself(void **state)
{
    struct recorder *out = recorder_new();

    (void)state;
    receive(shell, command, out);
    fake_wait(f->service, "Receive", 1);
    disconnect_shell(shell);
    assert_int_equal(recorder_count(out), 0);
    reconnect_shell(shell);
    assert_int_equal(fake_count(f->service, "Receive"), 1);
    reconnect_shell_command(command);
    fake_push_output(f->service, "a", NULL, false);
    fake_push_done(f->service, 3);
    assert_last_code(out, 0);
    assert_int_equal(recorder_last(out)->exit_code, 3);
    assert_memory_equal(out->output, "a", 1);
    assert_int_equal(out->last_count, 1);
    recorder_free(out);
}

/* ---- Arguments ---- */

static void test_disconnect_shell_checks_its_arguments(void **state)
{
    static const DWORD flags[] = { 1, 2, 0x10, 4 | 8, 0x80000000 };
    struct recorder *recorder = recorder_new();
    size_t i;

    (void)state;
    disconnect(NULL, 0, NULL, recorder);
    assert_call_refused(recorder, ERROR_WSMAN_CLIENT_DISCONNECTSHELL_NULL_PARAM);
    for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        recorder = recorder_new();
        disconnect(shell, flags[i], NULL, recorder);
        assert_ptr_equal(recorder_last(recorder)->shell, shell);
        assert_call_refused(recorder, ERROR_WSMAN_CLIENT_INVALID_DISCONNECT_SHELL_FLAG);
    }
    recorder = recorder_new();
    disconnect((WSMAN_SHELL_HANDLE)command, 0, NULL, recorder);
    assert_call_refused(recorder, ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE);
    assert_int_equal(fake_count(f->service, "Disconnect"), 0);
}

static void test_disconnect_shell_without_a_callback_does_nothing(void **state)
{
    WSMAN_SHELL_ASYNC none = { .completionFunction = NULL };

    (void)state;
    WSManDisconnectShell(shell, 0, NULL, NULL);
    WSManDisconnectShell(shell, 0, NULL, &none);
    WSManReconnectShell(shell, 0, NULL);
    WSManReconnectShell(shell, 0, &none);
    WSManReconnectShellCommand(command, 0, NULL);
    WSManReconnectShellCommand(command, 0, &none);
    wait_for_loop(f->session);
    close_command(command);
    assert_int_equal(fake_count(f->service, "Disconnect"), 0);
    assert_int_equal(fake_count(f->service, "Reconnect"), 0);
}

static void test_disconnect_needs_a_shell_that_is_there(void **state)
{
    struct recorder *create = recorder_new();
    struct recorder *early = recorder_new();
    struct recorder *recorder = recorder_new();
    WSMAN_SHELL_HANDLE other = NULL;

    (void)state;
    create->user = create;
    fake_hold(f->service, "Create");
    WSManCreateShell(f->session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &create->async, &other);
    disconnect(other, 0, NULL, early);
    assert_call_refused(early, ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE);
    reconnect(other, 0, recorder);
    assert_call_refused(recorder, ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE);
    fake_release(f->service, "Create");
    assert_last_code(create, 0);
    close_shell(other);
    recorder = recorder_new();
    disconnect(other, 0, NULL, recorder);
    assert_call_refused(recorder, ERROR_WSMAN_SHELL_ALREADY_CLOSED);
    recorder = recorder_new();
    reconnect(other, 0, recorder);
    assert_call_refused(recorder, ERROR_WSMAN_SHELL_ALREADY_CLOSED);
    recorder_free(create);
}

static void test_version_1_0_cannot_disconnect(void **state)
{
    WSMAN_API_HANDLE api = NULL;
    WSMAN_SESSION_HANDLE session = f->session;
    struct recorder *recorder = recorder_new();
    WSMAN_SHELL_HANDLE old;
    WSMAN_COMMAND_HANDLE old_command;

    (void)state;
    assert_int_equal(WSManInitialize(WSMAN_FLAG_REQUESTED_API_VERSION_1_0, &api), 0);
    f->session = open_session(api, fake_service_port(f->service), true);
    recorder->user = recorder;
    WSManCreateShell(f->session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &recorder->async, &old);
    assert_last_code(recorder, 0);
    assert_int_equal(recorder_last(recorder)->flags, WSMAN_FLAG_CALLBACK_END_OF_OPERATION);
    recorder_free(recorder);
    recorder = recorder_new();
    disconnect(old, 0, NULL, recorder);
    assert_call_refused(recorder, ERROR_WINRS_SHELL_DISCONNECT_NOT_SUPPORTED);
    recorder = recorder_new();
    reconnect(old, 0, recorder);
    assert_call_refused(recorder, ERROR_WINRS_SHELL_DISCONNECT_NOT_SUPPORTED);
    old_command = run_command(old, WSMAN_TEXT("cat"));
    recorder = recorder_new();
    reconnect_command(old_command, recorder);
    assert_call_refused(recorder, ERROR_WINRS_SHELL_DISCONNECT_NOT_SUPPORTED);
    assert_int_equal(WSManCloseSession(f->session, 0), 0);
    assert_int_equal(WSManDeinitialize(api, 0), 0);
    f->session = session;
}

/* ---- Facts of Disconnect ---- */

static void test_r_dis_1_one_callback_with_the_shell(void **state)
{
    (void)state;
    disconnect_shell(shell); /* checks its handles, flags and data */
    assert_sent(f, "Disconnect", "idle", "-1");
    assert_sent(f, "Disconnect", "mode", "");
    assert_int_equal(fake_count(f->service, "Disconnect"), 1);
}

static void test_r_dis_2_only_shells_that_announced_it(void **state)
{
    struct fixture *plain = fixture_new();
    struct recorder *recorder = recorder_new();
    WSMAN_SHELL_HANDLE other = open_shell(plain);

    (void)state;
    disconnect(other, 0, NULL, recorder);
    assert_call_refused(recorder, ERROR_WINRS_SHELL_DISCONNECT_NOT_SUPPORTED);
    assert_int_equal(fake_count(plain->service, "Disconnect"), 0);
    close_shell(other);
    fixture_free(plain);
}

static void test_r_dis_2_session_and_shell_id_come_with_create(void **state)
{
    char *id = fake_last(f->service, "Create", "id");
    char *session = fake_last(f->service, "Create", "session");

    (void)state;
    assert_int_equal(strlen(id), 36);
    disconnect_shell(shell);
    assert_sent(f, "Disconnect", "shell", id);
    assert_sent(f, "Disconnect", "session", session);
    reconnect_shell(shell);
    assert_sent(f, "Reconnect", "shell", id);
    assert_sent(f, "Reconnect", "session", session);
    free(id);
    free(session);
}

static void test_r_dis_3_send_is_answered_before_disconnect_is_sent(void **state)
{
    struct recorder *first = recorder_new();
    struct recorder *second = recorder_new();
    struct recorder *recorder = recorder_new();

    (void)state;
    fake_hold(f->service, "Send");
    send_text(shell, command, "abc", false, first);
    send_text(shell, command, "def", true, second);
    disconnect(shell, 0, NULL, recorder);
    fake_wait(f->service, "Send", 1);
    wait_for_loop(f->session);
    assert_int_equal(fake_count(f->service, "Disconnect"), 0);
    assert_int_equal(recorder_count(recorder), 0);
    fake_release(f->service, "Send");
    assert_last_code(recorder, 0);
    assert_last_code(first, 0);
    assert_last_code(second, 0);
    assert_true(recorder_last(first)->order < recorder_last(second)->order);
    assert_true(recorder_last(second)->order < recorder_last(recorder)->order);
    assert_int_equal(fake_input(f->service).len, 6);
    assert_memory_equal(fake_input(f->service).ptr, "abcdef", 6);
    recorder_free(first);
    recorder_free(second);
    recorder_free(recorder);
}

static void test_r_dis_3_run_and_signal_are_answered_before_disconnect_is_sent(void **state)
{
    struct recorder *run = recorder_new();
    struct recorder *signal = recorder_new();
    struct recorder *recorder = recorder_new();
    WSMAN_COMMAND_HANDLE other = NULL;

    (void)state;
    fake_hold(f->service, "Command");
    fake_hold(f->service, "Signal");
    WSManRunShellCommand(shell, 0, WSMAN_TEXT("b"), NULL, NULL, &run->async, &other);
    signal_command(shell, command, WSMAN_SIGNAL_SHELL_CODE_CTRL_C, signal);
    disconnect(shell, 0, NULL, recorder);
    fake_wait(f->service, "Command", 2);
    fake_wait(f->service, "Signal", 1);
    fake_release(f->service, "Command");
    assert_last_code(run, 0);
    wait_for_loop(f->session);
    assert_int_equal(fake_count(f->service, "Disconnect"), 0);
    fake_release(f->service, "Signal");
    assert_last_code(recorder, 0);
    assert_true(recorder_last(run)->order < recorder_last(recorder)->order);
    assert_true(recorder_last(signal)->order < recorder_last(recorder)->order);
    reconnect_shell(shell);
    reconnect_shell_command(other); /* it was let go as the others */
    recorder_free(run);
    recorder_free(signal);
    recorder_free(recorder);
}

/* A command that reads only while its output is taken must not hold up the disconnect. */
static void test_r_dis_3_output_flows_while_input_is_waited_for(void **state)
{
    struct recorder *out = recorder_new();
    struct recorder *sent = recorder_new();
    struct recorder *recorder = recorder_new();

    (void)state;
    fake_hold(f->service, "Send");
    receive(shell, command, out);
    fake_wait(f->service, "Receive", 1);
    send_text(shell, command, "abc", false, sent);
    fake_wait(f->service, "Send", 1);
    disconnect(shell, 0, NULL, recorder);
    wait_for_loop(f->session);
    fake_push_output(f->service, "1", NULL, false);
    fake_push_output(f->service, "2", NULL, false);
    recorder_wait(out, 2);
    fake_wait(f->service, "Receive", 3);
    assert_int_equal(recorder_count(recorder), 0);
    fake_release(f->service, "Send");
    assert_last_code(recorder, 0);
    assert_int_equal(recorder_count(out), 2);
    fixture_free(f);
    f = fixture_new();
    assert_int_equal(recorder_last(out)->code, ERROR_OPERATION_ABORTED);
    recorder_free(out);
    recorder_free(sent);
    recorder_free(recorder);
}

static void test_r_dis_3_queued_callbacks_come_before_that_of_disconnect(void **state)
{
    struct recorder *blocker = recorder_new();
    struct recorder *sent = recorder_new();
    struct recorder *recorder = recorder_new();

    (void)state;
    recorder_gate(blocker);
    signal_command(shell, command, WSMAN_TEXT("x"), blocker);
    recorder_wait_inside(blocker);
    send_text(shell, command, "abc", false, sent);
    disconnect(shell, 0, NULL, recorder);
    fake_wait_answered(f->service, "Disconnect", 1);
    wait_for_loop(f->session);
    assert_int_equal(recorder_count(recorder), 0);
    recorder_open_gate(blocker);
    assert_last_code(recorder, 0);
    assert_last_code(sent, 0);
    assert_true(recorder_last(sent)->order < recorder_last(recorder)->order);
    recorder_free(blocker);
    recorder_free(sent);
    recorder_free(recorder);
}

static void test_r_dis_4_and_5_mode_and_idle_timeout_are_sent(void **state)
{
    static const struct {
        DWORD flags;
        bool has_info;
        DWORD idle;
        const char *mode;
        const char *sent;
    } rows[] = {
        { 0, false, 0, "", "-1" },
        { 0, true, 120000, "", "120000" },
        { WSMAN_FLAG_SERVER_BUFFERING_MODE_DROP, false, 0, "Drop", "-1" },
        { WSMAN_FLAG_SERVER_BUFFERING_MODE_DROP, true, 60000, "Drop", "60000" },
        { WSMAN_FLAG_SERVER_BUFFERING_MODE_BLOCK, false, 0, "Block", "-1" },
        { WSMAN_FLAG_SERVER_BUFFERING_MODE_BLOCK, true, 2147483647, "Block", "2147483647" },
        { 0, true, 0, "", "-1" },
        { 0, true, UINT32_MAX, "", "-1" },
        { 0, true, 1, "", "1" },
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct recorder *recorder = recorder_new();

        disconnect(shell, rows[i].flags, rows[i].has_info ? &rows[i].idle : NULL, recorder);
        assert_last_code(recorder, 0);
        assert_sent(f, "Disconnect", "mode", rows[i].mode);
        assert_sent(f, "Disconnect", "idle", rows[i].sent);
        recorder_free(recorder);
        reconnect_shell(shell);
    }
}

static bool drop_disconnect(struct fake_service *service, const struct fake_request *request,
                            struct fake_reply *reply)
{
    (void)service;
    reply->is_dropped = strcmp(request->name, "Disconnect") == 0;
    return reply->is_dropped;
}

static void test_r_dis_6_dead_network_leaves_it_disconnected(void **state)
{
    struct recorder *out = recorder_new();
    struct recorder *recorder = recorder_new();

    (void)state;
    fake_service_handler(f->service, drop_disconnect);
    receive(shell, command, out);
    fake_wait(f->service, "Receive", 1);
    disconnect(shell, 0, NULL, recorder);
    assert_ptr_equal(recorder_last(recorder)->shell, shell);
    assert_call_refused(recorder, ERROR_WINRS_SHELL_DISCONNECT_OPERATION_NOT_GRACEFUL);
    recorder = recorder_new();
    disconnect(shell, 0, NULL, recorder);
    assert_call_refused(recorder, ERROR_WINRS_SHELL_DISCONNECT_OPERATION_NOT_VALID);
    assert_int_equal(recorder_count(out), 0);
    reconnect_shell(shell);
    reconnect_shell_command(command);
    fake_push_done(f->service, 7);
    assert_last_code(out, 0);
    assert_int_equal(recorder_last(out)->exit_code, 7);
    recorder_free(out);
}

static void test_r_dis_6_server_that_is_gone(void **state)
{
    struct recorder *out = recorder_new();
    struct recorder *recorder = recorder_new();
    WSMAN_SHELL_HANDLE lost;
    WSMAN_SESSION_HANDLE session;
    struct fake_service *other = fake_service_start();

    (void)state;
    fake_can_disconnect(other);
    session = f->session;
    f->session = open_session(f->api, fake_service_port(other), true);
    lost = open_shell(f);
    receive(lost, run_command(lost, WSMAN_TEXT("x")), out);
    fake_wait(other, "Receive", 1);
    fake_hold(other, "Disconnect");
    disconnect(lost, 0, NULL, recorder);
    fake_wait(other, "Disconnect", 1);
    fake_close_all(other);
    assert_call_refused(recorder, ERROR_WINRS_SHELL_DISCONNECT_OPERATION_NOT_GRACEFUL);
    fake_service_stop(other);
    recorder = recorder_new();
    reconnect(lost, 0, recorder);
    assert_call_refused(recorder, ERROR_WSMAN_HTTP_SERVICE_UNAVAILABLE_STATUS);
    assert_int_equal(recorder_count(out), 0);
    assert_int_equal(WSManCloseSession(f->session, 0), 0);
    assert_last_code(out, ERROR_OPERATION_ABORTED);
    f->session = session;
    recorder_free(out);
}

static bool unavailable(struct fake_service *service, const struct fake_request *request,
                        struct fake_reply *reply)
{
    (void)service;
    if (strcmp(request->name, "Disconnect") != 0)
        return false;
    reply->status = 503;
    reply->content_type = "text/plain";
    wsm_buf_append_str(&reply->body, "nobody is there");
    return true;
}

static void test_r_dis_6_service_that_is_just_not_there(void **state)
{
    struct recorder *out = recorder_new();
    struct recorder *recorder = recorder_new();

    (void)state;
    fake_service_handler(f->service, unavailable);
    receive(shell, command, out);
    fake_wait(f->service, "Receive", 1);
    disconnect(shell, 0, NULL, recorder);
    assert_call_refused(recorder, ERROR_WINRS_SHELL_DISCONNECT_OPERATION_NOT_GRACEFUL);
    reconnect_shell(shell);
    reconnect_shell_command(command);
    fake_push_done(f->service, 0);
    assert_last_code(out, 0);
    recorder_free(out);
}

static void test_r_dis_7_fault_that_ends_the_wire_receive_is_swallowed(void **state)
{
    static const uint32_t codes[] = { ERROR_WSMAN_SERVICE_STREAM_DISCONNECTED,
                                      ERROR_WINRS_SHELL_DISCONNECTED, ERROR_OPERATION_ABORTED,
                                      ERROR_CANCELLED, ERROR_WSMAN_OPERATION_TIMEDOUT };
    struct recorder *out = recorder_new();
    size_t i;

    (void)state;
    receive(shell, command, out);
    for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        struct recorder *recorder = recorder_new();

        fake_wait(f->service, "Receive", i + 1);
        fake_hold(f->service, "Disconnect");
        disconnect(shell, 0, NULL, recorder);
        fake_wait(f->service, "Disconnect", i + 1);
        fake_push_fault(f->service, codes[i]);
        fake_wait_answered(f->service, "Receive", i + 1);
        wait_for_loop(f->session);
        fake_release(f->service, "Disconnect");
        assert_last_code(recorder, 0);
        recorder_free(recorder);
        reconnect_shell(shell);
        reconnect_shell_command(command);
    }
    assert_int_equal(recorder_count(out), 0);
    fake_push_done(f->service, 0);
    assert_last_code(out, 0);
    recorder_free(out);
}

/* Without a disconnect of ours it tells that somebody else has taken the shell. */
static void test_r_dis_7_the_same_fault_while_connected_is_an_error(void **state)
{
    struct recorder *out = recorder_new();

    (void)state;
    receive(shell, command, out);
    fake_push_fault(f->service, ERROR_WSMAN_SERVICE_STREAM_DISCONNECTED);
    assert_call_refused(out, ERROR_WSMAN_SERVICE_STREAM_DISCONNECTED);
}

static void test_r_dis_7_receive_cancelled_before_is_posted_anew(void **state)
{
    struct recorder *out = recorder_new();
    struct recorder *again = recorder_new();
    WSMAN_OPERATION_HANDLE operation = receive(shell, command, out);

    (void)state;
    fake_wait(f->service, "Receive", 1);
    assert_int_equal(WSManCloseOperation(operation, 0), 0);
    assert_last_code(out, ERROR_OPERATION_ABORTED);
    disconnect_shell(shell);
    reconnect_shell(shell);
    reconnect_shell_command(command);
    receive(shell, command, again);
    fake_push_output(f->service, "a", NULL, false);
    fake_push_done(f->service, 0);
    assert_last_code(again, 0);
    assert_memory_equal(again->output, "a", 1);
    assert_int_equal(out->count, 1);
    recorder_free(out);
    recorder_free(again);
}

static void test_r_dis_7_receive_that_sleeps_can_be_cancelled(void **state)
{
    struct recorder *out = recorder_new();
    struct recorder *again = recorder_new();
    WSMAN_OPERATION_HANDLE operation = receive(shell, command, out);

    (void)state;
    fake_wait(f->service, "Receive", 1);
    disconnect_shell(shell);
    assert_int_equal(WSManCloseOperation(operation, 0), 0);
    assert_last_code(out, ERROR_OPERATION_ABORTED);
    reconnect_shell(shell);
    reconnect_shell_command(command);
    receive(shell, command, again);
    fake_push_done(f->service, 0);
    assert_last_code(again, 0);
    assert_int_equal(out->count, 1);
    recorder_free(out);
    recorder_free(again);
}

static void test_r_dis_7_receive_of_a_server_that_does_not_end_it(void **state)
{
    struct recorder *out = recorder_new();
    struct recorder *recorder = recorder_new();

    (void)state;
    fake_keep_receives(f->service);
    receive(shell, command, out);
    fake_wait(f->service, "Receive", 1);
    disconnect(shell, 0, NULL, recorder);
    fake_wait_answered(f->service, "Disconnect", 1);
    wait_for_loop(f->session);
    assert_int_equal(recorder_count(recorder), 0);
    assert_last_code(recorder, 0); /* after WSM_DISCONNECT_SETTLE_MS */
    assert_int_equal(recorder_count(out), 0);
    reconnect_shell(shell);
    reconnect_shell_command(command);
    fake_push_done(f->service, 0);
    assert_last_code(out, 0);
    recorder_free(out);
    recorder_free(recorder);
}

static void test_r_dis_8_last_output_comes_before_the_callback(void **state)
{
    struct recorder *out = recorder_new();
    struct recorder *recorder = recorder_new();

    (void)state;
    receive(shell, command, out);
    fake_wait(f->service, "Receive", 1);
    fake_hold(f->service, "Disconnect");
    disconnect(shell, 0, NULL, recorder);
    fake_wait(f->service, "Disconnect", 1);
    fake_push_output(f->service, "last", NULL, false);
    fake_wait_answered(f->service, "Receive", 1);
    fake_push_output(f->service, "later", NULL, false); /* for the one after the reconnect */
    fake_release(f->service, "Disconnect");
    assert_last_code(recorder, 0);
    assert_int_equal(recorder_count(out), 1);
    assert_true(out->events[0].order < recorder_last(recorder)->order);
    wait_for_loop(f->session);
    assert_int_equal(fake_count(f->service, "Receive"), 1);
    reconnect_shell(shell);
    assert_int_equal(recorder_count(out), 1);
    reconnect_shell_command(command);
    recorder_wait(out, 2);
    assert_memory_equal(out->output, "lastlater", 9);
    fixture_free(f);
    f = fixture_new();
    recorder_free(out);
    recorder_free(recorder);
}

static void test_r_dis_8_output_after_the_answer_comes_before_the_callback(void **state)
{
    struct recorder *out = recorder_new();
    struct recorder *recorder = recorder_new();

    (void)state;
    fake_keep_receives(f->service);
    receive(shell, command, out);
    fake_wait(f->service, "Receive", 1);
    disconnect(shell, 0, NULL, recorder);
    fake_wait_answered(f->service, "Disconnect", 1);
    wait_for_loop(f->session);
    fake_push_output(f->service, "last", NULL, false);
    assert_last_code(recorder, 0);
    assert_int_equal(recorder_count(out), 1);
    assert_true(out->events[0].order < recorder_last(recorder)->order);
    fixture_free(f);
    f = fixture_new();
    recorder_free(out);
    recorder_free(recorder);
}

static void test_r_dis_8_done_in_the_last_answer_ends_the_receive(void **state)
{
    struct recorder *out = recorder_new();
    struct recorder *recorder = recorder_new();

    (void)state;
    receive(shell, command, out);
    fake_wait(f->service, "Receive", 1);
    fake_hold(f->service, "Disconnect");
    disconnect(shell, 0, NULL, recorder);
    fake_wait(f->service, "Disconnect", 1);
    fake_push_done(f->service, 5);
    fake_wait_answered(f->service, "Receive", 1);
    fake_release(f->service, "Disconnect");
    assert_last_code(recorder, 0);
    assert_last_code(out, 0);
    assert_int_equal(recorder_last(out)->exit_code, 5);
    assert_true(recorder_last(out)->order < recorder_last(recorder)->order);
    recorder_free(out);
    recorder_free(recorder);
}

/* Runs, sends, signals and receives, each to be refused with the code. */
static void assert_all_refused(DWORD code)
{
    struct recorder *recorder = recorder_new();
    WSMAN_COMMAND_HANDLE other = NULL;

    WSManRunShellCommand(shell, 0, WSMAN_TEXT("b"), NULL, NULL, &recorder->async, &other);
    assert_call_refused(recorder, code);
    close_command(other);
    recorder = recorder_new();
    send_text(shell, command, "a", false, recorder);
    assert_call_refused(recorder, code);
    recorder = recorder_new();
    signal_command(shell, command, WSMAN_SIGNAL_SHELL_CODE_CTRL_C, recorder);
    assert_call_refused(recorder, code);
    recorder = recorder_new();
    receive(shell, command, recorder);
    assert_call_refused(recorder, code);
    recorder = recorder_new();
    receive(shell, NULL, recorder);
    assert_call_refused(recorder, code);
}

static void test_r_dis_9_calls_on_a_shell_that_is_let_go(void **state)
{
    struct recorder *recorder = recorder_new();
    struct recorder *late = recorder_new();

    (void)state;
    fake_hold(f->service, "Disconnect");
    disconnect(shell, 0, NULL, recorder);
    fake_wait(f->service, "Disconnect", 1);
    assert_int_equal(recorder_count(recorder), 0);
    disconnect(shell, 0, NULL, late);
    assert_call_refused(late, ERROR_WINRS_SHELL_DISCONNECT_OPERATION_NOT_VALID);
    late = recorder_new();
    reconnect(shell, 0, late);
    assert_call_refused(late, ERROR_WINRS_SHELL_RECONNECT_OPERATION_NOT_VALID);
    late = recorder_new();
    reconnect_command(command, late);
    assert_call_refused(late, ERROR_WINRS_SHELL_DISCONNECTED);
    assert_all_refused(ERROR_WINRS_SHELL_DISCONNECTED); /* Disconnecting */
    fake_release(f->service, "Disconnect");
    assert_last_code(recorder, 0);
    assert_all_refused(ERROR_WINRS_SHELL_DISCONNECTED); /* Disconnected */
    late = recorder_new();
    disconnect(shell, 0, NULL, late);
    assert_call_refused(late, ERROR_WINRS_SHELL_DISCONNECT_OPERATION_NOT_VALID);
    assert_int_equal(fake_count(f->service, "Send"), 0);
    assert_int_equal(fake_count(f->service, "Receive"), 0);
    assert_int_equal(fake_count(f->service, "Command"), 1);
    recorder_free(recorder);
}

static void test_r_dis_10_commands_are_let_go_with_their_shell(void **state)
{
    struct recorder *recorder = recorder_new();

    (void)state;
    disconnect_shell(shell);
    reconnect_command(command, recorder);
    assert_call_refused(recorder, ERROR_WINRS_SHELL_DISCONNECTED);
    reconnect_shell(shell);
    recorder = recorder_new();
    send_text(shell, command, "a", false, recorder);
    assert_call_refused(recorder, ERROR_WINRS_SHELL_DISCONNECTED);
    recorder = recorder_new();
    receive(shell, command, recorder);
    assert_call_refused(recorder, ERROR_WINRS_SHELL_DISCONNECTED);
    reconnect_shell_command(command);
    recorder = recorder_new();
    send_text(shell, command, "a", false, recorder);
    assert_last_code(recorder, 0);
    recorder_free(recorder);
    close_command(command);
}

static void disconnect_at_data(struct recorder *recorder, const struct recorder_event *event)
{
    if ((event->flags & WSMAN_FLAG_CALLBACK_END_OF_OPERATION) == 0)
        disconnect(event->shell, 0, NULL, recorder->user);
}

static void test_r_dis_11_disconnect_in_a_callback(void **state)
{
    struct recorder *out = recorder_new();
    struct recorder *recorder = recorder_new();

    (void)state;
    out->on_event = disconnect_at_data;
    fake_push_output(f->service, "a", NULL, false);
    out->user = recorder;
    receive(shell, command, out);
    assert_last_code(recorder, 0);
    assert_int_equal(recorder_count(out), 1);
    reconnect_shell(shell);
    reconnect_shell_command(command);
    fake_push_done(f->service, 0);
    assert_last_code(out, 0);
    recorder_free(out);
    recorder_free(recorder);
}

static _Atomic uint32_t refusal;

static bool refuse_link(struct fake_service *service, const struct fake_request *request,
                        struct fake_reply *reply)
{
    (void)service;
    if (refusal == 0 ||
        (strcmp(request->name, "Disconnect") != 0 && strcmp(request->name, "Reconnect") != 0))
        return false;
    fake_reply_fault(reply, request, refusal, "scripted");
    return true;
}

static void test_r_dis_12_refused_by_the_server(void **state)
{
    static const uint32_t codes[] = {
        ERROR_WSMAN_UNEXPECTED_SELECTORS,
        ERROR_WINRS_SHELL_CLIENTSESSIONID_MISMATCH,
        ERROR_WINRS_SHELL_DISCONNECT_NOT_SUPPORTED,
        ERROR_WINRS_IDLETIMEOUT_OUTOFBOUNDS,
        ERROR_WINRS_SHELL_CONNECTED_TO_DIFFERENT_CLIENT,
    };
    struct recorder *out = recorder_new();
    struct recorder *sent = recorder_new();
    size_t i;

    (void)state;
    fake_service_handler(f->service, refuse_link);
    receive(shell, command, out);
    for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        struct recorder *recorder = recorder_new();

        refusal = codes[i];
        disconnect(shell, 0, NULL, recorder);
        assert_call_refused(recorder, codes[i]);
    }
    refusal = 0;
    send_text(shell, command, "a", false, sent); /* it is connected */
    assert_last_code(sent, 0);
    fake_push_done(f->service, 0);
    assert_last_code(out, 0);
    assert_int_equal(out->count, 1);
    recorder_free(out);
    recorder_free(sent);
}

static void test_r_dis_12_receive_ended_by_a_refused_disconnect_goes_on(void **state)
{
    struct recorder *out = recorder_new();
    struct recorder *recorder = recorder_new();

    (void)state;
    fake_service_handler(f->service, refuse_link);
    refusal = ERROR_WINRS_IDLETIMEOUT_OUTOFBOUNDS;
    receive(shell, command, out);
    fake_wait(f->service, "Receive", 1);
    fake_hold(f->service, "Disconnect");
    disconnect(shell, 0, NULL, recorder);
    fake_wait(f->service, "Disconnect", 1);
    fake_push_fault(f->service, ERROR_WSMAN_SERVICE_STREAM_DISCONNECTED);
    fake_wait_answered(f->service, "Receive", 1);
    wait_for_loop(f->session);
    fake_release(f->service, "Disconnect");
    assert_call_refused(recorder, ERROR_WINRS_IDLETIMEOUT_OUTOFBOUNDS);
    refusal = 0;
    fake_push_done(f->service, 0);
    assert_last_code(out, 0);
    recorder_free(out);
}

static void test_r_dis_12_disconnected_on_the_server_already_is_success(void **state)
{
    (void)state;
    fake_service_handler(f->service, refuse_link);
    refusal = ERROR_WINRS_SHELL_DISCONNECTED;
    disconnect_shell(shell);
    refusal = 0;
    reconnect_shell(shell);
    refusal = ERROR_WINRS_SHELL_DISCONNECT_OPERATION_NOT_VALID;
    disconnect_shell(shell);
    refusal = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_r_dis_7_receive_sleeps_and_goes_on_by_itself, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_disconnect_shell_checks_its_arguments, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_disconnect_shell_without_a_callback_does_nothing,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_disconnect_needs_a_shell_that_is_there, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_version_1_0_cannot_disconnect, setup, teardown),
        cmocka_unit_test_setup_teardown(test_r_dis_1_one_callback_with_the_shell, setup, teardown),
        cmocka_unit_test_setup_teardown(test_r_dis_2_only_shells_that_announced_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_r_dis_2_session_and_shell_id_come_with_create, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_r_dis_3_send_is_answered_before_disconnect_is_sent,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_r_dis_3_run_and_signal_are_answered_before_disconnect_is_sent, setup, teardown),
        cmocka_unit_test_setup_teardown(test_r_dis_3_output_flows_while_input_is_waited_for, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            test_r_dis_3_queued_callbacks_come_before_that_of_disconnect, setup, teardown),
        cmocka_unit_test_setup_teardown(test_r_dis_4_and_5_mode_and_idle_timeout_are_sent, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_r_dis_6_dead_network_leaves_it_disconnected, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_r_dis_6_server_that_is_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_r_dis_6_service_that_is_just_not_there, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_r_dis_7_fault_that_ends_the_wire_receive_is_swallowed,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_r_dis_7_the_same_fault_while_connected_is_an_error,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_r_dis_7_receive_cancelled_before_is_posted_anew, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_r_dis_7_receive_that_sleeps_can_be_cancelled, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_r_dis_7_receive_of_a_server_that_does_not_end_it,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_r_dis_8_last_output_comes_before_the_callback, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            test_r_dis_8_output_after_the_answer_comes_before_the_callback, setup, teardown),
        cmocka_unit_test_setup_teardown(test_r_dis_8_done_in_the_last_answer_ends_the_receive,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_r_dis_9_calls_on_a_shell_that_is_let_go, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_r_dis_10_commands_are_let_go_with_their_shell, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_r_dis_11_disconnect_in_a_callback, setup, teardown),
        cmocka_unit_test_setup_teardown(test_r_dis_12_refused_by_the_server, setup, teardown),
        cmocka_unit_test_setup_teardown(test_r_dis_12_receive_ended_by_a_refused_disconnect_goes_on,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_r_dis_12_disconnected_on_the_server_already_is_success,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
