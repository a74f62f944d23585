/* Receive: what we write, that we read it back, and that it fits. */
#include "message.h"

#include "proto/receive.h"

static void test_receive_writes_and_reads_a_request(void **state)
{
    struct wsm_request_headers headers = test_request(WSM_ACTION_RECEIVE);
    struct wsm_receive_request msg = { .command_id = wsm_span_str(TEST_COMMAND),
                                       .streams = wsm_span_str("stdout stderr") };
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_receive_request got;
    struct wsm_envelope env;

    (void)state;
    wsm_receive_request_write(&out, &headers, &msg);
    test_equal_text(test_body(&out), "<rsp:Receive><rsp:DesiredStream CommandId=\"" TEST_COMMAND
                                     "\">stdout stderr</rsp:DesiredStream></rsp:Receive>");
    test_read_back(&env, &out, true);
    assert_true(wsm_receive_request_parse(&env, &got, &err));
    test_equal(got.command_id, msg.command_id);
    test_equal(got.streams, msg.streams);
    wsm_envelope_clear(&env);
    wsm_buf_reset(&out);

    msg.command_id = wsm_span_of(NULL, 0);
    wsm_receive_request_write(&out, &headers, &msg);
    test_equal_text(test_body(&out), "<rsp:Receive><rsp:DesiredStream>stdout stderr"
                                     "</rsp:DesiredStream></rsp:Receive>");
    wsm_buf_clear(&out);
}

#define ATTRIBUTES " CommandId=\"" TEST_COMMAND "\""
#define STATE      WSM_NS_SHELL "/CommandState/"

static void test_receive_writes_a_response_as_windows_does(void **state)
{
    struct wsm_response_headers headers = test_response(WSM_ACTION_RECEIVE "Response");
    struct wsm_span id = wsm_span_str(TEST_COMMAND);
    struct wsm_stream_data stream = { .name = wsm_span_str("stderr"),
                                      .command_id = id,
                                      .data = wsm_span_str("warn\n") };
    struct wsm_buf out = WSM_BUF_INIT;

    (void)state;
    wsm_receive_response_begin(&out, &headers);
    wsm_receive_response_stream(&out, &stream);
    stream = (struct wsm_stream_data){ .name = wsm_span_str("stdout"),
                                       .command_id = id,
                                       .end = true };
    wsm_receive_response_stream(&out, &stream);
    wsm_receive_response_state(&out, id, WSM_COMMAND_DONE, UINT32_MAX);
    wsm_receive_response_end(&out);
    test_equal_text(test_body(&out),
                    "<rsp:ReceiveResponse><rsp:Stream Name=\"stderr\"" ATTRIBUTES
                    ">d2Fybgo=</rsp:Stream><rsp:Stream Name=\"stdout\"" ATTRIBUTES
                    " End=\"true\"></rsp:Stream><rsp:CommandState" ATTRIBUTES " State=\"" STATE
                    "Done\"><rsp:ExitCode>4294967295</rsp:ExitCode></rsp:CommandState>"
                    "</rsp:ReceiveResponse>");
    wsm_buf_reset(&out);

    wsm_receive_response_begin(&out, &headers);
    wsm_receive_response_state(&out, id, WSM_COMMAND_RUNNING, 7);
    wsm_receive_response_end(&out);
    test_equal_text(test_body(&out), "<rsp:ReceiveResponse><rsp:CommandState" ATTRIBUTES
                                     " State=\"" STATE "Running\"></rsp:CommandState>"
                                     "</rsp:ReceiveResponse>");
    wsm_buf_clear(&out);
}

/* Cuts `len` bytes into `pieces` streams with names of `name`, ends two, says Done; all
 * with the longest offset. */
static void write_response(struct wsm_buf *out, const struct wsm_response_headers *headers,
                           const char *name, const uint8_t *data, size_t len, size_t pieces)
{
    struct wsm_stream_data stream = { .name = wsm_span_str(name),
                                      .command_id = wsm_span_str(TEST_COMMAND),
                                      .has_offset = true,
                                      .offset = UINT64_MAX };
    size_t i;

    wsm_receive_response_begin(out, headers);
    for (i = 0; i < pieces; i++) { /* all but the last of a length that needs padding */
        size_t left = len - (len < i ? len : i);

        stream.data = wsm_span_of(data, i + 1 < pieces ? (left > 0) : left);
        wsm_receive_response_stream(out, &stream);
    }
    stream.data = wsm_span_of(NULL, 0);
    stream.end = true;
    wsm_receive_response_stream(out, &stream);
    wsm_receive_response_stream(out, &stream);
    wsm_receive_response_state(out, stream.command_id, WSM_COMMAND_DONE, UINT32_MAX);
    wsm_receive_response_end(out);
}

static void expect_fit(size_t max, size_t pieces, const char *name, struct wsm_span relates_to,
                       bool is_usual)
{
    struct wsm_response_headers headers = test_response(WSM_ACTION_RECEIVE "Response");
    size_t len = wsm_receive_data_max(max, pieces);
    struct wsm_buf out = WSM_BUF_INIT;
    uint8_t *data;

    if (len == 0)
        return;
    data = calloc(1, len);
    assert_non_null(data);
    headers.relates_to = relates_to;
    write_response(&out, &headers, name, data, len, pieces);
    assert_true(wsm_buf_ok(&out));
    if (out.len > max || (is_usual && max - out.len >= 3072))
        fail_msg("max %zu, %zu pieces: %zu bytes", max, pieces, out.len);
    wsm_buf_clear(&out);
    free(data);
}

static void test_receive_data_max_fits_and_wastes_little(void **state)
{
    static const size_t sizes[] = { 4096,  5000,  8192,   8193,   8194,   8195,    9001,
                                    16384, 32768, 153600, 153601, 512000, 1048576, 4194304 };
    static const size_t pieces[] = { 1, 2, 3, 7, 30, 64, 500 };
    char name[WSM_STREAM_NAME_MAX + 1];
    char longest[WSM_MESSAGE_ID_MAX];
    char escaped[341]; /* "&quot;" each: 2046 bytes */
    size_t i;
    size_t j;

    (void)state;
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    memset(longest, 'm', sizeof(longest));
    memset(escaped, '"', sizeof(escaped));
    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (j = 0; j < sizeof(pieces) / sizeof(pieces[0]); j++) {
            expect_fit(sizes[i], pieces[j], "stdout", wsm_span_str("uuid:" TEST_ID), j == 0);
            expect_fit(sizes[i], pieces[j], name, wsm_span_of(longest, sizeof(longest)), j == 0);
            expect_fit(sizes[i], pieces[j], name, wsm_span_of(escaped, sizeof(escaped)), false);
        }
    }
    assert_true(wsm_receive_data_max(WSM_ENVELOPE_SIZE_MIN, 8) > 2048);
    assert_int_equal(wsm_receive_data_max(0, 1), 0);
    assert_int_equal(wsm_receive_data_max(3000, 1), 0);
    assert_int_equal(wsm_receive_data_max(8192, 100), 0);
    assert_int_equal(wsm_receive_data_max(8192, SIZE_MAX), 0);
}

static void test_receive_reads_its_own_response(void **state)
{
    static uint8_t data[200000];
    struct wsm_response_headers headers = test_response(WSM_ACTION_RECEIVE "Response");
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_receive_response msg;
    struct wsm_stream_data stream;
    struct wsm_envelope env;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7 + i / 251);
    write_response(&out, &headers, "stdout", data, sizeof(data), 1);
    test_read_back(&env, &out, false);
    assert_true(wsm_receive_response_parse(&env, &msg, &err));
    assert_int_equal(wsm_receive_response_next(&msg, &stream), WSM_PARSE_MORE);
    test_equal_text(stream.name, "stdout");
    test_equal_text(stream.command_id, TEST_COMMAND);
    test_equal(stream.data, wsm_span_of(data, sizeof(data)));
    assert_false(stream.end);
    assert_true(stream.has_offset && stream.offset == UINT64_MAX);
    assert_in_range((uintptr_t)stream.data.ptr, (uintptr_t)out.ptr, (uintptr_t)(out.ptr + out.len));
    assert_int_equal(wsm_receive_response_next(&msg, &stream), WSM_PARSE_MORE);
    assert_true(stream.end);
    assert_int_equal(wsm_receive_response_next(&msg, &stream), WSM_PARSE_MORE);
    assert_int_equal(wsm_receive_response_next(&msg, &stream), WSM_PARSE_DONE);
    assert_int_equal(wsm_receive_response_next(&msg, &stream), WSM_PARSE_DONE);
    assert_true(msg.has_state && msg.state == WSM_COMMAND_DONE);
    assert_true(msg.has_exit_code && msg.exit_code == UINT32_MAX);
    wsm_envelope_clear(&env);
    wsm_buf_clear(&out);
}

static bool write_and_read(void *context)
{
    static uint8_t data[3000];
    struct wsm_response_headers headers = test_response(WSM_ACTION_RECEIVE "Response");
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_receive_response msg;
    struct wsm_stream_data stream;
    struct wsm_envelope env;
    bool ok;

    (void)context;
    write_response(&out, &headers, "stdout", data, sizeof(data), 3);
    ok = wsm_buf_ok(&out);
    if (ok) {
        ok = wsm_envelope_parse(&env, out.ptr, out.len, &err) &&
             wsm_receive_response_parse(&env, &msg, &err);
        assert_true(ok || err.code != 0);
        while (ok && wsm_receive_response_next(&msg, &stream) == WSM_PARSE_MORE)
            ;
        wsm_envelope_clear(&env);
    }
    wsm_error_clear(&err);
    wsm_buf_clear(&out);
    return ok;
}

static void test_receive_reports_every_failed_allocation(void **state)
{
    (void)state;
    assert_true(failing_alloc_each("ReceiveResponse", write_and_read, NULL) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_receive_writes_and_reads_a_request),
        cmocka_unit_test(test_receive_writes_a_response_as_windows_does),
        cmocka_unit_test(test_receive_data_max_fits_and_wastes_little),
        cmocka_unit_test(test_receive_reads_its_own_response),
        cmocka_unit_test(test_receive_reports_every_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
