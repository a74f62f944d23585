/* Broken connections: on a server with our mark every request is carried out once, on others and
 * for callers of version 1.0 none is repeated. */
#include "robust_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wsmext.h>

#include <cmocka.h>

static const enum marked_cut cuts[] = {
    MARKED_UNREAD, MARKED_RESET, MARKED_UNANSWERED, MARKED_HALF, MARKED_STARTING,
};
enum { CUT_COUNT = sizeof(cuts) / sizeof(cuts[0]) };

static void next_shell(void)
{
    close_shell(shell);
    recorder_free(notices);
    open_watched();
}

static void test_command_is_run_once(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < CUT_COUNT; i++) {
        size_t before = marked_applied("Command");

        marked_cut("Command", cuts[i], 1);
        command = run_command(shell, WSMAN_TEXT("again"));
        assert_int_equal(marked_applied("Command"), before + 1);
        assert_recovered();
        next_shell();
    }
}

static void test_input_is_taken_once(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < CUT_COUNT; i++) {
        struct recorder *done = recorder_new();

        marked_cut("Send", cuts[i], 1);
        send_text(shell, command, "some input", false, done);
        assert_last_code(done, 0);
        assert_int_equal(marked_applied("Send"), i + 1);
        assert_int_equal(marked_input().len, (i + 1) * strlen("some input"));
        assert_recovered();
        recorder_free(done);
        next_shell();
    }
}

static void test_input_cut_at_any_byte_is_taken_once(void **state)
{
    static const size_t at[] = { 1, 700, 5000, 66000, 130000 };
    struct wsm_buf expected = WSM_BUF_INIT;
    char *text = calloc(1, 100001);
    size_t i;

    (void)state;
    assert_non_null(text);
    for (i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
        struct recorder *done = recorder_new();

        memset(text, (char)('a' + i), 100000);
        wsm_buf_append_str(&expected, text);
        fake_cut_request(f->service, at[i]);
        send_text(shell, command, text, false, done);
        assert_last_code(done, 0);
        recorder_free(done);
    }
    assert_int_equal(marked_input().len, expected.len);
    assert_memory_equal(marked_input().ptr, expected.ptr, expected.len);
    assert_recovered();
    wsm_buf_clear(&expected);
    free(text);
}

/* Kept is not taken: what keeps it may die. */
static void test_input_not_taken_in_time_is_offered_again(void **state)
{
    struct recorder *done = recorder_new();
    char *first;

    (void)state;
    marked_cut("Send", MARKED_LATE, 2);
    fake_hold(f->service, "Send");
    send_text(shell, command, "some input", false, done);
    fake_wait(f->service, "Send", 1);
    first = fake_last(f->service, "Send", "message");
    fake_release(f->service, "Send");
    assert_last_code(done, 0);
    assert_int_equal(fake_count(f->service, "Send"), 3);
    assert_sent(f, "Send", "message", first);
    assert_int_equal(marked_input().len, strlen("some input"));
    assert_int_equal(recorder_count(notices), 1);
    free(first);
    recorder_free(done);
}

static void test_reconnecting_a_command_is_repeated(void **state)
{
    (void)state;
    disconnect_shell(shell);
    reconnect_shell(shell);
    marked_cut("Reconnect", MARKED_UNREAD, 1);
    reconnect_shell_command(command);
    assert_recovered();
}

static void test_signal_is_given_once(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < CUT_COUNT; i++) {
        struct recorder *done = recorder_new();
        size_t before = marked_applied("Signal");

        marked_cut("Signal", cuts[i], 1);
        signal_command(shell, command, WSMAN_SIGNAL_SHELL_CODE_CTRL_C, done);
        assert_last_code(done, 0);
        assert_int_equal(marked_applied("Signal"), before + 1);
        assert_recovered();
        recorder_free(done);
        next_shell();
    }
}

static void test_terminate_is_given_once(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < CUT_COUNT; i++) {
        size_t before = marked_applied("Signal");

        marked_cut("Signal", cuts[i], 1);
        close_command(command);
        assert_int_equal(marked_applied("Signal"), before + 1);
        assert_recovered();
        next_shell();
    }
}

static void test_delete_is_done_once_and_gives_no_notice(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < CUT_COUNT; i++) {
        marked_cut("Delete", cuts[i], 1);
        close_shell(shell);
        assert_int_equal(marked_applied("Delete"), i + 1);
        assert_int_equal(recorder_count(notices), 1);
        recorder_free(notices);
        open_watched();
    }
}

static void test_output_comes_once(void **state)
{
    struct recorder *out = recorder_new();
    size_t i;

    (void)state;
    marked_cut("Receive", cuts[0], 1);
    receive(shell, command, out);
    for (i = 0; i < 2 * CUT_COUNT; i++) {
        marked_cut("Receive", cuts[i % CUT_COUNT], 1);
        marked_write("stdout", "ten bytes ");
        recorder_wait(out, i + 1);
    }
    marked_write("stderr", "three");
    marked_end(5);
    assert_last_code(out, 0);
    assert_int_equal(out->output_len, 2 * CUT_COUNT * 10);
    assert_int_equal(recorder_last(out)->exit_code, 5);
    assert_int_equal(out->errors_len, 5);
    assert_int_equal(out->last_count, 1);
    assert_recovered();
    recorder_free(out);
}

static void test_create_is_done_once(void **state)
{
    static const enum marked_cut ends[] = { MARKED_UNREAD, MARKED_RESET, MARKED_UNANSWERED,
                                            MARKED_HALF };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        marked_cut("Create", ends[i], 1);
        open_watched();
        assert_int_equal(marked_applied("Create"), i + 1);
        assert_int_equal(fake_count(f->service, "Create"), 2 * (i + 1));
        assert_int_equal(recorder_count(notices), 1); /* before there is a shell: no notice */
        close_shell(shell);
        recorder_free(notices);
    }
    notices = NULL;
}

/* A server that does not know repetitions says that the id is taken: by ourselves. */
static void test_create_takes_a_conflict_with_itself_for_success(void **state)
{
    (void)state;
    marked_plain();
    marked_cut("Create", MARKED_UNANSWERED, 1);
    open_watched();
    assert_int_equal(fake_count(f->service, "Create"), 2);
    assert_int_equal(marked_applied("Create"), 2);
    close_shell(shell);
}

static void test_a_conflict_at_first_is_an_error(void **state)
{
    struct recorder *second = recorder_new();
    WSMAN_SHELL_HANDLE again = NULL;
    char *id;
    PWSTR wide;

    (void)state;
    marked_plain();
    open_watched();
    id = fake_last(f->service, "Create", "id");
    wide = WSManExtUtf8ToUtf16(id);
    second->user = second;
    WSManCreateShellEx(f->session, 0, WSMAN_CMDSHELL_URI, wide, NULL, NULL, NULL, &second->async,
                       &again);
    assert_last_code(second, ERROR_WINRS_SHELL_CLIENTID_RESOURCE_CONFLICT);
    close_shell(again);
    close_shell(shell);
    WSManExtFree(wide);
    free(id);
    recorder_free(second);
}

/* Closed while nobody knows whether there is a shell: it is made, and deleted. */
static void test_a_shell_closed_while_create_is_repeated_is_deleted(void **state)
{
    (void)state;
    marked_cut("Create", MARKED_UNANSWERED, 2);
    fake_hold(f->service, "Create");
    create_watched();
    fake_wait(f->service, "Create", 1);
    fake_release(f->service, "Create");
    fake_wait(f->service, "Create", 2);
    close_shell(shell);
    assert_last_code(notices, ERROR_OPERATION_ABORTED);
    assert_int_equal(marked_applied("Create"), 1);
    assert_int_equal(marked_applied("Delete"), 1);
}

/* ---- A Create that nobody answers ---- */

static void limit_create(DWORD ms)
{
    WSMAN_DATA data = { .type = WSMAN_DATA_TYPE_DWORD, .number = ms };

    assert_int_equal(WSManSetSessionOption(f->session, WSMAN_OPTION_TIMEOUTMS_CREATE_SHELL, &data),
                     0);
}

static void assert_shell_is_deleted(const char *id)
{
    fake_wait_answered(f->service, "Delete", 1);
    assert_sent(f, "Delete", "shell", id);
    assert_int_equal(fake_count(f->service, "Delete"), 1);
}

/* Nobody will ever know of that shell: it goes, and the application waits for nothing. */
static void test_what_an_unanswered_create_left_is_deleted(void **state)
{
    char *id;

    (void)state;
    limit_create(300);
    marked_cut("Create", MARKED_UNANSWERED, 1000);
    fake_hold(f->service, "Delete");
    create_watched();
    assert_last_code(notices, ERROR_WSMAN_NETWORK_TIMEDOUT);
    id = fake_last(f->service, "Create", "id");
    close_shell(shell);
    fake_release(f->service, "Delete");
    assert_shell_is_deleted(id);
    free(id);
}

static void test_what_a_silent_create_left_is_deleted(void **state)
{
    char *id;

    (void)state;
    limit_create(100);
    fake_hold(f->service, "Create");
    create_watched();
    assert_last_code(notices, ERROR_WSMAN_NETWORK_TIMEDOUT);
    id = fake_last(f->service, "Create", "id");
    assert_shell_is_deleted(id);
    fake_release(f->service, "Create");
    close_shell(shell);
    free(id);
}

/* CloseSession waits for it as for any other Delete, and for no longer. */
static void test_close_session_waits_for_the_delete_of_an_unanswered_create(void **state)
{
    (void)state;
    limit_create(300);
    marked_cut("Create", MARKED_UNANSWERED, 1000);
    fake_hold(f->service, "Delete");
    create_watched();
    assert_last_code(notices, ERROR_WSMAN_NETWORK_TIMEDOUT);
    fake_wait(f->service, "Delete", 1);
    assert_int_equal(WSManCloseSession(f->session, 0), 0);
    f->session = NULL;
    fake_release(f->service, "Delete");
}

static void create_with_own_id(void)
{
    notices = recorder_new();
    notices->user = notices;
    WSManCreateShellEx(f->session, 0, WSMAN_CMDSHELL_URI,
                       WSMAN_TEXT("99999999-3333-4444-8555-666666666601"), NULL, NULL, NULL,
                       &notices->async, &shell);
}

/* With an id of the application's it could be another shell that has it: to take that for the new
 * one would be to delete it in the end. */
static void test_a_conflict_on_an_id_of_the_application_is_an_error(void **state)
{
    (void)state;
    marked_plain();
    marked_cut("Create", MARKED_UNANSWERED, 1);
    create_with_own_id();
    assert_last_code(notices, ERROR_WINRS_SHELL_CLIENTID_RESOURCE_CONFLICT);
    assert_int_equal(fake_count(f->service, "Create"), 2);
    close_shell(shell);
    wait_for_loop(f->session);
    assert_int_equal(fake_count(f->service, "Delete"), 0);
}

static void test_an_id_of_the_application_is_not_deleted(void **state)
{
    (void)state;
    limit_create(300);
    marked_cut("Create", MARKED_UNANSWERED, 1000);
    create_with_own_id();
    assert_last_code(notices, ERROR_WSMAN_NETWORK_TIMEDOUT);
    close_shell(shell);
    wait_for_loop(f->session);
    assert_int_equal(fake_count(f->service, "Delete"), 0);
}

static void test_a_create_that_was_refused_or_never_sent_leaves_nothing(void **state)
{
    (void)state;
    marked_cut("Create", MARKED_DENIED, 1);
    create_watched();
    assert_last_code(notices, ERROR_ACCESS_DENIED);
    close_shell(shell);
    recorder_free(notices);
    lose_link();
    create_watched();
    assert_true(recorder_last(notices)->code != 0);
    close_shell(shell);
    fake_accept(f->service);
    wait_for_loop(f->session);
    assert_int_equal(fake_count(f->service, "Delete"), 0);
}

/* ---- Disconnect ---- */

static void test_r_dis_6_disconnect_is_repeated_once(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < CUT_COUNT && cuts[i] != MARKED_STARTING; i++) {
        marked_cut("Disconnect", cuts[i], 1);
        disconnect_shell(shell);
        assert_int_equal(marked_applied("Disconnect"), i + 1);
        assert_int_equal(fake_count(f->service, "Disconnect"), 2 * (i + 1));
        reconnect_shell(shell);
    }
    assert_int_equal(recorder_count(notices), 1);
}

static void test_r_dis_6_disconnect_is_not_repeated_twice(void **state)
{
    struct recorder *done = recorder_new();

    (void)state;
    marked_cut("Disconnect", MARKED_UNREAD, 2);
    disconnect(shell, 0, NULL, done);
    assert_call_refused(done, ERROR_WINRS_SHELL_DISCONNECT_OPERATION_NOT_GRACEFUL);
    assert_int_equal(fake_count(f->service, "Disconnect"), 2);
    reconnect_shell(shell);
    assert_int_equal(recorder_count(notices), 1);
}

static void test_r_dis_6_disconnect_without_an_answer_in_time_is_not_repeated(void **state)
{
    WSMAN_DATA data = { .type = WSMAN_DATA_TYPE_DWORD, .number = 500 };
    struct recorder *done = recorder_new();

    (void)state;
    assert_int_equal(
        WSManSetSessionOption(f->session, WSMAN_OPTION_DEFAULT_OPERATION_TIMEOUTMS, &data), 0);
    fake_hold(f->service, "Disconnect");
    disconnect(shell, 0, NULL, done);
    assert_call_refused(done, ERROR_WINRS_SHELL_DISCONNECT_OPERATION_NOT_GRACEFUL);
    assert_int_equal(fake_count(f->service, "Disconnect"), 1);
    fake_release(f->service, "Disconnect");
}

static void test_close_shell_while_disconnect_is_repeated(void **state)
{
    struct recorder *done = recorder_new();

    (void)state;
    fake_hold(f->service, "Disconnect");
    disconnect(shell, 0, NULL, done);
    fake_wait(f->service, "Disconnect", 1);
    fake_close_all(f->service);
    fake_wait(f->service, "Disconnect", 2);
    close_shell(shell);
    assert_call_refused(done, ERROR_OPERATION_ABORTED);
    fake_release(f->service, "Disconnect");
}

/* ---- Reconnect ---- */

static void test_r_rec_6_reconnect_is_repeated_without_a_notice(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < CUT_COUNT; i++) {
        disconnect_shell(shell);
        marked_cut("Reconnect", cuts[i], 1);
        reconnect_shell(shell);
        assert_int_equal(marked_applied("Reconnect"), i + 1);
        assert_int_equal(fake_count(f->service, "Reconnect"), 2 * (i + 1));
    }
    assert_int_equal(recorder_count(notices), 1);
}

static void test_r_rec_6_reconnect_is_tried_until_the_server_is_back(void **state)
{
    struct recorder *done = recorder_new();

    (void)state;
    disconnect_shell(shell);
    fake_hold(f->service, "Reconnect");
    reconnect(shell, 0, done);
    fake_wait(f->service, "Reconnect", 1);
    lose_link();
    fake_release(f->service, "Reconnect");
    wait_for_loop(f->session);
    assert_int_equal(recorder_count(done), 0);
    fake_accept(f->service);
    assert_last_code(done, 0);
    assert_int_equal(recorder_count(notices), 1);
    recorder_free(done);
}

static void test_r_rec_6_reconnect_that_is_not_answered_in_time_leaves_it_disconnected(void **state)
{
    WSMAN_DATA data = { .type = WSMAN_DATA_TYPE_DWORD, .number = 500 };
    struct recorder *done = recorder_new();

    (void)state;
    disconnect_shell(shell);
    assert_int_equal(
        WSManSetSessionOption(f->session, WSMAN_OPTION_DEFAULT_OPERATION_TIMEOUTMS, &data), 0);
    marked_cut("Reconnect", MARKED_UNREAD, 1000);
    reconnect(shell, 0, done);
    assert_last_code(done, ERROR_WSMAN_NETWORK_TIMEDOUT);
    assert_true(fake_count(f->service, "Reconnect") > 1);
    assert_int_equal(recorder_count(notices), 1);
    recorder_free(done);
    done = recorder_new();
    send_text(shell, command, "a", false, done);
    assert_last_code(done, ERROR_WINRS_SHELL_DISCONNECTED);
    recorder_free(done);
}

static void test_r_rec_6_server_that_cannot_be_reached_is_an_error_at_once(void **state)
{
    struct recorder *done = recorder_new();

    (void)state;
    disconnect_shell(shell);
    lose_link();
    wait_for_loop(f->session);
    reconnect(shell, 0, done);
    assert_true(recorder_last(done)->code != 0);
    fake_accept(f->service);
    reconnect_shell(shell);
    assert_int_equal(fake_count(f->service, "Reconnect"), 1);
    assert_int_equal(recorder_count(notices), 1);
    recorder_free(done);
}

static void test_close_shell_while_reconnect_is_repeated(void **state)
{
    struct recorder *done = recorder_new();

    (void)state;
    disconnect_shell(shell);
    marked_cut("Reconnect", MARKED_UNREAD, 1000);
    reconnect(shell, 0, done);
    fake_wait(f->service, "Reconnect", 2);
    close_shell(shell);
    assert_last_code(done, ERROR_OPERATION_ABORTED);
    assert_int_equal(recorder_count(notices), 1);
    recorder_free(done);
}

static void test_credentials_go_with_every_try(void **state)
{
    struct recorder *done = recorder_new();
    char *first;

    (void)state;
    first = fake_last(f->service, "Command", "authorization");
    marked_cut("Send", MARKED_UNREAD, 1);
    send_text(shell, command, "a", false, done);
    assert_last_code(done, 0);
    assert_true(strlen(first) > 0);
    assert_sent(f, "Send", "authorization", first);
    free(first);
    recorder_free(done);
}

/* ---- Who is not told, and not repeated ---- */

static void assert_plain(WSMAN_SESSION_HANDLE session)
{
    static const char *const names[] = { "Send", "Signal", "Receive", "Command", "Delete" };
    struct recorder *done[5];
    WSMAN_COMMAND_HANDLE second = NULL;
    size_t i;

    (void)session;
    for (i = 0; i < 5; i++) {
        done[i] = recorder_new();
        marked_cut(names[i], MARKED_UNANSWERED, 1);
    }
    send_text(shell, command, "a", false, done[0]);
    assert_last_code(done[0], ERROR_WSMAN_NETWORK_TIMEDOUT);
    signal_command(shell, command, WSMAN_SIGNAL_SHELL_CODE_CTRL_C, done[1]);
    assert_last_code(done[1], ERROR_WSMAN_NETWORK_TIMEDOUT);
    marked_write("stdout", "a");
    receive(shell, command, done[2]);
    assert_last_code(done[2], ERROR_WSMAN_NETWORK_TIMEDOUT);
    WSManRunShellCommand(shell, 0, WSMAN_TEXT("b"), NULL, NULL, &done[3]->async, &second);
    assert_last_code(done[3], ERROR_WSMAN_NETWORK_TIMEDOUT);
    WSManCloseShell(shell, 0, &done[4]->async);
    assert_last_code(done[4], ERROR_WSMAN_NETWORK_TIMEDOUT);
    for (i = 0; i < 5; i++) {
        assert_int_equal(fake_count(f->service, names[i]),
                         strcmp(names[i], "Command") == 0 ? 2 : 1);
        recorder_free(done[i]);
    }
    assert_int_equal(recorder_count(notices), 1);
}

static void test_other_servers_get_no_repetition(void **state)
{
    (void)state;
    marked_plain();
    open_watched();
    assert_plain(f->session);
    assert_sent(f, "Receive", "option", "WSMAN_CMDSHELL_OPTION_KEEPALIVE:TRUE");
}

static void test_api_1_0_gets_plain_errors(void **state)
{
    WSMAN_SESSION_HANDLE kept = f->session;
    WSMAN_API_HANDLE api = NULL;

    (void)state;
    assert_int_equal(WSManInitialize(WSMAN_FLAG_REQUESTED_API_VERSION_1_0, &api), 0);
    f->session = open_session(api, fake_service_port(f->service), true);
    open_watched();
    assert_plain(f->session);
    f->session = kept;
    assert_int_equal(WSManDeinitialize(api, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHELL(test_command_is_run_once),
        SHELL(test_input_is_taken_once),
        SHELL(test_input_cut_at_any_byte_is_taken_once),
        SHELL(test_input_not_taken_in_time_is_offered_again),
        SHELL(test_reconnecting_a_command_is_repeated),
        SHELL(test_signal_is_given_once),
        SHELL(test_terminate_is_given_once),
        SHELL(test_delete_is_done_once_and_gives_no_notice),
        SHELL(test_output_comes_once),
        TEST(test_create_is_done_once),
        TEST(test_create_takes_a_conflict_with_itself_for_success),
        TEST(test_a_conflict_at_first_is_an_error),
        TEST(test_a_shell_closed_while_create_is_repeated_is_deleted),
        TEST(test_what_an_unanswered_create_left_is_deleted),
        TEST(test_what_a_silent_create_left_is_deleted),
        TEST(test_close_session_waits_for_the_delete_of_an_unanswered_create),
        TEST(test_a_conflict_on_an_id_of_the_application_is_an_error),
        TEST(test_an_id_of_the_application_is_not_deleted),
        TEST(test_a_create_that_was_refused_or_never_sent_leaves_nothing),
        SHELL(test_r_dis_6_disconnect_is_repeated_once),
        SHELL(test_r_dis_6_disconnect_is_not_repeated_twice),
        SHELL(test_r_dis_6_disconnect_without_an_answer_in_time_is_not_repeated),
        SHELL(test_close_shell_while_disconnect_is_repeated),
        SHELL(test_r_rec_6_reconnect_is_repeated_without_a_notice),
        SHELL(test_r_rec_6_reconnect_is_tried_until_the_server_is_back),
        SHELL(test_r_rec_6_reconnect_that_is_not_answered_in_time_leaves_it_disconnected),
        SHELL(test_r_rec_6_server_that_cannot_be_reached_is_an_error_at_once),
        SHELL(test_close_shell_while_reconnect_is_repeated),
        SHELL(test_credentials_go_with_every_try),
        TEST(test_other_servers_get_no_repetition),
        TEST(test_api_1_0_gets_plain_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
