/* Disconnect: the client lets go of a shell, which runs on. The winrmd-net loop runs it. */
#include "proto/disconnect.h"

#include "base/log.h"
#include "ipc/stream_names.h"
#include "proto/extension.h"
#include "server/change.h"
#include "server/handler.h"
#include "server/op_receive.h"
#include "server/service.h"

/* WINRMD_DELIVERED is an unknown option as any other to whom we did not offer it. */
static const char *const options[] = { WSM_OPTION_CLIENT, WSM_OPTION_TAKEOVER, NULL };
static const char *const options_marked[] = { WSM_OPTION_CLIENT, WSM_OPTION_TAKEOVER,
                                              WSM_OPTION_DELIVERED, NULL };

/* ---- What has been delivered ---- */

struct delivered {
    struct wsm_delivered entries[WSM_DELIVERED_MAX];
    size_t count;
};

/* From the marked holder alone. False: the option is there and cannot be read. */
static bool read_delivered(const struct wsm_envelope *env, bool is_marked, struct delivered *out,
                           struct wsm_error *err)
{
    const struct wsm_option *option = is_marked ? wsm_envelope_option(env, WSM_OPTION_DELIVERED)
                                                : NULL;

    out->count = 0;
    return option == NULL || wsm_delivered_parse(option->value, out->entries, &out->count, err);
}

/* Commands and streams that there are not (any more) have nothing to confirm. False: nobody has
 * got what was never served. */
static bool confirm(struct wsm_shell *shell, const struct wsm_delivered *entry)
{
    struct wsm_command *command = wsm_command_find(shell, entry->command);
    uint64_t upto[WSM_HOST_STREAMS] = { 0 };
    unsigned stream = 0;

    while (stream < WSM_HOST_STREAMS &&
           !wsm_span_is(entry->stream, wsm_output_stream_names[stream]))
        stream++;
    if (command == NULL || stream == WSM_HOST_STREAMS)
        return true;
    if (entry->offset > command->served[stream])
        return false;
    upto[stream] = entry->offset;
    wsm_receive_confirm(command, upto);
    return true;
}

static void confirm_all(struct wsm_shell *shell, const struct delivered *delivered)
{
    size_t false_count = 0;

    for (size_t i = 0; i < delivered->count; i++)
        false_count += !confirm(shell, &delivered->entries[i]);
    if (false_count > 0) /* one line, however much a request says */
        wsm_log_info(
            "shell %s of %s: of %zu streams its client says that it has more than was sent",
            shell->id.text, shell->owner, false_count);
}

/* ---- The request ---- */

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
    bool is_marked = wsm_holder_is_marked(&shell->holder, env->session_id);
    struct delivered delivered;
    struct wsm_disconnect_request request;
    struct wsm_error err = WSM_ERROR_INIT;
    bool takeover;

    if (!wsm_options_check(env, is_marked ? options_marked : options, &err) ||
        !wsm_extension_takeover(env, &takeover, &err) ||
        !wsm_disconnect_request_parse(env, &request, &err) ||
        !read_delivered(env, is_marked, &delivered, &err)) {
        wsm_exchange_fail(exchange, &err);
        return;
    }
    if (!wsm_change_admit(exchange, shell, WSM_HOLD_DISCONNECT, takeover))
        return;
    confirm_all(shell, &delivered);
    change.buffer_mode = wsm_change_buffer_mode(request.buffer_mode);
    change.idle_timeout_ms = request.idle_timeout_ms;
    if (change.idle_timeout_ms >= 0)
        change.idle_timeout_ms = wsm_settings_idle_timeout(&exchange->service->settings,
                                                           change.idle_timeout_ms);
    wsm_change_begin(shell, &change, exchange);
}
