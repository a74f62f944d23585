/* The service that counts. One lock guards all; its threads are the fake service's. */
#include "marked_service.h"

#include "proto/command.h"
#include "proto/create.h"
#include "proto/disconnect.h"
#include "proto/extension.h"
#include "proto/fault.h"
#include "proto/receive.h"
#include "proto/send.h"
#include "wsmerror.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { IDS_MAX = 256, CUTS_MAX = 16, DEADLINE_S = 10 };

struct applied {
    char name[16];
    char id[64];
};

struct cut {
    char name[16];
    enum marked_cut cut;
    size_t times;
};

struct stream {
    const char *name;
    struct wsm_buf bytes; /* from 0 on */
    uint64_t dropped;     /* below this nothing can be given any more */
    uint64_t confirmed;
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_stopping;
    bool is_plain;
    struct applied applied[IDS_MAX];
    size_t applied_count;
    struct cut cuts[CUTS_MAX];
    size_t cut_count;
    struct wsm_buf input;
    struct stream streams[2];
    bool is_done;
    uint32_t exit_code;
    uint64_t go_back;
    bool is_spoiled;
    const char *spoiled;
    unsigned receives; /* the newest replaces those before it */
    bool is_left;      /* by a Disconnect */
    char shell[64];
} m;

static struct stream *find_stream(struct wsm_span name)
{
    return wsm_span_is(name, "stdout") ? &m.streams[0] : &m.streams[1];
}

static struct wsm_response_headers headers_of(const struct fake_request *request,
                                              const char *action)
{
    struct wsm_response_headers headers = { .action = action,
                                            .relates_to = request->env->message_id };

    (void)!wsm_guid_parse(wsm_span_str("99999999-0000-4000-8000-000000000001"),
                          &headers.message_id);
    return headers;
}

/* ---- Repetitions ---- */

/* True: it is new, and counted. */
static bool apply(const struct fake_request *request)
{
    struct wsm_span id = request->env->message_id;
    struct applied *applied;
    size_t i;

    for (i = 0; i < m.applied_count && !m.is_plain; i++) {
        if (strcmp(m.applied[i].name, request->name) == 0 && wsm_span_is(id, m.applied[i].id))
            return false;
    }
    if (m.applied_count == IDS_MAX)
        abort();
    applied = &m.applied[m.applied_count++];
    snprintf(applied->name, sizeof(applied->name), "%s", request->name);
    snprintf(applied->id, sizeof(applied->id), "%.*s", (int)id.len, (const char *)id.ptr);
    return true;
}

static bool take_cut(const char *name, enum marked_cut *out)
{
    size_t i;

    for (i = 0; i < m.cut_count; i++) {
        if (m.cuts[i].times == 0 || strcmp(m.cuts[i].name, name) != 0)
            continue;
        m.cuts[i].times--;
        *out = m.cuts[i].cut;
        return true;
    }
    return false;
}

/* ---- Answers ---- */

static void answer_create(const struct fake_request *request, struct fake_reply *reply)
{
    static struct wsm_variable variables[WSM_ENV_VARIABLES_MAX];
    struct wsm_response_headers headers = headers_of(request, WSM_ACTION_CREATE "Response");
    struct wsm_create_request create;
    struct wsm_create_response response = {
        .address = request->env->to,
        .shell.resource_uri = wsm_span_str(WSM_URI_CMD),
        .shell.owner = wsm_span_str("tester"),
        .shell.client_ip = wsm_span_str("127.0.0.1"),
        .shell.idle_timeout_ms = 7200000,
        .shell.max_idle_timeout_ms = -1,
        .shell.child_processes = -1,
        .shell.input_streams = wsm_span_str("stdin"),
        .shell.output_streams = wsm_span_str("stdout stderr"),
    };

    if (!wsm_create_request_parse(request->env, variables, &create, NULL))
        abort();
    if (m.is_plain && wsm_span_is(create.shell_id, m.shell)) {
        fake_reply_fault(reply, request, ERROR_WINRS_SHELL_CLIENTID_RESOURCE_CONFLICT, "again");
        return;
    }
    snprintf(m.shell, sizeof(m.shell), "%.*s", (int)create.shell_id.len,
             (const char *)create.shell_id.ptr);
    response.shell.shell_id = create.shell_id;
    response.shell.is_marked = !m.is_plain && wsm_extension_announced(request->env) > 0;
    response.shell.buffer_mode = wsm_span_str("Block"); /* that others can do, too */
    response.shell.state = wsm_span_str("Connected");
    wsm_create_response_write(&reply->body, &headers, &response);
}

static void answer_connect(const struct fake_request *request, struct fake_reply *reply)
{
    struct wsm_response_headers headers = headers_of(request, WSM_ACTION_CONNECT "Response");
    struct wsm_connect_response response = {
        .input_streams = wsm_span_str("stdin"),
        .output_streams = wsm_span_str("stdout stderr"),
        .extension_version = m.is_plain ? 0 : wsm_extension_announced(request->env),
    };

    wsm_connect_response_write(&reply->body, &headers, &response);
}

static void answer_command(const struct fake_request *request, struct fake_reply *reply)
{
    static struct wsm_span arguments[WSM_ARGUMENTS_MAX];
    struct wsm_response_headers headers = headers_of(request, WSM_ACTION_COMMAND "Response");
    struct wsm_command_request command;

    if (!wsm_command_request_parse(request->env, arguments, &command, NULL))
        abort();
    wsm_command_response_write(&reply->body, &headers, command.command_id);
}

/* ---- Receive ---- */

static bool read_from(const struct fake_request *request, uint64_t start[2])
{
    const struct wsm_option *option = wsm_envelope_option(request->env, WSM_OPTION_FROM);
    struct wsm_from entries[WSM_FROM_STREAMS_MAX];
    size_t count = 0;
    size_t i;

    start[0] = m.streams[0].confirmed;
    start[1] = m.streams[1].confirmed;
    if (option == NULL)
        return true;
    if (!wsm_from_parse(option->value, entries, &count, NULL))
        return false;
    for (i = 0; i < count; i++) {
        struct stream *stream = find_stream(entries[i].stream);

        if (entries[i].start > stream->bytes.len || entries[i].confirmed < stream->confirmed)
            return false;
        stream->confirmed = entries[i].confirmed;
        start[stream - m.streams] = entries[i].start;
    }
    pthread_cond_broadcast(&m.changed);
    return true;
}

static bool has_news(const uint64_t start[2])
{
    return m.is_done || m.streams[0].bytes.len > start[0] || m.streams[1].bytes.len > start[1];
}

static void write_stream(struct fake_reply *reply, const struct stream *stream, uint64_t start)
{
    uint64_t from = start > m.go_back ? start - m.go_back : 0;
    struct wsm_stream_data data = { .name = wsm_span_str(stream->name), .end = m.is_done };

    if (from < stream->dropped)
        from = stream->dropped;
    if (from == stream->bytes.len && !m.is_done)
        return;
    data.has_offset = !m.is_plain && !m.is_spoiled;
    data.offset = from;
    data.data = wsm_span_of(stream->bytes.ptr + from, stream->bytes.len - (size_t)from);
    if (!m.is_spoiled || m.spoiled == NULL) {
        wsm_stream_write(&reply->body, &data);
        return;
    }
    wsm_buf_printf(&reply->body,
                   "<rsp:Stream Name=\"%s\" xmlns:k=\"" WSM_NS_EXTENSION "\" k:Offset=\"%s\">YQ=="
                   "</rsp:Stream>",
                   stream->name, m.spoiled);
}

static void answer_receive(const struct fake_request *request, struct fake_reply *reply)
{
    struct wsm_response_headers headers = headers_of(request, WSM_ACTION_RECEIVE "Response");
    unsigned number = ++m.receives;
    struct timespec until;
    uint64_t start[2];
    int status = 0;

    pthread_cond_broadcast(&m.changed);
    if (!read_from(request, start)) {
        fake_reply_fault(reply, request, ERROR_INVALID_PARAMETER, "no such offset");
        return;
    }
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += request->env->operation_timeout_ms / 1000;
    while (!has_news(start) && !m.is_stopping && !m.is_left && number == m.receives && status == 0)
        status = pthread_cond_timedwait(&m.changed, &m.lock, &until);
    if (m.is_stopping || number != m.receives) {
        reply->is_dropped = true;
        return;
    }
    if (!has_news(start)) {
        fake_reply_fault(reply, request,
                         m.is_left ? ERROR_WSMAN_SERVICE_STREAM_DISCONNECTED
                                   : ERROR_WSMAN_OPERATION_TIMEDOUT,
                         "nothing");
        return;
    }
    wsm_receive_response_begin(&reply->body, &headers);
    write_stream(reply, &m.streams[0], start[0]);
    write_stream(reply, &m.streams[1], start[1]);
    wsm_receive_response_state(&reply->body, wsm_span_str(""),
                               m.is_done ? WSM_COMMAND_DONE : WSM_COMMAND_RUNNING, m.exit_code);
    wsm_receive_response_end(&reply->body);
}

/* False: the fake service knows how. */
static bool answer(const struct fake_request *request, struct fake_reply *reply)
{
    if (strcmp(request->name, "Receive") == 0) {
        answer_receive(request, reply);
        return true;
    }
    if (strcmp(request->name, "Disconnect") == 0 || strcmp(request->name, "Reconnect") == 0) {
        m.is_left = request->name[0] == 'D';
        pthread_cond_broadcast(&m.changed);
        return false;
    }
    if (strcmp(request->name, "Create") == 0)
        answer_create(request, reply);
    else if (strcmp(request->name, "Connect") == 0)
        answer_connect(request, reply);
    else if (strcmp(request->name, "Command") == 0)
        answer_command(request, reply);
    else
        return false;
    return true;
}

static void end_connection(const struct fake_request *request, struct fake_reply *reply,
                           enum marked_cut cut)
{
    reply->is_dropped = cut == MARKED_UNREAD || cut == MARKED_RESET || cut == MARKED_UNANSWERED;
    reply->is_reset = cut == MARKED_RESET;
    reply->is_halved = cut == MARKED_HALF;
    if (cut == MARKED_STARTING)
        reply->status = 503;
    if (cut == MARKED_DENIED)
        reply->status = 401;
    if (cut == MARKED_LATE)
        fake_reply_fault(reply, request, ERROR_WSMAN_OPERATION_TIMEDOUT, "late");
}

static bool is_done_before(enum marked_cut cut)
{
    return cut == MARKED_UNANSWERED || cut == MARKED_HALF;
}

static bool handle(struct fake_service *service, const struct fake_request *request,
                   struct fake_reply *reply)
{
    enum marked_cut cut = MARKED_CUT_COUNT;
    bool is_cut;
    bool is_answered = true;

    (void)service;
    pthread_mutex_lock(&m.lock);
    is_cut = take_cut(request->name, &cut);
    if (!is_cut || is_done_before(cut)) {
        if (apply(request) && strcmp(request->name, "Send") == 0)
            wsm_buf_append_span(&m.input, request->input);
        is_answered = answer(request, reply);
    }
    if (is_cut)
        end_connection(request, reply, cut);
    pthread_mutex_unlock(&m.lock);
    return is_answered;
}

/* ---- The test's side ---- */

void marked_start(struct fake_service *service)
{
    memset(&m, 0, sizeof(m));
    pthread_mutex_init(&m.lock, NULL);
    pthread_cond_init(&m.changed, NULL);
    m.streams[0].name = "stdout";
    m.streams[1].name = "stderr";
    fake_service_handler(service, handle);
}

void marked_stop(void)
{
    pthread_mutex_lock(&m.lock);
    m.is_stopping = true;
    pthread_cond_broadcast(&m.changed);
    pthread_mutex_unlock(&m.lock);
}

void marked_free(void)
{
    wsm_buf_clear(&m.input);
    wsm_buf_clear(&m.streams[0].bytes);
    wsm_buf_clear(&m.streams[1].bytes);
    pthread_cond_destroy(&m.changed);
    pthread_mutex_destroy(&m.lock);
}

void marked_plain(void)
{
    pthread_mutex_lock(&m.lock);
    m.is_plain = true;
    pthread_mutex_unlock(&m.lock);
}

void marked_cut(const char *name, enum marked_cut cut, size_t times)
{
    struct cut *place;

    pthread_mutex_lock(&m.lock);
    assert_true(m.cut_count < CUTS_MAX);
    place = &m.cuts[m.cut_count++];
    snprintf(place->name, sizeof(place->name), "%s", name);
    place->cut = cut;
    place->times = times;
    pthread_mutex_unlock(&m.lock);
}

size_t marked_applied(const char *name)
{
    size_t count = 0;
    size_t i;

    pthread_mutex_lock(&m.lock);
    for (i = 0; i < m.applied_count; i++)
        count += strcmp(m.applied[i].name, name) == 0;
    pthread_mutex_unlock(&m.lock);
    return count;
}

struct wsm_span marked_input(void)
{
    return wsm_buf_span(&m.input);
}

void marked_write(const char *stream, const char *text)
{
    pthread_mutex_lock(&m.lock);
    wsm_buf_append_str(&find_stream(wsm_span_str(stream))->bytes, text);
    pthread_cond_broadcast(&m.changed);
    pthread_mutex_unlock(&m.lock);
}

void marked_end(uint32_t exit_code)
{
    pthread_mutex_lock(&m.lock);
    m.is_done = true;
    m.exit_code = exit_code;
    pthread_cond_broadcast(&m.changed);
    pthread_mutex_unlock(&m.lock);
}

void marked_drop(const char *stream, uint64_t below)
{
    pthread_mutex_lock(&m.lock);
    find_stream(wsm_span_str(stream))->dropped = below;
    pthread_mutex_unlock(&m.lock);
}

void marked_go_back(uint64_t bytes)
{
    pthread_mutex_lock(&m.lock);
    m.go_back = bytes;
    pthread_mutex_unlock(&m.lock);
}

void marked_spoil_offset(const char *text)
{
    pthread_mutex_lock(&m.lock);
    m.is_spoiled = true;
    m.spoiled = text;
    pthread_mutex_unlock(&m.lock);
}

void marked_wait_confirmed(const char *stream, uint64_t offset)
{
    const struct stream *found = find_stream(wsm_span_str(stream));
    struct timespec until;
    uint64_t confirmed;
    int status = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += DEADLINE_S;
    pthread_mutex_lock(&m.lock);
    while ((confirmed = found->confirmed) != offset && status == 0)
        status = pthread_cond_timedwait(&m.changed, &m.lock, &until);
    pthread_mutex_unlock(&m.lock);
    if (confirmed != offset)
        fail_msg("%llu bytes confirmed, not %llu", (unsigned long long)confirmed,
                 (unsigned long long)offset);
}

void marked_wait_receives(size_t count)
{
    struct timespec until;
    size_t seen;
    int status = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += DEADLINE_S;
    pthread_mutex_lock(&m.lock);
    while ((seen = m.receives) < count && status == 0)
        status = pthread_cond_timedwait(&m.changed, &m.lock, &until);
    pthread_mutex_unlock(&m.lock);
    if (seen < count)
        fail_msg("%zu of %zu Receives came", seen, count);
}
