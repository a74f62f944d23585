/* Identify: what we write, and that we read it back. */
#include "message.h"

#include "proto/identify.h"

#define PROFILE "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/http/basic"

static struct wsm_identify_response full_response(void)
{
    return (struct wsm_identify_response){
        .protocol_version = wsm_span_str(WSM_NS_WSMAN),
        .product_vendor = wsm_span_str("a <vendor>"),
        .product_version = wsm_span_str("OS: 1 SP: 0.0 Stack: 3.0"),
        .security_profiles = wsm_span_str(" " PROFILE "\t" PROFILE "x "),
    };
}

static void test_identify_writes_and_reads_a_request(void **state)
{
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_envelope env;
    const char *ns = NULL;

    (void)state;
    wsm_identify_request_write(&out);
    test_equal_text(test_body(&out), "<wsmid:Identify></wsmid:Identify>");
    test_read_back(&env, &out, false);
    assert_true(wsm_identify_request_parse(&env, &ns));
    assert_string_equal(ns, WSM_NS_IDENTITY);
    wsm_envelope_clear(&env);
    wsm_buf_clear(&out);
}

static void expect_response(const char *ns)
{
    struct wsm_identify_response msg = full_response();
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_buf profiles = WSM_BUF_INIT;
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_identify_response got;
    struct wsm_envelope env;

    wsm_identify_response_write(&out, ns, &msg);
    assert_true(test_contains(&out, "<wsmid:SecurityProfiles><wsmid:SecurityProfileName>" PROFILE
                                    "</wsmid:SecurityProfileName><wsmid:SecurityProfileName>"));
    test_read_back(&env, &out, false);
    wsm_buf_append_str(&profiles, "kept");
    assert_true(wsm_identify_response_parse(&env, &profiles, &got, &err));
    test_equal(got.protocol_version, msg.protocol_version);
    test_equal(got.product_vendor, msg.product_vendor);
    test_equal(got.product_version, msg.product_version);
    test_equal_text(got.security_profiles, PROFILE " " PROFILE "x");
    test_equal_text(wsm_buf_span(&profiles), "kept" PROFILE " " PROFILE "x");
    wsm_envelope_clear(&env);
    wsm_buf_clear(&profiles);
    wsm_buf_clear(&out);
}

static void test_identify_answers_in_the_namespace_of_the_question(void **state)
{
    (void)state;
    expect_response(WSM_NS_IDENTITY);
    expect_response(WSM_NS_IDENTIFY);
}

static void test_identify_says_nothing_of_profiles_to_a_stranger(void **state)
{
    struct wsm_identify_response msg = full_response();
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_buf profiles = WSM_BUF_INIT;
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_envelope env;

    (void)state;
    msg.security_profiles = wsm_span_str(" ");
    wsm_identify_response_write(&out, WSM_NS_IDENTITY, &msg);
    assert_false(test_contains(&out, "SecurityProfile"));
    test_read_back(&env, &out, false);
    assert_true(wsm_identify_response_parse(&env, &profiles, &msg, &err));
    assert_int_equal(msg.security_profiles.len, 0);
    wsm_envelope_clear(&env);
    wsm_buf_clear(&profiles);
    wsm_buf_clear(&out);
}

static bool write_and_read(void *context)
{
    struct wsm_identify_response msg = full_response();
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_buf profiles = WSM_BUF_INIT;
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_envelope env;
    bool ok;

    (void)context;
    wsm_identify_response_write(&out, WSM_NS_IDENTITY, &msg);
    ok = wsm_buf_ok(&out);
    if (ok) {
        ok = wsm_envelope_parse(&env, out.ptr, out.len, &err) &&
             wsm_identify_response_parse(&env, &profiles, &msg, &err);
        assert_true(ok || err.code != 0);
        wsm_envelope_clear(&env);
    }
    wsm_error_clear(&err);
    wsm_buf_clear(&profiles);
    wsm_buf_clear(&out);
    return ok;
}

static void test_identify_reports_every_failed_allocation(void **state)
{
    (void)state;
    assert_true(failing_alloc_each("IdentifyResponse", write_and_read, NULL) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identify_writes_and_reads_a_request),
        cmocka_unit_test(test_identify_answers_in_the_namespace_of_the_question),
        cmocka_unit_test(test_identify_says_nothing_of_profiles_to_a_stranger),
        cmocka_unit_test(test_identify_reports_every_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
