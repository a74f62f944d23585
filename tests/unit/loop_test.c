/* Tests of src/monitor/loop.c. */
#include "monitor/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    struct wsm_loop loop;
    struct wsm_timer timers[3];
    struct wsm_watch watches[2];
    int pipes[2][2];
    char order[8];
    size_t count;
};

static struct fixture test;

static void note(char what)
{
    assert_true(test.count < sizeof(test.order) - 1);
    test.order[test.count++] = what;
}

static void on_first(struct wsm_timer *timer)
{
    (void)timer;
    note('1');
}

static void on_second(struct wsm_timer *timer)
{
    (void)timer;
    note('2');
    wsm_timer_stop(&test.timers[2]); /* due too: must not fire any more */
}

static void on_never(struct wsm_timer *timer)
{
    (void)timer;
    note('x');
}

static void on_stop(struct wsm_timer *timer)
{
    (void)timer;
    note('s');
    wsm_loop_stop(&test.loop);
}

static int setup(void **state)
{
    (void)state;
    test = (struct fixture){ .watches = { { .fd = -1 }, { .fd = -1 } } };
    assert_true(wsm_loop_init(&test.loop, NULL));
    assert_int_equal(pipe(test.pipes[0]), 0);
    assert_int_equal(pipe(test.pipes[1]), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        wsm_watch_stop(&test.loop, &test.watches[i]);
        close(test.pipes[i][0]);
        close(test.pipes[i][1]);
    }
    wsm_loop_clear(&test.loop);
    return 0;
}

static void test_loop_timers_fire_in_order_and_once(void **state)
{
    struct wsm_timer stop;

    (void)state;
    wsm_timer_init(&test.timers[0], on_first);
    wsm_timer_init(&test.timers[1], on_second);
    wsm_timer_init(&test.timers[2], on_never);
    wsm_timer_init(&stop, on_stop);
    wsm_timer_start_us(&test.loop, &stop, 3000);
    wsm_timer_start_us(&test.loop, &test.timers[1], 1000);
    wsm_timer_start_us(&test.loop, &test.timers[2], 1001);
    wsm_timer_start(&test.loop, &test.timers[0], 5000);
    wsm_timer_start(&test.loop, &test.timers[0], 0); /* anew */
    assert_true(wsm_loop_run(&test.loop, NULL));
    assert_string_equal(test.order, "12s");
}

/* Both are ready; the first handler stops the other watch and closes its descriptor. */
static void on_ready(struct wsm_watch *watch, uint32_t events)
{
    struct wsm_watch *other = watch == &test.watches[0] ? &test.watches[1] : &test.watches[0];

    assert_true((events & EPOLLIN) != 0);
    note('r');
    wsm_watch_stop(&test.loop, other);
    wsm_watch_stop(&test.loop, watch);
    wsm_loop_stop(&test.loop);
}

static void test_loop_stopped_watch_is_silent(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(write(test.pipes[i][1], "x", 1), 1);
        assert_true(wsm_watch_start(&test.loop, &test.watches[i], test.pipes[i][0], EPOLLIN,
                                    on_ready, NULL));
    }
    assert_true(wsm_loop_run(&test.loop, NULL));
    assert_string_equal(test.order, "r");
    wsm_watch_stop(&test.loop, &test.watches[0]); /* harmless twice */
}

static void on_writable(struct wsm_watch *watch, uint32_t events)
{
    assert_true((events & EPOLLOUT) != 0);
    note('w');
    wsm_watch_stop(&test.loop, watch);
    wsm_loop_stop(&test.loop);
}

static void test_loop_events_can_be_changed(void **state)
{
    (void)state;
    assert_true(
        wsm_watch_start(&test.loop, &test.watches[0], test.pipes[0][1], 0, on_writable, NULL));
    wsm_watch_change(&test.loop, &test.watches[0], EPOLLOUT);
    assert_true(wsm_loop_run(&test.loop, NULL));
    assert_string_equal(test.order, "w");
    wsm_watch_change(&test.loop, &test.watches[0], EPOLLIN); /* not watched: nothing */
}

static void test_loop_bad_descriptor_is_an_error(void **state)
{
    struct wsm_error err = WSM_ERROR_INIT;

    (void)state;
    assert_false(wsm_watch_start(&test.loop, &test.watches[0], 9999, EPOLLIN, on_ready, &err));
    assert_int_equal(test.watches[0].fd, -1);
    wsm_error_clear(&err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_loop_timers_fire_in_order_and_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_loop_stopped_watch_is_silent, setup, teardown),
        cmocka_unit_test_setup_teardown(test_loop_events_can_be_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_loop_bad_descriptor_is_an_error, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
