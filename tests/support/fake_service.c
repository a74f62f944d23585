/* The scripted service of the client's tests. One lock guards all of it. */
#include "fake_service.h"

#include "proto/command.h"
#include "proto/create.h"
#include "proto/disconnect.h"
#include "proto/enumerate.h"
#include "proto/fault.h"
#include "proto/http.h"
#include "proto/identify.h"
#include "proto/receive.h"
#include "proto/send.h"
#include "proto/signal.h"

#include "wsmerror.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    CONNECTIONS_MAX = 2048,
    REQUESTS_MAX = 65536,
    DEADLINE_S = 10,
    READ_MAX = 65536,
    SHELLS_MAX = 8,
    PARKED_MAX = 32
};

enum answer_kind { ANSWER_OUTPUT, ANSWER_DONE, ANSWER_FAULT, ANSWER_STATE };

struct answer {
    enum answer_kind kind;
    struct wsm_buf out;
    bool has_out;
    struct wsm_buf err;
    bool has_err;
    bool ends;
    uint32_t number; /* exit code or fault */
    struct answer *next;
};

/* A shell id as text. */
struct shell_name {
    char text[64];
};

struct seen {
    char name[16];
    char *fields; /* "what=value\n…" */
    bool is_answered;
};

struct connection {
    struct fake_service *service;
    pthread_t thread;
    int fd;
    int number;
    bool is_open;
};

struct fake_service {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t acceptor;
    int listener;
    uint16_t port;
    bool is_refusing;
    size_t cut_at; /* bytes of the next request; 0 = whole */
    bool is_stopping;
    fake_handler handler;
    struct connection connections[CONNECTIONS_MAX];
    size_t connection_count;
    struct answer *first;
    struct answer **last;
    struct seen *seen;
    size_t seen_count;
    const char *held[16];
    size_t held_count;
    struct wsm_buf input;
    bool input_ended;
    bool can_disconnect;
    bool keeps_receives;
    struct shell_name gone[SHELLS_MAX]; /* disconnected */
    size_t gone_count;
    struct shell_name parked[PARKED_MAX]; /* whose Receives wait */
    size_t parked_count;
    char **items; /* what Enumerate lists */
    size_t item_count;
    size_t items_per_answer;
};

static const struct timespec *deadline(void)
{
    static _Thread_local struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += DEADLINE_S;
    return &until;
}

/* ---- Answers ---- */

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

/* ---- Who is connected ---- */

static struct shell_name shell_of(const struct fake_request *request)
{
    struct wsm_span id = wsm_envelope_selector(request->env, "ShellId");
    struct shell_name name = { "" };

    snprintf(name.text, sizeof(name.text), "%.*s", (int)id.len, (const char *)id.ptr);
    return name;
}

/* Under the lock, as all here. */
static size_t find_name(const struct shell_name *names, size_t count, const char *text)
{
    size_t i;

    for (i = 0; i < count; i++) {
        if (strcmp(names[i].text, text) == 0)
            return i;
    }
    return count;
}

static bool is_gone(const struct fake_service *service, const char *shell)
{
    return find_name(service->gone, service->gone_count, shell) < service->gone_count;
}

static void come_back(struct fake_service *service, const char *shell)
{
    size_t i = find_name(service->gone, service->gone_count, shell);

    if (i < service->gone_count)
        service->gone[i] = service->gone[--service->gone_count];
}

static void leave(struct fake_service *service, const struct shell_name *shell)
{
    if (is_gone(service, shell->text))
        return;
    if (service->gone_count == SHELLS_MAX)
        abort();
    service->gone[service->gone_count++] = *shell;
}

static void park(struct fake_service *service, const struct shell_name *shell)
{
    if (service->parked_count == PARKED_MAX)
        abort();
    service->parked[service->parked_count++] = *shell;
}

static void unpark(struct fake_service *service, const char *shell)
{
    size_t i = find_name(service->parked, service->parked_count, shell);

    service->parked[i] = service->parked[--service->parked_count];
    pthread_cond_broadcast(&service->changed);
}

static bool peer_has_gone(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* Waits under the lock for an answer; false: the peer or the service went. The peer is
 * looked at also when there is one: what goes to a closed connection would be lost. Without one
 * in the end, the shell has been disconnected. */
static bool wait_for_answer(struct fake_service *service, struct connection *connection,
                            const char *shell)
{
    for (;;) {
        struct timespec soon;

        if (service->is_stopping || peer_has_gone(connection->fd))
            return false;
        if (service->first != NULL || (is_gone(service, shell) && !service->keeps_receives))
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

static void answer_receive(struct fake_service *service, struct connection *connection,
                           const struct fake_request *request, struct fake_reply *reply)
{
    struct wsm_response_headers headers = headers_of(request, WSM_ACTION_RECEIVE "Response");
    struct shell_name shell = shell_of(request);
    struct answer *answer;

    if (request->is_gone) {
        fake_reply_fault(reply, request, ERROR_WINRS_SHELL_DISCONNECTED, "disconnected");
        return;
    }
    pthread_mutex_lock(&service->lock);
    if (!request->is_parked)
        park(service, &shell);
    reply->is_dropped = !wait_for_answer(service, connection, shell.text);
    answer = reply->is_dropped ? NULL : service->first;
    if (answer == NULL) {
        unpark(service, shell.text);
        pthread_mutex_unlock(&service->lock);
        if (!reply->is_dropped)
            fake_reply_fault(reply, request, ERROR_WSMAN_SERVICE_STREAM_DISCONNECTED,
                             "disconnected");
        return;
    }
    unpark(service, shell.text);
    service->first = answer->next;
    if (service->first == NULL)
        service->last = &service->first;
    pthread_mutex_unlock(&service->lock);
    if (answer->kind == ANSWER_FAULT) {
        fake_reply_fault(reply, request, answer->number, "scripted");
    } else {
        wsm_receive_response_begin(&reply->body, &headers);
        if (answer->has_out)
            write_stream(reply, "stdout", wsm_buf_span(&answer->out), answer->ends);
        if (answer->has_err)
            write_stream(reply, "stderr", wsm_buf_span(&answer->err), answer->ends);
        wsm_receive_response_state(
            &reply->body, wsm_span_str(""),
            answer->kind == ANSWER_DONE ? WSM_COMMAND_DONE : WSM_COMMAND_RUNNING, answer->number);
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
    struct shell_name shell = shell_of(request);

    pthread_mutex_lock(&service->lock);
    leave(service, &shell);
    pthread_cond_broadcast(&service->changed);
    while (!service->is_stopping && !service->keeps_receives &&
           find_name(service->parked, service->parked_count, shell.text) < service->parked_count)
        pthread_cond_wait(&service->changed, &service->lock);
    pthread_mutex_unlock(&service->lock);
    wsm_disconnect_response_write(&reply->body, &headers);
}

static void answer_reconnect(struct fake_service *service, const struct fake_request *request,
                             struct fake_reply *reply)
{
    struct wsm_response_headers headers = headers_of(request, WSM_ACTION_RECONNECT "Response");

    pthread_mutex_lock(&service->lock);
    come_back(service, shell_of(request).text);
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
        come_back(service, shell_of(request).text);
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

static void answer(struct fake_service *service, struct connection *connection,
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

/* ---- What was asked ---- */

static void field(struct wsm_buf *out, const char *what, struct wsm_span value)
{
    wsm_buf_printf(out, "%s=%.*s\n", what, (int)value.len, (const char *)value.ptr);
}

/* What wsm_envelope does not keep. */
static void header_fields(struct wsm_buf *out, const struct wsm_envelope *env)
{
    const struct wsm_xml_node *header = wsm_xml_child(env->doc.root, WSM_NS_SOAP, "Header");
    const struct wsm_xml_node *node = header == NULL ? NULL : header->first_child;
    struct wsm_span language;

    for (; node != NULL; node = node->next) {
        if (wsm_xml_is(node, WSM_NS_MACHINE_ID, "MachineID"))
            field(out, "machine", node->text);
        if (!wsm_xml_attr(node, WSM_NS_XML, "lang", &language))
            continue;
        if (wsm_xml_is(node, WSM_NS_WSMAN, "Locale"))
            field(out, "locale", language);
        if (wsm_xml_is(node, WSM_NS_WSMV, "DataLocale"))
            field(out, "data_locale", language);
    }
    if (env->doc.is_utf16)
        field(out, "encoding", wsm_span_str("UTF-16"));
}

static void command_fields(struct wsm_buf *out, const struct wsm_envelope *env)
{
    static _Thread_local struct wsm_span arguments[WSM_ARGUMENTS_MAX];
    struct wsm_command_request command;
    size_t i;

    if (!wsm_command_request_parse(env, arguments, &command, NULL))
        return;
    field(out, "id", command.command_id);
    field(out, "line", command.command);
    for (i = 0; i < command.argument_count; i++)
        field(out, "argument", command.arguments[i]);
}

static void create_fields(struct wsm_buf *out, const struct wsm_envelope *env)
{
    static _Thread_local struct wsm_variable variables[WSM_ENV_VARIABLES_MAX];
    struct wsm_create_request create;
    size_t i;

    if (!wsm_create_request_parse(env, variables, &create, NULL))
        return;
    field(out, "id", create.shell_id);
    field(out, "name", create.name);
    field(out, "directory", create.working_directory);
    field(out, "input", create.input_streams);
    field(out, "output", create.output_streams);
    wsm_buf_printf(out, "idle=%lld\n", (long long)create.idle_timeout_ms);
    field(out, "mode", create.buffer_mode);
    for (i = 0; i < create.variable_count; i++)
        wsm_buf_printf(out, "variable=%.*s:%.*s\n", (int)create.variables[i].name.len,
                       (const char *)create.variables[i].name.ptr,
                       (int)create.variables[i].value.len,
                       (const char *)create.variables[i].value.ptr);
}

static void send_fields(struct fake_service *service, struct wsm_buf *out,
                        struct fake_request *request)
{
    const struct wsm_envelope *env = request->env;
    struct wsm_stream_data streams[WSM_SEND_STREAMS_MAX];
    size_t count = 0;

    if (!wsm_send_request_parse(env, streams, &count, NULL) || count == 0)
        return;
    request->input = streams[0].data;
    wsm_buf_append_span(&service->input, streams[0].data);
    service->input_ended = streams[0].end;
    field(out, "stream", streams[0].name);
    field(out, "command", streams[0].command_id);
    wsm_buf_printf(out, "length=%zu\n", streams[0].data.len);
}

static void signal_fields(struct wsm_buf *out, const struct wsm_envelope *env)
{
    struct wsm_signal_request request;

    if (!wsm_signal_request_parse(env, &request, NULL))
        return;
    field(out, "code", request.code);
    field(out, "command", request.command_id);
}

static void receive_fields(struct wsm_buf *out, const struct wsm_envelope *env)
{
    struct wsm_receive_request request;

    if (!wsm_receive_request_parse(env, &request, NULL))
        return;
    field(out, "streams", request.streams);
    field(out, "command", request.command_id);
}

static void link_fields(struct wsm_buf *out, const struct fake_request *request)
{
    struct wsm_disconnect_request disconnect;
    struct wsm_reconnect_request reconnect;
    struct wsm_connect_request connect;
    struct wsm_enumerate_request enumerate;

    if (strcmp(request->name, "Disconnect") == 0 &&
        wsm_disconnect_request_parse(request->env, &disconnect, NULL)) {
        wsm_buf_printf(out, "idle=%lld\n", (long long)disconnect.idle_timeout_ms);
        field(out, "mode", wsm_span_str(wsm_buffer_mode_name(disconnect.buffer_mode)));
    } else if (strcmp(request->name, "Reconnect") == 0 &&
               wsm_reconnect_request_parse(request->env, &reconnect, NULL)) {
        field(out, "command", reconnect.command_id);
        field(out, "mode", wsm_span_str(wsm_buffer_mode_name(reconnect.buffer_mode)));
    } else if (strcmp(request->name, "Connect") == 0 &&
               wsm_connect_request_parse(request->env, &connect, NULL)) {
        field(out, "command", connect.command_id);
        field(out, "mode", wsm_span_str(wsm_buffer_mode_name(connect.buffer_mode)));
    } else if (strcmp(request->name, "Enumerate") == 0 &&
               wsm_enumerate_request_parse(request->env, &enumerate, NULL)) {
        wsm_buf_printf(out, "optimized=%d\n", enumerate.is_optimized);
        field(out, "filter", enumerate.shell_id);
    }
}

/* From the moment that a test can see it: what comes later cannot overtake it. With a handler it
 * is not known yet who answers. */
static void take_turn(struct fake_service *service, struct fake_request *request)
{
    struct shell_name shell = shell_of(request);

    request->is_gone = is_gone(service, shell.text);
    request->is_parked = strcmp(request->name, "Receive") == 0 && !request->is_gone &&
                         service->handler == NULL;
    if (request->is_parked)
        park(service, &shell);
}

static size_t remember(struct fake_service *service, struct fake_request *request)
{
    const struct wsm_envelope *env = request->env;
    struct wsm_buf out = WSM_BUF_INIT;
    struct seen *seen;
    size_t number;
    size_t i;

    pthread_mutex_lock(&service->lock);
    field(&out, "message", env->message_id);
    field(&out, "session", env->session_id);
    field(&out, "to", env->to);
    field(&out, "resource", env->resource_uri);
    field(&out, "shell", wsm_envelope_selector(env, "ShellId"));
    field(&out, "authorization", wsm_span_str(request->authorization));
    header_fields(&out, env);
    wsm_buf_printf(&out, "size=%zu\n", request->length);
    wsm_buf_printf(&out, "timeout=%lld\nenvelope=%llu\nconnection=%d\n",
                   (long long)env->operation_timeout_ms, (unsigned long long)env->max_envelope_size,
                   request->connection);
    for (i = 0; i < env->option_count; i++)
        wsm_buf_printf(&out, "option=%.*s:%.*s\n", (int)env->options[i].name.len,
                       (const char *)env->options[i].name.ptr, (int)env->options[i].value.len,
                       (const char *)env->options[i].value.ptr);
    if (strcmp(request->name, "Create") == 0)
        create_fields(&out, env);
    if (strcmp(request->name, "Command") == 0)
        command_fields(&out, env);
    if (strcmp(request->name, "Send") == 0)
        send_fields(service, &out, request);
    if (strcmp(request->name, "Signal") == 0)
        signal_fields(&out, env);
    if (strcmp(request->name, "Receive") == 0)
        receive_fields(&out, env);
    link_fields(&out, request);
    wsm_buf_append_byte(&out, '\0');
    if (service->seen_count == REQUESTS_MAX)
        abort();
    number = service->seen_count++;
    seen = &service->seen[number];
    snprintf(seen->name, sizeof(seen->name), "%s", request->name);
    seen->fields = (char *)out.ptr;
    take_turn(service, request);
    pthread_cond_broadcast(&service->changed);
    pthread_mutex_unlock(&service->lock);
    return number;
}

static void note_answered(struct fake_service *service, size_t number)
{
    pthread_mutex_lock(&service->lock);
    service->seen[number].is_answered = true;
    pthread_cond_broadcast(&service->changed);
    pthread_mutex_unlock(&service->lock);
}

static bool is_held(const struct fake_service *service, const char *name)
{
    size_t i;

    for (i = 0; i < service->held_count; i++) {
        if (strcmp(service->held[i], name) == 0)
            return true;
    }
    return false;
}

static void wait_released(struct fake_service *service, const char *name)
{
    pthread_mutex_lock(&service->lock);
    while (is_held(service, name) && !service->is_stopping)
        pthread_cond_wait(&service->changed, &service->lock);
    pthread_mutex_unlock(&service->lock);
}

/* ---- Connections ---- */

static const char *name_of(const struct wsm_envelope *env)
{
    static const char *const names[] = {
        "Create",     "Command",   "Send",    "Receive",   "Signal", "Delete",
        "Disconnect", "Reconnect", "Connect", "Enumerate", "Pull",
    };
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t len = strlen(names[i]);

        if (env->action.len > len && env->action.ptr[env->action.len - len - 1] == '/' &&
            memcmp(env->action.ptr + env->action.len - len, names[i], len) == 0)
            return names[i];
    }
    return "Identify";
}

static bool write_all(int fd, const void *bytes, size_t count)
{
    const char *at = bytes;

    while (count > 0) {
        ssize_t done = send(fd, at, count, MSG_NOSIGNAL);

        if (done <= 0)
            return false;
        at += done;
        count -= (size_t)done;
    }
    return true;
}

static bool write_reply(int fd, struct fake_reply *reply)
{
    struct wsm_buf out = WSM_BUF_INIT;
    size_t half = reply->body.len / 2;
    bool ok;

    wsm_buf_printf(&out, "HTTP/1.1 %d Scripted\r\nContent-Type: %s\r\n", reply->status,
                   reply->content_type != NULL ? reply->content_type
                                               : "application/soap+xml;charset=UTF-8");
    if (reply->status == 401)
        wsm_buf_append_str(&out, "WWW-Authenticate: Basic realm=\"WSMAN\"\r\n");
    if (reply->closes)
        wsm_buf_append_str(&out, "Connection: close\r\n");
    if (reply->is_chunked) {
        wsm_buf_append_str(&out, "Transfer-Encoding: chunked\r\n\r\n");
        wsm_buf_printf(&out, "%zx\r\n", half);
        wsm_buf_append(&out, reply->body.ptr, half);
        wsm_buf_printf(&out, "\r\n%zx\r\n", reply->body.len - half);
        wsm_buf_append(&out, reply->body.ptr + half, reply->body.len - half);
        wsm_buf_append_str(&out, "\r\n0\r\n\r\n");
    } else {
        wsm_buf_printf(&out, "Content-Length: %zu\r\n\r\n", reply->body.len);
        wsm_buf_append_span(&out, wsm_buf_span(&reply->body));
    }
    ok = write_all(fd, out.ptr, reply->is_halved ? out.len / 2 : out.len) && !reply->is_halved;
    wsm_buf_clear(&out);
    return ok;
}

static void reset_at_close(int fd)
{
    struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

static bool serve_body(struct connection *connection, const struct wsm_http_head *head,
                       uint8_t *body, size_t len)
{
    struct fake_service *service = connection->service;
    struct wsm_span authorization = wsm_http_header_find(head, "Authorization");
    char *text = strndup((const char *)authorization.ptr, authorization.len);
    struct wsm_envelope env = { .operation_timeout_ms = -1 };
    struct fake_request request = { .length = len,
                                    .authorization = authorization.len == 0 ? "" : text,
                                    .connection = connection->number };
    struct fake_reply reply = { .status = 200 };
    size_t number;
    bool ok = false;

    if (!wsm_envelope_parse(&env, body, len, NULL)) {
        fprintf(stderr, "fake service: request cannot be read\n");
        goto out;
    }
    request.env = &env;
    request.name = name_of(&env);
    number = remember(service, &request);
    wait_released(service, request.name);
    if (service->handler == NULL || !service->handler(service, &request, &reply))
        answer(service, connection, &request, &reply);
    ok = !reply.is_dropped && write_reply(connection->fd, &reply);
    if (reply.is_reset)
        reset_at_close(connection->fd);
    if (ok)
        note_answered(service, number);
    ok = ok && !reply.closes;
out:
    wsm_buf_clear(&reply.body);
    wsm_envelope_clear(&env);
    free(text);
    return ok;
}

static bool read_more(int fd, struct wsm_buf *in)
{
    ssize_t count;

    if (!wsm_buf_reserve(in, READ_MAX))
        return false;
    count = recv(fd, wsm_buf_end(in), READ_MAX, 0);
    if (count <= 0)
        return false;
    wsm_buf_added(in, (size_t)count);
    return true;
}

/* Was this the request to be cut, and is it time? */
static bool is_cut(struct connection *connection, const struct wsm_buf *in)
{
    struct fake_service *service = connection->service;
    bool is_time;

    pthread_mutex_lock(&service->lock);
    is_time = service->cut_at > 0 && in->len >= service->cut_at;
    if (is_time)
        service->cut_at = 0;
    pthread_mutex_unlock(&service->lock);
    if (is_time)
        reset_at_close(connection->fd);
    return is_time;
}

static bool serve_request(struct connection *connection, struct wsm_buf *in)
{
    struct wsm_http_head head;
    size_t scanned = 0;
    size_t used = 0;
    const char *why = "";
    int status;
    bool ok;

    while (wsm_http_head_parse(WSM_HTTP_REQUEST, wsm_buf_span(in), &scanned, &head, &used, &status,
                               &why) == WSM_PARSE_MORE) {
        if (!read_more(connection->fd, in) || is_cut(connection, in))
            return false;
    }
    while (in->len < used + head.content_length) {
        if (!read_more(connection->fd, in) || is_cut(connection, in))
            return false;
    }
    scanned = 0; /* reading may have moved the bytes */
    if (wsm_http_head_parse(WSM_HTTP_REQUEST, wsm_buf_span(in), &scanned, &head, &used, &status,
                            &why) != WSM_PARSE_DONE)
        return false;
    ok = serve_body(connection, &head, in->ptr + used, (size_t)head.content_length);
    wsm_buf_consume(in, used + (size_t)head.content_length);
    return ok;
}

static void *connection_main(void *arg)
{
    struct connection *connection = arg;
    struct fake_service *service = connection->service;
    struct wsm_buf in = WSM_BUF_INIT;

    while (serve_request(connection, &in))
        ;
    wsm_buf_clear(&in);
    pthread_mutex_lock(&service->lock);
    shutdown(connection->fd, SHUT_RDWR);
    close(connection->fd);
    connection->fd = -1;
    connection->is_open = false;
    pthread_cond_broadcast(&service->changed);
    pthread_mutex_unlock(&service->lock);
    return NULL;
}

static void add_connection(struct fake_service *service, int fd)
{
    struct connection *connection;
    int on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    pthread_mutex_lock(&service->lock);
    if (service->connection_count == CONNECTIONS_MAX || service->is_stopping) {
        close(fd);
    } else {
        connection = &service->connections[service->connection_count++];
        *connection = (struct connection){
            .service = service, .fd = fd, .number = (int)service->connection_count, .is_open = true
        };
        if (pthread_create(&connection->thread, NULL, connection_main, connection) != 0)
            abort();
    }
    pthread_mutex_unlock(&service->lock);
}

static void *acceptor_main(void *arg)
{
    struct fake_service *service = arg;
    int fd;

    while ((fd = accept4(service->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
        add_connection(service, fd);
    return NULL;
}

/* ---- The test's side ---- */

/* On the same port again, once it has one. */
static void open_listener(struct fake_service *service)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(service->port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(address);
    int on = 1;

    service->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(service->listener >= 0);
    setsockopt(service->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    assert_int_equal(bind(service->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(service->listener, (struct sockaddr *)&address, &len), 0);
    if (service->port == 0) /* others may be reading it */
        service->port = ntohs(address.sin_port);
}

static void listen_on(struct fake_service *service)
{
    assert_int_equal(listen(service->listener, 64), 0);
    assert_int_equal(pthread_create(&service->acceptor, NULL, acceptor_main, service), 0);
}

static void stop_listening(struct fake_service *service)
{
    shutdown(service->listener, SHUT_RDWR);
    pthread_join(service->acceptor, NULL);
    close(service->listener);
}

void fake_refuse(struct fake_service *service)
{
    stop_listening(service);
    open_listener(service); /* keeps the port for us; nobody listens */
    service->is_refusing = true;
}

void fake_accept(struct fake_service *service)
{
    service->is_refusing = false;
    listen_on(service);
}

void fake_cut_request(struct fake_service *service, size_t bytes)
{
    pthread_mutex_lock(&service->lock);
    service->cut_at = bytes;
    pthread_mutex_unlock(&service->lock);
}

struct fake_service *fake_service_start(void)
{
    struct fake_service *service = calloc(1, sizeof(*service));

    assert_non_null(service);
    pthread_mutex_init(&service->lock, NULL);
    pthread_cond_init(&service->changed, NULL);
    service->last = &service->first;
    service->seen = calloc(REQUESTS_MAX, sizeof(*service->seen));
    assert_non_null(service->seen);
    open_listener(service);
    listen_on(service);
    return service;
}

void fake_close_all(struct fake_service *service)
{
    size_t i;

    pthread_mutex_lock(&service->lock);
    for (i = 0; i < service->connection_count; i++) {
        if (service->connections[i].is_open)
            shutdown(service->connections[i].fd, SHUT_RDWR);
    }
    pthread_mutex_unlock(&service->lock);
}

static void free_answers(struct fake_service *service)
{
    while (service->first != NULL) {
        struct answer *next = service->first->next;

        wsm_buf_clear(&service->first->out);
        wsm_buf_clear(&service->first->err);
        free(service->first);
        service->first = next;
    }
}

void fake_service_stop(struct fake_service *service)
{
    size_t i;

    pthread_mutex_lock(&service->lock);
    service->is_stopping = true;
    pthread_cond_broadcast(&service->changed);
    pthread_mutex_unlock(&service->lock);
    if (service->is_refusing)
        close(service->listener);
    else
        stop_listening(service);
    fake_close_all(service);
    for (i = 0; i < service->connection_count; i++)
        pthread_join(service->connections[i].thread, NULL);
    for (i = 0; i < service->seen_count; i++)
        free(service->seen[i].fields);
    for (i = 0; i < service->item_count; i++)
        free(service->items[i]);
    free(service->items);
    free_answers(service);
    free(service->seen);
    wsm_buf_clear(&service->input);
    pthread_cond_destroy(&service->changed);
    pthread_mutex_destroy(&service->lock);
    free(service);
}

uint16_t fake_service_port(const struct fake_service *service)
{
    return service->port;
}

void fake_service_handler(struct fake_service *service, fake_handler handler)
{
    service->handler = handler;
}

void fake_can_disconnect(struct fake_service *service)
{
    service->can_disconnect = true;
}

void fake_keep_receives(struct fake_service *service)
{
    service->keeps_receives = true;
}

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

static struct answer *push(struct fake_service *service, enum answer_kind kind)
{
    struct answer *answer = calloc(1, sizeof(*answer));

    assert_non_null(answer);
    answer->kind = kind;
    (void)service;
    return answer;
}

static void publish(struct fake_service *service, struct answer *answer)
{
    pthread_mutex_lock(&service->lock);
    *service->last = answer;
    service->last = &answer->next;
    pthread_cond_broadcast(&service->changed);
    pthread_mutex_unlock(&service->lock);
}

void fake_push_output(struct fake_service *service, const char *out, const char *err, bool ends)
{
    struct answer *answer = push(service, ANSWER_OUTPUT);

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
    struct answer *answer = push(service, ANSWER_OUTPUT);

    answer->has_out = true;
    wsm_buf_append(&answer->out, bytes, count);
    publish(service, answer);
}

void fake_push_done(struct fake_service *service, uint32_t exit_code)
{
    struct answer *answer = push(service, ANSWER_DONE);

    answer->number = exit_code;
    publish(service, answer);
}

void fake_push_fault(struct fake_service *service, uint32_t code)
{
    struct answer *answer = push(service, ANSWER_FAULT);

    answer->number = code;
    publish(service, answer);
}

void fake_push_state(struct fake_service *service)
{
    publish(service, push(service, ANSWER_STATE));
}

void fake_hold(struct fake_service *service, const char *name)
{
    pthread_mutex_lock(&service->lock);
    assert_true(service->held_count < 16);
    service->held[service->held_count++] = name;
    pthread_mutex_unlock(&service->lock);
}

void fake_release(struct fake_service *service, const char *name)
{
    size_t i;

    pthread_mutex_lock(&service->lock);
    for (i = 0; i < service->held_count; i++) {
        if (strcmp(service->held[i], name) == 0)
            service->held[i] = service->held[--service->held_count];
    }
    pthread_cond_broadcast(&service->changed);
    pthread_mutex_unlock(&service->lock);
}

static size_t count_locked(const struct fake_service *service, const char *name, bool is_answered)
{
    size_t count = 0;
    size_t i;

    for (i = 0; i < service->seen_count; i++)
        count += strcmp(service->seen[i].name, name) == 0 &&
                 (!is_answered || service->seen[i].is_answered);
    return count;
}

static void wait_count(struct fake_service *service, const char *name, size_t count,
                       bool is_answered)
{
    const struct timespec *until = deadline();
    int status = 0;
    size_t seen;

    pthread_mutex_lock(&service->lock);
    while ((seen = count_locked(service, name, is_answered)) < count && status == 0)
        status = pthread_cond_timedwait(&service->changed, &service->lock, until);
    pthread_mutex_unlock(&service->lock);
    if (seen < count)
        fail_msg("%zu of %zu requests %s came", seen, count, name);
}

void fake_wait(struct fake_service *service, const char *name, size_t count)
{
    wait_count(service, name, count, false);
}

void fake_wait_answered(struct fake_service *service, const char *name, size_t count)
{
    wait_count(service, name, count, true);
}

size_t fake_count(struct fake_service *service, const char *name)
{
    size_t count;

    pthread_mutex_lock(&service->lock);
    count = count_locked(service, name, false);
    pthread_mutex_unlock(&service->lock);
    return count;
}

size_t fake_connections(struct fake_service *service)
{
    size_t count;

    pthread_mutex_lock(&service->lock);
    count = service->connection_count;
    pthread_mutex_unlock(&service->lock);
    return count;
}

static size_t open_locked(const struct fake_service *service)
{
    size_t count = 0;
    size_t i;

    for (i = 0; i < service->connection_count; i++)
        count += service->connections[i].is_open;
    return count;
}

void fake_wait_open(struct fake_service *service, size_t count)
{
    const struct timespec *until = deadline();
    int status = 0;
    size_t open;

    pthread_mutex_lock(&service->lock);
    while ((open = open_locked(service)) != count && status == 0)
        status = pthread_cond_timedwait(&service->changed, &service->lock, until);
    pthread_mutex_unlock(&service->lock);
    if (open != count)
        fail_msg("%zu connections open, not %zu", open, count);
}

char *fake_log(struct fake_service *service)
{
    struct wsm_buf out = WSM_BUF_INIT;
    size_t i;

    pthread_mutex_lock(&service->lock);
    for (i = 0; i < service->seen_count; i++)
        wsm_buf_printf(&out, "%s%s", i == 0 ? "" : " ", service->seen[i].name);
    pthread_mutex_unlock(&service->lock);
    wsm_buf_append_byte(&out, '\0');
    return (char *)out.ptr;
}

struct wsm_span fake_input(struct fake_service *service)
{
    return wsm_buf_span(&service->input);
}

bool fake_input_ended(struct fake_service *service)
{
    return service->input_ended;
}

/* The values of that field, joined by '|'. */
static void collect(const char *fields, const char *what, struct wsm_buf *out)
{
    size_t len = strlen(what);
    const char *line;

    for (line = fields; *line != '\0'; line = strchr(line, '\n') + 1) {
        if (strncmp(line, what, len) != 0 || line[len] != '=')
            continue;
        if (out->len > 0)
            wsm_buf_append_byte(out, '|');
        wsm_buf_append(out, line + len + 1, (size_t)(strchr(line, '\n') - line) - len - 1);
    }
}

char *fake_last(struct fake_service *service, const char *name, const char *what)
{
    struct wsm_buf out = WSM_BUF_INIT;
    size_t i;

    pthread_mutex_lock(&service->lock);
    for (i = service->seen_count; i > 0; i--) {
        if (strcmp(service->seen[i - 1].name, name) == 0) {
            collect(service->seen[i - 1].fields, what, &out);
            break;
        }
    }
    pthread_mutex_unlock(&service->lock);
    wsm_buf_append_byte(&out, '\0');
    return (char *)out.ptr;
}
