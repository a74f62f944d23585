/* WSManConnectShell and WSManConnectShellCommand. Application threads: check, copy, post. */
#include "client/api_args.h"
#include "client/api_refuse.h"
#include "client/command.h"
#include "client/runtime.h"
#include "client/shell.h"
#include "wsmerror.h"

#include <string.h>

struct connect_args {
    uintptr_t parent; /* session or shell */
    DWORD flags;
    PCWSTR resource_uri; /* of a shell */
    PCWSTR id;
    const WSMAN_OPTION_SET *options;
    const WSMAN_DATA *xml;
};

/* ---- Shells ---- */

static bool check_shell(const struct connect_args *args, const WSMAN_SHELL_HANDLE *out_shell,
                        enum wsm_buffer_mode *out_mode, uint32_t *out_version,
                        struct wsm_error *err)
{
    if (args->parent == 0 || args->resource_uri == NULL || args->id == NULL || out_shell == NULL)
        return wsm_fail(err, ERROR_WSMAN_CLIENT_CONNECTSHELL_NULL_PARAM,
                        "ConnectShell: session, resource URI, shell id or place for the shell is "
                        "NULL");
    if (!wsm_api_buffer_mode(args->flags, out_mode))
        return wsm_fail(err, ERROR_WSMAN_CLIENT_INVALID_FLAG, "ConnectShell: flags %#x",
                        args->flags);
    if (!wsm_runtime_handle_check(args->parent, WSM_HANDLE_SESSION, out_version))
        return wsm_fail(err, ERROR_WSMAN_SESSION_ALREADY_CLOSED, "no such session handle");
    return *out_version > 0 || wsm_fail(err, ERROR_WINRS_SHELL_DISCONNECT_NOT_SUPPORTED,
                                        "ConnectShell needs an API handle of version 1.1");
}

static bool fill_shell(struct wsm_shell *shell, const struct connect_args *args,
                       struct wsm_error *err)
{
    struct wsm_shell_options *options = &shell->options;

    return wsm_api_resource_uri(args->resource_uri, &options->resource_uri, err) &&
           wsm_api_guid(args->id, "shell id", ERROR_WINRS_SHELL_CLIENTID_NOT_VALID, &shell->id,
                        &options->id, err) &&
           wsm_api_options(args->options, &options->options, err) &&
           wsm_api_xml_element(args->xml, "connectXml", &options->extra_xml, err);
}

static bool make_shell(const struct connect_args *args, struct wsm_callee callee,
                       WSMAN_SHELL_HANDLE *out_shell, struct wsm_error *err)
{
    enum wsm_buffer_mode mode = WSM_BUFFER_UNCHANGED;
    struct wsm_shell *shell;
    uint32_t version = 0;

    if (!check_shell(args, out_shell, &mode, &version, err))
        return false;
    shell = wsm_shell_new();
    if (shell == NULL)
        return wsm_fail_memory(err, "shell");
    shell->api_version = version;
    shell->session_handle = args->parent;
    shell->is_attached = true;
    shell->options.buffer_mode = mode;
    shell->create.callee = callee;
    shell->create.result = WSM_RESULT_CONNECT;
    if (fill_shell(shell, args, err) && wsm_api_post_shell(shell, out_shell, err))
        return true;
    wsm_shell_free(shell);
    return false;
}

void WINAPI WSManConnectShell(WSMAN_SESSION_HANDLE session, DWORD flags, PCWSTR resourceUri,
                              PCWSTR shellID, WSMAN_OPTION_SET *options, WSMAN_DATA *connectXml,
                              WSMAN_SHELL_ASYNC *async, WSMAN_SHELL_HANDLE *shell)
{
    struct connect_args args = { .parent = wsm_handle_value(session),
                                 .flags = flags,
                                 .resource_uri = resourceUri,
                                 .id = shellID,
                                 .options = options,
                                 .xml = connectXml };
    struct wsm_api_call call = { .async = async, .session = args.parent };
    struct wsm_error err = WSM_ERROR_INIT;

    if (shell != NULL)
        *shell = NULL;
    if (wsm_api_has_callback(async) && !make_shell(&args, wsm_api_callee(async), shell, &err))
        wsm_api_refuse(&call, &err);
}

/* ---- Commands ---- */

static bool check_command(const struct connect_args *args, const WSMAN_COMMAND_HANDLE *out_command,
                          uint32_t *out_version, struct wsm_error *err)
{
    if (args->parent == 0 || args->id == NULL || out_command == NULL)
        return wsm_fail(err, ERROR_WSMAN_CLIENT_CONNECTCOMMAND_NULL_PARAM,
                        "ConnectShellCommand: shell, command id or place for the command is NULL");
    if (args->flags != 0)
        return wsm_fail(err, ERROR_WSMAN_CLIENT_INVALID_FLAG, "ConnectShellCommand: flags %#x",
                        args->flags);
    if (!wsm_api_check_shell(args->parent, out_version, err))
        return false;
    return *out_version > 0 || wsm_fail(err, ERROR_WINRS_SHELL_DISCONNECT_NOT_SUPPORTED,
                                        "ConnectShellCommand needs an API handle of version 1.1");
}

static bool make_command(const struct connect_args *args, struct wsm_callee callee,
                         WSMAN_COMMAND_HANDLE *out_command, struct wsm_error *err)
{
    struct wsm_command *command;
    uint32_t version = 0;

    if (!check_command(args, out_command, &version, err))
        return false;
    command = wsm_command_new();
    if (command == NULL)
        return wsm_fail_memory(err, "command");
    command->shell_handle = args->parent;
    command->is_attached = true;
    command->run.callee = callee;
    command->run.result = WSM_RESULT_CONNECT;
    if (wsm_api_guid(args->id, "command id", ERROR_WINRS_SHELLCOMMAND_CLIENTID_NOT_VALID,
                     &command->wire_id, &command->id, err) &&
        wsm_api_options(args->options, &command->options, err) &&
        wsm_command_take_from(command, err) &&
        wsm_api_xml_element(args->xml, "connectXml", &command->extra_xml, err) &&
        wsm_api_post_command(command, version, out_command, err))
        return true;
    wsm_command_free(command);
    return false;
}

void WINAPI WSManConnectShellCommand(WSMAN_SHELL_HANDLE shell, DWORD flags, PCWSTR commandID,
                                     WSMAN_OPTION_SET *options, WSMAN_DATA *connectXml,
                                     WSMAN_SHELL_ASYNC *async, WSMAN_COMMAND_HANDLE *command)
{
    struct connect_args args = { .parent = wsm_handle_value(shell),
                                 .flags = flags,
                                 .id = commandID,
                                 .options = options,
                                 .xml = connectXml };
    struct wsm_api_call call = { .async = async, .shell = args.parent };
    struct wsm_error err = WSM_ERROR_INIT;

    if (command != NULL)
        *command = NULL;
    if (wsm_api_has_callback(async) && !make_command(&args, wsm_api_callee(async), command, &err))
        wsm_api_refuse(&call, &err);
}
