/* Requests and answers between connection and handlers. The winrmd-net loop runs it.
 * Knows no operation. */
#include "server/exchange.h"

#include "base/log.h"
#include "proto/fault.h"
#include "proto/http.h"
#include "server/http_conn.h"
#include "server/request_id.h"
#include "server/service.h"
#include "wsmerror.h"

#include <stdlib.h>

static const char *const headers_utf8[] = { "Content-Type: application/soap+xml;charset=UTF-8",
                                            NULL };
static const char *const headers_utf8_close[] = {
    "Content-Type: application/soap+xml;charset=UTF-8", "Connection: close", NULL
};
static const char *const headers_utf16[] = { "Content-Type: application/soap+xml;charset=UTF-16",
                                             NULL };
static const char *const headers_utf16_close[] = {
    "Content-Type: application/soap+xml;charset=UTF-16", "Connection: close", NULL
};

struct wsm_exchange *wsm_exchange_new(struct wsm_service *service, struct wsm_http_conn *conn,
                                      struct wsm_logon *logon, struct wsm_buf *bytes)
{
    struct wsm_exchange *exchange = calloc(1, sizeof(*exchange));

    if (exchange == NULL)
        return NULL;
    wsm_list_init(&exchange->node);
    exchange->service = service;
    exchange->conn = conn;
    exchange->logon = wsm_logon_ref(logon);
    exchange->bytes = *bytes;
    *bytes = (struct wsm_buf)WSM_BUF_INIT;
    return exchange;
}

void wsm_exchange_shed(struct wsm_exchange *exchange)
{
    wsm_envelope_clear(&exchange->env);
    wsm_buf_clear(&exchange->bytes);
}

void wsm_exchange_free(struct wsm_exchange *exchange)
{
    if (exchange == NULL)
        return;
    wsm_list_remove(&exchange->node);
    wsm_exchange_shed(exchange);
    wsm_logon_unref(exchange->logon);
    free(exchange);
}

void wsm_exchange_request_id(const struct wsm_exchange *exchange, char out[WSM_HOST_ID_MAX + 1])
{
    wsm_request_id_take(out, exchange->env.message_id);
}

void wsm_exchange_wait(struct wsm_exchange *exchange, struct wsm_list *waiting)
{
    if (exchange->conn == NULL) {
        wsm_exchange_free(exchange);
        return;
    }
    exchange->events = NULL; /* as dispatch has it: it has not begun */
    wsm_list_add(waiting, &exchange->node);
}

void wsm_exchange_resume(struct wsm_exchange *exchange)
{
    exchange->service->handlers->on_resume(exchange);
}

void wsm_exchange_set_timer(struct wsm_exchange *exchange, int64_t ms)
{
    if (exchange->conn != NULL)
        wsm_http_conn_set_timer(exchange->conn, ms);
}

struct wsm_response_headers wsm_response_open(struct wsm_response *response,
                                              struct wsm_exchange *exchange, int status,
                                              const char *action)
{
    struct wsm_response_headers headers = { .action = action,
                                            .relates_to = exchange->env.message_id };
    bool keep = exchange->conn == NULL || wsm_http_conn_keeps(exchange->conn);
    const char *const *lines;

    if (exchange->env.doc.is_utf16)
        lines = keep ? headers_utf16 : headers_utf16_close;
    else
        lines = keep ? headers_utf8 : headers_utf8_close;
    response->length_at = wsm_http_response_write_open(&response->out, status, lines);
    response->body_at = response->out.len;
    wsm_service_guid(&headers.message_id);
    return headers;
}

void wsm_response_clear(struct wsm_response *response)
{
    wsm_buf_clear(&response->out);
    *response = (struct wsm_response)WSM_RESPONSE_INIT;
}

/* Whatever went wrong with an answer that was as good as written. */
static void send_instead(struct wsm_response *response, struct wsm_exchange *exchange,
                         struct wsm_error *err)
{
    wsm_response_clear(response);
    wsm_exchange_fault(exchange, err);
}

static void hand_over(struct wsm_response *response, struct wsm_exchange *exchange,
                      uint64_t *out_end)
{
    struct wsm_http_conn *conn = exchange->conn;

    wsm_http_length_fill(&response->out, response->length_at,
                         response->out.len - response->body_at);
    exchange->conn = NULL;
    wsm_http_conn_answer(conn, &response->out, out_end);
}

void wsm_response_send(struct wsm_response *response, struct wsm_exchange *exchange,
                       uint64_t *out_end)
{
    struct wsm_error err = WSM_ERROR_INIT;

    if (exchange->conn == NULL)
        return;
    if (!wsm_buf_ok(&response->out))
        wsm_fail_memory(&err, "answer");
    else if (exchange->env.doc.is_utf16)
        (void)!wsm_envelope_to_utf16(&response->out, response->body_at, &err);
    if (err.code == 0 && response->out.len - response->body_at > exchange->max_envelope)
        wsm_fail(&err, ERROR_WSMAN_MAX_ENVELOPE_SIZE_EXCEEDED,
                 "the answer would be longer than %zu bytes", exchange->max_envelope);
    if (err.code != 0)
        send_instead(response, exchange, &err);
    else
        hand_over(response, exchange, out_end);
}

/* What only a setting forbids. Clients often show no more than a vague message, so the log
 * has the words of the fault, which name the setting. */
static bool is_refusal(uint32_t code)
{
    return code == ERROR_WSMAN_REMOTESHELLS_NOT_ALLOWED || code == ERROR_WSMAN_QUOTA_MAX_SHELLS ||
           code == ERROR_WSMAN_QUOTA_MAX_COMMANDS_PER_SHELL_PPQ;
}

void wsm_exchange_fault(struct wsm_exchange *exchange, struct wsm_error *err)
{
    struct wsm_response response = WSM_RESPONSE_INIT;
    struct wsm_response_headers headers;

    if (exchange->conn != NULL) {
        if (is_refusal(err->code))
            wsm_log_info("refused user \"%s\" from %s: %s", exchange->logon->user,
                         wsm_http_conn_peer(exchange->conn), wsm_error_text(err));
        headers = wsm_response_open(&response, exchange, 500, NULL);
        wsm_fault_write(&response.out, &headers.message_id, headers.relates_to, err,
                        wsm_http_conn_machine(exchange->conn));
        if (exchange->env.doc.is_utf16)
            (void)!wsm_envelope_to_utf16(&response.out, response.body_at, NULL);
        if (wsm_buf_ok(&response.out)) {
            hand_over(&response, exchange, NULL);
        } else {
            struct wsm_http_conn *conn = exchange->conn;

            exchange->conn = NULL;
            wsm_http_conn_abort(conn);
        }
        wsm_response_clear(&response);
    }
    wsm_error_clear(err);
}

void wsm_exchange_fail(struct wsm_exchange *exchange, struct wsm_error *err)
{
    wsm_exchange_fault(exchange, err);
    wsm_exchange_free(exchange);
}

void wsm_exchange_fail_with(struct wsm_exchange *exchange, const struct wsm_error *err)
{
    struct wsm_error fault = WSM_ERROR_INIT;

    wsm_fail(&fault, err->code, "%s", wsm_error_text(err));
    wsm_exchange_fail(exchange, &fault);
}

/* Nobody waits any more, but the operation, if it has begun, does not end with that. */
static void go_on_unseen(struct wsm_exchange *exchange)
{
    if (exchange->events == NULL)
        wsm_exchange_free(exchange); /* it only waited to be dispatched */
    else if (!exchange->events->keeps_request)
        wsm_exchange_shed(exchange);
}

void wsm_exchange_on_timer(struct wsm_exchange *exchange)
{
    struct wsm_error err = WSM_ERROR_INIT;

    if (exchange->events != NULL && exchange->events->on_timer != NULL) {
        exchange->events->on_timer(exchange);
        return;
    }
    wsm_fail(&err, ERROR_WSMAN_OPERATION_TIMEDOUT,
             "the operation did not end within its " WSM_FAULT_TIMEOUT_WORD);
    wsm_exchange_fault(exchange, &err);
    go_on_unseen(exchange);
}

void wsm_exchange_on_gone(struct wsm_exchange *exchange)
{
    exchange->conn = NULL;
    if (exchange->events != NULL && exchange->events->on_gone != NULL)
        exchange->events->on_gone(exchange);
    else
        go_on_unseen(exchange);
}
