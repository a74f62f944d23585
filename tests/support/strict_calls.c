/* Calls under the caller's lock. The test's thread. */
#include "strict_calls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void (*hook)(struct answer *answer, const WSMAN_RESPONSE_DATA *data);
static bool is_waiting = true;

void strict_then(void (*then)(struct answer *answer, const WSMAN_RESPONSE_DATA *data))
{
    hook = then;
}

void strict_wait(bool waits)
{
    is_waiting = waits;
}

static struct answer *begin(void *out)
{
    struct answer *answer = answer_new();

    answer->out = (void *const *)out;
    answer->then = hook;
    call_begin();
    return answer;
}

static struct answer *end(struct answer *answer)
{
    call_end();
    if (is_waiting)
        answer_wait(answer);
    return answer;
}

struct answer *strict_create(WSMAN_SESSION_HANDLE session, WSMAN_SHELL_HANDLE *out)
{
    struct answer *answer = begin(out);

    answer->may_be_noticed = true;
    WSManCreateShell(session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &answer->async, out);
    return end(answer);
}

struct answer *strict_attach(WSMAN_SESSION_HANDLE session, WSMAN_SHELL_HANDLE *out)
{
    struct answer *answer = begin(out);

    answer->may_be_noticed = true;
    WSManConnectShell(session, 0, WSMAN_CMDSHELL_URI, STRICT_SHELL_ID, NULL, NULL, &answer->async,
                      out);
    return end(answer);
}

struct answer *strict_run(WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE *out)
{
    struct answer *answer = begin(out);

    WSManRunShellCommand(shell, 0, WSMAN_TEXT("x"), NULL, NULL, &answer->async, out);
    return end(answer);
}

struct answer *strict_attach_command(WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE *out)
{
    struct answer *answer = begin(out);

    WSManConnectShellCommand(shell, 0, STRICT_COMMAND_ID, NULL, NULL, &answer->async, out);
    return end(answer);
}

struct answer *strict_send(WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command, DWORD length,
                           WSMAN_OPERATION_HANDLE *out)
{
    struct answer *answer = begin(out);
    BYTE bytes[8] = "abcdefg";
    WSMAN_DATA data = { .type = WSMAN_DATA_TYPE_BINARY,
                        .binaryData = { .dataLength = length, .data = bytes } };

    assert_true(length <= sizeof(bytes));
    WSManSendShellInput(shell, command, 0, WSMAN_STREAM_ID_STDIN, &data, 0, &answer->async, out);
    return end(answer);
}

struct answer *strict_signal(WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command, PCWSTR code,
                             WSMAN_OPERATION_HANDLE *out)
{
    struct answer *answer = begin(out);

    WSManSignalShell(shell, command, 0, code, &answer->async, out);
    return end(answer);
}

struct answer *strict_receive(WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                              WSMAN_OPERATION_HANDLE *out)
{
    struct answer *answer = begin(out);

    WSManReceiveShellOutput(shell, command, 0, NULL, &answer->async, out);
    call_end();
    return answer;
}

struct answer *strict_post(enum strict_call call, void *handle)
{
    struct answer *answer = begin(NULL);

    switch (call) {
    case STRICT_DISCONNECT:
        WSManDisconnectShell(handle, 0, NULL, &answer->async);
        break;
    case STRICT_RECONNECT:
        WSManReconnectShell(handle, 0, &answer->async);
        break;
    case STRICT_RECONNECT_COMMAND:
        WSManReconnectShellCommand(handle, 0, &answer->async);
        break;
    case STRICT_CLOSE_COMMAND:
        WSManCloseCommand(handle, 0, &answer->async);
        break;
    case STRICT_CLOSE_SHELL:
        WSManCloseShell(handle, 0, &answer->async);
        break;
    }
    return end(answer);
}

void strict_close(WSMAN_OPERATION_HANDLE operation)
{
    call_begin();
    assert_int_equal(WSManCloseOperation(operation, 0), 0);
    call_end();
}

void check_came(struct answer *answer, DWORD flags, DWORD code, const void *shell,
                const void *command, const void *operation, bool has_data)
{
    assert_int_equal(answer->code, code);
    assert_int_equal(answer->flags, flags);
    assert_ptr_equal(answer->shell, shell);
    assert_ptr_equal(answer->command, command);
    assert_ptr_equal(answer->operation, operation);
    assert_int_equal(answer->has_data, has_data);
    assert_int_equal(answer->count, 1);
    answer_free(answer);
}
