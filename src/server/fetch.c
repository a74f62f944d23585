/* Fetches output from a shell host and encodes it. The winrmd-net loop runs it. Decides
 * nothing: which bytes, and for whom, is up to op_receive.c. */
#include "server/fetch.h"

#include "ipc/stream_names.h"
#include "proto/receive.h"
#include "server/service.h"
#include "wsmerror.h"

#include <stdlib.h>

enum {
    DATA_MAX = 512 * 1024, /* bytes in one answer, so that a full buffer can still drop some */
    PIECES_MAX = 32,
    ENVELOPE_A_PIECE = 8192, /* small envelopes get few pieces: each costs its tags */
    AHEAD_KEEP_MS = 3000,    /* what was fetched ahead and is not asked for */
    SWEEP_MS = 1000,
    BULK_BYTES = 16384, /* from here on a piece is not that of a dialogue */
};

static void fetch_free(struct wsm_fetch *fetch)
{
    fetch->command->fetch = NULL;
    wsm_host_call_drop(&fetch->call);
    wsm_list_remove(&fetch->node);
    wsm_response_clear(&fetch->response);
    free(fetch);
}

void wsm_fetch_cancel(struct wsm_fetch *fetch)
{
    if (fetch == NULL)
        return;
    if (fetch->call.number != 0 && fetch->command->shell->state == WSM_SHELL_OPEN) {
        struct wsm_host_cancel message = { .request = fetch->call.number };

        wsm_host_link_send(fetch->command->shell->link, &wsm_host_cancel_type, &message);
    }
    fetch_free(fetch);
}

/* ---- what comes from the host ---- */

static void write_stream(struct wsm_fetch *fetch, unsigned stream, struct wsm_span data, bool end)
{
    struct wsm_stream_data piece = { .name = wsm_span_str(wsm_output_stream_names[stream]),
                                     .command_id = wsm_span_str(fetch->command->id.text),
                                     .data = data,
                                     .end = end,
                                     .has_offset = fetch->wish.has_offsets,
                                     .offset = fetch->upto[stream] };

    wsm_receive_response_stream(&fetch->response.out, &piece);
}

/* A larger offset than expected: the bytes before it were dropped. Without data: up to the end of
 * the stream, where on_answer() writes it. */
static void on_output(struct wsm_host_call *call, const struct wsm_host_output *output)
{
    struct wsm_fetch *fetch = WSM_CONTAINER_OF(call, struct wsm_fetch, call);
    struct wsm_command *command = fetch->command;
    struct wsm_buf *out = &fetch->response.out;

    if ((fetch->wish.streams & (1U << output->stream)) == 0 ||
        output->offset < fetch->upto[output->stream] || output->data.len > fetch->budget ||
        fetch->pieces == 0 || output->offset > UINT64_MAX - output->data.len) {
        fetch->is_torn = true; /* hosts run as their users: nothing is taken on trust */
        return;
    }
    if (output->data.len >= BULK_BYTES && out->len < fetch->max_envelope)
        (void)!wsm_buf_reserve(out, fetch->max_envelope - out->len); /* instead of by and by */
    fetch->upto[output->stream] = output->offset;
    if (output->data.len > 0)
        write_stream(fetch, output->stream, output->data, false);
    fetch->upto[output->stream] += output->data.len;
    fetch->budget -= output->data.len;
    fetch->pieces--;
    fetch->bytes += output->data.len;
    if (command->known_end[output->stream] < fetch->upto[output->stream])
        command->known_end[output->stream] = fetch->upto[output->stream];
}

static void on_failed(struct wsm_host_call *call, const struct wsm_error *err)
{
    struct wsm_fetch *fetch = WSM_CONTAINER_OF(call, struct wsm_fetch, call);
    struct wsm_command *command = fetch->command;
    const struct wsm_fetch_events *events = fetch->events;

    fetch_free(fetch);
    events->on_failed(command, err);
}

static void on_answer(struct wsm_host_call *call, const struct wsm_host_answer *answer)
{
    struct wsm_fetch *fetch = WSM_CONTAINER_OF(call, struct wsm_fetch, call);
    struct wsm_command *command = fetch->command;

    if (fetch->is_torn) {
        struct wsm_error err = WSM_ERROR_INIT;

        wsm_fail(&err, ERROR_INTERNAL_ERROR,
                 "command %s: its host sent output that was not asked for", command->id.text);
        on_failed(call, &err);
        wsm_error_clear(&err);
        return;
    }
    for (unsigned i = 0; i < WSM_HOST_STREAMS; i++) {
        if (answer->is_done && (fetch->wish.streams & (1U << i)) != 0)
            write_stream(fetch, i, wsm_span_of(NULL, 0), true);
    }
    wsm_receive_response_state(&fetch->response.out, wsm_span_str(command->id.text),
                               answer->is_done ? WSM_COMMAND_DONE : WSM_COMMAND_RUNNING,
                               answer->exit_code);
    wsm_receive_response_end(&fetch->response.out);
    fetch->is_complete = true;
    fetch->is_final = answer->is_done != 0;
    fetch->events->on_complete(command);
}

/* ---- asking ---- */

static size_t data_max(size_t max_envelope, bool is_utf16, size_t *out_pieces)
{
    size_t room = is_utf16 ? max_envelope / 2 - 1 : max_envelope; /* a mark and two bytes each */
    size_t pieces = room / ENVELOPE_A_PIECE;
    size_t bytes;

    /* Room for the ends of both streams, if their last bytes were dropped: an answer without data
     * that is not the last one would be asked for again and again. */
    if (pieces < WSM_HOST_STREAMS)
        pieces = WSM_HOST_STREAMS;
    *out_pieces = pieces > PIECES_MAX ? PIECES_MAX : pieces;
    bytes = wsm_receive_data_max(room, *out_pieces);
    return bytes > DATA_MAX ? DATA_MAX : bytes;
}

static void ask(struct wsm_fetch *fetch)
{
    static const struct wsm_host_call_events events = { .on_end = on_failed,
                                                        .on_output = on_output,
                                                        .on_answer = on_answer };
    struct wsm_host_link *link = fetch->command->shell->link;
    struct wsm_host_fetch message = { .command_id = wsm_span_str(fetch->command->id.text),
                                      .streams = fetch->wish.streams,
                                      .max_bytes = (uint32_t)fetch->budget,
                                      .max_pieces = (uint32_t)fetch->pieces };

    memcpy(message.from, fetch->wish.from, sizeof(message.from));
    message.request = wsm_host_link_expect(link, &fetch->call, &events);
    wsm_host_link_send(link, &wsm_host_fetch_type, &message);
}

static void begin(struct wsm_response *response, struct wsm_exchange *exchange)
{
    struct wsm_response_headers headers = wsm_response_open(response, exchange, 200,
                                                            WSM_ACTION_RECEIVE "Response");

    wsm_receive_response_begin(&response->out, &headers);
}

bool wsm_fetch_start(struct wsm_command *command, struct wsm_exchange *like,
                     const struct wsm_fetch_wish *wish, const struct wsm_fetch_events *events,
                     struct wsm_error *err)
{
    bool is_utf16 = like->env.doc.is_utf16;
    size_t pieces;
    size_t bytes = data_max(like->max_envelope, is_utf16, &pieces);
    struct wsm_fetch *fetch;

    if (bytes == 0)
        return wsm_fail(err, ERROR_WSMAN_MAX_ENVELOPE_SIZE_EXCEEDED,
                        "no output fits into MaxEnvelopeSize %zu", like->max_envelope);
    fetch = calloc(1, sizeof(*fetch));
    if (fetch == NULL)
        return wsm_fail_memory(err, "output");
    wsm_list_init(&fetch->node);
    fetch->events = events;
    fetch->command = command;
    fetch->wish = *wish;
    fetch->max_envelope = like->max_envelope;
    fetch->is_utf16 = is_utf16;
    fetch->budget = wish->bytes_max != 0 && wish->bytes_max < bytes ? wish->bytes_max : bytes;
    fetch->pieces = pieces;
    memcpy(fetch->upto, wish->from, sizeof(fetch->upto));
    begin(&fetch->response, like);
    fetch->prefix_len = fetch->response.out.len;
    command->fetch = fetch;
    ask(fetch);
    return true;
}

static void on_sweep(uv_timer_t *timer)
{
    struct wsm_shell_table *table = timer->data;
    int64_t now = (int64_t)uv_now(table->loop);

    while (!wsm_list_is_empty(&table->idle_fetches)) {
        struct wsm_fetch *fetch = WSM_CONTAINER_OF(table->idle_fetches.next, struct wsm_fetch,
                                                   node);

        if (now - fetch->since_ms < AHEAD_KEEP_MS)
            return;
        wsm_fetch_cancel(fetch);
    }
    uv_timer_stop(timer);
}

void wsm_fetch_ahead(struct wsm_command *command, struct wsm_exchange *like,
                     const struct wsm_fetch_wish *wish, const struct wsm_fetch_events *events)
{
    struct wsm_shell_table *table = command->shell->table;

    if (!wsm_fetch_start(command, like, wish, events, NULL))
        return; /* then it is fetched when it is asked for */
    command->fetch->since_ms = (int64_t)uv_now(table->loop);
    wsm_list_add(&table->idle_fetches, &command->fetch->node);
    if (!uv_is_active((uv_handle_t *)&table->idle_timer))
        uv_timer_start(&table->idle_timer, on_sweep, SWEEP_MS, SWEEP_MS); /* cannot fail */
}

void wsm_fetch_claim(struct wsm_fetch *fetch)
{
    wsm_list_remove(&fetch->node);
}

bool wsm_fetch_serves(const struct wsm_fetch *fetch, const struct wsm_exchange *exchange,
                      const struct wsm_fetch_wish *wish)
{
    return fetch->wish.streams == wish->streams && fetch->wish.bytes_max == wish->bytes_max &&
           fetch->wish.has_offsets == wish->has_offsets &&
           memcmp(fetch->wish.from, wish->from, sizeof(wish->from)) == 0 &&
           fetch->is_utf16 == exchange->env.doc.is_utf16 &&
           fetch->max_envelope <= exchange->max_envelope;
}

/* ---- answering ---- */

/* Puts the head of the present exchange before output that may have been encoded when
 * another one was the last. Of equal length, as it almost always is, it is written over
 * the old one. */
static void prefix_write(struct wsm_fetch *fetch, struct wsm_exchange *exchange)
{
    struct wsm_response *response = &fetch->response;
    struct wsm_buf *out = &response->out;
    struct wsm_response prefix = { .out = exchange->service->scratch };
    size_t len;

    wsm_buf_reset(&prefix.out);
    begin(&prefix, exchange);
    len = prefix.out.len;
    out->failed |= prefix.out.failed;
    if (len > fetch->prefix_len)
        (void)!wsm_buf_reserve(out, len - fetch->prefix_len);
    if (wsm_buf_ok(out)) {
        if (len != fetch->prefix_len)
            memmove(out->ptr + len, out->ptr + fetch->prefix_len, out->len - fetch->prefix_len);
        memcpy(out->ptr, prefix.out.ptr, len);
        out->len = out->len - fetch->prefix_len + len;
        response->length_at = prefix.length_at;
        response->body_at = prefix.body_at;
    }
    exchange->service->scratch = prefix.out; /* with its memory, for the next one */
}

void wsm_fetch_send(struct wsm_fetch *fetch, struct wsm_exchange *exchange, uint64_t *out_end)
{
    prefix_write(fetch, exchange);
    wsm_response_send(&fetch->response, exchange, out_end);
    fetch_free(fetch);
}
