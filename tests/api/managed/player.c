/* One player, on a thread of the test; output comes on those of the library. */
#include "player.h"

#include "dice.h"
#include "payload.h"
#include "weather.h"
#include "wsmerror.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    TASKS_MAX = 4,
    OUTPUT_MAX = 400000, /* bytes of a command */
    INPUT_MAX = 300000,
    TRY_S = 30, /* to be back, whatever the weather */
};

enum task_kind { TASK_WORDS, TASK_ECHO, TASK_SILENT, TASK_KINDS };

struct task {
    struct managed_command *command;
    enum task_kind kind;
    uint64_t seed; /* of its payload */
    size_t bytes;  /* that it writes */
    int32_t exit_code;
    char *input; /* owned */
    struct payload_checker checker;
    bool is_taken; /* up by another session: the start of its output is not known */
    size_t least;  /* but not behind this */
    bool was_stopped;
    bool needs_leave; /* its output comes only when it was disconnected */
};

struct player {
    uint64_t dice;
    struct managed_session *session;
    struct task *tasks[TASKS_MAX]; /* owned */
    size_t task_count;
};

struct player_counts player_counts;

static const char ctrl_c[] =
    "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/signal/ctrl_c";

static uint64_t below(struct player *player, uint64_t count)
{
    return dice_below(&player->dice, count);
}

static bool one_in(struct player *player, uint64_t count)
{
    return dice_one_in(&player->dice, count);
}

/* ---- Sessions ---- */

static struct managed_session *new_session(const char *address)
{
    char connection[128];

    snprintf(connection, sizeof(connection), "http://%s/wsman?PSVersion=7.6.5", address);
    return managed_new(connection, getenv("TEST_USER"), "secret");
}

struct managed_session *player_direct(void)
{
    return new_session(getenv("TEST_ADDRESS"));
}

static struct managed_session *new_through_weather(struct player *player)
{
    struct managed_session *session = new_session(weather_address());
    uint32_t retry_time = weather_retry_time(&player->dice);
    uint32_t (*set)(intptr_t, uint32_t);
    void *function = native_find("WSManExtSetRetryTime");

    memcpy(&set, &function, sizeof(function));
    if (retry_time != 0 && set(session->session, retry_time) != 0)
        native_die("WSManExtSetRetryTime");
    session->may_break = true;
    return session;
}

/* False: it is broken, for the weather's sake. */
static bool is_well(struct player *player)
{
    struct managed_session *session = player->session;
    bool is_broken;

    pthread_mutex_lock(&session->lock);
    is_broken = session->state == MANAGED_BROKEN;
    if (is_broken && !weather_explains(session->broken_call, session->code))
        native_die("weather %s does not explain %s: %#x, %s", weather_name(weather_now()),
                   session->broken_call, (unsigned)session->code, session->broken_by);
    pthread_mutex_unlock(&session->lock);
    return !is_broken;
}

static bool is_disconnected(struct player *player)
{
    bool is_disconnected;

    pthread_mutex_lock(&player->session->lock);
    is_disconnected = player->session->state == MANAGED_DISCONNECTED;
    pthread_mutex_unlock(&player->session->lock);
    return is_disconnected;
}

/* As the user who tries again: the shell is where it was. */
static void take_note(struct player *player, enum managed_state state)
{
    pthread_mutex_lock(&player->session->lock);
    player->session->state = state;
    pthread_mutex_unlock(&player->session->lock);
}

static void dispose(struct player *player, struct managed_session *session)
{
    unsigned long notices = 0;

    for (size_t i = 0; i < sizeof(session->notices) / sizeof(session->notices[0]); i++)
        notices += session->notices[i];
    atomic_fetch_add(&player_counts.notices, notices);
    managed_dispose(session, one_in(player, 2));
}

/* Again and again, until it is through. */
static bool try_again(struct player *player, time_t *until, const char *what)
{
    if (*until == 0)
        *until = time(NULL) + TRY_S;
    if (is_well(player) && !is_disconnected(player))
        native_die("%s: neither done nor broken", what);
    if (time(NULL) > *until)
        native_die("%s: tried for %d s, at last %#x", what, TRY_S, (unsigned)player->session->code);
    usleep(20000);
    return true;
}

/* ---- Tasks ---- */

static void take_output(struct managed_command *command, const void *bytes, size_t count)
{
    struct task *task = command->user;

    payload_checker_take(&task->checker, bytes, count);
    if (task->checker.has_failed) {
        payload_checker_explain(&task->checker, stderr);
        native_die("output of a command is wrong in a piece of %zu bytes", count);
    }
    atomic_fetch_add(&player_counts.output, count);
}

/* What the session before had got was confirmed up to somewhere; from there on it comes. */
static void check_taken(struct task *task)
{
    struct managed_command *command = task->command;
    struct payload_checker checker;
    uint64_t start;

    if (command->output_len < PAYLOAD_NEEDLE)
        return;
    if (!payload_find(task->seed, task->least, command->output, PAYLOAD_NEEDLE, &start) ||
        start > task->least)
        native_die("output for another session misses some, or is none");
    payload_checker_init(&checker, task->seed, start);
    payload_checker_take(&checker, command->output, command->output_len);
    if (checker.has_failed) {
        payload_checker_explain(&checker, stderr);
        native_die("output for another session is wrong");
    }
    atomic_fetch_add(&player_counts.output, command->output_len);
    task->checker = checker;
}

/* No callback of it comes any more, or its session is disconnected. */
static void check_output(struct task *task)
{
    struct managed_command *command = task->command;

    if (task->is_taken && command->output != NULL)
        check_taken(task);
    if (task->checker.offset > task->bytes)
        native_die("more output than was written");
    if (!command->is_done || task->was_stopped)
        return;
    if (command->exit_code != task->exit_code)
        native_die("exit code %d, not %d", command->exit_code, task->exit_code);
    if (task->checker.offset != task->bytes &&
        !(task->is_taken && task->bytes - task->least < PAYLOAD_NEEDLE))
        native_die("%llu bytes of output, not %zu", (unsigned long long)task->checker.offset,
                   task->bytes);
}

static struct task *new_task(struct player *player)
{
    struct task *task = calloc(1, sizeof(*task));

    if (task == NULL)
        native_die("malloc");
    player->tasks[player->task_count++] = task;
    return task;
}

/* Its command is closed, or its shell. */
static void retire(struct player *player, size_t index)
{
    struct task *task = player->tasks[index];

    check_output(task);
    atomic_fetch_add(&player_counts.ended, task->command->is_done);
    atomic_fetch_add(&player_counts.input, task->command->input_sent);
    managed_free_command(task->command);
    free(task->input);
    free(task);
    player->tasks[index] = player->tasks[--player->task_count];
}

static void choose(struct player *player, struct task *task, char *line, size_t size)
{
    task->kind = (enum task_kind)below(player, TASK_KINDS);
    task->seed = dice_roll(&player->dice) >> 16;
    if (task->kind == TASK_WORDS) {
        task->bytes = below(player, OUTPUT_MAX);
        task->exit_code = (int32_t)below(player, 90);
        task->needs_leave = one_in(player, 5);
        snprintf(line, size, "%s/words make %llu %zu; exit %d", getenv("TEST_BIN"),
                 (unsigned long long)task->seed, task->bytes, task->exit_code);
        return;
    }
    snprintf(line, size, "exec cat");
    if (task->kind == TASK_SILENT)
        return;
    task->bytes = 1 + below(player, INPUT_MAX);
    task->input = malloc(task->bytes);
    if (task->input == NULL)
        native_die("malloc");
    payload_fill(task->seed, 0, task->input, task->bytes);
}

static void run(struct player *player)
{
    struct task *task;
    char line[512];

    if (player->task_count == TASKS_MAX)
        return;
    task = new_task(player);
    choose(player, task, line, sizeof(line));
    payload_checker_init(&task->checker, task->seed, 0);
    task->command = managed_prepare(player->session, line, task->input,
                                    task->input == NULL ? 0 : task->bytes, task->needs_leave);
    task->command->user = task;
    task->command->on_output = take_output;
    managed_start(task->command);
    atomic_fetch_add(&player_counts.commands, 1);
}

/* Never before the callback of Run. */
static void stop(struct task *task)
{
    if (task->was_stopped || !managed_wait_command(task->command, &task->command->is_running))
        return;
    task->was_stopped = true;
    managed_stop(task->command, ctrl_c);
}

static void close_task(struct player *player, size_t index)
{
    managed_close_command(player->tasks[index]->command);
    retire(player, index);
}

/* ---- Away, and back ---- */

/* False: it is broken. */
static bool come_back(struct player *player)
{
    time_t until = 0;

    while (!managed_reconnect(player->session) && try_again(player, &until, "ReconnectShell"))
        take_note(player, MANAGED_DISCONNECTED);
    for (size_t i = 0; i < player->task_count; i++)
        managed_reconnect_command(player->tasks[i]->command);
    atomic_fetch_add(&player_counts.returns, 1);
    return is_well(player);
}

/* *out_is_certain: the server has said so. False: it is broken, or disconnected by the network. */
static bool leave(struct player *player, bool *out_is_certain)
{
    bool has_accepted = true;

    *out_is_certain = true;
    for (size_t i = 0; i < player->task_count; i++)
        managed_suspend(player->tasks[i]->command);
    for (size_t i = 0; i < player->task_count && has_accepted; i++) {
        struct task *task = player->tasks[i];

        if (task->needs_leave && task->command->has_received)
            has_accepted = managed_wait_command(task->command, &task->command->is_accepted);
    }
    if (!has_accepted)
        return false;
    if (!managed_disconnect(player->session)) {
        if (is_well(player))
            return false;
        if ((uint32_t)player->session->code != ERROR_WINRS_SHELL_DISCONNECT_OPERATION_NOT_GRACEFUL)
            return false;
        take_note(player, MANAGED_DISCONNECTED);
        *out_is_certain = false;
    }
    for (size_t i = 0; i < player->task_count; i++)
        player->tasks[i]->needs_leave &= !player->tasks[i]->command->is_accepted;
    return true;
}

static void go_and_come_back(struct player *player)
{
    bool is_certain;

    if (!leave(player, &is_certain))
        return;
    usleep((useconds_t)below(player, 30000));
    (void)come_back(player);
}

/* ---- Another session ---- */

/* The old one's commands are closed here alone, since it is disconnected. */
static void give_away(struct player *player, struct managed_session *old, struct task **tasks,
                      size_t count)
{
    for (size_t i = 0; i < count; i++) {
        managed_close_command(tasks[i]->command);
        atomic_fetch_add(&player_counts.input, tasks[i]->command->input_sent);
        managed_free_command(tasks[i]->command);
        free(tasks[i]->input);
        free(tasks[i]);
    }
    if (!managed_close_shell(old))
        native_die("CloseShell of a disconnected one: %#x", (unsigned)old->code);
    dispose(player, old);
}

static void take_over(struct player *player)
{
    struct managed_session *old = player->session;
    struct task *tasks[TASKS_MAX];
    size_t count;
    time_t until = 0;
    bool is_certain;

    for (size_t i = player->task_count; i-- > 0;) {
        if (player->tasks[i]->kind == TASK_ECHO) /* who knows how much of its input was sent? */
            close_task(player, i);
    }
    if (!leave(player, &is_certain))
        return;
    if (!is_certain) { /* the server may not know, and would not let anybody else in */
        (void)come_back(player);
        return;
    }
    player->session = new_through_weather(player);
    do
        managed_connect(player->session, old->shell_id);
    while (!managed_wait(player->session, MANAGED_OPEN) && !is_disconnected(player) &&
           try_again(player, &until, "ConnectShell"));
    count = player->task_count;
    memcpy(tasks, player->tasks, count * sizeof(tasks[0]));
    player->task_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct task *task = new_task(player);

        check_output(tasks[i]);
        *task = *tasks[i];
        task->input = NULL;
        task->least = (size_t)task->checker.offset;
        task->is_taken = true;
        task->needs_leave = false;
        task->command = managed_attach(player->session, tasks[i]->command->id);
    }
    give_away(player, old, tasks, count);
    atomic_fetch_add(&player_counts.takeovers, 1);
}

/* ---- A runspace ---- */

/* False: not at all. */
static bool open_runspace(struct player *player)
{
    time_t until = 0;

    player->session = new_through_weather(player);
    do {
        managed_new_shell_id(player->session);
        managed_create(player->session);
    } while (!managed_wait(player->session, MANAGED_OPEN) && !is_disconnected(player) &&
             !one_in(player, 8) && try_again(player, &until, "CreateShell"));
    if (!is_well(player))
        return false;
    atomic_fetch_add(&player_counts.shells, 1);
    return true;
}

/* A signal that comes before a program has its own place may be lost on the shell: dash keeps it to
 * itself while it forks. Who has written something has its place. */
static bool sees_its_end(struct player *player, struct task *task)
{
    struct managed_command *command = task->command;

    if (task->kind == TASK_ECHO &&
        (task->was_stopped || !managed_wait_output(command, task->bytes)))
        return false;
    if (task->kind != TASK_WORDS)
        stop(task);
    return task->kind != TASK_SILENT && is_well(player) &&
           managed_wait_command(command, &command->is_done);
}

static void finish(struct player *player, size_t index)
{
    struct task *task = player->tasks[index];

    while (task->needs_leave) {
        go_and_come_back(player);
        if (!is_well(player) || is_disconnected(player))
            return;
    }
    if (sees_its_end(player, task) || one_in(player, 2))
        close_task(player, index);
}

static void do_something(struct player *player)
{
    uint64_t roll = below(player, 18);
    size_t index = player->task_count == 0 ? 0 : below(player, player->task_count);

    if (roll < 5 || player->task_count == 0)
        run(player);
    else if (roll < 9)
        finish(player, index);
    else if (roll < 11)
        stop(player->tasks[index]);
    else if (roll < 13)
        close_task(player, index);
    else if (roll < 15)
        go_and_come_back(player);
    else if (roll < 16)
        take_over(player);
    else
        usleep((useconds_t)below(player, 30000));
}

/* Whatever is under way. */
static void close_runspace(struct player *player)
{
    while (player->task_count > 0 && !one_in(player, 3))
        close_task(player, 0);
    if (!managed_close_shell(player->session))
        (void)is_well(player);
    while (player->task_count > 0)
        retire(player, 0);
    dispose(player, player->session);
}

void player_play(uint64_t seed, const atomic_bool *is_over)
{
    struct player player = { .dice = seed };
    bool is_open;

    while (!atomic_load(is_over)) {
        size_t left = below(&player, 20);

        is_open = open_runspace(&player);
        while (is_open && left-- > 0 && !atomic_load(is_over)) {
            do_something(&player);
            is_open = is_well(&player) && (!is_disconnected(&player) || come_back(&player));
        }
        atomic_fetch_add(&player_counts.broken, !is_open);
        close_runspace(&player);
    }
}
