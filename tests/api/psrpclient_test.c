/* The library under the name by which PowerShell loads it. This program is not linked with it: the
 * name by which a process meets it first counts. */
#define WSMAN_API_VERSION_1_1
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wsman.h>
#include <wsmerror.h>

#include <cmocka.h>

#define DENIED "Access was refused; check name, password and rights."

static struct {
    void *library;
    __typeof__(WSManInitialize) *initialize;
    __typeof__(WSManDeinitialize) *deinitialize;
    __typeof__(WSManGetErrorMessage) *message;
    __typeof__(WSManCreateSession) *create_session;
    __typeof__(WSManCloseSession) *close_session;
    __typeof__(WSManSetSessionOption) *set_option;
    __typeof__(WSManGetSessionOptionAsString) *text_option;
} w;

static WSMAN_API_HANDLE api;

/* ISO C has no cast between pointers to data and to functions. */
static void find(const char *name, void *out_function)
{
    void *symbol = dlsym(w.library, name);

    assert_non_null(symbol);
    memcpy(out_function, &symbol, sizeof(symbol));
}

static int setup(void **state)
{
    (void)state;
    w.library = dlopen(WSM_LIBRARY_DIR "/libpsrpclient.so", RTLD_NOW | RTLD_LOCAL);
    if (w.library == NULL)
        fail_msg("%s", dlerror());
    find("WSManInitialize", &w.initialize);
    find("WSManDeinitialize", &w.deinitialize);
    find("WSManGetErrorMessage", &w.message);
    find("WSManCreateSession", &w.create_session);
    find("WSManCloseSession", &w.close_session);
    find("WSManSetSessionOption", &w.set_option);
    find("WSManGetSessionOptionAsString", &w.text_option);
    assert_int_equal(w.initialize(WSMAN_FLAG_REQUESTED_API_VERSION_1_1, &api), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    assert_int_equal(w.deinitialize(api, 0), 0);
    return 0;
}

/* As managed code does it: what the first call names is the size of the buffer and of the text,
 * and the second call gets twice as much, in bytes. */
static WCHAR *ask_twice(DWORD first, DWORD needed, DWORD (*second)(DWORD, WCHAR *, DWORD *),
                        const char *expected)
{
    const DWORD count = (DWORD)strlen(expected);
    WCHAR *text = calloc(count, sizeof(*text)); /* watched by the sanitizer */
    DWORD used = 0;
    DWORD i;

    assert_int_equal(first, ERROR_INSUFFICIENT_BUFFER);
    assert_int_equal(needed, count);
    assert_int_equal(second(needed * 2, text, &used), 0);
    assert_int_equal(used, count);
    for (i = 0; i < count; i++)
        assert_int_equal(text[i], (WCHAR)expected[i]);
    return text;
}

static DWORD get_message(DWORD length, WCHAR *text, DWORD *used)
{
    return w.message(api, 0, WSMAN_TEXT("en-US"), ERROR_ACCESS_DENIED, length, text, used);
}

static void test_2_3_no_nul_is_counted_or_written_for_powershell(void **state)
{
    DWORD needed = 0;
    DWORD first = get_message(0, NULL, &needed);

    (void)state;
    free(ask_twice(first, needed, get_message, DENIED));
}

static void test_2_3_a_short_buffer_is_refused_for_powershell_too(void **state)
{
    WCHAR text[sizeof(DENIED)];
    DWORD used = 0;

    (void)state;
    memset(text, 0x5a, sizeof(text));
    assert_int_equal(get_message(sizeof(DENIED) - 2, text, &used), ERROR_INSUFFICIENT_BUFFER);
    assert_int_equal(used, sizeof(DENIED) - 1);
    assert_int_equal(text[0], 0x5a5a);
    assert_int_equal(get_message(sizeof(DENIED) - 1, text, &used), 0);
    assert_int_equal(text[sizeof(DENIED) - 1], 0x5a5a);
}

/* Its culture may be any, or have no name; without a text its user would see nothing. */
static void test_2_3_every_language_has_a_text_for_powershell(void **state)
{
    static const PCWSTR languages[] = { NULL, WSMAN_TEXT(""), WSMAN_TEXT("de-DE"),
                                        WSMAN_TEXT("de-DE_phoneb") };
    WCHAR text[64];
    DWORD used = 0;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(languages) / sizeof(languages[0]); i++) {
        assert_int_equal(w.message(api, 0, languages[i], ERROR_ACCESS_DENIED, 64, text, &used), 0);
        assert_int_equal(used, sizeof(DENIED) - 1);
    }
    assert_int_equal(w.message(api, 1, NULL, ERROR_ACCESS_DENIED, 64, text, &used),
                     ERROR_WSMAN_CLIENT_INVALID_GETERRORMESSAGE_FLAG);
}

static WSMAN_SESSION_HANDLE session;

static DWORD get_locale(DWORD length, WCHAR *text, DWORD *used)
{
    return w.text_option(session, WSMAN_OPTION_LOCALE, length, text, used);
}

static void test_2_8_no_nul_is_counted_or_written_for_powershell(void **state)
{
    WSMAN_DATA data = { .type = WSMAN_DATA_TYPE_TEXT,
                        .text = { .bufferLength = 5, .buffer = WSMAN_TEXT("de-DE") } };
    DWORD needed = 0;
    DWORD first;

    (void)state;
    assert_int_equal(w.create_session(api, WSMAN_TEXT("localhost"), 0, NULL, NULL, &session), 0);
    assert_int_equal(w.set_option(session, WSMAN_OPTION_LOCALE, &data), 0);
    first = get_locale(0, NULL, &needed);
    free(ask_twice(first, needed, get_locale, "de-DE"));
    assert_int_equal(w.text_option(session, WSMAN_OPTION_REDIRECT_LOCATION, 0, NULL, &needed),
                     ERROR_WSMAN_REDIRECT_LOCATION_NOT_AVAILABLE);
    assert_int_equal(w.close_session(session, 0), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_2_3_no_nul_is_counted_or_written_for_powershell),
        TEST(test_2_3_a_short_buffer_is_refused_for_powershell_too),
        TEST(test_2_3_every_language_has_a_text_for_powershell),
        TEST(test_2_8_no_nul_is_counted_or_written_for_powershell),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
