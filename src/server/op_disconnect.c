/* Disconnect: the client lets go of a shell, which runs on. The winrmd-net loop runs it. */
#include "proto/disconnect.h"

#include "proto/extension.h"
#include "server/change.h"
#include "server/handler.h"
#include "server/service.h"

static const char *const options[] = { WSM_OPTION_CLIENT, WSM_OPTION_TAKEOVER, NULL };

static void answer(struct wsm_exchange *exchange, const struct wsm_shell *shell)
{
    struct wsm_response response = WSM_RESPONSE_INIT;
    struct wsm_response_headers headers = wsm_response_open(&response, exchange, 200,
                                                            WSM_ACTION_DISCONNECT "Response");

    (void)shell;
    wsm_disconnect_response_write(&response.out, &headers);
    wsm_response_send(&response, exchange, NULL);
    wsm_response_clear(&response);
}

void wsm_op_disconnect(struct wsm_exchange *exchange, struct wsm_shell *shell)
{
    const struct wsm_envelope *env = &exchange->env;
    struct wsm_change_request change = { .lets_go = true,
                                         .session_id = env->session_id,
                                         .answer = answer };
    struct wsm_disconnect_request request;
    struct wsm_error err = WSM_ERROR_INIT;
    bool takeover;

    if (!wsm_options_check(env, options, &err) || !wsm_extension_takeover(env, &takeover, &err) ||
        !wsm_disconnect_request_parse(env, &request, &err)) {
        wsm_exchange_fail(exchange, &err);
        return;
    }
    if (!wsm_change_admit(exchange, shell, WSM_HOLD_DISCONNECT, takeover))
        return;
    change.buffer_mode = wsm_change_buffer_mode(request.buffer_mode);
    change.idle_timeout_ms = request.idle_timeout_ms;
    if (change.idle_timeout_ms >= 0)
        change.idle_timeout_ms = wsm_settings_idle_timeout(&exchange->service->settings,
                                                           change.idle_timeout_ms);
    wsm_change_begin(shell, &change, exchange);
}
