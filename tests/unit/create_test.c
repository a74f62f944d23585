/* Create and Delete: what we write, and that we read it back. */
#include "message.h"

#include "proto/create.h"

#define SPAN(text)                                \
    {                                             \
        (const uint8_t *)(text), sizeof(text) - 1 \
    }

static struct wsm_variable room[WSM_ENV_VARIABLES_MAX];

static const struct wsm_variable variables[] = {
    { SPAN("LANG"), SPAN("C.UTF-8") },
    { SPAN("a\tb"), SPAN(" <\n&> ") },
    { SPAN("EMPTY"), { NULL, 0 } },
};

static struct wsm_create_request full_request(void)
{
    return (struct wsm_create_request){
        .shell_id = wsm_span_str(TEST_SHELL),
        .name = wsm_span_str("a \"name\""),
        .working_directory = wsm_span_str("/srv/<job>"),
        .input_streams = wsm_span_str("stdin"),
        .output_streams = wsm_span_str("stdout stderr"),
        .idle_timeout_ms = 7200000,
        .buffer_mode = wsm_span_str("Drop"),
        .variables = variables,
        .variable_count = sizeof(variables) / sizeof(variables[0]),
        .extra_xml = wsm_span_str("<x:y xmlns:x=\"urn:x\">z</x:y>"),
    };
}

static void test_create_writes_a_request_as_windows_does(void **state)
{
    struct wsm_request_headers headers = test_request(WSM_ACTION_CREATE);
    struct wsm_create_request msg = full_request();
    struct wsm_buf out = WSM_BUF_INIT;

    (void)state;
    headers.shell_id = NULL;
    wsm_create_request_write(&out, &headers, &msg);
    test_equal_text(test_body(&out),
                    "<rsp:Shell ShellId=\"" TEST_SHELL "\" Name=\"a &quot;name&quot;\">"
                    "<rsp:Environment><rsp:Variable Name=\"LANG\">C.UTF-8</rsp:Variable>"
                    "<rsp:Variable Name=\"a&#9;b\"> &lt;\n&amp;&gt; </rsp:Variable>"
                    "<rsp:Variable Name=\"EMPTY\"></rsp:Variable></rsp:Environment>"
                    "<rsp:WorkingDirectory>/srv/&lt;job&gt;</rsp:WorkingDirectory>"
                    "<rsp:IdleTimeOut>PT7200.000S</rsp:IdleTimeOut>"
                    "<rsp:InputStreams>stdin</rsp:InputStreams>"
                    "<rsp:OutputStreams>stdout stderr</rsp:OutputStreams>"
                    "<rsp:BufferMode>Drop</rsp:BufferMode>"
                    "<x:y xmlns:x=\"urn:x\">z</x:y></rsp:Shell>");
    wsm_buf_clear(&out);
}

static void test_create_reads_its_own_request(void **state)
{
    struct wsm_request_headers headers = test_request(WSM_ACTION_CREATE);
    struct wsm_create_request msg = full_request();
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_create_request got;
    struct wsm_envelope env;
    size_t i;

    (void)state;
    wsm_create_request_write(&out, &headers, &msg);
    test_read_back(&env, &out, true);
    assert_true(wsm_create_request_parse(&env, room, &got, &err));
    test_equal(got.shell_id, msg.shell_id);
    test_equal(got.name, msg.name);
    test_equal(got.working_directory, msg.working_directory);
    test_equal(got.input_streams, msg.input_streams);
    test_equal(got.output_streams, msg.output_streams);
    assert_int_equal(got.idle_timeout_ms, msg.idle_timeout_ms);
    test_equal(got.buffer_mode, msg.buffer_mode);
    assert_int_equal(got.variable_count, msg.variable_count);
    for (i = 0; i < got.variable_count; i++) {
        test_equal(got.variables[i].name, variables[i].name);
        test_equal(got.variables[i].value, variables[i].value);
    }
    wsm_envelope_clear(&env);
    wsm_buf_clear(&out);
}

static void test_create_leaves_out_what_is_not_asked_for(void **state)
{
    struct wsm_request_headers headers = test_request(WSM_ACTION_CREATE);
    struct wsm_create_request msg = { .idle_timeout_ms = -1 };
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_envelope env;

    (void)state;
    wsm_create_request_write(&out, &headers, &msg);
    test_equal_text(test_body(&out), "<rsp:Shell></rsp:Shell>");
    test_read_back(&env, &out, true);
    assert_true(wsm_create_request_parse(&env, room, &msg, &err));
    assert_int_equal(msg.idle_timeout_ms, -1);
    assert_int_equal(msg.variable_count, 0);
    wsm_envelope_clear(&env);
    wsm_buf_clear(&out);
}

static void test_create_takes_as_much_as_its_limits_say(void **state)
{
    static struct wsm_variable many[WSM_ENV_VARIABLES_MAX + 1];
    struct wsm_request_headers headers = test_request(WSM_ACTION_CREATE);
    char name[WSM_SHELL_NAME_MAX + 2];
    int over;
    size_t i;

    (void)state;
    memset(name, 'n', sizeof(name));
    for (i = 0; i < WSM_ENV_VARIABLES_MAX + 1; i++)
        many[i] = (struct wsm_variable){ wsm_span_str("V"), wsm_span_str("x") };
    for (over = 0; over < 3; over++) { /* nothing, the name, the variables */
        struct wsm_create_request msg = { .idle_timeout_ms = -1, .variables = many };
        struct wsm_error err = WSM_ERROR_INIT;
        struct wsm_buf out = WSM_BUF_INIT;
        struct wsm_create_request got = { .idle_timeout_ms = 17 };
        struct wsm_envelope env;

        msg.name = wsm_span_of(name, (size_t)WSM_SHELL_NAME_MAX + (over == 1));
        msg.variable_count = (size_t)WSM_ENV_VARIABLES_MAX + (over == 2);
        wsm_create_request_write(&out, &headers, &msg);
        test_read_back(&env, &out, true);
        assert_int_equal(wsm_create_request_parse(&env, room, &got, &err), over == 0);
        assert_int_equal(err.code, over == 0   ? 0
                                   : over == 1 ? ERROR_WSMAN_CLIENT_CREATESHELL_NAME_INVALID
                                               : ERROR_WSMAN_QUOTA_LIMIT);
        assert_int_equal(got.idle_timeout_ms, over == 0 ? -1 : 17); /* untouched on failure */
        wsm_error_clear(&err);
        wsm_envelope_clear(&env);
        wsm_buf_clear(&out);
    }
}

static void test_create_refuses_other_buffer_modes(void **state)
{
    static const struct {
        const char *mode;
        const char *want; /* NULL = refused */
    } cases[] = {
        { "Block", "Block" }, { " drop ", "drop" }, { "None", NULL },
        { "Blocked", NULL },  { "1", NULL },
    };
    struct wsm_request_headers headers = test_request(WSM_ACTION_CREATE);
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct wsm_create_request msg = { .idle_timeout_ms = -1 };
        struct wsm_create_request got = { .idle_timeout_ms = 17 };
        struct wsm_error err = WSM_ERROR_INIT;
        struct wsm_buf out = WSM_BUF_INIT;
        struct wsm_envelope env;

        msg.buffer_mode = wsm_span_str(cases[i].mode);
        wsm_create_request_write(&out, &headers, &msg);
        test_read_back(&env, &out, true);
        assert_int_equal(wsm_create_request_parse(&env, room, &got, &err), cases[i].want != NULL);
        assert_int_equal(err.code, cases[i].want == NULL ? ERROR_WSMAN_SCHEMA_VALIDATION_ERROR : 0);
        if (cases[i].want != NULL)
            test_equal_text(got.buffer_mode, cases[i].want);
        wsm_error_clear(&err);
        wsm_envelope_clear(&env);
        wsm_buf_clear(&out);
    }
}

static struct wsm_create_response full_response(void)
{
    return (struct wsm_create_response){
        .address = wsm_span_str("http://srv.example:5985/wsman?a&b"),
        .shell = {
            .shell_id = wsm_span_str(TEST_SHELL),
            .resource_uri = wsm_span_str(WSM_URI_CMD),
            .owner = wsm_span_str("alice"),
            .client_ip = wsm_span_str("192.0.2.7"),
            .name = wsm_span_str("nightly"),
            .idle_timeout_ms = 7200000,
            .max_idle_timeout_ms = 2147483647,
            .input_streams = wsm_span_str("stdin"),
            .output_streams = wsm_span_str("stdout stderr"),
            .run_time_s = 62,
            .inactivity_s = 3,
            .buffer_mode = wsm_span_str("Block"),
            .state = wsm_span_str("Connected"),
            .memory_kib = -1,
            .child_processes = -1,
        },
    };
}

#define EPR                                                                           \
    "<x:ResourceCreated><a:Address>http://srv.example:5985/wsman?a&amp;b</a:Address>" \
    "<a:ReferenceParameters><w:ResourceURI>" WSM_URI_CMD                              \
    "</w:ResourceURI><w:SelectorSet><w:Selector Name=\"ShellId\">" TEST_SHELL         \
    "</w:Selector></w:SelectorSet></a:ReferenceParameters></x:ResourceCreated>"       \
    "<rsp:Shell xmlns:rsp=\"" WSM_NS_SHELL "\"><rsp:ShellId>" TEST_SHELL "</rsp:ShellId>"

static void test_create_writes_a_response_in_the_order_of_windows(void **state)
{
    struct wsm_response_headers headers = test_response(WSM_ACTION_CREATE "Response");
    struct wsm_create_response msg = full_response();
    struct wsm_buf out = WSM_BUF_INIT;

    (void)state;
    wsm_create_response_write(&out, &headers, &msg);
    test_equal_text(test_body(&out),
                    EPR "<rsp:Name>nightly</rsp:Name>"
                        "<rsp:ResourceUri>" WSM_URI_CMD "</rsp:ResourceUri>"
                        "<rsp:Owner>alice</rsp:Owner><rsp:ClientIP>192.0.2.7</rsp:ClientIP>"
                        "<rsp:IdleTimeOut>PT7200.000S</rsp:IdleTimeOut>"
                        "<rsp:InputStreams>stdin</rsp:InputStreams>"
                        "<rsp:OutputStreams>stdout stderr</rsp:OutputStreams>"
                        "<rsp:MaxIdleTimeOut>PT2147483.647S</rsp:MaxIdleTimeOut>"
                        "<rsp:BufferMode>Block</rsp:BufferMode><rsp:State>Connected</rsp:State>"
                        "<rsp:ShellRunTime>P0DT0H1M2S</rsp:ShellRunTime>"
                        "<rsp:ShellInactivity>P0DT0H0M3S</rsp:ShellInactivity></rsp:Shell>");
    assert_false(test_contains(&out, "Extensions"));
    wsm_buf_reset(&out);
    msg.shell.is_marked = true;
    wsm_create_response_write(&out, &headers, &msg);
    assert_true(test_contains(&out, "</rsp:ShellInactivity><Extensions xmlns=\"urn:winrmd:shell\""
                                    " Version=\"1\"/></rsp:Shell>"));
    wsm_buf_reset(&out);

    msg.shell.is_marked = false;
    msg.shell.name = msg.shell.buffer_mode = msg.shell.state = wsm_span_of(NULL, 0);
    msg.shell.max_idle_timeout_ms = -1;
    wsm_create_response_write(&out, &headers, &msg);
    assert_false(test_contains(&out, "rsp:Name"));
    assert_false(test_contains(&out, "BufferMode"));
    assert_false(test_contains(&out, "rsp:State"));
    assert_false(test_contains(&out, "MaxIdleTimeOut"));
    wsm_buf_clear(&out);
}

static void test_create_reads_its_own_response(void **state)
{
    struct wsm_response_headers headers = test_response(WSM_ACTION_CREATE "Response");
    struct wsm_create_response msg = full_response();
    const struct wsm_xml_node *shell = NULL;
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_create_response got;
    struct wsm_envelope env;

    (void)state;
    wsm_create_response_write(&out, &headers, &msg);
    test_read_back(&env, &out, false);
    assert_true(wsm_create_response_parse(&env, &got, &shell, &err));
    test_equal(got.address, msg.address);
    test_equal(got.shell.shell_id, msg.shell.shell_id);
    test_equal(got.shell.resource_uri, msg.shell.resource_uri);
    test_equal(got.shell.owner, msg.shell.owner);
    test_equal(got.shell.client_ip, msg.shell.client_ip);
    test_equal(got.shell.name, msg.shell.name);
    test_equal(got.shell.input_streams, msg.shell.input_streams);
    test_equal(got.shell.output_streams, msg.shell.output_streams);
    test_equal(got.shell.buffer_mode, msg.shell.buffer_mode);
    test_equal(got.shell.state, msg.shell.state);
    assert_int_equal(got.shell.idle_timeout_ms, msg.shell.idle_timeout_ms);
    assert_int_equal(got.shell.max_idle_timeout_ms, msg.shell.max_idle_timeout_ms);
    assert_int_equal(got.shell.run_time_s, 62);
    assert_int_equal(got.shell.inactivity_s, 3);
    assert_non_null(shell);
    assert_int_equal(got.extension_version, 0);
    wsm_envelope_clear(&env);

    wsm_buf_reset(&out);
    msg.shell.is_marked = true;
    wsm_create_response_write(&out, &headers, &msg);
    test_read_back(&env, &out, false);
    assert_true(wsm_create_response_parse(&env, &got, &shell, &err));
    assert_int_equal(got.extension_version, 1);
    assert_true(got.shell.is_marked);
    wsm_envelope_clear(&env);
    wsm_buf_clear(&out);
}

static void test_delete_has_an_empty_body_both_ways(void **state)
{
    struct wsm_request_headers headers = test_request(WSM_ACTION_DELETE);
    struct wsm_response_headers answer = test_response(WSM_ACTION_DELETE "Response");
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_envelope env;

    (void)state;
    wsm_delete_request_write(&out, &headers);
    assert_int_equal(test_body(&out).len, 0);
    test_read_back(&env, &out, true);
    test_equal_text(wsm_envelope_selector(&env, "ShellId"), TEST_SHELL);
    assert_null(wsm_envelope_content(&env));
    wsm_envelope_clear(&env);
    wsm_buf_reset(&out);
    wsm_delete_response_write(&out, &answer);
    assert_int_equal(test_body(&out).len, 0);
    wsm_buf_clear(&out);
}

static bool write_and_read(void *context)
{
    bool is_request = context != NULL;
    struct wsm_request_headers headers = test_request(WSM_ACTION_CREATE);
    struct wsm_response_headers answer = test_response(WSM_ACTION_CREATE "Response");
    struct wsm_create_request request = full_request();
    struct wsm_create_response response = full_response();
    const struct wsm_xml_node *shell;
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_envelope env;
    bool ok;

    if (is_request)
        wsm_create_request_write(&out, &headers, &request);
    else
        wsm_create_response_write(&out, &answer, &response);
    ok = wsm_buf_ok(&out);
    if (ok) {
        ok = wsm_envelope_parse(&env, out.ptr, out.len, &err) &&
             (is_request ? wsm_create_request_parse(&env, room, &request, &err)
                         : wsm_create_response_parse(&env, &response, &shell, &err));
        assert_true(ok || err.code != 0);
        wsm_envelope_clear(&env);
    }
    wsm_error_clear(&err);
    wsm_buf_clear(&out);
    return ok;
}

static void test_create_reports_every_failed_allocation(void **state)
{
    (void)state;
    assert_true(failing_alloc_each("Create", write_and_read, "request") > 10);
    assert_true(failing_alloc_each("CreateResponse", write_and_read, NULL) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create_writes_a_request_as_windows_does),
        cmocka_unit_test(test_create_reads_its_own_request),
        cmocka_unit_test(test_create_leaves_out_what_is_not_asked_for),
        cmocka_unit_test(test_create_takes_as_much_as_its_limits_say),
        cmocka_unit_test(test_create_refuses_other_buffer_modes),
        cmocka_unit_test(test_create_writes_a_response_in_the_order_of_windows),
        cmocka_unit_test(test_create_reads_its_own_response),
        cmocka_unit_test(test_delete_has_an_empty_body_both_ways),
        cmocka_unit_test(test_create_reports_every_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
