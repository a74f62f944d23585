/* What the scripted service answers where no handler does: one answer for each kind of request,
 * and to a Receive what the test has queued. */
#include "fake_service_parts.h"

#include "proto/command.h"
#include "proto/create.h"
#include "proto/disconnect.h"
#include "proto/enumerate.h"
#include "proto/fault.h"
#include "proto/identify.h"
#include "proto/receive.h"
#include "proto/send.h"
#include "proto/signal.h"

#include "wsmerror.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

enum fake_answer_kind {
    FAKE_ANSWER_OUTPUT,
    FAKE_ANSWER_DONE,
    FAKE_ANSWER_FAULT,
    FAKE_ANSWER_STATE,
};

struct fake_answer {
    enum fake_answer_kind kind;
    struct wsm_buf out;
    bool has_out;
    struct wsm_buf err;
    bool has_err;
    bool ends;
    uint32_t number; /* exit code or fault */
    struct fake_answer *next;
};

static struct wsm_response_headers headers_of(const struct fake_request *request,
                                              const char *action)
{
    struct wsm_response_headers headers = { .action = action,
                                            .relates_to = request->env->message_id };

    (void)!wsm_guid_parse(wsm_span_str("99999999-0000-4000-8000-000000000001"),
                          &headers.message_id);
    return headers;
}

void fake_reply_fault(struct fake_reply *reply, const struct fake_request *request, uint32_t code,
                      const char *text)
{
    struct wsm_response_headers headers = headers_of(request, "");
    struct wsm_error err = { .code = code, .text = (char *)(uintptr_t)text };

    reply->status = 500;
    wsm_fault_write(&reply->body, &headers.message_id, headers.relates_to, &err, "fake");
}

static bool peer_has_gone(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* Waits under the lock for an answer; false: the peer or the service went. The peer is
 * looked at also when there is one: what goes to a closed connection would be lost. Without one
 * in the end, the shell has been disconnected. */
static bool wait_for_answer(struct fake_service *service, struct fake_connection *connection,
                            const char *shell)
{
    for (;;) {
        struct timespec soon;

        if (service->is_stopping || peer_has_gone(connection->fd))
            return false;
        if (service->first != NULL ||
            (fake_shell_is_gone(service, shell) && !service->keeps_receives))
            return true;
        clock_gettime(CLOCK_REALTIME, &soon);
        soon.tv_nsec += 2000000;
        if (soon.tv_nsec >= 1000000000) {
            soon.tv_sec++;
            soon.tv_nsec -= 1000000000;
        }
        pthread_cond_timedwait(&service->changed, &service->lock, &soon);
    }
}

static void write_stream(struct fake_reply *reply, const char *name, struct wsm_span data, bool end)
{
    struct wsm_stream_data stream = { .name = wsm_span_str(name), .data = data, .end = end };

    wsm_receive_response_stream(&reply->body, &stream);
}

static void answer_receive(struct fake_service *service, struct fake_connection *connection,
                           const struct fake_request *request, struct fake_reply *reply)
{
    struct wsm_response_headers headers = headers_of(request, WSM_ACTION_RECEIVE "Response");
    struct fake_shell_name shell = fake_shell_of(request);
    struct fake_answer *answer;

    if (request->is_gone) {
        fake_reply_fault(reply, request, ERROR_WINRS_SHELL_DISCONNECTED, "disconnected");
        return;
    }
    pthread_mutex_lock(&service->lock);
    if (!request->is_parked)
        fake_shell_park(service, &shell);
    reply->is_dropped = !wait_for_answer(service, connection, shell.text);
    answer = reply->is_dropped ? NULL : service->first;
    if (answer == NULL) {
        fake_shell_unpark(service, shell.text);
        pthread_mutex_unlock(&service->lock);
        if (!reply->is_dropped)
            fake_reply_fault(reply, request, ERROR_WSMAN_SERVICE_STREAM_DISCONNECTED,
                             "disconnected");
        return;
    }
    fake_shell_unpark(service, shell.text);
    service->first = answer->next;
    if (service->first == NULL)
        service->last = &service->first;
    pthread_mutex_unlock(&service->lock);
    if (answer->kind == FAKE_ANSWER_FAULT) {
        fake_reply_fault(reply, request, answer->number, "scripted");
    } else {
        wsm_receive_response_begin(&reply->body, &headers);
        if (answer->has_out)
            write_stream(reply, "stdout", wsm_buf_span(&answer->out), answer->ends);
        if (answer->has_err)
            write_stream(reply, "stderr", wsm_buf_span(&answer->err), answer->ends);
        wsm_receive_response_state(&reply->body, wsm_span_str(""),
                                   answer->kind == FAKE_ANSWER_DONE ? WSM_COMMAND_DONE
                                                                    : WSM_COMMAND_RUNNING,
                                   answer->number);
        wsm_receive_response_end(&reply->body);
    }
    wsm_buf_clear(&answer->out);
    wsm_buf_clear(&answer->err);
    free(answer);
}

static void answer_create(struct fake_service *service, const struct fake_request *request,
                          struct fake_reply *reply)
{
    static _Thread_local struct wsm_variable variables[WSM_ENV_VARIABLES_MAX];
    struct wsm_create_request create;
    struct wsm_response_headers headers = headers_of(request, WSM_ACTION_CREATE "Response");
    struct wsm_create_response response = {
        .address = request->env->to,
        .shell.shell_id = wsm_span_str(FAKE_SHELL_ID),
        .shell.resource_uri = wsm_span_str(WSM_URI_CMD),
        .shell.owner = wsm_span_str("tester"),
        .shell.client_ip = wsm_span_str("127.0.0.1"),
        .shell.idle_timeout_ms = 7200000,
        .shell.max_idle_timeout_ms = -1,
        .shell.input_streams = wsm_span_str("stdin"),
        .shell.output_streams = wsm_span_str("stdout stderr"),
        .shell.memory_kib = -1,
        .shell.child_processes = -1,
    };

    if (service->can_disconnect) {
        if (wsm_create_request_parse(request->env, variables, &create, NULL))
            response.shell.shell_id = create.shell_id;
        response.shell.buffer_mode = wsm_span_str("Block");
        response.shell.state = wsm_span_str("Connected");
    }
    wsm_create_response_write(&reply->body, &headers, &response);
}

/* The Receives of the shell end first. */
static void answer_disconnect(struct fake_service *service, const struct fake_request *request,
                              struct fake_reply *reply)
{
    struct wsm_response_headers headers = headers_of(request, WSM_ACTION_DISCONNECT "Response");
    struct fake_shell_name shell = fake_shell_of(request);

    pthread_mutex_lock(&service->lock);
    fake_shell_leave(service, &shell);
    pthread_cond_broadcast(&service->changed);
    while (!service->is_stopping && !service->keeps_receives &&
           fake_shell_is_parked(service, shell.text))
        pthread_cond_wait(&service->changed, &service->lock);
    pthread_mutex_unlock(&service->lock);
    wsm_disconnect_response_write(&reply->body, &headers);
}

static void answer_reconnect(struct fake_service *service, const struct fake_request *request,
                             struct fake_reply *reply)
{
    struct wsm_response_headers headers = headers_of(request, WSM_ACTION_RECONNECT "Response");

    pthread_mutex_lock(&service->lock);
    fake_shell_come_back(service, fake_shell_of(request).text);
    pthread_mutex_unlock(&service->lock);
    wsm_reconnect_response_write(&reply->body, &headers);
}

static void answer_connect(struct fake_service *service, const struct fake_request *request,
                           struct fake_reply *reply)
{
    struct wsm_response_headers headers = headers_of(request, WSM_ACTION_CONNECT "Response");
    struct wsm_connect_response response = { .input_streams = wsm_span_str("") };
    struct wsm_connect_request connect;

    if (!wsm_connect_request_parse(request->env, &connect, NULL)) {
        fake_reply_fault(reply, request, 87, "bad Connect");
        return;
    }
    if (connect.command_id.len == 0) {
        response.input_streams = wsm_span_str("stdin");
        response.output_streams = wsm_span_str("stdout stderr");
        pthread_mutex_lock(&service->lock);
        fake_shell_come_back(service, fake_shell_of(request).text);
        pthread_mutex_unlock(&service->lock);
    }
    wsm_connect_response_write(&reply->body, &headers, &response);
}

/* The items in answers of so many; the context is the number of the next. */
static void answer_items(struct fake_service *service, const struct fake_request *request,
                         struct fake_reply *reply)
{
    bool is_pull = strcmp(request->name, "Pull") == 0;
    struct wsm_response_headers headers = headers_of(
        request, is_pull ? WSM_ACTION_PULL "Response" : WSM_ACTION_ENUMERATE "Response");
    struct wsm_items_response response = { .is_pull = is_pull };
    struct wsm_pull_request pull = { .max_elements = 0 };
    struct wsm_buf items = WSM_BUF_INIT;
    char context[24];
    size_t next = 0;
    size_t end;

    if (is_pull && wsm_pull_request_parse(request->env, &pull, NULL)) {
        snprintf(context, sizeof(context), "%.*s", (int)pull.context.len,
                 (const char *)pull.context.ptr);
        next = strtoul(context, NULL, 10);
    }
    end = next + service->items_per_answer;
    if (end >= service->item_count) {
        end = service->item_count;
        response.is_end = true;
    } else {
        snprintf(context, sizeof(context), "%zu", end);
        response.context = wsm_span_str(context);
    }
    for (; next < end; next++)
        wsm_buf_append_str(&items, service->items[next]);
    response.items = wsm_buf_span(&items);
    wsm_items_response_write(&reply->body, &headers, &response);
    wsm_buf_clear(&items);
}

static void answer_command(const struct fake_request *request, struct fake_reply *reply)
{
    static _Thread_local struct wsm_span arguments[WSM_ARGUMENTS_MAX];
    struct wsm_response_headers headers = headers_of(request, WSM_ACTION_COMMAND "Response");
    struct wsm_command_request command;

    if (wsm_command_request_parse(request->env, arguments, &command, NULL))
        wsm_command_response_write(&reply->body, &headers, command.command_id);
    else
        fake_reply_fault(reply, request, 87, "bad Command");
}

static void answer_identify(const struct fake_request *request, struct fake_reply *reply)
{
    struct wsm_identify_response identity = {
        .protocol_version = wsm_span_str(WSM_NS_WSMAN),
        .product_vendor = wsm_span_str("Fake"),
        .product_version = wsm_span_str("OS: 0.0.0 SP: 0.0 Stack: 3.0"),
    };
    const char *ns = WSM_NS_IDENTITY;

    (void)wsm_identify_request_parse(request->env, &ns);
    wsm_identify_response_write(&reply->body, ns, &identity);
}

void fake_answer(struct fake_service *service, struct fake_connection *connection,
                 const struct fake_request *request, struct fake_reply *reply)
{
    struct wsm_response_headers headers;

    if (strcmp(request->name, "Create") == 0) {
        answer_create(service, request, reply);
    } else if (strcmp(request->name, "Disconnect") == 0) {
        answer_disconnect(service, request, reply);
    } else if (strcmp(request->name, "Reconnect") == 0) {
        answer_reconnect(service, request, reply);
    } else if (strcmp(request->name, "Connect") == 0) {
        answer_connect(service, request, reply);
    } else if (strcmp(request->name, "Enumerate") == 0 || strcmp(request->name, "Pull") == 0) {
        answer_items(service, request, reply);
    } else if (strcmp(request->name, "Command") == 0) {
        answer_command(request, reply);
    } else if (strcmp(request->name, "Receive") == 0) {
        answer_receive(service, connection, request, reply);
    } else if (strcmp(request->name, "Identify") == 0) {
        answer_identify(request, reply);
    } else if (strcmp(request->name, "Send") == 0) {
        headers = headers_of(request, WSM_ACTION_SEND "Response");
        wsm_send_response_write(&reply->body, &headers);
    } else if (strcmp(request->name, "Signal") == 0) {
        headers = headers_of(request, WSM_ACTION_SIGNAL "Response");
        wsm_signal_response_write(&reply->body, &headers);
    } else {
        headers = headers_of(request, WSM_ACTION_DELETE "Response");
        wsm_delete_response_write(&reply->body, &headers);
    }
}

/* ---- What the test gives ---- */

/* Copied: an answer that a test does not wait for may be made after the test has ended. */
void fake_items(struct fake_service *service, const char *const *items, size_t count,
                size_t per_answer)
{
    size_t i;

    service->items = calloc(count + 1, sizeof(*service->items));
    assert_non_null(service->items);
    for (i = 0; i < count; i++) {
        service->items[i] = strdup(items[i]);
        assert_non_null(service->items[i]);
    }
    service->item_count = count;
    service->items_per_answer = per_answer;
}

static struct fake_answer *push(struct fake_service *service, enum fake_answer_kind kind)
{
    struct fake_answer *answer = calloc(1, sizeof(*answer));

    assert_non_null(answer);
    answer->kind = kind;
    (void)service;
    return answer;
}

static void publish(struct fake_service *service, struct fake_answer *answer)
{
    pthread_mutex_lock(&service->lock);
    *service->last = answer;
    service->last = &answer->next;
    pthread_cond_broadcast(&service->changed);
    pthread_mutex_unlock(&service->lock);
}

void fake_push_output(struct fake_service *service, const char *out, const char *err, bool ends)
{
    struct fake_answer *answer = push(service, FAKE_ANSWER_OUTPUT);

    answer->has_out = out != NULL;
    answer->has_err = err != NULL;
    answer->ends = ends;
    if (out != NULL)
        wsm_buf_append_str(&answer->out, out);
    if (err != NULL)
        wsm_buf_append_str(&answer->err, err);
    publish(service, answer);
}

void fake_push_bytes(struct fake_service *service, const void *bytes, size_t count)
{
    struct fake_answer *answer = push(service, FAKE_ANSWER_OUTPUT);

    answer->has_out = true;
    wsm_buf_append(&answer->out, bytes, count);
    publish(service, answer);
}

void fake_push_done(struct fake_service *service, uint32_t exit_code)
{
    struct fake_answer *answer = push(service, FAKE_ANSWER_DONE);

    answer->number = exit_code;
    publish(service, answer);
}

void fake_push_fault(struct fake_service *service, uint32_t code)
{
    struct fake_answer *answer = push(service, FAKE_ANSWER_FAULT);

    answer->number = code;
    publish(service, answer);
}

void fake_push_state(struct fake_service *service)
{
    publish(service, push(service, FAKE_ANSWER_STATE));
}

void fake_answers_free(struct fake_service *service)
{
    while (service->first != NULL) {
        struct fake_answer *next = service->first->next;

        wsm_buf_clear(&service->first->out);
        wsm_buf_clear(&service->first->err);
        free(service->first);
        service->first = next;
    }
}
