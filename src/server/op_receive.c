/* Receive: waits for output and answers with it, exactly once as far as the client can be
 * observed, or as it says itself. The winrmd-net loop runs it. The bytes stay in the host
 * until they are known to have arrived; delivery.c decides when, fetch.c gets them.
 *
 * The life of a Receive: decide about the answer before it (confirm it to the host, look
 * again a little later, or have its bytes sent again); fetch, or take what was fetched
 * ahead; answer. While a client that keeps asking reads an answer, the next one is fetched
 * and encoded. */
#include "server/op_receive.h"

#include "ipc/stream_names.h"
#include "proto/extension.h"
#include "proto/fault.h"
#include "proto/receive.h"
#include "server/fetch.h"
#include "server/handler.h"
#include "server/http_conn.h"
#include "server/service.h"
#include "wsmerror.h"

#include <stdlib.h>

enum { BULK_BYTES = 16384 }; /* from here on an answer is not that of a dialogue */

/* WINRMD_FROM is an unknown option as any other to whom we did not offer it. */
static const char *const options[] = { "WSMAN_CMDSHELL_OPTION_KEEPALIVE", NULL };
static const char *const options_marked[] = { "WSMAN_CMDSHELL_OPTION_KEEPALIVE", WSM_OPTION_FROM,
                                              NULL };

/* A Receive that waits. Owned by its command. */
struct wsm_receive {
    struct wsm_exchange *exchange; /* owned */
    struct wsm_command *command;   /* borrowed */
    struct wsm_fetch_wish wish;
    const struct wsm_option *word_option; /* borrowed from the exchange; NULL = no WINRMD_FROM */
    struct wsm_word word;
    bool is_word_due; /* it is confirmed once the host has found it good */
    int64_t came_ms;
    bool is_decided; /* about the answer before it */
    bool continues;  /* the client has that answer, with output: it keeps asking */
};

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

static void receive_fail_with(struct wsm_receive *receive, const struct wsm_error *err)
{
    struct wsm_error fault = WSM_ERROR_INIT;

    wsm_fail(&fault, err->code, "%s", wsm_error_text(err));
    receive_fail(receive, &fault);
}

void wsm_receive_abort(struct wsm_command *command, const struct wsm_error *err)
{
    wsm_fetch_cancel(command->fetch);
    if (command->receive != NULL)
        receive_fail_with(command->receive, err);
}

void wsm_receive_let_go(struct wsm_command *command, const struct wsm_error *err)
{
    if (command->receive != NULL && !command->receive->is_decided)
        receive_fail_with(command->receive, err);
}

/* ---- confirming ---- */

static bool lift(uint64_t at[WSM_HOST_STREAMS], const uint64_t upto[WSM_HOST_STREAMS])
{
    bool has_moved = false;

    for (unsigned i = 0; i < WSM_HOST_STREAMS; i++) {
        if (upto[i] > at[i]) {
            at[i] = upto[i];
            has_moved = true;
        }
    }
    return has_moved;
}

static void tell_host(struct wsm_command *command, bool final)
{
    struct wsm_host_confirm message = { .command_id = wsm_span_str(command->id.text),
                                        .final = final };

    memcpy(message.upto, command->confirmed, sizeof(message.upto));
    wsm_host_link_send(command->shell->link, &wsm_host_confirm_type, &message);
}

static void confirm(struct wsm_command *command, const uint64_t upto[WSM_HOST_STREAMS], bool final)
{
    if (lift(command->confirmed, upto) || final)
        tell_host(command, final);
}

static bool reaches(const uint64_t a[WSM_HOST_STREAMS], const uint64_t b[WSM_HOST_STREAMS])
{
    for (unsigned i = 0; i < WSM_HOST_STREAMS; i++)
        if (a[i] < b[i])
            return false;
    return true;
}

/* The host is told in any case: it may have lost the word with its last connection. Of the end
 * of the command nothing is said. */
void wsm_receive_confirm(struct wsm_command *command, const uint64_t upto[WSM_HOST_STREAMS])
{
    (void)lift(command->confirmed, upto);
    tell_host(command, false);
}

static void confirm_word(struct wsm_receive *receive)
{
    struct wsm_command *command = receive->command;
    const struct wsm_last_answer *last = &command->last;

    receive->is_word_due = false;
    confirm(command, receive->word.confirmed,
            last->carrier != NULL && last->is_final &&
                reaches(receive->word.confirmed, last->upto));
}

/* ---- answering ---- */

static void on_fetched(struct wsm_command *command);
static void on_fetch_failed(struct wsm_command *command, const struct wsm_error *err);

static const struct wsm_fetch_events fetch_events = { .on_complete = on_fetched,
                                                      .on_failed = on_fetch_failed };

static void deliver(struct wsm_receive *receive)
{
    struct wsm_command *command = receive->command;
    struct wsm_fetch *fetch = command->fetch;
    struct wsm_exchange *exchange = receive->exchange;
    struct wsm_fetch_wish next = receive->wish;
    struct wsm_last_answer last = { .is_final = fetch->is_final,
                                    .needs_word = fetch->wish.has_offsets,
                                    .streams = fetch->wish.streams,
                                    .bytes = fetch->bytes };
    bool goes_on = receive->continues && !fetch->is_final && fetch->bytes >= BULK_BYTES;
    bool counts = fetch->is_final || fetch->bytes > 0;

    if (receive->is_word_due)
        confirm_word(receive); /* its start was good, and what it confirms lies below that */
    wsm_exchange_request_id(exchange, last.message_id);
    memcpy(last.from, fetch->wish.from, sizeof(last.from));
    memcpy(last.upto, fetch->upto, sizeof(last.upto));
    memcpy(next.from, fetch->upto, sizeof(next.from));
    next.bytes_max = 0;
    last.carrier = wsm_carrier_ref(wsm_http_conn_carrier(exchange->conn));
    command->receive = NULL;
    free(receive);
    wsm_fetch_send(fetch, exchange, &last.end);
    if (last.end != 0)
        (void)lift(command->served, last.upto);
    if (counts && last.end != 0) { /* else a fault took its place, and proves nothing */
        command->last = last;
        if (goes_on)
            wsm_fetch_ahead(command, exchange, &next, &fetch_events);
    } else {
        wsm_carrier_unref(last.carrier);
    }
    wsm_exchange_free(exchange);
}

static void on_fetched(struct wsm_command *command)
{
    if (command->receive != NULL && command->receive->is_decided)
        deliver(command->receive);
}

static void on_fetch_failed(struct wsm_command *command, const struct wsm_error *err)
{
    if (err->code == ERROR_WSMAN_UNEXPECTED_SELECTORS)
        wsm_command_remove(command, err); /* its host has forgotten it, and so do we */
    else if (command->receive != NULL && command->receive->is_decided)
        receive_fail_with(command->receive, err); /* else it was ahead of its time */
}

/* ---- deciding ---- */

static void fetch_for(struct wsm_receive *receive)
{
    struct wsm_command *command = receive->command;
    struct wsm_exchange *exchange = receive->exchange;
    struct wsm_error err = WSM_ERROR_INIT;

    receive->is_decided = true;
    if (command->fetch != NULL && !wsm_fetch_serves(command->fetch, exchange, &receive->wish))
        wsm_fetch_cancel(command->fetch);
    if (command->fetch != NULL) {
        wsm_fetch_claim(command->fetch);
        if (command->fetch->is_complete) {
            deliver(receive);
            return;
        }
    } else if (!wsm_fetch_start(command, exchange, &receive->wish, &fetch_events, &err)) {
        receive_fail(receive, &err);
        return;
    }
    wsm_exchange_set_timer(exchange, exchange->deadline_ms - wsm_service_now(exchange->service));
}

static void forget_last(struct wsm_command *command)
{
    wsm_carrier_unref(command->last.carrier);
    command->last = (struct wsm_last_answer){ 0 };
}

/* Bytes of it go out again, so it must not arrive any more. */
static void end_carrier(const struct wsm_last_answer *last)
{
    if (wsm_delivery_may_arrive(last->carrier, last->end))
        wsm_http_conn_abort(last->carrier->conn);
}

static void look_again(struct wsm_receive *receive)
{
    struct wsm_exchange *exchange = receive->exchange;
    int64_t left = exchange->deadline_ms - wsm_service_now(exchange->service);

    wsm_exchange_set_timer(exchange, left < WSM_DELIVERY_LOOK_MS ? left : WSM_DELIVERY_LOOK_MS);
}

/* Rule a. Only the host knows for certain where its output ends: what lies beyond all that
 * we know of is confirmed when the host has accepted the start. */
static bool take_word(struct wsm_receive *receive, struct wsm_error *err)
{
    struct wsm_command *command = receive->command;
    struct wsm_last_answer *last = &command->last;

    if (!wsm_word_parse(receive->word_option->value, command->confirmed, &receive->word, err) ||
        !wsm_word_check(&receive->word, receive->wish.streams, command->confirmed,
                        command->known_end, &receive->is_word_due, err))
        return false;
    memcpy(receive->wish.from, receive->word.start, sizeof(receive->wish.from));
    if (!receive->is_word_due)
        confirm_word(receive);
    if (last->carrier != NULL) {
        receive->continues = memcmp(receive->word.start, last->upto, sizeof(last->upto)) == 0;
        if (!reaches(receive->word.start, last->upto))
            end_carrier(last);
    }
    return true;
}

static struct wsm_delivery_facts facts_of(struct wsm_receive *receive)
{
    struct wsm_command *command = receive->command;
    const struct wsm_last_answer *last = &command->last;
    char id[WSM_HOST_ID_MAX + 1];

    wsm_exchange_request_id(receive->exchange, id);
    if (last->carrier != NULL && last->carrier->conn != NULL)
        (void)wsm_http_conn_carrier(last->carrier->conn); /* looks at the socket */
    return (struct wsm_delivery_facts){
        .has_word = receive->word_option != NULL,
        .has_answer = last->carrier != NULL,
        .is_same_request = id[0] != '\0' && strcmp(id, last->message_id) == 0 &&
                           receive->wish.streams == last->streams,
        .needs_word = last->needs_word,
        .carrier = last->carrier,
        .answer_end = last->end,
        .waited_ms = wsm_service_now(receive->exchange->service) - receive->came_ms,
    };
}

/* What does this Receive say about the answer before it? */
static void decide(struct wsm_receive *receive)
{
    struct wsm_command *command = receive->command;
    struct wsm_last_answer *last = &command->last;
    struct wsm_delivery_facts facts;
    struct wsm_error err = WSM_ERROR_INIT;

    if (command->shell->state != WSM_SHELL_OPEN) { /* its host was lost between two looks */
        wsm_fail(&err, ERROR_OPERATION_ABORTED, "the connection to the shell was lost");
        receive_fail(receive, &err);
        return;
    }
    facts = facts_of(receive);
    switch (wsm_delivery_decide(&facts)) {
    case WSM_DELIVERY_WORD:
        if (!take_word(receive, &err)) {
            receive_fail(receive, &err);
            return;
        }
        break;
    case WSM_DELIVERY_SAME:
        end_carrier(last);
        memcpy(receive->wish.from, last->from, sizeof(last->from));
        receive->wish.bytes_max = last->bytes == 0 ? 1 : last->bytes; /* 0: only the end was left */
        break;
    case WSM_DELIVERY_CONFIRMED:
        receive->continues = true;
        confirm(command, last->upto, last->is_final);
        memcpy(receive->wish.from, last->upto, sizeof(last->upto));
        break;
    case WSM_DELIVERY_ASK_AGAIN:
        look_again(receive);
        return;
    case WSM_DELIVERY_REPEAT:
        end_carrier(last);
        memcpy(receive->wish.from, command->confirmed, sizeof(command->confirmed));
        break;
    case WSM_DELIVERY_NOTHING:
        memcpy(receive->wish.from, command->confirmed, sizeof(command->confirmed));
        break;
    }
    forget_last(command);
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
        wsm_fetch_cancel(receive->command->fetch);
    wsm_fail(&err, ERROR_WSMAN_OPERATION_TIMEDOUT,
             "the command had no output within the " WSM_FAULT_TIMEOUT_WORD " of the request");
    receive_fail(receive, &err);
}

static void on_gone(struct wsm_exchange *exchange)
{
    struct wsm_receive *receive = exchange->op;

    if (receive->is_decided)
        wsm_fetch_cancel(receive->command->fetch);
    receive_free(receive);
}

static const struct wsm_exchange_events exchange_events = { .on_timer = on_timer,
                                                            .on_gone = on_gone };

/* ---- the request ---- */

static bool check(struct wsm_exchange *exchange, struct wsm_shell *shell, bool is_marked,
                  uint32_t *out_streams, struct wsm_command **out_command, struct wsm_error *err)
{
    struct wsm_receive_request request;
    struct wsm_command *command;
    uint32_t streams = 0;

    if (!wsm_options_check(&exchange->env, is_marked ? options_marked : options, err) ||
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
    command = wsm_command_get(shell, request.command_id, err);
    if (command == NULL)
        return false;
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
    bool is_marked = wsm_holder_is_marked(&shell->holder, exchange->env.session_id);
    uint32_t streams = 0;

    if (!check(exchange, shell, is_marked, &streams, &command, &err)) {
        wsm_exchange_fail(exchange, &err);
        return;
    }
    if (wsm_http_conn_carrier(exchange->conn)->has_failed) {
        /* read after its connection broke: its successor may wait already */
        wsm_http_conn_abort(exchange->conn);
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
    receive->wish.streams = streams;
    receive->wish.has_offsets = is_marked;
    if (is_marked)
        receive->word_option = wsm_envelope_option(&exchange->env, WSM_OPTION_FROM);
    receive->came_ms = wsm_service_now(exchange->service);
    command->receive = receive;
    exchange->op = receive;
    exchange->events = &exchange_events;
    if (wsm_http_conn_park(exchange->conn)) /* else on_gone has freed all of it */
        decide(receive);
}
