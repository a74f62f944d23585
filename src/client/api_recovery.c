/* WSManExtSetRetryTime and WSManExtGetOffsets. Application threads: check, and ask the
 * loop. */
#include "client/api_args.h"
#include "client/api_refuse.h"
#include "client/command.h"
#include "client/runtime.h"
#include "client/session.h"
#include "client/shell.h"
#include "wsmerror.h"

#include <wsmext.h>

/* ---- Retry time ---- */

struct retry_call {
    struct wsm_call call;
    uintptr_t session;
    uint32_t ms;
};

/* Loop thread. */
static void on_set_retry(struct wsm_message *message)
{
    struct wsm_call *call = WSM_CONTAINER_OF(message, struct wsm_call, message);
    const struct retry_call *retry = WSM_CONTAINER_OF(call, struct retry_call, call);
    struct wsm_session *session = wsm_runtime_handle_find(retry->session, WSM_HANDLE_SESSION);

    if (session != NULL)
        wsm_options_set_retry_time(&session->options, retry->ms);
    wsm_call_done(call, session != NULL ? ERROR_SUCCESS : ERROR_WSMAN_SESSION_ALREADY_CLOSED);
}

DWORD WINAPI WSManExtSetRetryTime(WSMAN_SESSION_HANDLE session, DWORD milliseconds)
{
    struct retry_call retry = { .session = wsm_handle_value(session), .ms = milliseconds };

    if (session == NULL)
        return ERROR_WSMAN_CLIENT_NO_HANDLE;
    if (milliseconds > INT32_MAX)
        return ERROR_INVALID_PARAMETER;
    if (!wsm_runtime_handle_check(retry.session, WSM_HANDLE_SESSION, NULL) ||
        !wsm_call_run(&retry.call, on_set_retry))
        return ERROR_WSMAN_SESSION_ALREADY_CLOSED;
    return retry.call.result;
}

/* ---- Offsets ---- */

struct offsets_call {
    struct wsm_call call;
    uintptr_t command;
    WSMAN_EXT_OFFSETS offsets;
};

static void read_stream(const struct wsm_offsets *offsets, const char *name, UINT64 *out_delivered,
                        UINT64 *out_dropped)
{
    const struct wsm_offset *offset = wsm_offsets_find(offsets, wsm_span_str(name));

    if (offset == NULL)
        return;
    *out_delivered = atomic_load(&offset->delivered);
    *out_dropped = atomic_load(&offset->dropped);
}

/* Loop thread. */
static void on_get_offsets(struct wsm_message *message)
{
    struct wsm_call *call = WSM_CONTAINER_OF(message, struct wsm_call, message);
    struct offsets_call *get = WSM_CONTAINER_OF(call, struct offsets_call, call);
    const struct wsm_command *command = wsm_runtime_handle_find(get->command, WSM_HANDLE_COMMAND);
    uint32_t code = ERROR_SUCCESS;

    if (command == NULL) {
        code = ERROR_WSMAN_COMMAND_ALREADY_CLOSED;
    } else if (command->shell == NULL || command->shell->extension_version == 0) {
        code = ERROR_NOT_SUPPORTED;
    } else {
        const struct wsm_offsets *offsets = &command->endpoint.offsets;
        WSMAN_EXT_OFFSETS *out = &get->offsets;

        read_stream(offsets, "stdout", &out->delivered[0], &out->dropped[0]);
        read_stream(offsets, "stderr", &out->delivered[1], &out->dropped[1]);
    }
    wsm_call_done(call, code);
}

DWORD WINAPI WSManExtGetOffsets(WSMAN_COMMAND_HANDLE command, WSMAN_EXT_OFFSETS *offsets)
{
    struct offsets_call get = { .command = wsm_handle_value(command) };
    struct wsm_error err = WSM_ERROR_INIT;
    DWORD code = ERROR_SUCCESS;

    if (offsets == NULL)
        return ERROR_INVALID_PARAMETER;
    if (!wsm_api_check_command(get.command, &err))
        code = err.code;
    else
        code = wsm_call_run(&get.call, on_get_offsets) ? get.call.result
                                                       : ERROR_WSMAN_COMMAND_ALREADY_CLOSED;
    wsm_error_clear(&err);
    if (code == ERROR_SUCCESS)
        *offsets = get.offsets;
    return code;
}
