/* The command line after the verb: what is read into which field, what is refused. */
#include "cli/message.h"
#include "cli/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RUN                                                                                       \
    (WSM_CLI_SCOPE_CONNECT | WSM_CLI_SCOPE_COMMAND | WSM_CLI_SCOPE_INPUT | WSM_CLI_SCOPE_FOLLOW | \
     WSM_CLI_SCOPE_KEEP)
#define ATTACH                                                                               \
    (WSM_CLI_SCOPE_CONNECT | WSM_CLI_SCOPE_ID | WSM_CLI_SCOPE_INPUT | WSM_CLI_SCOPE_FOLLOW | \
     WSM_CLI_SCOPE_TAKE | WSM_CLI_SCOPE_RESUME)
#define DETACH    (WSM_CLI_SCOPE_CONNECT | WSM_CLI_SCOPE_ID | WSM_CLI_SCOPE_KEEP)
#define PS        (WSM_CLI_SCOPE_CONNECT | WSM_CLI_SCOPE_LIST)
#define ID        WSM_CLI_SCOPE_CONNECT
#define WORDS_MAX 16

/* Reads the words of `line`, which are divided by blanks. */
static int read_line(struct wsm_cli_options *options, unsigned scopes, const char *line,
                     char **out_copy)
{
    char *argv[WORDS_MAX + 1] = { 0 };
    char *rest = strdup(line);
    int argc = 0;

    *out_copy = rest;
    *options = (struct wsm_cli_options){ 0 };
    for (char *word; (word = strsep(&rest, " ")) != NULL && argc < WORDS_MAX;)
        argv[argc++] = word;
    return wsm_cli_options_read_verb(options, scopes, argc, argv, 0);
}

static void expect_usage(unsigned scopes, const char *line)
{
    struct wsm_cli_options options;
    char *copy;
    int status = read_line(&options, scopes, line, &copy);

    if (status != WSM_CLI_USAGE)
        fail_msg("\"%s\": expected %d, got %d", line, WSM_CLI_USAGE, status);
    wsm_cli_options_clear(&options);
    free(copy);
}

static void test_options_of_every_kind_are_read(void **state)
{
    char *argv[] = { "-v",
                     "-u",
                     "alice",
                     "--password-file=f",
                     "-C/tmp",
                     "-eA=1",
                     "--env",
                     "B=",
                     "--timeout",
                     "1.5",
                     "--idle-timeout=60",
                     "-n",
                     "--exec",
                     "--unencrypted",
                     "host",
                     "--",
                     "ls",
                     "-l",
                     NULL };
    struct wsm_cli_options o = { 0 };

    (void)state;
    assert_int_equal(wsm_cli_options_read_verb(&o, RUN, 18, argv, 0), 0);
    assert_true(o.is_verbose && o.is_stdin_null && o.is_exec && o.is_unencrypted);
    assert_string_equal(o.user, "alice");
    assert_string_equal(o.password_file, "f");
    assert_string_equal(o.directory, "/tmp");
    assert_int_equal(o.env_count, 2);
    assert_string_equal(o.env[0], "A=1");
    assert_string_equal(o.env[1], "B=");
    assert_int_equal(o.timeout_ms, 1500);
    assert_int_equal(o.idle_timeout_ms, 60000);
    assert_string_equal(o.host, "host");
    assert_int_equal(o.arg_count, 2);
    assert_string_equal(o.args[0], "ls");
    assert_string_equal(o.args[1], "-l");
    wsm_cli_options_clear(&o);
}

static void test_options_of_the_command_are_left_alone(void **state)
{
    struct wsm_cli_options o;
    char *copy;

    (void)state;
    assert_int_equal(read_line(&o, RUN, "host -n ls -l -- x", &copy), 0);
    assert_true(o.is_stdin_null);
    assert_int_equal(o.arg_count, 4);
    assert_string_equal(o.args[0], "ls");
    wsm_cli_options_clear(&o);
    free(copy);
    assert_int_equal(read_line(&o, RUN, "-- host -n", &copy), 0);
    assert_false(o.is_stdin_null);
    assert_string_equal(o.args[0], "-n");
    wsm_cli_options_clear(&o);
    free(copy);
    assert_int_equal(read_line(&o, RUN, "host -- --", &copy), 0);
    assert_string_equal(o.args[0], "--");
    wsm_cli_options_clear(&o);
    free(copy);
}

static void test_options_with_local_take_no_host(void **state)
{
    struct wsm_cli_options o;
    char *copy;

    (void)state;
    assert_int_equal(read_line(&o, RUN, "--local -- echo hi", &copy), 0);
    assert_null(o.host);
    assert_int_equal(o.arg_count, 2);
    wsm_cli_options_clear(&o);
    free(copy);
    expect_usage(RUN, "host --local -- echo");
    expect_usage(RUN, "--local -u alice -- echo");
    expect_usage(RUN, "--local");
    expect_usage(ID, "--local host");
}

static void test_options_of_another_verb_are_refused(void **state)
{
    (void)state;
    expect_usage(ID, "--exec host");
    expect_usage(ID, "-n host");
    expect_usage(ID, "--directory=/tmp host");
    expect_usage(ID, "host echo");
}

static void test_options_unknown_or_incomplete_are_refused(void **state)
{
    (void)state;
    expect_usage(RUN, "--nonsense host -- x");
    expect_usage(RUN, "--exe host -- x");
    expect_usage(RUN, "-z host -- x");
    expect_usage(RUN, "-vz host -- x");
    expect_usage(RUN, "--exec=yes host -- x");
    expect_usage(RUN, "host --user");
    expect_usage(RUN, "host -u");
    expect_usage(RUN, "--user= host -- x");
    expect_usage(RUN, "-e NAME host -- x");
    expect_usage(RUN, "-e =x host -- x");
    expect_usage(RUN, "--timeout 0 host -- x");
    expect_usage(RUN, "host");
    expect_usage(RUN, "host --");
    expect_usage(RUN, "-n");
}

static void test_options_password_from_stdin_needs_a_free_stdin(void **state)
{
    struct wsm_cli_options o;
    char *copy;

    (void)state;
    expect_usage(RUN, "--password-file - host -- x");
    assert_int_equal(read_line(&o, RUN, "-n --password-file - host -- x", &copy), 0);
    wsm_cli_options_clear(&o);
    free(copy);
    assert_int_equal(read_line(&o, ID, "--password-file - host", &copy), 0);
    wsm_cli_options_clear(&o);
    free(copy);
}

static void test_options_time_is_exact(void **state)
{
    static const char *const wrong[] = {
        "",       "0",   "0.000", "-1", "+1",    " 1",  "1 s",     "1e3", ".5",
        "1.2345", "inf", "0x1",   "1.", "1,5",   "1.h", "4294967", "1hm", "99999999999999999999",
        "1194h",  "50d", "1H",    "h",  "71583m"
    };
    int64_t ms = -7;

    (void)state;
    assert_true(wsm_cli_options_parse_time("1", &ms) && ms == 1000);
    assert_true(wsm_cli_options_parse_time("0.001", &ms) && ms == 1);
    assert_true(wsm_cli_options_parse_time("2.25", &ms) && ms == 2250);
    assert_true(wsm_cli_options_parse_time("4294966.999", &ms) && ms == 4294966999);
    assert_true(wsm_cli_options_parse_time("90s", &ms) && ms == 90000);
    assert_true(wsm_cli_options_parse_time("1.5m", &ms) && ms == 90000);
    assert_true(wsm_cli_options_parse_time("1h", &ms) && ms == 3600000);
    assert_true(wsm_cli_options_parse_time("49d", &ms) && ms == 4233600000);
    ms = -7;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        if (wsm_cli_options_parse_time(wrong[i], &ms) || ms != -7)
            fail_msg("\"%s\" was accepted", wrong[i]);
}

static void test_options_resume_is_one_offset_or_two(void **state)
{
    static const char *const wrong[] = { "",
                                         ",",
                                         "1,",
                                         ",1",
                                         "-1",
                                         "1,2,3",
                                         "1 ",
                                         "0x1",
                                         "18446744073709551616",
                                         "1,18446744073709551616",
                                         "1k" };
    struct wsm_cli_resume r = { .out = 99 };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        if (wsm_cli_options_parse_resume(wrong[i], &r) || r.out != 99)
            fail_msg("\"%s\" was accepted", wrong[i]);
    assert_true(wsm_cli_options_parse_resume("0", &r));
    assert_true(r.has_out && !r.has_err && r.out == 0);
    assert_true(wsm_cli_options_parse_resume("18446744073709551615,7", &r));
    assert_true(r.has_err && r.out == UINT64_MAX && r.err == 7);
}

static void test_options_of_verbs_with_an_id_stand_anywhere(void **state)
{
    struct wsm_cli_options o;
    char *copy;

    (void)state;
    assert_int_equal(read_line(&o, ATTACH, "-u a host --take 1234/5678 --resume-at 5,6 -n", &copy),
                     0);
    assert_string_equal(o.host, "host");
    assert_string_equal(o.id, "1234/5678");
    assert_true(o.is_take && o.is_stdin_null && o.resume.has_err);
    wsm_cli_options_clear(&o);
    free(copy);
    assert_int_equal(read_line(&o, DETACH, "host 1234 --buffer drop --idle-timeout 1h", &copy), 0);
    assert_int_equal(o.buffer, WSM_CLI_BUFFER_DROP);
    assert_int_equal(o.idle_timeout_ms, 3600000);
    wsm_cli_options_clear(&o);
    free(copy);
    assert_int_equal(read_line(&o, ATTACH, "host -- 1234", &copy), 0);
    assert_string_equal(o.id, "1234");
    wsm_cli_options_clear(&o);
    free(copy);
    expect_usage(ATTACH, "host");
    expect_usage(ATTACH, "host 1234 more");
    expect_usage(ATTACH, "host 1234 --buffer drop");
    expect_usage(ATTACH, "host 1234 --detach");
    expect_usage(ATTACH, "host 1234 --password-file -");
    expect_usage(DETACH, "host 1234 --take");
    expect_usage(DETACH, "host 1234 --buffer both");
    expect_usage(PS, "host 1234");
}

static void test_options_of_leaving_are_read(void **state)
{
    struct wsm_cli_options o;
    char *copy;

    (void)state;
    assert_int_equal(
        read_line(&o, RUN, "--detach --on-hangup kill --retry-time 0 --buffer=block h -- x", &copy),
        0);
    assert_true(o.is_detach && o.is_hangup_kill && o.has_retry_time);
    assert_int_equal(o.retry_time_ms, 0);
    assert_int_equal(o.buffer, WSM_CLI_BUFFER_BLOCK);
    wsm_cli_options_clear(&o);
    free(copy);
    assert_int_equal(read_line(&o, RUN, "--detach --password-file - h -- x", &copy), 0);
    wsm_cli_options_clear(&o);
    free(copy);
    assert_int_equal(read_line(&o, PS, "--json h", &copy), 0);
    assert_true(o.is_json);
    wsm_cli_options_clear(&o);
    free(copy);
    expect_usage(RUN, "--on-hangup maybe h -- x");
    expect_usage(RUN, "--retry-time x h -- x");
    expect_usage(RUN, "--retry-time 25d h -- x");
    expect_usage(RUN, "--take h -- x");
    expect_usage(RUN, "--json h -- x");
    expect_usage(RUN, "--resume-at 1 h -- x");
}

/* Its service ends with the call. */
static void test_options_local_leaves_nothing_behind(void **state)
{
    (void)state;
    expect_usage(RUN, "--local --detach -- x");
    expect_usage(ATTACH, "--local 1234");
    expect_usage(ATTACH, "--local");
    expect_usage(PS, "--local");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_of_every_kind_are_read),
        cmocka_unit_test(test_options_of_the_command_are_left_alone),
        cmocka_unit_test(test_options_with_local_take_no_host),
        cmocka_unit_test(test_options_of_another_verb_are_refused),
        cmocka_unit_test(test_options_unknown_or_incomplete_are_refused),
        cmocka_unit_test(test_options_password_from_stdin_needs_a_free_stdin),
        cmocka_unit_test(test_options_time_is_exact),
        cmocka_unit_test(test_options_resume_is_one_offset_or_two),
        cmocka_unit_test(test_options_of_verbs_with_an_id_stand_anywhere),
        cmocka_unit_test(test_options_of_leaving_are_read),
        cmocka_unit_test(test_options_local_leaves_nothing_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
