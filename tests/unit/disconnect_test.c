/* Disconnect, Reconnect, Connect: what we write, and what we read. */
#include "message.h"

#include "proto/disconnect.h"

/* A request with this body, as anybody may send it. */
static void read_body(struct wsm_envelope *env, struct wsm_buf *out, const char *action,
                      const char *body)
{
    struct wsm_request_headers headers = test_request(action);

    wsm_buf_reset(out);
    wsm_request_begin(out, &headers);
    wsm_buf_append_str(out, body);
    wsm_request_end(out);
    test_read_back(env, out, true);
}

static void test_buffer_mode_reads_two_words(void **state)
{
    static const struct {
        const char *text;
        int want; /* -1 = refused */
    } cases[] = {
        { "Block", WSM_BUFFER_BLOCK },
        { "block", WSM_BUFFER_BLOCK },
        { " DROP\n", WSM_BUFFER_DROP },
        { "Drop", WSM_BUFFER_DROP },
        { "", WSM_BUFFER_UNCHANGED },
        { " ", WSM_BUFFER_UNCHANGED },
        { "None", -1 },
        { "Dro", -1 },
        { "Block Drop", -1 },
        { "0", -1 },
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum wsm_buffer_mode mode = WSM_BUFFER_DROP;
        bool ok = wsm_buffer_mode_parse(wsm_span_str(cases[i].text), &mode);

        assert_int_equal(ok, cases[i].want >= 0);
        assert_int_equal(mode, ok ? cases[i].want : WSM_BUFFER_DROP);
    }
    assert_string_equal(wsm_buffer_mode_name(WSM_BUFFER_UNCHANGED), "");
    assert_string_equal(wsm_buffer_mode_name(WSM_BUFFER_BLOCK), "Block");
    assert_string_equal(wsm_buffer_mode_name(WSM_BUFFER_DROP), "Drop");
}

static void test_disconnect_reads_its_own_request(void **state)
{
    static const struct {
        struct wsm_disconnect_request msg;
        const char *body;
    } cases[] = {
        { { .idle_timeout_ms = -1 }, "<rsp:Disconnect></rsp:Disconnect>" },
        { { .idle_timeout_ms = 0 },
          "<rsp:Disconnect><rsp:IdleTimeOut>PT0.000S</rsp:IdleTimeOut></rsp:Disconnect>" },
        { { .idle_timeout_ms = -1, .buffer_mode = WSM_BUFFER_BLOCK },
          "<rsp:Disconnect><rsp:BufferMode>Block</rsp:BufferMode></rsp:Disconnect>" },
        { { .idle_timeout_ms = 7200001, .buffer_mode = WSM_BUFFER_DROP },
          "<rsp:Disconnect><rsp:IdleTimeOut>PT7200.001S</rsp:IdleTimeOut>"
          "<rsp:BufferMode>Drop</rsp:BufferMode></rsp:Disconnect>" },
    };
    struct wsm_request_headers headers = test_request(WSM_ACTION_DISCONNECT);
    struct wsm_buf out = WSM_BUF_INIT;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct wsm_disconnect_request got = { .idle_timeout_ms = 17 };
        struct wsm_envelope env;

        wsm_buf_reset(&out);
        wsm_disconnect_request_write(&out, &headers, &cases[i].msg);
        test_equal_text(test_body(&out), cases[i].body);
        test_read_back(&env, &out, true);
        assert_true(wsm_disconnect_request_parse(&env, &got, NULL));
        assert_int_equal(got.idle_timeout_ms, cases[i].msg.idle_timeout_ms);
        assert_int_equal(got.buffer_mode, cases[i].msg.buffer_mode);
        wsm_envelope_clear(&env);
    }
    wsm_buf_clear(&out);
}

static void test_disconnect_refuses_what_it_cannot_read(void **state)
{
    static const char *const bad[] = {
        "<rsp:Reconnect/>",
        "<Disconnect/>",
        "<x/><rsp:Disconnect/>",
        "<rsp:IdleTimeOut>PT1S</rsp:IdleTimeOut>",
        "<rsp:Disconnect><rsp:IdleTimeOut/></rsp:Disconnect>",
        "<rsp:Disconnect><rsp:IdleTimeOut>7200000</rsp:IdleTimeOut></rsp:Disconnect>",
        "<rsp:Disconnect><rsp:IdleTimeOut>-PT1S</rsp:IdleTimeOut></rsp:Disconnect>",
        "<rsp:Disconnect><rsp:BufferMode>None</rsp:BufferMode></rsp:Disconnect>",
    };
    struct wsm_buf out = WSM_BUF_INIT;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct wsm_disconnect_request got = { .idle_timeout_ms = 17 };
        struct wsm_error err = WSM_ERROR_INIT;
        struct wsm_envelope env;

        read_body(&env, &out, WSM_ACTION_DISCONNECT, bad[i]);
        if (wsm_disconnect_request_parse(&env, &got, &err))
            fail_msg("%s", bad[i]);
        assert_int_equal(err.code, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR);
        assert_int_equal(got.idle_timeout_ms, 17);
        wsm_error_clear(&err);
        wsm_envelope_clear(&env);
    }
    wsm_buf_clear(&out);
}

static void test_disconnect_and_reconnect_answer_with_an_empty_body(void **state)
{
    struct wsm_response_headers headers = test_response(WSM_ACTION_DISCONNECT "Response");
    struct wsm_buf out = WSM_BUF_INIT;

    (void)state;
    wsm_disconnect_response_write(&out, &headers);
    assert_int_equal(test_body(&out).len, 0);
    assert_true(test_contains(&out, "shell/DisconnectResponse</a:Action>"));
    assert_false(test_contains(&out, "xmlns:rsp"));
    wsm_buf_reset(&out);
    headers.action = WSM_ACTION_RECONNECT "Response";
    wsm_reconnect_response_write(&out, &headers);
    assert_int_equal(test_body(&out).len, 0);
    assert_true(test_contains(&out, "shell/ReconnectResponse</a:Action>"));
    wsm_buf_clear(&out);
}

static void test_reconnect_writes_the_form_that_fits(void **state)
{
    const struct wsm_span id = wsm_span_str(TEST_COMMAND);
    const struct {
        struct wsm_reconnect_request msg;
        const char *body;
    } cases[] = {
        { { .command_id = { NULL, 0 } }, "" },
        { { .command_id = id }, "<rsp:Reconnect CommandId=\"" TEST_COMMAND "\"></rsp:Reconnect>" },
        { { .buffer_mode = WSM_BUFFER_BLOCK },
          "<rsp:Reconnect><rsp:BufferMode>Block</rsp:BufferMode></rsp:Reconnect>" },
        { { .command_id = id, .buffer_mode = WSM_BUFFER_DROP },
          "<rsp:Reconnect CommandId=\"" TEST_COMMAND
          "\"><rsp:BufferMode>Drop</rsp:BufferMode></rsp:Reconnect>" },
    };
    struct wsm_request_headers headers = test_request(WSM_ACTION_RECONNECT);
    struct wsm_buf out = WSM_BUF_INIT;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct wsm_reconnect_request got;
        struct wsm_envelope env;

        wsm_buf_reset(&out);
        wsm_reconnect_request_write(&out, &headers, &cases[i].msg);
        test_equal_text(test_body(&out), cases[i].body);
        test_read_back(&env, &out, true);
        assert_true(wsm_reconnect_request_parse(&env, &got, NULL));
        test_equal(got.command_id, cases[i].msg.command_id);
        assert_int_equal(got.buffer_mode, cases[i].msg.buffer_mode);
        wsm_envelope_clear(&env);
    }
    wsm_buf_clear(&out);
}

static void test_reconnect_reads_all_known_forms(void **state)
{
    static const struct {
        const char *body;
        const char *command_id;
        enum wsm_buffer_mode mode;
    } cases[] = {
        { "<rsp:Reconnect/>", "", WSM_BUFFER_UNCHANGED },
        { "<rsp:Reconnect CommandId=' C1 '/>", "C1", WSM_BUFFER_UNCHANGED },
        { "<rsp:Reconnect><rsp:CommandId>\nC1\n</rsp:CommandId></rsp:Reconnect>", "C1",
          WSM_BUFFER_UNCHANGED },
        { "<rsp:CommandId>C1</rsp:CommandId>", "C1", WSM_BUFFER_UNCHANGED },
        { "<rsp:CommandId>C1</rsp:CommandId><rsp:BufferMode>Drop</rsp:BufferMode>", "C1",
          WSM_BUFFER_DROP },
        { "<rsp:BufferMode>block</rsp:BufferMode><rsp:CommandId>C1</rsp:CommandId>", "C1",
          WSM_BUFFER_BLOCK },
        { "<rsp:BufferMode>block</rsp:BufferMode>", "", WSM_BUFFER_BLOCK },
        { "<rsp:Reconnect><rsp:BufferMode/><q/></rsp:Reconnect>", "", WSM_BUFFER_UNCHANGED },
    };
    struct wsm_buf out = WSM_BUF_INIT;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct wsm_reconnect_request got;
        struct wsm_envelope env;

        read_body(&env, &out, WSM_ACTION_RECONNECT, cases[i].body);
        assert_true(wsm_reconnect_request_parse(&env, &got, NULL));
        test_equal_text(got.command_id, cases[i].command_id);
        assert_int_equal(got.buffer_mode, cases[i].mode);
        wsm_envelope_clear(&env);
    }
    wsm_buf_clear(&out);
}

/* Bodies that neither Reconnect nor Connect takes, NAME put in for *. */
static const char *const bad_bodies[] = {
    "<rsp:Disconnect/>",
    "<rsp:*Response/>",
    "<*/>",
    "<rsp:* CommandId=''/>",
    "<rsp:* CommandId=' '/>",
    "<rsp:*><rsp:CommandId/></rsp:*>",
    "<rsp:* CommandId='C1'><rsp:CommandId>C1</rsp:CommandId></rsp:*>",
    "<rsp:*><rsp:BufferMode>Dropped</rsp:BufferMode></rsp:*>",
};

static void put_name(char *out, size_t size, const char *body, const char *name)
{
    size_t len = 0;

    for (; *body != '\0' && len + 1 < size; body++) {
        if (*body == '*')
            len += (size_t)snprintf(out + len, size - len, "%s", name);
        else
            out[len++] = *body;
    }
    out[len] = '\0';
}

static void test_reconnect_and_connect_refuse_what_they_cannot_read(void **state)
{
    struct wsm_buf out = WSM_BUF_INIT;
    size_t i;
    int is_connect;

    (void)state;
    for (i = 0; i < 2 * sizeof(bad_bodies) / sizeof(bad_bodies[0]); i++) {
        struct wsm_reconnect_request reconnect = { .buffer_mode = WSM_BUFFER_DROP };
        struct wsm_connect_request connect = { .buffer_mode = WSM_BUFFER_DROP };
        struct wsm_error err = WSM_ERROR_INIT;
        struct wsm_envelope env;
        char body[256];

        is_connect = i % 2;
        put_name(body, sizeof(body), bad_bodies[i / 2], is_connect ? "Connect" : "Reconnect");
        read_body(&env, &out, WSM_ACTION_CONNECT, body);
        if (is_connect ? wsm_connect_request_parse(&env, &connect, &err)
                       : wsm_reconnect_request_parse(&env, &reconnect, &err))
            fail_msg("%s", body);
        assert_int_equal(err.code, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR);
        assert_int_equal(connect.buffer_mode, WSM_BUFFER_DROP);
        assert_int_equal(reconnect.buffer_mode, WSM_BUFFER_DROP);
        wsm_error_clear(&err);
        wsm_envelope_clear(&env);
    }
    wsm_buf_clear(&out);
}

static void test_reconnect_alone_refuses_an_empty_command_id(void **state)
{
    struct wsm_reconnect_request got;
    struct wsm_connect_request connect;
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_envelope env;

    (void)state;
    read_body(&env, &out, WSM_ACTION_RECONNECT, "<rsp:CommandId> </rsp:CommandId>");
    assert_false(wsm_reconnect_request_parse(&env, &got, &err));
    assert_int_equal(err.code, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR);
    wsm_error_clear(&err);
    wsm_envelope_clear(&env);
    read_body(&env, &out, WSM_ACTION_CONNECT, ""); /* which Reconnect takes, Connect does not */
    assert_true(wsm_reconnect_request_parse(&env, &got, NULL));
    assert_false(wsm_connect_request_parse(&env, &connect, &err));
    assert_int_equal(err.code, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR);
    wsm_error_clear(&err);
    wsm_envelope_clear(&env);
    wsm_buf_clear(&out);
}

static void test_connect_reads_its_own_request(void **state)
{
    const struct {
        struct wsm_connect_request msg;
        const char *body;
    } cases[] = {
        { { .command_id = { NULL, 0 } }, "<rsp:Connect></rsp:Connect>" },
        { { .command_id = wsm_span_str(TEST_COMMAND) },
          "<rsp:Connect CommandId=\"" TEST_COMMAND "\"></rsp:Connect>" },
        { { .buffer_mode = WSM_BUFFER_BLOCK,
            .extra_xml = wsm_span_str("<c xmlns=\"urn:c\">eA==</c>") },
          "<rsp:Connect><rsp:BufferMode>Block</rsp:BufferMode><c xmlns=\"urn:c\">eA==</c>"
          "</rsp:Connect>" },
    };
    struct wsm_request_headers headers = test_request(WSM_ACTION_CONNECT);
    struct wsm_buf out = WSM_BUF_INIT;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct wsm_connect_request got;
        struct wsm_envelope env;

        wsm_buf_reset(&out);
        wsm_connect_request_write(&out, &headers, &cases[i].msg);
        test_equal_text(test_body(&out), cases[i].body);
        test_read_back(&env, &out, true);
        assert_true(wsm_connect_request_parse(&env, &got, NULL));
        test_equal(got.command_id, cases[i].msg.command_id);
        assert_int_equal(got.buffer_mode, cases[i].msg.buffer_mode);
        assert_int_equal(got.extra_xml.len, 0);
        wsm_envelope_clear(&env);
    }
    wsm_buf_clear(&out);
}

static void test_connect_reads_its_own_response(void **state)
{
    const struct {
        struct wsm_connect_response msg;
        const char *body;
    } cases[] = {
        { { .extension_version = 0 }, "<rsp:ConnectResponse></rsp:ConnectResponse>" },
        { { .input_streams = wsm_span_str("stdin"), .output_streams = wsm_span_str("a b") },
          "<rsp:ConnectResponse><rsp:InputStreams>stdin</rsp:InputStreams>"
          "<rsp:OutputStreams>a b</rsp:OutputStreams></rsp:ConnectResponse>" },
        { { .input_streams = wsm_span_str("stdin"), .extension_version = 1 },
          "<rsp:ConnectResponse><rsp:InputStreams>stdin</rsp:InputStreams>"
          "<Extensions xmlns=\"urn:winrmd:shell\" Version=\"1\"/></rsp:ConnectResponse>" },
    };
    struct wsm_response_headers headers = test_response(WSM_ACTION_CONNECT "Response");
    struct wsm_buf out = WSM_BUF_INIT;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct wsm_xml_node *xml = NULL;
        struct wsm_connect_response got;
        struct wsm_envelope env;

        wsm_buf_reset(&out);
        wsm_connect_response_write(&out, &headers, &cases[i].msg);
        test_equal_text(test_body(&out), cases[i].body);
        test_read_back(&env, &out, false);
        assert_true(wsm_connect_response_parse(&env, &got, &xml, NULL));
        test_equal(got.input_streams, cases[i].msg.input_streams);
        test_equal(got.output_streams, cases[i].msg.output_streams);
        assert_int_equal(got.extension_version, cases[i].msg.extension_version);
        assert_ptr_equal(xml, wsm_envelope_content(&env));
        wsm_envelope_clear(&env);
    }
    wsm_buf_clear(&out);
}

static void test_connect_refuses_other_answers(void **state)
{
    static const char *const bad[] = { "", "<rsp:Connect/>", "<ConnectResponse/>", "text" };
    struct wsm_buf out = WSM_BUF_INIT;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct wsm_connect_response got = { .extension_version = 17 };
        const struct wsm_xml_node *xml = NULL;
        struct wsm_error err = WSM_ERROR_INIT;
        struct wsm_envelope env;

        read_body(&env, &out, WSM_ACTION_CONNECT "Response", bad[i]);
        assert_false(wsm_connect_response_parse(&env, &got, &xml, &err));
        assert_int_equal(err.code, ERROR_WINRS_CONNECT_RESPONSE_BAD_BODY);
        assert_int_equal(got.extension_version, 17);
        assert_null(xml);
        wsm_error_clear(&err);
        wsm_envelope_clear(&env);
    }
    wsm_buf_clear(&out);
}

enum which { DISCONNECT, RECONNECT, CONNECT, CONNECT_RESPONSE };

static bool write_and_read(void *context)
{
    enum which which = *(const enum which *)context;
    struct wsm_request_headers headers = test_request(WSM_ACTION_DISCONNECT);
    struct wsm_response_headers answer = test_response(WSM_ACTION_CONNECT "Response");
    struct wsm_disconnect_request disconnect = { 1000, WSM_BUFFER_DROP };
    struct wsm_reconnect_request reconnect = { wsm_span_str(TEST_COMMAND), WSM_BUFFER_DROP };
    struct wsm_connect_request connect = { .command_id = wsm_span_str(TEST_COMMAND) };
    struct wsm_connect_response response = { .input_streams = wsm_span_str("stdin"),
                                             .extension_version = 1 };
    const struct wsm_xml_node *xml;
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_envelope env;
    bool ok;

    if (which == DISCONNECT)
        wsm_disconnect_request_write(&out, &headers, &disconnect);
    else if (which == RECONNECT)
        wsm_reconnect_request_write(&out, &headers, &reconnect);
    else if (which == CONNECT)
        wsm_connect_request_write(&out, &headers, &connect);
    else
        wsm_connect_response_write(&out, &answer, &response);
    ok = wsm_buf_ok(&out);
    if (ok) {
        ok = wsm_envelope_parse(&env, out.ptr, out.len, &err) &&
             (which == DISCONNECT  ? wsm_disconnect_request_parse(&env, &disconnect, &err)
              : which == RECONNECT ? wsm_reconnect_request_parse(&env, &reconnect, &err)
              : which == CONNECT   ? wsm_connect_request_parse(&env, &connect, &err)
                                   : wsm_connect_response_parse(&env, &response, &xml, &err));
        assert_true(ok || err.code != 0);
        wsm_envelope_clear(&env);
    }
    wsm_error_clear(&err);
    wsm_buf_clear(&out);
    return ok;
}

static void test_disconnect_reports_every_failed_allocation(void **state)
{
    static const char *const names[] = { "Disconnect", "Reconnect", "Connect", "ConnectResponse" };
    enum which which;

    (void)state;
    for (which = DISCONNECT; which <= CONNECT_RESPONSE; which++)
        assert_true(failing_alloc_each(names[which], write_and_read, &which) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buffer_mode_reads_two_words),
        cmocka_unit_test(test_disconnect_reads_its_own_request),
        cmocka_unit_test(test_disconnect_refuses_what_it_cannot_read),
        cmocka_unit_test(test_disconnect_and_reconnect_answer_with_an_empty_body),
        cmocka_unit_test(test_reconnect_writes_the_form_that_fits),
        cmocka_unit_test(test_reconnect_reads_all_known_forms),
        cmocka_unit_test(test_reconnect_and_connect_refuse_what_they_cannot_read),
        cmocka_unit_test(test_reconnect_alone_refuses_an_empty_command_id),
        cmocka_unit_test(test_connect_reads_its_own_request),
        cmocka_unit_test(test_connect_reads_its_own_response),
        cmocka_unit_test(test_connect_refuses_other_answers),
        cmocka_unit_test(test_disconnect_reports_every_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
