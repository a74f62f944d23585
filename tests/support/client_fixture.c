/* The fixture of the client's tests. */
#include "client_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wsmext.h>

#include <cmocka.h>

WSMAN_SESSION_HANDLE open_session(WSMAN_API_HANDLE api, uint16_t port, bool is_unencrypted)
{
    WSMAN_AUTHENTICATION_CREDENTIALS credentials = {
        .authenticationMechanism = WSMAN_FLAG_AUTH_BASIC,
        .userAccount = { .username = TEST_USER, .password = TEST_PASSWORD },
    };
    WSMAN_DATA yes = { .type = WSMAN_DATA_TYPE_DWORD, .number = 1 };
    WSMAN_SESSION_HANDLE session = NULL;
    char text[64];
    PWSTR connection;

    snprintf(text, sizeof(text), "http://127.0.0.1:%u/wsman", (unsigned)port);
    connection = WSManExtUtf8ToUtf16(text);
    assert_non_null(connection);
    assert_int_equal(WSManCreateSession(api, connection, 0, &credentials, NULL, &session), 0);
    WSManExtFree(connection);
    if (is_unencrypted)
        assert_int_equal(WSManSetSessionOption(session, WSMAN_OPTION_UNENCRYPTED_MESSAGES, &yes),
                         0);
    return session;
}

struct fixture *fixture_new(void)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    fixture->service = fake_service_start();
    assert_int_equal(WSManInitialize(WSMAN_FLAG_REQUESTED_API_VERSION_1_1, &fixture->api), 0);
    fixture->session = open_session(fixture->api, fake_service_port(fixture->service), true);
    return fixture;
}

void fixture_free(struct fixture *fixture)
{
    if (fixture->session != NULL)
        assert_int_equal(WSManCloseSession(fixture->session, 0), 0);
    if (fixture->api != NULL)
        assert_int_equal(WSManDeinitialize(fixture->api, 0), 0);
    fake_service_stop(fixture->service);
    free(fixture);
}

WSMAN_SHELL_HANDLE open_shell(struct fixture *fixture)
{
    struct recorder *recorder = recorder_new();
    WSMAN_SHELL_HANDLE shell = NULL;

    recorder->user = recorder; /* its data is no output */
    WSManCreateShell(fixture->session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &recorder->async,
                     &shell);
    assert_non_null(shell);
    assert_last_code(recorder, 0);
    assert_ptr_equal(recorder_last(recorder)->shell, shell);
    recorder_free(recorder);
    return shell;
}

WSMAN_COMMAND_HANDLE run_command(WSMAN_SHELL_HANDLE shell, PCWSTR line)
{
    struct recorder *recorder = recorder_new();
    WSMAN_COMMAND_HANDLE command = NULL;

    WSManRunShellCommand(shell, 0, line, NULL, NULL, &recorder->async, &command);
    assert_non_null(command);
    assert_last_code(recorder, 0);
    assert_ptr_equal(recorder_last(recorder)->command, command);
    recorder_free(recorder);
    return command;
}

WSMAN_OPERATION_HANDLE receive(WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                               struct recorder *recorder)
{
    WSMAN_OPERATION_HANDLE operation = NULL;

    WSManReceiveShellOutput(shell, command, 0, NULL, &recorder->async, &operation);
    assert_non_null(operation);
    return operation;
}

WSMAN_OPERATION_HANDLE send_text(WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                                 const char *text, bool end, struct recorder *recorder)
{
    char *copy = strdup(text);
    WSMAN_DATA data = { .type = WSMAN_DATA_TYPE_BINARY,
                        .binaryData = { .dataLength = (DWORD)strlen(text), .data = (BYTE *)copy } };
    WSMAN_OPERATION_HANDLE operation = NULL;

    assert_non_null(copy);
    WSManSendShellInput(shell, command, 0, WSMAN_STREAM_ID_STDIN, &data, end, &recorder->async,
                        &operation);
    memset(copy, '#', strlen(text)); /* the library has its own copy */
    free(copy);
    memset(&data, 0x5a, sizeof(data));
    assert_non_null(operation);
    return operation;
}

WSMAN_OPERATION_HANDLE signal_command(WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                                      PCWSTR code, struct recorder *recorder)
{
    WSMAN_OPERATION_HANDLE operation = NULL;

    WSManSignalShell(shell, command, 0, code, &recorder->async, &operation);
    assert_non_null(operation);
    return operation;
}

/* A copy of the caller's block that does not outlive the call. */
static WSMAN_SHELL_ASYNC *lend_async(const struct recorder *recorder)
{
    WSMAN_SHELL_ASYNC *async = malloc(sizeof(*async));

    assert_non_null(async);
    *async = recorder->async;
    return async;
}

static void take_back(void *block, size_t size)
{
    if (block == NULL)
        return;
    memset(block, 0x5a, size);
    free(block);
}

void disconnect(WSMAN_SHELL_HANDLE shell, DWORD flags, const DWORD *idle_timeout_ms,
                struct recorder *recorder)
{
    WSMAN_SHELL_ASYNC *async = lend_async(recorder);
    WSMAN_SHELL_DISCONNECT_INFO *info = NULL;

    if (idle_timeout_ms != NULL) {
        info = malloc(sizeof(*info));
        assert_non_null(info);
        info->idleTimeoutMs = *idle_timeout_ms;
    }
    WSManDisconnectShell(shell, flags, info, async);
    take_back(info, sizeof(*info));
    take_back(async, sizeof(*async));
}

void reconnect(WSMAN_SHELL_HANDLE shell, DWORD flags, struct recorder *recorder)
{
    WSMAN_SHELL_ASYNC *async = lend_async(recorder);

    WSManReconnectShell(shell, flags, async);
    take_back(async, sizeof(*async));
}

void reconnect_command(WSMAN_COMMAND_HANDLE command, struct recorder *recorder)
{
    WSMAN_SHELL_ASYNC *async = lend_async(recorder);

    WSManReconnectShellCommand(command, 0, async);
    take_back(async, sizeof(*async));
}

/* Exactly one callback, of success; frees the recorder. */
static void assert_done(struct recorder *recorder, const void *shell, const void *command)
{
    assert_last_code(recorder, 0);
    assert_int_equal(recorder_last(recorder)->flags, WSMAN_FLAG_CALLBACK_END_OF_OPERATION);
    if (shell != NULL)
        assert_ptr_equal(recorder_last(recorder)->shell, shell);
    assert_ptr_equal(recorder_last(recorder)->command, command);
    assert_null(recorder_last(recorder)->operation);
    assert_false(recorder_last(recorder)->has_data);
    assert_int_equal(recorder->count, 1);
    recorder_free(recorder);
}

void disconnect_shell(WSMAN_SHELL_HANDLE shell)
{
    struct recorder *recorder = recorder_new();

    disconnect(shell, 0, NULL, recorder);
    assert_done(recorder, shell, NULL);
}

void reconnect_shell(WSMAN_SHELL_HANDLE shell)
{
    struct recorder *recorder = recorder_new();

    reconnect(shell, 0, recorder);
    assert_done(recorder, shell, NULL);
}

void reconnect_shell_command(WSMAN_COMMAND_HANDLE command)
{
    struct recorder *recorder = recorder_new();

    reconnect_command(command, recorder);
    assert_done(recorder, NULL, command);
}

void close_command(WSMAN_COMMAND_HANDLE command)
{
    struct recorder *recorder = recorder_new();

    WSManCloseCommand(command, 0, &recorder->async);
    assert_last_code(recorder, 0);
    assert_ptr_equal(recorder_last(recorder)->command, command);
    recorder_free(recorder);
}

void close_shell(WSMAN_SHELL_HANDLE shell)
{
    struct recorder *recorder = recorder_new();

    WSManCloseShell(shell, 0, &recorder->async);
    assert_last_code(recorder, 0);
    assert_ptr_equal(recorder_last(recorder)->shell, shell);
    recorder_free(recorder);
}

void wait_for_loop(WSMAN_SESSION_HANDLE session)
{
    DWORD value;
    int turn;

    /* What was in a socket before the first is read before the third: the first may be taken by a
     * wake-up that was under way, and in the next the loop may hear of us before the socket. */
    for (turn = 0; turn < 3; turn++)
        assert_int_equal(
            WSManGetSessionOptionAsDword(session, WSMAN_OPTION_DEFAULT_OPERATION_TIMEOUTMS, &value),
            0);
}

void assert_call_refused(struct recorder *recorder, DWORD code)
{
    const struct recorder_event *event = recorder_last(recorder);

    assert_int_equal(event->code, code);
    assert_int_equal(event->flags, WSMAN_FLAG_CALLBACK_END_OF_OPERATION);
    assert_int_equal(recorder->count, 1);
    assert_false(event->has_data);
    assert_true(event->detail[0] != '\0');
    assert_false(pthread_equal(event->thread, pthread_self()));
    recorder_free(recorder);
}

void assert_sent(const struct fixture *fixture, const char *name, const char *what,
                 const char *value)
{
    char *got = fake_last(fixture->service, name, what);

    assert_string_equal(got, value);
    free(got);
}
