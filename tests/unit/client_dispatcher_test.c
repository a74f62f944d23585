/* Who may outlive whom: strands are made and released by any thread at any time, dispatcher threads
 * come and go with the library's lives. */
#include "client/dispatcher.h"
#include "client/strand.h"

#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { LIVES = 20, RELEASES = 200, ITEMS = 50 };

/* There is no loop. */
static bool post_returned(struct wsm_message *message)
{
    (void)message;
    return false;
}

static struct wsm_dispatcher dispatcher = WSM_DISPATCHER_INIT(post_returned);

static void start(void)
{
    struct wsm_error err = WSM_ERROR_INIT;

    assert_true(wsm_dispatcher_start(&dispatcher, &err));
}

static void stop(void)
{
    wsm_dispatcher_stop(&dispatcher);
    wsm_dispatcher_clear(&dispatcher);
}

/* ---- Items ---- */

struct item {
    struct wsm_strand_item base;
    struct wsm_strand *strand; /* NULL: not released within */
    sem_t begun;
    sem_t go_on;
    bool waits;
};

static atomic_uint ran;

static void run(struct wsm_strand_item *base)
{
    struct item *item = WSM_CONTAINER_OF(base, struct item, base);

    if (item->waits) {
        sem_post(&item->begun);
        sem_wait(&item->go_on);
    }
    wsm_strand_release(item->strand);
    atomic_fetch_add(&ran, 1);
}

static void init(struct item *item)
{
    *item = (struct item){ .base.run = run };
    wsm_list_init(&item->base.node);
    sem_init(&item->begun, 0, 0);
    sem_init(&item->go_on, 0, 0);
}

static int setup(void **state)
{
    (void)state;
    atomic_store(&ran, 0);
    return 0;
}

/* ---- Tests ---- */

static void test_dispatcher_lock_is_there_before_and_after_its_threads(void **state)
{
    int life;

    (void)state;
    for (life = 0; life < 2; life++) {
        assert_int_equal(pthread_mutex_trylock(&dispatcher.lock), 0);
        pthread_mutex_unlock(&dispatcher.lock);
        start();
        stop();
        assert_int_equal(pthread_mutex_trylock(&dispatcher.lock), 0);
        pthread_mutex_unlock(&dispatcher.lock);
    }
}

static void test_dispatcher_strand_may_be_released_after_the_threads(void **state)
{
    struct wsm_strand *strand = wsm_strand_new(&dispatcher);
    struct wsm_strand *other;

    (void)state;
    assert_non_null(strand);
    start();
    other = wsm_strand_new(&dispatcher);
    assert_non_null(other);
    stop();
    wsm_strand_release(strand);
    wsm_strand_release(other);
    wsm_strand_release(NULL);
}

static void test_dispatcher_strand_of_one_life_runs_in_the_next(void **state)
{
    struct wsm_strand *strand;
    struct item item;

    (void)state;
    start();
    strand = wsm_strand_new(&dispatcher);
    assert_non_null(strand);
    stop();
    start();
    init(&item);
    wsm_strand_post(strand, &item.base);
    stop();
    assert_int_equal(atomic_load(&ran), 1);
    wsm_strand_release(strand);
}

static void test_dispatcher_stop_runs_what_is_queued(void **state)
{
    struct wsm_strand *strands[ITEMS / 2];
    struct item items[ITEMS];
    size_t i;

    (void)state;
    start();
    for (i = 0; i < ITEMS / 2; i++) {
        strands[i] = wsm_strand_new(&dispatcher);
        assert_non_null(strands[i]);
    }
    for (i = 0; i < ITEMS; i++) {
        init(&items[i]);
        wsm_strand_post(strands[i % (ITEMS / 2)], &items[i].base);
    }
    stop();
    assert_int_equal(atomic_load(&ran), ITEMS);
    for (i = 0; i < ITEMS / 2; i++)
        wsm_strand_release(strands[i]);
}

/* The item has told the loop that it is back before its thread has left the strand. */
static void test_dispatcher_thread_frees_a_strand_that_is_released_within_it(void **state)
{
    struct item item;

    (void)state;
    start();
    init(&item);
    item.strand = wsm_strand_new(&dispatcher);
    assert_non_null(item.strand);
    wsm_strand_post(item.strand, &item.base);
    stop();
    assert_int_equal(atomic_load(&ran), 1);
}

static void change(struct wsm_strand_item *base)
{
    (void)base;
    fail_msg("changed although it runs");
}

static void test_dispatcher_item_that_runs_cannot_be_had_back(void **state)
{
    struct wsm_strand *strand;
    struct item first;
    struct item second;

    (void)state;
    start();
    strand = wsm_strand_new(&dispatcher);
    assert_non_null(strand);
    init(&first);
    first.waits = true;
    init(&second);
    wsm_strand_post(strand, &first.base);
    wsm_strand_post(strand, &second.base);
    sem_wait(&first.begun);
    assert_false(wsm_strand_take_back(strand, &first.base));
    assert_false(wsm_strand_change(strand, &first.base, change));
    assert_true(wsm_strand_take_back(strand, &second.base));
    assert_false(wsm_strand_take_back(strand, &second.base));
    sem_post(&first.go_on);
    stop();
    assert_int_equal(atomic_load(&ran), 1);
    wsm_strand_release(strand);
}

/* As an application's thread does whose call loses against the last WSManDeinitialize. */
static void *make_and_release(void *arg)
{
    int i;

    (void)arg;
    for (i = 0; i < RELEASES; i++) {
        struct wsm_strand *strand = wsm_strand_new(&dispatcher);

        if (strand == NULL)
            abort();
        wsm_strand_release(strand);
    }
    return NULL;
}

static void test_dispatcher_strands_come_and_go_while_it_starts_and_stops(void **state)
{
    int life;

    (void)state;
    for (life = 0; life < LIVES; life++) {
        pthread_t thread;

        assert_int_equal(pthread_create(&thread, NULL, make_and_release, NULL), 0);
        start();
        stop();
        pthread_join(thread, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_dispatcher_lock_is_there_before_and_after_its_threads, setup),
        cmocka_unit_test_setup(test_dispatcher_strand_may_be_released_after_the_threads, setup),
        cmocka_unit_test_setup(test_dispatcher_strand_of_one_life_runs_in_the_next, setup),
        cmocka_unit_test_setup(test_dispatcher_stop_runs_what_is_queued, setup),
        cmocka_unit_test_setup(test_dispatcher_thread_frees_a_strand_that_is_released_within_it,
                               setup),
        cmocka_unit_test_setup(test_dispatcher_item_that_runs_cannot_be_had_back, setup),
        cmocka_unit_test_setup(test_dispatcher_strands_come_and_go_while_it_starts_and_stops,
                               setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
