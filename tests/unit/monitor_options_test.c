/* Tests of src/monitor/options.c. */
#include "monitor/options.h"
#include "wsmerror.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { ARGUMENTS_MAX = 12 };

static bool parse(struct wsm_options *options, struct wsm_error *err, const char *const *arguments)
{
    char *argv[ARGUMENTS_MAX + 2] = { (char *)(uintptr_t) "winrmd" };
    int argc = 1;

    while (arguments[argc - 1] != NULL) {
        argv[argc] = (char *)(uintptr_t)arguments[argc - 1];
        argc++;
    }
    return wsm_options_parse(options, argc, argv, err);
}

#define PARSE(options, ...) \
    assert_true(parse((options), NULL, (const char *const[]){ __VA_ARGS__, NULL }))

static void refused(const char *const *arguments, const char *words)
{
    struct wsm_options options;
    struct wsm_error err = WSM_ERROR_INIT;

    assert_false(parse(&options, &err, arguments));
    assert_int_equal(err.code, ERROR_INVALID_PARAMETER);
    assert_string_equal(wsm_error_text(&err), words);
    wsm_error_clear(&err);
}

#define REFUSED(words, ...) refused((const char *const[]){ __VA_ARGS__, NULL }, (words))

static void test_options_defaults(void **state)
{
    struct wsm_options options;
    const char *const none[] = { NULL };

    (void)state;
    assert_true(parse(&options, NULL, none));
    assert_int_equal(options.action, WSM_ACTION_SERVE);
    assert_null(options.config_path);
    assert_int_equal(options.override_count, 0);
    assert_false(options.allow_root_shells);
    assert_int_equal(options.watch_fd, -1);
    assert_int_equal(options.log_level, WSM_LOG_INFO);
    wsm_options_clear(&options);
}

static void test_options_all(void **state)
{
    struct wsm_options options;

    (void)state;
    PARSE(&options, "-c", "file", "-o", "A=1", "-oB=2", "--allow-root-shells", "--watch-fd=7",
          "--log-level", "debug");
    assert_string_equal(options.config_path, "file");
    assert_int_equal(options.override_count, 2);
    assert_string_equal(options.overrides[0], "A=1");
    assert_string_equal(options.overrides[1], "B=2");
    assert_true(options.allow_root_shells);
    assert_int_equal(options.watch_fd, 7);
    assert_int_equal(options.log_level, WSM_LOG_DEBUG);
    wsm_options_clear(&options);
}

static void test_options_actions(void **state)
{
    struct wsm_options options;

    (void)state;
    PARSE(&options, "-t", "--config=x");
    assert_int_equal(options.action, WSM_ACTION_CHECK);
    assert_string_equal(options.config_path, "x");
    PARSE(&options, "--help");
    assert_int_equal(options.action, WSM_ACTION_HELP);
    PARSE(&options, "-V");
    assert_int_equal(options.action, WSM_ACTION_VERSION);
    PARSE(&options, "user", "-c", "x", "add", "alice", "-o", "UsersFile=y");
    assert_int_equal(options.action, WSM_ACTION_USER_ADD);
    assert_string_equal(options.user_name, "alice");
    assert_string_equal(options.overrides[0], "UsersFile=y");
    wsm_options_clear(&options);
    PARSE(&options, "user", "add", "--", "-dash");
    assert_string_equal(options.user_name, "-dash");
    wsm_options_clear(&options);
}

static void test_options_refuse_what_they_do_not_know(void **state)
{
    (void)state;
    REFUSED("unknown option -x", "-x");
    REFUSED("unknown option --foo", "--foo");
    REFUSED("unknown option -tt", "-tt");
    REFUSED("unknown option --test=1", "--test=1");
    REFUSED("unknown option --configure", "--configure");
    REFUSED("option -c needs a value", "-c");
    REFUSED("option --log-level needs a value", "-t", "--log-level");
    REFUSED("unexpected argument start", "start");
    REFUSED("unexpected argument del", "user", "del", "alice");
    REFUSED("unexpected argument bob", "user", "add", "alice", "bob");
    REFUSED("user add needs the name of a user", "user");
    REFUSED("user add needs the name of a user", "user", "add");
    REFUSED("--log-level loud: must be error, warning, info or debug", "--log-level", "loud");
}

static void test_options_watch_fd_is_a_descriptor(void **state)
{
    static const char *const bad[] = { "",   "2",     "-1",
                                       "+5", " 5",    "5x",
                                       "x",  "65536", "99999999999999999999" };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const char *const arguments[] = { "--watch-fd", bad[i], NULL };
        struct wsm_options options;

        assert_false(parse(&options, NULL, arguments));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_defaults),
        cmocka_unit_test(test_options_all),
        cmocka_unit_test(test_options_actions),
        cmocka_unit_test(test_options_refuse_what_they_do_not_know),
        cmocka_unit_test(test_options_watch_fd_is_a_descriptor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
