/* Tests of src/monitor/host_record.c. */
#include "monitor/host_record.h"
#include "temp_dir.h"
#include "wsmerror.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SHELL "11111111-2222-3333-4444-55555555555F"

static const struct wsm_host_record RECORD = {
    .shell_id = SHELL, .owner = "alice", .uid = 1000, .pid = 42, .start = UINT64_MAX
};

static const char TEXT[] = "shell=" SHELL "\nowner=alice\nuid=1000\npid=42\n"
                           "start=18446744073709551615\n";

static bool is_same(const struct wsm_host_record *a, const struct wsm_host_record *b)
{
    return strcmp(a->shell_id, b->shell_id) == 0 && strcmp(a->owner, b->owner) == 0 &&
           a->uid == b->uid && a->pid == b->pid && a->start == b->start;
}

static void test_host_record_round_trips(void **state)
{
    struct wsm_buf text = WSM_BUF_INIT;
    struct wsm_host_record record;

    (void)state;
    wsm_host_record_write(&RECORD, &text);
    assert_true(wsm_span_is(wsm_buf_span(&text), TEXT));
    assert_true(wsm_host_record_parse(wsm_buf_span(&text), &record, NULL));
    assert_true(is_same(&record, &RECORD));
    wsm_buf_clear(&text);
}

static void test_host_record_every_prefix_is_refused(void **state)
{
    struct wsm_host_record record;

    (void)state;
    for (size_t len = 0; len < sizeof(TEXT) - 1; len++) {
        char *copy = malloc(len + 1); /* exact, so that the sanitizer sees reads beyond */

        memcpy(copy, TEXT, len);
        assert_false(wsm_host_record_parse(wsm_span_of(copy, len), &record, NULL));
        free(copy);
    }
}

static void test_host_record_malformed_is_refused(void **state)
{
    static const char *const texts[] = {
        "shell=" SHELL "\nowner=\nuid=1\npid=42\nstart=1\n",
        "shell=x\nowner=alice\nuid=1\npid=42\nstart=1\n",
        "shell={" SHELL "}\nowner=alice\nuid=1\npid=42\nstart=1\n",
        "owner=alice\nshell=" SHELL "\nuid=1\npid=42\nstart=1\n",
        "shell=" SHELL "\nowner=alice\nuid=-1\npid=42\nstart=1\n",
        "shell=" SHELL "\nowner=alice\nuid=4294967295\npid=42\nstart=1\n",
        "shell=" SHELL "\nowner=alice\nuid=1\npid=0\nstart=1\n",
        "shell=" SHELL "\nowner=alice\nuid=1\npid=2147483648\nstart=1\n",
        "shell=" SHELL "\nowner=alice\nuid=1\npid=42\nstart=18446744073709551616\n",
        "shell=" SHELL "\nowner=alice\nuid=1\npid=42\nstart=\n",
        "shell=" SHELL "\nowner=alice\nuid=1\npid=42\nstart=1 \n",
        "shell=" SHELL "\nowner=alice\nuid=1\npid=42\nstart=1\nmore=1\n",
        "shell=" SHELL "\nuid=1\npid=42\nstart=1\n",
        "\n",
    };
    struct wsm_host_record record = RECORD;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct wsm_error err = WSM_ERROR_INIT;

        if (wsm_host_record_parse(wsm_span_str(texts[i]), &record, &err))
            fail_msg("case %zu was taken", i);
        assert_int_equal(err.code, ERROR_INVALID_PARAMETER);
        wsm_error_clear(&err);
    }
    assert_true(is_same(&record, &RECORD)); /* untouched */
}

static void test_host_names_are_sixteen_digits(void **state)
{
    static const char *const bad[] = {
        "0000000000000000.host",
        "123456789abcdef.host",
        "0123456789abcdef0.host",
        "0123456789ABCDEF.host",
        "0123456789abcdef.sock",
        "0123456789abcdef",
        "0123456789abcdeg.host",
        "0123456789abcdef.host~",
        "x0123456789abcdef.host",
        " 123456789abcdef.host",
        "lock",
        "",
        "0123456789abcdef.hostx",
    };
    char name[WSM_HOST_NAME_SIZE];

    (void)state;
    wsm_host_record_name(0x0123456789abcdef, name);
    assert_string_equal(name, "0123456789abcdef.host");
    assert_int_equal(wsm_host_name_parse(name, ".host"), 0x0123456789abcdef);
    wsm_host_socket_name(UINT64_MAX, name);
    assert_string_equal(name, "ffffffffffffffff.sock");
    assert_true(wsm_host_name_parse(name, ".sock") == UINT64_MAX);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_true(wsm_host_name_parse(bad[i], ".host") == 0);
}

static void test_host_record_is_saved_once(void **state)
{
    char *dir = wsm_temp_dir_make();
    struct wsm_run_dir run_dir;
    struct wsm_host_record record;
    struct wsm_error err = WSM_ERROR_INIT;

    (void)state;
    assert_true(wsm_run_dir_open(&run_dir, dir, NULL));
    assert_true(wsm_host_record_save(&run_dir, 7, &RECORD, NULL));
    assert_false(wsm_host_record_save(&run_dir, 7, &RECORD, NULL));
    assert_true(wsm_host_record_load(&run_dir, 7, &record, NULL));
    assert_true(is_same(&record, &RECORD));
    wsm_host_record_remove(&run_dir, 7);
    assert_false(wsm_host_record_load(&run_dir, 7, &record, &err));
    assert_int_equal(err.code, ERROR_FILE_NOT_FOUND);
    wsm_error_clear(&err);
    wsm_run_dir_close(&run_dir);
    wsm_temp_dir_remove(dir);
}

static void test_shell_id_is_a_bare_guid(void **state)
{
    (void)state;
    assert_true(wsm_shell_id_is_valid(wsm_span_str(SHELL)));
    assert_false(wsm_shell_id_is_valid(wsm_span_str("")));
    assert_false(wsm_shell_id_is_valid(wsm_span_str("uuid:" SHELL)));
    assert_false(wsm_shell_id_is_valid(wsm_span_str("{" SHELL "}")));
    assert_false(wsm_shell_id_is_valid(wsm_span_str(" " SHELL)));
    assert_false(wsm_shell_id_is_valid(wsm_span_str("11111111-2222-3333-4444-55555555555")));
    assert_false(wsm_shell_id_is_valid(wsm_span_str("11111111-2222-3333-4444-55555555555\n")));
    assert_false(wsm_shell_id_is_valid(wsm_span_str("11111111-2222-3333-4444-5555/../5555")));
}

static void test_process_start_is_told(void **state)
{
    uint64_t first = 0, second = 0;

    (void)state;
    assert_true(wsm_process_start(getpid(), &first));
    assert_true(wsm_process_start(getpid(), &second));
    assert_int_not_equal(first, 0);
    assert_true(first == second);
    assert_false(wsm_process_start(INT32_MAX, &first));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_record_round_trips),
        cmocka_unit_test(test_host_record_every_prefix_is_refused),
        cmocka_unit_test(test_host_record_malformed_is_refused),
        cmocka_unit_test(test_host_names_are_sixteen_digits),
        cmocka_unit_test(test_host_record_is_saved_once),
        cmocka_unit_test(test_shell_id_is_a_bare_guid),
        cmocka_unit_test(test_process_start_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
