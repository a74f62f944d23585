/* Sessions before anything is sent: connection strings, credentials, proxies; and the helpers
 * for text. */
#include "client_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wsmext.h>

#include <cmocka.h>

static struct fixture *f;

static int setup(void **state)
{
    (void)state;
    f = fixture_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_free(f);
    return 0;
}

static DWORD create(PCWSTR connection, WSMAN_AUTHENTICATION_CREDENTIALS *credentials,
                    WSMAN_PROXY_INFO *proxy)
{
    WSMAN_SESSION_HANDLE session = NULL;
    DWORD code = WSManCreateSession(f->api, connection, 0, credentials, proxy, &session);

    assert_true((session != NULL) == (code == 0));
    if (session != NULL)
        assert_int_equal(WSManCloseSession(session, 0), 0);
    return code;
}

static void test_connection_strings_are_read(void **state)
{
    static const struct {
        PCWSTR text;
        DWORD code;
    } rows[] = {
        { NULL, 0 },
        { WSMAN_TEXT("host"), 0 },
        { WSMAN_TEXT("http://host:5985/wsman?PSVersion=7.4"), 0 },
        { WSMAN_TEXT("[::1]:5985"), 0 },
        { WSMAN_TEXT(""), ERROR_WSMAN_CONNECTIONSTR_INVALID },
        { WSMAN_TEXT(" "), ERROR_WSMAN_CONNECTIONSTR_INVALID },
        { WSMAN_TEXT("http://"), ERROR_WSMAN_CONNECTIONSTR_INVALID },
        { WSMAN_TEXT("user@host"), ERROR_WSMAN_CONNECTIONSTR_INVALID },
        { WSMAN_TEXT("ftp://host"), ERROR_WSMAN_TRANSPORT_NOT_SUPPORTED },
        { WSMAN_TEXT("https://host"), ERROR_WSMAN_TRANSPORT_NOT_SUPPORTED },
        { WSMAN_TEXT("host:0"), ERROR_WSMAN_PORT_INVALID },
        { WSMAN_TEXT("host:65536"), ERROR_WSMAN_PORT_INVALID },
        { WSMAN_TEXT("host:x"), ERROR_WSMAN_PORT_INVALID },
    };
    WCHAR lone[] = { 'a', 0xd800, 0 };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(create(rows[i].text, NULL, NULL), rows[i].code);
    assert_int_equal(create(lone, NULL, NULL), ERROR_INVALID_PARAMETER);
}

static void test_credentials_must_fit_their_mechanism(void **state)
{
    static const struct {
        DWORD mechanism;
        PCWSTR name;
        PCWSTR password;
        DWORD code;
    } rows[] = {
        { 0x8, TEST_USER, TEST_PASSWORD, 0 },
        { 0x8, TEST_USER, WSMAN_TEXT(""), 0 },
        { 0x4, NULL, NULL, 0 },
        { 0x1, NULL, NULL, 0 },
        { 0x8, NULL, NULL, ERROR_WSMAN_CLIENT_USERNAME_PASSWORD_NEEDED },
        { 0x2, NULL, NULL, ERROR_WSMAN_CLIENT_USERNAME_PASSWORD_NEEDED },
        { 0x8, TEST_USER, NULL, ERROR_WSMAN_CLIENT_USERNAME_AND_PASSWORD_NEEDED },
        { 0x8, NULL, TEST_PASSWORD, ERROR_WSMAN_CLIENT_USERNAME_AND_PASSWORD_NEEDED },
        { 0x4, TEST_USER, NULL, ERROR_WSMAN_CLIENT_USERNAME_AND_PASSWORD_NEEDED },
        { 0x1, TEST_USER, TEST_PASSWORD, ERROR_WSMAN_CREDS_PASSED_WITH_NO_AUTH_FLAG },
        { 0x80, TEST_USER, NULL, ERROR_WSMAN_CREDSSP_USERNAME_PASSWORD_NEEDED },
        { 0x20, NULL, NULL, ERROR_WSMAN_CLIENT_CERT_NEEDED },
        { 0x20, WSMAN_TEXT("AB"), NULL, ERROR_WSMAN_CANNOT_USE_CERTIFICATES_FOR_HTTP },
        { 0xc, TEST_USER, TEST_PASSWORD, ERROR_WSMAN_CLIENT_MULTIPLE_AUTH_FLAGS },
        { 0x40, TEST_USER, TEST_PASSWORD, ERROR_WSMAN_AUTHENTICATION_INVALID_FLAG },
        { 0x8, WSMAN_TEXT("a:b"), TEST_PASSWORD, ERROR_INVALID_PARAMETER },
        { 0x8, WSMAN_TEXT("a\x7f"), TEST_PASSWORD, ERROR_INVALID_PARAMETER },
        { 0x8, TEST_USER, WSMAN_TEXT("two\nlines"), ERROR_INVALID_PARAMETER },
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        WSMAN_AUTHENTICATION_CREDENTIALS credentials = {
            .authenticationMechanism = rows[i].mechanism,
            .userAccount = { .username = rows[i].name, .password = rows[i].password },
        };

        assert_int_equal(create(NULL, &credentials, NULL), rows[i].code);
    }
}

static void test_proxies_are_for_https_only(void **state)
{
    static const struct {
        DWORD access;
        DWORD mechanism;
        DWORD code;
    } rows[] = {
        { 8, 0, 0 },
        { 0, 0, ERROR_WSMAN_PROXY_ACCESS_TYPE },
        { 3, 0, ERROR_WSMAN_PROXY_ACCESS_TYPE },
        { 16, 0, ERROR_WSMAN_PROXY_ACCESS_TYPE },
        { 1, 0, ERROR_WSMAN_CANNOT_USE_PROXY_SETTINGS_FOR_HTTP },
        { 4, 8, ERROR_WSMAN_CANNOT_USE_PROXY_SETTINGS_FOR_HTTP },
        { 8, 8, ERROR_WSMAN_INVALID_OPTION_NO_PROXY_SERVER },
        { 8, 12, ERROR_WSMAN_CLIENT_MULTIPLE_PROXY_AUTH_FLAGS },
        { 8, 16, ERROR_WSMAN_PROXY_AUTHENTICATION_INVALID_FLAG },
    };
    WSMAN_PROXY_INFO without_mechanism = {
        .accessType = 8,
        .authenticationCredentials = { .userAccount = { .username = WSMAN_TEXT("u") } },
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        WSMAN_PROXY_INFO proxy = {
            .accessType = rows[i].access,
            .authenticationCredentials = { .authenticationMechanism = rows[i].mechanism },
        };

        assert_int_equal(create(NULL, NULL, &proxy), rows[i].code);
    }
    assert_int_equal(create(NULL, NULL, &without_mechanism),
                     ERROR_WSMAN_CLIENT_CREDENTIALS_FOR_PROXY_AUTHENTICATION);
}

/* ---- Text ---- */

static void test_text_is_converted_strictly(void **state)
{
    WCHAR lone[] = { 0xdc00, 0 };
    PWSTR wide = WSManExtUtf8ToUtf16("gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80");
    char *narrow = WSManExtUtf16ToUtf8(wide);

    (void)state;
    assert_string_equal(narrow, "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80");
    assert_int_equal(WSManExtUtf16Length(wide), 7);
    WSManExtFree(wide);
    WSManExtFree(narrow);
    assert_null(WSManExtUtf8ToUtf16("\xff"));
    assert_null(WSManExtUtf8ToUtf16(NULL));
    assert_null(WSManExtUtf16ToUtf8(lone));
    assert_null(WSManExtUtf16ToUtf8(NULL));
    assert_int_equal(WSManExtUtf16Length(NULL), 0);
    WSManExtFree(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_connection_strings_are_read),
        TEST(test_credentials_must_fit_their_mechanism),
        TEST(test_proxies_are_for_https_only),
        TEST(test_text_is_converted_strictly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
