/* Reconnect: each fact R-REC of the reference as a test of its name, wrong arguments, and many
 * rounds of both. */
#include "client_fixture.h"
#include "entries.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
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

/* ---- Arguments ---- */

static void test_reconnect_shell_checks_its_arguments(void **state)
{
    static const DWORD flags[] = { 1, 2, 0x10, 4 | 8, 0x80000000 };
    struct recorder *recorder = recorder_new();
    size_t i;

    (void)state;
    disconnect_shell(shell);
    reconnect(NULL, 0, recorder);
    assert_call_refused(recorder, ERROR_WSMAN_CLIENT_RECONNECTSHELL_NULL_PARAM);
    for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        recorder = recorder_new();
        reconnect(shell, flags[i], recorder);
        assert_call_refused(recorder, ERROR_WSMAN_CLIENT_INVALID_FLAG);
    }
    recorder = recorder_new();
    reconnect((WSMAN_SHELL_HANDLE)command, 0, recorder);
    assert_call_refused(recorder, ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE);
    assert_int_equal(fake_count(f->service, "Reconnect"), 0);
}

static void test_reconnect_command_checks_its_arguments(void **state)
{
    struct recorder *recorder = recorder_new();

    (void)state;
    disconnect_shell(shell);
    reconnect_shell(shell);
    reconnect_command(NULL, recorder);
    assert_call_refused(recorder, ERROR_WSMAN_CLIENT_RECONNECTSHELLCOMMAND_NULL_PARAM);
    recorder = recorder_new();
    WSManReconnectShellCommand(command, 4, &recorder->async);
    assert_ptr_equal(recorder_last(recorder)->shell, shell);
    assert_ptr_equal(recorder_last(recorder)->command, command);
    assert_call_refused(recorder, ERROR_WSMAN_CLIENT_INVALID_FLAG);
    recorder = recorder_new();
    reconnect_command((WSMAN_COMMAND_HANDLE)shell, recorder);
    assert_call_refused(recorder, ERROR_WSMAN_SHELL_INVALID_COMMAND_HANDLE);
    assert_int_equal(fake_count(f->service, "Reconnect"), 1);
}

/* ---- Facts of Reconnect ---- */

static void test_r_rec_2_shell_first_then_each_command(void **state)
{
    char *id = fake_last(f->service, "Command", "id");
    struct recorder *recorder = recorder_new();

    (void)state;
    disconnect_shell(shell);
    reconnect_shell(shell);
    assert_sent(f, "Reconnect", "command", "");
    reconnect_command(command, recorder);
    assert_last_code(recorder, 0);
    assert_ptr_equal(recorder_last(recorder)->shell, shell);
    assert_ptr_equal(recorder_last(recorder)->command, command);
    assert_sent(f, "Reconnect", "command", id);
    recorder_free(recorder);
    free(id);
}

static void test_r_rec_3_mode_for_the_next_disconnect(void **state)
{
    static const struct {
        DWORD flags;
        const char *mode;
    } rows[] = { { 0, "" },
                 { WSMAN_FLAG_SERVER_BUFFERING_MODE_DROP, "Drop" },
                 { WSMAN_FLAG_SERVER_BUFFERING_MODE_BLOCK, "Block" } };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct recorder *recorder = recorder_new();

        disconnect_shell(shell);
        reconnect(shell, rows[i].flags, recorder);
        assert_last_code(recorder, 0);
        assert_sent(f, "Reconnect", "mode", rows[i].mode);
        recorder_free(recorder);
    }
}

static void test_r_rec_4_connected_ones_are_refused(void **state)
{
    struct recorder *recorder = recorder_new();

    (void)state;
    reconnect(shell, 0, recorder);
    assert_call_refused(recorder, ERROR_WINRS_SHELL_RECONNECT_OPERATION_NOT_VALID);
    recorder = recorder_new();
    reconnect_command(command, recorder);
    assert_call_refused(recorder, ERROR_WINRS_SHELLCOMMAND_RECONNECT_OPERATION_NOT_VALID);
    assert_int_equal(fake_count(f->service, "Reconnect"), 0);
}

static void test_r_rec_5_refused_by_the_server_it_stays_disconnected(void **state)
{
    static const uint32_t codes[] = { ERROR_WSMAN_UNEXPECTED_SELECTORS,
                                      ERROR_WINRS_SHELL_CLIENTSESSIONID_MISMATCH,
                                      ERROR_WINRS_SHELL_CONNECTED_TO_DIFFERENT_CLIENT };
    struct recorder *last = recorder_new();
    size_t i;

    (void)state;
    fake_service_handler(f->service, refuse_link);
    disconnect_shell(shell);
    for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        struct recorder *recorder = recorder_new();

        refusal = codes[i];
        reconnect(shell, 0, recorder);
        assert_call_refused(recorder, codes[i]);
        assert_all_refused(ERROR_WINRS_SHELL_DISCONNECTED);
    }
    refusal = 0;
    reconnect_shell(shell);
    disconnect_shell(shell);
    refusal = ERROR_WSMAN_UNEXPECTED_SELECTORS;
    reconnect(shell, 0, last);
    assert_call_refused(last, ERROR_WSMAN_UNEXPECTED_SELECTORS);
    close_shell(shell); /* only cleans up */
    assert_int_equal(fake_count(f->service, "Delete"), 0);
    refusal = 0;
}

static bool drop_reconnect(struct fake_service *service, const struct fake_request *request,
                           struct fake_reply *reply)
{
    static int count;

    (void)service;
    reply->is_dropped = strcmp(request->name, "Reconnect") == 0 && count++ < 1;
    return reply->is_dropped;
}

static void test_r_rec_6_network_failure_leaves_it_disconnected(void **state)
{
    struct recorder *recorder = recorder_new();

    (void)state;
    fake_service_handler(f->service, drop_reconnect);
    disconnect_shell(shell);
    reconnect(shell, 0, recorder);
    assert_call_refused(recorder, ERROR_WSMAN_NETWORK_TIMEDOUT);
    assert_all_refused(ERROR_WINRS_SHELL_DISCONNECTED);
    reconnect_shell(shell);
}

static void test_r_rec_7_receive_of_the_shell_goes_on_at_once(void **state)
{
    struct recorder *of_shell = recorder_new();
    struct recorder *of_command = recorder_new();

    (void)state;
    receive(shell, NULL, of_shell);
    receive(shell, command, of_command);
    fake_wait(f->service, "Receive", 2);
    disconnect_shell(shell);
    reconnect_shell(shell);
    fake_wait(f->service, "Receive", 3);
    assert_sent(f, "Receive", "command", "");
    fake_push_output(f->service, "a", NULL, false);
    recorder_wait(of_shell, 1);
    assert_int_equal(recorder_count(of_command), 0);
    reconnect_shell_command(command);
    fake_wait(f->service, "Receive", 5);
    fixture_free(f);
    f = fixture_new();
    recorder_free(of_shell);
    recorder_free(of_command);
}

static void test_r_rec_9_nothing_else_before_the_callback(void **state)
{
    struct recorder *recorder = recorder_new();
    struct recorder *second = recorder_new();

    (void)state;
    disconnect_shell(shell);
    fake_hold(f->service, "Reconnect");
    reconnect(shell, 0, recorder);
    fake_wait(f->service, "Reconnect", 1);
    assert_all_refused(ERROR_WINRS_SHELL_DISCONNECTED);
    reconnect(shell, 0, second); /* R-REC-10 */
    assert_call_refused(second, ERROR_WINRS_SHELL_RECONNECT_OPERATION_NOT_VALID);
    second = recorder_new();
    disconnect(shell, 0, NULL, second);
    assert_call_refused(second, ERROR_WINRS_SHELL_DISCONNECT_OPERATION_NOT_VALID);
    fake_release(f->service, "Reconnect");
    assert_last_code(recorder, 0);
    assert_int_equal(fake_count(f->service, "Reconnect"), 1);
    recorder_free(recorder);
}

static void test_r_rec_10_second_reconnect_of_a_command_is_refused(void **state)
{
    struct recorder *recorder = recorder_new();
    struct recorder *second = recorder_new();

    (void)state;
    disconnect_shell(shell);
    reconnect_shell(shell);
    fake_hold(f->service, "Reconnect");
    reconnect_command(command, recorder);
    fake_wait(f->service, "Reconnect", 2);
    reconnect_command(command, second);
    assert_call_refused(second, ERROR_WINRS_SHELLCOMMAND_RECONNECT_OPERATION_NOT_VALID);
    fake_release(f->service, "Reconnect");
    assert_last_code(recorder, 0);
    recorder_free(recorder);
}

static void test_reconnect_command_refused_by_the_server(void **state)
{
    struct recorder *recorder = recorder_new();
    WSMAN_COMMAND_HANDLE other = run_command(shell, WSMAN_TEXT("b"));

    (void)state;
    fake_service_handler(f->service, refuse_link);
    disconnect_shell(shell);
    reconnect_shell(shell);
    refusal = ERROR_WSMAN_UNEXPECTED_SELECTORS;
    reconnect_command(command, recorder);
    assert_ptr_equal(recorder_last(recorder)->shell, shell);
    assert_call_refused(recorder, ERROR_WSMAN_UNEXPECTED_SELECTORS);
    refusal = 0;
    reconnect_shell_command(other); /* the shell stays connected */
    reconnect_shell_command(command);
}

static void test_disconnect_waits_for_the_reconnect_of_a_command(void **state)
{
    struct recorder *first = recorder_new();
    struct recorder *second = recorder_new();

    (void)state;
    disconnect_shell(shell);
    reconnect_shell(shell);
    fake_hold(f->service, "Reconnect");
    reconnect_command(command, first);
    fake_wait(f->service, "Reconnect", 2);
    disconnect(shell, 0, NULL, second);
    wait_for_loop(f->session);
    assert_int_equal(fake_count(f->service, "Disconnect"), 1);
    fake_release(f->service, "Reconnect");
    assert_last_code(second, 0);
    assert_last_code(first, 0);
    assert_true(recorder_last(first)->order < recorder_last(second)->order);
    recorder_free(first);
    recorder_free(second);
}

static void test_close_ends_a_reconnect_that_goes_on(void **state)
{
    struct recorder *recorder = recorder_new();

    (void)state;
    disconnect_shell(shell);
    reconnect_shell(shell);
    fake_hold(f->service, "Reconnect");
    reconnect_command(command, recorder);
    fake_wait(f->service, "Reconnect", 2);
    close_command(command); /* its shell is connected: it ends on the server */
    assert_call_refused(recorder, ERROR_OPERATION_ABORTED);
    assert_int_equal(fake_count(f->service, "Signal"), 1);
    disconnect_shell(shell);
    recorder = recorder_new();
    reconnect(shell, 0, recorder);
    fake_wait(f->service, "Reconnect", 3);
    close_shell(shell);
    assert_call_refused(recorder, ERROR_OPERATION_ABORTED);
    assert_int_equal(fake_count(f->service, "Delete"), 0);
    fake_release(f->service, "Reconnect");
}

/* The handle still exists when the next disconnect begins. */
static void test_command_closed_while_it_reconnects_holds_up_no_disconnect(void **state)
{
    struct recorder *first = recorder_new();
    struct recorder *close = recorder_new();
    struct recorder *recorder = recorder_new();

    (void)state;
    disconnect_shell(shell);
    reconnect_shell(shell);
    fake_hold(f->service, "Reconnect");
    reconnect_command(command, first);
    fake_wait(f->service, "Reconnect", 2);
    recorder_gate(close);
    WSManCloseCommand(command, 0, &close->async);
    recorder_wait_inside(close);
    disconnect(shell, 0, NULL, recorder);
    fake_wait_answered(f->service, "Disconnect", 2);
    recorder_open_gate(close);
    assert_last_code(recorder, 0);
    assert_call_refused(first, ERROR_OPERATION_ABORTED);
    fake_release(f->service, "Reconnect");
    recorder_free(close);
    recorder_free(recorder);
}

static void reconnect_again(struct recorder *recorder, const struct recorder_event *event)
{
    if (event->code != 0) {
        refusal = 0;
        reconnect(event->shell, 0, recorder->user);
    }
}

static void test_reconnect_may_be_tried_again_in_its_own_callback(void **state)
{
    struct recorder *first = recorder_new();
    struct recorder *second = recorder_new();

    (void)state;
    fake_service_handler(f->service, refuse_link);
    disconnect_shell(shell);
    refusal = ERROR_WSMAN_QUOTA_LIMIT;
    first->on_event = reconnect_again;
    first->user = second;
    reconnect(shell, 0, first);
    assert_last_code(second, 0);
    assert_last_code(first, ERROR_WSMAN_QUOTA_LIMIT);
    recorder_free(first);
    recorder_free(second);
}

/* ---- Together ---- */

static void test_two_shells_of_one_session_one_disconnected(void **state)
{
    WSMAN_SHELL_HANDLE other = open_shell(f);
    WSMAN_COMMAND_HANDLE other_command = run_command(other, WSMAN_TEXT("b"));
    struct recorder *out = recorder_new();
    struct recorder *sent = recorder_new();

    (void)state;
    disconnect_shell(shell);
    receive(other, other_command, out);
    send_text(other, other_command, "a", false, sent);
    assert_last_code(sent, 0);
    fake_push_output(f->service, "a", NULL, false);
    fake_push_done(f->service, 0);
    assert_last_code(out, 0);
    close_command(other_command);
    close_shell(other);
    assert_int_equal(fake_count(f->service, "Delete"), 1);
    reconnect_shell(shell);
    reconnect_shell_command(command);
    recorder_free(out);
    recorder_free(sent);
}

static void test_new_command_after_reconnect(void **state)
{
    WSMAN_COMMAND_HANDLE other;
    struct recorder *out = recorder_new();

    (void)state;
    disconnect_shell(shell);
    reconnect_shell(shell);
    other = run_command(shell, WSMAN_TEXT("b"));
    receive(shell, other, out);
    fake_push_done(f->service, 0);
    assert_last_code(out, 0);
    close_command(other);
    recorder_free(out);
}

static void test_no_byte_is_lost_or_doubled_over_many_rounds(void **state)
{
    enum { ROUNDS = 200 };
    struct recorder *out = recorder_new();
    size_t descriptors = 0;
    size_t i;

    (void)state;
    receive(shell, command, out);
    for (i = 0; i < ROUNDS; i++) {
        char text[8];

        snprintf(text, sizeof(text), "%04zu", i);
        fake_push_output(f->service, text, NULL, false);
        disconnect_shell(shell);
        reconnect_shell(shell);
        reconnect_shell_command(command);
        if (i == ROUNDS / 2)
            descriptors = entries_count("/proc/self/fd");
    }
    assert_true(descriptors > 0);
    assert_true(entries_count("/proc/self/fd") <= descriptors + 1);
    fake_push_done(f->service, 0);
    assert_last_code(out, 0);
    assert_int_equal(out->output_len, 4 * ROUNDS);
    for (i = 0; i < ROUNDS; i++) {
        char text[8];

        snprintf(text, sizeof(text), "%04zu", i);
        assert_memory_equal(out->output + 4 * i, text, 4);
    }
    recorder_free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_reconnect_shell_checks_its_arguments, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reconnect_command_checks_its_arguments, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_r_rec_2_shell_first_then_each_command, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_r_rec_3_mode_for_the_next_disconnect, setup, teardown),
        cmocka_unit_test_setup_teardown(test_r_rec_4_connected_ones_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_r_rec_5_refused_by_the_server_it_stays_disconnected,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_r_rec_6_network_failure_leaves_it_disconnected, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_r_rec_7_receive_of_the_shell_goes_on_at_once, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_r_rec_9_nothing_else_before_the_callback, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_r_rec_10_second_reconnect_of_a_command_is_refused,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_reconnect_command_refused_by_the_server, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_disconnect_waits_for_the_reconnect_of_a_command, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_close_ends_a_reconnect_that_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_command_closed_while_it_reconnects_holds_up_no_disconnect, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reconnect_may_be_tried_again_in_its_own_callback,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_shells_of_one_session_one_disconnected, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_new_command_after_reconnect, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_byte_is_lost_or_doubled_over_many_rounds, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
