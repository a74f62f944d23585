/* The small parts of the shell host: input that waits, the idle clock, environments, the
 * states of a command, and who is under whom in /proc. */
#include "host/command.h"
#include "host/environ.h"
#include "host/idle.h"
#include "host/input.h"
#include "host/process.h"
#include "ipc/frame.h"
#include "wsmerror.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static size_t read_all(int fd, uint8_t *at, size_t len)
{
    size_t count = 0;
    ssize_t got;

    while (count < len && (got = read(fd, at + count, len - count)) > 0)
        count += (size_t)got;
    return count;
}

static void test_input_keeps_what_the_pipe_does_not_take(void **state)
{
    enum { LEN = 3 * 1000 * 1000 };
    uint8_t *in = malloc(LEN);
    uint8_t *out = malloc(LEN);
    struct wsm_input input = { .written = 0 };
    enum wsm_input_result result = WSM_INPUT_BROKEN;
    size_t got = 0;
    int fds[2];

    (void)state;
    assert_true(in != NULL && out != NULL);
    for (size_t i = 0; i < LEN; i++)
        in[i] = (uint8_t)(i * 13 + i / 255);
    assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
    assert_true(wsm_input_add(&input, fds[1], wsm_span_of(in, 100), &result, NULL));
    assert_int_equal(result, WSM_INPUT_EMPTY);
    assert_int_equal(wsm_input_len(&input), 0);
    assert_true(wsm_input_add(&input, fds[1], wsm_span_of(in + 100, 200000), &result, NULL));
    assert_int_equal(result, WSM_INPUT_FULL);
    assert_false(wsm_input_is_over(&input));
    assert_false(wsm_input_last_is_whole(&input));
    assert_true(
        wsm_input_add(&input, fds[1], wsm_span_of(in + 200100, LEN - 200100), &result, NULL));
    assert_int_equal(result, WSM_INPUT_FULL);
    assert_true(wsm_input_is_over(&input));
    assert_true(wsm_input_last_is_whole(&input));
    while (got < LEN) {
        got += read_all(fds[0], out + got, LEN - got);
        result = wsm_input_write(&input, fds[1]);
    }
    assert_int_equal(result, WSM_INPUT_EMPTY);
    assert_null(input.unwritten.ptr); /* nothing is kept for nothing */
    assert_memory_equal(in, out, LEN);
    close(fds[0]);
    close(fds[1]);
    free(in);
    free(out);
}

static void test_input_tells_that_the_reader_is_gone(void **state)
{
    static uint8_t bytes[200000];
    struct wsm_input input = { .written = 0 };
    enum wsm_input_result result = WSM_INPUT_EMPTY;
    int fds[2];

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
    assert_true(wsm_input_add(&input, fds[1], wsm_span_of(bytes, sizeof(bytes)), &result, NULL));
    assert_int_equal(result, WSM_INPUT_FULL);
    close(fds[0]);
    assert_int_equal(wsm_input_write(&input, fds[1]), WSM_INPUT_BROKEN);
    wsm_input_clear(&input);
    assert_true(wsm_input_add(&input, fds[1], wsm_span_of(bytes, 1), &result, NULL));
    assert_int_equal(result, WSM_INPUT_BROKEN);
    assert_true(wsm_input_last_is_whole(&input));
    close(fds[1]);
    wsm_input_clear(&input);
}

static void test_idle_clock_stands_while_somebody_waits(void **state)
{
    struct wsm_idle idle = { .timeout_ms = 100 };

    (void)state;
    wsm_idle_touch(&idle, 1000);
    assert_int_equal(wsm_idle_deadline(&idle), 1100);
    assert_int_equal(wsm_idle_inactivity(&idle, 1040), 40);
    wsm_idle_park(&idle);
    wsm_idle_park(&idle);
    assert_int_equal(wsm_idle_deadline(&idle), WSM_NEVER_MS);
    assert_int_equal(wsm_idle_inactivity(&idle, 9000), 0);
    wsm_idle_unpark(&idle, 2000);
    assert_int_equal(wsm_idle_deadline(&idle), WSM_NEVER_MS);
    wsm_idle_unpark(&idle, 3000);
    assert_int_equal(wsm_idle_deadline(&idle), 3100);
    idle.timeout_ms = INT64_MAX;
    assert_int_equal(wsm_idle_deadline(&idle), WSM_NEVER_MS);
    idle.timeout_ms = 0;
    assert_int_equal(wsm_idle_deadline(&idle), WSM_NEVER_MS);
}

static void test_command_states_follow_the_table(void **state)
{
    static const enum wsm_command_state expected[WSM_COMMAND_STATES][WSM_COMMAND_EVENTS] = {
        { WSM_COMMAND_REFUSED, WSM_COMMAND_REFUSED, WSM_COMMAND_REFUSED },
        { WSM_COMMAND_DRAINING, WSM_COMMAND_REFUSED, WSM_COMMAND_FORGOTTEN },
        { WSM_COMMAND_REFUSED, WSM_COMMAND_DONE, WSM_COMMAND_FORGOTTEN },
        { WSM_COMMAND_REFUSED, WSM_COMMAND_REFUSED, WSM_COMMAND_FORGOTTEN },
        { WSM_COMMAND_REFUSED, WSM_COMMAND_REFUSED, WSM_COMMAND_REFUSED },
    };

    (void)state;
    for (int i = 0; i < WSM_COMMAND_STATES; i++) {
        for (int j = 0; j < WSM_COMMAND_EVENTS; j++)
            assert_int_equal(wsm_command_next((enum wsm_command_state)i, (enum wsm_command_event)j),
                             expected[i][j]);
    }
}

static void test_environ_takes_five_and_lets_the_shell_win(void **state)
{
    static const char *const inherited[] = { "PATH=/bin", "SECRET=1", "PATHS=x", "HOME=/h", NULL };
    struct wsm_environ made = WSM_ENVIRON_INIT;
    struct wsm_buf own = WSM_BUF_INIT;

    (void)state;
    wsm_strings_add(&own, wsm_span_str("HOME=/other"));
    wsm_strings_add(&own, wsm_span_str("A=b=c"));
    assert_true(wsm_environ_make(inherited, 65001, wsm_buf_span(&own), &made, NULL));
    assert_int_equal(made.count, 4);
    assert_string_equal(wsm_environ_get(&made, "PATH"), "/bin");
    assert_string_equal(wsm_environ_get(&made, "HOME"), "/other");
    assert_string_equal(wsm_environ_get(&made, "LANG"), "C.UTF-8");
    assert_string_equal(wsm_environ_get(&made, "A"), "b=c");
    assert_null(wsm_environ_get(&made, "SECRET"));
    assert_null(made.entries[made.count]);
    wsm_environ_clear(&made);
    assert_true(wsm_environ_make(inherited + 4, 437, wsm_span_of(NULL, 0), &made, NULL));
    assert_int_equal(made.count, 0);
    assert_null(made.entries[0]); /* empty, but there */
    wsm_environ_clear(&made);
    wsm_buf_clear(&own);
}

static void test_environ_refuses_what_is_no_variable(void **state)
{
    static const char *const bad[] = { "", "=x", "NAME" };
    struct wsm_environ environment = WSM_ENVIRON_INIT;
    struct wsm_error err = WSM_ERROR_INIT;
    char name[32];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_false(wsm_environ_set(&environment, wsm_span_str(bad[i]), &err));
        assert_int_equal(err.code, ERROR_INVALID_PARAMETER);
        wsm_error_clear(&err);
    }
    assert_false(wsm_environ_set(&environment, wsm_span_of("A=\0", 3), NULL));
    assert_false(wsm_environ_make((const char *const[]){ NULL }, 0, wsm_span_of("A=1", 3),
                                  &environment, NULL)); /* not NUL-ended */
    for (int i = 0; i < WSM_ENVIRON_MAX; i++) {
        snprintf(name, sizeof(name), "V%d=", i);
        assert_true(wsm_environ_set(&environment, wsm_span_str(name), NULL));
    }
    assert_false(wsm_environ_set(&environment, wsm_span_str("ONE=more"), NULL));
    assert_true(wsm_environ_set(&environment, wsm_span_str("V7=again"), NULL));
    wsm_environ_clear(&environment);
}

static const char stat_line[] =
    "4711 (a b) c) S 1 4710 4709 34816 4711 4194304 1 2 3 4 5 6 7 8 20 0 1 0 998877 1 2 3\n";

static void test_process_is_read_from_its_line(void **state)
{
    struct wsm_process process;

    (void)state;
    assert_true(wsm_process_parse(wsm_span_str(stat_line), &process));
    assert_int_equal(process.pid, 4711);
    assert_string_equal(process.name, "a b) c");
    assert_int_equal(process.state, 'S');
    assert_int_equal(process.parent, 1);
    assert_int_equal(process.group, 4710);
    assert_int_equal(process.session, 4709);
    assert_int_equal(process.start, 998877);
    assert_true(wsm_process_parse(
        wsm_span_str("1 (a-name-that-is-far-too-long) R 0 -1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 9 "),
        &process));
    assert_int_equal(process.group, -1);
}

static void test_process_refuses_every_truncation(void **state)
{
    struct wsm_process process;
    size_t whole = strlen(stat_line) - strlen("1 2 3\n");

    (void)state;
    for (size_t len = 0; len < whole; len++)
        assert_false(wsm_process_parse(wsm_span_of(stat_line, len), &process));
    assert_false(wsm_process_parse(wsm_span_str("x (a) S 1 "), &process));
    assert_false(wsm_process_parse(wsm_span_str("1 a) S 1 "), &process));
    assert_false(wsm_process_parse(wsm_span_str("1 (a) S 99999999999999999999999 "), &process));
}

/* The ids that are left, as text. */
static const char *selected(enum wsm_process_scope scope, pid_t leader)
{
    /* 10 is the host; 20 leads a command with child 21, which leads a group; 22 has moved
     * to a session of its own under 21; 30 left everything; 40 is another command's. */
    static const struct wsm_process all[] = {
        { .pid = 1, .parent = 0, .group = 1, .session = 1, .state = 'S' },
        { .pid = 10, .parent = 1, .group = 10, .session = 10, .state = 'S' },
        { .pid = 40, .parent = 10, .group = 40, .session = 40, .state = 'S' },
        { .pid = 20, .parent = 10, .group = 20, .session = 20, .state = 'S' },
        { .pid = 21, .parent = 20, .group = 21, .session = 20, .state = 'S' },
        { .pid = 22, .parent = 21, .group = 22, .session = 22, .state = 'S' },
        { .pid = 23, .parent = 20, .group = 20, .session = 20, .state = 'Z' },
        { .pid = 24, .parent = 10, .group = 20, .session = 20, .state = 'S' },
        { .pid = 30, .parent = 10, .group = 30, .session = 30, .state = 'S' },
        { .pid = 50, .parent = 1, .group = 20, .session = 20, .state = 'S' },
    };
    static char text[256];
    struct wsm_process_list list = { .items = malloc(sizeof(all)),
                                     .count = sizeof(all) / sizeof(all[0]) };
    size_t at = 0;

    assert_non_null(list.items);
    memcpy(list.items, all, sizeof(all));
    wsm_process_list_select(&list, 10, scope, leader);
    text[0] = '\0';
    for (size_t i = 0; i < list.count; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%d ", (int)list.items[i].pid);
    wsm_process_list_clear(&list);
    return text;
}

static void test_process_selects_only_what_is_under_the_host(void **state)
{
    (void)state;
    assert_string_equal(selected(WSM_PROCESS_GROUP, 20), "20 24 ");
    assert_string_equal(selected(WSM_PROCESS_COMMAND, 20), "20 21 22 24 ");
    assert_string_equal(selected(WSM_PROCESS_DESCENDANTS, 10), "20 21 22 24 30 40 ");
    assert_string_equal(selected(WSM_PROCESS_DESCENDANTS, 20), "21 22 ");
    assert_string_equal(selected(WSM_PROCESS_COMMAND, 99), "");
    assert_string_equal(selected(WSM_PROCESS_GROUP, 1), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_input_keeps_what_the_pipe_does_not_take),
        cmocka_unit_test(test_input_tells_that_the_reader_is_gone),
        cmocka_unit_test(test_idle_clock_stands_while_somebody_waits),
        cmocka_unit_test(test_command_states_follow_the_table),
        cmocka_unit_test(test_environ_takes_five_and_lets_the_shell_win),
        cmocka_unit_test(test_environ_refuses_what_is_no_variable),
        cmocka_unit_test(test_process_is_read_from_its_line),
        cmocka_unit_test(test_process_refuses_every_truncation),
        cmocka_unit_test(test_process_selects_only_what_is_under_the_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
