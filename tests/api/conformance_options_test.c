/* Session options: types, defaults, bounds, order, what they do on the wire, and the two calls of
 * the functions that give text. */
#include "client_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wsmext.h>

#include <cmocka.h>

enum {
    NO_OPTION = ERROR_WSMAN_CLIENT_GETSESSIONOPTION_INVALID_PARAM,
    NO_TEXT = ERROR_WSMAN_CLIENT_GETSESSIONOPTION_STRING_INVALID_PARAM,
};

#define SET_INVALID ERROR_WSMAN_CLIENT_SETSESSIONOPTION_INVALID_PARAM
#define BUFFER_MAX  4096

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

static DWORD set_text(DWORD option, const char *text)
{
    PWSTR wide = WSManExtUtf8ToUtf16(text);
    WSMAN_DATA data = { .type = WSMAN_DATA_TYPE_TEXT,
                        .text = { .bufferLength = WSManExtUtf16Length(wide), .buffer = wide } };
    DWORD code = WSManSetSessionOption(f->session, (WSManSessionOption)option, &data);

    WSManExtFree(wide);
    return code;
}

static DWORD get_text(DWORD option, DWORD length, PWSTR text, DWORD *used)
{
    return WSManGetSessionOptionAsString(f->session, (WSManSessionOption)option, length, text,
                                         used);
}

static void expect_text(DWORD option, const char *expected)
{
    WCHAR text[BUFFER_MAX];
    DWORD used = 0;
    char *narrow;

    assert_int_equal(get_text(option, BUFFER_MAX, text, &used), 0);
    assert_int_equal(used, strlen(expected) + 1);
    narrow = WSManExtUtf16ToUtf8(text);
    assert_string_equal(narrow, expected);
    WSManExtFree(narrow);
}

/* A session in place of the fixture's. */
static void use_session(const char *connection, DWORD mechanism)
{
    bool is_basic = mechanism == WSMAN_FLAG_AUTH_BASIC;
    WSMAN_AUTHENTICATION_CREDENTIALS credentials = {
        .authenticationMechanism = mechanism,
        .userAccount = { .username = is_basic ? TEST_USER : NULL,
                         .password = is_basic ? TEST_PASSWORD : NULL },
    };
    PWSTR wide = WSManExtUtf8ToUtf16(connection);

    assert_int_equal(WSManCloseSession(f->session, 0), 0);
    f->session = NULL;
    assert_int_equal(WSManCreateSession(f->api, wide, 0, &credentials, NULL, &f->session), 0);
    WSManExtFree(wide);
}

/* ---- Types, defaults, bounds ---- */

static const struct option {
    DWORD id;
    char type; /* n number, t text, - none */
    bool is_writable;
    DWORD value;  /* default of a number */
    DWORD lowest; /* bounds of a number */
    DWORD highest;
} options[] = {
    { 1, 'n', true, 60000, 0, UINT32_MAX },
    { 11, 'n', false, 240000, 0, 0 },
    { 12, 'n', true, 60000, 0, UINT32_MAX },
    { 13, 'n', true, 60000, 0, UINT32_MAX },
    { 14, 'n', true, 60000, 0, UINT32_MAX },
    { 15, 'n', true, 60000, 0, UINT32_MAX },
    { 16, 'n', true, 60000, 0, UINT32_MAX },
    { 17, 'n', true, 60000, 0, UINT32_MAX },
    { 18, 'n', true, 0, 0, 1 },
    { 19, 'n', true, 0, 0, 1 },
    { 20, 'n', true, 0, 0, 1 },
    { 21, 'n', true, 0, 0, 1 },
    { 22, 'n', true, 0, 0, 1 },
    { 23, 'n', true, 0, 0, 1 },
    { 25, 't', true, 0, 0, 0 },
    { 26, 't', true, 0, 0, 0 },
    { 28, 'n', true, 500, 32, 65536 },
    { 29, 'n', false, 370, 0, 0 },
    { 30, 't', false, 0, 0, 0 },
    { 31, 'n', true, 0, 0, 1 },
    { 32, 'n', true, 0, 0, 0 },
    { 33, 'n', true, 0, 0, 0 },
    { 34, 'n', true, 1, 0, 1 },
};

static struct option find_option(DWORD id)
{
    struct option none = { .id = id, .type = '-' };
    size_t i;

    for (i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (options[i].id == id)
            return options[i];
    return none;
}

static void use_fresh(void)
{
    char connection[64];

    snprintf(connection, sizeof(connection), "127.0.0.1:%u",
             (unsigned)fake_service_port(f->service));
    use_session(connection, WSMAN_FLAG_AUTH_NEGOTIATE); /* to which everything can be set */
}

static void test_3_4_every_option_has_its_type_and_default(void **state)
{
    DWORD id;

    (void)state;
    use_fresh();
    for (id = 0; id < 64; id++) {
        struct option option = find_option(id);
        DWORD value = 0xdeadbeef;
        WCHAR text[8];
        DWORD used = 4711;
        DWORD as_number = WSManGetSessionOptionAsDword(f->session, (WSManSessionOption)id, &value);
        DWORD as_text = get_text(id, 8, text, &used);

        switch (option.type) {
        case 'n':
            assert_int_equal(as_number, 0);
            assert_int_equal(value, option.value);
            assert_int_equal(as_text, NO_TEXT);
            break;
        case 't':
            assert_int_equal(as_number, ERROR_WSMAN_CLIENT_GETSESSIONOPTION_DWORD_INVALID_PARAM);
            assert_int_equal(as_text, id == 30 ? ERROR_WSMAN_REDIRECT_LOCATION_NOT_AVAILABLE : 0);
            break;
        default:
            assert_int_equal(as_number, NO_OPTION);
            assert_int_equal(as_text, NO_OPTION);
        }
        assert_true(as_number == 0 || value == 0xdeadbeef);
        assert_true(as_text == 0 || used == 4711);
    }
    expect_text(25, "en-US");
    expect_text(26, "en-US");
}

static void test_2_6_numbers_take_their_bounds_and_are_read_back(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        const struct option *option = &options[i];

        if (option->type != 'n' || !option->is_writable)
            continue;
        use_fresh();
        assert_int_equal(set_number(option->id, option->lowest), 0);
        assert_int_equal(get_number(option->id), option->lowest);
        assert_int_equal(set_number(option->id, option->highest), 0);
        assert_int_equal(get_number(option->id), option->highest);
        if (option->lowest > 0)
            assert_int_equal(set_number(option->id, option->lowest - 1), SET_INVALID);
        if (option->highest < UINT32_MAX && option->highest > 0)
            assert_int_equal(set_number(option->id, option->highest + 1), SET_INVALID);
        assert_int_equal(get_number(option->id), option->highest);
    }
}

static void test_2_6_wrong_types_and_read_only_options_are_refused(void **state)
{
    static const WSManDataType wrong[] = { WSMAN_DATA_NONE, WSMAN_DATA_TYPE_BINARY,
                                           (WSManDataType)3, (WSManDataType)5 };
    DWORD id;
    size_t i;

    (void)state;
    use_fresh();
    for (id = 0; id < 64; id++) {
        struct option option = find_option(id);
        WSMAN_DATA data = { .type = WSMAN_DATA_NONE };

        for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
            data.type = wrong[i];
            assert_int_equal(WSManSetSessionOption(f->session, (WSManSessionOption)id, &data),
                             SET_INVALID);
        }
        if (option.type != 'n' || !option.is_writable)
            assert_int_equal(set_number(id, 1), SET_INVALID);
        if (option.type != 't' || !option.is_writable)
            assert_int_equal(set_text(id, "en"), SET_INVALID);
        if (option.type == 'n')
            assert_int_equal(get_number(id), option.value);
    }
}

/* The second option of each pair does not go with the first one, or with the session. */
static void test_2_6_order_decides_between_options_that_exclude_each_other(void **state)
{
    const DWORD https_only = ERROR_WSMAN_CANNOT_USE_ALLOW_NEGOTIATE_IMPLICIT_CREDENTIALS_FOR_HTTP;

    (void)state;
    use_fresh();
    assert_int_equal(set_number(20, 1), 0);
    assert_int_equal(set_number(32, 1), https_only);
    assert_int_equal(get_number(32), 0);
    assert_int_equal(set_number(32, 2), SET_INVALID);
    assert_int_equal(set_number(33, 1), ERROR_WSMAN_TRANSPORT_NOT_SUPPORTED);
    use_session("http://127.0.0.1", WSMAN_FLAG_AUTH_NEGOTIATE);
    assert_int_equal(set_number(32, 1), https_only);
    assert_int_equal(set_number(33, 1), ERROR_WSMAN_INVALID_USESSL_PARAM);
    assert_int_equal(set_number(33, 0), ERROR_WSMAN_INVALID_USESSL_PARAM);
    assert_int_equal(set_number(33, 2), SET_INVALID);
}

static void test_3_4_a_port_in_the_spn_needs_a_mechanism_with_spn(void **state)
{
    static const struct {
        DWORD mechanism;
        DWORD code;
    } rows[] = {
        { WSMAN_FLAG_DEFAULT_AUTHENTICATION, 0 },
        { WSMAN_FLAG_AUTH_NEGOTIATE, 0 },
        { WSMAN_FLAG_AUTH_KERBEROS, 0 },
        { WSMAN_FLAG_AUTH_BASIC, ERROR_WSMAN_CLIENT_SPN_WRONG_AUTH },
        { WSMAN_FLAG_NO_AUTHENTICATION, ERROR_WSMAN_CLIENT_SPN_WRONG_AUTH },
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        use_session("host", rows[i].mechanism);
        assert_int_equal(set_number(22, 1), rows[i].code);
        assert_int_equal(get_number(22), rows[i].code == 0);
        assert_int_equal(set_number(22, 0), 0);
    }
}

static void test_2_6_transport_is_fixed_by_the_first_operation_and_the_rest_is_not(void **state)
{
    static const DWORD fixed[] = { 18, 19, 20, 21, 31, 34 };
    static const DWORD free_ones[] = { 1, 12, 13, 14, 15, 16, 17 };
    size_t i;

    (void)state;
    close_shell(open_shell(f));
    for (i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        assert_int_equal(set_number(fixed[i], get_number(fixed[i])), SET_INVALID);
    for (i = 0; i < sizeof(free_ones) / sizeof(free_ones[0]); i++)
        assert_int_equal(set_number(free_ones[i], 5000), 0);
    assert_int_equal(set_number(23, 1), 0);
    assert_int_equal(set_number(28, 150), 0); /* PowerShell does, with servers of version 2 */
    assert_int_equal(set_text(25, "de"), 0);
    assert_int_equal(set_text(26, "de"), 0);
}

static void test_2_7_a_time_out_that_is_not_set_is_the_general_one(void **state)
{
    DWORD id;

    (void)state;
    assert_int_equal(set_number(14, 7000), 0);
    assert_int_equal(set_number(1, 30000), 0);
    for (id = 12; id <= 17; id++)
        assert_int_equal(get_number(id), id == 14 ? 7000 : 30000);
    assert_int_equal(set_number(1, 20000), 0);
    assert_int_equal(get_number(17), 20000);
    assert_int_equal(get_number(14), 7000);
}

static void test_7_10_retry_time_is_4_minutes_in_ms_and_set_by_its_function(void **state)
{
    (void)state;
    assert_int_equal(get_number(11), 240000);
    assert_int_equal(set_number(11, 1000), SET_INVALID);
    assert_int_equal(WSManExtSetRetryTime(f->session, 1000), 0);
    assert_int_equal(get_number(11), 1000);
    assert_int_equal(WSManExtSetRetryTime(f->session, 0x80000000U), ERROR_INVALID_PARAMETER);
    assert_int_equal(WSManExtSetRetryTime(f->session, 0), 0);
    assert_int_equal(get_number(11), 0);
    assert_int_equal(WSManExtSetRetryTime(NULL, 1000), ERROR_WSMAN_CLIENT_NO_HANDLE);
}

/* ---- Languages ---- */

static void test_2_6_languages_are_tags_or_cultures(void **state)
{
    static const struct {
        const char *text;
        bool is_valid;
    } rows[] = {
        { "en", true },
        { "zh-Hans-CN", true },
        { "de-DE_phoneb", true }, /* a culture of .NET */
        { "x-private", true },
        { "sl-rozaj-1994", true },
        { "abcdefgh", true },
        { "aaaaaaaa-aaaaaaaa-aaaaaaaa-aaaaaaaa-aaaaaaaa-aaaaaaaa-aaaaaaaa-aaaaaaaa-aaaaaaaa-aaaa",
          true },
        { "aaaaaaaa-aaaaaaaa-aaaaaaaa-aaaaaaaa-aaaaaaaa-aaaaaaaa-aaaaaaaa-aaaaaaaa-aaaaaaaa-aaaaa",
          false },
        { "", false },
        { "abcdefghi", false },
        { "1a", false },
        { "-en", false },
        { "en-", false },
        { "en--US", false },
        { "en US", false },
        { "en\"", false },
        { "\xc3\xa4", false },
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(set_text(25, rows[i].text),
                         rows[i].is_valid ? 0 : ERROR_WSMAN_CLIENT_INVALID_LOCALE);
        assert_int_equal(set_text(26, rows[i].text),
                         rows[i].is_valid ? 0 : ERROR_WSMAN_CLIENT_INVALID_UI_LANGUAGE);
        if (rows[i].is_valid) {
            expect_text(25, rows[i].text);
            expect_text(26, rows[i].text);
        }
    }
}

static void test_G1_a_counted_nul_is_dropped(void **state)
{
    WSMAN_DATA data = { .type = WSMAN_DATA_TYPE_TEXT,
                        .text = { .bufferLength = 3, .buffer = WSMAN_TEXT("fr") } };

    (void)state;
    assert_int_equal(WSManSetSessionOption(f->session, WSMAN_OPTION_LOCALE, &data), 0);
    expect_text(25, "fr");
    data.text.bufferLength = 1; /* the length counts, not the NUL behind */
    assert_int_equal(WSManSetSessionOption(f->session, WSMAN_OPTION_LOCALE, &data), 0);
    expect_text(25, "f");
    data.text.buffer = NULL;
    assert_int_equal(WSManSetSessionOption(f->session, WSMAN_OPTION_LOCALE, &data),
                     ERROR_WSMAN_CLIENT_INVALID_LOCALE);
}

static void expect_last(const char *name, const char *what, const char *expected)
{
    char *value = fake_last(f->service, name, what);

    assert_string_equal(value, expected);
    free(value);
}

static void test_7_22_ui_language_is_the_locale_and_locale_the_data_locale(void **state)
{
    (void)state;
    assert_int_equal(set_text(25, "fr-FR"), 0);
    assert_int_equal(set_text(26, "de-DE_phoneb"), 0);
    close_shell(open_shell(f));
    expect_last("Create", "locale", "de-DE_phoneb");
    expect_last("Create", "data_locale", "fr-FR");
    expect_last("Delete", "locale", "de-DE_phoneb");
    assert_int_equal(set_text(26, "it"), 0);
    close_shell(open_shell(f));
    expect_last("Create", "locale", "it");
    expect_last("Create", "data_locale", "fr-FR");
}

static void test_3_4_machine_id_is_sent_only_if_asked_for(void **state)
{
    char name[256] = "";

    (void)state;
    assert_int_equal(gethostname(name, sizeof(name) - 1), 0);
    close_shell(open_shell(f));
    expect_last("Create", "machine", "");
    assert_int_equal(set_number(23, 1), 0);
    close_shell(open_shell(f));
    expect_last("Create", "machine", name);
    assert_int_equal(set_number(23, 0), 0);
    close_shell(open_shell(f));
    expect_last("Create", "machine", "");
}

/* ---- Sizes ---- */

/* The longest URL that a session takes: every other character of its query grows. */
static void use_long_session(void)
{
    char connection[2048 + 1];
    int start = snprintf(connection, sizeof(connection), "http://127.0.0.1:%u/wsman?",
                         (unsigned)fake_service_port(f->service));
    size_t len = (size_t)start;
    size_t wire = len;

    while (wire + 7 <= 2048) { /* '&' may stand for up to six */
        connection[len++] = '&';
        connection[len++] = 'a';
        wire += 7;
    }
    connection[len] = '\0';
    use_session(connection, WSMAN_FLAG_AUTH_BASIC);
    assert_int_equal(set_number(20, 1), 0);
}

static void send_whole_size(WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command)
{
    DWORD size = get_number(29) * 1024;
    BYTE *bytes = malloc(size);
    WSMAN_DATA data = { .type = WSMAN_DATA_TYPE_BINARY,
                        .binaryData = { .dataLength = size, .data = bytes } };
    WSMAN_OPERATION_HANDLE operation = NULL;
    struct recorder *recorder = recorder_new();

    assert_non_null(bytes);
    memset(bytes, 0xA5, size);
    WSManSendShellInput(shell, command, 0, WSMAN_STREAM_ID_STDIN, &data, TRUE, &recorder->async,
                        &operation);
    free(bytes);
    assert_last_code(recorder, 0);
    assert_int_equal(WSManCloseOperation(operation, 0), 0);
    recorder_free(recorder);
}

static void check_size(DWORD envelope_kb, bool is_utf16)
{
    WSMAN_SHELL_HANDLE shell;
    WSMAN_COMMAND_HANDLE command;
    size_t before;
    char *length;

    use_long_session();
    assert_int_equal(set_number(21, is_utf16), 0);
    assert_int_equal(set_number(28, envelope_kb), 0);
    shell = open_shell(f);
    command = run_command(shell, WSMAN_TEXT("cat"));
    before = fake_count(f->service, "Send");
    send_whole_size(shell, command);
    assert_int_equal(fake_count(f->service, "Send") - before, 1);
    length = fake_last(f->service, "Send", "size");
    assert_in_range(strtoul(length, NULL, 10), envelope_kb * 1024 * 6 / 10, envelope_kb * 1024);
    free(length);
    expect_last("Send", "encoding", is_utf16 ? "UTF-16" : "");
    close_command(command);
    close_shell(shell);
}

static void test_2_7_a_send_of_option_29_fits_into_one_message(void **state)
{
    static const DWORD sizes[] = { 32, 33, 64, 150, 500, 1000, 4096 };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        check_size(sizes[i], false);
        check_size(sizes[i], true);
    }
}

/* For everybody who multiplies it by 1024 and hopes for more than nothing. */
static void test_2_7_option_29_follows_envelope_and_encoding(void **state)
{
    DWORD kb;

    (void)state;
    use_fresh();
    assert_int_equal(get_number(29), 370);
    for (kb = 32; kb <= 65536; kb = kb * 3 / 2) {
        DWORD narrow;
        DWORD wide;

        assert_int_equal(set_number(28, kb), 0);
        assert_int_equal(set_number(21, 0), 0);
        narrow = get_number(29);
        assert_int_equal(set_number(21, 1), 0);
        wide = get_number(29);
        assert_true(wide > 0 && wide <= narrow / 2);
        assert_true(narrow < kb * 3 / 4);
        assert_true(narrow > kb / 2);
    }
}

static void test_2_6_a_larger_input_goes_in_several_messages(void **state)
{
    WSMAN_SHELL_HANDLE shell = open_shell(f);
    WSMAN_COMMAND_HANDLE command = run_command(shell, WSMAN_TEXT("cat"));
    char *text = calloc(1, 100 * 1024);
    struct recorder *recorder = recorder_new();
    WSMAN_OPERATION_HANDLE operation;

    (void)state;
    memset(text, 'x', 100 * 1024 - 1);
    assert_int_equal(set_number(28, 32), 0);
    operation = send_text(shell, command, text, true, recorder);
    assert_last_code(recorder, 0);
    assert_int_equal(recorder_count(recorder), 1);
    assert_in_range(fake_count(f->service, "Send"), 100 / get_number(29), 100 / get_number(29) + 1);
    assert_int_equal(fake_input(f->service).len, 100 * 1024 - 1);
    assert_true(fake_input_ended(f->service));
    assert_int_equal(WSManCloseOperation(operation, 0), 0);
    recorder_free(recorder);
    free(text);
    close_command(command);
    close_shell(shell);
}

/* ---- The two calls ---- */

/* How a function that gives text is called; the text is `expected`. */
struct giver {
    DWORD (*give)(DWORD length, PWSTR text, DWORD *used);
    const char *expected;
    DWORD mismatch; /* the code for NULL with a length, and the reverse */
};

static DWORD give_locale(DWORD length, PWSTR text, DWORD *used)
{
    return get_text(25, length, text, used);
}

static DWORD give_message(DWORD length, PWSTR text, DWORD *used)
{
    return WSManGetErrorMessage(f->api, 0, NULL, ERROR_ACCESS_DENIED, length, text, used);
}

/* Writes into a block that ends where the text may end, and is poisoned behind. */
static void check_length(const struct giver *giver, DWORD length)
{
    const DWORD needed = (DWORD)strlen(giver->expected) + 1;
    WCHAR text[64];
    DWORD used = 4711;
    DWORD i;

    memset(text, 0x5a, sizeof(text));
    assert_int_equal(giver->give(length, text, &used),
                     length < needed ? ERROR_INSUFFICIENT_BUFFER : 0);
    assert_int_equal(used, needed);
    for (i = 0; i < 64; i++) {
        if (length < needed || i >= needed)
            assert_int_equal(text[i], 0x5a5a);
        else
            assert_int_equal(text[i], (WCHAR)giver->expected[i]);
    }
}

static void check_giver(const struct giver *giver)
{
    const DWORD needed = (DWORD)strlen(giver->expected) + 1;
    WCHAR text[64];
    DWORD used = 4711;

    assert_int_equal(giver->give(0, NULL, &used), ERROR_INSUFFICIENT_BUFFER);
    assert_int_equal(used, needed);
    check_length(giver, 1);
    check_length(giver, needed - 1);
    check_length(giver, needed);
    check_length(giver, needed + 1);
    check_length(giver, needed * 2); /* bytes where units are asked for */
    check_length(giver, UINT32_MAX);
    used = 4711;
    assert_int_equal(giver->give(needed, NULL, &used), giver->mismatch);
    assert_int_equal(giver->give(0, text, &used), giver->mismatch);
    assert_int_equal(used, 4711);
    assert_int_equal(giver->give(needed, text, NULL), giver->mismatch);
    assert_int_equal(giver->give(0, NULL, NULL), giver->mismatch);
}

static void test_2_8_texts_of_options_follow_the_two_calls(void **state)
{
    const struct giver giver = { give_locale, "zh-Hans-CN", NO_TEXT };

    (void)state;
    assert_int_equal(set_text(25, giver.expected), 0);
    check_giver(&giver);
}

static void test_2_3_error_messages_follow_the_two_calls(void **state)
{
    const struct giver giver = { give_message,
                                 "Access was refused; check name, password and rights.",
                                 ERROR_WSMAN_CLIENT_GETERRORMESSAGE_NULL_PARAM };

    (void)state;
    check_giver(&giver);
}

static void test_2_3_language_of_messages(void **state)
{
    static const struct {
        const char *language;
        DWORD code;
    } rows[] = {
        { "en", 0 },
        { "EN-us", 0 },
        { "en-GB-oxendict", 0 },
        { "de", ERROR_RESOURCE_LANG_NOT_FOUND },
        { "de-DE", ERROR_RESOURCE_LANG_NOT_FOUND },
        { "eng", ERROR_RESOURCE_LANG_NOT_FOUND },
        { "x-en", ERROR_RESOURCE_LANG_NOT_FOUND },
        { "", ERROR_WSMAN_CLIENT_INVALID_LANGUAGE_CODE },
        { "en-", ERROR_WSMAN_CLIENT_INVALID_LANGUAGE_CODE },
        { "en_US", ERROR_WSMAN_CLIENT_INVALID_LANGUAGE_CODE },
        { "en--US", ERROR_WSMAN_CLIENT_INVALID_LANGUAGE_CODE },
        { "e1", ERROR_WSMAN_CLIENT_INVALID_LANGUAGE_CODE },
        { "abcdefghi", ERROR_WSMAN_CLIENT_INVALID_LANGUAGE_CODE },
        { "en US", ERROR_WSMAN_CLIENT_INVALID_LANGUAGE_CODE },
    };
    WCHAR lone[] = { 'e', 0xd800, 0 };
    WCHAR text[256];
    DWORD used = 0;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        PWSTR language = WSManExtUtf8ToUtf16(rows[i].language);

        assert_int_equal(WSManGetErrorMessage(f->api, 0, language, 5, 256, text, &used),
                         rows[i].code);
        WSManExtFree(language);
    }
    assert_int_equal(WSManGetErrorMessage(f->api, 0, lone, 5, 256, text, &used),
                     ERROR_WSMAN_CLIENT_INVALID_LANGUAGE_CODE);
    assert_int_equal(WSManGetErrorMessage(f->api, 0, NULL, 5, 256, text, &used), 0);
}

/* ---- Redirect ---- */

static const char *redirect_detail; /* inside s:Detail */

static bool redirect(struct fake_service *service, const struct fake_request *request,
                     struct fake_reply *reply)
{
    (void)service;
    if (strcmp(request->name, "Create") != 0 && strcmp(request->name, "Connect") != 0)
        return false;
    reply->status = 500;
    wsm_buf_append_str(&reply->body, "<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope'"
                                     "><s:Body><s:Fault><s:Detail>");
    wsm_buf_append_str(&reply->body, redirect_detail);
    wsm_buf_append_str(&reply->body, "</s:Detail></s:Fault></s:Body></s:Envelope>");
    return true;
}

#define REDIRECT_FAULT(content)                                                     \
    "<f:WSManFault xmlns:f='http://schemas.microsoft.com/wbem/wsman/1/wsmanfault' " \
    "Code='2150859161' Machine='old'><f:Message>" content "</f:Message></f:WSManFault>"

static DWORD try_shell(void)
{
    struct recorder *recorder = recorder_new();
    WSMAN_SHELL_HANDLE shell = NULL;
    DWORD code;

    recorder->user = recorder;
    WSManCreateShell(f->session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &recorder->async, &shell);
    code = recorder_last(recorder)->code;
    recorder_free(recorder);
    close_shell(shell); /* succeeds for a shell that was never made */
    return code;
}

static void test_2_10_redirect_is_kept_for_option_30(void **state)
{
    static const struct {
        const char *detail;
        const char *url;
    } rows[] = {
        { REDIRECT_FAULT(
              "<f:ProviderFault provider='p'><RedirectLocation> https://new.example/x?y=1"
              " </RedirectLocation></f:ProviderFault>"),
          "https://new.example/x?y=1" },
        { REDIRECT_FAULT("<r:redirectlocation xmlns:r='urn:r'>HTTP://[::1]:5985"
                         "</r:redirectlocation>"),
          "HTTP://[::1]:5985" },
        { REDIRECT_FAULT("Go to http://words.example:80/wsman please"),
          "http://words.example:80/wsman" },
    };
    WCHAR text[64];
    DWORD used = 0;
    size_t i;

    (void)state;
    assert_int_equal(get_text(30, 0, NULL, &used), ERROR_WSMAN_REDIRECT_LOCATION_NOT_AVAILABLE);
    assert_int_equal(get_text(30, 64, text, &used), ERROR_WSMAN_REDIRECT_LOCATION_NOT_AVAILABLE);
    fake_service_handler(f->service, redirect);
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        redirect_detail = rows[i].detail;
        assert_int_equal(try_shell(), ERROR_WSMAN_REDIRECT_REQUESTED);
        expect_text(30, rows[i].url);
        assert_int_equal(get_text(30, 0, NULL, &used), ERROR_INSUFFICIENT_BUFFER);
        assert_int_equal(used, strlen(rows[i].url) + 1);
    }
}

static void test_6_4_bad_redirects_have_their_codes(void **state)
{
    static char long_url[sizeof(REDIRECT_FAULT("http://h/")) + 2048];
    struct {
        const char *detail;
        DWORD code;
    } rows[] = {
        { REDIRECT_FAULT("elsewhere"), ERROR_WSMAN_INVALID_REDIRECT_ERROR },
        { REDIRECT_FAULT("<RedirectLocation/>"), ERROR_WSMAN_INVALID_REDIRECT_ERROR },
        { REDIRECT_FAULT("<RedirectLocation>new.example</RedirectLocation>"),
          ERROR_REDIRECT_LOCATION_INVALID },
        { REDIRECT_FAULT("<RedirectLocation>ftp://new.example</RedirectLocation>"),
          ERROR_REDIRECT_LOCATION_INVALID },
        { REDIRECT_FAULT("<RedirectLocation>https://</RedirectLocation>"),
          ERROR_REDIRECT_LOCATION_INVALID },
        { REDIRECT_FAULT("<RedirectLocation>http://a b</RedirectLocation>"),
          ERROR_REDIRECT_LOCATION_INVALID },
        { long_url, ERROR_REDIRECT_LOCATION_TOO_LONG },
    };
    DWORD used = 0;
    size_t i;

    (void)state;
    snprintf(long_url, sizeof(long_url), REDIRECT_FAULT("http://h/%02048d"), 0);
    fake_service_handler(f->service, redirect);
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        redirect_detail = rows[i].detail;
        assert_int_equal(try_shell(), rows[i].code);
        assert_int_equal(get_text(30, 0, NULL, &used), ERROR_WSMAN_REDIRECT_LOCATION_NOT_AVAILABLE);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_3_4_every_option_has_its_type_and_default),
        TEST(test_2_6_numbers_take_their_bounds_and_are_read_back),
        TEST(test_2_6_wrong_types_and_read_only_options_are_refused),
        TEST(test_2_6_order_decides_between_options_that_exclude_each_other),
        TEST(test_3_4_a_port_in_the_spn_needs_a_mechanism_with_spn),
        TEST(test_2_6_transport_is_fixed_by_the_first_operation_and_the_rest_is_not),
        TEST(test_2_7_a_time_out_that_is_not_set_is_the_general_one),
        TEST(test_7_10_retry_time_is_4_minutes_in_ms_and_set_by_its_function),
        TEST(test_2_6_languages_are_tags_or_cultures),
        TEST(test_G1_a_counted_nul_is_dropped),
        TEST(test_7_22_ui_language_is_the_locale_and_locale_the_data_locale),
        TEST(test_3_4_machine_id_is_sent_only_if_asked_for),
        TEST(test_2_7_a_send_of_option_29_fits_into_one_message),
        TEST(test_2_7_option_29_follows_envelope_and_encoding),
        TEST(test_2_6_a_larger_input_goes_in_several_messages),
        TEST(test_2_8_texts_of_options_follow_the_two_calls),
        TEST(test_2_3_error_messages_follow_the_two_calls),
        TEST(test_2_3_language_of_messages),
        TEST(test_2_10_redirect_is_kept_for_option_30),
        TEST(test_6_4_bad_redirects_have_their_codes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
