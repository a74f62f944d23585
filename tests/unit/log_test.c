/* Log lines: filter, what a peer cannot smuggle in, one write per line. */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char last_line[4096];
static enum wsm_log_level last_level;
static int line_count;

static void keep_line(enum wsm_log_level level, const char *line)
{
    line_count++;
    last_level = level;
    assert_true(strlen(line) < sizeof(last_line));
    memcpy(last_line, line, strlen(line) + 1);
}

static int reset(void **state)
{
    (void)state;
    line_count = 0;
    last_line[0] = '\0';
    wsm_log_set_sink(keep_line, WSM_LOG_INFO);
    wsm_log_set_name("");
    return 0;
}

static void test_log_reaches_the_sink(void **state)
{
    (void)state;
    wsm_log_warning("shell %s: %d", "A", 5);
    assert_int_equal(line_count, 1);
    assert_int_equal(last_level, WSM_LOG_WARNING);
    assert_string_equal(last_line, "shell A: 5");
}

static void test_log_drops_lines_above_the_level(void **state)
{
    (void)state;
    wsm_log_debug("no");
    assert_int_equal(line_count, 0);
    wsm_log_set_sink(keep_line, WSM_LOG_ERROR);
    wsm_log_warning("no");
    wsm_log_error("yes");
    assert_int_equal(line_count, 1);
    assert_string_equal(last_line, "yes");
}

static void test_log_without_a_sink_does_nothing(void **state)
{
    (void)state;
    wsm_log_set_sink(NULL, WSM_LOG_DEBUG);
    wsm_log_error("no");
    assert_int_equal(line_count, 0);
}

static void test_log_replaces_control_characters(void **state)
{
    (void)state;
    wsm_log_info("a%sb", "\n\r\t\x1b[31m\x7f");
    assert_string_equal(last_line, "a????[31m?b");
    wsm_log_info("%s", "caf\xc3\xa9 \xe2\x82\xac");
    assert_string_equal(last_line, "caf\xc3\xa9 \xe2\x82\xac");
    wsm_log_info("%s", "c1 \xc2\x9b"
                       "31m \xc2\xa0.");
    assert_string_equal(last_line, "c1 ??31m \xc2\xa0.");
    wsm_log_info("%s", "raw \x9b caf\xc3\xa9 \xff");
    assert_string_equal(last_line, "raw ? caf?? ?");
}

static void test_log_keeps_long_lines_whole_and_errno(void **state)
{
    char text[3001];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    errno = EPIPE;
    wsm_log_info("%s", text);
    assert_int_equal(errno, EPIPE);
    assert_string_equal(last_line, text);
}

static void *write_lines(void *argument)
{
    int i;

    for (i = 0; i < 50; i++)
        wsm_log_info("%s line %d of this thread, and it ends here", (const char *)argument, i);
    return NULL;
}

/* Standard error goes to `fd` while `work` runs. */
static void with_stderr(int fd, void (*work)(void))
{
    int saved = dup(STDERR_FILENO);

    assert_true(saved >= 0);
    assert_true(dup2(fd, STDERR_FILENO) >= 0);
    work();
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    close(saved);
}

static void run_threads(void)
{
    pthread_t threads[4];
    static const char *const names[] = { "one", "two", "three", "four" };
    size_t i;

    for (i = 0; i < 4; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, write_lines, (void *)(uintptr_t)names[i]), 0);
    for (i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}

static void test_log_to_stderr_writes_whole_lines(void **state)
{
    int fds[2];
    FILE *lines;
    char line[256];
    int count = 0;

    (void)state;
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    wsm_log_set_sink(wsm_log_to_stderr, WSM_LOG_INFO);
    wsm_log_set_name("winrmd-net");
    with_stderr(fds[1], run_threads);
    close(fds[1]);
    lines = fdopen(fds[0], "r");
    assert_non_null(lines);
    while (fgets(line, sizeof(line), lines) != NULL) {
        count++;
        assert_int_equal(strncmp(line, "winrmd-net: INFO ", 17), 0);
        assert_non_null(strstr(line, "and it ends here\n"));
    }
    fclose(lines);
    assert_int_equal(count, 200);
}

static void test_log_levels_have_names(void **state)
{
    enum wsm_log_level level = WSM_LOG_ERROR;

    (void)state;
    assert_true(wsm_log_level_parse("debug", &level));
    assert_int_equal(level, WSM_LOG_DEBUG);
    assert_string_equal(wsm_log_level_name(WSM_LOG_WARNING), "warning");
    assert_false(wsm_log_level_parse("loud", &level));
    assert_false(wsm_log_level_parse("Info", &level));
    assert_false(wsm_log_level_parse("", &level));
    assert_int_equal(level, WSM_LOG_DEBUG);
}

static void log_one(void)
{
    wsm_log_error("one");
}

static void test_log_to_stderr_survives_a_closed_one(void **state)
{
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

    (void)state;
    assert_true(fd >= 0);
    wsm_log_set_sink(wsm_log_to_stderr, WSM_LOG_INFO);
    with_stderr(fd, log_one);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_levels_have_names),
        cmocka_unit_test_setup(test_log_reaches_the_sink, reset),
        cmocka_unit_test_setup(test_log_drops_lines_above_the_level, reset),
        cmocka_unit_test_setup(test_log_without_a_sink_does_nothing, reset),
        cmocka_unit_test_setup(test_log_replaces_control_characters, reset),
        cmocka_unit_test_setup(test_log_keeps_long_lines_whole_and_errno, reset),
        cmocka_unit_test_setup(test_log_to_stderr_writes_whole_lines, reset),
        cmocka_unit_test_setup(test_log_to_stderr_survives_a_closed_one, reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
