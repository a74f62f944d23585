/* SOAP 1.2 envelope with WS-Addressing and WS-Management headers: reads any message,
 * checks requests, writes what stands around a body. Pure: used by whichever thread
 * owns the message. Bodies are the business of the message files. */
#include "proto/envelope.h"

#include "base/duration.h"
#include "base/utf.h"

#include "wsmerror.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_SPAN(text)                           \
    {                                             \
        (const uint8_t *)(text), sizeof(text) - 1 \
    }

/* Stands in for a missing s:Body, which some clients leave out of Delete. */
static const struct wsm_xml_node no_body = { .ns = TEXT_SPAN(WSM_NS_SOAP),
                                             .name = TEXT_SPAN("Body") };

typedef bool (*header_reader)(struct wsm_envelope *env, const struct wsm_xml_node *node,
                              struct wsm_error *err);

/* A header that we know. */
struct header_rule {
    const char *ns;
    const char *name;
    header_reader read;       /* NULL = nothing to be kept */
    uint32_t must_understand; /* the answer to a request that insists on it; 0 = accepted */
};

static bool bad_header(struct wsm_error *err, const char *name, const char *why)
{
    return wsm_fail(err, ERROR_WSMAN_INVALID_MESSAGE_INFORMATION_HEADER, "header %s: %s", name,
                    why);
}

static bool read_to(struct wsm_envelope *env, const struct wsm_xml_node *node,
                    struct wsm_error *err)
{
    (void)err;
    env->to = wsm_span_trim(node->text);
    return true;
}

static bool read_action(struct wsm_envelope *env, const struct wsm_xml_node *node,
                        struct wsm_error *err)
{
    (void)err;
    env->action = wsm_span_trim(node->text);
    return true;
}

static bool read_reply_to(struct wsm_envelope *env, const struct wsm_xml_node *node,
                          struct wsm_error *err)
{
    (void)err;
    env->reply_to = wsm_xml_child_text(node, WSM_NS_ADDR, "Address");
    return true;
}

static bool read_fault_to(struct wsm_envelope *env, const struct wsm_xml_node *node,
                          struct wsm_error *err)
{
    env->fault_to = wsm_xml_child_text(node, WSM_NS_ADDR, "Address");
    return env->fault_to.len > 0 || bad_header(err, "FaultTo", "no address");
}

/* Kept as it stands, blanks too: clients compare RelatesTo with what they sent. */
static bool read_message_id(struct wsm_envelope *env, const struct wsm_xml_node *node,
                            struct wsm_error *err)
{
    if (wsm_span_trim(node->text).len == 0)
        return bad_header(err, "MessageID", "empty");
    if (wsm_xml_escaped_max(node->text) > WSM_MESSAGE_ID_MAX)
        return bad_header(err, "MessageID", "longer than WSM_MESSAGE_ID_MAX = 2048");
    env->message_id = node->text;
    return true;
}

static bool read_relates_to(struct wsm_envelope *env, const struct wsm_xml_node *node,
                            struct wsm_error *err)
{
    (void)err;
    env->relates_to = node->text;
    return true;
}

static bool read_resource_uri(struct wsm_envelope *env, const struct wsm_xml_node *node,
                              struct wsm_error *err)
{
    (void)err;
    env->resource_uri = wsm_span_trim(node->text);
    return true;
}

static bool read_session_id(struct wsm_envelope *env, const struct wsm_xml_node *node,
                            struct wsm_error *err)
{
    (void)err;
    env->session_id = wsm_span_trim(node->text);
    return true;
}

static bool read_activity_id(struct wsm_envelope *env, const struct wsm_xml_node *node,
                             struct wsm_error *err)
{
    (void)env;
    return node->text.len <= WSM_ACTIVITY_ID_MAX ||
           bad_header(err, "ActivityId", "longer than WSM_ACTIVITY_ID_MAX = 2048");
}

/* Windows answers 2150858767 to a bad time-out, not the more exact 2150858881. */
static bool read_timeout(struct wsm_envelope *env, const struct wsm_xml_node *node,
                         struct wsm_error *err)
{
    int64_t timeout_ms;

    if (!wsm_duration_parse(node->text, &timeout_ms))
        return bad_header(err, "for the time-out of the operation", "not a positive duration");
    env->operation_timeout_ms = timeout_ms;
    return true;
}

static bool read_max_envelope_size(struct wsm_envelope *env, const struct wsm_xml_node *node,
                                   struct wsm_error *err)
{
    struct wsm_span text = wsm_span_trim(node->text);
    uint64_t size = 0;
    size_t i;

    for (i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            break;
        /* All sizes beyond this are one: more than any server sends. */
        if (size < UINT64_MAX / 100)
            size = size * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    if (text.len == 0 || i < text.len)
        return bad_header(err, "MaxEnvelopeSize", "not a number");
    if (size == 0) /* which means "absent" in env */
        return wsm_fail(err, ERROR_WSMAN_MIN_ENVELOPE_SIZE, "MaxEnvelopeSize: zero");
    env->max_envelope_size = size;
    return true;
}

static uint8_t tolower_ascii(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + 32) : byte;
}

static bool is_same_name(struct wsm_span a, struct wsm_span b)
{
    size_t i;

    for (i = 0; i < a.len && i < b.len; i++)
        if (tolower_ascii(a.ptr[i]) != tolower_ascii(b.ptr[i]))
            return false;
    return a.len == b.len;
}

static bool read_selectors(struct wsm_envelope *env, const struct wsm_xml_node *node,
                           struct wsm_error *err)
{
    const struct wsm_xml_node *child = wsm_xml_child(node, WSM_NS_WSMAN, "Selector");
    size_t i;

    for (; child != NULL; child = wsm_xml_next_same(child)) {
        struct wsm_selector *selector = &env->selectors[env->selector_count];
        struct wsm_span name;

        if (!wsm_xml_attr(child, NULL, "Name", &name) || wsm_span_trim(name).len == 0)
            return wsm_fail(err, ERROR_WSMAN_INVALID_SELECTORS, "Selector: no Name");
        if (env->selector_count == WSM_SELECTORS_MAX)
            return wsm_fail(err, ERROR_WSMAN_SELECTOR_LIMIT,
                            "SelectorSet: more than WSM_SELECTORS_MAX = %d", WSM_SELECTORS_MAX);
        name = wsm_span_trim(name);
        for (i = 0; i < env->selector_count; i++)
            if (is_same_name(env->selectors[i].name, name))
                return wsm_fail(err, ERROR_WSMAN_DUPLICATE_SELECTORS, "SelectorSet: %.*s twice",
                                (int)name.len, (const char *)name.ptr);
        *selector = (struct wsm_selector){ .name = name, .value = wsm_span_trim(child->text) };
        env->selector_count++;
    }
    return true;
}

static bool read_options(struct wsm_envelope *env, const struct wsm_xml_node *node,
                         struct wsm_error *err)
{
    const struct wsm_xml_node *child = wsm_xml_child(node, WSM_NS_WSMAN, "Option");

    for (; child != NULL; child = wsm_xml_next_same(child)) {
        struct wsm_option option = { .value = wsm_span_trim(child->text) };
        struct wsm_span text;

        if (!wsm_xml_attr(child, NULL, "Name", &text) || wsm_span_trim(text).len == 0)
            return wsm_fail(err, ERROR_WSMAN_INVALID_OPTIONS, "Option: no Name");
        option.name = wsm_span_trim(text);
        if (wsm_xml_attr(child, NULL, "MustComply", &text) &&
            !wsm_xml_bool_parse(text, &option.must_comply))
            return wsm_fail(err, ERROR_WSMAN_INVALID_OPTIONS,
                            "Option %.*s: MustComply is neither true nor false",
                            (int)option.name.len, (const char *)option.name.ptr);
        if (env->option_count == WSM_OPTIONS_MAX)
            return wsm_fail(err, ERROR_WSMAN_OPTION_LIMIT,
                            "OptionSet: more than WSM_OPTIONS_MAX = %d", WSM_OPTIONS_MAX);
        env->options[env->option_count] = option;
        env->option_count++;
    }
    return true;
}

/* Not here: rsp:CompressionType. A client that sends it with mustUnderstand must get a fault. */
static const struct header_rule header_rules[] = {
    { WSM_NS_ADDR, "To", read_to, 0 },
    { WSM_NS_ADDR, "Action", read_action, 0 },
    { WSM_NS_ADDR, "ReplyTo", read_reply_to, 0 },
    { WSM_NS_ADDR, "MessageID", read_message_id, 0 },
    { WSM_NS_ADDR, "RelatesTo", read_relates_to, 0 },
    { WSM_NS_ADDR, "FaultTo", read_fault_to, 0 },
    { WSM_NS_ADDR, "From", NULL, 0 },
    { WSM_NS_WSMAN, "ResourceURI", read_resource_uri, 0 },
    { WSM_NS_WSMAN, "SelectorSet", read_selectors, 0 },
    { WSM_NS_WSMAN, "OptionSet", read_options, 0 },
    { WSM_NS_WSMAN, "OperationTimeout", read_timeout, 0 },
    { WSM_NS_WSMAN, "MaxEnvelopeSize", read_max_envelope_size, 0 },
    { WSM_NS_WSMAN, "Locale", NULL, ERROR_WSMAN_MUSTUNDERSTAND_ON_LOCALE_UNSUPPORTED },
    { WSM_NS_WSMAN, "FragmentTransfer", NULL, ERROR_WSMAN_FRAGMENT_TRANSFER_NOT_SUPPORTED },
    { WSM_NS_WSMAN, "RequestEPR", NULL, 0 },
    { WSM_NS_WSMAN, "RequestTotalItemsCountEstimate", NULL, 0 },
    { WSM_NS_WSMV, "DataLocale", NULL, ERROR_WSMAN_UNSUPPORTED_FEATURE },
    { WSM_NS_WSMV, "SessionId", read_session_id, 0 },
    { WSM_NS_WSMV, "OperationID", NULL, 0 },
    { WSM_NS_WSMV, "SequenceId", NULL, 0 },
    { WSM_NS_WSMV, "SequenceID", NULL, 0 },
    { WSM_NS_WSMV, "ActivityId", read_activity_id, 0 },
};
enum { HEADER_RULES = sizeof(header_rules) / sizeof(header_rules[0]) };
_Static_assert(HEADER_RULES <= 32, "read_headers() keeps one bit for each");

static const struct header_rule *find_rule(const struct wsm_xml_node *header)
{
    size_t i;

    for (i = 0; i < HEADER_RULES; i++)
        if (wsm_xml_is(header, header_rules[i].ns, header_rules[i].name))
            return &header_rules[i];
    return NULL;
}

/* Reads on after a bad header, so that a fault can name the MessageID behind it. A header
 * that comes twice is refused: two readers could take different ones. */
static bool read_headers(struct wsm_envelope *env, const struct wsm_xml_node *headers,
                         struct wsm_error *err)
{
    const struct wsm_xml_node *node;
    uint32_t seen = 0;
    bool ok = true;

    for (node = headers->first_child; node != NULL; node = node->next) {
        const struct header_rule *rule = find_rule(node);
        uint32_t bit;

        if (rule == NULL)
            continue;
        bit = UINT32_C(1) << (rule - header_rules);
        if ((seen & bit) != 0)
            ok = bad_header(err, rule->name, "comes twice");
        else if (rule->read != NULL && !rule->read(env, node, err))
            ok = false;
        seen |= bit;
    }
    return ok;
}

bool wsm_envelope_parse_with(struct wsm_envelope *env, struct wsm_xml_parser *parser,
                             uint8_t *bytes, size_t len, struct wsm_error *err)
{
    const struct wsm_xml_node *root;
    const struct wsm_xml_node *headers;

    *env = (struct wsm_envelope){ .operation_timeout_ms = -1, .body = &no_body };
    if (!wsm_xml_parse_with(&env->doc, parser, bytes, len, err))
        return false;
    root = env->doc.root;
    if (!wsm_span_is(root->name, "Envelope"))
        return wsm_fail(err, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR, "the root is no SOAP envelope");
    if (!wsm_span_is(root->ns, WSM_NS_SOAP))
        return wsm_fail(err, ERROR_WSMAN_SOAP_VERSION_MISMATCH, "the envelope is not SOAP 1.2");
    headers = wsm_xml_child(root, WSM_NS_SOAP, "Header");
    if (headers != NULL && !read_headers(env, headers, err))
        return false;
    if (headers != NULL && wsm_xml_next_same(headers) != NULL)
        return wsm_fail(err, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR, "two SOAP headers");
    if (wsm_xml_child(root, WSM_NS_SOAP, "Body") != NULL)
        env->body = wsm_xml_child(root, WSM_NS_SOAP, "Body");
    if (wsm_xml_next_same(env->body) != NULL)
        return wsm_fail(err, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR, "two SOAP bodies");
    return true;
}

bool wsm_envelope_parse(struct wsm_envelope *env, uint8_t *bytes, size_t len, struct wsm_error *err)
{
    struct wsm_xml_parser parser = { .expat = NULL };
    bool ok = wsm_envelope_parse_with(env, &parser, bytes, len, err);

    wsm_xml_parser_clear(&parser);
    return ok;
}

void wsm_envelope_clear(struct wsm_envelope *env)
{
    wsm_xml_doc_clear(&env->doc);
    *env = (struct wsm_envelope){ .operation_timeout_ms = -1, .body = &no_body };
}

/* Only the attribute in the SOAP namespace counts: pywinrm, masterzen/winrm and WinRb
 * write one without a namespace, which means nothing. */
static bool must_understand(const struct wsm_xml_node *header)
{
    struct wsm_span text;
    bool value;

    return wsm_xml_attr(header, WSM_NS_SOAP, "mustUnderstand", &text) &&
           wsm_xml_bool_parse(text, &value) && value;
}

static bool check_understood(const struct wsm_envelope *env, struct wsm_error *err)
{
    const struct wsm_xml_node *headers = wsm_xml_child(env->doc.root, WSM_NS_SOAP, "Header");
    const struct wsm_xml_node *node;

    for (node = headers == NULL ? NULL : headers->first_child; node != NULL; node = node->next) {
        const struct header_rule *rule;

        if (!must_understand(node))
            continue;
        rule = find_rule(node);
        if (rule == NULL)
            return wsm_fail(err, ERROR_WSMAN_SOAP_FAULT_MUST_UNDERSTAND,
                            "header %.*s: mustUnderstand, but not understood", (int)node->name.len,
                            (const char *)node->name.ptr);
        if (rule->must_understand != 0)
            return wsm_fail(err, rule->must_understand,
                            "header %s: not supported with mustUnderstand", rule->name);
    }
    return true;
}

static bool missing_header(struct wsm_error *err, const char *name)
{
    return wsm_fail(err, ERROR_WSMAN_MESSAGE_INFORMATION_HEADER_REQUIRED, "header %s: missing",
                    name);
}

bool wsm_envelope_check_request(const struct wsm_envelope *env, struct wsm_error *err)
{
    if (!check_understood(env, err))
        return false;
    if (env->to.len == 0)
        return missing_header(err, "To");
    if (env->action.len == 0)
        return missing_header(err, "Action");
    if (env->reply_to.len == 0)
        return missing_header(err, "ReplyTo");
    if (env->message_id.len == 0)
        return bad_header(err, "MessageID", "missing");
    if (!wsm_span_is(env->reply_to, WSM_URI_ANONYMOUS))
        return wsm_fail(err, ERROR_WSMAN_UNSUPPORTED_ADDRESSING_MODE,
                        "header ReplyTo: not the anonymous address");
    if (env->fault_to.len > 0 && !wsm_span_is(env->fault_to, WSM_URI_ANONYMOUS))
        return wsm_fail(err, ERROR_WSMAN_UNSUPPORTED_ADDRESSING_MODE,
                        "header FaultTo: not the anonymous address");
    if (env->max_envelope_size != 0 && env->max_envelope_size < WSM_ENVELOPE_SIZE_MIN)
        return wsm_fail(err, ERROR_WSMAN_MIN_ENVELOPE_SIZE, "MaxEnvelopeSize: less than %d",
                        WSM_ENVELOPE_SIZE_MIN);
    return true;
}

const struct wsm_xml_node *wsm_envelope_content(const struct wsm_envelope *env)
{
    return env->body->first_child;
}

struct wsm_span wsm_envelope_selector(const struct wsm_envelope *env, const char *name)
{
    size_t i;

    for (i = 0; i < env->selector_count; i++)
        if (wsm_span_is_nocase(env->selectors[i].name, name))
            return env->selectors[i].value;
    return wsm_span_of(NULL, 0);
}

const struct wsm_option *wsm_envelope_option(const struct wsm_envelope *env, const char *name)
{
    size_t i;

    for (i = 0; i < env->option_count; i++)
        if (wsm_span_is_nocase(env->options[i].name, name))
            return &env->options[i];
    return NULL;
}

/* START, the escaped text, END; nothing at all for NULL. */
static void write_text(struct wsm_buf *out, const char *start, const char *text, const char *end)
{
    if (text == NULL)
        return;
    wsm_buf_append_str(out, start);
    wsm_xml_escape(out, wsm_span_str(text));
    wsm_buf_append_str(out, end);
}

static void write_options(struct wsm_buf *out, const struct wsm_request_headers *headers)
{
    size_t i;

    if (headers->option_count == 0)
        return;
    wsm_buf_append_str(out, headers->options_must_understand
                                ? "<w:OptionSet s:mustUnderstand=\"true\">"
                                : "<w:OptionSet>");
    for (i = 0; i < headers->option_count; i++) {
        const struct wsm_option *option = &headers->options[i];

        wsm_buf_append_str(out, "<w:Option Name=\"");
        wsm_xml_escape_attr(out, option->name);
        wsm_buf_append_str(out, option->must_comply ? "\" MustComply=\"true\">" : "\">");
        wsm_xml_escape(out, option->value);
        wsm_buf_append_str(out, "</w:Option>");
    }
    wsm_buf_append_str(out, "</w:OptionSet>");
}

void wsm_request_begin(struct wsm_buf *out, const struct wsm_request_headers *headers)
{
    wsm_buf_append_str(out, "<s:Envelope xmlns:s=\"" WSM_NS_SOAP "\" xmlns:a=\"" WSM_NS_ADDR
                            "\" xmlns:w=\"" WSM_NS_WSMAN "\" xmlns:p=\"" WSM_NS_WSMV
                            "\" xmlns:rsp=\"" WSM_NS_SHELL "\"><s:Header>");
    write_text(out, "<a:To>", headers->to, "</a:To>");
    wsm_buf_append_str(out, "<a:ReplyTo><a:Address s:mustUnderstand=\"true\">" WSM_URI_ANONYMOUS
                            "</a:Address></a:ReplyTo>");
    write_text(out, "<a:Action s:mustUnderstand=\"true\">", headers->action, "</a:Action>");
    if (headers->max_envelope_size > 0)
        wsm_buf_printf(out, "<w:MaxEnvelopeSize s:mustUnderstand=\"true\">%lu</w:MaxEnvelopeSize>",
                       (unsigned long)headers->max_envelope_size);
    write_text(out, "<a:MessageID>", headers->message_id, "</a:MessageID>");
    wsm_buf_append_str(out, "<w:Locale xml:lang=\"");
    wsm_xml_escape_attr(out, wsm_span_str(headers->locale == NULL ? "en-US" : headers->locale));
    wsm_buf_append_str(out, "\" s:mustUnderstand=\"false\"/><p:DataLocale xml:lang=\"");
    wsm_xml_escape_attr(
        out, wsm_span_str(headers->data_locale == NULL ? "en-US" : headers->data_locale));
    wsm_buf_append_str(out, "\" s:mustUnderstand=\"false\"/>");
    write_text(out, "<p:SessionId s:mustUnderstand=\"false\">", headers->session_id,
               "</p:SessionId>");
    write_text(out, "<m:MachineID xmlns:m=\"" WSM_NS_MACHINE_ID "\" s:mustUnderstand=\"false\">",
               headers->machine_id, "</m:MachineID>");
    write_text(out, "<w:ResourceURI s:mustUnderstand=\"true\">", headers->resource_uri,
               "</w:ResourceURI>");
    write_text(out, "<w:SelectorSet><w:Selector Name=\"ShellId\">", headers->shell_id,
               "</w:Selector></w:SelectorSet>");
    write_options(out, headers);
    if (headers->operation_timeout_ms >= 0) {
        wsm_buf_append_str(out, "<w:OperationTimeout>");
        wsm_duration_write(out, headers->operation_timeout_ms);
        wsm_buf_append_str(out, "</w:OperationTimeout>");
    }
    wsm_buf_append_str(out, "</s:Header><s:Body>");
}

void wsm_request_end(struct wsm_buf *out)
{
    wsm_buf_append_str(out, "</s:Body></s:Envelope>");
}

/* Which prefixes beside s, a, w and p Windows declares, by the last part of the action. */
struct response_root {
    const char *name;
    bool has_x;
    bool has_n;
    bool has_rsp;
};

/* All others are as the first one. */
static const struct response_root response_roots[] = {
    { "CreateResponse", true, false, true },       { "ReceiveResponse", false, false, true },
    { "DeleteResponse", false, false, false },     { "GetResponse", true, false, false },
    { "DisconnectResponse", false, false, false }, { "ReconnectResponse", false, false, false },
    { "EnumerateResponse", false, true, false },   { "PullResponse", false, true, false },
    { "ReleaseResponse", false, true, false },
};

static void write_response_root(struct wsm_buf *out, const char *action)
{
    const char *slash = strrchr(action, '/');
    const struct response_root *root = &response_roots[0];
    size_t i;

    for (i = 1; slash != NULL && i < sizeof(response_roots) / sizeof(response_roots[0]); i++)
        if (strcmp(slash + 1, response_roots[i].name) == 0)
            root = &response_roots[i];
    wsm_buf_append_str(out, "<s:Envelope xml:lang=\"en-US\" xmlns:s=\"" WSM_NS_SOAP
                            "\" xmlns:a=\"" WSM_NS_ADDR "\"");
    if (root->has_x)
        wsm_buf_append_str(out, " xmlns:x=\"" WSM_NS_TRANSFER "\"");
    if (root->has_n)
        wsm_buf_append_str(out, " xmlns:n=\"" WSM_NS_ENUM "\"");
    wsm_buf_append_str(out, " xmlns:w=\"" WSM_NS_WSMAN "\"");
    if (root->has_rsp)
        wsm_buf_append_str(out, " xmlns:rsp=\"" WSM_NS_SHELL "\"");
    wsm_buf_append_str(out, " xmlns:p=\"" WSM_NS_WSMV "\"><s:Header>");
}

void wsm_response_begin(struct wsm_buf *out, const struct wsm_response_headers *headers)
{
    write_response_root(out, headers->action);
    write_text(out, "<a:Action>", headers->action, "</a:Action>");
    write_text(out, "<a:MessageID>uuid:", headers->message_id.text, "</a:MessageID>");
    wsm_buf_append_str(out, "<a:To>" WSM_URI_ANONYMOUS "</a:To>");
    if (headers->relates_to.len > 0) {
        wsm_buf_append_str(out, "<a:RelatesTo>");
        wsm_xml_escape(out, headers->relates_to);
        wsm_buf_append_str(out, "</a:RelatesTo>");
    }
    wsm_buf_append_str(out, "</s:Header><s:Body>");
}

void wsm_response_end(struct wsm_buf *out)
{
    wsm_buf_append_str(out, "</s:Body></s:Envelope>");
}

bool wsm_envelope_to_utf16(struct wsm_buf *buf, size_t from, struct wsm_error *err)
{
    char16_t *units;
    size_t count;
    size_t i;

    if (!wsm_buf_ok(buf))
        return wsm_fail_memory(err, "envelope");
    if (!wsm_utf8_to_utf16(wsm_span_of(buf->ptr + from, buf->len - from), "envelope", &units,
                           &count, err))
        return false;
    if (wsm_buf_reserve(buf, (count + 1) * 2)) {
        uint8_t *at = buf->ptr + from;

        *at++ = 0xFF; /* byte order mark */
        *at++ = 0xFE;
        for (i = 0; i < count; i++) {
            *at++ = (uint8_t)(units[i] & 0xFF);
            *at++ = (uint8_t)(units[i] >> 8);
        }
        buf->len = from + (count + 1) * 2;
    }
    free(units);
    return wsm_buf_ok(buf) || wsm_fail_memory(err, "envelope");
}
