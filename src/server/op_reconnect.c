/* Reconnect: the session that let go of a shell takes it up again. The winrmd-net loop runs
 * it. Commands come with their shell; the form for a command only looks whether it is there. */
#include "proto/disconnect.h"

#include "proto/extension.h"
#include "server/change.h"
#include "server/handler.h"
#include "wsmerror.h"

static const char *const options[] = { WSM_OPTION_CLIENT, NULL };

static void answer(struct wsm_exchange *exchange, const struct wsm_shell *shell)
{
    struct wsm_response response = WSM_RESPONSE_INIT;
    struct wsm_response_headers headers = wsm_response_open(&response, exchange, 200,
                                                            WSM_ACTION_RECONNECT "Response");

    (void)shell;
    wsm_reconnect_response_write(&response.out, &headers);
    wsm_response_send(&response, exchange, NULL);
    wsm_response_clear(&response);
}

static void reconnect_command(struct wsm_exchange *exchange, struct wsm_shell *shell,
                              struct wsm_span id)
{
    if (!wsm_change_admit(exchange, shell, WSM_HOLD_USE, false) ||
        !wsm_change_has_command(exchange, shell, id))
        return;
    answer(exchange, shell);
    wsm_exchange_free(exchange);
}

void wsm_op_reconnect(struct wsm_exchange *exchange, struct wsm_shell *shell)
{
    const struct wsm_envelope *env = &exchange->env;
    struct wsm_change_request change = { .session_id = env->session_id, .answer = answer };
    struct wsm_reconnect_request request;
    struct wsm_error err = WSM_ERROR_INIT;

    if (!wsm_options_check(env, options, &err) ||
        !wsm_reconnect_request_parse(env, &request, &err)) {
        wsm_exchange_fail(exchange, &err);
        return;
    }
    if (request.command_id.len > 0) {
        reconnect_command(exchange, shell, request.command_id);
        return;
    }
    if (!wsm_change_admit(exchange, shell, WSM_HOLD_RECONNECT, false))
        return;
    change.buffer_mode = wsm_change_buffer_mode(request.buffer_mode);
    change.client_version = wsm_extension_announced(env);
    if (change.client_version == 0) /* it did so before */
        change.client_version = shell->holder.client_version;
    wsm_change_begin(shell, &change, exchange);
}
