/* Main thread; the callbacks only hand over. */
#include "steps.h"

#include "message.h"

#include <wsmext.h>

static void CALLBACK on_completed(PVOID context, DWORD flags, WSMAN_ERROR *error,
                                  WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                                  WSMAN_OPERATION_HANDLE operation, WSMAN_RESPONSE_DATA *data)
{
    (void)shell;
    (void)command;
    (void)operation;
    (void)data;
    if ((flags & WSMAN_FLAG_CALLBACK_END_OF_OPERATION) != 0)
        wsm_cli_await_post(context, error);
}

static void CALLBACK on_deleted(PVOID context, DWORD flags, WSMAN_ERROR *error,
                                WSMAN_OPERATION_HANDLE operation, const WSMAN_EXT_LIST *list)
{
    (void)flags;
    (void)list;
    if (operation != NULL)
        WSManCloseOperation(operation, 0);
    wsm_cli_await_post(context, error);
}

int wsm_cli_step_connect(const struct wsm_cli_session *session, struct wsm_cli_events *events,
                         struct wsm_cli_target *target, WSMAN_SHELL_HANDLE *out_shell)
{
    WSMAN_SHELL_ASYNC async = { events, on_completed };
    uint32_t code;

    WSManConnectShell(session->handle, 0, target->resource_uri, target->shell_id,
                      target->options.optionsCount != 0 ? &target->options : NULL, NULL, &async,
                      out_shell);
    return wsm_cli_await(session, events, 0, &code);
}

int wsm_cli_step_terminate(const struct wsm_cli_session *session, struct wsm_cli_events *events,
                           struct wsm_cli_target *target, WSMAN_SHELL_HANDLE shell)
{
    WSMAN_SHELL_ASYNC async = { events, on_completed };
    WSMAN_COMMAND_HANDLE command;
    uint32_t code;
    int status;

    WSManConnectShellCommand(shell, 0, target->command_id, NULL, NULL, &async, &command);
    status = wsm_cli_await(session, events, 0, &code);
    if (status != WSM_CLI_OK)
        return status;
    WSManCloseCommand(command, 0, &async);
    return wsm_cli_await(session, events, 0, &code);
}

int wsm_cli_step_disconnect(const struct wsm_cli_session *session, struct wsm_cli_events *events,
                            WSMAN_SHELL_HANDLE shell)
{
    const struct wsm_cli_options *options = session->options;
    WSMAN_SHELL_DISCONNECT_INFO info = { .idleTimeoutMs = options->idle_timeout_ms };
    WSMAN_SHELL_ASYNC async = { events, on_completed };
    DWORD flags = 0;
    uint32_t code;

    if (options->buffer == WSM_CLI_BUFFER_DROP)
        flags = WSMAN_FLAG_SERVER_BUFFERING_MODE_DROP;
    else if (options->buffer == WSM_CLI_BUFFER_BLOCK)
        flags = WSMAN_FLAG_SERVER_BUFFERING_MODE_BLOCK;
    WSManDisconnectShell(shell, flags, info.idleTimeoutMs != 0 ? &info : NULL, &async);
    return wsm_cli_await(session, events, 0, &code);
}

int wsm_cli_step_delete(const struct wsm_cli_session *session, struct wsm_cli_events *events,
                        struct wsm_cli_target *target)
{
    WSMAN_OPERATION_HANDLE operation;
    uint32_t code;

    WSManExtDeleteShell(session->handle, 0, target->resource_uri, target->shell_id, events,
                        on_deleted, &operation);
    return wsm_cli_await(session, events, 0, &code);
}
