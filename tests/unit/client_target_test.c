/* Connection strings, taken apart. */
#include "client/target.h"

#include "wsmerror.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_target_is_read(void **state)
{
    static const struct {
        const char *text;
        const char *host;
        unsigned port;
        const char *path;
        const char *host_header;
        const char *url;
    } rows[] = {
        { NULL, "localhost", 5985, "/wsman", "localhost:5985", "http://localhost:5985/wsman" },
        { "srv", "srv", 5985, "/wsman", "srv:5985", "http://srv:5985/wsman" },
        { "srv:80", "srv", 80, "/wsman", "srv:80", "http://srv:80/wsman" },
        { "HTTP://srv", "srv", 5985, "/wsman", "srv:5985", "http://srv:5985/wsman" },
        { "http://srv/", "srv", 5985, "/wsman", "srv:5985", "http://srv:5985/wsman" },
        { "srv/a/b", "srv", 5985, "/a/b", "srv:5985", "http://srv:5985/a/b" },
        { "srv?PSVersion=7", "srv", 5985, "/wsman?PSVersion=7", "srv:5985",
          "http://srv:5985/wsman?PSVersion=7" },
        { "http://srv:1/w?x=/y", "srv", 1, "/w?x=/y", "srv:1", "http://srv:1/w?x=/y" },
        { "[::1]", "::1", 5985, "/wsman", "[::1]:5985", "http://[::1]:5985/wsman" },
        { "[fe80::1%eth0]:65535", "fe80::1%eth0", 65535, "/wsman", "[fe80::1%eth0]:65535",
          "http://[fe80::1%eth0]:65535/wsman" },
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wsm_target target;

        assert_true(wsm_target_parse(rows[i].text, &target, NULL));
        assert_string_equal(target.host, rows[i].host);
        assert_int_equal(target.port, rows[i].port);
        assert_string_equal(target.path, rows[i].path);
        assert_string_equal(target.host_header, rows[i].host_header);
        assert_string_equal(target.url, rows[i].url);
        wsm_target_clear(&target);
    }
}

static void test_target_refuses_what_is_malformed(void **state)
{
    static const struct {
        const char *text;
        uint32_t code;
    } rows[] = {
        { "", ERROR_WSMAN_CONNECTIONSTR_INVALID },
        { ":5985", ERROR_WSMAN_CONNECTIONSTR_INVALID },
        { "/wsman", ERROR_WSMAN_CONNECTIONSTR_INVALID },
        { "a b", ERROR_WSMAN_CONNECTIONSTR_INVALID },
        { "a\r\nb", ERROR_WSMAN_CONNECTIONSTR_INVALID },
        { "a/b c", ERROR_WSMAN_CONNECTIONSTR_INVALID },
        { "a/b\r\nX: y", ERROR_WSMAN_CONNECTIONSTR_INVALID },
        { "[::1", ERROR_WSMAN_CONNECTIONSTR_INVALID },
        { "[::1]x", ERROR_WSMAN_CONNECTIONSTR_INVALID },
        { "[]", ERROR_WSMAN_CONNECTIONSTR_INVALID },
        { "user:pw@host", ERROR_WSMAN_PORT_INVALID },
        { "user@host", ERROR_WSMAN_CONNECTIONSTR_INVALID },
        { "::1", ERROR_WSMAN_CONNECTIONSTR_INVALID },
        { "fe80::1", ERROR_WSMAN_PORT_INVALID },
        { "a:", ERROR_WSMAN_PORT_INVALID },
        { "a:-1", ERROR_WSMAN_PORT_INVALID },
        { "a:4294967297", ERROR_WSMAN_PORT_INVALID },
        { "a:99999999999999999999", ERROR_WSMAN_PORT_INVALID },
        { "https://a", ERROR_WSMAN_TRANSPORT_NOT_SUPPORTED },
        { "://a", ERROR_WSMAN_TRANSPORT_NOT_SUPPORTED },
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wsm_target target = { .port = 7 };
        struct wsm_error err = WSM_ERROR_INIT;

        assert_false(wsm_target_parse(rows[i].text, &target, &err));
        assert_int_equal(err.code, rows[i].code);
        assert_int_equal(target.port, 7);
        wsm_error_clear(&err);
    }
}

static void test_target_has_limits(void **state)
{
    char text[WSM_TARGET_MAX + 2];
    struct wsm_target target;

    (void)state;
    memset(text, 'a', sizeof(text));
    text[WSM_TARGET_HOST_MAX] = '\0';
    assert_true(wsm_target_parse(text, &target, NULL));
    wsm_target_clear(&target);
    text[WSM_TARGET_HOST_MAX] = 'a';
    text[WSM_TARGET_HOST_MAX + 1] = '\0';
    assert_false(wsm_target_parse(text, &target, NULL));
    text[WSM_TARGET_HOST_MAX + 1] = 'a';
    memcpy(text, "http://a:5985/", 14); /* as long as its URL */
    text[WSM_TARGET_MAX] = '\0';
    assert_true(wsm_target_parse(text, &target, NULL));
    assert_string_equal(target.url, text);
    wsm_target_clear(&target);
    text[WSM_TARGET_MAX] = 'a';
    text[WSM_TARGET_MAX + 1] = '\0';
    assert_false(wsm_target_parse(text, &target, NULL));
}

/* What counts is the URL as it stands in a message. */
static void test_target_has_limits_as_escaped(void **state)
{
    char text[WSM_TARGET_MAX + 1];
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_target target;

    (void)state;
    memset(text, 'a', sizeof(text));
    memcpy(text, "http://a:5985/", 14);
    text[WSM_TARGET_MAX - 5] = '\0';
    text[20] = '&';
    assert_true(wsm_target_parse(text, &target, NULL));
    wsm_target_clear(&target);
    text[21] = '&';
    assert_false(wsm_target_parse(text, &target, &err));
    assert_int_equal(err.code, ERROR_WSMAN_CONNECTIONSTR_INVALID);
    wsm_error_clear(&err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_target_is_read),
        cmocka_unit_test(test_target_refuses_what_is_malformed),
        cmocka_unit_test(test_target_has_limits),
        cmocka_unit_test(test_target_has_limits_as_escaped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
