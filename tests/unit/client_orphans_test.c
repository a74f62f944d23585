/* What is opened after its session has gone: calls that began while somebody else closed that. The
 * handle is the application's until it closes it, or the library stops. */
#include "client/api_args.h"
#include "client/api_refuse.h"
#include "client/command.h"
#include "client/operation.h"
#include "client/runtime.h"
#include "client/shell.h"
#include "wsmerror.h"

#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { NO_SUCH_SESSION = 0x7ffff002 }; /* a handle that never was */

static WSMAN_API_HANDLE api;
static sem_t ended;
static DWORD last_code;

static void CALLBACK on_end(PVOID context, DWORD flags, WSMAN_ERROR *error,
                            WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                            WSMAN_OPERATION_HANDLE operation, WSMAN_RESPONSE_DATA *data)
{
    (void)context;
    (void)flags;
    (void)shell;
    (void)command;
    (void)operation;
    (void)data;
    last_code = error->code;
    sem_post(&ended);
}

static WSMAN_SHELL_ASYNC async = { .completionFunction = on_end };

static void assert_ended(DWORD code)
{
    while (sem_wait(&ended) != 0)
        continue;
    assert_int_equal(last_code, code);
}

static int setup(void **state)
{
    (void)state;
    sem_init(&ended, 0, 0);
    assert_int_equal(WSManInitialize(WSMAN_FLAG_REQUESTED_API_VERSION_1_1, &api), 0);
    return 0;
}

/* As WSManCreateShell, whose session went behind its look at the handle. */
static WSMAN_SHELL_HANDLE open_orphan(void)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_shell *shell = wsm_shell_new();
    WSMAN_SHELL_HANDLE handle = NULL;

    assert_non_null(shell);
    shell->api_version = 1;
    shell->session_handle = NO_SUCH_SESSION;
    shell->create.callee = wsm_api_callee(&async);
    assert_true(wsm_api_post_shell(shell, &handle, &err));
    assert_ended(ERROR_WSMAN_SESSION_ALREADY_CLOSED);
    return handle;
}

/* The same of WSManRunShellCommand; `shell` may be none. */
static WSMAN_COMMAND_HANDLE run_orphan(uintptr_t shell, DWORD code)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_command *command = wsm_command_new();
    WSMAN_COMMAND_HANDLE handle = NULL;

    assert_non_null(command);
    command->shell_handle = shell;
    command->run.callee = wsm_api_callee(&async);
    assert_true(wsm_api_post_command(command, 1, &handle, &err));
    assert_ended(code);
    return handle;
}

static WSMAN_OPERATION_HANDLE signal_orphan(uintptr_t shell, DWORD code)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_operation *operation = wsm_operation_new(&wsm_signal_kind);
    WSMAN_OPERATION_HANDLE handle = NULL;

    assert_non_null(operation);
    operation->shell_handle = shell;
    operation->async.callee = wsm_api_callee(&async);
    assert_true(wsm_api_post_operation(operation, &handle, &err));
    assert_ended(code);
    return handle;
}

static void assert_gone(const void *handle, enum wsm_handle_type type)
{
    assert_false(wsm_runtime_handle_check(wsm_handle_value(handle), type, NULL));
}

static void test_orphans_can_be_closed(void **state)
{
    WSMAN_SHELL_HANDLE shell = open_orphan();
    WSMAN_COMMAND_HANDLE command = run_orphan(wsm_handle_value(shell),
                                              ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE);
    WSMAN_COMMAND_HANDLE other = run_orphan(NO_SUCH_SESSION,
                                            ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE);
    WSMAN_OPERATION_HANDLE operation = signal_orphan(NO_SUCH_SESSION,
                                                     ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE);

    (void)state;
    WSManCloseCommand(command, 0, &async);
    assert_ended(0);
    WSManCloseCommand(other, 0, &async);
    assert_ended(0);
    assert_int_equal(WSManCloseOperation(operation, 0), 0);
    WSManCloseShell(shell, 0, &async);
    assert_ended(0);
    assert_int_equal(WSManDeinitialize(api, 0), 0);
    assert_gone(shell, WSM_HANDLE_SHELL);
    assert_gone(command, WSM_HANDLE_COMMAND);
    assert_gone(other, WSM_HANDLE_COMMAND);
    assert_gone(operation, WSM_HANDLE_OPERATION);
}

static void test_orphans_go_with_the_last_api_handle(void **state)
{
    WSMAN_SHELL_HANDLE shell = open_orphan();
    WSMAN_SHELL_HANDLE empty = open_orphan();
    WSMAN_COMMAND_HANDLE command = run_orphan(wsm_handle_value(shell),
                                              ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE);
    WSMAN_COMMAND_HANDLE other = run_orphan(NO_SUCH_SESSION,
                                            ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE);
    WSMAN_OPERATION_HANDLE operation = signal_orphan(wsm_handle_value(shell),
                                                     ERROR_WSMAN_SESSION_ALREADY_CLOSED);
    WSMAN_OPERATION_HANDLE alone = signal_orphan(NO_SUCH_SESSION,
                                                 ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE);

    (void)state;
    assert_int_equal(WSManDeinitialize(api, 0), 0);
    assert_gone(shell, WSM_HANDLE_SHELL);
    assert_gone(empty, WSM_HANDLE_SHELL);
    assert_gone(command, WSM_HANDLE_COMMAND);
    assert_gone(other, WSM_HANDLE_COMMAND);
    assert_gone(operation, WSM_HANDLE_OPERATION);
    assert_gone(alone, WSM_HANDLE_OPERATION);
    /* Nobody is there who could end them, but whoever asks for it gets his answer. */
    WSManCloseShell(shell, 0, &async);
    assert_ended(ERROR_WSMAN_SHELL_ALREADY_CLOSED);
    WSManCloseCommand(command, 0, &async);
    assert_ended(ERROR_WSMAN_COMMAND_ALREADY_CLOSED);
}

/* There is another API handle, so the library goes on, and so do they. */
static void test_orphans_stay_while_the_library_goes_on(void **state)
{
    WSMAN_API_HANDLE other = NULL;
    WSMAN_SHELL_HANDLE shell;

    (void)state;
    assert_int_equal(WSManInitialize(WSMAN_FLAG_REQUESTED_API_VERSION_1_1, &other), 0);
    shell = open_orphan();
    assert_int_equal(WSManDeinitialize(other, 0), 0);
    WSManCloseShell(shell, 0, &async);
    assert_ended(0);
    assert_int_equal(WSManDeinitialize(api, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_orphans_can_be_closed, setup),
        cmocka_unit_test_setup(test_orphans_go_with_the_last_api_handle, setup),
        cmocka_unit_test_setup(test_orphans_stay_while_the_library_goes_on, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
