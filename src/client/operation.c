/* What all operations share: finding the target, taking turns, ending once, being
 * released. What they say on the wire is in send.c, receive.c, signal.c, identify.c, list.c. */
#include "client/operation.h"

#include "base/log.h"
#include "client/command.h"
#include "client/disconnect.h"
#include "client/orphans.h"
#include "client/runtime.h"
#include "client/session.h"
#include "client/shell.h"
#include "wsmerror.h"

#include <stdlib.h>

/*             START    COMPLETE  RETURNED  RELEASE
 * WAITING     ACTIVE   ENDING    -         -  (aborted first)
 * ACTIVE      -        ENDING    -         -  (aborted first)
 * ENDING      -        -         ENDED     LEAVING
 * LEAVING     -        -         RELEASED  -
 * ENDED       -        -         -         RELEASED  */
static const enum wsm_operation_state next_state[WSM_OPERATION_COUNT][WSM_OPERATION_EV_COUNT] = {
    [WSM_OPERATION_WAITING] = { WSM_OPERATION_ACTIVE, WSM_OPERATION_ENDING, 0, 0 },
    [WSM_OPERATION_ACTIVE] = { 0, WSM_OPERATION_ENDING, 0, 0 },
    [WSM_OPERATION_ENDING] = { 0, 0, WSM_OPERATION_ENDED, WSM_OPERATION_LEAVING },
    [WSM_OPERATION_LEAVING] = { 0, 0, WSM_OPERATION_RELEASED, 0 },
    [WSM_OPERATION_ENDED] = { 0, 0, 0, WSM_OPERATION_RELEASED },
};

static const char *const state_names[WSM_OPERATION_COUNT] = {
    "refused", "waiting", "active", "ending", "leaving", "ended", "released",
};

/* The only writer of operation->state. */
static bool step(struct wsm_operation *operation, enum wsm_operation_event event)
{
    enum wsm_operation_state next = next_state[operation->state][event];

    if (next == WSM_OPERATION_REFUSED)
        return false;
    wsm_log_debug("%s: %s -> %s", operation->kind->name, state_names[operation->state],
                  state_names[next]);
    operation->state = next;
    return true;
}

struct wsm_operation *wsm_operation_new(const struct wsm_operation_kind *kind)
{
    struct wsm_operation *operation = calloc(1, sizeof(*operation));

    if (operation == NULL)
        return NULL;
    operation->kind = kind;
    operation->state = WSM_OPERATION_WAITING;
    operation->async.result = kind->result;
    wsm_recovery_init(&operation->recovery, NULL);
    wsm_list_init(&operation->node);
    wsm_list_init(&operation->endpoint_node);
    wsm_list_init(&operation->deliveries);
    return operation;
}

void wsm_operation_free(struct wsm_operation *operation)
{
    if (operation == NULL)
        return;
    wsm_list_remove(&operation->node);
    wsm_list_remove(&operation->endpoint_node);
    wsm_strand_release(operation->own_strand);
    wsm_async_clear(&operation->async);
    wsm_buf_clear(&operation->data);
    free(operation->text);
    free(operation->resource_uri);
    free(operation);
}

static void free_released(struct wsm_operation *operation)
{
    if (operation->state != WSM_OPERATION_RELEASED)
        return;
    wsm_runtime_handle_remove(operation->handle);
    wsm_operation_free(operation);
}

static void on_returned(struct wsm_async *async)
{
    struct wsm_operation *operation = WSM_CONTAINER_OF(async, struct wsm_operation, async);
    struct wsm_shell *shell = operation->shell;

    operation->shell = NULL;
    (void)step(operation, WSM_OPERATION_EV_RETURNED);
    free_released(operation);
    if (shell != NULL)
        wsm_shell_release(shell);
}

static struct wsm_strand *strand_of(struct wsm_operation *operation)
{
    return operation->shell != NULL ? operation->shell->strand : operation->own_strand;
}

void wsm_operation_complete(struct wsm_operation *operation, struct wsm_error *err)
{
    struct wsm_endpoint *endpoint = operation->endpoint;

    if (!step(operation, WSM_OPERATION_EV_COMPLETE)) {
        wsm_error_clear(err);
        return;
    }
    wsm_exchange_cancel(&operation->exchange);
    wsm_recovery_clear(&operation->recovery);
    wsm_buf_clear(&operation->data);
    wsm_list_remove(&operation->endpoint_node);
    operation->endpoint = NULL;
    wsm_async_complete(&operation->async, strand_of(operation), err);
    if (endpoint != NULL)
        wsm_operation_next(endpoint);
    if (operation->shell != NULL && operation->kind == &wsm_receive_kind)
        wsm_disconnect_go_on(operation->shell);
    else if (operation->shell != NULL)
        wsm_disconnect_progress(operation->shell);
}

/* ---- Starting ---- */

static void start(struct wsm_operation *operation)
{
    struct wsm_error err = WSM_ERROR_INIT;

    (void)step(operation, WSM_OPERATION_EV_START);
    if (!operation->kind->start(operation, &err))
        wsm_operation_complete(operation, &err);
}

static bool has_turn(const struct wsm_operation *operation, const struct wsm_endpoint *endpoint)
{
    const struct wsm_list *node;

    if (!operation->kind->is_queued)
        return true;
    WSM_LIST_FOREACH (node, &endpoint->operations) {
        const struct wsm_operation *other = WSM_CONTAINER_OF(node, struct wsm_operation,
                                                             endpoint_node);

        if (other == operation)
            return true;
        if (other->kind == operation->kind)
            return false;
    }
    return true;
}

/* A Receive may always begin: it sleeps by itself. */
bool wsm_operation_may_go(const struct wsm_operation *operation)
{
    const struct wsm_command *command = operation->endpoint->command;

    if (operation->kind == &wsm_receive_kind)
        return true;
    return wsm_link_may_ask(operation->shell->link) &&
           (command == NULL || command->link == WSM_LINK_CONNECTED);
}

static struct wsm_operation *find_next(struct wsm_endpoint *endpoint)
{
    struct wsm_list *node;

    WSM_LIST_FOREACH (node, &endpoint->operations) {
        struct wsm_operation *operation = WSM_CONTAINER_OF(node, struct wsm_operation,
                                                           endpoint_node);

        if (operation->state == WSM_OPERATION_WAITING && has_turn(operation, endpoint) &&
            wsm_operation_may_go(operation))
            return operation;
    }
    return NULL;
}

void wsm_operation_next(struct wsm_endpoint *endpoint)
{
    struct wsm_operation *operation;

    /* Looked for anew each time: starting one may end it and change the list. */
    while ((operation = find_next(endpoint)) != NULL)
        start(operation);
}

/* The command, if one was named: it must be of that shell and running. */
static bool find_command(struct wsm_operation *operation, struct wsm_error *err)
{
    struct wsm_command *command;

    if (operation->command_handle == 0)
        return true;
    command = wsm_runtime_handle_find(operation->command_handle, WSM_HANDLE_COMMAND);
    if (command == NULL)
        return wsm_fail(err, ERROR_WSMAN_SHELL_INVALID_COMMAND_HANDLE, "no such command handle");
    if (command->shell != operation->shell)
        return wsm_fail(err, ERROR_WSMAN_CLIENT_INVALID_SHELL_COMMAND_PAIR,
                        "the command belongs to another shell");
    if (!wsm_command_check_open(command, err))
        return false;
    operation->endpoint = &command->endpoint;
    return true;
}

static void forget_orphan(struct wsm_list *node)
{
    wsm_operation_forget(WSM_CONTAINER_OF(node, struct wsm_operation, node));
}

static bool find_target(struct wsm_operation *operation, struct wsm_error *err)
{
    if (operation->shell_handle == 0) {
        operation->session = wsm_runtime_handle_find(operation->session_handle, WSM_HANDLE_SESSION);
    } else {
        operation->shell = wsm_runtime_handle_find(operation->shell_handle, WSM_HANDLE_SHELL);
        if (operation->shell != NULL) {
            wsm_shell_hold(operation->shell);
            operation->endpoint = &operation->shell->endpoint;
            operation->session = operation->shell->session;
        }
    }
    if (operation->session != NULL)
        wsm_list_add(&operation->session->operations, &operation->node);
    else
        wsm_orphans_add(WSM_ORPHAN_OPERATION, &operation->node, forget_orphan);
    if (operation->shell_handle != 0 && operation->shell == NULL)
        return wsm_fail(err, ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE, "no such shell handle");
    if (operation->session == NULL || operation->session->state != WSM_SESSION_OPEN)
        return wsm_fail(err, ERROR_WSMAN_SESSION_ALREADY_CLOSED, "the session is closed");
    if (operation->shell == NULL)
        return true;
    return wsm_shell_check_open(operation->shell, err) && find_command(operation, err);
}

/* A second Receive is refused while one goes on; it may wait for the answers of a
 * cancelled one to come back. */
static bool check_receive(const struct wsm_operation *operation, struct wsm_error *err)
{
    if (operation->kind != &wsm_receive_kind || has_turn(operation, operation->endpoint))
        return true;
    return wsm_fail(err, ERROR_WINRS_RECEIVE_IN_PROGRESS,
                    "output of this target is being received already");
}

void wsm_operation_open(struct wsm_operation *operation)
{
    struct wsm_callee callee = operation->async.callee;
    struct wsm_error err = WSM_ERROR_INIT;
    bool ok = find_target(operation, &err) &&
              (operation->endpoint == NULL || check_receive(operation, &err));

    if (operation->shell == NULL && operation->own_strand == NULL)
        operation->own_strand = wsm_strand_new(wsm_runtime_dispatcher());
    if (strand_of(operation) == NULL) { /* no memory: nothing can be said */
        wsm_error_clear(&err);
        wsm_operation_forget(operation);
        return;
    }
    wsm_async_begin(&operation->async, callee, operation->session, on_returned);
    if (!ok) {
        operation->endpoint = NULL;
        wsm_operation_complete(operation, &err);
    } else if (operation->endpoint == NULL) {
        start(operation);
    } else {
        wsm_list_add(&operation->endpoint->operations, &operation->endpoint_node);
        wsm_operation_next(operation->endpoint);
    }
}

/* ---- Ending early ---- */

void wsm_operation_abort(struct wsm_operation *operation)
{
    struct wsm_error err = { .code = ERROR_OPERATION_ABORTED };

    if (operation->state != WSM_OPERATION_WAITING && operation->state != WSM_OPERATION_ACTIVE)
        return;
    if (operation->kind->cancel != NULL)
        operation->kind->cancel(operation);
    wsm_operation_complete(operation, &err);
}

void wsm_operation_abort_all(struct wsm_endpoint *endpoint)
{
    /* Last call first, so that none of those waiting gets its turn. */
    while (!wsm_list_is_empty(&endpoint->operations))
        wsm_operation_abort(
            WSM_CONTAINER_OF(endpoint->operations.prev, struct wsm_operation, endpoint_node));
}

void wsm_operation_release(struct wsm_operation *operation)
{
    wsm_operation_abort(operation);
    /* Its real result may still be on its way to the application: that ends here too. */
    if (operation->state == WSM_OPERATION_ENDING &&
        wsm_async_abort_queued(&operation->async, strand_of(operation)) &&
        operation->kind->cancel != NULL)
        operation->kind->cancel(operation);
    (void)step(operation, WSM_OPERATION_EV_RELEASE);
    free_released(operation);
}

void wsm_operation_forget(struct wsm_operation *operation)
{
    wsm_exchange_cancel(&operation->exchange);
    wsm_recovery_clear(&operation->recovery);
    wsm_runtime_handle_remove(operation->handle);
    wsm_operation_free(operation);
}
