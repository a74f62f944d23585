/* A command of the shell. The host's only thread. Does not reap (host.c does), does not
 * decide what net asks for next (net does). */
#include "host/command.h"

#include "base/log.h"
#include "host/host.h"
#include "host/process.h"
#include "host/spawn.h"
#include "wsmerror.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    READ_STEP = 256 * 1024,    /* bytes after which a waiting FETCH gets its answer */
    RESUME_ROOM = 128 * 1024,  /* a stream held back goes on when it has so much */
    DISCARD_MAX = 1024 * 1024, /* bytes dropped in one turn */
    DISCARD_BUFFER = 16 * 1024,
};

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
    wsm_output_clear(&command->output);
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
    ok = open_pipes(command, spawn.stdio, err) && wsm_spawn(&spawn, &command->pid, err);
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

/* Answers the INPUT that waits, once there is room again or nobody will read it. */
static void answer_input(struct wsm_command *command, bool is_broken)
{
    struct wsm_error err = WSM_ERROR_INIT;
    uint64_t request = command->input_request;

    if (request == 0 || (!is_broken && wsm_input_is_over(&command->input)))
        return;
    command->input_request = 0;
    if (!is_broken || !wsm_input_last_is_whole(&command->input)) {
        wsm_link_done(&command->host->link, request);
        return;
    }
    wsm_fail(&err, ERROR_BROKEN_PIPE, "command %s does not read its input", command->id.text);
    wsm_link_failed(&command->host->link, request, &err);
}

/* Nobody reads any more, or all is written that will ever be. */
static void close_input(struct wsm_command *command, bool is_broken)
{
    answer_input(command, is_broken);
    wsm_pipe_close(&command->input_pipe, &command->host->grown_pipes);
    wsm_input_clear(&command->input);
}

static void after_write(struct wsm_command *command, enum wsm_input_result result)
{
    if (result == WSM_INPUT_BROKEN)
        close_input(command, true);
    else if (result == WSM_INPUT_EMPTY && command->input.has_end)
        close_input(command, false);
    else
        answer_input(command, false);
}

void wsm_command_on_input_room(struct wsm_command *command)
{
    struct wsm_pipe *pipe = &command->input_pipe;

    if (pipe->source.fd < 0)
        return;
    if (wsm_input_len(&command->input) > 0)
        after_write(command, wsm_input_write(&command->input, pipe->source.fd));
    else if (wsm_source_is_broken(&pipe->source))
        close_input(command, true);
}

static bool input_fits(const struct wsm_command *command, const struct wsm_host_input *message,
                       struct wsm_error *err)
{
    if (!wsm_span_is(message->stream, "stdin") || !command->host->shell.has_stdin)
        return wsm_fail(err, ERROR_WSMAN_SHELL_INVALID_INPUT_STREAM,
                        "the shell has no input stream '%.*s'",
                        (int)(message->stream.len < 64 ? message->stream.len : 64),
                        (const char *)message->stream.ptr);
    if (command->input_pipe.source.fd < 0 || command->input.has_end)
        return wsm_fail(err, ERROR_BROKEN_PIPE, "command %s does not read input any more",
                        command->id.text);
    if (wsm_input_is_over(&command->input))
        return wsm_fail(err, ERROR_BUSY, "command %s has not read its earlier input",
                        command->id.text);
    return true;
}

void wsm_command_input(struct wsm_command *command, const struct wsm_host_input *message)
{
    struct wsm_host *host = command->host;
    struct wsm_pipe *pipe = &command->input_pipe;
    struct wsm_error err = WSM_ERROR_INIT;
    enum wsm_input_result result;

    /* Most commands get no input: then nothing needs to wake us for their pipe. */
    if (!input_fits(command, message, &err) ||
        (message->data.len > 0 && !wsm_pipe_watch_input(pipe, host->epoll_fd, &err)) ||
        !wsm_input_add(&command->input, pipe->source.fd, message->data, &result, &err)) {
        wsm_link_failed(&host->link, message->request, &err);
        return;
    }
    /* The end of input is no conversation: what follows is likely to be the command's end. */
    command->has_fresh_input = message->data.len > 0 && message->end == 0;
    command->input.has_end = message->end != 0;
    command->input_request = message->request;
    wsm_pipe_used(pipe, result == WSM_INPUT_FULL, host->now_ms, &host->grown_pipes);
    after_write(command, result);
}

/* Bytes came: is this the start of an answer that may soon be complete? */
static void note_output(struct wsm_command *command)
{
    int64_t now_ms = command->host->now_ms;

    if (command->has_fresh_input)
        command->hold_until_ms = 0;
    else if (now_ms - command->output_ms >= WSM_FETCH_QUIET_MS)
        command->hold_until_ms = now_ms + WSM_FETCH_WAIT_MS;
    command->has_fresh_input = false;
    command->output_ms = now_ms;
}

static void drain_check(struct wsm_command *command)
{
    if (command->state == WSM_COMMAND_DRAINING && wsm_output_is_drained(&command->output))
        command_step(command, WSM_COMMAND_DRAINED);
}

static void discard(struct wsm_command *command, enum wsm_host_stream stream)
{
    struct wsm_pipe *pipe = &command->pipes[stream];
    char buffer[DISCARD_BUFFER];

    for (size_t dropped = 0; dropped < DISCARD_MAX;) {
        ssize_t count = read(pipe->source.fd, buffer, sizeof(buffer));

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && errno == EAGAIN)
            return;
        if (count <= 0) {
            wsm_pipe_close(pipe, &command->host->grown_pipes);
            return;
        }
        wsm_output_drop(&command->output, stream, (size_t)count);
        dropped += (size_t)count;
    }
}

enum read_result { READ_SOME, READ_NOTHING, READ_END, READ_HELD_BACK };

/* Reads once into the buffer. */
static enum read_result read_some(struct wsm_command *command, enum wsm_host_stream stream,
                                  size_t *out_count)
{
    struct wsm_output *output = &command->output;
    uint64_t rest = command->last[stream] - output->streams[stream].end;
    uint8_t *at;
    size_t len;
    ssize_t count;

    if (rest == 0)
        return READ_END;
    if (wsm_output_room(output, stream) == 0 || !wsm_output_reserve(output, stream, &at, &len))
        return READ_HELD_BACK;
    do
        count = read(command->pipes[stream].source.fd, at, rest < len ? (size_t)rest : len);
    while (count < 0 && errno == EINTR);
    wsm_output_added(output, stream, count > 0 ? (size_t)count : 0);
    if (count > 0) {
        *out_count = (size_t)count;
        return READ_SOME;
    }
    return count < 0 && errno == EAGAIN ? READ_NOTHING : READ_END;
}

/* The stream ends: by itself, or by the drain time-out, and then the pipe stays open so
 * that whoever still writes is not killed by it. */
static void end_stream(struct wsm_command *command, enum wsm_host_stream stream)
{
    struct wsm_pipe *pipe = &command->pipes[stream];

    wsm_output_close(&command->output, stream);
    if (command->output.streams[stream].end < command->last[stream])
        wsm_pipe_close(pipe, &command->host->grown_pipes);
    else
        wsm_source_drop_to_level(&pipe->source, command->host->epoll_fd);
    drain_check(command);
}

/* Reads the pipe until it is empty, at its end, or there is no room. */
static void read_pipe(struct wsm_command *command, enum wsm_host_stream stream)
{
    struct wsm_host *host = command->host;
    struct wsm_pipe *pipe = &command->pipes[stream];
    enum read_result result;
    size_t total = 0;
    size_t since_answer = 0;
    size_t count = 0;

    while ((result = read_some(command, stream, &count)) == READ_SOME) {
        if (total == 0)
            note_output(command);
        total += count;
        since_answer += count;
        if (since_answer >= READ_STEP) {
            since_answer = 0;
            wsm_fetch_try(command);
        }
    }
    pipe->is_held_back = result == READ_HELD_BACK;
    wsm_pipe_used(pipe, total >= WSM_PIPE_DEFAULT, host->now_ms, &host->grown_pipes);
    if (result == READ_END)
        end_stream(command, stream);
}

void wsm_command_on_output(struct wsm_command *command, enum wsm_host_stream stream)
{
    if (command->pipes[stream].source.fd < 0)
        return;
    if (command->output.streams[stream].is_closed)
        discard(command, stream);
    else
        read_pipe(command, stream);
    wsm_fetch_try(command);
}

void wsm_command_on_exit(struct wsm_command *command, uint32_t exit_code)
{
    struct wsm_host *host = command->host;

    if (!command_step(command, WSM_COMMAND_EXIT))
        return;
    command->exit_code = exit_code;
    if (command->input_pipe.source.fd >= 0)
        close_input(command, true);
    if (host->shell.drain_timeout_ms > 0)
        command->drain_ms = wsm_deadline_ms(host->now_ms, host->shell.drain_timeout_ms);
    drain_check(command);
    for (int i = 0; i < WSM_HOST_STREAMS; i++) { /* their ends are there already, as a rule */
        if (!command->output.streams[i].is_closed)
            read_pipe(command, (enum wsm_host_stream)i);
    }
    wsm_fetch_try(command);
}

/* The drain time-out: what is in the pipes now still counts. */
static void set_ends(struct wsm_command *command)
{
    command->drain_ms = WSM_NEVER_MS;
    for (int i = 0; i < WSM_HOST_STREAMS; i++) {
        const struct wsm_output_stream *stream = &command->output.streams[i];
        int waiting = 0;

        if (stream->is_closed || ioctl(command->pipes[i].source.fd, FIONREAD, &waiting) < 0)
            continue;
        command->last[i] = stream->end + (uint64_t)waiting;
        wsm_command_on_output(command, (enum wsm_host_stream)i);
    }
}

void wsm_command_on_time(struct wsm_command *command)
{
    if (command->host->now_ms >= command->drain_ms)
        set_ends(command);
    wsm_fetch_try(command);
}

int64_t wsm_command_deadline(const struct wsm_command *command)
{
    return wsm_earlier_ms(command->drain_ms, wsm_fetch_deadline(command));
}

void wsm_command_rest(struct wsm_command *command)
{
    struct wsm_host *host = command->host;

    wsm_pipe_rest(&command->input_pipe, host->now_ms, &host->grown_pipes);
    for (int i = 0; i < WSM_HOST_STREAMS; i++) {
        enum wsm_host_stream stream = (enum wsm_host_stream)i;

        if (command->pipes[i].is_held_back && wsm_output_room(&command->output, stream) > 0)
            wsm_command_on_output(command, stream);
        wsm_pipe_rest(&command->pipes[i], host->now_ms, &host->grown_pipes);
    }
}

void wsm_command_confirm(struct wsm_command *command, const uint64_t upto[WSM_HOST_STREAMS])
{
    wsm_output_confirm(&command->output, upto);
    for (int i = 0; i < WSM_HOST_STREAMS; i++) {
        enum wsm_host_stream stream = (enum wsm_host_stream)i;

        if (command->pipes[i].is_held_back &&
            wsm_output_room(&command->output, stream) >= RESUME_ROOM)
            wsm_command_on_output(command, stream);
    }
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
    wsm_fetch_abort(command, ERROR_OPERATION_ABORTED, "the command was ended");
    if (command->input_request != 0)
        close_input(command, true);
    close_pipes(command);
    wsm_list_remove(&command->node);
    wsm_list_add(&command->host->forgotten, &command->node);
    command->host->command_count--;
}

/* Ends what may still run of a command; cheap in the usual case that nothing does. */
static void kill_rest(const struct wsm_command *command)
{
    struct wsm_error err = WSM_ERROR_INIT;

    if (command->state == WSM_COMMAND_RUNNING)
        kill(-command->pid, SIGKILL);
    else if (!wsm_host_may_have_left(command->host, command))
        return;
    if (!wsm_process_signal_all(WSM_PROCESS_COMMAND, command->pid, SIGKILL, NULL, &err)) {
        wsm_log_warning("command %s: %s", command->id.text, wsm_error_text(&err));
        wsm_error_clear(&err);
    }
}

void wsm_command_terminate(struct wsm_command *command)
{
    for (int i = 0; i < WSM_HOST_STREAMS; i++) {
        if (command->output.streams[i].dropped > 0)
            wsm_log_info("command %s: %llu bytes of stream %d dropped after its end",
                         command->id.text, (unsigned long long)command->output.streams[i].dropped,
                         i);
    }
    kill_rest(command);
    wsm_command_abandon(command);
}

void wsm_command_on_link_lost(struct wsm_command *command)
{
    wsm_fetch_forget(command);
    command->input_request = 0;
}
