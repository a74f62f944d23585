/* Tests of src/monitor/listen_address.c. */
#include "monitor/listen_address.h"
#include "wsmerror.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_listen_address_round_trips(void **state)
{
    static const struct {
        const char *text, *written;
        bool is_loopback;
    } cases[] = {
        { "127.0.0.1:5985", "127.0.0.1:5985", true },
        { "127.1.2.3:0", "127.1.2.3:0", true },
        { "0.0.0.0:65535", "0.0.0.0:65535", false },
        { "192.0.2.7:00080", "192.0.2.7:80", false },
        { "[::1]:5985", "[::1]:5985", true },
        { "[::]:5985", "[::]:5985", false },
        { "[2001:DB8:0::1]:1", "[2001:db8::1]:1", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct wsm_listen_address address;
        char text[WSM_LISTEN_TEXT_SIZE];

        assert_true(wsm_listen_address_parse(wsm_span_str(cases[i].text), &address, NULL));
        wsm_listen_address_write(&address, text);
        assert_string_equal(text, cases[i].written);
        assert_int_equal(wsm_listen_address_is_loopback(&address), cases[i].is_loopback);
        wsm_listen_address_set_port(&address, 77);
        assert_int_equal(wsm_listen_address_port(&address), 77);
    }
}

static void test_listen_address_refuses_all_else(void **state)
{
    static const char *const texts[] = {
        "",
        ":",
        "5985",
        ":5985",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "127.0.0.1:+1",
        "127.0.0.1: 1",
        "127.0.0.1:1x",
        "127.0.0.1:000001",
        "127.1:80",
        "127.0.0.1.1:80",
        "256.0.0.1:80",
        " 127.0.0.1:80",
        "::1:80",
        "[::1]",
        "[::1]80",
        "[]:80",
        "[127.0.0.1]:80",
        "[::1%lo]:80",
        "[:::1]:80",
        "localhost:80",
        "*:80",
        "[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb]:80",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct wsm_listen_address address;
        struct wsm_error err = WSM_ERROR_INIT;

        if (wsm_listen_address_parse(wsm_span_str(texts[i]), &address, &err))
            fail_msg("\"%s\" was taken", texts[i]);
        assert_int_equal(err.code, ERROR_INVALID_PARAMETER);
        wsm_error_clear(&err);
    }
    assert_false(wsm_listen_address_parse(wsm_span_of("127.0.0.1\0:80", 13),
                                          &(struct wsm_listen_address){ 0 }, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_listen_address_round_trips),
        cmocka_unit_test(test_listen_address_refuses_all_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
