/* Disconnect and Reconnect. Loop thread.
 *
 * A disconnect first lets end what was begun before it (HOLDING), then asks the server
 * (LEAVING), then lets the Receives on the wire bring what they still have (SETTLING). The
 * Receives of the application stay and sleep; receive.c does not ask for output meanwhile. */
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

/* ---- The end of a disconnect ---- */

static struct wsm_operation *find_wire_receive(struct wsm_endpoint *endpoint)
{
    struct wsm_list *node;

    WSM_LIST_FOREACH (node, &endpoint->operations) {
        struct wsm_operation *operation = WSM_CONTAINER_OF(node, struct wsm_operation,
                                                           endpoint_node);

        if (operation->kind == &wsm_receive_kind && wsm_exchange_is_active(&operation->exchange))
            return operation;
    }
    return NULL;
}

/* Calls `act` for the Receives on the wire; NULL: only counts them. */
static size_t each_wire_receive(struct wsm_shell *shell, void (*act)(struct wsm_operation *))
{
    struct wsm_endpoint *endpoint = &shell->endpoint;
    struct wsm_list *node = &shell->commands;
    size_t count = 0;

    for (;;) {
        struct wsm_operation *operation = find_wire_receive(endpoint);

        count += operation != NULL;
        if (operation != NULL && act != NULL)
            act(operation);
        node = node->next;
        if (node == &shell->commands)
            return count;
        endpoint = &WSM_CONTAINER_OF(node, struct wsm_command, node)->endpoint;
    }
}

static void cancel_wire(struct wsm_operation *operation)
{
    wsm_exchange_cancel(&operation->exchange);
}

static void hasten(struct wsm_operation *operation)
{
    wsm_http_call_limit(&operation->exchange.call, WSM_DISCONNECT_SETTLE_MS);
}

void wsm_disconnect_now(struct wsm_shell *shell)
{
    struct wsm_list *node;

    (void)each_wire_receive(shell, cancel_wire);
    (void)step_shell(shell, WSM_LINK_EV_GONE);
    WSM_LIST_FOREACH (node, &shell->commands) {
        struct wsm_command *command = WSM_CONTAINER_OF(node, struct wsm_command, node);

        if (command->life == WSM_LIFE_OPEN)
            (void)step_command(command, WSM_LINK_EV_GONE);
    }
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
    wsm_receive_go_on(shell); /* the server may have ended them before it refused */
}

/* Also a server that says that nobody is behind it at the moment. */
static bool is_unreached(const struct wsm_exchange *exchange, const struct wsm_error *err)
{
    return exchange->is_broken || err->code == ERROR_WSMAN_HTTP_SERVICE_UNAVAILABLE_STATUS;
}

static void on_disconnected(struct wsm_exchange *exchange, struct wsm_answer **answer,
                            struct wsm_error *err)
{
    struct wsm_shell *shell = WSM_CONTAINER_OF(exchange, struct wsm_shell, exchange);

    (void)answer;
    if (is_unreached(exchange, err)) {
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
    (void)each_wire_receive(shell, hasten);
    wsm_disconnect_go_on(shell);
}

/* ---- Its beginning ---- */

static void send_disconnect(struct wsm_shell *shell)
{
    const struct wsm_link_call *call = shell->link_call;
    struct wsm_disconnect_request request = { .idle_timeout_ms = call->idle_timeout_ms,
                                              .buffer_mode = call->buffer_mode };
    struct wsm_request_headers headers;
    struct wsm_error err = WSM_ERROR_INIT;

    if (!wsm_shell_prepare(shell, &shell->exchange, WSM_ACTION_DISCONNECT,
                           WSM_OPTION_DEFAULT_TIMEOUT, &headers, &err)) {
        refuse_disconnect(shell, &err);
        return;
    }
    wsm_disconnect_request_write(&shell->exchange.call.request, &headers, &request);
    shell->exchange.on_done = on_disconnected;
    (void)step_shell(shell, WSM_LINK_EV_SENT);
    if (!wsm_exchange_send(&shell->exchange, &err))
        fail_ungraceful(shell, &err);
}

static bool has_input(const struct wsm_endpoint *endpoint)
{
    const struct wsm_list *node;

    WSM_LIST_FOREACH (node, &endpoint->operations) {
        if (WSM_CONTAINER_OF(node, struct wsm_operation, endpoint_node)->kind != &wsm_receive_kind)
            return true;
    }
    return false;
}

static bool is_command_busy(const struct wsm_command *command)
{
    switch (command->life) {
    case WSM_LIFE_OPENING:
    case WSM_LIFE_ABANDONED:
    case WSM_LIFE_ENDING:
        return true;
    case WSM_LIFE_OPEN:
        return command->link == WSM_LINK_RECONNECTING;
    default:
        return false;
    }
}

/* Is anything but Receive under way or waiting for its turn? */
static bool is_busy(const struct wsm_shell *shell)
{
    const struct wsm_list *node;

    if (has_input(&shell->endpoint))
        return true;
    WSM_LIST_FOREACH (node, &shell->commands) {
        const struct wsm_command *command = WSM_CONTAINER_OF(node, struct wsm_command, node);

        if (is_command_busy(command) || has_input(&command->endpoint))
            return true;
    }
    return false;
}

void wsm_disconnect_go_on(struct wsm_shell *shell)
{
    struct wsm_error none = WSM_ERROR_INIT;

    if (shell->life != WSM_LIFE_OPEN || shell->session->state != WSM_SESSION_OPEN)
        return;
    if (shell->link == WSM_LINK_HOLDING && !is_busy(shell))
        send_disconnect(shell);
    else if (shell->link == WSM_LINK_SETTLING && each_wire_receive(shell, NULL) == 0)
        finish_disconnect(shell, &none);
}

bool wsm_disconnect_explains(const struct wsm_operation *operation, const struct wsm_error *err)
{
    enum wsm_link link = operation->shell->link;

    if (!wsm_link_is_ending(link))
        return false;
    if (is_unreached(&operation->exchange, err))
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
        wsm_receive_go_on(shell);
}

static void on_reconnected(struct wsm_exchange *exchange, struct wsm_answer **answer,
                           struct wsm_error *err)
{
    (void)answer;
    reconnected(WSM_CONTAINER_OF(exchange, struct wsm_shell, exchange), err);
}

static bool begin_reconnect(struct wsm_link_call *call, struct wsm_error *err)
{
    struct wsm_shell *shell = call->shell;
    struct wsm_reconnect_request request = { .buffer_mode = call->buffer_mode };
    struct wsm_request_headers headers;

    if (!wsm_shell_check_life(shell, err) || !check_version(shell, err))
        return false;
    if (!step_shell(shell, WSM_LINK_EV_RECONNECT))
        return wsm_fail(err, ERROR_WINRS_SHELL_RECONNECT_OPERATION_NOT_VALID,
                        "shell %s is not disconnected", shell->id);
    shell->link_call = call;
    if (wsm_shell_prepare(shell, &shell->exchange, WSM_ACTION_RECONNECT, WSM_OPTION_DEFAULT_TIMEOUT,
                          &headers, err)) {
        wsm_reconnect_request_write(&shell->exchange.call.request, &headers, &request);
        shell->exchange.on_done = on_reconnected;
        if (wsm_exchange_send(&shell->exchange, err))
            return true;
    }
    reconnected(shell, err);
    return true;
}

static void command_reconnected(struct wsm_command *command, struct wsm_error *err)
{
    struct wsm_shell *shell = command->shell;

    (void)step_command(command, err->code == 0 ? WSM_LINK_EV_BACK : WSM_LINK_EV_FAILED);
    complete(&command->link_call, err);
    wsm_receive_go_on(shell);
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

static bool begin_reconnect_command(struct wsm_link_call *call, struct wsm_command *command,
                                    struct wsm_error *err)
{
    struct wsm_reconnect_request request = { .buffer_mode = WSM_BUFFER_UNCHANGED };
    struct wsm_request_headers headers;

    if (!check_command(command, err))
        return false;
    if (!step_command(command, WSM_LINK_EV_RECONNECT))
        return wsm_fail(err, ERROR_WINRS_SHELLCOMMAND_RECONNECT_OPERATION_NOT_VALID,
                        "command %s is not disconnected", command->wire_id);
    command->link_call = call;
    request.command_id = wsm_span_str(command->wire_id);
    if (wsm_shell_prepare(command->shell, &command->exchange, WSM_ACTION_RECONNECT,
                          WSM_OPTION_DEFAULT_TIMEOUT, &headers, err)) {
        wsm_reconnect_request_write(&command->exchange.call.request, &headers, &request);
        command->exchange.on_done = on_command_reconnected;
        if (wsm_exchange_send(&command->exchange, err))
            return true;
    }
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
