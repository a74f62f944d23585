/* Changes of who holds a shell, by DISCONNECT and CONNECT to its host. The winrmd-net loop
 * runs it. What is allowed to whom is holder.c's business. */
#include "server/change.h"

#include "base/log.h"
#include "server/exchange.h"
#include "server/op_receive.h"
#include "wsmerror.h"

#include <stdlib.h>

/* One change; owned by itself. */
struct wsm_change {
    struct wsm_shell *shell; /* borrowed: its end ends the change first */
    struct wsm_change_request request;
    struct wsm_exchange *exchange; /* owned; NULL = no client asked */
    struct wsm_host_call call;     /* registered once the host was told */
};

/* What was asked for is done even if nobody can be told any more. */
static const struct wsm_exchange_events exchange_events = { .keeps_request = true };

/* Nobody asked for the change but those who wait for it. */
static void refuse_waiting(struct wsm_shell *shell, const struct wsm_error *err)
{
    while (!wsm_list_is_empty(&shell->waiting)) {
        struct wsm_exchange *exchange = WSM_CONTAINER_OF(shell->waiting.next, struct wsm_exchange,
                                                         node);

        wsm_list_remove(&exchange->node);
        wsm_exchange_fail_with(exchange, err);
    }
}

static void done(struct wsm_change *change)
{
    struct wsm_shell *shell = change->shell;
    const struct wsm_change_request *request = &change->request;

    if (request->lets_go)
        wsm_holder_disconnect(&shell->holder, request->session_id, request->is_automatic);
    else
        wsm_holder_connect(&shell->holder, request->session_id, request->client_version);
    wsm_log_info("shell %s of %s %s%s", shell->id.text, shell->owner,
                 request->lets_go ? "disconnected" : "connected",
                 request->is_automatic ? ": its client has no connection (AutoDisconnectTimeout)"
                                       : "");
    if (change->exchange == NULL)
        return;
    if (change->exchange->conn != NULL)
        request->answer(change->exchange, shell);
    wsm_exchange_free(change->exchange);
}

static void end(struct wsm_change *change, const struct wsm_error *err)
{
    struct wsm_shell *shell = change->shell;

    if (err == NULL)
        done(change);
    else if (!wsm_shell_is_ready(shell)) {
        if (change->exchange != NULL) /* it is not known what the host did: once more */
            wsm_exchange_wait(change->exchange, &shell->waiting);
    } else if (change->exchange != NULL) {
        wsm_exchange_fail_with(change->exchange, err);
    } else if (!change->request.lets_go) {
        refuse_waiting(shell, err);
    }
    free(change);
    wsm_shell_changed(shell);
}

static void on_end(struct wsm_host_call *call, const struct wsm_error *err)
{
    end(WSM_CONTAINER_OF(call, struct wsm_change, call), err);
}

/* Receives that wait here and not in the host, which answers its own. */
static void end_undecided(struct wsm_shell *shell)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_list *node;
    struct wsm_list *next;

    wsm_fail(&err, ERROR_WSMAN_SERVICE_STREAM_DISCONNECTED, "the shell is being disconnected");
    WSM_LIST_FOREACH_SAFE (node, next, &shell->commands)
        wsm_receive_let_go(WSM_CONTAINER_OF(node, struct wsm_command, node), &err);
    wsm_error_clear(&err);
}

/* What the session before has asked for, or what was prepared for it, is not for this one. */
static void end_receives(struct wsm_shell *shell)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_list *node;
    struct wsm_list *next;

    wsm_fail(&err, ERROR_WINRS_SHELL_CONNECTED_TO_DIFFERENT_CLIENT,
             "another client took the shell over");
    WSM_LIST_FOREACH_SAFE (node, next, &shell->commands)
        wsm_receive_abort(WSM_CONTAINER_OF(node, struct wsm_command, node), &err);
    wsm_error_clear(&err);
}

static void tell_host(struct wsm_change *change)
{
    static const struct wsm_host_call_events events = { .on_end = on_end };
    struct wsm_shell *shell = change->shell;
    const struct wsm_change_request *request = &change->request;
    uint64_t number = wsm_host_link_expect(shell->link, &change->call, &events);

    if (request->lets_go) {
        struct wsm_host_disconnect message = { .request = number,
                                               .is_automatic = request->is_automatic,
                                               .buffer_mode = (uint8_t)request->buffer_mode,
                                               .idle_timeout_ms = request->idle_timeout_ms,
                                               .session_id = request->session_id };

        end_undecided(shell);
        wsm_host_link_send(shell->link, &wsm_host_disconnect_type, &message);
    } else {
        struct wsm_host_connect message = { .request = number,
                                            .buffer_mode = (uint8_t)request->buffer_mode,
                                            .client_version = request->client_version,
                                            .session_id = request->session_id };

        if (!wsm_holder_is(&shell->holder, request->session_id) ||
            shell->holder.client_version != request->client_version)
            end_receives(shell);
        wsm_host_link_send(shell->link, &wsm_host_connect_type, &message);
    }
}

void wsm_change_on_quiet(struct wsm_change *change)
{
    struct wsm_error err = WSM_ERROR_INIT;

    if (change->call.number != 0)
        return;
    if (wsm_shell_is_ready(change->shell)) {
        tell_host(change);
        return;
    }
    wsm_fail(&err, ERROR_OPERATION_ABORTED, "the shell has ended");
    end(change, &err);
    wsm_error_clear(&err);
}

void wsm_change_begin(struct wsm_shell *shell, const struct wsm_change_request *request,
                      struct wsm_exchange *exchange)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_change *change = calloc(1, sizeof(*change));

    if (change == NULL) {
        wsm_fail_memory(&err, "operation");
        if (exchange != NULL)
            wsm_exchange_fail_with(exchange, &err);
        else
            refuse_waiting(shell, &err);
        wsm_error_clear(&err);
        return;
    }
    change->shell = shell;
    change->request = *request;
    change->exchange = exchange;
    if (exchange != NULL)
        exchange->events = &exchange_events;
    shell->change = change;
    if (!request->lets_go || shell->users == 0)
        tell_host(change);
}

/* The host gets the session's id in the words it has, so that nothing but the state changes. */
static void take_up(struct wsm_shell *shell)
{
    struct wsm_change_request request = { .session_id = wsm_span_str(shell->holder.session_id),
                                          .client_version = shell->holder.client_version };

    wsm_change_begin(shell, &request, NULL);
}

static const char *reason(uint32_t code)
{
    switch (code) {
    case ERROR_WINRS_SHELL_DISCONNECT_NOT_SUPPORTED:
        return "the shell cannot be disconnected: its Create named no ShellId or no SessionId";
    case ERROR_WINRS_SHELL_CONNECTED_TO_DIFFERENT_CLIENT:
        return "the shell is connected to another client, or by another request";
    case ERROR_WINRS_SHELL_CLIENTSESSIONID_MISMATCH:
        return "the shell was disconnected, and another client session may Reconnect to it";
    default:
        return "the shell is disconnected";
    }
}

bool wsm_change_admit(struct wsm_exchange *exchange, struct wsm_shell *shell,
                      enum wsm_hold_request request, bool takeover)
{
    struct wsm_error err = WSM_ERROR_INIT;
    uint32_t code = 0;

    switch (wsm_holder_decide(&shell->holder, request, exchange->env.session_id, takeover, &code)) {
    case WSM_HOLD_GO:
        return true;
    case WSM_HOLD_TAKE_UP:
        wsm_exchange_wait(exchange, &shell->waiting);
        take_up(shell);
        return false;
    case WSM_HOLD_REFUSED:
        break;
    }
    wsm_fail(&err, code, "%s", reason(code));
    wsm_exchange_fail(exchange, &err);
    return false;
}

bool wsm_change_has_command(struct wsm_exchange *exchange, struct wsm_shell *shell,
                            struct wsm_span id)
{
    struct wsm_error err = WSM_ERROR_INIT;

    if (wsm_command_get(shell, id, &err) != NULL)
        return true;
    wsm_exchange_fail(exchange, &err);
    return false;
}

enum wsm_host_buffer_mode wsm_change_buffer_mode(enum wsm_buffer_mode mode)
{
    switch (mode) {
    case WSM_BUFFER_BLOCK:
        return WSM_HOST_BUFFER_BLOCK;
    case WSM_BUFFER_DROP:
        return WSM_HOST_BUFFER_DROP;
    default:
        return WSM_HOST_BUFFER_UNCHANGED;
    }
}

static bool holds(const struct wsm_shell *shell, const char *session_id)
{
    return shell->state == WSM_SHELL_OPEN && shell->holder.can_disconnect &&
           shell->holder.connection == WSM_HOST_CONNECTED &&
           wsm_holder_is(&shell->holder, wsm_span_str(session_id));
}

bool wsm_change_holds(struct wsm_shell_table *table, const char *owner, const char *session_id)
{
    struct wsm_shell *shell = NULL;

    while ((shell = wsm_shell_next(table, owner, shell)) != NULL)
        if (holds(shell, session_id))
            return true;
    return false;
}

void wsm_change_let_go(struct wsm_shell_table *table, const char *owner, const char *session_id)
{
    struct wsm_shell *shell = NULL;

    while ((shell = wsm_shell_next(table, owner, shell)) != NULL) {
        struct wsm_change_request request = { .lets_go = true,
                                              .is_automatic = true,
                                              .idle_timeout_ms = -1 };

        if (!holds(shell, session_id) || shell->change != NULL)
            continue;
        request.session_id = wsm_span_str(shell->holder.session_id);
        wsm_change_begin(shell, &request, NULL);
    }
}
