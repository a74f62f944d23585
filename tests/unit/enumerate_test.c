/* Get, Enumerate, Pull, Release: what we write, what we read, and that answers fit. */
#include "message.h"

#include "proto/enumerate.h"

#define N        " xmlns:n=\"" WSM_NS_ENUM "\""
#define FILTER   "<w:Filter Dialect=\"" WSM_DIALECT_SELECTOR "\"><w:SelectorSet>"
#define UNFILTER "</w:SelectorSet></w:Filter>"

static void read_body(struct wsm_envelope *env, struct wsm_buf *out, const char *shell_id,
                      const char *body)
{
    struct wsm_request_headers headers = test_request(WSM_ACTION_ENUMERATE);

    headers.shell_id = shell_id;
    wsm_buf_reset(out);
    wsm_request_begin(out, &headers);
    wsm_buf_append_str(out, body);
    wsm_request_end(out);
    test_read_back(env, out, true);
}

static struct wsm_shell_item full_shell(void)
{
    return (struct wsm_shell_item){
        .shell_id = wsm_span_str(TEST_SHELL),
        .name = wsm_span_str("a name"),
        .resource_uri = wsm_span_str(WSM_URI_CMD),
        .owner = wsm_span_str("alice"),
        .client_ip = wsm_span_str("192.0.2.7"),
        .working_directory = wsm_span_str("/"),
        .idle_timeout_ms = 7200000,
        .input_streams = wsm_span_str("stdin"),
        .output_streams = wsm_span_str("stdout stderr"),
        .max_idle_timeout_ms = 2147483647,
        .buffer_mode = wsm_span_str("Block"),
        .state = wsm_span_str("Connected"),
        .memory_kib = 2048,
        .child_processes = 1,
        .session_id = wsm_span_str("uuid:s"),
        .is_marked = true,
    };
}

static void test_get_has_an_empty_body_and_one_shell_as_answer(void **state)
{
    struct wsm_request_headers headers = test_request(WSM_ACTION_GET);
    struct wsm_response_headers answer = test_response(WSM_ACTION_GET "Response");
    struct wsm_shell_item item = full_shell();
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_shell_item got = { .memory_kib = 17 };
    struct wsm_envelope env;

    (void)state;
    wsm_get_request_write(&out, &headers);
    assert_int_equal(test_body(&out).len, 0);
    test_read_back(&env, &out, true);
    assert_false(wsm_get_response_parse(&env, &got, &err));
    assert_int_equal(err.code, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR);
    assert_int_equal(got.memory_kib, 17);
    wsm_error_clear(&err);
    wsm_envelope_clear(&env);
    read_body(&env, &out, TEST_SHELL, "<rsp:Command/>");
    assert_false(wsm_get_response_parse(&env, &got, NULL));
    wsm_envelope_clear(&env);

    wsm_buf_reset(&out);
    wsm_get_response_write(&out, &answer, &item);
    assert_true(test_contains(&out, "<s:Body><rsp:Shell xmlns:rsp="));
    test_read_back(&env, &out, false);
    assert_true(wsm_get_response_parse(&env, &got, NULL));
    test_equal_text(got.shell_id, TEST_SHELL);
    test_equal_text(got.session_id, "uuid:s");
    assert_int_equal(got.memory_kib, 2048);
    assert_true(got.is_marked);
    wsm_envelope_clear(&env);
    wsm_buf_clear(&out);
}

static void test_enumerate_reads_its_own_request(void **state)
{
    const struct {
        struct wsm_enumerate_request msg;
        const char *body;
    } cases[] = {
        { { .max_elements = 0 }, "<n:Enumerate" N "></n:Enumerate>" },
        { { .is_optimized = true, .max_elements = 32000 },
          "<n:Enumerate" N "><w:OptimizeEnumeration/><w:MaxElements>32000</w:MaxElements>"
          "</n:Enumerate>" },
        { { .is_optimized = true,
            .has_filter = true,
            .dialect = wsm_span_str(WSM_DIALECT_SELECTOR),
            .shell_id = wsm_span_str("a&b") },
          "<n:Enumerate" N "><w:OptimizeEnumeration/>" FILTER
          "<w:Selector Name=\"ShellId\">a&amp;b</w:Selector>" UNFILTER "</n:Enumerate>" },
        { { .max_elements = UINT32_MAX, .wants_epr = true },
          "<n:Enumerate" N "><w:MaxElements>4294967295</w:MaxElements>"
          "<w:EnumerationMode>EnumerateEPR</w:EnumerationMode></n:Enumerate>" },
    };
    struct wsm_request_headers headers = test_request(WSM_ACTION_ENUMERATE);
    struct wsm_buf out = WSM_BUF_INIT;
    size_t i;

    (void)state;
    headers.shell_id = NULL;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct wsm_enumerate_request got;
        struct wsm_envelope env;

        wsm_buf_reset(&out);
        wsm_enumerate_request_write(&out, &headers, &cases[i].msg);
        test_equal_text(test_body(&out), cases[i].body);
        test_read_back(&env, &out, true);
        assert_true(wsm_enumerate_request_parse(&env, &got, NULL));
        assert_int_equal(got.is_optimized, cases[i].msg.is_optimized);
        assert_int_equal(got.max_elements, cases[i].msg.max_elements);
        assert_int_equal(got.wants_epr, cases[i].msg.wants_epr);
        assert_int_equal(got.has_filter, cases[i].msg.has_filter);
        test_equal(got.dialect, cases[i].msg.dialect);
        test_equal(got.shell_id, cases[i].msg.shell_id);
        wsm_envelope_clear(&env);
    }
    wsm_buf_clear(&out);
}

static void test_enumerate_finds_the_shell_in_filter_or_header(void **state)
{
    static const struct {
        const char *header; /* selector there; NULL = none */
        const char *filter;
        const char *shell_id;
        const char *dialect;
    } cases[] = {
        { NULL, "", "", "" },
        { "H", "", "H", "" },
        { "H", FILTER "<w:Selector Name=\" shellid \"> F </w:Selector>" UNFILTER, "F",
          WSM_DIALECT_SELECTOR },
        { "H", FILTER "<w:Selector>X</w:Selector><w:Selector Name=\"B\">Y</w:Selector>" UNFILTER,
          "H", WSM_DIALECT_SELECTOR },
        { NULL, FILTER UNFILTER, "", WSM_DIALECT_SELECTOR },
        { NULL, "<w:Filter Dialect=\"" WSM_DIALECT_SELECTOR "\"/>", "", WSM_DIALECT_SELECTOR },
        { NULL, "<n:Filter Dialect=\"" WSM_DIALECT_SELECTOR "\"/>", "", WSM_DIALECT_SELECTOR },
        { NULL, "<w:Filter>//*</w:Filter>", "", "" },
        { "H",
          "<w:Filter Dialect=\" urn:other \"><w:SelectorSet><w:Selector Name=\"ShellId\">F"
          "</w:Selector></w:SelectorSet></w:Filter>",
          "H", "urn:other" },
    };
    struct wsm_buf out = WSM_BUF_INIT;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct wsm_enumerate_request got;
        struct wsm_envelope env;
        char body[1024];

        snprintf(body, sizeof(body), "<n:Enumerate" N ">%s</n:Enumerate>", cases[i].filter);
        read_body(&env, &out, cases[i].header, body);
        assert_true(wsm_enumerate_request_parse(&env, &got, NULL));
        assert_int_equal(got.has_filter, cases[i].filter[0] != '\0');
        test_equal_text(got.shell_id, cases[i].shell_id);
        test_equal_text(got.dialect, cases[i].dialect);
        wsm_envelope_clear(&env);
    }
    wsm_buf_clear(&out);
}

static void test_enumerate_reads_modes_and_counts(void **state)
{
    static const struct {
        const char *inside;
        uint32_t max_elements;
        bool wants_epr;
    } cases[] = {
        { "<w:EnumerationMode> EnumerateObject </w:EnumerationMode>", 0, false },
        { "<w:EnumerationMode>EnumerateEPR</w:EnumerationMode>", 0, true },
        { "<w:EnumerationMode>EnumerateObjectAndEPR</w:EnumerationMode>", 0, true },
        { "<w:MaxElements> 1\n</w:MaxElements>", 1, false },
        { "<w:MaxElements>4294967296</w:MaxElements>", UINT32_MAX, false },
        { "<n:MaxElements>x</n:MaxElements><n:Expires>PT1M</n:Expires>", 0, false }, /* not ours */
    };
    struct wsm_buf out = WSM_BUF_INIT;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct wsm_enumerate_request got;
        struct wsm_envelope env;
        char body[512];

        snprintf(body, sizeof(body), "<n:Enumerate" N ">%s</n:Enumerate>", cases[i].inside);
        read_body(&env, &out, NULL, body);
        assert_true(wsm_enumerate_request_parse(&env, &got, NULL));
        assert_int_equal(got.max_elements, cases[i].max_elements);
        assert_int_equal(got.wants_epr, cases[i].wants_epr);
        assert_false(got.is_optimized);
        wsm_envelope_clear(&env);
    }
    wsm_buf_clear(&out);
}

static void test_enumerate_refuses_what_it_cannot_read(void **state)
{
    static const char *const bad[] = {
        "",
        "<w:Enumerate/>",
        "<n:Pull" N "/>",
        "<x/><n:Enumerate" N "/>",
        "<n:Enumerate" N "><w:MaxElements/></n:Enumerate>",
        "<n:Enumerate" N "><w:MaxElements>0</w:MaxElements></n:Enumerate>",
        "<n:Enumerate" N "><w:MaxElements>-1</w:MaxElements></n:Enumerate>",
        "<n:Enumerate" N "><w:MaxElements>1.5</w:MaxElements></n:Enumerate>",
        "<n:Enumerate" N "><w:EnumerationMode/></n:Enumerate>",
        "<n:Enumerate" N "><w:EnumerationMode>enumerateepr</w:EnumerationMode></n:Enumerate>",
        "<n:Enumerate" N "><w:Filter/><w:Filter/></n:Enumerate>",
        "<n:Enumerate" N "><w:Filter/><n:Filter/></n:Enumerate>",
    };
    struct wsm_buf out = WSM_BUF_INIT;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct wsm_enumerate_request got = { .max_elements = 17 };
        struct wsm_error err = WSM_ERROR_INIT;
        struct wsm_envelope env;

        read_body(&env, &out, TEST_SHELL, bad[i]);
        if (wsm_enumerate_request_parse(&env, &got, &err))
            fail_msg("%s", bad[i]);
        assert_int_equal(err.code, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR);
        assert_int_equal(got.max_elements, 17);
        wsm_error_clear(&err);
        wsm_envelope_clear(&env);
    }
    wsm_buf_clear(&out);
}

static void test_pull_and_release_read_their_own_requests(void **state)
{
    struct wsm_request_headers headers = test_request(WSM_ACTION_PULL);
    struct wsm_pull_request msg = { .context = wsm_span_str("uuid:<1>") };
    struct wsm_pull_request got;
    struct wsm_span context = { NULL, 0 };
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_envelope env;

    (void)state;
    wsm_pull_request_write(&out, &headers, &msg);
    test_equal_text(test_body(&out), "<n:Pull" N "><n:EnumerationContext>uuid:&lt;1&gt;"
                                     "</n:EnumerationContext></n:Pull>");
    test_read_back(&env, &out, true);
    assert_true(wsm_pull_request_parse(&env, &got, NULL));
    test_equal(got.context, msg.context);
    assert_int_equal(got.max_elements, 1);
    wsm_envelope_clear(&env);

    msg.max_elements = 20;
    wsm_buf_reset(&out);
    wsm_pull_request_write(&out, &headers, &msg);
    test_equal_text(test_body(&out), "<n:Pull" N "><n:EnumerationContext>uuid:&lt;1&gt;"
                                     "</n:EnumerationContext><n:MaxElements>20</n:MaxElements>"
                                     "</n:Pull>");
    test_read_back(&env, &out, true);
    assert_true(wsm_pull_request_parse(&env, &got, NULL));
    assert_int_equal(got.max_elements, 20);
    assert_false(wsm_release_request_parse(&env, &context, NULL));
    wsm_envelope_clear(&env);

    wsm_buf_reset(&out);
    wsm_release_request_write(&out, &headers, msg.context);
    test_equal_text(test_body(&out), "<n:Release" N "><n:EnumerationContext>uuid:&lt;1&gt;"
                                     "</n:EnumerationContext></n:Release>");
    test_read_back(&env, &out, true);
    assert_true(wsm_release_request_parse(&env, &context, NULL));
    test_equal(context, msg.context);
    assert_false(wsm_pull_request_parse(&env, &got, NULL));
    wsm_envelope_clear(&env);
    wsm_buf_clear(&out);
}

static void test_pull_and_release_refuse_what_they_cannot_read(void **state)
{
    static const struct {
        const char *body;
        uint32_t code;
    } bad[] = {
        { "", ERROR_WSMAN_SCHEMA_VALIDATION_ERROR },
        { "<n:Enumerate" N "/>", ERROR_WSMAN_SCHEMA_VALIDATION_ERROR },
        { "<n:Pull" N "/>", ERROR_WSMAN_SCHEMA_VALIDATION_ERROR },
        { "<n:Release" N "><EnumerationContext>x</EnumerationContext></n:Release>",
          ERROR_WSMAN_SCHEMA_VALIDATION_ERROR },
        { "<n:Pull" N "><n:EnumerationContext> </n:EnumerationContext></n:Pull>",
          ERROR_WSMAN_ENUMERATE_INVALID_ENUMERATION_CONTEXT },
        { "<n:Release" N "><n:EnumerationContext/></n:Release>",
          ERROR_WSMAN_ENUMERATE_INVALID_ENUMERATION_CONTEXT },
        { "<n:Pull" N "><n:EnumerationContext>x</n:EnumerationContext>"
          "<n:MaxElements>0</n:MaxElements></n:Pull>",
          ERROR_WSMAN_SCHEMA_VALIDATION_ERROR },
    };
    struct wsm_buf out = WSM_BUF_INIT;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        bool is_release = strstr(bad[i].body, "Release") != NULL;
        struct wsm_pull_request got = { .max_elements = 17 };
        struct wsm_error err = WSM_ERROR_INIT;
        struct wsm_span context = { NULL, 17 };
        struct wsm_envelope env;

        read_body(&env, &out, NULL, bad[i].body);
        assert_false(is_release ? wsm_release_request_parse(&env, &context, &err)
                                : wsm_pull_request_parse(&env, &got, &err));
        assert_int_equal(err.code, bad[i].code);
        assert_int_equal(got.max_elements, 17);
        assert_int_equal(context.len, 17);
        wsm_error_clear(&err);
        wsm_envelope_clear(&env);
    }
    wsm_buf_clear(&out);
}

static void test_release_answers_with_an_empty_body(void **state)
{
    struct wsm_response_headers headers = test_response(WSM_ACTION_RELEASE "Response");
    struct wsm_buf out = WSM_BUF_INIT;

    (void)state;
    wsm_release_response_write(&out, &headers);
    assert_int_equal(test_body(&out).len, 0);
    assert_true(test_contains(&out, "enumeration/ReleaseResponse</a:Action>"));
    wsm_buf_clear(&out);
}

static void test_items_are_written_where_windows_puts_them(void **state)
{
    const struct wsm_span items = wsm_span_str("<i/>");
    const struct wsm_span context = wsm_span_str("uuid:<1>");
    const struct {
        struct wsm_items_response msg;
        const char *body;
    } cases[] = {
        { { .items = items, .is_end = true },
          "<n:EnumerateResponse><n:EnumerationContext></n:EnumerationContext>"
          "<w:Items><i/></w:Items><w:EndOfSequence/></n:EnumerateResponse>" },
        { { .is_end = true },
          "<n:EnumerateResponse><n:EnumerationContext></n:EnumerationContext>"
          "<w:EndOfSequence/></n:EnumerateResponse>" },
        { { .context = context },
          "<n:EnumerateResponse><n:EnumerationContext>uuid:&lt;1&gt;</n:EnumerationContext>"
          "</n:EnumerateResponse>" },
        { { .is_pull = true, .context = context, .items = items },
          "<n:PullResponse><n:EnumerationContext>uuid:&lt;1&gt;</n:EnumerationContext>"
          "<n:Items><i/></n:Items></n:PullResponse>" },
        { { .is_pull = true, .items = items, .is_end = true },
          "<n:PullResponse><n:Items><i/></n:Items><n:EndOfSequence/></n:PullResponse>" },
    };
    struct wsm_response_headers headers = test_response(WSM_ACTION_ENUMERATE "Response");
    struct wsm_buf out = WSM_BUF_INIT;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct wsm_items_response got;
        struct wsm_envelope env;

        headers.action = cases[i].msg.is_pull ? WSM_ACTION_PULL "Response"
                                              : WSM_ACTION_ENUMERATE "Response";
        wsm_buf_reset(&out);
        wsm_items_response_write(&out, &headers, &cases[i].msg);
        test_equal_text(test_body(&out), cases[i].body);
        test_read_back(&env, &out, false);
        assert_true(wsm_items_response_parse(&env, &got, NULL));
        assert_int_equal(got.is_pull, cases[i].msg.is_pull);
        assert_int_equal(got.is_end, cases[i].msg.is_end);
        test_equal(got.context, cases[i].msg.context);
        assert_null(got.first); /* <i/> is no item that we know */
        wsm_envelope_clear(&env);
    }
    wsm_buf_clear(&out);
}

/* As many as an answer may have, each at its longest, and the envelope at its longest. */
static void test_items_fit_the_limits_of_the_reader(void **state)
{
    static char relates_to[WSM_MESSAGE_ID_MAX];
    static const char context[] = "uuid:" TEST_ID;
    struct wsm_response_headers headers = test_response(WSM_ACTION_ENUMERATE "Response");
    struct wsm_shell_item shell = full_shell();
    struct wsm_command_item command = { .stream_count = WSM_COMMAND_ITEM_STREAMS_MAX,
                                        .streams = { { .name = wsm_span_str("a") },
                                                     { .name = wsm_span_str("b") } },
                                        .command_id = wsm_span_str(TEST_COMMAND),
                                        .state = wsm_span_str("Done"),
                                        .has_exit_code = true };
    int is_command;

    (void)state;
    memset(relates_to, 'm', sizeof(relates_to));
    headers.relates_to = wsm_span_of(relates_to, sizeof(relates_to));
    for (is_command = 0; is_command < 2; is_command++) {
        struct wsm_items_response msg = { .is_pull = is_command, .is_end = true };
        struct wsm_buf items = WSM_BUF_INIT;
        struct wsm_buf out = WSM_BUF_INIT;
        const struct wsm_xml_node *node;
        struct wsm_envelope env;
        size_t count = 0;

        for (; count < WSM_ITEMS_MAX; count++) {
            if (is_command)
                wsm_command_item_write(&items, &command);
            else
                wsm_shell_item_write(&items, &shell);
        }
        msg.items = wsm_buf_span(&items);
        msg.context = wsm_span_str(context);
        headers.action = is_command ? WSM_ACTION_PULL "Response" : WSM_ACTION_ENUMERATE "Response";
        wsm_items_response_write(&out, &headers, &msg);
        assert_in_range(out.len, 1,
                        items.len + sizeof(context) - 1 + wsm_items_response_overhead());
        assert_true(wsm_items_response_overhead() < 4096);
        test_read_back(&env, &out, false);
        assert_true(wsm_items_response_parse(&env, &msg, NULL));
        for (node = msg.first; node != NULL; node = wsm_xml_next_same(node), count--)
            assert_true(wsm_xml_is(node, WSM_NS_SHELL, is_command ? "Command" : "Shell"));
        assert_int_equal(count, 0);
        wsm_envelope_clear(&env);
        wsm_buf_clear(&items);
        wsm_buf_clear(&out);
    }
}

static void test_items_are_read_from_either_namespace(void **state)
{
    static const struct {
        const char *inside;
        bool has_item;
        bool is_end;
    } cases[] = {
        { "", false, false },
        { "<w:Items/>", false, false },
        { "<w:Items><rsp:Shell/></w:Items><n:EndOfSequence/>", true, true },
        { "<n:Items><x/><rsp:Command/></n:Items><w:EndOfSequence/>", true, true },
        { "<w:Items><Shell/></w:Items><EndOfSequence/>", false, false },
        { "<Items><rsp:Shell/></Items>", false, false },
        { "<rsp:Shell/>", false, false },
    };
    static const char *const names[] = { "EnumerateResponse", "PullResponse" };
    struct wsm_buf out = WSM_BUF_INIT;
    size_t i;

    (void)state;
    for (i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        const char *name = names[i % 2];
        struct wsm_items_response got;
        struct wsm_envelope env;
        char body[512];

        snprintf(body, sizeof(body), "<n:%s" N ">%s</n:%s>", name, cases[i / 2].inside, name);
        read_body(&env, &out, NULL, body);
        assert_true(wsm_items_response_parse(&env, &got, NULL));
        assert_int_equal(got.is_pull, i % 2);
        assert_int_equal(got.first != NULL, cases[i / 2].has_item);
        assert_int_equal(got.is_end, cases[i / 2].is_end);
        wsm_envelope_clear(&env);
    }
    wsm_buf_clear(&out);
}

static void test_items_refuse_other_answers(void **state)
{
    static const char *const bad[] = { "", "<n:Enumerate" N "/>", "<EnumerateResponse/>",
                                       "<w:PullResponse/>", "<x/><n:PullResponse" N "/>" };
    struct wsm_buf out = WSM_BUF_INIT;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct wsm_items_response got = { .is_end = true };
        struct wsm_error err = WSM_ERROR_INIT;
        struct wsm_envelope env;

        read_body(&env, &out, NULL, bad[i]);
        assert_false(wsm_items_response_parse(&env, &got, &err));
        assert_int_equal(err.code, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR);
        assert_true(got.is_end);
        wsm_error_clear(&err);
        wsm_envelope_clear(&env);
    }
    wsm_buf_clear(&out);
}

enum which { GET, ENUMERATE, PULL, RELEASE, ITEMS };

static bool write_and_read(void *context)
{
    enum which which = *(const enum which *)context;
    struct wsm_request_headers headers = test_request(WSM_ACTION_ENUMERATE);
    struct wsm_response_headers answer = test_response(WSM_ACTION_ENUMERATE "Response");
    struct wsm_shell_item shell = full_shell();
    struct wsm_enumerate_request enumerate = { .has_filter = true,
                                               .dialect = wsm_span_str(WSM_DIALECT_SELECTOR),
                                               .shell_id = wsm_span_str(TEST_SHELL) };
    struct wsm_pull_request pull = { wsm_span_str("uuid:1"), 5 };
    struct wsm_items_response items = { .items = wsm_span_str("<i/>"), .is_end = true };
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_envelope env;
    struct wsm_span id;
    bool ok;

    if (which == GET)
        wsm_get_response_write(&out, &answer, &shell);
    else if (which == ENUMERATE)
        wsm_enumerate_request_write(&out, &headers, &enumerate);
    else if (which == PULL)
        wsm_pull_request_write(&out, &headers, &pull);
    else if (which == RELEASE)
        wsm_release_request_write(&out, &headers, pull.context);
    else
        wsm_items_response_write(&out, &answer, &items);
    ok = wsm_buf_ok(&out);
    if (ok) {
        ok = wsm_envelope_parse(&env, out.ptr, out.len, &err) &&
             (which == GET         ? wsm_get_response_parse(&env, &shell, &err)
              : which == ENUMERATE ? wsm_enumerate_request_parse(&env, &enumerate, &err)
              : which == PULL      ? wsm_pull_request_parse(&env, &pull, &err)
              : which == RELEASE   ? wsm_release_request_parse(&env, &id, &err)
                                   : wsm_items_response_parse(&env, &items, &err));
        assert_true(ok || err.code != 0);
        wsm_envelope_clear(&env);
    }
    wsm_error_clear(&err);
    wsm_buf_clear(&out);
    return ok;
}

static void test_enumerate_reports_every_failed_allocation(void **state)
{
    static const char *const names[] = { "GetResponse", "Enumerate", "Pull", "Release",
                                         "EnumerateResponse" };
    enum which which;

    (void)state;
    for (which = GET; which <= ITEMS; which++)
        assert_true(failing_alloc_each(names[which], write_and_read, &which) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get_has_an_empty_body_and_one_shell_as_answer),
        cmocka_unit_test(test_enumerate_reads_its_own_request),
        cmocka_unit_test(test_enumerate_finds_the_shell_in_filter_or_header),
        cmocka_unit_test(test_enumerate_reads_modes_and_counts),
        cmocka_unit_test(test_enumerate_refuses_what_it_cannot_read),
        cmocka_unit_test(test_pull_and_release_read_their_own_requests),
        cmocka_unit_test(test_pull_and_release_refuse_what_they_cannot_read),
        cmocka_unit_test(test_release_answers_with_an_empty_body),
        cmocka_unit_test(test_items_are_written_where_windows_puts_them),
        cmocka_unit_test(test_items_fit_the_limits_of_the_reader),
        cmocka_unit_test(test_items_are_read_from_either_namespace),
        cmocka_unit_test(test_items_refuse_other_answers),
        cmocka_unit_test(test_enumerate_reports_every_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
