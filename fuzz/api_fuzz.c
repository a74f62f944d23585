/* wsm_api_resource_uri, _guid, _streams, _options and _xml_element: arguments of an application,
 * in UTF-16. What is accepted can stand in a message and means the same there; what is not leaves
 * nothing behind. The input is units of UTF-16; for lists a text per line. */
#include "client/api_args.h"
#include "fuzz.h"
#include "proto/xml.h"
#include "wsmerror.h"

enum { TEXTS_MAX = 32 };

/* What stands between <a> and </a>. */
static void expect_carried(struct wsm_span xml, const char *text)
{
    struct wsm_xml_doc doc = WSM_XML_DOC_INIT;
    struct wsm_buf message = WSM_BUF_INIT;

    wsm_buf_append_str(&message, "<a>");
    wsm_buf_append_span(&message, xml);
    wsm_buf_append_str(&message, "</a>");
    check(wsm_buf_ok(&message) && wsm_xml_parse(&doc, message.ptr, message.len, NULL));
    check(text == NULL ? doc.root->first_child != NULL && doc.root->first_child->next == NULL
                       : wsm_span_is(doc.root->text, text));
    wsm_xml_doc_clear(&doc);
    wsm_buf_clear(&message);
}

static void take_text(PCWSTR units)
{
    struct wsm_buf escaped = WSM_BUF_INIT;
    struct wsm_guid guid;
    char *text = NULL;
    char *uri = NULL;

    if (wsm_api_xml_text(units, "text", &text, NULL)) {
        wsm_xml_escape(&escaped, wsm_span_str(text));
        expect_carried(wsm_buf_span(&escaped), text);
        check(!wsm_api_guid(units, "text", ERROR_INVALID_PARAMETER, NULL, &guid, NULL) ||
              strlen(guid.text) == WSM_GUID_LEN);
        if (wsm_api_resource_uri(units, &uri, NULL))
            check(strcmp(uri, text) == 0 && escaped.len <= WSM_WIRE_URI_MAX);
    }
    wsm_buf_clear(&escaped);
    free(text);
    free(uri);
}

static void take_lists(PCWSTR *texts, DWORD count)
{
    WSMAN_OPTION options[TEXTS_MAX] = { 0 };
    WSMAN_OPTION_SET set = { .optionsCount = count / 2, .options = options };
    WSMAN_STREAM_ID_SET streams = { .streamIDsCount = count, .streamIDs = texts };
    struct wsm_option_texts taken = { .count = 0 };
    struct wsm_span rest;
    char *names = NULL;
    DWORD words = 0;

    for (DWORD i = 0; i < set.optionsCount; i++)
        options[i] = (WSMAN_OPTION){ .name = texts[2 * i], .value = texts[2 * i + 1] };
    if (wsm_api_options(&set, &taken, NULL))
        check(taken.count == set.optionsCount);
    wsm_option_texts_clear(&taken);
    if (wsm_api_streams(&streams, "stdout", ERROR_INVALID_PARAMETER, &names, NULL)) {
        for (rest = wsm_span_str(names); wsm_words_next(&rest).len > 0;)
            words++;
        check(words == count);
    } else {
        check(names == NULL);
    }
    free(names);
}

static void take_element(PWSTR units, DWORD count)
{
    WSMAN_DATA data = { .type = WSMAN_DATA_TYPE_TEXT,
                        .text = { .bufferLength = count, .buffer = units } };
    char *element = NULL;

    if (wsm_api_xml_element(&data, "element", &element, NULL))
        expect_carried(wsm_span_str(element), NULL);
    free(element);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DWORD count = (DWORD)(size / sizeof(WCHAR));
    PWSTR units = calloc(count + 1, sizeof(*units));
    PCWSTR texts[TEXTS_MAX];
    DWORD lines = 0;

    check(units != NULL);
    if (count > 0)
        memcpy(units, data, count * sizeof(*units));
    take_element(units, count);
    take_text(units);
    for (DWORD i = 0, start = 0; i <= count && lines < TEXTS_MAX; i++) {
        if (units[i] != 0 && units[i] != '\n')
            continue;
        units[i] = 0;
        texts[lines++] = units + start;
        start = i + 1;
    }
    take_lists(texts, lines);
    free(units);
    return 0;
}
