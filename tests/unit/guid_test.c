/* GUIDs: all spellings that peers use, and what is none. */
#include "base/guid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define TEXT "0123abcd-4567-89EF-0123-456789abcdef"

static void test_guid_from_random_is_version_4(void **state)
{
    uint8_t random[16];
    struct wsm_guid guid;
    struct wsm_guid again;

    (void)state;
    memset(random, 0xff, sizeof(random));
    wsm_guid_from_random(random, &guid);
    assert_string_equal(guid.text, "FFFFFFFF-FFFF-4FFF-BFFF-FFFFFFFFFFFF");
    memset(random, 0, sizeof(random));
    wsm_guid_from_random(random, &guid);
    assert_string_equal(guid.text, "00000000-0000-4000-8000-000000000000");
    assert_true(wsm_guid_parse(wsm_span_str(guid.text), &again));
    assert_true(wsm_guid_equal(&guid, &again));
}

static void test_guid_reads_every_spelling(void **state)
{
    static const char *const good[] = { TEXT,         "uuid:" TEXT,      "UUID:" TEXT,
                                        "{" TEXT "}", "uuid:{" TEXT "}", " \r\n\t" TEXT "\n" };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct wsm_guid guid;

        assert_true(wsm_guid_parse(wsm_span_str(good[i]), &guid));
        assert_string_equal(guid.text, TEXT);
    }
}

static void test_guid_refuses_everything_else(void **state)
{
    static const char *const bad[] = {
        "",
        "uuid:",
        "{}",
        "{" TEXT,
        TEXT "}",
        "{{" TEXT "}}",
        "uuid: " TEXT,
        "uuid:uuid:" TEXT,
        "guid:" TEXT,
        TEXT "0",
        TEXT " x",
        "0123abcd-4567-89EF-0123-456789abcde",
        "0123abcd-4567-89EF-0123-456789abcdeg",
        "0123abcd-4567-89EF-01234-56789abcdef",
        "0123abcd+4567-89EF-0123-456789abcdef",
        "0123abcd456789EF0123456789abcdef",
        "-123abcd-4567-89EF-0123-456789abcdef",
        "0123abcd-4567-89EF-0123-456789abc\xc3\xa9",
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct wsm_guid guid = { "unchanged" };

        if (wsm_guid_parse(wsm_span_str(bad[i]), &guid))
            fail_msg("accepted: %s", bad[i]);
        assert_string_equal(guid.text, "unchanged");
    }
    assert_false(wsm_guid_parse(wsm_span_of(NULL, 0), &(struct wsm_guid){ "" }));
}

static void test_guid_compares_without_case(void **state)
{
    struct wsm_guid a;
    struct wsm_guid b;

    (void)state;
    assert_true(wsm_guid_parse(wsm_span_str("0123abcd-4567-89EF-0123-456789abcdef"), &a));
    assert_true(wsm_guid_parse(wsm_span_str("0123ABCD-4567-89ef-0123-456789ABCDEF"), &b));
    assert_true(wsm_guid_equal(&a, &b));
    assert_true(wsm_guid_parse(wsm_span_str("0123ABCD-4567-89ef-0123-456789ABCDEE"), &b));
    assert_false(wsm_guid_equal(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guid_from_random_is_version_4),
        cmocka_unit_test(test_guid_reads_every_spelling),
        cmocka_unit_test(test_guid_refuses_everything_else),
        cmocka_unit_test(test_guid_compares_without_case),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
