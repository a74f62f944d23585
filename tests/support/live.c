/* Blocking forms of the API's calls. Callbacks run on the library's threads, all else on
 * those of the program. */
#include "live.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int deadline_s = 60;
static void (*on_death)(void);
static atomic_ulong next_order = 1;

void live_set_deadline(int seconds)
{
    deadline_s = seconds;
}

void live_on_death(void (*report)(void))
{
    on_death = report;
}

void live_die(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    if (on_death != NULL)
        on_death();
    _exit(1); /* the library's threads still run */
}

static void narrow(char *out, size_t size, PCWSTR text)
{
    size_t i = 0;

    for (; text != NULL && text[i] != 0 && i + 1 < size; i++)
        out[i] = (char)text[i];
    out[i] = '\0';
}

static bool is_text(PCWSTR a, PCWSTR b)
{
    size_t i = 0;

    if (a == NULL)
        return false;
    while (a[i] == b[i] && a[i] != 0)
        i++;
    return a[i] == b[i];
}

/* False when the time is over. */
static bool wait_until(pthread_cond_t *changed, pthread_mutex_t *lock, const struct timespec *until)
{
    return pthread_cond_timedwait(changed, lock, until) != ETIMEDOUT;
}

static struct timespec deadline(void)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += deadline_s;
    return until;
}

WSMAN_API_HANDLE live_api(void)
{
    WSMAN_API_HANDLE api;
    DWORD code = WSManInitialize(WSMAN_FLAG_REQUESTED_API_VERSION_1_1, &api);

    if (code != 0)
        live_die("WSManInitialize: %u", code);
    return api;
}

WSMAN_SESSION_HANDLE live_session(WSMAN_API_HANDLE api, const char *address, const char *user,
                                  const char *password_file)
{
    WSMAN_AUTHENTICATION_CREDENTIALS credentials = {
        .authenticationMechanism = WSMAN_FLAG_AUTH_BASIC
    };
    WSMAN_DATA yes = { .type = WSMAN_DATA_TYPE_DWORD, .number = 1 };
    FILE *file = fopen(password_file, "re");
    PWSTR name = WSManExtUtf8ToUtf16(user), secret, host = WSManExtUtf8ToUtf16(address);
    WSMAN_SESSION_HANDLE session;
    char password[128];
    DWORD code;

    if (file == NULL || fgets(password, sizeof(password), file) == NULL)
        live_die("cannot read %s", password_file);
    fclose(file);
    password[strcspn(password, "\n")] = '\0';
    secret = WSManExtUtf8ToUtf16(password);
    credentials.userAccount.username = name;
    credentials.userAccount.password = secret;
    code = WSManCreateSession(api, host, 0, &credentials, NULL, &session);
    if (code == 0)
        code = WSManSetSessionOption(session, WSMAN_OPTION_UNENCRYPTED_MESSAGES, &yes);
    if (code != 0)
        live_die("WSManCreateSession: %u", code);
    WSManExtFree(name);
    WSManExtFree(secret);
    WSManExtFree(host);
    return session;
}

/* Calls. */

enum {
    NOTICES = WSMAN_FLAG_CALLBACK_SHELL_AUTODISCONNECTED |
              WSMAN_FLAG_CALLBACK_NETWORK_FAILURE_DETECTED |
              WSMAN_FLAG_CALLBACK_RETRYING_AFTER_NETWORK_FAILURE |
              WSMAN_FLAG_CALLBACK_RECONNECTED_AFTER_NETWORK_FAILURE |
              WSMAN_FLAG_CALLBACK_SHELL_AUTODISCONNECTING |
              WSMAN_FLAG_CALLBACK_RETRY_ABORTED_DUE_TO_INTERNAL_ERROR,
};

/* What may come after what (wsman-api, "Robust connections"). */
static bool may_follow(DWORD before, DWORD notice)
{
    switch (notice) {
    case WSMAN_FLAG_CALLBACK_NETWORK_FAILURE_DETECTED:
        return before == 0 || before == WSMAN_FLAG_CALLBACK_RECONNECTED_AFTER_NETWORK_FAILURE ||
               before == WSMAN_FLAG_CALLBACK_SHELL_AUTODISCONNECTED;
    case WSMAN_FLAG_CALLBACK_RETRYING_AFTER_NETWORK_FAILURE:
        return before == WSMAN_FLAG_CALLBACK_NETWORK_FAILURE_DETECTED ||
               before == WSMAN_FLAG_CALLBACK_RETRYING_AFTER_NETWORK_FAILURE;
    case WSMAN_FLAG_CALLBACK_SHELL_AUTODISCONNECTING:
    case WSMAN_FLAG_CALLBACK_RECONNECTED_AFTER_NETWORK_FAILURE:
    case WSMAN_FLAG_CALLBACK_RETRY_ABORTED_DUE_TO_INTERNAL_ERROR:
        return before == WSMAN_FLAG_CALLBACK_RETRYING_AFTER_NETWORK_FAILURE;
    case WSMAN_FLAG_CALLBACK_SHELL_AUTODISCONNECTED:
        return before == WSMAN_FLAG_CALLBACK_SHELL_AUTODISCONNECTING;
    default:
        return false;
    }
}

static void take_notice(struct live_call *call, DWORD notice)
{
    call->notices++;
    if (!may_follow(call->last_notice, notice)) {
        call->disorder[0] = call->last_notice;
        call->disorder[1] = notice;
    }
    call->last_notice = notice;
}

static void CALLBACK on_call(PVOID context, DWORD flags, WSMAN_ERROR *error,
                             WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                             WSMAN_OPERATION_HANDLE operation, WSMAN_RESPONSE_DATA *data)
{
    struct live_call *call = context;

    pthread_mutex_lock(&call->lock);
    if ((flags & NOTICES) != 0) {
        take_notice(call, flags);
    } else if ((flags & WSMAN_FLAG_CALLBACK_END_OF_OPERATION) == 0) {
        call->others++;
    } else {
        call->ends++;
        call->flags = flags;
        call->code = error->code;
        call->shell = shell;
        call->command = command;
        call->operation = operation;
        call->has_data = data != NULL;
        call->order = atomic_fetch_add(&next_order, 1);
        narrow(call->detail, sizeof(call->detail), error->errorDetail);
    }
    pthread_cond_broadcast(&call->changed);
    pthread_mutex_unlock(&call->lock);
}

void live_call_init(struct live_call *call)
{
    *call = (struct live_call){ .async = { call, on_call } };
    pthread_mutex_init(&call->lock, NULL);
    pthread_cond_init(&call->changed, NULL);
}

void live_call_clear(struct live_call *call)
{
    pthread_cond_destroy(&call->changed);
    pthread_mutex_destroy(&call->lock);
}

DWORD live_call_wait(struct live_call *call, const char *what)
{
    struct timespec until = deadline();
    bool is_over;
    DWORD code;

    pthread_mutex_lock(&call->lock);
    while (call->ends == 0 && wait_until(&call->changed, &call->lock, &until))
        continue;
    is_over = call->ends > 0;
    code = call->code;
    pthread_mutex_unlock(&call->lock);
    if (!is_over)
        live_die("%s: no callback within %d s", what, deadline_s);
    return code;
}

void live_call_expect(struct live_call *call, const char *what)
{
    DWORD code = live_call_wait(call, what);

    if (code != 0)
        live_die("%s: error %u (0x%x): %s", what, code, code, call->detail);
}

bool live_call_is_over(struct live_call *call)
{
    bool is_over;

    pthread_mutex_lock(&call->lock);
    is_over = call->ends > 0;
    pthread_mutex_unlock(&call->lock);
    return is_over;
}

/* Output. */

static void take_data(struct live_output *output, DWORD flags,
                      const WSMAN_RECEIVE_DATA_RESULT *data)
{
    int stream = is_text(data->streamId, WSMAN_STREAM_ID_STDERR) ? LIVE_STDERR : LIVE_STDOUT;
    size_t len = data->streamData.binaryData.dataLength;

    if (is_text(data->commandState, WSMAN_COMMAND_STATE_DONE)) {
        output->is_done = true;
        output->exit_code = data->exitCode;
    }
    if (data->streamId == NULL)
        return;
    if (len > 0) {
        pthread_mutex_unlock(&output->lock);
        if (output->on_data != NULL)
            output->on_data(output, stream, data->streamData.binaryData.data, len);
        pthread_mutex_lock(&output->lock);
    }
    output->bytes[stream] += len;
    if ((flags & WSMAN_FLAG_CALLBACK_END_OF_STREAM) != 0)
        output->has_ended[stream] = true;
}

static void CALLBACK on_output(PVOID context, DWORD flags, WSMAN_ERROR *error,
                               WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                               WSMAN_OPERATION_HANDLE operation, WSMAN_RESPONSE_DATA *data)
{
    struct live_output *output = context;

    (void)shell;
    (void)command;
    (void)operation;
    pthread_mutex_lock(&output->lock);
    output->last_order = atomic_fetch_add(&next_order, 1);
    if (output->ends > 0)
        output->late++;
    if (data != NULL && error->code == 0)
        take_data(output, flags, &data->receiveData);
    if ((flags & WSMAN_FLAG_CALLBACK_END_OF_OPERATION) != 0) {
        output->ends++;
        output->code = error->code;
        narrow(output->detail, sizeof(output->detail), error->errorDetail);
    }
    pthread_cond_broadcast(&output->changed);
    pthread_mutex_unlock(&output->lock);
}

void live_output_init(struct live_output *output)
{
    *output = (struct live_output){ .async = { output, on_output } };
    pthread_mutex_init(&output->lock, NULL);
    pthread_cond_init(&output->changed, NULL);
}

void live_output_clear(struct live_output *output)
{
    pthread_cond_destroy(&output->changed);
    pthread_mutex_destroy(&output->lock);
}

void live_output_wait_bytes(struct live_output *output, uint64_t bytes, const char *what)
{
    struct timespec until = deadline();
    uint64_t have;
    bool is_over;

    pthread_mutex_lock(&output->lock);
    do {
        have = output->bytes[LIVE_STDOUT] + output->bytes[LIVE_STDERR];
        is_over = output->ends > 0;
    } while (have < bytes && !is_over && wait_until(&output->changed, &output->lock, &until));
    pthread_mutex_unlock(&output->lock);
    if (have < bytes && !is_over)
        live_die("%s: output stands still at %llu bytes for %d s", what, (unsigned long long)have,
                 deadline_s);
}

void live_output_wait(struct live_output *output, const char *what)
{
    live_output_wait_bytes(output, UINT64_MAX, what);
}

uint64_t live_output_bytes(struct live_output *output)
{
    uint64_t bytes;

    pthread_mutex_lock(&output->lock);
    bytes = output->bytes[LIVE_STDOUT] + output->bytes[LIVE_STDERR];
    pthread_mutex_unlock(&output->lock);
    return bytes;
}

bool live_output_is_over(struct live_output *output)
{
    bool is_over;

    pthread_mutex_lock(&output->lock);
    is_over = output->ends > 0;
    pthread_mutex_unlock(&output->lock);
    return is_over;
}

/* Calls that wait. */

WSMAN_SHELL_HANDLE live_create(WSMAN_SESSION_HANDLE session, struct live_call *call)
{
    WSMAN_SHELL_HANDLE shell;

    WSManCreateShell(session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &call->async, &shell);
    live_call_expect(call, "WSManCreateShell");
    return shell;
}

WSMAN_COMMAND_HANDLE live_run(WSMAN_SHELL_HANDLE shell, const char *line)
{
    PWSTR wide = WSManExtUtf8ToUtf16(line);
    WSMAN_COMMAND_HANDLE command;
    struct live_call call;

    live_call_init(&call);
    WSManRunShellCommand(shell, 0, wide, NULL, NULL, &call.async, &command);
    WSManExtFree(wide);
    live_call_expect(&call, "WSManRunShellCommand");
    live_call_clear(&call);
    return command;
}

WSMAN_OPERATION_HANDLE live_receive(WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                                    struct live_output *output)
{
    WSMAN_OPERATION_HANDLE operation;

    WSManReceiveShellOutput(shell, command, 0, NULL, &output->async, &operation);
    return operation;
}

WSMAN_OPERATION_HANDLE live_start_send(WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                                       const void *data, size_t len, bool is_end,
                                       struct live_call *call)
{
    WSMAN_DATA input = { .type = WSMAN_DATA_TYPE_BINARY };
    WSMAN_OPERATION_HANDLE operation;

    input.binaryData.data = (BYTE *)(uintptr_t)data;
    input.binaryData.dataLength = (DWORD)len;
    WSManSendShellInput(shell, command, 0, WSMAN_STREAM_ID_STDIN, &input, is_end, &call->async,
                        &operation);
    return operation;
}

void live_send(WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command, const void *data, size_t len,
               bool is_end)
{
    WSMAN_OPERATION_HANDLE operation;
    struct live_call call;

    live_call_init(&call);
    operation = live_start_send(shell, command, data, len, is_end, &call);
    live_call_expect(&call, "WSManSendShellInput");
    WSManCloseOperation(operation, 0);
    live_call_clear(&call);
}

void live_disconnect(WSMAN_SHELL_HANDLE shell, DWORD flags)
{
    struct live_call call;

    live_call_init(&call);
    WSManDisconnectShell(shell, flags, NULL, &call.async);
    live_call_expect(&call, "WSManDisconnectShell");
    live_call_clear(&call);
}

void live_reconnect(WSMAN_SHELL_HANDLE shell)
{
    struct live_call call;

    live_call_init(&call);
    WSManReconnectShell(shell, 0, &call.async);
    live_call_expect(&call, "WSManReconnectShell");
    live_call_clear(&call);
}

void live_reconnect_command(WSMAN_COMMAND_HANDLE command)
{
    struct live_call call;

    live_call_init(&call);
    WSManReconnectShellCommand(command, 0, &call.async);
    live_call_expect(&call, "WSManReconnectShellCommand");
    live_call_clear(&call);
}

void live_close_command(WSMAN_COMMAND_HANDLE command)
{
    struct live_call call;

    live_call_init(&call);
    WSManCloseCommand(command, 0, &call.async);
    live_call_expect(&call, "WSManCloseCommand");
    live_call_clear(&call);
}

void live_close_shell(WSMAN_SHELL_HANDLE shell)
{
    struct live_call call;

    live_call_init(&call);
    WSManCloseShell(shell, 0, &call.async);
    live_call_expect(&call, "WSManCloseShell");
    live_call_clear(&call);
}
