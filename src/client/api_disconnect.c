/* WSManDisconnectShell, WSManReconnectShell, WSManReconnectShellCommand. Application threads:
 * check, copy, post. */
#include "client/api_args.h"
#include "client/api_refuse.h"
#include "client/disconnect.h"
#include "client/runtime.h"
#include "wsmerror.h"

/* Loop thread. */
static void on_open(struct wsm_message *message)
{
    wsm_link_call_open(WSM_CONTAINER_OF(message, struct wsm_link_call, opening));
}

/* NULL: no callback can be made. */
static struct wsm_link_call *make(enum wsm_link_kind kind, const WSMAN_SHELL_ASYNC *async)
{
    struct wsm_link_call *call;

    if (!wsm_api_has_callback(async))
        return NULL;
    call = wsm_link_call_new(kind);
    if (call == NULL)
        return NULL;
    call->async.callee = wsm_api_callee(async);
    call->opening.handle = on_open;
    return call;
}

/* Wrong arguments go the same way, so that the callback finds its place among the others. */
static void post(struct wsm_link_call *call)
{
    struct wsm_error err = WSM_ERROR_INIT;

    if (wsm_runtime_post(&call->opening))
        return;
    wsm_error_move(&err, &call->refused);
    if (err.code == 0 && (call->kind == WSM_LINK_RECONNECT_COMMAND
                              ? wsm_api_check_command(call->command_handle, &err)
                              : wsm_api_check_shell(call->shell_handle, NULL, &err)))
        (void)wsm_fail(&err, ERROR_WSMAN_SESSION_ALREADY_CLOSED, "no API handle is open");
    wsm_api_refuse_callee(call->async.callee, WSM_RESULT_NONE, 0, &err);
    wsm_link_call_free(call);
}

void WINAPI WSManDisconnectShell(WSMAN_SHELL_HANDLE shell, DWORD flags,
                                 WSMAN_SHELL_DISCONNECT_INFO *disconnectInfo,
                                 WSMAN_SHELL_ASYNC *async)
{
    struct wsm_link_call *call = make(WSM_LINK_DISCONNECT_SHELL, async);

    if (call == NULL)
        return;
    call->shell_handle = wsm_handle_value(shell);
    if (disconnectInfo != NULL && disconnectInfo->idleTimeoutMs != 0 &&
        disconnectInfo->idleTimeoutMs != UINT32_MAX) /* both: it stays as it is */
        call->idle_timeout_ms = disconnectInfo->idleTimeoutMs;
    if (shell == NULL)
        (void)wsm_fail(&call->refused, ERROR_WSMAN_CLIENT_DISCONNECTSHELL_NULL_PARAM,
                       "DisconnectShell: no shell");
    else if (!wsm_api_buffer_mode(flags, &call->buffer_mode))
        (void)wsm_fail(&call->refused, ERROR_WSMAN_CLIENT_INVALID_DISCONNECT_SHELL_FLAG,
                       "DisconnectShell: flags %#x", flags);
    post(call);
}

void WINAPI WSManReconnectShell(WSMAN_SHELL_HANDLE shell, DWORD flags, WSMAN_SHELL_ASYNC *async)
{
    struct wsm_link_call *call = make(WSM_LINK_RECONNECT_SHELL, async);

    if (call == NULL)
        return;
    call->shell_handle = wsm_handle_value(shell);
    if (shell == NULL)
        (void)wsm_fail(&call->refused, ERROR_WSMAN_CLIENT_RECONNECTSHELL_NULL_PARAM,
                       "ReconnectShell: no shell");
    else if (!wsm_api_buffer_mode(flags, &call->buffer_mode))
        (void)wsm_fail(&call->refused, ERROR_WSMAN_CLIENT_INVALID_FLAG, "ReconnectShell: flags %#x",
                       flags);
    post(call);
}

void WINAPI WSManReconnectShellCommand(WSMAN_COMMAND_HANDLE commandHandle, DWORD flags,
                                       WSMAN_SHELL_ASYNC *async)
{
    struct wsm_link_call *call = make(WSM_LINK_RECONNECT_COMMAND, async);

    if (call == NULL)
        return;
    call->command_handle = wsm_handle_value(commandHandle);
    if (commandHandle == NULL)
        (void)wsm_fail(&call->refused, ERROR_WSMAN_CLIENT_RECONNECTSHELLCOMMAND_NULL_PARAM,
                       "ReconnectShellCommand: no command");
    else if (flags != 0)
        (void)wsm_fail(&call->refused, ERROR_WSMAN_CLIENT_INVALID_FLAG,
                       "ReconnectShellCommand: flags %#x", flags);
    post(call);
}
