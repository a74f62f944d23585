/* Receive: polls the server for output until Done and hands each answer to the strand.
 * Loop thread. The next request goes out only while the shell's strand holds at most
 * one undelivered answer, so that a slow callback holds up the server, not our memory. */
#include "proto/receive.h"
#include "client/command.h"
#include "client/delivery.h"
#include "client/disconnect.h"
#include "client/operation.h"
#include "client/session.h"
#include "client/shell.h"
#include "wsmerror.h"

enum { UNDELIVERED_MAX = 1 };

static void pump(struct wsm_operation *operation);

static void fail(struct wsm_operation *operation, struct wsm_error *err)
{
    wsm_operation_complete(operation, err);
    wsm_error_clear(err);
}

/* ---- To the strand and back ---- */

static void recycle(struct wsm_delivery *delivery)
{
    wsm_envelope_clear(&delivery->answer->env);
    wsm_http_pool_recycle(&delivery->session->pool, &delivery->answer->bytes);
    wsm_delivery_free(delivery);
}

static void pump_endpoint(struct wsm_endpoint *endpoint)
{
    struct wsm_list *node;

    WSM_LIST_FOREACH (node, &endpoint->operations) {
        struct wsm_operation *operation = WSM_CONTAINER_OF(node, struct wsm_operation,
                                                           endpoint_node);

        if (operation->kind == &wsm_receive_kind) { /* the only one; pump may end it */
            pump(operation);
            return;
        }
    }
}

void wsm_receive_go_on(struct wsm_shell *shell)
{
    struct wsm_list *node;

    pump_endpoint(&shell->endpoint);
    WSM_LIST_FOREACH (node, &shell->commands)
        pump_endpoint(&WSM_CONTAINER_OF(node, struct wsm_command, node)->endpoint);
}

static void on_returned(struct wsm_message *message)
{
    struct wsm_strand_item *item = WSM_CONTAINER_OF(message, struct wsm_strand_item, returned);
    struct wsm_delivery *delivery = WSM_CONTAINER_OF(item, struct wsm_delivery, item);
    struct wsm_session *session = delivery->session;
    struct wsm_endpoint *endpoint = delivery->endpoint;

    endpoint->undelivered--;
    endpoint->shell->undelivered--;
    wsm_list_remove(&delivery->node);
    if (delivery->next < delivery->count) { /* cancelled within: the rest comes first next time */
        delivery->operation = NULL;
        wsm_list_add(endpoint->leftovers.next, &delivery->node);
    } else {
        recycle(delivery);
    }
    wsm_receive_go_on(endpoint->shell);
    wsm_disconnect_delivered(endpoint->shell);
    wsm_session_callback_returned(session);
}

static void deliver(struct wsm_operation *operation, struct wsm_delivery *delivery)
{
    delivery->callee = operation->async.callee;
    delivery->handles = operation->async.handles;
    delivery->session = operation->session;
    delivery->endpoint = operation->endpoint;
    delivery->operation = operation;
    atomic_store(&delivery->is_cancelled, false);
    delivery->item.run = wsm_delivery_run;
    delivery->item.returned.handle = on_returned;
    delivery->item.operation = operation->handle;
    wsm_list_add(&operation->deliveries, &delivery->node);
    operation->endpoint->undelivered++;
    operation->shell->undelivered++;
    wsm_session_callback_queued(operation->session);
    wsm_strand_post(operation->shell->strand, &delivery->item);
}

/* What has not been called back stays with the endpoint, in its order, for the next Receive. */
static void cancel(struct wsm_operation *operation)
{
    struct wsm_list *node;
    struct wsm_list *next;

    WSM_LIST_FOREACH_SAFE (node, next, &operation->deliveries) {
        struct wsm_delivery *delivery = WSM_CONTAINER_OF(node, struct wsm_delivery, node);
        struct wsm_endpoint *endpoint = delivery->endpoint;

        delivery->operation = NULL;
        wsm_list_remove(&delivery->node);
        if (!wsm_strand_take_back(endpoint->shell->strand, &delivery->item)) {
            atomic_store(&delivery->is_cancelled, true); /* on_returned keeps the rest */
            continue;
        }
        endpoint->undelivered--;
        endpoint->shell->undelivered--;
        wsm_list_add(&endpoint->leftovers, &delivery->node);
        wsm_session_callback_returned(delivery->session);
    }
}

void wsm_receive_take_back(struct wsm_endpoint *endpoint)
{
    struct wsm_list *node;

    WSM_LIST_FOREACH (node, &endpoint->operations) {
        struct wsm_operation *operation = WSM_CONTAINER_OF(node, struct wsm_operation,
                                                           endpoint_node);

        if (operation->kind == &wsm_receive_kind)
            cancel(operation);
    }
}

/* A server that counts was told how far output has got: what still comes waits until the shell
 * is back, and does not come at all if another client has taken it up. */
static bool is_kept(const struct wsm_endpoint *endpoint)
{
    return endpoint->shell->extension_version > 0 && wsm_link_has_told(endpoint->shell->link);
}

/* ---- The wire ---- */

static void complete_done(struct wsm_operation *operation)
{
    struct wsm_error none = WSM_ERROR_INIT;

    operation->async.exit_code = operation->endpoint->exit_code;
    wsm_operation_complete(operation, &none);
}

/* Input that waits for a command that has ended will never be taken. What our service was sent
 * already may have been, and is answered, with a repetition if need be. */
static void abort_sends(struct wsm_endpoint *endpoint)
{
    struct wsm_list *node;
    struct wsm_list *before;

    for (node = endpoint->operations.prev; node != &endpoint->operations; node = before) {
        struct wsm_operation *operation = WSM_CONTAINER_OF(node, struct wsm_operation,
                                                           endpoint_node);

        before = node->prev;
        if (operation->kind == &wsm_send_kind && !(operation->shell->extension_version > 0 &&
                                                   wsm_exchange_is_active(&operation->exchange)))
            wsm_operation_abort(operation);
    }
}

static void take_state(struct wsm_operation *operation, const struct wsm_receive_response *response)
{
    struct wsm_endpoint *endpoint = operation->endpoint;

    if (!response->has_state || response->state != WSM_COMMAND_DONE)
        return;
    endpoint->is_done = true;
    endpoint->exit_code = response->has_exit_code ? response->exit_code : 0;
    abort_sends(endpoint);
}

/* Counts it in where both sides count, and calls back what is new. */
static bool take_delivery(struct wsm_operation *operation, struct wsm_delivery *delivery,
                          struct wsm_error *err)
{
    if (operation->shell->extension_version > 0 &&
        !wsm_offsets_take(&operation->endpoint->offsets, delivery, err)) {
        wsm_delivery_free(delivery);
        return false;
    }
    if (delivery->count == 0)
        wsm_delivery_free(delivery);
    else if (is_kept(operation->endpoint))
        wsm_list_add(&operation->endpoint->leftovers, &delivery->node);
    else
        deliver(operation, delivery);
    return true;
}

static void take_answer(struct wsm_operation *operation, struct wsm_answer **answer,
                        struct wsm_error *err)
{
    struct wsm_receive_response response;
    struct wsm_delivery *delivery = NULL;
    struct wsm_error bad = WSM_ERROR_INIT;

    if (err->code == ERROR_WSMAN_OPERATION_TIMEDOUT) { /* nothing to say yet: ask again */
        pump(operation);
        return;
    }
    if (err->code != 0 && wsm_disconnect_explains(operation, err))
        return; /* it sleeps */
    if (err->code != 0) {
        fail(operation, err);
        return;
    }
    if (!wsm_receive_response_parse(&(*answer)->env, &response, &bad) ||
        !wsm_delivery_new(*answer, &response, &delivery, &bad)) {
        fail(operation, &bad);
        return;
    }
    if (delivery != NULL) {
        *answer = NULL;
        if (!take_delivery(operation, delivery, &bad)) {
            fail(operation, &bad);
            return;
        }
    }
    take_state(operation, &response);
    pump(operation);
}

static void on_answer(struct wsm_exchange *exchange, struct wsm_answer **answer,
                      struct wsm_error *err)
{
    struct wsm_operation *operation = WSM_CONTAINER_OF(exchange, struct wsm_operation, exchange);

    take_answer(operation, answer, err);
    wsm_disconnect_go_on(operation->shell);
}

/* Adds WINRMD_FROM, once anything is known, for a server that counts as we do. */
static void add_options(const struct wsm_operation *operation, struct wsm_span streams,
                        struct wsm_request_headers *headers, struct wsm_option options[2],
                        struct wsm_buf *value)
{
    /* Only servers of Windows 2003 and 2008 look at it. */
    options[0] = (struct wsm_option){ .name = wsm_span_str("WSMAN_CMDSHELL_OPTION_KEEPALIVE"),
                                      .value = wsm_span_str("TRUE") };
    headers->options = options;
    headers->option_count = 1;
    if (operation->shell->extension_version == 0)
        return;
    wsm_offsets_write(&operation->endpoint->offsets, streams, value);
    if (value->len == 0)
        return;
    options[1] = (struct wsm_option){ .name = wsm_span_str(WSM_OPTION_FROM),
                                      .value = wsm_buf_span(value) };
    headers->option_count = 2;
}

static bool again(struct wsm_exchange *exchange, struct wsm_error *err);

static bool send_request(struct wsm_operation *operation, struct wsm_error *err)
{
    static const struct wsm_repetition repetition = { .send = again,
                                                      .may_park = true,
                                                      .outlives_refusal = true };
    struct wsm_shell *shell = operation->shell;
    const struct wsm_command *command = operation->endpoint->command;
    struct wsm_receive_request request = {
        .command_id = wsm_span_str(command == NULL ? NULL : command->wire_id),
        .streams = wsm_span_str(operation->text != NULL ? operation->text
                                                        : shell->options.output_streams),
    };
    struct wsm_request_headers headers;
    struct wsm_option options[2];
    struct wsm_buf from = WSM_BUF_INIT;
    bool ok;

    if (!wsm_shell_prepare(shell, &operation->exchange, WSM_ACTION_RECEIVE,
                           WSM_OPTION_TIMEOUT_RECEIVE, &headers, err))
        return false;
    add_options(operation, request.streams, &headers, options, &from);
    ok = wsm_buf_ok(&from) || wsm_fail_memory(err, "offsets");
    wsm_receive_request_write(&operation->exchange.call.request, &headers, &request);
    wsm_buf_clear(&from);
    operation->exchange.on_done = on_answer;
    wsm_recovery_cover(&shell->recovery, &operation->exchange, &repetition);
    return ok && wsm_exchange_send(&operation->exchange, err);
}

/* A new message: the offsets in it say what has arrived. */
static bool again(struct wsm_exchange *exchange, struct wsm_error *err)
{
    exchange->is_repeat = false;
    return send_request(WSM_CONTAINER_OF(exchange, struct wsm_operation, exchange), err);
}

/* While the shell is let go nothing is asked for; when it is gone, nothing is delivered either. */
static bool may_deliver(const struct wsm_endpoint *endpoint)
{
    return wsm_link_may_deliver(endpoint->shell->link) && !is_kept(endpoint) &&
           (endpoint->command == NULL || endpoint->command->link == WSM_LINK_CONNECTED);
}

/* Does what can be done next; called whenever something may have changed. */
static void pump(struct wsm_operation *operation)
{
    struct wsm_endpoint *endpoint = operation->endpoint;
    struct wsm_error err = WSM_ERROR_INIT;

    if (operation->state != WSM_OPERATION_ACTIVE || operation->is_delayed ||
        wsm_exchange_is_active(&operation->exchange) || !may_deliver(endpoint))
        return;
    /* A callback of a cancelled Receive is still running: its rest comes first. */
    if (endpoint->undelivered > 0 && wsm_list_is_empty(&operation->deliveries))
        return;
    while (!wsm_list_is_empty(&endpoint->leftovers)) {
        struct wsm_delivery *delivery = WSM_CONTAINER_OF(endpoint->leftovers.next,
                                                         struct wsm_delivery, node);

        wsm_list_remove(&delivery->node);
        deliver(operation, delivery);
    }
    if (endpoint->is_done)
        complete_done(operation);
    else if (wsm_link_may_ask(endpoint->shell->link) &&
             endpoint->shell->undelivered <= UNDELIVERED_MAX && !send_request(operation, &err))
        fail(operation, &err);
}

static bool check_streams(const struct wsm_operation *operation, struct wsm_error *err)
{
    struct wsm_span declared = wsm_span_str(operation->shell->options.output_streams);
    struct wsm_span wanted = operation->text == NULL ? declared : wsm_span_str(operation->text);

    if (wanted.len == 0 || !wsm_words_contain_all(declared, wanted))
        return wsm_fail(err, ERROR_WSMAN_SHELL_INVALID_DESIRED_STREAMS,
                        "output stream not declared when the shell was created");
    return true;
}

/* ---- Output that stays on the server at first ---- */

/* Nothing is asked for, so the server keeps the output for the next to ask: the application after
 * it has let go of the shell, or whoever connects to it. */
static bool check_delay(const struct wsm_operation *operation, struct wsm_error *err)
{
    const struct wsm_shell *shell = operation->shell;

    return !operation->is_delayed || (shell->api_version > 0 && shell->can_disconnect) ||
           wsm_fail(err, ERROR_WINRS_SHELL_DISCONNECT_NOT_SUPPORTED,
                    "output cannot wait until shell %s has been disconnected: the server did not "
                    "offer that, or the API handle has version 1.0",
                    shell->id);
}

static void on_accepted(struct wsm_message *message)
{
    struct wsm_strand_item *item = WSM_CONTAINER_OF(message, struct wsm_strand_item, returned);
    const struct wsm_operation *operation = WSM_CONTAINER_OF(item, struct wsm_operation, accepted);

    wsm_session_callback_returned(operation->session);
}

/* The last callback is behind it on the strand: the operation outlives it. */
static void post_accepted(struct wsm_operation *operation)
{
    wsm_list_init(&operation->accepted.node);
    operation->accepted.run = wsm_operation_run_accepted;
    operation->accepted.returned.handle = on_accepted;
    operation->accepted.operation = operation->handle;
    wsm_session_callback_queued(operation->session);
    wsm_strand_post(operation->shell->strand, &operation->accepted);
}

void wsm_receive_let_go(struct wsm_endpoint *endpoint)
{
    struct wsm_list *node;

    WSM_LIST_FOREACH (node, &endpoint->operations)
        WSM_CONTAINER_OF(node, struct wsm_operation, endpoint_node)->is_delayed = false;
}

static bool start(struct wsm_operation *operation, struct wsm_error *err)
{
    if (!check_streams(operation, err) || !check_delay(operation, err))
        return false;
    if (operation->is_delayed)
        post_accepted(operation);
    pump(operation);
    return true;
}

const struct wsm_operation_kind wsm_receive_kind = {
    .name = "Receive",
    .result = WSM_RESULT_DONE,
    .is_queued = true,
    .start = start,
    .cancel = cancel,
};
