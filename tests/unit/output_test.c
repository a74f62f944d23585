/* The output of a command: offsets, what is kept, order, limits; and a random walk against
 * a simple model. */
#include "host/output.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct fixture {
    struct wsm_chunk_pool pool;
    struct wsm_output output;
};

static void fixture_open(struct fixture *f)
{
    wsm_chunk_pool_init(&f->pool);
    wsm_output_init(&f->output, &f->pool);
}

static void fixture_close(struct fixture *f)
{
    wsm_output_clear(&f->output);
    wsm_chunk_pool_clear(&f->pool);
}

/* The byte at an offset of a stream. */
static uint8_t byte_at(enum wsm_host_stream stream, uint64_t offset)
{
    return (uint8_t)(offset * 31 + offset / 997 + (stream == WSM_HOST_STDERR ? 128 : 0));
}

/* Adds up to `count` bytes; how many there was room for. */
static size_t add(struct wsm_output *output, enum wsm_host_stream stream, size_t count)
{
    size_t added = 0;

    while (added < count && wsm_output_room(output, stream) > 0) {
        uint64_t offset = output->streams[stream].end;
        uint8_t *at;
        size_t len;

        assert_true(wsm_output_reserve(output, stream, &at, &len));
        assert_true(len > 0);
        if (len > count - added)
            len = count - added;
        for (size_t i = 0; i < len; i++)
            at[i] = byte_at(stream, offset + i);
        wsm_output_added(output, stream, len);
        added += len;
    }
    return added;
}

static void confirm(struct wsm_output *output, uint64_t out, uint64_t err)
{
    wsm_output_confirm(output, (const uint64_t[]){ out, err });
}

/* Walks from the given offsets and checks each byte; the text "o3e2" says: a piece of 3
 * bytes of stdout, then one of 2 bytes of stderr. */
static const char *walk(const struct wsm_output *output, uint32_t streams, uint64_t from_out,
                        uint64_t from_err, size_t max_bytes)
{
    static char text[65536];
    struct wsm_output_cursor cursor = { .streams = streams,
                                        .at = { from_out, from_err },
                                        .bytes_left = max_bytes };
    struct wsm_output_piece piece;
    size_t at = 0;

    text[0] = '\0';
    while (wsm_output_next(output, &cursor, &piece)) {
        uint64_t offset = piece.offset;

        for (size_t i = 0; i < piece.span_count; i++) {
            for (size_t j = 0; j < piece.spans[i].len; j++)
                assert_int_equal(piece.spans[i].ptr[j], byte_at(piece.stream, offset++));
        }
        assert_true(offset - piece.offset <= WSM_OUTPUT_PIECE_MAX);
        assert_int_equal(cursor.at[piece.stream], offset);
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%c%zu",
                               piece.stream == WSM_HOST_STDOUT ? 'o' : 'e',
                               (size_t)(offset - piece.offset));
    }
    return text;
}

static void test_output_keeps_offsets_and_order(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f);
    add(&f.output, WSM_HOST_STDOUT, 3);
    add(&f.output, WSM_HOST_STDERR, 2);
    add(&f.output, WSM_HOST_STDOUT, 4);
    add(&f.output, WSM_HOST_STDOUT, 1);
    assert_string_equal(walk(&f.output, 3, 0, 0, 1000), "o3e2o5");
    assert_string_equal(walk(&f.output, 3, 2, 1, 1000), "o1e1o5");
    assert_string_equal(walk(&f.output, 3, 3, 0, 1000), "e2o5");
    assert_string_equal(walk(&f.output, 3, 0, 2, 1000), "o8"); /* neighbours once stderr is out */
    assert_string_equal(walk(&f.output, 1, 0, 0, 1000), "o8");
    assert_string_equal(walk(&f.output, 2, 0, 0, 1000), "e2");
    assert_string_equal(walk(&f.output, 3, 8, 2, 1000), "");
    assert_string_equal(walk(&f.output, 3, 0, 0, 4), "o3e1");
    assert_string_equal(walk(&f.output, 3, 0, 0, 0), "");
    fixture_close(&f);
}

static void test_output_frees_only_what_is_confirmed(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f);
    add(&f.output, WSM_HOST_STDOUT, 3);
    add(&f.output, WSM_HOST_STDERR, 2);
    add(&f.output, WSM_HOST_STDOUT, 5);
    confirm(&f.output, 1, 2);
    assert_string_equal(walk(&f.output, 3, 1, 2, 1000), "o7");
    confirm(&f.output, 0, 0); /* never backwards */
    assert_int_equal(f.output.streams[WSM_HOST_STDOUT].confirmed, 1);
    assert_false(wsm_output_holds(&f.output, 1, (const uint64_t[]){ 0, 0 }));
    assert_true(wsm_output_holds(&f.output, 1, (const uint64_t[]){ 1, 0 }));
    assert_true(wsm_output_holds(&f.output, 1, (const uint64_t[]){ 8, 0 }));
    assert_false(wsm_output_holds(&f.output, 1, (const uint64_t[]){ 9, 0 }));
    assert_false(wsm_output_holds(&f.output, 3, (const uint64_t[]){ 8, 0 }));
    confirm(&f.output, 1000, 1000); /* nor beyond the end */
    assert_int_equal(f.output.streams[WSM_HOST_STDOUT].confirmed, 8);
    assert_int_equal(f.output.streams[WSM_HOST_STDERR].confirmed, 2);
    assert_int_equal(f.output.run_count, 0);
    assert_true(wsm_list_is_empty(&f.output.streams[WSM_HOST_STDOUT].chunks));
    add(&f.output, WSM_HOST_STDOUT, 2);
    assert_string_equal(walk(&f.output, 3, 8, 2, 1000), "o2");
    assert_string_equal(walk(&f.output, 3, 0, 0, 1000), "o2"); /* below: taken as confirmed */
    fixture_close(&f);
}

static void test_output_stops_at_its_limits(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f);
    assert_int_equal(add(&f.output, WSM_HOST_STDOUT, WSM_OUTPUT_MAX * 2), WSM_OUTPUT_STREAM_MAX);
    assert_int_equal(wsm_output_room(&f.output, WSM_HOST_STDOUT), 0);
    assert_int_equal(add(&f.output, WSM_HOST_STDERR, WSM_OUTPUT_MAX),
                     WSM_OUTPUT_MAX - WSM_OUTPUT_STREAM_MAX);
    assert_int_equal(wsm_output_room(&f.output, WSM_HOST_STDERR), 0);
    confirm(&f.output, 10, 0);
    assert_int_equal(wsm_output_room(&f.output, WSM_HOST_STDERR), 10);
    assert_int_equal(wsm_output_available(&f.output, 3, (const uint64_t[]){ 20, 5 }),
                     WSM_OUTPUT_MAX - 25);
    fixture_close(&f);
}

static void test_output_bounds_the_changes_between_streams(void **state)
{
    struct fixture f;
    size_t changes = 0;

    (void)state;
    fixture_open(&f);
    while (add(&f.output, changes % 2 == 0 ? WSM_HOST_STDOUT : WSM_HOST_STDERR, 1) == 1)
        changes++;
    assert_int_equal(changes, WSM_OUTPUT_RUNS_MAX);
    assert_int_equal(wsm_output_room(&f.output, WSM_HOST_STDOUT), 0);
    assert_true(wsm_output_room(&f.output, WSM_HOST_STDERR) > 0); /* goes on with the last run */
    confirm(&f.output, 0, 1000000); /* what is left of stdout is one run */
    assert_int_equal(f.output.run_count, 1);
    assert_true(wsm_output_room(&f.output, WSM_HOST_STDERR) > 0);
    fixture_close(&f);
}

static void test_output_pieces_fit_a_frame_and_cross_chunks(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f);
    add(&f.output, WSM_HOST_STDOUT, 300000);
    assert_string_equal(walk(&f.output, 3, 0, 0, 1000000), "o131008o131008o37984");
    assert_string_equal(walk(&f.output, 3, 131007, 0, 1000000), "o131008o37985");
    fixture_close(&f);
}

static void test_output_reserve_without_bytes_leaves_no_trace(void **state)
{
    struct fixture f;
    uint8_t *at;
    size_t len;

    (void)state;
    fixture_open(&f);
    assert_true(wsm_output_reserve(&f.output, WSM_HOST_STDOUT, &at, &len));
    wsm_output_added(&f.output, WSM_HOST_STDOUT, 0);
    assert_true(wsm_list_is_empty(&f.output.streams[WSM_HOST_STDOUT].chunks));
    assert_int_equal(f.output.run_count, 0);
    assert_int_equal(f.pool.count, 1);
    wsm_chunk_pool_clear(&f.pool);
    assert_int_equal(f.pool.count, 0);
    fixture_close(&f);
}

static void test_output_is_drained_when_both_streams_are_closed(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f);
    assert_false(wsm_output_is_drained(&f.output));
    wsm_output_close(&f.output, WSM_HOST_STDERR);
    assert_false(wsm_output_is_drained(&f.output));
    wsm_output_close(&f.output, WSM_HOST_STDOUT);
    assert_true(wsm_output_is_drained(&f.output));
    wsm_output_drop(&f.output, WSM_HOST_STDOUT, 9);
    assert_int_equal(f.output.streams[WSM_HOST_STDOUT].dropped, 9);
    assert_int_equal(f.output.streams[WSM_HOST_STDOUT].end, 0);
    fixture_close(&f);
}

static uint32_t random_below(uint64_t *seed, uint32_t limit)
{
    *seed = *seed * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(*seed >> 33) % limit;
}

/* The model: for each byte that ever arrived, its stream, in order. */
enum { MODEL_MAX = 1 << 23 };
struct model {
    uint8_t *streams; /* of each byte */
    size_t count;
};

static void check_against_model(const struct wsm_output *output, const struct model *model,
                                uint32_t streams, const uint64_t from[2])
{
    struct wsm_output_cursor cursor = { .streams = streams,
                                        .at = { from[0], from[1] },
                                        .bytes_left = SIZE_MAX };
    struct wsm_output_piece piece;
    uint64_t at[2] = { 0, 0 };
    size_t i = 0;

    while (wsm_output_next(output, &cursor, &piece)) {
        uint64_t offset = piece.offset;
        size_t left = 0;

        for (size_t span = 0; span < piece.span_count; span++) {
            left += piece.spans[span].len;
            assert_int_equal(piece.spans[span].ptr[0], byte_at(piece.stream, offset));
            offset += piece.spans[span].len;
        }
        offset = piece.offset;
        while (left > 0) { /* the next bytes of the model that are asked for */
            uint8_t stream = model->streams[i++];
            uint64_t position = at[stream]++;

            if ((streams & (1U << stream)) == 0 || position < from[stream])
                continue;
            assert_int_equal(stream, piece.stream);
            assert_int_equal(position, offset);
            offset++;
            left--;
        }
    }
    for (; i < model->count; i++) { /* nothing was left out */
        uint8_t stream = model->streams[i];

        assert_true((streams & (1U << stream)) == 0 || at[stream] < from[stream]);
        at[stream]++;
    }
}

static void test_output_agrees_with_a_model(void **state)
{
    static const uint64_t first_seed = 1717171717;
    uint64_t seed = first_seed;
    struct model model = { .streams = malloc(MODEL_MAX), .count = 0 };
    struct fixture f;

    (void)state;
    assert_non_null(model.streams);
    print_message("seed %llu\n", (unsigned long long)first_seed);
    fixture_open(&f);
    for (int step = 0; step < 3000 && model.count < MODEL_MAX - 200000; step++) {
        enum wsm_host_stream stream = (enum wsm_host_stream)random_below(&seed, 2);
        struct wsm_output_stream *streams = f.output.streams;
        uint64_t from[2];

        if (random_below(&seed, 4) > 0) {
            size_t want = 1 + random_below(&seed, random_below(&seed, 20) == 0 ? 200000 : 200);
            size_t added = add(&f.output, stream, want);

            memset(model.streams + model.count, (int)stream, added);
            model.count += added;
        } else {
            for (size_t i = 0; i < 2; i++)
                from[i] = streams[i].confirmed +
                          random_below(&seed,
                                       (uint32_t)(streams[i].end - streams[i].confirmed) + 1);
            if (random_below(&seed, 10) == 0)
                check_against_model(&f.output, &model, 1 + random_below(&seed, 3), from);
            else
                confirm(&f.output, from[0], from[1]);
        }
        assert_true(streams[0].end - streams[0].confirmed <= WSM_OUTPUT_STREAM_MAX);
        assert_true(f.output.run_count <= WSM_OUTPUT_RUNS_MAX);
    }
    fixture_close(&f);
    free(model.streams);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output_keeps_offsets_and_order),
        cmocka_unit_test(test_output_frees_only_what_is_confirmed),
        cmocka_unit_test(test_output_stops_at_its_limits),
        cmocka_unit_test(test_output_bounds_the_changes_between_streams),
        cmocka_unit_test(test_output_pieces_fit_a_frame_and_cross_chunks),
        cmocka_unit_test(test_output_reserve_without_bytes_leaves_no_trace),
        cmocka_unit_test(test_output_is_drained_when_both_streams_are_closed),
        cmocka_unit_test(test_output_agrees_with_a_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
