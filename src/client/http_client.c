/* Connections of a session: resolve, connect, write a request with one call, read its
 * response, keep for the next. Loop thread. Knows HTTP, nothing of SOAP. */
#include "client/http_client.h"

#include "client/resolver.h"
#include "client/runtime.h"
#include "net/conn.h"
#include "wsmerror.h"

#include <stdlib.h>
#include <string.h>

/*              CONNECTED  CONNECT FAILED  TAKEN  DONE       CLOSED
 * RESOLVING    (then CONNECTING)
 * CONNECTING   BUSY       RETRYING        -      -          gone
 * RETRYING     -          -               -      -          CONNECTING (next address)
 * BUSY         -          -               -      IDLE       gone
 * IDLE         -          -               BUSY   -          gone
 * CLOSING      -          -               -      -          gone          */
enum conn_state { RESOLVING, CONNECTING, RETRYING, BUSY, IDLE, CLOSING };

/* Freed when its socket and its timer are gone. */
struct wsm_http_conn {
    struct wsm_conn conn;
    uv_timer_t timer;
    struct wsm_lookup *lookup;  /* borrowed; NULL = none under way */
    struct wsm_list node;       /* in pool->connections */
    struct wsm_http_pool *pool; /* borrowed; NULL once closing */
    struct wsm_http_call *call; /* borrowed; NULL = none */
    struct wsm_http_response response;
    enum conn_state state;
    size_t attempt;  /* addresses tried */
    bool is_reused;  /* has carried a call before */
    bool has_socket; /* conn is initialised and not closed */
    unsigned holders;
};

static bool connect_next(struct wsm_http_conn *c, struct wsm_error *err);
static bool start_call(struct wsm_http_call *call, struct wsm_http_conn *c, struct wsm_error *err);

static struct wsm_http_conn *of_conn(struct wsm_conn *conn)
{
    return WSM_CONTAINER_OF(conn, struct wsm_http_conn, conn);
}

static void drop_holder(struct wsm_http_conn *c)
{
    if (--c->holders > 0)
        return;
    wsm_http_response_reset(&c->response);
    free(c);
}

static void on_timer_closed(uv_handle_t *handle)
{
    drop_holder(handle->data);
}

/* Takes the connection out of the pool; its call, if any, must have been detached. */
static void close_conn(struct wsm_http_conn *c)
{
    if (c->state == CLOSING)
        return;
    if (c->state == IDLE)
        c->pool->idle_count--;
    if (c->lookup != NULL)
        wsm_lookup_cancel(c->lookup);
    c->lookup = NULL;
    c->state = CLOSING;
    wsm_list_remove(&c->node);
    c->pool = NULL;
    uv_close((uv_handle_t *)&c->timer, on_timer_closed);
    if (c->has_socket)
        wsm_conn_close(&c->conn);
}

/* Ends the call with an error and the connection with it. */
static void fail_call(struct wsm_http_conn *c, struct wsm_error *err)
{
    struct wsm_http_call *call = c->call;

    if (call != NULL) {
        call->conn = NULL;
        c->call = NULL;
    }
    close_conn(c);
    if (call != NULL)
        call->on_done(call, NULL, err);
    wsm_error_clear(err);
}

static void finish_call(struct wsm_http_conn *c)
{
    struct wsm_http_call *call = c->call;
    struct wsm_http_response response = c->response;
    struct wsm_error none = WSM_ERROR_INIT;

    call->conn = NULL;
    c->call = NULL;
    c->response = (struct wsm_http_response){ .body_max = 0 };
    uv_timer_stop(&c->timer);
    if (response.keep_alive && response.framing != WSM_HTTP_BODY_UNTIL_CLOSE &&
        c->conn.pending_writes == 0 && !c->conn.is_eof && c->conn.in.len == 0 &&
        c->pool->idle_count < WSM_HTTP_IDLE_MAX) {
        c->state = IDLE;
        c->is_reused = true;
        c->pool->idle_count++;
    } else {
        close_conn(c);
    }
    call->on_done(call, &response, &none);
    wsm_http_response_reset(&response);
}

/* ---- Events of the socket ---- */

static void on_answer(struct wsm_http_conn *c, enum wsm_parse answer, struct wsm_error *err)
{
    struct wsm_error named = WSM_ERROR_INIT;

    if (answer == WSM_PARSE_DONE) {
        finish_call(c);
    } else if (answer == WSM_PARSE_BAD) {
        (void)wsm_fail(&named, err->code, "%s: %s", c->pool->target->host_header,
                       wsm_error_text(err));
        fail_call(c, &named);
    }
    wsm_error_clear(err);
}

static void on_read(struct wsm_conn *conn)
{
    struct wsm_http_conn *c = of_conn(conn);
    struct wsm_error err = WSM_ERROR_INIT;

    if (c->state == IDLE)
        close_conn(c); /* an answer without a question */
    if (c->state != BUSY)
        return;
    on_answer(c, wsm_http_response_feed(&c->response, &conn->in, &err), &err);
}

static void on_eof(struct wsm_conn *conn)
{
    struct wsm_http_conn *c = of_conn(conn);
    struct wsm_error err = WSM_ERROR_INIT;

    if (c->state == BUSY)
        on_answer(c, wsm_http_response_eof(&c->response, &conn->in, &err), &err);
    else
        close_conn(c);
}

static void on_error(struct wsm_conn *conn, const struct wsm_error *err)
{
    struct wsm_http_conn *c = of_conn(conn);
    struct wsm_error named = WSM_ERROR_INIT;

    if (c->state != BUSY) {
        close_conn(c);
        return;
    }
    (void)wsm_fail(&named, ERROR_WSMAN_NETWORK_TIMEDOUT, "connection to %s lost: %s",
                   c->pool->target->host_header, wsm_error_text(err));
    fail_call(c, &named);
}

static void on_written(struct wsm_conn *conn)
{
    (void)conn;
}

static void on_closed(struct wsm_conn *conn)
{
    struct wsm_http_conn *c = of_conn(conn);
    struct wsm_error err = WSM_ERROR_INIT;

    c->has_socket = false;
    if (c->state != RETRYING) {
        drop_holder(c);
        return;
    }
    c->holders--;
    if (!connect_next(c, &err))
        fail_call(c, &err);
}

/* None of the addresses would do: the name may have others by now. For the application: a
 * connection that is reset while it is made was never one. */
static void fail_to_connect(struct wsm_http_pool *pool, const struct wsm_error *cause,
                            struct wsm_error *err)
{
    uint32_t code = cause->code == ERROR_BROKEN_PIPE ? ERROR_WSMAN_DESTINATION_UNREACHABLE
                                                     : cause->code;

    pool->is_stale = true;
    (void)wsm_fail(err, code, "cannot connect to %s: %s", pool->target->host_header,
                   wsm_error_text(cause));
}

static void on_connected(struct wsm_conn *conn, const struct wsm_error *err)
{
    struct wsm_http_conn *c = of_conn(conn);
    struct wsm_http_pool *pool = c->pool;
    struct wsm_error failure = WSM_ERROR_INIT;

    if (c->state != CONNECTING)
        return;
    if (err == NULL) {
        pool->first_address = (pool->first_address + c->attempt - 1) % pool->address_count;
        c->state = BUSY;
        if (!wsm_conn_read_start(&c->conn, &failure) || !start_call(c->call, c, &failure))
            fail_call(c, &failure);
        return;
    }
    if (c->attempt < pool->address_count) {
        c->state = RETRYING;
        wsm_conn_close(&c->conn);
        return;
    }
    fail_to_connect(pool, err, &failure);
    fail_call(c, &failure);
}

static const struct wsm_conn_events events = {
    .on_read = on_read,
    .on_eof = on_eof,
    .on_error = on_error,
    .on_written = on_written,
    .on_closed = on_closed,
    .on_connected = on_connected,
};

/* ---- Connecting ---- */

static bool connect_next(struct wsm_http_conn *c, struct wsm_error *err)
{
    struct wsm_http_pool *pool = c->pool;
    const struct sockaddr_storage *address;
    struct wsm_error cause = WSM_ERROR_INIT;

    address = &pool->addresses[(pool->first_address + c->attempt) % pool->address_count];
    c->attempt++;
    if (!wsm_conn_init(&c->conn, wsm_runtime_loop(), &events, err))
        return false;
    c->has_socket = true;
    c->holders++;
    c->state = CONNECTING;
    if (wsm_conn_connect(&c->conn, (const struct sockaddr *)address, WSM_HTTP_USER_TIMEOUT_MS,
                         &cause))
        return true;
    if (c->attempt < pool->address_count) { /* e.g. no route for IPv6 */
        wsm_error_clear(&cause);
        c->state = RETRYING;
        wsm_conn_close(&c->conn);
        return true;
    }
    fail_to_connect(pool, &cause, err);
    wsm_error_clear(&cause);
    return false;
}

static void set_addresses(struct wsm_http_pool *pool, size_t count)
{
    pool->address_count = count;
    pool->first_address = 0;
    pool->is_stale = false;
}

static bool parse_numeric(struct wsm_http_pool *pool, size_t index, const char *host)
{
    struct sockaddr_storage address = { .ss_family = AF_UNSPEC };

    if (uv_ip4_addr(host, pool->target->port, (struct sockaddr_in *)&address) != 0 &&
        uv_ip6_addr(host, pool->target->port, (struct sockaddr_in6 *)&address) != 0)
        return false;
    pool->addresses[index] = address;
    return true;
}

static void on_resolved(void *owner, int status, const struct addrinfo *list)
{
    struct wsm_http_conn *c = owner;
    struct wsm_http_pool *pool = c->pool;
    struct wsm_error err = WSM_ERROR_INIT;
    const struct addrinfo *entry;
    size_t count = 0;

    c->lookup = NULL;
    c->state = CONNECTING;
    for (entry = list; entry != NULL && count < WSM_HTTP_ADDRESSES_MAX; entry = entry->ai_next) {
        if (entry->ai_family == AF_INET || entry->ai_family == AF_INET6)
            memcpy(&pool->addresses[count++], entry->ai_addr, entry->ai_addrlen);
    }
    if (count > 0)
        set_addresses(pool, count);
    else
        (void)wsm_fail(&err, ERROR_WSMAN_NAME_NOT_RESOLVED, "cannot find host %s: %s",
                       pool->target->host,
                       status == 0 ? "it has no address" : gai_strerror(status));
    if (err.code != 0 || !connect_next(c, &err))
        fail_call(c, &err);
}

static bool resolve(struct wsm_http_conn *c, struct wsm_error *err)
{
    const struct wsm_target *target = c->pool->target;

    c->lookup = wsm_lookup_start(target->host, target->port, on_resolved, c, err);
    if (c->lookup == NULL)
        return false;
    c->state = RESOLVING;
    return true;
}

static bool find_addresses(struct wsm_http_conn *c, struct wsm_error *err)
{
    struct wsm_http_pool *pool = c->pool;
    const char *host = pool->target->host;

    if (pool->address_count > 0 && !pool->is_stale)
        return connect_next(c, err);
    /* localhost is not looked up: RFC 6761, and no resolver is loaded for it. */
    if (wsm_span_is_nocase(wsm_span_str(host), "localhost"))
        set_addresses(pool, (size_t)parse_numeric(pool, 0, "127.0.0.1") +
                                (size_t)parse_numeric(pool, 1, "::1"));
    else if (parse_numeric(pool, 0, host))
        set_addresses(pool, 1);
    else
        return resolve(c, err);
    return connect_next(c, err);
}

static void on_timeout(uv_timer_t *timer)
{
    struct wsm_http_conn *c = timer->data;
    struct wsm_error err = WSM_ERROR_INIT;
    const char *doing = c->state == BUSY ? "did not answer" : "could not be reached";

    (void)wsm_fail(&err, ERROR_WSMAN_NETWORK_TIMEDOUT, "%s %s within %llu ms",
                   c->pool->target->host_header, doing,
                   (unsigned long long)c->call->timeout_ms + WSM_HTTP_NETWORK_DELAY_MS);
    c->call->is_overdue = true;
    if (c->state == CONNECTING)
        c->pool->is_stale = true;
    fail_call(c, &err);
}

static struct wsm_http_conn *open_conn(struct wsm_http_pool *pool)
{
    struct wsm_http_conn *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return NULL;
    c->pool = pool;
    c->holders = 1; /* the timer */
    uv_timer_init(wsm_runtime_loop(), &c->timer);
    c->timer.data = c;
    wsm_list_add(&pool->connections, &c->node);
    return c;
}

/* An idle connection that still is one; the newest, so that the others may end. */
static struct wsm_http_conn *take_idle(struct wsm_http_pool *pool)
{
    struct wsm_list *node;
    struct wsm_list *before;

    for (node = pool->connections.prev; node != &pool->connections; node = before) {
        struct wsm_http_conn *c = WSM_CONTAINER_OF(node, struct wsm_http_conn, node);

        before = node->prev;
        if (c->state != IDLE)
            continue;
        if (wsm_conn_is_quiet(&c->conn)) {
            pool->idle_count--;
            c->state = BUSY;
            return c;
        }
        close_conn(c); /* its end arrived, the loop just has not said so yet */
    }
    return NULL;
}

/* ---- Calls ---- */

/* Writes the request on a connection that is up. */
static bool start_call(struct wsm_http_call *call, struct wsm_http_conn *c, struct wsm_error *err)
{
    uint8_t *secret = call->request.ptr;
    uint64_t before = c->conn.bytes_written;
    struct wsm_error cause = WSM_ERROR_INIT;
    bool is_done = false;

    c->response.body_max = call->body_max;
    if (c->conn.in.ptr == NULL && c->pool->spare.ptr != NULL) {
        c->conn.in = c->pool->spare;
        c->pool->spare = (struct wsm_buf)WSM_BUF_INIT;
    }
    if (!wsm_conn_write(&c->conn, &call->request, &is_done, &cause)) {
        call->was_written = c->conn.bytes_written != before || call->request.len == 0;
        (void)wsm_fail(err, ERROR_WSMAN_NETWORK_TIMEDOUT, "connection to %s lost: %s",
                       c->pool->target->host_header, wsm_error_text(&cause));
        wsm_error_clear(&cause);
        return false;
    }
    call->was_written = true;
    if (is_done) {
        explicit_bzero(secret, call->secret_len);
        wsm_buf_clear(&call->request);
    }
    return true;
}

static void attach(struct wsm_http_call *call, struct wsm_http_conn *c)
{
    call->conn = c;
    c->call = call;
    if (call->timeout_ms > 0)
        uv_timer_start(&c->timer, on_timeout,
                       (uint64_t)call->timeout_ms + WSM_HTTP_NETWORK_DELAY_MS, 0);
}

static void detach(struct wsm_http_conn *c)
{
    c->call->conn = NULL;
    c->call = NULL;
    close_conn(c);
}

bool wsm_http_call_start(struct wsm_http_call *call, struct wsm_http_pool *pool,
                         struct wsm_error *err)
{
    struct wsm_http_conn *c;

    call->was_written = false;
    call->is_overdue = false;
    while ((c = take_idle(pool)) != NULL) {
        struct wsm_error lost = WSM_ERROR_INIT;

        attach(call, c);
        if (start_call(call, c, &lost))
            return true;
        if (call->was_written) {
            wsm_error_move(err, &lost);
            detach(c);
            return false;
        }
        /* The peer ended it while idle: nothing went out, so another one may take it. */
        wsm_error_clear(&lost);
        detach(c);
    }
    c = open_conn(pool);
    if (c == NULL)
        return wsm_fail_memory(err, "connection");
    attach(call, c);
    if (!find_addresses(c, err)) {
        detach(c);
        return false;
    }
    return true;
}

void wsm_http_call_cancel(struct wsm_http_call *call)
{
    if (call->conn != NULL)
        detach(call->conn);
}

void wsm_http_call_limit(struct wsm_http_call *call, uint32_t ms)
{
    uv_timer_t *timer;

    if (call->conn == NULL)
        return;
    timer = &call->conn->timer;
    if (!uv_is_active((uv_handle_t *)timer) || uv_timer_get_due_in(timer) > ms)
        uv_timer_start(timer, on_timeout, ms, 0); /* cannot fail */
}

bool wsm_http_call_is_sent(const struct wsm_http_call *call)
{
    return call->conn != NULL && call->conn->state == BUSY;
}

/* ---- Pool ---- */

void wsm_http_pool_init(struct wsm_http_pool *pool, const struct wsm_target *target)
{
    *pool = (struct wsm_http_pool){ .target = target };
    wsm_list_init(&pool->connections);
}

void wsm_http_pool_clear(struct wsm_http_pool *pool)
{
    while (!wsm_list_is_empty(&pool->connections))
        close_conn(WSM_CONTAINER_OF(pool->connections.next, struct wsm_http_conn, node));
    wsm_buf_clear(&pool->spare);
}

void wsm_http_pool_drop_idle(struct wsm_http_pool *pool)
{
    struct wsm_list *node;
    struct wsm_list *next;

    WSM_LIST_FOREACH_SAFE (node, next, &pool->connections) {
        struct wsm_http_conn *c = WSM_CONTAINER_OF(node, struct wsm_http_conn, node);

        if (c->state == IDLE)
            close_conn(c);
    }
}

void wsm_http_pool_recycle(struct wsm_http_pool *pool, struct wsm_buf *bytes)
{
    if (pool->spare.ptr != NULL) {
        wsm_buf_clear(bytes);
        return;
    }
    wsm_buf_reset(bytes);
    pool->spare = *bytes;
    *bytes = (struct wsm_buf)WSM_BUF_INIT;
}
