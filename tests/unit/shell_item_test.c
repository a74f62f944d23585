/* rsp:Shell and rsp:Command: what we write, and that we read it back. */
#include "message.h"

#include "proto/shell_item.h"

#define RSP  " xmlns:rsp=\"" WSM_NS_SHELL "\""
#define OURS " xmlns=\"urn:winrmd:shell\""
#define MARK "<Extensions" OURS " Version=\"1\"/>"
#define TIMES                                         \
    "<rsp:ShellRunTime>P0DT0H0M0S</rsp:ShellRunTime>" \
    "<rsp:ShellInactivity>P0DT0H0M0S</rsp:ShellInactivity>"

struct fixture {
    struct wsm_buf text;
    struct wsm_xml_doc doc;
};

static const struct wsm_xml_node *read_text(struct fixture *fixture, const char *text)
{
    struct wsm_error err = WSM_ERROR_INIT;

    if (text != NULL) {
        fixture->text = (struct wsm_buf)WSM_BUF_INIT;
        wsm_buf_append_str(&fixture->text, text);
    }
    assert_true(wsm_buf_ok(&fixture->text));
    if (!wsm_xml_parse(&fixture->doc, fixture->text.ptr, fixture->text.len, &err))
        fail_msg("%s", wsm_error_text(&err));
    return fixture->doc.root;
}

static void clear(struct fixture *fixture)
{
    wsm_xml_doc_clear(&fixture->doc);
    wsm_buf_clear(&fixture->text);
}

static struct wsm_shell_item full_shell(void)
{
    return (struct wsm_shell_item){
        .shell_id = wsm_span_str(TEST_SHELL),
        .name = wsm_span_str("a & b"),
        .resource_uri = wsm_span_str(WSM_URI_CMD),
        .owner = wsm_span_str("SRV\\alice"),
        .client_ip = wsm_span_str("2001:db8::7"),
        .working_directory = wsm_span_str("/srv/<job>"),
        .idle_timeout_ms = 7200000,
        .input_streams = wsm_span_str("stdin"),
        .output_streams = wsm_span_str("stdout stderr"),
        .max_idle_timeout_ms = 2147483647,
        .buffer_mode = wsm_span_str("Drop"),
        .state = wsm_span_str("Disconnected"),
        .run_time_s = 90061,
        .inactivity_s = 3,
        .memory_kib = 58 * 1024,
        .child_processes = 4,
        .session_id = wsm_span_str("uuid:\"s\""),
        .is_marked = true,
    };
}

static void test_shell_item_is_written_in_the_order_of_windows(void **state)
{
    struct wsm_shell_item item = full_shell();
    struct wsm_buf out = WSM_BUF_INIT;

    (void)state;
    wsm_shell_item_write(&out, &item);
    test_equal_text(wsm_buf_span(&out),
                    "<rsp:Shell" RSP
                    " xmlns:o=\"urn:winrmd:shell\" o:SessionId=\"uuid:&quot;s&quot;\">"
                    "<rsp:ShellId>" TEST_SHELL "</rsp:ShellId><rsp:Name>a &amp; b</rsp:Name>"
                    "<rsp:ResourceUri>" WSM_URI_CMD "</rsp:ResourceUri>"
                    "<rsp:Owner>SRV\\alice</rsp:Owner><rsp:ClientIP>2001:db8::7</rsp:ClientIP>"
                    "<rsp:WorkingDirectory>/srv/&lt;job&gt;</rsp:WorkingDirectory>"
                    "<rsp:IdleTimeOut>PT7200.000S</rsp:IdleTimeOut>"
                    "<rsp:InputStreams>stdin</rsp:InputStreams>"
                    "<rsp:OutputStreams>stdout stderr</rsp:OutputStreams>"
                    "<rsp:MaxIdleTimeOut>PT2147483.647S</rsp:MaxIdleTimeOut>"
                    "<rsp:BufferMode>Drop</rsp:BufferMode><rsp:State>Disconnected</rsp:State>"
                    "<rsp:ShellRunTime>P1DT1H1M1S</rsp:ShellRunTime>"
                    "<rsp:ShellInactivity>P0DT0H0M3S</rsp:ShellInactivity>"
                    "<rsp:MemoryUsed>58MB</rsp:MemoryUsed>"
                    "<rsp:ChildProcesses>4</rsp:ChildProcesses>" MARK "</rsp:Shell>");
    wsm_buf_clear(&out);
}

static void test_shell_item_leaves_out_what_is_not_known(void **state)
{
    struct wsm_shell_item item;
    struct wsm_buf out = WSM_BUF_INIT;

    (void)state;
    wsm_shell_item_init(&item);
    wsm_shell_item_write(&out, &item);
    test_equal_text(wsm_buf_span(&out), "<rsp:Shell" RSP ">" TIMES "</rsp:Shell>");
    wsm_buf_reset(&out);

    item.session_id = wsm_span_str("uuid:s"); /* which only marked answers tell */
    wsm_shell_item_write(&out, &item);
    assert_false(test_contains(&out, "winrmd"));
    assert_false(test_contains(&out, "SessionId"));
    wsm_buf_reset(&out);

    item.session_id = wsm_span_of(NULL, 0);
    item.is_marked = true;
    wsm_shell_item_write(&out, &item);
    test_equal_text(wsm_buf_span(&out), "<rsp:Shell" RSP ">" TIMES MARK "</rsp:Shell>");
    wsm_buf_clear(&out);
}

static void test_shell_item_rounds_memory_up(void **state)
{
    static const struct {
        int64_t kib;
        const char *text;
    } cases[] = {
        { 0, ">0MB<" },
        { 1, ">1MB<" },
        { 1024, ">1MB<" },
        { 1025, ">2MB<" },
        { 2048 * 1024, ">2048MB<" },
        { INT64_MAX, ">9007199254740992MB<" },
    };
    struct wsm_shell_item item;
    struct wsm_buf out = WSM_BUF_INIT;
    size_t i;

    (void)state;
    wsm_shell_item_init(&item);
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        item.memory_kib = cases[i].kib;
        wsm_buf_reset(&out);
        wsm_shell_item_write(&out, &item);
        assert_true(test_contains(&out, cases[i].text));
    }
    wsm_buf_clear(&out);
}

static void expect_shell(const struct wsm_shell_item *got, const struct wsm_shell_item *want)
{
    test_equal(got->shell_id, want->shell_id);
    test_equal(got->name, want->name);
    test_equal(got->resource_uri, want->resource_uri);
    test_equal(got->owner, want->owner);
    test_equal(got->client_ip, want->client_ip);
    test_equal(got->working_directory, want->working_directory);
    test_equal(got->input_streams, want->input_streams);
    test_equal(got->output_streams, want->output_streams);
    test_equal(got->buffer_mode, want->buffer_mode);
    test_equal(got->state, want->state);
    test_equal(got->session_id, want->session_id);
    assert_int_equal(got->idle_timeout_ms, want->idle_timeout_ms);
    assert_int_equal(got->max_idle_timeout_ms, want->max_idle_timeout_ms);
    assert_int_equal(got->run_time_s, want->run_time_s);
    assert_int_equal(got->inactivity_s, want->inactivity_s);
    assert_int_equal(got->memory_kib, want->memory_kib);
    assert_int_equal(got->child_processes, want->child_processes);
    assert_int_equal(got->is_marked, want->is_marked);
}

static void test_shell_item_is_read_back(void **state)
{
    struct fixture fixture = { WSM_BUF_INIT, WSM_XML_DOC_INIT };
    struct wsm_shell_item want = full_shell();
    struct wsm_shell_item got;

    (void)state;
    wsm_shell_item_write(&fixture.text, &want);
    wsm_shell_item_parse(read_text(&fixture, NULL), &got);
    expect_shell(&got, &want);
    clear(&fixture);

    wsm_shell_item_init(&want);
    wsm_shell_item_write(&fixture.text, &want);
    wsm_shell_item_parse(read_text(&fixture, NULL), &got);
    expect_shell(&got, &want);
    clear(&fixture);
}

static void test_shell_item_leaves_out_what_it_cannot_read(void **state)
{
    static const char *const texts[] = {
        "<rsp:Shell" RSP "/>",
        "<rsp:Shell" RSP " SessionId='x'><rsp:IdleTimeOut>7200</rsp:IdleTimeOut>"
        "<rsp:MaxIdleTimeOut>-PT1S</rsp:MaxIdleTimeOut><rsp:ShellRunTime>62</rsp:ShellRunTime>"
        "<rsp:ShellInactivity/><rsp:MemoryUsed>58</rsp:MemoryUsed>"
        "<rsp:ChildProcesses>-1</rsp:ChildProcesses>"
        "<Extensions Version='1'/><State>Connected</State></rsp:Shell>",
        "<rsp:Shell" RSP "><rsp:MemoryUsed>MB</rsp:MemoryUsed>"
        "<rsp:ChildProcesses>99999999999999999999</rsp:ChildProcesses></rsp:Shell>",
        "<rsp:Shell" RSP "><rsp:MemoryUsed>99999999999999999MB</rsp:MemoryUsed>"
        "<rsp:ChildProcesses>two</rsp:ChildProcesses></rsp:Shell>",
        "<rsp:Shell" RSP "><rsp:MemoryUsed>5 8MB</rsp:MemoryUsed>"
        "<x><rsp:State>Connected</rsp:State></x></rsp:Shell>",
    };
    struct wsm_shell_item nothing;
    size_t i;

    (void)state;
    wsm_shell_item_init(&nothing);
    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct fixture fixture;
        struct wsm_shell_item got;

        wsm_shell_item_parse(read_text(&fixture, texts[i]), &got);
        expect_shell(&got, &nothing);
        clear(&fixture);
    }
}

static struct wsm_command_item full_command(void)
{
    return (struct wsm_command_item){
        .command_id = wsm_span_str(TEST_COMMAND),
        .line = wsm_span_str("  sh -c 'a && b' "),
        .state = wsm_span_str("Done"),
        .has_exit_code = true,
        .exit_code = UINT32_MAX,
        .stream_count = 2,
        .streams = { { .name = wsm_span_str("stdout"),
                       .confirmed = 1,
                       .served = 2,
                       .served_again = 3,
                       .end = UINT64_MAX,
                       .dropped = 4 },
                     { .name = wsm_span_str("stderr") } },
    };
}

static void test_command_item_is_written_as_windows_does(void **state)
{
    struct wsm_command_item item = { .command_id = wsm_span_str(TEST_COMMAND),
                                     .state = wsm_span_str("Running") };
    struct wsm_buf out = WSM_BUF_INIT;

    (void)state;
    wsm_command_item_write(&out, &item);
    test_equal_text(wsm_buf_span(&out), "<rsp:Command" RSP "><rsp:CommandId>" TEST_COMMAND
                                        "</rsp:CommandId><rsp:CommandLine></rsp:CommandLine>"
                                        "<rsp:CommandState>Running</rsp:CommandState>"
                                        "</rsp:Command>");
    wsm_buf_reset(&out);

    item = full_command();
    wsm_command_item_write(&out, &item);
    test_equal_text(wsm_buf_span(&out),
                    "<rsp:Command" RSP "><rsp:CommandId>" TEST_COMMAND "</rsp:CommandId>"
                    "<rsp:CommandLine>  sh -c &apos;a &amp;&amp; b&apos; </rsp:CommandLine>"
                    "<rsp:CommandState>Done</rsp:CommandState>"
                    "<ExitCode" OURS ">4294967295</ExitCode>"
                    "<Stream" OURS " Name=\"stdout\" Confirmed=\"1\" Served=\"2\""
                    " ServedAgain=\"3\" End=\"18446744073709551615\" Dropped=\"4\"/>"
                    "<Stream" OURS " Name=\"stderr\" Confirmed=\"0\" Served=\"0\""
                    " ServedAgain=\"0\" End=\"0\" Dropped=\"0\"/></rsp:Command>");
    wsm_buf_clear(&out);
}

static void test_command_item_is_read_back(void **state)
{
    struct fixture fixture = { WSM_BUF_INIT, WSM_XML_DOC_INIT };
    struct wsm_command_item want = full_command();
    struct wsm_command_item got;
    size_t i;

    (void)state;
    wsm_command_item_write(&fixture.text, &want);
    wsm_command_item_parse(read_text(&fixture, NULL), &got);
    test_equal(got.command_id, want.command_id);
    test_equal(got.line, want.line);
    test_equal(got.state, want.state);
    assert_true(got.has_exit_code && got.exit_code == UINT32_MAX);
    assert_int_equal(got.stream_count, 2);
    for (i = 0; i < 2; i++) {
        test_equal(got.streams[i].name, want.streams[i].name);
        assert_int_equal(got.streams[i].confirmed, want.streams[i].confirmed);
        assert_int_equal(got.streams[i].served, want.streams[i].served);
        assert_int_equal(got.streams[i].served_again, want.streams[i].served_again);
        assert_true(got.streams[i].end == want.streams[i].end);
        assert_int_equal(got.streams[i].dropped, want.streams[i].dropped);
    }
    clear(&fixture);
}

#define NUMBERS " Confirmed='1' Served='2' ServedAgain='0' End='4' Dropped='0'"

static void test_command_item_leaves_out_what_it_cannot_read(void **state)
{
    static const char *const bad[] = {
        "<Stream" OURS "/>",
        "<Stream" OURS NUMBERS "/>",
        "<Stream" OURS " Name=' '" NUMBERS "/>",
        "<Stream" OURS " Name='a' Served='2' ServedAgain='0' End='4' Dropped='0'/>",
        "<Stream" OURS " Name='a' Confirmed='x' Served='2' ServedAgain='0' End='4' Dropped='0'/>",
        "<Stream Name='a'" NUMBERS "/>",
        "<rsp:Stream Name='a'" NUMBERS "/>",
        "<ExitCode>1</ExitCode><rsp:ExitCode>1</rsp:ExitCode>",
        "<ExitCode" OURS "></ExitCode>",
        "<ExitCode" OURS ">-1</ExitCode>",
        "<ExitCode" OURS ">4294967296</ExitCode>",
    };
    struct wsm_command_item got;
    struct fixture fixture;
    char text[2048];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(text, sizeof(text),
                 "<rsp:Command" RSP ">%s<Stream" OURS " Name='z'" NUMBERS "/></rsp:Command>",
                 bad[i]);
        wsm_command_item_parse(read_text(&fixture, text), &got);
        assert_false(got.has_exit_code);
        assert_int_equal(got.command_id.len + got.line.len + got.state.len, 0);
        assert_int_equal(got.stream_count, 1); /* the good one behind it */
        test_equal_text(got.streams[0].name, "z");
        clear(&fixture);
    }
}

static void test_command_item_takes_no_more_streams_than_it_has_room_for(void **state)
{
    struct wsm_command_item got;
    struct fixture fixture;

    (void)state;
    wsm_command_item_parse(read_text(&fixture,
                                     "<rsp:Command" RSP "><Stream" OURS " Name='a'" NUMBERS
                                     "/><Stream" OURS " Name='b'" NUMBERS "/><Stream" OURS
                                     " Name='c'" NUMBERS "/></rsp:Command>"),
                           &got);
    assert_int_equal(got.stream_count, WSM_COMMAND_ITEM_STREAMS_MAX);
    test_equal_text(got.streams[1].name, "b");
    clear(&fixture);
}

/* In our namespace a Stream holds no base64: its text passes through expat, which decides
 * what is a character. */
static void test_command_item_streams_do_not_bypass_the_parser(void **state)
{
    struct wsm_buf text = WSM_BUF_INIT;
    struct wsm_command_item got;
    struct wsm_xml_doc doc;
    int i;

    (void)state;
    wsm_buf_append_str(&text, "<rsp:Command" RSP "><Stream" OURS " Name='a'" NUMBERS ">");
    for (i = 0; i < 2000; i++)
        wsm_buf_append_str(&text, "A");
    wsm_buf_append_str(&text, "</Stream></rsp:Command>");
    assert_true(wsm_xml_parse(&doc, text.ptr, text.len, NULL));
    wsm_command_item_parse(doc.root, &got);
    assert_int_equal(got.stream_count, 1);
    assert_int_equal(doc.root->first_child->text.len, 2000);
    assert_true(doc.root->first_child->text.ptr < text.ptr ||
                doc.root->first_child->text.ptr >= text.ptr + text.len); /* a copy */
    wsm_xml_doc_clear(&doc);

    text.ptr[text.len - 1000] = 0x01; /* which a rsp:Stream would let through */
    assert_false(wsm_xml_parse(&doc, text.ptr, text.len, NULL));
    wsm_buf_clear(&text);
}

static bool write_and_read(void *context)
{
    bool is_shell = context != NULL;
    struct wsm_shell_item shell = full_shell();
    struct wsm_command_item command = full_command();
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_xml_doc doc;
    bool ok;

    if (is_shell)
        wsm_shell_item_write(&out, &shell);
    else
        wsm_command_item_write(&out, &command);
    ok = wsm_buf_ok(&out);
    if (ok) {
        ok = wsm_xml_parse(&doc, out.ptr, out.len, &err);
        assert_true(ok || err.code != 0);
        if (ok) {
            if (is_shell)
                wsm_shell_item_parse(doc.root, &shell);
            else
                wsm_command_item_parse(doc.root, &command);
            wsm_xml_doc_clear(&doc);
        }
    }
    wsm_error_clear(&err);
    wsm_buf_clear(&out);
    return ok;
}

static void test_items_report_every_failed_allocation(void **state)
{
    (void)state;
    assert_true(failing_alloc_each("rsp:Shell", write_and_read, "shell") > 4);
    assert_true(failing_alloc_each("rsp:Command", write_and_read, NULL) > 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shell_item_is_written_in_the_order_of_windows),
        cmocka_unit_test(test_shell_item_leaves_out_what_is_not_known),
        cmocka_unit_test(test_shell_item_rounds_memory_up),
        cmocka_unit_test(test_shell_item_is_read_back),
        cmocka_unit_test(test_shell_item_leaves_out_what_it_cannot_read),
        cmocka_unit_test(test_command_item_is_written_as_windows_does),
        cmocka_unit_test(test_command_item_is_read_back),
        cmocka_unit_test(test_command_item_leaves_out_what_it_cannot_read),
        cmocka_unit_test(test_command_item_takes_no_more_streams_than_it_has_room_for),
        cmocka_unit_test(test_command_item_streams_do_not_bypass_the_parser),
        cmocka_unit_test(test_items_report_every_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
