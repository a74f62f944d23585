/* The output of a command: from its pipes into what is kept. The host's only thread. Answers
 * nothing itself: command_fetch.c does. */
#include "host/command.h"

#include "host/host.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    READ_MAX = 1024 * 1024,    /* bytes of one pipe in one turn */
    READ_STEP = 256 * 1024,    /* bytes after which a waiting FETCH gets its answer */
    RESUME_ROOM = 128 * 1024,  /* a stream held back goes on when it has so much */
    DISCARD_MAX = 1024 * 1024, /* bytes dropped in one turn */
    DISCARD_BUFFER = 16 * 1024,
};

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
        wsm_output_late(&command->output, stream, (size_t)count);
        dropped += (size_t)count;
    }
}

/* Is there room, be it that something has to go for it? */
static bool has_room(struct wsm_command *command, enum wsm_host_stream stream)
{
    return wsm_output_room(&command->output, stream) > 0 ||
           (wsm_connection_drops(&command->host->connection) &&
            wsm_output_make_room(&command->output, stream));
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
    if (!has_room(command, stream) || !wsm_output_reserve(output, stream, &at, &len))
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
    wsm_command_streams_ended(command);
}

void wsm_command_read(struct wsm_command *command, enum wsm_host_stream stream)
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
            wsm_command_fetch_try(command);
        }
        if (total >= READ_MAX) /* one that is written to all the time is never empty */
            break;
    }
    pipe->has_more = result == READ_SOME;
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
        wsm_command_read(command, stream);
    wsm_command_fetch_try(command);
}

void wsm_command_set_ends(struct wsm_command *command)
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

bool wsm_command_may_go_on(const struct wsm_command *command, enum wsm_host_stream stream)
{
    return command->pipes[stream].is_held_back &&
           (wsm_output_room(&command->output, stream) > 0 ||
            (wsm_connection_drops(&command->host->connection) &&
             wsm_output_can_drop(&command->output, stream)));
}

void wsm_command_go_on(struct wsm_command *command)
{
    for (int i = 0; i < WSM_HOST_STREAMS; i++) {
        if (wsm_command_may_go_on(command, (enum wsm_host_stream)i))
            command->pipes[i].has_more = true;
    }
}

void wsm_command_read_more(struct wsm_command *command)
{
    for (int i = 0; i < WSM_HOST_STREAMS; i++) {
        if (!command->pipes[i].has_more)
            continue;
        command->pipes[i].has_more = false;
        wsm_command_on_output(command, (enum wsm_host_stream)i);
    }
}

void wsm_command_rest(struct wsm_command *command)
{
    struct wsm_host *host = command->host;

    wsm_pipe_rest(&command->input_pipe, host->now_ms, &host->grown_pipes);
    for (int i = 0; i < WSM_HOST_STREAMS; i++) {
        if (wsm_command_may_go_on(command, (enum wsm_host_stream)i))
            wsm_command_on_output(command, (enum wsm_host_stream)i);
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
