/* Puts one HTTP response together from bytes as they come. No sockets. */
#ifndef WSM_CLIENT_HTTP_RESPONSE_H
#define WSM_CLIENT_HTTP_RESPONSE_H

#include "base/buf.h"
#include "base/parse.h"
#include "proto/http.h"

struct wsm_http_response {
    size_t body_max; /* set by the user: a larger body is refused */

    size_t scanned;
    bool has_head;
    int status;
    bool keep_alive;
    enum wsm_http_framing framing;
    uint64_t content_length;
    enum wsm_http_media media;
    bool is_html;
    bool offers_basic; /* a 401 that names Basic */
    struct wsm_http_chunks chunks;

    struct wsm_buf bytes; /* owned: after DONE the body is [body_offset, bytes.len) of it */
    size_t body_offset;
};

/* Frees the body and is ready for the next response; body_max stays. */
void wsm_http_response_reset(struct wsm_http_response *response);

/* Takes what has arrived from `in`. DONE: the body is in response->bytes, moved there where
 * possible; what follows stays in `in`. BAD: err says why. */
enum wsm_parse wsm_http_response_feed(struct wsm_http_response *response, struct wsm_buf *in,
                                      struct wsm_error *err);
/* The peer has ended its side: DONE if that ends the body too. */
enum wsm_parse wsm_http_response_eof(struct wsm_http_response *response, struct wsm_buf *in,
                                     struct wsm_error *err);

#endif
