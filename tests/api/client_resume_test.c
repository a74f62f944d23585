/* Output goes on at the right byte, on a server that counts it: after a broken connection, behind
 * a Receive that was closed, and where somebody else has stopped. */
#include "robust_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wsmext.h>

#include <cmocka.h>

#define FROM "WSMAN_CMDSHELL_OPTION_KEEPALIVE:TRUE|WINRMD_FROM:"

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
    open_watched();
    assert_int_equal(WSManExtGetOffsets(command, &offsets), ERROR_NOT_SUPPORTED);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
        TEST(test_output_goes_on_where_the_option_says),
        TEST(test_without_the_option_answers_teach_the_offsets),
        TEST(test_a_connected_shell_is_robust_too),
        TEST(test_the_option_is_checked),
        TEST(test_the_option_needs_a_server_that_counts),
        TEST(test_an_offset_that_is_not_there_ends_the_receive),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
