/* Closing: operations in their three states, commands, shells, sessions and API handles
 * with things pending, and what may be called inside a callback. Each call must get its
 * last callback exactly once, and the close callback comes last. */
#include "client_fixture.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static struct fixture *f;
static WSMAN_SHELL_HANDLE shell;
static WSMAN_COMMAND_HANDLE command;

static int setup(void **state)
{
    (void)state;
    f = fixture_new();
    shell = open_shell(f);
    command = run_command(shell, WSMAN_TEXT("cat"));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_free(f);
    return 0;
}

static void assert_aborted_once(struct recorder *recorder)
{
    assert_last_code(recorder, ERROR_OPERATION_ABORTED);
    assert_int_equal(recorder_last(recorder)->flags, WSMAN_FLAG_CALLBACK_END_OF_OPERATION);
    assert_false(recorder_last(recorder)->has_data);
    assert_int_equal(recorder->last_count, 1);
}

static void assert_before(struct recorder *first, struct recorder *second)
{
    assert_true(recorder_last(first)->order < recorder_last(second)->order);
}

/* ---- CloseOperation ---- */

static void test_close_operation_frees_one_that_has_ended(void **state)
{
    struct recorder *recorder = recorder_new();
    WSMAN_OPERATION_HANDLE operation = signal_command(shell, command, WSMAN_TEXT("x"), recorder);

    (void)state;
    assert_last_code(recorder, 0);
    assert_int_equal(WSManCloseOperation(operation, 0), 0);
    assert_int_equal(WSManCloseOperation(operation, 0), ERROR_WSMAN_CLIENT_NO_HANDLE);
    close_command(command); /* the later event: nothing came between */
    assert_int_equal(recorder_count(recorder), 1);
    recorder_free(recorder);
}

static void test_close_operation_lets_a_running_callback_finish(void **state)
{
    struct recorder *recorder = recorder_new();
    WSMAN_OPERATION_HANDLE operation;

    (void)state;
    recorder_gate(recorder);
    operation = signal_command(shell, command, WSMAN_TEXT("x"), recorder);
    recorder_wait_inside(recorder);
    assert_int_equal(WSManCloseOperation(operation, 0), 0);
    wait_for_loop(f->session);
    recorder_open_gate(recorder);
    close_command(command);
    assert_int_equal(recorder_count(recorder), 1);
    assert_int_equal(recorder->events[0].code, 0);
    recorder_free(recorder);
}

static void test_close_operation_cancels_one_that_is_going_on(void **state)
{
    struct recorder *recorder = recorder_new();
    struct recorder *out = recorder_new();
    WSMAN_OPERATION_HANDLE signal;
    WSMAN_OPERATION_HANDLE operation;

    (void)state;
    fake_hold(f->service, "Signal");
    signal = signal_command(shell, command, WSMAN_TEXT("x"), recorder);
    operation = receive(shell, command, out);
    fake_wait(f->service, "Signal", 1);
    fake_wait(f->service, "Receive", 1);
    assert_int_equal(WSManCloseOperation(signal, 0), 0);
    assert_aborted_once(recorder);
    assert_ptr_equal(recorder_last(recorder)->operation, signal);
    assert_int_equal(WSManCloseOperation(operation, 0), 0);
    assert_aborted_once(out);
    fake_release(f->service, "Signal");
    close_command(command);
    assert_int_equal(recorder_count(recorder), 1);
    recorder_free(recorder);
    recorder_free(out);
}

/* Its result is there, but the callback has not begun: that counts as not called yet. */
static void test_close_operation_cancels_one_whose_callback_waits(void **state)
{
    struct recorder *blocker = recorder_new();
    struct recorder *recorder = recorder_new();
    WSMAN_OPERATION_HANDLE operation;

    (void)state;
    recorder_gate(blocker);
    signal_command(shell, command, WSMAN_TEXT("x"), blocker);
    recorder_wait_inside(blocker);
    operation = signal_command(shell, command, WSMAN_TEXT("y"), recorder);
    fake_wait_answered(f->service, "Signal", 2);
    wait_for_loop(f->session);
    assert_int_equal(WSManCloseOperation(operation, 0), 0);
    wait_for_loop(f->session);
    recorder_open_gate(blocker);
    assert_aborted_once(recorder);
    recorder_free(blocker);
    recorder_free(recorder);
}

static void test_close_operation_of_a_send_in_the_queue_sends_nothing(void **state)
{
    struct recorder *first = recorder_new();
    struct recorder *second = recorder_new();
    struct recorder *third = recorder_new();
    WSMAN_OPERATION_HANDLE operation;

    (void)state;
    fake_hold(f->service, "Send");
    send_text(shell, command, "a", false, first);
    operation = send_text(shell, command, "b", false, second);
    send_text(shell, command, "c", false, third);
    fake_wait(f->service, "Send", 1);
    assert_int_equal(WSManCloseOperation(operation, 0), 0);
    assert_aborted_once(second);
    fake_release(f->service, "Send");
    assert_last_code(first, 0);
    assert_last_code(third, 0);
    assert_int_equal(fake_input(f->service).len, 2);
    assert_memory_equal(fake_input(f->service).ptr, "ac", 2);
    recorder_free(first);
    recorder_free(second);
    recorder_free(third);
}

static void close_own_operation(struct recorder *recorder, const struct recorder_event *event)
{
    (void)recorder;
    if ((event->flags & WSMAN_FLAG_CALLBACK_END_OF_OPERATION) != 0)
        assert_int_equal(WSManCloseOperation(event->operation, 0), 0);
}

static void test_close_operation_may_be_called_in_its_own_callback(void **state)
{
    struct recorder *out = recorder_new();

    (void)state;
    out->on_event = close_own_operation;
    fake_push_output(f->service, "a", NULL, false);
    fake_push_done(f->service, 0);
    receive(shell, command, out);
    assert_last_code(out, 0);
    close_command(command);
    assert_int_equal(recorder_count(out), 2);
    recorder_free(out);
}

static void close_at_data(struct recorder *recorder, const struct recorder_event *event)
{
    (void)recorder;
    if ((event->flags & WSMAN_FLAG_CALLBACK_END_OF_OPERATION) == 0)
        assert_int_equal(WSManCloseOperation(event->operation, 0), 0);
}

static void test_close_operation_in_a_data_callback_ends_with_one_abort(void **state)
{
    struct recorder *out = recorder_new();
    struct recorder *rest = recorder_new();

    (void)state;
    out->on_event = close_at_data;
    fake_push_output(f->service, "a", NULL, false);
    receive(shell, command, out);
    assert_aborted_once(out);
    assert_int_equal(out->count, 2);
    fake_push_output(f->service, "b", NULL, false);
    fake_push_done(f->service, 0);
    receive(shell, command, rest);
    assert_last_code(rest, 0);
    recorder_free(out);
    recorder_free(rest);
}

/* ---- CloseCommand and CloseShell ---- */

static void test_close_command_ends_what_is_pending_first(void **state)
{
    struct recorder *out = recorder_new();
    struct recorder *first = recorder_new();
    struct recorder *second = recorder_new();
    struct recorder *close = recorder_new();

    (void)state;
    fake_hold(f->service, "Send");
    receive(shell, command, out);
    send_text(shell, command, "a", false, first);
    send_text(shell, command, "b", false, second);
    fake_wait(f->service, "Receive", 1);
    fake_wait(f->service, "Send", 1);
    WSManCloseCommand(command, 0, &close->async);
    assert_last_code(close, 0);
    assert_aborted_once(out);
    assert_aborted_once(first);
    assert_aborted_once(second);
    assert_before(out, close);
    assert_before(first, close);
    assert_before(second, close);
    assert_int_equal(fake_count(f->service, "Send"), 1);
    fake_release(f->service, "Send");
    recorder_free(out);
    recorder_free(first);
    recorder_free(second);
    recorder_free(close);
}

static void test_close_command_waits_for_a_running_callback(void **state)
{
    struct recorder *out = recorder_new();
    struct recorder *close = recorder_new();

    (void)state;
    recorder_gate(out);
    fake_push_output(f->service, "a", NULL, false);
    receive(shell, command, out);
    recorder_wait_inside(out);
    WSManCloseCommand(command, 0, &close->async);
    fake_wait_answered(f->service, "Signal", 1);
    wait_for_loop(f->session);
    assert_int_equal(recorder_count(close), 0);
    recorder_open_gate(out);
    assert_last_code(close, 0);
    assert_aborted_once(out);
    assert_before(out, close);
    recorder_free(out);
    recorder_free(close);
}

static bool fail_signal(struct fake_service *service, const struct fake_request *request,
                        struct fake_reply *reply)
{
    (void)service;
    if (strcmp(request->name, "Signal") != 0 && strcmp(request->name, "Delete") != 0)
        return false;
    fake_reply_fault(reply, request, ERROR_WSMAN_UNEXPECTED_SELECTORS, "unknown");
    return true;
}

static void test_closing_what_the_server_forgot_is_success(void **state)
{
    (void)state;
    fake_service_handler(f->service, fail_signal);
    close_command(command);
    close_shell(shell);
}

static void test_close_command_during_run_terminates_it_later(void **state)
{
    struct recorder *run = recorder_new();
    struct recorder *close = recorder_new();
    WSMAN_COMMAND_HANDLE late = NULL;
    char *command_id;
    char *signal_id;

    (void)state;
    fake_hold(f->service, "Command");
    WSManRunShellCommand(shell, 0, WSMAN_TEXT("late"), NULL, NULL, &run->async, &late);
    fake_wait(f->service, "Command", 2);
    WSManCloseCommand(late, 0, &close->async);
    assert_aborted_once(run);
    assert_int_equal(recorder_count(close), 0);
    fake_release(f->service, "Command");
    assert_last_code(close, 0);
    command_id = fake_last(f->service, "Command", "id");
    signal_id = fake_last(f->service, "Signal", "command");
    assert_string_equal(command_id, signal_id);
    free(command_id);
    free(signal_id);
    recorder_free(run);
    recorder_free(close);
}

static void test_close_shell_ends_all_and_comes_last(void **state)
{
    struct recorder *out = recorder_new();
    struct recorder *run = recorder_new();
    struct recorder *close = recorder_new();
    struct recorder *command_close = recorder_new();
    WSMAN_COMMAND_HANDLE late = NULL;

    (void)state;
    fake_hold(f->service, "Command");
    receive(shell, command, out);
    fake_wait(f->service, "Receive", 1);
    WSManRunShellCommand(shell, 0, WSMAN_TEXT("late"), NULL, NULL, &run->async, &late);
    fake_wait(f->service, "Command", 2);
    WSManCloseShell(shell, 0, &close->async);
    assert_last_code(close, 0);
    assert_aborted_once(out);
    assert_aborted_once(run);
    assert_before(out, close);
    assert_before(run, close);
    WSManCloseCommand(command, 0, &command_close->async); /* its handle lives on */
    assert_last_code(command_close, 0);
    assert_int_equal(fake_count(f->service, "Signal"), 0);
    assert_int_equal(fake_count(f->service, "Delete"), 1);
    fake_release(f->service, "Command");
    recorder_free(out);
    recorder_free(run);
    recorder_free(close);
    recorder_free(command_close);
}

static void test_close_shell_during_create_deletes_it_later(void **state)
{
    struct recorder *create = recorder_new();
    struct recorder *close = recorder_new();
    WSMAN_SHELL_HANDLE late = NULL;

    (void)state;
    fake_hold(f->service, "Create");
    WSManCreateShell(f->session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &create->async, &late);
    fake_wait(f->service, "Create", 2);
    WSManCloseShell(late, 0, &close->async);
    assert_aborted_once(create);
    assert_ptr_equal(recorder_last(create)->shell, late);
    assert_int_equal(recorder_count(close), 0);
    fake_release(f->service, "Create");
    assert_last_code(close, 0);
    assert_int_equal(fake_count(f->service, "Delete"), 1);
    recorder_free(create);
    recorder_free(close);
}

/* The aborted callback runs while the answer is read, which must leave alone what that looks at.
 * Without that care this fails in the build with the thread sanitizer. */
static void test_close_shell_as_create_is_answered_keeps_off_the_callback(void **state)
{
    enum { TIMES = 200 };
    size_t i;

    (void)state;
    for (i = 0; i < TIMES; i++) {
        struct recorder *create = recorder_new();
        struct recorder *close = recorder_new();
        WSMAN_SHELL_HANDLE young = NULL;

        create->user = create; /* its data is no output */
        WSManCreateShell(f->session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &create->async,
                         &young);
        fake_wait(f->service, "Create", i + 2);
        WSManCloseShell(young, 0, &close->async);
        assert_last_code(close, 0);
        assert_int_equal(recorder_count(create), 1);
        assert_before(create, close);
        recorder_free(create);
        recorder_free(close);
    }
}

static bool fail_create(struct fake_service *service, const struct fake_request *request,
                        struct fake_reply *reply)
{
    (void)service;
    if (strcmp(request->name, "Create") != 0)
        return false;
    fake_reply_fault(reply, request, ERROR_WSMAN_QUOTA_MAX_SHELLS, "too many");
    return true;
}

static void test_close_shell_after_a_failed_create_is_local(void **state)
{
    struct recorder *create = recorder_new();
    struct recorder *run = recorder_new();
    WSMAN_SHELL_HANDLE failed = NULL;
    WSMAN_COMMAND_HANDLE none = NULL;

    (void)state;
    fake_service_handler(f->service, fail_create);
    WSManCreateShell(f->session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &create->async, &failed);
    assert_last_code(create, ERROR_WSMAN_QUOTA_MAX_SHELLS);
    assert_non_null(strstr(recorder_last(create)->detail, "too many"));
    WSManRunShellCommand(failed, 0, WSMAN_TEXT("x"), NULL, NULL, &run->async, &none);
    assert_last_code(run, ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE);
    close_command(none);
    close_shell(failed);
    assert_int_equal(fake_count(f->service, "Delete"), 0);
    recorder_free(create);
    recorder_free(run);
}

static void test_operations_before_the_command_runs_are_refused(void **state)
{
    struct recorder *run = recorder_new();
    struct recorder *out = recorder_new();
    struct recorder *early = recorder_new();
    WSMAN_COMMAND_HANDLE late = NULL;
    WSMAN_COMMAND_HANDLE none = NULL;
    WSMAN_SHELL_HANDLE young = NULL;
    struct recorder *create = recorder_new();

    (void)state;
    fake_hold(f->service, "Command");
    fake_hold(f->service, "Create");
    WSManRunShellCommand(shell, 0, WSMAN_TEXT("late"), NULL, NULL, &run->async, &late);
    receive(shell, late, out);
    assert_last_code(out, ERROR_WSMAN_CLIENT_RUNCOMMAND_NOTCOMPLETED);
    create->user = create;
    WSManCreateShell(f->session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &create->async, &young);
    WSManRunShellCommand(young, 0, WSMAN_TEXT("x"), NULL, NULL, &early->async, &none);
    assert_last_code(early, ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE);
    fake_release(f->service, "Command");
    fake_release(f->service, "Create");
    assert_last_code(run, 0);
    assert_last_code(create, 0);
    recorder_free(run);
    recorder_free(out);
    recorder_free(early);
    recorder_free(create);
}

/* ---- Sessions and API handles ---- */

struct pending {
    struct recorder *out;
    struct recorder *send;
    struct recorder *queued;
    struct recorder *run;
    struct recorder *create;
};

static void make_pending(struct pending *p)
{
    WSMAN_COMMAND_HANDLE late = NULL;
    WSMAN_SHELL_HANDLE young = NULL;

    *p = (struct pending){ recorder_new(), recorder_new(), recorder_new(), recorder_new(),
                           recorder_new() };
    fake_hold(f->service, "Send");
    fake_hold(f->service, "Command");
    fake_hold(f->service, "Create");
    receive(shell, command, p->out);
    send_text(shell, command, "a", false, p->send);
    send_text(shell, command, "b", false, p->queued);
    WSManRunShellCommand(shell, 0, WSMAN_TEXT("late"), NULL, NULL, &p->run->async, &late);
    WSManCreateShell(f->session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &p->create->async,
                     &young);
    fake_wait(f->service, "Receive", 1);
    fake_wait(f->service, "Send", 1);
    fake_wait(f->service, "Command", 2);
    fake_wait(f->service, "Create", 2);
}

/* The close has returned: everything must have come already, so nothing is waited for. */
static void assert_pending_ended(struct pending *p)
{
    struct recorder *all[] = { p->out, p->send, p->queued, p->run, p->create };
    size_t i;

    for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        assert_int_equal(recorder_count(all[i]), 1);
        assert_aborted_once(all[i]);
        recorder_free(all[i]);
    }
}

static void *release_create(void *arg)
{
    (void)arg;
    fake_wait(f->service, "Delete", 1); /* of the other shell: the session is closing */
    fake_release(f->service, "Create");
    return NULL;
}

static void test_close_session_ends_everything_first(void **state)
{
    struct pending pending;
    pthread_t thread;

    (void)state;
    make_pending(&pending);
    assert_int_equal(pthread_create(&thread, NULL, release_create, NULL), 0);
    assert_int_equal(WSManCloseSession(f->session, 0), 0);
    assert_pending_ended(&pending);
    pthread_join(thread, NULL);
    assert_int_equal(fake_count(f->service, "Delete"), 2); /* the young one too */
    f->session = NULL;
}

static void test_deinitialize_alone_ends_everything(void **state)
{
    struct pending pending;
    pthread_t thread;

    (void)state;
    make_pending(&pending);
    assert_int_equal(pthread_create(&thread, NULL, release_create, NULL), 0);
    assert_int_equal(WSManDeinitialize(f->api, 0), 0);
    assert_pending_ended(&pending);
    pthread_join(thread, NULL);
    f->session = NULL;
    f->api = NULL;
}

/* A callback that stays inside until the session is being closed, and then as long as that takes,
 * or a while: the close must not be over before it. */
struct lingerer {
    struct recorder *recorder;
    atomic_bool is_over;    /* WSManCloseSession has returned */
    atomic_bool was_inside; /* it did so while the callback was inside */
};

static struct lingerer lingerer;

static void linger(struct recorder *recorder, const struct recorder_event *event)
{
    struct timespec start;
    struct timespec now;
    DWORD value;

    (void)recorder;
    (void)event;
    while (WSManGetSessionOptionAsDword(f->session, WSMAN_OPTION_DEFAULT_OPERATION_TIMEOUTMS,
                                        &value) == 0)
        sched_yield();
    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        if (atomic_load(&lingerer.is_over))
            atomic_store(&lingerer.was_inside, true);
        sched_yield();
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (!atomic_load(&lingerer.was_inside) &&
             (now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 < 100);
}

static struct recorder *lingerer_new(void)
{
    atomic_store(&lingerer.is_over, false);
    atomic_store(&lingerer.was_inside, false);
    lingerer.recorder = recorder_new();
    lingerer.recorder->on_event = linger;
    return lingerer.recorder;
}

static void close_around_lingerer(void)
{
    recorder_wait_inside(lingerer.recorder);
    assert_int_equal(WSManCloseSession(f->session, 0), 0);
    atomic_store(&lingerer.is_over, true);
    f->session = NULL;
}

static void free_lingerer(void)
{
    recorder_free(lingerer.recorder); /* waits until it has returned */
    assert_false(atomic_load(&lingerer.was_inside));
}

static void test_close_session_waits_for_a_running_callback(void **state)
{
    struct recorder *out = lingerer_new();

    (void)state;
    fake_push_output(f->service, "a", NULL, false);
    receive(shell, command, out);
    close_around_lingerer();
    assert_int_equal(out->waiting, 0);
    assert_aborted_once(out);
    free_lingerer();
}

/* Calls that were refused are called back by the same rule: by whatever handle they named. */
static void refuse_close_command(struct recorder *recorder)
{
    WSManCloseCommand(command, 1, &recorder->async);
}

static void refuse_close_shell(struct recorder *recorder)
{
    WSManCloseShell(shell, 1, &recorder->async);
}

static void refuse_create(struct recorder *recorder)
{
    WSMAN_SHELL_HANDLE none;

    WSManCreateShell(f->session, 2, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &recorder->async, &none);
}

static void refuse_send(struct recorder *recorder)
{
    WSMAN_OPERATION_HANDLE none;

    WSManSendShellInput(shell, command, 1, NULL, NULL, 0, &recorder->async, &none);
}

static void refuse_signal_without_shell(struct recorder *recorder)
{
    WSMAN_OPERATION_HANDLE none;

    WSManSignalShell(NULL, command, 0, WSMAN_TEXT("x"), &recorder->async, &none);
}

static void refuse_disconnect(struct recorder *recorder)
{
    disconnect(shell, 1, NULL, recorder);
}

static void refuse_reconnect_command(struct recorder *recorder)
{
    WSManReconnectShellCommand(command, 1, &recorder->async);
}

static void test_9_8_close_session_waits_for_callbacks_of_refused_calls(void **state)
{
    static void (*const calls[])(struct recorder *) = {
        refuse_close_command,
        refuse_close_shell,
        refuse_create,
        refuse_send,
        refuse_disconnect,
        refuse_reconnect_command,
        refuse_signal_without_shell,
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        if (f->session == NULL) {
            f->session = open_session(f->api, fake_service_port(f->service), true);
            shell = open_shell(f);
            command = run_command(shell, WSMAN_TEXT("cat"));
        }
        calls[i](lingerer_new());
        close_around_lingerer();
        assert_int_equal(lingerer.recorder->last_count, 1);
        free_lingerer();
    }
}

static void try_to_close_all(struct recorder *recorder, const struct recorder_event *event)
{
    (void)event;
    recorder->user = NULL;
    assert_int_equal(WSManCloseSession(f->session, 0), ERROR_POSSIBLE_DEADLOCK);
    assert_int_equal(WSManDeinitialize(f->api, 0), ERROR_POSSIBLE_DEADLOCK);
}

static void test_closing_a_session_in_a_callback_is_refused(void **state)
{
    struct recorder *recorder = recorder_new();

    (void)state;
    recorder->on_event = try_to_close_all;
    signal_command(shell, command, WSMAN_TEXT("x"), recorder);
    assert_last_code(recorder, 0);
    recorder_free(recorder);
    close_command(command); /* the session still works */
}

static struct recorder *inner;

static void run_and_close(struct recorder *recorder, const struct recorder_event *event)
{
    WSMAN_OPERATION_HANDLE operation = NULL;
    WSMAN_DATA number = { .type = WSMAN_DATA_TYPE_DWORD, .number = 30000 };
    DWORD used = 0;

    (void)recorder;
    WSManSignalShell(event->shell, event->command, 0, WSMAN_TEXT("y"), &inner->async, &operation);
    assert_int_equal(WSManCloseOperation(event->operation, 0), 0);
    assert_int_equal(
        WSManSetSessionOption(f->session, WSMAN_OPTION_DEFAULT_OPERATION_TIMEOUTMS, &number), 0);
    assert_int_equal(WSManGetErrorMessage(f->api, 0, NULL, 5, 0, NULL, &used),
                     ERROR_INSUFFICIENT_BUFFER);
}

static void test_other_calls_work_in_a_callback(void **state)
{
    struct recorder *recorder = recorder_new();

    (void)state;
    inner = recorder_new();
    recorder->on_event = run_and_close;
    signal_command(shell, command, WSMAN_TEXT("x"), recorder);
    assert_last_code(recorder, 0);
    assert_last_code(inner, 0);
    assert_before(recorder, inner);
    recorder_free(recorder);
    recorder_free(inner);
}

/* A server that does not answer must not hold the close for ever. */
static void test_close_session_gives_up_on_a_silent_server(void **state)
{
    struct recorder *close = recorder_new();

    (void)state;
    fake_hold(f->service, "Delete");
    WSManCloseShell(shell, 0, &close->async);
    fake_wait(f->service, "Delete", 1);
    assert_int_equal(WSManCloseSession(f->session, 0), 0);
    assert_int_equal(recorder_count(close), 1);
    assert_last_code(close, ERROR_OPERATION_ABORTED);
    f->session = NULL;
    fake_release(f->service, "Delete");
    recorder_free(close);
}

static void test_close_session_deletes_shells_that_are_open(void **state)
{
    (void)state;
    assert_int_equal(WSManCloseSession(f->session, 0), 0);
    f->session = NULL;
    assert_int_equal(fake_count(f->service, "Delete"), 1);
    fake_wait_open(f->service, 0);
}

static void test_the_library_starts_anew_after_the_last_deinitialize(void **state)
{
    struct recorder *recorder = recorder_new();
    WSMAN_COMMAND_HANDLE none = NULL;

    (void)state;
    assert_int_equal(WSManDeinitialize(f->api, 0), 0);
    assert_int_equal(WSManInitialize(1, &f->api), 0);
    WSManRunShellCommand(shell, 0, WSMAN_TEXT("x"), NULL, NULL, &recorder->async, &none);
    assert_last_code(recorder, ERROR_WSMAN_SHELL_ALREADY_CLOSED); /* of the life before */
    f->session = open_session(f->api, fake_service_port(f->service), true);
    shell = open_shell(f);
    close_shell(shell);
    recorder_free(recorder);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_close_operation_frees_one_that_has_ended),
        TEST(test_close_operation_lets_a_running_callback_finish),
        TEST(test_close_operation_cancels_one_that_is_going_on),
        TEST(test_close_operation_cancels_one_whose_callback_waits),
        TEST(test_close_operation_of_a_send_in_the_queue_sends_nothing),
        TEST(test_close_operation_may_be_called_in_its_own_callback),
        TEST(test_close_operation_in_a_data_callback_ends_with_one_abort),
        TEST(test_close_command_ends_what_is_pending_first),
        TEST(test_close_command_waits_for_a_running_callback),
        TEST(test_closing_what_the_server_forgot_is_success),
        TEST(test_close_command_during_run_terminates_it_later),
        TEST(test_close_shell_ends_all_and_comes_last),
        TEST(test_close_shell_during_create_deletes_it_later),
        TEST(test_close_shell_as_create_is_answered_keeps_off_the_callback),
        TEST(test_close_shell_after_a_failed_create_is_local),
        TEST(test_operations_before_the_command_runs_are_refused),
        TEST(test_close_session_ends_everything_first),
        TEST(test_deinitialize_alone_ends_everything),
        TEST(test_close_session_waits_for_a_running_callback),
        TEST(test_9_8_close_session_waits_for_callbacks_of_refused_calls),
        TEST(test_closing_a_session_in_a_callback_is_refused),
        TEST(test_other_calls_work_in_a_callback),
        TEST(test_close_session_gives_up_on_a_silent_server),
        TEST(test_close_session_deletes_shells_that_are_open),
        TEST(test_the_library_starts_anew_after_the_last_deinitialize),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
