/* The table of settings: every row is complete, and values outside of it are refused. */
#include "ipc/settings_table.h"

#include "wsmerror.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static bool parses(enum wsm_setting which, const char *text, int64_t *out)
{
    struct wsm_error err = WSM_ERROR_INIT;
    bool ok = wsm_setting_parse(which, wsm_span_str(text), out, &err);

    assert_int_equal(err.code, ok ? 0 : ERROR_INVALID_PARAMETER);
    wsm_error_clear(&err);
    return ok;
}

static bool has_value(enum wsm_setting which)
{
    return wsm_settings_table[which].kind == WSM_SETTING_KIND_NUMBER ||
           wsm_settings_table[which].kind == WSM_SETTING_KIND_BOOLEAN;
}

static void test_settings_table_rows_are_complete_and_found(void **state)
{
    (void)state;
    for (int i = 0; i < WSM_SETTINGS; i++) {
        const struct wsm_setting_row *row = &wsm_settings_table[i];

        assert_non_null(row->name);
        assert_int_equal(wsm_setting_find(wsm_span_str(row->name)), i);
        if (has_value((enum wsm_setting)i))
            assert_true(row->lowest < row->highest && row->lowest <= row->initial &&
                        row->initial <= row->highest);
    }
    assert_int_equal(wsm_setting_find(wsm_span_str("MAXCONNECTIONS")), WSM_SETTING_MAX_CONNECTIONS);
    assert_int_equal(wsm_setting_find(wsm_span_str("MaxConnection")), WSM_SETTINGS);
    assert_int_equal(wsm_setting_find(wsm_span_str("")), WSM_SETTINGS);
}

static void test_settings_table_ranges_are_kept(void **state)
{
    char text[32];
    int64_t value;

    (void)state;
    for (int i = 0; i < WSM_SETTINGS; i++) {
        const struct wsm_setting_row *row = &wsm_settings_table[i];

        if (row->kind != WSM_SETTING_KIND_NUMBER)
            continue;
        value = -7;
        snprintf(text, sizeof(text), "%" PRId64, row->highest + 1);
        assert_false(parses((enum wsm_setting)i, text, &value));
        snprintf(text, sizeof(text), "%" PRId64, row->lowest - 1);
        assert_false(parses((enum wsm_setting)i, text, &value));
        assert_true(value == -7);
        snprintf(text, sizeof(text), "%" PRId64, row->highest);
        assert_true(parses((enum wsm_setting)i, text, &value));
        assert_true(value == row->highest);
        snprintf(text, sizeof(text), "%" PRId64, row->lowest);
        assert_true(parses((enum wsm_setting)i, text, &value));
        assert_true(value == row->lowest);
    }
}

static void test_settings_table_bad_values_are_refused(void **state)
{
    static const char *const numbers[] = { "", " 1", "1 ", "+1", "1x", "0x10", "9999999999999" };
    static const char *const booleans[] = { "", "yes", "1", "truer", "tru" };
    int64_t value;

    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        assert_false(parses(WSM_SETTING_IDLE_TIMEOUT, numbers[i], &value));
    for (size_t i = 0; i < sizeof(booleans) / sizeof(booleans[0]); i++)
        assert_false(parses(WSM_SETTING_BASIC, booleans[i], &value));
    assert_false(parses(WSM_SETTING_AUTO_DISCONNECT_TIMEOUT, "1", &value));
    assert_true(parses(WSM_SETTING_AUTO_DISCONNECT_TIMEOUT, "0", &value));
    assert_true(value == 0);
    assert_true(parses(WSM_SETTING_BASIC, "TRUE", &value));
    assert_true(value == 1);
    assert_true(parses(WSM_SETTING_BASIC, "False", &value));
    assert_true(value == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings_table_rows_are_complete_and_found),
        cmocka_unit_test(test_settings_table_ranges_are_kept),
        cmocka_unit_test(test_settings_table_bad_values_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
