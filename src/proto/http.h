/* Strict HTTP/1.1 codec, used by both ends. No I/O: bytes in, a head or body bytes
 * out. Refuses what makes two readers disagree: repeated or conflicting
 * Content-Length, Content-Length with chunked, repeated Host, Content-Type or
 * Authorization, bare LF, blank before the colon, folded lines, control characters.
 * Source: RFC 9110 and 9112. */
#ifndef WSM_PROTO_HTTP_H
#define WSM_PROTO_HTTP_H

#include "base/buf.h"
#include "base/parse.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WSM_HTTP_HEAD_MAX = 65536, /* bytes of a whole head: Kerberos and CredSSP tokens are large */
    WSM_HTTP_HEADERS_MAX = 64, /* header fields in one head */
    WSM_HTTP_CHUNK_LINE_MAX = 256,
};

enum wsm_http_kind { WSM_HTTP_REQUEST, WSM_HTTP_RESPONSE };

enum wsm_http_framing {
    WSM_HTTP_BODY_LENGTH, /* content_length bytes, may be 0 */
    WSM_HTTP_BODY_CHUNKED,
    WSM_HTTP_BODY_UNTIL_CLOSE, /* responses only */
};

struct wsm_http_header {
    struct wsm_span name;
    struct wsm_span value; /* trimmed */
};

/* All spans are borrowed from the bytes that were parsed. */
struct wsm_http_head {
    enum wsm_http_kind kind;
    struct wsm_span method; /* request */
    struct wsm_span target; /* request, as sent */
    int status;             /* response */
    bool keep_alive;        /* what version and Connection say together */
    bool expect_continue;
    enum wsm_http_framing framing;
    uint64_t content_length;
    size_t header_count;
    struct wsm_http_header headers[WSM_HTTP_HEADERS_MAX];
};

/* Reads a head from the start of `in`. *scanned (0 for a new head) remembers how far
 * the end was looked for, so that feeding byte by byte stays linear.
 * DONE: *out is set and *out_used is the length of the head. MORE: not all there.
 * BAD: *out_status is what a server should answer (400, 413 never, 431, 501, 505),
 * and *out_why says why (static text). */
enum wsm_parse wsm_http_head_parse(enum wsm_http_kind kind, struct wsm_span in, size_t *scanned,
                                   struct wsm_http_head *out, size_t *out_used, int *out_status,
                                   const char **out_why);

/* The value of the first field of that name (without case); empty span if there is none. */
struct wsm_span wsm_http_header_find(const struct wsm_http_head *head, const char *name);
/* The index-th field of that name; false when there are no more. */
bool wsm_http_header_nth(const struct wsm_http_head *head, const char *name, size_t index,
                         struct wsm_span *out);

/* A Content-Type value: is it application/soap+xml, and with which charset? */
enum wsm_http_media {
    WSM_HTTP_MEDIA_SOAP_UTF8, /* also without a charset */
    WSM_HTTP_MEDIA_SOAP_UTF16,
    WSM_HTTP_MEDIA_SOAP_OTHER_CHARSET,
    WSM_HTTP_MEDIA_OTHER,
};
enum wsm_http_media wsm_http_media_of(struct wsm_span content_type);

/* Reads a chunked body in place, as it arrives. Zero-initialised at its start; the fields
 * but `total` are private. */
struct wsm_http_chunks {
    int state;
    uint64_t left;     /* bytes of the current chunk still to come */
    uint64_t line_len; /* of the size line, or of all trailers, so far */
    uint64_t overhead; /* framing bytes so far: may not cost more than the data for long */
    uint64_t total;    /* data bytes so far */
};
/* Takes *inout_len raw bytes at `bytes`; on return the data bytes stand at the start
 * of `bytes` and *inout_len counts them; *out_used says how many raw bytes were taken
 * (less than all only at DONE). MORE until the last chunk and its trailers were read. */
enum wsm_parse wsm_http_chunks_step(struct wsm_http_chunks *chunks, uint8_t *bytes,
                                    size_t *inout_len, size_t *out_used);

/* Appends a request head. `headers` is a list of "Name: value" lines ended by NULL (NULL =
 * none); Host, Content-Length and Connection: Keep-Alive are added. A control character
 * in any text spoils the buffer: wsm_buf_ok() then says no. */
void wsm_http_request_write(struct wsm_buf *out, const char *target, const char *host,
                            const char *const *headers, size_t content_length);
/* Appends a response head with Content-Length (an interim one, 1xx, goes without);
 * close adds "Connection: close". */
void wsm_http_response_write(struct wsm_buf *out, int status, const char *const *headers,
                             size_t content_length, bool close);
/* A response head whose Content-Length is not known yet: a field of fixed width is
 * left open, filled by wsm_http_length_fill() once the body was appended behind it, so
 * that head and body go out in one write. Returns the position to fill. */
size_t wsm_http_response_write_open(struct wsm_buf *out, int status, const char *const *headers);
size_t wsm_http_request_write_open(struct wsm_buf *out, const char *target, const char *host,
                                   const char *const *headers);
void wsm_http_length_fill(struct wsm_buf *out, size_t position, size_t body_len);

#endif
