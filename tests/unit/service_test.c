/* Tests of the state table of src/monitor/service.c; its work with real processes is in
 * tests/integration/monitor_test.c. */
#include "monitor/service.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void next_is(enum wsm_service_state state, enum wsm_service_event event,
                    enum wsm_service_state expected)
{
    assert_int_equal(wsm_service_next_state(state, event), expected);
}

static void test_service_lives_and_dies(void **state)
{
    (void)state;
    next_is(WSM_SERVICE_DOWN, WSM_SERVICE_ON_START, WSM_SERVICE_GREETING);
    next_is(WSM_SERVICE_GREETING, WSM_SERVICE_ON_HELLO, WSM_SERVICE_UP);
    next_is(WSM_SERVICE_UP, WSM_SERVICE_ON_EXIT, WSM_SERVICE_DOWN);
    next_is(WSM_SERVICE_UP, WSM_SERVICE_ON_BREAK, WSM_SERVICE_CLOSING);
    next_is(WSM_SERVICE_CLOSING, WSM_SERVICE_ON_EXIT, WSM_SERVICE_DOWN);
}

static void test_service_once_stopped_never_starts(void **state)
{
    (void)state;
    for (int from = WSM_SERVICE_DOWN; from < WSM_SERVICE_STATES; from++) {
        enum wsm_service_state stopped = wsm_service_next_state((enum wsm_service_state)from,
                                                                WSM_SERVICE_ON_STOP);

        assert_true(stopped == WSM_SERVICE_STOPPING || stopped == WSM_SERVICE_STOPPED);
        for (int event = 0; event < WSM_SERVICE_EVENTS; event++) {
            enum wsm_service_state next = wsm_service_next_state(stopped,
                                                                 (enum wsm_service_event)event);

            assert_true(next == WSM_SERVICE_REFUSED || next == WSM_SERVICE_STOPPING ||
                        next == WSM_SERVICE_STOPPED);
        }
    }
    next_is(WSM_SERVICE_STOPPING, WSM_SERVICE_ON_EXIT, WSM_SERVICE_STOPPED);
}

static void test_service_refuses_wrong_steps(void **state)
{
    (void)state;
    next_is(WSM_SERVICE_UP, WSM_SERVICE_ON_HELLO, WSM_SERVICE_REFUSED); /* HELLO twice */
    next_is(WSM_SERVICE_UP, WSM_SERVICE_ON_START, WSM_SERVICE_REFUSED);
    next_is(WSM_SERVICE_CLOSING, WSM_SERVICE_ON_START, WSM_SERVICE_REFUSED);
    next_is(WSM_SERVICE_CLOSING, WSM_SERVICE_ON_HELLO, WSM_SERVICE_REFUSED);
    next_is(WSM_SERVICE_DOWN, WSM_SERVICE_ON_EXIT, WSM_SERVICE_REFUSED); /* reaped twice */
    next_is(WSM_SERVICE_STOPPED, WSM_SERVICE_ON_START, WSM_SERVICE_REFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_service_lives_and_dies),
        cmocka_unit_test(test_service_once_stopped_never_starts),
        cmocka_unit_test(test_service_refuses_wrong_steps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
