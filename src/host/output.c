/* The output of one command: chunks of bytes for each stream, and runs that say in which
 * order they arrived. The host's only thread; no I/O. Does not know who reads. */
#include "host/output.h"

#include <assert.h>
#include <stdlib.h>

enum { RUNS_FIRST = 16 };

struct chunk {
    struct wsm_list node;
    uint64_t start; /* offset of its first byte */
    size_t len;
    uint8_t bytes[WSM_OUTPUT_CHUNK];
};

void wsm_chunk_pool_init(struct wsm_chunk_pool *pool)
{
    wsm_list_init(&pool->spares);
    pool->count = 0;
}

void wsm_chunk_pool_clear(struct wsm_chunk_pool *pool)
{
    while (!wsm_list_is_empty(&pool->spares)) {
        struct chunk *chunk = WSM_CONTAINER_OF(pool->spares.next, struct chunk, node);

        wsm_list_remove(&chunk->node);
        free(chunk);
    }
    pool->count = 0;
}

static struct chunk *pool_take(struct wsm_chunk_pool *pool)
{
    struct chunk *chunk;

    if (wsm_list_is_empty(&pool->spares)) {
        chunk = malloc(sizeof(*chunk));
        if (chunk != NULL)
            wsm_list_init(&chunk->node);
        return chunk;
    }
    chunk = WSM_CONTAINER_OF(pool->spares.prev, struct chunk, node); /* the warmest */
    wsm_list_remove(&chunk->node);
    pool->count--;
    return chunk;
}

static void pool_give(struct wsm_chunk_pool *pool, struct chunk *chunk)
{
    wsm_list_remove(&chunk->node);
    if (pool->count == WSM_OUTPUT_SPARES_MAX) {
        free(chunk);
        return;
    }
    wsm_list_add(&pool->spares, &chunk->node);
    pool->count++;
}

void wsm_output_init(struct wsm_output *output, struct wsm_chunk_pool *pool)
{
    *output = (struct wsm_output){ .pool = pool };
    for (size_t i = 0; i < WSM_HOST_STREAMS; i++)
        wsm_list_init(&output->streams[i].chunks);
}

void wsm_output_clear(struct wsm_output *output)
{
    for (size_t i = 0; i < WSM_HOST_STREAMS; i++) {
        while (!wsm_list_is_empty(&output->streams[i].chunks))
            pool_give(output->pool,
                      WSM_CONTAINER_OF(output->streams[i].chunks.next, struct chunk, node));
    }
    free(output->runs);
    wsm_output_init(output, output->pool);
}

static size_t kept(const struct wsm_output_stream *stream)
{
    return (size_t)(stream->end - stream->confirmed);
}

static bool continues_last_run(const struct wsm_output *output, enum wsm_host_stream stream)
{
    return output->run_count > 0 && output->runs[output->run_count - 1].stream == stream;
}

size_t wsm_output_room(const struct wsm_output *output, enum wsm_host_stream stream)
{
    size_t total = 0;
    size_t own = kept(&output->streams[stream]);
    size_t of_total;
    size_t of_stream;

    if (!continues_last_run(output, stream) && output->run_count == WSM_OUTPUT_RUNS_MAX)
        return 0;
    for (size_t i = 0; i < WSM_HOST_STREAMS; i++)
        total += kept(&output->streams[i]);
    of_total = WSM_OUTPUT_MAX - total;
    of_stream = WSM_OUTPUT_STREAM_MAX - own;
    return of_total < of_stream ? of_total : of_stream;
}

/* Makes sure that one more run fits, so that adding bytes cannot fail. */
static bool reserve_run(struct wsm_output *output)
{
    struct wsm_output_run *runs;
    size_t cap = output->run_cap == 0 ? RUNS_FIRST : output->run_cap * 2;

    if (output->run_count < output->run_cap)
        return true;
    runs = realloc(output->runs, cap * sizeof(*runs));
    if (runs == NULL)
        return false;
    output->runs = runs;
    output->run_cap = cap;
    return true;
}

static struct chunk *last_chunk(struct wsm_output_stream *stream)
{
    if (wsm_list_is_empty(&stream->chunks))
        return NULL;
    return WSM_CONTAINER_OF(stream->chunks.prev, struct chunk, node);
}

bool wsm_output_reserve(struct wsm_output *output, enum wsm_host_stream stream, uint8_t **out_at,
                        size_t *out_len)
{
    struct wsm_output_stream *to = &output->streams[stream];
    struct chunk *chunk = last_chunk(to);
    size_t room = wsm_output_room(output, stream);
    size_t in_chunk;

    assert(room > 0);
    if (!reserve_run(output))
        return false;
    if (chunk == NULL || chunk->len == WSM_OUTPUT_CHUNK) {
        chunk = pool_take(output->pool);
        if (chunk == NULL)
            return false;
        chunk->start = to->end;
        chunk->len = 0;
        wsm_list_add(&to->chunks, &chunk->node);
    }
    in_chunk = WSM_OUTPUT_CHUNK - chunk->len;
    *out_at = chunk->bytes + chunk->len;
    *out_len = in_chunk < room ? in_chunk : room;
    return true;
}

void wsm_output_added(struct wsm_output *output, enum wsm_host_stream stream, size_t count)
{
    struct wsm_output_stream *to = &output->streams[stream];
    struct chunk *chunk = last_chunk(to);

    if (chunk->len == 0 && count == 0) { /* reserved for nothing */
        pool_give(output->pool, chunk);
        return;
    }
    if (count == 0)
        return;
    if (!continues_last_run(output, stream))
        output->runs[output->run_count++] = (struct wsm_output_run){ .start = to->end,
                                                                     .end = to->end,
                                                                     .stream = stream };
    chunk->len += count;
    to->end += count;
    output->runs[output->run_count - 1].end = to->end;
}

void wsm_output_close(struct wsm_output *output, enum wsm_host_stream stream)
{
    output->streams[stream].is_closed = true;
}

void wsm_output_drop(struct wsm_output *output, enum wsm_host_stream stream, size_t count)
{
    output->streams[stream].dropped += count;
}

bool wsm_output_is_drained(const struct wsm_output *output)
{
    return output->streams[WSM_HOST_STDOUT].is_closed && output->streams[WSM_HOST_STDERR].is_closed;
}

static void free_confirmed_chunks(struct wsm_output *output, struct wsm_output_stream *stream)
{
    while (!wsm_list_is_empty(&stream->chunks)) {
        struct chunk *chunk = WSM_CONTAINER_OF(stream->chunks.next, struct chunk, node);

        if (chunk->start + chunk->len > stream->confirmed)
            break;
        pool_give(output->pool, chunk);
    }
}

/* Drops the runs that are confirmed; those that become neighbours are joined. */
static void trim_runs(struct wsm_output *output)
{
    size_t to = 0;

    for (size_t i = 0; i < output->run_count; i++) {
        struct wsm_output_run run = output->runs[i];
        uint64_t confirmed = output->streams[run.stream].confirmed;

        if (run.end <= confirmed)
            continue;
        if (run.start < confirmed)
            run.start = confirmed;
        if (to > 0 && output->runs[to - 1].stream == run.stream)
            output->runs[to - 1].end = run.end;
        else
            output->runs[to++] = run;
    }
    output->run_count = to;
    if (to == 0 && output->run_cap > RUNS_FIRST) {
        free(output->runs);
        output->runs = NULL;
        output->run_cap = 0;
    }
}

void wsm_output_confirm(struct wsm_output *output, const uint64_t upto[WSM_HOST_STREAMS])
{
    for (size_t i = 0; i < WSM_HOST_STREAMS; i++) {
        struct wsm_output_stream *stream = &output->streams[i];

        if (upto[i] <= stream->confirmed)
            continue;
        stream->confirmed = upto[i] < stream->end ? upto[i] : stream->end;
        if (stream->served < stream->confirmed)
            stream->served = stream->confirmed;
        free_confirmed_chunks(output, stream);
    }
    trim_runs(output);
}

void wsm_output_served(struct wsm_output *output, enum wsm_host_stream stream, uint64_t start,
                       uint64_t end)
{
    struct wsm_output_stream *to = &output->streams[stream];

    if (start < to->served)
        to->served_again += (end < to->served ? end : to->served) - start;
    if (end > to->served)
        to->served = end;
}

static bool is_asked(uint32_t streams, size_t stream)
{
    return (streams & (1U << stream)) != 0;
}

bool wsm_output_holds(const struct wsm_output *output, uint32_t streams,
                      const uint64_t from[WSM_HOST_STREAMS])
{
    for (size_t i = 0; i < WSM_HOST_STREAMS; i++) {
        const struct wsm_output_stream *stream = &output->streams[i];

        if (is_asked(streams, i) && (from[i] < stream->confirmed || from[i] > stream->end))
            return false;
    }
    return true;
}

size_t wsm_output_available(const struct wsm_output *output, uint32_t streams,
                            const uint64_t from[WSM_HOST_STREAMS])
{
    size_t count = 0;

    for (size_t i = 0; i < WSM_HOST_STREAMS; i++) {
        const struct wsm_output_stream *stream = &output->streams[i];
        uint64_t start = from[i] > stream->confirmed ? from[i] : stream->confirmed;

        if (is_asked(streams, i) && start < stream->end)
            count += (size_t)(stream->end - start);
    }
    return count;
}

/* Has the cursor still to deliver bytes of this run? */
static bool is_ahead(const struct wsm_output_cursor *cursor, const struct wsm_output_run *run)
{
    return is_asked(cursor->streams, run->stream) && run->end > cursor->at[run->stream];
}

/* Where the bytes of this run's stream stop, before the other stream interrupts them. */
static uint64_t end_of_neighbours(const struct wsm_output *output,
                                  const struct wsm_output_cursor *cursor)
{
    enum wsm_host_stream stream = output->runs[cursor->run].stream;
    uint64_t end = output->runs[cursor->run].end;

    for (size_t i = cursor->run + 1; i < output->run_count; i++) {
        if (output->runs[i].stream == stream)
            end = output->runs[i].end;
        else if (is_ahead(cursor, &output->runs[i]))
            break;
    }
    return end;
}

/* Spans of the bytes [piece->offset, + len). */
static void find_bytes(const struct wsm_output_stream *stream, size_t len,
                       struct wsm_output_piece *piece)
{
    const struct wsm_list *node;
    uint64_t at = piece->offset;
    uint64_t end = at + len;

    piece->span_count = 0;
    WSM_LIST_FOREACH (node, &stream->chunks) {
        const struct chunk *chunk = WSM_CONTAINER_OF(node, const struct chunk, node);
        uint64_t chunk_end = chunk->start + chunk->len;

        if (chunk_end <= at)
            continue;
        if (at == end)
            break;
        assert(piece->span_count < WSM_OUTPUT_PIECE_SPANS);
        if (chunk_end > end)
            chunk_end = end;
        piece->spans[piece->span_count++] = wsm_span_of(chunk->bytes + (at - chunk->start),
                                                        (size_t)(chunk_end - at));
        at = chunk_end;
    }
    assert(at == end);
}

bool wsm_output_next(const struct wsm_output *output, struct wsm_output_cursor *cursor,
                     struct wsm_output_piece *out)
{
    const struct wsm_output_run *run;
    uint64_t end;
    size_t len;

    while (cursor->run < output->run_count && !is_ahead(cursor, &output->runs[cursor->run]))
        cursor->run++;
    if (cursor->run == output->run_count || cursor->bytes_left == 0)
        return false;
    run = &output->runs[cursor->run];
    out->stream = run->stream;
    out->offset = cursor->at[run->stream] > run->start ? cursor->at[run->stream] : run->start;
    end = end_of_neighbours(output, cursor);
    len = WSM_OUTPUT_PIECE_MAX < cursor->bytes_left ? WSM_OUTPUT_PIECE_MAX : cursor->bytes_left;
    if (end - out->offset < len)
        len = (size_t)(end - out->offset);
    find_bytes(&output->streams[run->stream], len, out);
    cursor->at[run->stream] = out->offset + len;
    cursor->bytes_left -= len;
    return true;
}
