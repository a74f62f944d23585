/* What a Disconnect tells a server with our mark: how far each command's output has got. And
 * what becomes of output that comes meanwhile. */
#include "client_fixture.h"
#include "marked_service.h"

#include "proto/extension.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wsmext.h>

#include <cmocka.h>

static struct fixture *f;
static WSMAN_SHELL_HANDLE shell;
static WSMAN_COMMAND_HANDLE command;
static struct recorder *out;     /* of the command's Receive */
static struct recorder *notices; /* of the shell: its callback may come again at any time */

static int setup(void **state)
{
    (void)state;
    f = fixture_new();
    marked_start(f->service);
    out = recorder_new();
    notices = recorder_new();
    notices->user = notices; /* its data is no output */
    return 0;
}

static void open_one(void)
{
    WSManCreateShell(f->session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &notices->async, &shell);
    recorder_wait(notices, 1);
    assert_int_equal(notices->events[0].code, 0);
    command = run_command(shell, WSMAN_TEXT("cat"));
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
    recorder_free(out);
    recorder_free(notices);
    return 0;
}

/* The last Disconnect told this; COMMAND stands for the command, "" is nothing at all. */
static void assert_told(const char *expected)
{
    char *id = fake_last(f->service, "Command", "id");
    char *option = fake_last(f->service, "Disconnect", "option");
    struct wsm_buf text = WSM_BUF_INIT;
    const char *at;

    if (*expected != '\0')
        wsm_buf_append_str(&text, WSM_OPTION_DELIVERED ":");
    while ((at = strstr(expected, "COMMAND")) != NULL) {
        wsm_buf_printf(&text, "%.*s%s", (int)(at - expected), expected, id);
        expected = at + strlen("COMMAND");
    }
    wsm_buf_append_str(&text, expected);
    wsm_buf_append_byte(&text, '\0');
    assert_string_equal(option, (const char *)text.ptr);
    wsm_buf_clear(&text);
    free(id);
    free(option);
}

static void take_up(void)
{
    reconnect_shell(shell);
    reconnect_shell_command(command);
}

static void test_disconnect_tells_what_callbacks_were_given(void **state)
{
    (void)state;
    receive(shell, command, out);
    marked_write("stdout", "hello");
    recorder_wait(out, 1);
    marked_write("stderr", "err");
    recorder_wait(out, 2);
    disconnect_shell(shell);
    assert_told("COMMAND/stdout=5 COMMAND/stderr=3");
    take_up();
    marked_write("stdout", "more");
    recorder_wait(out, 3);
    disconnect_shell(shell);
    assert_told("COMMAND/stdout=9 COMMAND/stderr=3");
    assert_memory_equal(out->output, "hellomore", 9);
}

static void test_disconnect_tells_nothing_where_there_was_nothing(void **state)
{
    WSMAN_COMMAND_HANDLE other = run_command(shell, WSMAN_TEXT("b"));

    (void)state;
    receive(shell, command, out);
    fake_wait(f->service, "Receive", 1);
    disconnect_shell(shell);
    assert_told("");
    close_command(other);
}

static void test_other_servers_are_told_nothing(void **state)
{
    (void)state;
    marked_plain();
    open_one();
    receive(shell, command, out);
    marked_write("stdout", "hello");
    recorder_wait(out, 1);
    disconnect_shell(shell);
    assert_told("");
}

static bool refuse_the_second(struct fake_service *service, const struct fake_request *request,
                              struct fake_reply *reply)
{
    if (strcmp(request->name, "Disconnect") != 0 || fake_count(service, "Disconnect") != 2)
        return false;
    fake_reply_fault(reply, request, ERROR_WINRS_SHELL_CONNECTED_TO_DIFFERENT_CLIENT, "scripted");
    return true;
}

/* Takes up a command of which 5 bytes of each stream have been delivered. */
static WSMAN_COMMAND_HANDLE attach(unsigned number)
{
    WSMAN_OPTION option = { WSMAN_EXT_OPTION_FROM, WSMAN_TEXT("stdout=5:5 stderr=5:5"), FALSE };
    WSMAN_OPTION_SET options = { 1, &option, FALSE };
    struct recorder *recorder = recorder_new();
    WSMAN_COMMAND_HANDLE attached = NULL;
    char id[37];
    PWSTR wide;

    snprintf(id, sizeof(id), "AAAAAAAA-0000-4000-8000-%012u", number);
    wide = WSManExtUtf8ToUtf16(id);
    recorder->user = recorder; /* its data is no output */
    WSManConnectShellCommand(shell, 0, wide, &options, NULL, &recorder->async, &attached);
    assert_last_code(recorder, 0);
    WSManExtFree(wide);
    recorder_free(recorder);
    return attached;
}

static void test_more_than_one_request_can_tell(void **state)
{
    enum { COMMANDS = WSM_DELIVERED_MAX / 2 + 1 };
    DWORD idle_ms = 90000;
    struct recorder *gone = recorder_new();
    unsigned i;

    (void)state;
    for (i = 0; i < COMMANDS; i++)
        attach(i);
    disconnect(shell, WSMAN_FLAG_SERVER_BUFFERING_MODE_DROP, &idle_ms, gone);
    assert_last_code(gone, 0);
    assert_int_equal(fake_count(f->service, "Disconnect"), 2);
    assert_told("AAAAAAAA-0000-4000-8000-000000000128/stdout=5 "
                "AAAAAAAA-0000-4000-8000-000000000128/stderr=5");
    assert_sent(f, "Disconnect", "mode", "Drop");
    assert_sent(f, "Disconnect", "idle", "90000");
    recorder_free(gone);
}

static void test_disconnected_is_disconnected_whatever_comes_of_the_rest(void **state)
{
    unsigned i;

    (void)state;
    for (i = 0; i <= WSM_DELIVERED_MAX / 2; i++)
        attach(i);
    fake_service_handler(f->service, refuse_the_second);
    disconnect_shell(shell);
    assert_int_equal(fake_count(f->service, "Disconnect"), 2);
    reconnect_shell(shell);
}

/* ---- Callbacks that run ---- */

static void test_callback_that_runs_is_waited_for(void **state)
{
    struct recorder *gone = recorder_new();
    size_t early;

    (void)state;
    recorder_gate(out);
    receive(shell, command, out);
    marked_write("stdout", "hello");
    recorder_wait_inside(out);
    disconnect(shell, 0, NULL, gone);
    wait_for_loop(f->session);
    early = fake_count(f->service, "Disconnect");
    recorder_open_gate(out);
    assert_last_code(gone, 0);
    assert_int_equal(early, 0);
    assert_told("COMMAND/stdout=5");
    assert_int_equal(fake_count(f->service, "Disconnect"), 1);
    recorder_free(gone);
}

/* Nothing more is asked for while it runs: it would have to be told, too. */
static void test_queued_output_is_delivered_first(void **state)
{
    struct recorder *gone = recorder_new();

    (void)state;
    recorder_gate(out);
    receive(shell, command, out);
    marked_write("stdout", "hello");
    recorder_wait_inside(out);
    fake_wait(f->service, "Receive", 2);
    marked_write("stdout", "more");
    fake_wait_answered(f->service, "Receive", 2);
    wait_for_loop(f->session);
    disconnect(shell, 0, NULL, gone);
    wait_for_loop(f->session);
    marked_write("stdout", "later");
    recorder_open_gate(out);
    assert_last_code(gone, 0);
    assert_told("COMMAND/stdout=9");
    assert_int_equal(fake_count(f->service, "Receive"), 2);
    assert_int_equal(out->output_len, 9);
    take_up();
    recorder_wait(out, 3);
    assert_memory_equal(out->output, "hellomorelater", 14);
    recorder_free(gone);
}

static void test_callback_that_does_not_return_is_not_told(void **state)
{
    struct recorder *gone = recorder_new();

    (void)state;
    recorder_gate(out);
    receive(shell, command, out);
    marked_write("stdout", "hello");
    recorder_wait_inside(out);
    fake_wait(f->service, "Receive", 2);
    marked_write("stdout", "more");
    fake_wait_answered(f->service, "Receive", 2);
    wait_for_loop(f->session);
    disconnect(shell, 0, NULL, gone);
    fake_wait_answered(f->service, "Disconnect", 1);
    wait_for_loop(f->session);
    recorder_open_gate(out);
    assert_last_code(gone, 0);
    assert_told("");
    wait_for_loop(f->session);
    assert_int_equal(out->output_len, 5); /* what was queued waits for the reconnect */
    take_up();
    recorder_wait(out, 2);
    assert_memory_equal(out->output, "hellomore", 9);
    marked_write("stdout", "later");
    recorder_wait(out, 3);
    disconnect_shell(shell);
    assert_told("COMMAND/stdout=14");
    recorder_free(gone);
}

/* The server has answered, but a Receive is still on the wire. */
static void test_callback_that_returns_late_is_told_by_another(void **state)
{
    struct recorder *gone = recorder_new();

    (void)state;
    fake_keep_receives(f->service);
    open_one();
    recorder_gate(out);
    receive(shell, command, out);
    marked_wait_receives(1);
    fake_hold(f->service, "Receive");
    marked_write("stdout", "hello");
    recorder_wait_inside(out);
    fake_wait(f->service, "Receive", 2);
    disconnect(shell, 0, NULL, gone);
    fake_wait_answered(f->service, "Disconnect", 1);
    wait_for_loop(f->session);
    assert_told("");
    recorder_open_gate(out);
    fake_wait_answered(f->service, "Disconnect", 2);
    assert_told("COMMAND/stdout=5");
    fake_release(f->service, "Receive");
    assert_last_code(gone, 0);
    assert_int_equal(fake_count(f->service, "Disconnect"), 2);
    recorder_free(gone);
}

static void let_go_within(struct recorder *recorder, const struct recorder_event *event)
{
    if (event->code == 0)
        disconnect(event->shell, 0, NULL, recorder->user);
}

static void test_disconnect_in_the_callback_tells_its_output(void **state)
{
    struct recorder *gone = recorder_new();

    (void)state;
    out->on_event = let_go_within;
    out->user = gone;
    receive(shell, command, out);
    marked_write("stdout", "hello");
    assert_last_code(gone, 0);
    assert_told("COMMAND/stdout=5");
    recorder_free(gone);
}

/* ---- Output that comes when the server has been told ---- */

/* Runs `act` between the Disconnect and its answer. */
static void disconnect_around(void (*act)(void), DWORD code)
{
    struct recorder *gone = recorder_new();

    receive(shell, command, out);
    marked_wait_receives(1);
    fake_hold(f->service, "Disconnect");
    disconnect(shell, 0, NULL, gone);
    fake_wait(f->service, "Disconnect", 1);
    act();
    fake_wait_answered(f->service, "Receive", 1);
    wait_for_loop(f->session);
    fake_release(f->service, "Disconnect");
    assert_last_code(gone, code);
    recorder_free(gone);
}

static void write_last(void)
{
    marked_write("stdout", "last");
}

static void end_all(void)
{
    marked_write("stdout", "last");
    marked_end(5);
}

static void test_output_behind_the_word_waits(void **state)
{
    (void)state;
    disconnect_around(write_last, 0);
    assert_told("");
    assert_int_equal(recorder_count(out), 0);
    take_up();
    recorder_wait(out, 1);
    assert_memory_equal(out->output, "last", 4);
    disconnect_shell(shell);
    assert_told("COMMAND/stdout=4");
    assert_int_equal(recorder_count(out), 1);
}

static void test_end_behind_the_word_waits(void **state)
{
    (void)state;
    disconnect_around(end_all, 0);
    assert_int_equal(recorder_count(out), 0);
    take_up();
    assert_last_code(out, 0);
    assert_int_equal(recorder_last(out)->exit_code, 5);
    assert_int_equal(out->output_len, 4);
    assert_int_equal(out->last_count, 1);
}

static void test_output_goes_on_after_a_refusal(void **state)
{
    (void)state;
    marked_cut("Disconnect", MARKED_DENIED, 1);
    disconnect_around(write_last, ERROR_ACCESS_DENIED);
    recorder_wait(out, 1);
    assert_memory_equal(out->output, "last", 4);
    disconnect_shell(shell);
    assert_told("COMMAND/stdout=4");
}

/* The next Disconnect says it again, though nothing came meanwhile. */
static void test_word_that_was_refused_is_told_again(void **state)
{
    struct recorder *gone = recorder_new();

    (void)state;
    receive(shell, command, out);
    marked_write("stdout", "hello");
    recorder_wait(out, 1);
    marked_cut("Disconnect", MARKED_DENIED, 1);
    disconnect(shell, 0, NULL, gone);
    assert_last_code(gone, ERROR_ACCESS_DENIED);
    disconnect_shell(shell);
    assert_told("COMMAND/stdout=5");
    recorder_free(gone);
}

static void test_lost_answer_leaves_offsets_as_they_are(void **state)
{
    struct recorder *gone = recorder_new();

    (void)state;
    receive(shell, command, out);
    marked_write("stdout", "hello");
    recorder_wait(out, 1);
    marked_cut("Disconnect", MARKED_UNANSWERED, 2);
    disconnect(shell, 0, NULL, gone);
    assert_last_code(gone, ERROR_WINRS_SHELL_DISCONNECT_OPERATION_NOT_GRACEFUL);
    assert_told("COMMAND/stdout=5");
    take_up();
    marked_write("stdout", "more");
    recorder_wait(out, 2);
    assert_memory_equal(out->output, "hellomore", 9);
    recorder_free(gone);
}

/* ---- WSManExtLimitOffsets ---- */

static void stop_at_2(struct recorder *recorder, const struct recorder_event *event)
{
    WSMAN_EXT_OFFSETS offsets = { .delivered = { 2, 0 }, .dropped = { 7, 7 } };

    (void)recorder;
    if (event->code == 0)
        assert_int_equal(WSManExtLimitOffsets(event->command, &offsets), 0);
}

static void test_limit_counts_whatever_callbacks_return(void **state)
{
    WSMAN_EXT_OFFSETS offsets;

    (void)state;
    out->on_event = stop_at_2;
    receive(shell, command, out);
    marked_write("stdout", "hello");
    recorder_wait(out, 1);
    marked_write("stderr", "err"); /* of which nothing was known before */
    recorder_wait(out, 2);
    marked_wait_confirmed("stdout", 2);
    assert_int_equal(WSManExtGetOffsets(command, &offsets), 0);
    assert_int_equal(offsets.delivered[0], 2);
    assert_int_equal(offsets.delivered[1], 0);
    assert_int_equal(offsets.dropped[0], 0);
    disconnect_shell(shell);
    assert_told("COMMAND/stdout=2");
    take_up();
    marked_write("stdout", "more");
    recorder_wait(out, 3);
    assert_memory_equal(out->output, "hellomore", 9); /* the same client got the rest already */
}

static void test_last_limit_counts(void **state)
{
    WSMAN_EXT_OFFSETS limit = { .delivered = { 2, 2 } };

    (void)state;
    receive(shell, command, out);
    marked_write("stdout", "hello");
    recorder_wait(out, 1);
    assert_int_equal(WSManExtLimitOffsets(command, &limit), 0);
    limit.delivered[0] = 4;
    assert_int_equal(WSManExtLimitOffsets(command, &limit), 0);
    disconnect_shell(shell);
    assert_told("COMMAND/stdout=4");
}

static void test_limit_checks_its_arguments(void **state)
{
    WSMAN_EXT_OFFSETS offsets = { 0 };

    (void)state;
    assert_int_equal(WSManExtLimitOffsets(command, NULL), ERROR_INVALID_PARAMETER);
    assert_int_equal(WSManExtLimitOffsets(NULL, &offsets),
                     ERROR_WSMAN_SHELL_INVALID_COMMAND_HANDLE);
    assert_int_equal(WSManExtLimitOffsets((WSMAN_COMMAND_HANDLE)shell, &offsets),
                     ERROR_WSMAN_SHELL_INVALID_COMMAND_HANDLE);
    close_command(command);
    assert_int_equal(WSManExtLimitOffsets(command, &offsets), ERROR_WSMAN_COMMAND_ALREADY_CLOSED);
}

static void test_limit_needs_a_server_that_counts(void **state)
{
    WSMAN_EXT_OFFSETS offsets = { 0 };

    (void)state;
    marked_plain();
    open_one();
    assert_int_equal(WSManExtLimitOffsets(command, &offsets), ERROR_NOT_SUPPORTED);
}

#define SHELL(test) cmocka_unit_test_setup_teardown(test, setup_shell, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHELL(test_disconnect_tells_what_callbacks_were_given),
        SHELL(test_disconnect_tells_nothing_where_there_was_nothing),
        cmocka_unit_test_setup_teardown(test_other_servers_are_told_nothing, setup, teardown),
        SHELL(test_more_than_one_request_can_tell),
        SHELL(test_disconnected_is_disconnected_whatever_comes_of_the_rest),
        SHELL(test_callback_that_runs_is_waited_for),
        SHELL(test_queued_output_is_delivered_first),
        SHELL(test_callback_that_does_not_return_is_not_told),
        cmocka_unit_test_setup_teardown(test_callback_that_returns_late_is_told_by_another, setup,
                                        teardown),
        SHELL(test_disconnect_in_the_callback_tells_its_output),
        SHELL(test_output_behind_the_word_waits),
        SHELL(test_end_behind_the_word_waits),
        SHELL(test_output_goes_on_after_a_refusal),
        SHELL(test_word_that_was_refused_is_told_again),
        SHELL(test_lost_answer_leaves_offsets_as_they_are),
        SHELL(test_limit_counts_whatever_callbacks_return),
        SHELL(test_last_limit_counts),
        SHELL(test_limit_checks_its_arguments),
        cmocka_unit_test_setup_teardown(test_limit_needs_a_server_that_counts, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
