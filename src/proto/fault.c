/* SOAP faults: the one place where a code becomes a fault, and the one where a fault
 * becomes a code. Pure; what a fault means to a caller is not decided here. */
#include "proto/fault.h"

#include "wsmerror.h"

#include <stdlib.h>
#include <string.h>

#define URI_FAULT_ADDRESSING  WSM_NS_ADDR "/fault"
#define URI_FAULT_ENUMERATION WSM_NS_ENUM "/fault"
#define URI_FAULT_TRANSFER    WSM_NS_TRANSFER "/fault"
#define URI_FAULT_WSMAN       "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"
#define URI_FAULT_DETAIL      "http://schemas.dmtf.org/wbem/wsman/1/wsman/faultDetail/"

/* How one code looks on the wire (protocol.md 5.2). The prefix of the subcode chooses
 * the action. Read from the subcode, the first entry with it (and the detail) counts. */
struct fault_rule {
    uint32_t code;
    const char *soap_code;
    const char *subcode; /* NULL = none */
    const char *detail;  /* last part of the FaultDetail URI; NULL = none */
    const char *text;    /* used if the error brings none */
};

#define SENDER   "s:Sender"
#define RECEIVER "s:Receiver"
#define TIMEOUT_TEXT \
    "nothing happened within the " WSM_FAULT_TIMEOUT_WORD " of the request; send it again"

/* What is not here is RECEIVER, w:InternalError: Win32 codes, states of shells. */
static const struct fault_rule fault_rules[] = {
    { ERROR_INTERNAL_ERROR, RECEIVER, "w:InternalError", NULL, "internal error" },
    { ERROR_WSMAN_SOAP_VERSION_MISMATCH, "s:VersionMismatch", NULL, NULL, "not SOAP 1.2" },
    { ERROR_WSMAN_SOAP_FAULT_MUST_UNDERSTAND, "s:MustUnderstand", NULL, NULL,
      "a header must be understood, but is not" },
    { ERROR_ACCESS_DENIED, SENDER, "w:AccessDenied", NULL, "access is denied" },
    { ERROR_WSMAN_ACTION_NOT_SUPPORTED, SENDER, "a:ActionNotSupported", NULL,
      "the action is not supported" },
    { ERROR_WSMAN_INVALID_ACTIONURI, SENDER, "a:ActionNotSupported", NULL,
      "the action is not a valid URI" },
    { ERROR_WSMAN_ACTION_MISMATCH, SENDER, "a:ActionNotSupported", "ActionMismatch",
      "the action does not fit the resource" },
    { ERROR_WSMAN_ALREADY_EXISTS, SENDER, "w:AlreadyExists", NULL, "it exists already" },
    { ERROR_WSMAN_CONCURRENCY, SENDER, "w:Concurrency", NULL, "another operation is under way" },
    { ERROR_WSMAN_INVALID_RESOURCE_URI, SENDER, "a:DestinationUnreachable", "InvalidResourceURI",
      "the ResourceURI names nothing here" },
    { ERROR_WSMAN_RESOURCE_NOT_FOUND, SENDER, "a:DestinationUnreachable", "InvalidResourceURI",
      "the ResourceURI names nothing here" },
    { ERROR_WSMAN_DESTINATION_UNREACHABLE, SENDER, "a:DestinationUnreachable", NULL,
      "the destination cannot be reached" },
    { ERROR_WSMAN_ENCODING_LIMIT, SENDER, "w:EncodingLimit", NULL, "a limit was passed" },
    { ERROR_WSMAN_MIN_ENVELOPE_SIZE, SENDER, "w:EncodingLimit", "MinimumEnvelopeLimit",
      "MaxEnvelopeSize is too small" },
    { ERROR_WSMAN_MAX_ENVELOPE_SIZE, SENDER, "w:EncodingLimit", "MaxEnvelopeSize",
      "the message is too large" },
    { ERROR_WSMAN_MAX_ENVELOPE_SIZE_EXCEEDED, SENDER, "w:EncodingLimit", "MaxEnvelopeSizeExceeded",
      "the answer does not fit into MaxEnvelopeSize" },
    { ERROR_WSMAN_ENVELOPE_TOO_LARGE, SENDER, "w:EncodingLimit", "MaxEnvelopeSize",
      "the message is too large" },
    { ERROR_WSMAN_SERVER_ENVELOPE_LIMIT, SENDER, "w:EncodingLimit", "ServiceEnvelopeLimit",
      "the message is too large for this service" },
    { ERROR_WSMAN_SELECTOR_LIMIT, SENDER, "w:EncodingLimit", "SelectorLimit",
      "too many selectors" },
    { ERROR_WSMAN_OPTION_LIMIT, SENDER, "w:EncodingLimit", "OptionLimit", "too many options" },
    { ERROR_WSMAN_URI_LIMIT, SENDER, "w:EncodingLimit", "URILimitExceeded", "a URI is too long" },
    { ERROR_WSMAN_UNSUPPORTED_ENCODING, SENDER, "w:EncodingLimit", "CharacterSet",
      "only UTF-8 and UTF-16 are supported" },
    { ERROR_WSMAN_ENDPOINT_UNAVAILABLE, RECEIVER, "a:EndpointUnavailable", NULL,
      "the service is not available" },
    { ERROR_WSMAN_ENUMERATE_FILTERING_NOT_SUPPORTED, SENDER, "n:FilteringNotSupported", NULL,
      "filters are not supported here" },
    { ERROR_WSMAN_ENUMERATE_CANNOT_PROCESS_FILTER, SENDER, "n:CannotProcessFilter", NULL,
      "the filter cannot be processed" },
    { ERROR_WSMAN_ENUMERATE_FILTER_DIALECT_REQUESTED_UNAVAILABLE, SENDER,
      "n:FilterDialectRequestedUnavailable", NULL, "the dialect of the filter is not supported" },
    { ERROR_WSMAN_ENUMERATE_INVALID_ENUMERATION_CONTEXT, RECEIVER, "n:InvalidEnumerationContext",
      NULL, "there is no such enumeration, or no longer" },
    { ERROR_WSMAN_INVALID_MESSAGE_INFORMATION_HEADER, SENDER, "a:InvalidMessageInformationHeader",
      NULL, "a header has a bad value" },
    { ERROR_WSMAN_INVALID_TIMEOUT_HEADER, SENDER, "a:InvalidMessageInformationHeader",
      "InvalidTimeout", "the time-out is not a duration" },
    { ERROR_WSMAN_MESSAGE_INFORMATION_HEADER_REQUIRED, SENDER, "a:MessageInformationHeaderRequired",
      NULL, "a header is missing" },
    { ERROR_WSMAN_INVALID_OPTIONS, SENDER, "w:InvalidOptions", NULL, "an option is not valid" },
    { ERROR_WSMAN_INVALID_OPTIONSET, SENDER, "w:InvalidOptions", NULL, "an option is not valid" },
    { ERROR_WSMAN_OPTIONS_NOT_SUPPORTED, SENDER, "w:InvalidOptions", "NotSupported",
      "options are not supported" },
    { ERROR_WSMAN_OPTIONS_INVALID_NAME, SENDER, "w:InvalidOptions", "InvalidName",
      "an option that must be complied with is unknown" },
    { ERROR_WSMAN_OPTIONS_INVALID_VALUE, SENDER, "w:InvalidOptions", "InvalidValue",
      "the value of an option is not valid" },
    { ERROR_WINRS_CODE_PAGE_NOT_SUPPORTED, SENDER, "w:InvalidOptions", "InvalidValue",
      "the code page is not supported" },
    { ERROR_WSMAN_INVALID_PARAMETER, SENDER, "w:InvalidParameter", NULL,
      "a parameter is not valid" },
    { ERROR_INVALID_PARAMETER, SENDER, "w:InvalidParameter", "InvalidValue",
      "a parameter is not valid" },
    { ERROR_WSMAN_INVALID_REPRESENTATION, SENDER, "x:InvalidRepresentation", "InvalidValues",
      "the body does not fit the resource" },
    { ERROR_WSMAN_INVALID_SELECTORS, SENDER, "w:InvalidSelectors", NULL,
      "the selectors are not valid" },
    { ERROR_WSMAN_UNEXPECTED_SELECTORS, SENDER, "w:InvalidSelectors", "UnexpectedSelectors",
      "there is no such shell or command" },
    { ERROR_WSMAN_INSUFFCIENT_SELECTORS, SENDER, "w:InvalidSelectors", "InsufficientSelectors",
      "a selector is missing" },
    { ERROR_WSMAN_INVALID_SELECTOR_VALUE, SENDER, "w:InvalidSelectors", "InvalidValue",
      "the value of a selector is not valid" },
    { ERROR_WSMAN_DUPLICATE_SELECTORS, SENDER, "w:InvalidSelectors", "DuplicateSelectors",
      "a selector comes twice" },
    { ERROR_WSMAN_QUOTA_LIMIT, SENDER, "w:QuotaLimit", NULL, "a quota is used up" },
    { ERROR_WSMAN_QUOTA_USER, SENDER, "w:QuotaLimit", NULL, "the quota of the user is used up" },
    { ERROR_WSMAN_QUOTA_SYSTEM, SENDER, "w:QuotaLimit", NULL,
      "the quota of the system is used up" },
    { ERROR_WSMAN_QUOTA_MAX_SHELLS, SENDER, "w:QuotaLimit", NULL,
      "the user has as many shells as MaxShellsPerUser allows" },
    { ERROR_WSMAN_QUOTA_MAX_OPERATIONS, SENDER, "w:QuotaLimit", NULL,
      "the user has as many operations as the service allows" },
    { ERROR_WSMAN_QUOTA_MAX_SHELLUSERS, SENDER, "w:QuotaLimit", NULL,
      "as many users have shells as the service allows" },
    { ERROR_WSMAN_QUOTA_MAX_SHELLS_PPQ, SENDER, "w:QuotaLimit", NULL,
      "the quota of shells is used up" },
    { ERROR_WSMAN_QUOTA_MAX_USERS_PPQ, SENDER, "w:QuotaLimit", NULL,
      "the quota of users is used up" },
    { ERROR_WSMAN_QUOTA_MAX_PLUGINSHELLS_PPQ, SENDER, "w:QuotaLimit", NULL,
      "the quota of shells of this kind is used up" },
    { ERROR_WSMAN_QUOTA_MAX_PLUGINOPERATIONS_PPQ, SENDER, "w:QuotaLimit", NULL,
      "the quota of operations of this kind is used up" },
    { ERROR_WSMAN_QUOTA_MAX_OPERATIONS_USER_PPQ, SENDER, "w:QuotaLimit", NULL,
      "the quota of operations of the user is used up" },
    { ERROR_WSMAN_QUOTA_MAX_COMMANDS_PER_SHELL_PPQ, SENDER, "w:QuotaLimit", NULL,
      "the shell runs as many commands as MaxConcurrentCommandsPerShell allows" },
    { ERROR_WSMAN_SCHEMA_VALIDATION_ERROR, SENDER, "w:SchemaValidationError", NULL,
      "the body is not as it should be" },
    { ERROR_WSMAN_INVALID_XML, SENDER, "w:SchemaValidationError", NULL, "the XML is not valid" },
    { ERROR_WSMAN_INVALID_SOAP_BODY, SENDER, "w:SchemaValidationError", NULL,
      "the body is not as it should be" },
    { ERROR_WSMAN_OPERATION_TIMEDOUT, RECEIVER, "w:TimedOut", NULL, TIMEOUT_TEXT },
    { ERROR_WSMAN_UNSUPPORTED_FEATURE, SENDER, "w:UnsupportedFeature", NULL,
      "the feature is not supported" },
    { ERROR_WSMAN_UNSUPPORTED_ADDRESSING_MODE, SENDER, "w:UnsupportedFeature", "AddressingMode",
      "only anonymous addresses are supported" },
    { ERROR_WSMAN_MUSTUNDERSTAND_ON_LOCALE_UNSUPPORTED, SENDER, "w:UnsupportedFeature", "Locale",
      "the locale cannot be complied with" },
    { ERROR_WSMAN_FRAGMENT_TRANSFER_NOT_SUPPORTED, SENDER, "w:UnsupportedFeature",
      "FragmentLevelAccess", "access to fragments is not supported" },
    { ERROR_WSMAN_ENUMERATION_MODE_UNSUPPORTED, SENDER, "w:UnsupportedFeature", "EnumerationMode",
      "the mode of enumeration is not supported" },
    { ERROR_WSMAN_ENUMERATE_SHELLCOMMANDS_EPRS_NOTSUPPORTED, SENDER, "w:UnsupportedFeature",
      "EnumerationMode", "commands have no endpoint references" },
    { ERROR_WSMAN_ENUMERATE_SHELLCOMAMNDS_FILTER_EXPECTED, RECEIVER, "w:InternalError", NULL,
      "commands are enumerated by a selector filter that names their shell" },
    { ERROR_WSMAN_REMOTESHELLS_NOT_ALLOWED, RECEIVER, "w:InternalError", NULL,
      "remote shells are not allowed (AllowRemoteShellAccess)" },
    { ERROR_WINRS_RECEIVE_IN_PROGRESS, RECEIVER, "w:InternalError", NULL,
      "another Receive took the place of this one" },
    { ERROR_WINRS_SHELL_DISCONNECTED, RECEIVER, "w:InternalError", NULL,
      "the shell is disconnected" },
    { ERROR_WINRS_SHELL_DISCONNECT_NOT_SUPPORTED, RECEIVER, "w:InternalError", NULL,
      "the shell cannot be disconnected: its creator sent no ShellId or no SessionId" },
    { ERROR_WINRS_SHELL_CLIENTSESSIONID_MISMATCH, RECEIVER, "w:InternalError", NULL,
      "the shell belongs to another session of the user" },
    { ERROR_WINRS_SHELL_CONNECTED_TO_DIFFERENT_CLIENT, RECEIVER, "w:InternalError", NULL,
      "the shell is connected to another session of the user" },
    { ERROR_WINRS_SHELL_RECONNECT_OPERATION_NOT_VALID, RECEIVER, "w:InternalError", NULL,
      "the shell cannot be reconnected in its state" },
    { ERROR_WINRS_SHELL_CLIENTID_NOT_VALID, RECEIVER, "w:InternalError", NULL,
      "the ShellId is not a GUID" },
    { ERROR_WINRS_SHELL_CLIENTID_RESOURCE_CONFLICT, RECEIVER, "w:InternalError", NULL,
      "a shell with that ShellId exists already" },
    { ERROR_WSMAN_SERVICE_STREAM_DISCONNECTED, RECEIVER, "w:InternalError", NULL,
      "the shell was disconnected before there was output" },
    { ERROR_WINRS_IDLETIMEOUT_OUTOFBOUNDS, RECEIVER, "w:InternalError", NULL,
      "the idle time-out is out of bounds" },
    { ERROR_OUTOFMEMORY, RECEIVER, "w:InternalError", NULL, "out of memory" },
    { ERROR_NOT_SUPPORTED, RECEIVER, "w:InternalError", NULL, "not supported" },
    { ERROR_BROKEN_PIPE, RECEIVER, "w:InternalError", NULL,
      "the command no longer reads its input" },
    { ERROR_BUSY, RECEIVER, "w:InternalError", NULL, "the command still reads earlier input" },
    { ERROR_OPERATION_ABORTED, RECEIVER, "w:InternalError", NULL,
      "the operation was aborted, because its shell or command ended" },
};

static const struct fault_rule *rule_of_code(uint32_t code)
{
    size_t i;

    for (i = 0; i < sizeof(fault_rules) / sizeof(fault_rules[0]); i++)
        if (fault_rules[i].code == code)
            return &fault_rules[i];
    return &fault_rules[0];
}

static const char *action_of(const struct fault_rule *rule)
{
    if (rule->subcode == NULL || rule->subcode[0] == 'a')
        return URI_FAULT_ADDRESSING;
    if (rule->subcode[0] == 'n')
        return URI_FAULT_ENUMERATION;
    if (rule->subcode[0] == 'x')
        return URI_FAULT_TRANSFER;
    return URI_FAULT_WSMAN;
}

/* The start of a text that may repeat what a client sent; never half a character. */
static struct wsm_span start_of(const char *text)
{
    size_t len = strlen(text);

    if (len > WSM_FAULT_TEXT_MAX) {
        len = WSM_FAULT_TEXT_MAX;
        while (len > 0 && ((uint8_t)text[len] & 0xC0) == 0x80)
            len--;
    }
    return wsm_span_of(text, len);
}

/* The text of the fault. WSM_FAULT_TIMEOUT_WORD is put into the fault that needs it, and
 * loses its shape in all others (it may come from what a client sent). */
static void write_fault_text(struct wsm_buf *out, const struct fault_rule *rule,
                             const struct wsm_error *err)
{
    static const char word[] = WSM_FAULT_TIMEOUT_WORD;
    const char *text = err->text;
    struct wsm_span rest;
    const uint8_t *hit;

    if (text == NULL)
        text = rule->code == err->code ? rule->text : wsm_error_text(err);
    rest = start_of(text);
    if (err->code == ERROR_WSMAN_OPERATION_TIMEDOUT) {
        hit = memmem(rest.ptr, rest.len, word, sizeof(word) - 1);
        wsm_xml_escape(out, hit == NULL ? wsm_span_str(rule->text) : rest);
        return;
    }
    while ((hit = memmem(rest.ptr, rest.len, word, sizeof(word) - 1)) != NULL) {
        size_t before = (size_t)(hit - rest.ptr);

        wsm_xml_escape(out, wsm_span_of(rest.ptr, before));
        wsm_buf_append_str(out, "operation time-out");
        before += sizeof(word) - 1;
        rest = wsm_span_of(rest.ptr + before, rest.len - before);
    }
    wsm_xml_escape(out, rest);
}

/* Ansible makes a new shell on this quota only if the code stands in an MSFT_WmiError,
 * which newer Windows sends for it. */
static void write_wmi_error(struct wsm_buf *out, const struct fault_rule *rule,
                            const struct wsm_error *err)
{
    wsm_buf_append_str(out, "<p:MSFT_WmiError xmlns:p=\"" WSM_NS_WMIERROR
                            "\"><p:CIMStatusCode>27</p:CIMStatusCode><p:Message>");
    write_fault_text(out, rule, err);
    wsm_buf_printf(out,
                   "</p:Message><p:MessageID>HRESULT 0x%08lx</p:MessageID><p:error_Category>30"
                   "</p:error_Category><p:error_Code>%lu</p:error_Code><p:error_Type>HRESULT"
                   "</p:error_Type><p:error_WindowsErrorMessage>",
                   (unsigned long)err->code, (unsigned long)err->code);
    write_fault_text(out, rule, err);
    wsm_buf_append_str(out, "</p:error_WindowsErrorMessage></p:MSFT_WmiError>");
}

static void write_detail(struct wsm_buf *out, const struct fault_rule *rule,
                         const struct wsm_error *err, const char *machine)
{
    wsm_buf_append_str(out, "<s:Detail>");
    if (rule->detail != NULL) {
        wsm_buf_append_str(out, "<w:FaultDetail>" URI_FAULT_DETAIL);
        wsm_buf_append_str(out, rule->detail);
        wsm_buf_append_str(out, "</w:FaultDetail>");
    }
    wsm_buf_printf(out, "<f:WSManFault xmlns:f=\"" WSM_NS_FAULT "\" Code=\"%lu\" Machine=\"",
                   (unsigned long)err->code);
    wsm_xml_escape_attr(out, wsm_span_str(machine));
    wsm_buf_append_str(out, "\"><f:Message>");
    write_fault_text(out, rule, err);
    wsm_buf_append_str(out, "</f:Message></f:WSManFault>");
    if (err->code == ERROR_WSMAN_QUOTA_MAX_OPERATIONS)
        write_wmi_error(out, rule, err);
    wsm_buf_append_str(out, "</s:Detail>");
}

void wsm_fault_write(struct wsm_buf *out, const struct wsm_guid *message_id,
                     struct wsm_span relates_to, const struct wsm_error *err, const char *machine)
{
    const struct fault_rule *rule = rule_of_code(err->code);

    wsm_buf_append_str(out, "<s:Envelope xml:lang=\"en-US\" xmlns:s=\"" WSM_NS_SOAP
                            "\" xmlns:a=\"" WSM_NS_ADDR "\" xmlns:x=\"" WSM_NS_TRANSFER
                            "\" xmlns:e=\"" WSM_NS_EVENT "\" xmlns:n=\"" WSM_NS_ENUM
                            "\" xmlns:w=\"" WSM_NS_WSMAN "\" xmlns:p=\"" WSM_NS_WSMV
                            "\"><s:Header><a:Action>");
    wsm_buf_append_str(out, action_of(rule));
    wsm_buf_append_str(out, "</a:Action><a:MessageID>uuid:");
    wsm_buf_append_str(out, message_id->text);
    wsm_buf_append_str(out, "</a:MessageID><a:To>" WSM_URI_ANONYMOUS "</a:To>");
    if (relates_to.len > 0) {
        wsm_buf_append_str(out, "<a:RelatesTo>");
        wsm_xml_escape(out, relates_to);
        wsm_buf_append_str(out, "</a:RelatesTo>");
    }
    wsm_buf_append_str(out, "</s:Header><s:Body><s:Fault><s:Code><s:Value>");
    wsm_buf_append_str(out, rule->soap_code);
    wsm_buf_append_str(out, "</s:Value>");
    if (rule->subcode != NULL) {
        wsm_buf_append_str(out, "<s:Subcode><s:Value>");
        wsm_buf_append_str(out, rule->subcode);
        wsm_buf_append_str(out, "</s:Value></s:Subcode>");
    }
    wsm_buf_append_str(out, "</s:Code><s:Reason><s:Text xml:lang=\"en-US\">");
    write_fault_text(out, rule, err);
    wsm_buf_append_str(out, "</s:Text></s:Reason>");
    write_detail(out, rule, err, machine);
    wsm_buf_append_str(out, "</s:Fault></s:Body></s:Envelope>");
}

/* Decimal as Windows writes it, negative or hexadecimal as some others do. */
static bool parse_code(struct wsm_span text, uint32_t *out_code)
{
    char digits[24];
    char *end;
    long long value;

    text = wsm_span_trim(text);
    if (text.len == 0 || text.len >= sizeof(digits))
        return false;
    memcpy(digits, text.ptr, text.len);
    digits[text.len] = '\0';
    value = strtoll(digits, &end, strncmp(digits, "0x", 2) == 0 ? 16 : 10);
    if (*end != '\0' || value < INT32_MIN || value > UINT32_MAX || value == 0)
        return false;
    *out_code = (uint32_t)value;
    return true;
}

static struct wsm_span local_part(struct wsm_span qname)
{
    size_t i;

    qname = wsm_span_trim(qname);
    for (i = qname.len; i > 0; i--)
        if (qname.ptr[i - 1] == ':' || qname.ptr[i - 1] == '/')
            return wsm_span_of(qname.ptr + i, qname.len - i);
    return qname;
}

/* Prefixes are not resolved: the local names are unique among the specifications. */
static uint32_t code_of_subcode(const struct wsm_xml_node *fault)
{
    static const struct wsm_xml_node nothing = { .next = NULL };
    const struct wsm_xml_node *code = wsm_xml_child(fault, WSM_NS_SOAP, "Code");
    const struct wsm_xml_node *subcode = code == NULL ? NULL
                                                      : wsm_xml_child(code, WSM_NS_SOAP, "Subcode");
    const struct wsm_xml_node *detail = wsm_xml_child(fault, WSM_NS_SOAP, "Detail");
    struct wsm_span name = local_part(wsm_xml_child_text(subcode != NULL ? subcode
                                                         : code != NULL  ? code
                                                                         : &nothing,
                                                         WSM_NS_SOAP, "Value"));
    struct wsm_span detail_name = local_part(
        wsm_xml_child_text(detail == NULL ? &nothing : detail, WSM_NS_WSMAN, "FaultDetail"));
    uint32_t best = 0;
    size_t i;

    for (i = 0; i < sizeof(fault_rules) / sizeof(fault_rules[0]); i++) {
        const struct fault_rule *rule = &fault_rules[i];
        const char *qname = rule->subcode != NULL ? rule->subcode : rule->soap_code;

        if (!wsm_span_is(name, qname + 2))
            continue;
        if (wsm_span_is(detail_name, rule->detail == NULL ? "" : rule->detail))
            return rule->code;
        if (best == 0)
            best = rule->code;
    }
    return best != 0 ? best : ERROR_INTERNAL_ERROR;
}

static uint32_t code_of_fault(const struct wsm_xml_node *fault, const struct wsm_xml_node *wsman,
                              const struct wsm_xml_node *wmi)
{
    struct wsm_span text;
    uint32_t code;

    if (wsman != NULL && wsm_xml_attr(wsman, NULL, "Code", &text) && parse_code(text, &code))
        return code;
    if (wmi != NULL && parse_code(wsm_xml_child_text(wmi, WSM_NS_WMIERROR, "error_Code"), &code))
        return code;
    return code_of_subcode(fault);
}

/* All text below the node: f:Message may hold f:ProviderFault with another f:WSManFault. */
static void collect_text(const struct wsm_xml_node *node, struct wsm_buf *out)
{
    struct wsm_span text = wsm_span_trim(node->text);
    const struct wsm_xml_node *child;

    if (text.len > 0 && out->len > 0)
        wsm_buf_append_byte(out, ' ');
    wsm_buf_append_span(out, text);
    for (child = node->first_child; child != NULL; child = child->next)
        collect_text(child, out);
}

/* Where the text is taken from; NULL = there is none. */
static const struct wsm_xml_node *text_of_fault(const struct wsm_xml_node *fault,
                                                const struct wsm_xml_node *wsman,
                                                const struct wsm_xml_node *wmi, struct wsm_buf *out)
{
    const struct wsm_xml_node *reason = wsm_xml_child(fault, WSM_NS_SOAP, "Reason");
    const struct wsm_xml_node *const places[] = {
        wsman == NULL ? NULL : wsm_xml_child(wsman, WSM_NS_FAULT, "Message"),
        wmi == NULL ? NULL : wsm_xml_child(wmi, WSM_NS_WMIERROR, "Message"),
        reason == NULL ? NULL : wsm_xml_child(reason, WSM_NS_SOAP, "Text"),
    };
    size_t i;

    for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (places[i] != NULL)
            collect_text(places[i], out);
        if (out->len > 0)
            return places[i];
    }
    return NULL;
}

/* ---- Where it arose ---- */

/* The first element of that name at or below `node`, in any namespace. */
static const struct wsm_xml_node *find_below(const struct wsm_xml_node *node, const char *name)
{
    const struct wsm_xml_node *child;
    const struct wsm_xml_node *found = NULL;

    if (wsm_span_is_nocase(node->name, name))
        return node;
    for (child = node->first_child; child != NULL && found == NULL; child = child->next)
        found = find_below(child, name);
    return found;
}

static struct wsm_span limited(struct wsm_span text)
{
    text = wsm_span_trim(text);
    return text.len <= WSM_FAULT_ORIGIN_MAX ? text : wsm_span_of(NULL, 0);
}

static struct wsm_span attr_of(const struct wsm_xml_node *node, const char *name)
{
    struct wsm_span value = { NULL, 0 };

    if (node != NULL)
        (void)wsm_xml_attr(node, NULL, name, &value);
    return limited(value);
}

/* xml:lang holds for all that is inside. */
static struct wsm_span language_of(const struct wsm_xml_node *node)
{
    struct wsm_span language;

    for (; node != NULL; node = node->parent)
        if (wsm_xml_attr(node, WSM_NS_XML, "lang", &language))
            return limited(language);
    return wsm_span_of(NULL, 0);
}

/* The first URL in the text, up to a blank. */
static struct wsm_span url_in(struct wsm_span text)
{
    const uint8_t *mark = memmem(text.ptr, text.len, "://", 3);
    const uint8_t *start = mark;
    const uint8_t *end = mark;

    if (mark == NULL)
        return wsm_span_of(NULL, 0);
    while (start > text.ptr && !wsm_is_xml_space(start[-1]))
        start--;
    while (end < text.ptr + text.len && !wsm_is_xml_space(*end))
        end++;
    return wsm_span_of(start, (size_t)(end - start));
}

/* How Windows wraps the new address is documented nowhere: an element that is called so, else
 * the first URL in what the fault says. */
static struct wsm_span redirect_of(const struct wsm_xml_node *detail, struct wsm_span text)
{
    const struct wsm_xml_node *node = detail == NULL ? NULL
                                                     : find_below(detail, "RedirectLocation");

    return node != NULL ? wsm_span_trim(node->text) : url_in(text);
}

bool wsm_fault_parse(const struct wsm_envelope *env, struct wsm_error *err)
{
    const struct wsm_xml_node *fault = wsm_xml_child(env->body, WSM_NS_SOAP, "Fault");
    const struct wsm_xml_node *detail;
    const struct wsm_xml_node *wsman = NULL;
    const struct wsm_xml_node *wmi = NULL;
    const struct wsm_xml_node *place;
    struct wsm_buf text = WSM_BUF_INIT;
    struct wsm_span redirect = { NULL, 0 };

    if (fault == NULL)
        return false;
    detail = wsm_xml_child(fault, WSM_NS_SOAP, "Detail");
    if (detail != NULL) {
        wsman = wsm_xml_child(detail, WSM_NS_FAULT, "WSManFault");
        wmi = wsm_xml_child(detail, WSM_NS_WMIERROR, "MSFT_WmiError");
    }
    err->code = code_of_fault(fault, wsman, wmi);
    place = text_of_fault(fault, wsman, wmi, &text);
    if (err->code == ERROR_WSMAN_REDIRECT_REQUESTED)
        redirect = redirect_of(detail, wsm_buf_span(&text));
    wsm_error_set_origin(
        err, attr_of(wsman, "Machine"),
        attr_of(wsman == NULL ? NULL : find_below(wsman, "ProviderFault"), "provider"),
        language_of(place), redirect);
    if (text.len > 0) {
        wsm_buf_append_byte(&text, '\0');
        if (wsm_buf_ok(&text)) {
            err->text = (char *)text.ptr;
            text = (struct wsm_buf)WSM_BUF_INIT; /* transferred to err */
        }
    }
    wsm_buf_clear(&text);
    return true;
}
