/* Shells and their hosts: the test is the host at the other end of each connection, and
 * the monitor. */
#include "server/shell_table.h"

#include "ipc/channel.h"
#include "server/change.h"
#include "wsmerror.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define ID      "5D3C1F60-0000-4000-8000-0000000000A1"
#define CREATE  "uuid:5D3C1F60-0000-4000-8000-0000000000E1"
#define COMMAND "5D3C1F60-0000-4000-8000-0000000000C1"

struct fixture {
    uv_loop_t loop;
    struct wsm_shell_table table;
    struct wsm_channel host; /* the host's end */
    uint64_t connects;       /* how often the monitor was asked */
    uint64_t last_host_id;
    int held;    /* on_held calls */
    int started; /* on_started calls */
    uint32_t started_code;
    int ended; /* calls that ended */
    uint32_t ended_code;
};

static struct fixture *fixture;

static uint64_t connect_host(void *context, uint64_t host_id)
{
    struct fixture *f = context;

    f->last_host_id = host_id;
    return 1000 + ++f->connects;
}

static void resume(void *context, struct wsm_list *node)
{
    (void)context;
    (void)node;
    fail_msg("nothing waits in these tests");
}

static void on_quiet(void *context, struct wsm_shell *shell)
{
    (void)context;
    wsm_change_on_quiet(shell->change);
}

static void on_command_end(void *context, struct wsm_command *command, const struct wsm_error *err)
{
    (void)context;
    (void)err;
    assert_null(command->receive); /* nothing hangs on commands in these tests */
    assert_null(command->sending);
}

static void on_held(void *context, const struct wsm_shell *shell)
{
    struct fixture *f = context;

    (void)shell;
    f->held++;
}

static void on_started(struct wsm_shell *shell, const struct wsm_error *err)
{
    (void)shell;
    fixture->started++;
    fixture->started_code = err == NULL ? 0 : err->code;
}

static int setup(void **state)
{
    static const struct wsm_shell_table_events events = { connect_host, resume, on_held, on_quiet,
                                                          on_command_end };
    struct fixture *f = calloc(1, sizeof(*f));

    if (f == NULL || uv_loop_init(&f->loop) != 0)
        return -1;
    wsm_shell_table_init(&f->table, &f->loop, &events, f);
    f->host = (struct wsm_channel)WSM_CHANNEL_INIT;
    fixture = f;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    wsm_channel_close(&f->host);
    uv_run(&f->loop, UV_RUN_NOWAIT); /* shells end with their hosts */
    for (int i = 0; i < WSM_SHELL_BUCKETS; i++)
        while (!wsm_list_is_empty(&f->table.buckets[i])) {
            struct wsm_error err = { .code = ERROR_OPERATION_ABORTED };

            wsm_shell_abandon(WSM_CONTAINER_OF(f->table.buckets[i].next, struct wsm_shell, node),
                              &err);
        }
    uv_close((uv_handle_t *)&f->table.idle_timer, NULL);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    free(f);
    return 0;
}

static void turn(struct fixture *f)
{
    for (int i = 0; i < 5; i++)
        uv_run(&f->loop, UV_RUN_NOWAIT);
}

/* The monitor hands over a connection; the test keeps the other end. */
static void hand_over(struct fixture *f, uint64_t request, const char *owner)
{
    int fds[2];

    wsm_channel_close(&f->host);
    assert_true(wsm_channel_pair(fds, NULL));
    assert_true(wsm_channel_open(&f->host, fds[1], NULL));
    wsm_shell_table_on_host(&f->table, request, 77, wsm_span_str(ID), wsm_span_str(owner), fds[0]);
}

static void say(struct fixture *f, const struct wsm_message_type *type, const void *message)
{
    (void)!wsm_channel_send(&f->host, type, message, -1, NULL);
    turn(f);
}

static void greet(struct fixture *f)
{
    struct wsm_host_hello hello = { 1, 1, 0 };

    say(f, &wsm_host_hello_type, &hello);
}

static void report(struct fixture *f, bool is_open, bool with_command)
{
    struct wsm_host_shell shell = { .is_open = is_open,
                                    .input_streams = wsm_span_str("stdin"),
                                    .output_streams = wsm_span_str("stdout stderr"),
                                    .create_message_id = wsm_span_str(CREATE) };
    struct wsm_host_command command = { .command_id = wsm_span_str(COMMAND),
                                        .confirmed = { 10, 20 },
                                        .end = { 30, 20 } };
    struct wsm_host_report_end end = { 0 };

    greet(f);
    say(f, &wsm_host_shell_type, &shell);
    if (with_command)
        say(f, &wsm_host_command_type, &command);
    say(f, &wsm_host_report_end_type, &end);
}

static struct wsm_shell *found(struct fixture *f, const char *owner)
{
    return wsm_shell_find(&f->table, owner, wsm_span_str(ID));
}

static struct wsm_shell *adopted(struct fixture *f)
{
    hand_over(f, 0, "alice");
    report(f, true, true);
    assert_non_null(found(f, "alice"));
    return found(f, "alice");
}

static void on_call_end(struct wsm_host_call *call, const struct wsm_error *err)
{
    (void)call;
    fixture->ended++;
    fixture->ended_code = err == NULL ? 0 : err->code;
}

static const struct wsm_host_call_events call_events = { .on_end = on_call_end };

static void test_shell_table_adopts_what_the_host_reports(void **state)
{
    struct fixture *f = *state;
    struct wsm_shell *shell = adopted(f);
    struct wsm_command *command = wsm_command_find(shell, wsm_span_str(COMMAND));

    assert_int_equal(shell->state, WSM_SHELL_OPEN);
    assert_int_equal(shell->input_streams, WSM_STREAM_STDIN);
    assert_int_equal(shell->output_streams, 3);
    assert_non_null(command);
    assert_int_equal(command->confirmed[0], 10);
    assert_int_equal(command->confirmed[1], 20);
    assert_int_equal(command->known_end[0], 30);
    assert_int_equal(command->known_end[1], 20);
    assert_int_equal(wsm_shell_count(&f->table, "alice"), 1);
}

static void test_shell_table_keeps_owners_apart(void **state)
{
    struct fixture *f = *state;

    adopted(f);
    assert_null(found(f, "bob"));
    assert_null(found(f, "ALICE"));
    assert_int_equal(wsm_shell_count(&f->table, "bob"), 0);
}

static void test_shell_table_finds_without_case(void **state)
{
    struct fixture *f = *state;

    adopted(f);
    assert_non_null(wsm_shell_find(&f->table, "alice",
                                   wsm_span_str("uuid:5d3c1f60-0000-4000-8000-0000000000a1")));
    assert_null(wsm_shell_find(&f->table, "alice", wsm_span_str("5d3c1f60")));
    assert_null(wsm_shell_find(&f->table, "alice", wsm_span_of(NULL, 0)));
}

static struct wsm_shell *created(struct fixture *f, const char *owner, const char *message_id,
                                 const char *id)
{
    struct wsm_guid guid;

    if (id == NULL)
        return wsm_shell_find_created(&f->table, owner, message_id, NULL);
    assert_true(wsm_guid_parse(wsm_span_str(id), &guid));
    return wsm_shell_find_created(&f->table, owner, message_id, &guid);
}

static void test_shell_table_finds_what_a_create_made(void **state)
{
    static const char other[] = "5D3C1F60-0000-4000-8000-0000000000A2";
    struct fixture *f = *state;
    struct wsm_shell *shell = adopted(f);

    assert_ptr_equal(created(f, "alice", CREATE, NULL), shell);
    assert_ptr_equal(created(f, "alice", CREATE, ID), shell);
    assert_null(created(f, "alice", CREATE, other));
    assert_null(created(f, "bob", CREATE, NULL)); /* what others made does not exist */
    assert_null(created(f, "alice", CREATE "0", ID));
    assert_null(created(f, "alice", "", NULL));
    shell->create_message_id[0] = '\0'; /* too long to be remembered */
    assert_null(created(f, "alice", "", ID));
    wsm_shell_deleting(shell, NULL);
    assert_null(created(f, "alice", CREATE, ID));
}

static void test_shell_table_shell_that_is_not_reported_may_be_the_one(void **state)
{
    struct fixture *f = *state;

    hand_over(f, 0, "alice");
    greet(f);
    assert_non_null(created(f, "alice", CREATE, ID));
    assert_null(created(f, "alice", CREATE, NULL)); /* a host that hangs must not stop others */
    assert_null(created(f, "bob", CREATE, ID));
}

static void test_shell_table_host_that_was_never_told_is_no_shell(void **state)
{
    struct fixture *f = *state;

    hand_over(f, 0, "alice");
    report(f, false, false);
    assert_null(found(f, "alice"));
}

static void test_shell_table_lost_connection_is_made_anew_once(void **state)
{
    struct fixture *f = *state;
    struct wsm_shell *shell = adopted(f);
    struct wsm_command *command = wsm_command_find(shell, wsm_span_str(COMMAND));
    struct wsm_host_call call;

    wsm_host_link_expect(shell->link, &call, &call_events);
    command->confirmed[0] = 15; /* the host may not have read that yet */
    wsm_channel_close(&f->host);
    turn(f);
    assert_int_equal(shell->state, WSM_SHELL_RECONNECTING);
    assert_int_equal(f->connects, 1);
    assert_int_equal(f->last_host_id, 77);
    assert_int_equal(f->ended, 1);
    assert_int_equal(f->ended_code, ERROR_OPERATION_ABORTED);
    hand_over(f, 1001, "alice");
    assert_int_equal(shell->state, WSM_SHELL_GREETING_AGAIN);
    report(f, true, true);
    assert_int_equal(shell->state, WSM_SHELL_OPEN);
    assert_ptr_equal(wsm_command_find(shell, wsm_span_str(COMMAND)), command);
    assert_int_equal(command->confirmed[0], 15);
}

static void test_shell_table_connection_lost_again_ends_the_shell(void **state)
{
    struct fixture *f = *state;

    adopted(f);
    wsm_channel_close(&f->host);
    turn(f);
    hand_over(f, 1001, "alice");
    wsm_channel_close(&f->host);
    turn(f);
    assert_null(found(f, "alice"));
    assert_int_equal(f->connects, 1);
}

static void test_shell_table_host_that_is_gone_ends_the_shell(void **state)
{
    struct fixture *f = *state;
    struct wsm_error err = { .code = ERROR_WSMAN_UNEXPECTED_SELECTORS };

    adopted(f);
    wsm_channel_close(&f->host);
    turn(f);
    wsm_shell_table_on_host_failed(&f->table, 1001, &err);
    assert_null(found(f, "alice"));
}

static void test_shell_table_gone_ends_without_asking_the_monitor(void **state)
{
    struct fixture *f = *state;
    struct wsm_host_gone gone = { ERROR_WSMAN_UNEXPECTED_SELECTORS, wsm_span_str("idle time-out") };

    adopted(f);
    say(f, &wsm_host_gone_type, &gone);
    wsm_channel_close(&f->host);
    turn(f);
    assert_null(found(f, "alice"));
    assert_int_equal(f->connects, 0);
}

static void test_shell_table_deleted_shell_is_not_found_but_exists(void **state)
{
    struct fixture *f = *state;
    struct wsm_shell *shell = adopted(f);
    struct wsm_guid id = shell->id;

    wsm_shell_deleting(shell, NULL);
    assert_null(found(f, "alice"));
    assert_true(wsm_shell_exists(&f->table, "alice", &id));
    assert_int_equal(wsm_shell_count(&f->table, "alice"), 0);
    wsm_channel_close(&f->host);
    turn(f);
    assert_false(wsm_shell_exists(&f->table, "alice", &id));
    assert_int_equal(f->connects, 0);
}

/* A host runs as its user: whatever it sends must not harm others. */
static void ends_the_connection(struct fixture *f, const struct wsm_message_type *type,
                                const void *message)
{
    adopted(f);
    say(f, type, message);
    assert_int_equal(f->connects, 1);
}

struct deleter {
    struct wsm_shell_deleter base;
    int told;
    uint32_t code;
};

static void on_deleted(struct wsm_shell_deleter *base, const struct wsm_error *err)
{
    struct deleter *deleter = WSM_CONTAINER_OF(base, struct deleter, base);

    deleter->told++;
    deleter->code = err == NULL ? 0 : err->code;
}

static void test_shell_table_broken_connection_does_not_prove_a_deletion(void **state)
{
    struct fixture *f = *state;
    struct deleter deleter = { .base.on_end = on_deleted };
    struct wsm_error gone = { .code = ERROR_WSMAN_UNEXPECTED_SELECTORS };

    wsm_shell_deleting(adopted(f), &deleter.base);
    wsm_channel_close(&f->host);
    turn(f);
    assert_int_equal(f->connects, 1);
    assert_int_equal(deleter.told, 0);
    wsm_shell_table_on_host_failed(&f->table, 1001, &gone); /* refused: there is no host */
    assert_int_equal(deleter.told, 1);
    assert_int_equal(deleter.code, 0);
    assert_null(found(f, "alice"));
}

static void test_shell_table_host_that_is_there_again_was_not_deleted(void **state)
{
    struct fixture *f = *state;
    struct deleter deleter = { .base.on_end = on_deleted };
    struct wsm_shell *shell = adopted(f);

    wsm_shell_deleting(shell, &deleter.base);
    wsm_channel_close(&f->host);
    turn(f);
    hand_over(f, 1001, "alice");
    report(f, true, true);
    assert_int_equal(deleter.told, 1);
    assert_int_equal(deleter.code, ERROR_OPERATION_ABORTED);
    assert_ptr_equal(found(f, "alice"), shell);
    assert_int_equal(shell->state, WSM_SHELL_OPEN);
    assert_non_null(wsm_command_find(shell, wsm_span_str(COMMAND)));
}

static void test_shell_table_host_that_cannot_be_asked_may_not_be_deleted(void **state)
{
    struct fixture *f = *state;
    struct deleter deleter = { .base.on_end = on_deleted };
    struct wsm_error err = { .code = ERROR_ACCESS_DENIED };

    wsm_shell_deleting(adopted(f), &deleter.base);
    wsm_channel_close(&f->host);
    turn(f);
    wsm_shell_table_on_host_failed(&f->table, 1001, &err);
    assert_int_equal(deleter.told, 1);
    assert_int_equal(deleter.code, ERROR_ACCESS_DENIED);
}

static void test_shell_table_connection_to_a_dying_host_proves_nothing(void **state)
{
    struct fixture *f = *state;
    struct deleter deleter = { .base.on_end = on_deleted };
    struct wsm_error gone = { .code = ERROR_WSMAN_UNEXPECTED_SELECTORS };

    wsm_shell_deleting(adopted(f), &deleter.base);
    wsm_channel_close(&f->host);
    turn(f);
    hand_over(f, 1001, "alice"); /* its socket listened still */
    wsm_channel_close(&f->host);
    turn(f);
    assert_int_equal(deleter.told, 0);
    assert_int_equal(f->connects, 2);
    wsm_shell_table_on_host_failed(&f->table, 1002, &gone);
    assert_int_equal(deleter.told, 1);
    assert_int_equal(deleter.code, 0);
}

static void test_shell_table_connection_lost_again_and_again_may_not_be_deleted(void **state)
{
    struct fixture *f = *state;
    struct deleter deleter = { .base.on_end = on_deleted };

    wsm_shell_deleting(adopted(f), &deleter.base);
    wsm_channel_close(&f->host);
    turn(f);
    hand_over(f, 1001, "alice");
    wsm_channel_close(&f->host);
    turn(f);
    hand_over(f, 1002, "alice");
    wsm_channel_close(&f->host);
    turn(f);
    assert_int_equal(deleter.told, 1);
    assert_int_equal(deleter.code, ERROR_OPERATION_ABORTED);
}

static void test_shell_table_gone_is_deleted(void **state)
{
    struct fixture *f = *state;
    struct deleter deleter = { .base.on_end = on_deleted };
    struct wsm_host_gone gone = { ERROR_WSMAN_UNEXPECTED_SELECTORS, wsm_span_str("idle time-out") };

    wsm_shell_deleting(adopted(f), &deleter.base);
    say(f, &wsm_host_gone_type, &gone);
    wsm_channel_close(&f->host);
    turn(f);
    assert_int_equal(f->connects, 0);
    assert_int_equal(deleter.told, 1);
    assert_int_equal(deleter.code, 0);
}

/* INSPECT. */

struct inspection {
    struct wsm_host_call call;
    int shells;
    int commands;
    int ends;
    uint32_t code;
};

static void on_inspected_shell(struct wsm_host_call *call, const struct wsm_host_shell *shell)
{
    (void)shell;
    WSM_CONTAINER_OF(call, struct inspection, call)->shells++;
}

static void on_inspected_command(struct wsm_host_call *call, const struct wsm_host_command *command)
{
    (void)command;
    WSM_CONTAINER_OF(call, struct inspection, call)->commands++;
}

static void on_inspected(struct wsm_host_call *call, const struct wsm_error *err)
{
    struct inspection *inspection = WSM_CONTAINER_OF(call, struct inspection, call);

    inspection->ends++;
    inspection->code = err == NULL ? 0 : err->code;
}

static void inspect(struct wsm_shell *shell, struct inspection *inspection)
{
    static const struct wsm_host_call_events events = { .on_end = on_inspected,
                                                        .on_shell = on_inspected_shell,
                                                        .on_command = on_inspected_command };

    *inspection = (struct inspection){ 0 };
    assert_true(wsm_host_link_inspect(shell->link, &inspection->call, &events, NULL));
}

static void test_shell_table_report_that_was_asked_for_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct wsm_shell *shell = adopted(f);
    struct wsm_host_shell report = { .is_open = 1, .connection = WSM_HOST_DISCONNECTED };
    struct wsm_host_command command = { .command_id = wsm_span_str(ID) };
    struct inspection first;
    struct inspection second;
    struct wsm_host_call call;
    struct wsm_host_report_end end;
    struct wsm_host_done done;

    inspect(shell, &first);
    inspect(shell, &second);
    done.request = wsm_host_link_expect(shell->link, &call, &call_events);
    say(f, &wsm_host_shell_type, &report);
    say(f, &wsm_host_done_type, &done); /* answers to others may come between */
    say(f, &wsm_host_command_type, &command);
    end.request = first.call.number;
    say(f, &wsm_host_report_end_type, &end);
    assert_int_equal(f->ended, 1);
    assert_int_equal(first.shells + first.commands + first.ends, 3);
    assert_int_equal(first.code, 0);
    assert_int_equal(second.shells + second.ends, 0);
    assert_int_equal(shell->holder.connection, WSM_HOST_CONNECTED);
    assert_null(wsm_command_find(shell, wsm_span_str(ID)));
    say(f, &wsm_host_shell_type, &report);
    end.request = second.call.number;
    say(f, &wsm_host_report_end_type, &end);
    assert_int_equal(second.shells + second.ends, 2);
    assert_int_equal(f->connects, 0);
}

static void test_shell_table_report_for_another_number_ends_the_connection(void **state)
{
    struct fixture *f = *state;
    struct wsm_shell *shell = adopted(f);
    struct wsm_host_shell report = { .is_open = 1 };
    struct wsm_host_report_end end = { 4711 };
    struct inspection inspection;

    inspect(shell, &inspection);
    say(f, &wsm_host_shell_type, &report);
    say(f, &wsm_host_report_end_type, &end);
    assert_int_equal(f->connects, 1);
    assert_int_equal(inspection.ends, 1);
    assert_int_equal(inspection.code, ERROR_OPERATION_ABORTED);
}

static void test_shell_table_unasked_report_ends_the_connection(void **state)
{
    struct wsm_host_shell report = { .is_open = 1 };

    ends_the_connection(*state, &wsm_host_shell_type, &report);
}

static void test_shell_table_inspections_have_a_limit(void **state)
{
    static struct inspection inspections[WSM_INSPECTIONS_MAX];
    static const struct wsm_host_call_events events = { .on_end = on_inspected };
    struct fixture *f = *state;
    struct wsm_shell *shell = adopted(f);
    struct wsm_host_shell report = { .is_open = 1 };
    struct wsm_host_report_end end;
    struct wsm_error err = WSM_ERROR_INIT;
    struct inspection last = { 0 };

    for (size_t i = 0; i < WSM_INSPECTIONS_MAX; i++)
        inspect(shell, &inspections[i]);
    assert_false(wsm_host_link_inspect(shell->link, &last.call, &events, &err));
    assert_int_equal(err.code, ERROR_BUSY);
    wsm_error_clear(&err);
    end.request = inspections[0].call.number;
    say(f, &wsm_host_shell_type, &report);
    say(f, &wsm_host_report_end_type, &end);
    assert_int_equal(inspections[0].ends, 1);
    assert_true(wsm_host_link_inspect(shell->link, &last.call, &events, NULL));
    wsm_channel_close(&f->host);
    turn(f);
    assert_int_equal(last.ends, 1);
    assert_int_equal(inspections[WSM_INSPECTIONS_MAX - 1].code, ERROR_OPERATION_ABORTED);
}

static void test_shell_table_inspection_may_be_refused(void **state)
{
    struct fixture *f = *state;
    struct inspection inspection;
    struct wsm_host_failed failed = { .code = ERROR_BUSY };

    inspect(adopted(f), &inspection);
    failed.request = inspection.call.number;
    say(f, &wsm_host_failed_type, &failed);
    assert_int_equal(inspection.ends, 1);
    assert_int_equal(inspection.code, ERROR_BUSY);
}

/* Changes of who holds it. */

/* The next frame that net sent to the host, of that type; others before it are dropped. */
static bool heard(struct fixture *f, const struct wsm_message_type *type, void *message)
{
    struct wsm_frame frame;
    int fd = -1;

    turn(f);
    while (wsm_channel_receive(&f->host, &frame, &fd, NULL) == WSM_CHANNEL_MESSAGE)
        if (frame.type == type->type)
            return wsm_message_parse(type, frame.payload, message);
    return false;
}

static struct wsm_shell *held(struct fixture *f)
{
    struct wsm_shell *shell = adopted(f);

    wsm_holder_create(&shell->holder, wsm_span_str("session"), 1, true);
    return shell;
}

static void test_shell_table_change_waits_for_what_is_under_way(void **state)
{
    struct fixture *f = *state;
    struct wsm_shell *shell = held(f);
    struct wsm_host_disconnect message;
    struct wsm_host_done done;

    assert_false(wsm_change_holds(&f->table, "alice", "other"));
    assert_false(wsm_change_holds(&f->table, "bob", "session"));
    assert_true(wsm_change_holds(&f->table, "alice", "SESSION"));
    wsm_shell_enter(shell);
    wsm_shell_enter(shell);
    wsm_change_let_go(&f->table, "alice", "session");
    assert_non_null(shell->change);
    wsm_shell_leave(shell);
    assert_false(heard(f, &wsm_host_disconnect_type, &message));
    wsm_shell_leave(shell);
    assert_true(heard(f, &wsm_host_disconnect_type, &message));
    assert_int_equal(message.is_automatic, 1);
    assert_int_equal(message.idle_timeout_ms, -1);
    assert_int_equal(message.buffer_mode, WSM_HOST_BUFFER_UNCHANGED);
    assert_true(wsm_span_is(message.session_id, "session"));
    wsm_change_let_go(&f->table, "alice", "session"); /* one at a time */
    wsm_shell_enter(shell);
    wsm_shell_leave(shell);
    assert_int_equal(shell->holder.connection, WSM_HOST_CONNECTED);
    done.request = message.request;
    say(f, &wsm_host_done_type, &done);
    assert_null(shell->change);
    assert_int_equal(shell->holder.connection, WSM_HOST_AUTO_DISCONNECTED);
    assert_false(wsm_change_holds(&f->table, "alice", "session"));
    assert_false(heard(f, &wsm_host_disconnect_type, &message));
}

static void test_shell_table_change_that_the_host_refuses_is_none(void **state)
{
    struct fixture *f = *state;
    struct wsm_shell *shell = held(f);
    struct wsm_host_disconnect message;
    struct wsm_host_failed failed = { .code = ERROR_OUTOFMEMORY };

    wsm_change_let_go(&f->table, "alice", "session");
    assert_true(heard(f, &wsm_host_disconnect_type, &message));
    failed.request = message.request;
    say(f, &wsm_host_failed_type, &failed);
    assert_null(shell->change);
    assert_int_equal(shell->holder.connection, WSM_HOST_CONNECTED);
}

static void test_shell_table_change_ends_with_the_connection(void **state)
{
    struct fixture *f = *state;
    struct wsm_shell *shell = held(f);

    wsm_change_let_go(&f->table, "alice", "session");
    wsm_channel_close(&f->host);
    turn(f);
    assert_null(shell->change);
    assert_int_equal(shell->state, WSM_SHELL_RECONNECTING);
    assert_int_equal(shell->holder.connection, WSM_HOST_CONNECTED); /* the report will tell */
}

static void on_user_end(struct wsm_host_call *call, const struct wsm_error *err)
{
    (void)call;
    (void)err;
    wsm_shell_leave(found(fixture, "alice"));
}

/* The last one under way ends because the connection did: the change must not begin then. */
static void test_shell_table_change_that_waits_ends_with_the_connection(void **state)
{
    static const struct wsm_host_call_events events = { .on_end = on_user_end };
    struct fixture *f = *state;
    struct wsm_shell *shell = held(f);
    struct wsm_host_call call;

    wsm_shell_enter(shell);
    wsm_host_link_expect(shell->link, &call, &events);
    wsm_change_let_go(&f->table, "alice", "session");
    wsm_channel_close(&f->host);
    turn(f);
    assert_null(shell->change);
    assert_int_equal(shell->users, 0);
    assert_int_equal(shell->state, WSM_SHELL_RECONNECTING);
}

static void test_shell_table_only_what_can_be_disconnected_is_let_go_of(void **state)
{
    struct fixture *f = *state;
    struct wsm_shell *shell = held(f);

    shell->holder.can_disconnect = false;
    wsm_change_let_go(&f->table, "alice", "session");
    assert_null(shell->change);
    wsm_holder_create(&shell->holder, wsm_span_str("session"), 1, true);
    shell->holder.connection = WSM_HOST_DISCONNECTED;
    wsm_change_let_go(&f->table, "alice", "session");
    assert_null(shell->change);
}

static void test_shell_table_holders_are_told_of(void **state)
{
    struct fixture *f = *state;

    adopted(f);
    assert_int_equal(f->held, 1);
    wsm_channel_close(&f->host);
    turn(f);
    hand_over(f, 1001, "alice");
    report(f, true, true);
    assert_int_equal(f->held, 2);
}

static void test_shell_table_creator_is_told(void **state)
{
    struct fixture *f = *state;
    struct wsm_guid id;
    struct wsm_shell *shell;

    assert_true(wsm_guid_parse(wsm_span_str(ID), &id));
    shell = wsm_shell_add(&f->table, "alice", &id);
    shell->on_started = on_started;
    shell->monitor_request = 5;
    hand_over(f, 5, "alice");
    report(f, false, false);
    assert_int_equal(f->started, 1);
    assert_int_equal(f->started_code, 0);
    assert_int_equal(shell->state, WSM_SHELL_OPENING);
    wsm_shell_opened(shell);
    assert_int_equal(shell->state, WSM_SHELL_OPEN);
}

static void test_shell_table_creator_is_told_of_failure(void **state)
{
    struct fixture *f = *state;
    struct wsm_error err = { .code = ERROR_ACCESS_DENIED };
    struct wsm_guid id;
    struct wsm_shell *shell;

    assert_true(wsm_guid_parse(wsm_span_str(ID), &id));
    shell = wsm_shell_add(&f->table, "alice", &id);
    shell->on_started = on_started;
    shell->monitor_request = 5;
    wsm_shell_table_on_host_failed(&f->table, 6, &err); /* somebody else's */
    assert_int_equal(f->started, 0);
    wsm_shell_table_on_host_failed(&f->table, 5, &err);
    assert_int_equal(f->started, 1);
    assert_int_equal(f->started_code, ERROR_ACCESS_DENIED);
    assert_null(found(f, "alice"));
}

static void test_shell_table_host_that_dies_before_it_is_open_fails_the_creator(void **state)
{
    struct fixture *f = *state;
    struct wsm_guid id;
    struct wsm_shell *shell;

    assert_true(wsm_guid_parse(wsm_span_str(ID), &id));
    shell = wsm_shell_add(&f->table, "alice", &id);
    shell->on_started = on_started;
    shell->monitor_request = 5;
    hand_over(f, 5, "alice");
    wsm_channel_close(&f->host);
    turn(f);
    assert_int_equal(f->started_code, ERROR_OPERATION_ABORTED);
    assert_null(found(f, "alice"));
}

static void test_shell_table_unasked_connection_is_closed(void **state)
{
    struct fixture *f = *state;
    char byte;

    hand_over(f, 4711, "alice");
    assert_int_equal(recv(f->host.fd, &byte, 1, 0), 0);
    assert_null(found(f, "alice"));
}

static void test_shell_table_second_hello_ends_the_connection(void **state)
{
    struct wsm_host_hello hello = { 1, 1, 0 };

    ends_the_connection(*state, &wsm_host_hello_type, &hello);
}

static void test_shell_table_late_report_ends_the_connection(void **state)
{
    struct wsm_host_command command = { .command_id = wsm_span_str(COMMAND) };

    ends_the_connection(*state, &wsm_host_command_type, &command);
}

static void test_shell_table_message_of_net_ends_the_connection(void **state)
{
    struct wsm_host_delete message = { 1 };

    ends_the_connection(*state, &wsm_host_delete_type, &message);
}

static void test_shell_table_unknown_stream_ends_the_connection(void **state)
{
    struct wsm_host_output output = { .request = 1, .stream = 2 };

    ends_the_connection(*state, &wsm_host_output_type, &output);
}

static void test_shell_table_answer_to_something_else_ends_the_connection(void **state)
{
    struct fixture *f = *state;
    struct wsm_shell *shell = adopted(f);
    struct wsm_host_call call;
    struct wsm_host_answer answer = { .request = wsm_host_link_expect(shell->link, &call,
                                                                      &call_events) };

    say(f, &wsm_host_answer_type, &answer); /* only a FETCH has one */
    assert_int_equal(f->connects, 1);
    assert_int_equal(f->ended, 1);
}

static void test_shell_table_answers_to_nothing_are_skipped(void **state)
{
    struct fixture *f = *state;
    struct wsm_shell *shell = adopted(f);
    struct wsm_host_done done = { 99 };
    struct wsm_host_failed failed = { .request = 98, .code = 5 };
    struct wsm_host_output output = { .request = 97, .data = wsm_span_str("late") };
    struct wsm_host_answer answer = { .request = 97 };

    say(f, &wsm_host_done_type, &done);
    say(f, &wsm_host_failed_type, &failed);
    say(f, &wsm_host_output_type, &output);
    say(f, &wsm_host_answer_type, &answer);
    assert_int_equal(shell->state, WSM_SHELL_OPEN);
    assert_int_equal(f->connects, 0);
}

static void test_shell_table_other_version_is_no_shell(void **state)
{
    struct fixture *f = *state;
    struct wsm_host_hello hello = { 2, 9, 0 };

    hand_over(f, 0, "alice");
    say(f, &wsm_host_hello_type, &hello);
    assert_null(found(f, "alice"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_shell_table_adopts_what_the_host_reports),
        TEST(test_shell_table_keeps_owners_apart),
        TEST(test_shell_table_finds_without_case),
        TEST(test_shell_table_finds_what_a_create_made),
        TEST(test_shell_table_shell_that_is_not_reported_may_be_the_one),
        TEST(test_shell_table_host_that_was_never_told_is_no_shell),
        TEST(test_shell_table_lost_connection_is_made_anew_once),
        TEST(test_shell_table_connection_lost_again_ends_the_shell),
        TEST(test_shell_table_host_that_is_gone_ends_the_shell),
        TEST(test_shell_table_gone_ends_without_asking_the_monitor),
        TEST(test_shell_table_deleted_shell_is_not_found_but_exists),
        TEST(test_shell_table_broken_connection_does_not_prove_a_deletion),
        TEST(test_shell_table_host_that_is_there_again_was_not_deleted),
        TEST(test_shell_table_host_that_cannot_be_asked_may_not_be_deleted),
        TEST(test_shell_table_connection_to_a_dying_host_proves_nothing),
        TEST(test_shell_table_connection_lost_again_and_again_may_not_be_deleted),
        TEST(test_shell_table_gone_is_deleted),
        TEST(test_shell_table_report_that_was_asked_for_changes_nothing),
        TEST(test_shell_table_report_for_another_number_ends_the_connection),
        TEST(test_shell_table_unasked_report_ends_the_connection),
        TEST(test_shell_table_inspections_have_a_limit),
        TEST(test_shell_table_inspection_may_be_refused),
        TEST(test_shell_table_change_waits_for_what_is_under_way),
        TEST(test_shell_table_change_that_the_host_refuses_is_none),
        TEST(test_shell_table_change_ends_with_the_connection),
        TEST(test_shell_table_change_that_waits_ends_with_the_connection),
        TEST(test_shell_table_only_what_can_be_disconnected_is_let_go_of),
        TEST(test_shell_table_holders_are_told_of),
        TEST(test_shell_table_creator_is_told),
        TEST(test_shell_table_creator_is_told_of_failure),
        TEST(test_shell_table_host_that_dies_before_it_is_open_fails_the_creator),
        TEST(test_shell_table_unasked_connection_is_closed),
        TEST(test_shell_table_second_hello_ends_the_connection),
        TEST(test_shell_table_late_report_ends_the_connection),
        TEST(test_shell_table_message_of_net_ends_the_connection),
        TEST(test_shell_table_unknown_stream_ends_the_connection),
        TEST(test_shell_table_answer_to_something_else_ends_the_connection),
        TEST(test_shell_table_answers_to_nothing_are_skipped),
        TEST(test_shell_table_other_version_is_no_shell),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
