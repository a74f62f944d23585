/* winrmc's own descriptors: gathering input, writing output, reading a password. */
#include "cli/input.h"
#include "cli/output.h"
#include "cli/password.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define BLOCK 8 /* bytes */

static void test_input_small_reads_are_gathered_while_one_is_on_the_way(void **state)
{
    struct wsm_cli_input input;
    struct wsm_cli_input_block block;
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    wsm_cli_input_open(&input, fds[0], BLOCK);
    assert_false(wsm_cli_input_next(&input, &block));
    assert_int_equal(write(fds[1], "abc", 3), 3);
    assert_int_equal(wsm_cli_input_read(&input), 0);
    assert_true(wsm_cli_input_next(&input, &block)); /* nothing on the way: at once */
    assert_int_equal(block.len, 3);
    assert_false(block.is_end);
    assert_int_equal(write(fds[1], "de", 2), 2);
    assert_int_equal(wsm_cli_input_read(&input), 0);
    assert_false(wsm_cli_input_next(&input, &block)); /* waits for more */
    assert_int_equal(write(fds[1], "fghijk", 6), 6);
    assert_int_equal(wsm_cli_input_read(&input), 0);
    assert_false(wsm_cli_input_wants(&input)); /* full */
    assert_true(wsm_cli_input_next(&input, &block));
    assert_int_equal(block.len, BLOCK);
    assert_memory_equal(block.data, "defghijk", BLOCK);
    assert_int_equal(write(fds[1], "lmnopqrs", 8), 8);
    assert_int_equal(wsm_cli_input_read(&input), 0);
    assert_false(wsm_cli_input_next(&input, &block)); /* two are on the way */
    wsm_cli_input_sent(&input);
    assert_true(wsm_cli_input_next(&input, &block));
    wsm_cli_input_close(&input);
    close(fds[0]);
    close(fds[1]);
}

static void test_input_end_of_file_ends_the_stream_once(void **state)
{
    struct wsm_cli_input input;
    struct wsm_cli_input_block block;
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], "xy", 2), 2);
    close(fds[1]);
    wsm_cli_input_open(&input, fds[0], BLOCK);
    assert_int_equal(wsm_cli_input_read(&input), 0);
    assert_int_equal(wsm_cli_input_read(&input), 0);
    assert_false(wsm_cli_input_wants(&input));
    assert_true(wsm_cli_input_next(&input, &block));
    assert_int_equal(block.len, 2);
    assert_true(block.is_end);
    wsm_cli_input_sent(&input);
    assert_false(wsm_cli_input_next(&input, &block));
    wsm_cli_input_close(&input);
    close(fds[0]);
}

static void test_input_flush_hands_over_what_was_read_and_ends_the_reading(void **state)
{
    struct wsm_cli_input input;
    struct wsm_cli_input_block block;
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    wsm_cli_input_open(&input, fds[0], BLOCK);
    assert_int_equal(write(fds[1], "ab", 2), 2);
    assert_int_equal(wsm_cli_input_read(&input), 0);
    assert_true(wsm_cli_input_next(&input, &block));
    assert_int_equal(write(fds[1], "cd", 2), 2);
    assert_int_equal(wsm_cli_input_read(&input), 0);
    assert_false(wsm_cli_input_next(&input, &block)); /* gathered behind the first */
    assert_true(wsm_cli_input_flush(&input, &block));
    assert_int_equal(block.len, 2);
    assert_memory_equal(block.data, "cd", 2);
    assert_false(block.is_end);
    assert_false(wsm_cli_input_wants(&input));
    assert_false(wsm_cli_input_flush(&input, &block));
    wsm_cli_input_close(&input);
    close(fds[1]);
    wsm_cli_input_open(&input, fds[0], BLOCK);
    assert_false(wsm_cli_input_flush(&input, &block)); /* nothing was read */
    wsm_cli_input_close(&input);
    wsm_cli_input_open(&input, fds[0], BLOCK);
    assert_int_equal(wsm_cli_input_read(&input), 0);
    assert_true(wsm_cli_input_flush(&input, &block)); /* but its end */
    assert_int_equal(block.len, 0);
    assert_true(block.is_end);
    wsm_cli_input_close(&input);
    close(fds[0]);
}

static void test_input_failed_or_closed_descriptor_counts_as_end(void **state)
{
    struct wsm_cli_input input;
    struct wsm_cli_input_block block;
    int directory = open("/", O_RDONLY | O_CLOEXEC);

    (void)state;
    wsm_cli_input_open(&input, directory, BLOCK);
    assert_int_equal(wsm_cli_input_read(&input), EISDIR);
    assert_true(wsm_cli_input_next(&input, &block) && block.is_end && block.len == 0);
    wsm_cli_input_close(&input);
    close(directory);
    wsm_cli_input_open(&input, directory, BLOCK);
    assert_int_equal(wsm_cli_input_read(&input), 0);
    assert_true(wsm_cli_input_next(&input, &block) && block.is_end);
    wsm_cli_input_close(&input);
}

static void test_input_nothing_is_sent_after_stop(void **state)
{
    struct wsm_cli_input input;
    struct wsm_cli_input_block block;
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    wsm_cli_input_open(&input, fds[0], BLOCK);
    assert_int_equal(write(fds[1], "abc", 3), 3);
    assert_int_equal(wsm_cli_input_read(&input), 0);
    wsm_cli_input_stop(&input);
    assert_false(wsm_cli_input_wants(&input));
    assert_false(wsm_cli_input_next(&input, &block));
    wsm_cli_input_close(&input);
    close(fds[0]);
    close(fds[1]);
}

static void *read_all(void *arg)
{
    size_t *total = arg;
    char buffer[1000];
    ssize_t got;

    while ((got = read((int)*(total + 1), buffer, sizeof(buffer))) > 0)
        *total += (size_t)got;
    return NULL;
}

static void test_output_waits_for_a_slow_reader_of_a_nonblocking_pipe(void **state)
{
    size_t written;
    enum { SIZE = 300000 };
    struct wsm_cli_output output;
    size_t shared[2] = { 0, 0 };
    char *data = calloc(1, SIZE);
    pthread_t reader;
    int fds[2];

    (void)state;
    assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
    assert_int_equal(fcntl(fds[0], F_SETFL, 0), 0);
    shared[1] = (size_t)fds[0];
    assert_true(wsm_cli_output_open(&output, fds[1], STDERR_FILENO));
    assert_int_equal(pthread_create(&reader, NULL, read_all, shared), 0);
    assert_int_equal(wsm_cli_output_write(&output, WSM_CLI_STDOUT, data, SIZE, &written), 0);
    wsm_cli_output_close(&output);
    close(fds[1]);
    pthread_join(reader, NULL);
    assert_int_equal(shared[0], SIZE);
    close(fds[0]);
    free(data);
}

static void test_output_flags_of_an_inherited_pipe_stay(void **state)
{
    struct wsm_cli_output output;
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    assert_true(wsm_cli_output_open(&output, fds[1], STDERR_FILENO));
    assert_int_equal(fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0);
    wsm_cli_output_close(&output);
    close(fds[0]);
    close(fds[1]);
}

static void test_output_without_reader_is_epipe_and_stays_so(void **state)
{
    size_t written;
    struct wsm_cli_output output;
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    assert_true(wsm_cli_output_open(&output, fds[1], fds[1]));
    close(fds[0]);
    assert_int_equal(wsm_cli_output_write(&output, WSM_CLI_STDOUT, "x", 1, &written), EPIPE);
    assert_int_equal(wsm_cli_output_write(&output, WSM_CLI_STDERR, "x", 1, &written), EPIPE);
    wsm_cli_output_close(&output);
    close(fds[1]);
}

static void test_output_cancel_frees_a_stuck_write(void **state)
{
    size_t written;
    enum { SIZE = 2 * 1024 * 1024 };
    struct wsm_cli_output output;
    char *data = calloc(1, SIZE);
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    assert_true(wsm_cli_output_open(&output, fds[1], STDERR_FILENO));
    wsm_cli_output_cancel(&output);
    assert_int_equal(wsm_cli_output_write(&output, WSM_CLI_STDOUT, data, SIZE, &written),
                     ECANCELED);
    assert_true(written > 0 && written < SIZE); /* what the pipe took */
    wsm_cli_output_close(&output);
    close(fds[0]);
    close(fds[1]);
    free(data);
}

static void test_output_full_device_is_an_error(void **state)
{
    size_t written;
    struct wsm_cli_output output;
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

    (void)state;
    assert_true(wsm_cli_output_open(&output, full, STDERR_FILENO));
    assert_int_equal(wsm_cli_output_write(&output, WSM_CLI_STDOUT, "x", 1, &written), ENOSPC);
    assert_int_equal(written, 0);
    wsm_cli_output_close(&output);
    close(full);
}

static bool read_password(const char *content, size_t len, struct wsm_cli_password *out)
{
    int fds[2];
    bool ok;

    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], content, len), len);
    close(fds[1]);
    ok = wsm_cli_password_read_line(fds[0], out);
    close(fds[0]);
    return ok;
}

static void test_password_is_the_first_line_without_its_end(void **state)
{
    struct wsm_cli_password password;

    (void)state;
    assert_true(read_password("secret\nsecond\n", 14, &password));
    assert_string_equal(password.text, "secret");
    assert_true(read_password("with blank \r\n", 13, &password));
    assert_string_equal(password.text, "with blank ");
    assert_true(read_password("no end", 6, &password));
    assert_string_equal(password.text, "no end");
    assert_true(read_password("", 0, &password));
    assert_string_equal(password.text, "");
}

static void test_password_with_nul_is_refused_not_cut(void **state)
{
    struct wsm_cli_password password = { .text = "untouched" };

    (void)state;
    errno = 0;
    assert_false(read_password("sec\0ret\n", 8, &password));
    assert_int_equal(errno, EILSEQ);
    assert_string_equal(password.text, "untouched");
    assert_true(read_password("secret\nx\0y", 10, &password));
}

static void test_password_above_the_limit_is_refused(void **state)
{
    struct wsm_cli_password password = { .text = "untouched" };
    char line[WSM_CLI_PASSWORD_MAX + 1];

    (void)state;
    memset(line, 'p', sizeof(line));
    assert_false(read_password(line, sizeof(line), &password));
    assert_int_equal(errno, EMSGSIZE);
    assert_string_equal(password.text, "untouched");
    assert_true(read_password(line, sizeof(line) - 1, &password));
    assert_int_equal(strlen(password.text), WSM_CLI_PASSWORD_MAX);
}

static void test_password_is_wiped_from_the_environment(void **state)
{
    static char entry[] = WSM_CLI_PASSWORD_VARIABLE "=secret";

    (void)state;
    putenv(entry);
    wsm_cli_password_forget_environment();
    assert_null(getenv(WSM_CLI_PASSWORD_VARIABLE));
    assert_null(memmem(entry, sizeof(entry), "secret", 6));
    wsm_cli_password_forget_environment(); /* nothing to forget is fine */
}

static int ignore_pipe_signal(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_input_small_reads_are_gathered_while_one_is_on_the_way),
        cmocka_unit_test(test_input_end_of_file_ends_the_stream_once),
        cmocka_unit_test(test_input_flush_hands_over_what_was_read_and_ends_the_reading),
        cmocka_unit_test(test_input_failed_or_closed_descriptor_counts_as_end),
        cmocka_unit_test(test_input_nothing_is_sent_after_stop),
        cmocka_unit_test(test_output_waits_for_a_slow_reader_of_a_nonblocking_pipe),
        cmocka_unit_test(test_output_flags_of_an_inherited_pipe_stay),
        cmocka_unit_test(test_output_without_reader_is_epipe_and_stays_so),
        cmocka_unit_test(test_output_cancel_frees_a_stuck_write),
        cmocka_unit_test(test_output_full_device_is_an_error),
        cmocka_unit_test(test_password_is_the_first_line_without_its_end),
        cmocka_unit_test(test_password_with_nul_is_refused_not_cut),
        cmocka_unit_test(test_password_above_the_limit_is_refused),
        cmocka_unit_test(test_password_is_wiped_from_the_environment),
    };

    return cmocka_run_group_tests(tests, ignore_pipe_signal, NULL);
}
