/* Tests of src/monitor/backoff.c: simulated deaths. */
#include "monitor/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_backoff_grows_while_nothing_is_served(void **state)
{
    static const int64_t expected[] = { 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000 };
    struct wsm_backoff backoff = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
        assert_int_equal(wsm_backoff_on_death(&backoff), expected[i]);
}

static void test_backoff_is_none_after_a_served_request(void **state)
{
    struct wsm_backoff backoff = { 0 };

    (void)state;
    wsm_backoff_on_served(&backoff);
    assert_int_equal(wsm_backoff_on_death(&backoff), 0);
    assert_int_equal(wsm_backoff_on_death(&backoff), 100);
    assert_int_equal(wsm_backoff_on_death(&backoff), 200);
    wsm_backoff_on_served(&backoff);
    wsm_backoff_on_served(&backoff);
    assert_int_equal(wsm_backoff_on_death(&backoff), 0);
}

/* What was served before a death says nothing about the one after it. */
static void test_backoff_forgets_with_each_death(void **state)
{
    struct wsm_backoff backoff = { 0 };

    (void)state;
    wsm_backoff_on_served(&backoff);
    wsm_backoff_on_death(&backoff);
    assert_false(backoff.has_served);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_backoff_grows_while_nothing_is_served),
        cmocka_unit_test(test_backoff_is_none_after_a_served_request),
        cmocka_unit_test(test_backoff_forgets_with_each_death),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
