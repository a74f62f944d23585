/* The line of a Command: joining, and the outer quotes that some clients add. */
#include "server/command_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void joins(const char *command, const char *first, const char *second, const char *expected)
{
    struct wsm_span arguments[2] = { wsm_span_str(first), wsm_span_str(second) };
    size_t count = first == NULL ? 0 : second == NULL ? 1 : 2;
    struct wsm_buf out = WSM_BUF_INIT;

    wsm_buf_append_str(&out, "kept:");
    wsm_command_line_join(&out, wsm_span_str(command), arguments, count);
    wsm_buf_append_byte(&out, 0);
    assert_true(wsm_buf_ok(&out));
    assert_string_equal((const char *)out.ptr + 5, expected);
    wsm_buf_clear(&out);
}

static void stays(const char *line)
{
    joins(line, NULL, NULL, line);
}

static void test_command_line_joins_with_single_blanks(void **state)
{
    (void)state;
    joins("tar", "-czf", "/srv/a.tgz", "tar -czf /srv/a.tgz");
    joins("echo", "a  b", NULL, "echo a  b");
    joins(" ls ", NULL, NULL, " ls ");
}

static void test_command_line_may_be_empty(void **state)
{
    struct wsm_buf out = WSM_BUF_INIT;

    (void)state;
    stays("");
    wsm_command_line_join(&out, wsm_span_of(NULL, 0), NULL, 0);
    assert_true(wsm_buf_ok(&out));
    assert_int_equal(out.len, 0);
}

static void test_command_line_adds_no_quoting(void **state)
{
    (void)state;
    joins("echo", "a b", "$HOME", "echo a b $HOME");
}

static void test_command_line_outer_quotes_are_stripped(void **state)
{
    (void)state;
    joins("\"echo hi\"", NULL, NULL, "echo hi");
    joins("\"echo \"a b\"\"", NULL, NULL, "echo \"a b\"");
    joins("\"ls|wc\"", NULL, NULL, "ls|wc");
    joins("\"whoami\"", NULL, NULL, "whoami");
    joins("\"X=\"1 2\" sh -c 'echo $X'\"", NULL, NULL, "X=\"1 2\" sh -c 'echo $X'");
    joins("\"\"/opt/my tool\" run\"", NULL, NULL, "\"/opt/my tool\" run");
    joins("\"echo", "hi\"", NULL, "echo hi");
}

static void test_command_line_two_quoted_words_stay(void **state)
{
    (void)state;
    stays("\"/opt/my tool\" \"a b\"");
    joins("\"/opt/my tool\"", "\"a b\"", NULL, "\"/opt/my tool\" \"a b\"");
}

static void test_command_line_open_inner_quotes_stay(void **state)
{
    (void)state;
    stays("\"echo 'a\"");
    stays("\"echo \"a\"");
    stays("\"echo a\\\"");
}

static void test_command_line_short_or_one_sided_stays(void **state)
{
    (void)state;
    stays("\"");
    stays("\"\"");
    stays("\"echo hi");
    stays("echo \"hi\"");
    stays("\"hi\" there");
}

static void test_command_line_single_quotes_take_backslashes_as_they_are(void **state)
{
    (void)state;
    joins("\"echo 'a\\'\"", NULL, NULL, "echo 'a\\'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_command_line_joins_with_single_blanks),
        cmocka_unit_test(test_command_line_may_be_empty),
        cmocka_unit_test(test_command_line_adds_no_quoting),
        cmocka_unit_test(test_command_line_outer_quotes_are_stripped),
        cmocka_unit_test(test_command_line_two_quoted_words_stay),
        cmocka_unit_test(test_command_line_open_inner_quotes_stay),
        cmocka_unit_test(test_command_line_short_or_one_sided_stays),
        cmocka_unit_test(test_command_line_single_quotes_take_backslashes_as_they_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
