/* Answers to requests that are refused before anybody reads their envelope. */
#include "server/http_answer.h"

#include "proto/fault.h"
#include "proto/http.h"
#include "server/service.h"
#include "wsmerror.h"

void wsm_http_answer_status(struct wsm_buf *out, int status, bool offers_basic, bool keeps)
{
    static const char *const challenge[] = { "WWW-Authenticate: Basic realm=\"WSMAN\"", NULL };
    static const char *const allow[] = { "Allow: POST", NULL };
    const char *const *headers = NULL;

    if (status == 401 && offers_basic)
        headers = challenge;
    else if (status == 405)
        headers = allow;
    wsm_http_response_write(out, status, headers, 0, !keeps);
}

static void fault_write(struct wsm_buf *out, const struct wsm_error *err, const char *machine)
{
    static const char *const headers[] = { "Content-Type: application/soap+xml;charset=UTF-8",
                                           "Connection: close", NULL };
    struct wsm_guid id;
    size_t length_at = wsm_http_response_write_open(out, 500, headers);
    size_t body_at = out->len;

    wsm_service_guid(&id);
    wsm_fault_write(out, &id, wsm_span_of(NULL, 0), err, machine);
    if (wsm_buf_ok(out))
        wsm_http_length_fill(out, length_at, out->len - body_at);
}

void wsm_http_answer_fault(struct wsm_buf *out, uint32_t code, const char *machine)
{
    struct wsm_error err = WSM_ERROR_INIT;

    wsm_fail(&err, code, "%s",
             code == ERROR_NOT_SUPPORTED ? "a chunked request is not supported"
                                         : "the request is refused");
    fault_write(out, &err, machine);
    wsm_error_clear(&err);
}
