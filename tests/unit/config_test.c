/* Tests of src/monitor/config.c and of the installed sample, docs/winrmd.conf. */
#include "monitor/config.h"
#include "temp_dir.h"
#include "wsmerror.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const struct wsm_config_user ROOT = { .is_root = true, .home = "/root" };
static const struct wsm_config_user ALICE = { .uid = 1000, .home = "/home/alice" };

static struct wsm_config make(const struct wsm_config_user *user)
{
    struct wsm_config config;

    assert_true(wsm_config_init(&config, user, NULL));
    return config;
}

static void parse(struct wsm_config *config, const char *text)
{
    struct wsm_error err = WSM_ERROR_INIT;

    if (!wsm_config_parse(config, "file", wsm_span_str(text), &err))
        fail_msg("%s", wsm_error_text(&err));
}

/* The text is refused with exactly these words. */
static void refused(const char *text, const char *words)
{
    struct wsm_config config = make(&ALICE);
    struct wsm_error err = WSM_ERROR_INIT;

    assert_false(wsm_config_parse(&config, "file", wsm_span_str(text), &err));
    assert_int_equal(err.code, ERROR_INVALID_PARAMETER);
    assert_string_equal(wsm_error_text(&err), words);
    wsm_error_clear(&err);
    wsm_config_clear(&config);
}

static void override_refused(const char *text, const char *words)
{
    struct wsm_config config = make(&ALICE);
    struct wsm_error err = WSM_ERROR_INIT;

    assert_false(wsm_config_override(&config, text, &err));
    assert_string_equal(wsm_error_text(&err), words);
    wsm_error_clear(&err);
    wsm_config_clear(&config);
}

/* All strings NAME=VALUE, each with a line end; owned by the caller. */
static char *written(const struct wsm_config *config)
{
    struct wsm_buf out = WSM_BUF_INIT;

    wsm_config_write(config, &out);
    assert_true(wsm_buf_ok(&out));
    for (size_t i = 0; i < out.len; i++)
        if (out.ptr[i] == '\0')
            out.ptr[i] = '\n';
    wsm_buf_append_byte(&out, 0);
    return (char *)out.ptr;
}

static const char DEFAULTS[] = "Listen=127.0.0.1:5985\n"
                               "AllowUnencrypted=false\n"
                               "Basic=false\n"
                               "UsersFile=/etc/winrmd/users\n"
                               "RunDirectory=/run/winrmd\n"
                               "AllowRemoteShellAccess=true\n"
                               "IdleTimeout=7200000\n"
                               "MinIdleTimeout=60000\n"
                               "MaxIdleTimeoutms=2147483647\n"
                               "MaxTimeoutms=60000\n"
                               "MaxEnvelopeSizekb=500\n"
                               "MaxConnections=300\n"
                               "MaxShellsPerUser=30\n"
                               "MaxConcurrentCommandsPerShell=1000\n"
                               "MaxPacketRetrievalTimeSeconds=120\n"
                               "DrainTimeout=0\n"
                               "AutoDisconnectTimeout=60000\n";

static void test_config_defaults_of_root(void **state)
{
    struct wsm_config config = make(&ROOT);
    char *text = written(&config), *path = NULL;

    (void)state;
    assert_string_equal(text, DEFAULTS);
    assert_true(wsm_config_check(&config, NULL));
    assert_true(wsm_config_default_path(&ROOT, &path, NULL));
    assert_string_equal(path, "/etc/winrmd/winrmd.conf");
    free(path);
    free(text);
    wsm_config_clear(&config);
}

static void paths_are(struct wsm_config_user user, const char *conf, const char *users,
                      const char *run)
{
    struct wsm_config config = make(&user);
    char *path = NULL;

    assert_true(wsm_config_default_path(&user, &path, NULL));
    assert_string_equal(path, conf);
    assert_string_equal(config.paths[WSM_SETTING_USERS_FILE], users);
    assert_string_equal(config.paths[WSM_SETTING_RUN_DIRECTORY], run);
    free(path);
    wsm_config_clear(&config);
}

static void test_config_default_paths_of_a_user(void **state)
{
    struct wsm_config_user user = ALICE;

    (void)state;
    paths_are(user, "/home/alice/.config/winrmd/winrmd.conf", "/home/alice/.config/winrmd/users",
              "/tmp/winrmd-1000");
    user.config_home = "/c";
    user.runtime_dir = "/run/user/1000";
    paths_are(user, "/c/winrmd/winrmd.conf", "/c/winrmd/users", "/run/user/1000/winrmd");
    user.config_home = "relative";
    user.runtime_dir = "";
    paths_are(user, "/home/alice/.config/winrmd/winrmd.conf", "/home/alice/.config/winrmd/users",
              "/tmp/winrmd-1000");
}

static void test_config_reads_every_kind(void **state)
{
    struct wsm_config config = make(&ROOT);
    char *text;

    (void)state;
    parse(&config, "# comment\n"
                   "\n"
                   "  # another\n"
                   "listen=127.0.0.1:0\r\n"
                   "LISTEN = [::1]:65535\n"
                   "\tAllowUnencrypted\t=\tTRUE \n"
                   "basic = True\n"
                   "UsersFile = /with blanks/users#1\n"
                   "MaxEnvelopeSizekb = 032\n"
                   "MaxTimeoutms=4294967295\n"
                   "AutoDisconnectTimeout = 0\n"
                   "DrainTimeout = 5"); /* no line end */
    text = written(&config);
    assert_non_null(strstr(text, "Listen=127.0.0.1:0\nListen=[::1]:65535\nAllowUnencrypted=true\n"
                                 "Basic=true\nUsersFile=/with blanks/users#1\n"));
    assert_non_null(strstr(text, "\nMaxEnvelopeSizekb=32\n"));
    assert_non_null(strstr(text, "\nMaxTimeoutms=4294967295\n"));
    assert_non_null(strstr(text, "\nDrainTimeout=5\nAutoDisconnectTimeout=0\n"));
    free(text);
    wsm_config_clear(&config);
}

static void test_config_relative_path_counts_from_here(void **state)
{
    struct wsm_config config = make(&ROOT);
    char *here = getcwd(NULL, 0), *expected = wsm_temp_path(here, "sub/users");

    (void)state;
    assert_true(wsm_config_override(&config, "UsersFile=sub/users", NULL));
    assert_string_equal(config.paths[WSM_SETTING_USERS_FILE], expected);
    free(expected);
    free(here);
    wsm_config_clear(&config);
}

static void test_config_override_stands_above_the_file(void **state)
{
    struct wsm_config config = make(&ROOT);
    char *text;

    (void)state;
    parse(&config, "Listen = 127.0.0.1:1\nListen = 127.0.0.1:2\nBasic = true\n");
    assert_true(wsm_config_override(&config, "listen = 127.0.0.1:3", NULL));
    assert_true(wsm_config_override(&config, "Listen=127.0.0.1:4", NULL));
    assert_true(wsm_config_override(&config, "Basic=true", NULL));
    assert_true(wsm_config_override(&config, "Basic=false", NULL));
    text = written(&config);
    assert_ptr_equal(strstr(text, "Listen=127.0.0.1:3\nListen=127.0.0.1:4\nAllow"), text);
    assert_non_null(strstr(text, "\nBasic=false\n"));
    free(text);
    wsm_config_clear(&config);
}

static void test_config_error_names_file_and_line(void **state)
{
    (void)state;
    refused("\n\nFoo = 1\n", "file, line 3: unknown setting \"Foo\"");
    refused("# x\nListens = 1\n", "file, line 2: unknown setting \"Listens\"");
    refused(" = 1\n", "file, line 1: unknown setting \"\"");
    refused("Basic true\n", "file, line 1: must be NAME = VALUE");
    refused("Basic\n", "file, line 1: must be NAME = VALUE");
    refused("Basic = true\nbasic = true\n", "file, line 2: Basic is set in line 1 already");
}

static void test_config_error_names_the_allowed_range(void **state)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        { "Basic = 1", "file, line 1: Basic must be true or false" },
        { "Basic =", "file, line 1: Basic must be true or false" },
        { "Basic = truee", "file, line 1: Basic must be true or false" },
        { "MaxEnvelopeSizekb = 31",
          "file, line 1: MaxEnvelopeSizekb must be a number from 32 to 4096" },
        { "maxenvelopesizekb = 4097",
          "file, line 1: MaxEnvelopeSizekb must be a number from 32 to 4096" },
        { "MaxConnections = 0", "file, line 1: MaxConnections must be a number from 1 to 65535" },
        { "MaxConnections = -1", "file, line 1: MaxConnections must be a number from 1 to 65535" },
        { "MaxConnections = +1", "file, line 1: MaxConnections must be a number from 1 to 65535" },
        { "MaxConnections = 1 2", "file, line 1: MaxConnections must be a number from 1 to 65535" },
        { "MaxConnections = 0x10",
          "file, line 1: MaxConnections must be a number from 1 to 65535" },
        { "MaxConnections =", "file, line 1: MaxConnections must be a number from 1 to 65535" },
        { "DrainTimeout = 2147483648",
          "file, line 1: DrainTimeout must be a number from 0 to 2147483647" },
        { "DrainTimeout = 99999999999999999999",
          "file, line 1: DrainTimeout must be a number from 0 to 2147483647" },
        { "AutoDisconnectTimeout = 999",
          "file, line 1: AutoDisconnectTimeout must be 0 or a number from 1000 to 2147483647" },
        { "MaxTimeoutms = 499",
          "file, line 1: MaxTimeoutms must be a number from 500 to 4294967295" },
        { "UsersFile =", "file, line 1: UsersFile must be a path" },
        { "Listen = localhost:5985",
          "file, line 1: Listen must be ADDRESS:PORT or [IPV6]:PORT in numbers, such as "
          "127.0.0.1:5985" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        refused(cases[i].text, cases[i].words);
    override_refused("Foo=1", "-o Foo=1: unknown setting \"Foo\"");
    override_refused("Basic", "-o Basic: must be NAME = VALUE");
    override_refused("Basic=maybe", "-o Basic=maybe: Basic must be true or false");
}

static void test_config_lines_and_addresses_are_bounded(void **state)
{
    struct wsm_config config = make(&ROOT);
    struct wsm_error err = WSM_ERROR_INIT;
    char text[WSM_CONFIG_LINE_MAX + 2];

    (void)state;
    memset(text, ' ', sizeof(text));
    text[WSM_CONFIG_LINE_MAX] = '\0';
    parse(&config, text);
    text[WSM_CONFIG_LINE_MAX] = ' ';
    text[WSM_CONFIG_LINE_MAX + 1] = '\0';
    refused(text, "file, line 1: longer than 4096 bytes");
    assert_false(wsm_config_parse(&config, "file", wsm_span_of("Basic = \0true", 13), &err));
    assert_string_equal(wsm_error_text(&err), "file, line 1: holds a NUL byte");
    wsm_error_clear(&err);
    for (int i = 0; i < WSM_CONFIG_LISTEN_MAX; i++)
        assert_true(wsm_config_override(&config, "Listen=127.0.0.1:0", NULL));
    assert_false(wsm_config_override(&config, "Listen=127.0.0.1:0", &err));
    assert_non_null(strstr(wsm_error_text(&err), "at most 16 addresses"));
    wsm_error_clear(&err);
    wsm_config_clear(&config);
}

static void test_config_checks_settings_together(void **state)
{
    static const char *const bad[] = { "IdleTimeout=59999", "MinIdleTimeout=7200001",
                                       "MaxIdleTimeoutms=7199999" };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct wsm_config config = make(&ROOT);
        struct wsm_error err = WSM_ERROR_INIT;

        assert_true(wsm_config_override(&config, bad[i], NULL));
        assert_false(wsm_config_check(&config, &err));
        assert_non_null(strstr(wsm_error_text(&err), "must lie between MinIdleTimeout"));
        wsm_error_clear(&err);
        wsm_config_clear(&config);
    }
}

static void test_config_loads_files(void **state)
{
    char *dir = wsm_temp_dir_make(), *path = wsm_temp_path(dir, "winrmd.conf");
    struct wsm_config config = make(&ROOT);
    struct wsm_error err = WSM_ERROR_INIT;
    char *big = malloc(WSM_CONFIG_FILE_MAX + 2);

    (void)state;
    assert_true(wsm_config_load(&config, path, false, &err));
    assert_false(wsm_config_load(&config, path, true, &err));
    assert_int_equal(err.code, ERROR_FILE_NOT_FOUND);
    assert_non_null(strstr(wsm_error_text(&err), path));
    wsm_error_clear(&err);
    assert_false(wsm_config_load(&config, dir, true, &err));
    wsm_error_clear(&err);
    wsm_temp_write(path, "Basic = true\n", 0644);
    assert_true(wsm_config_load(&config, path, true, &err));
    assert_int_equal(config.numbers[WSM_SETTING_BASIC], 1);
    wsm_temp_write(path, "Basic = true\nfoo\n", 0644);
    assert_false(wsm_config_load(&config, path, true, &err));
    wsm_error_clear(&err);
    memset(big, '\n', WSM_CONFIG_FILE_MAX + 1);
    big[WSM_CONFIG_FILE_MAX + 1] = '\0';
    wsm_temp_write(path, big, 0644);
    assert_false(wsm_config_load(&config, path, true, &err));
    assert_non_null(strstr(wsm_error_text(&err), "larger than"));
    wsm_error_clear(&err);
    free(big);
    free(path);
    wsm_temp_dir_remove(dir);
    wsm_config_clear(&config);
}

/* Every setting stands in the sample, with its default: uncommented, nothing changes. */
static void test_config_sample_holds_all_defaults(void **state)
{
    struct wsm_config config = make(&ROOT);
    char *sample = wsm_temp_read(WSM_SOURCE_DIR "/docs/winrmd.conf"), *text;
    size_t count = 0;

    (void)state;
    assert_non_null(sample);
    for (char *line = sample; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (line[0] == '#' && line[1] >= 'A' && line[1] <= 'Z') {
            line[0] = ' ';
            count++;
        }
    }
    assert_int_equal(count, WSM_SETTINGS);
    parse(&config, sample);
    for (size_t i = 0; i < WSM_SETTINGS; i++)
        assert_int_not_equal(config.set_at[i], 0);
    text = written(&config);
    assert_string_equal(text, DEFAULTS);
    free(text);
    free(sample);
    wsm_config_clear(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_defaults_of_root),
        cmocka_unit_test(test_config_default_paths_of_a_user),
        cmocka_unit_test(test_config_reads_every_kind),
        cmocka_unit_test(test_config_relative_path_counts_from_here),
        cmocka_unit_test(test_config_override_stands_above_the_file),
        cmocka_unit_test(test_config_error_names_file_and_line),
        cmocka_unit_test(test_config_error_names_the_allowed_range),
        cmocka_unit_test(test_config_lines_and_addresses_are_bounded),
        cmocka_unit_test(test_config_checks_settings_together),
        cmocka_unit_test(test_config_loads_files),
        cmocka_unit_test(test_config_sample_holds_all_defaults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
