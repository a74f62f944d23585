/* Broken connections on a server with our mark: every request is carried out once, output goes
 * on at the right byte, and the callback of CreateShell is told. And on servers without it. */
#include "client_fixture.h"
#include "marked_service.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <wsmext.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define NO_MEMORY_LIMIT /* they need all there is */
#endif

enum {
    FAILURE = WSMAN_FLAG_CALLBACK_NETWORK_FAILURE_DETECTED,
    RETRYING = WSMAN_FLAG_CALLBACK_RETRYING_AFTER_NETWORK_FAILURE,
    RECONNECTED = WSMAN_FLAG_CALLBACK_RECONNECTED_AFTER_NETWORK_FAILURE,
    DISCONNECTING = WSMAN_FLAG_CALLBACK_SHELL_AUTODISCONNECTING,
    DISCONNECTED = WSMAN_FLAG_CALLBACK_SHELL_AUTODISCONNECTED,
    ABORTED = WSMAN_FLAG_CALLBACK_RETRY_ABORTED_DUE_TO_INTERNAL_ERROR,
};

static const enum marked_cut cuts[] = {
    MARKED_UNREAD, MARKED_RESET, MARKED_UNANSWERED, MARKED_HALF, MARKED_STARTING,
};
enum { CUT_COUNT = sizeof(cuts) / sizeof(cuts[0]) };

static struct fixture *f;
static struct recorder *notices; /* of the shell opened last */
static WSMAN_SHELL_HANDLE shell;
static WSMAN_COMMAND_HANDLE command;

static void create(void)
{
    notices = recorder_new();
    notices->user = notices; /* its data is no output */
    WSManCreateShell(f->session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &notices->async, &shell);
    assert_non_null(shell);
}

static void open_one(void)
{
    create();
    recorder_wait(notices, 1);
    assert_int_equal(notices->events[0].code, 0);
    command = run_command(shell, WSMAN_TEXT("cat"));
}

static int setup(void **state)
{
    (void)state;
    f = fixture_new();
    marked_start(f->service);
    return 0;
}

static int setup_shell(void **state)
{
    setup(state);
    open_one();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    marked_stop();
    fixture_free(f);
    marked_free();
    if (notices != NULL)
        recorder_free(notices);
    notices = NULL;
    return 0;
}

static void next_shell(void)
{
    close_shell(shell);
    recorder_free(notices);
    open_one();
}

/* Returns the number of the first notice with that flag, behind `from`. */
static size_t wait_notice(DWORD flag, size_t from)
{
    size_t i = from;

    for (;;) {
        recorder_wait(notices, i + 1);
        if (notices->events[i].flags == flag)
            return i;
        i++;
    }
}

/* Notice behind notice in the order that wsmext.h promises; returns how many phases ended. */
static size_t count_phases(void)
{
    DWORD before = 0;
    size_t phases = 0;
    size_t i;

    for (i = 1; i < recorder_count(notices); i++) {
        const struct recorder_event *event = &notices->events[i];
        bool is_legal;

        assert_int_equal(event->code, 0);
        assert_false(event->has_data);
        assert_ptr_equal(event->shell, shell);
        assert_null(event->command);
        assert_null(event->operation);
        switch (event->flags) {
        case FAILURE:
            is_legal = before == 0;
            break;
        case RETRYING:
            is_legal = before == FAILURE || before == RETRYING;
            break;
        case RECONNECTED:
        case DISCONNECTING:
        case ABORTED:
            is_legal = before == RETRYING;
            break;
        case DISCONNECTED:
            is_legal = before == DISCONNECTING;
            break;
        default:
            is_legal = false;
        }
        if (!is_legal)
            fail_msg("notice %#x behind %#x", event->flags, before);
        before = event->flags;
        if (before == RECONNECTED || before == DISCONNECTED || before == ABORTED) {
            before = 0;
            phases++;
        }
    }
    return phases;
}

static void assert_recovered(void)
{
    wait_notice(RECONNECTED, 1);
    assert_true(count_phases() >= 1);
}

/* The link is gone, and stays so until fake_accept(). */
static void lose_link(void)
{
    fake_refuse(f->service);
    fake_close_all(f->service);
}

static void assert_output(struct recorder *out, const char *text)
{
    assert_last_code(out, 0);
    assert_int_equal(out->output_len, strlen(text));
    assert_memory_equal(out->output, text, strlen(text));
}

#define FROM "WSMAN_CMDSHELL_OPTION_KEEPALIVE:TRUE|WINRMD_FROM:"

/* ---- Carried out once ---- */

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
        open_one();
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
        open_one();
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
    open_one();
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
    open_one();
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
    create();
    fake_wait(f->service, "Create", 1);
    fake_release(f->service, "Create");
    fake_wait(f->service, "Create", 2);
    close_shell(shell);
    assert_last_code(notices, ERROR_OPERATION_ABORTED);
    assert_int_equal(marked_applied("Create"), 1);
    assert_int_equal(marked_applied("Delete"), 1);
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

/* ---- Phases ---- */

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
    fake_wait(f->service, "Send", 1); /* on the first connection, which is the first to go */
    send_text(shell, command, "behind it", false, queued);
    receive(shell, command, out);
    fake_wait(f->service, "Receive", 1);
    fake_refuse(f->service);
    limit_memory(1);
    fake_close_all(f->service);
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
    open_one();
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
    open_one();
    assert_plain(f->session);
    f->session = kept;
    assert_int_equal(WSManDeinitialize(api, 0), 0);
}

/* ---- Offsets ---- */

static void test_every_receive_says_how_far_it_has_come(void **state)
{
    struct recorder *out = recorder_new();

    (void)state;
    recorder_gate(out);
    receive(shell, command, out);
    fake_wait(f->service, "Receive", 1);
    assert_sent(f, "Receive", "option", FROM "stdout=0:0 stderr=0:0");
    marked_write("stdout", "abc");
    recorder_wait_inside(out);
    fake_wait(f->service, "Receive", 2);
    assert_sent(f, "Receive", "option", FROM "stdout=0:3 stderr=0:0"); /* the callback still runs */
    recorder_open_gate(out);
    marked_write("stderr", "de");
    recorder_wait(out, 2);
    marked_wait_confirmed("stdout", 3);
    marked_end(0);
    assert_output(out, "abc");
    recorder_free(out);
}

static void test_only_the_streams_asked_for_are_named(void **state)
{
    PCWSTR names[] = { WSMAN_STREAM_ID_STDERR };
    WSMAN_STREAM_ID_SET set = { .streamIDsCount = 1, .streamIDs = names };
    struct recorder *out = recorder_new();
    WSMAN_OPERATION_HANDLE operation = NULL;

    (void)state;
    WSManReceiveShellOutput(shell, command, 0, &set, &out->async, &operation);
    fake_wait(f->service, "Receive", 1);
    assert_sent(f, "Receive", "option", FROM "stderr=0:0");
    assert_int_equal(WSManCloseOperation(operation, 0), 0);
    assert_last_code(out, ERROR_OPERATION_ABORTED);
    recorder_free(out);
}

static void test_what_came_before_is_not_called_back_again(void **state)
{
    struct recorder *out = recorder_new();

    (void)state;
    marked_go_back(2);
    marked_write("stdout", "abc");
    receive(shell, command, out);
    recorder_wait(out, 1);
    marked_write("stdout", "d");
    recorder_wait(out, 2);
    marked_write("stderr", "e");
    recorder_wait(out, 3);
    marked_end(0);
    assert_output(out, "abcd");
    assert_int_equal(out->errors_len, 1);
    recorder_free(out);
}

static void test_a_gap_counts_as_dropped(void **state)
{
    struct recorder *out = recorder_new();
    WSMAN_EXT_OFFSETS offsets;

    (void)state;
    marked_write("stdout", "0123456789");
    marked_drop("stdout", 4);
    receive(shell, command, out);
    recorder_wait(out, 1);
    marked_end(0);
    assert_output(out, "456789");
    assert_int_equal(WSManExtGetOffsets(command, &offsets), 0);
    assert_int_equal(offsets.dropped[0], 4);
    assert_int_equal(offsets.delivered[0], 10);
    assert_int_equal(offsets.dropped[1], 0);
    assert_int_equal(offsets.delivered[1], 0);
    recorder_free(out);
}

static void assert_spoiled(const char *offset, const char *detail)
{
    struct recorder *out = recorder_new();

    marked_spoil_offset(offset);
    marked_write("stdout", "a");
    receive(shell, command, out);
    assert_last_code(out, ERROR_WSMAN_INVALID_REPRESENTATION);
    if (strstr(recorder_last(out)->detail, detail) == NULL)
        fail_msg("detail is: %s", recorder_last(out)->detail);
    assert_int_equal(recorder_count(out), 1);
    recorder_free(out);
}

static void test_a_missing_offset_is_an_error(void **state)
{
    (void)state;
    assert_spoiled(NULL, "stream stdout came without the attribute Offset");
}

static void test_a_bad_offset_is_an_error(void **state)
{
    (void)state;
    assert_spoiled("", "Offset");
    assert_spoiled("-1", "Offset");
    assert_spoiled("0x10", "Offset");
    assert_spoiled("18446744073709551616", "Offset");
    assert_spoiled("18446744073709551615", "Offset");
}

/* Two pieces in one answer; the first is in its callback when the Receive is closed. */
static void test_the_rest_of_a_closed_receive_is_received_and_not_delivered(void **state)
{
    struct recorder *out = recorder_new();
    struct recorder *next = recorder_new();
    WSMAN_OPERATION_HANDLE operation;
    WSMAN_EXT_OFFSETS offsets;

    (void)state;
    marked_write("stdout", "abc");
    marked_write("stderr", "wxyz");
    recorder_gate(out);
    operation = receive(shell, command, out);
    recorder_wait_inside(out);
    fake_wait(f->service, "Receive", 2); /* else it could come last */
    assert_int_equal(WSManCloseOperation(operation, 0), 0);
    wait_for_loop(f->session);
    recorder_open_gate(out);
    assert_last_code(out, ERROR_OPERATION_ABORTED);
    assert_int_equal(WSManExtGetOffsets(command, &offsets), 0);
    assert_int_equal(offsets.delivered[0], 3);
    assert_int_equal(offsets.delivered[1], 0);
    recorder_gate(next);
    receive(shell, command, next);
    recorder_wait_inside(next);
    fake_wait(f->service, "Receive", 3);
    assert_sent(f, "Receive", "option", FROM "stdout=3:3 stderr=0:4");
    recorder_open_gate(next);
    marked_end(0);
    assert_output(next, "");
    assert_int_equal(next->errors_len, 4);
    recorder_free(out);
    recorder_free(next);
}

static DWORD code_inside;
static WSMAN_EXT_OFFSETS inside;

static void ask_inside(struct recorder *recorder, const struct recorder_event *event)
{
    (void)recorder;
    if (event->length > 0)
        code_inside = WSManExtGetOffsets(command, &inside);
}

static void test_offsets_can_be_asked_for_in_a_callback(void **state)
{
    struct recorder *out = recorder_new();

    (void)state;
    code_inside = 1;
    out->on_event = ask_inside;
    marked_write("stdout", "abc");
    receive(shell, command, out);
    recorder_wait(out, 1);
    marked_write("stdout", "d");
    recorder_wait(out, 2);
    marked_end(0);
    assert_output(out, "abcd");
    assert_int_equal(code_inside, 0);
    assert_int_equal(inside.delivered[0], 3); /* without what this callback was given */
    recorder_free(out);
}

static void test_get_offsets_checks_its_arguments(void **state)
{
    WSMAN_EXT_OFFSETS offsets = { .delivered = { 7, 7 } };

    (void)state;
    assert_int_equal(WSManExtGetOffsets(command, NULL), ERROR_INVALID_PARAMETER);
    assert_int_equal(WSManExtGetOffsets(NULL, &offsets), ERROR_WSMAN_SHELL_INVALID_COMMAND_HANDLE);
    assert_int_equal(WSManExtGetOffsets((WSMAN_COMMAND_HANDLE)shell, &offsets),
                     ERROR_WSMAN_SHELL_INVALID_COMMAND_HANDLE);
    close_command(command);
    assert_int_equal(WSManExtGetOffsets(command, &offsets), ERROR_WSMAN_COMMAND_ALREADY_CLOSED);
    assert_int_equal(offsets.delivered[0], 7);
}

static void test_get_offsets_needs_a_server_that_counts(void **state)
{
    WSMAN_EXT_OFFSETS offsets;

    (void)state;
    marked_plain();
    open_one();
    assert_int_equal(WSManExtGetOffsets(command, &offsets), ERROR_NOT_SUPPORTED);
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

/* ---- Going on where somebody else stopped ---- */

static WSMAN_SHELL_HANDLE connect_shell(void)
{
    struct recorder *done = recorder_new();
    WSMAN_SHELL_HANDLE connected = NULL;

    done->user = done;
    WSManConnectShell(f->session, 0, WSMAN_CMDSHELL_URI,
                      WSMAN_TEXT("11111111-2222-4333-8444-555555555501"), NULL, NULL, &done->async,
                      &connected);
    assert_last_code(done, 0);
    recorder_free(done);
    return connected;
}

/* With arguments that do not outlive the call. */
static WSMAN_COMMAND_HANDLE connect_from(WSMAN_SHELL_HANDLE connected, const char *from, DWORD code)
{
    struct recorder *done = recorder_new();
    PWSTR name = WSManExtUtf8ToUtf16("winrmd_from");
    PWSTR value = WSManExtUtf8ToUtf16(from);
    WSMAN_OPTION options[] = { { .name = WSMAN_TEXT("first"), .value = WSMAN_TEXT("1") },
                               { .name = name, .value = value },
                               { .name = WSMAN_TEXT("last"), .value = WSMAN_TEXT("2") } };
    WSMAN_OPTION_SET set = { .optionsCount = 3, .options = options };
    WSMAN_COMMAND_HANDLE connected_command = NULL;

    done->user = done;
    WSManConnectShellCommand(connected, 0, WSMAN_TEXT("11111111-2222-4333-8444-555555555502"), &set,
                             NULL, &done->async, &connected_command);
    memset(value, 0x5a, strlen(from) * sizeof(*value));
    memset(name, 0x5a, 4);
    memset(options, 0x5a, sizeof(options));
    memset(&set, 0x5a, sizeof(set));
    WSManExtFree(name);
    WSManExtFree(value);
    assert_last_code(done, code);
    recorder_free(done);
    return connected_command;
}

static void test_output_goes_on_where_the_option_says(void **state)
{
    struct recorder *out = recorder_new();
    WSMAN_SHELL_HANDLE connected = connect_shell();
    WSMAN_COMMAND_HANDLE connected_command;
    WSMAN_EXT_OFFSETS offsets;

    (void)state;
    marked_write("stdout", "0123456789");
    marked_write("stderr", "abc");
    connected_command = connect_from(connected, "stdout=2:4", 0);
    assert_sent(f, "Connect", "option", "first:1|last:2");
    assert_int_equal(WSManExtGetOffsets(connected_command, &offsets), 0);
    assert_int_equal(offsets.delivered[0], 2);
    recorder_gate(out);
    receive(connected, connected_command, out);
    recorder_wait_inside(out);
    fake_wait(f->service, "Receive", 2);
    assert_sent(f, "Receive", "option", FROM "stdout=2:10 stderr=0:3");
    marked_wait_confirmed("stdout", 2);
    recorder_open_gate(out);
    marked_end(0);
    assert_output(out, "456789");
    assert_int_equal(out->errors_len, 3); /* from where nobody has said to have it */
    assert_int_equal(WSManExtGetOffsets(connected_command, &offsets), 0);
    assert_int_equal(offsets.delivered[0], 10);
    assert_int_equal(offsets.delivered[1], 3);
    recorder_free(out);
}

static void test_without_the_option_answers_teach_the_offsets(void **state)
{
    struct recorder *out = recorder_new();
    struct recorder *done = recorder_new();
    WSMAN_SHELL_HANDLE connected = connect_shell();
    WSMAN_COMMAND_HANDLE connected_command = NULL;

    (void)state;
    marked_write("stdout", "0123456789");
    marked_drop("stdout", 7); /* dropped before we came: not our loss */
    done->user = done;
    WSManConnectShellCommand(connected, 0, WSMAN_TEXT("11111111-2222-4333-8444-555555555502"), NULL,
                             NULL, &done->async, &connected_command);
    assert_last_code(done, 0);
    recorder_gate(out);
    receive(connected, connected_command, out);
    recorder_wait_inside(out);
    fake_wait(f->service, "Receive", 2);
    assert_sent(f, "Receive", "option", FROM "stdout=7:10");
    recorder_open_gate(out);
    marked_end(0);
    assert_output(out, "789");
    recorder_free(done);
    recorder_free(out);
}

static void test_a_connected_shell_is_robust_too(void **state)
{
    struct recorder *done = recorder_new();
    WSMAN_COMMAND_HANDLE connected_command;

    (void)state;
    notices = recorder_new();
    notices->user = notices;
    WSManConnectShell(f->session, 0, WSMAN_CMDSHELL_URI,
                      WSMAN_TEXT("11111111-2222-4333-8444-555555555501"), NULL, NULL,
                      &notices->async, &shell);
    recorder_wait(notices, 1);
    marked_cut("Connect", MARKED_UNANSWERED, 1);
    connected_command = connect_from(shell, "stdout=0:0", 0);
    marked_cut("Signal", MARKED_UNANSWERED, 1);
    signal_command(shell, connected_command, WSMAN_SIGNAL_SHELL_CODE_CTRL_C, done);
    assert_last_code(done, 0);
    assert_int_equal(marked_applied("Signal"), 1);
    assert_recovered();
    recorder_free(done);
}

static void test_the_option_is_checked(void **state)
{
    WSMAN_SHELL_HANDLE connected = connect_shell();

    (void)state;
    assert_null(connect_from(connected, "stdout=4:2", ERROR_WSMAN_INVALID_OPTIONS));
    assert_null(connect_from(connected, "stdout", ERROR_WSMAN_INVALID_OPTIONS));
    assert_null(connect_from(connected, "", ERROR_WSMAN_INVALID_OPTIONS));
    assert_int_equal(fake_count(f->service, "Connect"), 1);
}

static void test_the_option_needs_a_server_that_counts(void **state)
{
    WSMAN_SHELL_HANDLE connected;

    (void)state;
    marked_plain();
    connected = connect_shell();
    assert_non_null(connect_from(connected, "stdout=0:0", ERROR_NOT_SUPPORTED));
}

static void test_an_offset_that_is_not_there_ends_the_receive(void **state)
{
    struct recorder *out = recorder_new();
    WSMAN_SHELL_HANDLE connected = connect_shell();
    WSMAN_COMMAND_HANDLE connected_command = connect_from(connected, "stdout=4:9", 0);

    (void)state;
    receive(connected, connected_command, out);
    assert_last_code(out, ERROR_INVALID_PARAMETER);
    recorder_free(out);
}

#define TEST(name)  cmocka_unit_test_setup_teardown(name, setup, teardown)
#define SHELL(name) cmocka_unit_test_setup_teardown(name, setup_shell, teardown)

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
        SHELL(test_credentials_go_with_every_try),
        SHELL(test_results_come_behind_the_notice_of_success),
        SHELL(test_tries_go_on_until_the_server_is_back),
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
        TEST(test_other_servers_get_no_repetition),
        TEST(test_api_1_0_gets_plain_errors),
        SHELL(test_every_receive_says_how_far_it_has_come),
        SHELL(test_only_the_streams_asked_for_are_named),
        SHELL(test_what_came_before_is_not_called_back_again),
        SHELL(test_a_gap_counts_as_dropped),
        SHELL(test_a_missing_offset_is_an_error),
        SHELL(test_a_bad_offset_is_an_error),
        SHELL(test_the_rest_of_a_closed_receive_is_received_and_not_delivered),
        SHELL(test_offsets_can_be_asked_for_in_a_callback),
        SHELL(test_get_offsets_checks_its_arguments),
        TEST(test_get_offsets_needs_a_server_that_counts),
        TEST(test_set_retry_time_checks_its_arguments),
        TEST(test_output_goes_on_where_the_option_says),
        TEST(test_without_the_option_answers_teach_the_offsets),
        TEST(test_a_connected_shell_is_robust_too),
        TEST(test_the_option_is_checked),
        TEST(test_the_option_needs_a_server_that_counts),
        TEST(test_an_offset_that_is_not_there_ends_the_receive),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
