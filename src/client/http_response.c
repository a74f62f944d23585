/* Assembles responses: head, then a body by length, in chunks, or until the end of the
 * connection. A body by length is not copied: its buffer is handed over. */
#include "client/http_response.h"

#include "wsmerror.h"

/* Room behind a body of known length, so that the read that completes it need not
 * grow the buffer. */
enum { READ_SLACK = 65536 };

void wsm_http_response_reset(struct wsm_http_response *response)
{
    wsm_buf_clear(&response->bytes);
    *response = (struct wsm_http_response){ .body_max = response->body_max };
}

static enum wsm_parse bad(struct wsm_error *err, uint32_t code, const char *why)
{
    (void)wsm_fail(err, code, "%s", why);
    return WSM_PARSE_BAD;
}

static enum wsm_parse too_large(struct wsm_error *err, size_t max)
{
    (void)wsm_fail(err, ERROR_WSMAN_MAX_ENVELOPE_SIZE_EXCEEDED,
                   "the answer is larger than %zu bytes", max);
    return WSM_PARSE_BAD;
}

static bool offers_basic(const struct wsm_http_head *head)
{
    struct wsm_span value;
    size_t i;

    for (i = 0; wsm_http_header_nth(head, "WWW-Authenticate", i, &value); i++) {
        if (value.len >= 5 && wsm_span_is_nocase(wsm_span_of(value.ptr, 5), "Basic"))
            return true;
    }
    return false;
}

static void keep_head(struct wsm_http_response *response, const struct wsm_http_head *head)
{
    struct wsm_span type = wsm_http_header_find(head, "Content-Type");

    response->has_head = true;
    response->status = head->status;
    response->keep_alive = head->keep_alive;
    response->framing = head->framing;
    response->content_length = head->content_length;
    response->media = type.len == 0 ? WSM_HTTP_MEDIA_OTHER : wsm_http_media_of(type);
    response->is_html = type.len >= 9 && wsm_span_is_nocase(wsm_span_of(type.ptr, 9), "text/html");
    response->offers_basic = offers_basic(head);
}

static enum wsm_parse feed_head(struct wsm_http_response *response, struct wsm_buf *in,
                                struct wsm_error *err)
{
    struct wsm_http_head head;
    const char *why = "";
    int status;
    size_t used = 0;
    enum wsm_parse answer;

    do {
        answer = wsm_http_head_parse(WSM_HTTP_RESPONSE, wsm_buf_span(in), &response->scanned, &head,
                                     &used, &status, &why);
        if (answer == WSM_PARSE_BAD) {
            (void)wsm_fail(err, ERROR_WSMAN_UNKNOWN_HTTP_STATUS_RETURNED,
                           "the answer is not valid HTTP: %s", why);
            return answer;
        }
        if (answer == WSM_PARSE_MORE)
            return answer;
        response->scanned = 0;
        if (head.status < 200) /* 100 Continue: the real one follows */
            wsm_buf_consume(in, used);
    } while (head.status < 200);
    keep_head(response, &head);
    if (head.framing == WSM_HTTP_BODY_LENGTH) {
        if (head.content_length > response->body_max)
            return too_large(err, response->body_max);
        response->body_offset = used;
        if (!wsm_buf_reserve(in, used + (size_t)head.content_length - in->len + READ_SLACK))
            return bad(err, ERROR_OUTOFMEMORY, "no memory for the answer");
    } else {
        wsm_buf_consume(in, used);
    }
    return WSM_PARSE_DONE;
}

static enum wsm_parse feed_length(struct wsm_http_response *response, struct wsm_buf *in,
                                  struct wsm_error *err)
{
    size_t total = response->body_offset + (size_t)response->content_length;

    if (in->len < total)
        return WSM_PARSE_MORE;
    if (in->len > total)
        return bad(err, ERROR_WSMAN_UNKNOWN_HTTP_STATUS_RETURNED,
                   "bytes follow the answer that nobody asked for");
    response->bytes = *in;
    *in = (struct wsm_buf)WSM_BUF_INIT;
    return WSM_PARSE_DONE;
}

/* For the framings without a length: body bytes are copied out of `in`. */
static enum wsm_parse take_body(struct wsm_http_response *response, const uint8_t *bytes,
                                size_t count, struct wsm_error *err)
{
    if (count > response->body_max - response->bytes.len)
        return too_large(err, response->body_max);
    wsm_buf_append(&response->bytes, bytes, count);
    if (!wsm_buf_ok(&response->bytes))
        return bad(err, ERROR_OUTOFMEMORY, "no memory for the answer");
    return WSM_PARSE_DONE;
}

static enum wsm_parse feed_chunks(struct wsm_http_response *response, struct wsm_buf *in,
                                  struct wsm_error *err)
{
    size_t count = in->len;
    size_t used = 0;
    enum wsm_parse answer = wsm_http_chunks_step(&response->chunks, in->ptr, &count, &used);

    if (answer == WSM_PARSE_BAD)
        return bad(err, ERROR_WSMAN_UNKNOWN_HTTP_STATUS_RETURNED, "the answer's chunks are wrong");
    if (take_body(response, in->ptr, count, err) == WSM_PARSE_BAD)
        return WSM_PARSE_BAD;
    wsm_buf_consume(in, used);
    return answer;
}

enum wsm_parse wsm_http_response_feed(struct wsm_http_response *response, struct wsm_buf *in,
                                      struct wsm_error *err)
{
    enum wsm_parse answer;

    if (!response->has_head) {
        answer = feed_head(response, in, err);
        if (answer != WSM_PARSE_DONE)
            return answer;
    }
    switch (response->framing) {
    case WSM_HTTP_BODY_LENGTH:
        return feed_length(response, in, err);
    case WSM_HTTP_BODY_CHUNKED:
        return in->len == 0 ? WSM_PARSE_MORE : feed_chunks(response, in, err);
    case WSM_HTTP_BODY_UNTIL_CLOSE:
        if (take_body(response, in->ptr, in->len, err) == WSM_PARSE_BAD)
            return WSM_PARSE_BAD;
        wsm_buf_consume(in, in->len);
        return WSM_PARSE_MORE;
    }
    return WSM_PARSE_BAD;
}

enum wsm_parse wsm_http_response_eof(struct wsm_http_response *response, struct wsm_buf *in,
                                     struct wsm_error *err)
{
    if (response->has_head && response->framing == WSM_HTTP_BODY_UNTIL_CLOSE)
        return WSM_PARSE_DONE;
    return bad(err, ERROR_WSMAN_NETWORK_TIMEDOUT,
               response->has_head || in->len > 0 ? "the connection ended within the answer"
                                                 : "the connection ended before the answer");
}
