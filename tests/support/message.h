/* What the tests of the messages share: headers, reading back what was written, and a
 * context for allocation failures. Header only; each test program uses a part of it. */
#ifndef TEST_MESSAGE_H
#define TEST_MESSAGE_H

#include "proto/envelope.h"

#include "failing_alloc.h"

#include "wsmerror.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEST_SHELL   "5D3C1F60-0000-4000-8000-0000000000A1"
#define TEST_COMMAND "5D3C1F60-0000-4000-8000-0000000000C1"
#define TEST_ID      "11111111-2222-4333-8444-555555555501"

static inline struct wsm_request_headers test_request(const char *action)
{
    return (struct wsm_request_headers){
        .to = "http://srv.example:5985/wsman?a=1&b=2",
        .action = action,
        .message_id = "uuid:" TEST_ID,
        .session_id = "uuid:AAAAAAAA-0000-4000-8000-000000000001",
        .resource_uri = WSM_URI_CMD,
        .shell_id = TEST_SHELL,
        .max_envelope_size = 512000,
        .operation_timeout_ms = 60000,
    };
}

static inline struct wsm_response_headers test_response(const char *action)
{
    return (struct wsm_response_headers){ .action = action,
                                          .message_id = { TEST_ID },
                                          .relates_to = wsm_span_str("uuid:<a> & b") };
}

/* Reads back what was written; a request must also pass the server's check. */
static inline void test_read_back(struct wsm_envelope *env, struct wsm_buf *buf, bool is_request)
{
    struct wsm_error err = WSM_ERROR_INIT;

    assert_true(wsm_buf_ok(buf));
    if (!wsm_envelope_parse(env, buf->ptr, buf->len, &err) ||
        (is_request && !wsm_envelope_check_request(env, &err)))
        fail_msg("%s", wsm_error_text(&err));
}

static inline void test_equal(struct wsm_span got, struct wsm_span want)
{
    if (!wsm_span_equal(got, want))
        fail_msg("got \"%.*s\", want \"%.*s\"", (int)got.len, (const char *)got.ptr, (int)want.len,
                 (const char *)want.ptr);
}

static inline void test_equal_text(struct wsm_span got, const char *want)
{
    test_equal(got, wsm_span_str(want));
}

static inline bool test_contains(const struct wsm_buf *buf, const char *text)
{
    return memmem(buf->ptr, buf->len, text, strlen(text)) != NULL;
}

/* The bytes between <s:Body> and </s:Body>. */
static inline struct wsm_span test_body(const struct wsm_buf *buf)
{
    const uint8_t *start = memmem(buf->ptr, buf->len, "<s:Body>", 8);
    const uint8_t *end = memmem(buf->ptr, buf->len, "</s:Body></s:Envelope>", 22);

    assert_non_null(start);
    assert_non_null(end);
    assert_ptr_equal(end + 22, buf->ptr + buf->len);
    return wsm_span_of(start + 8, (size_t)(end - start) - 8);
}

#endif
