/* A FETCH that waits at its command, and its answer. The host's only thread. Confirms
 * nothing, frees nothing: the same can be asked for again. */
#include "host/command.h"

#include "host/host.h"
#include "ipc/stream_names.h"
#include "wsmerror.h"

#include <inttypes.h>

static size_t available(const struct wsm_command *command)
{
    return wsm_output_available(&command->output, command->fetch.streams, command->fetch.from);
}

void wsm_command_fetch_forget(struct wsm_command *command)
{
    if (command->fetch.request == 0)
        return;
    command->fetch.request = 0;
    wsm_idle_unpark(&command->host->idle, command->host->now_ms);
}

void wsm_command_fetch_abort(struct wsm_command *command, uint32_t code, const char *text)
{
    struct wsm_error err = WSM_ERROR_INIT;
    uint64_t request = command->fetch.request;

    if (request == 0)
        return;
    wsm_command_fetch_forget(command);
    wsm_fail(&err, code, "%s", text);
    wsm_link_failed(&command->host->link, request, &err);
}

static bool check(const struct wsm_command *command, const struct wsm_host_fetch *message,
                  struct wsm_error *err)
{
    if (message->streams == 0 || (message->streams & ~(uint32_t)WSM_OUTPUT_ALL) != 0 ||
        message->max_bytes == 0 || message->max_pieces == 0)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "command %s: it asks for nothing that is",
                        command->id.text);
    for (uint32_t i = 0; i < WSM_HOST_STREAMS; i++) {
        const struct wsm_output_stream *stream = &command->output.streams[i];

        if (!wsm_output_holds(&command->output, message->streams & (1U << i), message->from))
            return wsm_fail(err, ERROR_INVALID_PARAMETER,
                            "%s %" PRIu64 " is not within what is kept, %" PRIu64 " to %" PRIu64,
                            wsm_output_stream_names[i], message->from[i], stream->confirmed,
                            stream->end);
    }
    return true;
}

void wsm_command_fetch_begin(struct wsm_command *command, const struct wsm_host_fetch *message)
{
    struct wsm_error err = WSM_ERROR_INIT;

    wsm_command_fetch_abort(command, ERROR_WINRS_RECEIVE_IN_PROGRESS,
                            "a newer request took its place");
    if (!check(command, message, &err)) {
        wsm_link_failed(&command->host->link, message->request, &err);
        return;
    }
    command->fetch = (struct wsm_fetch){
        .request = message->request,
        .streams = message->streams,
        .from = { message->from[WSM_HOST_STDOUT], message->from[WSM_HOST_STDERR] },
        .max_bytes = message->max_bytes < WSM_FETCH_BYTES_MAX ? message->max_bytes
                                                              : WSM_FETCH_BYTES_MAX,
        .max_pieces = message->max_pieces,
    };
    command->fetch.has_waited = available(command) == 0 && command->state != WSM_COMMAND_DONE;
    wsm_idle_park(&command->host->idle);
    wsm_command_fetch_try(command);
}

/* Is there something to answer, be it that the short wait goes on? */
static bool has_answer(const struct wsm_command *command)
{
    return command->fetch.request != 0 && !wsm_link_is_congested(&command->host->link) &&
           (command->state == WSM_COMMAND_DONE || available(command) > 0);
}

static bool is_due(const struct wsm_command *command)
{
    return has_answer(command) &&
           (command->state == WSM_COMMAND_DONE || command->host->now_ms >= command->hold_until_ms ||
            available(command) >= WSM_FETCH_PLENTY);
}

int64_t wsm_command_fetch_deadline(const struct wsm_command *command)
{
    return has_answer(command) ? command->hold_until_ms : WSM_NEVER_MS;
}

/* Which of the asked streams end at `at`. */
static uint32_t ended_streams(const struct wsm_command *command, const uint64_t *at)
{
    uint32_t ended = 0;

    for (uint32_t i = 0; i < WSM_HOST_STREAMS; i++) {
        const struct wsm_output_stream *stream = &command->output.streams[i];

        if ((command->fetch.streams & (1U << i)) != 0 && stream->is_closed && at[i] == stream->end)
            ended |= 1U << i;
    }
    return ended;
}

static void answer(struct wsm_command *command)
{
    const struct wsm_fetch *fetch = &command->fetch;
    struct wsm_output_cursor cursor = { .streams = fetch->streams,
                                        .at = { fetch->from[WSM_HOST_STDOUT],
                                                fetch->from[WSM_HOST_STDERR] },
                                        .bytes_left = fetch->max_bytes };
    struct wsm_host_answer answer = { .request = fetch->request, .parked = fetch->has_waited };
    struct wsm_output_piece piece;

    for (uint32_t i = 0;
         i < fetch->max_pieces && wsm_output_next(&command->output, &cursor, &piece); i++) {
        const struct wsm_host_output output = { .request = fetch->request,
                                                .stream = (uint8_t)piece.stream,
                                                .offset = piece.offset };

        wsm_link_output(&command->host->link, &output, piece.spans, piece.span_count);
        wsm_output_served(&command->output, piece.stream, piece.offset, cursor.at[piece.stream]);
    }
    answer.ended = ended_streams(command, cursor.at);
    answer.is_done = command->state == WSM_COMMAND_DONE && answer.ended == fetch->streams;
    answer.exit_code = answer.is_done ? command->exit_code : 0;
    wsm_link_send(&command->host->link, &wsm_host_answer_type, &answer);
    wsm_command_fetch_forget(command);
}

void wsm_command_fetch_try(struct wsm_command *command)
{
    if (is_due(command))
        answer(command);
}

void wsm_command_fetch_end(struct wsm_command *command)
{
    if (has_answer(command))
        answer(command);
    else
        wsm_command_fetch_abort(command, ERROR_WSMAN_SERVICE_STREAM_DISCONNECTED,
                                "the shell was disconnected");
}
