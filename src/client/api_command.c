/* WSManRunShellCommand(Ex) and WSManCloseCommand. Application threads: check, copy, post. */
#include "client/api_args.h"
#include "client/api_close.h"
#include "client/api_refuse.h"
#include "client/command.h"
#include "client/random.h"
#include "client/runtime.h"
#include "proto/command.h"
#include "wsmerror.h"

#include <stdlib.h>

struct run_args {
    uintptr_t shell;
    DWORD flags;
    PCWSTR command_id; /* NULL = we make one */
    bool is_ex;
    PCWSTR line;
    const WSMAN_COMMAND_ARG_SET *arguments;
    const WSMAN_OPTION_SET *options;
};

/* ---- Copying ---- */

static bool copy_id(const struct run_args *args, struct wsm_guid *out, struct wsm_error *err)
{
    return args->is_ex ? wsm_api_guid(args->command_id, "command id",
                                      ERROR_WINRS_SHELLCOMMAND_CLIENTID_NOT_VALID, NULL, out, err)
                       : wsm_random_guid(out, err);
}

static bool copy_arguments(const WSMAN_COMMAND_ARG_SET *set, struct wsm_texts *out,
                           struct wsm_error *err)
{
    size_t i;

    if (set == NULL || set->argsCount == 0)
        return true;
    if (set->argsCount > WSM_ARGUMENTS_MAX)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "more than %d arguments", WSM_ARGUMENTS_MAX);
    if (set->args == NULL)
        return wsm_fail(err, ERROR_WSMAN_RUNSHELLCOMMAND_NULL_ARGUMENT, "arguments are missing");
    if (!wsm_texts_init(out, set->argsCount, err))
        return false;
    for (i = 0; i < set->argsCount; i++) {
        if (set->args[i] == NULL)
            return wsm_fail(err, ERROR_WSMAN_RUNSHELLCOMMAND_NULL_ARGUMENT,
                            "argument %zu is missing", i + 1);
        if (!wsm_api_xml_text(set->args[i], "argument", &out->items[i], err))
            return false;
    }
    return true;
}

/* ---- Running ---- */

/* Loop thread. */
static void on_open(struct wsm_message *message)
{
    wsm_command_open(WSM_CONTAINER_OF(message, struct wsm_command, opening));
}

static bool add_handle(struct wsm_command *command, uint32_t version, struct wsm_error *err)
{
    struct wsm_handles handles;

    if (!wsm_api_close_add(WSM_HANDLE_COMMAND, version, command, "command", &command->handle, err))
        return false;
    handles = (struct wsm_handles){ .shell = command->shell_handle, .command = command->handle };
    command->run.handles = handles;
    command->close.handles = handles;
    return true;
}

static bool check(const struct run_args *args, const WSMAN_COMMAND_HANDLE *out_command,
                  uint32_t *out_version, struct wsm_error *err)
{
    if (args->shell == 0 || args->line == NULL || args->line[0] == 0 || out_command == NULL)
        return wsm_fail(err, ERROR_WSMAN_CLIENT_RUNCOMMAND_NULL_PARAM,
                        "RunShellCommand: a parameter is NULL, or the command line is empty");
    if (args->is_ex && args->command_id == NULL)
        return wsm_fail(err, ERROR_WSMAN_CLIENT_RUNCOMMAND_NULL_PARAM,
                        "RunShellCommandEx: no command id");
    if (args->flags != 0)
        return wsm_fail(err, ERROR_WSMAN_CLIENT_INVALID_RUNCOMMAND_FLAG,
                        "RunShellCommand: flags %#x", args->flags);
    if (!wsm_api_check_shell(args->shell, out_version, err))
        return false;
    if (args->is_ex && *out_version == 0)
        return wsm_fail(err, ERROR_WSMAN_UNSUPPORTED_FEATURE,
                        "RunShellCommandEx needs an API handle of version 1.1");
    return true;
}

bool wsm_api_post_command(struct wsm_command *command, uint32_t version,
                          WSMAN_COMMAND_HANDLE *out_command, struct wsm_error *err)
{
    if (!add_handle(command, version, err))
        return false;
    command->opening.handle = on_open;
    *out_command = (WSMAN_COMMAND_HANDLE)command->handle; /* before anything can call back */
    if (wsm_runtime_post(&command->opening))
        return true;
    *out_command = NULL;
    wsm_runtime_handle_remove(command->handle);
    return wsm_fail(err, ERROR_WSMAN_SESSION_ALREADY_CLOSED, "no API handle is open");
}

static bool make(const struct run_args *args, struct wsm_callee callee,
                 WSMAN_COMMAND_HANDLE *out_command, struct wsm_error *err)
{
    struct wsm_command *command;
    uint32_t version = 0;

    if (!check(args, out_command, &version, err))
        return false;
    command = wsm_command_new();
    if (command == NULL)
        return wsm_fail_memory(err, "command");
    command->shell_handle = args->shell;
    command->run.callee = callee;
    if (copy_id(args, &command->id, err) &&
        wsm_api_xml_text(args->line, "command line", &command->line, err) &&
        copy_arguments(args->arguments, &command->arguments, err) &&
        wsm_api_options(args->options, &command->options, err) &&
        wsm_api_post_command(command, version, out_command, err))
        return true;
    wsm_command_free(command);
    return false;
}

static void run(const struct run_args *args, const WSMAN_SHELL_ASYNC *async,
                WSMAN_COMMAND_HANDLE *out_command)
{
    struct wsm_api_call call = { .async = async, .shell = args->shell };
    struct wsm_error err = WSM_ERROR_INIT;

    if (out_command != NULL)
        *out_command = NULL;
    if (wsm_api_has_callback(async) && !make(args, wsm_api_callee(async), out_command, &err))
        wsm_api_refuse(&call, &err);
}

void WINAPI WSManRunShellCommand(WSMAN_SHELL_HANDLE shell, DWORD flags, PCWSTR commandLine,
                                 WSMAN_COMMAND_ARG_SET *args, WSMAN_OPTION_SET *options,
                                 WSMAN_SHELL_ASYNC *async, WSMAN_COMMAND_HANDLE *command)
{
    struct run_args run_args = { .shell = wsm_handle_value(shell),
                                 .flags = flags,
                                 .line = commandLine,
                                 .arguments = args,
                                 .options = options };

    run(&run_args, async, command);
}

void WINAPI WSManRunShellCommandEx(WSMAN_SHELL_HANDLE shell, DWORD flags, PCWSTR commandId,
                                   PCWSTR commandLine, WSMAN_COMMAND_ARG_SET *args,
                                   WSMAN_OPTION_SET *options, WSMAN_SHELL_ASYNC *async,
                                   WSMAN_COMMAND_HANDLE *command)
{
    struct run_args run_args = { .shell = wsm_handle_value(shell),
                                 .flags = flags,
                                 .command_id = commandId,
                                 .is_ex = true,
                                 .line = commandLine,
                                 .arguments = args,
                                 .options = options };

    run(&run_args, async, command);
}

/* ---- Closing ---- */

/* Loop thread. */
static void on_close(struct wsm_message *message)
{
    struct wsm_api_close *close = WSM_CONTAINER_OF(message, struct wsm_api_close, message);
    struct wsm_command *command = wsm_runtime_handle_find(close->handle, WSM_HANDLE_COMMAND);

    if (command != NULL)
        wsm_command_close(command, close->callee);
    else /* its session was closed meanwhile */
        wsm_api_close_refuse(close);
    free(close);
}

void WINAPI WSManCloseCommand(WSMAN_COMMAND_HANDLE commandHandle, DWORD flags,
                              WSMAN_SHELL_ASYNC *async)
{
    struct wsm_api_call call = { .async = async, .command = wsm_handle_value(commandHandle) };
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_api_close *close = NULL;

    if (!wsm_api_has_callback(async))
        return;
    if (commandHandle == NULL)
        (void)wsm_fail(&err, ERROR_WSMAN_CLIENT_CLOSECOMMAND_NULL_PARAM,
                       "CloseCommand: no command");
    else if (flags != 0)
        (void)wsm_fail(&err, ERROR_WSMAN_CLIENT_INVALID_CLOSE_COMMAND_FLAG,
                       "CloseCommand: flags %#x", flags);
    else if (wsm_api_check_command(call.command, &err) &&
             (close = wsm_api_close_take(WSM_HANDLE_COMMAND, call.command)) == NULL)
        (void)wsm_fail(&err, ERROR_WSMAN_COMMAND_ALREADY_CLOSED, "the command is closed");
    if (err.code != 0) {
        wsm_api_refuse(&call, &err);
        return;
    }
    wsm_api_close_post(close, async, on_close);
}
