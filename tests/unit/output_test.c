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
 * bytes of stdout, then one of 2 bytes of stderr; "_7" that 7 bytes are missing before it. */
static const char *walk(const struct wsm_output *output, uint32_t streams, uint64_t from_out,
                        uint64_t from_err, size_t max_bytes)
{
    static char text[65536];
    struct wsm_output_cursor cursor = { .streams = streams,
                                        .at = { from_out, from_err },
                                        .bytes_left = max_bytes };
    struct wsm_output_piece piece;
    uint64_t next[WSM_HOST_STREAMS] = { from_out, from_err };
    size_t at = 0;

    for (size_t i = 0; i < WSM_HOST_STREAMS; i++) {
        if (next[i] < output->streams[i].confirmed)
            next[i] = output->streams[i].confirmed;
    }
    text[0] = '\0';
    while (wsm_output_next(output, &cursor, &piece)) {
        uint64_t offset = piece.offset;

        if (offset > next[piece.stream])
            at += (size_t)snprintf(text + at, sizeof(text) - at, "_%zu",
                                   (size_t)(offset - next[piece.stream]));
        for (size_t i = 0; i < piece.span_count; i++) {
            for (size_t j = 0; j < piece.spans[i].len; j++)
                assert_int_equal(piece.spans[i].ptr[j], byte_at(piece.stream, offset++));
        }
        assert_true(offset - piece.offset <= WSM_OUTPUT_PIECE_MAX);
        assert_int_equal(cursor.at[piece.stream], offset);
        next[piece.stream] = offset;
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
    assert_int_equal(f.output.streams[WSM_HOST_STDOUT].chunks.count, 0);
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
    assert_int_equal(f.output.streams[WSM_HOST_STDOUT].chunks.count, 0);
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
    wsm_output_late(&f.output, WSM_HOST_STDOUT, 9);
    assert_int_equal(f.output.streams[WSM_HOST_STDOUT].late, 9);
    assert_int_equal(f.output.streams[WSM_HOST_STDOUT].dropped, 0);
    assert_int_equal(f.output.streams[WSM_HOST_STDOUT].end, 0);
    fixture_close(&f);
}

static uint32_t random_below(uint64_t *seed, uint32_t limit)
{
    *seed = *seed * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(*seed >> 33) % limit;
}

/* An answer carried everything below `upto`. */
static void serve(struct wsm_output *output, enum wsm_host_stream stream, uint64_t upto)
{
    wsm_output_served(output, stream, output->streams[stream].served, upto);
}

/* Fills `stream` up to its limit. */
static void fill(struct wsm_output *output, enum wsm_host_stream stream)
{
    add(output, stream, SIZE_MAX);
    assert_int_equal(wsm_output_room(output, stream), 0);
}

static void test_output_counts_what_answers_carried(void **state)
{
    struct fixture f;
    const struct wsm_output_stream *out = &f.output.streams[WSM_HOST_STDOUT];

    (void)state;
    fixture_open(&f);
    add(&f.output, WSM_HOST_STDOUT, 100);
    wsm_output_served(&f.output, WSM_HOST_STDOUT, 0, 40);
    assert_int_equal(out->served, 40);
    assert_int_equal(out->served_again, 0);
    wsm_output_served(&f.output, WSM_HOST_STDOUT, 10, 60);
    assert_int_equal(out->served, 60);
    assert_int_equal(out->served_again, 30);
    wsm_output_served(&f.output, WSM_HOST_STDOUT, 10, 20);
    assert_int_equal(out->served, 60);
    assert_int_equal(out->served_again, 40);
    confirm(&f.output, 80, 0); /* never below what is confirmed */
    assert_int_equal(out->served, 80);
    fixture_close(&f);
}

static void test_output_drops_the_oldest_and_counts_it(void **state)
{
    struct fixture f;
    const struct wsm_output_stream *out = &f.output.streams[WSM_HOST_STDOUT];

    (void)state;
    fixture_open(&f);
    fill(&f.output, WSM_HOST_STDOUT);
    assert_true(wsm_output_can_drop(&f.output, WSM_HOST_STDOUT));
    assert_true(wsm_output_make_room(&f.output, WSM_HOST_STDOUT));
    assert_int_equal(wsm_output_room(&f.output, WSM_HOST_STDOUT), WSM_CHUNK_BYTES);
    assert_int_equal(out->dropped, WSM_CHUNK_BYTES);
    assert_int_equal(out->end, WSM_OUTPUT_STREAM_MAX); /* offsets count what was dropped */
    assert_int_equal(out->confirmed, 0);
    assert_true(wsm_output_holds(&f.output, 1, (const uint64_t[]){ 17, 0 })); /* in the hole */
    assert_int_equal(wsm_output_available(&f.output, 1, (const uint64_t[]){ 17, 0 }),
                     WSM_OUTPUT_STREAM_MAX - WSM_CHUNK_BYTES);
    assert_string_equal(walk(&f.output, 3, 0, 0, 100), "_131008o100");
    assert_string_equal(walk(&f.output, 3, 131000, 0, 100), "_8o100");
    assert_string_equal(walk(&f.output, 3, 131008, 0, 100), "o100");
    assert_true(wsm_output_make_room(&f.output, WSM_HOST_STDOUT)); /* there is some: nothing */
    assert_int_equal(out->dropped, WSM_CHUNK_BYTES);
    fixture_close(&f);
}

static void test_output_never_drops_what_an_answer_carried(void **state)
{
    struct fixture f;
    const struct wsm_output_stream *out = &f.output.streams[WSM_HOST_STDOUT];

    (void)state;
    fixture_open(&f);
    fill(&f.output, WSM_HOST_STDOUT);
    confirm(&f.output, 10, 0);
    fill(&f.output, WSM_HOST_STDOUT);
    serve(&f.output, WSM_HOST_STDOUT, 1000);
    for (int i = 0; i < 100; i++) {
        assert_true(wsm_output_make_room(&f.output, WSM_HOST_STDOUT));
        fill(&f.output, WSM_HOST_STDOUT);
    }
    assert_string_equal(walk(&f.output, 1, 10, 0, 1000), "o990_13100800o10");
    assert_int_equal(out->dropped, 13100800);
    assert_int_equal(out->end - out->dropped - out->confirmed, WSM_OUTPUT_STREAM_MAX);
    serve(&f.output, WSM_HOST_STDOUT, 1000 + 13100800 + 50); /* the next answer: behind the hole */
    assert_true(wsm_output_make_room(&f.output, WSM_HOST_STDOUT));
    assert_string_equal(walk(&f.output, 1, 10, 0, 1050), "o990_13100800o50_131008o10");
    assert_string_equal(walk(&f.output, 1, 5000, 0, 10), "_13096800o10"); /* from in a hole */
    confirm(&f.output, 5000, 0);                                          /* up to there, too */
    assert_int_equal(out->confirmed, 5000);
    assert_string_equal(walk(&f.output, 1, 5000, 0, 60), "_13096800o50_131008o10");
    confirm(&f.output, 1000 + 13100800 + 20, 0);
    assert_string_equal(walk(&f.output, 1, 1000 + 13100800 + 20, 0, 40), "o30_131008o10");
    fixture_close(&f);
}

static void test_output_holds_back_when_all_was_carried(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f);
    fill(&f.output, WSM_HOST_STDOUT);
    serve(&f.output, WSM_HOST_STDOUT, WSM_OUTPUT_STREAM_MAX);
    assert_false(wsm_output_can_drop(&f.output, WSM_HOST_STDOUT));
    assert_false(wsm_output_make_room(&f.output, WSM_HOST_STDOUT));
    assert_int_equal(f.output.streams[WSM_HOST_STDOUT].dropped, 0);
    assert_int_equal(add(&f.output, WSM_HOST_STDERR, SIZE_MAX),
                     WSM_OUTPUT_MAX - WSM_OUTPUT_STREAM_MAX);
    assert_true(wsm_output_make_room(&f.output, WSM_HOST_STDERR)); /* of its own it may */
    assert_false(wsm_output_make_room(&f.output, WSM_HOST_STDOUT));
    confirm(&f.output, 1, 0);
    assert_int_equal(wsm_output_room(&f.output, WSM_HOST_STDOUT), 1);
    fixture_close(&f);
}

static void test_output_drops_to_its_very_end(void **state)
{
    struct fixture f;
    const struct wsm_output_stream *out = &f.output.streams[WSM_HOST_STDOUT];

    (void)state;
    fixture_open(&f);
    fill(&f.output, WSM_HOST_STDOUT);
    serve(&f.output, WSM_HOST_STDOUT, WSM_OUTPUT_STREAM_MAX - 5);
    assert_true(wsm_output_make_room(&f.output, WSM_HOST_STDOUT));
    assert_int_equal(out->dropped, 5);
    assert_int_equal(wsm_output_available(&f.output, 1, (const uint64_t[]){ out->served, 0 }), 0);
    assert_string_equal(walk(&f.output, 1, out->served, 0, 10), "");
    add(&f.output, WSM_HOST_STDOUT, 3); /* a run and a chunk of its own, behind the hole */
    assert_string_equal(walk(&f.output, 1, out->served - 1, 0, 10), "o1_5o3");
    fixture_close(&f);
}

static void test_output_says_where_a_dropped_end_lies(void **state)
{
    struct fixture f;
    const struct wsm_output_stream *out = &f.output.streams[WSM_HOST_STDOUT];
    struct wsm_output_cursor cursor = { .streams = 1, .bytes_left = 5 };
    struct wsm_output_piece piece;

    (void)state;
    fixture_open(&f);
    fill(&f.output, WSM_HOST_STDOUT);
    serve(&f.output, WSM_HOST_STDOUT, WSM_OUTPUT_STREAM_MAX - 5);
    assert_true(wsm_output_make_room(&f.output, WSM_HOST_STDOUT));
    assert_string_equal(walk(&f.output, 1, out->served, 0, 10), ""); /* more may come */
    wsm_output_close(&f.output, WSM_HOST_STDERR);
    assert_string_equal(walk(&f.output, 3, out->served, 0, 10), "");
    wsm_output_close(&f.output, WSM_HOST_STDOUT);
    assert_string_equal(walk(&f.output, 3, out->served, 0, 10), "_5o0");
    assert_string_equal(walk(&f.output, 3, out->served - 2, 0, 2), "o2_5o0");
    assert_string_equal(walk(&f.output, 2, out->served, 0, 10), "");      /* not asked for */
    assert_string_equal(walk(&f.output, 1, out->end, 0, 10), "");         /* known already */
    assert_string_equal(walk(&f.output, 1, out->served - 2, 0, 1), "o1"); /* not there yet */
    cursor.at[WSM_HOST_STDOUT] = out->served;
    assert_true(wsm_output_next(&f.output, &cursor, &piece));
    assert_int_equal(cursor.bytes_left, 5);
    fixture_close(&f);
}

static void test_output_drops_in_the_order_of_arrival(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f);
    add(&f.output, WSM_HOST_STDERR, 1000);
    add(&f.output, WSM_HOST_STDOUT, WSM_OUTPUT_STREAM_MAX - 10);
    add(&f.output, WSM_HOST_STDERR, SIZE_MAX);
    assert_int_equal(wsm_output_room(&f.output, WSM_HOST_STDERR), 0);
    assert_true(wsm_output_make_room(&f.output, WSM_HOST_STDERR)); /* of both together */
    assert_int_equal(f.output.streams[WSM_HOST_STDERR].dropped, 1000);
    assert_int_equal(f.output.streams[WSM_HOST_STDOUT].dropped, WSM_CHUNK_BYTES - 1000);
    fixture_close(&f);
}

static void test_output_drops_many_changes_between_streams_at_once(void **state)
{
    struct fixture f;
    const struct wsm_output_stream *streams = f.output.streams;
    int calls = 0;

    (void)state;
    fixture_open(&f);
    add(&f.output, WSM_HOST_STDOUT, 7);
    serve(&f.output, WSM_HOST_STDOUT, 5); /* in the chunk that the rest goes to */
    for (int i = 0; i < 100000; i++) {
        enum wsm_host_stream stream = i % 2 == 0 ? WSM_HOST_STDERR : WSM_HOST_STDOUT;

        if (wsm_output_room(&f.output, stream) == 0) {
            assert_true(wsm_output_make_room(&f.output, stream));
            calls++;
        }
        assert_int_equal(add(&f.output, stream, 1), 1);
    }
    assert_true(calls <= 100000 / (WSM_OUTPUT_DROP_RUNS - WSM_HOST_STREAMS));
    assert_true(f.output.run_count >= WSM_OUTPUT_RUNS_MAX - WSM_OUTPUT_DROP_RUNS);
    assert_true(f.output.run_count <= WSM_OUTPUT_RUNS_MAX);
    for (size_t i = 0; i < WSM_HOST_STREAMS; i++)
        assert_int_equal(streams[i].end, streams[i].dropped + streams[i].chunks.bytes);
    assert_memory_equal(walk(&f.output, 3, 0, 0, 100), "o5_", 3);
    fixture_close(&f);
}

static void test_output_bounds_its_memory_whatever_holes_there_are(void **state)
{
    struct fixture f;
    const struct wsm_output_stream *out = &f.output.streams[WSM_HOST_STDOUT];
    int rounds = 0;

    (void)state;
    fixture_open(&f);
    do { /* one byte of each chunk is pinned */
        fill(&f.output, WSM_HOST_STDOUT);
        serve(&f.output, WSM_HOST_STDOUT,
              out->end - wsm_output_available(&f.output, 1, (const uint64_t[]){ out->served, 0 }) +
                  1);
        assert_true(out->chunks.count <= WSM_OUTPUT_CHUNKS_MAX);
        rounds++;
    } while (wsm_output_make_room(&f.output, WSM_HOST_STDOUT) && rounds < 1000);
    assert_true(rounds < 1000);
    confirm(&f.output, out->served, 0);
    fill(&f.output, WSM_HOST_STDOUT);
    assert_true(wsm_output_make_room(&f.output, WSM_HOST_STDOUT));
    fixture_close(&f);
}

/* The model: for each byte that ever arrived its stream, in order; for each byte of a
 * stream, whether it must still be there. */
enum { MODEL_MAX = 1 << 23 };
struct model {
    uint8_t *order;
    size_t count;
    uint8_t *is_kept[WSM_HOST_STREAMS];
};

static void model_open(struct model *model)
{
    *model = (struct model){ .order = malloc(MODEL_MAX) };
    assert_non_null(model->order);
    for (size_t i = 0; i < WSM_HOST_STREAMS; i++) {
        model->is_kept[i] = calloc(MODEL_MAX, 1);
        assert_non_null(model->is_kept[i]);
    }
}

static void model_close(struct model *model)
{
    free(model->order);
    for (size_t i = 0; i < WSM_HOST_STREAMS; i++)
        free(model->is_kept[i]);
}

static void model_add(struct model *model, struct wsm_output *output, enum wsm_host_stream stream,
                      size_t want)
{
    uint64_t at = output->streams[stream].end;
    size_t added = add(output, stream, want);

    memset(model->order + model->count, (int)stream, added);
    memset(model->is_kept[stream] + at, 1, added);
    model->count += added;
}

static void model_lose(struct model *model, size_t stream, uint64_t from, uint64_t upto)
{
    memset(model->is_kept[stream] + from, 0, (size_t)(upto - from));
}

/* Makes room if there is none. What is gone must be the oldest of each stream that no answer
 * carried, must be counted, and no more than is needed. */
static void model_drop(struct model *model, struct wsm_output *output, enum wsm_host_stream stream)
{
    const struct wsm_output_stream *streams = output->streams;
    const bool had_room = wsm_output_room(output, stream) > 0;
    const bool can = wsm_output_can_drop(output, stream);
    uint64_t before[WSM_HOST_STREAMS] = { streams[0].dropped, streams[1].dropped };
    const bool ok = wsm_output_make_room(output, stream);
    uint64_t sum = 0;

    assert_int_equal(ok, wsm_output_room(output, stream) > 0);
    assert_true(can || had_room || !ok);
    for (size_t i = 0; i < WSM_HOST_STREAMS; i++) {
        uint64_t gone = streams[i].dropped - before[i];

        sum += gone;
        for (uint64_t at = streams[i].served; gone > 0; at++) {
            assert_true(at < streams[i].end);
            gone -= model->is_kept[i][at];
            model->is_kept[i][at] = 0;
        }
    }
    assert_true(sum <= WSM_OUTPUT_STREAM_MAX);
    assert_true(sum == 0 || !had_room);
}

static void check_against_model(const struct wsm_output *output, const struct model *model,
                                uint32_t streams, const uint64_t from[2])
{
    struct wsm_output_cursor cursor = { .streams = streams,
                                        .at = { from[0], from[1] },
                                        .bytes_left = SIZE_MAX };
    struct wsm_output_piece piece = { .span_count = 0 };
    uint64_t at[2] = { 0, 0 };
    uint64_t offset = 0;
    size_t left = 0;
    size_t sum = 0;

    for (size_t i = 0; i < model->count; i++) {
        uint8_t stream = model->order[i];
        uint64_t position = at[stream]++;

        if ((streams & (1U << stream)) == 0 || position < from[stream] ||
            !model->is_kept[stream][position])
            continue;
        if (left == 0) {
            assert_true(wsm_output_next(output, &cursor, &piece));
            offset = piece.offset;
            for (size_t span = 0; span < piece.span_count; span++) {
                assert_int_equal(piece.spans[span].ptr[0], byte_at(piece.stream, offset + left));
                left += piece.spans[span].len;
            }
        }
        assert_int_equal(stream, piece.stream);
        assert_int_equal(position, offset);
        offset++;
        left--;
        sum++;
    }
    assert_int_equal(left, 0);
    assert_false(wsm_output_next(output, &cursor, &piece));
    assert_int_equal(wsm_output_available(output, streams, from), sum);
}

static uint64_t between(uint64_t *seed, uint64_t low, uint64_t high)
{
    return low + random_below(seed, (uint32_t)(high - low) + 1);
}

/* An answer from a random place on, and perhaps a confirmation of what answers carried. */
static void model_serve(struct model *model, struct wsm_output *output, uint64_t *seed)
{
    struct wsm_output_stream *streams = output->streams;
    struct wsm_output_cursor cursor = { .streams = 1 + random_below(seed, 3),
                                        .bytes_left = random_below(seed, 300000) };
    struct wsm_output_piece piece;
    uint64_t upto[2];

    for (size_t i = 0; i < 2; i++)
        cursor.at[i] = between(seed, streams[i].confirmed, streams[i].served);
    while (wsm_output_next(output, &cursor, &piece))
        wsm_output_served(output, piece.stream, piece.offset, cursor.at[piece.stream]);
    for (size_t i = 0; i < 2; i++) {
        assert_true(streams[i].confirmed <= streams[i].served);
        assert_true(streams[i].served <= streams[i].end);
        upto[i] = between(seed, streams[i].confirmed, streams[i].served);
    }
    if (random_below(seed, 3) > 0)
        return;
    for (size_t i = 0; i < 2; i++)
        model_lose(model, i, streams[i].confirmed, upto[i]);
    confirm(output, upto[0], upto[1]);
}

static void walk_randomly(uint64_t seed, uint32_t long_one_in, uint32_t serve_one_in)
{
    struct model model;
    struct fixture f;

    print_message("seed %llu\n", (unsigned long long)seed);
    model_open(&model);
    fixture_open(&f);
    for (int step = 0; step < 20000 && model.count < MODEL_MAX - 200000; step++) {
        enum wsm_host_stream stream = (enum wsm_host_stream)random_below(&seed, 2);
        struct wsm_output_stream *streams = f.output.streams;
        uint64_t from[2];

        if (random_below(&seed, serve_one_in) > 0) {
            if (random_below(&seed, 50) > 0)
                model_drop(&model, &f.output, stream);
            model_add(
                &model, &f.output, stream,
                1 + random_below(&seed, random_below(&seed, long_one_in) == 0 ? 200000 : 200));
        } else {
            model_serve(&model, &f.output, &seed);
            for (size_t i = 0; i < 2; i++)
                from[i] = between(&seed, streams[i].confirmed, streams[i].end);
            if (random_below(&seed, 8) == 0)
                check_against_model(&f.output, &model, 1 + random_below(&seed, 3), from);
        }
        assert_true(streams[0].chunks.bytes <= WSM_OUTPUT_STREAM_MAX);
        assert_true(streams[0].chunks.bytes + streams[1].chunks.bytes <= WSM_OUTPUT_MAX);
        assert_true(streams[0].chunks.count + streams[1].chunks.count <= WSM_OUTPUT_CHUNKS_MAX);
        assert_true(f.output.run_count <= WSM_OUTPUT_RUNS_MAX + 2 * WSM_OUTPUT_CHUNKS_MAX);
    }
    print_message("%zu bytes, %llu dropped\n", model.count,
                  (unsigned long long)(f.output.streams[0].dropped + f.output.streams[1].dropped));
    fixture_close(&f);
    model_close(&model);
}

static void test_output_agrees_with_a_model(void **state)
{
    (void)state;
    walk_randomly(1717171717, 20, 20);
    walk_randomly(3141592653, 20, 150);
    walk_randomly(4242424242, 2000, 1000); /* many short ones: the limit of runs */
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
        cmocka_unit_test(test_output_counts_what_answers_carried),
        cmocka_unit_test(test_output_drops_the_oldest_and_counts_it),
        cmocka_unit_test(test_output_never_drops_what_an_answer_carried),
        cmocka_unit_test(test_output_holds_back_when_all_was_carried),
        cmocka_unit_test(test_output_drops_to_its_very_end),
        cmocka_unit_test(test_output_says_where_a_dropped_end_lies),
        cmocka_unit_test(test_output_drops_in_the_order_of_arrival),
        cmocka_unit_test(test_output_drops_many_changes_between_streams_at_once),
        cmocka_unit_test(test_output_bounds_its_memory_whatever_holes_there_are),
        cmocka_unit_test(test_output_agrees_with_a_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
