/* The envelope: what our writers write, byte by byte; the headers as read are covered by
 * tests/proto/envelope. */
#include "message.h"

#define XMLNS(prefix, uri) " xmlns:" prefix "=\"" uri "\""

static void test_envelope_writes_a_request_as_windows_does(void **state)
{
    static const char want[] = "<s:Envelope" XMLNS("s", WSM_NS_SOAP) XMLNS("a", WSM_NS_ADDR)
        XMLNS("w", WSM_NS_WSMAN) XMLNS("p", WSM_NS_WSMV) XMLNS(
            "rsp",
            WSM_NS_SHELL) "><s:Header>"
                          "<a:To>http://srv.example:5985/wsman?a=1&amp;b=2</a:To>"
                          "<a:ReplyTo><a:Address s:mustUnderstand=\"true\">" WSM_URI_ANONYMOUS
                          "</a:Address></a:ReplyTo>"
                          "<a:Action s:mustUnderstand=\"true\">" WSM_ACTION_SEND "</a:Action>"
                          "<w:MaxEnvelopeSize s:mustUnderstand=\"true\">512000</w:MaxEnvelopeSize>"
                          "<a:MessageID>uuid:" TEST_ID "</a:MessageID>"
                          "<w:Locale xml:lang=\"en-US\" s:mustUnderstand=\"false\"/>"
                          "<p:DataLocale xml:lang=\"de-DE\" s:mustUnderstand=\"false\"/>"
                          "<p:SessionId "
                          "s:mustUnderstand=\"false\">uuid:AAAAAAAA-0000-4000-8000-000000000001"
                          "</p:SessionId>"
                          "<w:ResourceURI s:mustUnderstand=\"true\">" WSM_URI_CMD "</w:ResourceURI>"
                          "<w:SelectorSet><w:Selector Name=\"ShellId\">" TEST_SHELL
                          "</w:Selector></w:SelectorSet>"
                          "<w:OptionSet s:mustUnderstand=\"true\">"
                          "<w:Option Name=\"A&amp;B\" MustComply=\"true\">&lt;1&gt;</w:Option>"
                          "<w:Option Name=\"C\"></w:Option></w:OptionSet>"
                          "<w:OperationTimeout>PT60.000S</w:OperationTimeout>"
                          "</s:Header><s:Body></s:Body></s:Envelope>";
    const struct wsm_option options[] = {
        { wsm_span_str("A&B"), wsm_span_str("<1>"), true },
        { wsm_span_str("C"), { NULL, 0 }, false },
    };
    struct wsm_request_headers headers = test_request(WSM_ACTION_SEND);
    struct wsm_buf out = WSM_BUF_INIT;

    (void)state;
    headers.data_locale = "de-DE";
    headers.options = options;
    headers.option_count = 2;
    headers.options_must_understand = true;
    wsm_request_begin(&out, &headers);
    wsm_request_end(&out);
    test_equal_text(wsm_buf_span(&out), want);
    wsm_buf_clear(&out);
}

static void test_envelope_leaves_out_what_a_request_does_not_have(void **state)
{
    struct wsm_request_headers headers = { .to = "http://h/",
                                           .action = WSM_ACTION_CREATE,
                                           .message_id = "uuid:" TEST_ID,
                                           .operation_timeout_ms = -1 };
    static const char *const absent[] = { "SessionId",        "SelectorSet",     "OptionSet",
                                          "OperationTimeout", "MaxEnvelopeSize", "ResourceURI" };
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_envelope env;
    size_t i;

    (void)state;
    wsm_request_begin(&out, &headers);
    wsm_request_end(&out);
    for (i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
        assert_false(test_contains(&out, absent[i]));
    test_read_back(&env, &out, true);
    assert_int_equal(env.operation_timeout_ms, -1);
    assert_int_equal(env.max_envelope_size, 0);
    assert_int_equal(env.selector_count, 0);
    assert_null(wsm_envelope_content(&env));
    wsm_envelope_clear(&env);
    wsm_buf_clear(&out);
}

static void test_envelope_reads_its_own_request(void **state)
{
    const struct wsm_option option = { wsm_span_str("WINRS_CODEPAGE"), wsm_span_str("65001"),
                                       true };
    struct wsm_request_headers headers = test_request(WSM_ACTION_DELETE);
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_envelope env;

    (void)state;
    headers.options = &option;
    headers.option_count = 1;
    wsm_request_begin(&out, &headers);
    wsm_request_end(&out);
    test_read_back(&env, &out, true);
    test_equal_text(env.to, headers.to);
    test_equal_text(env.action, headers.action);
    test_equal_text(env.message_id, headers.message_id);
    test_equal_text(env.session_id, headers.session_id);
    test_equal_text(env.resource_uri, headers.resource_uri);
    test_equal_text(env.reply_to, WSM_URI_ANONYMOUS);
    test_equal_text(wsm_envelope_selector(&env, "shellid"), TEST_SHELL);
    assert_int_equal(wsm_envelope_selector(&env, "ShellI").len, 0);
    assert_int_equal(env.max_envelope_size, 512000);
    assert_int_equal(env.operation_timeout_ms, 60000);
    assert_non_null(wsm_envelope_option(&env, "winrs_codepage"));
    assert_true(wsm_envelope_option(&env, "WINRS_CODEPAGE")->must_comply);
    test_equal_text(wsm_envelope_option(&env, "WINRS_CODEPAGE")->value, "65001");
    assert_null(wsm_envelope_option(&env, "WINRS_CODEPAGES"));
    wsm_envelope_clear(&env);
    assert_null(wsm_envelope_content(&env)); /* a cleared one is still harmless */
    wsm_envelope_clear(&env);
    wsm_buf_clear(&out);
}

static void expect_response(const char *action, const char *namespaces)
{
    struct wsm_response_headers headers = test_response(action);
    struct wsm_buf want = WSM_BUF_INIT;
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_envelope env;

    wsm_response_begin(&out, &headers);
    wsm_response_end(&out);
    wsm_buf_printf(&want,
                   "<s:Envelope xml:lang=\"en-US\"%s><s:Header><a:Action>%s</a:Action>"
                   "<a:MessageID>uuid:" TEST_ID "</a:MessageID><a:To>" WSM_URI_ANONYMOUS
                   "</a:To><a:RelatesTo>uuid:&lt;a&gt; &amp; b</a:RelatesTo></s:Header>"
                   "<s:Body></s:Body></s:Envelope>",
                   namespaces, action);
    test_equal(wsm_buf_span(&out), wsm_buf_span(&want));
    test_read_back(&env, &out, false);
    test_equal(env.relates_to, headers.relates_to);
    test_equal_text(env.action, action);
    wsm_envelope_clear(&env);
    wsm_buf_clear(&out);
    wsm_buf_clear(&want);
}

#define SA  XMLNS("s", WSM_NS_SOAP) XMLNS("a", WSM_NS_ADDR)
#define X   XMLNS("x", WSM_NS_TRANSFER)
#define N   XMLNS("n", WSM_NS_ENUM)
#define W   XMLNS("w", WSM_NS_WSMAN)
#define RSP XMLNS("rsp", WSM_NS_SHELL)
#define P   XMLNS("p", WSM_NS_WSMV)

static void test_envelope_writes_responses_as_windows_does(void **state)
{
    static const struct {
        const char *action;
        const char *namespaces;
    } cases[] = {
        { WSM_ACTION_CREATE, SA X W RSP P },  { WSM_ACTION_COMMAND, SA X W RSP P },
        { WSM_ACTION_SEND, SA X W RSP P },    { WSM_ACTION_SIGNAL, SA X W RSP P },
        { WSM_ACTION_CONNECT, SA X W RSP P }, { WSM_ACTION_RECEIVE, SA W RSP P },
        { WSM_ACTION_DELETE, SA W P },        { WSM_ACTION_DISCONNECT, SA W P },
        { WSM_ACTION_RECONNECT, SA W P },     { WSM_ACTION_GET, SA X W P },
        { WSM_ACTION_ENUMERATE, SA N W P },   { WSM_ACTION_PULL, SA N W P },
        { WSM_ACTION_RELEASE, SA N W P },
    };
    char action[128];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(action, sizeof(action), "%sResponse", cases[i].action);
        expect_response(action, cases[i].namespaces);
    }
}

static void test_envelope_keeps_the_message_id_after_a_failure(void **state)
{
    struct wsm_request_headers headers = test_request(WSM_ACTION_DELETE);
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_envelope env;

    (void)state;
    headers.max_envelope_size = WSM_ENVELOPE_SIZE_MIN - 1;
    wsm_request_begin(&out, &headers);
    wsm_request_end(&out);
    assert_true(wsm_envelope_parse(&env, out.ptr, out.len, &err));
    assert_false(wsm_envelope_check_request(&env, &err));
    assert_int_equal(err.code, ERROR_WSMAN_MIN_ENVELOPE_SIZE);
    test_equal_text(env.message_id, "uuid:" TEST_ID);
    wsm_envelope_clear(&env);
    wsm_error_clear(&err);

    out.len -= 1; /* not even XML: nothing is known, clear is still safe */
    assert_false(wsm_envelope_parse(&env, out.ptr, out.len, &err));
    assert_int_equal(err.code, ERROR_WSMAN_INVALID_XML);
    assert_int_equal(env.message_id.len, 0);
    wsm_envelope_clear(&env);
    wsm_error_clear(&err);
    wsm_buf_clear(&out);
}

/* MessageIDs of exactly the limit, plain and as escaped, and one more. */
static void test_envelope_limits_the_message_id_as_it_is_echoed(void **state)
{
    static const size_t lengths[] = { WSM_MESSAGE_ID_MAX, WSM_MESSAGE_ID_MAX + 1 };
    char id[WSM_MESSAGE_ID_MAX + 2];
    size_t i;
    int quotes;

    (void)state;
    for (quotes = 0; quotes < 2; quotes++) {
        for (i = 0; i < 2; i++) {
            size_t characters = quotes != 0 ? lengths[i] - 5 * 341 : lengths[i];
            struct wsm_request_headers headers = test_request(WSM_ACTION_DELETE);
            struct wsm_error err = WSM_ERROR_INIT;
            struct wsm_buf out = WSM_BUF_INIT;
            struct wsm_envelope env;

            memset(id, 'm', characters);
            memset(id, quotes != 0 ? '"' : 'm', 341); /* six bytes each */
            id[characters] = '\0';
            headers.message_id = id;
            wsm_request_begin(&out, &headers);
            wsm_request_end(&out);
            assert_int_equal(wsm_envelope_parse(&env, out.ptr, out.len, &err), i == 0);
            assert_int_equal(err.code, i == 0 ? 0 : ERROR_WSMAN_INVALID_MESSAGE_INFORMATION_HEADER);
            wsm_envelope_clear(&env);
            wsm_error_clear(&err);
            wsm_buf_clear(&out);
        }
    }
}

static void test_envelope_goes_out_as_utf16_behind_what_is_there(void **state)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_buf out = WSM_BUF_INIT;
    uint8_t want[] = { 'h', 'd', 0xFF, 0xFE, '<', 0, 0xE9, 0, 0x3D, 0xD8, 0x00, 0xDE };

    (void)state;
    wsm_buf_append_str(&out, "hd<\xC3\xA9\xF0\x9F\x98\x80");
    assert_true(wsm_envelope_to_utf16(&out, 2, &err));
    assert_int_equal(out.len, sizeof(want));
    assert_memory_equal(out.ptr, want, sizeof(want));
    wsm_buf_reset(&out);

    wsm_buf_append_str(&out, "hd\xFF");
    assert_false(wsm_envelope_to_utf16(&out, 2, &err));
    assert_int_not_equal(err.code, 0);
    test_equal_text(wsm_buf_span(&out), "hd\xFF"); /* untouched */
    wsm_error_clear(&err);

    out.failed = true;
    assert_false(wsm_envelope_to_utf16(&out, 2, &err));
    assert_int_equal(err.code, ERROR_OUTOFMEMORY);
    wsm_error_clear(&err);
    wsm_buf_clear(&out);
}

static bool write_read_and_widen(void *context)
{
    const struct wsm_option option = { wsm_span_str("O"), wsm_span_str("V"), false };
    struct wsm_request_headers headers = test_request(WSM_ACTION_DELETE);
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_envelope env;
    bool ok;

    (void)context;
    headers.options = &option;
    headers.option_count = 1;
    wsm_request_begin(&out, &headers);
    wsm_request_end(&out);
    if (!wsm_buf_ok(&out)) {
        wsm_buf_clear(&out);
        return false;
    }
    ok = wsm_envelope_parse(&env, out.ptr, out.len, &err) &&
         wsm_envelope_check_request(&env, &err) && wsm_envelope_to_utf16(&out, 0, &err);
    assert_true(ok || err.code != 0);
    wsm_envelope_clear(&env);
    wsm_error_clear(&err);
    wsm_buf_clear(&out);
    return ok;
}

static void test_envelope_reports_every_failed_allocation(void **state)
{
    (void)state;
    assert_true(failing_alloc_each("envelope", write_read_and_widen, NULL) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_envelope_writes_a_request_as_windows_does),
        cmocka_unit_test(test_envelope_leaves_out_what_a_request_does_not_have),
        cmocka_unit_test(test_envelope_reads_its_own_request),
        cmocka_unit_test(test_envelope_writes_responses_as_windows_does),
        cmocka_unit_test(test_envelope_keeps_the_message_id_after_a_failure),
        cmocka_unit_test(test_envelope_limits_the_message_id_as_it_is_echoed),
        cmocka_unit_test(test_envelope_goes_out_as_utf16_behind_what_is_there),
        cmocka_unit_test(test_envelope_reports_every_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
