/* Offsets of output: what an answer adds, what it repeats, what it leaves out, and what it must
 * not say. */
#include "client/offsets.h"

#include "client/delivery.h"
#include "wsmerror.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct wsm_offsets offsets;
static struct wsm_delivery *delivery;

static int setup(void **state)
{
    (void)state;
    memset(&offsets, 0, sizeof(offsets));
    delivery = calloc(1, sizeof(*delivery) + 16 * sizeof(delivery->pieces[0]));
    assert_non_null(delivery);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(delivery);
    return 0;
}

static struct wsm_piece *add(const char *stream, uint64_t offset, const char *data)
{
    struct wsm_piece *piece = &delivery->pieces[delivery->count++];

    *piece = (struct wsm_piece){ .stream = wsm_span_str(stream),
                                 .data = wsm_span_str(data),
                                 .has_offset = true,
                                 .offset = offset };
    return piece;
}

static void take(void)
{
    struct wsm_error err = WSM_ERROR_INIT;

    if (!wsm_offsets_take(&offsets, delivery, &err))
        fail_msg("%s", wsm_error_text(&err));
}

static void assert_refused(const char *text)
{
    struct wsm_offsets before = offsets;
    struct wsm_error err = WSM_ERROR_INIT;

    assert_false(wsm_offsets_take(&offsets, delivery, &err));
    assert_int_equal(err.code, ERROR_WSMAN_INVALID_REPRESENTATION);
    assert_non_null(strstr(wsm_error_text(&err), text));
    assert_memory_equal(&offsets, &before, sizeof(offsets));
    wsm_error_clear(&err);
}

static void assert_piece(size_t i, const char *data, uint64_t gap, uint64_t reaches)
{
    assert_true(i < delivery->count);
    assert_true(wsm_span_is(delivery->pieces[i].data, data));
    assert_int_equal(delivery->pieces[i].gap, gap);
    assert_int_equal(delivery->pieces[i].reaches, reaches);
}

static void assert_written(const char *streams, const char *expected)
{
    struct wsm_buf out = WSM_BUF_INIT;

    wsm_offsets_write(&offsets, wsm_span_str(streams), &out);
    assert_true(wsm_span_is(wsm_buf_span(&out), expected));
    wsm_buf_clear(&out);
}

static void test_offsets_of_a_new_command_are_0(void **state)
{
    (void)state;
    wsm_offsets_start(&offsets, wsm_span_str("stdout  stderr stdout"));
    assert_int_equal(offsets.count, 2);
    assert_written("stdout stderr", "stdout=0:0 stderr=0:0");
    assert_written("stderr", "stderr=0:0");
    assert_written("other", "");
    assert_written("", "");
}

static void test_offsets_nothing_known_says_nothing(void **state)
{
    (void)state;
    assert_written("stdout stderr", "");
}

static void test_offsets_follow_the_answers(void **state)
{
    (void)state;
    wsm_offsets_start(&offsets, wsm_span_str("stdout stderr"));
    add("stdout", 0, "abc");
    add("stderr", 0, "de");
    add("stdout", 3, "fg");
    take();
    assert_int_equal(delivery->count, 3);
    assert_piece(0, "abc", 0, 3);
    assert_piece(1, "de", 0, 2);
    assert_piece(2, "fg", 0, 5);
    assert_written("stdout stderr", "stdout=0:5 stderr=0:2"); /* delivered is the callbacks' */
}

static void test_offsets_cut_off_what_came_before(void **state)
{
    (void)state;
    wsm_offsets_start(&offsets, wsm_span_str("stdout"));
    add("stdout", 0, "abcd");
    take();
    delivery->count = 0;
    add("stdout", 1, "bc");
    add("stdout", 2, "cdef");
    add("stdout", 6, "g");
    take();
    assert_int_equal(delivery->count, 2);
    assert_piece(0, "ef", 0, 6);
    assert_piece(1, "g", 0, 7);
}

static void test_offsets_count_a_gap(void **state)
{
    (void)state;
    wsm_offsets_start(&offsets, wsm_span_str("stdout"));
    add("stdout", 10, "ab");
    add("stdout", 15, "");
    add("stdout", 15, "c");
    take();
    assert_int_equal(delivery->count, 3);
    assert_piece(0, "ab", 10, 12);
    assert_piece(1, "", 3, 15);
    assert_piece(2, "c", 0, 16);
}

static void test_offsets_of_an_unknown_stream_begin_with_its_answer(void **state)
{
    (void)state;
    add("stdout", 1000, "ab");
    take();
    assert_piece(0, "ab", 0, 1002);
    assert_written("stdout stderr", "stdout=1000:1002");
}

static void test_offsets_report_an_end_once(void **state)
{
    (void)state;
    add("stdout", 0, "a")->end = true;
    take();
    assert_true(delivery->pieces[0].end);
    delivery->count = 0;
    add("stdout", 0, "a")->end = true;
    add("stdout", 1, "")->end = true;
    take();
    assert_int_equal(delivery->count, 0);
}

static void test_offsets_leave_a_state_alone(void **state)
{
    struct wsm_piece *piece;

    (void)state;
    add("stdout", 0, "a");
    take();
    delivery->count = 0;
    piece = add("stdout", 0, "a");
    piece->has_state = true;
    take();
    assert_int_equal(delivery->count, 1);
    assert_int_equal(piece->stream.len, 0);
    assert_true(piece->has_state);
    delivery->count = 0;
    piece = &delivery->pieces[delivery->count++]; /* an answer without any stream */
    *piece = (struct wsm_piece){ .has_state = true };
    take();
    assert_int_equal(delivery->count, 1);
}

static void test_offsets_refuse_an_answer_without_one(void **state)
{
    (void)state;
    wsm_offsets_start(&offsets, wsm_span_str("stdout"));
    add("stdout", 0, "a");
    add("stderr", 0, "b")->has_offset = false;
    assert_refused("stderr");
}

static void test_offsets_refuse_what_cannot_be_counted(void **state)
{
    (void)state;
    add("stdout", UINT64_MAX, "a");
    assert_refused("stdout");
    delivery->count = 0;
    add("stdout", UINT64_MAX - 1, "a");
    take();
}

static void test_offsets_have_room_for_so_many_streams(void **state)
{
    static char names[WSM_FROM_STREAMS_MAX + 1][4];
    size_t i;

    (void)state;
    for (i = 0; i <= WSM_FROM_STREAMS_MAX; i++) {
        snprintf(names[i], sizeof(names[i]), "s%zu", i);
        add(names[i], 0, "a");
    }
    assert_refused("more streams");
    delivery->count--;
    add("s0", 1, "b"); /* one that is there already */
    take();
    assert_int_equal(offsets.count, WSM_FROM_STREAMS_MAX);
    delivery->count = 0;
    add("one more", 0, "a");
    assert_refused("more streams");
}

static void test_offsets_refuse_a_long_name(void **state)
{
    (void)state;
    add("a name that is longer than any is.", 0, "a");
    assert_refused("long name");
}

static bool resume(const char *from, struct wsm_error *err)
{
    return wsm_offsets_resume(&offsets, wsm_span_str(from), err);
}

static void test_offsets_resume_where_told(void **state)
{
    struct wsm_error err = WSM_ERROR_INIT;

    (void)state;
    assert_true(resume("stderr=5:7 stdout=1:1", &err));
    assert_written("stdout stderr", "stderr=5:7 stdout=1:1");
    assert_int_equal(atomic_load(&wsm_offsets_find(&offsets, wsm_span_str("stderr"))->delivered),
                     5);
    add("stderr", 6, "abc");
    take();
    assert_piece(0, "bc", 0, 9);
}

static void test_offsets_resume_refuses_nonsense(void **state)
{
    static const char *const texts[] = {
        "",
        "stdout",
        "stdout=1",
        "stdout=2:1",
        "stdout=1:1 stdout=1:1",
        "=1:1",
        "stdout=:",
        "stdout=-1:1",
        "stdout=1:18446744073709551616",
        "a name that is longer than any is.=1:1",
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct wsm_error err = WSM_ERROR_INIT;

        if (resume(texts[i], &err))
            fail_msg("taken: %s", texts[i]);
        assert_int_equal(err.code, ERROR_WSMAN_INVALID_OPTIONS);
        wsm_error_clear(&err);
    }
}

static void assert_told(size_t room, const char *expected)
{
    struct wsm_delivered entries[WSM_FROM_STREAMS_MAX];
    struct wsm_buf out = WSM_BUF_INIT;

    wsm_delivered_write(&out, entries,
                        wsm_offsets_tell(&offsets, wsm_span_str("C"), entries, room));
    assert_true(wsm_span_is(wsm_buf_span(&out), expected));
    wsm_buf_clear(&out);
}

static void deliver(const char *stream, uint64_t upto)
{
    struct wsm_offset *offset = (struct wsm_offset *)(uintptr_t)wsm_offsets_find(
        &offsets, wsm_span_str(stream));

    atomic_store(&offset->delivered, upto);
}

static void test_offsets_tell_what_was_delivered(void **state)
{
    (void)state;
    wsm_offsets_start(&offsets, wsm_span_str("stdout stderr"));
    assert_told(8, ""); /* what is at 0 says nothing */
    add("stdout", 0, "abc");
    take();
    assert_told(8, ""); /* received is not delivered */
    deliver("stdout", 3);
    deliver("stderr", 2);
    assert_told(0, "");
    assert_told(1, "C/stdout=3");
    assert_told(8, "C/stderr=2"); /* what the first had no room for */
    assert_told(8, "");
    deliver("stdout", 4);
    assert_told(8, "C/stdout=4");
    wsm_offsets_untell(&offsets);
    assert_told(8, "C/stdout=4 C/stderr=2");
}

static void test_offsets_stop_at_the_limit(void **state)
{
    (void)state;
    wsm_offsets_start(&offsets, wsm_span_str("stdout stderr other"));
    offsets.is_limited = true;
    offsets.limit_stdout = 5;
    add("stdout", 0, "abcdefg");
    take();
    deliver("stdout", 4);
    assert_int_equal(wsm_offsets_delivered(&offsets, wsm_span_str("stdout")), 4);
    deliver("stdout", 7);
    deliver("stderr", 2);
    deliver("other", 9); /* of which nobody can say so */
    assert_int_equal(wsm_offsets_delivered(&offsets, wsm_span_str("stdout")), 5);
    assert_int_equal(wsm_offsets_delivered(&offsets, wsm_span_str("stderr")), 0);
    assert_int_equal(wsm_offsets_delivered(&offsets, wsm_span_str("unknown")), 0);
    assert_written("stdout", "stdout=5:7");
    assert_told(8, "C/stdout=5 C/other=9");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_offsets_of_a_new_command_are_0),
        TEST(test_offsets_nothing_known_says_nothing),
        TEST(test_offsets_follow_the_answers),
        TEST(test_offsets_cut_off_what_came_before),
        TEST(test_offsets_count_a_gap),
        TEST(test_offsets_of_an_unknown_stream_begin_with_its_answer),
        TEST(test_offsets_report_an_end_once),
        TEST(test_offsets_leave_a_state_alone),
        TEST(test_offsets_refuse_an_answer_without_one),
        TEST(test_offsets_refuse_what_cannot_be_counted),
        TEST(test_offsets_have_room_for_so_many_streams),
        TEST(test_offsets_refuse_a_long_name),
        TEST(test_offsets_resume_where_told),
        TEST(test_offsets_resume_refuses_nonsense),
        TEST(test_offsets_tell_what_was_delivered),
        TEST(test_offsets_stop_at_the_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
