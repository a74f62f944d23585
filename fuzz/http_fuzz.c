/* wsm_http_head_parse, wsm_http_media_of, wsm_request_head_take: a head fed whole and byte by
 * byte gives the same, and what winrmd-net keeps of a request comes from it. The first byte of
 * the input says request or response ('r'). */
#include "fuzz.h"
#include "server/request_head.h"

static void take_request(const struct wsm_http_head *head, size_t used)
{
    struct wsm_span host = wsm_http_header_find(head, "Host");
    struct wsm_request_head kept = { .len = 0 };
    int status = wsm_request_head_take(&kept, head, used);

    check(kept.len == used && kept.keep_alive == head->keep_alive);
    check((status == 0) == (kept.url != NULL) &&
          (status == 0 || status == 400 || status == 404 || status == 405));
    if (status == 0) {
        check(strlen(kept.url) == host.len + strlen("http:///wsman"));
        check(strlen(kept.machine) <= host.len &&
              memcmp(kept.machine, host.ptr, strlen(kept.machine)) == 0);
    }
    wsm_request_head_clear(&kept);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum wsm_http_kind kind = size > 0 && data[0] == 'r' ? WSM_HTTP_RESPONSE : WSM_HTTP_REQUEST;
    struct wsm_span in = size == 0 ? wsm_span_of(data, 0) : wsm_span_of(data + 1, size - 1);
    struct wsm_http_head head;
    size_t scanned = 0;
    size_t used = 0;
    size_t len;
    int status = 0;
    const char *why = NULL;
    enum wsm_parse expected = wsm_http_head_parse(kind, in, &scanned, &head, &used, &status, &why);
    enum wsm_parse answer = WSM_PARSE_MORE;

    scanned = 0;
    for (len = 0; len <= in.len && answer == WSM_PARSE_MORE; len++)
        answer = wsm_http_head_parse(kind, wsm_span_of(in.ptr, len), &scanned, &head, &used,
                                     &status, &why);
    check(answer == expected);
    check(answer != WSM_PARSE_DONE || len == used + 1);
    check(answer != WSM_PARSE_BAD || (status >= 400 && why != NULL));
    if (answer == WSM_PARSE_DONE && kind == WSM_HTTP_RESPONSE)
        (void)wsm_http_media_of(wsm_http_header_find(&head, "Content-Type"));
    if (answer == WSM_PARSE_DONE && kind == WSM_HTTP_REQUEST)
        take_request(&head, used);
    return 0;
}
