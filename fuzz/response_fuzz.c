/* wsm_http_response_feed and _eof: an answer of a server, fed byte by byte and whole, gives the
 * same, and no body is larger than what was asked for. */
#include "client/http_response.h"
#include "fuzz.h"

enum { BODY_MAX = 64 };

/* One reading. `step` bytes at a time; how many were fed is the result. */
struct reading {
    struct wsm_http_response response;
    struct wsm_buf in;
    struct wsm_error err;
    enum wsm_parse answer;
};

static size_t feed(struct reading *reading, const uint8_t *data, size_t size, size_t step)
{
    size_t at = 0;

    *reading = (struct reading){ .response = { .body_max = BODY_MAX }, .answer = WSM_PARSE_MORE };
    while (at < size && reading->answer == WSM_PARSE_MORE) {
        wsm_buf_append(&reading->in, data + at, step);
        at += step;
        reading->answer = wsm_http_response_feed(&reading->response, &reading->in, &reading->err);
    }
    if (reading->answer == WSM_PARSE_MORE)
        reading->answer = wsm_http_response_eof(&reading->response, &reading->in, &reading->err);
    check((reading->answer == WSM_PARSE_BAD) == (reading->err.code != 0));
    return at;
}

static struct wsm_span body_of(const struct reading *reading)
{
    const struct wsm_http_response *response = &reading->response;

    return reading->answer != WSM_PARSE_DONE || response->bytes.len == 0
               ? wsm_span_of(NULL, 0)
               : wsm_span_of(response->bytes.ptr + response->body_offset,
                             response->bytes.len - response->body_offset);
}

static void clear(struct reading *reading)
{
    wsm_http_response_reset(&reading->response);
    wsm_buf_clear(&reading->in);
    wsm_error_clear(&reading->err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reading bytes;
    struct reading whole;
    size_t used = feed(&bytes, data, size, 1);

    feed(&whole, data, used, used);
    check(bytes.answer == whole.answer && bytes.answer != WSM_PARSE_MORE);
    check(bytes.err.code == whole.err.code && bytes.response.status == whole.response.status);
    check(wsm_span_equal(body_of(&bytes), body_of(&whole)) && body_of(&bytes).len <= BODY_MAX);
    clear(&bytes);
    clear(&whole);
    return 0;
}
