/* What the scripted service was asked: each request's fields as text, the input of all Sends,
 * and the test's questions about them. */
#include "fake_service_parts.h"

#include "proto/command.h"
#include "proto/create.h"
#include "proto/disconnect.h"
#include "proto/enumerate.h"
#include "proto/receive.h"
#include "proto/send.h"
#include "proto/signal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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
    struct wsm_span must;

    for (; node != NULL; node = node->next) {
        if (wsm_xml_is(node, WSM_NS_MACHINE_ID, "MachineID"))
            field(out, "machine", node->text);
        if (wsm_xml_is(node, WSM_NS_WSMAN, "OptionSet") &&
            wsm_xml_attr(node, WSM_NS_SOAP, "mustUnderstand", &must))
            field(out, "options_must", must);
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
    service->input_is_behind_end |= service->input_ended;
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
    struct fake_shell_name shell = fake_shell_of(request);

    request->is_gone = fake_shell_is_gone(service, shell.text);
    request->is_parked = strcmp(request->name, "Receive") == 0 && !request->is_gone &&
                         service->handler == NULL;
    if (request->is_parked)
        fake_shell_park(service, &shell);
}

size_t fake_remember(struct fake_service *service, struct fake_request *request)
{
    const struct wsm_envelope *env = request->env;
    struct wsm_buf out = WSM_BUF_INIT;
    struct fake_seen *seen;
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
    if (service->seen_count == FAKE_REQUESTS_MAX)
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

void fake_note_answered(struct fake_service *service, size_t number)
{
    pthread_mutex_lock(&service->lock);
    service->seen[number].is_answered = true;
    pthread_cond_broadcast(&service->changed);
    pthread_mutex_unlock(&service->lock);
}

/* ---- What the test asks ---- */

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
    const struct timespec *until = fake_deadline();
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
    return service->input_ended && !service->input_is_behind_end;
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
