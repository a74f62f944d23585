/* UTF-8 and UTF-16 against iconv, and what is refused. */
#include "base/utf.h"

#include "failing_alloc.h"
#include "guarded.h"
#include "wsmerror.h"

#include <iconv.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT_MAX = 512 };

static struct guarded page;
static uint32_t seed = 7;

static uint32_t next_random(void)
{
    seed = seed * 1664525 + 1013904223;
    return seed >> 8;
}

/* What iconv makes of `len` bytes; -1 = refused. */
static long oracle(const char *to, const char *from, const void *in, size_t len, void *out,
                   size_t room)
{
    iconv_t converter = iconv_open(to, from);
    char *source = (char *)(uintptr_t)in;
    char *target = out;
    size_t left = room;
    size_t result;

    assert_true(converter != (iconv_t)-1);
    result = iconv(converter, &source, &len, &target, &left);
    iconv_close(converter);
    return result == (size_t)-1 ? -1 : (long)(room - left);
}

/* Decodes and compares with iconv; text without NUL. */
static void check_utf8(const uint8_t *text, size_t len)
{
    char16_t expected[TEXT_MAX];
    long expected_len = oracle("UTF-16LE", "UTF-8", text, len, expected, sizeof(expected));
    struct wsm_span span = wsm_span_of(guarded_copy(&page, text, len), len);
    struct wsm_error err = WSM_ERROR_INIT;
    char16_t *got = NULL;
    size_t count = 0;
    char *back = NULL;

    assert_int_equal(wsm_utf8_is_valid(span), expected_len >= 0);
    if (expected_len < 0) {
        assert_false(wsm_utf8_to_utf16(span, "text", &got, &count, &err));
        assert_null(got);
        assert_int_equal(err.code, ERROR_INVALID_PARAMETER);
        wsm_error_clear(&err);
        return;
    }
    assert_true(wsm_utf8_to_utf16(span, "text", &got, &count, &err));
    assert_int_equal(count * 2, expected_len);
    assert_memory_equal(got, expected, count * 2);
    assert_int_equal(wsm_utf16_len(got), count);
    assert_true(wsm_utf16_to_utf8(got, count, "text", &back, &err));
    assert_int_equal(strlen(back), len);
    assert_memory_equal(back, text, len);
    free(got);
    free(back);
}

static void test_utf_converts_every_code_point_as_iconv_does(void **state)
{
    uint32_t code;

    (void)state;
    /* 30 at a time: one conversion each would open iconv a million times */
    for (code = 1; code <= 0x10ffff;) {
        uint32_t points[30];
        uint8_t utf8[TEXT_MAX];
        size_t n = 0;
        long len;

        for (; n < 30 && code <= 0x10ffff; code++) {
            if (code < 0xd800 || code > 0xdfff)
                points[n++] = code;
        }
        len = oracle("UTF-8", "UTF-32LE", points, n * 4, utf8, sizeof(utf8));
        assert_true(len > 0);
        check_utf8(utf8, (size_t)len);
    }
}

static void test_utf8_refuses_what_iconv_refuses(void **state)
{
    static const char *const bad[] = {
        "\x80",
        "\xbf",
        "\xc0\x80",
        "\xc1\xbf",
        "\xc3",
        "\xc3(",
        "\xe0\x9f\xbf",
        "\xe2\x82",
        "\xe2\x28\xa1",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xf0\x8f\xbf\xbf",
        "\xf0\x9f\x98",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xf8\x88\x80\x80\x80",
        "\xff",
        "\xfe",
        "abcdefgh\xc3",
        "abcdefghi\xe2\x82",
        "\xed\xa0\xbd\xed\xb8\x80", /* a pair of surrogates, each as UTF-8 */
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(wsm_utf8_is_valid(wsm_span_str(bad[i])));
        check_utf8((const uint8_t *)bad[i], strlen(bad[i]));
    }
}

static void test_utf8_agrees_with_iconv_on_random_bytes(void **state)
{
    /* lead and continuation bytes at every border, so that many tries are nearly right */
    static const uint8_t likely[] = { 'a',  0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
                                      0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed,
                                      0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff };
    int round;

    (void)state;
    for (round = 0; round < 20000; round++) {
        uint8_t text[24];
        size_t len = next_random() % sizeof(text);
        size_t i;

        for (i = 0; i < len; i++)
            text[i] = next_random() % 3 == 0 ? 'x' : likely[next_random() % sizeof(likely)];
        check_utf8(text, len);
    }
}

static void test_utf16_agrees_with_iconv_on_random_units(void **state)
{
    static const char16_t likely[] = { 'a',    0x7f,   0x80,   0x7ff,  0x800,  0xd7ff, 0xd800,
                                       0xdbff, 0xdc00, 0xdfff, 0xe000, 0xfffd, 0xffff };
    int round;

    (void)state;
    for (round = 0; round < 20000; round++) {
        char16_t units[12];
        size_t count = next_random() % 12;
        char expected[TEXT_MAX];
        struct wsm_error err = WSM_ERROR_INIT;
        char *got = NULL;
        long len;
        size_t i;
        bool ok;

        for (i = 0; i < count; i++)
            units[i] = likely[next_random() % (sizeof(likely) / sizeof(likely[0]))];
        len = oracle("UTF-8", "UTF-16LE", units, count * 2, expected, sizeof(expected));
        ok = wsm_utf16_to_utf8((void *)guarded_copy(&page, units, count * 2), count, "text", &got,
                               &err);
        assert_int_equal(ok, len >= 0);
        if (ok) {
            assert_int_equal(strlen(got), len);
            assert_memory_equal(got, expected, (size_t)len);
        }
        free(got);
        wsm_error_clear(&err);
    }
}

static void test_utf_refuses_nul_and_says_where(void **state)
{
    struct wsm_error err = WSM_ERROR_INIT;
    char16_t *utf16 = NULL;
    char *utf8 = NULL;

    (void)state;
    assert_false(wsm_utf8_to_utf16(wsm_span_of("abcdefghijk\0l", 13), "name", &utf16, NULL, &err));
    assert_string_equal(wsm_error_text(&err), "name: NUL at byte 11");
    wsm_error_clear(&err);
    assert_false(wsm_utf16_to_utf8(u"a\0b", 3, "name", &utf8, &err));
    assert_string_equal(wsm_error_text(&err), "name: NUL at position 1");
    wsm_error_clear(&err);
    assert_false(wsm_utf16_to_utf8((const char16_t[]){ 'a', 'b', 0xd800 }, 3, "name", &utf8, &err));
    assert_string_equal(wsm_error_text(&err), "name: lone surrogate at position 2");
    wsm_error_clear(&err);
    assert_false(wsm_utf8_to_utf16(wsm_span_str("caf\xe9"), "name", &utf16, NULL, &err));
    assert_string_equal(wsm_error_text(&err), "name: not UTF-8 at byte 3");
    wsm_error_clear(&err);
    assert_null(utf16);
    assert_null(utf8);
}

static void test_utf_converts_empty_text(void **state)
{
    struct wsm_error err = WSM_ERROR_INIT;
    char16_t *utf16 = NULL;
    char *utf8 = NULL;
    size_t count = 9;

    (void)state;
    assert_true(wsm_utf8_is_valid(wsm_span_of(NULL, 0)));
    assert_true(wsm_utf8_to_utf16(wsm_span_of(NULL, 0), "text", &utf16, &count, &err));
    assert_int_equal(count, 0);
    assert_int_equal(utf16[0], 0);
    assert_true(wsm_utf16_to_utf8(NULL, 0, "text", &utf8, &err));
    assert_string_equal(utf8, "");
    free(utf16);
    free(utf8);
}

static bool convert_both(void *context)
{
    struct wsm_error err = WSM_ERROR_INIT;
    char16_t *utf16 = NULL;
    char *utf8 = NULL;
    bool ok;

    (void)context;
    ok = wsm_utf8_to_utf16(wsm_span_str("caf\xc3\xa9"), "text", &utf16, NULL, &err) &&
         wsm_utf16_to_utf8(utf16, 4, "text", &utf8, &err);
    if (!ok)
        assert_int_equal(err.code, ERROR_OUTOFMEMORY);
    wsm_error_clear(&err);
    free(utf16);
    free(utf8);
    return ok;
}

static void test_utf_reports_a_failed_allocation(void **state)
{
    (void)state;
    assert_int_equal(failing_alloc_each("utf", convert_both, NULL), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf_converts_every_code_point_as_iconv_does),
        cmocka_unit_test(test_utf8_refuses_what_iconv_refuses),
        cmocka_unit_test(test_utf8_agrees_with_iconv_on_random_bytes),
        cmocka_unit_test(test_utf16_agrees_with_iconv_on_random_units),
        cmocka_unit_test(test_utf_refuses_nul_and_says_where),
        cmocka_unit_test(test_utf_converts_empty_text),
        cmocka_unit_test(test_utf_reports_a_failed_allocation),
    };
    int failures;

    guarded_init(&page, TEXT_MAX);
    failures = cmocka_run_group_tests(tests, NULL, NULL);
    guarded_clear(&page);
    return failures;
}
