/* The growing buffer and the error type: sticky failure, first error wins. */
#include "base/buf.h"

#include "failing_alloc.h"
#include "wsmerror.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_buf_appends_and_consumes(void **state)
{
    struct wsm_buf buf = WSM_BUF_INIT;

    (void)state;
    wsm_buf_append_str(&buf, "abc");
    wsm_buf_append_byte(&buf, 'd');
    wsm_buf_append_span(&buf, wsm_span_str("ef"));
    wsm_buf_append_span(&buf, wsm_span_of(NULL, 0));
    wsm_buf_printf(&buf, "%d%s", 12, "x");
    assert_true(wsm_span_is(wsm_buf_span(&buf), "abcdef12x"));
    wsm_buf_consume(&buf, 0);
    wsm_buf_consume(&buf, 4);
    assert_true(wsm_span_is(wsm_buf_span(&buf), "ef12x"));
    wsm_buf_consume(&buf, 5);
    assert_int_equal(buf.len, 0);
    wsm_buf_wipe(&buf);
    wsm_buf_wipe(&buf);
    assert_null(buf.ptr);
}

static void test_buf_refuses_sizes_that_cannot_be(void **state)
{
    struct wsm_buf buf = WSM_BUF_INIT;

    (void)state;
    wsm_buf_append_str(&buf, "abc");
    assert_false(wsm_buf_reserve(&buf, SIZE_MAX));
    assert_false(wsm_buf_ok(&buf));
    wsm_buf_append_str(&buf, "d"); /* sticky */
    assert_int_equal(buf.len, 3);
    wsm_buf_reset(&buf);
    assert_true(wsm_buf_ok(&buf));
    assert_false(wsm_buf_reserve(&buf, SIZE_MAX / 2 + 1));
    wsm_buf_clear(&buf);
    assert_true(wsm_buf_ok(&buf));
}

static bool fill(void *context)
{
    struct wsm_buf buf = WSM_BUF_INIT;
    bool ok;
    int i;

    (void)context;
    for (i = 0; i < 2000; i++) {
        wsm_buf_append_str(&buf, "some text ");
        wsm_buf_printf(&buf, "%d", i);
    }
    ok = wsm_buf_ok(&buf);
    assert_true(ok || buf.len < 2000 * 12);
    wsm_buf_clear(&buf);
    return ok;
}

static void test_buf_reports_a_failed_allocation_at_the_end(void **state)
{
    (void)state;
    assert_true(failing_alloc_each("buf", fill, NULL) >= 7);
}

static void test_error_keeps_the_first(void **state)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_error other = WSM_ERROR_INIT;

    (void)state;
    assert_string_equal(wsm_error_text(&err), "no error");
    assert_false(wsm_fail(NULL, ERROR_INVALID_PARAMETER, "nobody listens"));
    assert_false(wsm_fail(&err, ERROR_INVALID_PARAMETER, "first %d", 1));
    assert_false(wsm_fail_memory(&err, "second"));
    assert_int_equal(err.code, ERROR_INVALID_PARAMETER);
    assert_string_equal(wsm_error_text(&err), "first 1");
    assert_false(wsm_fail(&other, ERROR_ACCESS_DENIED, "other"));
    wsm_error_move(&other, &err);
    assert_int_equal(err.code, 0);
    assert_string_equal(wsm_error_text(&other), "first 1");
    wsm_error_clear(&other);
    assert_int_equal(other.code, 0);
    other.code = ERROR_OUTOFMEMORY;
    assert_string_equal(wsm_error_text(&other), "out of memory");
    other.code = ERROR_ACCESS_DENIED;
    assert_string_equal(wsm_error_text(&other), "no details");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buf_appends_and_consumes),
        cmocka_unit_test(test_buf_refuses_sizes_that_cannot_be),
        cmocka_unit_test(test_buf_reports_a_failed_allocation_at_the_end),
        cmocka_unit_test(test_error_keeps_the_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
