/* SOAP over HTTP: heads and credentials in front of messages, and what an HTTP answer
 * means. Loop thread. */
#include "client/exchange.h"

#include "client/random.h"
#include "client/runtime.h"
#include "client/session.h"
#include "proto/fault.h"
#include "proto/http.h"
#include "wsmerror.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    ANSWER_SLACK = 65536,       /* bytes a server may exceed the envelope size we asked for */
    NO_TIMEOUT_MS = 2147483647, /* what "wait for ever" is on the wire: the server shortens it */
};

/* ---- Answers ---- */

struct status_row {
    int status;
    uint32_t code;
    const char *text;
};

static const struct status_row statuses[] = {
    { 400, ERROR_WSMAN_HTTP_STATUS_BAD_REQUEST, "bad request" },
    { 404, ERROR_WSMAN_HTTP_NOT_FOUND_STATUS, "no such path" },
    { 413, ERROR_WSMAN_HTTP_REQUEST_TOO_LARGE_STATUS, "the request is too large" },
    { 500, ERROR_WSMAN_HTTP_STATUS_SERVER_ERROR, "server error without a reason" },
    { 503, ERROR_WSMAN_HTTP_SERVICE_UNAVAILABLE_STATUS, "the service is not available" },
};

static bool fail_status(const struct wsm_session *session, int status, struct wsm_error *err)
{
    const char *host = session->target.host_header;
    size_t i;

    for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        if (statuses[i].status == status)
            return wsm_fail(err, statuses[i].code, "%s: %s (HTTP %d)", host, statuses[i].text,
                            status);
    }
    if (status >= 300 && status < 400)
        return wsm_fail(err, ERROR_WSMAN_UNSUPPORTED_HTTP_STATUS_REDIRECT,
                        "%s redirects, which is not followed (HTTP %d)", host, status);
    return wsm_fail(err, ERROR_WSMAN_UNKNOWN_HTTP_STATUS_RETURNED, "%s: HTTP %d", host, status);
}

static bool fail_denied(const struct wsm_session *session, const struct wsm_http_response *response,
                        struct wsm_error *err)
{
    const char *host = session->target.host_header;

    if (response->status == 403)
        return wsm_fail(err, ERROR_ACCESS_DENIED, "%s denies access (HTTP 403)", host);
    if (session->login.mechanism == WSM_MECHANISM_NONE)
        return wsm_fail(err, ERROR_ACCESS_DENIED, "%s wants a login (HTTP 401)", host);
    if (!response->offers_basic)
        return wsm_fail(err, ERROR_ACCESS_DENIED,
                        "%s does not offer Basic authentication (HTTP 401)", host);
    return wsm_fail(err, ERROR_ACCESS_DENIED, "%s refuses the user name or password (HTTP 401)",
                    host);
}

/* A body that is not SOAP. */
static bool fail_not_soap(const struct wsm_session *session,
                          const struct wsm_http_response *response, struct wsm_error *err)
{
    const char *host = session->target.host_header;

    if (response->status != 200)
        return fail_status(session, response->status, err);
    if (response->bytes.len == response->body_offset)
        return wsm_fail(err, ERROR_WSMAN_HTTP_NO_RESPONSE_DATA, "%s sent an empty answer", host);
    if (response->is_html)
        return wsm_fail(err, ERROR_WSMAN_HTML_ERROR, "%s sent a web page: no WinRM service there",
                        host);
    return wsm_fail(err, ERROR_WSMAN_HTTP_INVALID_CONTENT_TYPE_IN_RESPONSE_DATA,
                    "%s sent an answer that is not SOAP", host);
}

static struct wsm_span without_uuid(struct wsm_span text)
{
    return text.len > 5 && wsm_span_is_nocase(wsm_span_of(text.ptr, 5), "uuid:")
               ? wsm_span_of(text.ptr + 5, text.len - 5)
               : text;
}

/* Some servers leave RelatesTo out; a wrong one is another request's answer. */
static bool check_relation(const struct wsm_exchange *exchange, const struct wsm_envelope *env,
                           struct wsm_error *err)
{
    const char *ours = exchange->message_id + 5;
    struct wsm_span theirs = without_uuid(wsm_span_trim(env->relates_to));

    if (theirs.len == 0 || wsm_span_is_nocase(theirs, ours))
        return true;
    return wsm_fail(err, ERROR_WSMAN_RESPONSE_INVALID_MESSAGE_INFORMATION_HEADER,
                    "%s sent an answer to another request", exchange->session->target.host_header);
}

static bool read_answer(const struct wsm_exchange *exchange, struct wsm_http_response *response,
                        struct wsm_answer *out, struct wsm_error *err)
{
    const struct wsm_session *session = exchange->session;
    struct wsm_error parse = WSM_ERROR_INIT;
    bool ok;

    if (response->status == 401 || response->status == 403)
        return fail_denied(session, response, err);
    if (response->media == WSM_HTTP_MEDIA_OTHER || response->bytes.len == response->body_offset)
        return fail_not_soap(session, response, err);
    out->bytes = response->bytes;
    response->bytes = (struct wsm_buf)WSM_BUF_INIT;
    ok = wsm_envelope_parse_with(&out->env, &exchange->session->parser,
                                 out->bytes.ptr + response->body_offset,
                                 out->bytes.len - response->body_offset, &parse);
    if (!ok && response->status != 200) {
        wsm_error_clear(&parse);
        return fail_status(session, response->status, err);
    }
    if (!ok) {
        (void)wsm_fail(err, parse.code, "%s sent an answer that cannot be read: %s",
                       session->target.host_header, wsm_error_text(&parse));
        wsm_error_clear(&parse);
        return false;
    }
    if (wsm_fault_parse(&out->env, err))
        return false;
    if (response->status != 200)
        return fail_status(session, response->status, err);
    return check_relation(exchange, &out->env, err);
}

/* The connection broke, or there is nobody behind it yet: no answer. */
static bool is_unanswered(const struct wsm_http_response *response, const struct wsm_error *err)
{
    return response == NULL ||
           (response->status == 503 && err->code == ERROR_WSMAN_HTTP_SERVICE_UNAVAILABLE_STATUS);
}

/* Nothing but the number, as Windows answers all for a shell that it has let go by itself. */
static bool is_refused(const struct wsm_http_response *response, const struct wsm_error *err)
{
    return response != NULL && response->status == 400 && err->origin == NULL &&
           err->code == ERROR_WSMAN_HTTP_STATUS_BAD_REQUEST;
}

static void on_http_done(struct wsm_http_call *call, struct wsm_http_response *response,
                         struct wsm_error *http_err)
{
    struct wsm_exchange *exchange = WSM_CONTAINER_OF(call, struct wsm_exchange, call);
    struct wsm_recovery *recovery = exchange->recovery;
    struct wsm_answer *answer = NULL;
    struct wsm_error err = WSM_ERROR_INIT;

    exchange->state = WSM_EXCHANGE_IDLE;
    wsm_buf_wipe(&call->request);
    exchange->is_broken = http_err->code != 0;
    if (http_err->code != 0) {
        wsm_error_move(&err, http_err);
    } else {
        answer = calloc(1, sizeof(*answer));
        if (answer == NULL)
            (void)wsm_fail_memory(&err, "answer");
        else
            (void)read_answer(exchange, response, answer, &err);
    }
    if (err.code != 0) {
        wsm_answer_free(answer);
        answer = NULL;
    }
    if (recovery != NULL && err.code != 0 && is_unanswered(response, &err) &&
        exchange->keeper->lost(recovery, exchange, &err))
        return;
    if (recovery != NULL && is_refused(response, &err) &&
        exchange->keeper->refused(recovery, exchange, &err))
        return;
    if (recovery != NULL)
        exchange->keeper->answered(recovery, exchange);
    exchange->on_done(exchange, &answer, &err);
    wsm_answer_free(answer);
    wsm_error_clear(&err);
}

/* ---- Requests ---- */

static void write_head(struct wsm_exchange *exchange)
{
    const struct wsm_session *session = exchange->session;
    bool is_utf16 = wsm_options_number(&session->options, WSM_OPTION_UTF16) != 0;
    const char *headers[4] = {
        is_utf16 ? "Content-Type: application/soap+xml;charset=UTF-16"
                 : "Content-Type: application/soap+xml;charset=UTF-8",
        "User-Agent: winrmd client",
        session->login.authorization, /* NULL ends the list */
        NULL,
    };
    struct wsm_buf *out = &exchange->call.request;

    wsm_buf_wipe(out);
    exchange->length_at = wsm_http_request_write_open(out, session->target.path,
                                                      session->target.host_header, headers);
    exchange->head_len = out->len;
    exchange->call.secret_len = out->len;
}

bool wsm_exchange_prepare(struct wsm_exchange *exchange, struct wsm_session *session,
                          const struct wsm_exchange_plan *plan, struct wsm_request_headers *out,
                          struct wsm_error *err)
{
    const struct wsm_options *options = &session->options;
    uint32_t timeout_ms = wsm_options_timeout(options, plan->timeout_option);
    uint32_t envelope = wsm_options_number(options, WSM_OPTION_MAX_ENVELOPE_KB) * 1024;
    struct wsm_guid guid;

    if (!wsm_session_check_policy(session, err) || !wsm_random_guid(&guid, err))
        return false;
    if (exchange->state != WSM_EXCHANGE_HELD) {
        exchange->is_repeat = false;
        exchange->was_refused = false;
        exchange->begun = uv_now(wsm_runtime_loop());
    }
    if (!exchange->is_repeat)
        snprintf(exchange->message_id, sizeof(exchange->message_id), "uuid:%s", guid.text);
    if (exchange->timeout_max_ms > 0 && (timeout_ms == 0 || timeout_ms > exchange->timeout_max_ms))
        timeout_ms = exchange->timeout_max_ms;
    exchange->timeout_max_ms = 0;
    exchange->recovery = NULL;
    session->is_used = true;
    exchange->session = session;
    exchange->call.timeout_ms = timeout_ms;
    exchange->call.body_max = envelope + ANSWER_SLACK;
    exchange->call.on_done = on_http_done;
    write_head(exchange);
    *out = (struct wsm_request_headers){
        .to = session->target.url,
        .action = plan->action,
        .message_id = exchange->message_id,
        .session_id = session->id,
        .resource_uri = plan->resource_uri,
        .shell_id = plan->shell_id,
        .locale = wsm_options_text(options, WSM_OPTION_UI_LANGUAGE),
        .data_locale = wsm_options_text(options, WSM_OPTION_LOCALE),
        .machine_id = wsm_options_machine_id(options),
        .max_envelope_size = envelope,
        .operation_timeout_ms = timeout_ms == 0 ? NO_TIMEOUT_MS : (int64_t)timeout_ms,
    };
    return true;
}

static bool finish_request(struct wsm_exchange *exchange, struct wsm_error *err)
{
    struct wsm_buf *request = &exchange->call.request;

    if (wsm_options_number(&exchange->session->options, WSM_OPTION_UTF16) != 0 &&
        !wsm_envelope_to_utf16(request, exchange->head_len, err))
        return false;
    if (!wsm_buf_ok(request))
        return wsm_fail_memory(err, "request");
    wsm_http_length_fill(request, exchange->length_at, request->len - exchange->head_len);
    return true;
}

bool wsm_exchange_send(struct wsm_exchange *exchange, struct wsm_error *err)
{
    struct wsm_recovery *recovery = exchange->recovery;
    struct wsm_error cause = WSM_ERROR_INIT;

    if (!finish_request(exchange, err))
        goto fail;
    if (recovery != NULL && exchange->keeper->holds(recovery, exchange)) {
        wsm_buf_wipe(&exchange->call.request); /* is written anew then */
        return true;
    }
    exchange->state = WSM_EXCHANGE_SENT;
    if (recovery != NULL)
        exchange->keeper->sent(recovery, exchange);
    if (wsm_http_call_start(&exchange->call, &exchange->session->pool, &cause))
        return true;
    exchange->state = WSM_EXCHANGE_IDLE;
    exchange->is_broken = true;
    if (recovery != NULL && exchange->keeper->lost(recovery, exchange, &cause)) {
        wsm_buf_wipe(&exchange->call.request);
        return true;
    }
    wsm_error_move(err, &cause);
fail:
    wsm_buf_wipe(&exchange->call.request);
    return false;
}

bool wsm_exchange_repeat(struct wsm_exchange *exchange, struct wsm_error *err)
{
    wsm_list_init(&exchange->node);
    exchange->state = WSM_EXCHANGE_HELD; /* as if by a recovery: it is the same message */
    exchange->is_repeat = true;
    if (exchange->repetition->send(exchange, err))
        return true;
    exchange->state = WSM_EXCHANGE_IDLE;
    return false;
}

void wsm_exchange_cancel(struct wsm_exchange *exchange)
{
    bool was_active = wsm_exchange_is_active(exchange);

    wsm_http_call_cancel(&exchange->call);
    wsm_buf_wipe(&exchange->call.request);
    exchange->state = WSM_EXCHANGE_IDLE;
    if (was_active && exchange->recovery != NULL)
        exchange->keeper->forget(exchange->recovery, exchange);
}

bool wsm_exchange_is_active(const struct wsm_exchange *exchange)
{
    return exchange->state != WSM_EXCHANGE_IDLE;
}

bool wsm_exchange_is_unreached(const struct wsm_exchange *exchange, const struct wsm_error *err)
{
    return exchange->is_broken || err->code == ERROR_WSMAN_HTTP_SERVICE_UNAVAILABLE_STATUS;
}

bool wsm_exchange_may_be_known(const struct wsm_exchange *exchange)
{
    return wsm_http_call_is_sent(&exchange->call) ||
           (wsm_exchange_is_active(exchange) && exchange->is_repeat);
}
