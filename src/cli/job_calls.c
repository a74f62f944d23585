/* What winrmc asks of the library for the command it follows. The calls come from the main
 * thread. The callbacks run on threads of the library, never two at a time; they write
 * output and otherwise only hand over. */
#include "job.h"

#include "errors.h"
#include "message.h"

#include <errno.h>
#include <string.h>
#include <wsmerror.h>
#include <wsmext.h>

/* ---- Callbacks ---- */

enum wsm_job_event wsm_job_failure(uint32_t code)
{
    switch (code) {
    case ERROR_WINRS_SHELL_CONNECTED_TO_DIFFERENT_CLIENT:
    case ERROR_WINRS_SHELL_CLIENTSESSIONID_MISMATCH:
    case ERROR_WINRS_SHELL_DISCONNECTED:
    case ERROR_WSMAN_SERVICE_STREAM_DISCONNECTED: /* of a Receive at that moment */
        return WSM_JOB_TAKEN;
    default:
        return wsm_cli_error_find(code)->status == WSM_CLI_UNREACHABLE ? WSM_JOB_LOST
                                                                       : WSM_JOB_FAILED;
    }
}

/* Hands an outcome over. An error of what the job depends on becomes an event of its own. */
static void post(const struct wsm_job_call *call, DWORD flags, const WSMAN_ERROR *error,
                 DWORD exit_code)
{
    enum wsm_job_event event = call->event;
    struct wsm_cli_event *e;

    if (error->code != 0 && event == WSM_JOB_OPENED)
        event = wsm_job_failure(error->code) == WSM_JOB_LOST ? WSM_JOB_LOST : WSM_JOB_FAILED;
    else if (error->code != 0 && (event == WSM_JOB_STARTED || event == WSM_JOB_DONE))
        event = wsm_job_failure(error->code);
    e = wsm_cli_event_new((int)event, error->code);
    e->flags = flags;
    e->exit_code = exit_code;
    if (error->code != 0)
        e->text = wsm_cli_error_words(error);
    wsm_cli_events_post(&call->job->events, e);
}

static void CALLBACK on_completed(PVOID context, DWORD flags, WSMAN_ERROR *error,
                                  WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                                  WSMAN_OPERATION_HANDLE operation, WSMAN_RESPONSE_DATA *data)
{
    (void)shell;
    (void)command;
    (void)data;
    if ((flags & WSMAN_FLAG_CALLBACK_END_OF_OPERATION) == 0 && error->code == 0)
        return;
    if (operation != NULL)
        WSManCloseOperation(operation, 0);
    post(context, flags, error, 0);
}

/* Create and Connect: their callback also gets the notices about the link. */
static void CALLBACK on_opened(PVOID context, DWORD flags, WSMAN_ERROR *error,
                               WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                               WSMAN_OPERATION_HANDLE operation, WSMAN_RESPONSE_DATA *data)
{
    struct wsm_job_call notice = *(const struct wsm_job_call *)context;

    switch (flags) {
    case WSMAN_FLAG_CALLBACK_NETWORK_FAILURE_DETECTED:
        notice.event = WSM_JOB_LINK_LOST;
        break;
    case WSMAN_FLAG_CALLBACK_RECONNECTED_AFTER_NETWORK_FAILURE:
        notice.event = WSM_JOB_LINK_BACK;
        break;
    case WSMAN_FLAG_CALLBACK_SHELL_AUTODISCONNECTED:
    case WSMAN_FLAG_CALLBACK_RETRY_ABORTED_DUE_TO_INTERNAL_ERROR:
        notice.event = WSM_JOB_GIVEN_UP;
        break;
    default:
        on_completed(context, flags, error, shell, command, operation, data);
        return;
    }
    post(&notice, flags, error, 0);
}

static bool is_stderr(PCWSTR stream)
{
    static const WCHAR name[] = WSMAN_STREAM_ID_STDERR;
    size_t i = 0;

    while (stream[i] == name[i] && name[i] != 0)
        i++;
    return stream[i] == name[i];
}

/* The output ends here, in the middle of what a callback was given: the rest of it is for who
 * attaches next. Servers that do not count take for arrived what callbacks that returned were
 * given, so it must not return before the main thread has decided. */
static void stop(struct wsm_cli_job *job, WSMAN_COMMAND_HANDLE command, enum wsm_cli_stream stream,
                 size_t written, int error)
{
    WSMAN_EXT_OFFSETS offsets;

    if (WSManExtGetOffsets(command, &offsets) == 0) {
        offsets.delivered[stream] += written;
        WSManExtLimitOffsets(command, &offsets);
    }
    wsm_cli_events_post(
        &job->events, wsm_cli_event_new(error == EPIPE ? WSM_JOB_READER_GONE : WSM_JOB_WRITE_ERROR,
                                        (uint32_t)error));
    wsm_cli_output_await_cancel(&job->output);
}

static void write_output(struct wsm_cli_job *job, WSMAN_COMMAND_HANDLE command,
                         const WSMAN_RECEIVE_DATA_RESULT *result)
{
    bool had_failed = job->output.error != 0;
    enum wsm_cli_stream stream;
    size_t written;
    int error;

    if (result->streamId == NULL || result->streamData.binaryData.dataLength == 0)
        return;
    stream = is_stderr(result->streamId) ? WSM_CLI_STDERR : WSM_CLI_STDOUT;
    error = wsm_cli_output_write(&job->output, stream, result->streamData.binaryData.data,
                                 result->streamData.binaryData.dataLength, &written);
    if (error != 0 && !had_failed)
        stop(job, command, stream, written, error);
}

static void CALLBACK on_output(PVOID context, DWORD flags, WSMAN_ERROR *error,
                               WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                               WSMAN_OPERATION_HANDLE operation, WSMAN_RESPONSE_DATA *data)
{
    const struct wsm_job_call *call = context;

    (void)shell;
    if (data != NULL)
        write_output(call->job, command, &data->receiveData);
    if ((flags & WSMAN_FLAG_CALLBACK_END_OF_OPERATION) == 0 && error->code == 0)
        return;
    if (operation != NULL)
        WSManCloseOperation(operation, 0);
    post(call, flags, error, data != NULL ? data->receiveData.exitCode : 0);
}

/* ---- Main thread ---- */

void wsm_job_open_shell(struct wsm_cli_job *job)
{
    WSMAN_SHELL_ASYNC async = { &job->opened, on_opened };
    struct wsm_cli_request *request = job->request;
    struct wsm_cli_target *target = job->target;

    job->opened = (struct wsm_job_call){ job, WSM_JOB_OPENED };
    job->started = (struct wsm_job_call){ job, WSM_JOB_STARTED };
    job->done = (struct wsm_job_call){ job, WSM_JOB_DONE };
    job->sent = (struct wsm_job_call){ job, WSM_JOB_SENT };
    job->signalled = (struct wsm_job_call){ job, WSM_JOB_SIGNALLED };
    job->terminated = (struct wsm_job_call){ job, WSM_JOB_TERMINATED };
    job->released = (struct wsm_job_call){ job, WSM_JOB_RELEASED };
    job->closed = (struct wsm_job_call){ job, WSM_JOB_CLOSE_DONE };
    if (target != NULL)
        WSManConnectShell(job->session->handle, 0, target->resource_uri, target->shell_id,
                          target->options.optionsCount != 0 ? &target->options : NULL, NULL, &async,
                          &job->shell);
    else
        WSManCreateShellEx(job->session->handle, request->flags, WSMAN_CMDSHELL_URI,
                           request->wide_shell_id, &request->startup, &request->shell_options, NULL,
                           &async, &job->shell);
}

void wsm_job_start(struct wsm_cli_job *job)
{
    WSMAN_SHELL_ASYNC async = { &job->started, on_completed };
    struct wsm_cli_request *request = job->request;
    struct wsm_cli_target *target = job->target;

    if (target != NULL)
        WSManConnectShellCommand(
            job->shell, 0, target->command_id,
            target->command_options.optionsCount != 0 ? &target->command_options : NULL, NULL,
            &async, &job->command);
    else
        WSManRunShellCommand(job->shell, 0, request->command_line,
                             request->args.argsCount != 0 ? &request->args : NULL,
                             request->command_options.optionsCount != 0 ? &request->command_options
                                                                        : NULL,
                             &async, &job->command);
}

void wsm_job_receive(struct wsm_cli_job *job)
{
    WSMAN_SHELL_ASYNC async = { &job->done, on_output };
    WSMAN_OPERATION_HANDLE operation;

    WSManReceiveShellOutput(job->shell, job->command, 0, NULL, &async, &operation);
}

void wsm_job_send(struct wsm_cli_job *job, const struct wsm_cli_input_block *block)
{
    WSMAN_SHELL_ASYNC async = { &job->sent, on_completed };
    WSMAN_DATA data = { .type = WSMAN_DATA_TYPE_BINARY };
    WSMAN_OPERATION_HANDLE operation;

    data.binaryData.data = (BYTE *)block->data;
    data.binaryData.dataLength = (DWORD)block->len;
    WSManSendShellInput(job->shell, job->command, 0, WSMAN_STREAM_ID_STDIN, &data, block->is_end,
                        &async, &operation);
}

void wsm_job_interrupt(struct wsm_cli_job *job)
{
    WSMAN_SHELL_ASYNC async = { &job->signalled, on_completed };
    WSMAN_OPERATION_HANDLE operation;

    WSManSignalShell(job->shell, job->command, 0, WSMAN_SIGNAL_SHELL_CODE_CTRL_C, &async,
                     &operation);
}

void wsm_job_terminate(struct wsm_cli_job *job)
{
    WSMAN_SHELL_ASYNC async = { &job->terminated, on_completed };

    WSManCloseCommand(job->command, 0, &async);
    job->command = NULL;
}

void wsm_job_disconnect(struct wsm_cli_job *job)
{
    WSMAN_SHELL_ASYNC async = { &job->released, on_completed };

    WSManDisconnectShell(job->shell, 0, NULL, &async);
}

/* Deleting the shell ends the command with all it started; no Terminate is needed. The
 * command's handle then ends with the session. */
void wsm_job_delete(struct wsm_cli_job *job)
{
    WSMAN_SHELL_ASYNC async = { &job->closed, on_completed };

    WSManCloseShell(job->shell, 0, &async);
}

bool wsm_job_written(const struct wsm_cli_job *job, uint64_t out_at[WSM_CLI_STREAM_COUNT])
{
    WSMAN_EXT_OFFSETS offsets;

    if (job->command == NULL || WSManExtGetOffsets(job->command, &offsets) != 0)
        return false;
    memcpy(out_at, offsets.delivered, sizeof(offsets.delivered));
    return true;
}
