/* Speaks with one shell host. The winrmd-net loop owns it. Knows numbers and states of
 * the dialogue, nothing of shells or commands. */
#include "server/host_link.h"

#include "base/utf.h"
#include "wsmerror.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BUCKETS = 64,              /* numbers count up, so calls spread evenly */
    SEND_BUFFER = 1024 * 1024, /* wanted: a whole Send, so that no part waits in our queue */
    REASON_MAX = 4096,         /* bytes of a host's reason that are shown or logged */
};

/* Row: state now; column: message; cell: next, "-" ends the connection.
 *             HELLO   SHELL       COMMAND     REPORT_END  DONE FAILED STARTED    GONE
 *                                                         OUTPUT ANSWER
 * GREETING    REPORT  -           -           -           -                      GONE
 * REPORT      -       COMMANDS    -           -           -                      GONE
 * COMMANDS    -       -           COMMANDS    READY       -                      GONE
 * READY       -       INSPECTION  -           -           READY                  GONE
 * INSPECTION  -       -           INSPECTION  READY       INSPECTION             GONE
 * GONE        -       -           -           -           GONE                   -    */
enum state {
    STATE_REFUSED,
    STATE_GREETING,
    STATE_REPORT,
    STATE_COMMANDS,
    STATE_READY,
    STATE_INSPECTION,
    STATE_GONE,
    STATES
};

union message {
    struct wsm_host_hello hello;
    struct wsm_host_shell shell;
    struct wsm_host_command command;
    struct wsm_host_report_end report_end;
    struct wsm_host_done done;
    struct wsm_host_failed failed;
    struct wsm_host_output output;
    struct wsm_host_answer answer;
    struct wsm_host_gone gone;
    struct wsm_host_started started;
};

struct wsm_host_link {
    struct wsm_link *link; /* owned, NULL once closed */
    const struct wsm_host_link_events *events;
    void *context; /* borrowed until closed */
    enum state state;
    struct wsm_error farewell; /* what GONE said */
    uint64_t last_number;
    struct wsm_list calls[BUCKETS];
    struct wsm_list inspections; /* calls too, in the order in which they will be answered */
    size_t inspection_count;
};

static struct wsm_host_call *call_find(struct wsm_host_link *host, uint64_t number)
{
    struct wsm_list *head = &host->calls[number % BUCKETS];
    struct wsm_list *node;

    WSM_LIST_FOREACH (node, head) {
        struct wsm_host_call *call = WSM_CONTAINER_OF(node, struct wsm_host_call, node);

        if (call->number == number)
            return call;
    }
    return NULL;
}

void wsm_host_call_drop(struct wsm_host_call *call)
{
    if (call->number == 0)
        return;
    wsm_list_remove(&call->node);
    call->number = 0;
}

uint64_t wsm_host_link_number(struct wsm_host_link *host)
{
    return ++host->last_number;
}

uint64_t wsm_host_link_expect(struct wsm_host_link *host, struct wsm_host_call *call,
                              const struct wsm_host_call_events *events)
{
    call->number = ++host->last_number;
    call->events = events;
    wsm_list_add(&host->calls[call->number % BUCKETS], &call->node);
    return call->number;
}

void wsm_host_link_send(struct wsm_host_link *host, const struct wsm_message_type *type,
                        const void *message)
{
    wsm_link_send(host->link, type, message);
}

void wsm_host_link_send_tail(struct wsm_host_link *host, const struct wsm_message_type *type,
                             const void *message, struct wsm_span tail)
{
    wsm_link_send_tail(host->link, type, message, tail);
}

bool wsm_host_link_inspect(struct wsm_host_link *host, struct wsm_host_call *call,
                           const struct wsm_host_call_events *events, struct wsm_error *err)
{
    struct wsm_host_inspect message = { .request = host->last_number + 1 };

    if (host->inspection_count == WSM_INSPECTIONS_MAX)
        return wsm_fail(err, ERROR_BUSY, "the shell's host does not answer");
    host->last_number++;
    host->inspection_count++;
    call->number = message.request;
    call->events = events;
    wsm_list_add(&host->inspections, &call->node);
    wsm_link_send(host->link, &wsm_host_inspect_type, &message);
    return true;
}

bool wsm_host_link_is_open(const struct wsm_host_link *host)
{
    return host != NULL && host->link != NULL;
}

bool wsm_host_link_is_broken(const struct wsm_host_link *host)
{
    return host->link == NULL && host->state != STATE_GONE;
}

static void end_call(struct wsm_host_call *call, const struct wsm_error *err)
{
    wsm_host_call_drop(call);
    call->events->on_end(call, err);
}

static void end_list(struct wsm_list *calls, const struct wsm_error *err)
{
    while (!wsm_list_is_empty(calls))
        end_call(WSM_CONTAINER_OF(calls->next, struct wsm_host_call, node), err);
}

static bool has_calls(const struct wsm_host_link *host)
{
    for (size_t i = 0; i < BUCKETS; i++)
        if (!wsm_list_is_empty(&host->calls[i]))
            return true;
    return !wsm_list_is_empty(&host->inspections);
}

/* Also those that begin because others end. */
static void end_all(struct wsm_host_link *host, const struct wsm_error *err)
{
    while (has_calls(host)) {
        for (size_t i = 0; i < BUCKETS; i++)
            end_list(&host->calls[i], err);
        end_list(&host->inspections, err);
    }
}

static void host_free(struct wsm_host_link *host)
{
    wsm_error_clear(&host->farewell);
    free(host);
}

void wsm_host_link_close(struct wsm_host_link *host, const struct wsm_error *err)
{
    if (host == NULL)
        return;
    wsm_link_close(host->link);
    host->link = NULL;
    end_all(host, err);
    host_free(host);
}

static bool on_hello(struct wsm_host_link *host, const union message *m)
{
    (void)host;
    return m->hello.lowest <= WSM_HOST_VERSION_HIGHEST &&
           m->hello.highest >= WSM_HOST_VERSION_LOWEST;
}

/* The inspection that is being answered; NULL: nobody asked. */
static struct wsm_host_call *inspection(const struct wsm_host_link *host)
{
    return wsm_list_is_empty(&host->inspections)
               ? NULL
               : WSM_CONTAINER_OF(host->inspections.next, struct wsm_host_call, node);
}

static bool on_shell(struct wsm_host_link *host, const union message *m)
{
    struct wsm_host_call *call = inspection(host);

    if (host->state == STATE_COMMANDS) {
        host->events->on_shell(host->context, &m->shell);
        return true;
    }
    if (call != NULL && call->events->on_shell != NULL)
        call->events->on_shell(call, &m->shell);
    return call != NULL;
}

static bool on_command(struct wsm_host_link *host, const union message *m)
{
    struct wsm_host_call *call = inspection(host);

    if (host->state == STATE_COMMANDS)
        host->events->on_command(host->context, &m->command);
    else if (call != NULL && call->events->on_command != NULL)
        call->events->on_command(call, &m->command);
    return true;
}

static bool on_report_end(struct wsm_host_link *host, const union message *m)
{
    struct wsm_host_call *call = inspection(host);

    if (call == NULL) {
        host->events->on_ready(host->context); /* may close the link */
        return true;
    }
    if (m->report_end.request != call->number)
        return false;
    host->inspection_count--;
    end_call(call, NULL);
    return true;
}

static bool on_done(struct wsm_host_link *host, const union message *m)
{
    struct wsm_host_call *call = call_find(host, m->done.request);

    if (call == NULL)
        return true;
    if (call->events->on_answer != NULL || call->events->on_started != NULL)
        return false; /* what expects more than DONE does not end without it but by FAILED */
    end_call(call, NULL);
    return true;
}

/* What a host gives as a reason becomes part of a fault: a host runs as its user, so its
 * words are neither trusted to be text nor to be short. */
static void take_reason(struct wsm_error *err, uint32_t code, struct wsm_span text)
{
    bool is_cut;

    if (!wsm_utf8_is_valid(text))
        text = wsm_span_str("its shell host gives a reason that is not UTF-8");
    is_cut = text.len > REASON_MAX;
    if (is_cut) {
        text.len = REASON_MAX;
        while ((text.ptr[text.len] & 0xC0) == 0x80)
            text.len--; /* not within a character */
    }
    wsm_fail(err, code, "%.*s%s", (int)text.len, (const char *)text.ptr, is_cut ? "..." : "");
}

static bool on_failed(struct wsm_host_link *host, const union message *m)
{
    struct wsm_host_call *call = call_find(host, m->failed.request);
    struct wsm_error err = WSM_ERROR_INIT;

    if (call == NULL && inspection(host) != NULL && inspection(host)->number == m->failed.request) {
        call = inspection(host);
        host->inspection_count--;
    }
    if (call == NULL)
        return true;
    take_reason(&err, m->failed.code == 0 ? ERROR_INTERNAL_ERROR : m->failed.code, m->failed.text);
    end_call(call, &err);
    wsm_error_clear(&err);
    return true;
}

static bool on_output(struct wsm_host_link *host, const union message *m)
{
    struct wsm_host_call *call = call_find(host, m->output.request);

    if (m->output.stream >= WSM_HOST_STREAMS)
        return false;
    if (call != NULL && call->events->on_output != NULL)
        call->events->on_output(call, &m->output);
    return true;
}

static bool on_answer(struct wsm_host_link *host, const union message *m)
{
    struct wsm_host_call *call = call_find(host, m->answer.request);

    if (call == NULL)
        return true;
    if (call->events->on_answer == NULL)
        return false;
    wsm_host_call_drop(call);
    call->events->on_answer(call, &m->answer);
    return true;
}

static bool on_started(struct wsm_host_link *host, const union message *m)
{
    struct wsm_host_call *call = call_find(host, m->started.request);

    if (call == NULL)
        return true;
    if (call->events->on_started == NULL)
        return false;
    wsm_host_call_drop(call);
    call->events->on_started(call, &m->started);
    return true;
}

static bool on_gone(struct wsm_host_link *host, const union message *m)
{
    take_reason(&host->farewell, m->gone.code == 0 ? ERROR_OPERATION_ABORTED : m->gone.code,
                m->gone.text);
    return true;
}

/* Column of a message, row of a state: what is next. Mirrors the table above. */
#define ANSWERS                                                             \
    {                                                                       \
        [STATE_READY] = STATE_READY, [STATE_INSPECTION] = STATE_INSPECTION, \
        [STATE_GONE] = STATE_GONE                                           \
    }
static const struct rule {
    const struct wsm_message_type *type;
    enum state next[STATES];
    bool (*on_message)(struct wsm_host_link *host, const union message *m);
} rules[] = {
    { &wsm_host_hello_type, { [STATE_GREETING] = STATE_REPORT }, on_hello },
    { &wsm_host_shell_type,
      { [STATE_REPORT] = STATE_COMMANDS, [STATE_READY] = STATE_INSPECTION },
      on_shell },
    { &wsm_host_command_type,
      { [STATE_COMMANDS] = STATE_COMMANDS, [STATE_INSPECTION] = STATE_INSPECTION },
      on_command },
    { &wsm_host_report_end_type,
      { [STATE_COMMANDS] = STATE_READY, [STATE_INSPECTION] = STATE_READY },
      on_report_end },
    { &wsm_host_done_type, ANSWERS, on_done },
    { &wsm_host_failed_type, ANSWERS, on_failed },
    { &wsm_host_output_type, ANSWERS, on_output },
    { &wsm_host_answer_type, ANSWERS, on_answer },
    { &wsm_host_started_type, ANSWERS, on_started },
    { &wsm_host_gone_type,
      { [STATE_GREETING] = STATE_GONE,
        [STATE_REPORT] = STATE_GONE,
        [STATE_COMMANDS] = STATE_GONE,
        [STATE_READY] = STATE_GONE,
        [STATE_INSPECTION] = STATE_GONE },
      on_gone },
};
#undef ANSWERS

/* The only writer of host->state. */
static bool step(struct wsm_host_link *host, const struct rule *rule)
{
    enum state next = rule->next[host->state];

    if (next == STATE_REFUSED)
        return false;
    host->state = next;
    return true;
}

static bool on_message(void *context, const struct wsm_frame *frame, int *fd)
{
    struct wsm_host_link *host = context;
    union message message;

    (void)fd; /* a host passes none */
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (rules[i].type->type != frame->type)
            continue;
        return wsm_message_parse(rules[i].type, frame->payload, &message) &&
               step(host, &rules[i]) && rules[i].on_message(host, &message);
    }
    return (frame->flags & WSM_FRAME_FLAG_IGNORABLE) != 0;
}

static void on_lost(void *context, const struct wsm_error *err)
{
    struct wsm_host_link *host = context;
    struct wsm_error aborted = WSM_ERROR_INIT;
    bool is_gone = host->state == STATE_GONE;

    host->link = NULL;
    wsm_fail(&aborted, ERROR_OPERATION_ABORTED, "the shell has ended");
    end_all(host, &aborted);
    wsm_error_clear(&aborted);
    host->events->on_lost(host->context, is_gone ? &host->farewell : err, is_gone);
    host_free(host);
}

struct wsm_host_link *wsm_host_link_open(uv_loop_t *loop, int fd,
                                         const struct wsm_host_link_events *events, void *context,
                                         struct wsm_error *err)
{
    static const struct wsm_link_events link_events = { on_message, on_lost };
    static const struct wsm_host_hello hello = { WSM_HOST_VERSION_LOWEST, WSM_HOST_VERSION_HIGHEST,
                                                 0 };
    static const int send_buffer = SEND_BUFFER;
    struct wsm_host_link *host = calloc(1, sizeof(*host));

    if (host == NULL) {
        close(fd);
        wsm_fail_memory(err, "connection to a shell host");
        return NULL;
    }
    for (size_t i = 0; i < BUCKETS; i++)
        wsm_list_init(&host->calls[i]);
    wsm_list_init(&host->inspections);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof(send_buffer));
    host->events = events;
    host->context = context;
    host->state = STATE_GREETING;
    host->link = wsm_link_open(loop, fd, &link_events, host, err);
    if (host->link == NULL) {
        host_free(host);
        return NULL;
    }
    wsm_link_send(host->link, &wsm_host_hello_type, &hello);
    return host;
}
