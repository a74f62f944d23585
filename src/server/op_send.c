/* Send: input for a command. The winrmd-net loop runs it. Hands the streams to the host
 * one after the other; the host takes each whole or not at all. */
#include "proto/send.h"

#include "ipc/stream_names.h"
#include "server/dispatch.h"
#include "wsmerror.h"

#include <stdlib.h>

static const char *const options[] = { NULL };

/* One Send under way; owned by itself. It outlives its connection and its OperationTimeout:
 * what was accepted is never thrown away. */
struct sending {
    struct wsm_exchange *exchange; /* owned; the data are in it */
    struct wsm_shell *shell;       /* borrowed: its end ends the call first */
    struct wsm_command *command;   /* borrowed, NULL once it is gone */
    struct wsm_guid command_id;
    struct wsm_host_call call;
    size_t at;
    size_t count;
    struct wsm_stream_data streams[WSM_SEND_STREAMS_MAX];
};

static const struct wsm_exchange_events exchange_events = { NULL, NULL };

static void sending_free(struct sending *op)
{
    if (op->command != NULL)
        op->command->sender = NULL;
    wsm_exchange_free(op->exchange);
    free(op);
}

static void sending_fail(struct sending *op, struct wsm_error *err)
{
    wsm_exchange_fault(op->exchange, err);
    sending_free(op);
}

static void answer(struct sending *op)
{
    struct wsm_response response = WSM_RESPONSE_INIT;
    struct wsm_response_headers headers;

    if (op->exchange->conn == NULL)
        return;
    headers = wsm_response_open(&response, op->exchange, 200, WSM_ACTION_SEND "Response");
    wsm_send_response_write(&response.out, &headers);
    wsm_response_send(&response, op->exchange, NULL);
    wsm_response_clear(&response);
}

static void on_end(struct wsm_host_call *call, const struct wsm_error *err);

static void send_next(struct sending *op)
{
    static const struct wsm_host_call_events events = { .on_end = on_end };
    const struct wsm_stream_data *stream = &op->streams[op->at];
    struct wsm_host_input message = { .command_id = wsm_span_str(op->command_id.text),
                                      .stream = stream->name,
                                      .end = stream->end };

    message.request = wsm_host_link_expect(op->shell->link, &op->call, &events);
    wsm_host_link_send_tail(op->shell->link, &wsm_host_input_type, &message, stream->data);
}

static void on_end(struct wsm_host_call *call, const struct wsm_error *err)
{
    struct sending *op = WSM_CONTAINER_OF(call, struct sending, call);
    struct wsm_error fault = WSM_ERROR_INIT;

    if (err != NULL) {
        wsm_fail(&fault, err->code, "%s", wsm_error_text(err));
        sending_fail(op, &fault);
    } else if (++op->at < op->count) {
        send_next(op);
    } else {
        answer(op);
        sending_free(op);
    }
}

static bool check_stream(const struct sending *op, const struct wsm_stream_data *stream,
                         struct wsm_error *err)
{
    uint32_t bit;

    if (stream->command_id.len == 0)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "rsp:Stream: no CommandId");
    if (!wsm_span_equal(stream->command_id, op->streams[0].command_id))
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "rsp:Send: streams of several commands");
    if (!wsm_stream_names_parse(stream->name, wsm_input_stream_names, 1, &bit) ||
        (bit & op->shell->input_streams) == 0)
        return wsm_fail(err, ERROR_WSMAN_SHELL_INVALID_INPUT_STREAM,
                        "stream %.*s is not an input stream of the shell", (int)stream->name.len,
                        stream->name.len == 0 ? "" : (const char *)stream->name.ptr);
    return true;
}

static bool check(struct sending *op, struct wsm_error *err)
{
    struct wsm_command *command;
    struct wsm_span id;

    if (!wsm_options_check(&op->exchange->env, options, err) ||
        !wsm_send_request_parse(&op->exchange->env, op->streams, &op->count, err))
        return false;
    if (op->count == 0)
        return wsm_fail(err, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR, "rsp:Send: no rsp:Stream");
    for (size_t i = 0; i < op->count; i++)
        if (!check_stream(op, &op->streams[i], err))
            return false;
    id = op->streams[0].command_id;
    command = wsm_command_find(op->shell, id);
    if (command == NULL)
        return wsm_fail(err, ERROR_WSMAN_UNEXPECTED_SELECTORS, "command %.*s does not exist",
                        (int)id.len, (const char *)id.ptr);
    if (command->sender != NULL)
        return wsm_fail(err, ERROR_BUSY, "the command has not taken the input before this");
    command->sender = &op->command;
    op->command = command;
    op->command_id = command->id;
    return true;
}

void wsm_op_send(struct wsm_exchange *exchange, struct wsm_shell *shell)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct sending *op = calloc(1, sizeof(*op));

    if (op == NULL) {
        wsm_fail_memory(&err, "operation");
        wsm_exchange_fail(exchange, &err);
        return;
    }
    op->exchange = exchange;
    op->shell = shell;
    exchange->events = &exchange_events;
    if (check(op, &err))
        send_next(op);
    else
        sending_fail(op, &err);
}
