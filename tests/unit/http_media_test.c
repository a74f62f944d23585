/* Media types as the clients write them. */
#include "proto/http.h"

#include "guarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct guarded page;

static void check(const char *text, enum wsm_http_media expected)
{
    size_t len = strlen(text);

    if (wsm_http_media_of(wsm_span_of(guarded_copy(&page, text, len), len)) != expected)
        fail_msg("not %d: %s", (int)expected, text);
}

static void test_media_knows_what_clients_send(void **state)
{
    (void)state;
    check("application/soap+xml;charset=UTF-8", WSM_HTTP_MEDIA_SOAP_UTF8);
    check("application/soap+xml; charset=utf-8", WSM_HTTP_MEDIA_SOAP_UTF8);
    check("application/soap+xml", WSM_HTTP_MEDIA_SOAP_UTF8);
    check("Application/SOAP+XML ;\tCharset=\"Utf-8\" ; ", WSM_HTTP_MEDIA_SOAP_UTF8);
    check("application/soap+xml;action=\"a;charset=x\\\"\";charset=UTF-8",
          WSM_HTTP_MEDIA_SOAP_UTF8);
    check("application/soap+xml;;", WSM_HTTP_MEDIA_SOAP_UTF8);
    check("application/soap+xml;charset=UTF-16", WSM_HTTP_MEDIA_SOAP_UTF16);
    check("application/soap+xml; charset=\"utf-16\"", WSM_HTTP_MEDIA_SOAP_UTF16);
    check("application/soap+xml;charset=utf-16LE", WSM_HTTP_MEDIA_SOAP_UTF16);
}

static void test_media_knows_other_charsets(void **state)
{
    (void)state;
    check("application/soap+xml;charset=iso-8859-1", WSM_HTTP_MEDIA_SOAP_OTHER_CHARSET);
    check("application/soap+xml;charset=utf-16be", WSM_HTTP_MEDIA_SOAP_OTHER_CHARSET);
    check("application/soap+xml;charset=utf-88", WSM_HTTP_MEDIA_SOAP_OTHER_CHARSET);
    check("application/soap+xml;charset=\"\"", WSM_HTTP_MEDIA_SOAP_OTHER_CHARSET);
}

static void test_media_refuses_the_rest(void **state)
{
    static const char *const other[] = {
        "",
        " ",
        "/",
        "application",
        "application/",
        "text/plain; charset=utf-8",
        "text/xml",
        "application/soap",
        "application/soap+xmlx",
        "xapplication/soap+xml",
        "application /soap+xml",
        "application/ soap+xml",
        "application/soap+xml charset=UTF-8",
        "application/soap+xml,charset=UTF-8",
        "application/soap+xml;charset",
        "application/soap+xml;charset=",
        "application/soap+xml;charset =UTF-8",
        "application/soap+xml;charset= UTF-8",
        "application/soap+xml;=UTF-8",
        "application/soap+xml;charset=\"UTF-8",
        "application/soap+xml;charset=\"UTF-8\\",
        "application/soap+xml;charset=\"UTF-8\"x",
        "application/soap+xml;charset=UTF-8;charset=UTF-16",
        "application/soap+xml;charset=UTF-8, text/plain",
        "multipart/encrypted;protocol=\"application/HTTP-SPNEGO-session-encrypted\"",
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(other) / sizeof(other[0]); i++)
        check(other[i], WSM_HTTP_MEDIA_OTHER);
    assert_int_equal(wsm_http_media_of(wsm_span_of(NULL, 0)), WSM_HTTP_MEDIA_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_media_knows_what_clients_send),
        cmocka_unit_test(test_media_knows_other_charsets),
        cmocka_unit_test(test_media_refuses_the_rest),
    };
    int failures;

    guarded_init(&page, 1024);
    failures = cmocka_run_group_tests(tests, NULL, NULL);
    guarded_clear(&page);
    return failures;
}
