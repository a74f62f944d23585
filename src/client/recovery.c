/* Recovery: the phase between the loss of a shell's link and its return or end. Loop
 * thread. Which requests may be repeated at all is decided in may_repeat(); how each is made
 * anew, by its own file. */
#include "client/recovery.h"

#include "base/log.h"
#include "client/disconnect.h"
#include "client/exchange.h"
#include "client/notice.h"
#include "client/random.h"
#include "client/session.h"
#include "client/shell.h"
#include "proto/identify.h"
#include "wsmerror.h"

#include <stdlib.h>

enum { RESERVED_NOTICES = 4 /* those that a phase must not leave out */ };

/* Waits before the tries, in ms, the last one again and again. */
static const unsigned waits[] = { 0, 250, 500, 1000, 2000, 4000, 8000, 15000 };

/* Lives until its timer's memory may go. */
struct wsm_recovery_phase {
    uv_timer_t timer;
    struct wsm_recovery *recovery; /* borrowed; NULL once the phase is over */
    uint64_t deadline;             /* loop time */
    unsigned tries;
    struct wsm_exchange *probe; /* borrowed: on the wire while TRYING */
    struct wsm_exchange knock;  /* an Identify, where the shell has no request to try */
    struct wsm_error cause;     /* owned: of the last loss */
    struct wsm_list notices;    /* of struct wsm_notice, owned: reserved for later */
};

/*           LOST     TRY     ANSWERED  OVER
 * FINE      WAITING  -       -         -
 * WAITING   -        TRYING  -         FINE  (the shell is disconnected, broken, or gone)
 * TRYING    WAITING  -       FINE      FINE  (the same)                           */
static const enum wsm_recovery_state next_state[WSM_RECOVERY_COUNT][WSM_RECOVERY_EV_COUNT] = {
    [WSM_RECOVERY_FINE] = { WSM_RECOVERY_WAITING, 0, 0, 0 },
    [WSM_RECOVERY_WAITING] = { 0, WSM_RECOVERY_TRYING, 0, WSM_RECOVERY_FINE },
    [WSM_RECOVERY_TRYING] = { WSM_RECOVERY_WAITING, 0, WSM_RECOVERY_FINE, WSM_RECOVERY_FINE },
};

static const char *const names[WSM_RECOVERY_COUNT] = { "refused", "fine", "waiting", "trying" };

static struct wsm_shell *shell_of(struct wsm_recovery *recovery)
{
    return WSM_CONTAINER_OF(recovery, struct wsm_shell, recovery);
}

static struct wsm_exchange *of_node(struct wsm_list *node)
{
    return WSM_CONTAINER_OF(node, struct wsm_exchange, node);
}

/* The only writer of recovery->state. */
static bool step(struct wsm_recovery *recovery, enum wsm_recovery_event event)
{
    enum wsm_recovery_state next = next_state[recovery->state][event];

    if (next == WSM_RECOVERY_REFUSED)
        return false;
    wsm_log_debug("link of shell %s: %s -> %s", shell_of(recovery)->options.id.text,
                  names[recovery->state], names[next]);
    recovery->state = next;
    return true;
}

void wsm_recovery_init(struct wsm_recovery *recovery)
{
    *recovery = (struct wsm_recovery){ .state = WSM_RECOVERY_FINE };
    wsm_list_init(&recovery->sent);
    wsm_list_init(&recovery->held);
}

/* ---- Notices ---- */

/* Only while the application holds the shell open; its end needs no notice. */
static void notify(struct wsm_recovery *recovery, enum wsm_notice_kind kind)
{
    struct wsm_shell *shell = shell_of(recovery);
    struct wsm_list *reserve = &recovery->phase->notices;
    struct wsm_notice *notice;

    if (shell->life != WSM_LIFE_OPEN)
        return;
    if (kind == WSM_NOTICE_RETRYING && recovery->phase->tries > 1) {
        notice = wsm_notice_new(); /* one more of them: may be left out */
    } else {
        notice = WSM_CONTAINER_OF(reserve->next, struct wsm_notice, node);
        wsm_list_remove(&notice->node);
    }
    if (notice != NULL)
        wsm_notice_post(notice, shell, kind);
}

static void free_notices(struct wsm_list *notices)
{
    while (!wsm_list_is_empty(notices)) {
        struct wsm_notice *notice = WSM_CONTAINER_OF(notices->next, struct wsm_notice, node);

        wsm_list_remove(&notice->node);
        free(notice);
    }
}

static bool reserve_notices(struct wsm_list *notices)
{
    size_t i;

    for (i = 0; i < RESERVED_NOTICES; i++) {
        struct wsm_notice *notice = wsm_notice_new();

        if (notice == NULL)
            return false;
        wsm_list_add(notices, &notice->node);
    }
    return true;
}

/* ---- The phase ---- */

static void on_timer(uv_timer_t *timer);

static uint64_t min_of(uint64_t one, uint64_t other)
{
    return one < other ? one : other;
}

/* Until when the shell may be without its link, as it stands. What opens or closes it ends within
 * its own time-out all the same. */
static uint64_t deadline_of(const struct wsm_shell *shell, const struct wsm_exchange *exchange)
{
    const struct wsm_options *options = &shell->session->options;
    bool is_open = shell->life == WSM_LIFE_OPEN;
    bool is_new = shell->life == WSM_LIFE_OPENING;
    uint32_t retry_ms = is_open  ? wsm_options_number(options, WSM_OPTION_MAX_RETRY_TIME)
                        : is_new ? WSM_RECOVERY_CREATE_MS
                                 : WSM_RECOVERY_CLOSE_MS;
    uint64_t deadline = uv_now(wsm_runtime_loop()) + retry_ms;
    uint32_t timeout_ms = exchange->call.timeout_ms;

    if (is_open || timeout_ms == 0)
        return deadline;
    deadline = min_of(deadline, uv_now(wsm_runtime_loop()) + timeout_ms);
    return min_of(deadline, exchange->begun + timeout_ms + WSM_HTTP_NETWORK_DELAY_MS);
}

static bool begin(struct wsm_recovery *recovery, const struct wsm_exchange *exchange)
{
    struct wsm_shell *shell = shell_of(recovery);
    struct wsm_recovery_phase *phase = calloc(1, sizeof(*phase));

    if (phase == NULL)
        return false;
    wsm_list_init(&phase->notices);
    if (!reserve_notices(&phase->notices)) {
        free_notices(&phase->notices);
        free(phase);
        return false;
    }
    uv_timer_init(wsm_runtime_loop(), &phase->timer);
    phase->timer.data = phase;
    phase->recovery = recovery;
    phase->deadline = deadline_of(shell, exchange);
    recovery->phase = phase;
    wsm_http_pool_drop_idle(&shell->session->pool); /* they went the same way */
    notify(recovery, WSM_NOTICE_FAILURE);
    return true;
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void end(struct wsm_recovery *recovery)
{
    struct wsm_recovery_phase *phase = recovery->phase;

    recovery->phase = NULL;
    phase->recovery = NULL;
    wsm_exchange_cancel(&phase->knock);
    wsm_error_clear(&phase->cause);
    free_notices(&phase->notices);
    uv_close((uv_handle_t *)&phase->timer, on_timer_closed);
}

uint64_t wsm_recovery_wait_ms(unsigned tries)
{
    const unsigned last = sizeof(waits) / sizeof(waits[0]) - 1;
    uint64_t wait = waits[tries < last ? tries : last];

    return wait * (80 + wsm_random_number() % 41) / 100;
}

static void start_timer(struct wsm_recovery_phase *phase, uint64_t wait)
{
    uint64_t now = uv_now(wsm_runtime_loop());
    uint64_t left = phase->deadline > now ? phase->deadline - now : 0;

    uv_timer_start(&phase->timer, on_timer, wait < left ? wait : left, 0); /* cannot fail */
}

/* ---- Trying ---- */

static void on_knocked(struct wsm_exchange *exchange, struct wsm_answer **answer,
                       struct wsm_error *err)
{
    (void)exchange;
    (void)answer;
    (void)err;
}

static bool send_knock(struct wsm_exchange *exchange, struct wsm_error *err)
{
    static const struct wsm_exchange_plan plan = { .timeout_option = WSM_OPTION_DEFAULT_TIMEOUT };
    struct wsm_recovery_phase *phase = WSM_CONTAINER_OF(exchange, struct wsm_recovery_phase, knock);
    struct wsm_recovery *recovery = phase->recovery;
    struct wsm_request_headers unused;

    if (!wsm_exchange_prepare(exchange, shell_of(recovery)->session, &plan, &unused, err))
        return false;
    wsm_identify_request_write(&exchange->call.request);
    exchange->on_done = on_knocked;
    wsm_recovery_cover(recovery, exchange, exchange->repetition);
    return wsm_exchange_send(exchange, err);
}

static const struct wsm_repetition knock_repetition = { .send = send_knock, .may_park = true };

static bool is_knock(const struct wsm_recovery *recovery, const struct wsm_exchange *exchange)
{
    return recovery->phase != NULL && exchange == &recovery->phase->knock;
}

/* Ends a request that is on its own, with a copy of the error. */
static void fail_exchange(struct wsm_exchange *exchange, const struct wsm_error *cause)
{
    struct wsm_answer *none = NULL;
    struct wsm_error err = WSM_ERROR_INIT;

    (void)wsm_fail(&err, cause->code, "%s", wsm_error_text(cause));
    wsm_exchange_cancel(exchange);
    exchange->on_done(exchange, &none, &err);
    wsm_error_clear(&err);
}

/* Takes a held request and sends it. One that cannot even be made ends with its error. */
static void send_again(struct wsm_exchange *exchange)
{
    struct wsm_error err = WSM_ERROR_INIT;

    wsm_list_remove(&exchange->node);
    if (!exchange->repetition->send(exchange, &err))
        fail_exchange(exchange, &err);
    wsm_error_clear(&err);
}

static struct wsm_exchange *choose_probe(struct wsm_recovery *recovery)
{
    struct wsm_recovery_phase *phase = recovery->phase;

    if (!wsm_list_is_empty(&recovery->held))
        return of_node(recovery->held.next);
    phase->knock.state = WSM_EXCHANGE_HELD;
    phase->knock.repetition = &knock_repetition;
    wsm_list_add(&recovery->held, &phase->knock.node);
    return &phase->knock;
}

static void abort_phase(struct wsm_recovery *recovery, const struct wsm_error *cause);

static void try_again(struct wsm_recovery *recovery)
{
    struct wsm_recovery_phase *phase = recovery->phase;
    struct wsm_error err = WSM_ERROR_INIT;

    (void)step(recovery, WSM_RECOVERY_EV_TRY);
    phase->tries++;
    notify(recovery, WSM_NOTICE_RETRYING);
    start_timer(phase, UINT64_MAX);
    phase->probe = choose_probe(recovery);
    if (phase->probe->repetition->may_park)
        phase->probe->timeout_max_ms = WSM_RECOVERY_PROBE_MS;
    wsm_list_remove(&phase->probe->node);
    if (!phase->probe->repetition->send(phase->probe, &err))
        abort_phase(recovery, &err);
    wsm_error_clear(&err);
}

static void on_timer(uv_timer_t *timer)
{
    struct wsm_recovery_phase *phase = timer->data;
    struct wsm_recovery *recovery = phase->recovery;
    bool is_over = uv_now(wsm_runtime_loop()) >= phase->deadline;

    if (recovery->state == WSM_RECOVERY_TRYING || (is_over && phase->tries > 0))
        wsm_recovery_give_up(recovery);
    else
        try_again(recovery);
}

/* ---- Ends ---- */

static void answered(struct wsm_recovery *recovery, struct wsm_exchange *exchange)
{
    struct wsm_session *session = shell_of(recovery)->session;

    wsm_list_remove(&exchange->node);
    if (recovery->phase == NULL || exchange != recovery->phase->probe ||
        !step(recovery, WSM_RECOVERY_EV_ANSWERED))
        return;
    notify(recovery, WSM_NOTICE_RECONNECTED);
    end(recovery);
    wsm_session_callback_queued(session); /* so that it does not end within */
    /* A new loss keeps the rest, in its order. */
    while (recovery->state == WSM_RECOVERY_FINE && !wsm_list_is_empty(&recovery->held))
        send_again(of_node(recovery->held.next));
    wsm_session_callback_returned(session);
}

static void fail_held(struct wsm_recovery *recovery, const struct wsm_error *cause)
{
    while (!wsm_list_is_empty(&recovery->held))
        fail_exchange(of_node(recovery->held.next), cause);
}

/* What is on connections that did not break yet goes the way of the others. */
static void hold_sent(struct wsm_recovery *recovery)
{
    while (!wsm_list_is_empty(&recovery->sent)) {
        struct wsm_exchange *exchange = of_node(recovery->sent.next);

        wsm_http_call_cancel(&exchange->call);
        wsm_list_remove(&exchange->node);
        wsm_list_add(&recovery->held, &exchange->node);
    }
}

/* The next try cannot even be made, for want of memory: nothing can be known of the shell any
 * more. What is being opened or closed just ends. */
static void abort_phase(struct wsm_recovery *recovery, const struct wsm_error *cause)
{
    struct wsm_shell *shell = shell_of(recovery);
    struct wsm_session *session = shell->session;
    struct wsm_exchange *probe = recovery->phase->probe;
    bool is_own = is_knock(recovery, probe);

    if (!is_own) { /* back to the others, with which it ends */
        wsm_list_init(&probe->node);
        wsm_list_add(recovery->held.next, &probe->node);
        probe->state = WSM_EXCHANGE_HELD;
        wsm_recovery_cover(recovery, probe, probe->repetition);
    }
    (void)step(recovery, WSM_RECOVERY_EV_OVER);
    notify(recovery, WSM_NOTICE_ABORTED);
    recovery->phase->probe = NULL;
    end(recovery);
    hold_sent(recovery);
    wsm_session_callback_queued(session); /* so that it does not end within */
    if (shell->life == WSM_LIFE_OPEN)
        wsm_disconnect_broken(shell, cause);
    fail_held(recovery, cause);
    wsm_session_callback_returned(session);
}

void wsm_recovery_give_up(struct wsm_recovery *recovery)
{
    struct wsm_shell *shell = shell_of(recovery);
    struct wsm_session *session = shell->session;
    struct wsm_error cause = WSM_ERROR_INIT;

    if (!step(recovery, WSM_RECOVERY_EV_OVER))
        return;
    if (recovery->phase->tries == 0) /* given up before the first: their order stays the same */
        notify(recovery, WSM_NOTICE_RETRYING);
    notify(recovery, WSM_NOTICE_DISCONNECTING);
    notify(recovery, WSM_NOTICE_DISCONNECTED);
    wsm_error_move(&cause, &recovery->phase->cause);
    end(recovery);
    hold_sent(recovery);
    if (shell->life == WSM_LIFE_OPEN)
        wsm_disconnect_now(shell);
    wsm_session_callback_queued(session); /* so that it does not end within */
    fail_held(recovery, &cause);
    wsm_session_callback_returned(session);
    wsm_error_clear(&cause);
}

void wsm_recovery_hurry(struct wsm_recovery *recovery, unsigned ms)
{
    uint64_t latest = uv_now(wsm_runtime_loop()) + ms;

    if (recovery->phase == NULL || recovery->phase->deadline <= latest)
        return;
    recovery->phase->deadline = latest;
    start_timer(recovery->phase, recovery->state == WSM_RECOVERY_TRYING
                                     ? UINT64_MAX
                                     : uv_timer_get_due_in(&recovery->phase->timer));
}

void wsm_recovery_clear(struct wsm_recovery *recovery)
{
    if (recovery->phase != NULL)
        end(recovery);
}

/* ---- From exchange.c ---- */

static bool may_repeat(struct wsm_recovery *recovery, const struct wsm_exchange *exchange)
{
    const struct wsm_shell *shell = shell_of(recovery);

    switch (shell->life) {
    case WSM_LIFE_OPENING: /* Create: a server that cannot be reached at all is an error at once */
    case WSM_LIFE_ABANDONED:
        return exchange->is_repeat && !exchange->call.is_overdue &&
               (exchange->is_broken || recovery->phase != NULL);
    case WSM_LIFE_OPEN: /* not while it is let go: that has to come to an end */
        return shell->link == WSM_LINK_CONNECTED && wsm_shell_is_robust(shell);
    case WSM_LIFE_ENDING:
        return !exchange->call.is_overdue && wsm_shell_is_robust(shell);
    default:
        return false;
    }
}

/* A name that cannot be found is a wrong name, unless it was found before. */
static bool is_loss(const struct wsm_recovery *recovery, uint32_t code)
{
    switch (code) {
    case ERROR_WSMAN_NETWORK_TIMEDOUT:
    case ERROR_WSMAN_HTTP_SERVICE_UNAVAILABLE_STATUS:
    case ERROR_WSMAN_DESTINATION_UNREACHABLE:
    case ERROR_BROKEN_PIPE:
        return true;
    case ERROR_WSMAN_NAME_NOT_RESOLVED:
        return recovery->phase != NULL;
    default:
        return false;
    }
}

/* The one that was tried stays the one to try. Were it tried behind the others, one of those
 * could end the phase, and the loss of this one begin the next, again and again. */
static void hold(struct wsm_recovery *recovery, struct wsm_exchange *exchange)
{
    bool is_probe = recovery->phase != NULL && exchange == recovery->phase->probe;

    wsm_list_init(&exchange->node);
    exchange->state = WSM_EXCHANGE_HELD;
    if (!is_knock(recovery, exchange))
        wsm_list_add(is_probe ? recovery->held.next : &recovery->held, &exchange->node);
}

static bool holds(struct wsm_recovery *recovery, struct wsm_exchange *exchange)
{
    if (recovery->phase == NULL || exchange == recovery->phase->probe)
        return false;
    hold(recovery, exchange);
    return true;
}

static void sent(struct wsm_recovery *recovery, struct wsm_exchange *exchange)
{
    wsm_list_init(&exchange->node);
    wsm_list_add(&recovery->sent, &exchange->node);
}

/* The try that was under way has ended without an answer. */
static void schedule(struct wsm_recovery *recovery, uint64_t wait)
{
    recovery->phase->probe = NULL;
    (void)step(recovery, WSM_RECOVERY_EV_LOST);
    start_timer(recovery->phase, wait);
}

static bool lost(struct wsm_recovery *recovery, struct wsm_exchange *exchange,
                 struct wsm_error *err)
{
    wsm_list_remove(&exchange->node);
    exchange->is_repeat = exchange->is_repeat || exchange->call.was_written;
    if (!is_loss(recovery, err->code) || !may_repeat(recovery, exchange) ||
        (recovery->phase == NULL && !begin(recovery, exchange)))
        return false;
    wsm_error_move(&recovery->phase->cause, err);
    hold(recovery, exchange);
    if (recovery->state == WSM_RECOVERY_FINE || exchange == recovery->phase->probe)
        schedule(recovery, wsm_recovery_wait_ms(recovery->phase->tries));
    return true;
}

static void forget(struct wsm_recovery *recovery, struct wsm_exchange *exchange)
{
    wsm_list_remove(&exchange->node);
    if (recovery->phase != NULL && exchange == recovery->phase->probe)
        schedule(recovery, 0); /* another one is tried in its place */
}

void wsm_recovery_cover(struct wsm_recovery *recovery, struct wsm_exchange *exchange,
                        const struct wsm_repetition *repetition)
{
    static const struct wsm_exchange_keeper keeper = {
        .holds = holds, .lost = lost, .sent = sent, .answered = answered, .forget = forget
    };

    exchange->recovery = recovery;
    exchange->keeper = &keeper;
    exchange->repetition = repetition;
}
