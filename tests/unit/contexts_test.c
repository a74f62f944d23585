/* Listings and the contexts that keep them: what is handed out, limits, whose they are. */
#include "server/contexts.h"

#include "wsmerror.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void add(struct wsm_listing *listing, const char *text)
{
    wsm_buf_append_str(&listing->items, text);
    assert_true(wsm_listing_add(listing, NULL));
}

static void expect(struct wsm_listing *listing, size_t max, size_t room, const char *expected)
{
    struct wsm_span got = wsm_listing_take(listing, max, room);

    assert_true(wsm_span_is(got, expected));
}

static void test_listing_hands_out_as_many_as_wanted(void **state)
{
    struct wsm_listing listing = { 0 };

    (void)state;
    add(&listing, "<a/>");
    add(&listing, "<b/>");
    add(&listing, "<c/>");
    expect(&listing, 2, 100, "<a/><b/>");
    assert_false(wsm_listing_is_end(&listing));
    expect(&listing, 0, 100, "<c/>");
    assert_true(wsm_listing_is_end(&listing));
    expect(&listing, 0, 100, "");
    wsm_listing_clear(&listing);
}

static void test_listing_hands_out_as_many_as_fit(void **state)
{
    struct wsm_listing listing = { 0 };

    (void)state;
    for (int i = 0; i < 100; i++)
        add(&listing, "<item/>");
    expect(&listing, 0, 6, ""); /* not one fits: nothing is lost */
    expect(&listing, 0, 0, "");
    for (int i = 0; i < 50; i++)
        expect(&listing, 0, 20, "<item/><item/>");
    assert_true(wsm_listing_is_end(&listing));
    wsm_listing_clear(&listing);
}

static void test_listing_has_a_limit(void **state)
{
    struct wsm_listing listing = { 0 };
    struct wsm_error err = WSM_ERROR_INIT;
    char *big = calloc(1, WSM_LISTING_BYTES_MAX);

    (void)state;
    assert_non_null(big);
    memset(big, 'x', WSM_LISTING_BYTES_MAX - 1);
    add(&listing, "<a/>");
    wsm_buf_append_str(&listing.items, big);
    assert_false(wsm_listing_add(&listing, &err));
    assert_int_equal(err.code, ERROR_WSMAN_QUOTA_LIMIT);
    assert_int_equal(listing.count, 1);
    add(&listing, "<b/>");
    expect(&listing, 0, 100, "<a/><b/>");
    wsm_error_clear(&err);
    wsm_listing_clear(&listing);
    free(big);
}

struct fixture {
    uv_loop_t loop;
    struct wsm_contexts contexts;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    if (f == NULL || uv_loop_init(&f->loop) != 0)
        return -1;
    wsm_contexts_init(&f->contexts, &f->loop);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    wsm_contexts_close(&f->contexts);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    free(f);
    return 0;
}

/* "uuid:GUID" with that last digit */
static const char *text_of(int number, char text[64])
{
    snprintf(text, 64, "uuid:5D3C1F60-0000-4000-8000-0000000000A%d", number);
    return text;
}

static struct wsm_context *keep(struct fixture *f, const char *user, int number)
{
    struct wsm_listing listing = { 0 };
    struct wsm_guid id;
    char text[64];

    assert_true(wsm_guid_parse(wsm_span_str(text_of(number, text)), &id));
    add(&listing, "<a/>");
    return wsm_contexts_add(&f->contexts, user, &id, &listing);
}

static struct wsm_context *found(struct fixture *f, const char *user, const char *text)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_context *context = wsm_contexts_find(&f->contexts, user, wsm_span_str(text), &err);

    assert_int_equal(err.code,
                     context == NULL ? ERROR_WSMAN_ENUMERATE_INVALID_ENUMERATION_CONTEXT : 0);
    wsm_error_clear(&err);
    return context;
}

static void test_contexts_are_found_by_their_user_only(void **state)
{
    struct fixture *f = *state;
    struct wsm_context *context = keep(f, "alice", 1);

    assert_ptr_equal(found(f, "alice", "uuid:5D3C1F60-0000-4000-8000-0000000000A1"), context);
    assert_ptr_equal(found(f, "alice", " UUID:5d3c1f60-0000-4000-8000-0000000000a1 "), context);
    assert_null(found(f, "bob", "uuid:5D3C1F60-0000-4000-8000-0000000000A1"));
    assert_null(found(f, "alice", "uuid:5D3C1F60-0000-4000-8000-0000000000A2"));
    wsm_contexts_remove(&f->contexts, context);
    assert_null(found(f, "alice", "uuid:5D3C1F60-0000-4000-8000-0000000000A1"));
}

static void test_contexts_of_any_other_text_are_none(void **state)
{
    struct fixture *f = *state;

    keep(f, "alice", 1);
    assert_null(found(f, "alice", ""));
    assert_null(found(f, "alice", "uuid:"));
    assert_null(found(f, "alice", "5D3C1F60-0000-4000-8000-0000000000A"));
    assert_null(found(f, "alice", "uuid:5D3C1F60-0000-4000-8000-0000000000A1x"));
}

static void test_contexts_above_the_limit_push_out_the_oldest_of_that_user(void **state)
{
    struct fixture *f = *state;
    char text[64];

    keep(f, "bob", 0);
    for (int i = 0; i < WSM_CONTEXTS_PER_USER; i++)
        keep(f, "alice", i);
    assert_non_null(found(f, "alice", text_of(0, text))); /* used: now 1 is the oldest */
    keep(f, "alice", 9);
    assert_null(found(f, "alice", text_of(1, text)));
    assert_non_null(found(f, "alice", text_of(0, text)));
    assert_non_null(found(f, "alice", text_of(9, text)));
    assert_non_null(found(f, "bob", text_of(0, text)));
}

static void test_contexts_end_when_not_used(void **state)
{
    struct fixture *f = *state;
    struct wsm_context *old = keep(f, "alice", 1);
    char text[64];

    keep(f, "alice", 2);
    old->used_ms -= WSM_CONTEXT_LIFE_MS; /* it is the first in the list */
    uv_timer_start(&f->contexts.timer, f->contexts.timer.timer_cb, 0, 0);
    uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_null(found(f, "alice", text_of(1, text)));
    assert_non_null(found(f, "alice", text_of(2, text)));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_listing_hands_out_as_many_as_wanted),
        cmocka_unit_test(test_listing_hands_out_as_many_as_fit),
        cmocka_unit_test(test_listing_has_a_limit),
        TEST(test_contexts_are_found_by_their_user_only),
        TEST(test_contexts_of_any_other_text_are_none),
        TEST(test_contexts_above_the_limit_push_out_the_oldest_of_that_user),
        TEST(test_contexts_end_when_not_used),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
