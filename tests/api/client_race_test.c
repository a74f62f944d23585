/* Threads within calls while another ends what these are about: the API handle, the last one of the
 * process, or the session. For the thread and address checkers most of all; besides, each call has
 * exactly one last callback, whoever wins. */
#include "client_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { ROUNDS = 40, CALLERS = 3, CALLS = 12, VARIABLES = 200, VALUE_MAX = 400, DEADLINE_S = 20 };

static struct fake_service *service;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static size_t begun; /* calls that owe a last callback */
static size_t lasts;

/* ---- Counting ---- */

static void CALLBACK on_call(PVOID context, DWORD flags, WSMAN_ERROR *error,
                             WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                             WSMAN_OPERATION_HANDLE operation, WSMAN_RESPONSE_DATA *data)
{
    (void)context;
    (void)error;
    (void)shell;
    (void)command;
    (void)operation;
    (void)data;
    pthread_mutex_lock(&lock);
    lasts += (flags & WSMAN_FLAG_CALLBACK_END_OF_OPERATION) != 0;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
}

static WSMAN_SHELL_ASYNC async = { .completionFunction = on_call };

static WSMAN_SHELL_ASYNC *begin(void)
{
    pthread_mutex_lock(&lock);
    begun++;
    pthread_mutex_unlock(&lock);
    return &async;
}

static void assert_all_ended_once(void)
{
    struct timespec until;
    int status = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += DEADLINE_S;
    pthread_mutex_lock(&lock);
    while (lasts < begun && status == 0)
        status = pthread_cond_timedwait(&changed, &lock, &until);
    assert_int_equal(lasts, begun);
    pthread_mutex_unlock(&lock);
}

/* ---- Calls ---- */

struct target {
    WSMAN_API_HANDLE api;
    WSMAN_SESSION_HANDLE session;
    WSMAN_SHELL_HANDLE shell;
    WSMAN_COMMAND_HANDLE command;
    pthread_barrier_t barrier;
};

/* Long to copy, so that the session often goes between the look at its handle and the end of the
 * call. */
static WSMAN_ENVIRONMENT_VARIABLE variable_list[VARIABLES];
static WSMAN_ENVIRONMENT_VARIABLE_SET variables = { .varsCount = VARIABLES, .vars = variable_list };

static void make_variables(void)
{
    static WCHAR value[VALUE_MAX + 1];
    size_t i;

    for (i = 0; i < VALUE_MAX; i++)
        value[i] = 'v';
    for (i = 0; i < VARIABLES; i++)
        variable_list[i] = (WSMAN_ENVIRONMENT_VARIABLE){ .name = WSMAN_TEXT("name"),
                                                         .value = value };
}

static void call_create_shell(struct target *target)
{
    WSMAN_SHELL_STARTUP_INFO info = { .variableSet = &variables };
    WSMAN_SHELL_HANDLE shell = NULL;

    WSManCreateShell(target->session, 0, WSMAN_CMDSHELL_URI, &info, NULL, NULL, begin(), &shell);
    if (shell != NULL)
        WSManCloseShell(shell, 0, begin());
}

static void call_run(struct target *target)
{
    WSMAN_COMMAND_HANDLE command = NULL;

    WSManRunShellCommand(target->shell, 0, WSMAN_TEXT("a"), NULL, NULL, begin(), &command);
    if (command != NULL)
        WSManCloseCommand(command, 0, begin());
}

static void call_signal(struct target *target)
{
    WSMAN_OPERATION_HANDLE operation = NULL;

    WSManSignalShell(target->shell, target->command, 0, WSMAN_SIGNAL_SHELL_CODE_CTRL_C, begin(),
                     &operation);
    if (operation != NULL)
        (void)WSManCloseOperation(operation, 0);
}

static void call_reconnect(struct target *target)
{
    WSManReconnectShell(target->shell, 0, begin());
}

static void call_create_session(struct target *target)
{
    WSMAN_SESSION_HANDLE session = NULL;

    if (WSManCreateSession(target->api, WSMAN_TEXT("http://127.0.0.1:1"), 0, NULL, NULL,
                           &session) == 0)
        (void)WSManCloseSession(session, 0);
}

/* ---- Rounds ---- */

struct caller {
    struct target *target;
    void (*call)(struct target *target);
    pthread_t thread;
};

static void *run_caller(void *arg)
{
    struct caller *caller = arg;
    int i;

    pthread_barrier_wait(&caller->target->barrier);
    for (i = 0; i < CALLS; i++)
        caller->call(caller->target);
    return NULL;
}

static void start_callers(struct caller *callers, struct target *target,
                          void (*const *calls)(struct target *target))
{
    size_t i;

    pthread_barrier_init(&target->barrier, NULL, CALLERS + 1);
    for (i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){ .target = target, .call = calls[i] };
        assert_int_equal(pthread_create(&callers[i].thread, NULL, run_caller, &callers[i]), 0);
    }
    pthread_barrier_wait(&target->barrier);
}

static void join_callers(struct caller *callers, struct target *target)
{
    size_t i;

    for (i = 0; i < CALLERS; i++)
        pthread_join(callers[i].thread, NULL);
    pthread_barrier_destroy(&target->barrier);
}

static void open_target(struct target *target)
{
    struct fixture fixture = { .service = service };

    assert_int_equal(WSManInitialize(WSMAN_FLAG_REQUESTED_API_VERSION_1_1, &target->api), 0);
    target->session = open_session(target->api, fake_service_port(service), true);
    fixture.api = target->api;
    fixture.session = target->session;
    target->shell = open_shell(&fixture);
    target->command = run_command(target->shell, WSMAN_TEXT("a"));
}

/* Somewhere within what the callers do, a little later each time. */
static void let_them_go(int round)
{
    int i;

    for (i = 0; i < round % 16; i++)
        sched_yield();
}

static void race(void (*const *calls)(struct target *target), bool closes_session)
{
    int round;

    for (round = 0; round < ROUNDS; round++) {
        struct caller callers[CALLERS];
        struct target target;

        open_target(&target);
        start_callers(callers, &target, calls);
        let_them_go(round);
        if (closes_session)
            assert_int_equal(WSManCloseSession(target.session, 0), 0);
        assert_int_equal(WSManDeinitialize(target.api, 0), 0);
        join_callers(callers, &target);
        assert_all_ended_once();
    }
}

static int setup(void **state)
{
    (void)state;
    service = fake_service_start();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_service_stop(service);
    return 0;
}

/* ---- Tests ---- */

static void test_create_shell_while_the_last_api_handle_goes(void **state)
{
    static void (*const calls[])(struct target *) = { call_create_shell, call_create_shell,
                                                      call_create_shell };

    (void)state;
    race(calls, false);
}

static void test_create_shell_while_its_session_goes(void **state)
{
    static void (*const calls[])(struct target *) = { call_create_shell, call_create_shell,
                                                      call_create_shell };

    (void)state;
    race(calls, true);
}

static void test_calls_on_a_shell_while_the_last_api_handle_goes(void **state)
{
    static void (*const calls[])(struct target *) = { call_run, call_signal, call_reconnect };

    (void)state;
    race(calls, false);
}

static void test_calls_on_a_shell_while_its_session_goes(void **state)
{
    static void (*const calls[])(struct target *) = { call_run, call_signal, call_reconnect };

    (void)state;
    race(calls, true);
}

/* Another API handle keeps the library running: its loop answers calls about one that goes. */
static void test_create_session_while_its_api_handle_goes(void **state)
{
    static void (*const calls[])(struct target *) = { call_create_session, call_create_session,
                                                      call_create_session };
    WSMAN_API_HANDLE other = NULL;
    int round;

    (void)state;
    assert_int_equal(WSManInitialize(0, &other), 0);
    for (round = 0; round < ROUNDS * 4; round++) {
        struct caller callers[CALLERS];
        struct target target = { .session = NULL };

        assert_int_equal(WSManInitialize(0, &target.api), 0);
        start_callers(callers, &target, calls);
        let_them_go(round);
        assert_int_equal(WSManDeinitialize(target.api, 0), 0);
        join_callers(callers, &target);
    }
    assert_int_equal(WSManDeinitialize(other, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_create_shell_while_the_last_api_handle_goes, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_create_shell_while_its_session_goes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_calls_on_a_shell_while_the_last_api_handle_goes, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_calls_on_a_shell_while_its_session_goes, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_create_session_while_its_api_handle_goes, setup,
                                        teardown),
    };

    make_variables();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
