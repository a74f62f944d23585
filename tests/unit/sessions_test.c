/* Sessions without a connection: when they are gone, and that none is kept for nothing. */
#include "server/sessions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    uv_loop_t loop;
    struct wsm_sessions sessions;
    bool holds;
    const char *holder; /* the only one, if set */
    int gone;
    char last[64];
    uint64_t gone_at;
};

static bool holds(void *context, const char *user, const char *id)
{
    const struct fixture *f = context;

    (void)user;
    return f->holder == NULL ? f->holds : strcmp(f->holder, id) == 0;
}

static void on_gone(void *context, const char *user, const char *id)
{
    struct fixture *f = context;

    f->gone++;
    snprintf(f->last, sizeof(f->last), "%s/%s", user, id);
    f->gone_at = uv_now(&f->loop);
}

static int setup(void **state)
{
    static const struct wsm_sessions_events events = { holds, on_gone };
    struct fixture *f = calloc(1, sizeof(*f));

    if (f == NULL || uv_loop_init(&f->loop) != 0)
        return -1;
    f->holds = true;
    wsm_sessions_init(&f->sessions, &f->loop, &events, f);
    f->sessions.timeout_ms = 30;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    wsm_sessions_close(&f->sessions);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    free(f);
    return 0;
}

/* Until no timer is left. */
static void settle(struct fixture *f)
{
    uv_run(&f->loop, UV_RUN_DEFAULT);
}

static struct wsm_session *join(struct fixture *f, const char *user, const char *id)
{
    return wsm_sessions_join(&f->sessions, user, wsm_span_str(id));
}

static size_t count(const struct fixture *f)
{
    size_t found = 0;

    for (size_t i = 0; i < WSM_SESSION_BUCKETS; i++) {
        const struct wsm_list *node;

        WSM_LIST_FOREACH (node, &f->sessions.buckets[i])
            found++;
    }
    return found;
}

static void test_sessions_last_connection_starts_the_clock(void **state)
{
    struct fixture *f = *state;
    struct wsm_session *a = join(f, "alice", "s");
    struct wsm_session *b = join(f, "alice", " S ");
    uint64_t left_at;

    assert_ptr_equal(a, b);
    wsm_session_leave(a);
    settle(f);
    assert_int_equal(f->gone, 0);
    uv_update_time(&f->loop);
    left_at = uv_now(&f->loop);
    wsm_session_leave(b);
    settle(f);
    assert_int_equal(f->gone, 1);
    assert_string_equal(f->last, "alice/s");
    assert_true(f->gone_at - left_at >= 30);
    assert_int_equal(count(f), 0);
}

static void test_sessions_new_connection_stops_the_clock(void **state)
{
    struct fixture *f = *state;

    wsm_session_leave(join(f, "alice", "s"));
    assert_int_equal(count(f), 1);
    assert_non_null(join(f, "alice", "s"));
    settle(f);
    assert_int_equal(f->gone, 0);
    assert_int_equal(count(f), 1);
}

static void test_sessions_users_are_apart(void **state)
{
    struct fixture *f = *state;
    struct wsm_session *bob = join(f, "bob", "s");

    assert_ptr_not_equal(bob, join(f, "alice", "s"));
    wsm_session_leave(bob);
    settle(f);
    assert_int_equal(f->gone, 1);
    assert_string_equal(f->last, "bob/s");
}

static void test_sessions_each_has_its_own_time(void **state)
{
    struct fixture *f = *state;
    struct wsm_session *later = join(f, "alice", "later");

    wsm_session_leave(join(f, "alice", "first"));
    uv_run(&f->loop, UV_RUN_ONCE);
    assert_int_equal(f->gone, 1);
    assert_string_equal(f->last, "alice/first");
    wsm_session_leave(later);
    settle(f);
    assert_int_equal(f->gone, 2);
    assert_string_equal(f->last, "alice/later");
}

static void test_sessions_that_hold_nothing_are_not_kept(void **state)
{
    struct fixture *f = *state;

    f->holds = false;
    wsm_session_leave(join(f, "alice", "s"));
    assert_int_equal(count(f), 0);
    wsm_sessions_expect(&f->sessions, "alice", wsm_span_str("s"));
    assert_int_equal(count(f), 0);
    settle(f);
    assert_int_equal(f->gone, 0);
}

/* A shell that goes from hand to hand leaves nobody behind. */
static void test_sessions_that_lost_what_they_held_are_not_kept(void **state)
{
    struct fixture *f = *state;

    f->holder = "bob's own";
    wsm_session_leave(join(f, "bob", "bob's own"));
    for (int i = 0; i < 100; i++) {
        char id[16];

        snprintf(id, sizeof(id), "%d", i);
        f->holder = id;
        wsm_session_leave(join(f, "alice", id));
        assert_int_equal(count(f), 2); /* other users are not looked at */
    }
    f->holder = NULL;
    settle(f);
    assert_int_equal(f->gone, 2);
    assert_string_equal(f->last, "alice/99");
}

static void test_sessions_without_an_id_are_none(void **state)
{
    struct fixture *f = *state;
    char long_id[WSM_HOST_ID_MAX + 2];

    memset(long_id, 'x', sizeof(long_id) - 1);
    long_id[sizeof(long_id) - 1] = '\0';
    assert_null(join(f, "alice", ""));
    assert_null(join(f, "alice", " \n"));
    assert_null(wsm_sessions_join(&f->sessions, "alice", wsm_span_of(NULL, 0)));
    assert_null(join(f, "alice", long_id));
    wsm_sessions_expect(&f->sessions, "alice", wsm_span_str(""));
    assert_int_equal(count(f), 0);
}

static void test_sessions_time_0_is_never(void **state)
{
    struct fixture *f = *state;

    f->sessions.timeout_ms = 0;
    wsm_session_leave(join(f, "alice", "s"));
    wsm_sessions_expect(&f->sessions, "alice", wsm_span_str("s"));
    settle(f);
    assert_int_equal(f->gone, 0);
    assert_int_equal(count(f), 0);
}

/* After a restart no connection is known, but shells are. */
static void test_sessions_found_with_a_shell_have_their_time_too(void **state)
{
    struct fixture *f = *state;

    wsm_sessions_expect(&f->sessions, "alice", wsm_span_str("s"));
    wsm_sessions_expect(&f->sessions, "alice", wsm_span_str("S"));
    assert_int_equal(count(f), 1);
    settle(f);
    assert_int_equal(f->gone, 1);
}

static void test_sessions_expecting_one_with_a_connection_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct wsm_session *session = join(f, "alice", "s");

    wsm_sessions_expect(&f->sessions, "alice", wsm_span_str("s"));
    settle(f);
    assert_int_equal(f->gone, 0);
    assert_true(wsm_session_is(session, "alice", wsm_span_str(" S")));
    assert_false(wsm_session_is(session, "bob", wsm_span_str("s")));
    assert_false(wsm_session_is(session, "alice", wsm_span_str("")));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_sessions_last_connection_starts_the_clock),
        TEST(test_sessions_new_connection_stops_the_clock),
        TEST(test_sessions_users_are_apart),
        TEST(test_sessions_each_has_its_own_time),
        TEST(test_sessions_that_hold_nothing_are_not_kept),
        TEST(test_sessions_that_lost_what_they_held_are_not_kept),
        TEST(test_sessions_without_an_id_are_none),
        TEST(test_sessions_time_0_is_never),
        TEST(test_sessions_found_with_a_shell_have_their_time_too),
        TEST(test_sessions_expecting_one_with_a_connection_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
