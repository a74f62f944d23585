/* Recovery: the phase between the loss of a shell's link, or its refusal by the server, and its
 * return or end. Loop thread. Which requests may be repeated at all is decided in may_repeat() and
 * may_ask(); how each is made anew, by its own file. */
#include "client/recovery.h"

#include "base/log.h"
#include "client/disconnect.h"
#include "client/exchange.h"
#include "client/notice.h"
#include "client/random.h"
#include "client/session.h"
#include "client/shell.h"
#include "proto/disconnect.h"
#include "proto/identify.h"
#include "wsmerror.h"

#include <stdlib.h>

enum { RESERVED_NOTICES = 4 /* those that a phase must not leave out */ };

/* Waits before the tries, in ms, the last one again and again. */
static const unsigned waits[] = { 0, 250, 500, 1000, 2000, 4000, 8000, 15000 };

enum phase_kind {
    PHASE_LOST,    /* the connection; until the server answers */
    PHASE_REFUSED, /* the server has; until it has answered to Reconnect, the knock */
};

/* Lives until its timer's memory may go. */
struct wsm_recovery_phase {
    enum phase_kind kind;
    uv_timer_t timer;
    struct wsm_recovery *recovery; /* borrowed; NULL once the phase is over */
    uint64_t deadline;             /* loop time */
    unsigned tries;
    struct wsm_exchange *probe; /* borrowed: on the wire while TRYING */
    struct wsm_exchange knock;  /* LOST: an Identify, where there is no request to try */
    struct wsm_error cause;     /* owned: of the last loss, or refusal */
    struct wsm_list notices;    /* of struct wsm_notice, owned: reserved for later */
};

/*           LOST     REFUSED  TRY     ANSWERED  OVER
 * FINE      WAITING  TRYING   -       -         -
 * WAITING   -        -        TRYING  -         FINE  (the shell is disconnected, broken, or gone)
 * TRYING    WAITING  -        -       FINE      FINE  (the same, or stays as it is)       */
static const enum wsm_recovery_state next_state[WSM_RECOVERY_COUNT][WSM_RECOVERY_EV_COUNT] = {
    [WSM_RECOVERY_FINE] = { [WSM_RECOVERY_EV_LOST] = WSM_RECOVERY_WAITING,
                            [WSM_RECOVERY_EV_REFUSED] = WSM_RECOVERY_TRYING },
    [WSM_RECOVERY_WAITING] = { [WSM_RECOVERY_EV_TRY] = WSM_RECOVERY_TRYING,
                               [WSM_RECOVERY_EV_OVER] = WSM_RECOVERY_FINE },
    [WSM_RECOVERY_TRYING] = { [WSM_RECOVERY_EV_LOST] = WSM_RECOVERY_WAITING,
                              [WSM_RECOVERY_EV_ANSWERED] = WSM_RECOVERY_FINE,
                              [WSM_RECOVERY_EV_OVER] = WSM_RECOVERY_FINE },
};

static const char *const names[WSM_RECOVERY_COUNT] = { "refused", "fine", "waiting", "trying" };

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
    wsm_log_debug("link of shell %s: %s -> %s",
                  recovery->shell == NULL ? "(none)" : recovery->shell->options.id.text,
                  names[recovery->state], names[next]);
    recovery->state = next;
    return true;
}

void wsm_recovery_init(struct wsm_recovery *recovery, struct wsm_shell *shell)
{
    *recovery = (struct wsm_recovery){ .shell = shell, .state = WSM_RECOVERY_FINE };
    wsm_list_init(&recovery->sent);
    wsm_list_init(&recovery->held);
}

/* Does the application have the shell, open and connected? */
static bool is_in_use(const struct wsm_recovery *recovery)
{
    const struct wsm_shell *shell = recovery->shell;

    return shell != NULL && shell->life == WSM_LIFE_OPEN && shell->link != WSM_LINK_RECONNECTING;
}

/* ---- Notices ---- */

/* Only while the application has the shell; its beginning and end need no notice. */
static void notify(struct wsm_recovery *recovery, enum wsm_notice_kind kind)
{
    struct wsm_list *reserve = &recovery->phase->notices;
    struct wsm_notice *notice;

    if (!is_in_use(recovery))
        return;
    if (kind == WSM_NOTICE_RETRYING && recovery->phase->tries > 1) {
        notice = wsm_notice_new(); /* one more of them: may be left out */
    } else {
        notice = WSM_CONTAINER_OF(reserve->next, struct wsm_notice, node);
        wsm_list_remove(&notice->node);
    }
    if (notice != NULL)
        wsm_notice_post(notice, recovery->shell, kind);
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

/* Until when there may be no link. What is not about a shell in use ends within its own time-out
 * all the same. */
static uint64_t deadline_of(const struct wsm_recovery *recovery,
                            const struct wsm_exchange *exchange)
{
    const struct wsm_options *options = &recovery->session->options;
    const struct wsm_shell *shell = recovery->shell;
    bool is_closing = shell != NULL &&
                      (shell->life == WSM_LIFE_ABANDONED || shell->life == WSM_LIFE_ENDING);
    uint32_t retry_ms = is_in_use(recovery) ? wsm_options_number(options, WSM_OPTION_MAX_RETRY_TIME)
                        : is_closing        ? WSM_RECOVERY_CLOSE_MS
                                            : WSM_RECOVERY_OPEN_MS;
    uint64_t deadline = uv_now(wsm_runtime_loop()) + retry_ms;
    uint32_t timeout_ms = exchange->call.timeout_ms;

    if (is_in_use(recovery) || timeout_ms == 0)
        return deadline;
    deadline = min_of(deadline, uv_now(wsm_runtime_loop()) + timeout_ms);
    return min_of(deadline, exchange->begun + timeout_ms + WSM_HTTP_NETWORK_DELAY_MS);
}

static struct wsm_recovery_phase *new_phase(struct wsm_recovery *recovery, enum phase_kind kind)
{
    struct wsm_recovery_phase *phase = calloc(1, sizeof(*phase));

    if (phase == NULL)
        return NULL;
    phase->kind = kind;
    phase->recovery = recovery;
    wsm_list_init(&phase->notices);
    uv_timer_init(wsm_runtime_loop(), &phase->timer);
    phase->timer.data = phase;
    recovery->phase = phase;
    return phase;
}

static void end(struct wsm_recovery *recovery);

static bool begin(struct wsm_recovery *recovery, const struct wsm_exchange *exchange)
{
    struct wsm_recovery_phase *phase = new_phase(recovery, PHASE_LOST);

    if (phase == NULL)
        return false;
    if (!reserve_notices(&phase->notices)) {
        end(recovery);
        return false;
    }
    phase->deadline = deadline_of(recovery, exchange);
    wsm_http_pool_drop_idle(&recovery->session->pool); /* they went the same way */
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

    if (!wsm_exchange_prepare(exchange, recovery->session, &plan, &unused, err))
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
    struct wsm_session *session = recovery->session;

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
    struct wsm_session *session = recovery->session;
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
    if (is_in_use(recovery))
        wsm_disconnect_broken(recovery->shell, cause);
    fail_held(recovery, cause);
    wsm_session_callback_returned(session);
}

void wsm_recovery_give_up(struct wsm_recovery *recovery)
{
    struct wsm_session *session = recovery->session;
    struct wsm_error cause = WSM_ERROR_INIT;

    if (!step(recovery, WSM_RECOVERY_EV_OVER))
        return;
    if (recovery->phase->kind == PHASE_LOST) {
        if (recovery->phase->tries == 0) /* given up before the first: their order stays the same */
            notify(recovery, WSM_NOTICE_RETRYING);
        notify(recovery, WSM_NOTICE_DISCONNECTING);
        notify(recovery, WSM_NOTICE_DISCONNECTED);
    }
    wsm_error_move(&cause, &recovery->phase->cause);
    end(recovery);
    hold_sent(recovery);
    if (is_in_use(recovery))
        wsm_disconnect_now(recovery->shell);
    wsm_session_callback_queued(session); /* so that it does not end within */
    fail_held(recovery, &cause);
    wsm_session_callback_returned(session);
    wsm_error_clear(&cause);
}

/* ---- A server that has let go of the shell by itself ---- */

/* Those that were refused go on or end; those that only waited meanwhile go on, and end if they are
 * refused after the server did not give the shell back. */
static void end_refusal(struct wsm_recovery *recovery, bool is_back)
{
    struct wsm_session *session = recovery->session;
    struct wsm_error cause = WSM_ERROR_INIT;

    (void)step(recovery, is_back ? WSM_RECOVERY_EV_ANSWERED : WSM_RECOVERY_EV_OVER);
    wsm_error_move(&cause, &recovery->phase->cause);
    end(recovery);
    wsm_session_callback_queued(session); /* so that it does not end within */
    while (!wsm_list_is_empty(&recovery->held)) {
        struct wsm_exchange *exchange = of_node(recovery->held.next);

        if (exchange->was_refused && !(is_back && exchange->repetition->outlives_refusal)) {
            fail_exchange(exchange, &cause);
            continue;
        }
        exchange->was_refused = exchange->was_refused || !is_back;
        send_again(exchange);
    }
    wsm_session_callback_returned(session);
    wsm_error_clear(&cause);
}

static void on_asked(struct wsm_exchange *exchange, struct wsm_answer **answer,
                     struct wsm_error *err)
{
    const struct wsm_recovery_phase *phase = WSM_CONTAINER_OF(exchange, struct wsm_recovery_phase,
                                                              knock);

    (void)answer;
    end_refusal(phase->recovery, err->code == 0);
}

/* Outside of what is covered: its own fate is the end of the phase. */
static bool ask(struct wsm_recovery *recovery)
{
    static const struct wsm_reconnect_request request = { .buffer_mode = WSM_BUFFER_UNCHANGED };
    struct wsm_exchange *knock = &recovery->phase->knock;
    struct wsm_request_headers headers;
    struct wsm_error err = WSM_ERROR_INIT;
    bool ok = wsm_shell_prepare(recovery->shell, knock, WSM_ACTION_RECONNECT,
                                WSM_OPTION_DEFAULT_TIMEOUT, &headers, &err);

    if (ok) {
        wsm_reconnect_request_write(&knock->call.request, &headers, &request);
        knock->on_done = on_asked;
        ok = wsm_exchange_send(knock, &err);
    }
    wsm_error_clear(&err);
    return ok;
}

/* What waits for it ends within its own time-out. */
static void limit_asking(struct wsm_recovery_phase *phase, const struct wsm_exchange *exchange)
{
    uint64_t now = uv_now(wsm_runtime_loop());
    uint64_t until = exchange->begun + exchange->call.timeout_ms + WSM_HTTP_NETWORK_DELAY_MS;

    if (exchange->call.timeout_ms > 0)
        wsm_http_call_limit(&phase->knock.call, until > now ? (uint32_t)(until - now) : 1);
}

/* Our service takes its clients back without a word. */
static bool may_ask(const struct wsm_recovery *recovery, const struct wsm_exchange *exchange)
{
    const struct wsm_shell *shell = recovery->shell;

    return shell != NULL && shell->life == WSM_LIFE_OPEN && shell->link == WSM_LINK_CONNECTED &&
           shell->api_version > 0 && shell->can_disconnect && shell->extension_version == 0 &&
           !exchange->was_refused;
}

static bool begin_asking(struct wsm_recovery *recovery)
{
    if (new_phase(recovery, PHASE_REFUSED) == NULL)
        return false;
    if (!ask(recovery)) {
        end(recovery);
        return false;
    }
    (void)step(recovery, WSM_RECOVERY_EV_REFUSED);
    return true;
}

/* ---- From outside ---- */

void wsm_recovery_hurry(struct wsm_recovery *recovery, unsigned ms)
{
    uint64_t latest = uv_now(wsm_runtime_loop()) + ms;

    if (recovery->phase != NULL && recovery->phase->kind == PHASE_REFUSED)
        end_refusal(recovery, false);
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

/* Where there was no link before: a server that cannot be reached at all is an error at once. */
static bool was_sent(const struct wsm_recovery *recovery, const struct wsm_exchange *exchange)
{
    return !exchange->call.is_overdue && (recovery->phase != NULL || exchange->call.was_written);
}

/* The same where nothing is known of the server: nor is one that has nobody behind it. */
static bool has_broken(const struct wsm_recovery *recovery, const struct wsm_exchange *exchange)
{
    return was_sent(recovery, exchange) && (recovery->phase != NULL || exchange->is_broken);
}

static bool may_repeat(const struct wsm_recovery *recovery, const struct wsm_exchange *exchange)
{
    const struct wsm_shell *shell = recovery->shell;

    if (shell == NULL) /* lists, and what may be done twice */
        return has_broken(recovery, exchange);
    switch (shell->life) {
    case WSM_LIFE_OPENING: /* Create */
    case WSM_LIFE_ABANDONED:
        return has_broken(recovery, exchange);
    case WSM_LIFE_OPEN: /* not while it is let go: that has to come to an end */
        if (shell->link == WSM_LINK_RECONNECTING)
            return was_sent(recovery, exchange) && wsm_shell_is_robust(shell);
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

static bool refused(struct wsm_recovery *recovery, struct wsm_exchange *exchange,
                    struct wsm_error *err)
{
    if (!may_ask(recovery, exchange) || (recovery->phase == NULL && !begin_asking(recovery)))
        return false;
    wsm_list_remove(&exchange->node);
    exchange->was_refused = true;
    hold(recovery, exchange);
    limit_asking(recovery->phase, exchange);
    wsm_error_move(&recovery->phase->cause, err);
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
        .holds = holds,
        .lost = lost,
        .refused = refused,
        .sent = sent,
        .answered = answered,
        .forget = forget,
    };

    recovery->session = exchange->session;
    exchange->recovery = recovery;
    exchange->keeper = &keeper;
    exchange->repetition = repetition;
}
