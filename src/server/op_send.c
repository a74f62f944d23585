/* Send: input for a command. The winrmd-net loop runs it. Hands all of it to the host as one
 * message, which the host takes whole or not at all. The host knows a repetition by its
 * MessageID; one that comes while the first is under way waits for the same answer. */
#include "server/op_send.h"

#include "ipc/stream_names.h"
#include "proto/fault.h"
#include "proto/send.h"
#include "server/handler.h"
#include "wsmerror.h"

#include <stdlib.h>

static const char *const options[] = { NULL };

/* One Send under way; owned by itself. It outlives its connections and its OperationTimeout:
 * what was accepted is never thrown away. */
struct wsm_sending {
    struct wsm_exchange *exchange; /* owned; the data are in it */
    struct wsm_list repetitions;   /* exchanges, owned; as many as connections at most */
    struct wsm_shell *shell;       /* borrowed: its end ends the call first */
    struct wsm_command *command;   /* borrowed, NULL once it is gone */
    char message_id[WSM_HOST_ID_MAX + 1];
    struct wsm_host_call call;
};

/* What the request says; borrows from its exchange. */
struct request {
    struct wsm_command *command;
    size_t count;
    struct wsm_stream_data streams[WSM_SEND_STREAMS_MAX];
};

static const struct wsm_exchange_events exchange_events = { .keeps_request = false };

static void on_repetition_timer(struct wsm_exchange *exchange)
{
    struct wsm_error err = WSM_ERROR_INIT;

    wsm_fail(&err, ERROR_WSMAN_OPERATION_TIMEDOUT,
             "the command did not take its input within the " WSM_FAULT_TIMEOUT_WORD);
    wsm_exchange_fail(exchange, &err);
}

static const struct wsm_exchange_events repetition_events = { .on_timer = on_repetition_timer,
                                                              .on_gone = wsm_exchange_free };

static void answer(struct wsm_exchange *exchange, const struct wsm_error *err)
{
    struct wsm_response response = WSM_RESPONSE_INIT;
    struct wsm_response_headers headers;

    if (err != NULL) {
        wsm_exchange_fail_with(exchange, err);
        return;
    }
    if (exchange->conn != NULL) {
        headers = wsm_response_open(&response, exchange, 200, WSM_ACTION_SEND "Response");
        wsm_send_response_write(&response.out, &headers);
        wsm_response_send(&response, exchange, NULL);
        wsm_response_clear(&response);
    }
    wsm_exchange_free(exchange);
}

static void on_end(struct wsm_host_call *call, const struct wsm_error *err)
{
    struct wsm_sending *op = WSM_CONTAINER_OF(call, struct wsm_sending, call);

    if (op->command != NULL)
        op->command->sending = NULL;
    while (!wsm_list_is_empty(&op->repetitions)) {
        struct wsm_exchange *exchange = WSM_CONTAINER_OF(op->repetitions.next, struct wsm_exchange,
                                                         node);

        wsm_list_remove(&exchange->node);
        answer(exchange, err);
    }
    answer(op->exchange, err);
    free(op);
}

void wsm_send_forget(struct wsm_command *command)
{
    if (command->sending != NULL)
        command->sending->command = NULL;
    command->sending = NULL;
}

static bool check_stream(const struct wsm_shell *shell, const struct request *request, size_t i,
                         struct wsm_error *err)
{
    const struct wsm_stream_data *stream = &request->streams[i];
    uint32_t bit;

    if (stream->command_id.len == 0)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "rsp:Stream: no CommandId");
    if (!wsm_span_equal(stream->command_id, request->streams[0].command_id))
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "rsp:Send: streams of several commands");
    if (!wsm_stream_names_parse(stream->name, wsm_input_stream_names, 1, &bit) ||
        (bit & shell->input_streams) == 0)
        return wsm_fail(err, ERROR_WSMAN_SHELL_INVALID_INPUT_STREAM,
                        "stream %.*s is not an input stream of the shell", (int)stream->name.len,
                        stream->name.len == 0 ? "" : (const char *)stream->name.ptr);
    if (stream->data.len > 0 && i > 0 && request->streams[i - 1].end)
        return wsm_fail(err, ERROR_INVALID_PARAMETER,
                        "rsp:Send: data behind the end of stream %.*s", (int)stream->name.len,
                        (const char *)stream->name.ptr);
    return true;
}

/* What was said to be the end stays the end. */
static bool check(const struct wsm_exchange *exchange, struct wsm_shell *shell,
                  struct request *request, struct wsm_error *err)
{
    if (!wsm_options_check(&exchange->env, options, err) ||
        !wsm_send_request_parse(&exchange->env, request->streams, &request->count, err))
        return false;
    if (request->count == 0)
        return wsm_fail(err, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR, "rsp:Send: no rsp:Stream");
    for (size_t i = 0; i < request->count; i++) {
        if (!check_stream(shell, request, i, err))
            return false;
        if (i > 0)
            request->streams[i].end |= request->streams[i - 1].end;
    }
    request->command = wsm_command_get(shell, request->streams[0].command_id, err);
    return request->command != NULL;
}

static bool send_input(struct wsm_sending *op, const struct request *request, struct wsm_error *err)
{
    static const struct wsm_host_call_events events = { .on_end = on_end };
    const struct wsm_stream_data *last = &request->streams[request->count - 1];
    struct wsm_span data = last->data;
    struct wsm_buf joined = WSM_BUF_INIT;
    struct wsm_host_input message = { .message_id = wsm_span_str(op->message_id),
                                      .command_id = wsm_span_str(op->command->id.text),
                                      .stream = last->name,
                                      .end = last->end };

    if (request->count > 1) {
        for (size_t i = 0; i < request->count; i++)
            wsm_buf_append_span(&joined, request->streams[i].data);
        data = wsm_buf_span(&joined);
    }
    if (!wsm_buf_ok(&joined)) {
        wsm_buf_clear(&joined);
        return wsm_fail_memory(err, "input");
    }
    message.request = wsm_host_link_expect(op->shell->link, &op->call, &events);
    wsm_host_link_send_tail(op->shell->link, &wsm_host_input_type, &message, data);
    wsm_buf_clear(&joined);
    return true;
}

static bool start(struct wsm_exchange *exchange, struct wsm_shell *shell,
                  const struct request *request, struct wsm_error *err)
{
    struct wsm_sending *op = calloc(1, sizeof(*op));

    if (op == NULL)
        return wsm_fail_memory(err, "operation");
    wsm_list_init(&op->repetitions);
    op->exchange = exchange;
    op->shell = shell;
    op->command = request->command;
    wsm_exchange_request_id(exchange, op->message_id);
    if (!send_input(op, request, err)) {
        free(op);
        return false;
    }
    op->command->sending = op;
    exchange->events = &exchange_events;
    return true;
}

/* The same request once more, on another connection, since an answer did not come. */
static bool is_repetition(const struct wsm_sending *first, const struct wsm_exchange *exchange)
{
    char id[WSM_HOST_ID_MAX + 1];

    wsm_exchange_request_id(exchange, id);
    return id[0] != '\0' && strcmp(id, first->message_id) == 0;
}

void wsm_op_send(struct wsm_exchange *exchange, struct wsm_shell *shell)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_sending *first;
    struct request request;

    if (!check(exchange, shell, &request, &err)) {
        wsm_exchange_fail(exchange, &err);
        return;
    }
    first = request.command->sending;
    if (first != NULL && is_repetition(first, exchange)) {
        exchange->events = &repetition_events;
        wsm_list_add(&first->repetitions, &exchange->node);
        return;
    }
    if (first != NULL)
        wsm_fail(&err, ERROR_BUSY, "the command has not taken the input before this");
    if (first != NULL || !start(exchange, shell, &request, &err))
        wsm_exchange_fail(exchange, &err);
}
