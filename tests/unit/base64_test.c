/* Base64: known values, strictness, and the wide form against the scalar one. */
#include "base/base64.h"

#include "guarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LEN_MAX = 300, TEXT_MAX = 2000 };

static uint32_t seed = 1;

static uint32_t next_random(void)
{
    seed = seed * 1664525 + 1013904223;
    return seed >> 8;
}

static void fill_random(uint8_t *bytes, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++)
        bytes[i] = (uint8_t)next_random();
}

static void check_decodes(const char *text, const char *expected)
{
    uint8_t out[64];
    size_t len = 99;

    assert_true(wsm_base64_decode((const uint8_t *)text, strlen(text), out, &len));
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(out, expected, len);
    assert_true(wsm_base64_decode_scalar((const uint8_t *)text, strlen(text), out, &len));
    assert_int_equal(len, strlen(expected));
}

static void check_refused(const char *text)
{
    uint8_t out[256];
    size_t len = 99;

    if (wsm_base64_decode((const uint8_t *)text, strlen(text), out, &len))
        fail_msg("accepted: %s", text);
    assert_int_equal(len, 99);
    assert_false(wsm_base64_decode_scalar((const uint8_t *)text, strlen(text), out, &len));
}

static void test_base64_encodes_the_examples_of_rfc_4648(void **state)
{
    static const char *const pairs[][2] = {
        { "", "" },
        { "f", "Zg==" },
        { "fo", "Zm8=" },
        { "foo", "Zm9v" },
        { "foob", "Zm9vYg==" },
        { "fooba", "Zm9vYmE=" },
        { "foobar", "Zm9vYmFy" },
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        uint8_t out[16];
        size_t len = wsm_base64_encoded_len(strlen(pairs[i][0]));

        assert_int_equal(len, strlen(pairs[i][1]));
        wsm_base64_encode((const uint8_t *)pairs[i][0], strlen(pairs[i][0]), out);
        assert_memory_equal(out, pairs[i][1], len);
        check_decodes(pairs[i][1], pairs[i][0]);
    }
}

static void test_base64_skips_white_space_anywhere(void **state)
{
    (void)state;
    check_decodes(" \r\n\t", "");
    check_decodes("\n Z m 9 v \t", "foo");
    check_decodes("Z\r\ng\r\n=\r\n=\r\n", "f");
    check_decodes("Zm8 = ", "fo");
}

static void test_base64_takes_nothing_from_nowhere(void **state)
{
    size_t len = 99;

    (void)state;
    wsm_base64_encode(NULL, 0, NULL);
    assert_true(wsm_base64_decode(NULL, 0, NULL, &len));
    assert_int_equal(len, 0);
    len = 99;
    assert_true(wsm_base64_decode_scalar(NULL, 0, NULL, &len));
    assert_int_equal(len, 0);
}

static void test_base64_refuses_bad_padding(void **state)
{
    static const char *const bad[] = {
        "Z",    "Zg",   "Zg=",     "Zm8",       "=",        "==",    "===",
        "====", "Z===", "Zg===",   "Zg==Zg==",  "Zm8=Zm9v", "Zm9v=", "Zm9v====",
        "Zg=a", "Z=g=", "Zg==\n=", "Zg== Zm9v", "Zm8=A",
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        check_refused(bad[i]);
}

static void test_base64_refuses_unused_bits_that_are_not_zero(void **state)
{
    static const char *const bad[] = { "Zh==", "Zv==", "Zm9=", "Zm+=", "Z/==", "Zn/=" };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        check_refused(bad[i]);
}

static void test_base64_refuses_other_alphabets(void **state)
{
    (void)state;
    check_refused("Zm-v");
    check_refused("Zm_v");
    check_refused("Zm9v\v");
    check_refused("Zm9v\f");
    check_refused("Zm9v\xc2\xa0");
    check_refused("&#10;");
}

static void test_base64_wide_and_scalar_agree_for_every_length(void **state)
{
    uint8_t bytes[LEN_MAX];
    uint8_t wide[TEXT_MAX];
    uint8_t scalar[TEXT_MAX];
    struct guarded in;
    struct guarded out;
    size_t count;

    (void)state;
    guarded_init(&in, TEXT_MAX);
    guarded_init(&out, TEXT_MAX);
    for (count = 0; count <= LEN_MAX; count++) {
        size_t len = wsm_base64_encoded_len(count);
        size_t got = 0;
        uint8_t *room;

        fill_random(bytes, count);
        memset(wide, 0, len);
        room = guarded_copy(&out, wide, len);
        wsm_base64_encode(guarded_copy(&in, bytes, count), count, room);
        memcpy(wide, room, len);
        wsm_base64_encode_scalar(bytes, count, scalar);
        assert_memory_equal(wide, scalar, len);

        memset(scalar, 0, len / 4 * 3);
        room = guarded_copy(&out, scalar, len / 4 * 3);
        assert_true(wsm_base64_decode(guarded_copy(&in, wide, len), len, room, &got));
        assert_int_equal(got, count);
        assert_memory_equal(room, bytes, count);

        room = guarded_copy(&in, wide, len);
        assert_true(wsm_base64_decode(room, len, room, &got)); /* in place */
        assert_int_equal(got, count);
        assert_memory_equal(room, bytes, count);

        room = guarded_copy(&in, wide, len);
        assert_true(wsm_base64_decode_scalar(room, len, room, &got));
        assert_int_equal(got, count);
        assert_memory_equal(room, bytes, count);
    }
    guarded_clear(&in);
    guarded_clear(&out);
}

/* Copies `text` with white space put in between; returns the new length. */
static size_t sprinkle(const uint8_t *text, size_t len, uint8_t *out, unsigned one_in)
{
    size_t at = 0;
    size_t i;

    for (i = 0; i < len; i++) {
        while (next_random() % one_in == 0 && at < TEXT_MAX - (len - i))
            out[at++] = (uint8_t) " \t\r\n"[next_random() % 4];
        out[at++] = text[i];
    }
    return at;
}

static void test_base64_wide_and_scalar_agree_with_white_space(void **state)
{
    uint8_t bytes[LEN_MAX];
    uint8_t text[TEXT_MAX];
    uint8_t spaced[TEXT_MAX];
    struct guarded in;
    struct guarded out;
    size_t count;

    (void)state;
    guarded_init(&in, TEXT_MAX);
    guarded_init(&out, TEXT_MAX);
    for (count = 0; count <= LEN_MAX; count++) {
        unsigned one_in;

        fill_random(bytes, count);
        wsm_base64_encode(bytes, count, text);
        for (one_in = 2; one_in < 200; one_in = one_in * 2 + 1) {
            size_t len = sprinkle(text, wsm_base64_encoded_len(count), spaced, one_in);
            uint8_t *from = guarded_copy(&in, spaced, len);
            uint8_t *to = guarded_copy(&out, spaced, len / 4 * 3);
            size_t got = 0;

            assert_true(wsm_base64_decode(from, len, to, &got));
            assert_int_equal(got, count);
            assert_memory_equal(to, bytes, count);
            assert_true(wsm_base64_decode(from, len, from, &got));
            assert_int_equal(got, count);
            assert_memory_equal(from, bytes, count);
        }
    }
    guarded_clear(&in);
    guarded_clear(&out);
}

static bool belongs(int c)
{
    return c == '+' || c == '/' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
           (c >= 'a' && c <= 'z') || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void test_base64_refuses_every_bad_character_at_every_place(void **state)
{
    uint8_t text[200];
    uint8_t out[200];
    size_t at;
    int c;

    (void)state;
    for (c = 0; c < 256; c++) {
        if (belongs(c))
            continue;
        for (at = 0; at < sizeof(text); at++) {
            size_t len = 99;

            memset(text, 'A', sizeof(text));
            text[at] = (uint8_t)c;
            if (c == '=' && at == sizeof(text) - 1)
                continue; /* "AAA=" is right */
            assert_false(wsm_base64_decode(text, sizeof(text), out, &len));
            assert_false(wsm_base64_decode_scalar(text, sizeof(text), out, &len));
            assert_int_equal(len, 99);
        }
    }
}

static void test_base64_wide_and_scalar_agree_on_every_character(void **state)
{
    uint8_t text[96];
    uint8_t wide[96];
    uint8_t scalar[96];
    int c;

    (void)state;
    for (c = 0; c < 256; c++) {
        size_t wide_len = 0;
        size_t scalar_len = 0;
        bool ok;

        memset(text, c, sizeof(text));
        ok = wsm_base64_decode(text, sizeof(text), wide, &wide_len);
        assert_int_equal(ok, wsm_base64_decode_scalar(text, sizeof(text), scalar, &scalar_len));
        assert_int_equal(ok, belongs(c));
        assert_int_equal(wide_len, scalar_len);
        assert_memory_equal(wide, scalar, wide_len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64_encodes_the_examples_of_rfc_4648),
        cmocka_unit_test(test_base64_skips_white_space_anywhere),
        cmocka_unit_test(test_base64_takes_nothing_from_nowhere),
        cmocka_unit_test(test_base64_refuses_bad_padding),
        cmocka_unit_test(test_base64_refuses_unused_bits_that_are_not_zero),
        cmocka_unit_test(test_base64_refuses_other_alphabets),
        cmocka_unit_test(test_base64_wide_and_scalar_agree_for_every_length),
        cmocka_unit_test(test_base64_wide_and_scalar_agree_with_white_space),
        cmocka_unit_test(test_base64_refuses_every_bad_character_at_every_place),
        cmocka_unit_test(test_base64_wide_and_scalar_agree_on_every_character),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
