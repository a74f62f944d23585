/* Random calls from several threads at once on shared handles, stale ones among them:
 * nothing may crash, hang, or call back more than once. Meant for the sanitizers. The
 * seed is printed; WSM_SPIN_SEED repeats a run. */
#include "client_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

enum { THREADS = 4, TURNS = 150, SLOTS = 8 };

static struct fixture *f;
static _Atomic(void *) shells[SLOTS];
static _Atomic(void *) commands[SLOTS];
static _Atomic(void *) operations[SLOTS];
static atomic_ulong expected; /* calls that owe a last callback */
static atomic_ulong ended;

/* `context` is a counter of its own per call. */
static void CALLBACK on_callback(PVOID context, DWORD flags, WSMAN_ERROR *error,
                                 WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                                 WSMAN_OPERATION_HANDLE operation, WSMAN_RESPONSE_DATA *data)
{
    atomic_uint *count = context;

    (void)shell;
    (void)command;
    (void)operation;
    if (error->code != 0 && (data != NULL || error->errorDetail == NULL))
        abort();
    if ((flags & WSMAN_FLAG_CALLBACK_END_OF_OPERATION) == 0)
        return;
    if (atomic_fetch_add(count, 1) != 0)
        abort(); /* a second last callback */
    atomic_fetch_add(&ended, 1);
}

static WSMAN_SHELL_ASYNC *call(WSMAN_SHELL_ASYNC *async, atomic_uint **next)
{
    async->operationContext = (*next)++;
    async->completionFunction = on_callback;
    atomic_fetch_add(&expected, 1);
    return async;
}

static void keep(_Atomic(void *) *slot, void *handle)
{
    if (handle != NULL)
        atomic_store(slot, handle);
}

static void turn(unsigned *seed, atomic_uint **next)
{
    WSMAN_SHELL_ASYNC async;
    unsigned choice = (unsigned)rand_r(seed) % 12;
    size_t a = (size_t)rand_r(seed) % SLOTS;
    size_t b = (size_t)rand_r(seed) % SLOTS;
    WSMAN_SHELL_HANDLE shell = atomic_load(&shells[a]);
    WSMAN_COMMAND_HANDLE command = atomic_load(&commands[b]);
    WSMAN_OPERATION_HANDLE operation = NULL;
    BYTE bytes[3] = "abc";
    WSMAN_DATA data = { .type = WSMAN_DATA_TYPE_BINARY,
                        .binaryData = { .dataLength = 3, .data = bytes } };
    DWORD value;

    switch (choice) {
    case 0:
    case 1:
        WSManCreateShell(f->session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, call(&async, next),
                         &shell);
        keep(&shells[a], shell);
        break;
    case 2:
    case 3:
        WSManRunShellCommand(shell, 0, WSMAN_TEXT("x"), NULL, NULL, call(&async, next), &command);
        keep(&commands[b], command);
        break;
    case 4:
    case 5:
        WSManReceiveShellOutput(shell, command, 0, NULL, call(&async, next), &operation);
        keep(&operations[b], operation);
        break;
    case 6:
        WSManSendShellInput(shell, command, 0, WSMAN_STREAM_ID_STDIN, &data, 0, call(&async, next),
                            &operation);
        keep(&operations[b], operation);
        break;
    case 7:
        WSManSignalShell(shell, command, 0, WSMAN_TEXT("x"), call(&async, next), &operation);
        keep(&operations[b], operation);
        break;
    case 8:
        WSManCloseOperation(atomic_load(&operations[a]), 0);
        break;
    case 9:
        WSManCloseCommand(command, 0, call(&async, next));
        break;
    case 10:
        if (rand_r(seed) % 4 == 0)
            WSManCloseShell(shell, 0, call(&async, next));
        break;
    default:
        (void)!WSManGetSessionOptionAsDword(f->session, WSMAN_OPTION_MAX_ENVELOPE_SIZE_KB, &value);
        break;
    }
}

struct spinner {
    pthread_t thread;
    unsigned seed;
    atomic_uint counts[TURNS];
};

static void *spin(void *arg)
{
    struct spinner *spinner = arg;
    atomic_uint *next = spinner->counts;
    size_t i;

    for (i = 0; i < TURNS; i++)
        turn(&spinner->seed, &next);
    return NULL;
}

static bool answer_some(struct fake_service *service, const struct fake_request *request,
                        struct fake_reply *reply)
{
    static atomic_uint count;
    unsigned number = atomic_fetch_add(&count, 1);

    (void)service;
    if (number % 11 == 3) {
        reply->is_dropped = true;
        return true;
    }
    if (number % 7 == 2) {
        fake_reply_fault(reply, request, ERROR_WSMAN_UNEXPECTED_SELECTORS, "spin");
        return true;
    }
    return false;
}

static void test_random_calls_end_exactly_once(void **state)
{
    const char *given = getenv("WSM_SPIN_SEED");
    unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
    struct spinner *spinners = calloc(THREADS, sizeof(*spinners));
    size_t i;

    (void)state;
    assert_non_null(spinners);
    print_message("seed %u\n", seed);
    f = fixture_new();
    fake_service_handler(f->service, answer_some);
    for (i = 0; i < 200; i++) {
        fake_push_output(f->service, "data", "more", i % 3 == 0);
        if (i % 5 == 4)
            fake_push_done(f->service, 0);
    }
    for (i = 0; i < THREADS; i++) {
        spinners[i].seed = seed + (unsigned)i;
        assert_int_equal(pthread_create(&spinners[i].thread, NULL, spin, &spinners[i]), 0);
    }
    for (i = 0; i < THREADS; i++)
        pthread_join(spinners[i].thread, NULL);
    assert_int_equal(WSManCloseSession(f->session, 0), 0);
    f->session = NULL;
    assert_int_equal(WSManDeinitialize(f->api, 0), 0);
    f->api = NULL;
    assert_int_equal(atomic_load(&ended), atomic_load(&expected));
    fixture_free(f);
    free(spinners);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_calls_end_exactly_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
