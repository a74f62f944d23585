/* What is left of an exchange when nobody waits for its answer any more. */
#include "server/exchange.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static const char request[] = "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\">"
                              "<s:Header/><s:Body><x/></s:Body></s:Envelope>";
static int gone_count;

static void on_logon_end(void *context, const uint8_t token[WSM_TOKEN_LEN])
{
    (void)context;
    (void)token;
}

static void on_gone(struct wsm_exchange *exchange)
{
    (void)exchange;
    gone_count++;
}

static struct wsm_exchange *exchange_new(const struct wsm_exchange_events *events)
{
    struct wsm_logon *logon = wsm_logon_new(
        wsm_span_str("alice"), (const uint8_t[WSM_TOKEN_LEN]){ 1 }, on_logon_end, NULL);
    struct wsm_buf bytes = WSM_BUF_INIT;
    struct wsm_exchange *exchange;

    assert_non_null(logon);
    wsm_buf_append_str(&bytes, request);
    exchange = wsm_exchange_new(NULL, NULL, logon, &bytes);
    wsm_logon_unref(logon);
    assert_non_null(exchange);
    assert_true(wsm_envelope_parse(&exchange->env, exchange->bytes.ptr, exchange->bytes.len, NULL));
    assert_non_null(wsm_envelope_content(&exchange->env));
    exchange->events = events;
    return exchange;
}

static void test_exchange_whose_client_is_gone_keeps_no_request(void **state)
{
    static const struct wsm_exchange_events events = { .keeps_request = false };
    struct wsm_exchange *exchange = exchange_new(&events);

    (void)state;
    wsm_exchange_on_gone(exchange);
    assert_null(exchange->bytes.ptr);
    assert_null(wsm_envelope_content(&exchange->env));
    wsm_exchange_free(exchange);
}

static void test_exchange_that_timed_out_keeps_no_request(void **state)
{
    static const struct wsm_exchange_events events = { .keeps_request = false };
    struct wsm_exchange *exchange = exchange_new(&events);

    (void)state;
    wsm_exchange_on_timer(exchange);
    assert_null(exchange->bytes.ptr);
    wsm_exchange_free(exchange);
}

static void test_exchange_keeps_a_request_that_is_still_read(void **state)
{
    static const struct wsm_exchange_events events = { .keeps_request = true };
    struct wsm_exchange *exchange = exchange_new(&events);

    (void)state;
    wsm_exchange_on_gone(exchange);
    wsm_exchange_on_timer(exchange);
    assert_non_null(exchange->bytes.ptr);
    assert_non_null(wsm_envelope_content(&exchange->env));
    wsm_exchange_free(exchange);
}

static void test_exchange_leaves_it_to_a_handler_that_asked(void **state)
{
    static const struct wsm_exchange_events events = { .on_gone = on_gone };
    struct wsm_exchange *exchange = exchange_new(&events);

    (void)state;
    gone_count = 0;
    wsm_exchange_on_gone(exchange);
    assert_int_equal(gone_count, 1);
    assert_non_null(exchange->bytes.ptr);
    wsm_exchange_free(exchange);
}

/* One that only waited to be dispatched is freed: the leak checkers see to it. */
static void test_exchange_that_has_not_begun_ends(void **state)
{
    (void)state;
    wsm_exchange_on_gone(exchange_new(NULL));
    wsm_exchange_on_timer(exchange_new(NULL));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exchange_whose_client_is_gone_keeps_no_request),
        cmocka_unit_test(test_exchange_that_timed_out_keeps_no_request),
        cmocka_unit_test(test_exchange_keeps_a_request_that_is_still_read),
        cmocka_unit_test(test_exchange_leaves_it_to_a_handler_that_asked),
        cmocka_unit_test(test_exchange_that_has_not_begun_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
