/* Signal: terminate, ctrl_c and ctrl_break for a command. The winrmd-net loop runs it;
 * the host decides whether the command exists or existed, and whether it is a repetition. */
#include "proto/signal.h"

#include "server/handler.h"
#include "wsmerror.h"

#include <stdlib.h>

/* One Signal under way; owned by itself. */
struct signalling {
    struct wsm_exchange *exchange; /* owned */
    struct wsm_shell *shell;       /* borrowed: its end ends the call first */
    struct wsm_host_call call;
    struct wsm_guid command_id;
    enum wsm_host_signal signal;
};

static const struct wsm_exchange_events exchange_events = { .keeps_request = false };

static void signalling_fail(struct signalling *op, struct wsm_error *err)
{
    wsm_exchange_fail(op->exchange, err);
    free(op);
}

/* Terminated: nothing of it is left, not even what its Receives waited for. */
static void forget_command(struct signalling *op)
{
    struct wsm_command *command = wsm_command_find(op->shell, wsm_span_str(op->command_id.text));
    struct wsm_error aborted = WSM_ERROR_INIT;

    if (command == NULL)
        return;
    wsm_fail(&aborted, ERROR_OPERATION_ABORTED, "the command was terminated");
    wsm_command_remove(command, &aborted);
    wsm_error_clear(&aborted);
}

static void on_end(struct wsm_host_call *call, const struct wsm_error *err)
{
    struct signalling *op = WSM_CONTAINER_OF(call, struct signalling, call);
    struct wsm_response response = WSM_RESPONSE_INIT;
    struct wsm_response_headers headers;
    struct wsm_shell *shell = op->shell;

    if (err != NULL) {
        wsm_exchange_fail_with(op->exchange, err);
        free(op);
        wsm_shell_leave(shell);
        return;
    }
    if (op->signal == WSM_HOST_SIGNAL_TERMINATE)
        forget_command(op);
    if (op->exchange->conn != NULL) {
        headers = wsm_response_open(&response, op->exchange, 200, WSM_ACTION_SIGNAL "Response");
        wsm_signal_response_write(&response.out, &headers);
        wsm_response_send(&response, op->exchange, NULL);
        wsm_response_clear(&response);
    }
    wsm_exchange_free(op->exchange);
    free(op);
    wsm_shell_leave(shell);
}

static bool check(struct signalling *op, struct wsm_error *err)
{
    static const char *const options[] = { NULL };
    struct wsm_signal_request request;

    if (!wsm_options_check(&op->exchange->env, options, err) ||
        !wsm_signal_request_parse(&op->exchange->env, &request, err))
        return false;
    switch (wsm_signal_code_of(request.code)) {
    case WSM_SIGNAL_TERMINATE:
        op->signal = WSM_HOST_SIGNAL_TERMINATE;
        break;
    case WSM_SIGNAL_CTRL_C:
        op->signal = WSM_HOST_SIGNAL_CTRL_C;
        break;
    case WSM_SIGNAL_CTRL_BREAK:
        op->signal = WSM_HOST_SIGNAL_CTRL_BREAK;
        break;
    default:
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "signal %.*s is not known",
                        (int)request.code.len, (const char *)request.code.ptr);
    }
    if (request.command_id.len == 0)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "rsp:Signal: no CommandId");
    if (!wsm_guid_parse(request.command_id, &op->command_id))
        return wsm_fail(err, ERROR_WSMAN_UNEXPECTED_SELECTORS, "command %.*s does not exist",
                        (int)request.command_id.len, (const char *)request.command_id.ptr);
    return true;
}

static void send_signal(struct signalling *op)
{
    static const struct wsm_host_call_events events = { .on_end = on_end };
    struct wsm_command *command = wsm_command_find(op->shell, wsm_span_str(op->command_id.text));
    struct wsm_host_signal_request message = { .signal = (uint32_t)op->signal };
    char message_id[WSM_HOST_ID_MAX + 1];

    /* the host compares ids as they were given to it */
    if (command != NULL)
        op->command_id = command->id;
    message.command_id = wsm_span_str(op->command_id.text);
    wsm_exchange_request_id(op->exchange, message_id);
    message.message_id = wsm_span_str(message_id);
    wsm_shell_enter(op->shell);
    message.request = wsm_host_link_expect(op->shell->link, &op->call, &events);
    wsm_host_link_send(op->shell->link, &wsm_host_signal_type, &message);
}

void wsm_op_signal(struct wsm_exchange *exchange, struct wsm_shell *shell)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct signalling *op = calloc(1, sizeof(*op));

    if (op == NULL) {
        wsm_fail_memory(&err, "operation");
        wsm_exchange_fail(exchange, &err);
        return;
    }
    op->exchange = exchange;
    op->shell = shell;
    exchange->events = &exchange_events;
    if (check(op, &err))
        send_signal(op);
    else
        signalling_fail(op, &err);
}
