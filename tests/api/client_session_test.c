/* Sessions before anything is sent: connection strings, credentials, proxies, options,
 * and the texts of error codes. */
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
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        WSMAN_PROXY_INFO proxy = {
            .accessType = rows[i].access,
            .authenticationCredentials = { .authenticationMechanism = rows[i].mechanism },
        };

        assert_int_equal(create(NULL, NULL, &proxy), rows[i].code);
    }
}

static DWORD set_number(DWORD option, DWORD value)
{
    WSMAN_DATA data = { .type = WSMAN_DATA_TYPE_DWORD, .number = value };

    return WSManSetSessionOption(f->session, (WSManSessionOption)option, &data);
}

static DWORD get_number(DWORD option)
{
    DWORD value = 0xdeadbeef;

    assert_int_equal(WSManGetSessionOptionAsDword(f->session, (WSManSessionOption)option, &value),
                     0);
    return value;
}

static DWORD set_text(DWORD option, PCWSTR text, DWORD length)
{
    WSMAN_DATA data = { .type = WSMAN_DATA_TYPE_TEXT,
                        .text = { .bufferLength = length, .buffer = text } };

    return WSManSetSessionOption(f->session, (WSManSessionOption)option, &data);
}

static void test_options_have_their_defaults(void **state)
{
    static const struct {
        DWORD option;
        DWORD value;
    } rows[] = {
        { 1, 60000 },  { 11, 240000 }, { 12, 60000 }, { 13, 60000 }, { 14, 60000 }, { 15, 60000 },
        { 16, 60000 }, { 17, 60000 },  { 18, 0 },     { 19, 0 },     { 21, 0 },     { 22, 0 },
        { 23, 0 },     { 28, 500 },    { 31, 0 },     { 32, 0 },     { 33, 0 },     { 34, 1 },
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(get_number(rows[i].option), rows[i].value);
    assert_int_equal(get_number(29), 370);
}

static void test_options_can_be_set_and_read_back(void **state)
{
    (void)state;
    assert_int_equal(set_number(1, 30000), 0);
    assert_int_equal(get_number(1), 30000);
    assert_int_equal(get_number(14), 30000); /* follows the general one */
    assert_int_equal(set_number(14, 5000), 0);
    assert_int_equal(get_number(14), 5000);
    assert_int_equal(set_number(28, 150), 0);
    assert_in_range(get_number(29), 100, 112);
}

static void test_options_that_are_wrong_are_refused(void **state)
{
    const DWORD invalid = ERROR_WSMAN_CLIENT_SETSESSIONOPTION_INVALID_PARAM;
    WSMAN_DATA number = { .type = WSMAN_DATA_TYPE_DWORD };
    DWORD value = 7;

    (void)state;
    assert_int_equal(WSManSetSessionOption(NULL, (WSManSessionOption)1, &number),
                     ERROR_WSMAN_CLIENT_SETSESSIONOPTION_NULL_PARAM);
    assert_int_equal(WSManSetSessionOption(f->session, (WSManSessionOption)1, NULL),
                     ERROR_WSMAN_CLIENT_SETSESSIONOPTION_NULL_PARAM);
    assert_int_equal(set_number(0, 1), invalid);
    assert_int_equal(set_number(24, 1), invalid);
    assert_int_equal(set_number(35, 1), invalid);
    assert_int_equal(set_number(11, 1), invalid); /* read only */
    assert_int_equal(set_number(29, 1), invalid);
    assert_int_equal(set_number(20, 2), invalid);
    assert_int_equal(set_number(28, 1), invalid);
    assert_int_equal(set_number(25, 1), invalid); /* a text */
    assert_int_equal(set_text(1, WSMAN_TEXT("1"), 1), invalid);
    assert_int_equal(set_text(30, WSMAN_TEXT("x"), 1), invalid);
    assert_int_equal(set_number(32, 1),
                     ERROR_WSMAN_CANNOT_USE_ALLOW_NEGOTIATE_IMPLICIT_CREDENTIALS_FOR_HTTP);
    assert_int_equal(set_number(33, 1), ERROR_WSMAN_INVALID_USESSL_PARAM);
    assert_int_equal(WSManGetSessionOptionAsDword(NULL, (WSManSessionOption)1, &value),
                     ERROR_WSMAN_CLIENT_GETSESSIONOPTION_DWORD_NULL_PARAM);
    assert_int_equal(WSManGetSessionOptionAsDword(f->session, (WSManSessionOption)1, NULL),
                     ERROR_WSMAN_CLIENT_GETSESSIONOPTION_DWORD_NULL_PARAM);
    assert_int_equal(WSManGetSessionOptionAsDword(f->session, (WSManSessionOption)25, &value),
                     ERROR_WSMAN_CLIENT_GETSESSIONOPTION_DWORD_INVALID_PARAM);
    assert_int_equal(WSManGetSessionOptionAsDword(f->session, (WSManSessionOption)27, &value),
                     ERROR_WSMAN_CLIENT_GETSESSIONOPTION_INVALID_PARAM);
    assert_int_equal(value, 7);
}

static void test_transport_options_are_fixed_after_the_first_operation(void **state)
{
    (void)state;
    close_shell(open_shell(f));
    assert_int_equal(set_number(20, 0), ERROR_WSMAN_CLIENT_SETSESSIONOPTION_INVALID_PARAM);
    assert_int_equal(set_number(1, 1000), 0);
}

static void test_text_options_follow_the_two_calls(void **state)
{
    WSManSessionOption locale = WSMAN_OPTION_LOCALE;
    WCHAR text[16];
    DWORD used = 0;

    (void)state;
    assert_int_equal(set_text(25, WSMAN_TEXT("de-DE"), 5), 0);
    assert_int_equal(set_text(26, WSMAN_TEXT("fr"), 3), 0); /* a counted NUL is dropped */
    assert_int_equal(WSManGetSessionOptionAsString(f->session, locale, 0, NULL, &used), 122);
    assert_int_equal(used, 6);
    assert_int_equal(WSManGetSessionOptionAsString(f->session, locale, 5, text, &used), 122);
    assert_int_equal(used, 6);
    assert_int_equal(WSManGetSessionOptionAsString(f->session, locale, 6, text, &used), 0);
    assert_memory_equal(text, WSMAN_TEXT("de-DE"), 12);
    assert_int_equal(
        WSManGetSessionOptionAsString(f->session, WSMAN_OPTION_UI_LANGUAGE, 16, text, &used), 0);
    assert_int_equal(used, 3);
    assert_int_equal(set_text(25, WSMAN_TEXT(""), 0), ERROR_WSMAN_CLIENT_INVALID_LOCALE);
    assert_int_equal(set_text(25, WSMAN_TEXT("a b"), 3), ERROR_WSMAN_CLIENT_INVALID_LOCALE);
    assert_int_equal(set_text(26, WSMAN_TEXT("-"), 1), ERROR_WSMAN_CLIENT_INVALID_UI_LANGUAGE);
    assert_int_equal(WSManGetSessionOptionAsString(f->session, locale, 6, NULL, &used),
                     ERROR_WSMAN_CLIENT_GETSESSIONOPTION_STRING_INVALID_PARAM);
    assert_int_equal(WSManGetSessionOptionAsString(f->session, locale, 0, text, &used),
                     ERROR_WSMAN_CLIENT_GETSESSIONOPTION_STRING_INVALID_PARAM);
    assert_int_equal(WSManGetSessionOptionAsString(f->session, locale, 6, text, NULL),
                     ERROR_WSMAN_CLIENT_GETSESSIONOPTION_STRING_INVALID_PARAM);
    assert_int_equal(
        WSManGetSessionOptionAsString(f->session, (WSManSessionOption)1, 6, text, &used),
        ERROR_WSMAN_CLIENT_GETSESSIONOPTION_STRING_INVALID_PARAM);
    assert_int_equal(
        WSManGetSessionOptionAsString(f->session, WSMAN_OPTION_REDIRECT_LOCATION, 6, text, &used),
        ERROR_WSMAN_REDIRECT_LOCATION_NOT_AVAILABLE);
}

/* ---- Error messages ---- */

static void test_error_messages_follow_the_two_calls(void **state)
{
    WCHAR text[256];
    DWORD needed = 0;
    DWORD used = 0;

    (void)state;
    assert_int_equal(WSManGetErrorMessage(f->api, 0, NULL, 5, 0, NULL, &needed), 122);
    assert_in_range(needed, 5, 128);
    text[needed] = 0x5a5a;
    assert_int_equal(WSManGetErrorMessage(f->api, 0, NULL, 5, needed - 1, text, &used), 122);
    assert_int_equal(used, needed);
    assert_int_equal(WSManGetErrorMessage(f->api, 0, NULL, 5, needed, text, &used), 0);
    assert_int_equal(used, needed);
    assert_int_equal(text[needed - 1], 0);
    assert_int_equal(text[needed], 0x5a5a);
    /* some callers say bytes for units: no more than the text is written all the same */
    assert_int_equal(WSManGetErrorMessage(f->api, 0, NULL, 5, needed * 2, text, &used), 0);
    assert_int_equal(text[needed], 0x5a5a);
}

static void test_error_messages_check_their_arguments(void **state)
{
    static const struct {
        PCWSTR language;
        DWORD code;
    } rows[] = {
        { WSMAN_TEXT("en"), 0 },
        { WSMAN_TEXT("EN-us"), 0 },
        { WSMAN_TEXT("de-DE"), ERROR_RESOURCE_LANG_NOT_FOUND },
        { WSMAN_TEXT("eng"), ERROR_RESOURCE_LANG_NOT_FOUND },
        { WSMAN_TEXT("e"), ERROR_RESOURCE_LANG_NOT_FOUND },
        { WSMAN_TEXT(""), ERROR_WSMAN_CLIENT_INVALID_LANGUAGE_CODE },
        { WSMAN_TEXT("en_US"), ERROR_WSMAN_CLIENT_INVALID_LANGUAGE_CODE },
        { WSMAN_TEXT("en-"), ERROR_WSMAN_CLIENT_INVALID_LANGUAGE_CODE },
    };
    const DWORD null_param = ERROR_WSMAN_CLIENT_GETERRORMESSAGE_NULL_PARAM;
    WCHAR text[256];
    DWORD used = 0;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(WSManGetErrorMessage(f->api, 0, rows[i].language, 5, 256, text, &used),
                         rows[i].code);
    assert_int_equal(WSManGetErrorMessage(NULL, 0, NULL, 5, 256, text, &used), null_param);
    assert_int_equal(WSManGetErrorMessage(f->api, 0, NULL, 5, 256, NULL, &used), null_param);
    assert_int_equal(WSManGetErrorMessage(f->api, 0, NULL, 5, 0, text, &used), null_param);
    assert_int_equal(WSManGetErrorMessage(f->api, 0, NULL, 5, 256, text, NULL), null_param);
    assert_int_equal(WSManGetErrorMessage(f->api, 1, NULL, 5, 256, text, &used),
                     ERROR_WSMAN_CLIENT_INVALID_GETERRORMESSAGE_FLAG);
}

static void assert_message(DWORD code, const char *expected)
{
    WCHAR text[256];
    DWORD used = 0;
    char *utf8;

    assert_int_equal(WSManGetErrorMessage(f->api, 0, NULL, code, 256, text, &used), 0);
    utf8 = WSManExtUtf16ToUtf8(text);
    assert_string_equal(utf8, expected);
    WSManExtFree(utf8);
}

static void test_error_messages_exist_for_known_and_unknown_codes(void **state)
{
    (void)state;
    assert_message(0, "Success.");
    assert_message(ERROR_ACCESS_DENIED, "Access is denied.");
    assert_message(ERROR_RESOURCE_LANG_NOT_FOUND, "There is no text in that language.");
    assert_message(ERROR_WSMAN_RESOURCE_NOT_FOUND, "The server has no such resource.");
    assert_message(ERROR_WSMAN_CLIENT_INVALID_SHELL_COMMAND_PAIR,
                   "The command belongs to another shell.");
    assert_message(0x80070002, "The program or file was not found.");
    assert_message(0x80540FA0, "There is no text for error 0x80540FA0 (2152992672).");
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
        TEST(test_options_have_their_defaults),
        TEST(test_options_can_be_set_and_read_back),
        TEST(test_options_that_are_wrong_are_refused),
        TEST(test_transport_options_are_fixed_after_the_first_operation),
        TEST(test_text_options_follow_the_two_calls),
        TEST(test_error_messages_follow_the_two_calls),
        TEST(test_error_messages_check_their_arguments),
        TEST(test_error_messages_exist_for_known_and_unknown_codes),
        TEST(test_text_is_converted_strictly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
