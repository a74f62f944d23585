/* Lists of stream names. */
#include "ipc/stream_names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_stream_names_become_bits(void **state)
{
    uint32_t bits = 9;

    (void)state;
    assert_true(wsm_stream_names_parse(wsm_span_str(" stderr\t stdout\n"), wsm_output_stream_names,
                                       2, &bits));
    assert_int_equal(bits, 3);
    assert_true(wsm_stream_names_parse(wsm_span_of(NULL, 0), wsm_output_stream_names, 2, &bits));
    assert_int_equal(bits, 0);
}

static void test_stream_names_refuses_what_is_not_there(void **state)
{
    uint32_t bits = 9;

    (void)state;
    assert_false(
        wsm_stream_names_parse(wsm_span_str("stdout pr"), wsm_output_stream_names, 2, &bits));
    assert_false(
        wsm_stream_names_parse(wsm_span_str("stdoutx"), wsm_output_stream_names, 2, &bits));
    assert_int_equal(bits, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stream_names_become_bits),
        cmocka_unit_test(test_stream_names_refuses_what_is_not_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
