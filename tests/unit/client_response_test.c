/* HTTP responses put together from bytes as they come. */
#include "client/http_response.h"

#include "wsmerror.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static enum wsm_parse feed(struct wsm_http_response *response, struct wsm_buf *in, const char *text,
                           size_t count, struct wsm_error *err)
{
    wsm_buf_append(in, text, count);
    assert_true(wsm_buf_ok(in));
    return wsm_http_response_feed(response, in, err);
}

static void assert_body(const struct wsm_http_response *response, const char *body)
{
    size_t len = response->bytes.len - response->body_offset;

    assert_int_equal(len, strlen(body));
    if (len > 0)
        assert_memory_equal(response->bytes.ptr + response->body_offset, body, len);
}

/* Whole, and byte by byte. */
static void assert_reads(const char *text, int status, const char *body, bool keep_alive)
{
    size_t len = strlen(text);
    size_t step;
    size_t i;

    for (step = 1; step <= len; step += len - 1) {
        struct wsm_http_response response = { .body_max = 1000 };
        struct wsm_buf in = WSM_BUF_INIT;
        struct wsm_error err = WSM_ERROR_INIT;
        enum wsm_parse answer = WSM_PARSE_MORE;

        for (i = 0; i < len; i += step) {
            assert_int_equal(answer, WSM_PARSE_MORE);
            answer = feed(&response, &in, text + i, step, &err);
        }
        assert_int_equal(answer, WSM_PARSE_DONE);
        assert_int_equal(response.status, status);
        assert_int_equal(response.keep_alive, keep_alive);
        assert_int_equal(in.len, 0);
        assert_body(&response, body);
        wsm_http_response_reset(&response);
        wsm_buf_clear(&in);
    }
}

static void test_response_is_read_whole_and_byte_by_byte(void **state)
{
    (void)state;
    assert_reads("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello", true);
    assert_reads("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", 500, "", true);
    assert_reads("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", 200, "x",
                 false);
    assert_reads("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
                 200, "hello", true);
    assert_reads("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200,
                 "hi", true);
}

static void test_response_may_end_with_the_connection(void **state)
{
    static const char text[] = "HTTP/1.1 200 OK\r\n\r\nsome";
    struct wsm_http_response response = { .body_max = 1000 };
    struct wsm_buf in = WSM_BUF_INIT;
    struct wsm_error err = WSM_ERROR_INIT;

    (void)state;
    assert_int_equal(feed(&response, &in, text, strlen(text), &err), WSM_PARSE_MORE);
    assert_int_equal(wsm_http_response_eof(&response, &in, &err), WSM_PARSE_DONE);
    assert_body(&response, "some");
    wsm_http_response_reset(&response);
    wsm_buf_clear(&in);
}

static void assert_bad(const char *text, size_t max, uint32_t code)
{
    struct wsm_http_response response = { .body_max = max };
    struct wsm_buf in = WSM_BUF_INIT;
    struct wsm_error err = WSM_ERROR_INIT;

    assert_int_equal(feed(&response, &in, text, strlen(text), &err), WSM_PARSE_BAD);
    assert_int_equal(err.code, code);
    wsm_error_clear(&err);
    wsm_http_response_reset(&response);
    wsm_buf_clear(&in);
}

static void test_response_refuses_what_is_not_http(void **state)
{
    (void)state;
    assert_bad("SSH-2.0-OpenSSH\r\n\r\n", 10, ERROR_WSMAN_UNKNOWN_HTTP_STATUS_RETURNED);
    assert_bad("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", 10,
               ERROR_WSMAN_UNKNOWN_HTTP_STATUS_RETURNED);
    assert_bad("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxy", 10,
               ERROR_WSMAN_UNKNOWN_HTTP_STATUS_RETURNED);
    assert_bad("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 10,
               ERROR_WSMAN_UNKNOWN_HTTP_STATUS_RETURNED);
}

static void test_response_has_a_limit_in_every_framing(void **state)
{
    const uint32_t code = ERROR_WSMAN_MAX_ENVELOPE_SIZE_EXCEEDED;

    (void)state;
    assert_bad("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n", 10, code);
    assert_bad("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", 10, code);
    assert_bad("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n", 10,
               code);
    assert_bad("HTTP/1.1 200 OK\r\n\r\nhello world", 10, code);
}

static void assert_cut(const char *text)
{
    struct wsm_http_response response = { .body_max = 100 };
    struct wsm_buf in = WSM_BUF_INIT;
    struct wsm_error err = WSM_ERROR_INIT;

    assert_int_equal(feed(&response, &in, text, strlen(text), &err), WSM_PARSE_MORE);
    assert_int_equal(wsm_http_response_eof(&response, &in, &err), WSM_PARSE_BAD);
    assert_int_equal(err.code, ERROR_WSMAN_NETWORK_TIMEDOUT);
    wsm_error_clear(&err);
    wsm_http_response_reset(&response);
    wsm_buf_clear(&in);
}

static void test_response_that_is_cut_off_is_an_error(void **state)
{
    (void)state;
    assert_cut("");
    assert_cut("HTTP/1.1 200 OK\r\nContent-");
    assert_cut("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell");
    assert_cut("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_response_is_read_whole_and_byte_by_byte),
        cmocka_unit_test(test_response_may_end_with_the_connection),
        cmocka_unit_test(test_response_refuses_what_is_not_http),
        cmocka_unit_test(test_response_has_a_limit_in_every_framing),
        cmocka_unit_test(test_response_that_is_cut_off_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
