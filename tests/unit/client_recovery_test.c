/* How long a client waits before it tries a lost link again. */
#include "client/recovery.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { DRAWS = 1000 };

static void test_4_8_waits_between_tries_grow_and_differ(void **state)
{
    static const uint64_t waits[] = { 250, 500, 1000, 2000, 4000, 8000, 15000, 15000, 15000 };
    uint64_t highest_before = 0;
    unsigned i;
    int n;

    (void)state;
    assert_int_equal(wsm_recovery_wait_ms(0), 0); /* the first at once */
    for (i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
        uint64_t lowest = UINT64_MAX;
        uint64_t highest = 0;

        for (n = 0; n < DRAWS; n++) {
            uint64_t wait = wsm_recovery_wait_ms(i + 1);

            assert_in_range(wait, waits[i] * 8 / 10, waits[i] * 12 / 10);
            lowest = wait < lowest ? wait : lowest;
            highest = wait > highest ? wait : highest;
        }
        /* Clients that lost the same server do not come back all at once. */
        assert_true(highest - lowest > waits[i] / 5);
        assert_true(waits[i] == 15000 || lowest > highest_before);
        highest_before = highest;
    }
    assert_in_range(wsm_recovery_wait_ms(UINT32_MAX), 12000, 18000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_4_8_waits_between_tries_grow_and_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
