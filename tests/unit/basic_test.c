/* Tests of src/auth/basic.c. */
#include "auth/basic.h"
#include "base/base64.h"
#include "wsmerror.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Header value for raw credentials. */
static struct wsm_span header(char out[4096], const char *scheme, const void *raw, size_t len)
{
    int used = snprintf(out, 4096, "%s", scheme);
    size_t encoded = wsm_base64_encoded_len(len);

    wsm_base64_encode(raw, len, (uint8_t *)out + used);
    return wsm_span_of(out, (size_t)used + encoded);
}

static void refused(struct wsm_span value)
{
    struct wsm_basic basic = WSM_BASIC_INIT;
    struct wsm_error err = WSM_ERROR_INIT;

    assert_false(wsm_basic_parse(value, &basic, &err));
    assert_int_equal(err.code, ERROR_LOGON_FAILURE);
    assert_null(basic.name);
    assert_null(basic.password);
    wsm_error_clear(&err);
}

static void accepted(struct wsm_span value, const char *name, const char *password)
{
    struct wsm_basic basic = WSM_BASIC_INIT;
    struct wsm_error err = WSM_ERROR_INIT;

    assert_true(wsm_basic_parse(value, &basic, &err));
    assert_string_equal(basic.name, name);
    assert_string_equal(basic.password, password);
    wsm_basic_clear(&basic);
    assert_null(basic.password);
}

static void test_basic_reads_what_clients_send(void **state)
{
    char text[4096];

    (void)state;
    accepted(wsm_span_str("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), "Aladdin", "open sesame");
    accepted(wsm_span_str("bASIC   QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), "Aladdin", "open sesame");
    accepted(header(text, "Basic ", "a:", 2), "a", "");
    accepted(header(text, "Basic ", "a::b:", 5), "a", ":b:");
    accepted(header(text, "Basic ", "j\xc3\xbcrg:p\xe2\x82\xacw", 11), "j\xc3\xbcrg",
             "p\xe2\x82\xacw");
    accepted(header(text, "Basic ", "DOM\\user:x", 10), "DOM\\user", "x");
}

static void test_basic_refuses_other_schemes_and_forms(void **state)
{
    static const char *const values[] = {
        "",
        "Basic",
        "Basic ",
        "Basic    ",
        "BasicQWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        "Basi QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        "Negotiate QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        " Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        "Basic\tQWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ",    /* no padding */
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ== ", /* white space */
        "Basic QWxhZGRp bjpvcGVuIHNlc2FtZQ==",
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==, x",
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZR==", /* unused bits */
        "Basic =",
        "Basic Zm9v", /* no colon */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        refused(wsm_span_str(values[i]));
}

static void test_basic_refuses_bad_characters(void **state)
{
    static const struct {
        const char *raw;
        size_t len;
    } cases[] = {
        { ":p", 2 },         { "a\0b:p", 5 },         { "a:p\0q", 5 }, { "a\nb:p", 5 },
        { "a:p\rq", 5 },     { "a\x7f:p", 4 },        { "a:\x7f", 3 }, { "a\xff:p", 4 },
        { "a:\xc3\x28", 4 }, { "a:\xed\xa0\x80", 5 },
    };
    char text[4096];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        refused(header(text, "Basic ", cases[i].raw, cases[i].len));
}

static void test_basic_holds_its_limits(void **state)
{
    char raw[2048], text[4096], name[WSM_BASIC_NAME_MAX + 1], password[WSM_BASIC_PASSWORD_MAX + 1];
    size_t longest = WSM_BASIC_NAME_MAX + 1 + WSM_BASIC_PASSWORD_MAX;

    (void)state;
    memset(raw, 'x', sizeof(raw));
    raw[WSM_BASIC_NAME_MAX] = ':';
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    memset(password, 'x', sizeof(password) - 1);
    password[sizeof(password) - 1] = '\0';
    accepted(header(text, "Basic ", raw, longest), name, password);
    refused(header(text, "Basic ", raw, longest + 1));
    refused(header(text, "Basic ", raw, sizeof(raw)));
    raw[WSM_BASIC_NAME_MAX] = 'x';
    raw[WSM_BASIC_NAME_MAX + 1] = ':';
    refused(header(text, "Basic ", raw, WSM_BASIC_NAME_MAX + 2));
}

static void test_basic_error_quotes_nothing(void **state)
{
    struct wsm_basic basic = WSM_BASIC_INIT;
    struct wsm_error err = WSM_ERROR_INIT;
    char text[4096];

    (void)state;
    assert_false(wsm_basic_parse(header(text, "Basic ", "bob:hunter2\n", 12), &basic, &err));
    assert_null(strstr(wsm_error_text(&err), "hunter2"));
    assert_null(strstr(wsm_error_text(&err), "bob"));
    wsm_error_clear(&err);
}

static void test_basic_writes_what_it_reads(void **state)
{
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_error err = WSM_ERROR_INIT;

    (void)state;
    assert_true(wsm_basic_write(&out, "Aladdin", "open sesame", &err));
    assert_true(wsm_span_is(wsm_buf_span(&out), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
    accepted(wsm_buf_span(&out), "Aladdin", "open sesame");
    wsm_buf_wipe(&out);
}

static void test_basic_writes_nothing_it_would_refuse(void **state)
{
    static const char *const pairs[][2] = {
        { "", "p" }, { "a:b", "p" }, { "a\n", "p" }, { "a", "p\n" }, { "a\xff", "p" },
    };
    struct wsm_buf out = WSM_BUF_INIT;

    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct wsm_error err = WSM_ERROR_INIT;

        assert_false(wsm_basic_write(&out, pairs[i][0], pairs[i][1], &err));
        assert_int_equal(err.code, ERROR_INVALID_PARAMETER);
        assert_int_equal(out.len, 0);
        wsm_error_clear(&err);
    }
    wsm_buf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_basic_reads_what_clients_send),
        cmocka_unit_test(test_basic_refuses_other_schemes_and_forms),
        cmocka_unit_test(test_basic_refuses_bad_characters),
        cmocka_unit_test(test_basic_holds_its_limits),
        cmocka_unit_test(test_basic_error_quotes_nothing),
        cmocka_unit_test(test_basic_writes_what_it_reads),
        cmocka_unit_test(test_basic_writes_nothing_it_would_refuse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
