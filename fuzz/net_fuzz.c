/* What winrmd-net reads besides HTTP and SOAP: wsm_shell_report_item and wsm_command_report_item
 * (reports of hosts, which run as their users and may say anything: the answer made of one must be
 * well-formed), wsm_word_parse (the option WINRMD_FROM) and wsm_command_line_join. The input
 * counts as each. */
#include "fuzz.h"
#include "proto/xml.h"
#include "server/command_line.h"
#include "server/shell_report.h"

static struct wsm_shell shell = { .id = { "5D3C1F60-0000-4000-8000-0000000000A1" },
                                  .owner = (char *)"alice" };

static void expect_well_formed(struct wsm_buf *text)
{
    struct wsm_xml_doc doc = WSM_XML_DOC_INIT;

    check(wsm_buf_ok(text) && wsm_xml_parse(&doc, text->ptr, text->len, NULL));
    wsm_xml_doc_clear(&doc);
    wsm_buf_clear(text);
}

static void read_report(struct wsm_span payload)
{
    struct wsm_buf text = WSM_BUF_INIT;
    struct wsm_command_item command_item;
    struct wsm_host_command command;
    struct wsm_shell_item shell_item;
    struct wsm_host_shell report;
    struct wsm_settings settings;

    wsm_settings_init(&settings);
    if (wsm_message_parse(&wsm_host_shell_type, payload, &report)) {
        wsm_shell_report_item(&shell, &report, &settings, true, &shell_item);
        check(shell_item.name.len <= WSM_REPORT_TEXT_MAX && shell_item.run_time_s >= 0);
        wsm_shell_item_write(&text, &shell_item);
        expect_well_formed(&text);
    }
    if (wsm_message_parse(&wsm_host_command_type, payload, &command) &&
        wsm_command_report_item(&command, true, &command_item)) {
        check(command_item.line.len <= WSM_REPORT_LINE_MAX);
        wsm_command_item_write(&text, &command_item);
        expect_well_formed(&text);
    }
    wsm_settings_clear(&settings);
}

static void read_word(struct wsm_span value)
{
    static const uint64_t confirmed[WSM_HOST_STREAMS] = { 10, 20 };
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_word word;
    bool is_beyond;

    if (!wsm_word_parse(value, confirmed, &word, &err))
        check(err.code != 0);
    else
        for (size_t i = 0; i < WSM_HOST_STREAMS; i++)
            check(word.confirmed[i] <= word.start[i]);
    if (err.code == 0 && wsm_word_check(&word, 0, confirmed, word.start, &is_beyond, &err))
        check(!is_beyond && word.start[0] >= 10 && word.start[1] >= 20);
    wsm_error_clear(&err);
}

/* The first line is the command, each further one an argument. */
static void read_command(struct wsm_span text)
{
    struct wsm_span words[8];
    struct wsm_buf line = WSM_BUF_INIT;
    size_t count = 0;
    size_t total = 0;

    while (count < 8 && text.len > 0) {
        const uint8_t *end = memchr(text.ptr, '\n', text.len);
        size_t len = end == NULL ? text.len : (size_t)(end - text.ptr);

        words[count++] = wsm_span_of(text.ptr, len);
        total += len + (count > 1);
        len += end != NULL;
        text = wsm_span_of(text.ptr + len, text.len - len);
    }
    if (count > 0) {
        wsm_command_line_join(&line, words[0], words + 1, count - 1);
        check(wsm_buf_ok(&line) && (line.len == total || line.len + 2 == total));
    }
    wsm_buf_clear(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_report(wsm_span_of(data, size));
    read_word(wsm_span_of(data, size));
    read_command(wsm_span_of(data, size));
    return 0;
}
