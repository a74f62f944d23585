/* Every row of the table in delivery.c. */
#include "server/delivery.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct wsm_http_conn *const open_conn = (struct wsm_http_conn *)(uintptr_t)16;

static struct wsm_carrier open_carrier(uint64_t proven, uint64_t acknowledged)
{
    return (struct wsm_carrier){
        .refs = 1, .conn = open_conn, .proven = proven, .acknowledged = acknowledged
    };
}

static void test_delivery_unknown_carrier_repeats(void **state)
{
    (void)state;
    assert_int_equal(wsm_delivery_decide(NULL, 100, 0), WSM_DELIVERY_REPEAT);
    assert_int_equal(wsm_delivery_decide(NULL, 0, 1000), WSM_DELIVERY_REPEAT);
}

static void test_delivery_later_request_on_the_carrier_confirms(void **state)
{
    struct wsm_carrier carrier = open_carrier(100, 0);

    (void)state;
    assert_int_equal(wsm_delivery_decide(&carrier, 100, 0), WSM_DELIVERY_CONFIRMED);
    carrier.proven = 5000;
    assert_int_equal(wsm_delivery_decide(&carrier, 100, 0), WSM_DELIVERY_CONFIRMED);
}

static void test_delivery_proof_outlives_a_later_failure(void **state)
{
    struct wsm_carrier carrier = open_carrier(100, 0);

    (void)state;
    carrier.has_failed = true;
    carrier.conn = NULL;
    assert_int_equal(wsm_delivery_decide(&carrier, 100, 0), WSM_DELIVERY_CONFIRMED);
}

static void test_delivery_request_before_the_end_of_the_answer_proves_nothing(void **state)
{
    struct wsm_carrier carrier = open_carrier(99, 99);

    (void)state;
    assert_int_equal(wsm_delivery_decide(&carrier, 100, 0), WSM_DELIVERY_ASK_AGAIN);
    carrier.has_failed = true;
    assert_int_equal(wsm_delivery_decide(&carrier, 100, 0), WSM_DELIVERY_REPEAT);
}

static void test_delivery_failure_repeats_even_if_acknowledged(void **state)
{
    struct wsm_carrier carrier = open_carrier(0, 100);

    (void)state;
    carrier.has_failed = true;
    assert_int_equal(wsm_delivery_decide(&carrier, 100, 0), WSM_DELIVERY_REPEAT);
    carrier.conn = NULL;
    assert_int_equal(wsm_delivery_decide(&carrier, 100, 0), WSM_DELIVERY_REPEAT);
}

static void test_delivery_acknowledged_on_an_open_connection_confirms(void **state)
{
    struct wsm_carrier carrier = open_carrier(0, 100);

    (void)state;
    assert_int_equal(wsm_delivery_decide(&carrier, 100, 0), WSM_DELIVERY_CONFIRMED);
    assert_int_equal(wsm_delivery_decide(&carrier, 100, 10000), WSM_DELIVERY_CONFIRMED);
}

static void test_delivery_acknowledged_before_fin_confirms(void **state)
{
    struct wsm_carrier carrier = open_carrier(0, 250);

    (void)state;
    carrier.conn = NULL; /* ended by FIN: no failure */
    assert_int_equal(wsm_delivery_decide(&carrier, 250, 0), WSM_DELIVERY_CONFIRMED);
}

static void test_delivery_missing_acknowledgement_is_waited_for(void **state)
{
    struct wsm_carrier carrier = open_carrier(0, 99);

    (void)state;
    assert_int_equal(wsm_delivery_decide(&carrier, 100, 0), WSM_DELIVERY_ASK_AGAIN);
    assert_int_equal(wsm_delivery_decide(&carrier, 100, WSM_DELIVERY_WAIT_MS - 1),
                     WSM_DELIVERY_ASK_AGAIN);
    carrier.acknowledged = 100;
    assert_int_equal(wsm_delivery_decide(&carrier, 100, WSM_DELIVERY_WAIT_MS - 1),
                     WSM_DELIVERY_CONFIRMED);
}

static void test_delivery_missing_acknowledgement_repeats_after_the_wait(void **state)
{
    struct wsm_carrier carrier = open_carrier(0, 99);

    (void)state;
    assert_int_equal(wsm_delivery_decide(&carrier, 100, WSM_DELIVERY_WAIT_MS), WSM_DELIVERY_REPEAT);
}

static void test_delivery_missing_acknowledgement_on_an_ended_connection_repeats(void **state)
{
    struct wsm_carrier carrier = open_carrier(0, 99);

    (void)state;
    carrier.conn = NULL;
    assert_int_equal(wsm_delivery_decide(&carrier, 100, 0), WSM_DELIVERY_REPEAT);
}

static void test_delivery_carrier_lives_as_long_as_its_references(void **state)
{
    struct wsm_carrier *carrier = wsm_carrier_new(open_conn);

    (void)state;
    assert_non_null(carrier);
    assert_ptr_equal(wsm_carrier_ref(carrier), carrier);
    wsm_carrier_unref(carrier);
    assert_ptr_equal(carrier->conn, open_conn); /* the sanitizer would object */
    wsm_carrier_unref(carrier);
    wsm_carrier_unref(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delivery_unknown_carrier_repeats),
        cmocka_unit_test(test_delivery_later_request_on_the_carrier_confirms),
        cmocka_unit_test(test_delivery_proof_outlives_a_later_failure),
        cmocka_unit_test(test_delivery_request_before_the_end_of_the_answer_proves_nothing),
        cmocka_unit_test(test_delivery_failure_repeats_even_if_acknowledged),
        cmocka_unit_test(test_delivery_acknowledged_on_an_open_connection_confirms),
        cmocka_unit_test(test_delivery_acknowledged_before_fin_confirms),
        cmocka_unit_test(test_delivery_missing_acknowledgement_is_waited_for),
        cmocka_unit_test(test_delivery_missing_acknowledgement_repeats_after_the_wait),
        cmocka_unit_test(test_delivery_missing_acknowledgement_on_an_ended_connection_repeats),
        cmocka_unit_test(test_delivery_carrier_lives_as_long_as_its_references),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
