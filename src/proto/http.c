/* Heads of HTTP/1.1 messages, both directions. Any thread; no I/O, no state but the
 * caller's. Bodies in chunks are in http_chunks.c. Source: RFC 9110, RFC 9112. */
#include "proto/http.h"

#include "proto/http_chars.h"

#include <stddef.h>

enum {
    LENGTH_FIELD_WIDTH = 20, /* digits of UINT64_MAX */
};

struct reader {
    struct wsm_http_head *head;
    struct wsm_span left; /* of the head, whole lines only */
    int status;
    const char *why;
};

static bool refuse(struct reader *reader, int status, const char *why)
{
    reader->status = status;
    reader->why = why;
    return false;
}

static size_t token_run(struct wsm_span text)
{
    size_t i = 0;

    while (i < text.len && wsm_http_is_token_char(text.ptr[i]))
        i++;
    return i;
}

static struct wsm_span span_from(struct wsm_span text, size_t offset)
{
    return wsm_span_of(text.ptr + offset, text.len - offset);
}

/* Without blanks and tabs at either end. */
static struct wsm_span trim_blanks(struct wsm_span text)
{
    while (text.len > 0 && wsm_http_is_blank(text.ptr[0]))
        text = span_from(text, 1);
    while (text.len > 0 && wsm_http_is_blank(text.ptr[text.len - 1]))
        text.len--;
    return text;
}

/* The next line without its CR LF; every line here has one. */
static struct wsm_span take_line(struct reader *reader)
{
    const uint8_t *end = memchr(reader->left.ptr, '\n', reader->left.len);
    struct wsm_span line = wsm_span_of(reader->left.ptr, (size_t)(end - reader->left.ptr) - 1);

    reader->left = span_from(reader->left, line.len + 2);
    return line;
}

/* Version to *out_minor. A version that is well formed but not ours: 505. */
static bool read_version(struct reader *reader, struct wsm_span text, int *out_minor)
{
    static const char name[] = "HTTP/";
    const size_t name_len = sizeof(name) - 1;

    if (text.len != name_len + 3 || memcmp(text.ptr, name, name_len) != 0 ||
        !wsm_http_is_digit(text.ptr[5]) || text.ptr[6] != '.' || !wsm_http_is_digit(text.ptr[7]))
        return refuse(reader, 400, "malformed HTTP version");
    if (text.ptr[5] != '1' || text.ptr[7] > '1')
        return refuse(reader, 505, "HTTP version is neither 1.0 nor 1.1");
    *out_minor = text.ptr[7] - '0';
    return true;
}

/* method SP target SP version */
static bool read_request_line(struct reader *reader, int *out_minor)
{
    struct wsm_span line = take_line(reader);
    size_t method_len = token_run(line);
    size_t i = method_len + 1;

    if (method_len == 0 || method_len == line.len || line.ptr[method_len] != ' ')
        return refuse(reader, 400, "malformed request line");
    while (i < line.len && line.ptr[i] > ' ' && line.ptr[i] < 0x7f)
        i++;
    if (i == method_len + 1 || i == line.len || line.ptr[i] != ' ')
        return refuse(reader, 400, "malformed request target");
    reader->head->method = wsm_span_of(line.ptr, method_len);
    reader->head->target = wsm_span_of(line.ptr + method_len + 1, i - method_len - 1);
    return read_version(reader, span_from(line, i + 1), out_minor);
}

/* version SP three digits [SP reason] */
static bool read_status_line(struct reader *reader, int *out_minor)
{
    struct wsm_span line = take_line(reader);
    int status = 0;
    size_t i;

    if (line.len < 12 || line.ptr[8] != ' ' || (line.len > 12 && line.ptr[12] != ' '))
        return refuse(reader, 400, "malformed status line");
    for (i = 9; i < 12; i++) {
        if (!wsm_http_is_digit(line.ptr[i]))
            return refuse(reader, 400, "malformed status code");
        status = status * 10 + (line.ptr[i] - '0');
    }
    if (status < 100 || status > 599)
        return refuse(reader, 400, "status code out of range");
    for (i = 12; i < line.len; i++) {
        if (!wsm_http_is_text(line.ptr[i]))
            return refuse(reader, 400, "control character in the status line");
    }
    reader->head->status = status;
    return read_version(reader, wsm_span_of(line.ptr, 8), out_minor);
}

static bool read_header(struct reader *reader, struct wsm_http_header *out)
{
    struct wsm_span line = take_line(reader);
    size_t name_len = token_run(line);
    size_t i;

    if (wsm_http_is_blank(line.ptr[0]))
        return refuse(reader, 400, "folded header line");
    if (name_len == 0 || name_len == line.len || line.ptr[name_len] != ':')
        return refuse(reader, 400, "malformed header name");
    for (i = name_len + 1; i < line.len; i++) {
        if (!wsm_http_is_text(line.ptr[i]))
            return refuse(reader, 400, "control character in a header");
    }
    out->name = wsm_span_of(line.ptr, name_len);
    out->value = trim_blanks(span_from(line, name_len + 1));
    return true;
}

/* Fields of which a second one would make two readers disagree. */
static bool refuse_repetition(struct reader *reader)
{
    static const char *const names[] = { "Content-Length", "Transfer-Encoding", "Host",
                                         "Content-Type", "Authorization" };
    struct wsm_span value;
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (wsm_http_header_nth(reader->head, names[i], 1, &value))
            return refuse(reader, 400, "repeated header that may come once");
    }
    return true;
}

/* The next element of a comma-separated list; empty ones are skipped. */
static bool next_element(struct wsm_span *list, struct wsm_span *out)
{
    while (list->len > 0) {
        const uint8_t *comma = memchr(list->ptr, ',', list->len);
        size_t len = comma == NULL ? list->len : (size_t)(comma - list->ptr);

        *out = trim_blanks(wsm_span_of(list->ptr, len));
        *list = span_from(*list, comma == NULL ? len : len + 1);
        if (out->len > 0)
            return true;
    }
    return false;
}

static bool read_connection(struct reader *reader, int minor)
{
    struct wsm_http_head *head = reader->head;
    struct wsm_span list;
    struct wsm_span option;
    bool has_close = false;
    bool has_keep_alive = false;
    size_t i;

    for (i = 0; wsm_http_header_nth(head, "Connection", i, &list); i++) {
        while (next_element(&list, &option)) {
            if (token_run(option) != option.len)
                return refuse(reader, 400, "malformed Connection header");
            has_close |= wsm_span_is_nocase(option, "close");
            has_keep_alive |= wsm_span_is_nocase(option, "keep-alive");
        }
    }
    head->keep_alive = !has_close && (minor == 1 || has_keep_alive);
    return true;
}

/* RFC 9112, section 3.2. Which host it is does not matter to us, only that there is one. */
static bool read_host(struct reader *reader, int minor)
{
    struct wsm_span host;
    size_t i;

    if (!wsm_http_header_nth(reader->head, "Host", 0, &host))
        return minor == 0 || refuse(reader, 400, "no Host header");
    for (i = 0; i < host.len; i++) {
        uint8_t c = host.ptr[i];

        if (c <= ' ' || c >= 0x7f || strchr(",/\\?#@\"<>", c) != NULL)
            return refuse(reader, 400, "malformed Host header");
    }
    return true;
}

static bool read_length(struct reader *reader, struct wsm_span text)
{
    uint64_t length = 0;
    size_t i;

    if (text.len == 0)
        return refuse(reader, 400, "empty Content-Length");
    for (i = 0; i < text.len; i++) {
        if (!wsm_http_is_digit(text.ptr[i]))
            return refuse(reader, 400, "Content-Length is not a number");
        if (length > UINT64_MAX / 10 - 1)
            return refuse(reader, 400, "oversize Content-Length");
        length = length * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    reader->head->content_length = length;
    return true;
}

/* How the body ends. RFC 9112, section 6.3, without its leniencies. */
static bool read_framing(struct reader *reader, int minor)
{
    struct wsm_http_head *head = reader->head;
    struct wsm_span encoding;
    struct wsm_span length;
    bool has_encoding = wsm_http_header_nth(head, "Transfer-Encoding", 0, &encoding);
    bool has_length = wsm_http_header_nth(head, "Content-Length", 0, &length);

    head->framing = WSM_HTTP_BODY_LENGTH;
    if (has_length && !read_length(reader, length))
        return false;
    if (has_encoding) {
        if (has_length)
            return refuse(reader, 400, "Content-Length with Transfer-Encoding");
        if (minor == 0)
            return refuse(reader, 400, "Transfer-Encoding in HTTP/1.0");
        if (!wsm_span_is_nocase(encoding, "chunked"))
            return refuse(reader, 501, "Transfer-Encoding other than chunked");
        head->framing = WSM_HTTP_BODY_CHUNKED;
    }
    if (head->kind == WSM_HTTP_REQUEST)
        return true;
    if (head->status < 200 || head->status == 204 || head->status == 304) {
        if (has_encoding || (head->content_length != 0 && head->status != 304))
            return refuse(reader, 400, "body announced where none can be");
        head->content_length = 0;
    } else if (!has_encoding && !has_length) {
        head->framing = WSM_HTTP_BODY_UNTIL_CLOSE;
        head->keep_alive = false;
    }
    return true;
}

static bool read_head(struct reader *reader)
{
    struct wsm_http_head *head = reader->head;
    bool is_request = head->kind == WSM_HTTP_REQUEST;
    int minor = 0;

    if (!(is_request ? read_request_line(reader, &minor) : read_status_line(reader, &minor)))
        return false;
    while (reader->left.len > 2) {
        if (head->header_count == WSM_HTTP_HEADERS_MAX)
            return refuse(reader, 431, "too many header fields");
        if (!read_header(reader, &head->headers[head->header_count]))
            return false;
        head->header_count++;
    }
    if (!refuse_repetition(reader) || !read_connection(reader, minor) ||
        !read_framing(reader, minor))
        return false;
    if (!is_request)
        return true;
    head->expect_continue = minor == 1 && wsm_span_is_nocase(wsm_http_header_find(head, "Expect"),
                                                             "100-continue");
    return read_host(reader, minor);
}

/* Looks for the empty line, line by line from where the last call stopped. The length
 * of the head goes to *out_len. */
static enum wsm_parse find_end(struct wsm_span in, size_t *scanned, size_t *out_len)
{
    const uint8_t *lf;

    while ((lf = memchr(in.ptr + *scanned, '\n', in.len - *scanned)) != NULL) {
        size_t at = (size_t)(lf - in.ptr);

        if (at == 0 || in.ptr[at - 1] != '\r')
            return WSM_PARSE_BAD;
        *scanned = at + 1;
        if (at == 1 || in.ptr[at - 2] == '\n') {
            *out_len = at + 1;
            return WSM_PARSE_DONE;
        }
    }
    *scanned = in.len;
    return WSM_PARSE_MORE;
}

enum wsm_parse wsm_http_head_parse(enum wsm_http_kind kind, struct wsm_span in, size_t *scanned,
                                   struct wsm_http_head *out, size_t *out_used, int *out_status,
                                   const char **out_why)
{
    struct wsm_span window = in;
    struct wsm_http_head head;
    struct reader reader = { .head = &head, .status = 400 };
    enum wsm_parse found;
    size_t len = 0;

    if (in.len == 0)
        return WSM_PARSE_MORE;
    if (window.len > WSM_HTTP_HEAD_MAX)
        window.len = WSM_HTTP_HEAD_MAX;
    if (kind == WSM_HTTP_REQUEST ? !wsm_http_is_token_char(in.ptr[0]) : in.ptr[0] != 'H') {
        /* TLS on this port, say: nobody should wait for the end of its lines */
        *out_status = 400;
        *out_why = "does not begin like HTTP";
        return WSM_PARSE_BAD;
    }
    found = find_end(window, scanned, &len);
    if (found == WSM_PARSE_MORE && in.len < WSM_HTTP_HEAD_MAX)
        return WSM_PARSE_MORE;
    if (found != WSM_PARSE_DONE) {
        *out_status = found == WSM_PARSE_BAD ? 400 : 431;
        *out_why = found == WSM_PARSE_BAD ? "line ends without CR" : "head larger than 64 KiB";
        return WSM_PARSE_BAD;
    }
    memset(&head, 0, offsetof(struct wsm_http_head, headers)); /* the rest is filled as needed */
    head.kind = kind;
    reader.left = wsm_span_of(in.ptr, len);
    if (!read_head(&reader)) {
        *out_status = reader.status;
        *out_why = reader.why;
        return WSM_PARSE_BAD;
    }
    memcpy(out, &head,
           offsetof(struct wsm_http_head, headers) + head.header_count * sizeof(head.headers[0]));
    *out_used = len;
    return WSM_PARSE_DONE;
}

bool wsm_http_header_nth(const struct wsm_http_head *head, const char *name, size_t index,
                         struct wsm_span *out)
{
    size_t i;

    for (i = 0; i < head->header_count; i++) {
        if (!wsm_span_is_nocase(head->headers[i].name, name))
            continue;
        if (index-- == 0) {
            *out = head->headers[i].value;
            return true;
        }
    }
    return false;
}

struct wsm_span wsm_http_header_find(const struct wsm_http_head *head, const char *name)
{
    struct wsm_span value = { NULL, 0 };

    (void)wsm_http_header_nth(head, name, 0, &value);
    return value;
}

static bool is_line_text(const char *text)
{
    for (; *text != '\0'; text++) {
        if (!wsm_http_is_text((uint8_t)*text))
            return false;
    }
    return true;
}

/* Spoils the buffer rather than let a text end its line early. */
static void append_text(struct wsm_buf *out, const char *text)
{
    if (is_line_text(text))
        wsm_buf_append_str(out, text);
    else
        out->failed = true;
}

static void append_headers(struct wsm_buf *out, const char *const *headers)
{
    for (; headers != NULL && *headers != NULL; headers++) {
        append_text(out, *headers);
        wsm_buf_append_str(out, "\r\n");
    }
}

static void append_request_start(struct wsm_buf *out, const char *target, const char *host,
                                 const char *const *headers)
{
    wsm_buf_append_str(out, "POST ");
    append_text(out, target);
    wsm_buf_append_str(out, " HTTP/1.1\r\nHost: ");
    append_text(out, host);
    wsm_buf_append_str(out, "\r\nConnection: Keep-Alive\r\n");
    append_headers(out, headers);
}

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        { 100, "Continue" },
        { 200, "OK" },
        { 400, "Bad Request" },
        { 401, "Unauthorized" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 413, "Content Too Large" },
        { 415, "Unsupported Media Type" },
        { 431, "Request Header Fields Too Large" },
        { 500, "Internal Server Error" },
        { 501, "Not Implemented" },
        { 503, "Service Unavailable" },
        { 505, "HTTP Version Not Supported" },
    };
    size_t i;

    for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reasons[i].status == status)
            return reasons[i].reason;
    }
    return "";
}

static void append_response_start(struct wsm_buf *out, int status, const char *const *headers)
{
    wsm_buf_printf(out, "HTTP/1.1 %d %s\r\n", status, reason_of(status));
    append_headers(out, headers);
}

void wsm_http_request_write(struct wsm_buf *out, const char *target, const char *host,
                            const char *const *headers, size_t content_length)
{
    append_request_start(out, target, host, headers);
    wsm_buf_printf(out, "Content-Length: %zu\r\n\r\n", content_length);
}

void wsm_http_response_write(struct wsm_buf *out, int status, const char *const *headers,
                             size_t content_length, bool close)
{
    append_response_start(out, status, headers);
    if (close)
        wsm_buf_append_str(out, "Connection: close\r\n");
    if (status >= 200) /* RFC 9110, 8.6: not in an interim response */
        wsm_buf_printf(out, "Content-Length: %zu\r\n", content_length);
    wsm_buf_append_str(out, "\r\n");
}

/* Leading blanks belong to no header value, so the number can be filled in later. */
static size_t append_open_length(struct wsm_buf *out)
{
    size_t position;

    wsm_buf_append_str(out, "Content-Length:");
    position = out->len;
    wsm_buf_printf(out, "%*s\r\n\r\n", LENGTH_FIELD_WIDTH + 1, "");
    return position;
}

size_t wsm_http_response_write_open(struct wsm_buf *out, int status, const char *const *headers)
{
    append_response_start(out, status, headers);
    return append_open_length(out);
}

size_t wsm_http_request_write_open(struct wsm_buf *out, const char *target, const char *host,
                                   const char *const *headers)
{
    append_request_start(out, target, host, headers);
    return append_open_length(out);
}

void wsm_http_length_fill(struct wsm_buf *out, size_t position, size_t body_len)
{
    uint8_t *at;

    if (!wsm_buf_ok(out))
        return; /* the field may not be there */
    at = out->ptr + position + LENGTH_FIELD_WIDTH + 1;
    do {
        *--at = (uint8_t)('0' + body_len % 10);
        body_len /= 10;
    } while (body_len != 0);
}
