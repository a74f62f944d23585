/* The input of a command: INPUT, its answers, its repetition. The host's only thread. Never
 * waits; what the pipe does not take is kept (input.c). */
#include "host/command.h"

#include "host/host.h"
#include "wsmerror.h"

void wsm_command_take_waiting(struct wsm_command *command)
{
    uint64_t request = command->input_request;

    command->input_request = 0;
    wsm_ids_move(&command->input_ids, &command->waiting_id);
    if (request != 0)
        wsm_link_done(&command->host->link, request);
}

/* Nobody reads any more: none of what waits was taken, if nothing of it was written. */
static void refuse_waiting(struct wsm_command *command)
{
    struct wsm_error err = WSM_ERROR_INIT;
    uint64_t request = command->input_request;

    command->input_request = 0;
    wsm_id_clear(&command->waiting_id);
    if (request == 0)
        return;
    wsm_fail(&err, ERROR_BROKEN_PIPE, "command %s does not read its input", command->id.text);
    wsm_link_failed(&command->host->link, request, &err);
}

void wsm_command_close_input(struct wsm_command *command, bool is_broken)
{
    if (is_broken && wsm_input_last_is_whole(&command->input))
        refuse_waiting(command);
    else
        wsm_command_take_waiting(command);
    wsm_pipe_close(&command->input_pipe, &command->host->grown_pipes);
    wsm_input_clear(&command->input);
}

static void after_write(struct wsm_command *command, enum wsm_input_result result)
{
    if (result == WSM_INPUT_BROKEN)
        wsm_command_close_input(command, true);
    else if (result == WSM_INPUT_EMPTY && command->input.has_end)
        wsm_command_close_input(command, false);
    else if (!wsm_input_is_over(&command->input))
        wsm_command_take_waiting(command);
}

void wsm_command_on_input_room(struct wsm_command *command)
{
    struct wsm_pipe *pipe = &command->input_pipe;

    if (pipe->source.fd < 0)
        return;
    if (wsm_input_len(&command->input) > 0)
        after_write(command, wsm_input_write(&command->input, pipe->source.fd));
    else if (wsm_source_is_broken(&pipe->source))
        wsm_command_close_input(command, true);
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
    if (wsm_input_is_over(&command->input) &&
        (command->input_request != 0 || wsm_input_len(&command->input) > WSM_INPUT_MAX))
        return wsm_fail(err, ERROR_BUSY, "command %s has not read its earlier input",
                        command->id.text);
    return true;
}

/* Has this been said before? Then it has been answered, or its answer will go to this one. */
static bool is_repetition(struct wsm_command *command, const struct wsm_host_input *message)
{
    struct wsm_link *link = &command->host->link;

    if (wsm_ids_has(&command->input_ids, message->message_id)) {
        wsm_link_done(link, message->request);
        return true;
    }
    if (!wsm_id_is(&command->waiting_id, message->message_id))
        return false;
    if (command->input_request != 0) /* nobody waits for that any more; true it is */
        wsm_link_done(link, command->input_request);
    command->input_request = message->request;
    return true;
}

/* Takes what the message says; false: nothing of it. */
static bool take_input(struct wsm_command *command, const struct wsm_host_input *message,
                       enum wsm_input_result *out_result, struct wsm_error *err)
{
    struct wsm_pipe *pipe = &command->input_pipe;
    struct wsm_id id = { .bytes = NULL };

    /* Most commands get no input: then nothing needs to wake us for their pipe. */
    if (!input_fits(command, message, err) ||
        (message->data.len > 0 && !wsm_pipe_watch_input(pipe, command->host->epoll_fd, err)) ||
        !wsm_ids_reserve(&command->input_ids, message->message_id, err) ||
        !wsm_id_set(&id, message->message_id, err))
        return false;
    if (!wsm_input_add(&command->input, pipe->source.fd, message->data, out_result, err)) {
        wsm_id_clear(&id);
        return false;
    }
    wsm_ids_move(&command->input_ids, &command->waiting_id); /* its net has gone, it has not */
    command->waiting_id = id;
    command->input_request = message->request;
    return true;
}

void wsm_command_input(struct wsm_command *command, const struct wsm_host_input *message)
{
    struct wsm_host *host = command->host;
    struct wsm_error err = WSM_ERROR_INIT;
    enum wsm_input_result result;

    if (is_repetition(command, message))
        return;
    if (!take_input(command, message, &result, &err)) {
        wsm_link_failed(&host->link, message->request, &err);
        return;
    }
    /* The end of input is no conversation: what follows is likely to be the command's end. */
    command->has_fresh_input = message->data.len > 0 && message->end == 0;
    command->input.has_end = message->end != 0;
    wsm_pipe_used(&command->input_pipe, result == WSM_INPUT_FULL, host->now_ms, &host->grown_pipes);
    after_write(command, result);
}
