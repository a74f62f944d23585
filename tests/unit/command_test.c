/* Command: what we write, and that we read it back. */
#include "message.h"

#include "proto/command.h"

static struct wsm_span room[WSM_ARGUMENTS_MAX];

static void test_command_writes_and_reads_a_request(void **state)
{
    const struct wsm_span arguments[] = { wsm_span_str("-c\tz"), wsm_span_str(""),
                                          wsm_span_str(" <&\"'> ") };
    struct wsm_request_headers headers = test_request(WSM_ACTION_COMMAND);
    struct wsm_command_request msg = { .command_id = wsm_span_str(TEST_COMMAND),
                                       .command = wsm_span_str("\n tar\r"),
                                       .arguments = arguments,
                                       .argument_count = 3 };
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_command_request got;
    struct wsm_envelope env;
    size_t i;

    (void)state;
    wsm_command_request_write(&out, &headers, &msg);
    test_equal_text(test_body(&out),
                    "<rsp:CommandLine CommandId=\"" TEST_COMMAND "\"><rsp:Command>\n tar&#13;"
                    "</rsp:Command><rsp:Arguments>-c\tz</rsp:Arguments><rsp:Arguments>"
                    "</rsp:Arguments><rsp:Arguments> &lt;&amp;&quot;&apos;&gt; </rsp:Arguments>"
                    "</rsp:CommandLine>");
    test_read_back(&env, &out, true);
    assert_true(wsm_command_request_parse(&env, room, &got, &err));
    test_equal(got.command_id, msg.command_id);
    test_equal(got.command, msg.command);
    assert_int_equal(got.argument_count, 3);
    for (i = 0; i < 3; i++)
        test_equal(got.arguments[i], arguments[i]);
    wsm_envelope_clear(&env);
    wsm_buf_clear(&out);
}

static void test_command_needs_no_id_and_no_arguments(void **state)
{
    struct wsm_request_headers headers = test_request(WSM_ACTION_COMMAND);
    struct wsm_command_request msg = { .command = wsm_span_str("ls") };
    struct wsm_buf out = WSM_BUF_INIT;

    (void)state;
    wsm_command_request_write(&out, &headers, &msg);
    test_equal_text(test_body(&out),
                    "<rsp:CommandLine><rsp:Command>ls</rsp:Command></rsp:CommandLine>");
    wsm_buf_clear(&out);
}

static void test_command_takes_as_many_arguments_as_its_limit_says(void **state)
{
    static struct wsm_span many[WSM_ARGUMENTS_MAX + 1];
    struct wsm_request_headers headers = test_request(WSM_ACTION_COMMAND);
    int over;

    (void)state;
    for (over = 0; over < 2; over++) {
        struct wsm_command_request msg = { .command = wsm_span_str("ls"),
                                           .arguments = many,
                                           .argument_count = (size_t)(WSM_ARGUMENTS_MAX + over) };
        struct wsm_error err = WSM_ERROR_INIT;
        struct wsm_buf out = WSM_BUF_INIT;
        struct wsm_command_request got = { .argument_count = 17 };
        struct wsm_envelope env;

        wsm_command_request_write(&out, &headers, &msg);
        test_read_back(&env, &out, true);
        assert_int_equal(wsm_command_request_parse(&env, room, &got, &err), !over);
        assert_int_equal(err.code, over ? ERROR_WSMAN_QUOTA_LIMIT : 0);
        assert_int_equal(got.argument_count, over ? 17 : WSM_ARGUMENTS_MAX);
        wsm_error_clear(&err);
        wsm_envelope_clear(&env);
        wsm_buf_clear(&out);
    }
}

static void test_command_writes_and_reads_a_response(void **state)
{
    struct wsm_response_headers headers = test_response(WSM_ACTION_COMMAND "Response");
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_envelope env;
    struct wsm_span id;

    (void)state;
    wsm_command_response_write(&out, &headers, wsm_span_str(TEST_COMMAND));
    test_equal_text(test_body(&out), "<rsp:CommandResponse><rsp:CommandId>" TEST_COMMAND
                                     "</rsp:CommandId></rsp:CommandResponse>");
    test_read_back(&env, &out, false);
    assert_true(wsm_command_response_parse(&env, &id, &err));
    test_equal_text(id, TEST_COMMAND);
    assert_false(wsm_command_request_parse(&env, room, &(struct wsm_command_request){ 0 }, &err));
    assert_int_equal(err.code, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR);
    wsm_error_clear(&err);
    wsm_envelope_clear(&env);
    wsm_buf_clear(&out);
}

static bool write_and_read(void *context)
{
    bool is_request = context != NULL;
    const struct wsm_span arguments[] = { wsm_span_str("a"), wsm_span_str("b") };
    struct wsm_request_headers headers = test_request(WSM_ACTION_COMMAND);
    struct wsm_response_headers answer = test_response(WSM_ACTION_COMMAND "Response");
    struct wsm_command_request msg = { .command = wsm_span_str("ls"),
                                       .arguments = arguments,
                                       .argument_count = 2 };
    struct wsm_span id = wsm_span_str(TEST_COMMAND);
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_envelope env;
    bool ok;

    if (is_request)
        wsm_command_request_write(&out, &headers, &msg);
    else
        wsm_command_response_write(&out, &answer, id);
    ok = wsm_buf_ok(&out);
    if (ok) {
        ok = wsm_envelope_parse(&env, out.ptr, out.len, &err) &&
             (is_request ? wsm_command_request_parse(&env, room, &msg, &err)
                         : wsm_command_response_parse(&env, &id, &err));
        assert_true(ok || err.code != 0);
        wsm_envelope_clear(&env);
    }
    wsm_error_clear(&err);
    wsm_buf_clear(&out);
    return ok;
}

static void test_command_reports_every_failed_allocation(void **state)
{
    (void)state;
    assert_true(failing_alloc_each("Command", write_and_read, "request") > 10);
    assert_true(failing_alloc_each("CommandResponse", write_and_read, NULL) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_command_writes_and_reads_a_request),
        cmocka_unit_test(test_command_needs_no_id_and_no_arguments),
        cmocka_unit_test(test_command_takes_as_many_arguments_as_its_limit_says),
        cmocka_unit_test(test_command_writes_and_reads_a_response),
        cmocka_unit_test(test_command_reports_every_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
