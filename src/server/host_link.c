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
 *            HELLO    SHELL      COMMAND  REPORT_END  DONE FAILED OUTPUT ANSWER  GONE
 * GREETING   REPORT   -          -        -           -                          GONE
 * REPORT     -        COMMANDS   -        -           -                          GONE
 * COMMANDS   -        -          COMMANDS READY       -                          GONE
 * READY      -        -          -        -           READY                      GONE
 * GONE       -        -          -        -           GONE                       - */
enum state { STATE_REFUSED, STATE_GREETING, STATE_REPORT, STATE_COMMANDS, STATE_READY, STATE_GONE };

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

static void end_call(struct wsm_host_call *call, const struct wsm_error *err)
{
    wsm_host_call_drop(call);
    call->events->on_end(call, err);
}

static void end_all(struct wsm_host_link *host, const struct wsm_error *err)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        while (!wsm_list_is_empty(&host->calls[i]))
            end_call(WSM_CONTAINER_OF(host->calls[i].next, struct wsm_host_call, node), err);
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

static bool on_shell(struct wsm_host_link *host, const union message *m)
{
    host->events->on_shell(host->context, &m->shell);
    return true;
}

static bool on_command(struct wsm_host_link *host, const union message *m)
{
    host->events->on_command(host->context, &m->command);
    return true;
}

static bool on_report_end(struct wsm_host_link *host, const union message *m)
{
    (void)m;
    host->events->on_ready(host->context); /* may close the link */
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

/* accepted: one bit a state; next: 0 = stays. Mirrors the table above. */
static const struct rule {
    const struct wsm_message_type *type;
    unsigned accepted;
    enum state next;
    bool (*on_message)(struct wsm_host_link *host, const union message *m);
} rules[] = {
    { &wsm_host_hello_type, 1U << STATE_GREETING, STATE_REPORT, on_hello },
    { &wsm_host_shell_type, 1U << STATE_REPORT, STATE_COMMANDS, on_shell },
    { &wsm_host_command_type, 1U << STATE_COMMANDS, STATE_REFUSED, on_command },
    { &wsm_host_report_end_type, 1U << STATE_COMMANDS, STATE_READY, on_report_end },
    { &wsm_host_done_type, 1U << STATE_READY | 1U << STATE_GONE, STATE_REFUSED, on_done },
    { &wsm_host_failed_type, 1U << STATE_READY | 1U << STATE_GONE, STATE_REFUSED, on_failed },
    { &wsm_host_output_type, 1U << STATE_READY | 1U << STATE_GONE, STATE_REFUSED, on_output },
    { &wsm_host_answer_type, 1U << STATE_READY | 1U << STATE_GONE, STATE_REFUSED, on_answer },
    { &wsm_host_started_type, 1U << STATE_READY | 1U << STATE_GONE, STATE_REFUSED, on_started },
    { &wsm_host_gone_type,
      1U << STATE_GREETING | 1U << STATE_REPORT | 1U << STATE_COMMANDS | 1U << STATE_READY,
      STATE_GONE, on_gone },
};

/* The only writer of host->state. */
static bool step(struct wsm_host_link *host, const struct rule *rule)
{
    if ((rule->accepted & (1U << host->state)) == 0)
        return false;
    if (rule->next != STATE_REFUSED)
        host->state = rule->next;
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
