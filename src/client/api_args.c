/* Copies of the application's arguments. Pure; application threads; nothing here keeps a
 * pointer of the application's. */
#include "client/api_args.h"

#include "base/utf.h"
#include "proto/create.h"
#include "proto/send.h"
#include "wsmerror.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(WCHAR) == sizeof(char16_t), "the API's text is UTF-16");

bool wsm_api_text(PCWSTR text, const char *what, char **out_text, struct wsm_error *err)
{
    if (text == NULL) {
        *out_text = NULL;
        return true;
    }
    return wsm_utf16_to_utf8((const char16_t *)text, wsm_utf16_len((const char16_t *)text), what,
                             out_text, err);
}

/* XML 1.0, section 2.2, has no way to write these, not even escaped: the number of the first one
 * in valid UTF-8, and where it is; false: there is none. */
static bool find_unwritable(const char *text, unsigned *out_code, size_t *out_at)
{
    const uint8_t *bytes = (const uint8_t *)text;

    for (size_t i = 0; bytes[i] != '\0'; i++) {
        bool is_control = bytes[i] < 0x20 && !wsm_is_xml_space(bytes[i]);
        bool is_none = bytes[i] == 0xEF && bytes[i + 1] == 0xBF && bytes[i + 2] >= 0xBE;

        if (is_control || is_none) {
            *out_code = is_control ? bytes[i] : 0xFF40U + bytes[i + 2]; /* U+FFFE, U+FFFF */
            *out_at = i;
            return true;
        }
    }
    return false;
}

static bool check_xml(const char *text, const char *what, struct wsm_error *err)
{
    unsigned code;
    size_t at;

    if (!find_unwritable(text, &code, &at))
        return true;
    return wsm_fail(err, ERROR_INVALID_PARAMETER,
                    "%s: the character U+%04X at byte %zu cannot be sent", what, code, at);
}

bool wsm_api_xml_text(PCWSTR text, const char *what, char **out_text, struct wsm_error *err)
{
    char *bytes = NULL;

    if (!wsm_api_text(text, what, &bytes, err))
        return false;
    if (bytes != NULL && !check_xml(bytes, what, err)) {
        free(bytes);
        return false;
    }
    *out_text = bytes;
    return true;
}

bool wsm_api_guid(PCWSTR text, const char *what, uint32_t code, char **out_text,
                  struct wsm_guid *out, struct wsm_error *err)
{
    char *copy = NULL;
    bool ok;

    if (!wsm_api_xml_text(text, what, &copy, err))
        return false;
    ok = wsm_guid_parse(wsm_span_str(copy), out) ||
         wsm_fail(err, code, "%s %s is not a GUID", what, copy);
    if (out_text != NULL)
        *out_text = copy;
    else
        free(copy);
    return ok;
}

bool wsm_api_data_text(const WSMAN_DATA *data, const char *what, char **out_text,
                       struct wsm_error *err)
{
    const char16_t *units = (const char16_t *)data->text.buffer;
    size_t count = data->text.bufferLength;

    if (units == NULL)
        count = 0;
    if (count > 0 && units[count - 1] == 0)
        count--;
    return wsm_utf16_to_utf8(units, count, what, out_text, err);
}

bool wsm_api_resource_uri(PCWSTR uri, char **out, struct wsm_error *err)
{
    struct wsm_span span;
    char *text = NULL;

    if (!wsm_api_xml_text(uri, "resource URI", &text, err))
        return false;
    span = wsm_span_trim(wsm_span_str(text));
    if (span.len == 0) {
        free(text);
        return wsm_fail(err, ERROR_WSMAN_CLIENT_BLANK_URI, "no resource URI");
    }
    *out = text;
    if (wsm_xml_escaped_max(wsm_span_str(text)) > WSM_WIRE_URI_MAX)
        return wsm_fail(err, ERROR_WSMAN_INVALID_RESOURCE_URI,
                        "resource URI longer than %d bytes as escaped", WSM_WIRE_URI_MAX);
    return true;
}

/* A byte order mark is no part of the text behind it. */
static void drop_mark(char *text)
{
    static const char mark[] = "\xEF\xBB\xBF";
    size_t len = sizeof(mark) - 1;

    if (strncmp(text, mark, len) == 0)
        memmove(text, text + len, strlen(text + len) + 1);
}

bool wsm_api_xml_element(const WSMAN_DATA *xml, const char *what, char **out, struct wsm_error *err)
{
    struct wsm_xml_doc doc = WSM_XML_DOC_INIT;
    char *scratch;
    bool ok;

    if (xml == NULL || xml->type == WSMAN_DATA_NONE)
        return true;
    if (xml->type != WSMAN_DATA_TYPE_TEXT)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "%s is not text", what);
    if (!wsm_api_data_text(xml, what, out, err))
        return false;
    drop_mark(*out);
    scratch = strdup(*out); /* the parser may change what it reads */
    if (scratch == NULL)
        return wsm_fail_memory(err, what);
    ok = wsm_xml_parse(&doc, (uint8_t *)scratch, strlen(scratch), err);
    if (ok)
        wsm_xml_doc_clear(&doc);
    if (ok && strncmp(*out, "<?xml", 5) == 0)
        ok = wsm_fail(err, ERROR_WSMAN_INVALID_XML, "%s begins with an XML declaration", what);
    free(scratch);
    return ok;
}

bool wsm_api_buffer_mode(DWORD flags, enum wsm_buffer_mode *out)
{
    switch (flags) {
    case 0:
        *out = WSM_BUFFER_UNCHANGED;
        return true;
    case WSMAN_FLAG_SERVER_BUFFERING_MODE_DROP:
        *out = WSM_BUFFER_DROP;
        return true;
    case WSMAN_FLAG_SERVER_BUFFERING_MODE_BLOCK:
        *out = WSM_BUFFER_BLOCK;
        return true;
    default:
        return false;
    }
}

bool wsm_api_options(const WSMAN_OPTION_SET *set, struct wsm_option_texts *out,
                     struct wsm_error *err)
{
    size_t i;

    if (set == NULL)
        return true;
    if (set->optionsCount > WSM_OPTIONS_MAX || (set->optionsCount > 0 && set->options == NULL))
        return wsm_fail(err, ERROR_WSMAN_INVALID_OPTIONSET,
                        "option set: no options, or more than %d", WSM_OPTIONS_MAX);
    if (!wsm_option_texts_init(out, set->optionsCount, err))
        return false;
    out->must_understand = set->optionsMustUnderstand != 0;
    for (i = 0; i < set->optionsCount; i++) {
        const WSMAN_OPTION *option = &set->options[i];
        char **texts = &out->texts.items[2 * i];

        if (option->name == NULL || option->name[0] == 0)
            return wsm_fail(err, ERROR_WSMAN_INVALID_OPTIONSET, "option without a name");
        if (!wsm_api_xml_text(option->name, "option name", &texts[0], err) ||
            !wsm_api_xml_text(option->value, "option value", &texts[1], err))
            return false;
        out->options[i] = (struct wsm_option){ .name = wsm_span_str(texts[0]),
                                               .value = wsm_span_str(texts[1]),
                                               .must_comply = option->mustComply != 0 };
    }
    return true;
}

static bool append_stream(struct wsm_buf *out, PCWSTR name, uint32_t code, struct wsm_error *err)
{
    struct wsm_span span;
    char *text = NULL;
    bool ok = false;

    if (name == NULL)
        return wsm_fail(err, code, "stream without a name");
    if (!wsm_api_xml_text(name, "stream name", &text, err))
        return false;
    span = wsm_span_str(text);
    if (span.len == 0 || strpbrk(text, " \t\r\n") != NULL) {
        (void)wsm_fail(err, code, "stream name with blanks, or empty");
        goto out;
    }
    if (wsm_xml_escaped_max(span) > WSM_STREAM_NAME_MAX) {
        (void)wsm_fail(err, ERROR_INVALID_PARAMETER, "stream name longer than %d bytes",
                       WSM_STREAM_NAME_MAX);
        goto out;
    }
    if (out->len > 0)
        wsm_buf_append_byte(out, ' ');
    wsm_buf_append_span(out, span);
    ok = true;
out:
    free(text);
    return ok;
}

bool wsm_api_streams(const WSMAN_STREAM_ID_SET *set, const char *fallback, uint32_t code,
                     char **out_text, struct wsm_error *err)
{
    struct wsm_buf text = WSM_BUF_INIT;
    bool ok = false;
    size_t i;

    if (set != NULL && set->streamIDsCount > WSM_STREAMS_MAX)
        return wsm_fail(err, code, "more than %d streams", WSM_STREAMS_MAX);
    if (set != NULL && set->streamIDsCount > 0 && set->streamIDs == NULL)
        return wsm_fail(err, code, "streams without names");
    if (set == NULL)
        wsm_buf_append_str(&text, fallback);
    for (i = 0; set != NULL && i < set->streamIDsCount; i++) {
        if (!append_stream(&text, set->streamIDs[i], code, err))
            goto out;
    }
    wsm_buf_append_byte(&text, '\0');
    if (!wsm_buf_ok(&text)) {
        (void)wsm_fail_memory(err, "streams");
        goto out;
    }
    *out_text = (char *)text.ptr;
    text = (struct wsm_buf)WSM_BUF_INIT;
    ok = true;
out:
    wsm_buf_clear(&text);
    return ok;
}

bool wsm_api_is_psrpclient(void)
{
    static const char here;
    static const char name[] = "libpsrpclient";
    Dl_info info;
    const char *slash;

    if (dladdr(&here, &info) == 0 || info.dli_fname == NULL)
        return false;
    slash = strrchr(info.dli_fname, '/');
    return strncmp(slash == NULL ? info.dli_fname : slash + 1, name, sizeof(name) - 1) == 0;
}

DWORD wsm_api_give_text(const char *text, DWORD capacity, PWSTR out, DWORD *out_used)
{
    char16_t *units = NULL;
    size_t count = 0;
    size_t needed;
    DWORD code = ERROR_SUCCESS;

    if (!wsm_utf8_to_utf16(wsm_span_str(text), "text", &units, &count, NULL))
        return ERROR_OUTOFMEMORY;
    /* PowerShell decodes as many units as the first call named, and has room for so many. */
    needed = wsm_api_is_psrpclient() ? count : count + 1;
    *out_used = (DWORD)needed;
    if (out == NULL || capacity < needed)
        code = ERROR_INSUFFICIENT_BUFFER;
    else
        memcpy(out, units, needed * sizeof(*units));
    free(units);
    return code;
}
