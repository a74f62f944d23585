/* One connection of a client. The winrmd-net loop runs it. Knows HTTP and who is asking;
 * what is asked is dispatch's business. */
#include "server/http_conn.h"

#include "base/log.h"
#include "proto/http.h"
#include "server/http_answer.h"
#include "server/http_state.h"
#include "server/logon_check.h"
#include "server/request_head.h"
#include "server/service.h"
#include "wsmerror.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    HEAD_MS = 30000,            /* for a whole head, if MaxPacketRetrievalTimeSeconds is not less */
    CHECK_MS = 30000,           /* for winrmd-auth to answer */
    STRANGER_IDLE_MS = 30000,   /* without any authenticated request so far */
    IDLE_MS = 300000,           /* between requests; Windows has 120 s, some clients need more */
    SURPLUS_MS = 5000,          /* for the head of a request that will be told 503 */
    USER_TIMEOUT_MS = 60000,    /* a vanished peer: unacknowledged for that long */
    REFUSED_BODY_MAX = 1048576, /* bytes of a refused request that are read and dropped */
    PIPELINED_MAX = 4096,       /* one byte too many is enough to know */
    READ_CHUNK = 16384,
    READ_CHUNK_BULK = 262144,
};

/* The request that is being read or answered. */
struct request {
    size_t scanned;     /* of the head, see wsm_http_head_parse() */
    int64_t started_ms; /* first byte; 0 = none yet */
    struct wsm_request_head head;
    uint64_t dropped; /* bytes of a refused body */
    struct wsm_http_chunks chunks;
    int refusal;           /* HTTP status, 0 = not refused */
    uint32_t refusal_code; /* of a SOAP fault to refuse it with, 0 = an empty body */
};

struct wsm_http_conn {
    struct wsm_conn conn;
    struct wsm_service *service;
    enum wsm_http_state state;
    bool is_surplus;
    bool is_known; /* some request on it was authenticated */
    uv_timer_t timer;
    unsigned open_handles;       /* memory goes with the last */
    struct wsm_carrier *carrier; /* owned reference */
    struct wsm_logon_check check;
    struct wsm_logon *logon;       /* owned reference, from the check to the exchange */
    struct wsm_exchange *exchange; /* borrowed until it is answered */
    struct wsm_memberships memberships;
    struct request request;
    int64_t linger_since_ms;
    char peer[64]; /* a numeric address; the longest has 45 characters and a scope */
    int peer_port;
};

static void settle(struct wsm_http_conn *hc);
static void end(struct wsm_http_conn *hc, bool with_reset);
static void send_status(struct wsm_http_conn *hc, int status);

static struct wsm_http_conn *of(struct wsm_conn *conn)
{
    return WSM_CONTAINER_OF(conn, struct wsm_http_conn, conn);
}

/* The only writer of hc->state. */
static bool step(struct wsm_http_conn *hc, enum wsm_http_event event)
{
    enum wsm_http_state next = wsm_http_state_next(hc->state, event);

    if (next == WSM_HTTP_STATE_REFUSED)
        return false;
    wsm_log_debug("connection %s:%d: %s -> %s", hc->peer, hc->peer_port,
                  wsm_http_state_name(hc->state), wsm_http_state_name(next));
    hc->state = next;
    return true;
}

/* Reading goes on in every state, so that FIN and reset are seen; only how much is kept
 * differs. */
static void read_up_to(struct wsm_http_conn *hc, size_t max)
{
    struct wsm_error err = WSM_ERROR_INIT;

    hc->conn.read_max = max;
    if (!wsm_conn_read_start(&hc->conn, &err))
        end(hc, true);
    wsm_error_clear(&err);
}

static void request_reset(struct wsm_http_conn *hc)
{
    wsm_request_head_clear(&hc->request.head);
    wsm_logon_check_clear(&hc->check);
    hc->request = (struct request){ 0 };
}

/* ---- delivery ---- */

/* Looks at the socket: what has the peer's kernel got by now? */
static void look(struct wsm_http_conn *hc)
{
    int64_t missing = wsm_conn_unacknowledged(&hc->conn);

    if (missing >= 0 && (uint64_t)missing <= hc->conn.bytes_written)
        hc->carrier->acknowledged = hc->conn.bytes_written - (uint64_t)missing;
    if (hc->conn.first_error.code != 0 || missing < 0)
        hc->carrier->has_failed = true;
}

struct wsm_carrier *wsm_http_conn_carrier(struct wsm_http_conn *hc)
{
    look(hc);
    return hc->carrier;
}

/* ---- the end ---- */

static void drop_exchange(struct wsm_http_conn *hc)
{
    struct wsm_exchange *exchange = hc->exchange;

    hc->exchange = NULL;
    if (exchange != NULL)
        hc->service->handlers->on_gone(exchange);
}

static void end(struct wsm_http_conn *hc, bool with_reset)
{
    if (!step(hc, WSM_HTTP_EVENT_END))
        return;
    if (hc->conn.in.ptr != NULL) /* half a head may hold a password */
        explicit_bzero(hc->conn.in.ptr, hc->conn.in.cap);
    look(hc);
    if (with_reset)
        hc->carrier->has_failed = true;
    hc->carrier->conn = NULL; /* its facts stand as they are */
    wsm_logon_check_cancel(&hc->check);
    uv_timer_stop(&hc->timer);
    if (with_reset)
        wsm_conn_reset(&hc->conn);
    else
        wsm_conn_close(&hc->conn);
    drop_exchange(hc);
    wsm_memberships_leave(&hc->memberships);
}

void wsm_http_conn_abort(struct wsm_http_conn *hc)
{
    end(hc, true);
}

static void finish(struct wsm_http_conn *hc)
{
    if (!step(hc, WSM_HTTP_EVENT_FINISH))
        return;
    wsm_logon_check_cancel(&hc->check);
    hc->linger_since_ms = wsm_service_now(hc->service);
    drop_exchange(hc);
    wsm_memberships_leave(&hc->memberships);
    read_up_to(hc, REFUSED_BODY_MAX);
    settle(hc);
}

/* In LINGER: closes once the peer has acknowledged everything and, if part of its request
 * was never read, has stopped sending; with a reset when it does not get on. */
static void settle(struct wsm_http_conn *hc)
{
    uint64_t before = hc->carrier->acknowledged;
    bool is_all;

    if (hc->state != WSM_HTTP_STATE_LINGER)
        return;
    look(hc);
    if (hc->carrier->has_failed) {
        end(hc, true);
        return;
    }
    is_all = hc->conn.pending_writes == 0 && hc->carrier->acknowledged == hc->conn.bytes_written;
    if (is_all && (hc->conn.is_eof || !wsm_request_head_has_more(&hc->request.head))) {
        end(hc, false);
        return;
    }
    if (hc->carrier->acknowledged != before)
        hc->linger_since_ms = wsm_service_now(hc->service);
    if (wsm_service_now(hc->service) - hc->linger_since_ms >= WSM_DELIVERY_WAIT_MS)
        end(hc, !is_all);
    else
        wsm_http_conn_set_timer(hc, WSM_DELIVERY_LOOK_MS);
}

/* ---- answers ---- */

static void written(struct wsm_http_conn *hc)
{
    bool keeps = wsm_http_conn_keeps(hc);

    if (hc->is_known)
        wsm_service_on_served(hc->service);
    if (!keeps || hc->conn.is_eof) {
        finish(hc);
        return;
    }
    if (!step(hc, WSM_HTTP_EVENT_WRITTEN))
        return;
    request_reset(hc);
    if (hc->conn.in.len > 0) { /* came before the answer was fully written: design, §2 */
        hc->request.head.keep_alive = false;
        send_status(hc, 400);
        return;
    }
    hc->conn.read_chunk = READ_CHUNK;
    wsm_http_conn_set_timer(hc, hc->is_known ? IDLE_MS : STRANGER_IDLE_MS);
    read_up_to(hc, WSM_HTTP_HEAD_MAX + PIPELINED_MAX);
}

static void transmit(struct wsm_http_conn *hc, struct wsm_buf *message, uint64_t *out_end)
{
    struct wsm_error err = WSM_ERROR_INIT;
    bool is_done = false;

    if (!step(hc, WSM_HTTP_EVENT_ANSWER))
        return;
    if (out_end != NULL)
        *out_end = hc->conn.bytes_written + message->len;
    wsm_http_conn_set_timer(hc, hc->service->settings.packet_retrieval_ms);
    if (!wsm_buf_ok(message) || !wsm_conn_write(&hc->conn, message, &is_done, &err))
        end(hc, true);
    else if (is_done)
        written(hc);
    wsm_error_clear(&err);
}

void wsm_http_conn_answer(struct wsm_http_conn *hc, struct wsm_buf *message, uint64_t *out_end)
{
    hc->exchange = NULL;
    transmit(hc, message, out_end);
}

static void send_status(struct wsm_http_conn *hc, int status)
{
    struct wsm_buf message = WSM_BUF_INIT;

    wsm_http_answer_status(&message, status, wsm_settings_missing(&hc->service->settings) == NULL,
                           wsm_http_conn_keeps(hc));
    transmit(hc, &message, NULL);
    wsm_buf_clear(&message);
}

static void send_refusal(struct wsm_http_conn *hc)
{
    struct wsm_buf message = WSM_BUF_INIT;

    if (hc->request.refusal_code == 0) {
        send_status(hc, hc->request.refusal);
        return;
    }
    hc->request.head.keep_alive = false;
    wsm_http_answer_fault(&message, hc->request.refusal_code, wsm_http_conn_machine(hc));
    transmit(hc, &message, NULL);
    wsm_buf_clear(&message);
}

/* Bytes after the end of a request that is not answered yet. */
static void refuse_pipelined(struct wsm_http_conn *hc)
{
    wsm_log_debug("connection %s:%d: a request before the answer to the last", hc->peer,
                  hc->peer_port);
    drop_exchange(hc);
    hc->request.head.keep_alive = false;
    send_status(hc, 400);
}

/* ---- refused requests ---- */

/* Drops what has come of a refused body; at its end comes the answer. */
static void drop_body(struct wsm_http_conn *hc)
{
    struct request *request = &hc->request;
    struct wsm_buf *in = &hc->conn.in;
    size_t count = in->len;
    enum wsm_parse result;

    if (request->head.is_chunked) {
        size_t data = in->len;

        result = wsm_http_chunks_step(&request->chunks, in->ptr, &data, &count);
    } else {
        uint64_t left = request->head.body_len - request->dropped;

        count = left < count ? (size_t)left : count;
        result = count == left ? WSM_PARSE_DONE : WSM_PARSE_MORE;
    }
    request->dropped += count;
    if (result == WSM_PARSE_DONE) {
        request->head.is_read = true;
        request->head.keep_alive = request->head.keep_alive && count == in->len;
        wsm_buf_reset(in);
        send_refusal(hc);
        return;
    }
    wsm_buf_reset(in);
    if (result == WSM_PARSE_BAD || request->dropped > REFUSED_BODY_MAX) {
        request->head.keep_alive = false;
        send_refusal(hc);
        return;
    }
    read_up_to(hc, READ_CHUNK_BULK);
}

/* The head was read; the answer is decided, the body is not wanted. */
static void refuse(struct wsm_http_conn *hc, int status, uint32_t code)
{
    struct request *request = &hc->request;

    request->refusal = status;
    request->refusal_code = code;
    wsm_buf_consume(&hc->conn.in, request->head.len);
    if (!wsm_request_head_has_more(&request->head)) {
        request->head.keep_alive = request->head.keep_alive && hc->conn.in.len == 0;
        wsm_buf_reset(&hc->conn.in);
        send_refusal(hc);
    } else if (request->head.expects_continue || request->head.body_len > REFUSED_BODY_MAX) {
        request->head.keep_alive = false;
        wsm_buf_reset(&hc->conn.in);
        send_refusal(hc);
    } else if (step(hc, WSM_HTTP_EVENT_REFUSE)) {
        wsm_http_conn_set_timer(hc, hc->service->settings.packet_retrieval_ms);
        drop_body(hc);
    }
}

/* ---- accepted requests ---- */

static void on_request(struct wsm_http_conn *hc)
{
    struct wsm_request_head *head = &hc->request.head;
    struct wsm_exchange *exchange;

    if (!step(hc, WSM_HTTP_EVENT_REQUEST))
        return;
    head->is_read = true;
    uv_timer_stop(&hc->timer);
    exchange = hc->service->handlers->open(hc->service, hc, hc->logon, &hc->conn.in);
    wsm_logon_unref(hc->logon);
    hc->logon = NULL;
    if (exchange == NULL) {
        end(hc, true);
        return;
    }
    hc->exchange = exchange;
    hc->conn.read_chunk = READ_CHUNK;
    read_up_to(hc, PIPELINED_MAX);
    if (hc->exchange == NULL)
        return; /* ended meanwhile, and the exchange with it */
    hc->service->handlers->on_request(exchange, head->len,
                                      head->media != WSM_HTTP_MEDIA_SOAP_OTHER_CHARSET);
}

static void read_body(struct wsm_http_conn *hc)
{
    size_t total = hc->request.head.len + (size_t)hc->request.head.body_len;

    if (hc->conn.in.len > total)
        refuse_pipelined(hc);
    else if (hc->conn.in.len == total)
        on_request(hc);
}

static void say_continue(struct wsm_http_conn *hc)
{
    struct wsm_buf message = WSM_BUF_INIT;
    struct wsm_error err = WSM_ERROR_INIT;
    bool is_done = false;

    wsm_http_response_write(&message, 100, NULL, 0, false);
    if (!wsm_buf_ok(&message) || !wsm_conn_write(&hc->conn, &message, &is_done, &err) || !is_done)
        end(hc, true); /* 25 bytes on an idle connection always fit */
    wsm_buf_clear(&message);
    wsm_error_clear(&err);
}

/* The sender is known: is what he sends acceptable? */
static void accept_request(struct wsm_http_conn *hc, struct wsm_logon *logon)
{
    struct wsm_request_head *head = &hc->request.head;

    hc->is_known = true;
    if (head->is_chunked) {
        refuse(hc, 500, ERROR_NOT_SUPPORTED);
    } else if (head->body_len > hc->service->settings.max_envelope_size) {
        wsm_log_info("refused user \"%s\" from %s: a request of %" PRIu64
                     " bytes, setting MaxEnvelopeSizekb = %zu",
                     logon->user, hc->peer, head->body_len,
                     hc->service->settings.max_envelope_size / 1024);
        head->keep_alive = false;
        refuse(hc, 413, 0);
    } else if (head->body_len == 0) {
        refuse(hc, 200, 0); /* an empty POST asks only whether one is welcome */
    } else if (head->media == WSM_HTTP_MEDIA_OTHER) {
        refuse(hc, 415, 0);
    } else if (step(hc, WSM_HTTP_EVENT_ACCEPT)) {
        int64_t passed = wsm_service_now(hc->service) - hc->request.started_ms;
        int64_t left = hc->service->settings.packet_retrieval_ms - passed;
        size_t total = head->len + (size_t)head->body_len;

        hc->logon = wsm_logon_ref(logon);
        wsm_http_conn_set_timer(hc, left > 0 ? left : 1);
        if (head->expects_continue && hc->conn.in.len == head->len)
            say_continue(hc);
        if (hc->state != WSM_HTTP_STATE_BODY)
            return;
        if (hc->conn.in.len <= total &&
            !wsm_buf_reserve(&hc->conn.in, total + 1 - hc->conn.in.len)) {
            end(hc, true);
            return;
        }
        hc->conn.read_chunk = total > READ_CHUNK_BULK ? READ_CHUNK_BULK : READ_CHUNK;
        read_up_to(hc, total + 1);
        if (hc->state == WSM_HTTP_STATE_BODY)
            read_body(hc);
    }
}

/* ---- who is it? ---- */

static void on_logon(struct wsm_logon_check *check, struct wsm_logon *logon)
{
    struct wsm_http_conn *hc = WSM_CONTAINER_OF(check, struct wsm_http_conn, check);

    if (logon != NULL)
        accept_request(hc, logon);
    else
        refuse(hc, 401, 0);
}

static void authenticate(struct wsm_http_conn *hc, struct wsm_span authorization)
{
    struct wsm_logon *logon = NULL;
    enum wsm_logon_verdict verdict = wsm_logon_check_begin(&hc->check, hc->service, authorization,
                                                           hc->peer, on_logon, &logon);

    if (authorization.len > 0) /* part of conn.in */
        explicit_bzero(hc->conn.in.ptr + (authorization.ptr - hc->conn.in.ptr), authorization.len);
    switch (verdict) {
    case WSM_LOGON_GRANTED:
        accept_request(hc, logon);
        break;
    case WSM_LOGON_PENDING:
        if (!step(hc, WSM_HTTP_EVENT_CHECK))
            return;
        wsm_http_conn_set_timer(hc, CHECK_MS);
        read_up_to(hc, hc->request.head.len + READ_CHUNK);
        break;
    case WSM_LOGON_DENIED:
        refuse(hc, 401, 0);
        break;
    }
}

/* ---- reading ---- */

static void on_head(struct wsm_http_conn *hc, const struct wsm_http_head *head, size_t used)
{
    struct wsm_span authorization;
    int status = wsm_request_head_take(&hc->request.head, head, used);

    if (hc->is_surplus) {
        wsm_log_info("refused a connection from %s: setting MaxConnections = %zu", hc->peer,
                     hc->service->settings.max_connections);
        hc->request.head.keep_alive = false;
        status = 503;
    }
    if (status != 0) {
        refuse(hc, status, 0);
        return;
    }
    authorization = wsm_http_header_find(head, "Authorization");
    authenticate(hc, authorization);
}

static int64_t head_ms(const struct wsm_service *service)
{
    int64_t whole_ms = service->settings.packet_retrieval_ms;

    return whole_ms < HEAD_MS ? whole_ms : HEAD_MS;
}

static void read_head(struct wsm_http_conn *hc)
{
    struct wsm_http_head head;
    const char *why = NULL;
    size_t used;
    int status;

    if (hc->request.started_ms == 0) {
        hc->request.started_ms = wsm_service_now(hc->service);
        hc->request.head.keep_alive = true;
        hc->carrier->proven = hc->conn.bytes_written; /* rule c */
        wsm_http_conn_set_timer(hc, hc->is_surplus ? SURPLUS_MS : head_ms(hc->service));
    }
    switch (wsm_http_head_parse(WSM_HTTP_REQUEST, wsm_buf_span(&hc->conn.in), &hc->request.scanned,
                                &head, &used, &status, &why)) {
    case WSM_PARSE_MORE:
        break;
    case WSM_PARSE_BAD:
        wsm_log_debug("connection %s:%d: %s", hc->peer, hc->peer_port, why);
        hc->request.head.keep_alive = false;
        wsm_buf_reset(&hc->conn.in);
        send_status(hc, status);
        break;
    case WSM_PARSE_DONE:
        on_head(hc, &head, used);
        break;
    }
}

static void on_read(struct wsm_conn *conn)
{
    struct wsm_http_conn *hc = of(conn);

    switch (hc->state) {
    case WSM_HTTP_STATE_HEAD:
        read_head(hc);
        break;
    case WSM_HTTP_STATE_BODY:
        read_body(hc);
        break;
    case WSM_HTTP_STATE_DRAIN:
        drop_body(hc);
        break;
    case WSM_HTTP_STATE_PROCESSING:
    case WSM_HTTP_STATE_PARKED:
        refuse_pipelined(hc);
        break;
    case WSM_HTTP_STATE_LINGER:
        wsm_buf_reset(&conn->in);
        break;
    default: /* AUTH: the body may come already. WRITING: see written() */
        break;
    }
}

static void on_eof(struct wsm_conn *conn)
{
    struct wsm_http_conn *hc = of(conn);
    size_t total = hc->request.head.len + (size_t)hc->request.head.body_len;

    switch (hc->state) {
    case WSM_HTTP_STATE_AUTH:
        if (conn->in.len < total) /* the rest will never come */
            finish(hc);
        break;
    case WSM_HTTP_STATE_PROCESSING: /* it will be done, and may still be read */
    case WSM_HTTP_STATE_WRITING:
        break;
    case WSM_HTTP_STATE_LINGER:
        settle(hc);
        break;
    default: /* PARKED: nothing is written any more, the output is kept */
        finish(hc);
        break;
    }
}

static void on_error(struct wsm_conn *conn, const struct wsm_error *err)
{
    struct wsm_http_conn *hc = of(conn);

    wsm_log_debug("connection %s:%d: %s", hc->peer, hc->peer_port, wsm_error_text(err));
    end(hc, true);
}

static void on_written(struct wsm_conn *conn)
{
    struct wsm_http_conn *hc = of(conn);

    if (hc->state == WSM_HTTP_STATE_WRITING)
        written(hc);
    else
        settle(hc);
}

static void close_slow(struct wsm_http_conn *hc, int status)
{
    int64_t passed = wsm_service_now(hc->service) - hc->request.started_ms;

    if (hc->state != WSM_HTTP_STATE_AUTH && passed >= hc->service->settings.packet_retrieval_ms)
        wsm_log_info("refused a request from %s: not whole within setting "
                     "MaxPacketRetrievalTimeSeconds = %" PRId64,
                     hc->peer, hc->service->settings.packet_retrieval_ms / 1000);
    hc->request.head.keep_alive = false;
    wsm_buf_reset(&hc->conn.in);
    send_status(hc, status);
}

static void on_timer(uv_timer_t *timer)
{
    struct wsm_http_conn *hc = timer->data;

    switch (hc->state) {
    case WSM_HTTP_STATE_HEAD:
        if (hc->request.started_ms == 0)
            finish(hc);
        else
            close_slow(hc, 500); /* MS-WSMV 3.1.5.2 */
        break;
    case WSM_HTTP_STATE_AUTH:
        wsm_logon_check_cancel(&hc->check);
        close_slow(hc, 503);
        break;
    case WSM_HTTP_STATE_BODY:
    case WSM_HTTP_STATE_DRAIN:
        close_slow(hc, 500);
        break;
    case WSM_HTTP_STATE_PROCESSING:
    case WSM_HTTP_STATE_PARKED:
        hc->service->handlers->on_timer(hc->exchange);
        break;
    case WSM_HTTP_STATE_LINGER:
        settle(hc);
        break;
    default: /* WRITING: the peer does not read */
        end(hc, true);
        break;
    }
}

void wsm_http_conn_set_timer(struct wsm_http_conn *hc, int64_t ms)
{
    if (hc->state != WSM_HTTP_STATE_CLOSED)
        uv_timer_start(&hc->timer, on_timer, (uint64_t)(ms < 0 ? 0 : ms), 0); /* cannot fail */
}

/* ---- birth and death ---- */

static void on_handle_closed(struct wsm_http_conn *hc)
{
    if (--hc->open_handles > 0)
        return;
    wsm_service_on_connection(hc->service, false);
    wsm_carrier_unref(hc->carrier);
    wsm_logon_unref(hc->logon);
    request_reset(hc);
    free(hc);
}

static void on_timer_closed(uv_handle_t *handle)
{
    on_handle_closed(handle->data);
}

static void on_closed(struct wsm_conn *conn)
{
    struct wsm_http_conn *hc = of(conn);

    uv_close((uv_handle_t *)&hc->timer, on_timer_closed);
    on_handle_closed(hc);
}

bool wsm_http_conn_accept(struct wsm_service *service, uv_stream_t *listener, bool is_surplus,
                          bool is_flood, struct wsm_error *err)
{
    static const struct wsm_conn_events events = { .on_read = on_read,
                                                   .on_eof = on_eof,
                                                   .on_error = on_error,
                                                   .on_written = on_written,
                                                   .on_closed = on_closed };
    struct wsm_http_conn *hc = calloc(1, sizeof(*hc));

    if (hc == NULL)
        return wsm_fail_memory(err, "connection");
    hc->carrier = wsm_carrier_new(hc);
    if (hc->carrier == NULL || !wsm_conn_init(&hc->conn, &service->loop, &events, err)) {
        wsm_carrier_unref(hc->carrier);
        free(hc);
        return wsm_fail_memory(err, "connection");
    }
    uv_timer_init(&service->loop, &hc->timer); /* cannot fail */
    hc->timer.data = hc;
    hc->open_handles = 2;
    hc->service = service;
    hc->state = WSM_HTTP_STATE_HEAD;
    hc->is_surplus = is_surplus;
    wsm_logon_check_init(&hc->check);
    wsm_service_on_connection(service, true);
    if (!wsm_conn_accept(&hc->conn, listener, USER_TIMEOUT_MS, err)) {
        end(hc, true);
        return false;
    }
    if (is_flood) {
        end(hc, true);
        return true;
    }
    wsm_conn_peer_address(&hc->conn, hc->peer, sizeof(hc->peer), &hc->peer_port);
    hc->conn.read_chunk = READ_CHUNK;
    wsm_http_conn_set_timer(hc, is_surplus ? SURPLUS_MS : STRANGER_IDLE_MS);
    read_up_to(hc, WSM_HTTP_HEAD_MAX + PIPELINED_MAX);
    return true;
}

bool wsm_http_conn_park(struct wsm_http_conn *hc)
{
    if (!step(hc, WSM_HTTP_EVENT_PARK))
        return true; /* it is parked already */
    if (!hc->conn.is_eof)
        return true;
    finish(hc);
    return false;
}

void wsm_http_conn_join(struct wsm_http_conn *hc, const char *user, struct wsm_span session_id)
{
    wsm_memberships_join(&hc->memberships, &hc->service->sessions, user, session_id);
}

bool wsm_http_conn_keeps(const struct wsm_http_conn *hc)
{
    return hc->request.head.keep_alive;
}

const char *wsm_http_conn_machine(const struct wsm_http_conn *hc)
{
    return hc->request.head.machine == NULL ? "" : hc->request.head.machine;
}

const char *wsm_http_conn_url(const struct wsm_http_conn *hc)
{
    return hc->request.head.url == NULL ? "" : hc->request.head.url;
}

const char *wsm_http_conn_peer(const struct wsm_http_conn *hc)
{
    return hc->peer;
}
