/* The service in a storm. Its threads are the fake service's. */
#include "storm.h"

#include "dice.h"
#include "proto/create.h"
#include "proto/disconnect.h"
#include "proto/extension.h"
#include "proto/receive.h"
#include "wsmerror.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SERVICES_MAX = 4, DELAY_MAX_MS = 60, OUTPUT_MAX = 3000, STREAMS_MAX = 2 };

static struct storm {
    struct fake_service *service; /* NULL = free */
    bool is_marked;
    atomic_bool is_calm;
    atomic_ulong state; /* of the generator */
} storms[SERVICES_MAX];

uint8_t storm_byte(uint64_t offset)
{
    return (uint8_t)(offset % 251);
}

static struct storm *find(const struct fake_service *service)
{
    size_t i;

    for (i = 0; i < SERVICES_MAX; i++) {
        if (storms[i].service == service)
            return &storms[i];
    }
    abort();
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

/* ---- Proper answers ---- */

static void answer_create(const struct storm *storm, const struct fake_request *request,
                          struct fake_reply *reply)
{
    static _Thread_local struct wsm_variable variables[WSM_ENV_VARIABLES_MAX];
    struct wsm_response_headers headers = headers_of(request, WSM_ACTION_CREATE "Response");
    struct wsm_create_request create = { .shell_id = wsm_span_str(FAKE_SHELL_ID) };
    struct wsm_create_response response = {
        .address = request->env->to,
        .shell.resource_uri = wsm_span_str(WSM_URI_CMD),
        .shell.idle_timeout_ms = 7200000,
        .shell.max_idle_timeout_ms = -1,
        .shell.memory_kib = -1,
        .shell.child_processes = -1,
        .shell.input_streams = wsm_span_str("stdin"),
        .shell.output_streams = wsm_span_str("stdout stderr"),
        .shell.buffer_mode = wsm_span_str("Block"),
        .shell.state = wsm_span_str("Connected"),
    };

    (void)!wsm_create_request_parse(request->env, variables, &create, NULL);
    response.shell.shell_id = create.shell_id;
    response.shell.is_marked = storm->is_marked && wsm_extension_announced(request->env) > 0;
    wsm_create_response_write(&reply->body, &headers, &response);
}

static void answer_connect(const struct storm *storm, const struct fake_request *request,
                           struct fake_reply *reply)
{
    struct wsm_response_headers headers = headers_of(request, WSM_ACTION_CONNECT "Response");
    struct wsm_connect_response response = {
        .input_streams = wsm_span_str("stdin"),
        .output_streams = wsm_span_str("stdout stderr"),
        .extension_version = storm->is_marked ? wsm_extension_announced(request->env) : 0,
    };

    wsm_connect_response_write(&reply->body, &headers, &response);
}

static void read_starts(const struct fake_request *request, uint64_t starts[STREAMS_MAX])
{
    const struct wsm_option *option = wsm_envelope_option(request->env, WSM_OPTION_FROM);
    struct wsm_from entries[WSM_FROM_STREAMS_MAX];
    size_t count = 0;
    size_t i;

    if (option == NULL || !wsm_from_parse(option->value, entries, &count, NULL))
        return;
    for (i = 0; i < count; i++)
        starts[wsm_span_is(entries[i].stream, "stdout") ? 0 : 1] = entries[i].start;
}

static void answer_receive(const struct storm *storm, uint64_t *random,
                           const struct fake_request *request, struct fake_reply *reply)
{
    static const char *const names[STREAMS_MAX] = { "stdout", "stderr" };
    struct wsm_response_headers headers = headers_of(request, WSM_ACTION_RECEIVE "Response");
    uint64_t starts[STREAMS_MAX] = { 0 };
    bool ends = dice_roll(random) % 8 == 0;
    uint8_t bytes[OUTPUT_MAX];
    size_t i;
    size_t k;

    read_starts(request, starts);
    wsm_receive_response_begin(&reply->body, &headers);
    for (i = 0; i < STREAMS_MAX; i++) {
        struct wsm_stream_data stream = { .name = wsm_span_str(names[i]), .end = ends };
        size_t len = (size_t)(dice_roll(random) % OUTPUT_MAX);

        for (k = 0; k < len; k++)
            bytes[k] = storm_byte(starts[i] + k);
        stream.data = wsm_span_of(bytes, len);
        stream.has_offset = storm->is_marked;
        stream.offset = starts[i];
        wsm_receive_response_stream(&reply->body, &stream);
    }
    wsm_receive_response_state(&reply->body, wsm_span_str(""),
                               ends ? WSM_COMMAND_DONE : WSM_COMMAND_RUNNING, 0);
    wsm_receive_response_end(&reply->body);
}

/* False: the scripted service knows how. */
static bool answer(const struct storm *storm, uint64_t *random, const struct fake_request *request,
                   struct fake_reply *reply)
{
    struct wsm_response_headers headers;

    if (strcmp(request->name, "Create") == 0) {
        answer_create(storm, request, reply);
    } else if (strcmp(request->name, "Connect") == 0) {
        answer_connect(storm, request, reply);
    } else if (strcmp(request->name, "Receive") == 0) {
        answer_receive(storm, random, request, reply);
    } else if (strcmp(request->name, "Disconnect") == 0) {
        headers = headers_of(request, WSM_ACTION_DISCONNECT "Response");
        wsm_disconnect_response_write(&reply->body, &headers);
    } else if (strcmp(request->name, "Reconnect") == 0) {
        headers = headers_of(request, WSM_ACTION_RECONNECT "Response");
        wsm_reconnect_response_write(&reply->body, &headers);
    } else {
        return false;
    }
    return true;
}

/* ---- The storm ---- */

static void answer_garbage(uint64_t *random, struct fake_reply *reply)
{
    static const char *const texts[] = {
        "",
        "<html><body>Service here? None.</body></html>",
        "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\"><s:Body/></s:Envelope>",
        "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\"><s:Body><s:Fault/>",
        "<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a>",
    };
    static const int statuses[] = { 200, 500, 400, 404, 302, 204, 999 };
    size_t kind = (size_t)(dice_roll(random) % (sizeof(texts) / sizeof(texts[0]) + 1));
    size_t i;

    reply->status = statuses[dice_roll(random) % (sizeof(statuses) / sizeof(statuses[0]))];
    if (kind < sizeof(texts) / sizeof(texts[0])) {
        wsm_buf_append_str(&reply->body, texts[kind]);
        return;
    }
    for (i = (size_t)(dice_roll(random) % 5000); i > 0; i--)
        wsm_buf_append_byte(&reply->body, (uint8_t)dice_roll(random));
}

static void answer_fault(const struct storm *storm, uint64_t *random,
                         const struct fake_request *request, struct fake_reply *reply)
{
    static const uint32_t codes[] = {
        ERROR_WSMAN_OPERATION_TIMEDOUT,
        ERROR_WSMAN_UNEXPECTED_SELECTORS,
        ERROR_WINRS_SHELL_DISCONNECTED,
        ERROR_WSMAN_SERVICE_STREAM_DISCONNECTED,
        ERROR_WINRS_SHELL_CONNECTED_TO_DIFFERENT_CLIENT,
        ERROR_WSMAN_REDIRECT_REQUESTED,
        ERROR_OPERATION_ABORTED,
        ERROR_ACCESS_DENIED,
        ERROR_INVALID_PARAMETER,
        ERROR_WINRS_SHELL_CLIENTID_RESOURCE_CONFLICT, /* not of a marked one: a lie, and its shells
                                                         would not be marked */
    };
    size_t count = sizeof(codes) / sizeof(codes[0]) - storm->is_marked;

    fake_reply_fault(reply, request, codes[dice_roll(random) % count], "storm");
}

/* Some other request's answer. */
static void answer_another(const struct fake_request *request, struct fake_reply *reply)
{
    struct wsm_response_headers headers = headers_of(request, WSM_ACTION_RECONNECT "Response");

    wsm_reconnect_response_write(&reply->body, &headers);
}

static bool handle(struct fake_service *service, const struct fake_request *request,
                   struct fake_reply *reply)
{
    struct storm *storm = find(service);
    uint64_t random = dice_mix(atomic_fetch_add(&storm->state, 0x9e3779b97f4a7c15));
    unsigned roll = atomic_load(&storm->is_calm) ? 99 : (unsigned)(dice_roll(&random) % 100);

    if (roll < 20)
        usleep((unsigned)(dice_roll(&random) % DELAY_MAX_MS) * 1000);
    if (roll < 3 || roll == 20) {
        reply->is_dropped = true;
        reply->is_reset = roll % 2 == 0;
    } else if (roll == 21) {
        reply->status = dice_roll(&random) % 2 == 0 ? 503 : 401;
    } else if (roll == 3 || roll == 22) {
        answer_garbage(&random, reply);
    } else if (roll == 23) {
        answer_another(request, reply);
    } else if (roll == 4 || (roll >= 24 && roll < 27)) {
        answer_fault(storm, &random, request, reply);
    } else {
        reply->is_halved = roll == 27 || roll == 5;
        reply->closes = roll == 28 || roll == 6;
        reply->is_chunked = roll >= 29 && roll < 35;
        return answer(storm, &random, request, reply);
    }
    return true;
}

struct fake_service *storm_start(uint64_t seed, bool is_marked)
{
    struct fake_service *service = fake_service_start();
    struct storm *storm = find(NULL);

    storm->service = service;
    storm->is_marked = is_marked;
    atomic_store(&storm->state, seed);
    atomic_store(&storm->is_calm, false);
    fake_service_handler(service, handle);
    return service;
}

void storm_calm(struct fake_service *service)
{
    atomic_store(&find(service)->is_calm, true);
}

void storm_stop(struct fake_service *service)
{
    fake_service_stop(service);
    find(service)->service = NULL;
}
