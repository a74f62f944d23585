/* Faults in both directions. Foreign ones are in tests/proto/fault. */
#include "message.h"

#include "proto/fault.h"

static void write_fault(struct wsm_buf *out, uint32_t code, const char *text)
{
    const struct wsm_guid id = { TEST_ID };
    struct wsm_error err = { .code = code, .text = (char *)(uintptr_t)text };

    wsm_fault_write(out, &id, wsm_span_str("uuid:<q>"), &err, "srv\"1");
}

static void test_fault_is_laid_out_as_windows_does(void **state)
{
    static const char want[] =
        "<s:Header><a:Action>http://schemas.dmtf.org/wbem/wsman/1/wsman/fault</a:Action>"
        "<a:MessageID>uuid:" TEST_ID "</a:MessageID><a:To>" WSM_URI_ANONYMOUS
        "</a:To><a:RelatesTo>uuid:&lt;q&gt;</a:RelatesTo></s:Header><s:Body><s:Fault><s:Code>"
        "<s:Value>s:Sender</s:Value><s:Subcode><s:Value>w:InvalidSelectors</s:Value></s:Subcode>"
        "</s:Code><s:Reason><s:Text xml:lang=\"en-US\">no shell &lt;A1&gt;</s:Text></s:Reason>"
        "<s:Detail><w:FaultDetail>http://schemas.dmtf.org/wbem/wsman/1/wsman/faultDetail/"
        "UnexpectedSelectors</w:FaultDetail><f:WSManFault xmlns:f=\"" WSM_NS_FAULT
        "\" Code=\"2150858843\" Machine=\"srv&quot;1\"><f:Message>no shell &lt;A1&gt;</f:Message>"
        "</f:WSManFault></s:Detail></s:Fault></s:Body></s:Envelope>";
    struct wsm_buf out = WSM_BUF_INIT;

    (void)state;
    write_fault(&out, ERROR_WSMAN_UNEXPECTED_SELECTORS, "no shell <A1>");
    assert_true(out.len > sizeof(want));
    test_equal_text(wsm_span_of(out.ptr + out.len - sizeof(want) + 1, sizeof(want) - 1), want);
    assert_memory_equal(out.ptr, "<s:Envelope xml:lang=\"en-US\" xmlns:s=", 37);
    wsm_buf_clear(&out);
}

#define WSMAN    "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"
#define ADDR     WSM_NS_ADDR "/fault"
#define TRANSFER WSM_NS_TRANSFER "/fault"
#define ENUM     WSM_NS_ENUM "/fault"

struct shape {
    uint32_t code;
    const char *soap_code;
    const char *subcode; /* NULL = none may stand there */
    const char *detail;
    const char *action;
};

static const struct shape shapes[] = {
    { ERROR_WSMAN_SOAP_VERSION_MISMATCH, "s:VersionMismatch", NULL, NULL, ADDR },
    { ERROR_WSMAN_SOAP_FAULT_MUST_UNDERSTAND, "s:MustUnderstand", NULL, NULL, ADDR },
    { ERROR_ACCESS_DENIED, "s:Sender", "w:AccessDenied", NULL, WSMAN },
    { ERROR_WSMAN_ACTION_NOT_SUPPORTED, "s:Sender", "a:ActionNotSupported", NULL, ADDR },
    { ERROR_WSMAN_ACTION_MISMATCH, "s:Sender", "a:ActionNotSupported", "ActionMismatch", ADDR },
    { ERROR_WSMAN_INVALID_RESOURCE_URI, "s:Sender", "a:DestinationUnreachable",
      "InvalidResourceURI", ADDR },
    { ERROR_WSMAN_MIN_ENVELOPE_SIZE, "s:Sender", "w:EncodingLimit", "MinimumEnvelopeLimit", WSMAN },
    { ERROR_WSMAN_MAX_ENVELOPE_SIZE_EXCEEDED, "s:Sender", "w:EncodingLimit",
      "MaxEnvelopeSizeExceeded", WSMAN },
    { ERROR_WSMAN_INVALID_MESSAGE_INFORMATION_HEADER, "s:Sender",
      "a:InvalidMessageInformationHeader", NULL, ADDR },
    { ERROR_WSMAN_MESSAGE_INFORMATION_HEADER_REQUIRED, "s:Sender",
      "a:MessageInformationHeaderRequired", NULL, ADDR },
    { ERROR_WSMAN_OPTIONS_INVALID_NAME, "s:Sender", "w:InvalidOptions", "InvalidName", WSMAN },
    { ERROR_INVALID_PARAMETER, "s:Sender", "w:InvalidParameter", "InvalidValue", WSMAN },
    { ERROR_WSMAN_INVALID_REPRESENTATION, "s:Sender", "x:InvalidRepresentation", "InvalidValues",
      TRANSFER },
    { ERROR_WSMAN_QUOTA_MAX_SHELLS, "s:Sender", "w:QuotaLimit", NULL, WSMAN },
    { ERROR_WSMAN_SCHEMA_VALIDATION_ERROR, "s:Sender", "w:SchemaValidationError", NULL, WSMAN },
    { ERROR_WSMAN_INVALID_XML, "s:Sender", "w:SchemaValidationError", NULL, WSMAN },
    { ERROR_WSMAN_OPERATION_TIMEDOUT, "s:Receiver", "w:TimedOut", NULL, WSMAN },
    { ERROR_WSMAN_UNSUPPORTED_ADDRESSING_MODE, "s:Sender", "w:UnsupportedFeature", "AddressingMode",
      WSMAN },
    { ERROR_WSMAN_MUSTUNDERSTAND_ON_LOCALE_UNSUPPORTED, "s:Sender", "w:UnsupportedFeature",
      "Locale", WSMAN },
    { ERROR_WSMAN_ENUMERATION_MODE_UNSUPPORTED, "s:Sender", "w:UnsupportedFeature",
      "EnumerationMode", WSMAN },
    { ERROR_WSMAN_ENUMERATE_SHELLCOMMANDS_EPRS_NOTSUPPORTED, "s:Sender", "w:UnsupportedFeature",
      "EnumerationMode", WSMAN },
    { ERROR_WSMAN_ENUMERATE_FILTERING_NOT_SUPPORTED, "s:Sender", "n:FilteringNotSupported", NULL,
      ENUM },
    { ERROR_WSMAN_ENUMERATE_CANNOT_PROCESS_FILTER, "s:Sender", "n:CannotProcessFilter", NULL,
      ENUM },
    { ERROR_WSMAN_ENUMERATE_FILTER_DIALECT_REQUESTED_UNAVAILABLE, "s:Sender",
      "n:FilterDialectRequestedUnavailable", NULL, ENUM },
    { ERROR_WSMAN_ENUMERATE_INVALID_ENUMERATION_CONTEXT, "s:Receiver",
      "n:InvalidEnumerationContext", NULL, ENUM },
    /* whatever has no better place */
    { ERROR_WSMAN_ENUMERATE_SHELLCOMAMNDS_FILTER_EXPECTED, "s:Receiver", "w:InternalError", NULL,
      WSMAN },
    { ERROR_WINRS_SHELL_DISCONNECT_NOT_SUPPORTED, "s:Receiver", "w:InternalError", NULL, WSMAN },
    { ERROR_WINRS_SHELL_CLIENTSESSIONID_MISMATCH, "s:Receiver", "w:InternalError", NULL, WSMAN },
    { ERROR_WINRS_SHELL_CONNECTED_TO_DIFFERENT_CLIENT, "s:Receiver", "w:InternalError", NULL,
      WSMAN },
    { ERROR_WINRS_SHELL_RECONNECT_OPERATION_NOT_VALID, "s:Receiver", "w:InternalError", NULL,
      WSMAN },
    { ERROR_WINRS_SHELL_CLIENTID_RESOURCE_CONFLICT, "s:Receiver", "w:InternalError", NULL, WSMAN },
    { ERROR_WSMAN_SERVICE_STREAM_DISCONNECTED, "s:Receiver", "w:InternalError", NULL, WSMAN },
    { ERROR_WINRS_IDLETIMEOUT_OUTOFBOUNDS, "s:Receiver", "w:InternalError", NULL, WSMAN },
    { ERROR_OPERATION_ABORTED, "s:Receiver", "w:InternalError", NULL, WSMAN },
    { ERROR_NOT_SUPPORTED, "s:Receiver", "w:InternalError", NULL, WSMAN },
    { ERROR_WINRS_SHELL_DISCONNECTED, "s:Receiver", "w:InternalError", NULL, WSMAN },
    { ERROR_WSMAN_REMOTESHELLS_NOT_ALLOWED, "s:Receiver", "w:InternalError", NULL, WSMAN },
    { ERROR_WINRS_SHELL_CLIENTID_NOT_VALID, "s:Receiver", "w:InternalError", NULL, WSMAN },
    { 0x80070002U, "s:Receiver", "w:InternalError", NULL, WSMAN },
    { 0xFFFFFFFFU, "s:Receiver", "w:InternalError", NULL, WSMAN },
};

static void expect_text(const struct wsm_buf *buf, const char *before, const char *text,
                        const char *after)
{
    char want[512];

    snprintf(want, sizeof(want), "%s%s%s", before, text, after);
    if (!test_contains(buf, want))
        fail_msg("%s is missing", want);
}

/* Each code has its shape, a text of its own, and is read back as what it was. */
static void test_fault_shapes_each_code_and_reads_it_back(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        struct wsm_error err = WSM_ERROR_INIT;
        struct wsm_buf out = WSM_BUF_INIT;
        struct wsm_envelope env;

        write_fault(&out, shapes[i].code, NULL);
        expect_text(&out, "<a:Action>", shapes[i].action, "</a:Action>");
        expect_text(&out, "<s:Code><s:Value>", shapes[i].soap_code,
                    shapes[i].subcode == NULL ? "</s:Value></s:Code>" : "</s:Value><s:Subcode>");
        if (shapes[i].subcode != NULL)
            expect_text(&out, "<s:Subcode><s:Value>", shapes[i].subcode, "</s:Value></s:Subcode>");
        if (shapes[i].detail != NULL)
            expect_text(&out, "faultDetail/", shapes[i].detail, "</w:FaultDetail>");
        else
            assert_false(test_contains(&out, "FaultDetail"));
        test_read_back(&env, &out, false);
        assert_true(wsm_fault_parse(&env, &err));
        assert_int_equal(err.code, shapes[i].code);
        assert_non_null(err.text);
        wsm_error_clear(&err);
        wsm_envelope_clear(&env);
        wsm_buf_clear(&out);
    }
}

static void test_fault_has_the_word_of_the_time_out_in_that_fault_only(void **state)
{
    static const char *const texts[] = { NULL, "OperationTimeout",
                                         "aOperationTimeoutOperationTimeout<" };
    struct wsm_buf out = WSM_BUF_INIT;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]) * 3; i++) {
        uint32_t code = shapes[i / 3].code;

        wsm_buf_reset(&out);
        write_fault(&out, code, texts[i % 3]);
        assert_int_equal(test_contains(&out, WSM_FAULT_TIMEOUT_WORD),
                         code == ERROR_WSMAN_OPERATION_TIMEDOUT);
    }
    wsm_buf_reset(&out);
    write_fault(&out, ERROR_INVALID_PARAMETER, texts[2]);
    assert_true(test_contains(&out, "<f:Message>aoperation time-outoperation time-out&lt;</"));
    wsm_buf_reset(&out);
    write_fault(&out, ERROR_WSMAN_OPERATION_TIMEDOUT, "nothing came");
    assert_true(test_contains(&out, WSM_FAULT_TIMEOUT_WORD));
    assert_false(test_contains(&out, "nothing came"));
    wsm_buf_clear(&out);
}

/* Ansible looks for this code nowhere else. */
static void test_fault_gives_the_quota_of_operations_in_both_forms(void **state)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_buf out = WSM_BUF_INIT;
    const struct wsm_xml_node *node;
    struct wsm_envelope env;

    (void)state;
    write_fault(&out, ERROR_WSMAN_QUOTA_MAX_SHELLS, NULL);
    assert_false(test_contains(&out, "MSFT_WmiError"));
    wsm_buf_reset(&out);
    write_fault(&out, ERROR_WSMAN_QUOTA_MAX_OPERATIONS, "enough");
    assert_true(test_contains(&out, "Code=\"2150859174\""));
    test_read_back(&env, &out, false);
    node = wsm_xml_child(env.body, WSM_NS_SOAP, "Fault");
    node = wsm_xml_child(node, WSM_NS_SOAP, "Detail");
    node = wsm_xml_child(node, WSM_NS_WMIERROR, "MSFT_WmiError");
    assert_non_null(node);
    test_equal_text(wsm_xml_child_text(node, WSM_NS_WMIERROR, "error_Code"), "2150859174");
    test_equal_text(wsm_xml_child_text(node, WSM_NS_WMIERROR, "Message"), "enough");
    assert_true(wsm_fault_parse(&env, &err));
    assert_int_equal(err.code, ERROR_WSMAN_QUOTA_MAX_OPERATIONS);
    assert_string_equal(err.text, "enough");
    wsm_error_clear(&err);
    wsm_envelope_clear(&env);
    wsm_buf_clear(&out);
}

static void test_fault_needs_no_relates_to_and_no_machine(void **state)
{
    const struct wsm_guid id = { TEST_ID };
    struct wsm_error err = { .code = ERROR_WSMAN_INVALID_XML, .text = NULL };
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_envelope env;

    (void)state;
    wsm_fault_write(&out, &id, wsm_span_of(NULL, 0), &err, NULL);
    assert_false(test_contains(&out, "RelatesTo"));
    assert_true(test_contains(&out, "Machine=\"\""));
    test_read_back(&env, &out, false);
    wsm_envelope_clear(&env);
    wsm_buf_clear(&out);
}

static void test_fault_cuts_a_long_text_between_characters(void **state)
{
    char text[WSM_FAULT_TEXT_MAX + 100];
    struct wsm_error err = WSM_ERROR_INIT;
    size_t start;

    (void)state;
    for (start = 0; start < 4; start++) { /* where two-byte characters begin */
        struct wsm_buf out = WSM_BUF_INIT;
        struct wsm_envelope env;
        size_t i;

        memset(text, 'a', start);
        for (i = start; i + 2 < sizeof(text); i += 2)
            memcpy(text + i, "\xC3\xA9", 3);
        write_fault(&out, ERROR_INVALID_PARAMETER, text);
        test_read_back(&env, &out, false); /* still UTF-8 */
        assert_true(wsm_fault_parse(&env, &err));
        assert_in_range(strlen(err.text), WSM_FAULT_TEXT_MAX - 1, WSM_FAULT_TEXT_MAX);
        assert_memory_equal(err.text, text, strlen(err.text));
        wsm_error_clear(&err);
        wsm_envelope_clear(&env);
        wsm_buf_clear(&out);
    }
}

static bool write_and_read(void *context)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_error fault = WSM_ERROR_INIT;
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_envelope env;
    bool ok;

    (void)context;
    write_fault(&out, ERROR_WSMAN_QUOTA_MAX_OPERATIONS, "a text that is long enough");
    if (!wsm_buf_ok(&out)) {
        wsm_buf_clear(&out);
        return false;
    }
    ok = wsm_envelope_parse(&env, out.ptr, out.len, &err) && wsm_fault_parse(&env, &fault);
    if (ok) {
        assert_int_equal(fault.code, ERROR_WSMAN_QUOTA_MAX_OPERATIONS);
        ok = fault.text != NULL &&
             fault.origin != NULL; /* without memory the code alone survives */
    }
    wsm_envelope_clear(&env);
    wsm_error_clear(&fault);
    wsm_error_clear(&err);
    wsm_buf_clear(&out);
    return ok;
}

static void test_fault_survives_every_failed_allocation(void **state)
{
    (void)state;
    assert_true(failing_alloc_each("fault", write_and_read, NULL) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fault_is_laid_out_as_windows_does),
        cmocka_unit_test(test_fault_shapes_each_code_and_reads_it_back),
        cmocka_unit_test(test_fault_has_the_word_of_the_time_out_in_that_fault_only),
        cmocka_unit_test(test_fault_gives_the_quota_of_operations_in_both_forms),
        cmocka_unit_test(test_fault_needs_no_relates_to_and_no_machine),
        cmocka_unit_test(test_fault_cuts_a_long_text_between_characters),
        cmocka_unit_test(test_fault_survives_every_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
