/* Every row of the table in delivery.c. */
#include "server/delivery.h"

#include "wsmerror.h"

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

/* c, d, e: of an answer that was given to a client that says nothing. */
static enum wsm_delivery judge(const struct wsm_carrier *carrier, uint64_t end, int64_t waited_ms)
{
    const struct wsm_delivery_facts facts = {
        .has_answer = true, .carrier = carrier, .answer_end = end, .waited_ms = waited_ms
    };

    return wsm_delivery_decide(&facts);
}

static void test_delivery_word_decides_alone(void **state)
{
    struct wsm_carrier carrier = open_carrier(100, 100);
    struct wsm_delivery_facts facts = { .has_word = true };

    (void)state;
    assert_int_equal(wsm_delivery_decide(&facts), WSM_DELIVERY_WORD);
    facts = (struct wsm_delivery_facts){ .has_word = true,
                                         .has_answer = true,
                                         .is_same_request = true,
                                         .needs_word = true,
                                         .carrier = &carrier,
                                         .answer_end = 100 };
    assert_int_equal(wsm_delivery_decide(&facts), WSM_DELIVERY_WORD);
    carrier.has_failed = true;
    carrier.proven = 0;
    assert_int_equal(wsm_delivery_decide(&facts), WSM_DELIVERY_WORD);
}

static void test_delivery_without_an_answer_there_is_nothing_to_decide(void **state)
{
    const struct wsm_delivery_facts facts = { .is_same_request = true, .needs_word = true };

    (void)state;
    assert_int_equal(wsm_delivery_decide(&facts), WSM_DELIVERY_NOTHING);
}

static void test_delivery_same_request_gets_the_same(void **state)
{
    struct wsm_carrier carrier = open_carrier(0, 0);
    struct wsm_delivery_facts facts = {
        .has_answer = true, .is_same_request = true, .carrier = &carrier, .answer_end = 100
    };

    (void)state;
    assert_int_equal(wsm_delivery_decide(&facts), WSM_DELIVERY_SAME);
    facts.needs_word = true;
    assert_int_equal(wsm_delivery_decide(&facts), WSM_DELIVERY_SAME);
}

static void test_delivery_same_request_stands_above_what_connections_prove(void **state)
{
    struct wsm_carrier carrier = open_carrier(100, 100);
    struct wsm_delivery_facts facts = {
        .has_answer = true, .is_same_request = true, .carrier = &carrier, .answer_end = 100
    };

    (void)state;
    assert_int_equal(wsm_delivery_decide(&facts), WSM_DELIVERY_SAME);
    facts.carrier = NULL;
    assert_int_equal(wsm_delivery_decide(&facts), WSM_DELIVERY_SAME);
}

static void test_delivery_no_connection_speaks_for_a_client_of_ours(void **state)
{
    struct wsm_carrier carrier = open_carrier(100, 100);
    struct wsm_delivery_facts facts = {
        .has_answer = true, .needs_word = true, .carrier = &carrier, .answer_end = 100
    };

    (void)state;
    assert_int_equal(wsm_delivery_decide(&facts), WSM_DELIVERY_REPEAT);
    carrier.proven = 0; /* no second look either */
    carrier.acknowledged = 99;
    assert_int_equal(wsm_delivery_decide(&facts), WSM_DELIVERY_REPEAT);
    facts.carrier = NULL;
    assert_int_equal(wsm_delivery_decide(&facts), WSM_DELIVERY_REPEAT);
}

static void test_delivery_unknown_carrier_repeats(void **state)
{
    (void)state;
    assert_int_equal(judge(NULL, 100, 0), WSM_DELIVERY_REPEAT);
    assert_int_equal(judge(NULL, 0, 1000), WSM_DELIVERY_REPEAT);
}

static void test_delivery_later_request_on_the_carrier_confirms(void **state)
{
    struct wsm_carrier carrier = open_carrier(100, 0);

    (void)state;
    assert_int_equal(judge(&carrier, 100, 0), WSM_DELIVERY_CONFIRMED);
    carrier.proven = 5000;
    assert_int_equal(judge(&carrier, 100, 0), WSM_DELIVERY_CONFIRMED);
}

static void test_delivery_proof_outlives_a_later_failure(void **state)
{
    struct wsm_carrier carrier = open_carrier(100, 0);

    (void)state;
    carrier.has_failed = true;
    carrier.conn = NULL;
    assert_int_equal(judge(&carrier, 100, 0), WSM_DELIVERY_CONFIRMED);
}

static void test_delivery_request_before_the_end_of_the_answer_proves_nothing(void **state)
{
    struct wsm_carrier carrier = open_carrier(99, 99);

    (void)state;
    assert_int_equal(judge(&carrier, 100, 0), WSM_DELIVERY_ASK_AGAIN);
    carrier.has_failed = true;
    assert_int_equal(judge(&carrier, 100, 0), WSM_DELIVERY_REPEAT);
}

static void test_delivery_failure_repeats_even_if_acknowledged(void **state)
{
    struct wsm_carrier carrier = open_carrier(0, 100);

    (void)state;
    carrier.has_failed = true;
    assert_int_equal(judge(&carrier, 100, 0), WSM_DELIVERY_REPEAT);
    carrier.conn = NULL;
    assert_int_equal(judge(&carrier, 100, 0), WSM_DELIVERY_REPEAT);
}

static void test_delivery_acknowledged_on_an_open_connection_confirms(void **state)
{
    struct wsm_carrier carrier = open_carrier(0, 100);

    (void)state;
    assert_int_equal(judge(&carrier, 100, 0), WSM_DELIVERY_CONFIRMED);
    assert_int_equal(judge(&carrier, 100, 10000), WSM_DELIVERY_CONFIRMED);
}

static void test_delivery_acknowledged_before_fin_confirms(void **state)
{
    struct wsm_carrier carrier = open_carrier(0, 250);

    (void)state;
    carrier.conn = NULL; /* ended by FIN: no failure */
    assert_int_equal(judge(&carrier, 250, 0), WSM_DELIVERY_CONFIRMED);
}

static void test_delivery_missing_acknowledgement_is_waited_for(void **state)
{
    struct wsm_carrier carrier = open_carrier(0, 99);

    (void)state;
    assert_int_equal(judge(&carrier, 100, 0), WSM_DELIVERY_ASK_AGAIN);
    assert_int_equal(judge(&carrier, 100, WSM_DELIVERY_WAIT_MS - 1), WSM_DELIVERY_ASK_AGAIN);
    carrier.acknowledged = 100;
    assert_int_equal(judge(&carrier, 100, WSM_DELIVERY_WAIT_MS - 1), WSM_DELIVERY_CONFIRMED);
}

static void test_delivery_missing_acknowledgement_repeats_after_the_wait(void **state)
{
    struct wsm_carrier carrier = open_carrier(0, 99);

    (void)state;
    assert_int_equal(judge(&carrier, 100, WSM_DELIVERY_WAIT_MS), WSM_DELIVERY_REPEAT);
}

static void test_delivery_missing_acknowledgement_on_an_ended_connection_repeats(void **state)
{
    struct wsm_carrier carrier = open_carrier(0, 99);

    (void)state;
    carrier.conn = NULL;
    assert_int_equal(judge(&carrier, 100, 0), WSM_DELIVERY_REPEAT);
}

static void test_delivery_answer_may_arrive_while_it_is_under_way(void **state)
{
    struct wsm_carrier carrier = open_carrier(0, 99);

    (void)state;
    assert_true(wsm_delivery_may_arrive(&carrier, 100));
    carrier.acknowledged = 100;
    assert_false(wsm_delivery_may_arrive(&carrier, 100));
    carrier.has_failed = true; /* then acknowledgements say nothing */
    assert_true(wsm_delivery_may_arrive(&carrier, 100));
}

static void test_delivery_answer_cannot_arrive_on_what_is_gone_or_proven(void **state)
{
    struct wsm_carrier carrier = open_carrier(100, 0);

    (void)state;
    assert_false(wsm_delivery_may_arrive(NULL, 100));
    assert_false(wsm_delivery_may_arrive(&carrier, 100));
    carrier.proven = 99;
    carrier.conn = NULL;
    assert_false(wsm_delivery_may_arrive(&carrier, 100));
}

static const uint64_t confirmed[WSM_HOST_STREAMS] = { 100, 7 };
static const uint64_t end[WSM_HOST_STREAMS] = { 500, 7 };

static void assert_word(const char *value, uint64_t out_confirmed, uint64_t out_start,
                        uint64_t err_confirmed, uint64_t err_start)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_word word;

    assert_true(wsm_word_parse(wsm_span_str(value), confirmed, &word, &err));
    assert_int_equal(word.confirmed[WSM_HOST_STDOUT], out_confirmed);
    assert_int_equal(word.start[WSM_HOST_STDOUT], out_start);
    assert_int_equal(word.confirmed[WSM_HOST_STDERR], err_confirmed);
    assert_int_equal(word.start[WSM_HOST_STDERR], err_start);
}

static void test_delivery_word_names_offsets(void **state)
{
    (void)state;
    assert_word("stdout=200:300 stderr=7:7", 200, 300, 7, 7);
    assert_word("stderr=0:8 stdout=0:18446744073709551615", 0, UINT64_MAX, 0, 8);
}

static void test_delivery_word_leaves_a_stream_that_it_does_not_name(void **state)
{
    (void)state;
    assert_word("stdout=200:300", 200, 300, 7, 7);
    assert_word("stderr=8:9", 100, 100, 8, 9);
}

static void test_delivery_word_that_makes_no_sense_is_refused(void **state)
{
    static const char *const values[] = {
        "", "stdout", "stdout=5", "stdout=6:5", "stdout=1:1 stdout=1:1", "stdout=-1:1"
    };
    struct wsm_word word = { .start = { 1, 2 } };

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct wsm_error err = WSM_ERROR_INIT;

        assert_false(wsm_word_parse(wsm_span_str(values[i]), confirmed, &word, &err));
        assert_int_equal(err.code, ERROR_WSMAN_INVALID_OPTIONS);
        wsm_error_clear(&err);
    }
    assert_int_equal(word.start[0], 1); /* untouched */
}

static void test_delivery_word_of_an_unknown_stream_is_refused(void **state)
{
    static const char *const values[] = { "stdin=0:0", "stdout=100:100 pr=0:0", "STDOUT=100:100" };

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct wsm_error err = WSM_ERROR_INIT;
        struct wsm_word word;

        assert_false(wsm_word_parse(wsm_span_str(values[i]), confirmed, &word, &err));
        assert_int_equal(err.code, ERROR_INVALID_PARAMETER);
        wsm_error_clear(&err);
    }
}

static void test_delivery_word_within_what_is_kept_is_good(void **state)
{
    static const struct wsm_word words[] = { { { 100, 7 }, { 100, 7 } },
                                             { { 500, 7 }, { 500, 7 } },
                                             { { 0, 0 }, { 300, 7 } } }; /* says less than before */

    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        bool is_beyond = true;

        assert_true(wsm_word_check(&words[i], 3, confirmed, end, &is_beyond, NULL));
        assert_false(is_beyond);
    }
}

static void test_delivery_word_outside_names_stream_offset_and_range(void **state)
{
    static const struct {
        struct wsm_word word;
        uint32_t asked;
        const char *text;
    } cases[] = {
        { { { 0, 7 }, { 99, 7 } }, 3, "offset 99 of stream stdout is not within 100 to 500" },
        { { { 0, 7 }, { 501, 7 } }, 2, "offset 501 of stream stdout is not within 100 to 500" },
        { { { 100, 0 }, { 100, 6 } }, 3, "offset 6 of stream stderr is not within 7 to 7" },
        { { { 100, 0 }, { 501, 6 } }, 1, "offset 6 of stream stderr is not within 7 to 7" },
        { { { 100, 8 }, { 100, 8 } }, 1, "offset 8 of stream stderr is not within 7 to 7" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct wsm_error err = WSM_ERROR_INIT;
        bool is_beyond = true;

        assert_false(
            wsm_word_check(&cases[i].word, cases[i].asked, confirmed, end, &is_beyond, &err));
        assert_int_equal(err.code, ERROR_INVALID_PARAMETER);
        assert_non_null(strstr(wsm_error_text(&err), cases[i].text));
        assert_true(is_beyond); /* untouched */
        wsm_error_clear(&err);
    }
}

/* How far a stream that nobody asks for may be confirmed the host would not say. */
static void test_delivery_word_beyond_is_for_the_host_where_that_is_asked(void **state)
{
    static const struct {
        struct wsm_word word;
        uint32_t asked;
    } cases[] = {
        { { { 0, 7 }, { 501, 7 } }, 3 },
        { { { 0, 7 }, { UINT64_MAX, 7 } }, 1 },
        { { { 100, 8 }, { 100, 8 } }, 2 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool is_beyond = false;

        assert_true(
            wsm_word_check(&cases[i].word, cases[i].asked, confirmed, end, &is_beyond, NULL));
        assert_true(is_beyond);
    }
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
        cmocka_unit_test(test_delivery_word_decides_alone),
        cmocka_unit_test(test_delivery_without_an_answer_there_is_nothing_to_decide),
        cmocka_unit_test(test_delivery_same_request_gets_the_same),
        cmocka_unit_test(test_delivery_same_request_stands_above_what_connections_prove),
        cmocka_unit_test(test_delivery_no_connection_speaks_for_a_client_of_ours),
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
        cmocka_unit_test(test_delivery_answer_may_arrive_while_it_is_under_way),
        cmocka_unit_test(test_delivery_answer_cannot_arrive_on_what_is_gone_or_proven),
        cmocka_unit_test(test_delivery_word_names_offsets),
        cmocka_unit_test(test_delivery_word_leaves_a_stream_that_it_does_not_name),
        cmocka_unit_test(test_delivery_word_that_makes_no_sense_is_refused),
        cmocka_unit_test(test_delivery_word_of_an_unknown_stream_is_refused),
        cmocka_unit_test(test_delivery_word_within_what_is_kept_is_good),
        cmocka_unit_test(test_delivery_word_outside_names_stream_offset_and_range),
        cmocka_unit_test(test_delivery_word_beyond_is_for_the_host_where_that_is_asked),
        cmocka_unit_test(test_delivery_carrier_lives_as_long_as_its_references),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
