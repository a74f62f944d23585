/* HOST as typed: what is understood, and what is refused with which words. */
#include "cli/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect(const char *text, const char *user, const char *url, bool is_loopback)
{
    struct wsm_cli_host host;
    const char *reason = "";

    if (!wsm_cli_host_parse(text, &host, &reason))
        fail_msg("\"%s\" refused: %s", text, reason);
    if (user == NULL)
        assert_null(host.user);
    else
        assert_string_equal(host.user, user);
    assert_string_equal(host.url, url);
    assert_int_equal(host.is_loopback, is_loopback);
    assert_int_equal(host.is_plain, strncmp(url, "http:", 5) == 0);
    wsm_cli_host_clear(&host);
}

static void expect_refused(const char *text, const char *words)
{
    struct wsm_cli_host host = { .label = (char *)(uintptr_t) "untouched" };
    const char *reason = "";

    if (wsm_cli_host_parse(text, &host, &reason))
        fail_msg("\"%s\" was accepted", text);
    assert_string_equal(host.label, "untouched");
    if (strstr(reason, words) == NULL)
        fail_msg("\"%s\": expected \"%s\", got \"%s\"", text, words, reason);
}

static void test_host_name_forms_are_understood(void **state)
{
    (void)state;
    expect("server", NULL, "http://server/wsman", false);
    expect("server:80", NULL, "http://server:80/wsman", false);
    expect("alice@server", "alice", "http://server/wsman", false);
    expect("alice@EXAMPLE.ORG@server:5985", "alice@EXAMPLE.ORG", "http://server:5985/wsman", false);
    expect("DOM\\alice@server", "DOM\\alice", "http://server/wsman", false);
    expect("a_b.example.org", NULL, "http://a_b.example.org/wsman", false);
    expect("server:65535", NULL, "http://server:65535/wsman", false);
}

static void test_host_addresses_are_understood(void **state)
{
    (void)state;
    expect("127.0.0.1", NULL, "http://127.0.0.1/wsman", true);
    expect("[::1]", NULL, "http://[::1]/wsman", true);
    expect("bob@[::1]:1234", "bob", "http://[::1]:1234/wsman", true);
    expect("[2001:db8::1]", NULL, "http://[2001:db8::1]/wsman", false);
    expect("[0:0:0:0:0:0:0:1]", NULL, "http://[0:0:0:0:0:0:0:1]/wsman", true);
}

static void test_host_urls_are_understood(void **state)
{
    (void)state;
    expect("http://server", NULL, "http://server/wsman", false);
    expect("HTTP://localhost:5985/wsman", NULL, "http://localhost:5985/wsman", true);
    expect("https://alice@server:443/a/b?c=d", "alice", "https://server:443/a/b?c=d", false);
    expect("http://[::1]:1/", NULL, "http://[::1]:1/", true);
    expect("http://server?x", NULL, "http://server?x", false);
}

static void test_host_loopback_is_only_what_is_spelled_so(void **state)
{
    (void)state;
    expect("localhost", NULL, "http://localhost/wsman", true);
    expect("LOCALHOST:1", NULL, "http://LOCALHOST:1/wsman", true);
    expect("127.255.0.9", NULL, "http://127.255.0.9/wsman", true);
    expect("127.0.0.1.example.org", NULL, "http://127.0.0.1.example.org/wsman", false);
    expect("localhost.example.org", NULL, "http://localhost.example.org/wsman", false);
    expect("127.1", NULL, "http://127.1/wsman", false);
    expect("[::ffff:7f00:1]", NULL, "http://[::ffff:7f00:1]/wsman", false);
    expect("128.0.0.1", NULL, "http://128.0.0.1/wsman", false);
}

static void test_host_wrong_ports_are_refused(void **state)
{
    (void)state;
    expect_refused("server:", "missing");
    expect_refused("server:0", "1 to 65535");
    expect_refused("server:65536", "1 to 65535");
    expect_refused("server:099999", "1 to 65535");
    expect_refused("server:+1", "1 to 65535");
    expect_refused("server:1x", "1 to 65535");
    expect_refused("[::1]:", "missing");
    expect_refused("[::1]80", "may follow");
}

static void test_host_wrong_names_are_refused(void **state)
{
    char longer[256];

    (void)state;
    memset(longer, 'a', 254);
    longer[254] = '\0';
    expect_refused(longer, "253");
    expect_refused("", "missing");
    expect_refused(":80", "missing");
    expect_refused("alice@", "missing");
    expect_refused("@server", "user name");
    expect_refused("::1", "brackets");
    expect_refused("[::1", "']'");
    expect_refused("[::g]", "not an IPv6");
    expect_refused("[]", "not an IPv6");
    expect_refused("ser ver", "blank");
    expect_refused("ser\nver", "blank");
    expect_refused("server/wsman", "http://");
    expect_refused("s\xc3\xa4rver", "character");
    expect_refused("-u", "begin");
}

static void test_host_wrong_urls_are_refused(void **state)
{
    char longer[2100] = "http://server/";

    (void)state;
    memset(longer + 14, 'a', sizeof(longer) - 15);
    longer[sizeof(longer) - 1] = '\0';
    expect_refused(longer, "2048");
    expect_refused("ftp://server", "http://");
    expect_refused("http://", "missing");
    expect_refused("http:///wsman", "missing");
    expect_refused("http://alice:secret@server", "password");
    expect_refused("http://server/#x", "'#'");
    expect_refused("https://server:port/", "1 to 65535");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_name_forms_are_understood),
        cmocka_unit_test(test_host_addresses_are_understood),
        cmocka_unit_test(test_host_urls_are_understood),
        cmocka_unit_test(test_host_loopback_is_only_what_is_spelled_so),
        cmocka_unit_test(test_host_wrong_ports_are_refused),
        cmocka_unit_test(test_host_wrong_names_are_refused),
        cmocka_unit_test(test_host_wrong_urls_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
