/* The texts for error codes, compared with the codes of the installed header. */
#include "client/error_text.h"
#include "client/error_texts.h"
#include "wsmerror.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CODES_OF_WSMAN = 511 };

static bool has_row(uint32_t code)
{
    size_t i;

    for (i = 0; i < wsm_error_row_count; i++)
        if (wsm_error_rows[i].code == code)
            return true;
    return false;
}

static void test_2_3_every_code_of_the_header_has_a_text(void **state)
{
    FILE *header = fopen(WSM_SOURCE_DIR "/include/wsmerror.h", "r");
    char line[256];
    size_t count = 0;

    (void)state;
    assert_non_null(header);
    while (fgets(line, sizeof(line), header) != NULL) {
        char name[128];
        char value[32];
        uint32_t code;

        if (sscanf(line, "#define %127s %31s", name, value) != 2 ||
            (strncmp(name, "ERROR_", 6) != 0 && strncmp(name, "RPC_", 4) != 0))
            continue;
        code = (uint32_t)strtoul(value, NULL, 0);
        count += code >> 16 == 0x8033;
        if (!has_row(code))
            fail_msg("%s (%s) has no text", name, value);
    }
    fclose(header);
    assert_int_equal(count, CODES_OF_WSMAN);
}

static void test_2_3_texts_are_in_order_and_none_is_doubled(void **state)
{
    size_t i;

    (void)state;
    for (i = 1; i < wsm_error_row_count; i++)
        if (wsm_error_rows[i - 1].code >= wsm_error_rows[i].code)
            fail_msg("%#x behind %#x", wsm_error_rows[i].code, wsm_error_rows[i - 1].code);
}

/* Sentences: a capital or "winrs", one dot at the end, no brace that PowerShell would expand. */
static void test_2_3_texts_are_short_sentences_in_ascii(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < wsm_error_row_count; i++) {
        const char *text = wsm_error_rows[i].text;
        size_t len = strlen(text);
        size_t k;

        if (len < 8 || len > WSM_ERROR_TEXT_MAX || text[len - 1] != '.' || text[len - 2] == '.' ||
            strstr(text, "  ") != NULL ||
            !((text[0] >= 'A' && text[0] <= 'Z') || strncmp(text, "winrs ", 6) == 0 ||
              strncmp(text, "winrs:", 6) == 0))
            fail_msg("%#x: \"%s\"", wsm_error_rows[i].code, text);
        for (k = 0; k < len; k++)
            if (text[k] < ' ' || text[k] > '~' || strchr("{}@%", text[k]) != NULL)
                fail_msg("%#x: \"%s\"", wsm_error_rows[i].code, text);
    }
}

static void expect(uint32_t code, const char *text)
{
    char out[WSM_ERROR_TEXT_MAX + 1];

    wsm_error_text_write(code, out, sizeof(out));
    assert_string_equal(out, text);
}

static void test_2_3_each_code_finds_its_own_text(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < wsm_error_row_count; i++)
        expect(wsm_error_rows[i].code, wsm_error_rows[i].text);
}

static void test_2_3_an_hresult_of_a_win32_code_has_its_text(void **state)
{
    (void)state;
    expect(0x80070005U, "Access was refused; check name, password and rights.");
    expect(0x80070002U, "The program or file was not found; check its name and its path.");
    expect(0x800703FAU, "The service was restarted, or a key of its registry deleted; try again.");
}

static void test_2_3_an_unknown_code_has_a_text_with_its_number(void **state)
{
    (void)state;
    expect(4711, "There is no text for error 0x00001267 (4711).");
    expect(0x80540FA0U, "There is no text for error 0x80540FA0 (2152992672).");
    expect(0x80338FFFU, "There is no text for error 0x80338FFF (2150862847).");
    expect(0x8007FFFFU, "There is no text for error 0x8007FFFF (2148007935).");
    expect(UINT32_MAX, "There is no text for error 0xFFFFFFFF (4294967295).");
}

static void test_error_text_stays_within_its_buffer(void **state)
{
    char out[8] = "xxxxxxx";

    (void)state;
    wsm_error_text_write(ERROR_ACCESS_DENIED, out, 7);
    assert_string_equal(out, "Access");
    assert_int_equal(out[7], '\0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_2_3_every_code_of_the_header_has_a_text),
        cmocka_unit_test(test_2_3_texts_are_in_order_and_none_is_doubled),
        cmocka_unit_test(test_2_3_texts_are_short_sentences_in_ascii),
        cmocka_unit_test(test_2_3_each_code_finds_its_own_text),
        cmocka_unit_test(test_2_3_an_hresult_of_a_win32_code_has_its_text),
        cmocka_unit_test(test_2_3_an_unknown_code_has_a_text_with_its_number),
        cmocka_unit_test(test_error_text_stays_within_its_buffer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
