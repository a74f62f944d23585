/* Receive: waits for output and answers with it, exactly once as far as the client can be
 * observed. The winrmd-net loop runs it. The bytes stay in the host until they are known
 * to have arrived; delivery.c decides when.
 *
 * The life of a Receive: decide about the answer before it (confirm it to the host, look
 * again a little later, or have its bytes sent again); FETCH, or take what was fetched
 * ahead; encode the pieces as they come; answer. While a client that keeps asking reads
 * an answer, the next one is fetched and encoded, at most one a command. */
#include "server/op_receive.h"

#include "proto/receive.h"

#include "ipc/stream_names.h"
#include "proto/fault.h"
#include "server/dispatch.h"
#include "server/http_conn.h"
#include "server/service.h"
#include "wsmerror.h"

#include <stdlib.h>

enum {
    DATA_MAX = 512 * 1024, /* bytes in one answer, so that a full buffer can still drop some */
    PIECES_MAX = 32,
    ENVELOPE_A_PIECE = 8192, /* small envelopes get few pieces: each costs its tags */
    AHEAD_KEEP_MS = 3000,    /* what was fetched ahead and is not asked for */
    SWEEP_MS = 1000,
    BULK_BYTES = 16384, /* from here on an answer or a piece is not that of a dialogue */
};

static const char *const options[] = { "WSMAN_CMDSHELL_OPTION_KEEPALIVE", NULL };

/* Output on its way from the host into an answer. Owned by its command. */
struct wsm_fetch {
    struct wsm_host_call call;
    struct wsm_list node;        /* in table->idle_fetches while nobody asks for it */
    struct wsm_command *command; /* borrowed */
    uint32_t streams;
    size_t max_envelope;
    bool is_utf16;
    uint64_t from[WSM_HOST_STREAMS];
    uint64_t upto[WSM_HOST_STREAMS];
    struct wsm_response response;
    size_t prefix_len; /* of HTTP head and envelope before the first stream */
    bool is_complete;
    bool is_torn;  /* the host sent something else than was asked for */
    size_t budget; /* bytes that may still come */
    bool is_final;
    int64_t since_ms; /* when it became idle */
};

/* A Receive that waits. Owned by its command. */
struct wsm_receive {
    struct wsm_exchange *exchange; /* owned */
    struct wsm_command *command;   /* borrowed */
    uint32_t streams;
    int64_t came_ms;
    bool is_decided; /* about the answer before it */
    bool continues;  /* it confirmed an answer with output: the client keeps asking */
};

static void decide(struct wsm_receive *receive);

/* ---- fetching ---- */

static void fetch_free(struct wsm_fetch *fetch)
{
    if (fetch == NULL)
        return;
    fetch->command->fetch = NULL;
    wsm_host_call_drop(&fetch->call);
    wsm_list_remove(&fetch->node);
    wsm_response_clear(&fetch->response);
    free(fetch);
}

/* Also tells the host, which may be waiting for output. */
static void fetch_cancel(struct wsm_fetch *fetch)
{
    if (fetch == NULL)
        return;
    if (fetch->call.number != 0 && fetch->command->shell->state == WSM_SHELL_OPEN) {
        struct wsm_host_cancel message = { .request = fetch->call.number };

        wsm_host_link_send(fetch->command->shell->link, &wsm_host_cancel_type, &message);
    }
    fetch_free(fetch);
}

static void receive_free(struct wsm_receive *receive)
{
    receive->command->receive = NULL;
    wsm_exchange_free(receive->exchange);
    free(receive);
}

static void receive_fail(struct wsm_receive *receive, struct wsm_error *err)
{
    wsm_exchange_fault(receive->exchange, err);
    receive_free(receive);
}

void wsm_receive_abort(struct wsm_command *command, const struct wsm_error *err)
{
    struct wsm_error fault = WSM_ERROR_INIT;

    fetch_cancel(command->fetch);
    if (command->receive == NULL)
        return;
    wsm_fail(&fault, err->code, "%s", wsm_error_text(err));
    receive_fail(command->receive, &fault);
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
        fetch_cancel(fetch);
    }
    uv_timer_stop(timer);
}

static void write_stream(struct wsm_fetch *fetch, unsigned stream, struct wsm_span data, bool end)
{
    struct wsm_stream_data piece = { .name = wsm_span_str(wsm_output_stream_names[stream]),
                                     .command_id = wsm_span_str(fetch->command->id.text),
                                     .data = data,
                                     .end = end };

    wsm_receive_response_stream(&fetch->response.out, &piece);
}

static void on_output(struct wsm_host_call *call, const struct wsm_host_output *output)
{
    struct wsm_fetch *fetch = WSM_CONTAINER_OF(call, struct wsm_fetch, call);

    struct wsm_buf *out = &fetch->response.out;

    if (output->offset != fetch->upto[output->stream] || output->data.len > fetch->budget) {
        fetch->is_torn = true; /* hosts run as their users: nothing is taken on trust */
        return;
    }
    if (output->data.len >= BULK_BYTES && out->len < fetch->max_envelope)
        (void)!wsm_buf_reserve(out, fetch->max_envelope - out->len); /* instead of by and by */
    write_stream(fetch, output->stream, output->data, false);
    fetch->upto[output->stream] += output->data.len;
    fetch->budget -= output->data.len;
}

static void on_fetch_failed(struct wsm_host_call *call, const struct wsm_error *err)
{
    struct wsm_fetch *fetch = WSM_CONTAINER_OF(call, struct wsm_fetch, call);
    struct wsm_receive *receive = fetch->command->receive;
    struct wsm_error fault = WSM_ERROR_INIT;

    fetch_free(fetch);
    if (receive == NULL || !receive->is_decided)
        return; /* it was ahead of its time */
    wsm_fail(&fault, err->code, "%s", wsm_error_text(err));
    receive_fail(receive, &fault);
}

static void on_answer(struct wsm_host_call *call, const struct wsm_host_answer *answer);

static const struct wsm_host_call_events fetch_events = { .on_end = on_fetch_failed,
                                                          .on_output = on_output,
                                                          .on_answer = on_answer };

static size_t data_max(size_t max_envelope, bool is_utf16, size_t *out_pieces)
{
    size_t room = is_utf16 ? max_envelope / 2 - 1 : max_envelope; /* a mark and two bytes each */
    size_t pieces = room / ENVELOPE_A_PIECE;
    size_t bytes;

    *out_pieces = pieces < 1 ? 1 : pieces > PIECES_MAX ? PIECES_MAX : pieces;
    bytes = wsm_receive_data_max(room, *out_pieces);
    return bytes > DATA_MAX ? DATA_MAX : bytes;
}

/* Starts to fetch from `from` on. `like`: for whom, or after whom. NULL: err says why. */
static struct wsm_fetch *fetch_new(struct wsm_command *command, struct wsm_exchange *like,
                                   uint32_t streams, const uint64_t from[WSM_HOST_STREAMS],
                                   struct wsm_error *err)
{
    struct wsm_fetch *fetch = calloc(1, sizeof(*fetch));
    struct wsm_host_fetch message = { .command_id = wsm_span_str(command->id.text),
                                      .streams = streams };
    struct wsm_response_headers headers;
    size_t pieces;
    size_t bytes = data_max(like->max_envelope, like->env.doc.is_utf16, &pieces);

    if (fetch == NULL) {
        wsm_fail_memory(err, "output");
        return NULL;
    }
    if (bytes == 0) {
        free(fetch);
        wsm_fail(err, ERROR_WSMAN_MAX_ENVELOPE_SIZE_EXCEEDED,
                 "no output fits into MaxEnvelopeSize %zu", like->max_envelope);
        return NULL;
    }
    wsm_list_init(&fetch->node);
    fetch->command = command;
    fetch->streams = streams;
    fetch->max_envelope = like->max_envelope;
    fetch->is_utf16 = like->env.doc.is_utf16;
    fetch->budget = bytes;
    memcpy(fetch->from, from, sizeof(fetch->from));
    memcpy(fetch->upto, from, sizeof(fetch->upto));
    headers = wsm_response_open(&fetch->response, like, 200, WSM_ACTION_RECEIVE "Response");
    wsm_receive_response_begin(&fetch->response.out, &headers);
    fetch->prefix_len = fetch->response.out.len;
    memcpy(message.from, from, sizeof(message.from));
    message.max_bytes = (uint32_t)bytes;
    message.max_pieces = (uint32_t)pieces;
    message.request = wsm_host_link_expect(command->shell->link, &fetch->call, &fetch_events);
    wsm_host_link_send(command->shell->link, &wsm_host_fetch_type, &message);
    command->fetch = fetch;
    return fetch;
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
    struct wsm_response_headers headers;
    size_t len;

    wsm_buf_reset(&prefix.out);
    headers = wsm_response_open(&prefix, exchange, 200, WSM_ACTION_RECEIVE "Response");
    wsm_receive_response_begin(&prefix.out, &headers);
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

static uint64_t byte_count(const struct wsm_fetch *fetch)
{
    uint64_t count = 0;

    for (unsigned i = 0; i < WSM_HOST_STREAMS; i++)
        count += fetch->upto[i] - fetch->from[i];
    return count;
}

/* The client shows that it wants all of it, so the next part is fetched while it reads. */
static void fetch_ahead(struct wsm_command *command, struct wsm_exchange *like, uint32_t streams)
{
    struct wsm_shell_table *table = command->shell->table;
    struct wsm_fetch *fetch = fetch_new(command, like, streams, command->last.upto, NULL);

    if (fetch == NULL)
        return; /* then it is fetched when it is asked for */
    fetch->since_ms = (int64_t)uv_now(table->loop);
    wsm_list_add(&table->idle_fetches, &fetch->node);
    if (!uv_is_active((uv_handle_t *)&table->idle_timer))
        uv_timer_start(&table->idle_timer, on_sweep, SWEEP_MS, SWEEP_MS); /* cannot fail */
}

static void deliver(struct wsm_receive *receive, struct wsm_fetch *fetch)
{
    struct wsm_command *command = receive->command;
    struct wsm_exchange *exchange = receive->exchange;
    struct wsm_last_answer last = { .is_final = fetch->is_final };
    uint32_t streams = receive->streams;
    bool goes_on = receive->continues && !fetch->is_final && byte_count(fetch) >= BULK_BYTES;
    bool counts = fetch->is_final || byte_count(fetch) > 0;

    prefix_write(fetch, exchange);
    memcpy(last.upto, fetch->upto, sizeof(last.upto));
    last.carrier = wsm_carrier_ref(wsm_http_conn_carrier(exchange->conn));
    command->receive = NULL;
    free(receive);
    wsm_response_send(&fetch->response, exchange, &last.end);
    fetch_free(fetch);
    if (counts) {
        command->last = last;
        if (goes_on)
            fetch_ahead(command, exchange, streams);
    } else {
        wsm_carrier_unref(last.carrier);
    }
    wsm_exchange_free(exchange);
}

static void on_answer(struct wsm_host_call *call, const struct wsm_host_answer *answer)
{
    struct wsm_fetch *fetch = WSM_CONTAINER_OF(call, struct wsm_fetch, call);
    struct wsm_command *command = fetch->command;

    if (fetch->is_torn) {
        struct wsm_error err = WSM_ERROR_INIT;

        wsm_fail(&err, ERROR_INTERNAL_ERROR,
                 "command %s: its host sent output that was not asked for", command->id.text);
        on_fetch_failed(call, &err);
        wsm_error_clear(&err);
        return;
    }
    for (unsigned i = 0; i < WSM_HOST_STREAMS; i++) {
        if (answer->is_done && (fetch->streams & (1U << i)) != 0)
            write_stream(fetch, i, wsm_span_of(NULL, 0), true);
    }
    wsm_receive_response_state(&fetch->response.out, wsm_span_str(command->id.text),
                               answer->is_done ? WSM_COMMAND_DONE : WSM_COMMAND_RUNNING,
                               answer->exit_code);
    wsm_receive_response_end(&fetch->response.out);
    fetch->is_complete = true;
    fetch->is_final = answer->is_done != 0;
    if (command->receive != NULL && command->receive->is_decided)
        deliver(command->receive, fetch);
}

/* ---- deciding ---- */

/* May what is being fetched serve this Receive? */
static bool fits(const struct wsm_fetch *fetch, const struct wsm_receive *receive)
{
    const struct wsm_exchange *exchange = receive->exchange;

    return fetch->streams == receive->streams && fetch->is_utf16 == exchange->env.doc.is_utf16 &&
           fetch->max_envelope <= exchange->max_envelope &&
           memcmp(fetch->from, receive->command->confirmed, sizeof(fetch->from)) == 0;
}

static void fetch_for(struct wsm_receive *receive)
{
    struct wsm_command *command = receive->command;
    struct wsm_exchange *exchange = receive->exchange;
    struct wsm_error err = WSM_ERROR_INIT;

    receive->is_decided = true;
    if (command->fetch != NULL && !fits(command->fetch, receive))
        fetch_cancel(command->fetch);
    if (command->fetch != NULL) {
        wsm_list_remove(&command->fetch->node); /* no longer idle */
        if (command->fetch->is_complete) {
            deliver(receive, command->fetch);
            return;
        }
    } else if (fetch_new(command, exchange, receive->streams, command->confirmed, &err) == NULL) {
        receive_fail(receive, &err);
        return;
    }
    wsm_exchange_set_timer(exchange, exchange->deadline_ms - wsm_service_now(exchange->service));
}

static void confirm(struct wsm_command *command)
{
    struct wsm_host_confirm message = { .command_id = wsm_span_str(command->id.text),
                                        .final = command->last.is_final };

    memcpy(command->confirmed, command->last.upto, sizeof(command->confirmed));
    memcpy(message.upto, command->last.upto, sizeof(message.upto));
    wsm_host_link_send(command->shell->link, &wsm_host_confirm_type, &message);
}

static void forget_last(struct wsm_command *command)
{
    wsm_carrier_unref(command->last.carrier);
    command->last = (struct wsm_last_answer){ 0 };
}

static void look_again(struct wsm_receive *receive)
{
    struct wsm_exchange *exchange = receive->exchange;
    int64_t left = exchange->deadline_ms - wsm_service_now(exchange->service);

    wsm_exchange_set_timer(exchange, left < WSM_DELIVERY_LOOK_MS ? left : WSM_DELIVERY_LOOK_MS);
}

/* What does this Receive say about the answer before it? */
static void decide(struct wsm_receive *receive)
{
    struct wsm_command *command = receive->command;
    struct wsm_last_answer *last = &command->last;
    int64_t waited = wsm_service_now(receive->exchange->service) - receive->came_ms;
    struct wsm_error err = WSM_ERROR_INIT;

    if (command->shell->state != WSM_SHELL_OPEN) { /* its host was lost between two looks */
        wsm_fail(&err, ERROR_OPERATION_ABORTED, "the connection to the shell was lost");
        receive_fail(receive, &err);
        return;
    }
    if (last->carrier != NULL) {
        struct wsm_http_conn *carrier = last->carrier->conn;

        if (carrier != NULL)
            (void)wsm_http_conn_carrier(carrier); /* looks at the socket */
        switch (wsm_delivery_decide(last->carrier, last->end, waited)) {
        case WSM_DELIVERY_CONFIRMED:
            receive->continues = true;
            confirm(command);
            break;
        case WSM_DELIVERY_ASK_AGAIN:
            look_again(receive);
            return;
        case WSM_DELIVERY_REPEAT:
            if (carrier != NULL)
                wsm_http_conn_abort(carrier); /* its answer must not arrive after this one */
            break;
        }
        forget_last(command);
    }
    fetch_for(receive);
}

static void on_timer(struct wsm_exchange *exchange)
{
    struct wsm_receive *receive = exchange->op;
    struct wsm_error err = WSM_ERROR_INIT;

    if (!receive->is_decided && wsm_service_now(exchange->service) < exchange->deadline_ms) {
        decide(receive);
        return;
    }
    if (receive->is_decided)
        fetch_cancel(receive->command->fetch);
    wsm_fail(&err, ERROR_WSMAN_OPERATION_TIMEDOUT,
             "the command had no output within the " WSM_FAULT_TIMEOUT_WORD " of the request");
    receive_fail(receive, &err);
}

static void on_gone(struct wsm_exchange *exchange)
{
    struct wsm_receive *receive = exchange->op;

    if (receive->is_decided)
        fetch_cancel(receive->command->fetch);
    receive_free(receive);
}

static const struct wsm_exchange_events exchange_events = { on_timer, on_gone };

/* ---- the request ---- */

static bool check(struct wsm_exchange *exchange, struct wsm_shell *shell, uint32_t *out_streams,
                  struct wsm_command **out_command, struct wsm_error *err)
{
    struct wsm_receive_request request;
    struct wsm_command *command;
    uint32_t streams = 0;

    if (!wsm_options_check(&exchange->env, options, err) ||
        !wsm_receive_request_parse(&exchange->env, &request, err))
        return false;
    if (request.command_id.len == 0)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "rsp:DesiredStream: no CommandId");
    if (!wsm_stream_names_parse(request.streams, wsm_output_stream_names, WSM_HOST_STREAMS,
                                &streams) ||
        (streams & ~shell->output_streams) != 0)
        return wsm_fail(err, ERROR_WSMAN_SHELL_INVALID_DESIRED_STREAMS,
                        "%.*s: not all are output streams of the shell", (int)request.streams.len,
                        (const char *)request.streams.ptr);
    command = wsm_command_find(shell, request.command_id);
    if (command == NULL)
        return wsm_fail(err, ERROR_WSMAN_UNEXPECTED_SELECTORS, "command %.*s does not exist",
                        (int)request.command_id.len, (const char *)request.command_id.ptr);
    *out_streams = streams;
    *out_command = command;
    return true;
}

/* The newest Receive wins. What the old one was waiting for may serve the new one. */
static void replace(struct wsm_command *command)
{
    struct wsm_receive *old = command->receive;
    struct wsm_error err = WSM_ERROR_INIT;

    if (old == NULL)
        return;
    wsm_fail(&err, ERROR_WINRS_RECEIVE_IN_PROGRESS, "another Receive took the place of this one");
    receive_fail(old, &err);
}

void wsm_op_receive(struct wsm_exchange *exchange, struct wsm_shell *shell)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_command *command = NULL; /* set by check() */
    struct wsm_receive *receive;
    uint32_t streams = 0;

    if (!check(exchange, shell, &streams, &command, &err)) {
        wsm_exchange_fail(exchange, &err);
        return;
    }
    receive = calloc(1, sizeof(*receive));
    if (receive == NULL) {
        wsm_fail_memory(&err, "operation");
        wsm_exchange_fail(exchange, &err);
        return;
    }
    replace(command);
    receive->exchange = exchange;
    receive->command = command;
    receive->streams = streams;
    receive->came_ms = wsm_service_now(exchange->service);
    command->receive = receive;
    exchange->op = receive;
    exchange->events = &exchange_events;
    if (wsm_http_conn_park(exchange->conn)) /* else on_gone has freed all of it */
        decide(receive);
}
