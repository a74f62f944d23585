/* The functions of the library as cli_fakes.h says. They run in the process of the case. */
#include "cli_fakes.h"

#include "cli/message.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wsmerror.h>

#include <cmocka.h>

static struct cli_script script;
static int calls_fd; /* one letter for each call */
static WSMAN_SHELL_ASYNC receiver;
static WSMAN_SHELL_ASYNC opener;
static pthread_t answering; /* delivers output */
static bool is_answering;

static void note_call(char letter)
{
    if (write(calls_fd, &letter, 1) != 1)
        _exit(99);
}

static void *handle(uintptr_t number)
{
    return (void *)number;
}

static WSMAN_ERROR make_error(DWORD code)
{
    static const WCHAR words[] = WSMAN_TEXT("words of the service");

    return (WSMAN_ERROR){ .code = code, .errorDetail = code != 0 ? words : NULL };
}

static void complete(const WSMAN_SHELL_ASYNC *async, DWORD flags, DWORD code,
                     WSMAN_OPERATION_HANDLE operation, WSMAN_RESPONSE_DATA *data)
{
    WSMAN_ERROR error = make_error(code);

    if (code == HOLD)
        return;
    async->completionFunction(async->operationContext, flags, &error, handle(3), handle(4),
                              operation, code == 0 ? data : NULL);
}

static void finish(const WSMAN_SHELL_ASYNC *async, DWORD code, WSMAN_OPERATION_HANDLE operation)
{
    complete(async, WSMAN_FLAG_CALLBACK_END_OF_OPERATION, code, operation, NULL);
}

/* ---- Session ---- */

DWORD WINAPI WSManInitialize(DWORD flags, WSMAN_API_HANDLE *api)
{
    *api = handle(1);
    return flags == WSMAN_FLAG_REQUESTED_API_VERSION_1_1 ? 0 : ERROR_INVALID_PARAMETER;
}

DWORD WINAPI WSManDeinitialize(WSMAN_API_HANDLE api, DWORD flags)
{
    (void)api;
    note_call('d');
    return flags;
}

DWORD WINAPI WSManGetErrorMessage(WSMAN_API_HANDLE api, DWORD flags, PCWSTR language, DWORD code,
                                  DWORD length, PWSTR message, DWORD *used)
{
    (void)api;
    (void)language;
    (void)code;
    *used = 2;
    if (length < 2)
        return ERROR_INSUFFICIENT_BUFFER;
    message[0] = 'm';
    message[1] = 0;
    return flags;
}

DWORD WINAPI WSManCreateSession(WSMAN_API_HANDLE api, PCWSTR connection, DWORD flags,
                                WSMAN_AUTHENTICATION_CREDENTIALS *credentials,
                                WSMAN_PROXY_INFO *proxy, WSMAN_SESSION_HANDLE *session)
{
    (void)api;
    (void)connection;
    (void)proxy;
    *session = handle(2);
    return credentials->authenticationMechanism == WSMAN_FLAG_AUTH_BASIC ? flags : 1;
}

/* Waits for the callbacks, as the library does. */
DWORD WINAPI WSManCloseSession(WSMAN_SESSION_HANDLE session, DWORD flags)
{
    (void)session;
    if (is_answering)
        pthread_join(answering, NULL);
    return flags;
}

DWORD WINAPI WSManSetSessionOption(WSMAN_SESSION_HANDLE session, WSManSessionOption option,
                                   WSMAN_DATA *data)
{
    (void)session;
    return option == WSMAN_OPTION_UNENCRYPTED_MESSAGES && data->number == 1 ? 0 : 1;
}

DWORD WINAPI WSManGetSessionOptionAsDword(WSMAN_SESSION_HANDLE session, WSManSessionOption option,
                                          DWORD *value)
{
    (void)session;
    *value = option == WSMAN_OPTION_MAX_RETRY_TIME ? 240000 : 1;
    return 0;
}

DWORD WINAPI WSManExtSetRetryTime(WSMAN_SESSION_HANDLE session, DWORD milliseconds)
{
    (void)session;
    return (int)milliseconds == script.retry_ms ? 0 : ERROR_INVALID_PARAMETER;
}

DWORD WINAPI WSManCloseOperation(WSMAN_OPERATION_HANDLE operation, DWORD flags)
{
    (void)operation;
    note_call('o');
    return flags;
}

/* ---- Shells ---- */

static void open_shell(WSMAN_SHELL_ASYNC *async, DWORD code)
{
    DWORD flags = WSMAN_FLAG_CALLBACK_END_OF_OPERATION;

    opener = *async;
    if (code == HOLD)
        raise(script.signals[0]);
    if (code == 0 && !script.is_plain)
        flags |= WSMAN_FLAG_CALLBACK_SHELL_SUPPORTS_DISCONNECT;
    complete(async, flags, code, NULL, NULL);
}

void WINAPI WSManCreateShellEx(WSMAN_SESSION_HANDLE session, DWORD flags, PCWSTR uri, PCWSTR id,
                               WSMAN_SHELL_STARTUP_INFO *startup, WSMAN_OPTION_SET *options,
                               WSMAN_DATA *xml, WSMAN_SHELL_ASYNC *async, WSMAN_SHELL_HANDLE *shell)
{
    (void)session;
    (void)uri;
    (void)startup;
    (void)xml;
    *shell = handle(3);
    note_call('C');
    if (WSManExtUtf16Length(id) != 36 || options->optionsCount != 1 ||
        flags != (script.create_flags | WSMAN_FLAG_NO_COMPRESSION))
        _exit(98);
    open_shell(async, script.create);
}

/* Whether a set of options is the one named. */
static bool has_option(const WSMAN_OPTION_SET *set, const char *name, const char *value)
{
    char *got[2];
    bool ok;

    if (value == NULL || set == NULL)
        return value == NULL && set == NULL;
    got[0] = WSManExtUtf16ToUtf8(set->options[0].name);
    got[1] = WSManExtUtf16ToUtf8(set->options[0].value);
    ok = set->optionsCount == 1 && strcmp(got[0], name) == 0 && strcmp(got[1], value) == 0;
    free(got[0]);
    free(got[1]);
    return ok;
}

static bool is_text(PCWSTR wide, const char *text)
{
    char *got = WSManExtUtf16ToUtf8(wide);
    bool ok = strcmp(got, text) == 0;

    free(got);
    return ok;
}

void WINAPI WSManConnectShell(WSMAN_SESSION_HANDLE session, DWORD flags, PCWSTR uri, PCWSTR id,
                              WSMAN_OPTION_SET *options, WSMAN_DATA *xml, WSMAN_SHELL_ASYNC *async,
                              WSMAN_SHELL_HANDLE *shell)
{
    (void)session;
    (void)xml;
    *shell = handle(3);
    note_call('N');
    if (!is_text(id, TEST_SHELL) || !is_text(uri, "uri") || flags != 0 ||
        !has_option(options, "WINRMD_TAKEOVER", script.option))
        _exit(95);
    open_shell(async, script.connect);
}

void WINAPI WSManConnectShellCommand(WSMAN_SHELL_HANDLE shell, DWORD flags, PCWSTR id,
                                     WSMAN_OPTION_SET *options, WSMAN_DATA *xml,
                                     WSMAN_SHELL_ASYNC *async, WSMAN_COMMAND_HANDLE *command)
{
    (void)shell;
    (void)xml;
    *command = handle(4);
    note_call('n');
    if (flags != 0 || (!is_text(id, TEST_FIRST) && !is_text(id, TEST_SECOND)) ||
        !has_option(options, "WINRMD_FROM", script.from))
        _exit(94);
    finish(async, script.connect_command, NULL);
}

void WINAPI WSManDisconnectShell(WSMAN_SHELL_HANDLE shell, DWORD flags,
                                 WSMAN_SHELL_DISCONNECT_INFO *info, WSMAN_SHELL_ASYNC *async)
{
    (void)shell;
    note_call('L');
    if (flags == WSMAN_FLAG_SERVER_BUFFERING_MODE_DROP)
        note_call('4');
    if (info != NULL && info->idleTimeoutMs == 3600000)
        note_call('i');
    if (script.signal_on_leave != 0)
        raise(script.signal_on_leave);
    finish(async, script.disconnect, NULL);
}

void WINAPI WSManCloseShell(WSMAN_SHELL_HANDLE shell, DWORD flags, WSMAN_SHELL_ASYNC *async)
{
    (void)shell;
    (void)flags;
    note_call('D');
    if (script.close == HOLD && script.signals[3] != 0)
        raise(script.signals[3]);
    finish(async, script.close, NULL);
}

/* ---- Commands ---- */

void WINAPI WSManRunShellCommand(WSMAN_SHELL_HANDLE shell, DWORD flags, PCWSTR line,
                                 WSMAN_COMMAND_ARG_SET *args, WSMAN_OPTION_SET *options,
                                 WSMAN_SHELL_ASYNC *async, WSMAN_COMMAND_HANDLE *command)
{
    (void)shell;
    (void)flags;
    (void)args;
    (void)options;
    *command = handle(4);
    note_call('R');
    if (!is_text(line, "a b"))
        _exit(97);
    finish(async, script.run, NULL);
}

static void answer_receive(DWORD code)
{
    WSMAN_RESPONSE_DATA data = { .receiveData = { .commandState = WSMAN_COMMAND_STATE_DONE,
                                                  .exitCode = script.exit_code } };

    data.receiveData.streamData.type = WSMAN_DATA_TYPE_BINARY;
    if (script.output != NULL) {
        data.receiveData.streamId = WSMAN_STREAM_ID_STDOUT;
        data.receiveData.streamData.binaryData.data = (BYTE *)(uintptr_t)script.output;
        data.receiveData.streamData.binaryData.dataLength = (DWORD)strlen(script.output);
    }
    complete(&receiver, WSMAN_FLAG_CALLBACK_END_OF_OPERATION, code, handle(5), &data);
}

/* Output comes on a thread of its own where the callback must wait for the main thread. */
static void *answer_later(void *unused)
{
    (void)unused;
    answer_receive(script.receive == HOLD ? 0 : script.receive);
    return NULL;
}

void WINAPI WSManReceiveShellOutput(WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                                    DWORD flags, WSMAN_STREAM_ID_SET *streams,
                                    WSMAN_SHELL_ASYNC *async, WSMAN_OPERATION_HANDLE *operation)
{
    (void)shell;
    (void)command;
    (void)flags;
    (void)streams;
    *operation = handle(5);
    receiver = *async;
    note_call('r');
    for (size_t i = 0; i < sizeof(script.notices) / sizeof(script.notices[0]); i++)
        if (script.notices[i] != 0)
            complete(&opener, script.notices[i], 0, NULL, NULL);
    if (script.signals[0] != 0)
        raise(script.signals[0]);
    if (script.output != NULL) {
        if (pthread_create(&answering, NULL, answer_later, NULL) != 0)
            _exit(93);
        is_answering = true;
    } else {
        answer_receive(script.receive);
    }
}

void WINAPI WSManSendShellInput(WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command, DWORD flags,
                                PCWSTR stream, WSMAN_DATA *data, BOOL is_end,
                                WSMAN_SHELL_ASYNC *async, WSMAN_OPERATION_HANDLE *operation)
{
    (void)shell;
    (void)command;
    (void)flags;
    (void)stream;
    (void)data;
    *operation = handle(6);
    note_call(is_end ? 'E' : 's');
    finish(async, script.send, handle(6));
    if (script.receive == HOLD && script.signals[0] == 0 && script.notices[0] == 0 && is_end &&
        script.options.timeout_ms == 0 && script.output == NULL &&
        receiver.operationContext != NULL)
        answer_receive(0);
}

void WINAPI WSManSignalShell(WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command, DWORD flags,
                             PCWSTR code, WSMAN_SHELL_ASYNC *async,
                             WSMAN_OPERATION_HANDLE *operation)
{
    (void)shell;
    (void)command;
    (void)flags;
    (void)code;
    *operation = handle(7);
    note_call('c');
    finish(async, 0, handle(7));
    if (script.signals[1] != 0)
        raise(script.signals[1]);
    else
        answer_receive(script.receive_on_signal);
}

void WINAPI WSManCloseCommand(WSMAN_COMMAND_HANDLE command, DWORD flags, WSMAN_SHELL_ASYNC *async)
{
    (void)command;
    (void)flags;
    note_call('t');
    finish(async, 0, NULL);
}

DWORD WINAPI WSManExtGetOffsets(WSMAN_COMMAND_HANDLE command, WSMAN_EXT_OFFSETS *offsets)
{
    if (command != handle(4) || !script.has_offsets)
        return ERROR_NOT_SUPPORTED;
    *offsets = script.offsets;
    return 0;
}

DWORD WINAPI WSManExtLimitOffsets(WSMAN_COMMAND_HANDLE command, const WSMAN_EXT_OFFSETS *offsets)
{
    if (command != handle(4) || !script.has_offsets)
        return ERROR_NOT_SUPPORTED;
    script.offsets = *offsets;
    return 0;
}

/* ---- Listing ---- */

void WINAPI WSManExtListShells(WSMAN_SESSION_HANDLE session, DWORD flags, PVOID context,
                               WSMAN_EXT_LIST_FUNCTION function, WSMAN_OPERATION_HANDLE *operation)
{
    WSMAN_EXT_SHELL shells[] = {
        { .shellId = WSMAN_TEXT(TEST_SHELL),
          .resourceUri = WSMAN_TEXT("uri"),
          .state = script.is_held ? WSMAN_TEXT("Connected") : WSMAN_TEXT("Disconnected"),
          .sessionId = WSMAN_TEXT("uuid:99999999-8888"),
          .runTimeSeconds = 125,
          .inactivitySeconds = 7 },
        { .shellId = WSMAN_TEXT(TEST_SHELL2), .state = WSMAN_TEXT("Disconnected") },
    };
    WSMAN_EXT_LIST list = { .shellCount = (DWORD)script.shell_count, .shells = shells };
    WSMAN_ERROR error = make_error(script.list);

    (void)session;
    (void)flags;
    *operation = handle(8);
    note_call('P');
    if (script.list == HOLD)
        raise(script.signals[0]);
    else
        function(context, WSMAN_FLAG_CALLBACK_END_OF_OPERATION, &error, handle(8),
                 script.list == 0 ? &list : NULL);
}

void WINAPI WSManExtListCommands(WSMAN_SESSION_HANDLE session, DWORD flags, PCWSTR id,
                                 PVOID context, WSMAN_EXT_LIST_FUNCTION function,
                                 WSMAN_OPERATION_HANDLE *operation)
{
    const WSMAN_EXT_STREAM streams[] = {
        { .name = WSMAN_TEXT("stdout"), .confirmed = 10, .served = 20, .end = 30 },
        { .name = WSMAN_TEXT("stderr"), .confirmed = 4, .served = 5, .end = 6 },
    };
    const WSMAN_EXT_COMMAND commands[] = {
        { .commandId = WSMAN_TEXT(TEST_FIRST),
          .commandLine = WSMAN_TEXT("sleep\t1"),
          .state = WSMAN_TEXT("Running"),
          .streamCount = 2,
          .streams = streams },
        { .commandId = WSMAN_TEXT(TEST_SECOND),
          .commandLine = WSMAN_TEXT("true"),
          .state = WSMAN_TEXT("Done"),
          .hasExitCode = TRUE,
          .exitCode = 3 },
    };
    bool is_second = is_text(id, TEST_SHELL2);
    WSMAN_EXT_LIST list = { .commandCount = (DWORD)script.command_count, .commands = commands };
    WSMAN_ERROR error = make_error(is_second ? ERROR_WSMAN_UNEXPECTED_SELECTORS : 0);

    (void)session;
    (void)flags;
    *operation = handle(9);
    note_call('p');
    function(context, WSMAN_FLAG_CALLBACK_END_OF_OPERATION, &error, handle(9),
             is_second ? NULL : &list);
}

void WINAPI WSManExtDeleteShell(WSMAN_SESSION_HANDLE session, DWORD flags, PCWSTR uri, PCWSTR id,
                                PVOID context, WSMAN_EXT_LIST_FUNCTION function,
                                WSMAN_OPERATION_HANDLE *operation)
{
    WSMAN_ERROR error = make_error(script.delete);

    (void)session;
    (void)flags;
    *operation = handle(10);
    note_call('K');
    if (!is_text(id, TEST_SHELL) || !is_text(uri, "uri"))
        _exit(92);
    function(context, WSMAN_FLAG_CALLBACK_END_OF_OPERATION, &error, handle(10), NULL);
}

/* ---- Text ---- */

PWSTR WINAPI WSManExtUtf8ToUtf16(const char *text)
{
    PWSTR wide = calloc(strlen(text) + 1, sizeof(*wide));

    for (size_t i = 0; text[i] != '\0'; i++)
        wide[i] = (WCHAR)text[i];
    return wide;
}

char *WINAPI WSManExtUtf16ToUtf8(PCWSTR text)
{
    DWORD length = WSManExtUtf16Length(text);
    char *narrow = calloc(length + 1, 1);

    for (DWORD i = 0; i < length; i++)
        narrow[i] = (char)text[i];
    return narrow;
}

DWORD WINAPI WSManExtUtf16Length(PCWSTR text)
{
    DWORD length = 0;

    while (text != NULL && text[length] != 0)
        length++;
    return length;
}

void WINAPI WSManExtFree(void *memory)
{
    free(memory);
}

/* ---- Playing ---- */

static void child(cli_verb *verb, int out_fd, int err_fd)
{
    char *words[] = { (char[]){ "a" }, (char[]){ "b" } };
    struct wsm_cli_options options = script.options;
    struct wsm_cli_signals signals;
    int status;

    options.host = "u@127.0.0.1";
    options.args = words;
    options.arg_count = 2;
    options.is_stdin_null = true;
    dup2(out_fd, STDOUT_FILENO);
    dup2(err_fd, STDERR_FILENO);
    setenv("WINRMC_PASSWORD", "secret", 1);
    signal(SIGINT, SIG_DFL);
    if (!wsm_cli_signals_open(&signals))
        _exit(96);
    status = verb(&options, &signals);
    if (status == WSM_CLI_SIGNAL + SIGPIPE)
        wsm_cli_signals_die_by_pipe();
    exit(status);
}

static void read_all(int fd, char *text, size_t size)
{
    size_t len = 0;
    ssize_t got;

    while ((got = read(fd, text + len, size - 1 - len)) > 0)
        len += (size_t)got;
    text[len] = '\0';
    close(fd);
}

struct cli_outcome cli_play(cli_verb *verb, struct cli_script given, int out)
{
    struct cli_outcome outcome = { .status = -1 };
    int calls[2];
    int outs[2];
    int err[2];
    int wait_status;
    pid_t pid;

    script = given;
    assert_int_equal(pipe2(calls, O_CLOEXEC), 0);
    assert_int_equal(pipe2(outs, O_CLOEXEC), 0);
    assert_int_equal(pipe2(err, O_CLOEXEC), 0);
    calls_fd = calls[1];
    pid = fork();
    if (pid == 0) {
        close(outs[0]);
        child(verb, out >= 0 ? out : outs[1], err[1]);
    }
    close(calls[1]);
    close(outs[1]);
    close(err[1]);
    read_all(calls[0], outcome.calls, sizeof(outcome.calls));
    read_all(outs[0], outcome.out, sizeof(outcome.out));
    read_all(err[0], outcome.err, sizeof(outcome.err));
    assert_int_equal(waitpid(pid, &wait_status, 0), pid);
    outcome.status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status)
                                            : 128 + WTERMSIG(wait_status);
    return outcome;
}

void cli_expect(cli_verb *verb, struct cli_script given, int status, const char *calls,
                const char *words)
{
    int out = open("/dev/null", O_WRONLY | O_CLOEXEC);
    struct cli_outcome got = cli_play(verb, given, out);

    close(out);
    if (got.status != status || (calls != NULL && strcmp(got.calls, calls) != 0))
        fail_msg("expected %d \"%s\", got %d \"%s\": %s", status, calls != NULL ? calls : "any",
                 got.status, got.calls, got.err);
    if (words == NULL ? *got.err != '\0' : strstr(got.err, words) == NULL)
        fail_msg("expected \"%s\", got \"%s\"", words != NULL ? words : "", got.err);
}
