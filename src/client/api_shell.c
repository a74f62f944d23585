/* WSManCreateShell(Ex) and WSManCloseShell. Application threads: check, copy, post. */
#include "base/utf.h"
#include "client/api_args.h"
#include "client/api_close.h"
#include "client/api_refuse.h"
#include "client/random.h"
#include "client/runtime.h"
#include "client/session.h"
#include "client/shell.h"
#include "wsmerror.h"

#include <stdlib.h>
#include <string.h>

struct create_args {
    uintptr_t session;
    DWORD flags;
    PCWSTR resource_uri;
    PCWSTR shell_id; /* NULL = we make one */
    bool is_ex;
    const WSMAN_SHELL_STARTUP_INFO *startup;
    const WSMAN_OPTION_SET *options;
    const WSMAN_DATA *xml;
};

/* ---- Copying ---- */

static bool copy_flags(DWORD flags, enum wsm_buffer_mode *out, struct wsm_error *err)
{
    return wsm_api_buffer_mode(flags & ~(DWORD)WSMAN_FLAG_NO_COMPRESSION, out) ||
           wsm_fail(err, ERROR_WSMAN_CLIENT_INVALID_CREATE_SHELL_FLAG, "CreateShell: flags %#x",
                    flags);
}

static bool copy_id(const struct create_args *args, struct wsm_shell_options *out,
                    struct wsm_error *err)
{
    out->is_id_ours = !args->is_ex;
    return args->is_ex ? wsm_api_guid(args->shell_id, "shell id",
                                      ERROR_WINRS_SHELL_CLIENTID_NOT_VALID, NULL, &out->id, err)
                       : wsm_random_guid(&out->id, err);
}

static bool copy_variables(const WSMAN_ENVIRONMENT_VARIABLE_SET *set, struct wsm_texts *out,
                           struct wsm_error *err)
{
    size_t i;

    if (set == NULL || set->varsCount == 0)
        return true;
    if (set->varsCount > WSM_ENV_VARIABLES_MAX)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "more than %d environment variables",
                        WSM_ENV_VARIABLES_MAX);
    if (set->vars == NULL)
        return wsm_fail(err, ERROR_WSMAN_CREATESHELL_NULL_ENVIRONMENT_VARIABLE_NAME,
                        "environment variables are missing");
    if (!wsm_texts_init(out, (size_t)set->varsCount * 2, err))
        return false;
    for (i = 0; i < set->varsCount; i++) {
        if (set->vars[i].name == NULL || set->vars[i].name[0] == 0)
            return wsm_fail(err, ERROR_WSMAN_CREATESHELL_NULL_ENVIRONMENT_VARIABLE_NAME,
                            "environment variable without a name");
        if (!wsm_api_xml_text(set->vars[i].name, "variable name", &out->items[2 * i], err) ||
            !wsm_api_xml_text(set->vars[i].value, "variable value", &out->items[2 * i + 1], err))
            return false;
    }
    return true;
}

/* `name` exists in the struct of API 1.1 only: older callers pass a shorter one. */
static bool copy_name(PCWSTR name, char **out, struct wsm_error *err)
{
    if (name != NULL && wsm_utf16_len((const char16_t *)name) > WSM_SHELL_NAME_MAX)
        return wsm_fail(err, ERROR_WSMAN_CLIENT_CREATESHELL_NAME_INVALID,
                        "shell name longer than %d characters", WSM_SHELL_NAME_MAX);
    return wsm_api_xml_text(name, "shell name", out, err);
}

static bool copy_startup(const WSMAN_SHELL_STARTUP_INFO *info, uint32_t version,
                         struct wsm_shell_options *out, struct wsm_error *err)
{
    const uint32_t no_stream = ERROR_WSMAN_CREATESHELL_NULL_STREAMID;

    out->idle_timeout_ms = -1;
    if (!wsm_api_streams(info == NULL ? NULL : info->inputStreamSet, "stdin", no_stream,
                         &out->input_streams, err) ||
        !wsm_api_streams(info == NULL ? NULL : info->outputStreamSet, "stdout stderr", no_stream,
                         &out->output_streams, err))
        return false;
    if (info == NULL)
        return true;
    if (info->idleTimeoutMs != 0 && info->idleTimeoutMs != UINT32_MAX) /* both: the server's */
        out->idle_timeout_ms = info->idleTimeoutMs;
    if (version > 0 && !copy_name(info->name, &out->name, err))
        return false;
    return wsm_api_xml_text(info->workingDirectory, "working directory", &out->working_directory,
                            err) &&
           copy_variables(info->variableSet, &out->variables, err);
}

static bool fill(struct wsm_shell *shell, const struct create_args *args, struct wsm_error *err)
{
    struct wsm_shell_options *options = &shell->options;

    return wsm_api_resource_uri(args->resource_uri, &options->resource_uri, err) &&
           copy_id(args, options, err) &&
           copy_startup(args->startup, shell->api_version, options, err) &&
           wsm_api_options(args->options, &options->options, err) &&
           wsm_api_xml_element(args->xml, "createXml", &options->extra_xml, err);
}

/* ---- Creating ---- */

/* Loop thread. */
static void on_open(struct wsm_message *message)
{
    wsm_shell_open(WSM_CONTAINER_OF(message, struct wsm_shell, opening));
}

static bool add_handle(struct wsm_shell *shell, struct wsm_error *err)
{
    if (!wsm_api_close_add(WSM_HANDLE_SHELL, shell->api_version, shell, "shell", &shell->handle,
                           err))
        return false;
    shell->create.handles.shell = shell->handle;
    shell->close.handles.shell = shell->handle;
    return true;
}

bool wsm_api_post_shell(struct wsm_shell *shell, WSMAN_SHELL_HANDLE *out_shell,
                        struct wsm_error *err)
{
    if (!add_handle(shell, err))
        return false;
    shell->opening.handle = on_open;
    *out_shell = (WSMAN_SHELL_HANDLE)shell->handle; /* before anything can call back */
    if (wsm_runtime_post(&shell->opening))
        return true;
    *out_shell = NULL;
    wsm_runtime_handle_remove(shell->handle);
    return wsm_fail(err, ERROR_WSMAN_SESSION_ALREADY_CLOSED, "no API handle is open");
}

static bool make(const struct create_args *args, struct wsm_callee callee,
                 WSMAN_SHELL_HANDLE *out_shell, struct wsm_error *err)
{
    enum wsm_buffer_mode mode = WSM_BUFFER_UNCHANGED;
    struct wsm_shell *shell;
    uint32_t version = 0;

    if (args->session == 0 || out_shell == NULL || (args->is_ex && args->shell_id == NULL))
        return wsm_fail(err, ERROR_WSMAN_CLIENT_CREATESHELL_NULL_PARAM,
                        "CreateShell: session, shell id or place for the shell is NULL");
    if (!copy_flags(args->flags, &mode, err))
        return false;
    if (!wsm_runtime_handle_check(args->session, WSM_HANDLE_SESSION, &version))
        return wsm_fail(err, ERROR_WSMAN_SESSION_ALREADY_CLOSED, "no such session handle");
    if (args->is_ex && version == 0)
        return wsm_fail(err, ERROR_WSMAN_UNSUPPORTED_FEATURE,
                        "CreateShellEx needs an API handle of version 1.1");
    shell = wsm_shell_new();
    if (shell == NULL)
        return wsm_fail_memory(err, "shell");
    shell->api_version = version;
    shell->session_handle = args->session;
    shell->create.callee = callee;
    shell->options.buffer_mode = mode;
    if (fill(shell, args, err) && wsm_api_post_shell(shell, out_shell, err))
        return true;
    wsm_shell_free(shell);
    return false;
}

static void create(const struct create_args *args, const WSMAN_SHELL_ASYNC *async,
                   WSMAN_SHELL_HANDLE *out_shell)
{
    struct wsm_api_call call = { .async = async, .session = args->session };
    struct wsm_error err = WSM_ERROR_INIT;

    if (out_shell != NULL)
        *out_shell = NULL;
    if (wsm_api_has_callback(async) && !make(args, wsm_api_callee(async), out_shell, &err))
        wsm_api_refuse(&call, &err);
}

void WINAPI WSManCreateShell(WSMAN_SESSION_HANDLE session, DWORD flags, PCWSTR resourceUri,
                             WSMAN_SHELL_STARTUP_INFO *startupInfo, WSMAN_OPTION_SET *options,
                             WSMAN_DATA *createXml, WSMAN_SHELL_ASYNC *async,
                             WSMAN_SHELL_HANDLE *shell)
{
    struct create_args args = { .session = wsm_handle_value(session),
                                .flags = flags,
                                .resource_uri = resourceUri,
                                .startup = startupInfo,
                                .options = options,
                                .xml = createXml };

    create(&args, async, shell);
}

void WINAPI WSManCreateShellEx(WSMAN_SESSION_HANDLE session, DWORD flags, PCWSTR resourceUri,
                               PCWSTR shellId, WSMAN_SHELL_STARTUP_INFO *startupInfo,
                               WSMAN_OPTION_SET *options, WSMAN_DATA *createXml,
                               WSMAN_SHELL_ASYNC *async, WSMAN_SHELL_HANDLE *shell)
{
    struct create_args args = { .session = wsm_handle_value(session),
                                .flags = flags,
                                .resource_uri = resourceUri,
                                .shell_id = shellId,
                                .is_ex = true,
                                .startup = startupInfo,
                                .options = options,
                                .xml = createXml };

    create(&args, async, shell);
}

/* ---- Closing ---- */

/* Loop thread. */
static void on_close(struct wsm_message *message)
{
    struct wsm_api_close *close = WSM_CONTAINER_OF(message, struct wsm_api_close, message);
    struct wsm_shell *shell = wsm_runtime_handle_find(close->handle, WSM_HANDLE_SHELL);

    if (shell != NULL)
        wsm_shell_close(shell, close->callee, close->deletes);
    else /* its session was closed meanwhile */
        wsm_api_close_refuse(close);
    free(close);
}

void WINAPI WSManCloseShell(WSMAN_SHELL_HANDLE shellHandle, DWORD flags, WSMAN_SHELL_ASYNC *async)
{
    struct wsm_api_call call = { .async = async, .shell = wsm_handle_value(shellHandle) };
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_api_close *close = NULL;

    if (!wsm_api_has_callback(async))
        return;
    if (shellHandle == NULL)
        (void)wsm_fail(&err, ERROR_WSMAN_CLIENT_CLOSESHELL_NULL_PARAM, "CloseShell: no shell");
    else if (flags != 0 && flags != WSMAN_FLAG_DELETE_SERVER_SESSION)
        (void)wsm_fail(&err, ERROR_WSMAN_CLIENT_INVALID_CLOSE_SHELL_FLAG, "CloseShell: flags %#x",
                       flags);
    else if (wsm_api_check_shell(call.shell, NULL, &err) &&
             (close = wsm_api_close_take(WSM_HANDLE_SHELL, call.shell)) == NULL)
        (void)wsm_fail(&err, ERROR_WSMAN_SHELL_ALREADY_CLOSED, "the shell is closed");
    if (err.code != 0) {
        wsm_api_refuse(&call, &err);
        return;
    }
    close->deletes = flags == WSMAN_FLAG_DELETE_SERVER_SESSION;
    wsm_api_close_post(close, async, on_close);
}
