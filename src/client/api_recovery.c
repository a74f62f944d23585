/* WSManExtSetRetryTime, WSManExtGetOffsets and WSManExtLimitOffsets. Application threads: check,
 * and ask the loop. */
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
    *out_delivered = wsm_offsets_delivered(offsets, wsm_span_str(name));
    *out_dropped = atomic_load(&offset->dropped);
}

/* Loop thread. The offsets of a command at a server that counts; NULL: *out_code says why not. */
static struct wsm_offsets *find_offsets(uintptr_t handle, uint32_t *out_code)
{
    struct wsm_command *command = wsm_runtime_handle_find(handle, WSM_HANDLE_COMMAND);

    if (command == NULL)
        *out_code = ERROR_WSMAN_COMMAND_ALREADY_CLOSED;
    else if (command->shell == NULL || command->shell->extension_version == 0)
        *out_code = ERROR_NOT_SUPPORTED;
    else
        return &command->endpoint.offsets;
    return NULL;
}

/* Loop thread. */
static void on_get_offsets(struct wsm_message *message)
{
    struct wsm_call *call = WSM_CONTAINER_OF(message, struct wsm_call, message);
    struct offsets_call *get = WSM_CONTAINER_OF(call, struct offsets_call, call);
    WSMAN_EXT_OFFSETS *out = &get->offsets;
    uint32_t code = ERROR_SUCCESS;
    const struct wsm_offsets *offsets = find_offsets(get->command, &code);

    if (offsets != NULL) {
        read_stream(offsets, "stdout", &out->delivered[0], &out->dropped[0]);
        read_stream(offsets, "stderr", &out->delivered[1], &out->dropped[1]);
    }
    wsm_call_done(call, code);
}

/* Loop thread. */
static void on_limit_offsets(struct wsm_message *message)
{
    struct wsm_call *call = WSM_CONTAINER_OF(message, struct wsm_call, message);
    const struct offsets_call *limit = WSM_CONTAINER_OF(call, struct offsets_call, call);
    uint32_t code = ERROR_SUCCESS;
    struct wsm_offsets *offsets = find_offsets(limit->command, &code);

    if (offsets != NULL) {
        offsets->is_limited = true;
        offsets->limit_stdout = limit->offsets.delivered[0];
        offsets->limit_stderr = limit->offsets.delivered[1];
    }
    wsm_call_done(call, code);
}

static DWORD run(struct offsets_call *call, void (*on_call)(struct wsm_message *))
{
    struct wsm_error err = WSM_ERROR_INIT;
    DWORD code;

    if (!wsm_api_check_command(call->command, &err))
        code = err.code;
    else
        code = wsm_call_run(&call->call, on_call) ? call->call.result
                                                  : ERROR_WSMAN_COMMAND_ALREADY_CLOSED;
    wsm_error_clear(&err);
    return code;
}

DWORD WINAPI WSManExtGetOffsets(WSMAN_COMMAND_HANDLE command, WSMAN_EXT_OFFSETS *offsets)
{
    struct offsets_call get = { .command = wsm_handle_value(command) };
    DWORD code;

    if (offsets == NULL)
        return ERROR_INVALID_PARAMETER;
    code = run(&get, on_get_offsets);
    if (code == ERROR_SUCCESS)
        *offsets = get.offsets;
    return code;
}

DWORD WINAPI WSManExtLimitOffsets(WSMAN_COMMAND_HANDLE command, const WSMAN_EXT_OFFSETS *offsets)
{
    struct offsets_call limit = { .command = wsm_handle_value(command) };

    if (offsets == NULL)
        return ERROR_INVALID_PARAMETER;
    limit.offsets = *offsets;
    return run(&limit, on_limit_offsets);
}
