/* Disconnect and Reconnect through the public API against the real service (with_service.py
 * starts it): each situation that a shell can be in, with and without an idle time-out, in
 * each buffer mode. Every cell checks the callbacks (how many, in which order, with what),
 * what the service says about the shell, and every byte of what was under way. */
#include "live.h"
#include "payload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wsmerror.h>

#include <cmocka.h>

enum situation {
    NO_COMMAND,
    SILENT_COMMAND,
    FLOODING_COMMAND,
    FINISHED_COMMAND,
    PENDING_SEND,
    RECEIVE_ON_SHELL,
    RECEIVE_ON_COMMAND,
    CANCELLED_RECEIVE,
    SITUATIONS,
};

static const char *const situation_names[SITUATIONS] = {
    "no command",   "silent command",   "flooding command",   "finished command",
    "pending Send", "Receive on shell", "Receive on command", "cancelled Receive",
};

static const struct mode {
    const char *name;
    DWORD flags;
    const char *reported; /* bufferMode of the listing */
} modes[] = {
    { "no flag", 0, "Block" }, /* what the shell was created with */
    { "DROP", WSMAN_FLAG_SERVER_BUFFERING_MODE_DROP, "Drop" },
    { "BLOCK", WSMAN_FLAG_SERVER_BUFFERING_MODE_BLOCK, "Block" },
};

enum {
    MODES = 3,
    CELLS = SITUATIONS * 2 * MODES,
    SEED = 11,
    FLOOD = 6 << 20,       /* bytes of each stream: more than the service and its pipes hold */
    FLOOD_BEFORE = 300000, /* received before the shell is left */
    FLOOD_KEPT = 1 << 20,  /* the service must hold so much at least */
    INPUT = 256 << 10,     /* more than a pipe holds */
    SMALL = 100000,
    CREATE_IDLE_MS = 600000,
    NEW_IDLE_MS = 90000,
};

struct kept {
    uint8_t *data; /* owned */
    size_t len;
};

struct cell {
    enum situation situation;
    bool has_info;
    const struct mode *mode;
    char name[64];
};

/* One run of a cell. */
struct run {
    const struct cell *cell;
    WSMAN_SHELL_HANDLE shell;
    WSMAN_COMMAND_HANDLE command;
    WSMAN_OPERATION_HANDLE receive, send;
    struct live_call created, sent;
    struct live_output output, second;
    struct kept kept[LIVE_STREAMS];
    uint8_t input[INPUT];
    char flag_file[256];
    pthread_mutex_t gate_lock;
    pthread_cond_t gate_open;
    bool is_gated; /* callbacks with output wait */
};

static WSMAN_API_HANDLE api;
static WSMAN_SESSION_HANDLE session;
static struct cell cells[CELLS];

/* What the service says. */

struct seen {
    bool is_there, has_exit_code;
    char id[64], state[32], mode[32];
    DWORD idle_ms, exit_code;
    uint64_t kept, dropped;
};

struct listing {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    const char *name; /* of the shell looked for; NULL: its only command */
    struct seen seen;
    DWORD code;
    unsigned ends;
};

static void narrow(char *out, size_t size, PCWSTR text)
{
    char *utf8 = WSManExtUtf16ToUtf8(text);

    snprintf(out, size, "%s", utf8 == NULL ? "" : utf8);
    WSManExtFree(utf8);
}

static void see_shell(struct listing *listing, const WSMAN_EXT_SHELL *shell)
{
    char name[64];

    narrow(name, sizeof(name), shell->name);
    if (strcmp(name, listing->name) != 0)
        return;
    assert_false(listing->seen.is_there);
    listing->seen.is_there = true;
    listing->seen.idle_ms = shell->idleTimeoutMs;
    narrow(listing->seen.id, sizeof(listing->seen.id), shell->shellId);
    narrow(listing->seen.state, sizeof(listing->seen.state), shell->state);
    narrow(listing->seen.mode, sizeof(listing->seen.mode), shell->bufferMode);
}

static void see_command(struct listing *listing, const WSMAN_EXT_COMMAND *command)
{
    assert_false(listing->seen.is_there);
    listing->seen.is_there = true;
    listing->seen.has_exit_code = command->hasExitCode;
    listing->seen.exit_code = command->exitCode;
    for (DWORD i = 0; i < command->streamCount; i++) {
        listing->seen.kept += command->streams[i].end - command->streams[i].confirmed;
        listing->seen.dropped += command->streams[i].dropped;
    }
}

static void CALLBACK on_listing(PVOID context, DWORD flags, WSMAN_ERROR *error,
                                WSMAN_OPERATION_HANDLE operation, const WSMAN_EXT_LIST *list)
{
    struct listing *listing = context;

    (void)operation;
    pthread_mutex_lock(&listing->lock);
    listing->code = error->code;
    if (list != NULL && listing->name != NULL)
        for (DWORD i = 0; i < list->shellCount; i++)
            see_shell(listing, &list->shells[i]);
    if (list != NULL && listing->name == NULL)
        for (DWORD i = 0; i < list->commandCount; i++)
            see_command(listing, &list->commands[i]);
    if ((flags & WSMAN_FLAG_CALLBACK_END_OF_OPERATION) != 0)
        listing->ends++;
    pthread_cond_broadcast(&listing->changed);
    pthread_mutex_unlock(&listing->lock);
}

/* Of the shell with that name; or of the only command of the shell with that id. */
static struct seen look(const char *name, const char *shell_id)
{
    struct listing listing = { .lock = PTHREAD_MUTEX_INITIALIZER,
                               .changed = PTHREAD_COND_INITIALIZER,
                               .name = name };
    PWSTR id = WSManExtUtf8ToUtf16(shell_id);
    WSMAN_OPERATION_HANDLE operation;

    if (name != NULL)
        WSManExtListShells(session, 0, &listing, on_listing, &operation);
    else
        WSManExtListCommands(session, 0, id, &listing, on_listing, &operation);
    pthread_mutex_lock(&listing.lock);
    while (listing.ends == 0) /* the program's time-out is the deadline */
        pthread_cond_wait(&listing.changed, &listing.lock);
    pthread_mutex_unlock(&listing.lock);
    WSManCloseOperation(operation, 0);
    WSManExtFree(id);
    assert_int_equal(listing.code, 0);
    assert_int_equal(listing.ends, 1);
    return listing.seen;
}

static struct seen look_at_shell(const struct run *run)
{
    struct seen seen = look(run->cell->name, NULL);

    assert_true(seen.is_there);
    return seen;
}

static struct seen look_at_command(const struct run *run)
{
    struct seen shell = look_at_shell(run), seen = look(NULL, shell.id);

    assert_true(seen.is_there);
    return seen;
}

static void short_pause(void)
{
    const struct timespec pause = { .tv_nsec = 2000000 };

    nanosleep(&pause, NULL);
}

static void wait_until_done(const struct run *run, DWORD exit_code)
{
    struct seen seen;

    while (seen = look_at_command(run), !seen.has_exit_code)
        short_pause();
    assert_int_equal(seen.exit_code, exit_code);
}

/* The parts of a cell. */

static void keep(struct live_output *output, int stream, const uint8_t *data, size_t len)
{
    struct run *run = output->user;
    struct kept *kept = &run->kept[stream];

    assert_true(len <= FLOOD - kept->len);
    memcpy(kept->data + kept->len, data, len);
    kept->len += len;
    if (run->kept[0].len + run->kept[1].len < FLOOD_BEFORE)
        return;
    pthread_mutex_lock(&run->gate_lock);
    while (run->is_gated)
        pthread_cond_wait(&run->gate_open, &run->gate_lock);
    pthread_mutex_unlock(&run->gate_lock);
}

static void open_gate(struct run *run)
{
    pthread_mutex_lock(&run->gate_lock);
    run->is_gated = false;
    pthread_cond_broadcast(&run->gate_open);
    pthread_mutex_unlock(&run->gate_lock);
}

static void output_init(struct run *run, struct live_output *output)
{
    live_output_init(output);
    output->on_data = keep;
    output->user = run;
}

static struct run *run_new(const struct cell *cell)
{
    struct run *run = calloc(1, sizeof(*run));

    assert_non_null(run);
    run->cell = cell;
    for (int i = 0; i < LIVE_STREAMS; i++)
        assert_non_null(run->kept[i].data = malloc(FLOOD));
    pthread_mutex_init(&run->gate_lock, NULL);
    pthread_cond_init(&run->gate_open, NULL);
    live_call_init(&run->created);
    live_call_init(&run->sent);
    output_init(run, &run->output);
    output_init(run, &run->second);
    snprintf(run->flag_file, sizeof(run->flag_file), "%s/go-on.%td", getenv("TEST_FOLDER"),
             cell - cells);
    return run;
}

static void run_free(struct run *run)
{
    live_output_clear(&run->output);
    live_output_clear(&run->second);
    live_call_clear(&run->created);
    live_call_clear(&run->sent);
    for (int i = 0; i < LIVE_STREAMS; i++)
        free(run->kept[i].data);
    free(run);
}

static void create_shell(struct run *run)
{
    PWSTR name = WSManExtUtf8ToUtf16(run->cell->name);
    WSMAN_SHELL_STARTUP_INFO startup = { .idleTimeoutMs = CREATE_IDLE_MS, .name = name };

    WSManCreateShell(session, 0, WSMAN_CMDSHELL_URI, &startup, NULL, NULL, &run->created.async,
                     &run->shell);
    live_call_expect(&run->created, "WSManCreateShell");
    WSManExtFree(name);
    assert_true(run->created.flags & WSMAN_FLAG_CALLBACK_SHELL_SUPPORTS_DISCONNECT);
}

static void start_flood(struct run *run)
{
    char line[512];

    snprintf(line, sizeof(line), "%s/words both %d %d 60000; exit 5", getenv("TEST_BIN"), SEED,
             FLOOD);
    run->is_gated = true;
    run->command = live_run(run->shell, line);
    run->receive = live_receive(run->shell, run->command, &run->output);
    /* The callback that has the gate's bytes waits inside: so these are not counted yet. */
    while (look_at_command(run).kept < FLOOD_KEPT)
        short_pause();
}

static void start_pending_send(struct run *run)
{
    char line[512];

    snprintf(line, sizeof(line),
             "until [ -e %s ]; do sleep 0.02; done; %s/words check %d 0 %d >&2; exit $?",
             run->flag_file, getenv("TEST_BIN"), SEED, INPUT);
    run->command = live_run(run->shell, line);
    payload_fill(SEED, 0, run->input, INPUT);
    run->send = live_start_send(run->shell, run->command, run->input, INPUT, true, &run->sent);
}

static void begin(struct run *run)
{
    char line[512];

    switch (run->cell->situation) {
    case NO_COMMAND:
        break;
    case SILENT_COMMAND:
        run->command = live_run(run->shell, "read line; echo \"got $line\"; exit 3");
        break;
    case FLOODING_COMMAND:
        start_flood(run);
        break;
    case FINISHED_COMMAND:
        snprintf(line, sizeof(line), "%s/words make %d %d; exit 4", getenv("TEST_BIN"), SEED,
                 SMALL);
        run->command = live_run(run->shell, line);
        wait_until_done(run, 4);
        break;
    case PENDING_SEND:
        start_pending_send(run);
        break;
    case RECEIVE_ON_SHELL:
        run->receive = live_receive(run->shell, NULL, &run->output);
        break;
    case RECEIVE_ON_COMMAND:
    case CANCELLED_RECEIVE:
        run->command = live_run(run->shell, "echo early; read line; echo \"got $line\"; exit 3");
        run->receive = live_receive(run->shell, run->command, &run->output);
        live_output_wait_bytes(&run->output, 6, "early");
        break;
    case SITUATIONS:
        fail();
    }
    if (run->cell->situation == CANCELLED_RECEIVE) {
        assert_int_equal(WSManCloseOperation(run->receive, 0), 0);
        live_output_wait(&run->output, "cancelled Receive");
        assert_int_equal(run->output.code, ERROR_OPERATION_ABORTED);
    }
}

static void check_completion(const struct live_call *call, const struct run *run,
                             WSMAN_COMMAND_HANDLE command)
{
    assert_int_equal(call->ends, 1);
    assert_int_equal(call->others, 0);
    assert_int_equal(call->flags, WSMAN_FLAG_CALLBACK_END_OF_OPERATION);
    assert_ptr_equal(call->shell, run->shell);
    assert_ptr_equal(call->command, command);
    assert_null(call->operation);
    assert_false(call->has_data);
}

/* What happened before must have been told before. */
static void check_order(struct run *run, const struct live_call *call)
{
    switch (run->cell->situation) {
    case PENDING_SEND:
        assert_int_equal(run->sent.ends, 1);
        assert_int_equal(run->sent.code, 0);
        assert_true(run->sent.order < call->order);
        break;
    case FLOODING_COMMAND:
    case RECEIVE_ON_COMMAND:
        assert_int_equal(run->output.ends, 0); /* it sleeps */
        assert_true(run->output.last_order < call->order);
        break;
    default:
        break;
    }
}

static void leave(struct run *run)
{
    WSMAN_SHELL_DISCONNECT_INFO *info = run->cell->has_info ? malloc(sizeof(*info)) : NULL;
    struct live_call call;

    live_call_init(&call);
    if (info != NULL)
        info->idleTimeoutMs = NEW_IDLE_MS;
    WSManDisconnectShell(run->shell, run->cell->mode->flags, info, &call.async);
    if (info != NULL)
        memset(info, 0xEE, sizeof(*info));
    free(info);
    open_gate(run);
    live_call_expect(&call, "WSManDisconnectShell");
    check_order(run, &call);
    check_completion(&call, run, NULL);
    live_call_clear(&call);
}

/* The calls that a disconnected shell refuses: each with one callback, and nothing is sent. */
static void try_what_is_refused(struct run *run)
{
    WSMAN_OPERATION_HANDLE operation;
    WSMAN_COMMAND_HANDLE command;
    struct live_call call;

    live_call_init(&call);
    WSManRunShellCommand(run->shell, 0, WSMAN_TEXT("true"), NULL, NULL, &call.async, &command);
    assert_int_equal(live_call_wait(&call, "WSManRunShellCommand"), ERROR_WINRS_SHELL_DISCONNECTED);
    live_call_clear(&call);
    live_call_init(&call);
    WSManDisconnectShell(run->shell, 0, NULL, &call.async);
    assert_int_equal(live_call_wait(&call, "WSManDisconnectShell"),
                     ERROR_WINRS_SHELL_DISCONNECT_OPERATION_NOT_VALID);
    live_call_clear(&call);
    if (run->command == NULL)
        return;
    live_call_init(&call);
    WSManSignalShell(run->shell, run->command, 0, WSMAN_SIGNAL_SHELL_CODE_CTRL_C, &call.async,
                     &operation);
    assert_int_equal(live_call_wait(&call, "WSManSignalShell"), ERROR_WINRS_SHELL_DISCONNECTED);
    WSManCloseOperation(operation, 0);
    live_call_clear(&call);
}

static void away(struct run *run)
{
    bool is_drop = run->cell->mode->flags == WSMAN_FLAG_SERVER_BUFFERING_MODE_DROP;
    uint64_t before = live_output_bytes(&run->output);
    struct seen seen = look_at_shell(run);

    assert_string_equal(seen.state, "Disconnected");
    assert_string_equal(seen.mode, run->cell->mode->reported);
    assert_int_equal(seen.idle_ms, run->cell->has_info ? NEW_IDLE_MS : CREATE_IDLE_MS);
    try_what_is_refused(run);
    if (run->cell->situation == FLOODING_COMMAND && is_drop) {
        wait_until_done(run, 5); /* nobody reads, and it is not held up */
    } else if (run->cell->situation == FLOODING_COMMAND) {
        seen = look_at_command(run);
        assert_false(seen.has_exit_code);
        assert_true(seen.dropped == 0);
    }
    assert_true(live_output_bytes(&run->output) == before);
}

static void come_back(struct run *run)
{
    struct live_call call;

    live_call_init(&call);
    WSManReconnectShell(run->shell, 0, &call.async);
    live_call_expect(&call, "WSManReconnectShell");
    check_completion(&call, run, NULL);
    live_call_clear(&call);
    assert_string_equal(look_at_shell(run).state, "Connected");
    if (run->command == NULL)
        return;
    live_call_init(&call);
    WSManReconnectShellCommand(run->command, 0, &call.async);
    live_call_expect(&call, "WSManReconnectShellCommand");
    check_completion(&call, run, run->command);
    live_call_clear(&call);
}

static void check_end(struct live_output *output, DWORD exit_code)
{
    live_output_wait(output, "WSManReceiveShellOutput");
    if (output->code != 0)
        fail_msg("Receive ended with %u: %s", output->code, output->detail);
    assert_int_equal(output->ends, 1);
    assert_int_equal(output->late, 0);
    assert_true(output->is_done);
    assert_int_equal(output->exit_code, exit_code);
}

static void check_text(const struct kept *kept, const char *text)
{
    assert_int_equal(kept->len, strlen(text));
    assert_memory_equal(kept->data, text, kept->len);
}

static void check_payload(uint64_t seed, const uint8_t *data, size_t len, uint64_t offset)
{
    struct payload_checker checker;

    payload_checker_init(&checker, seed, offset);
    payload_checker_take(&checker, data, len);
    payload_checker_explain(&checker, stderr);
    assert_false(checker.has_failed);
}

/* A beginning without a gap, then the newest bytes; what is missing between them, or behind both
 * where the other stream went on after this one had ended, is what the service says was dropped. */
static void check_flood(const struct run *run, int stream, const WSMAN_EXT_OFFSETS *offsets)
{
    const struct kept *kept = &run->kept[stream];
    uint64_t seed = SEED + (stream == LIVE_STDERR ? PAYLOAD_STDERR_SEED : 0);
    uint64_t lost = FLOOD - kept->len;
    struct payload_checker checker;

    assert_true(offsets->delivered[stream] == FLOOD);
    assert_true(offsets->dropped[stream] == lost);
    payload_checker_init(&checker, seed, 0);
    payload_checker_take(&checker, kept->data, kept->len);
    check_payload(seed, kept->data + checker.offset, kept->len - checker.offset,
                  checker.offset + lost);
}

static void finish_flood(struct run *run)
{
    bool is_drop = run->cell->mode->flags == WSMAN_FLAG_SERVER_BUFFERING_MODE_DROP;
    WSMAN_EXT_OFFSETS offsets;

    check_end(&run->output, 5);
    assert_int_equal(WSManExtGetOffsets(run->command, &offsets), 0);
    for (int i = 0; i < LIVE_STREAMS; i++)
        check_flood(run, i, &offsets);
    if (is_drop)
        assert_true(offsets.dropped[0] + offsets.dropped[1] > 0);
    else
        assert_true(offsets.dropped[0] + offsets.dropped[1] == 0);
}

static void finish(struct run *run)
{
    switch (run->cell->situation) {
    case NO_COMMAND:
    case RECEIVE_ON_SHELL:
        if (run->receive != NULL) { /* a text shell has no output of its own */
            live_output_wait(&run->output, "Receive on the shell");
            assert_int_equal(run->output.code, ERROR_INVALID_PARAMETER);
            assert_int_equal(run->output.ends, 1);
            WSManCloseOperation(run->receive, 0);
        }
        run->command = live_run(run->shell, "echo still there; exit 6");
        run->receive = live_receive(run->shell, run->command, &run->second);
        check_end(&run->second, 6);
        check_text(&run->kept[0], "still there\n");
        break;
    case SILENT_COMMAND:
        live_send(run->shell, run->command, "x\n", 2, true);
        run->receive = live_receive(run->shell, run->command, &run->output);
        check_end(&run->output, 3);
        check_text(&run->kept[0], "got x\n");
        break;
    case FLOODING_COMMAND:
        finish_flood(run);
        break;
    case FINISHED_COMMAND:
        run->receive = live_receive(run->shell, run->command, &run->output);
        check_end(&run->output, 4);
        assert_int_equal(run->kept[0].len, SMALL);
        check_payload(SEED, run->kept[0].data, SMALL, 0);
        break;
    case PENDING_SEND:
        fclose(fopen(run->flag_file, "we"));
        run->receive = live_receive(run->shell, run->command, &run->output);
        check_end(&run->output, 0);
        WSManCloseOperation(run->send, 0);
        break;
    case RECEIVE_ON_COMMAND:
        live_send(run->shell, run->command, "x\n", 2, true);
        check_end(&run->output, 3);
        check_text(&run->kept[0], "early\ngot x\n");
        break;
    case CANCELLED_RECEIVE:
        live_send(run->shell, run->command, "x\n", 2, true);
        run->receive = live_receive(run->shell, run->command, &run->second);
        check_end(&run->second, 3);
        check_text(&run->kept[0], "early\ngot x\n");
        break;
    case SITUATIONS:
        fail();
    }
}

static void test_disconnect_matrix_cell(void **state)
{
    struct run *run = run_new(*state);

    create_shell(run);
    assert_int_equal(look_at_shell(run).idle_ms, CREATE_IDLE_MS);
    begin(run);
    leave(run);
    away(run);
    come_back(run);
    finish(run);
    WSManCloseOperation(run->receive, 0);
    live_close_command(run->command);
    live_close_shell(run->shell);
    assert_int_equal(run->created.ends, 1);
    assert_int_equal(run->created.notices, 0);
    assert_false(look(run->cell->name, NULL).is_there);
    run_free(run);
}

static int set_up(void **state)
{
    (void)state;
    api = live_api();
    session = live_session(api, getenv("TEST_ADDRESS"), getenv("TEST_USER"),
                           getenv("TEST_PASSWORD_FILE"));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return WSManCloseSession(session, 0) == 0 && WSManDeinitialize(api, 0) == 0 ? 0 : -1;
}

int main(void)
{
    struct CMUnitTest tests[CELLS];
    size_t count = 0;

    for (int situation = 0; situation < SITUATIONS; situation++) {
        for (int info = 0; info < 2; info++) {
            for (int mode = 0; mode < MODES; mode++, count++) {
                struct cell *cell = &cells[count];

                cell->situation = (enum situation)situation;
                cell->has_info = info == 1;
                cell->mode = &modes[mode];
                snprintf(cell->name, sizeof(cell->name), "%s, %s, %s", situation_names[situation],
                         info == 1 ? "info" : "NULL", modes[mode].name);
                tests[count] = (struct CMUnitTest){ .name = cell->name,
                                                    .test_func = test_disconnect_matrix_cell,
                                                    .initial_state = cell };
            }
        }
    }
    return _cmocka_run_group_tests("disconnect matrix", tests, count, set_up, tear_down);
}
