/* Connect: a session takes up a shell that another one let go of, or whose client is gone,
 * or (taking over) that another one holds. The winrmd-net loop runs it. Commands come with
 * their shell; the form for a command only looks whether it is there. */
#include "proto/disconnect.h"

#include "ipc/stream_names.h"
#include "proto/extension.h"
#include "server/change.h"
#include "server/handler.h"
#include "wsmerror.h"

static const char *const options[] = { WSM_OPTION_CLIENT, WSM_OPTION_TAKEOVER, NULL };

static void write_answer(struct wsm_exchange *exchange, const struct wsm_connect_response *msg)
{
    struct wsm_response response = WSM_RESPONSE_INIT;
    struct wsm_response_headers headers = wsm_response_open(&response, exchange, 200,
                                                            WSM_ACTION_CONNECT "Response");

    wsm_connect_response_write(&response.out, &headers, msg);
    wsm_response_send(&response, exchange, NULL);
    wsm_response_clear(&response);
}

static void answer(struct wsm_exchange *exchange, const struct wsm_shell *shell)
{
    static const char *const output[] = { "", "stdout", "stderr", "stdout stderr" };
    struct wsm_connect_response msg = {
        .input_streams = wsm_span_str(shell->input_streams == 0 ? "" : wsm_input_stream_names[0]),
        .output_streams = wsm_span_str(output[shell->output_streams & 3]),
        .extension_version = wsm_extension_announced(&exchange->env),
    };

    write_answer(exchange, &msg);
}

static void connect_command(struct wsm_exchange *exchange, struct wsm_shell *shell,
                            struct wsm_span id)
{
    struct wsm_connect_response msg = { 0 };

    if (!wsm_change_admit(exchange, shell, WSM_HOLD_USE, false) ||
        !wsm_change_has_command(exchange, shell, id))
        return;
    write_answer(exchange, &msg);
    wsm_exchange_free(exchange);
}

void wsm_op_connect(struct wsm_exchange *exchange, struct wsm_shell *shell)
{
    const struct wsm_envelope *env = &exchange->env;
    struct wsm_change_request change = { .session_id = env->session_id, .answer = answer };
    struct wsm_connect_request request;
    struct wsm_error err = WSM_ERROR_INIT;
    bool takeover;

    if (!wsm_options_check(env, options, &err) || !wsm_extension_takeover(env, &takeover, &err) ||
        !wsm_connect_request_parse(env, &request, &err)) {
        wsm_exchange_fail(exchange, &err);
        return;
    }
    if (request.command_id.len > 0) {
        connect_command(exchange, shell, request.command_id);
        return;
    }
    if (!wsm_change_admit(exchange, shell, WSM_HOLD_CONNECT, takeover))
        return;
    change.buffer_mode = wsm_change_buffer_mode(request.buffer_mode);
    change.client_version = wsm_extension_announced(env);
    wsm_change_begin(shell, &change, exchange);
}
