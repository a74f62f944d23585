/* What is kept of a request's head: the buffer it was read in may move. Pure. */
#ifndef WSM_SERVER_REQUEST_HEAD_H
#define WSM_SERVER_REQUEST_HEAD_H

#include "proto/http.h"

enum {
    WSM_HOST_HEADER_MAX = 512, /* bytes */
};

/* Zero-initialised: nothing read yet. */
struct wsm_request_head {
    size_t len;        /* bytes of the head itself */
    uint64_t body_len; /* Content-Length */
    bool is_chunked;
    bool is_read; /* all of the body too */
    bool keep_alive;
    bool expects_continue;
    enum wsm_http_media media;
    char *url;     /* owned: "http://host:port/path" */
    char *machine; /* owned: host without port */
};

void wsm_request_head_clear(struct wsm_request_head *head);

/* Takes what is needed of a parsed head of `used` bytes. The result is 0, or the HTTP
 * status to refuse the request with: 404 (not /wsman, without regard to case and query),
 * 405 (not POST), 400 (Host or Authorization unusable). Framing is set in all cases. */
int wsm_request_head_take(struct wsm_request_head *head, const struct wsm_http_head *parsed,
                          size_t used);

/* Is there a body, or some of it, still to be read? */
static inline bool wsm_request_head_has_more(const struct wsm_request_head *head)
{
    return !head->is_read && (head->is_chunked || head->body_len > 0);
}

#endif
