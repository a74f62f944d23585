/* Disconnect and Reconnect. Loop thread.
 *
 * A disconnect first lets end what was begun before it (HOLDING). Where the server counts
 * output as we do it lets callbacks with output return (DRAINING), so that the request can say
 * how far each command's output has got. Then it asks the server (LEAVING), and lets the
 * Receives on the wire bring what they still have (SETTLING). The
 * Receives of the application stay and sleep; receive.c does not ask for output meanwhile.
 * So does input that a command does not read: it must not hold up a disconnect for ever. */
#include "client/disconnect.h"

#include "client/command.h"
#include "client/operation.h"
#include "client/runtime.h"
#include "client/session.h"
#include "client/shell.h"
#include "wsmerror.h"

#include <stdlib.h>

struct wsm_link_call *wsm_link_call_new(enum wsm_link_kind kind)
{
    struct wsm_link_call *call = calloc(1, sizeof(*call));

    if (call == NULL)
        return NULL;
    call->kind = kind;
    call->idle_timeout_ms = -1;
    return call;
}

void wsm_link_call_free(struct wsm_link_call *call)
{
    struct wsm_shell *shell = call->shell;

    wsm_strand_release(call->own_strand);
    wsm_async_clear(&call->async);
    wsm_error_clear(&call->refused);
    free(call);
    if (shell != NULL)
        wsm_shell_release(shell);
}

static void on_returned(struct wsm_async *async)
{
    wsm_link_call_free(WSM_CONTAINER_OF(async, struct wsm_link_call, async));
}

static struct wsm_strand *strand_of(const struct wsm_link_call *call)
{
    return call->shell != NULL ? call->shell->strand : call->own_strand;
}

/* Ends the call that a shell or command points to, if any. */
static void complete(struct wsm_link_call **slot, struct wsm_error *err)
{
    struct wsm_link_call *call = *slot;

    *slot = NULL;
    if (call != NULL)
        wsm_async_complete(&call->async, strand_of(call), err);
    wsm_error_clear(err);
}

void wsm_link_abort_shell(struct wsm_shell *shell)
{
    struct wsm_error err = { .code = ERROR_OPERATION_ABORTED };

    complete(&shell->link_call, &err);
}

void wsm_link_abort_command(struct wsm_command *command)
{
    struct wsm_error err = { .code = ERROR_OPERATION_ABORTED };

    complete(&command->link_call, &err);
}

static bool step_shell(struct wsm_shell *shell, enum wsm_link_event event)
{
    return wsm_link_step(&shell->link, event, "shell", shell->id);
}

static bool step_command(struct wsm_command *command, enum wsm_link_event event)
{
    return wsm_link_step(&command->link, event, "command", command->wire_id);
}

/* What sleeps goes on, as far as its link is there. */
static void wake(struct wsm_shell *shell)
{
    struct wsm_list *node;

    wsm_send_go_on(&shell->endpoint);
    WSM_LIST_FOREACH (node, &shell->commands)
        wsm_send_go_on(&WSM_CONTAINER_OF(node, struct wsm_command, node)->endpoint);
    wsm_receive_go_on(shell);
}

/* ---- The end of a disconnect ---- */

/* Calls `act` for the operations of an endpoint that are on the wire; NULL: only counts. */
static size_t each_wire_of(struct wsm_endpoint *endpoint, void (*act)(struct wsm_operation *))
{
    struct wsm_list *node;
    size_t count = 0;

    WSM_LIST_FOREACH (node, &endpoint->operations) {
        struct wsm_operation *operation = WSM_CONTAINER_OF(node, struct wsm_operation,
                                                           endpoint_node);

        if (!wsm_exchange_is_active(&operation->exchange))
            continue;
        count++;
        if (act != NULL)
            act(operation);
    }
    return count;
}

static size_t each_wire(struct wsm_shell *shell, void (*act)(struct wsm_operation *))
{
    struct wsm_list *node;
    size_t count = each_wire_of(&shell->endpoint, act);

    WSM_LIST_FOREACH (node, &shell->commands)
        count += each_wire_of(&WSM_CONTAINER_OF(node, struct wsm_command, node)->endpoint, act);
    return count;
}

static void cancel_receive(struct wsm_operation *operation)
{
    if (operation->kind == &wsm_receive_kind)
        wsm_exchange_cancel(&operation->exchange);
}

static void hasten(struct wsm_operation *operation)
{
    wsm_http_call_limit(&operation->exchange.call, WSM_DISCONNECT_SETTLE_MS);
}

/* After an input whose fate is unknown the next must not follow as if nothing were missing. */
static void refuse_queued(struct wsm_endpoint *endpoint)
{
    struct wsm_list *node;
    struct wsm_list *before;

    for (node = endpoint->operations.prev; node != &endpoint->operations; node = before) {
        struct wsm_operation *operation = WSM_CONTAINER_OF(node, struct wsm_operation,
                                                           endpoint_node);
        struct wsm_error err = WSM_ERROR_INIT;

        before = node->prev;
        if (operation->kind == &wsm_receive_kind || operation->state != WSM_OPERATION_WAITING)
            continue;
        (void)wsm_fail(&err, ERROR_WINRS_SHELL_DISCONNECTED, "the connection of the shell is lost");
        wsm_operation_complete(operation, &err);
        wsm_error_clear(&err);
    }
}

void wsm_disconnect_now(struct wsm_shell *shell)
{
    bool is_lost = shell->link != WSM_LINK_SETTLING;
    struct wsm_list *node;

    (void)each_wire(shell, cancel_receive);
    (void)step_shell(shell, WSM_LINK_EV_GONE);
    if (is_lost)
        refuse_queued(&shell->endpoint);
    WSM_LIST_FOREACH (node, &shell->commands) {
        struct wsm_command *command = WSM_CONTAINER_OF(node, struct wsm_command, node);

        wsm_receive_let_go(&command->endpoint);
        if (command->life == WSM_LIFE_OPEN)
            (void)step_command(command, WSM_LINK_EV_GONE);
        if (is_lost)
            refuse_queued(&command->endpoint);
    }
}

static void fail_operations(struct wsm_endpoint *endpoint, const struct wsm_error *cause)
{
    /* Last call first, so that none of those waiting gets its turn. */
    while (!wsm_list_is_empty(&endpoint->operations)) {
        struct wsm_error err = WSM_ERROR_INIT;

        (void)wsm_fail(&err, cause->code, "%s", wsm_error_text(cause));
        wsm_operation_complete(
            WSM_CONTAINER_OF(endpoint->operations.prev, struct wsm_operation, endpoint_node), &err);
        wsm_error_clear(&err);
    }
}

void wsm_disconnect_broken(struct wsm_shell *shell, const struct wsm_error *cause)
{
    struct wsm_list *node;

    (void)step_shell(shell, WSM_LINK_EV_BROKE);
    fail_operations(&shell->endpoint, cause);
    WSM_LIST_FOREACH (node, &shell->commands)
        fail_operations(&WSM_CONTAINER_OF(node, struct wsm_command, node)->endpoint, cause);
}

static void finish_disconnect(struct wsm_shell *shell, struct wsm_error *err)
{
    wsm_disconnect_now(shell);
    complete(&shell->link_call, err);
}

/* The server was not reached: for the application the shell is disconnected all the same. */
static void fail_ungraceful(struct wsm_shell *shell, struct wsm_error *cause)
{
    struct wsm_error err = WSM_ERROR_INIT;

    (void)wsm_fail(&err, ERROR_WINRS_SHELL_DISCONNECT_OPERATION_NOT_GRACEFUL,
                   "the shell counts as disconnected, but the server was not reached: %s",
                   wsm_error_text(cause));
    wsm_error_clear(cause);
    finish_disconnect(shell, &err);
}

static void refuse_disconnect(struct wsm_shell *shell, struct wsm_error *err)
{
    (void)step_shell(shell, WSM_LINK_EV_KEPT);
    complete(&shell->link_call, err);
    wake(shell); /* the server may have ended Receives before it refused */
}

/* ---- The request, and what it says of output ---- */

static void untell(struct wsm_shell *shell)
{
    struct wsm_list *node;

    WSM_LIST_FOREACH (node, &shell->commands)
        wsm_offsets_untell(&WSM_CONTAINER_OF(node, struct wsm_command, node)->endpoint.offsets);
}

/* The value of WINRMD_DELIVERED, as far as one request has room for it; empty: nothing new. */
static void write_delivered(struct wsm_shell *shell, struct wsm_buf *out)
{
    struct wsm_delivered entries[WSM_DELIVERED_MAX];
    struct wsm_list *node;
    size_t count = 0;

    if (shell->extension_version == 0)
        return;
    WSM_LIST_FOREACH (node, &shell->commands) {
        struct wsm_command *command = WSM_CONTAINER_OF(node, struct wsm_command, node);

        if (command->life == WSM_LIFE_OPEN)
            count += wsm_offsets_tell(&command->endpoint.offsets, wsm_span_str(command->wire_id),
                                      entries + count, WSM_DELIVERED_MAX - count);
    }
    wsm_delivered_write(out, entries, count);
}

/* `delivered`: the option's value; empty: none. */
static bool prepare_disconnect(struct wsm_shell *shell, const struct wsm_buf *delivered,
                               struct wsm_error *err)
{
    const struct wsm_link_call *call = shell->link_call;
    struct wsm_disconnect_request request = { .idle_timeout_ms = call->idle_timeout_ms,
                                              .buffer_mode = call->buffer_mode };
    struct wsm_option option = { .name = wsm_span_str(WSM_OPTION_DELIVERED),
                                 .value = wsm_buf_span(delivered) };
    struct wsm_request_headers headers;

    if (!wsm_buf_ok(delivered))
        return wsm_fail_memory(err, "offsets");
    if (!wsm_shell_prepare(shell, &shell->exchange, WSM_ACTION_DISCONNECT,
                           WSM_OPTION_DEFAULT_TIMEOUT, &headers, err))
        return false;
    if (delivered->len > 0) {
        headers.options = &option;
        headers.option_count = 1;
    }
    wsm_disconnect_request_write(&shell->exchange.call.request, &headers, &request);
    return true;
}

static void tell_rest(struct wsm_shell *shell);

/* The shell is disconnected already, whatever comes of this. */
static void on_rest_told(struct wsm_exchange *exchange, struct wsm_answer **answer,
                         struct wsm_error *err)
{
    struct wsm_shell *shell = WSM_CONTAINER_OF(exchange, struct wsm_shell, exchange);

    (void)answer;
    if (err->code == 0)
        tell_rest(shell);
    wsm_error_clear(err);
    wsm_disconnect_go_on(shell);
}

/* For which one request had no room, or whose callbacks took too long. A Disconnect that comes
 * again changes nothing but what is confirmed. */
static void tell_rest(struct wsm_shell *shell)
{
    struct wsm_buf delivered = WSM_BUF_INIT;
    struct wsm_error err = WSM_ERROR_INIT;

    if (shell->link_call == NULL) /* closed meanwhile */
        return;
    write_delivered(shell, &delivered);
    if (delivered.len > 0 && prepare_disconnect(shell, &delivered, &err)) {
        shell->exchange.on_done = on_rest_told;
        if (wsm_exchange_send(&shell->exchange, &err))
            wsm_http_call_limit(&shell->exchange.call, WSM_DISCONNECT_SETTLE_MS);
    }
    wsm_error_clear(&err);
    wsm_buf_clear(&delivered);
}

static void on_disconnected(struct wsm_exchange *exchange, struct wsm_answer **answer,
                            struct wsm_error *err);

static bool write_disconnect(struct wsm_shell *shell, struct wsm_error *err)
{
    struct wsm_buf delivered = WSM_BUF_INIT;
    bool ok;

    untell(shell);
    write_delivered(shell, &delivered);
    ok = prepare_disconnect(shell, &delivered, err);
    wsm_buf_clear(&delivered);
    shell->exchange.on_done = on_disconnected;
    return ok;
}

static bool send_again(struct wsm_exchange *exchange, struct wsm_error *err)
{
    struct wsm_shell *shell = WSM_CONTAINER_OF(exchange, struct wsm_shell, exchange);

    return write_disconnect(shell, err) && wsm_exchange_send(exchange, err);
}

/* Our service knows a repetition when it sees one. It is made at once, and once: a server that is
 * out of reach is to be told of soon. */
static bool repeat_disconnect(struct wsm_exchange *exchange)
{
    static const struct wsm_repetition repetition = { .send = send_again };
    const struct wsm_shell *shell = WSM_CONTAINER_OF(exchange, struct wsm_shell, exchange);
    struct wsm_error err = WSM_ERROR_INIT;
    bool ok;

    if (shell->extension_version == 0 || exchange->is_repeat || !exchange->is_broken ||
        !exchange->call.was_written || exchange->call.is_overdue)
        return false;
    wsm_http_pool_drop_idle(&shell->session->pool); /* they may have gone the same way */
    exchange->repetition = &repetition;
    ok = wsm_exchange_repeat(exchange, &err);
    if (ok)
        wsm_http_call_limit(&exchange->call, WSM_DISCONNECT_SETTLE_MS);
    wsm_error_clear(&err);
    return ok;
}

static void on_disconnected(struct wsm_exchange *exchange, struct wsm_answer **answer,
                            struct wsm_error *err)
{
    struct wsm_shell *shell = WSM_CONTAINER_OF(exchange, struct wsm_shell, exchange);

    (void)answer;
    if (repeat_disconnect(exchange))
        return;
    if (wsm_exchange_is_unreached(exchange, err)) {
        fail_ungraceful(shell, err);
        return;
    }
    if (err->code == ERROR_WINRS_SHELL_DISCONNECTED ||
        err->code == ERROR_WINRS_SHELL_DISCONNECT_OPERATION_NOT_VALID)
        wsm_error_clear(err); /* it is disconnected already: that is what was wanted */
    if (err->code != 0) {
        refuse_disconnect(shell, err);
        return;
    }
    (void)step_shell(shell, WSM_LINK_EV_ANSWERED);
    (void)each_wire(shell, hasten);
    tell_rest(shell);
    wsm_disconnect_go_on(shell);
}

/* ---- Its beginning ---- */

static void send_disconnect(struct wsm_shell *shell)
{
    struct wsm_error err = WSM_ERROR_INIT;

    if (!write_disconnect(shell, &err)) {
        refuse_disconnect(shell, &err);
        return;
    }
    (void)step_shell(shell, WSM_LINK_EV_SENT);
    if (!wsm_exchange_send(&shell->exchange, &err))
        fail_ungraceful(shell, &err);
}

/* What a disconnect still waits for. */
enum waits {
    WAITS_FOR_NOTHING,
    WAITS_FOR_INPUT, /* to be taken: as long as there is progress */
    WAITS_FOR_ANSWERS,
};

static enum waits endpoint_waits(const struct wsm_endpoint *endpoint)
{
    const struct wsm_list *node;
    enum waits waits = WAITS_FOR_NOTHING;

    WSM_LIST_FOREACH (node, &endpoint->operations) {
        const struct wsm_operation *operation = WSM_CONTAINER_OF(node, struct wsm_operation,
                                                                 endpoint_node);

        if (operation->kind == &wsm_send_kind && waits == WAITS_FOR_NOTHING)
            waits = WAITS_FOR_INPUT;
        else if (operation->kind != &wsm_receive_kind && operation->kind != &wsm_send_kind)
            waits = WAITS_FOR_ANSWERS;
    }
    return waits;
}

static enum waits command_waits(const struct wsm_command *command)
{
    switch (command->life) {
    case WSM_LIFE_OPENING:
    case WSM_LIFE_ABANDONED:
    case WSM_LIFE_ENDING:
        return WAITS_FOR_ANSWERS;
    case WSM_LIFE_OPEN:
        if (command->link == WSM_LINK_CONNECTED)
            return endpoint_waits(&command->endpoint);
        return command->link == WSM_LINK_RECONNECTING ? WAITS_FOR_ANSWERS : WAITS_FOR_NOTHING;
    default:
        return WAITS_FOR_NOTHING;
    }
}

static enum waits shell_waits(const struct wsm_shell *shell)
{
    const struct wsm_list *node;
    enum waits waits = endpoint_waits(&shell->endpoint);

    WSM_LIST_FOREACH (node, &shell->commands) {
        enum waits of_command = command_waits(WSM_CONTAINER_OF(node, struct wsm_command, node));

        if (of_command > waits)
            waits = of_command;
    }
    return waits;
}

static bool is_overdue(const struct wsm_shell *shell)
{
    return uv_now(wsm_runtime_loop()) - shell->link_call->progress >= WSM_DISCONNECT_HOLD_MS;
}

/* Sends Disconnect as soon as no callback has output that the request could not count yet. */
static void drain(struct wsm_shell *shell)
{
    struct wsm_list *node;

    if (shell->extension_version > 0 && shell->undelivered > 0) {
        if (!is_overdue(shell)) {
            wsm_session_look_again(shell->session);
            return;
        }
        wsm_receive_take_back(&shell->endpoint);
        WSM_LIST_FOREACH (node, &shell->commands)
            wsm_receive_take_back(&WSM_CONTAINER_OF(node, struct wsm_command, node)->endpoint);
    }
    send_disconnect(shell);
}

/* Drains if nothing that was begun is to be waited for any more. */
static void hold(struct wsm_shell *shell)
{
    enum waits waits = shell_waits(shell);

    if (waits == WAITS_FOR_NOTHING || (waits == WAITS_FOR_INPUT && is_overdue(shell))) {
        (void)step_shell(shell, WSM_LINK_EV_HELD);
        shell->link_call->progress = uv_now(wsm_runtime_loop());
        drain(shell);
    } else if (waits == WAITS_FOR_INPUT) {
        wsm_session_look_again(shell->session);
    }
}

void wsm_disconnect_go_on(struct wsm_shell *shell)
{
    struct wsm_error none = WSM_ERROR_INIT;

    if (shell->life != WSM_LIFE_OPEN || shell->session->state != WSM_SESSION_OPEN)
        return;
    if (shell->link == WSM_LINK_HOLDING)
        hold(shell);
    else if (shell->link == WSM_LINK_DRAINING)
        drain(shell);
    else if (shell->link == WSM_LINK_SETTLING && each_wire(shell, NULL) == 0 &&
             !wsm_exchange_is_active(&shell->exchange))
        finish_disconnect(shell, &none);
}

void wsm_disconnect_delivered(struct wsm_shell *shell)
{
    if (shell->link == WSM_LINK_SETTLING && !wsm_exchange_is_active(&shell->exchange))
        tell_rest(shell); /* else whoever waits for the answer does */
    if (shell->link != WSM_LINK_DRAINING)
        return;
    if (shell->link_call != NULL)
        shell->link_call->progress = uv_now(wsm_runtime_loop());
    wsm_disconnect_go_on(shell);
}

void wsm_disconnect_progress(struct wsm_shell *shell)
{
    if (shell->link == WSM_LINK_HOLDING && shell->link_call != NULL)
        shell->link_call->progress = uv_now(wsm_runtime_loop());
    wsm_disconnect_go_on(shell);
}

bool wsm_disconnect_explains(const struct wsm_operation *operation, const struct wsm_error *err)
{
    enum wsm_link link = operation->shell->link;

    if (!wsm_link_is_ending(link))
        return false;
    if (wsm_exchange_is_unreached(&operation->exchange, err))
        return true;
    return !wsm_link_may_ask(link) &&
           (err->code == ERROR_WSMAN_SERVICE_STREAM_DISCONNECTED ||
            err->code == ERROR_WINRS_SHELL_DISCONNECTED || err->code == ERROR_OPERATION_ABORTED ||
            err->code == ERROR_CANCELLED);
}

static bool begin_disconnect(struct wsm_link_call *call, struct wsm_error *err)
{
    struct wsm_shell *shell = call->shell;

    if (!wsm_shell_check_life(shell, err))
        return false;
    if (shell->api_version == 0 || !shell->can_disconnect)
        return wsm_fail(err, ERROR_WINRS_SHELL_DISCONNECT_NOT_SUPPORTED,
                        "shell %s cannot be disconnected: the server did not offer it, or the API "
                        "handle has version 1.0",
                        shell->id);
    if (!step_shell(shell, WSM_LINK_EV_DISCONNECT))
        return wsm_fail(err, ERROR_WINRS_SHELL_DISCONNECT_OPERATION_NOT_VALID,
                        "shell %s is not connected", shell->id);
    shell->link_call = call;
    call->progress = uv_now(wsm_runtime_loop());
    if (shell->recovery.state != WSM_RECOVERY_FINE) { /* who wants to go does not wait for it */
        struct wsm_error lost = WSM_ERROR_INIT;

        (void)wsm_fail(&lost, ERROR_WSMAN_NETWORK_TIMEDOUT, "the connection is lost");
        wsm_recovery_give_up(&shell->recovery);
        fail_ungraceful(shell, &lost);
        return true;
    }
    wsm_disconnect_go_on(shell);
    return true;
}

/* ---- Reconnect ---- */

static bool check_version(const struct wsm_shell *shell, struct wsm_error *err)
{
    return shell->api_version > 0 || wsm_fail(err, ERROR_WINRS_SHELL_DISCONNECT_NOT_SUPPORTED,
                                              "reconnecting needs an API handle of version 1.1");
}

static void reconnected(struct wsm_shell *shell, struct wsm_error *err)
{
    bool ok = err->code == 0;

    (void)step_shell(shell, ok ? WSM_LINK_EV_BACK : WSM_LINK_EV_FAILED);
    complete(&shell->link_call, err);
    if (ok)
        wake(shell);
}

static void on_reconnected(struct wsm_exchange *exchange, struct wsm_answer **answer,
                           struct wsm_error *err)
{
    (void)answer;
    reconnected(WSM_CONTAINER_OF(exchange, struct wsm_shell, exchange), err);
}

static bool reconnect_again(struct wsm_exchange *exchange, struct wsm_error *err);

static bool send_reconnect(struct wsm_shell *shell, struct wsm_error *err)
{
    static const struct wsm_repetition repetition = { .send = reconnect_again };
    struct wsm_reconnect_request request = { .buffer_mode = shell->link_call->buffer_mode };
    struct wsm_request_headers headers;

    if (!wsm_shell_prepare(shell, &shell->exchange, WSM_ACTION_RECONNECT,
                           WSM_OPTION_DEFAULT_TIMEOUT, &headers, err))
        return false;
    wsm_reconnect_request_write(&shell->exchange.call.request, &headers, &request);
    shell->exchange.on_done = on_reconnected;
    wsm_recovery_cover(&shell->recovery, &shell->exchange, &repetition);
    return wsm_exchange_send(&shell->exchange, err);
}

static bool reconnect_again(struct wsm_exchange *exchange, struct wsm_error *err)
{
    return send_reconnect(WSM_CONTAINER_OF(exchange, struct wsm_shell, exchange), err);
}

static bool begin_reconnect(struct wsm_link_call *call, struct wsm_error *err)
{
    struct wsm_shell *shell = call->shell;

    if (!wsm_shell_check_life(shell, err) || !check_version(shell, err))
        return false;
    if (!step_shell(shell, WSM_LINK_EV_RECONNECT))
        return wsm_fail(err, ERROR_WINRS_SHELL_RECONNECT_OPERATION_NOT_VALID,
                        "shell %s is not disconnected", shell->id);
    shell->link_call = call;
    if (!send_reconnect(shell, err))
        reconnected(shell, err);
    return true;
}

static void command_reconnected(struct wsm_command *command, struct wsm_error *err)
{
    struct wsm_shell *shell = command->shell;

    (void)step_command(command, err->code == 0 ? WSM_LINK_EV_BACK : WSM_LINK_EV_FAILED);
    complete(&command->link_call, err);
    wake(shell);
    wsm_disconnect_go_on(shell);
}

static void on_command_reconnected(struct wsm_exchange *exchange, struct wsm_answer **answer,
                                   struct wsm_error *err)
{
    (void)answer;
    command_reconnected(WSM_CONTAINER_OF(exchange, struct wsm_command, exchange), err);
}

static bool check_command(const struct wsm_command *command, struct wsm_error *err)
{
    const struct wsm_shell *shell = command->shell;

    if (!wsm_command_check_life(command, err) || !wsm_shell_check_life(shell, err) ||
        !check_version(shell, err))
        return false;
    return shell->link == WSM_LINK_CONNECTED ||
           wsm_fail(err, ERROR_WINRS_SHELL_DISCONNECTED, "shell %s is not connected", shell->id);
}

static bool reconnect_command_again(struct wsm_exchange *exchange, struct wsm_error *err);

static bool send_reconnect_command(struct wsm_command *command, struct wsm_error *err)
{
    static const struct wsm_repetition repetition = { .send = reconnect_command_again,
                                                      .outlives_refusal = true };
    struct wsm_reconnect_request request = { .buffer_mode = WSM_BUFFER_UNCHANGED,
                                             .command_id = wsm_span_str(command->wire_id) };
    struct wsm_request_headers headers;

    if (!wsm_shell_prepare(command->shell, &command->exchange, WSM_ACTION_RECONNECT,
                           WSM_OPTION_DEFAULT_TIMEOUT, &headers, err))
        return false;
    wsm_reconnect_request_write(&command->exchange.call.request, &headers, &request);
    command->exchange.on_done = on_command_reconnected;
    wsm_recovery_cover(&command->shell->recovery, &command->exchange, &repetition);
    return wsm_exchange_send(&command->exchange, err);
}

static bool reconnect_command_again(struct wsm_exchange *exchange, struct wsm_error *err)
{
    return send_reconnect_command(WSM_CONTAINER_OF(exchange, struct wsm_command, exchange), err);
}

static bool begin_reconnect_command(struct wsm_link_call *call, struct wsm_command *command,
                                    struct wsm_error *err)
{
    if (!check_command(command, err))
        return false;
    if (!step_command(command, WSM_LINK_EV_RECONNECT))
        return wsm_fail(err, ERROR_WINRS_SHELLCOMMAND_RECONNECT_OPERATION_NOT_VALID,
                        "command %s is not disconnected", command->wire_id);
    command->link_call = call;
    if (!send_reconnect_command(command, err))
        command_reconnected(command, err);
    return true;
}

/* ---- All three ---- */

/* What was named: the handle of a closed one and one that never was give different codes. */
static bool find_target(struct wsm_link_call *call, struct wsm_command **out_command,
                        struct wsm_error *err)
{
    bool is_command = call->kind == WSM_LINK_RECONNECT_COMMAND;
    struct wsm_command *command;

    *out_command = NULL;
    if (is_command) {
        command = wsm_runtime_handle_find(call->command_handle, WSM_HANDLE_COMMAND);
        if (command != NULL) {
            *out_command = command;
            call->shell = command->shell;
            call->async.handles = command->run.handles;
        }
    } else {
        call->shell = wsm_runtime_handle_find(call->shell_handle, WSM_HANDLE_SHELL);
        if (call->shell != NULL)
            call->async.handles.shell = call->shell_handle;
    }
    if (call->shell != NULL)
        wsm_shell_hold(call->shell);
    if (call->refused.code != 0) {
        wsm_error_move(err, &call->refused);
        return false;
    }
    if (call->shell != NULL)
        return true;
    if (is_command)
        return wsm_fail(err,
                        wsm_handle_type_of(call->command_handle) == WSM_HANDLE_COMMAND
                            ? ERROR_WSMAN_COMMAND_ALREADY_CLOSED
                            : ERROR_WSMAN_SHELL_INVALID_COMMAND_HANDLE,
                        "no such command handle");
    return wsm_fail(err,
                    wsm_handle_type_of(call->shell_handle) == WSM_HANDLE_SHELL
                        ? ERROR_WSMAN_SHELL_ALREADY_CLOSED
                        : ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE,
                    "no such shell handle");
}

static bool begin(struct wsm_link_call *call, struct wsm_command *command, struct wsm_error *err)
{
    switch (call->kind) {
    case WSM_LINK_DISCONNECT_SHELL:
        return begin_disconnect(call, err);
    case WSM_LINK_RECONNECT_SHELL:
        return begin_reconnect(call, err);
    case WSM_LINK_RECONNECT_COMMAND:
        return begin_reconnect_command(call, command, err);
    }
    return false;
}

void wsm_link_call_open(struct wsm_link_call *call)
{
    struct wsm_callee callee = call->async.callee;
    struct wsm_command *command;
    struct wsm_error err = WSM_ERROR_INIT;
    bool ok = find_target(call, &command, &err);

    if (call->shell == NULL)
        call->own_strand = wsm_strand_new(wsm_runtime_dispatcher());
    if (strand_of(call) == NULL) { /* no memory: nothing can be said */
        wsm_error_clear(&err);
        wsm_link_call_free(call);
        return;
    }
    wsm_async_begin(&call->async, callee, call->shell == NULL ? NULL : call->shell->session,
                    on_returned);
    if (!ok || !begin(call, command, &err))
        wsm_async_complete(&call->async, strand_of(call), &err);
    wsm_error_clear(&err);
}
