/* Output and input: what Receive delivers in which order, what holds it back, what is
 * kept when it is cancelled, and how Sends are cut and queued. */
#include "client_fixture.h"
#include "wsmerror.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
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

static void test_receive_asks_again_after_a_timeout(void **state)
{
    struct recorder *out = recorder_new();
    WSMAN_OPERATION_HANDLE operation;

    (void)state;
    fake_push_fault(f->service, ERROR_WSMAN_OPERATION_TIMEDOUT);
    fake_push_fault(f->service, ERROR_WSMAN_OPERATION_TIMEDOUT);
    fake_push_done(f->service, 0);
    operation = receive(shell, command, out);
    assert_last_code(out, 0);
    assert_int_equal(out->count, 1);
    assert_int_equal(fake_count(f->service, "Receive"), 3);
    assert_int_equal(WSManCloseOperation(operation, 0), 0);
    recorder_free(out);
}

static void test_receive_says_where_a_stream_ends(void **state)
{
    struct recorder *out = recorder_new();

    (void)state;
    fake_push_output(f->service, "a", NULL, false);
    fake_push_output(f->service, "", "b", true);
    fake_push_state(f->service);
    fake_push_done(f->service, 4294967295U);
    receive(shell, command, out);
    assert_last_code(out, 0);
    assert_int_equal(out->count, 5);
    assert_int_equal(out->events[0].flags, 0);
    assert_string_equal(out->events[0].stream, "stdout");
    assert_true(out->events[0].is_running);
    assert_int_equal(out->events[1].flags, WSMAN_FLAG_CALLBACK_END_OF_STREAM);
    assert_int_equal(out->events[1].length, 0);
    assert_true(out->events[1].has_data);
    assert_int_equal(out->events[2].flags, WSMAN_FLAG_CALLBACK_END_OF_STREAM);
    assert_string_equal(out->events[2].stream, "stderr");
    assert_int_equal(out->events[3].flags, 0); /* a state alone */
    assert_string_equal(out->events[3].stream, "");
    assert_true(out->events[3].is_running);
    assert_int_equal(out->events[4].flags, WSMAN_FLAG_CALLBACK_END_OF_OPERATION);
    assert_int_equal(out->events[4].exit_code, 4294967295U);
    recorder_free(out);
}

static void test_receive_ends_with_the_servers_fault(void **state)
{
    struct recorder *out = recorder_new();

    (void)state;
    fake_push_output(f->service, "a", NULL, false);
    fake_push_fault(f->service, ERROR_WSMAN_UNEXPECTED_SELECTORS);
    receive(shell, command, out);
    assert_last_code(out, ERROR_WSMAN_UNEXPECTED_SELECTORS);
    assert_int_equal(out->count, 2);
    assert_false(recorder_last(out)->has_data);
    assert_non_null(strstr(recorder_last(out)->detail, "scripted"));
    recorder_free(out);
}

static void test_receive_refuses_a_second_one(void **state)
{
    struct recorder *first = recorder_new();
    struct recorder *second = recorder_new();
    WSMAN_OPERATION_HANDLE operation;

    (void)state;
    receive(shell, command, first);
    operation = receive(shell, command, second);
    assert_last_code(second, ERROR_WINRS_RECEIVE_IN_PROGRESS);
    assert_int_equal(WSManCloseOperation(operation, 0), 0);
    fake_push_done(f->service, 0);
    assert_last_code(first, 0);
    recorder_free(first);
    recorder_free(second);
}

static void test_receive_asks_for_the_streams_wanted(void **state)
{
    struct recorder *out = recorder_new();
    PCWSTR names[] = { WSMAN_STREAM_ID_STDERR };
    WSMAN_STREAM_ID_SET set = { .streamIDsCount = 1, .streamIDs = names };
    WSMAN_OPERATION_HANDLE operation = NULL;
    char *streams;

    (void)state;
    fake_push_done(f->service, 0);
    WSManReceiveShellOutput(shell, command, 0, &set, &out->async, &operation);
    assert_last_code(out, 0);
    streams = fake_last(f->service, "Receive", "streams");
    assert_string_equal(streams, "stderr");
    free(streams);
    recorder_free(out);
}

/* A slow callback: one answer runs, one waits, no third is asked for. The later event that
 * shows it is the answer to a Signal. */
static void test_receive_waits_for_slow_callbacks(void **state)
{
    struct recorder *out = recorder_new();
    struct recorder *other = recorder_new();
    WSMAN_OPERATION_HANDLE operation;
    size_t i;

    (void)state;
    recorder_gate(out);
    for (i = 0; i < 20; i++)
        fake_push_output(f->service, "x", NULL, false);
    fake_push_done(f->service, 0);
    receive(shell, command, out);
    recorder_wait_inside(out);
    fake_wait(f->service, "Receive", 2);
    fake_wait_answered(f->service, "Receive", 2);
    wait_for_loop(f->session);
    operation = signal_command(shell, command, WSMAN_SIGNAL_SHELL_CODE_CTRL_C, other);
    fake_wait_answered(f->service, "Signal", 1);
    assert_int_equal(fake_count(f->service, "Receive"), 2);
    recorder_open_gate(out);
    assert_last_code(out, 0);
    assert_int_equal(out->output_len, 20);
    assert_last_code(other, 0);
    assert_int_equal(WSManCloseOperation(operation, 0), 0);
    recorder_free(out);
    recorder_free(other);
}

static void test_a_blocked_callback_stops_its_own_shell_only(void **state)
{
    struct recorder *blocked = recorder_new();
    struct recorder *free_one = recorder_new();
    WSMAN_SHELL_HANDLE other = open_shell(f);
    WSMAN_COMMAND_HANDLE other_command = run_command(other, WSMAN_TEXT("cat"));

    (void)state;
    recorder_gate(blocked);
    fake_push_output(f->service, "x", NULL, false);
    receive(shell, command, blocked);
    recorder_wait_inside(blocked);
    fake_wait(f->service, "Receive", 2); /* it asks for more, which it will not get yet */
    signal_command(other, other_command, WSMAN_SIGNAL_SHELL_CODE_CTRL_C, free_one);
    assert_last_code(free_one, 0);
    close_command(other_command);
    close_shell(other);
    assert_int_equal(recorder_count(blocked), 1);
    recorder_open_gate(blocked);
    fake_push_done(f->service, 0);
    assert_last_code(blocked, 0);
    recorder_free(blocked);
    recorder_free(free_one);
}

/* Cancelled with one answer in a callback and one waiting: the next Receive gets the
 * rest, in order, and nothing twice. */
static void test_receive_keeps_what_a_cancelled_one_did_not_deliver(void **state)
{
    struct recorder *first = recorder_new();
    struct recorder *second = recorder_new();
    WSMAN_OPERATION_HANDLE operation;

    (void)state;
    recorder_gate(first);
    fake_push_output(f->service, "1", "a", false);
    fake_push_output(f->service, "2", "b", false);
    operation = receive(shell, command, first);
    recorder_wait_inside(first);
    fake_wait_answered(f->service, "Receive", 2);
    wait_for_loop(f->session);
    assert_int_equal(WSManCloseOperation(operation, 0), 0);
    receive(shell, command, second);
    wait_for_loop(f->session); /* else the callback might end before the cancelling */
    recorder_open_gate(first);
    assert_last_code(first, ERROR_OPERATION_ABORTED);
    assert_int_equal(first->count, 2); /* what was running, then the end */
    assert_ptr_equal(recorder_last(first)->operation, operation);
    fake_push_output(f->service, "3", NULL, false);
    fake_push_done(f->service, 5);
    assert_last_code(second, 0);
    assert_memory_equal(first->output, "1", 1);
    assert_int_equal(first->errors_len, 0);
    assert_int_equal(second->output_len, 2);
    assert_memory_equal(second->output, "23", 2);
    assert_memory_equal(second->errors, "ab", 2);
    assert_int_equal(recorder_last(second)->exit_code, 5);
    recorder_free(first);
    recorder_free(second);
}

static void test_receive_keeps_the_end_of_a_cancelled_one(void **state)
{
    struct recorder *first = recorder_new();
    struct recorder *second = recorder_new();
    WSMAN_OPERATION_HANDLE operation;

    (void)state;
    recorder_gate(first);
    fake_push_output(f->service, "1", NULL, false);
    fake_push_done(f->service, 9);
    operation = receive(shell, command, first);
    recorder_wait_inside(first);
    fake_wait_answered(f->service, "Receive", 2);
    wait_for_loop(f->session);
    assert_int_equal(WSManCloseOperation(operation, 0), 0);
    wait_for_loop(f->session);
    recorder_open_gate(first);
    assert_last_code(first, ERROR_OPERATION_ABORTED);
    receive(shell, command, second);
    assert_last_code(second, 0);
    assert_int_equal(recorder_last(second)->exit_code, 9);
    recorder_free(first);
    recorder_free(second);
}

static void test_send_puts_calls_in_their_order(void **state)
{
    struct recorder *recorders[8];
    size_t i;

    (void)state;
    fake_hold(f->service, "Send");
    for (i = 0; i < 8; i++) {
        char text[2] = { (char)('a' + i), '\0' };

        recorders[i] = recorder_new();
        send_text(shell, command, text, i == 7, recorders[i]);
    }
    fake_wait(f->service, "Send", 1);
    assert_int_equal(fake_count(f->service, "Send"), 1); /* one at a time */
    fake_release(f->service, "Send");
    for (i = 0; i < 8; i++)
        assert_last_code(recorders[i], 0);
    assert_int_equal(fake_input(f->service).len, 8);
    assert_memory_equal(fake_input(f->service).ptr, "abcdefgh", 8);
    assert_true(fake_input_ended(f->service));
    for (i = 1; i < 8; i++)
        assert_true(recorders[i - 1]->events[0].order < recorders[i]->events[0].order);
    for (i = 0; i < 8; i++)
        recorder_free(recorders[i]);
}

static void test_send_cuts_what_is_too_large_for_one_message(void **state)
{
    size_t count = 3 * 1024 * 1024;
    BYTE *bytes = malloc(count);
    WSMAN_DATA data = { .type = WSMAN_DATA_TYPE_BINARY,
                        .binaryData = { .dataLength = (DWORD)count, .data = bytes } };
    WSMAN_OPERATION_HANDLE operation = NULL;
    struct recorder *recorder = recorder_new();
    struct wsm_span input;
    DWORD max = 0;
    size_t i;

    (void)state;
    assert_non_null(bytes);
    for (i = 0; i < count; i++)
        bytes[i] = (BYTE)(i * 31 + (i >> 11));
    WSManSendShellInput(shell, command, 0, WSMAN_STREAM_ID_STDIN, &data, 1, &recorder->async,
                        &operation);
    memset(bytes, 0, count);
    assert_last_code(recorder, 0);
    assert_int_equal(recorder->count, 1);
    assert_int_equal(WSManGetSessionOptionAsDword(
                         f->session, WSMAN_OPTION_SHELL_MAX_DATA_SIZE_PER_MESSAGE_KB, &max),
                     0);
    assert_in_range(max, 300, 375);
    assert_int_equal(fake_count(f->service, "Send"), count / (max * 1024) + 1);
    input = fake_input(f->service);
    assert_int_equal(input.len, count);
    for (i = 0; i < count; i++) {
        if (input.ptr[i] != (BYTE)(i * 31 + (i >> 11)))
            fail_msg("byte %zu differs", i);
    }
    assert_true(fake_input_ended(f->service));
    free(bytes);
    recorder_free(recorder);
}

static atomic_int sends;

/* Says twice that the input before this was not taken yet, then that this one is not, though
 * it is kept: the answers to a command that reads slowly. */
static bool answer_slowly(struct fake_service *service, const struct fake_request *request,
                          struct fake_reply *reply)
{
    int count;

    (void)service;
    if (strcmp(request->name, "Send") != 0)
        return false;
    count = atomic_fetch_add(&sends, 1);
    if (count < 2)
        fake_reply_fault(reply, request, ERROR_BUSY, "not yet");
    else if (count == 2)
        fake_reply_fault(reply, request, ERROR_WSMAN_OPERATION_TIMEDOUT, "kept, not taken");
    return count <= 2;
}

static void test_send_waits_for_a_command_that_reads_slowly(void **state)
{
    struct recorder *first = recorder_new();
    struct recorder *second = recorder_new();

    (void)state;
    atomic_store(&sends, 0);
    fake_service_handler(f->service, answer_slowly);
    send_text(shell, command, "a", false, first);
    send_text(shell, command, "b", true, second);
    assert_last_code(first, 0);
    assert_last_code(second, 0);
    assert_int_equal(first->count, 1);
    assert_int_equal(atomic_load(&sends), 4);
    recorder_free(first);
    recorder_free(second);
}

static void test_send_that_waits_can_be_cancelled(void **state)
{
    struct recorder *recorder = recorder_new();
    WSMAN_OPERATION_HANDLE operation;

    (void)state;
    atomic_store(&sends, INT_MIN);
    fake_service_handler(f->service, answer_slowly);
    operation = send_text(shell, command, "a", false, recorder);
    fake_wait_answered(f->service, "Send", 1);
    assert_int_equal(WSManCloseOperation(operation, 0), 0);
    assert_last_code(recorder, ERROR_OPERATION_ABORTED);
    recorder_free(recorder);
}

static void test_send_of_nothing_ends_the_stream(void **state)
{
    struct recorder *recorder = recorder_new();

    (void)state;
    send_text(shell, command, "", true, recorder);
    assert_last_code(recorder, 0);
    assert_int_equal(fake_input(f->service).len, 0);
    assert_true(fake_input_ended(f->service));
    recorder_free(recorder);
}

static void test_send_is_aborted_when_the_command_has_ended(void **state)
{
    struct recorder *out = recorder_new();
    struct recorder *first = recorder_new();
    struct recorder *second = recorder_new();
    struct recorder *late = recorder_new();

    (void)state;
    fake_hold(f->service, "Send");
    send_text(shell, command, "a", false, first);
    send_text(shell, command, "b", false, second);
    fake_wait(f->service, "Send", 1);
    fake_push_done(f->service, 0);
    receive(shell, command, out);
    assert_last_code(out, 0);
    assert_last_code(first, ERROR_OPERATION_ABORTED);
    assert_last_code(second, ERROR_OPERATION_ABORTED);
    send_text(shell, command, "c", false, late);
    assert_last_code(late, ERROR_OPERATION_ABORTED);
    assert_int_equal(fake_count(f->service, "Send"), 1);
    fake_release(f->service, "Send");
    recorder_free(out);
    recorder_free(first);
    recorder_free(second);
    recorder_free(late);
}

static void test_signals_do_not_wait_for_input(void **state)
{
    struct recorder *input = recorder_new();
    struct recorder *recorder = recorder_new();

    (void)state;
    fake_hold(f->service, "Send");
    send_text(shell, command, "a", false, input);
    fake_wait(f->service, "Send", 1);
    signal_command(shell, command, WSMAN_SIGNAL_SHELL_CODE_CTRL_C, recorder);
    assert_last_code(recorder, 0);
    assert_int_equal(recorder_count(input), 0);
    fake_release(f->service, "Send");
    assert_last_code(input, 0);
    recorder_free(input);
    recorder_free(recorder);
}

static void test_output_of_many_megabytes_arrives_whole(void **state)
{
    enum { ANSWERS = 64, SIZE = 300 * 1024 };
    struct recorder *out = recorder_new();
    uint8_t *bytes = malloc(SIZE);
    size_t i;

    (void)state;
    assert_non_null(bytes);
    for (i = 0; i < SIZE; i++)
        bytes[i] = (uint8_t)(i ^ (i >> 8));
    for (i = 0; i < ANSWERS; i++)
        fake_push_bytes(f->service, bytes, SIZE);
    fake_push_done(f->service, 0);
    receive(shell, command, out);
    assert_last_code(out, 0);
    assert_int_equal(out->total, (size_t)ANSWERS * SIZE);
    assert_memory_equal(out->output, bytes, SIZE);
    free(bytes);
    recorder_free(out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_receive_asks_again_after_a_timeout),
        TEST(test_receive_says_where_a_stream_ends),
        TEST(test_receive_ends_with_the_servers_fault),
        TEST(test_receive_refuses_a_second_one),
        TEST(test_receive_asks_for_the_streams_wanted),
        TEST(test_receive_waits_for_slow_callbacks),
        TEST(test_a_blocked_callback_stops_its_own_shell_only),
        TEST(test_receive_keeps_what_a_cancelled_one_did_not_deliver),
        TEST(test_receive_keeps_the_end_of_a_cancelled_one),
        TEST(test_send_puts_calls_in_their_order),
        TEST(test_send_cuts_what_is_too_large_for_one_message),
        TEST(test_send_waits_for_a_command_that_reads_slowly),
        TEST(test_send_that_waits_can_be_cancelled),
        TEST(test_send_of_nothing_ends_the_stream),
        TEST(test_send_is_aborted_when_the_command_has_ended),
        TEST(test_signals_do_not_wait_for_input),
        TEST(test_output_of_many_megabytes_arrives_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
