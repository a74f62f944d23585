/* Reports of hosts as items: nothing that a host says is taken on trust. */
#include "server/shell_report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ID "5D3C1F60-0000-4000-8000-0000000000A1"

static struct wsm_shell shell = { .id = { ID }, .owner = (char *)"alice" };

static struct wsm_settings settings(void)
{
    struct wsm_settings settings;

    wsm_settings_init(&settings);
    return settings;
}

static void test_shell_report_tells_all(void **state)
{
    struct wsm_settings values = settings();
    struct wsm_host_shell report = { .is_open = 1,
                                     .name = wsm_span_str("nightly"),
                                     .client_ip = wsm_span_str("192.0.2.7"),
                                     .session_id = wsm_span_str("session"),
                                     .idle_timeout_ms = 5000,
                                     .run_time_ms = 61999,
                                     .inactivity_ms = 1999,
                                     .can_disconnect = 1,
                                     .buffer_mode = WSM_HOST_BUFFER_DROP,
                                     .connection = WSM_HOST_AUTO_DISCONNECTED,
                                     .processes = 3,
                                     .memory_kib = 2048 };
    struct wsm_shell_item item;

    (void)state;
    wsm_shell_report_item(&shell, &report, &values, true, &item);
    assert_true(wsm_span_is(item.shell_id, ID));
    assert_true(wsm_span_is(item.owner, "alice"));
    assert_true(wsm_span_is(item.name, "nightly"));
    assert_true(wsm_span_is(item.client_ip, "192.0.2.7"));
    assert_true(wsm_span_is(item.session_id, "session"));
    assert_true(wsm_span_is(item.buffer_mode, "Drop"));
    assert_true(wsm_span_is(item.state, "Disconnected"));
    assert_int_equal(item.idle_timeout_ms, 5000);
    assert_int_equal(item.run_time_s, 61);
    assert_int_equal(item.inactivity_s, 1);
    assert_int_equal(item.memory_kib, 2048);
    assert_int_equal(item.child_processes, 3);
    assert_true(item.is_marked);
}

static void test_shell_report_without_disconnect_has_no_buffer_mode(void **state)
{
    struct wsm_settings values = settings();
    struct wsm_host_shell report = { .is_open = 1, .buffer_mode = 1, .connection = 1 };
    struct wsm_shell_item item;

    (void)state;
    wsm_shell_report_item(&shell, &report, &values, false, &item);
    assert_int_equal(item.buffer_mode.len, 0);
    assert_true(wsm_span_is(item.state, "Connected"));
    assert_false(item.is_marked);
}

static void test_shell_report_that_lies_is_harmless(void **state)
{
    struct wsm_settings values = settings();
    char *big = calloc(1, WSM_REPORT_TEXT_MAX + 2);
    struct wsm_host_shell report = { .is_open = 1,
                                     .working_directory = wsm_span_str("\xff\xfe"),
                                     .resource_uri = wsm_span_str("\xed\xa0\x80"),
                                     .idle_timeout_ms = INT64_MIN,
                                     .run_time_ms = -1,
                                     .inactivity_ms = INT64_MIN,
                                     .buffer_mode = 99,
                                     .can_disconnect = 255,
                                     .connection = 99,
                                     .processes = UINT32_MAX,
                                     .memory_kib = UINT64_MAX };
    struct wsm_shell_item item;

    (void)state;
    assert_non_null(big);
    memset(big, 'x', WSM_REPORT_TEXT_MAX + 1);
    report.name = wsm_span_str(big);
    wsm_shell_report_item(&shell, &report, &values, false, &item);
    assert_int_equal(item.name.len, 0);
    assert_int_equal(item.working_directory.len, 0);
    assert_int_equal(item.resource_uri.len, 0);
    assert_int_equal(item.idle_timeout_ms, -1);
    assert_int_equal(item.run_time_s, 0);
    assert_int_equal(item.inactivity_s, 0);
    assert_int_equal(item.memory_kib, -1);
    assert_int_equal(item.child_processes, UINT32_MAX);
    assert_true(wsm_span_is(item.buffer_mode, "Block"));
    assert_true(wsm_span_is(item.state, "Connected"));
    free(big);
}

static void test_shell_report_of_a_host_that_is_silent_is_what_net_knows(void **state)
{
    struct wsm_shell_item item;

    (void)state;
    wsm_holder_create(&shell.holder, wsm_span_str("session"), 1, true);
    shell.holder.connection = WSM_HOST_DISCONNECTED;
    wsm_shell_report_unknown(&shell, true, &item);
    assert_true(wsm_span_is(item.shell_id, ID));
    assert_true(wsm_span_is(item.state, "Disconnected"));
    assert_true(wsm_span_is(item.session_id, "session"));
    assert_int_equal(item.memory_kib, -1);
}

static void test_command_report_shows_offsets_to_the_marked_only(void **state)
{
    struct wsm_host_command report = { .command_id = wsm_span_str(ID),
                                       .confirmed = { 1, 2 },
                                       .served = { 3, 4 },
                                       .served_again = { 5, 6 },
                                       .end = { 7, 8 },
                                       .dropped = { 9, 10 },
                                       .is_done = 1,
                                       .exit_code = 5,
                                       .line = wsm_span_str("true") };
    struct wsm_command_item item;

    (void)state;
    assert_true(wsm_command_report_item(&report, false, &item));
    assert_true(wsm_span_is(item.state, "Done"));
    assert_true(wsm_span_is(item.line, "true"));
    assert_int_equal(item.stream_count, 0);
    assert_false(item.has_exit_code);
    assert_true(wsm_command_report_item(&report, true, &item));
    assert_true(item.has_exit_code);
    assert_int_equal(item.exit_code, 5);
    assert_int_equal(item.stream_count, 2);
    assert_true(wsm_span_is(item.streams[1].name, "stderr"));
    assert_int_equal(item.streams[1].confirmed, 2);
    assert_int_equal(item.streams[1].served, 4);
    assert_int_equal(item.streams[1].served_again, 6);
    assert_int_equal(item.streams[1].end, 8);
    assert_int_equal(item.streams[1].dropped, 10);
    report.is_done = 0;
    assert_true(wsm_command_report_item(&report, true, &item));
    assert_false(item.has_exit_code);
    assert_true(wsm_span_is(item.state, "Running"));
}

static void test_command_report_cuts_a_long_line_between_characters(void **state)
{
    char line[WSM_REPORT_LINE_MAX + 2];
    struct wsm_host_command report = { .command_id = wsm_span_str(ID) };
    struct wsm_command_item item;

    (void)state;
    memset(line, 'x', sizeof(line));
    memcpy(line + WSM_REPORT_LINE_MAX - 1, "\xC3\xA9", 2); /* over the edge */
    report.line = wsm_span_of(line, sizeof(line));
    assert_true(wsm_command_report_item(&report, false, &item));
    assert_int_equal(item.line.len, WSM_REPORT_LINE_MAX - 1);
}

static void test_command_report_without_an_id_is_none(void **state)
{
    struct wsm_host_command report = { .command_id = wsm_span_str("\"/><x") };
    struct wsm_command_item item;

    (void)state;
    assert_false(wsm_command_report_item(&report, true, &item));
    report.command_id = wsm_span_of(NULL, 0);
    assert_false(wsm_command_report_item(&report, true, &item));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shell_report_tells_all),
        cmocka_unit_test(test_shell_report_without_disconnect_has_no_buffer_mode),
        cmocka_unit_test(test_shell_report_that_lies_is_harmless),
        cmocka_unit_test(test_shell_report_of_a_host_that_is_silent_is_what_net_knows),
        cmocka_unit_test(test_command_report_shows_offsets_to_the_marked_only),
        cmocka_unit_test(test_command_report_cuts_a_long_line_between_characters),
        cmocka_unit_test(test_command_report_without_an_id_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
