/* wsm_http_chunks_step: a body fed whole and byte by byte gives the same data. */
#include "fuzz.h"
#include "proto/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wsm_http_chunks whole = { 0 };
    struct wsm_http_chunks pieces = { 0 };
    struct wsm_buf body = WSM_BUF_INIT;
    enum wsm_parse expected;
    enum wsm_parse answer = WSM_PARSE_MORE;
    size_t len = size;
    size_t used = 0;
    size_t at;
    size_t data_at = 0;

    wsm_buf_append(&body, data, size);
    expected = wsm_http_chunks_step(&whole, body.ptr, &len, &used);
    for (at = 0; at < size && answer == WSM_PARSE_MORE; at++) {
        uint8_t byte = data[at];
        size_t one = 1;
        size_t one_used = 0;

        answer = wsm_http_chunks_step(&pieces, &byte, &one, &one_used);
        check(one_used == 1 && (one == 0 || byte == body.ptr[data_at]));
        data_at += one;
    }
    check(answer == expected && at == used && data_at == len);
    check(whole.total == len && pieces.total == len);
    wsm_buf_clear(&body);
    return 0;
}
