/* The chunked coding: in place, whole and byte by byte, and every way to be refused. */
#include "proto/http.h"

#include "guarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct guarded page;

/* Feeds `text` in pieces of `piece` bytes; data goes to *out. Stops at DONE or BAD. */
static enum wsm_parse feed(const char *text, size_t len, size_t piece, struct wsm_buf *out,
                           size_t *out_used)
{
    struct wsm_http_chunks chunks = { 0 };
    enum wsm_parse answer = WSM_PARSE_MORE;
    size_t at = 0;

    while (answer == WSM_PARSE_MORE && at < len) {
        size_t count = len - at < piece ? len - at : piece;
        uint8_t *bytes = guarded_copy(&page, text + at, count);
        size_t used = 0;

        answer = wsm_http_chunks_step(&chunks, bytes, &count, &used);
        wsm_buf_append(out, bytes, count);
        if (answer == WSM_PARSE_MORE)
            assert_int_equal(used, len - at < piece ? len - at : piece);
        at += used;
    }
    *out_used = at;
    assert_int_equal(chunks.total, out->len);
    return answer;
}

static void check_good(const char *text, const char *body)
{
    size_t len = strlen(text);
    size_t piece;

    for (piece = 1; piece <= len + 1; piece++) {
        struct wsm_buf out = WSM_BUF_INIT;
        size_t used = 0;

        assert_int_equal(feed(text, len, piece, &out, &used), WSM_PARSE_DONE);
        assert_int_equal(used, len);
        assert_true(wsm_span_is(wsm_buf_span(&out), body));
        wsm_buf_clear(&out);
    }
    for (piece = 0; piece < len; piece++) { /* every prefix */
        struct wsm_buf out = WSM_BUF_INIT;
        size_t used = 0;

        assert_int_equal(feed(text, piece, len, &out, &used), WSM_PARSE_MORE);
        wsm_buf_clear(&out);
    }
}

static void check_bad(const char *text, size_t len)
{
    size_t pieces[] = { 1, 2, 3, len };
    size_t i;

    for (i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct wsm_buf out = WSM_BUF_INIT;
        size_t used = 0;

        if (feed(text, len, pieces[i], &out, &used) != WSM_PARSE_BAD)
            fail_msg("accepted: %s", text);
        wsm_buf_clear(&out);
    }
}

static void test_chunks_are_read(void **state)
{
    (void)state;
    check_good("0\r\n\r\n", "");
    check_good("5\r\nhello\r\n0\r\n\r\n", "hello");
    check_good("5\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\n\r\n", "hello world");
    check_good("00000000000005\r\nhello\r\n00\r\n\r\n", "hello");
    check_good("a\r\n\r\n0\r\n\r\n\r\n0\r\n0\r\n\r\n", "\r\n0\r\n\r\n\r\n0");
    check_good("A\r\n0123456789\r\n0\r\n\r\n", "0123456789");
}

static void test_chunk_extensions_and_trailers_are_skipped(void **state)
{
    (void)state;
    check_good("5;name=value;q=\"a b\"\r\nhello\r\n0;last\r\n\r\n", "hello");
    check_good("5\r\nhello\r\n0\r\nA: b\r\nC:\r\n\r\n", "hello");
}

static void test_chunks_stop_before_the_next_message(void **state)
{
    static const char text[] = "1\r\nx\r\n0\r\n\r\nPOST /";
    struct wsm_http_chunks chunks = { 0 };
    size_t len = sizeof(text) - 1;
    uint8_t *bytes = guarded_copy(&page, text, len);
    size_t used = 0;

    (void)state;
    assert_int_equal(wsm_http_chunks_step(&chunks, bytes, &len, &used), WSM_PARSE_DONE);
    assert_int_equal(len, 1);
    assert_int_equal(used, sizeof(text) - 1 - 6);
    len = 6;
    assert_int_equal(wsm_http_chunks_step(&chunks, bytes + used, &len, &used), WSM_PARSE_DONE);
    assert_int_equal(used, 0);
    assert_int_equal(len, 0);
}

static void test_chunks_refuse_bad_framing(void **state)
{
    static const char *const bad[] = {
        "\r\n",
        "x",
        "-1\r\n",
        "+5\r\nhello\r\n",
        "0x5\r\nhello\r\n",
        " 5\r\nhello\r\n",
        "5 \r\nhello\r\n",
        "5\nhello\r\n",
        "5\rhello",
        "5\r\nhello\n",
        "5\r\nhello0\r\n",
        "5\r\nhello!\r\n0\r\n\r\n",
        "5\r\nhell\r\n0\r\n\r\n",
        "5\r\nhello\r\n\r\n0\r\n\r\n",
        ";ext\r\n",
        "5;ext\nhello\r\n",
        "5;e\x01\r\nhello\r\n",
        "5;e\rxt\r\nhello\r\n",
        "1000000000000000\r\n",
        "fffffffffffffffff\r\n",
        "10000000000000005\r\n",
        "0\r\nA: b\n\r\n",
        "0\r\n folded\r\n\r\n",
        "0\r\n: x\r\n\r\n",
        "0\r\nA\r\n\r\n",
        "0\r\nA : b\r\n\r\n",
        "0\r\nA: \x01\r\n\r\n",
        "0\r\nA: b\rc\r\n\r\n",
        "0\r\n\rx",
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        check_bad(bad[i], strlen(bad[i]));
    check_bad("5;\0\r\nhello\r\n", 13);
    check_bad("0\r\nA: \0\r\n\r\n", 11);
}

static void test_chunks_stay_bad(void **state)
{
    struct wsm_http_chunks chunks = { 0 };
    uint8_t bytes[] = "x5\r\nhello\r\n0\r\n\r\n";
    size_t len = 1;
    size_t used = 0;

    (void)state;
    assert_int_equal(wsm_http_chunks_step(&chunks, bytes, &len, &used), WSM_PARSE_BAD);
    len = sizeof(bytes) - 2;
    assert_int_equal(wsm_http_chunks_step(&chunks, bytes + 1, &len, &used), WSM_PARSE_BAD);
    assert_int_equal(len, 0);
}

static void check_repeated(const char *start, const char *unit, size_t times, const char *end,
                           enum wsm_parse expected)
{
    struct wsm_buf text = WSM_BUF_INIT;
    struct wsm_buf out = WSM_BUF_INIT;
    size_t used = 0;

    wsm_buf_append_str(&text, start);
    for (; times > 0; times--)
        wsm_buf_append_str(&text, unit);
    wsm_buf_append_str(&text, end);
    assert_int_equal(feed((const char *)text.ptr, text.len, 4096, &out, &used), expected);
    wsm_buf_clear(&text);
    wsm_buf_clear(&out);
}

static void test_chunks_limit_their_lines(void **state)
{
    (void)state;
    check_repeated("0;", "x", WSM_HTTP_CHUNK_LINE_MAX - 4, "\r\n\r\n", WSM_PARSE_DONE);
    check_repeated("0;", "x", WSM_HTTP_CHUNK_LINE_MAX - 1, "", WSM_PARSE_BAD);
    check_repeated("", "0", WSM_HTTP_CHUNK_LINE_MAX + 1, "", WSM_PARSE_BAD);
    check_repeated("0\r\nA: ", "x", 3000, "\r\n\r\n", WSM_PARSE_DONE);
    check_repeated("0\r\nA: ", "x", 5000, "", WSM_PARSE_BAD);
    check_repeated("0\r\n", "A: b\r\n", 1000, "\r\n", WSM_PARSE_BAD);
}

static void test_chunks_refuse_framing_that_costs_more_than_the_data(void **state)
{
    (void)state;
    check_repeated("", "1\r\nx\r\n", 100, "0\r\n\r\n", WSM_PARSE_DONE);
    check_repeated("", "1\r\nx\r\n", 1000000, "", WSM_PARSE_BAD);
    check_repeated("", "14;ext\r\n01234567890123456789\r\n", 5000, "0\r\n\r\n", WSM_PARSE_DONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunks_are_read),
        cmocka_unit_test(test_chunk_extensions_and_trailers_are_skipped),
        cmocka_unit_test(test_chunks_stop_before_the_next_message),
        cmocka_unit_test(test_chunks_refuse_bad_framing),
        cmocka_unit_test(test_chunks_stay_bad),
        cmocka_unit_test(test_chunks_limit_their_lines),
        cmocka_unit_test(test_chunks_refuse_framing_that_costs_more_than_the_data),
    };
    int failures;

    guarded_init(&page, 65536);
    failures = cmocka_run_group_tests(tests, NULL, NULL);
    guarded_clear(&page);
    return failures;
}
