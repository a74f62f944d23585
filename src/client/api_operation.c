/* WSManSendShellInput, WSManReceiveShellOutput, WSManSignalShell, WSManExtIdentify,
 * WSManCloseOperation. Application threads: check, copy, post. */
#include "client/api_args.h"
#include "client/api_refuse.h"
#include "client/operation.h"
#include "client/runtime.h"
#include "wsmerror.h"

#include <stdlib.h>
#include <wsmext.h>

/* Made with the handle, so that closing it needs no memory. */
struct close_operation {
    struct wsm_message message;
    uintptr_t handle;
};

struct operation_args {
    const struct wsm_operation_kind *kind;
    uintptr_t session; /* Identify */
    uintptr_t shell;
    uintptr_t command;
};

/* Loop thread. */
static void on_open(struct wsm_message *message)
{
    wsm_operation_open(WSM_CONTAINER_OF(message, struct wsm_operation, opening));
}

static bool check_handles(const struct operation_args *args, struct wsm_error *err)
{
    if (args->session != 0)
        return wsm_runtime_handle_check(args->session, WSM_HANDLE_SESSION, NULL) ||
               wsm_fail(err, ERROR_WSMAN_SESSION_ALREADY_CLOSED, "no such session handle");
    return wsm_api_check_shell(args->shell, NULL, err) &&
           (args->command == 0 || wsm_api_check_command(args->command, err));
}

/* Owned by the caller; NULL with err filled. */
static struct wsm_operation *make(const struct operation_args *args, struct wsm_callee callee,
                                  struct wsm_error *err)
{
    struct wsm_operation *operation;

    if (!check_handles(args, err))
        return NULL;
    operation = wsm_operation_new(args->kind);
    if (operation == NULL) {
        (void)wsm_fail_memory(err, "operation");
        return NULL;
    }
    operation->session_handle = args->session;
    operation->shell_handle = args->shell;
    operation->command_handle = args->command;
    operation->async.callee = callee;
    return operation;
}

bool wsm_api_post_operation(struct wsm_operation *operation, WSMAN_OPERATION_HANDLE *out_operation,
                            struct wsm_error *err)
{
    struct close_operation *reserve = calloc(1, sizeof(*reserve));

    if (reserve == NULL)
        return wsm_fail_memory(err, "operation");
    if (!wsm_runtime_handle_add(WSM_HANDLE_OPERATION, 0, operation, reserve, &operation->handle,
                                err)) {
        free(reserve);
        return false;
    }
    reserve->handle = operation->handle;
    operation->async.handles = (struct wsm_handles){ .shell = operation->shell_handle,
                                                     .command = operation->command_handle,
                                                     .operation = operation->handle };
    operation->opening.handle = on_open;
    *out_operation = (WSMAN_OPERATION_HANDLE)operation->handle; /* before it can call back */
    if (wsm_runtime_post(&operation->opening))
        return true;
    *out_operation = NULL;
    wsm_runtime_handle_remove(operation->handle);
    return wsm_fail(err, ERROR_WSMAN_SESSION_ALREADY_CLOSED, "no API handle is open");
}

/* ---- The four calls ---- */

static bool make_signal(const struct operation_args *args, DWORD flags, PCWSTR code,
                        struct wsm_callee callee, WSMAN_OPERATION_HANDLE *out,
                        struct wsm_error *err)
{
    struct wsm_operation *operation;

    if (args->shell == 0 || code == NULL || code[0] == 0 || out == NULL)
        return wsm_fail(err, ERROR_WSMAN_CLIENT_SIGNAL_NULL_PARAM,
                        "SignalShell: a parameter is NULL");
    if (flags != 0)
        return wsm_fail(err, ERROR_WSMAN_CLIENT_INVALID_SIGNAL_SHELL_FLAG, "SignalShell: flags %#x",
                        flags);
    operation = make(args, callee, err);
    if (operation == NULL)
        return false;
    if (wsm_api_xml_text(code, "signal code", &operation->text, err) &&
        wsm_api_post_operation(operation, out, err))
        return true;
    wsm_operation_free(operation);
    return false;
}

void WINAPI WSManSignalShell(WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command, DWORD flags,
                             PCWSTR code, WSMAN_SHELL_ASYNC *async,
                             WSMAN_OPERATION_HANDLE *signalOperation)
{
    struct operation_args args = { .kind = &wsm_signal_kind,
                                   .shell = wsm_handle_value(shell),
                                   .command = wsm_handle_value(command) };
    struct wsm_api_call call = { .async = async, .shell = args.shell, .command = args.command };
    struct wsm_error err = WSM_ERROR_INIT;

    if (signalOperation != NULL)
        *signalOperation = NULL;
    if (wsm_api_has_callback(async) &&
        !make_signal(&args, flags, code, wsm_api_callee(async), signalOperation, &err))
        wsm_api_refuse(&call, &err);
}

static bool make_receive(const struct operation_args *args, DWORD flags,
                         const WSMAN_STREAM_ID_SET *streams, struct wsm_callee callee,
                         WSMAN_OPERATION_HANDLE *out, struct wsm_error *err)
{
    struct wsm_operation *operation;

    if (args->shell == 0 || out == NULL)
        return wsm_fail(err, ERROR_WSMAN_CLIENT_RECEIVE_NULL_PARAM,
                        "ReceiveShellOutput: a parameter is NULL");
    if (flags != 0 && !(flags == WSMAN_FLAG_RECEIVE_DELAY_OUTPUT_STREAM && args->command != 0))
        return wsm_fail(err, ERROR_WSMAN_CLIENT_INVALID_RECEIVE_SHELL_FLAG,
                        "ReceiveShellOutput: flags %#x", flags);
    if (streams != NULL && streams->streamIDsCount == 0)
        return wsm_fail(err, ERROR_WSMAN_SHELL_INVALID_DESIRED_STREAMS,
                        "ReceiveShellOutput: no stream is wanted");
    operation = make(args, callee, err);
    if (operation == NULL)
        return false;
    operation->is_delayed = flags != 0;
    if ((streams == NULL ||
         wsm_api_streams(streams, NULL, ERROR_WSMAN_SHELL_INVALID_DESIRED_STREAMS, &operation->text,
                         err)) &&
        wsm_api_post_operation(operation, out, err))
        return true;
    wsm_operation_free(operation);
    return false;
}

void WINAPI WSManReceiveShellOutput(WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                                    DWORD flags, WSMAN_STREAM_ID_SET *desiredStreamSet,
                                    WSMAN_SHELL_ASYNC *async,
                                    WSMAN_OPERATION_HANDLE *receiveOperation)
{
    struct operation_args args = { .kind = &wsm_receive_kind,
                                   .shell = wsm_handle_value(shell),
                                   .command = wsm_handle_value(command) };
    struct wsm_api_call call = { .async = async, .shell = args.shell, .command = args.command };
    struct wsm_error err = WSM_ERROR_INIT;

    if (receiveOperation != NULL)
        *receiveOperation = NULL;
    if (wsm_api_has_callback(async) && !make_receive(&args, flags, desiredStreamSet,
                                                     wsm_api_callee(async), receiveOperation, &err))
        wsm_api_refuse(&call, &err);
}

static bool check_send(const struct operation_args *args, DWORD flags, PCWSTR stream,
                       const WSMAN_DATA *data, const WSMAN_OPERATION_HANDLE *out,
                       struct wsm_error *err)
{
    if (args->shell == 0 || stream == NULL || stream[0] == 0 || data == NULL || out == NULL)
        return wsm_fail(err, ERROR_WSMAN_CLIENT_SEND_NULL_PARAM,
                        "SendShellInput: a parameter is NULL");
    if (flags != 0)
        return wsm_fail(err, ERROR_WSMAN_CLIENT_INVALID_SEND_SHELL_FLAG,
                        "SendShellInput: flags %#x", flags);
    if (data->type != WSMAN_DATA_TYPE_BINARY)
        return wsm_fail(err, ERROR_WSMAN_CLIENT_INVALID_SEND_SHELL_PARAMETER,
                        "SendShellInput: the data are not binary");
    if (data->binaryData.dataLength > 0 && data->binaryData.data == NULL)
        return wsm_fail(err, ERROR_WSMAN_CLIENT_SEND_NULL_PARAM, "SendShellInput: no data");
    return true;
}

static bool make_send(const struct operation_args *args, PCWSTR stream, const WSMAN_DATA *data,
                      bool end_of_stream, struct wsm_callee callee, WSMAN_OPERATION_HANDLE *out,
                      struct wsm_error *err)
{
    struct wsm_operation *operation = make(args, callee, err);

    if (operation == NULL)
        return false;
    operation->end_of_stream = end_of_stream;
    wsm_buf_append(&operation->data, data->binaryData.data, data->binaryData.dataLength);
    if (!wsm_buf_ok(&operation->data))
        (void)wsm_fail_memory(err, "input");
    else if (wsm_api_xml_text(stream, "stream name", &operation->text, err) &&
             wsm_api_post_operation(operation, out, err))
        return true;
    wsm_operation_free(operation);
    return false;
}

void WINAPI WSManSendShellInput(WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command, DWORD flags,
                                PCWSTR streamId, WSMAN_DATA *streamData, BOOL endOfStream,
                                WSMAN_SHELL_ASYNC *async, WSMAN_OPERATION_HANDLE *sendOperation)
{
    struct operation_args args = { .kind = &wsm_send_kind,
                                   .shell = wsm_handle_value(shell),
                                   .command = wsm_handle_value(command) };
    struct wsm_api_call call = { .async = async, .shell = args.shell, .command = args.command };
    struct wsm_error err = WSM_ERROR_INIT;

    if (sendOperation != NULL)
        *sendOperation = NULL;
    if (wsm_api_has_callback(async) &&
        (!check_send(&args, flags, streamId, streamData, sendOperation, &err) ||
         !make_send(&args, streamId, streamData, endOfStream != 0, wsm_api_callee(async),
                    sendOperation, &err)))
        wsm_api_refuse(&call, &err);
}

static bool make_identify(const struct operation_args *args, DWORD flags, struct wsm_callee callee,
                          WSMAN_OPERATION_HANDLE *out, struct wsm_error *err)
{
    struct wsm_operation *operation;

    if (args->session == 0)
        return wsm_fail(err, ERROR_WSMAN_CLIENT_NO_HANDLE, "Identify: no session");
    if (flags != 0)
        return wsm_fail(err, ERROR_WSMAN_CLIENT_INVALID_FLAG, "Identify: flags %#x", flags);
    if (out == NULL)
        return wsm_fail(err, ERROR_WSMAN_CLIENT_NULL_RESULT_PARAM,
                        "Identify: no place for the operation");
    operation = make(args, callee, err);
    if (operation == NULL)
        return false;
    if (wsm_api_post_operation(operation, out, err))
        return true;
    wsm_operation_free(operation);
    return false;
}

void WINAPI WSManExtIdentify(WSMAN_SESSION_HANDLE session, DWORD flags, PVOID operationContext,
                             WSMAN_EXT_IDENTIFY_FUNCTION completionFunction,
                             WSMAN_OPERATION_HANDLE *operation)
{
    struct operation_args args = { .kind = &wsm_identify_kind,
                                   .session = wsm_handle_value(session) };
    struct wsm_callee callee = { .context = operationContext,
                                 .function = (void (*)(void))completionFunction };
    struct wsm_error err = WSM_ERROR_INIT;

    if (operation != NULL)
        *operation = NULL;
    if (completionFunction != NULL && !make_identify(&args, flags, callee, operation, &err))
        wsm_api_refuse_callee(callee, WSM_RESULT_IDENTITY, args.session, &err);
}

/* ---- Releasing ---- */

/* Loop thread. */
static void on_close(struct wsm_message *message)
{
    struct close_operation *close = WSM_CONTAINER_OF(message, struct close_operation, message);
    struct wsm_operation *operation = wsm_runtime_handle_find(close->handle, WSM_HANDLE_OPERATION);

    if (operation != NULL) /* else its session was closed meanwhile */
        wsm_operation_release(operation);
    free(close);
}

DWORD WINAPI WSManCloseOperation(WSMAN_OPERATION_HANDLE operationHandle, DWORD flags)
{
    void *reserve = NULL;
    struct close_operation *close;

    if (operationHandle == NULL)
        return ERROR_WSMAN_CLIENT_NO_HANDLE;
    if (flags != 0)
        return ERROR_WSMAN_CLIENT_INVALID_FLAG;
    if (!wsm_runtime_handle_close(wsm_handle_value(operationHandle), WSM_HANDLE_OPERATION,
                                  &reserve) ||
        reserve == NULL)
        return ERROR_WSMAN_CLIENT_NO_HANDLE;
    close = reserve;
    close->message.handle = on_close;
    if (!wsm_runtime_post(&close->message))
        free(close);
    return ERROR_SUCCESS;
}
