/* Tests of src/monitor/logons.c. */
#include "monitor/logons.h"
#include "wsmerror.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct token {
    uint8_t bytes[WSM_TOKEN_LEN];
};

static struct token token_of(unsigned number)
{
    struct token token = { { 0 } };

    memcpy(token.bytes + 12, &number, sizeof(number));
    return token;
}

static void refused(struct wsm_logons *logons, unsigned number, struct wsm_span user, uint32_t code)
{
    struct wsm_error err = WSM_ERROR_INIT;
    size_t count = logons->count;

    assert_false(wsm_logons_add(logons, token_of(number).bytes, user, &err));
    assert_int_equal(err.code, code);
    assert_int_equal(logons->count, count);
    wsm_error_clear(&err);
}

static void add(struct wsm_logons *logons, unsigned number, const char *user)
{
    assert_true(wsm_logons_add(logons, token_of(number).bytes, wsm_span_str(user), NULL));
}

static void test_logons_live_until_removed(void **state)
{
    struct wsm_logons logons = { 0 };

    (void)state;
    assert_null(wsm_logons_find(&logons, token_of(1).bytes));
    add(&logons, 1, "alice");
    add(&logons, 2, "bob");
    add(&logons, 3, "alice"); /* one user, two log-ons */
    assert_string_equal(wsm_logons_find(&logons, token_of(1).bytes), "alice");
    assert_string_equal(wsm_logons_find(&logons, token_of(2).bytes), "bob");
    wsm_logons_remove(&logons, token_of(1).bytes);
    wsm_logons_remove(&logons, token_of(1).bytes);
    wsm_logons_remove(&logons, token_of(99).bytes);
    assert_null(wsm_logons_find(&logons, token_of(1).bytes));
    assert_string_equal(wsm_logons_find(&logons, token_of(3).bytes), "alice");
    wsm_logons_clear(&logons);
    assert_null(wsm_logons_find(&logons, token_of(3).bytes));
    add(&logons, 1, "again");
    wsm_logons_clear(&logons);
}

static void test_logons_refuse_bad_names_and_live_tokens(void **state)
{
    struct wsm_logons logons = { 0 };
    char name[WSM_LOGON_USER_MAX + 1];

    (void)state;
    memset(name, 'n', sizeof(name));
    add(&logons, 1, "alice");
    refused(&logons, 1, wsm_span_str("bob"), ERROR_INVALID_PARAMETER);
    refused(&logons, 2, wsm_span_str(""), ERROR_INVALID_PARAMETER);
    refused(&logons, 2, wsm_span_of("a\nowner=b", 9), ERROR_INVALID_PARAMETER);
    refused(&logons, 2, wsm_span_of("a\0b", 3), ERROR_INVALID_PARAMETER);
    refused(&logons, 2, wsm_span_of(name, sizeof(name)), ERROR_INVALID_PARAMETER);
    assert_true(
        wsm_logons_add(&logons, token_of(2).bytes, wsm_span_of(name, WSM_LOGON_USER_MAX), NULL));
    wsm_logons_clear(&logons);
}

static void test_logons_are_bounded(void **state)
{
    struct wsm_logons logons = { 0 };

    (void)state;
    for (unsigned i = 0; i < WSM_LOGONS_MAX; i++)
        add(&logons, i, "alice");
    refused(&logons, WSM_LOGONS_MAX, wsm_span_str("alice"), ERROR_WSMAN_QUOTA_SYSTEM);
    wsm_logons_remove(&logons, token_of(7).bytes);
    add(&logons, WSM_LOGONS_MAX, "bob");
    assert_string_equal(wsm_logons_find(&logons, token_of(WSM_LOGONS_MAX).bytes), "bob");
    wsm_logons_clear(&logons);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logons_live_until_removed),
        cmocka_unit_test(test_logons_refuse_bad_names_and_live_tokens),
        cmocka_unit_test(test_logons_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
