/* Closing under fire: sessions and API handles that end while a call of every kind goes on, in
 * either order and on several threads; closing inside callbacks of every kind; and handles that are
 * none, stale or another's, given to every function. One invariant throughout: each call has
 * exactly one last callback. */
#include "client_fixture.h"
#include "marked_service.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wsmext.h>

#include <cmocka.h>

enum { CALLS_MAX = 65536, DEADLINE_S = 20, RANDOM_HANDLES = 150, ROUNDS = 25 };

struct call {
    WSMAN_SHELL_ASYNC async;
    const char *name;
    unsigned lasts;
    unsigned others;
    DWORD code; /* of the last one */
    void (*then)(struct call *call);
};

static struct fixture *f;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct call *calls; /* of the test that runs */
static size_t call_count;

/* ---- Counting ---- */

static void count(struct call *call, DWORD flags, const WSMAN_ERROR *error, bool has_data)
{
    bool is_last = (flags & WSMAN_FLAG_CALLBACK_END_OF_OPERATION) != 0;

    if (error->code != 0 && (has_data || !is_last || error->errorDetail == NULL))
        abort();
    if (call->then != NULL)
        call->then(call);
    pthread_mutex_lock(&lock);
    if (is_last) {
        call->lasts++;
        call->code = error->code;
    } else {
        call->others++;
    }
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void CALLBACK on_shell(PVOID context, DWORD flags, WSMAN_ERROR *error,
                              WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                              WSMAN_OPERATION_HANDLE operation, WSMAN_RESPONSE_DATA *data)
{
    (void)shell;
    (void)command;
    (void)operation;
    count(context, flags, error, data != NULL);
}

static void CALLBACK on_identity(PVOID context, DWORD flags, WSMAN_ERROR *error,
                                 WSMAN_OPERATION_HANDLE operation,
                                 const WSMAN_EXT_IDENTITY *identity)
{
    (void)operation;
    count(context, flags, error, identity != NULL);
}

static void CALLBACK on_list(PVOID context, DWORD flags, WSMAN_ERROR *error,
                             WSMAN_OPERATION_HANDLE operation, const WSMAN_EXT_LIST *list)
{
    (void)operation;
    count(context, flags, error, list != NULL);
}

static struct call *call_of(const char *name)
{
    struct call *call = &calls[call_count++];

    if (call_count == CALLS_MAX)
        abort();
    *call = (struct call){ .name = name };
    call->async.operationContext = call;
    call->async.completionFunction = on_shell;
    return call;
}

static WSMAN_SHELL_ASYNC *async_of(const char *name)
{
    return &call_of(name)->async;
}

static void wait_for(const struct call *call)
{
    struct timespec until;
    int status = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += DEADLINE_S;
    pthread_mutex_lock(&lock);
    while (call->lasts == 0 && status == 0)
        status = pthread_cond_timedwait(&changed, &lock, &until);
    pthread_mutex_unlock(&lock);
    if (status != 0)
        fail_msg("%s: no last callback", call->name);
}

/* Nothing is waited for. */
static void assert_all_ended_once(void)
{
    size_t i;

    pthread_mutex_lock(&lock);
    for (i = 0; i < call_count; i++) {
        if (calls[i].lasts != 1)
            fail_msg("%s: %u last callbacks", calls[i].name, calls[i].lasts);
    }
    pthread_mutex_unlock(&lock);
}

static int setup(void **state)
{
    (void)state;
    calls = calloc(CALLS_MAX, sizeof(*calls));
    call_count = 0;
    f = fixture_new();
    fake_can_disconnect(f->service);
    return calls == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_free(f);
    free(calls);
    return 0;
}

/* ---- A call of every kind ---- */

static const char *const held[] = { "Create",    "Command", "Send",   "Signal",     "Identify",
                                    "Enumerate", "Connect", "Delete", "Disconnect", "Reconnect" };
enum { HELD = sizeof(held) / sizeof(held[0]) };

static WSMAN_OPERATION_HANDLE send_byte(WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                                        WSMAN_SHELL_ASYNC *async)
{
    BYTE byte = 'x';
    WSMAN_DATA data = { .type = WSMAN_DATA_TYPE_BINARY,
                        .binaryData = { .dataLength = 1, .data = &byte } };
    WSMAN_OPERATION_HANDLE operation = NULL;

    WSManSendShellInput(shell, command, 0, WSMAN_STREAM_ID_STDIN, &data, 0, async, &operation);
    return operation;
}

static void begin_of_session(void)
{
    static const char *const id = "11111111-2222-4333-8444-5555555555AA";
    PWSTR wide = WSManExtUtf8ToUtf16(id);
    WSMAN_OPERATION_HANDLE operation = NULL;
    WSMAN_SHELL_HANDLE shell = NULL;

    WSManCreateShell(f->session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, async_of("Create"),
                     &shell);
    WSManConnectShell(f->session, 0, WSMAN_CMDSHELL_URI, wide, NULL, NULL, async_of("Connect"),
                      &shell);
    WSManExtIdentify(f->session, 0, call_of("Identify"), on_identity, &operation);
    WSManExtListShells(f->session, 0, call_of("ListShells"), on_list, &operation);
    WSManExtListCommands(f->session, 0, wide, call_of("ListCommands"), on_list, &operation);
    WSManExtDeleteShell(f->session, 0, WSMAN_CMDSHELL_URI, wide, call_of("DeleteShell"), on_list,
                        &operation);
    WSManExtFree(wide);
}

static void begin_of_shell(WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command)
{
    WSMAN_COMMAND_HANDLE late = NULL;
    WSMAN_OPERATION_HANDLE operation = NULL;

    WSManReceiveShellOutput(shell, NULL, 0, NULL, async_of("Receive of shell"), &operation);
    WSManReceiveShellOutput(shell, command, 0, NULL, async_of("Receive"), &operation);
    send_byte(shell, command, async_of("Send"));
    send_byte(shell, command, async_of("queued Send"));
    WSManSignalShell(shell, command, 0, WSMAN_TEXT("x"), async_of("Signal"), &operation);
    WSManRunShellCommand(shell, 0, WSMAN_TEXT("late"), NULL, NULL, async_of("Run"), &late);
    WSManConnectShellCommand(shell, 0, WSMAN_TEXT("11111111-2222-4333-8444-5555555555BB"), NULL,
                             NULL, async_of("ConnectCommand"), &late);
    WSManReceiveShellOutput(shell, late, 0, NULL, async_of("refused Receive"), &operation);
}

/* Sessions of the API handle get all of them, each on shells of its own. */
static void begin_everything(void)
{
    WSMAN_SHELL_HANDLE shells[6];
    WSMAN_COMMAND_HANDLE commands[6];
    WSMAN_OPERATION_HANDLE operation = NULL;
    size_t i;

    for (i = 0; i < 6; i++) {
        shells[i] = open_shell(f);
        commands[i] = run_command(shells[i], WSMAN_TEXT("cat"));
    }
    disconnect_shell(shells[1]);
    disconnect_shell(shells[2]);
    reconnect_shell(shells[2]);
    for (i = 0; i < HELD; i++)
        fake_hold(f->service, held[i]);
    begin_of_session();
    begin_of_shell(shells[0], commands[0]);
    WSManReconnectShell(shells[1], 0, async_of("Reconnect"));
    WSManReconnectShellCommand(commands[2], 0, async_of("ReconnectCommand"));
    WSManReceiveShellOutput(shells[3], commands[3], 0, NULL, async_of("sleeping Receive"),
                            &operation);
    WSManDisconnectShell(shells[3], 0, NULL, async_of("Disconnect"));
    WSManReceiveShellOutput(shells[4], commands[4], WSMAN_FLAG_RECEIVE_DELAY_OUTPUT_STREAM, NULL,
                            async_of("delayed Receive"), &operation);
    WSManCloseCommand(commands[4], 0, async_of("CloseCommand"));
    WSManCloseShell(shells[5], 0, async_of("CloseShell"));
    fake_wait(f->service, "Receive", 2);
    fake_wait(f->service, "Create", 7);
    fake_wait(f->service, "Delete", 2);
    fake_wait(f->service, "Disconnect", 3);
}

/* The session is closing once it deletes a shell that nobody has closed. */
static void *release_all(void *arg)
{
    size_t i;

    (void)arg;
    fake_wait(f->service, "Delete", 3);
    for (i = 0; i < HELD; i++)
        fake_release(f->service, held[i]);
    return NULL;
}

static void assert_everything_was_aborted(void)
{
    size_t i;

    assert_all_ended_once();
    for (i = 0; i < call_count; i++) {
        bool is_close = strncmp(calls[i].name, "Close", 5) == 0;
        bool is_refused = strncmp(calls[i].name, "refused", 7) == 0;

        if (is_refused
                ? calls[i].code == 0
                : calls[i].code != ERROR_OPERATION_ABORTED && !(is_close && calls[i].code == 0))
            fail_msg("%s: %#x", calls[i].name, calls[i].code);
    }
}

static void close_everything(bool deinitializes)
{
    pthread_t thread;
    DWORD code;

    begin_everything();
    assert_int_equal(pthread_create(&thread, NULL, release_all, NULL), 0);
    code = deinitializes ? WSManDeinitialize(f->api, 0) : WSManCloseSession(f->session, 0);
    assert_int_equal(code, 0);
    assert_everything_was_aborted();
    pthread_join(thread, NULL);
    f->session = NULL;
    if (deinitializes)
        f->api = NULL;
}

static void test_2_5_close_session_ends_a_call_of_each_kind_once(void **state)
{
    (void)state;
    close_everything(false);
}

static void test_2_2_deinitialize_ends_a_call_of_each_kind_once(void **state)
{
    (void)state;
    close_everything(true);
}

/* ---- In either order, and at once ---- */

static void assert_session_is_gone(WSMAN_SESSION_HANDLE session)
{
    WSMAN_DATA number = { .type = WSMAN_DATA_TYPE_DWORD, .number = 1000 };
    WSMAN_SHELL_HANDLE shell = NULL;
    struct call *late = call_of("Create");
    DWORD value = 0;
    DWORD used = 0;

    assert_int_not_equal(WSManCloseSession(session, 0), 0);
    assert_int_not_equal(
        WSManSetSessionOption(session, WSMAN_OPTION_DEFAULT_OPERATION_TIMEOUTMS, &number), 0);
    assert_int_not_equal(WSManGetSessionOptionAsDword(session, WSMAN_OPTION_MAX_RETRY_TIME, &value),
                         0);
    value = WSManGetSessionOptionAsString(session, WSMAN_OPTION_LOCALE, 0, NULL, &used);
    assert_int_not_equal(value, 0);
    assert_int_not_equal(value, ERROR_INSUFFICIENT_BUFFER);
    WSManCreateShell(session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &late->async, &shell);
    assert_null(shell);
    wait_for(late);
    assert_int_not_equal(late->code, 0);
}

/* Another API handle keeps the library alive, or nothing does. */
static void deinitialize_first(bool has_other)
{
    WSMAN_API_HANDLE other = NULL;
    WSMAN_SHELL_HANDLE shell = open_shell(f);
    WSMAN_COMMAND_HANDLE command = run_command(shell, WSMAN_TEXT("cat"));
    WSMAN_OPERATION_HANDLE operation = NULL;
    struct call *late;

    if (has_other)
        assert_int_equal(WSManInitialize(1, &other), 0);
    WSManReceiveShellOutput(shell, command, 0, NULL, async_of("Receive"), &operation);
    fake_wait(f->service, "Receive", 1);
    assert_int_equal(WSManDeinitialize(f->api, 0), 0);
    assert_everything_was_aborted();
    assert_int_not_equal(WSManDeinitialize(f->api, 0), 0);
    assert_int_not_equal(WSManCloseOperation(operation, 0), 0);
    assert_session_is_gone(f->session);
    late = call_of("CloseShell");
    WSManCloseShell(shell, 0, &late->async);
    wait_for(late);
    assert_int_not_equal(late->code, 0);
    if (has_other)
        assert_int_equal(WSManDeinitialize(other, 0), 0);
    f->session = NULL;
    f->api = NULL;
    assert_all_ended_once();
}

static void test_2_2_deinitialize_before_close_session(void **state)
{
    (void)state;
    deinitialize_first(true);
}

static void test_2_2_deinitialize_of_the_last_before_close_session(void **state)
{
    (void)state;
    deinitialize_first(false);
}

struct closer {
    pthread_t thread;
    pthread_barrier_t *barrier;
    void *handle;
    DWORD (*close)(void *handle);
    DWORD code;
};

static DWORD deinitialize(void *handle)
{
    return WSManDeinitialize(handle, 0);
}

static DWORD close_session(void *handle)
{
    return WSManCloseSession(handle, 0);
}

static DWORD close_operation(void *handle)
{
    return WSManCloseOperation(handle, 0);
}

static void *run_closer(void *arg)
{
    struct closer *closer = arg;

    pthread_barrier_wait(closer->barrier);
    closer->code = closer->close(closer->handle);
    return NULL;
}

/* Both begin at the same time; returns when both have returned. */
static void close_at_once(struct closer closers[2])
{
    pthread_barrier_t barrier;
    size_t i;

    pthread_barrier_init(&barrier, NULL, 2);
    for (i = 0; i < 2; i++) {
        closers[i].barrier = &barrier;
        assert_int_equal(pthread_create(&closers[i].thread, NULL, run_closer, &closers[i]), 0);
    }
    for (i = 0; i < 2; i++)
        pthread_join(closers[i].thread, NULL);
    pthread_barrier_destroy(&barrier);
}

/* Returns the session. */
static WSMAN_SESSION_HANDLE begin_some(WSMAN_API_HANDLE *api)
{
    WSMAN_SESSION_HANDLE session;
    WSMAN_SHELL_HANDLE shell = NULL;
    WSMAN_OPERATION_HANDLE operation = NULL;

    assert_int_equal(WSManInitialize(1, api), 0);
    session = open_session(*api, fake_service_port(f->service), true);
    WSManCreateShell(session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, async_of("Create"), &shell);
    WSManExtIdentify(session, 0, call_of("Identify"), on_identity, &operation);
    return session;
}

static void test_2_2_deinitialize_and_close_session_at_once(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < ROUNDS; i++) {
        struct closer closers[2] = { { .close = deinitialize }, { .close = close_session } };
        WSMAN_API_HANDLE api = NULL;

        closers[1].handle = begin_some(&api);
        closers[0].handle = api;
        close_at_once(closers);
        assert_int_equal(closers[0].code, 0);
        assert_true(closers[1].code == 0 || closers[1].code == ERROR_WSMAN_CLIENT_NO_HANDLE ||
                    closers[1].code == ERROR_WSMAN_SESSION_ALREADY_CLOSED);
        assert_all_ended_once();
    }
}

static void test_2_5_close_session_twice_at_once(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < ROUNDS; i++) {
        struct closer closers[2] = { { .close = close_session }, { .close = close_session } };
        WSMAN_API_HANDLE api = NULL;

        closers[0].handle = begin_some(&api);
        closers[1].handle = closers[0].handle;
        close_at_once(closers);
        assert_true((closers[0].code == 0) != (closers[1].code == 0));
        assert_all_ended_once();
        assert_int_equal(WSManDeinitialize(api, 0), 0);
    }
}

/* Against each other, and against the answer that ends the operation. */
static void test_2_9_close_operation_twice_at_once(void **state)
{
    WSMAN_SHELL_HANDLE shell = open_shell(f);
    WSMAN_COMMAND_HANDLE command = run_command(shell, WSMAN_TEXT("cat"));
    size_t i;

    (void)state;
    for (i = 0; i < ROUNDS * 4; i++) {
        struct closer closers[2] = { { .close = close_operation }, { .close = close_operation } };
        struct call *call = call_of("Send");

        closers[0].handle = send_byte(shell, command, &call->async);
        closers[1].handle = closers[0].handle;
        if (i % 4 == 0)
            wait_for(call);
        close_at_once(closers);
        assert_true((closers[0].code == 0) != (closers[1].code == 0));
        wait_for(call);
        assert_true(call->code == 0 || call->code == ERROR_OPERATION_ABORTED);
    }
    close_shell(shell);
    assert_all_ended_once();
}

/* ---- Closing inside callbacks ---- */

static void try_to_close(struct call *call)
{
    if (WSManCloseSession(f->session, 0) != ERROR_POSSIBLE_DEADLOCK ||
        WSManDeinitialize(f->api, 0) != ERROR_POSSIBLE_DEADLOCK) {
        fprintf(stderr, "closing in the callback of %s is not refused\n", call->name);
        abort();
    }
}

static WSMAN_SHELL_ASYNC *closing_async(const char *name)
{
    struct call *call = call_of(name);

    call->then = try_to_close;
    return &call->async;
}

/* Of the call made last. */
static void wait_last(DWORD code)
{
    struct call *call = &calls[call_count - 1];

    wait_for(call);
    if (call->code != code)
        fail_msg("%s: %#x", call->name, call->code);
}

static struct call *closing_call(const char *name)
{
    struct call *call = call_of(name);

    call->then = try_to_close;
    return call;
}

static void close_in_callbacks_of_session(void)
{
    PWSTR id = WSManExtUtf8ToUtf16(FAKE_SHELL_ID);
    WSMAN_OPERATION_HANDLE operation = NULL;
    WSMAN_SHELL_HANDLE shell = NULL;

    WSManExtIdentify(f->session, 0, closing_call("Identify"), on_identity, &operation);
    wait_last(0);
    WSManExtListShells(f->session, 0, closing_call("ListShells"), on_list, &operation);
    wait_last(0);
    WSManExtListCommands(f->session, 0, id, closing_call("ListCommands"), on_list, &operation);
    wait_last(0);
    WSManExtDeleteShell(f->session, 0, WSMAN_CMDSHELL_URI, id, closing_call("DeleteShell"), on_list,
                        &operation);
    wait_last(0);
    WSManExtIdentify(f->session, 1, closing_call("refused Identify"), on_identity, &operation);
    wait_last(ERROR_WSMAN_CLIENT_INVALID_FLAG);
    WSManConnectShell(f->session, 0, WSMAN_CMDSHELL_URI, id, NULL, NULL, closing_async("Connect"),
                      &shell);
    wait_last(0);
    WSManCloseShell(shell, 0, closing_async("CloseShell of a connected one"));
    wait_last(0);
    WSManCreateShell(NULL, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, closing_async("refused Create"),
                     &shell);
    wait_last(ERROR_WSMAN_CLIENT_CREATESHELL_NULL_PARAM);
    WSManExtFree(id);
}

static void close_in_callbacks_of_command(WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command)
{
    WSMAN_COMMAND_HANDLE other = NULL;
    WSMAN_OPERATION_HANDLE operation = NULL;

    send_byte(shell, command, closing_async("Send"));
    wait_last(0);
    WSManSignalShell(shell, command, 0, WSMAN_TEXT("x"), closing_async("Signal"), &operation);
    wait_last(0);
    WSManReceiveShellOutput(shell, command, 2, NULL, closing_async("refused Receive"), &operation);
    wait_last(ERROR_WSMAN_CLIENT_INVALID_RECEIVE_SHELL_FLAG);
    WSManReceiveShellOutput(shell, command, WSMAN_FLAG_RECEIVE_DELAY_OUTPUT_STREAM, NULL,
                            closing_async("delayed Receive"), &operation);
    WSManCloseOperation(operation, 0);
    wait_last(ERROR_OPERATION_ABORTED);
    fake_push_output(f->service, "out", "err", true);
    fake_push_done(f->service, 0);
    WSManReceiveShellOutput(shell, command, 0, NULL, closing_async("Receive"), &operation);
    wait_last(0);
    assert_int_equal(calls[call_count - 1].others, 2);
    WSManConnectShellCommand(shell, 0, WSMAN_TEXT("11111111-2222-4333-8444-5555555555BB"), NULL,
                             NULL, closing_async("ConnectCommand"), &other);
    wait_last(0);
    WSManCloseCommand(other, 0, closing_async("CloseCommand"));
    wait_last(0);
}

static void test_G9_closing_is_refused_in_each_kind_of_callback(void **state)
{
    WSMAN_SHELL_HANDLE shell = NULL;
    WSMAN_COMMAND_HANDLE command = NULL;

    (void)state;
    close_in_callbacks_of_session();
    WSManCreateShell(f->session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, closing_async("Create"),
                     &shell);
    wait_last(0);
    WSManRunShellCommand(shell, 0, WSMAN_TEXT("cat"), NULL, NULL, closing_async("Run"), &command);
    wait_last(0);
    close_in_callbacks_of_command(shell, command);
    WSManDisconnectShell(shell, 0, NULL, closing_async("Disconnect"));
    wait_last(0);
    WSManReconnectShell(shell, 0, closing_async("Reconnect"));
    wait_last(0);
    WSManReconnectShellCommand(command, 0, closing_async("ReconnectCommand"));
    wait_last(0);
    WSManReconnectShell(shell, 0, closing_async("refused Reconnect"));
    wait_last(ERROR_WINRS_SHELL_RECONNECT_OPERATION_NOT_VALID);
    WSManCloseCommand(command, 0, closing_async("CloseCommand"));
    wait_last(0);
    WSManCloseShell(shell, 0, closing_async("CloseShell"));
    wait_last(0);
    assert_all_ended_once();
}

static int setup_marked(void **state)
{
    (void)state;
    calls = calloc(CALLS_MAX, sizeof(*calls));
    call_count = 0;
    f = fixture_new();
    marked_start(f->service);
    return calls == NULL ? -1 : 0;
}

static int teardown_marked(void **state)
{
    (void)state;
    marked_stop();
    fixture_free(f);
    marked_free();
    free(calls);
    return 0;
}

static void test_G9_closing_is_refused_in_notices(void **state)
{
    WSMAN_SHELL_HANDLE shell = NULL;
    struct call *create = closing_call("Create");

    (void)state;
    WSManCreateShell(f->session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &create->async, &shell);
    wait_for(create);
    marked_cut("Command", MARKED_UNREAD, 1);
    run_command(shell, WSMAN_TEXT("cat"));
    close_shell(shell);
    assert_int_equal(create->code, 0);
    assert_true(create->others >= 3); /* failure, a try, reconnected */
    assert_all_ended_once();
}

/* ---- Handles that are none ---- */

enum kind { API, SESSION, SHELL, COMMAND, OPERATION, KINDS };

/* Those that live while the others are tried. */
static void *live[KINDS];

static void identify(void *h)
{
    WSMAN_OPERATION_HANDLE out = NULL;

    WSManExtIdentify(h, 0, call_of("Identify"), on_identity, &out);
}

static void list_shells(void *h)
{
    WSMAN_OPERATION_HANDLE out = NULL;

    WSManExtListShells(h, 0, call_of("ListShells"), on_list, &out);
}

static void list_commands(void *h)
{
    WSMAN_OPERATION_HANDLE out = NULL;

    WSManExtListCommands(h, 0, WSMAN_TEXT(FAKE_SHELL_ID), call_of("ListCommands"), on_list, &out);
}

static void delete_shell(void *h)
{
    WSMAN_OPERATION_HANDLE out = NULL;

    WSManExtDeleteShell(h, 0, WSMAN_CMDSHELL_URI, WSMAN_TEXT(FAKE_SHELL_ID), call_of("DeleteShell"),
                        on_list, &out);
}

static void create(void *h)
{
    WSMAN_SHELL_HANDLE out = NULL;

    WSManCreateShell(h, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, async_of("CreateShell"), &out);
}

static void create_ex(void *h)
{
    WSMAN_SHELL_HANDLE out = NULL;

    WSManCreateShellEx(h, 0, WSMAN_CMDSHELL_URI, WSMAN_TEXT(FAKE_SHELL_ID), NULL, NULL, NULL,
                       async_of("CreateShellEx"), &out);
}

static void connect_shell(void *h)
{
    WSMAN_SHELL_HANDLE out = NULL;

    WSManConnectShell(h, 0, WSMAN_CMDSHELL_URI, WSMAN_TEXT(FAKE_SHELL_ID), NULL, NULL,
                      async_of("ConnectShell"), &out);
}

static void run(void *h)
{
    WSMAN_COMMAND_HANDLE out = NULL;

    WSManRunShellCommand(h, 0, WSMAN_TEXT("x"), NULL, NULL, async_of("RunShellCommand"), &out);
}

static void run_ex(void *h)
{
    WSMAN_COMMAND_HANDLE out = NULL;

    WSManRunShellCommandEx(h, 0, WSMAN_TEXT(FAKE_SHELL_ID), WSMAN_TEXT("x"), NULL, NULL,
                           async_of("RunShellCommandEx"), &out);
}

static void connect_command(void *h)
{
    WSMAN_COMMAND_HANDLE out = NULL;

    WSManConnectShellCommand(h, 0, WSMAN_TEXT(FAKE_SHELL_ID), NULL, NULL,
                             async_of("ConnectShellCommand"), &out);
}

static void receive_of_shell(void *h)
{
    WSMAN_OPERATION_HANDLE out = NULL;

    WSManReceiveShellOutput(h, live[COMMAND], 0, NULL, async_of("Receive, shell"), &out);
}

static void receive_of_command(void *h)
{
    WSMAN_OPERATION_HANDLE out = NULL;

    WSManReceiveShellOutput(live[SHELL], h, 0x10, NULL, async_of("Receive, command"), &out);
}

static void send_to_shell(void *h)
{
    send_byte(h, live[COMMAND], async_of("Send, shell"));
}

static void send_to_command(void *h)
{
    send_byte(live[SHELL], h, async_of("Send, command"));
}

static void signal_shell(void *h)
{
    WSMAN_OPERATION_HANDLE out = NULL;

    WSManSignalShell(h, live[COMMAND], 0, WSMAN_TEXT("x"), async_of("Signal, shell"), &out);
}

static void signal_of_command(void *h)
{
    WSMAN_OPERATION_HANDLE out = NULL;

    WSManSignalShell(live[SHELL], h, 0, WSMAN_TEXT("x"), async_of("Signal, command"), &out);
}

static void end_command(void *h)
{
    WSManCloseCommand(h, 0, async_of("CloseCommand"));
}

static void end_shell(void *h)
{
    WSManCloseShell(h, 0, async_of("CloseShell"));
}

static void let_go(void *h)
{
    WSManDisconnectShell(h, 0, NULL, async_of("DisconnectShell"));
}

static void take_up(void *h)
{
    WSManReconnectShell(h, 0, async_of("ReconnectShell"));
}

static void take_up_command(void *h)
{
    WSManReconnectShellCommand(h, 0, async_of("ReconnectShellCommand"));
}

static const struct function {
    enum kind kind;
    void (*run)(void *handle);
} functions[] = {
    { SESSION, identify },
    { SESSION, list_shells },
    { SESSION, list_commands },
    { SESSION, delete_shell },
    { SESSION, create },
    { SESSION, create_ex },
    { SESSION, connect_shell },
    { SHELL, run },
    { SHELL, run_ex },
    { SHELL, connect_command },
    { SHELL, receive_of_shell },
    { COMMAND, receive_of_command },
    { SHELL, send_to_shell },
    { COMMAND, send_to_command },
    { SHELL, signal_shell },
    { COMMAND, signal_of_command },
    { COMMAND, end_command },
    { SHELL, end_shell },
    { SHELL, let_go },
    { SHELL, take_up },
    { COMMAND, take_up_command },
};
enum { FUNCTIONS = sizeof(functions) / sizeof(functions[0]) };

/* NULL as a command means the shell itself. */
static bool takes_null(const struct function *function)
{
    return function->run == receive_of_command || function->run == send_to_command ||
           function->run == signal_of_command;
}

static void assert_refused_at_once(void *h)
{
    WSMAN_DATA number = { .type = WSMAN_DATA_TYPE_DWORD, .number = 1000 };
    WSMAN_SESSION_HANDLE session = NULL;
    WSMAN_EXT_OFFSETS offsets;
    WCHAR text[8];
    DWORD value = 0;

    if (h != live[API]) {
        assert_int_not_equal(WSManDeinitialize(h, 0), 0);
        assert_int_not_equal(WSManCreateSession(h, NULL, 0, NULL, NULL, &session), 0);
        assert_null(session);
        value = WSManGetErrorMessage(h, 0, NULL, 5, 0, NULL, &value);
        assert_true(value != 0 && value != ERROR_INSUFFICIENT_BUFFER);
    }
    if (h != live[SESSION]) {
        assert_int_not_equal(WSManCloseSession(h, 0), 0);
        assert_int_not_equal(WSManSetSessionOption(h, WSMAN_OPTION_TIMEOUTMS_CREATE_SHELL, &number),
                             0);
        assert_int_not_equal(WSManGetSessionOptionAsDword(h, WSMAN_OPTION_MAX_RETRY_TIME, &value),
                             0);
        assert_int_not_equal(WSManGetSessionOptionAsString(h, WSMAN_OPTION_LOCALE, 8, text, &value),
                             0);
        assert_int_not_equal(WSManExtSetRetryTime(h, 1000), 0);
    }
    if (h != live[OPERATION])
        assert_int_not_equal(WSManCloseOperation(h, 0), 0);
    if (h != live[COMMAND])
        assert_int_not_equal(WSManExtGetOffsets(h, &offsets), 0);
}

/* The handle of one kind in the place of another is as wrong as any. */
static void try_handle(void *h)
{
    size_t first = call_count;
    size_t i;

    assert_refused_at_once(h);
    for (i = 0; i < FUNCTIONS; i++) {
        if (h != live[functions[i].kind] && !(h == NULL && takes_null(&functions[i])))
            functions[i].run(h);
    }
    for (i = first; i < call_count; i++) {
        wait_for(&calls[i]);
        if (calls[i].code == 0)
            fail_msg("%s took the handle %p", calls[i].name, h);
    }
}

static void make_live(void *out[KINDS])
{
    struct call *wait = call_of("Receive of the living");
    WSMAN_OPERATION_HANDLE operation = NULL;

    out[API] = f->api;
    out[SESSION] = f->session;
    out[SHELL] = open_shell(f);
    out[COMMAND] = run_command(out[SHELL], WSMAN_TEXT("cat"));
    WSManReceiveShellOutput(out[SHELL], out[COMMAND], 0, NULL, &wait->async, &operation);
    out[OPERATION] = operation;
}

static void make_stale(void *out[KINDS])
{
    WSMAN_SESSION_HANDLE kept = f->session;
    WSMAN_API_HANDLE api = NULL;

    assert_int_equal(WSManInitialize(1, &api), 0);
    out[API] = api;
    out[SESSION] = open_session(api, fake_service_port(f->service), true);
    f->session = out[SESSION];
    out[SHELL] = open_shell(f);
    out[COMMAND] = run_command(out[SHELL], WSMAN_TEXT("cat"));
    out[OPERATION] = send_byte(out[SHELL], out[COMMAND], async_of("Send"));
    f->session = kept;
    assert_int_equal(WSManDeinitialize(api, 0), 0);
}

static bool is_live(const void *h)
{
    size_t i;

    for (i = 0; i < KINDS; i++) {
        if (live[i] == h)
            return true;
    }
    return false;
}

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void test_G4_handles_that_are_none_never_crash(void **state)
{
    const char *given = getenv("WSM_SPIN_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) | 1 : (uint64_t)time(NULL) | 1;
    void *stale[KINDS];
    int something = 0;
    size_t i;
    size_t bit;

    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    make_live(live);
    make_stale(stale);
    for (i = 0; i < KINDS; i++) {
        try_handle(live[i]);
        try_handle(stale[i]);
        for (bit = 0; bit < 64; bit++) {
            void *bent = (void *)((uintptr_t)live[i] ^ (uintptr_t)1 << bit);

            if (!is_live(bent))
                try_handle(bent);
        }
    }
    try_handle(NULL);
    try_handle(&something);
    try_handle((void *)UINTPTR_MAX);
    for (i = 0; i < RANDOM_HANDLES; i++)
        try_handle((void *)(uintptr_t)(next_random(&seed) >> next_random(&seed) % 64));
    assert_int_equal(WSManCloseOperation(live[OPERATION], 0), 0); /* the living are unharmed */
    close_command(live[COMMAND]);
    close_shell(live[SHELL]);
    assert_all_ended_once();
}

/* A command of another shell, and of a shell in another session. */
static void test_6_2_handles_of_another_shell_are_refused(void **state)
{
    WSMAN_SHELL_HANDLE shell = open_shell(f);
    WSMAN_SHELL_HANDLE other = open_shell(f);
    WSMAN_COMMAND_HANDLE command = run_command(other, WSMAN_TEXT("cat"));
    WSMAN_OPERATION_HANDLE operation = NULL;

    (void)state;
    send_byte(shell, command, async_of("Send"));
    wait_last(ERROR_WSMAN_CLIENT_INVALID_SHELL_COMMAND_PAIR);
    WSManReceiveShellOutput(shell, command, 0, NULL, async_of("Receive"), &operation);
    wait_last(ERROR_WSMAN_CLIENT_INVALID_SHELL_COMMAND_PAIR);
    WSManSignalShell(shell, command, 0, WSMAN_TEXT("x"), async_of("Signal"), &operation);
    wait_last(ERROR_WSMAN_CLIENT_INVALID_SHELL_COMMAND_PAIR);
    assert_int_equal(fake_count(f->service, "Send") + fake_count(f->service, "Receive"), 0);
    close_shell(shell);
    close_shell(other);
    assert_all_ended_once();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_2_5_close_session_ends_a_call_of_each_kind_once),
        TEST(test_2_2_deinitialize_ends_a_call_of_each_kind_once),
        TEST(test_2_2_deinitialize_before_close_session),
        TEST(test_2_2_deinitialize_of_the_last_before_close_session),
        TEST(test_2_2_deinitialize_and_close_session_at_once),
        TEST(test_2_5_close_session_twice_at_once),
        TEST(test_2_9_close_operation_twice_at_once),
        TEST(test_G9_closing_is_refused_in_each_kind_of_callback),
        cmocka_unit_test_setup_teardown(test_G9_closing_is_refused_in_notices, setup_marked,
                                        teardown_marked),
        TEST(test_G4_handles_that_are_none_never_crash),
        TEST(test_6_2_handles_of_another_shell_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
