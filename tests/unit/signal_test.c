/* Signal: what we write, and that we read it back. */
#include "message.h"

#include "proto/signal.h"

static void test_signal_writes_and_reads_a_request(void **state)
{
    struct wsm_request_headers headers = test_request(WSM_ACTION_SIGNAL);
    struct wsm_signal_request msg = { .command_id = wsm_span_str(TEST_COMMAND),
                                      .code = wsm_span_str(WSM_SIGNAL_URI_TERMINATE) };
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_signal_request got;
    struct wsm_envelope env;

    (void)state;
    wsm_signal_request_write(&out, &headers, &msg);
    test_equal_text(test_body(&out),
                    "<rsp:Signal CommandId=\"" TEST_COMMAND "\"><rsp:Code>" WSM_SIGNAL_URI_TERMINATE
                    "</rsp:Code></rsp:Signal>");
    test_read_back(&env, &out, true);
    assert_true(wsm_signal_request_parse(&env, &got, &err));
    test_equal(got.command_id, msg.command_id);
    test_equal(got.code, msg.code);
    wsm_envelope_clear(&env);
    wsm_buf_reset(&out);

    msg.command_id = wsm_span_of(NULL, 0);
    wsm_signal_request_write(&out, &headers, &msg);
    assert_false(test_contains(&out, "CommandId"));
    wsm_buf_clear(&out);
}

static void test_signal_knows_codes_in_any_case_and_only_whole(void **state)
{
    (void)state;
    assert_int_equal(wsm_signal_code_of(wsm_span_str(WSM_SIGNAL_URI_TERMINATE)),
                     WSM_SIGNAL_TERMINATE);
    assert_int_equal(wsm_signal_code_of(wsm_span_str(WSM_NS_SHELL "/signal/Terminate")),
                     WSM_SIGNAL_TERMINATE);
    assert_int_equal(wsm_signal_code_of(wsm_span_str(WSM_NS_SHELL "/SIGNAL/CTRL_C")),
                     WSM_SIGNAL_CTRL_C);
    assert_int_equal(wsm_signal_code_of(wsm_span_str(WSM_SIGNAL_URI_CTRL_BREAK)),
                     WSM_SIGNAL_CTRL_BREAK);
    assert_int_equal(wsm_signal_code_of(wsm_span_str("")), WSM_SIGNAL_OTHER);
    assert_int_equal(wsm_signal_code_of(wsm_span_str("terminate")), WSM_SIGNAL_OTHER);
    assert_int_equal(wsm_signal_code_of(wsm_span_str(WSM_SIGNAL_URI_CTRL_C "x")), WSM_SIGNAL_OTHER);
    assert_int_equal(wsm_signal_code_of(wsm_span_str(WSM_NS_SHELL "/signal/ctrl")),
                     WSM_SIGNAL_OTHER);
}

static void test_signal_writes_a_response(void **state)
{
    struct wsm_response_headers headers = test_response(WSM_ACTION_SIGNAL "Response");
    struct wsm_signal_request got = { .code = wsm_span_str("x") };
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_envelope env;

    (void)state;
    wsm_signal_response_write(&out, &headers);
    test_equal_text(test_body(&out), "<rsp:SignalResponse></rsp:SignalResponse>");
    test_read_back(&env, &out, false);
    assert_false(wsm_signal_request_parse(&env, &got, &err));
    assert_int_equal(err.code, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR);
    test_equal_text(got.code, "x");
    wsm_error_clear(&err);
    wsm_envelope_clear(&env);
    wsm_buf_clear(&out);
}

static bool write_and_read(void *context)
{
    struct wsm_request_headers headers = test_request(WSM_ACTION_SIGNAL);
    struct wsm_signal_request msg = { .code = wsm_span_str(WSM_SIGNAL_URI_CTRL_C) };
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_envelope env;
    bool ok;

    (void)context;
    wsm_signal_request_write(&out, &headers, &msg);
    ok = wsm_buf_ok(&out);
    if (ok) {
        ok = wsm_envelope_parse(&env, out.ptr, out.len, &err) &&
             wsm_signal_request_parse(&env, &msg, &err);
        assert_true(ok || err.code != 0);
        wsm_envelope_clear(&env);
    }
    wsm_error_clear(&err);
    wsm_buf_clear(&out);
    return ok;
}

static void test_signal_reports_every_failed_allocation(void **state)
{
    (void)state;
    assert_true(failing_alloc_each("Signal", write_and_read, NULL) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signal_writes_and_reads_a_request),
        cmocka_unit_test(test_signal_knows_codes_in_any_case_and_only_whole),
        cmocka_unit_test(test_signal_writes_a_response),
        cmocka_unit_test(test_signal_reports_every_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
