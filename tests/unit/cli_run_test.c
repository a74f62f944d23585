/* winrmc run against a library of paper: what it asks for in which order, and which exit
 * code each answer leads to, also answers that only foreign services give. Each case runs
 * in a process of its own, since a run may end its process. */
#include "cli/message.h"
#include "cli/verbs.h"

#include <errno.h>
#include <fcntl.h>
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
#include <wsmext.h>

#include <cmocka.h>

#define HOLD 0xFFFFFFFFU /* no answer */

/* What the library answers. Callbacks come at once: winrmc only queues them. */
static struct script {
    DWORD create, run, receive, send, close;
    DWORD exit_code;
    const char *output;
    int signals[3];          /* raised when the Receive begins, then at each Ctrl-C sent */
    DWORD receive_on_signal; /* answer to the held Receive once Ctrl-C was sent */
    int64_t timeout_ms;
} script;

static int calls_fd; /* one letter for each call */
static WSMAN_SHELL_ASYNC receiver;

static void note_call(char letter)
{
    if (write(calls_fd, &letter, 1) != 1)
        _exit(99);
}

static void complete(const WSMAN_SHELL_ASYNC *async, DWORD code, WSMAN_OPERATION_HANDLE operation,
                     WSMAN_RESPONSE_DATA *data)
{
    static const WCHAR words[] = WSMAN_TEXT("words of the service");
    WSMAN_ERROR error = { .code = code, .errorDetail = code != 0 ? words : NULL };

    if (code == HOLD)
        return;
    async->completionFunction(async->operationContext, WSMAN_FLAG_CALLBACK_END_OF_OPERATION, &error,
                              NULL, NULL, operation, code == 0 ? data : NULL);
}

static void *handle(uintptr_t number)
{
    return (void *)number;
}

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

DWORD WINAPI WSManCloseSession(WSMAN_SESSION_HANDLE session, DWORD flags)
{
    (void)session;
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
    (void)option;
    *value = 1;
    return 0;
}

DWORD WINAPI WSManCloseOperation(WSMAN_OPERATION_HANDLE operation, DWORD flags)
{
    (void)operation;
    note_call('o');
    return flags;
}

void WINAPI WSManCreateShellEx(WSMAN_SESSION_HANDLE session, DWORD flags, PCWSTR uri, PCWSTR id,
                               WSMAN_SHELL_STARTUP_INFO *startup, WSMAN_OPTION_SET *options,
                               WSMAN_DATA *xml, WSMAN_SHELL_ASYNC *async, WSMAN_SHELL_HANDLE *shell)
{
    (void)session;
    (void)flags;
    (void)uri;
    (void)startup;
    (void)xml;
    *shell = handle(3);
    note_call('C');
    if (WSManExtUtf16Length(id) != 36 || options->optionsCount != 1)
        _exit(98);
    if (script.create == HOLD)
        raise(script.signals[0]);
    complete(async, script.create, NULL, NULL);
}

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
    if (WSManExtUtf16Length(line) != 3) /* "a b" */
        _exit(97);
    complete(async, script.run, NULL, NULL);
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
    complete(&receiver, code, handle(5), &data);
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
    if (script.signals[0] != 0)
        raise(script.signals[0]);
    answer_receive(script.receive);
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
    complete(async, script.send, handle(6), NULL);
    if (script.receive == HOLD && script.signals[0] == 0 && is_end && script.timeout_ms == 0)
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
    complete(async, 0, handle(7), NULL);
    if (script.signals[1] != 0)
        raise(script.signals[1]);
    else
        answer_receive(script.receive_on_signal);
}

void WINAPI WSManCloseCommand(WSMAN_COMMAND_HANDLE command, DWORD flags, WSMAN_SHELL_ASYNC *async)
{
    (void)command;
    (void)flags;
    complete(async, 0, NULL, NULL);
}

void WINAPI WSManCloseShell(WSMAN_SHELL_HANDLE shell, DWORD flags, WSMAN_SHELL_ASYNC *async)
{
    (void)shell;
    (void)flags;
    note_call('D');
    if (script.close == HOLD && script.signals[2] != 0)
        raise(script.signals[2]);
    complete(async, script.close, NULL, NULL);
}

void WINAPI WSManExtIdentify(WSMAN_SESSION_HANDLE session, DWORD flags, PVOID context,
                             WSMAN_EXT_IDENTIFY_FUNCTION function,
                             WSMAN_OPERATION_HANDLE *operation)
{
    (void)session;
    (void)flags;
    (void)context;
    (void)function;
    *operation = NULL;
}

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

/* ---- The cases ---- */

struct outcome {
    int status; /* exit code, or 128+n */
    char calls[64];
    char err[512];
};

static void child(int out_fd, int err_fd)
{
    char *words[] = { (char[]){ "a" }, (char[]){ "b" } };
    struct wsm_cli_options options = { .host = "u@127.0.0.1",
                                       .args = words,
                                       .arg_count = 2,
                                       .is_stdin_null = true,
                                       .timeout_ms = script.timeout_ms };
    struct wsm_cli_signals signals;
    int status;

    dup2(out_fd, STDOUT_FILENO);
    dup2(err_fd, STDERR_FILENO);
    setenv("WINRMC_PASSWORD", "secret", 1);
    signal(SIGINT, SIG_DFL);
    if (!wsm_cli_signals_open(&signals))
        _exit(96);
    status = wsm_cli_run(&options, &signals);
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

/* `out` is the descriptor that becomes standard output. */
static struct outcome play(int out)
{
    struct outcome outcome;
    int calls[2];
    int err[2];
    int wait_status;
    pid_t pid;

    assert_int_equal(pipe2(calls, O_CLOEXEC), 0);
    assert_int_equal(pipe2(err, O_CLOEXEC), 0);
    calls_fd = calls[1];
    pid = fork();
    if (pid == 0)
        child(out, err[1]);
    close(calls[1]);
    close(err[1]);
    read_all(calls[0], outcome.calls, sizeof(outcome.calls));
    read_all(err[0], outcome.err, sizeof(outcome.err));
    assert_int_equal(waitpid(pid, &wait_status, 0), pid);
    outcome.status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status)
                                            : 128 + WTERMSIG(wait_status);
    return outcome;
}

/* `calls` NULL: any, where they depend on time. `words` NULL: nothing is said. */
static void expect(struct script given, int status, const char *calls, const char *words)
{
    struct outcome got;
    int out = open("/dev/null", O_WRONLY | O_CLOEXEC);

    script = given;
    got = play(out);
    close(out);
    if (got.status != status || (calls != NULL && strcmp(got.calls, calls) != 0))
        fail_msg("expected %d \"%s\", got %d \"%s\": %s", status, calls != NULL ? calls : "any",
                 got.status, got.calls, got.err);
    if (words == NULL ? *got.err != '\0' : strstr(got.err, words) == NULL)
        fail_msg("expected \"%s\", got \"%s\"", words != NULL ? words : "", got.err);
}

static void test_run_passes_the_exit_code(void **state)
{
    (void)state;
    expect((struct script){ .receive = HOLD, .exit_code = 0 }, 0, "CRrEooDd", NULL);
    expect((struct script){ .receive = HOLD, .exit_code = 255 }, 255, "CRrEooDd", NULL);
    expect((struct script){ .receive = HOLD, .exit_code = 256 }, 255, "CRrEooDd", NULL);
    expect((struct script){ .receive = HOLD, .exit_code = 0xC000013A }, 255, "CRrEooDd", NULL);
}

static void test_run_create_that_fails_sends_no_command(void **state)
{
    (void)state;
    expect((struct script){ .create = ERROR_ACCESS_DENIED }, 77, "CDd", "127.0.0.1: words");
    expect((struct script){ .create = ERROR_WSMAN_DESTINATION_UNREACHABLE }, 69, "CDd",
           "127.0.0.1: words");
    expect((struct script){ .create = ERROR_WSMAN_INVALID_XML }, 70, "CDd", "2150858819");
}

static void test_run_command_that_is_refused_deletes_the_shell(void **state)
{
    (void)state;
    expect((struct script){ .run = 0x80070002 }, 70, "CRDd", "words of the service");
    /* The login was good enough for the shell: it is the program that may not be run. */
    expect((struct script){ .run = ERROR_ACCESS_DENIED }, 70, "CRDd",
           "words of the service (error 5)\n");
}

static void test_run_lost_connection_names_the_shell_and_leaves_it(void **state)
{
    (void)state;
    expect((struct script){ .receive = ERROR_WSMAN_NETWORK_TIMEDOUT }, 69, "CRro", "; shell ");
    expect((struct script){ .run = RPC_S_SERVER_UNAVAILABLE }, 69, "CR", "; shell ");
    expect((struct script){ .receive = HOLD, .send = ERROR_WSMAN_NETWORK_TIMEDOUT }, 69, "CRrEoo",
           "; shell ");
}

static void test_run_input_that_nobody_reads_is_no_failure(void **state)
{
    static const DWORD codes[] = { ERROR_OPERATION_ABORTED, ERROR_BROKEN_PIPE,
                                   ERROR_WSMAN_UNEXPECTED_SELECTORS };

    (void)state;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        expect((struct script){ .receive = HOLD, .send = codes[i], .exit_code = 3 }, 3, "CRrEooDd",
               NULL);
}

static void test_run_input_that_is_refused_ends_the_run(void **state)
{
    (void)state;
    expect((struct script){ .receive = HOLD, .signals = { SIGCHLD }, .send = ERROR_ACCESS_DENIED },
           77, "CRrEoDd", "words of the service");
}

static void test_run_first_interrupt_goes_to_the_command(void **state)
{
    (void)state;
    expect((struct script){ .receive = HOLD, .signals = { SIGINT }, .exit_code = 130 }, 130,
           "CRrcooEoDd", NULL);
    expect((struct script){ .receive = HOLD,
                            .signals = { SIGINT },
                            .receive_on_signal = ERROR_CANCELLED },
           130, "CRrcooEoDd", NULL);
    expect((struct script){ .receive = HOLD,
                            .signals = { SIGINT },
                            .receive_on_signal = ERROR_OPERATION_ABORTED },
           130, "CRrcooEoDd", NULL);
}

static void test_run_second_interrupt_deletes_the_shell(void **state)
{
    (void)state;
    expect((struct script){ .receive = HOLD, .signals = { SIGINT, SIGINT } }, 130, "CRrcoDd", NULL);
}

static void test_run_third_interrupt_does_not_wait(void **state)
{
    (void)state;
    expect((struct script){ .receive = HOLD, .signals = { SIGINT, SIGINT, SIGINT }, .close = HOLD },
           130, "CRrcoD", NULL);
}

static void test_run_interrupt_before_the_command_deletes_the_shell(void **state)
{
    (void)state;
    expect((struct script){ .create = HOLD, .signals = { SIGINT } }, 130, "CDd", NULL);
    expect((struct script){ .create = HOLD, .signals = { SIGHUP } }, 129, "CDd", NULL);
}

static void test_run_end_signals_delete_the_shell(void **state)
{
    (void)state;
    expect((struct script){ .receive = HOLD, .signals = { SIGTERM } }, 143, "CRrDd", NULL);
    expect((struct script){ .receive = HOLD, .signals = { SIGHUP } }, 129, "CRrDd", NULL);
}

static void test_run_timeout_is_124_and_names_the_host(void **state)
{
    (void)state;
    expect((struct script){ .receive = HOLD, .timeout_ms = 1 }, 124, NULL, "127.0.0.1: --timeout");
}

static void test_run_failed_delete_changes_nothing(void **state)
{
    (void)state;
    expect((struct script){ .receive = HOLD, .exit_code = 4, .close = ERROR_ACCESS_DENIED }, 4,
           "CRrEooDd", NULL);
}

static void test_run_output_that_nobody_reads_is_sigpipe(void **state)
{
    struct outcome got;
    int fds[2];

    (void)state;
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    close(fds[0]);
    script = (struct script){ .receive = HOLD, .output = "x", .exit_code = 0 };
    got = play(fds[1]);
    close(fds[1]);
    assert_int_equal(got.status, 141);
    assert_string_equal(got.calls, "CRrEooDd");
    assert_string_equal(got.err, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_passes_the_exit_code),
        cmocka_unit_test(test_run_create_that_fails_sends_no_command),
        cmocka_unit_test(test_run_command_that_is_refused_deletes_the_shell),
        cmocka_unit_test(test_run_lost_connection_names_the_shell_and_leaves_it),
        cmocka_unit_test(test_run_input_that_nobody_reads_is_no_failure),
        cmocka_unit_test(test_run_input_that_is_refused_ends_the_run),
        cmocka_unit_test(test_run_first_interrupt_goes_to_the_command),
        cmocka_unit_test(test_run_second_interrupt_deletes_the_shell),
        cmocka_unit_test(test_run_third_interrupt_does_not_wait),
        cmocka_unit_test(test_run_interrupt_before_the_command_deletes_the_shell),
        cmocka_unit_test(test_run_end_signals_delete_the_shell),
        cmocka_unit_test(test_run_timeout_is_124_and_names_the_host),
        cmocka_unit_test(test_run_failed_delete_changes_nothing),
        cmocka_unit_test(test_run_output_that_nobody_reads_is_sigpipe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
