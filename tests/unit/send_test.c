/* Send: what we write, that we read it back, and that it fits. */
#include "message.h"

#include "proto/send.h"

static struct wsm_stream_data room[WSM_SEND_STREAMS_MAX];

static void test_send_writes_and_reads_a_request(void **state)
{
    struct wsm_request_headers headers = test_request(WSM_ACTION_SEND);
    struct wsm_stream_data msg = { .name = wsm_span_str("stdin"),
                                   .command_id = wsm_span_str(TEST_COMMAND),
                                   .data = wsm_span_of("\0\xFFhello", 7),
                                   .end = true };
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_envelope env;
    size_t count;

    (void)state;
    wsm_send_request_write(&out, &headers, &msg);
    test_equal_text(test_body(&out),
                    "<rsp:Send><rsp:Stream Name=\"stdin\" CommandId=\"" TEST_COMMAND
                    "\" End=\"true\">AP9oZWxsbw==</rsp:Stream></rsp:Send>");
    test_read_back(&env, &out, true);
    assert_true(wsm_send_request_parse(&env, room, &count, &err));
    assert_int_equal(count, 1);
    test_equal(room[0].name, msg.name);
    test_equal(room[0].command_id, msg.command_id);
    test_equal(room[0].data, msg.data);
    assert_true(room[0].end);
    wsm_envelope_clear(&env);
    wsm_buf_clear(&out);
}

static void test_send_reads_back_every_length_of_data(void **state)
{
    struct wsm_request_headers headers = test_request(WSM_ACTION_SEND);
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_envelope env;
    uint8_t data[700];
    size_t len;
    size_t i;
    size_t count;

    (void)state;
    for (i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 31);
    for (len = 0; len <= sizeof(data); len++) { /* short ones through expat, long ones around */
        struct wsm_stream_data msg = { .name = wsm_span_str("stdin"),
                                       .data = wsm_span_of(data, len) };

        wsm_buf_reset(&out);
        wsm_send_request_write(&out, &headers, &msg);
        test_read_back(&env, &out, true);
        assert_true(wsm_send_request_parse(&env, room, &count, &err));
        test_equal(room[0].data, msg.data);
        assert_false(room[0].end);
        wsm_envelope_clear(&env);
    }
    wsm_buf_clear(&out);
}

/* A text of `len` characters. */
static const char *filled(char *text, char with, size_t len)
{
    memset(text, with, len);
    text[len] = '\0';
    return text;
}

static size_t written_len(const struct wsm_request_headers *headers,
                          const struct wsm_stream_data *msg, bool is_utf16)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_buf out = WSM_BUF_INIT;
    size_t len;

    wsm_send_request_write(&out, headers, msg);
    assert_true(wsm_buf_ok(&out));
    if (is_utf16)
        assert_true(wsm_envelope_to_utf16(&out, 0, &err));
    len = out.len;
    wsm_buf_clear(&out);
    return len;
}

/* Everything at its longest: the envelope still fits, and hardly more would. */
static void test_2_7_send_data_max_fits_with_the_longest_headers(void **state)
{
    static const size_t sizes[] = { 16384, 16385, 20000, 32768, 153600, 512000, 4194304 };
    struct wsm_request_headers headers = test_request(WSM_ACTION_SEND);
    char url[WSM_WIRE_URI_MAX + 1];
    char id[WSM_WIRE_ID_MAX + 1];
    char language[WSM_LANGUAGE_MAX + 1];
    char machine[WSM_MACHINE_ID_MAX + 1];
    char name[WSM_STREAM_NAME_MAX + 1];
    size_t i;

    (void)state;
    assert_int_equal(wsm_send_data_max(0, false), 0);
    assert_int_equal(wsm_send_data_max(6000, false), 0);
    assert_int_equal(wsm_send_data_max(12000, true), 0);
    headers.to = headers.resource_uri = filled(url, 'u', WSM_WIRE_URI_MAX);
    headers.shell_id = filled(id, '"', WSM_WIRE_ID_MAX);
    headers.locale = headers.data_locale = filled(language, 'l', WSM_LANGUAGE_MAX);
    headers.machine_id = filled(machine, 'm', WSM_MACHINE_ID_MAX);
    headers.session_id = headers.message_id;
    headers.max_envelope_size = UINT32_MAX;
    headers.operation_timeout_ms = INT64_MAX;
    for (i = 0; i < 2 * sizeof(sizes) / sizeof(sizes[0]); i++) {
        bool is_utf16 = i % 2 != 0;
        size_t size = sizes[i / 2];
        size_t len = wsm_send_data_max(size, is_utf16);
        uint8_t *data = calloc(1, len);
        struct wsm_stream_data msg = { .name = wsm_span_str(filled(name, 'n', WSM_STREAM_NAME_MAX)),
                                       .command_id = wsm_span_str(id),
                                       .data = wsm_span_of(data, len),
                                       .end = true };
        size_t written = written_len(&headers, &msg, is_utf16);

        assert_non_null(data);
        assert_true(len > 0);
        assert_true(written <= size);
        assert_true(size - written < (is_utf16 ? 100 : 50));
        free(data);
    }
}

/* In our namespace only; Receive shares it. */
static void test_stream_offset_is_written_and_read(void **state)
{
    static const struct {
        const char *attributes;
        int has_offset; /* -1 = refused */
        uint64_t offset;
    } cases[] = {
        { "", 0, 0 },
        { " Offset='x'", 0, 0 },
        { " rsp:Offset='x'", 0, 0 },
        { " xmlns:o='urn:winrmd:shell' o:Offset='0'", 1, 0 },
        { " xmlns:q='urn:winrmd:shell' q:Offset=' 18446744073709551615 '", 1, UINT64_MAX },
        { " xmlns:o='urn:winrmd:shell' o:Offset=''", -1, 0 },
        { " xmlns:o='urn:winrmd:shell' o:Offset='-1'", -1, 0 },
        { " xmlns:o='urn:winrmd:shell' o:Offset='18446744073709551616'", -1, 0 },
    };
    struct wsm_stream_data stream = { .name = wsm_span_str("stdout"),
                                      .data = wsm_span_str("x"),
                                      .has_offset = true,
                                      .offset = UINT64_MAX,
                                      .end = true };
    struct wsm_buf out = WSM_BUF_INIT;
    size_t i;

    (void)state;
    wsm_stream_write(&out, &stream);
    test_equal_text(wsm_buf_span(&out),
                    "<rsp:Stream Name=\"stdout\" xmlns:o=\"urn:winrmd:shell\""
                    " o:Offset=\"18446744073709551615\" End=\"true\">eA==</rsp:Stream>");
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct wsm_stream_data got = { .offset = 17 };
        struct wsm_xml_doc doc;

        wsm_buf_reset(&out);
        wsm_buf_printf(&out,
                       "<rsp:Stream xmlns:rsp='" WSM_NS_SHELL "' Name='a'%s>eA==</rsp:Stream>",
                       cases[i].attributes);
        assert_true(wsm_xml_parse(&doc, out.ptr, out.len, NULL));
        assert_int_equal(wsm_stream_parse(doc.root, &got), cases[i].has_offset >= 0);
        assert_int_equal(got.has_offset, cases[i].has_offset > 0);
        assert_true(got.offset == (cases[i].has_offset < 0 ? 17 : cases[i].offset));
        wsm_xml_doc_clear(&doc);
    }
    wsm_buf_clear(&out);
}

static void test_send_writes_a_response(void **state)
{
    struct wsm_response_headers headers = test_response(WSM_ACTION_SEND "Response");
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_envelope env;
    size_t count = 17;

    (void)state;
    wsm_send_response_write(&out, &headers);
    test_equal_text(test_body(&out), "<rsp:SendResponse></rsp:SendResponse>");
    test_read_back(&env, &out, false);
    assert_false(wsm_send_request_parse(&env, room, &count, &err));
    assert_int_equal(err.code, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR);
    assert_int_equal(count, 17);
    wsm_error_clear(&err);
    wsm_envelope_clear(&env);
    wsm_buf_clear(&out);
}

static bool write_and_read(void *context)
{
    static uint8_t data[3000];
    struct wsm_request_headers headers = test_request(WSM_ACTION_SEND);
    struct wsm_stream_data msg = { .name = wsm_span_str("stdin"),
                                   .data = wsm_span_of(data, sizeof(data)) };
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_envelope env;
    size_t count;
    bool ok;

    (void)context;
    wsm_send_request_write(&out, &headers, &msg);
    ok = wsm_buf_ok(&out);
    if (ok) {
        ok = wsm_envelope_parse(&env, out.ptr, out.len, &err) &&
             wsm_send_request_parse(&env, room, &count, &err);
        assert_true(ok || err.code != 0);
        wsm_envelope_clear(&env);
    }
    wsm_error_clear(&err);
    wsm_buf_clear(&out);
    return ok;
}

static void test_send_reports_every_failed_allocation(void **state)
{
    (void)state;
    assert_true(failing_alloc_each("Send", write_and_read, NULL) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_send_writes_and_reads_a_request),
        cmocka_unit_test(test_send_reads_back_every_length_of_data),
        cmocka_unit_test(test_2_7_send_data_max_fits_with_the_longest_headers),
        cmocka_unit_test(test_stream_offset_is_written_and_read),
        cmocka_unit_test(test_send_writes_a_response),
        cmocka_unit_test(test_send_reports_every_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
