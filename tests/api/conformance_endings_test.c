/* How calls end when their surroundings go: calls made inside every kind of callback, a
 * network that is cut under each kind of request, and sessions that are closed with every kind
 * of call pending. */
#include "client_fixture.h"
#include "strict_calls.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <wsmext.h>

#include <cmocka.h>

enum { LAST = WSMAN_FLAG_CALLBACK_END_OF_OPERATION, INNER_MAX = 64 };

static struct fixture *f;
static _Atomic(const char *) target; /* the request that the handlers below spoil; NULL = none */

static int setup(void **state)
{
    (void)state;
    f = fixture_new();
    fake_can_disconnect(f->service);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    strict_then(NULL);
    strict_wait(true);
    fixture_free(f);
    return 0;
}

/* ---- Inside callbacks ---- */

static struct answer *inner[INNER_MAX]; /* of the calls made inside */
static WSMAN_OPERATION_HANDLE inner_operations[INNER_MAX];
static size_t inner_count;

/* Every kind of call: those that ask, those that would wait for this very callback, one that goes
 * to the server, one that is refused. */
static void meddle(struct answer *answer, const WSMAN_RESPONSE_DATA *data)
{
    DWORD value = 0;
    size_t i = inner_count++;

    (void)data;
    if (i >= INNER_MAX)
        return;
    inner[i] = answer_new();
    call_begin();
    if (WSManCloseSession(f->session, 0) != ERROR_POSSIBLE_DEADLOCK ||
        WSManDeinitialize(f->api, 0) != ERROR_POSSIBLE_DEADLOCK ||
        WSManGetSessionOptionAsDword(f->session, WSMAN_OPTION_MAX_RETRY_TIME, &value) != 0 ||
        WSManGetErrorMessage(f->api, 0, NULL, 5, 0, NULL, &value) != ERROR_INSUFFICIENT_BUFFER)
        answer->wrong = "G9: a call in a callback";
    WSManSignalShell((WSMAN_SHELL_HANDLE)answer->shell, NULL, 0, WSMAN_TEXT("inside"),
                     &inner[i]->async, &inner_operations[i]);
    if (answer->operation != NULL && (answer->flags & LAST) != 0 &&
        WSManCloseOperation((WSMAN_OPERATION_HANDLE)answer->operation, 0) != 0)
        answer->wrong = "G9: CloseOperation in its own callback";
    call_end();
}

static void free_inner(void)
{
    size_t i;

    for (i = 0; i < inner_count; i++) {
        answer_wait(inner[i]); /* refused or not: once */
        assert_int_equal(inner[i]->count, 1);
        answer_free(inner[i]);
    }
    inner_count = 0;
}

static void test_9_7_calls_inside_every_kind_of_callback(void **state)
{
    WSMAN_SHELL_HANDLE s = NULL;
    WSMAN_COMMAND_HANDLE c = NULL;
    WSMAN_OPERATION_HANDLE o = NULL;
    struct answer *received;
    struct answer *refused;

    (void)state;
    inner_count = 0;
    strict_then(meddle);
    answer_free(strict_create(f->session, &s));
    answer_free(strict_run(s, &c));
    answer_free(strict_send(s, c, 1, &o));
    answer_free(strict_signal(s, c, WSMAN_TEXT("x"), &o));
    fake_push_output(f->service, "abc", NULL, false);
    fake_push_done(f->service, 0);
    received = strict_receive(s, c, &o);
    answer_wait(received);
    assert_int_equal(received->count, 2);
    answer_free(received);
    answer_free(strict_run(s, NULL)); /* refused */
    refused = strict_signal(s, c, NULL, &o);
    assert_int_equal(refused->code, ERROR_WSMAN_CLIENT_SIGNAL_NULL_PARAM);
    answer_free(refused);
    answer_free(strict_post(STRICT_DISCONNECT, s));
    answer_free(strict_post(STRICT_RECONNECT, s));
    answer_free(strict_post(STRICT_RECONNECT_COMMAND, c));
    answer_free(strict_post(STRICT_CLOSE_COMMAND, c));
    answer_free(strict_post(STRICT_CLOSE_SHELL, s));
    answer_free(strict_attach(f->session, &s));
    answer_free(strict_attach_command(s, &c));
    assert_int_equal(inner_count, 15);
    free_inner();
}

/* ---- The network ---- */

static bool cut_target(struct fake_service *service, const struct fake_request *request,
                       struct fake_reply *reply)
{
    const char *name = target;

    (void)service;
    reply->is_dropped = name != NULL && strcmp(request->name, name) == 0;
    return reply->is_dropped;
}

/* Without a time to try again, which would only take longer to come to the same end. A Create is
 * repeated as long as its own time-out lasts. */
static void test_9_5_each_cut_connection_is_one_last_callback(void **state)
{
    const DWORD code = ERROR_WSMAN_NETWORK_TIMEDOUT;
    WSMAN_DATA soon = { .type = WSMAN_DATA_TYPE_DWORD, .number = 300 };
    WSMAN_SHELL_HANDLE s = NULL;
    WSMAN_SHELL_HANDLE other = NULL;
    WSMAN_COMMAND_HANDLE c = NULL;
    WSMAN_COMMAND_HANDLE d = NULL;
    WSMAN_OPERATION_HANDLE o = NULL;
    struct answer *received;

    (void)state;
    assert_int_equal(WSManExtSetRetryTime(f->session, 0), 0);
    assert_int_equal(WSManSetSessionOption(f->session, WSMAN_OPTION_TIMEOUTMS_CREATE_SHELL, &soon),
                     0);
    fake_service_handler(f->service, cut_target);
    target = "Create";
    assert_came(strict_create(f->session, &other), LAST, code, other, NULL, NULL, false);
    answer_free(strict_post(STRICT_CLOSE_SHELL, other));
    target = "Connect";
    assert_came(strict_attach(f->session, &other), LAST, code, other, NULL, NULL, false);
    answer_free(strict_post(STRICT_CLOSE_SHELL, other));
    target = NULL;
    answer_free(strict_create(f->session, &s));
    answer_free(strict_run(s, &c));
    target = "Connect";
    assert_came(strict_attach_command(s, &d), LAST, code, s, d, NULL, false);
    answer_free(strict_post(STRICT_CLOSE_COMMAND, d));
    target = "Command";
    assert_came(strict_run(s, &d), LAST, code, s, d, NULL, false);
    answer_free(strict_post(STRICT_CLOSE_COMMAND, d));
    target = "Send";
    assert_came(strict_send(s, c, 3, &o), LAST, code, s, c, o, false);
    strict_close(o);
    target = "Signal";
    assert_came(strict_signal(s, c, WSMAN_TEXT("x"), &o), LAST, code, s, c, o, false);
    strict_close(o);
    target = "Receive";
    received = strict_receive(s, c, &o);
    answer_wait(received);
    assert_came(received, LAST, code, s, c, o, false);
    strict_close(o);
    target = "Disconnect"; /* Disconnected all the same (R-DIS-6) */
    assert_came(strict_post(STRICT_DISCONNECT, s), LAST,
                ERROR_WINRS_SHELL_DISCONNECT_OPERATION_NOT_GRACEFUL, s, NULL, NULL, false);
    target = "Reconnect";
    assert_came(strict_post(STRICT_RECONNECT, s), LAST, code, s, NULL, NULL, false);
    target = NULL;
    answer_free(strict_post(STRICT_RECONNECT, s));
    target = "Reconnect";
    assert_came(strict_post(STRICT_RECONNECT_COMMAND, c), LAST, code, s, c, NULL, false);
    target = NULL;
    answer_free(strict_post(STRICT_RECONNECT_COMMAND, c));
    target = "Signal";
    assert_came(strict_post(STRICT_CLOSE_COMMAND, c), LAST, code, s, c, NULL, false);
    target = "Delete";
    assert_came(strict_post(STRICT_CLOSE_SHELL, s), LAST, code, s, NULL, NULL, false);
    target = NULL;
}

/* ---- Shells that take nothing ---- */

static void assert_code(struct answer *answer, DWORD code)
{
    assert_int_equal(answer->code, code);
    assert_int_equal(answer->flags, LAST);
    assert_int_equal(answer->count, 1);
    answer_free(answer);
}

/* Every call that needs a shell; handles that were made are closed. */
static void assert_takes_nothing(WSMAN_SHELL_HANDLE s, DWORD code)
{
    WSMAN_COMMAND_HANDLE made[2] = { NULL, NULL };
    WSMAN_OPERATION_HANDLE ops[3] = { NULL, NULL, NULL };
    struct answer *received;
    size_t i;

    assert_code(strict_run(s, &made[0]), code);
    assert_code(strict_attach_command(s, &made[1]), code);
    assert_code(strict_send(s, NULL, 1, &ops[0]), code);
    assert_code(strict_signal(s, NULL, WSMAN_TEXT("x"), &ops[1]), code);
    received = strict_receive(s, NULL, &ops[2]);
    answer_wait(received);
    assert_code(received, code);
    assert_code(strict_post(STRICT_DISCONNECT, s), code);
    assert_code(strict_post(STRICT_RECONNECT, s), code);
    for (i = 0; i < 2; i++) {
        if (made[i] != NULL)
            assert_code(strict_post(STRICT_CLOSE_COMMAND, made[i]), 0);
    }
    for (i = 0; i < 3; i++) {
        if (ops[i] != NULL)
            strict_close(ops[i]);
    }
}

static bool refuse_target(struct fake_service *service, const struct fake_request *request,
                          struct fake_reply *reply)
{
    const char *name = target;

    (void)service;
    if (name == NULL || strcmp(request->name, name) != 0)
        return false;
    fake_reply_fault(reply, request, ERROR_WSMAN_QUOTA_LIMIT, "no more");
    return true;
}

static void test_4_7_a_shell_that_is_not_or_failed_to_be_created_takes_nothing(void **state)
{
    WSMAN_SHELL_HANDLE s = NULL;
    struct answer *created;

    (void)state;
    fake_service_handler(f->service, refuse_target);
    target = "Create";
    fake_hold(f->service, "Create");
    strict_wait(false);
    created = strict_create(f->session, &s);
    strict_wait(true);
    assert_takes_nothing(s, ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE);
    fake_release(f->service, "Create");
    answer_wait(created);
    assert_code(created, ERROR_WSMAN_QUOTA_LIMIT);
    assert_takes_nothing(s, ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE);
    assert_code(strict_post(STRICT_CLOSE_SHELL, s), 0);
    target = "Connect";
    assert_code(strict_attach(f->session, &s), ERROR_WSMAN_QUOTA_LIMIT);
    assert_takes_nothing(s, ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE);
    assert_code(strict_post(STRICT_CLOSE_SHELL, s), 0);
    target = NULL;
    assert_int_equal(fake_count(f->service, "Command"), 0);
    assert_int_equal(fake_count(f->service, "Delete"), 0);
}

static void test_4_7_a_shell_that_is_being_closed_takes_nothing(void **state)
{
    WSMAN_SHELL_HANDLE s = NULL;
    struct answer *closed;

    (void)state;
    answer_free(strict_create(f->session, &s));
    fake_hold(f->service, "Delete");
    strict_wait(false);
    closed = strict_post(STRICT_CLOSE_SHELL, s);
    strict_wait(true);
    assert_takes_nothing(s, ERROR_WSMAN_SHELL_ALREADY_CLOSED);
    assert_code(strict_post(STRICT_CLOSE_SHELL, s), ERROR_WSMAN_SHELL_ALREADY_CLOSED);
    fake_release(f->service, "Delete");
    answer_wait(closed);
    assert_code(closed, 0);
}

/* ---- Closing over everything ---- */

enum { PENDING = 12 };

static struct answer *pending[PENDING];
static WSMAN_SHELL_HANDLE shells[6];
static WSMAN_COMMAND_HANDLE commands[5];
static WSMAN_OPERATION_HANDLE operations[6];

static const char *const held[] = { "Create", "Connect",    "Command",  "Send",
                                    "Signal", "Disconnect", "Reconnect" };

/* One call of each kind, none of which the server answers. */
static void make_pending(void)
{
    WSMAN_SHELL_HANDLE s;
    size_t i;

    for (i = 0; i < 4; i++)
        answer_free(strict_create(f->session, &shells[i]));
    s = shells[0];
    answer_free(strict_run(s, &commands[0]));
    answer_free(strict_run(s, &commands[1]));
    answer_free(strict_run(shells[3], &commands[2]));
    answer_free(strict_post(STRICT_DISCONNECT, shells[2]));
    answer_free(strict_post(STRICT_DISCONNECT, shells[3]));
    answer_free(strict_post(STRICT_RECONNECT, shells[3]));
    for (i = 0; i < sizeof(held) / sizeof(held[0]); i++)
        fake_hold(f->service, held[i]);
    strict_wait(false);
    pending[0] = strict_create(f->session, &shells[4]);
    pending[1] = strict_attach(f->session, &shells[5]);
    pending[2] = strict_run(s, &commands[3]);
    pending[3] = strict_attach_command(s, &commands[4]);
    pending[4] = strict_send(s, commands[0], 1, &operations[0]);
    pending[5] = strict_send(s, commands[0], 1, &operations[1]);
    pending[6] = strict_signal(s, commands[0], WSMAN_TEXT("x"), &operations[2]);
    pending[7] = strict_receive(s, commands[0], &operations[3]);
    pending[8] = strict_receive(s, NULL, &operations[4]);
    pending[9] = strict_post(STRICT_DISCONNECT, shells[1]);
    pending[10] = strict_post(STRICT_RECONNECT, shells[2]);
    pending[11] = strict_post(STRICT_RECONNECT_COMMAND, commands[2]);
    fake_wait(f->service, "Create", 5);
    fake_wait(f->service, "Connect", 2);
    fake_wait(f->service, "Command", 4);
    fake_wait(f->service, "Send", 1);
    fake_wait(f->service, "Signal", 1);
    fake_wait(f->service, "Receive", 2);
    fake_wait(f->service, "Disconnect", 3);
    fake_wait(f->service, "Reconnect", 3);
}

/* Late answers, when all has been aborted; else the close would wait for them for a while. */
static void *release_all(void *arg)
{
    size_t i;

    (void)arg;
    fake_wait(f->service, "Delete", 1); /* the session is closing */
    for (i = 0; i < sizeof(held) / sizeof(held[0]); i++)
        fake_release(f->service, held[i]);
    return NULL;
}

/* Nothing is waited for: it must have come. */
static void assert_all_aborted(void)
{
    size_t i;

    for (i = 0; i < PENDING; i++) {
        if (pending[i]->count != 1 || pending[i]->code != ERROR_OPERATION_ABORTED)
            fail_msg("call %zu: %zu callbacks, code %#x", i, pending[i]->count, pending[i]->code);
        assert_int_equal(pending[i]->flags, LAST);
        answer_free(pending[i]);
    }
}

static void test_9_8_close_session_ends_every_kind_of_call(void **state)
{
    pthread_t thread;

    (void)state;
    make_pending();
    assert_int_equal(pthread_create(&thread, NULL, release_all, NULL), 0);
    assert_int_equal(WSManCloseSession(f->session, 0), 0);
    assert_all_aborted();
    pthread_join(thread, NULL);
    f->session = NULL;
}

static void test_9_8_deinitialize_ends_every_kind_of_call(void **state)
{
    pthread_t thread;

    (void)state;
    make_pending();
    assert_int_equal(pthread_create(&thread, NULL, release_all, NULL), 0);
    assert_int_equal(WSManDeinitialize(f->api, 0), 0);
    assert_all_aborted();
    pthread_join(thread, NULL);
    f->session = NULL;
    f->api = NULL;
}

/* A Receive is cancelled, and another posted before the word of it has come: each callback
 * tells which of the two it is for. */
static void test_9_6_late_abort_has_the_handle_of_the_old_receive(void **state)
{
    enum { ROUNDS = 50 };
    WSMAN_SHELL_HANDLE s = NULL;
    WSMAN_COMMAND_HANDLE c = NULL;
    WSMAN_OPERATION_HANDLE old = NULL;
    WSMAN_OPERATION_HANDLE fresh = NULL;
    struct answer *first;
    struct answer *second;
    int i;

    (void)state;
    answer_free(strict_create(f->session, &s));
    answer_free(strict_run(s, &c));
    first = strict_receive(s, c, &old);
    for (i = 0; i < ROUNDS; i++) {
        call_begin(); /* no callback gets further until both calls are made */
        assert_int_equal(WSManCloseOperation(old, 0), 0);
        second = answer_new();
        WSManReceiveShellOutput(s, c, 0, NULL, &second->async, &fresh);
        call_end();
        assert_ptr_not_equal(old, fresh);
        answer_wait(first);
        assert_came(first, LAST, ERROR_OPERATION_ABORTED, s, c, old, false);
        first = second;
        old = fresh;
    }
    fake_push_done(f->service, 0);
    answer_wait(first);
    assert_came(first, LAST, 0, s, c, old, true);
    strict_close(old);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_9_7_calls_inside_every_kind_of_callback),
        TEST(test_9_5_each_cut_connection_is_one_last_callback),
        TEST(test_4_7_a_shell_that_is_not_or_failed_to_be_created_takes_nothing),
        TEST(test_4_7_a_shell_that_is_being_closed_takes_nothing),
        TEST(test_9_8_close_session_ends_every_kind_of_call),
        TEST(test_9_8_deinitialize_ends_every_kind_of_call),
        TEST(test_9_6_late_abort_has_the_handle_of_the_old_receive),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
