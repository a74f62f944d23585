/* Random calls: eight threads and the callbacks call every function of the library with random
 * handles - their own, those of others, stale ones, of another kind, invented - while two services
 * delay, cut, refuse and answer garbage. Nothing may crash, hang or leak; every call is checked
 * against the rules G5 to G9 of docs/conformance.md.
 *
 * WSM_SPIN_SECONDS is how long (8 unless told), WSM_SEED repeats a run: the same numbers, though
 * the threads take turns as they like. In rounds, each of which begins and ends the library. */
#include "client_fixture.h"
#include "dice.h"
#include "entries.h"
#include "spin_rules.h"
#include "storm.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wsmext.h>

#include <cmocka.h>

enum {
    THREADS = 8,
    SERVICES = 2,
    SLOTS = 12,
    CALLS_MAX = 6000,     /* of a round */
    ROUND_MS = 1500,      /* at most, but for its end */
    RESOLVER_THREADS = 4, /* of libuv, once it had a name to look up */
    ROUND_MAX_S = 180,    /* then it hangs */
};

static struct fake_service *services[SERVICES];
static atomic_size_t call_count;
static _Atomic(struct spin_thing *) slots[SPIN_KINDS][SLOTS];
static struct spin_thing *extra; /* API handles and sessions */
static struct spin_scope *scopes;
static atomic_size_t extra_count;
static atomic_bool is_over; /* the round's time */

static void turn(void);

/* ---- Handles ---- */

/* One that may be anything; never NULL, though its handle may be. */
static struct spin_thing *pick(enum spin_kind kind)
{
    static _Thread_local struct spin_thing invented;
    uint64_t roll = spin_number(40);
    struct spin_thing *thing;

    if (roll == 0) {
        invented = (struct spin_thing){ .handle = NULL };
        return &invented;
    }
    if (roll == 1) {
        invented = (struct spin_thing){ .handle = (void *)(uintptr_t)dice_roll(&spin_random) };
        return &invented;
    }
    if (roll < 4)
        kind = (enum spin_kind)spin_number(SPIN_KINDS);
    thing = atomic_load(&slots[kind][spin_number(SLOTS)]);
    invented = (struct spin_thing){ .handle = NULL };
    return thing != NULL ? thing : &invented;
}

static void *handle_of(enum spin_kind kind)
{
    return pick(kind)->handle;
}

static void keep(enum spin_kind kind, struct spin_thing *thing)
{
    atomic_store(&slots[kind][spin_number(SLOTS)], thing);
}

/* It is being ended: mostly forgotten, now and then kept as a stale one. */
static void drop(enum spin_kind kind, const struct spin_thing *thing)
{
    size_t i;

    for (i = 0; i < SLOTS && !spin_one_in(4); i++) {
        struct spin_thing *expected = (struct spin_thing *)(uintptr_t)thing;

        (void)atomic_compare_exchange_strong(&slots[kind][i], &expected, NULL);
    }
}

/* ---- Calls ---- */

/* NULL: there have been enough. */
static struct spin_call *begin(const char *name, enum spin_kind kind, const struct spin_thing *on)
{
    size_t index = atomic_fetch_add(&call_count, 1);
    struct spin_call *call = &spin.calls[index];

    if (index >= CALLS_MAX) {
        atomic_store(&call_count, CALLS_MAX);
        return NULL;
    }
    call->name = name;
    call->kind = kind;
    call->scope = on->scope;
    call->is_owed = !spin_one_in(60);
    call->async = (WSMAN_SHELL_ASYNC){ .operationContext = call,
                                       .completionFunction = call->is_owed ? spin_on_callback
                                                                           : NULL };
    atomic_fetch_add(&spin.calls_made, 1);
    spin_within = call;
    return call;
}

static void end(struct spin_call *call)
{
    spin_within = NULL;
    atomic_store(&call->returned, atomic_fetch_add(&spin.clock, 1) + 1);
    if (!call->is_owed && call->out != NULL)
        spin_broken(call, "a handle without a completion function");
    if (call->kind == SPIN_API || call->out == NULL)
        return;
    call->thing.handle = call->out;
    call->thing.scope = call->scope;
    call->thing.made_by = call;
    keep(call->kind, &call->thing);
}

/* Flags that are mostly right. */
static DWORD flags_of(DWORD some)
{
    if (spin_one_in(40))
        return (DWORD)dice_roll(&spin_random);
    return spin_one_in(4) ? some : 0;
}

static const WCHAR *shell_id(void)
{
    static const WCHAR *const ids[] = {
        WSMAN_TEXT("11111111-2222-4333-8444-555555555501"),
        WSMAN_TEXT("11111111-2222-4333-8444-555555555502"),
        WSMAN_TEXT("{11111111-2222-4333-8444-555555555503}"),
        WSMAN_TEXT("none"),
    };

    return spin_one_in(30) ? NULL : ids[spin_number(4)];
}

static void create_shell(void)
{
    const struct spin_thing *session = pick(SPIN_SESSION);
    struct spin_call *call = begin("CreateShell", SPIN_SHELL, session);

    if (call == NULL)
        return;
    if (spin_one_in(2))
        WSManCreateShell(session->handle, flags_of(WSMAN_FLAG_NO_COMPRESSION), WSMAN_CMDSHELL_URI,
                         NULL, NULL, NULL, &call->async, (WSMAN_SHELL_HANDLE *)&call->out);
    else
        WSManCreateShellEx(session->handle, flags_of(WSMAN_FLAG_SERVER_BUFFERING_MODE_DROP),
                           WSMAN_CMDSHELL_URI, shell_id(), NULL, NULL, NULL, &call->async,
                           (WSMAN_SHELL_HANDLE *)&call->out);
    end(call);
}

static void connect_shell(void)
{
    const struct spin_thing *session = pick(SPIN_SESSION);
    struct spin_call *call = begin("ConnectShell", SPIN_SHELL, session);

    if (call == NULL)
        return;
    WSManConnectShell(session->handle, flags_of(WSMAN_FLAG_SERVER_BUFFERING_MODE_BLOCK),
                      WSMAN_CMDSHELL_URI, shell_id(), NULL, NULL, &call->async,
                      (WSMAN_SHELL_HANDLE *)&call->out);
    end(call);
}

static void run_command_of(struct spin_thing *shell)
{
    struct spin_call *call = begin("RunShellCommand", SPIN_COMMAND, shell);

    if (call == NULL)
        return;
    call->thing.shell = shell->made_by != NULL ? shell : NULL;
    if (spin_one_in(2))
        WSManRunShellCommand(shell->handle, flags_of(0), WSMAN_TEXT("x"), NULL, NULL, &call->async,
                             (WSMAN_COMMAND_HANDLE *)&call->out);
    else
        WSManRunShellCommandEx(shell->handle, flags_of(0), spin_one_in(2) ? shell_id() : NULL,
                               spin_one_in(20) ? NULL : WSMAN_TEXT("x"), NULL, NULL, &call->async,
                               (WSMAN_COMMAND_HANDLE *)&call->out);
    end(call);
}

static void run(void)
{
    run_command_of(pick(SPIN_SHELL));
}

static void connect_command(void)
{
    static WSMAN_OPTION from = { .name = WSMAN_EXT_OPTION_FROM,
                                 .value = WSMAN_TEXT("stdout=7:7 stderr=3:5") };
    WSMAN_OPTION_SET options = { .optionsCount = 1, .options = &from };
    struct spin_thing *shell = pick(SPIN_SHELL);
    struct spin_call *call = begin("ConnectShellCommand", SPIN_COMMAND, shell);

    if (call == NULL)
        return;
    call->thing.shell = shell->made_by != NULL ? shell : NULL;
    WSManConnectShellCommand(shell->handle, flags_of(0), shell_id(),
                             spin_one_in(2) ? &options : NULL, NULL, &call->async,
                             (WSMAN_COMMAND_HANDLE *)&call->out);
    end(call);
}

/* A command and the shell of it, or mostly so. */
static WSMAN_SHELL_HANDLE pick_pair(struct spin_thing **out_command)
{
    static struct spin_thing none;
    struct spin_thing *command = spin_one_in(12) ? &none : pick(SPIN_COMMAND);

    *out_command = command;
    return command->shell != NULL && !spin_one_in(12) ? command->shell->handle
                                                      : handle_of(SPIN_SHELL);
}

/* Returns its operation; NULL: none was made. */
static WSMAN_OPERATION_HANDLE receive_from(WSMAN_SHELL_HANDLE shell, struct spin_thing *command)
{
    struct spin_call *call = begin("Receive", SPIN_OPERATION, command);

    if (call == NULL)
        return NULL;
    call->is_receive = true;
    call->command = command->made_by != NULL && command->made_by->kind == SPIN_COMMAND ? command
                                                                                       : NULL;
    WSManReceiveShellOutput(shell, command->handle,
                            flags_of(WSMAN_FLAG_RECEIVE_DELAY_OUTPUT_STREAM), NULL, &call->async,
                            (WSMAN_OPERATION_HANDLE *)&call->out);
    end(call);
    return call->out;
}

/* Now and then closed and asked for again: what the first did not deliver comes then. */
static void receive_output(void)
{
    struct spin_thing *command;
    WSMAN_SHELL_HANDLE shell = pick_pair(&command);
    WSMAN_OPERATION_HANDLE operation = receive_from(shell, command);

    while (operation != NULL && !spin_one_in(3)) {
        usleep((unsigned)spin_number(5000));
        (void)WSManCloseOperation(operation, 0);
        operation = receive_from(shell, command);
    }
}

static void send_input(void)
{
    static BYTE bytes[20000];
    struct spin_thing *command;
    WSMAN_SHELL_HANDLE shell = pick_pair(&command);
    WSMAN_DATA data = { .type = WSMAN_DATA_TYPE_BINARY };
    struct spin_call *call = begin("Send", SPIN_OPERATION, command);

    if (call == NULL)
        return;
    data.binaryData.data = bytes;
    data.binaryData.dataLength = (DWORD)spin_number(sizeof(bytes));
    WSManSendShellInput(shell, command->handle, flags_of(WSMAN_FLAG_NO_COMPRESSION),
                        WSMAN_STREAM_ID_STDIN, spin_one_in(20) ? NULL : &data, spin_one_in(8),
                        &call->async, (WSMAN_OPERATION_HANDLE *)&call->out);
    end(call);
}

static void signal_one(void)
{
    struct spin_thing *command;
    WSMAN_SHELL_HANDLE shell = pick_pair(&command);
    struct spin_call *call = begin("Signal", SPIN_OPERATION, command);

    if (call == NULL)
        return;
    WSManSignalShell(shell, command->handle, flags_of(0),
                     spin_one_in(20) ? NULL : WSMAN_SIGNAL_SHELL_CODE_CTRL_C, &call->async,
                     (WSMAN_OPERATION_HANDLE *)&call->out);
    end(call);
}

static void close_operation(void)
{
    const struct spin_thing *operation = pick(SPIN_OPERATION);

    drop(SPIN_OPERATION, operation);
    (void)WSManCloseOperation(operation->handle, flags_of(0));
}

static void close_one_command(void)
{
    const struct spin_thing *command = pick(SPIN_COMMAND);
    struct spin_call *call = begin("CloseCommand", SPIN_API, command);

    if (call == NULL)
        return;
    drop(SPIN_COMMAND, command);
    WSManCloseCommand(command->handle, flags_of(0), &call->async);
    end(call);
}

static void close_one_shell(void)
{
    const struct spin_thing *shell = pick(SPIN_SHELL);
    struct spin_call *call = begin("CloseShell", SPIN_API, shell);

    if (call == NULL)
        return;
    call->opened = shell->made_by != NULL && shell->made_by->kind == SPIN_SHELL ? shell->made_by
                                                                                : NULL;
    drop(SPIN_SHELL, shell);
    WSManCloseShell(shell->handle, flags_of(WSMAN_FLAG_DELETE_SERVER_SESSION), &call->async);
    end(call);
}

static void disconnect_one(void)
{
    WSMAN_SHELL_DISCONNECT_INFO info = { .idleTimeoutMs = (DWORD)spin_number(200000) };
    const struct spin_thing *shell = pick(SPIN_SHELL);
    struct spin_call *call = begin("DisconnectShell", SPIN_API, shell);

    if (call == NULL)
        return;
    WSManDisconnectShell(shell->handle, flags_of(WSMAN_FLAG_SERVER_BUFFERING_MODE_DROP),
                         spin_one_in(2) ? &info : NULL, &call->async);
    end(call);
}

static void reconnect_one(void)
{
    const struct spin_thing *shell = pick(SPIN_SHELL);
    struct spin_call *call = begin("ReconnectShell", SPIN_API, shell);

    if (call == NULL)
        return;
    WSManReconnectShell(shell->handle, flags_of(WSMAN_FLAG_SERVER_BUFFERING_MODE_BLOCK),
                        &call->async);
    end(call);
}

static void reconnect_one_command(void)
{
    const struct spin_thing *command = pick(SPIN_COMMAND);
    struct spin_call *call = begin("ReconnectShellCommand", SPIN_API, command);

    if (call == NULL)
        return;
    WSManReconnectShellCommand(command->handle, flags_of(0), &call->async);
    end(call);
}

static void identify(void)
{
    const struct spin_thing *session = pick(SPIN_SESSION);
    struct spin_call *call = begin("Identify", SPIN_OPERATION, session);

    if (call == NULL)
        return;
    WSManExtIdentify(session->handle, flags_of(0), call, call->is_owed ? spin_on_identity : NULL,
                     (WSMAN_OPERATION_HANDLE *)&call->out);
    end(call);
}

static void list(void)
{
    const struct spin_thing *session = pick(SPIN_SESSION);
    struct spin_call *call = begin("List", SPIN_OPERATION, session);
    WSMAN_EXT_LIST_FUNCTION function;
    WSMAN_OPERATION_HANDLE *out;

    if (call == NULL)
        return;
    function = call->is_owed ? spin_on_list : NULL;
    out = (WSMAN_OPERATION_HANDLE *)&call->out;
    if (spin_one_in(3))
        WSManExtListShells(session->handle, flags_of(0), call, function, out);
    else if (spin_one_in(2))
        WSManExtListCommands(session->handle, flags_of(0), shell_id(), call, function, out);
    else
        WSManExtDeleteShell(session->handle, flags_of(0), WSMAN_CMDSHELL_URI, shell_id(), call,
                            function, out);
    end(call);
}

/* ---- Calls that return their result ---- */

static struct spin_thing *new_extra(void *handle, const struct spin_scope *parent, bool is_marked)
{
    size_t index = atomic_fetch_add(&extra_count, 1);
    struct spin_thing *thing = &extra[index];

    scopes[index].parent = parent;
    scopes[index].is_marked = is_marked;
    thing->scope = &scopes[index];
    thing->handle = handle;
    return thing;
}

static bool has_extra(void)
{
    return atomic_load(&extra_count) < CALLS_MAX - 2 * THREADS;
}

static void initialize(void)
{
    WSMAN_API_HANDLE api = NULL;

    if (!has_extra() || WSManInitialize((DWORD)!spin_one_in(4), &api) != 0)
        return;
    keep(SPIN_API, new_extra(api, NULL, false));
}

static void set_number(WSMAN_SESSION_HANDLE session, WSManSessionOption option, DWORD value)
{
    WSMAN_DATA data = { .type = WSMAN_DATA_TYPE_DWORD, .number = value };

    (void)WSManSetSessionOption(session, option, &data);
}

static void create_session(void)
{
    static const char *const addresses[] = { "http://127.0.0.1:%u/wsman", "localhost:%u",
                                             "http://[::1]:%u/wsman" };
    WSMAN_AUTHENTICATION_CREDENTIALS credentials = {
        .authenticationMechanism = WSMAN_FLAG_AUTH_BASIC,
        .userAccount = { .username = TEST_USER, .password = TEST_PASSWORD },
    };
    const struct spin_thing *api = pick(SPIN_API);
    bool is_marked = !spin_one_in(3);
    uint16_t port = fake_service_port(services[is_marked ? 0 : 1]);
    WSMAN_SESSION_HANDLE session = NULL;
    char text[64];
    PWSTR connection;

    if (!has_extra())
        return;
    snprintf(text, sizeof(text), addresses[spin_one_in(8) ? 1 + spin_number(2) : 0],
             (unsigned)port);
    connection = WSManExtUtf8ToUtf16(text);
    if (WSManCreateSession(api->handle, connection, flags_of(0), &credentials, NULL, &session) ==
        0) {
        if (!spin_one_in(20))
            set_number(session, WSMAN_OPTION_UNENCRYPTED_MESSAGES, 1);
        set_number(session, WSMAN_OPTION_DEFAULT_OPERATION_TIMEOUTMS,
                   500 + (DWORD)spin_number(2000));
        (void)WSManExtSetRetryTime(session, (DWORD)spin_number(1500));
        keep(SPIN_SESSION, new_extra(session, api->scope, is_marked));
    }
    WSManExtFree(connection);
}

static void end_scope(const struct spin_thing *thing, DWORD (*end_it)(void *handle, DWORD flags),
                      DWORD flags)
{
    struct spin_scope *scope = thing->scope == NULL ? NULL : &scopes[thing->scope - scopes];
    unsigned long now = atomic_fetch_add(&spin.clock, 1) + 1;
    DWORD code;

    drop(SPIN_SESSION, thing);
    drop(SPIN_API, thing);
    code = end_it(thing->handle, flags);

    if (code != 0)
        return;
    if (spin_in_callback)
        spin_broken(NULL, "CloseSession or Deinitialize succeeded in a callback");
    if (scope == NULL)
        spin_broken(NULL, "CloseSession or Deinitialize of an invented handle");
    atomic_store(&scope->began, now);
    atomic_store(&scope->has_ended, true);
}

static DWORD end_session(void *handle, DWORD flags)
{
    return WSManCloseSession(handle, flags);
}

static DWORD end_api(void *handle, DWORD flags)
{
    return WSManDeinitialize(handle, flags);
}

static void close_session(void)
{
    end_scope(pick(SPIN_SESSION), end_session, flags_of(0));
}

static void deinitialize(void)
{
    if (spin_one_in(4))
        end_scope(pick(SPIN_API), end_api, flags_of(0));
}

static void options(void)
{
    static const WSManSessionOption all[] = { 1,  11, 12, 13, 14, 15, 16, 17, 18, 20,
                                              21, 23, 25, 26, 28, 29, 30, 33, 77 };
    WSManSessionOption option = all[spin_number(sizeof(all) / sizeof(all[0]))];
    WSMAN_SESSION_HANDLE session = handle_of(SPIN_SESSION);
    WSMAN_DATA text = { .type = WSMAN_DATA_TYPE_TEXT,
                        .text = { .bufferLength = 5, .buffer = WSMAN_TEXT("de-DE") } };
    WCHAR room[64];
    DWORD value = 0;

    (void)WSManGetSessionOptionAsDword(session, option, &value);
    (void)WSManGetSessionOptionAsString(session, option, 64, room, &value);
    if (option == 25 || option == 26)
        (void)WSManSetSessionOption(session, option, &text);
    else if (option >= 12 && option <= 17)
        set_number(session, option, 300 + (DWORD)spin_number(2000));
    else if (option == 21 || option == 23 || option == 77)
        set_number(session, option, (DWORD)spin_number(3));
    if (spin_one_in(3))
        (void)WSManExtSetRetryTime(session, (DWORD)spin_number(1500));
}

static void ask(void)
{
    WSMAN_EXT_OFFSETS offsets = { .delivered = { spin_number(100), 0 } };
    WCHAR room[2048];
    DWORD used = 0;

    (void)WSManGetErrorMessage(handle_of(SPIN_API), flags_of(0), NULL, (DWORD)spin_number(20000),
                               2048, room, &used);
    (void)WSManExtGetOffsets(handle_of(SPIN_COMMAND), &offsets);
    (void)WSManExtLimitOffsets(handle_of(SPIN_COMMAND), &offsets);
}

static const struct {
    unsigned weight;
    void (*make)(void);
} kinds[] = {
    { 8, create_shell },
    { 2, connect_shell },
    { 12, run },
    { 2, connect_command },
    { 14, receive_output },
    { 10, send_input },
    { 8, signal_one },
    { 12, close_operation },
    { 7, close_one_command },
    { 3, close_one_shell },
    { 3, disconnect_one },
    { 4, reconnect_one },
    { 3, reconnect_one_command },
    { 2, identify },
    { 2, list },
    { 2, initialize },
    { 4, create_session },
    { 1, close_session },
    { 1, deinitialize },
    { 3, options },
    { 2, ask },
};

static void turn(void)
{
    unsigned sum = 0;
    unsigned roll;
    size_t i;

    if (atomic_load(&is_over))
        return;
    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        sum += kinds[i].weight;
    roll = (unsigned)spin_number(sum);
    for (i = 0; roll >= kinds[i].weight; i++)
        roll -= kinds[i].weight;
    kinds[i].make();
}

/* ---- Rounds ---- */

static void *spin_around(void *arg)
{
    spin_random = *(uint64_t *)arg;
    while (!atomic_load(&is_over) && atomic_load(&call_count) < CALLS_MAX) {
        turn();
        usleep((unsigned)spin_number(4000));
    }
    return NULL;
}

/* Cuts all connections, or lets nobody in for a while. */
static void *blow(void *arg)
{
    spin_random = *(uint64_t *)arg;
    while (!atomic_load(&is_over)) {
        struct fake_service *service = services[spin_number(SERVICES)];

        usleep(20000 + (unsigned)spin_number(200000));
        if (spin_one_in(2)) {
            fake_close_all(service);
        } else {
            fake_refuse(service);
            if (spin_one_in(2))
                fake_close_all(service);
            usleep((unsigned)spin_number(120000));
            fake_accept(service);
        }
    }
    return NULL;
}

static void sleep_until_over(uint64_t ms)
{
    struct timespec start;
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        usleep(10000);
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (atomic_load(&call_count) < CALLS_MAX &&
             (uint64_t)((now.tv_sec - start.tv_sec) * 1000 +
                        (now.tv_nsec - start.tv_nsec) / 1000000) < ms);
    atomic_store(&is_over, true);
}

/* What the threads have left. */
static void end_all(void)
{
    bool sessions_first = spin_one_in(2);
    int pass;
    size_t i;

    for (pass = 0; pass < 2; pass++) {
        for (i = 0; i < atomic_load(&extra_count); i++) {
            bool is_api = scopes[i].parent == NULL;

            if (atomic_load(&scopes[i].has_ended) || is_api == (sessions_first && pass == 0))
                continue;
            end_scope(&extra[i], is_api ? end_api : end_session, 0);
        }
        sessions_first = !sessions_first;
    }
}

static void check_calls(void)
{
    size_t count = atomic_load(&call_count);
    size_t i;

    for (i = 0; i < count && i < CALLS_MAX; i++) {
        if (atomic_load(&spin.calls[i].ends) != (spin.calls[i].is_owed ? 1U : 0U))
            spin_broken(&spin.calls[i], "not exactly one last callback");
    }
}

/* Says what is open beyond what was. */
static void check_files(size_t expected)
{
    char command[64];

    if (entries_count("/proc/self/fd") == expected)
        return;
    snprintf(command, sizeof(command), "ls -l /proc/%d/fd >&2", (int)getpid());
    (void)!system(command);
    spin_broken(NULL, "file descriptors are left over");
}

/* One that was waited for may still be seen for a moment. */
static void check_threads(size_t max)
{
    size_t left = 5000;

    while (entries_count("/proc/self/task") > max && left-- > 0)
        usleep(1000);
    if (left == 0)
        spin_broken(NULL, "threads are left over");
}

static void begin_round(void)
{
    size_t i;
    size_t k;

    spin.calls = calloc(CALLS_MAX, sizeof(*spin.calls));
    extra = calloc(CALLS_MAX, sizeof(*extra));
    scopes = calloc(CALLS_MAX, sizeof(*scopes));
    assert_true(spin.calls != NULL && extra != NULL && scopes != NULL);
    for (i = 0; i < SPIN_KINDS; i++) {
        for (k = 0; k < SLOTS; k++)
            atomic_store(&slots[i][k], NULL);
    }
    atomic_store(&call_count, 0);
    atomic_store(&extra_count, 0);
    atomic_store(&spin.clock, 0);
    atomic_store(&is_over, false);
    atomic_store(&spin.is_silent, false);
    services[0] = storm_start(dice_roll(&spin_random), true);
    services[1] = storm_start(dice_roll(&spin_random), false);
    for (i = 0; i < 3; i++)
        initialize();
    for (i = 0; i < SLOTS; i++)
        create_session();
}

static void end_round(void)
{
    storm_stop(services[0]);
    storm_stop(services[1]);
    check_calls();
    free(spin.calls);
    free(extra);
    free(scopes);
}

static void play_round(void)
{
    pthread_t threads[THREADS + 1];
    uint64_t seeds[THREADS + 1];
    WSMAN_API_HANDLE api = NULL;
    size_t i;

    begin_round();
    /* While one is there, callbacks can come also to calls with stale handles. */
    assert_int_equal(WSManInitialize(1, &api), 0);
    for (i = 0; i <= THREADS; i++) {
        seeds[i] = dice_roll(&spin_random);
        assert_int_equal(
            pthread_create(&threads[i], NULL, i < THREADS ? spin_around : blow, &seeds[i]), 0);
    }
    sleep_until_over(ROUND_MS);
    for (i = 0; i <= THREADS; i++)
        pthread_join(threads[i], NULL);
    storm_calm(services[0]);
    storm_calm(services[1]);
    end_all();
    assert_int_equal(WSManDeinitialize(api, 0), 0);
    atomic_store(&spin.is_silent, true);
    end_round();
}

/* The first round loads what stays loaded. */
static void test_G6_random_calls_end_exactly_once(void **state)
{
    const char *given = getenv("WSM_SEED");
    const char *length = getenv("WSM_SPIN_SECONDS");
    unsigned long seconds = length != NULL ? strtoul(length, NULL, 10) : 8;
    time_t until = time(NULL) + (time_t)seconds;
    size_t rounds = 0;
    size_t files = 0;
    size_t threads = entries_count("/proc/self/task");

    (void)state;
    spin.on_callback = turn;
    spin.seed = given != NULL ? strtoull(given, NULL, 10)
                              : (uint64_t)time(NULL) * 1000 + (uint64_t)getpid() % 1000;
    print_message("seed %" PRIu64 "\n", spin.seed);
    spin_random = spin.seed;
    do {
        alarm(ROUND_MAX_S);
        play_round();
        if (rounds++ == 0) {
            files = entries_count("/proc/self/fd");
        }
        check_files(files);
        check_threads(threads + RESOLVER_THREADS);
    } while (time(NULL) < until);
    alarm(0);
    print_message("%zu rounds: %lu calls, %lu succeeded, %lu notices, %lu times output\n", rounds,
                  atomic_load(&spin.calls_made), atomic_load(&spin.successes),
                  atomic_load(&spin.notices), atomic_load(&spin.outputs));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_G6_random_calls_end_exactly_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
