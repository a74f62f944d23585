/* A client's connection: reads requests, checks who sends them, hands them to dispatch,
 * writes answers, and keeps the facts by which delivery is judged. */
#ifndef WSM_SERVER_HTTP_CONN_H
#define WSM_SERVER_HTTP_CONN_H

#include "net/conn.h"
#include "server/delivery.h"

struct wsm_exchange;
struct wsm_service;
struct wsm_http_conn;

/* Takes the next waiting connection. `is_surplus`: above MaxConnections; its first request
 * is told 503. `is_flood`: so many above that it is closed at once. */
bool wsm_http_conn_accept(struct wsm_service *service, uv_stream_t *listener, bool is_surplus,
                          bool is_flood, struct wsm_error *err) WSM_MUST_CHECK;

/* The answer to the exchange that this connection waits for: all of it in one write.
 * The bytes are moved out of `message`. *out_end (may be NULL): where its last byte will
 * stand. The connection may be gone when this returns. */
void wsm_http_conn_answer(struct wsm_http_conn *conn, struct wsm_buf *message, uint64_t *out_end);

/* The exchange waits for output: if the peer sends FIN from now on, there is no answer.
 * False if it has done so already (then on_gone comes at once, within the call). */
bool wsm_http_conn_park(struct wsm_http_conn *conn) WSM_MUST_CHECK;

/* The present request is of that session: the connection counts as one of its. */
void wsm_http_conn_join(struct wsm_http_conn *conn, const char *user, struct wsm_span session_id);

/* One timer serves the exchange; setting it again replaces the time. */
void wsm_http_conn_set_timer(struct wsm_http_conn *conn, int64_t ms);

/* Does the connection stay open after the present answer? */
bool wsm_http_conn_keeps(const struct wsm_http_conn *conn);
/* Host part of the Host header; "http://host:port/path" as the client reached us; the
 * peer's address without its port. Borrowed until the next request. */
const char *wsm_http_conn_machine(const struct wsm_http_conn *conn);
const char *wsm_http_conn_url(const struct wsm_http_conn *conn);
const char *wsm_http_conn_peer(const struct wsm_http_conn *conn);

/* The facts, looked at now. Borrowed; take a reference to keep it. */
struct wsm_carrier *wsm_http_conn_carrier(struct wsm_http_conn *conn);
/* Ends it with a reset. */
void wsm_http_conn_abort(struct wsm_http_conn *conn);

#endif
