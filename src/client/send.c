/* Send: input in pieces that fit one message each, one on the wire per target. Loop
 * thread.
 *
 * To a command that reads slowly servers answer a Send with a time-out, and keep its input; and
 * the Sends after it, until that was taken, with "busy". Neither is a failure: what was kept
 * counts as sent, what was not is sent again. A server that knows repetitions is asked again
 * until it says that the input was taken: what it only keeps could die with it. */
#include "proto/send.h"

#include "client/command.h"
#include "client/disconnect.h"
#include "client/operation.h"
#include "client/session.h"
#include "client/shell.h"
#include "wsmerror.h"

static bool send_chunk(struct wsm_operation *operation, struct wsm_error *err);

/* The server has kept nothing of it: it goes out again later. */
static bool is_not_taken(const struct wsm_operation *operation, const struct wsm_error *err)
{
    return err->code == ERROR_BUSY || (err->code == ERROR_WINRS_SHELL_DISCONNECTED &&
                                       wsm_link_is_ending(operation->shell->link));
}

/* The next piece, unless the shell is let go: then that sleeps. */
static bool go_on(struct wsm_operation *operation, struct wsm_error *err)
{
    if (wsm_operation_may_go(operation) && !send_chunk(operation, err))
        return false;
    wsm_disconnect_progress(operation->shell);
    return true;
}

/* Who wants to go does not wait for a command that does not read. */
static bool knows_repetitions(const struct wsm_shell *shell)
{
    return shell->extension_version > 0 && shell->link == WSM_LINK_CONNECTED;
}

static void on_answer(struct wsm_exchange *exchange, struct wsm_answer **answer,
                      struct wsm_error *err)
{
    struct wsm_operation *operation = WSM_CONTAINER_OF(exchange, struct wsm_operation, exchange);

    (void)answer;
    if (err->code != 0 && operation->endpoint->is_done) {
        wsm_operation_abort(operation); /* the command ended first */
        return;
    }
    if (is_not_taken(operation, err)) {
        wsm_session_look_again(operation->session);
        wsm_disconnect_go_on(operation->shell);
        return;
    }
    if (err->code == ERROR_WSMAN_OPERATION_TIMEDOUT || err->code == ERROR_TIMEOUT) {
        wsm_error_clear(err);
        if (knows_repetitions(operation->shell)) {
            if (!wsm_exchange_repeat(exchange, err))
                wsm_operation_complete(operation, err);
            return;
        }
    }
    operation->sent += operation->chunk;
    if (err->code == 0 && operation->sent < operation->data.len && go_on(operation, err))
        return;
    wsm_operation_complete(operation, err);
}

static bool again(struct wsm_exchange *exchange, struct wsm_error *err)
{
    return send_chunk(WSM_CONTAINER_OF(exchange, struct wsm_operation, exchange), err);
}

static bool send_chunk(struct wsm_operation *operation, struct wsm_error *err)
{
    static const struct wsm_repetition repetition = { .send = again, .may_park = true };
    const struct wsm_session *session = operation->session;
    size_t max = wsm_options_send_max(&session->options);
    size_t left = operation->data.len - operation->sent;
    const struct wsm_command *command = operation->endpoint->command;
    struct wsm_request_headers headers;
    struct wsm_stream_data stream;

    if (!wsm_exchange_is_active(&operation->exchange)) /* else the same again */
        operation->chunk = left < max ? left : max;
    stream = (struct wsm_stream_data){
        .name = wsm_span_str(operation->text),
        .command_id = wsm_span_str(command == NULL ? NULL : command->wire_id),
        .data = wsm_span_of(operation->data.ptr + operation->sent, operation->chunk),
        .end = operation->end_of_stream && operation->chunk == left,
    };
    if (!wsm_shell_prepare(operation->shell, &operation->exchange, WSM_ACTION_SEND,
                           WSM_OPTION_TIMEOUT_SEND, &headers, err))
        return false;
    wsm_send_request_write(&operation->exchange.call.request, &headers, &stream);
    operation->exchange.on_done = on_answer;
    wsm_recovery_cover(&operation->shell->recovery, &operation->exchange, &repetition);
    return wsm_exchange_send(&operation->exchange, err);
}

static bool start(struct wsm_operation *operation, struct wsm_error *err)
{
    struct wsm_span declared = wsm_span_str(operation->shell->options.input_streams);

    if (!wsm_words_contain_all(declared, wsm_span_str(operation->text)))
        return wsm_fail(err, ERROR_WSMAN_SHELL_INVALID_INPUT_STREAM,
                        "input stream %s was not declared when the shell was created",
                        operation->text);
    if (operation->endpoint->is_done) {
        err->code = ERROR_OPERATION_ABORTED;
        return false;
    }
    return send_chunk(operation, err);
}

void wsm_send_retry(struct wsm_operation *operation)
{
    struct wsm_error err = WSM_ERROR_INIT;

    if (operation->kind == &wsm_send_kind && operation->state == WSM_OPERATION_ACTIVE &&
        !wsm_exchange_is_active(&operation->exchange) && wsm_operation_may_go(operation) &&
        !send_chunk(operation, &err))
        wsm_operation_complete(operation, &err);
}

void wsm_send_go_on(struct wsm_endpoint *endpoint)
{
    struct wsm_list *node;

    WSM_LIST_FOREACH (node, &endpoint->operations) {
        struct wsm_operation *operation = WSM_CONTAINER_OF(node, struct wsm_operation,
                                                           endpoint_node);

        if (operation->kind == &wsm_send_kind && operation->state == WSM_OPERATION_ACTIVE) {
            wsm_send_retry(operation); /* the only one; this may end it */
            break;
        }
    }
    wsm_operation_next(endpoint);
}

const struct wsm_operation_kind wsm_send_kind = {
    .name = "Send",
    .is_queued = true,
    .start = start,
};
