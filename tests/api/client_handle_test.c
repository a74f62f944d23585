/* When a callback comes, the handle of its call stands where the caller wanted it. The call
 * is held inside the library, where it has just woken the library's thread, until its callback
 * has looked: so a handle stored any later is missed every time, not only now and then. */
#include "client_fixture.h"

#include <dlfcn.h>
#include <errno.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wsmext.h>

#include <cmocka.h>

#define SHELL_ID   WSMAN_TEXT("AAAAAAAA-3333-4444-8555-666666666601")
#define COMMAND_ID WSMAN_TEXT("BBBBBBBB-3333-4444-8555-666666666601")

enum { DEADLINE_S = 10 };

/* One call, its place for the handle, and what stood there in the callback. */
struct held {
    const void *place;
    void *seen;
    sem_t has_looked;
    bool was_held;
};

static struct fixture *f;
static _Thread_local struct held *held_here; /* by the thread that makes the call */

static void wait_for_callback(struct held *held)
{
    struct timespec until;
    int status;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += DEADLINE_S;
    do
        status = sem_timedwait(&held->has_looked, &until);
    while (status != 0 && errno == EINTR);
    held->was_held = status == 0;
}

/* Stands before that of the C library: the library under test wakes its thread with it. */
__attribute__((visibility("default"))) ssize_t write(int fd, const void *bytes, size_t count)
{
    static ssize_t (*real)(int, const void *, size_t);
    struct held *held = held_here;
    ssize_t result;

    if (real == NULL) {
        void *found = dlsym(RTLD_NEXT, "write");

        memcpy(&real, &found, sizeof(real));
    }
    result = real(fd, bytes, count);
    held_here = NULL;
    if (held != NULL)
        wait_for_callback(held);
    return result;
}

static void look(struct held *held)
{
    memcpy(&held->seen, held->place, sizeof(held->seen));
    sem_post(&held->has_looked);
}

static void on_event(struct recorder *recorder, const struct recorder_event *event)
{
    if ((event->flags & WSMAN_FLAG_CALLBACK_END_OF_OPERATION) != 0)
        look(recorder->user);
}

static void CALLBACK on_list(PVOID context, DWORD flags, WSMAN_ERROR *error,
                             WSMAN_OPERATION_HANDLE operation, const WSMAN_EXT_LIST *list)
{
    (void)flags, (void)error, (void)operation, (void)list;
    look(context);
}

static void CALLBACK on_identity(PVOID context, DWORD flags, WSMAN_ERROR *error,
                                 WSMAN_OPERATION_HANDLE operation,
                                 const WSMAN_EXT_IDENTITY *identity)
{
    (void)flags, (void)error, (void)operation, (void)identity;
    look(context);
}

/* From here to the callback nothing else of this thread may wake the library's. */
static void hold(struct held *held, const void *place)
{
    *held = (struct held){ .place = place };
    sem_init(&held->has_looked, 0, 0);
    wait_for_loop(f->session); /* else it is awake, and is not woken */
    held_here = held;
}

static void assert_seen(struct held *held, const void *handle)
{
    held_here = NULL;
    assert_non_null(handle);
    assert_true(held->was_held);
    assert_ptr_equal(held->seen, handle);
    sem_destroy(&held->has_looked);
}

static struct recorder *hold_recorder(struct held *held, const void *place)
{
    struct recorder *recorder = recorder_new();

    recorder->user = held;
    recorder->on_event = on_event;
    hold(held, place);
    return recorder;
}

static int setup(void **state)
{
    (void)state;
    f = fixture_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_free(f);
    return 0;
}

/* ---- Shells ---- */

static void test_create_shell_stores_the_shell_first(void **state)
{
    WSMAN_SHELL_HANDLE shell = NULL;
    struct held held;
    struct recorder *recorder = hold_recorder(&held, &shell);

    (void)state;
    WSManCreateShell(f->session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &recorder->async, &shell);
    assert_seen(&held, shell);
    assert_last_code(recorder, 0);
    recorder_free(recorder);
    close_shell(shell);
}

static void test_create_shell_ex_stores_the_shell_first(void **state)
{
    WSMAN_SHELL_HANDLE shell = NULL;
    struct held held;
    struct recorder *recorder = hold_recorder(&held, &shell);

    (void)state;
    WSManCreateShellEx(f->session, 0, WSMAN_CMDSHELL_URI, SHELL_ID, NULL, NULL, NULL,
                       &recorder->async, &shell);
    assert_seen(&held, shell);
    assert_last_code(recorder, 0);
    recorder_free(recorder);
    close_shell(shell);
}

/* A call that fails later has its handle too. */
static void test_create_shell_that_fails_stores_the_shell_first(void **state)
{
    WSMAN_SESSION_HANDLE gone = open_session(f->api, 1, true); /* nobody listens there */
    WSMAN_SHELL_HANDLE shell = NULL;
    struct held held;
    struct recorder *recorder = hold_recorder(&held, &shell);

    (void)state;
    WSManCreateShell(gone, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &recorder->async, &shell);
    assert_seen(&held, shell);
    assert_int_not_equal(recorder_last(recorder)->code, 0);
    recorder_free(recorder);
    assert_int_equal(WSManCloseSession(gone, 0), 0);
}

static void test_connect_shell_stores_the_shell_first(void **state)
{
    WSMAN_SHELL_HANDLE shell = NULL;
    struct held held;
    struct recorder *recorder = hold_recorder(&held, &shell);

    (void)state;
    WSManConnectShell(f->session, 0, WSMAN_CMDSHELL_URI, SHELL_ID, NULL, NULL, &recorder->async,
                      &shell);
    assert_seen(&held, shell);
    recorder_free(recorder);
    close_shell(shell);
}

/* ---- Commands ---- */

static void test_run_shell_command_stores_the_command_first(void **state)
{
    WSMAN_SHELL_HANDLE shell = open_shell(f);
    WSMAN_COMMAND_HANDLE command = NULL;
    struct held held;
    struct recorder *recorder = hold_recorder(&held, &command);

    (void)state;
    WSManRunShellCommand(shell, 0, WSMAN_TEXT("true"), NULL, NULL, &recorder->async, &command);
    assert_seen(&held, command);
    assert_last_code(recorder, 0);
    recorder_free(recorder);
    close_command(command);
    close_shell(shell);
}

static void test_run_shell_command_ex_stores_the_command_first(void **state)
{
    WSMAN_SHELL_HANDLE shell = open_shell(f);
    WSMAN_COMMAND_HANDLE command = NULL;
    struct held held;
    struct recorder *recorder = hold_recorder(&held, &command);

    (void)state;
    WSManRunShellCommandEx(shell, 0, COMMAND_ID, WSMAN_TEXT("true"), NULL, NULL, &recorder->async,
                           &command);
    assert_seen(&held, command);
    assert_last_code(recorder, 0);
    recorder_free(recorder);
    close_command(command);
    close_shell(shell);
}

static void test_connect_shell_command_stores_the_command_first(void **state)
{
    WSMAN_SHELL_HANDLE shell = open_shell(f);
    WSMAN_COMMAND_HANDLE command = NULL;
    struct held held;
    struct recorder *recorder = hold_recorder(&held, &command);

    (void)state;
    WSManConnectShellCommand(shell, 0, COMMAND_ID, NULL, NULL, &recorder->async, &command);
    assert_seen(&held, command);
    recorder_free(recorder);
    close_command(command);
    close_shell(shell);
}

/* ---- Operations ---- */

static void test_send_stores_the_operation_first(void **state)
{
    WSMAN_SHELL_HANDLE shell = open_shell(f);
    WSMAN_COMMAND_HANDLE command = run_command(shell, WSMAN_TEXT("cat"));
    BYTE bytes[] = "hello";
    WSMAN_DATA data = { .type = WSMAN_DATA_TYPE_BINARY,
                        .binaryData = { .dataLength = sizeof(bytes), .data = bytes } };
    WSMAN_OPERATION_HANDLE operation = NULL;
    struct held held;
    struct recorder *recorder = hold_recorder(&held, &operation);

    (void)state;
    WSManSendShellInput(shell, command, 0, WSMAN_STREAM_ID_STDIN, &data, FALSE, &recorder->async,
                        &operation);
    assert_seen(&held, operation);
    assert_last_code(recorder, 0);
    recorder_free(recorder);
    assert_int_equal(WSManCloseOperation(operation, 0), 0);
    close_command(command);
    close_shell(shell);
}

static void test_receive_stores_the_operation_first(void **state)
{
    WSMAN_SHELL_HANDLE shell = open_shell(f);
    WSMAN_COMMAND_HANDLE command = run_command(shell, WSMAN_TEXT("true"));
    WSMAN_OPERATION_HANDLE operation = NULL;
    struct held held;
    struct recorder *recorder;

    (void)state;
    fake_push_done(f->service, 0);
    recorder = hold_recorder(&held, &operation);
    WSManReceiveShellOutput(shell, command, 0, NULL, &recorder->async, &operation);
    assert_seen(&held, operation);
    assert_last_code(recorder, 0);
    recorder_free(recorder);
    assert_int_equal(WSManCloseOperation(operation, 0), 0);
    close_command(command);
    close_shell(shell);
}

static void test_signal_stores_the_operation_first(void **state)
{
    WSMAN_SHELL_HANDLE shell = open_shell(f);
    WSMAN_COMMAND_HANDLE command = run_command(shell, WSMAN_TEXT("cat"));
    WSMAN_OPERATION_HANDLE operation = NULL;
    struct held held;
    struct recorder *recorder = hold_recorder(&held, &operation);

    (void)state;
    WSManSignalShell(shell, command, 0, WSMAN_SIGNAL_SHELL_CODE_CTRL_C, &recorder->async,
                     &operation);
    assert_seen(&held, operation);
    assert_last_code(recorder, 0);
    recorder_free(recorder);
    assert_int_equal(WSManCloseOperation(operation, 0), 0);
    close_command(command);
    close_shell(shell);
}

/* ---- Ours ---- */

static void test_calls_of_ours_store_the_operation_first(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        WSMAN_OPERATION_HANDLE operation = NULL;
        struct held held;

        hold(&held, &operation);
        if (i == 0)
            WSManExtListShells(f->session, 0, &held, on_list, &operation);
        else if (i == 1)
            WSManExtListCommands(f->session, 0, SHELL_ID, &held, on_list, &operation);
        else if (i == 2)
            WSManExtDeleteShell(f->session, 0, WSMAN_CMDSHELL_URI, SHELL_ID, &held, on_list,
                                &operation);
        else
            WSManExtIdentify(f->session, 0, &held, on_identity, &operation);
        assert_seen(&held, operation);
        assert_int_equal(WSManCloseOperation(operation, 0), 0);
    }
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        EACH(test_create_shell_stores_the_shell_first),
        EACH(test_create_shell_ex_stores_the_shell_first),
        EACH(test_create_shell_that_fails_stores_the_shell_first),
        EACH(test_connect_shell_stores_the_shell_first),
        EACH(test_run_shell_command_stores_the_command_first),
        EACH(test_run_shell_command_ex_stores_the_command_first),
        EACH(test_connect_shell_command_stores_the_command_first),
        EACH(test_send_stores_the_operation_first),
        EACH(test_receive_stores_the_operation_first),
        EACH(test_signal_stores_the_operation_first),
        EACH(test_calls_of_ours_store_the_operation_first),
    };

    return cmocka_run_group_tests_name("client_handle", tests, NULL, NULL);
}
