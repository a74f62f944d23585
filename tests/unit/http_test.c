/* Heads of HTTP messages: what is read, what is refused, what is written. */
#include "proto/http.h"

#include "failing_alloc.h"
#include "guarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct guarded page;

struct result {
    enum wsm_parse answer;
    struct wsm_http_head head;
    size_t used;
    int status;
    const char *why;
};

static struct result parse(enum wsm_http_kind kind, const char *text, size_t len)
{
    struct result result = { .used = 99, .why = "" };
    size_t scanned = 0;

    result.answer = wsm_http_head_parse(kind, wsm_span_of(guarded_copy(&page, text, len), len),
                                        &scanned, &result.head, &result.used, &result.status,
                                        &result.why);
    return result;
}

static struct wsm_http_head good(enum wsm_http_kind kind, const char *text)
{
    struct result result = parse(kind, text, strlen(text));

    if (result.answer != WSM_PARSE_DONE)
        fail_msg("refused (%s): %s", result.why, text);
    assert_int_equal(result.used, strstr(text, "\r\n\r\n") + 4 - text);
    return result.head;
}

static void bad(enum wsm_http_kind kind, const char *text, size_t len, int status)
{
    struct result result = parse(kind, text, len);

    if (result.answer != WSM_PARSE_BAD)
        fail_msg("accepted: %s", text);
    if (result.status != status)
        fail_msg("status %d (%s) instead of %d: %s", result.status, result.why, status, text);
    assert_true(strlen(result.why) > 0);
    assert_int_equal(result.used, 99);
}

/* One request with these header lines. */
static struct wsm_http_head request_with(const char *lines)
{
    char text[1024];

    snprintf(text, sizeof(text), "POST /wsman HTTP/1.1\r\nHost: a\r\n%s\r\n", lines);
    return good(WSM_HTTP_REQUEST, text);
}

static void request_refused(const char *lines, int status)
{
    char text[1024];
    int len = snprintf(text, sizeof(text), "POST /wsman HTTP/1.1\r\nHost: a\r\n%s\r\n", lines);

    bad(WSM_HTTP_REQUEST, text, (size_t)len, status);
}

static struct wsm_http_head response_with(const char *status, const char *lines)
{
    char text[1024];

    snprintf(text, sizeof(text), "HTTP/1.1 %s\r\n%s\r\n", status, lines);
    return good(WSM_HTTP_RESPONSE, text);
}

static void response_refused(const char *start, const char *lines)
{
    char text[1024];
    int len = snprintf(text, sizeof(text), "%s\r\n%s\r\n", start, lines);

    bad(WSM_HTTP_RESPONSE, text, (size_t)len, 400);
}

static const char whole_request[] = "POST /wsman?PSVersion=7.4 HTTP/1.1\r\n"
                                    "Host: example.org:5985\r\n"
                                    "Connection: Keep-Alive\r\n"
                                    "Content-Type: application/soap+xml;charset=UTF-8\r\n"
                                    "Authorization: Basic dTpw\r\n"
                                    "X-Empty:\r\n"
                                    "X-Blanks: \t two words \t \r\n"
                                    "Content-Length: 1234\r\n\r\n";
static const char whole_response[] = "HTTP/1.1 401 Unauthorized, caf\xc3\xa9\r\n"
                                     "WWW-Authenticate: Negotiate\r\n"
                                     "www-authenticate: Basic realm=\"WSMAN\"\r\n"
                                     "Content-Length: 0\r\n\r\n";

static void test_http_reads_a_request(void **state)
{
    struct wsm_http_head head = good(WSM_HTTP_REQUEST, whole_request);

    (void)state;
    assert_int_equal(head.kind, WSM_HTTP_REQUEST);
    assert_true(wsm_span_is(head.method, "POST"));
    assert_true(wsm_span_is(head.target, "/wsman?PSVersion=7.4"));
    assert_true(head.keep_alive);
    assert_false(head.expect_continue);
    assert_int_equal(head.framing, WSM_HTTP_BODY_LENGTH);
    assert_int_equal(head.content_length, 1234);
    assert_int_equal(head.header_count, 7);
    assert_true(wsm_span_is(wsm_http_header_find(&head, "x-blanks"), "two words"));
    assert_int_equal(wsm_http_header_find(&head, "X-Empty").len, 0);
    assert_null(wsm_http_header_find(&head, "X-None").ptr);
}

static void test_http_reads_a_response(void **state)
{
    struct wsm_http_head head = good(WSM_HTTP_RESPONSE, whole_response);
    struct wsm_span value;

    (void)state;
    assert_int_equal(head.status, 401);
    assert_true(wsm_http_header_nth(&head, "WWW-Authenticate", 0, &value));
    assert_true(wsm_span_is(value, "Negotiate"));
    assert_true(wsm_http_header_nth(&head, "WWW-Authenticate", 1, &value));
    assert_true(wsm_span_is(value, "Basic realm=\"WSMAN\""));
    assert_false(wsm_http_header_nth(&head, "WWW-Authenticate", 2, &value));
}

static void check_prefixes(enum wsm_http_kind kind, const char *text)
{
    size_t len = strlen(text);
    size_t incremental = 0;
    size_t i;

    for (i = 0; i <= len; i++) {
        struct result fresh = parse(kind, text, i);
        struct wsm_http_head head;
        size_t used = 0;
        int status = 0;
        const char *why = NULL;
        enum wsm_parse answer = wsm_http_head_parse(kind,
                                                    wsm_span_of(guarded_copy(&page, text, i), i),
                                                    &incremental, &head, &used, &status, &why);

        assert_int_equal(fresh.answer, i < len ? WSM_PARSE_MORE : WSM_PARSE_DONE);
        assert_int_equal(answer, fresh.answer);
        assert_true(incremental <= i);
        if (answer == WSM_PARSE_DONE) {
            assert_int_equal(used, len);
            assert_int_equal(fresh.used, len);
            assert_int_equal(head.header_count, fresh.head.header_count);
            assert_int_equal(head.content_length, fresh.head.content_length);
        }
    }
}

static void test_http_every_prefix_gives_more(void **state)
{
    (void)state;
    check_prefixes(WSM_HTTP_REQUEST, whole_request);
    check_prefixes(WSM_HTTP_RESPONSE, whole_response);
    check_prefixes(WSM_HTTP_RESPONSE, "HTTP/1.1 200\r\n\r\n");
}

static void test_http_leaves_the_body_alone(void **state)
{
    static const char text[] = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n\n\r\n\r";
    struct result result = parse(WSM_HTTP_REQUEST, text, sizeof(text) - 1);

    (void)state;
    assert_int_equal(result.answer, WSM_PARSE_DONE);
    assert_int_equal(result.used, sizeof(text) - 1 - 4);
}

static void test_http_refuses_bad_request_lines(void **state)
{
    static const char *const lines[] = {
        "",
        "\r\nPOST / HTTP/1.1",
        "POST",
        "POST ",
        "POST /",
        "POST / ",
        "POST  / HTTP/1.1",
        "POST /  HTTP/1.1",
        "POST / HTTP/1.1 ",
        " POST / HTTP/1.1",
        "POST /a b HTTP/1.1",
        "POST\t/ HTTP/1.1",
        "POST /\tHTTP/1.1",
        "PO(ST / HTTP/1.1",
        "POST /\x7f HTTP/1.1",
        "POST /\xc3\xa9 HTTP/1.1",
        "POST / http/1.1",
        "POST / HTTP/1",
        "POST / HTTP/1.10",
        "POST / HTTP/11.",
        "POST / HTTP/x.y",
        "POST / HTTPS/1.1",
        "\x16\x03\x01\x02",
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        char text[256];
        int len = snprintf(text, sizeof(text), "%s\r\nHost: a\r\n\r\n", lines[i]);

        bad(WSM_HTTP_REQUEST, text, (size_t)len, 400);
    }
    bad(WSM_HTTP_REQUEST, "\x16", 1, 400); /* without waiting for the end of a line */
    bad(WSM_HTTP_RESPONSE, "\x15", 1, 400);
}

static void test_http_refuses_other_versions(void **state)
{
    static const char *const versions[] = { "2.0", "0.9", "1.2", "1.9", "3.0" };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        char text[256];
        int len = snprintf(text, sizeof(text), "POST / HTTP/%s\r\nHost: a\r\n\r\n", versions[i]);

        bad(WSM_HTTP_REQUEST, text, (size_t)len, 505);
    }
}

static void test_http_refuses_bad_status_lines(void **state)
{
    (void)state;
    response_refused("HTTP/1.1", "");
    response_refused("HTTP/1.1 ", "");
    response_refused("HTTP/1.1 20", "");
    response_refused("HTTP/1.1 2000", "");
    response_refused("HTTP/1.1 2x0 OK", "");
    response_refused("HTTP/1.1 099 OK", "");
    response_refused("HTTP/1.1 600 OK", "");
    response_refused("HTTP/1.1  200 OK", "");
    response_refused("HTTP/1.1\t200 OK", "");
    response_refused("HTTP/1.1 200\tOK", "");
    response_refused("HTTP/1.1 200 O\x01K", "");
    response_refused("HTTX/1.1 200 OK", "");
    response_refused("ICY 200 OK", "");
}

static void test_http_refuses_bad_header_lines(void **state)
{
    (void)state;
    request_refused("Name : v\r\n", 400);
    request_refused("Name\t: v\r\n", 400);
    request_refused("Name\r\n", 400);
    request_refused(": v\r\n", 400);
    request_refused("Na me: v\r\n", 400);
    request_refused("Na\xc3\xa9: v\r\n", 400);
    request_refused("A: b\r\n folded\r\n", 400);
    request_refused("A: b\r\n\tfolded\r\n", 400);
    request_refused(" A: b\r\n", 400);
    request_refused("A: b\x01\r\n", 400);
    request_refused("A: b\x7f\r\n", 400);
    request_refused("A: b\x1b[0m\r\n", 400);
    request_refused("A: b\rB: c\r\n", 400);
    request_refused("A: b\r\r\n", 400);
    bad(WSM_HTTP_REQUEST, "POST / HTTP/1.1\r\nHost: a\r\nA: \0\r\n\r\n", 34, 400);
    bad(WSM_HTTP_REQUEST, "POST / HTTP/1.1\r\nHost: a\r\n\0: b\r\n\r\n", 34, 400);
}

static void test_http_refuses_bare_line_feeds(void **state)
{
    static const char *const texts[] = {
        "POST / HTTP/1.1\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\n\n",
        "POST / HTTP/1.1\r\nHost: a\n\n",
        "POST / HTTP/1.1\r\nHost: a\nB: c\r\n\r\n",
        "POST / HTTP/1.1\n",
        "P\n",
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        bad(WSM_HTTP_REQUEST, texts[i], strlen(texts[i]), 400);
}

static void test_http_reads_lengths(void **state)
{
    (void)state;
    assert_int_equal(request_with("").content_length, 0);
    assert_int_equal(request_with("content-length: 0\r\n").content_length, 0);
    assert_int_equal(request_with("Content-Length:      512000\r\n").content_length, 512000);
    assert_int_equal(
        request_with("Content-Length: 0000000000000000000000000007\r\n").content_length, 7);
    assert_true(request_with("Content-Length: 1844674407370955160\r\n").content_length ==
                1844674407370955160U);
}

static void test_http_refuses_bad_lengths(void **state)
{
    (void)state;
    request_refused("Content-Length: 5\r\nContent-Length: 5\r\n", 400);
    request_refused("Content-Length: 5\r\nA: b\r\ncontent-length: 6\r\n", 400);
    request_refused("Content-Length: 5, 5\r\n", 400);
    request_refused("Content-Length: 5,6\r\n", 400);
    request_refused("Content-Length:\r\n", 400);
    request_refused("Content-Length: -1\r\n", 400);
    request_refused("Content-Length: +1\r\n", 400);
    request_refused("Content-Length: 0x10\r\n", 400);
    request_refused("Content-Length: 1 0\r\n", 400);
    request_refused("Content-Length: 1.0\r\n", 400);
    request_refused("Content-Length: \xef\xbc\x91\r\n", 400);
    request_refused("Content-Length: 18446744073709551616\r\n", 400);
    request_refused("Content-Length: 99999999999999999999999999\r\n", 400);
}

static void test_http_reads_chunked(void **state)
{
    (void)state;
    assert_int_equal(request_with("Transfer-Encoding: chunked\r\n").framing, WSM_HTTP_BODY_CHUNKED);
    assert_int_equal(request_with("transfer-encoding:CHUNKED\r\n").framing, WSM_HTTP_BODY_CHUNKED);
    assert_int_equal(response_with("200 OK", "Transfer-Encoding: chunked\r\n").framing,
                     WSM_HTTP_BODY_CHUNKED);
}

static void test_http_refuses_ambiguous_codings(void **state)
{
    (void)state;
    request_refused("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", 400);
    request_refused("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400);
    request_refused("Content-Length: 0\r\nTransfer-Encoding: identity\r\n", 400);
    request_refused("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400);
    request_refused("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", 400);
    request_refused("Transfer-Encoding: gzip, chunked\r\n", 501);
    request_refused("Transfer-Encoding: chunked, gzip\r\n", 501);
    request_refused("Transfer-Encoding: chunked, chunked\r\n", 501);
    request_refused("Transfer-Encoding: gzip\r\n", 501);
    request_refused("Transfer-Encoding: xchunked\r\n", 501);
    request_refused("Transfer-Encoding: \"chunked\"\r\n", 501);
    request_refused("Transfer-Encoding:\r\n", 501);
    response_refused("HTTP/1.1 200 OK", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n");
    response_refused("HTTP/1.0 200 OK", "Transfer-Encoding: chunked\r\n");
}

static void test_http_wants_one_host(void **state)
{
    static const char no_host[] = "POST / HTTP/1.1\r\nA: b\r\n\r\n";

    (void)state;
    bad(WSM_HTTP_REQUEST, no_host, strlen(no_host), 400);
    (void)good(WSM_HTTP_REQUEST, "POST / HTTP/1.0\r\n\r\n");
    (void)good(WSM_HTTP_REQUEST, "POST / HTTP/1.1\r\nHost:\r\n\r\n");
    (void)good(WSM_HTTP_REQUEST, "POST / HTTP/1.1\r\nhost: [::1]:5985\r\n\r\n");
    request_refused("Host: b\r\n", 400);
    request_refused("host: a\r\n", 400);
    bad(WSM_HTTP_REQUEST, "POST / HTTP/1.1\r\nHost: a b\r\n\r\n", 31, 400);
    bad(WSM_HTTP_REQUEST, "POST / HTTP/1.1\r\nHost: a,b\r\n\r\n", 31, 400);
    bad(WSM_HTTP_REQUEST, "POST / HTTP/1.1\r\nHost: u@b\r\n\r\n", 31, 400);
    bad(WSM_HTTP_REQUEST, "POST / HTTP/1.1\r\nHost: \xc3\xa9x\r\n\r\n", 31, 400);
}

static void test_http_refuses_a_second_field_that_decides(void **state)
{
    (void)state;
    request_refused("Authorization: Basic QQ==\r\nauthorization: Basic Qg==\r\n", 400);
    request_refused("Content-Type: text/plain\r\nContent-Type: application/soap+xml\r\n", 400);
    (void)request_with("Accept: a\r\nAccept: b\r\n");
}

static void test_http_keep_alive_follows_version_and_connection(void **state)
{
    static const struct {
        const char *version;
        const char *connection;
        bool keep_alive;
    } cases[] = {
        { "1.1", "", true },
        { "1.1", "Connection: close\r\n", false },
        { "1.1", "Connection: CLOSE\r\n", false },
        { "1.1", "Connection: Keep-Alive\r\n", true },
        { "1.1", "Connection: keep-alive, close\r\n", false },
        { "1.1", "Connection: TE , , close\r\n", false },
        { "1.1", "Connection: TE\r\nConnection: close\r\n", false },
        { "1.1", "Connection: closed\r\n", true },
        { "1.1", "Connection:\r\n", true },
        { "1.1", "Proxy-Connection: close\r\n", true },
        { "1.0", "", false },
        { "1.0", "Connection: close\r\n", false },
        { "1.0", "Connection: Keep-Alive\r\n", true },
        { "1.0", "Connection: close, keep-alive\r\n", false },
        { "1.0", "Connection: keep-alive\r\nConnection: close\r\n", false },
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[256];

        snprintf(text, sizeof(text), "POST / HTTP/%s\r\nHost: a\r\n%s\r\n", cases[i].version,
                 cases[i].connection);
        assert_int_equal(good(WSM_HTTP_REQUEST, text).keep_alive, cases[i].keep_alive);
        snprintf(text, sizeof(text), "HTTP/%s 200 OK\r\nContent-Length: 0\r\n%s\r\n",
                 cases[i].version, cases[i].connection);
        assert_int_equal(good(WSM_HTTP_RESPONSE, text).keep_alive, cases[i].keep_alive);
    }
    request_refused("Connection: a b\r\n", 400);
    request_refused("Connection: close;now\r\n", 400);
    request_refused("Connection: \"close\"\r\n", 400);
}

static void test_http_sees_expect_continue(void **state)
{
    (void)state;
    assert_true(request_with("Expect: 100-continue\r\n").expect_continue);
    assert_true(request_with("expect: 100-Continue\r\n").expect_continue);
    assert_false(request_with("Expect: something\r\n").expect_continue);
    assert_false(
        good(WSM_HTTP_REQUEST, "POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n").expect_continue);
}

static void test_http_knows_how_a_response_ends(void **state)
{
    struct wsm_http_head head = response_with("200 OK", "");

    (void)state;
    assert_int_equal(head.framing, WSM_HTTP_BODY_UNTIL_CLOSE);
    assert_false(head.keep_alive);
    head = response_with("200 OK", "Content-Length: 5\r\n");
    assert_int_equal(head.framing, WSM_HTTP_BODY_LENGTH);
    assert_true(head.keep_alive);
    head = response_with("100 Continue", "");
    assert_int_equal(head.framing, WSM_HTTP_BODY_LENGTH);
    assert_int_equal(head.content_length, 0);
    head = response_with("204 No Content", "");
    assert_int_equal(head.framing, WSM_HTTP_BODY_LENGTH);
    head = response_with("304 Not Modified", "Content-Length: 100\r\n");
    assert_int_equal(head.content_length, 0);
    response_refused("HTTP/1.1 100 Continue", "Content-Length: 5\r\n");
    response_refused("HTTP/1.1 204 No Content", "Content-Length: 5\r\n");
    response_refused("HTTP/1.1 204 No Content", "Transfer-Encoding: chunked\r\n");
    response_refused("HTTP/1.1 200 OK", "Content-Length: 5\r\nContent-Length: 5\r\n");
}

/* A request head of exactly `len` bytes; owned, free(). */
static char *head_of_size(size_t len)
{
    static const char start[] = "POST / HTTP/1.1\r\nHost: a\r\nA: ";
    char *text = malloc(len + 1);

    assert_non_null(text);
    memset(text, 'x', len);
    memcpy(text, start, sizeof(start) - 1);
    memcpy(text + len - 4, "\r\n\r\n", 5);
    return text;
}

static void test_http_limits_the_size_of_a_head(void **state)
{
    char *text = head_of_size(WSM_HTTP_HEAD_MAX);

    (void)state;
    assert_int_equal(parse(WSM_HTTP_REQUEST, text, WSM_HTTP_HEAD_MAX - 1).answer, WSM_PARSE_MORE);
    (void)good(WSM_HTTP_REQUEST, text);
    free(text);
    text = head_of_size(WSM_HTTP_HEAD_MAX + 1);
    bad(WSM_HTTP_REQUEST, text, WSM_HTTP_HEAD_MAX, 431); /* before anyone waits for more */
    bad(WSM_HTTP_REQUEST, text, WSM_HTTP_HEAD_MAX + 1, 431);
    free(text);
}

static void test_http_limits_the_number_of_headers(void **state)
{
    struct wsm_buf text = WSM_BUF_INIT;
    int i;

    (void)state;
    wsm_buf_append_str(&text, "POST / HTTP/1.1\r\nHost: a\r\n");
    for (i = 1; i < WSM_HTTP_HEADERS_MAX; i++)
        wsm_buf_append_str(&text, "A: b\r\n");
    wsm_buf_append(&text, "\r\n", 3);
    assert_int_equal(good(WSM_HTTP_REQUEST, (const char *)text.ptr).header_count,
                     WSM_HTTP_HEADERS_MAX);
    text.len -= 3;
    wsm_buf_append(&text, "A: b\r\n\r\n", 9);
    bad(WSM_HTTP_REQUEST, (const char *)text.ptr, text.len - 1, 431);
    wsm_buf_clear(&text);
}

static void test_http_writes_what_it_reads(void **state)
{
    static const char *const lines[] = { "Content-Type: a/b", "User-Agent: x", NULL };
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_http_head head;

    (void)state;
    wsm_http_request_write(&out, "/wsman", "h:5985", lines, 17);
    wsm_buf_append_byte(&out, 0);
    head = good(WSM_HTTP_REQUEST, (const char *)out.ptr);
    assert_true(wsm_span_is(head.method, "POST"));
    assert_true(wsm_span_is(head.target, "/wsman"));
    assert_true(wsm_span_is(wsm_http_header_find(&head, "Host"), "h:5985"));
    assert_true(wsm_span_is(wsm_http_header_find(&head, "User-Agent"), "x"));
    assert_true(wsm_span_is(wsm_http_header_find(&head, "Connection"), "Keep-Alive"));
    assert_int_equal(head.content_length, 17);

    wsm_buf_reset(&out);
    wsm_http_response_write(&out, 500, NULL, 0, true);
    wsm_buf_append_byte(&out, 0);
    assert_string_equal((const char *)out.ptr, "HTTP/1.1 500 Internal Server Error\r\n"
                                               "Connection: close\r\nContent-Length: 0\r\n\r\n");
    head = good(WSM_HTTP_RESPONSE, (const char *)out.ptr);
    assert_false(head.keep_alive);

    wsm_buf_reset(&out);
    wsm_http_response_write(&out, 100, NULL, 0, false);
    assert_true(wsm_span_is(wsm_buf_span(&out), "HTTP/1.1 100 Continue\r\n\r\n"));
    wsm_buf_reset(&out);
    wsm_http_response_write(&out, 299, NULL, 0, false); /* a code without a reason of ours */
    wsm_buf_append_byte(&out, 0);
    assert_int_equal(good(WSM_HTTP_RESPONSE, (const char *)out.ptr).status, 299);
    wsm_buf_clear(&out);
}

static void test_http_fills_an_open_length(void **state)
{
    static const size_t lengths[] = { 0, 7, 10, 524288, SIZE_MAX / 16 };
    static const char *const lines[] = { "A: b", NULL };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct wsm_buf out = WSM_BUF_INIT;
        struct wsm_http_head head;
        size_t position = wsm_http_response_write_open(&out, 200, lines);

        wsm_buf_append(&out, "body", 5);
        wsm_http_length_fill(&out, position, lengths[i]);
        head = good(WSM_HTTP_RESPONSE, (const char *)out.ptr);
        assert_true(head.content_length == lengths[i]);
        assert_true(wsm_span_is(wsm_http_header_find(&head, "A"), "b"));

        wsm_buf_reset(&out);
        position = wsm_http_request_write_open(&out, "/x", "h", NULL);
        wsm_buf_append(&out, "body", 5);
        wsm_http_length_fill(&out, position, lengths[i]);
        head = good(WSM_HTTP_REQUEST, (const char *)out.ptr);
        assert_true(head.content_length == lengths[i]);
        wsm_buf_clear(&out);
    }
}

static void test_http_writes_no_line_that_a_text_smuggled_in(void **state)
{
    static const char *const lines[] = { "A: b\r\nC: d", NULL };
    struct wsm_buf out = WSM_BUF_INIT;

    (void)state;
    wsm_http_request_write(&out, "/a\r\nB: c", "h", NULL, 0);
    assert_false(wsm_buf_ok(&out));
    wsm_buf_reset(&out);
    wsm_http_request_write(&out, "/a", "h\n", NULL, 0);
    assert_false(wsm_buf_ok(&out));
    wsm_buf_reset(&out);
    wsm_http_response_write(&out, 200, lines, 0, false);
    assert_false(wsm_buf_ok(&out));
    wsm_buf_reset(&out);
    wsm_http_length_fill(&out, wsm_http_response_write_open(&out, 200, lines), 5);
    assert_false(wsm_buf_ok(&out));
    wsm_buf_clear(&out);
}

static bool write_message(void *context)
{
    static const char *const lines[] = { "Content-Type: application/soap+xml;charset=UTF-8", NULL };
    struct wsm_buf out = WSM_BUF_INIT;
    size_t position;
    bool ok;
    int i;

    (void)context;
    position = wsm_http_response_write_open(&out, 200, lines);
    for (i = 0; i < 200; i++)
        wsm_buf_append_str(&out, "0123456789");
    wsm_http_length_fill(&out, position, 2000);
    ok = wsm_buf_ok(&out);
    wsm_buf_clear(&out);
    return ok;
}

static void test_http_reports_a_failed_allocation(void **state)
{
    (void)state;
    assert_true(failing_alloc_each("http writers", write_message, NULL) >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http_reads_a_request),
        cmocka_unit_test(test_http_reads_a_response),
        cmocka_unit_test(test_http_every_prefix_gives_more),
        cmocka_unit_test(test_http_leaves_the_body_alone),
        cmocka_unit_test(test_http_refuses_bad_request_lines),
        cmocka_unit_test(test_http_refuses_other_versions),
        cmocka_unit_test(test_http_refuses_bad_status_lines),
        cmocka_unit_test(test_http_refuses_bad_header_lines),
        cmocka_unit_test(test_http_refuses_bare_line_feeds),
        cmocka_unit_test(test_http_reads_lengths),
        cmocka_unit_test(test_http_refuses_bad_lengths),
        cmocka_unit_test(test_http_reads_chunked),
        cmocka_unit_test(test_http_refuses_ambiguous_codings),
        cmocka_unit_test(test_http_wants_one_host),
        cmocka_unit_test(test_http_refuses_a_second_field_that_decides),
        cmocka_unit_test(test_http_keep_alive_follows_version_and_connection),
        cmocka_unit_test(test_http_sees_expect_continue),
        cmocka_unit_test(test_http_knows_how_a_response_ends),
        cmocka_unit_test(test_http_limits_the_size_of_a_head),
        cmocka_unit_test(test_http_limits_the_number_of_headers),
        cmocka_unit_test(test_http_writes_what_it_reads),
        cmocka_unit_test(test_http_fills_an_open_length),
        cmocka_unit_test(test_http_writes_no_line_that_a_text_smuggled_in),
        cmocka_unit_test(test_http_reports_a_failed_allocation),
    };
    int failures;

    guarded_init(&page, WSM_HTTP_HEAD_MAX + 1024);
    failures = cmocka_run_group_tests(tests, NULL, NULL);
    guarded_clear(&page);
    return failures;
}
