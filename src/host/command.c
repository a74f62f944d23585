/* A command of the shell. The host's only thread. Does not reap (host_run.c does), does not
 * decide what net asks for next (net does). */
#include "host/command.h"

#include "base/log.h"
#include "host/host.h"
#include "host/line.h"
#include "host/process.h"
#include "host/spawn.h"
#include "ipc/stream_names.h"
#include "wsmerror.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* Row: state now; column: event; cell: next.
 *             EXIT       DRAINED  TERMINATE
 * RUNNING     DRAINING   -        FORGOTTEN
 * DRAINING    -          DONE     FORGOTTEN
 * DONE        -          -        FORGOTTEN
 * FORGOTTEN   -          -        -
 * "-" is refused. Streams that end while the process runs are DRAINED once it has ended. */
static const enum wsm_command_state next_state[WSM_COMMAND_STATES][WSM_COMMAND_EVENTS] = {
    [WSM_COMMAND_RUNNING] = { [WSM_COMMAND_EXIT] = WSM_COMMAND_DRAINING,
                              [WSM_COMMAND_TERMINATE] = WSM_COMMAND_FORGOTTEN },
    [WSM_COMMAND_DRAINING] = { [WSM_COMMAND_DRAINED] = WSM_COMMAND_DONE,
                               [WSM_COMMAND_TERMINATE] = WSM_COMMAND_FORGOTTEN },
    [WSM_COMMAND_DONE] = { [WSM_COMMAND_TERMINATE] = WSM_COMMAND_FORGOTTEN },
};
static const char *const state_names[] = { "refused", "running", "draining", "done", "forgotten" };
static const char *const event_names[] = { "exit", "drained", "terminate" };

enum wsm_command_state wsm_command_next(enum wsm_command_state state, enum wsm_command_event event)
{
    return next_state[state][event];
}

/* The only writer of command->state. */
static bool command_step(struct wsm_command *command, enum wsm_command_event event)
{
    enum wsm_command_state next = wsm_command_next(command->state, event);

    if (next == WSM_COMMAND_REFUSED)
        return false;
    wsm_log_debug("command %s: %s -> %s (%s)", command->id.text, state_names[command->state],
                  state_names[next], event_names[event]);
    command->state = next;
    return true;
}

void wsm_command_streams_ended(struct wsm_command *command)
{
    if (command->state == WSM_COMMAND_DRAINING && wsm_output_is_drained(&command->output))
        command_step(command, WSM_COMMAND_DRAINED);
}

static struct wsm_command *command_new(struct wsm_host *host, const struct wsm_guid *id,
                                       struct wsm_error *err)
{
    struct wsm_command *command = calloc(1, sizeof(*command));

    if (command == NULL) {
        wsm_fail_memory(err, "command");
        return NULL;
    }
    wsm_list_init(&command->node);
    command->host = host;
    command->state = WSM_COMMAND_RUNNING;
    command->id = *id;
    command->input_pipe = (struct wsm_pipe)WSM_PIPE_INIT;
    command->input_pipe.source.kind = WSM_SOURCE_STDIN;
    command->input_pipe.source.owner = command;
    for (size_t i = 0; i < WSM_HOST_STREAMS; i++) {
        command->pipes[i] = (struct wsm_pipe)WSM_PIPE_INIT;
        command->pipes[i].source.kind = i == WSM_HOST_STDOUT ? WSM_SOURCE_STDOUT
                                                             : WSM_SOURCE_STDERR;
        command->pipes[i].source.owner = command;
        command->last[i] = UINT64_MAX;
    }
    wsm_output_init(&command->output, &host->chunks);
    command->drain_ms = WSM_NEVER_MS;
    command->output_ms = INT64_MIN / 2; /* quiet since ever */
    return command;
}

static void close_pipes(struct wsm_command *command)
{
    wsm_pipe_close(&command->input_pipe, &command->host->grown_pipes);
    for (size_t i = 0; i < WSM_HOST_STREAMS; i++)
        wsm_pipe_close(&command->pipes[i], &command->host->grown_pipes);
}

void wsm_command_free(struct wsm_command *command)
{
    if (command == NULL)
        return;
    close_pipes(command);
    wsm_list_remove(&command->node);
    wsm_input_clear(&command->input);
    wsm_ids_clear(&command->input_ids);
    wsm_id_clear(&command->waiting_id);
    wsm_id_clear(&command->message_id);
    wsm_id_clear(&command->signal_id);
    wsm_output_clear(&command->output);
    wsm_buf_clear(&command->line);
    free(command);
}

/* Opens the pipes that the shell's streams ask for; theirs[i] = -1 for the others. */
static bool open_pipes(struct wsm_command *command, int theirs[3], struct wsm_error *err)
{
    const struct wsm_host *host = command->host;

    theirs[0] = theirs[1] = theirs[2] = -1;
    if (host->shell.has_stdin &&
        !wsm_pipe_open(&command->input_pipe, host->epoll_fd, true, &theirs[0], err))
        return false;
    for (int i = 0; i < WSM_HOST_STREAMS; i++) {
        if ((host->shell.outputs & (1U << i)) == 0)
            wsm_output_close(&command->output, (enum wsm_host_stream)i);
        else if (!wsm_pipe_open(&command->pipes[i], host->epoll_fd, false, &theirs[i + 1], err))
            return false;
    }
    return true;
}

/* What is to be known of the command later. */
static bool keep(struct wsm_command *command, const struct wsm_host_run *message,
                 struct wsm_error *err)
{
    wsm_line_make(message, &command->line);
    return wsm_id_set(&command->message_id, message->message_id, err) &&
           (wsm_buf_ok(&command->line) || wsm_fail_memory(err, "command"));
}

bool wsm_command_start(struct wsm_host *host, const struct wsm_guid *id,
                       const struct wsm_host_run *message, struct wsm_error *err)
{
    struct wsm_spawn spawn = { .is_direct = message->skip_shell != 0,
                               .command = message->command,
                               .arguments = message->arguments,
                               .environment = &host->shell.environment,
                               .limits = &host->limits,
                               .stdio = { -1, -1, -1 } };
    struct wsm_command *command = command_new(host, id, err);
    bool ok;

    if (command == NULL)
        return false;
    ok = keep(command, message, err) && open_pipes(command, spawn.stdio, err) &&
         wsm_spawn(&spawn, &command->pid, err);
    for (int i = 0; i < 3; i++) {
        if (spawn.stdio[i] >= 0)
            close(spawn.stdio[i]);
    }
    if (!ok) {
        wsm_command_free(command);
        return false;
    }
    wsm_list_add(&host->commands, &command->node);
    host->command_count++;
    wsm_log_debug("command %s: process %d", command->id.text, (int)command->pid);
    return true;
}

void wsm_command_on_exit(struct wsm_command *command, uint32_t exit_code)
{
    struct wsm_host *host = command->host;

    if (!command_step(command, WSM_COMMAND_EXIT))
        return;
    command->exit_code = exit_code;
    if (command->input_pipe.source.fd >= 0)
        wsm_command_close_input(command, true);
    if (host->shell.drain_timeout_ms > 0)
        command->drain_ms = wsm_deadline_ms(host->now_ms, host->shell.drain_timeout_ms);
    wsm_command_streams_ended(command);
    for (int i = 0; i < WSM_HOST_STREAMS; i++) { /* their ends are there already, as a rule */
        if (!command->output.streams[i].is_closed)
            wsm_command_read(command, (enum wsm_host_stream)i);
    }
    wsm_command_fetch_try(command);
}

void wsm_command_on_time(struct wsm_command *command)
{
    if (command->host->now_ms >= command->drain_ms)
        wsm_command_set_ends(command);
    wsm_command_read_more(command);
    wsm_command_fetch_try(command);
}

int64_t wsm_command_deadline(const struct wsm_command *command)
{
    for (size_t i = 0; i < WSM_HOST_STREAMS; i++) {
        if (command->pipes[i].has_more)
            return command->host->now_ms;
    }
    return wsm_earlier_ms(command->drain_ms, wsm_command_fetch_deadline(command));
}

void wsm_command_interrupt(struct wsm_command *command, int number)
{
    struct wsm_error err = WSM_ERROR_INIT;

    if (command->state == WSM_COMMAND_RUNNING) {
        kill(-command->pid, number); /* not reaped: the number is still its own */
    } else if (command->state == WSM_COMMAND_DRAINING &&
               !wsm_process_signal_all(WSM_PROCESS_GROUP, command->pid, number, NULL, &err)) {
        wsm_log_warning("command %s: %s", command->id.text, wsm_error_text(&err));
        wsm_error_clear(&err);
    }
}

void wsm_command_abandon(struct wsm_command *command)
{
    if (!command_step(command, WSM_COMMAND_TERMINATE))
        return;
    wsm_command_fetch_abort(command, ERROR_OPERATION_ABORTED, "the command was ended");
    wsm_command_close_input(command, true);
    close_pipes(command);
    wsm_list_remove(&command->node);
    wsm_list_add(&command->host->forgotten, &command->node);
    command->host->command_count--;
}

/* Could something that the command, whose process has ended, left behind still run? */
static bool may_have_left(const struct wsm_command *command)
{
    const struct wsm_host *host = command->host;
    pid_t *running = calloc(host->command_count + 1, sizeof(*running));
    const struct wsm_list *node;
    size_t count = 0;
    bool is_taken = false;
    bool result;

    if (running == NULL)
        return true;
    WSM_LIST_FOREACH (node, &host->commands) {
        const struct wsm_command *other = WSM_CONTAINER_OF(node, const struct wsm_command, node);

        if (other->state != WSM_COMMAND_RUNNING)
            continue;
        running[count++] = other->pid;
        /* A number is used again only when no group and no session has it. */
        is_taken = is_taken || other->pid == command->pid;
    }
    result = !is_taken && wsm_process_has_strangers(running, count);
    free(running);
    return result;
}

/* Ends what may still run of a command; cheap in the usual case that nothing does. */
static void kill_rest(const struct wsm_command *command)
{
    struct wsm_error err = WSM_ERROR_INIT;

    if (command->state == WSM_COMMAND_RUNNING)
        kill(-command->pid, SIGKILL);
    else if (!may_have_left(command))
        return;
    if (!wsm_process_signal_all(WSM_PROCESS_COMMAND, command->pid, SIGKILL, NULL, &err)) {
        wsm_log_warning("command %s: %s", command->id.text, wsm_error_text(&err));
        wsm_error_clear(&err);
    }
}

void wsm_command_terminate(struct wsm_command *command)
{
    for (int i = 0; i < WSM_HOST_STREAMS; i++) {
        if (command->output.streams[i].late > 0)
            wsm_log_info("command %s: %" PRIu64 " bytes of %s came after its end", command->id.text,
                         command->output.streams[i].late, wsm_output_stream_names[i]);
    }
    kill_rest(command);
    wsm_command_abandon(command);
}

void wsm_command_let_go(struct wsm_command *command)
{
    wsm_command_fetch_end(command);
    wsm_command_take_waiting(command);
}

/* What the demonstration reads: was something under way that the next net sends again? */
static void log_counters(const struct wsm_command *command)
{
    const struct wsm_output_stream *out = &command->output.streams[WSM_HOST_STDOUT];
    const struct wsm_output_stream *err = &command->output.streams[WSM_HOST_STDERR];

    if (out->served > out->confirmed || err->served > err->confirmed || out->served_again > 0 ||
        err->served_again > 0)
        wsm_log_info("command %s: the service has gone: stdout served %" PRIu64
                     " confirmed %" PRIu64 " again %" PRIu64 ", stderr served %" PRIu64
                     " confirmed %" PRIu64 " again %" PRIu64,
                     command->id.text, out->served, out->confirmed, out->served_again, err->served,
                     err->confirmed, err->served_again);
}

void wsm_command_on_link_lost(struct wsm_command *command)
{
    log_counters(command);
    wsm_command_fetch_forget(command);
    command->input_request = 0;
}
