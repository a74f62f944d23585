/* Signal: one control code to a command or shell. Loop thread. */
#include "proto/signal.h"

#include "client/command.h"
#include "client/operation.h"
#include "client/options.h"
#include "client/shell.h"

static void on_answer(struct wsm_exchange *exchange, struct wsm_answer **answer,
                      struct wsm_error *err)
{
    (void)answer;
    wsm_operation_complete(WSM_CONTAINER_OF(exchange, struct wsm_operation, exchange), err);
}

static bool again(struct wsm_exchange *exchange, struct wsm_error *err);

static bool start(struct wsm_operation *operation, struct wsm_error *err)
{
    static const struct wsm_repetition repetition = { .send = again };
    const struct wsm_command *command = operation->endpoint->command;
    struct wsm_signal_request request = {
        .command_id = wsm_span_str(command == NULL ? NULL : command->wire_id),
        .code = wsm_span_str(operation->text),
    };
    struct wsm_request_headers headers;

    if (!wsm_shell_prepare(operation->shell, &operation->exchange, WSM_ACTION_SIGNAL,
                           WSM_OPTION_TIMEOUT_SIGNAL, &headers, err))
        return false;
    wsm_signal_request_write(&operation->exchange.call.request, &headers, &request);
    operation->exchange.on_done = on_answer;
    wsm_recovery_cover(&operation->shell->recovery, &operation->exchange, &repetition);
    return wsm_exchange_send(&operation->exchange, err);
}

static bool again(struct wsm_exchange *exchange, struct wsm_error *err)
{
    return start(WSM_CONTAINER_OF(exchange, struct wsm_operation, exchange), err);
}

const struct wsm_operation_kind wsm_signal_kind = {
    .name = "Signal",
    .is_queued = true,
    .start = start,
};
