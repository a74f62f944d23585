/* What only our client and our service say: announcement, mark, take-over, offsets. */
#include "message.h"

#include "proto/extension.h"
#include "proto/send.h"

/* An envelope of ours with one option; NULL: without. */
static void with_option(struct wsm_envelope *env, struct wsm_buf *out, const char *name,
                        const char *value)
{
    struct wsm_request_headers headers = test_request(WSM_ACTION_CONNECT);
    struct wsm_option option = { .name = wsm_span_str(name), .value = wsm_span_str(value) };

    headers.options = &option;
    headers.option_count = value != NULL;
    wsm_buf_reset(out);
    wsm_request_begin(out, &headers);
    wsm_request_end(out);
    test_read_back(env, out, true);
}

static void test_extension_reads_who_is_announced(void **state)
{
    static const struct {
        const char *value;
        uint32_t version;
    } cases[] = {
        { "1", 1 },
        { " 1\n", 1 },
        { "01", 1 },
        { "2", 1 },
        { "18446744073709551615", 1 },
        { "0", 0 },
        { "", 0 },
        { "-1", 0 },
        { "+1", 0 },
        { "1.0", 0 },
        { "x", 0 },
        { NULL, 0 },
        { "1 1", 0 },
        { "18446744073709551616", 0 },
    };
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_envelope env;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        with_option(&env, &out, "winrmd_client", cases[i].value);
        if (wsm_extension_announced(&env) != cases[i].version)
            fail_msg("%s", cases[i].value == NULL ? "none" : cases[i].value);
        wsm_envelope_clear(&env);
    }
    with_option(&env, &out, "WINRMD_CLIENTS", "1");
    assert_int_equal(wsm_extension_announced(&env), 0);
    wsm_envelope_clear(&env);
    wsm_buf_clear(&out);
}

static void test_extension_takes_over_only_if_told(void **state)
{
    static const struct {
        const char *value;
        int want; /* -1 = refused */
    } cases[] = {
        { NULL, 0 },    { "true", 1 }, { "TRUE", 1 }, { "1", 1 },    { " true ", 1 },
        { "false", 0 }, { "0", 0 },    { "", -1 },    { "yes", -1 }, { "2", -1 },
    };
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_envelope env;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct wsm_error err = WSM_ERROR_INIT;
        bool takes_over = cases[i].want != 1;

        with_option(&env, &out, WSM_OPTION_TAKEOVER, cases[i].value);
        assert_int_equal(wsm_extension_takeover(&env, &takes_over, &err), cases[i].want >= 0);
        if (cases[i].want >= 0)
            assert_int_equal(takes_over, cases[i].want);
        else
            assert_true(takes_over); /* untouched on failure */
        assert_int_equal(err.code, cases[i].want >= 0 ? 0 : ERROR_WSMAN_INVALID_OPTIONS);
        wsm_error_clear(&err);
        wsm_envelope_clear(&env);
    }
    wsm_buf_clear(&out);
}

static uint32_t find_in(const char *text)
{
    struct wsm_xml_doc doc;
    struct wsm_error err = WSM_ERROR_INIT;
    char *bytes = strdup(text);
    uint32_t version;

    assert_non_null(bytes);
    if (!wsm_xml_parse(&doc, (uint8_t *)bytes, strlen(bytes), &err))
        fail_msg("%s", wsm_error_text(&err));
    version = wsm_extension_mark_find(doc.root);
    wsm_xml_doc_clear(&doc);
    free(bytes);
    return version;
}

static void test_extension_finds_the_mark(void **state)
{
    struct wsm_buf out = WSM_BUF_INIT;

    (void)state;
    wsm_extension_mark_write(&out);
    test_equal_text(wsm_buf_span(&out), "<Extensions xmlns=\"urn:winrmd:shell\" Version=\"1\"/>");
    wsm_buf_clear(&out);
    assert_int_equal(find_in("<a><Extensions xmlns=\"urn:winrmd:shell\" Version=\"1\"/></a>"), 1);
    assert_int_equal(
        find_in("<a xmlns:q='urn:winrmd:shell'><b/><q:Extensions Version=' 7 '/>x</a>"), 7);
    assert_int_equal(wsm_extension_mark_find(NULL), 0);
    assert_int_equal(find_in("<a/>"), 0);
    assert_int_equal(find_in("<a><Extensions Version=\"1\"/></a>"), 0);
    assert_int_equal(find_in("<a><Extensions xmlns=\"urn:winrmd:shell\"/></a>"), 0);
    assert_int_equal(find_in("<a><Extensions xmlns=\"urn:winrmd:shell\" Version=\"\"/></a>"), 0);
    assert_int_equal(find_in("<a><Extensions xmlns=\"urn:winrmd:shell\" Version=\"x\"/></a>"), 0);
    assert_int_equal(
        find_in("<a><Extensions xmlns=\"urn:winrmd:shell\" Version=\"4294967296\"/></a>"), 0);
    assert_int_equal(
        find_in("<a><b><Extensions xmlns=\"urn:winrmd:shell\" Version=\"1\"/></b></a>"), 0);
    assert_int_equal(find_in("<Extensions xmlns=\"urn:winrmd:shell\" Version=\"1\"/>"), 0);
}

static void test_from_reads_what_it_writes(void **state)
{
    static const struct wsm_from want[] = {
        { .stream = { (const uint8_t *)"stdout", 6 }, .confirmed = 0, .start = UINT64_MAX },
        { .stream = { (const uint8_t *)"stderr", 6 }, .confirmed = 17, .start = 17 },
    };
    struct wsm_from got[WSM_FROM_STREAMS_MAX];
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_buf out = WSM_BUF_INIT;
    size_t count = 0;
    size_t i;

    (void)state;
    wsm_from_write(&out, want, 2);
    test_equal_text(wsm_buf_span(&out), "stdout=0:18446744073709551615 stderr=17:17");
    assert_true(wsm_from_parse(wsm_buf_span(&out), got, &count, &err));
    assert_int_equal(count, 2);
    for (i = 0; i < count; i++) {
        test_equal(got[i].stream, want[i].stream);
        assert_true(got[i].confirmed == want[i].confirmed && got[i].start == want[i].start);
    }
    wsm_buf_clear(&out);
    assert_true(wsm_from_parse(wsm_span_str(" \t a=1:2\r\n\n b=3:4 "), got, &count, &err));
    assert_int_equal(count, 2);
    test_equal_text(got[1].stream, "b");
    assert_int_equal(got[1].start, 4);
    assert_true(wsm_from_parse(wsm_span_str("a=1:2 b=0:0 c=0:0 d=0:0 e=0:0 f=0:0 g=0:0 h=0:0"), got,
                               &count, &err));
    assert_int_equal(count, WSM_FROM_STREAMS_MAX);
}

static void test_from_refuses_everything_else(void **state)
{
    static const char *const bad[] = {
        "",
        " \n",
        "stdout",
        "stdout=",
        "stdout=1",
        "stdout=1:",
        "stdout=:1",
        "=1:1",
        "stdout=2:1",
        "stdout=-1:1",
        "stdout=+1:1",
        "stdout=1:1:1",
        "stdout==1:1",
        "stdout=1:0x2",
        "stdout=1 :2",
        "stdout=1: 2",
        "stdout= 1:2",
        "stdout =1:2",
        "stdout=1:18446744073709551616",
        "stdout=1:99999999999999999999999999999999999999999",
        "stdout=1:2,stderr=1:2",
        "stdout=1:2 stderr",
        "stdout=1:2 stdout=1:2",
        "a=0:0 b=0:0 a=1:1",
        "a=0:0 b=0:0 c=0:0 d=0:0 e=0:0 f=0:0 g=0:0 h=0:0 i=0:0",
        "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn=0:0", /* WSM_STREAM_NAME_MAX + 1 */
    };
    struct wsm_from got[WSM_FROM_STREAMS_MAX + 1] = { { .start = 99 } };
    size_t none = 97;
    size_t i;

    (void)state;
    got[WSM_FROM_STREAMS_MAX].start = 98;
    assert_false(wsm_from_parse(wsm_span_of(NULL, 0), got, &none, NULL));
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct wsm_error err = WSM_ERROR_INIT;
        size_t count = 97;

        if (wsm_from_parse(wsm_span_str(bad[i]), got, &count, &err))
            fail_msg("%s", bad[i]);
        assert_int_equal(err.code, ERROR_WSMAN_INVALID_OPTIONS);
        assert_non_null(err.text);
        assert_int_equal(count, 97); /* outputs untouched */
        assert_int_equal(got[0].start, 99);
        assert_int_equal(got[WSM_FROM_STREAMS_MAX].start, 98);
        wsm_error_clear(&err);
    }
}

static void test_delivered_reads_what_it_writes(void **state)
{
    struct wsm_delivered want[] = {
        { .command = wsm_span_str("C1"), .stream = wsm_span_str("stdout"), .offset = UINT64_MAX },
        { .command = wsm_span_str("C1"), .stream = wsm_span_str("stderr"), .offset = 0 },
        { .command = wsm_span_str("C2"), .stream = wsm_span_str("stdout"), .offset = 7 },
    };
    struct wsm_delivered got[WSM_DELIVERED_MAX];
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_buf out = WSM_BUF_INIT;
    size_t count = 0;
    size_t i;

    (void)state;
    wsm_delivered_write(&out, want, 3);
    test_equal_text(wsm_buf_span(&out), "C1/stdout=18446744073709551615 C1/stderr=0 C2/stdout=7");
    assert_true(wsm_delivered_parse(wsm_buf_span(&out), got, &count, &err));
    assert_int_equal(count, 3);
    for (i = 0; i < count; i++) {
        test_equal(got[i].command, want[i].command);
        test_equal(got[i].stream, want[i].stream);
        assert_true(got[i].offset == want[i].offset);
    }
    wsm_buf_reset(&out);
    for (i = 0; i < WSM_DELIVERED_MAX; i++)
        wsm_buf_printf(&out, "%zu/s=1\n\t", i);
    assert_true(wsm_delivered_parse(wsm_buf_span(&out), got, &count, &err));
    assert_int_equal(count, WSM_DELIVERED_MAX);
    wsm_buf_printf(&out, "x/s=1");
    assert_false(wsm_delivered_parse(wsm_buf_span(&out), got, &count, &err));
    assert_int_equal(err.code, ERROR_WSMAN_INVALID_OPTIONS);
    wsm_error_clear(&err);
    wsm_buf_clear(&out);
}

static void test_delivered_refuses_everything_else(void **state)
{
    static const char *const bad[] = {
        "",
        " \n",
        "C",
        "C/",
        "C/stdout",
        "C/stdout=",
        "C=1",
        "C=1/stdout",
        "/stdout=1",
        "C/=1",
        "C/stdout=-1",
        "C/stdout=1:1",
        "C/stdout=0x1",
        "C/stdout=18446744073709551616",
        "C/a/stdout=1 C/stdout",
        "C/stdout=1,C/stderr=1",
        "C/stdout =1",
        "C/stdout=1 C/stdout=1",
        "C/stdout=1 D/stdout=1 C/stderr=1 C/stdout=2",
        "C/nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn=0", /* WSM_STREAM_NAME_MAX + 1 */
        "01234567890123456789012345678901234567890123456789012345678901234/s=0", /* 65 */
    };
    struct wsm_delivered got[WSM_DELIVERED_MAX];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct wsm_error err = WSM_ERROR_INIT;
        size_t count = 97;

        if (wsm_delivered_parse(wsm_span_str(bad[i]), got, &count, &err))
            fail_msg("%s", bad[i]);
        assert_int_equal(err.code, ERROR_WSMAN_INVALID_OPTIONS);
        assert_non_null(err.text);
        assert_int_equal(count, 97); /* outputs untouched */
        wsm_error_clear(&err);
    }
}

/* Each prefix of a value is a shorter value or refused, and nothing behind it is read. */
static void test_from_reads_every_prefix_within_its_bounds(void **state)
{
    static const char whole[] = "stdout=10:200 stderr=7:7";
    struct wsm_from got[WSM_FROM_STREAMS_MAX];
    size_t len;
    size_t good = 0;

    (void)state;
    for (len = 0; len < sizeof(whole); len++) {
        char *copy = malloc(len + (len == 0));
        size_t count = 0;

        assert_non_null(copy);
        memcpy(copy, whole, len);
        if (wsm_from_parse(wsm_span_of(copy, len), got, &count, NULL)) {
            good++;
            assert_int_equal(count, len == sizeof(whole) - 1 ? 2 : 1);
        }
        free(copy);
    }
    /* "10:20", "10:200", the blank behind it, and the whole */
    assert_int_equal(good, 4);
}

static bool write_and_read(void *context)
{
    static const struct wsm_from entry = { .stream = { (const uint8_t *)"stdout", 6 },
                                           .confirmed = 1,
                                           .start = 2 };
    struct wsm_from got[WSM_FROM_STREAMS_MAX];
    struct wsm_buf mark = WSM_BUF_INIT;
    struct wsm_buf out = WSM_BUF_INIT;
    size_t count;
    bool ok;

    (void)context;
    wsm_extension_mark_write(&mark);
    wsm_from_write(&out, &entry, 1);
    ok = wsm_buf_ok(&mark) && wsm_buf_ok(&out) &&
         wsm_from_parse(wsm_buf_span(&out), got, &count, NULL);
    wsm_buf_clear(&mark);
    wsm_buf_clear(&out);
    return ok;
}

static void test_extension_reports_every_failed_allocation(void **state)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_from got[WSM_FROM_STREAMS_MAX];
    size_t count;

    (void)state;
    failing_alloc_set(1); /* what is refused needs no memory */
    assert_false(wsm_from_parse(wsm_span_str("x"), got, &count, &err));
    assert_int_equal(err.code, ERROR_WSMAN_INVALID_OPTIONS);
    failing_alloc_set(0);
    wsm_error_clear(&err);
    assert_true(failing_alloc_each("WINRMD_FROM", write_and_read, NULL) > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_extension_reads_who_is_announced),
        cmocka_unit_test(test_extension_takes_over_only_if_told),
        cmocka_unit_test(test_extension_finds_the_mark),
        cmocka_unit_test(test_from_reads_what_it_writes),
        cmocka_unit_test(test_from_refuses_everything_else),
        cmocka_unit_test(test_delivered_reads_what_it_writes),
        cmocka_unit_test(test_delivered_refuses_everything_else),
        cmocka_unit_test(test_from_reads_every_prefix_within_its_bounds),
        cmocka_unit_test(test_extension_reports_every_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
