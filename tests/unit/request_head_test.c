/* What a head decides before anyone is asked for credentials. */
#include "server/request_head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static int take(struct wsm_request_head *head, const char *text)
{
    struct wsm_http_head parsed;
    size_t scanned = 0, used;
    int status;
    const char *why;

    *head = (struct wsm_request_head){ 0 };
    assert_int_equal(wsm_http_head_parse(WSM_HTTP_REQUEST, wsm_span_str(text), &scanned, &parsed,
                                         &used, &status, &why),
                     WSM_PARSE_DONE);
    return wsm_request_head_take(head, &parsed, used);
}

static void status_is(const char *text, int expected)
{
    struct wsm_request_head head;

    assert_int_equal(take(&head, text), expected);
    wsm_request_head_clear(&head);
}

static void test_request_head_keeps_what_is_needed(void **state)
{
    struct wsm_request_head head;

    (void)state;
    assert_int_equal(take(&head, "POST /WSMan?PSVersion=7.4 HTTP/1.1\r\nHost: srv.example:5985\r\n"
                                 "Content-Type: application/soap+xml;charset=UTF-8\r\n"
                                 "Content-Length: 12\r\n\r\n"),
                     0);
    assert_string_equal(head.url, "http://srv.example:5985/WSMan");
    assert_string_equal(head.machine, "srv.example");
    assert_int_equal(head.body_len, 12);
    assert_true(head.keep_alive);
    assert_true(wsm_request_head_has_more(&head));
    assert_int_equal(head.media, WSM_HTTP_MEDIA_SOAP_UTF8);
    wsm_request_head_clear(&head);
}

static void test_request_head_machine_of_an_address(void **state)
{
    struct wsm_request_head head;

    (void)state;
    assert_int_equal(take(&head, "POST /wsman HTTP/1.1\r\nHost: [::1]:5985\r\n\r\n"), 0);
    assert_string_equal(head.machine, "[::1]");
    assert_false(wsm_request_head_has_more(&head));
    wsm_request_head_clear(&head);
    assert_int_equal(take(&head, "POST http://proxy/wsman HTTP/1.1\r\nHost: h\r\n\r\n"), 0);
    assert_string_equal(head.machine, "h");
    wsm_request_head_clear(&head);
}

static void test_request_head_other_paths_are_not_found(void **state)
{
    (void)state;
    status_is("POST / HTTP/1.1\r\nHost: h\r\n\r\n", 404);
    status_is("POST /wsman/ HTTP/1.1\r\nHost: h\r\n\r\n", 404);
    status_is("POST /wsmanx HTTP/1.1\r\nHost: h\r\n\r\n", 404);
    status_is("POST /x?/wsman HTTP/1.1\r\nHost: h\r\n\r\n", 404);
    status_is("POST http://h HTTP/1.1\r\nHost: h\r\n\r\n", 404);
}

static void test_request_head_other_methods_are_refused(void **state)
{
    (void)state;
    status_is("GET /wsman HTTP/1.1\r\nHost: h\r\n\r\n", 405);
    status_is("post /wsman HTTP/1.1\r\nHost: h\r\n\r\n", 405);
    status_is("PUT /wsman HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n", 405);
}

static void test_request_head_endless_host_is_refused(void **state)
{
    struct wsm_buf text = WSM_BUF_INIT;

    (void)state;
    wsm_buf_append_str(&text, "POST /wsman HTTP/1.1\r\nHost: ");
    for (int i = 0; i < WSM_HOST_HEADER_MAX + 1; i++)
        wsm_buf_append_byte(&text, 'h');
    wsm_buf_append_str(&text, "\r\n\r\n");
    wsm_buf_append_byte(&text, 0);
    status_is((const char *)text.ptr, 400);
    wsm_buf_clear(&text);
}

static void test_request_head_chunked_has_more_until_read(void **state)
{
    struct wsm_request_head head;

    (void)state;
    assert_int_equal(
        take(&head, "POST /wsman HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"), 0);
    assert_true(head.is_chunked);
    assert_true(wsm_request_head_has_more(&head));
    head.is_read = true;
    assert_false(wsm_request_head_has_more(&head));
    wsm_request_head_clear(&head);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_head_keeps_what_is_needed),
        cmocka_unit_test(test_request_head_machine_of_an_address),
        cmocka_unit_test(test_request_head_other_paths_are_not_found),
        cmocka_unit_test(test_request_head_other_methods_are_refused),
        cmocka_unit_test(test_request_head_endless_host_is_refused),
        cmocka_unit_test(test_request_head_chunked_has_more_until_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
