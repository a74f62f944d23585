/* Frames and payloads: every message of both protocols, whole and damaged. */
#include "ipc/frame.h"

#include "all_messages.h"
#include "guarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { TYPES = sizeof(all_types) / sizeof(all_types[0]), STRUCT_MAX = 512 };

/* Any message's struct. */
union message {
    uint8_t bytes[STRUCT_MAX];
    uint64_t alignment;
};

static const char *const span_texts[] = { "", "x", "some text", "another\0with NUL" };

static size_t width_of(enum wsm_field_kind kind)
{
    switch (kind) {
    case WSM_FIELD_U8:
        return 1;
    case WSM_FIELD_U32:
        return 4;
    case WSM_FIELD_TOKEN:
        return WSM_TOKEN_LEN;
    case WSM_FIELD_SPAN:
        return sizeof(struct wsm_span);
    default:
        return 8;
    }
}

/* Fills every field with something of its own. */
static void fill(const struct wsm_message_type *type, union message *message)
{
    memset(message, 0, sizeof(*message));
    for (size_t i = 0; i < type->field_count; i++) {
        uint8_t *field = message->bytes + type->fields[i].offset;
        size_t width = width_of(type->fields[i].kind);

        assert_true(type->fields[i].offset + width <= STRUCT_MAX);
        if (type->fields[i].kind == WSM_FIELD_SPAN) {
            const char *text = span_texts[i % 4];
            struct wsm_span span = wsm_span_of(text, i % 4 == 3 ? 16 : strlen(text));

            memcpy(field, &span, sizeof(span));
        } else {
            for (size_t j = 0; j < width; j++)
                field[j] = (uint8_t)(0x80 + i * 16 + j);
        }
    }
}

static void assert_same(const struct wsm_message_type *type, const union message *a,
                        const union message *b)
{
    for (size_t i = 0; i < type->field_count; i++) {
        size_t offset = type->fields[i].offset;
        struct wsm_span left;
        struct wsm_span right;

        if (type->fields[i].kind != WSM_FIELD_SPAN) {
            assert_memory_equal(a->bytes + offset, b->bytes + offset,
                                width_of(type->fields[i].kind));
            continue;
        }
        memcpy(&left, a->bytes + offset, sizeof(left));
        memcpy(&right, b->bytes + offset, sizeof(right));
        assert_true(wsm_span_equal(left, right));
    }
}

static void test_message_reads_back_what_it_wrote(void **state)
{
    (void)state;
    for (size_t i = 0; i < TYPES; i++) {
        struct wsm_buf payload = WSM_BUF_INIT;
        union message in;
        union message out;

        fill(all_types[i], &in);
        wsm_message_write(&payload, all_types[i], &in);
        assert_true(wsm_buf_ok(&payload));
        assert_true(wsm_message_parse(all_types[i], wsm_buf_span(&payload), &out));
        assert_same(all_types[i], &in, &out);
        wsm_buf_clear(&payload);
    }
}

static void test_message_refuses_every_truncation_and_more(void **state)
{
    struct guarded guarded;

    (void)state;
    guarded_init(&guarded, 4096);
    for (size_t i = 0; i < TYPES; i++) {
        struct wsm_buf payload = WSM_BUF_INIT;
        union message message;

        fill(all_types[i], &message);
        wsm_message_write(&payload, all_types[i], &message);
        for (size_t len = 0; len < payload.len; len++)
            assert_false(wsm_message_parse(
                all_types[i], wsm_span_of(guarded_copy(&guarded, payload.ptr, len), len),
                &message));
        wsm_buf_append_byte(&payload, 0);
        assert_false(wsm_message_parse(all_types[i], wsm_buf_span(&payload), &message));
        wsm_buf_clear(&payload);
    }
    guarded_clear(&guarded);
}

static void test_message_refuses_a_span_longer_than_the_payload(void **state)
{
    static const uint8_t lengths[][4] = { { 1, 0, 0, 0 },
                                          { 0xff, 0xff, 0xff, 0xff },
                                          { 0, 0, 0, 0x80 } };
    struct wsm_control_settings message;

    (void)state;
    for (size_t i = 0; i < 3; i++)
        assert_false(
            wsm_message_parse(&wsm_control_settings_type, wsm_span_of(lengths[i], 4), &message));
}

static void test_message_write_refuses_a_span_beyond_the_limit(void **state)
{
    static uint8_t bytes[WSM_MESSAGE_MAX + 1];
    const struct wsm_control_settings message = { .values = wsm_span_of(bytes, sizeof(bytes)) };
    struct wsm_buf payload = WSM_BUF_INIT;

    (void)state;
    wsm_message_write(&payload, &wsm_control_settings_type, &message);
    assert_false(wsm_buf_ok(&payload));
    wsm_buf_clear(&payload);
}

static void test_message_is_little_endian_on_the_wire(void **state)
{
    static const uint8_t expected[] = { 8,    7,    6,    5, 4, 3, 2, 1,   0x0d,
                                        0x0c, 0x0b, 0x0a, 2, 0, 0, 0, 'h', 'i' };
    const struct wsm_host_failed message = { .request = 0x0102030405060708,
                                             .code = 0x0a0b0c0d,
                                             .text = wsm_span_str("hi") };
    struct wsm_buf payload = WSM_BUF_INIT;

    (void)state;
    wsm_message_write(&payload, &wsm_host_failed_type, &message);
    assert_int_equal(payload.len, sizeof(expected));
    assert_memory_equal(payload.ptr, expected, sizeof(expected));
    wsm_buf_clear(&payload);
}

static void test_message_numbers_and_names_are_unique(void **state)
{
    (void)state;
    for (size_t i = 0; i < TYPES; i++) {
        assert_non_null(all_types[i]->name);
        assert_true(all_types[i]->type != 0 && all_types[i]->field_count > 0);
        for (size_t j = 0; j < i; j++) {
            bool same_family = (i < 17) == (j < 17);

            assert_false(same_family && all_types[i]->type == all_types[j]->type);
        }
    }
    assert_true(wsm_control_check_password_type.is_secret);
}

static void test_frame_is_parsed(void **state)
{
    uint8_t packet[WSM_FRAME_HEADER + 3] = { 0 };
    struct wsm_frame frame;

    (void)state;
    wsm_frame_header_write(packet, 0x1234, WSM_FRAME_FLAG_MORE, 3);
    assert_int_equal(wsm_frame_parse(wsm_span_of(packet, sizeof(packet)), &frame), WSM_PARSE_DONE);
    assert_int_equal(frame.type, 0x1234);
    assert_int_equal(frame.flags, WSM_FRAME_FLAG_MORE);
    assert_ptr_equal(frame.payload.ptr, packet + WSM_FRAME_HEADER);
    assert_int_equal(frame.payload.len, 3);
    wsm_frame_header_write(packet, 1, 0, 0);
    assert_int_equal(wsm_frame_parse(wsm_span_of(packet, WSM_FRAME_HEADER), &frame),
                     WSM_PARSE_DONE);
}

static void test_frame_refuses_what_is_none(void **state)
{
    static uint8_t packet[WSM_FRAME_MAX + 1];
    struct wsm_frame frame;
    struct guarded guarded;

    (void)state;
    guarded_init(&guarded, 64);
    wsm_frame_header_write(packet, 1, 0, 3);
    for (size_t len = 0; len < WSM_FRAME_HEADER + 5; len++) {
        enum wsm_parse expected = len == WSM_FRAME_HEADER + 3 ? WSM_PARSE_DONE : WSM_PARSE_BAD;

        assert_int_equal(
            wsm_frame_parse(wsm_span_of(guarded_copy(&guarded, packet, len), len), &frame),
            expected);
    }
    wsm_frame_header_write(packet, 1, 4, 0); /* a flag that nobody knows */
    assert_int_equal(wsm_frame_parse(wsm_span_of(packet, WSM_FRAME_HEADER), &frame), WSM_PARSE_BAD);
    wsm_frame_header_write(packet, 0, 0, 0);
    assert_int_equal(wsm_frame_parse(wsm_span_of(packet, WSM_FRAME_HEADER), &frame), WSM_PARSE_BAD);
    wsm_frame_header_write(packet, 1, 0, sizeof(packet) - WSM_FRAME_HEADER);
    assert_int_equal(wsm_frame_parse(wsm_span_of(packet, sizeof(packet)), &frame), WSM_PARSE_BAD);
    guarded_clear(&guarded);
}

static void test_strings_come_back_one_by_one(void **state)
{
    struct wsm_buf list = WSM_BUF_INIT;
    struct wsm_span rest;
    const char *text = NULL;

    (void)state;
    wsm_strings_add(&list, wsm_span_str("one"));
    wsm_strings_add(&list, wsm_span_str(""));
    wsm_strings_add(&list, wsm_span_str("three"));
    rest = wsm_buf_span(&list);
    assert_true(wsm_strings_are_valid(rest));
    assert_true(wsm_strings_next(&rest, &text));
    assert_string_equal(text, "one");
    assert_true(wsm_strings_next(&rest, &text));
    assert_string_equal(text, "");
    assert_true(wsm_strings_next(&rest, &text));
    assert_string_equal(text, "three");
    assert_false(wsm_strings_next(&rest, &text));
    assert_true(wsm_strings_are_valid(wsm_span_of(NULL, 0)));
    wsm_buf_clear(&list);
}

static void test_strings_without_their_end_are_refused(void **state)
{
    struct wsm_span list = wsm_span_of("a\0b", 3);
    const char *text = NULL;

    (void)state;
    assert_false(wsm_strings_are_valid(list));
    assert_true(wsm_strings_next(&list, &text));
    assert_false(wsm_strings_next(&list, &text));
    assert_string_equal(text, "a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message_reads_back_what_it_wrote),
        cmocka_unit_test(test_message_refuses_every_truncation_and_more),
        cmocka_unit_test(test_message_refuses_a_span_longer_than_the_payload),
        cmocka_unit_test(test_message_write_refuses_a_span_beyond_the_limit),
        cmocka_unit_test(test_message_is_little_endian_on_the_wire),
        cmocka_unit_test(test_message_numbers_and_names_are_unique),
        cmocka_unit_test(test_frame_is_parsed),
        cmocka_unit_test(test_frame_refuses_what_is_none),
        cmocka_unit_test(test_strings_come_back_one_by_one),
        cmocka_unit_test(test_strings_without_their_end_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
