/* Copies of an application's arguments: what could not stand in a message, or would mean something
 * else there, is refused. */
#include "client/api_args.h"
#include "wsmerror.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_args_text_that_xml_cannot_write_is_refused(void **state)
{
    static const struct {
        WCHAR text[4];
        const char *words; /* NULL: it can be written */
    } rows[] = {
        { { 'a', 1 }, "U+0001 at byte 1" },
        { { 'a', 0x1f }, "U+001F at byte 1" },
        { { 'a', 'b', 0xfffe }, "U+FFFE at byte 2" },
        { { 0xe4, 0xffff }, "U+FFFF at byte 2" },
        { { '\t', '\n', '\r' }, NULL },
        { { 0xfffd, 0xff3e, 0x7f }, NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wsm_error err = WSM_ERROR_INIT;
        char *text = NULL;

        assert_int_equal(wsm_api_xml_text(rows[i].text, "text", &text, &err), !rows[i].words);
        if (rows[i].words != NULL) {
            assert_null(text);
            assert_int_equal(err.code, ERROR_INVALID_PARAMETER);
            assert_non_null(strstr(wsm_error_text(&err), rows[i].words));
        }
        wsm_error_clear(&err);
        free(text);
    }
}

static void test_args_stream_names_are_single_words(void **state)
{
    static const PCWSTR bad[] = { WSMAN_TEXT(""),     WSMAN_TEXT("a b"),  WSMAN_TEXT("a\tb"),
                                  WSMAN_TEXT("a\rb"), WSMAN_TEXT("a\nb"), WSMAN_TEXT(" a") };
    PCWSTR names[] = { WSMAN_TEXT("stdout"), WSMAN_TEXT("stderr") };
    WSMAN_STREAM_ID_SET set = { .streamIDsCount = 2, .streamIDs = names };
    char *text = NULL;

    (void)state;
    assert_true(wsm_api_streams(&set, "stdin", ERROR_INVALID_PARAMETER, &text, NULL));
    assert_string_equal(text, "stdout stderr");
    free(text);
    text = NULL;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct wsm_error err = WSM_ERROR_INIT;

        names[1] = bad[i];
        assert_false(
            wsm_api_streams(&set, "stdin", ERROR_WSMAN_CREATESHELL_NULL_STREAMID, &text, &err));
        assert_int_equal(err.code, ERROR_WSMAN_CREATESHELL_NULL_STREAMID);
        assert_null(text);
        wsm_error_clear(&err);
    }
}

static bool take_element(PCWSTR xml, char **out, struct wsm_error *err)
{
    WSMAN_DATA data = { .type = WSMAN_DATA_TYPE_TEXT };

    while (xml[data.text.bufferLength] != 0)
        data.text.bufferLength++;
    data.text.buffer = (PWSTR)(uintptr_t)xml;
    return wsm_api_xml_element(&data, "XML", out, err);
}

/* As files have it in front. Within a message it would be a character like others. */
static void test_args_byte_order_mark_is_no_part_of_an_element(void **state)
{
    struct wsm_error err = WSM_ERROR_INIT;
    char *text = NULL;

    (void)state;
    assert_true(take_element(WSMAN_TEXT("\uFEFF<a/>"), &text, NULL));
    assert_string_equal(text, "<a/>");
    free(text);
    text = NULL;
    assert_false(take_element(WSMAN_TEXT("\uFEFF<?xml version=\"1.0\"?><a/>"), &text, &err));
    assert_int_equal(err.code, ERROR_WSMAN_INVALID_XML);
    wsm_error_clear(&err);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_args_text_that_xml_cannot_write_is_refused),
        cmocka_unit_test(test_args_stream_names_are_single_words),
        cmocka_unit_test(test_args_byte_order_mark_is_no_part_of_an_element),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
