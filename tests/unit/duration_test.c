/* xs:duration: every part, what is refused, the two forms that are written. */
#include "base/duration.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_duration_reads_every_part(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        { "PT60S", 60000 },
        { "PT60.000S", 60000 },
        { "PT0S", 0 },
        { "PT0.5S", 500 },
        { "PT1.23456S", 1234 },
        { "PT20M", 1200000 },
        { "PT1H", 3600000 },
        { "P1D", 86400000 },
        { "P0DT1H1M1S", 3661000 },
        { "P1W", 604800000 },
        { "P2M", 5184000000 },
        { "P1Y", 31536000000 },
        { "P1Y2M3W4DT5H6M7.089S", 31536000000 + 5184000000 + 1814400000 + 345600000 + 18367089 },
        { "PT00000000000000000000000000007S", 7000 },
        { " \t\r\nPT5S\n", 5000 },
        { "P0Y0M0DT0H0M20.000S", 20000 },
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t ms = -1;

        if (!wsm_duration_parse(wsm_span_str(cases[i].text), &ms))
            fail_msg("refused: %s", cases[i].text);
        assert_int_equal(ms, cases[i].ms);
    }
}

static void test_duration_is_cut_off_at_the_largest_number(void **state)
{
    static const char *const large[] = { "PT9223372036854775.808S", "PT9223372036854776S",
                                         "P999999999999999999999999Y",
                                         "P292471208YT9223372036854775S", "P300000000Y" };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(large) / sizeof(large[0]); i++) {
        int64_t ms = -1;

        assert_true(wsm_duration_parse(wsm_span_str(large[i]), &ms));
        assert_true(ms == INT64_MAX);
    }
}

static void test_duration_refuses_everything_else(void **state)
{
    static const char *const bad[] = {
        "",       " ",        "P",      "PT",     "-PT5S",  "+PT5S",  "5",     "60000",  "PT",
        "P1",     "PT5",      "PTS",    "P1S",    "PT1D",   "PT1Y",   "P1DT",  "pt5s",   "PT5s",
        "PT.5S",  "PT5.S",    "PT1.5M", "P1.5D",  "PT1S1M", "PT1M1H", "P1D1Y", "P1D1W",  "PT1S1S",
        "P1DT1D", "PTT5S",    "PT5ST",  "PT5S x", "P T5S",  "PT 5S",  "PT-5S", "PT5,0S", "1PT5S",
        "P1H",    "PT1.2.3S", "PT0x5S", "P1DP1D", "PT5Q",   "PT1e3S",
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int64_t ms = -7;

        if (wsm_duration_parse(wsm_span_str(bad[i]), &ms))
            fail_msg("accepted: '%s'", bad[i]);
        assert_int_equal(ms, -7);
    }
}

static void test_duration_refuses_a_nul_byte(void **state)
{
    int64_t ms;

    (void)state;
    assert_false(wsm_duration_parse(wsm_span_of("PT5S\0", 5), &ms));
    assert_false(wsm_duration_parse(wsm_span_of("PT5\0S", 5), &ms));
}

static void check_written(void (*write)(struct wsm_buf *, int64_t), int64_t value,
                          const char *expected)
{
    struct wsm_buf buf = WSM_BUF_INIT;

    write(&buf, value);
    assert_true(wsm_buf_ok(&buf));
    if (!wsm_span_is(wsm_buf_span(&buf), expected))
        fail_msg("expected %s, got %.*s", expected, (int)buf.len, (char *)buf.ptr);
    wsm_buf_clear(&buf);
}

static void test_duration_writes_seconds_with_three_digits(void **state)
{
    (void)state;
    check_written(wsm_duration_write, 0, "PT0.000S");
    check_written(wsm_duration_write, 5, "PT0.005S");
    check_written(wsm_duration_write, 60000, "PT60.000S");
    check_written(wsm_duration_write, 7200000, "PT7200.000S");
    check_written(wsm_duration_write, INT64_MAX, "PT9223372036854775.807S");
}

static void test_run_time_writes_days_to_seconds(void **state)
{
    (void)state;
    check_written(wsm_run_time_write, 0, "P0DT0H0M0S");
    check_written(wsm_run_time_write, 59, "P0DT0H0M59S");
    check_written(wsm_run_time_write, 3600 * 24 + 3600 * 2 + 60 * 3 + 4, "P1DT2H3M4S");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_duration_reads_every_part),
        cmocka_unit_test(test_duration_is_cut_off_at_the_largest_number),
        cmocka_unit_test(test_duration_refuses_everything_else),
        cmocka_unit_test(test_duration_refuses_a_nul_byte),
        cmocka_unit_test(test_duration_writes_seconds_with_three_digits),
        cmocka_unit_test(test_run_time_writes_days_to_seconds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
