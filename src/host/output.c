/* The output of one command: chunks of bytes for each stream, and runs that say in which
 * order they arrived. The host's only thread; no I/O. Does not know who reads. */
#include "host/output.h"

#include <assert.h>
#include <stdlib.h>

enum { RUNS_FIRST = 16 };

void wsm_output_init(struct wsm_output *output, struct wsm_chunk_pool *pool)
{
    *output = (struct wsm_output){ .runs = NULL };
    for (size_t i = 0; i < WSM_HOST_STREAMS; i++)
        wsm_chunks_init(&output->streams[i].chunks, pool);
}

void wsm_output_clear(struct wsm_output *output)
{
    struct wsm_chunk_pool *pool = output->streams[WSM_HOST_STDOUT].chunks.pool;

    for (size_t i = 0; i < WSM_HOST_STREAMS; i++)
        wsm_chunks_clear(&output->streams[i].chunks);
    free(output->runs);
    wsm_output_init(output, pool);
}

static bool is_asked(uint32_t streams, size_t stream)
{
    return (streams & (1U << stream)) != 0;
}

static bool continues_last_run(const struct wsm_output *output, enum wsm_host_stream stream)
{
    const struct wsm_output_run *last;

    if (output->run_count == 0)
        return false;
    last = &output->runs[output->run_count - 1];
    return last->stream == stream && last->end == output->streams[stream].end;
}

size_t wsm_output_room(const struct wsm_output *output, enum wsm_host_stream stream)
{
    const struct wsm_output_stream *own = &output->streams[stream];
    size_t bytes = 0;
    size_t chunks = 0;
    size_t of_total;
    size_t of_stream;

    for (size_t i = 0; i < WSM_HOST_STREAMS; i++) {
        bytes += output->streams[i].chunks.bytes;
        chunks += output->streams[i].chunks.count;
    }
    if (output->run_count >= WSM_OUTPUT_RUNS_MAX && !continues_last_run(output, stream))
        return 0;
    if (chunks >= WSM_OUTPUT_CHUNKS_MAX && wsm_chunks_need_more(&own->chunks, own->end))
        return 0;
    of_total = WSM_OUTPUT_MAX - bytes;
    of_stream = WSM_OUTPUT_STREAM_MAX - own->chunks.bytes;
    return of_total < of_stream ? of_total : of_stream;
}

/* Makes sure that `more` runs fit, so that adding bytes, or cutting some, cannot fail. */
static bool reserve_runs(struct wsm_output *output, size_t more)
{
    struct wsm_output_run *runs;
    size_t cap = output->run_cap == 0 ? RUNS_FIRST : output->run_cap * 2;

    if (output->run_count + more <= output->run_cap)
        return true;
    runs = realloc(output->runs, cap * sizeof(*runs));
    if (runs == NULL)
        return false;
    output->runs = runs;
    output->run_cap = cap;
    return true;
}

bool wsm_output_reserve(struct wsm_output *output, enum wsm_host_stream stream, uint8_t **out_at,
                        size_t *out_len)
{
    struct wsm_output_stream *to = &output->streams[stream];
    size_t room = wsm_output_room(output, stream);

    assert(room > 0);
    if (!reserve_runs(output, 1) || !wsm_chunks_reserve(&to->chunks, to->end, out_at, out_len))
        return false;
    if (*out_len > room)
        *out_len = room;
    return true;
}

void wsm_output_added(struct wsm_output *output, enum wsm_host_stream stream, size_t count)
{
    struct wsm_output_stream *to = &output->streams[stream];

    wsm_chunks_added(&to->chunks, count);
    if (count == 0)
        return;
    if (!continues_last_run(output, stream))
        output->runs[output->run_count++] = (struct wsm_output_run){ .start = to->end,
                                                                     .end = to->end,
                                                                     .stream = stream };
    to->end += count;
    output->runs[output->run_count - 1].end = to->end;
}

void wsm_output_close(struct wsm_output *output, enum wsm_host_stream stream)
{
    output->streams[stream].is_closed = true;
}

void wsm_output_late(struct wsm_output *output, enum wsm_host_stream stream, size_t count)
{
    output->streams[stream].late += count;
}

bool wsm_output_is_drained(const struct wsm_output *output)
{
    return output->streams[WSM_HOST_STDOUT].is_closed && output->streams[WSM_HOST_STDERR].is_closed;
}

/* Appends [start, end) of a stream to the first *count runs, which are being rewritten in
 * place; nothing if it is empty. */
static void put_run(struct wsm_output *output, size_t *count, enum wsm_host_stream stream,
                    uint64_t start, uint64_t end)
{
    struct wsm_output_run *last = *count == 0 ? NULL : &output->runs[*count - 1];

    if (start >= end)
        return;
    if (last != NULL && last->stream == stream && last->end == start)
        last->end = end;
    else
        output->runs[(*count)++] = (struct wsm_output_run){ start, end, stream };
}

/* Takes the bytes [from, upto) of `stream` out of the runs; those that become neighbours are
 * joined. Needs a place for one more. */
static void cut_runs(struct wsm_output *output, enum wsm_host_stream stream, uint64_t from,
                     uint64_t upto)
{
    size_t count = 0;

    for (size_t i = 0; i < output->run_count; i++) {
        struct wsm_output_run run = output->runs[i];

        if (run.stream != stream || run.end <= from || run.start >= upto) {
            put_run(output, &count, run.stream, run.start, run.end);
            continue;
        }
        put_run(output, &count, stream, run.start, from);
        if (run.start < from && run.end > upto && count == i + 1) { /* one becomes two */
            memmove(&output->runs[i + 2], &output->runs[i + 1],
                    (output->run_count - i - 1) * sizeof(run));
            output->run_count++;
            i++;
        }
        put_run(output, &count, stream, run.start > upto ? run.start : upto, run.end);
    }
    output->run_count = count;
}

static void free_unused_runs(struct wsm_output *output)
{
    if (output->run_count > 0 || output->run_cap <= RUNS_FIRST)
        return;
    free(output->runs);
    output->runs = NULL;
    output->run_cap = 0;
}

/* How far the oldest bytes that no answer carried are to be dropped; false: there are none. */
static bool pick(const struct wsm_output *output, uint32_t streams, uint64_t upto[WSM_HOST_STREAMS])
{
    uint64_t bytes = WSM_CHUNK_BYTES;
    size_t runs = WSM_OUTPUT_DROP_RUNS;

    for (size_t i = 0; i < WSM_HOST_STREAMS; i++)
        upto[i] = output->streams[i].served;
    for (size_t i = 0; i < output->run_count && bytes > 0 && runs > 0; i++) {
        const struct wsm_output_run *run = &output->runs[i];
        uint64_t start = run->start;
        uint64_t count;

        if (start < upto[run->stream])
            start = upto[run->stream];
        if (!is_asked(streams, run->stream) || run->end <= start)
            continue;
        count = run->end - start < bytes ? run->end - start : bytes;
        upto[run->stream] = start + count;
        bytes -= count;
        runs--;
    }
    return runs < WSM_OUTPUT_DROP_RUNS;
}

/* Of which streams bytes have to go to make room for `stream`. */
static uint32_t in_the_way(const struct wsm_output *output, enum wsm_host_stream stream)
{
    return output->streams[stream].chunks.bytes >= WSM_OUTPUT_STREAM_MAX ? 1U << stream
                                                                         : WSM_OUTPUT_ALL;
}

bool wsm_output_can_drop(const struct wsm_output *output, enum wsm_host_stream stream)
{
    uint64_t upto[WSM_HOST_STREAMS];

    return pick(output, in_the_way(output, stream), upto);
}

bool wsm_output_make_room(struct wsm_output *output, enum wsm_host_stream stream)
{
    uint64_t upto[WSM_HOST_STREAMS];

    while (wsm_output_room(output, stream) == 0) {
        if (!reserve_runs(output, WSM_HOST_STREAMS) ||
            !pick(output, in_the_way(output, stream), upto))
            return false;
        for (size_t i = 0; i < WSM_HOST_STREAMS; i++) {
            struct wsm_output_stream *of = &output->streams[i];

            if (upto[i] == of->served)
                continue;
            upto[i] = wsm_chunks_divide(&of->chunks, of->served, upto[i], WSM_OUTPUT_CHUNKS_MAX);
            of->dropped += wsm_chunks_cut(&of->chunks, of->served, upto[i]);
            cut_runs(output, (enum wsm_host_stream)i, of->served, upto[i]);
        }
    }
    return true;
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
        wsm_chunks_cut(&stream->chunks, 0, stream->confirmed);
        cut_runs(output, (enum wsm_host_stream)i, 0, stream->confirmed);
    }
    free_unused_runs(output);
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
        if (is_asked(streams, i))
            count += wsm_chunks_available(&output->streams[i].chunks, from[i]);
    }
    return count;
}

/* Has the cursor still to deliver bytes of this run? */
static bool is_ahead(const struct wsm_output_cursor *cursor, const struct wsm_output_run *run)
{
    return is_asked(cursor->streams, run->stream) && run->end > cursor->at[run->stream];
}

/* Where the bytes of this run's stream stop: before the other stream interrupts them, or at
 * a hole. */
static uint64_t end_of_neighbours(const struct wsm_output *output,
                                  const struct wsm_output_cursor *cursor)
{
    enum wsm_host_stream stream = output->runs[cursor->run].stream;
    uint64_t end = output->runs[cursor->run].end;

    for (size_t i = cursor->run + 1; i < output->run_count; i++) {
        const struct wsm_output_run *run = &output->runs[i];

        if (run->stream == stream && run->start == end)
            end = run->end;
        else if (run->stream == stream || is_ahead(cursor, run))
            break;
    }
    return end;
}

/* A stream that is closed and whose last bytes were dropped: where it ends. */
static bool next_end(const struct wsm_output *output, struct wsm_output_cursor *cursor,
                     struct wsm_output_piece *out)
{
    for (size_t i = 0; i < WSM_HOST_STREAMS; i++) {
        const struct wsm_output_stream *stream = &output->streams[i];

        if (!is_asked(cursor->streams, i) || !stream->is_closed || cursor->at[i] == stream->end)
            continue;
        cursor->at[i] = stream->end;
        out->stream = (enum wsm_host_stream)i;
        out->offset = stream->end;
        out->span_count = 0;
        return true;
    }
    return false;
}

bool wsm_output_next(const struct wsm_output *output, struct wsm_output_cursor *cursor,
                     struct wsm_output_piece *out)
{
    const struct wsm_output_run *run;
    uint64_t end;
    size_t len;

    while (cursor->run < output->run_count && !is_ahead(cursor, &output->runs[cursor->run]))
        cursor->run++;
    if (cursor->run == output->run_count)
        return next_end(output, cursor, out);
    if (cursor->bytes_left == 0)
        return false;
    run = &output->runs[cursor->run];
    out->stream = run->stream;
    out->offset = cursor->at[run->stream] > run->start ? cursor->at[run->stream] : run->start;
    end = end_of_neighbours(output, cursor);
    len = WSM_OUTPUT_PIECE_MAX < cursor->bytes_left ? WSM_OUTPUT_PIECE_MAX : cursor->bytes_left;
    if (end - out->offset < len)
        len = (size_t)(end - out->offset);
    out->span_count = wsm_chunks_find(&output->streams[run->stream].chunks, out->offset, len,
                                      out->spans, WSM_OUTPUT_PIECE_SPANS);
    cursor->at[run->stream] = out->offset + len;
    cursor->bytes_left -= len;
    return true;
}
