/* A server of Windows that has let go of a shell by itself, and answers HTTP 400 to everything but
 * Reconnect: the library asks for the shell once (7.29 of the reference). */
#include "client_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What the server says to Reconnect. */
enum back {
    BACK,       /* and means it */
    BACK_NOT,   /* but goes on as before */
    BACK_FAULT, /* the shell is another's */
    BACK_400,
    BACK_BROKEN, /* the connection ends instead */
    BACK_COUNT,
};

static atomic_bool is_away;
static atomic_int back;
static atomic_bool with_fault; /* HTTP 400, and a fault in it */
static atomic_bool goes_away;  /* at each second Receive */
static atomic_uint receives;

static struct fixture *f;
static struct recorder *notices; /* of CreateShell */
static WSMAN_SHELL_HANDLE shell;
static WSMAN_COMMAND_HANDLE command;

static bool answer_reconnect(const struct fake_request *request, struct fake_reply *reply)
{
    switch ((enum back)atomic_load(&back)) {
    case BACK:
        atomic_store(&is_away, false);
        return false;
    case BACK_NOT:
        return false;
    case BACK_FAULT:
        fake_reply_fault(reply, request, ERROR_WINRS_SHELL_CONNECTED_TO_DIFFERENT_CLIENT, "theirs");
        return true;
    case BACK_BROKEN:
        reply->is_dropped = true;
        return true;
    default:
        reply->status = 400;
        return true;
    }
}

static bool answer(struct fake_service *service, const struct fake_request *request,
                   struct fake_reply *reply)
{
    (void)service;
    if (strcmp(request->name, "Receive") == 0 && atomic_load(&goes_away) &&
        atomic_fetch_add(&receives, 1) % 2 == 1)
        atomic_store(&is_away, true);
    if (!atomic_load(&is_away) || strcmp(request->name, "Create") == 0 ||
        strcmp(request->name, "Delete") == 0 || strcmp(request->name, "Disconnect") == 0)
        return false;
    if (strcmp(request->name, "Reconnect") == 0)
        return answer_reconnect(request, reply);
    if (atomic_load(&with_fault))
        fake_reply_fault(reply, request, ERROR_WSMAN_HTTP_STATUS_BAD_REQUEST, "a reason");
    reply->status = 400;
    return true;
}

static void open_watched(void)
{
    notices = recorder_new();
    notices->user = notices; /* its data is no output */
    WSManCreateShell(f->session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &notices->async, &shell);
    recorder_wait(notices, 1);
    assert_int_equal(notices->events[0].code, 0);
    command = run_command(shell, WSMAN_TEXT("cat"));
}

static void begin(bool can_disconnect)
{
    atomic_store(&is_away, false);
    atomic_store(&back, BACK);
    atomic_store(&with_fault, false);
    atomic_store(&goes_away, false);
    atomic_store(&receives, 0);
    f = fixture_new();
    if (can_disconnect)
        fake_can_disconnect(f->service);
    fake_service_handler(f->service, answer);
}

static int setup(void **state)
{
    (void)state;
    begin(true);
    open_watched();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_free(f);
    if (notices != NULL)
        recorder_free(notices);
    notices = NULL;
    return 0;
}

static void assert_asked(size_t times)
{
    assert_int_equal(fake_count(f->service, "Reconnect"), times);
    assert_int_equal(recorder_count(notices), 1); /* no notice, whatever comes of it */
}

static void assert_works(void)
{
    struct recorder *done = recorder_new();

    send_text(shell, command, "a", false, done);
    assert_last_code(done, 0);
    recorder_free(done);
}

/* ---- It comes back ---- */

static void test_7_29_a_receive_goes_on_after_one_reconnect(void **state)
{
    struct recorder *out = recorder_new();

    (void)state;
    atomic_store(&is_away, true);
    receive(shell, command, out);
    fake_wait(f->service, "Receive", 2);
    assert_sent(f, "Reconnect", "command", "");
    fake_push_output(f->service, "it goes on", NULL, false);
    fake_push_done(f->service, 7);
    assert_last_code(out, 0);
    assert_int_equal(recorder_last(out)->exit_code, 7);
    assert_int_equal(out->output_len, strlen("it goes on"));
    assert_asked(1);
    recorder_free(out);
}

static void test_7_29_all_that_is_refused_waits_for_the_same_reconnect(void **state)
{
    struct recorder *of_shell = recorder_new();
    struct recorder *of_command = recorder_new();
    struct recorder *sent = recorder_new();

    (void)state;
    atomic_store(&is_away, true);
    fake_hold(f->service, "Receive");
    fake_hold(f->service, "Reconnect");
    receive(shell, NULL, of_shell);
    receive(shell, command, of_command);
    fake_wait(f->service, "Receive", 2);
    fake_release(f->service, "Receive");
    fake_wait_answered(f->service, "Receive", 2);
    fake_wait(f->service, "Reconnect", 1);
    send_text(shell, command, "behind it", false, sent);
    wait_for_loop(f->session);
    assert_int_equal(fake_count(f->service, "Send"), 0);
    fake_release(f->service, "Reconnect");
    fake_wait(f->service, "Receive", 4);
    assert_last_code(sent, 0);
    assert_asked(1);
    fixture_free(f);
    f = fixture_new();
    recorder_free(of_shell);
    recorder_free(of_command);
    recorder_free(sent);
}

/* What may have been done is not done again, but the shell is back for what comes next. */
static void test_7_29_input_commands_and_signals_end_and_the_shell_is_back(void **state)
{
    struct recorder *done = recorder_new();
    WSMAN_COMMAND_HANDLE other = NULL;

    (void)state;
    atomic_store(&is_away, true);
    send_text(shell, command, "lost", false, done);
    assert_last_code(done, ERROR_WSMAN_HTTP_STATUS_BAD_REQUEST);
    assert_int_equal(done->count, 1);
    recorder_free(done);
    assert_int_equal(fake_count(f->service, "Send"), 1);
    assert_asked(1);
    assert_works();

    done = recorder_new();
    atomic_store(&is_away, true);
    WSManRunShellCommand(shell, 0, WSMAN_TEXT("b"), NULL, NULL, &done->async, &other);
    assert_last_code(done, ERROR_WSMAN_HTTP_STATUS_BAD_REQUEST);
    close_command(other);
    recorder_free(done);
    assert_int_equal(fake_count(f->service, "Command"), 2);
    assert_asked(2);
    assert_works();

    done = recorder_new();
    atomic_store(&is_away, true);
    signal_command(shell, command, WSMAN_SIGNAL_SHELL_CODE_CTRL_C, done);
    assert_last_code(done, ERROR_WSMAN_HTTP_STATUS_BAD_REQUEST);
    recorder_free(done);
    assert_int_equal(fake_count(f->service, "Signal"), 1);
    assert_asked(3);
    assert_works();
}

static void test_7_29_a_later_refusal_is_asked_for_anew(void **state)
{
    struct recorder *out = recorder_new();
    int round;

    (void)state;
    atomic_store(&goes_away, true);
    for (round = 0; round < 5; round++)
        fake_push_output(f->service, "x", NULL, false);
    receive(shell, command, out);
    fake_push_done(f->service, 0);
    assert_last_code(out, 0);
    assert_int_equal(out->output_len, 5);
    assert_asked(5);
    recorder_free(out);
}

/* ---- It does not ---- */

static void test_7_29_a_reconnect_that_fails_ends_the_operation(void **state)
{
    int how;

    (void)state;
    for (how = BACK_FAULT; how < BACK_COUNT; how++) {
        struct recorder *out = recorder_new();

        atomic_store(&back, how);
        atomic_store(&is_away, true);
        receive(shell, command, out);
        assert_last_code(out, ERROR_WSMAN_HTTP_STATUS_BAD_REQUEST);
        assert_int_equal(out->count, 1);
        assert_asked((size_t)(how - BACK_FAULT + 1));
        recorder_free(out);
    }
    atomic_store(&is_away, false); /* nothing has changed for the shell */
    assert_works();
}

static void test_7_29_the_same_request_is_not_asked_for_twice(void **state)
{
    struct recorder *out = recorder_new();

    (void)state;
    atomic_store(&back, BACK_NOT);
    atomic_store(&is_away, true);
    receive(shell, command, out);
    assert_last_code(out, ERROR_WSMAN_HTTP_STATUS_BAD_REQUEST);
    assert_int_equal(fake_count(f->service, "Receive"), 2);
    assert_asked(1);
    recorder_free(out);
}

static void test_7_29_what_waited_for_a_reconnect_that_fails_is_sent_once(void **state)
{
    struct recorder *out = recorder_new();
    struct recorder *sent = recorder_new();

    (void)state;
    atomic_store(&back, BACK_FAULT);
    atomic_store(&is_away, true);
    fake_hold(f->service, "Reconnect");
    receive(shell, command, out);
    fake_wait(f->service, "Reconnect", 1);
    send_text(shell, command, "behind it", false, sent);
    wait_for_loop(f->session);
    fake_release(f->service, "Reconnect");
    assert_last_code(out, ERROR_WSMAN_HTTP_STATUS_BAD_REQUEST);
    assert_last_code(sent, ERROR_WSMAN_HTTP_STATUS_BAD_REQUEST);
    assert_int_equal(fake_count(f->service, "Send"), 1);
    assert_asked(1);
    recorder_free(out);
    recorder_free(sent);
}

/* ---- Nobody asks ---- */

static void assert_plain(void)
{
    struct recorder *out = recorder_new();

    atomic_store(&is_away, true);
    receive(shell, command, out);
    assert_last_code(out, ERROR_WSMAN_HTTP_STATUS_BAD_REQUEST);
    assert_asked(0);
    recorder_free(out);
    atomic_store(&is_away, false);
}

static void test_7_29_a_fault_is_an_answer_as_any_other(void **state)
{
    (void)state;
    atomic_store(&with_fault, true);
    assert_plain();
}

static void test_7_29_a_shell_that_cannot_be_disconnected_is_not_asked_for(void **state)
{
    (void)state;
    begin(false);
    open_watched();
    assert_plain();
}

static void test_7_29_api_1_0_gets_plain_errors(void **state)
{
    WSMAN_API_HANDLE api = NULL;
    WSMAN_SESSION_HANDLE kept;

    (void)state;
    begin(true);
    kept = f->session;
    assert_int_equal(WSManInitialize(WSMAN_FLAG_REQUESTED_API_VERSION_1_0, &api), 0);
    f->session = open_session(api, fake_service_port(f->service), true);
    open_watched();
    assert_plain();
    f->session = kept;
    assert_int_equal(WSManDeinitialize(api, 0), 0);
}

/* ---- Meanwhile ---- */

/* A Receive that was refused, and the Reconnect on its way. */
static WSMAN_OPERATION_HANDLE begin_asking(struct recorder *out)
{
    WSMAN_OPERATION_HANDLE operation;

    atomic_store(&is_away, true);
    fake_hold(f->service, "Reconnect");
    operation = receive(shell, command, out);
    fake_wait(f->service, "Reconnect", 1);
    return operation;
}

static void test_7_29_a_refused_receive_can_be_cancelled(void **state)
{
    struct recorder *out = recorder_new();
    WSMAN_OPERATION_HANDLE operation = begin_asking(out);

    (void)state;
    assert_int_equal(WSManCloseOperation(operation, 0), 0);
    assert_last_code(out, ERROR_OPERATION_ABORTED);
    fake_release(f->service, "Reconnect");
    assert_works();
    assert_int_equal(fake_count(f->service, "Receive"), 1);
    assert_asked(1);
    recorder_free(out);
}

static void test_7_29_close_shell_does_not_wait_for_the_reconnect(void **state)
{
    struct recorder *out = recorder_new();

    (void)state;
    (void)begin_asking(out);
    close_shell(shell);
    assert_last_code(out, ERROR_OPERATION_ABORTED);
    assert_int_equal(fake_count(f->service, "Delete"), 1);
    assert_asked(1);
    fake_release(f->service, "Reconnect");
    recorder_free(out);
}

static void test_7_29_close_session_does_not_wait_for_the_reconnect(void **state)
{
    struct recorder *out = recorder_new();

    (void)state;
    (void)begin_asking(out);
    assert_int_equal(WSManCloseSession(f->session, 0), 0);
    f->session = NULL;
    assert_last_code(out, ERROR_OPERATION_ABORTED);
    assert_int_equal(fake_count(f->service, "Delete"), 1);
    fake_release(f->service, "Reconnect");
    recorder_free(out);
}

/* It is away already: the Receive sleeps, and goes on when the shell is taken up again. */
static void test_7_29_disconnect_within_it_is_not_graceful(void **state)
{
    struct recorder *out = recorder_new();
    struct recorder *gone = recorder_new();

    (void)state;
    (void)begin_asking(out);
    disconnect(shell, 0, NULL, gone);
    assert_last_code(gone, ERROR_WINRS_SHELL_DISCONNECT_OPERATION_NOT_GRACEFUL);
    fake_release(f->service, "Reconnect");
    reconnect_shell(shell);
    reconnect_shell_command(command);
    fake_wait(f->service, "Receive", 2);
    fake_push_done(f->service, 0);
    assert_last_code(out, 0);
    assert_int_equal(recorder_count(notices), 1);
    recorder_free(out);
    recorder_free(gone);
}

#define TEST(name)  cmocka_unit_test_setup_teardown(name, setup, teardown)
#define OTHER(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_7_29_a_receive_goes_on_after_one_reconnect),
        TEST(test_7_29_all_that_is_refused_waits_for_the_same_reconnect),
        TEST(test_7_29_input_commands_and_signals_end_and_the_shell_is_back),
        TEST(test_7_29_a_later_refusal_is_asked_for_anew),
        TEST(test_7_29_a_reconnect_that_fails_ends_the_operation),
        TEST(test_7_29_the_same_request_is_not_asked_for_twice),
        TEST(test_7_29_what_waited_for_a_reconnect_that_fails_is_sent_once),
        TEST(test_7_29_a_fault_is_an_answer_as_any_other),
        OTHER(test_7_29_a_shell_that_cannot_be_disconnected_is_not_asked_for),
        OTHER(test_7_29_api_1_0_gets_plain_errors),
        TEST(test_7_29_a_refused_receive_can_be_cancelled),
        TEST(test_7_29_close_shell_does_not_wait_for_the_reconnect),
        TEST(test_7_29_close_session_does_not_wait_for_the_reconnect),
        TEST(test_7_29_disconnect_within_it_is_not_graceful),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
