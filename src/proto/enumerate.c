/* Get, Enumerate, Pull and Release. Pure; which shells somebody sees, what a context stands
 * for and which filters are supported is not decided here. */
#include "proto/enumerate.h"

#include "proto/element.h"

#include "wsmerror.h"

#define N_DECLARATION " xmlns:n=\"" WSM_NS_ENUM "\""

enum {
    ENVELOPE_MAX = 900 + WSM_MESSAGE_ID_MAX, /* everything around; RelatesTo as escaped */
    ITEMS_FRAME_MAX = 200,                   /* tags of an answer with items and context */
};

void wsm_get_request_write(struct wsm_buf *out, const struct wsm_request_headers *headers)
{
    wsm_request_begin(out, headers);
    wsm_request_end(out);
}

void wsm_get_response_write(struct wsm_buf *out, const struct wsm_response_headers *headers,
                            const struct wsm_shell_item *item)
{
    wsm_response_begin(out, headers);
    wsm_shell_item_write(out, item);
    wsm_response_end(out);
}

bool wsm_get_response_parse(const struct wsm_envelope *env, struct wsm_shell_item *out,
                            struct wsm_error *err)
{
    const struct wsm_xml_node *shell = wsm_envelope_content(env);

    if (shell == NULL || !wsm_xml_is(shell, WSM_NS_SHELL, "Shell"))
        return wsm_fail(err, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR, "no rsp:Shell in the answer");
    wsm_shell_item_parse(shell, out);
    return true;
}

static void write_max_elements(struct wsm_buf *out, char prefix, uint32_t max)
{
    if (max > 0)
        wsm_buf_printf(out, "<%c:MaxElements>%lu</%c:MaxElements>", prefix, (unsigned long)max,
                       prefix);
}

/* Leaves *inout alone if there is none. What no counter can hold is cut off. */
static bool parse_max_elements(const struct wsm_xml_node *parent, const char *ns, uint32_t *inout,
                               struct wsm_error *err)
{
    const struct wsm_xml_node *node = wsm_xml_child(parent, ns, "MaxElements");
    uint64_t max;

    if (node == NULL)
        return true;
    if (!wsm_xml_number_parse(node->text, UINT64_MAX, &max) || max == 0)
        return wsm_fail(err, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR,
                        "MaxElements: not a positive number");
    *inout = max > UINT32_MAX ? UINT32_MAX : (uint32_t)max;
    return true;
}

void wsm_enumerate_request_write(struct wsm_buf *out, const struct wsm_request_headers *headers,
                                 const struct wsm_enumerate_request *msg)
{
    wsm_request_begin(out, headers);
    wsm_buf_append_str(out, "<n:Enumerate" N_DECLARATION ">");
    if (msg->is_optimized)
        wsm_buf_append_str(out, "<w:OptimizeEnumeration/>");
    write_max_elements(out, 'w', msg->max_elements);
    if (msg->wants_epr)
        wsm_buf_append_str(out, "<w:EnumerationMode>EnumerateEPR</w:EnumerationMode>");
    if (msg->has_filter) {
        wsm_buf_append_str(out, "<w:Filter");
        wsm_element_write_attr(out, "Dialect", msg->dialect);
        wsm_buf_append_str(out, "><w:SelectorSet><w:Selector Name=\"ShellId\">");
        wsm_xml_escape(out, msg->shell_id);
        wsm_buf_append_str(out, "</w:Selector></w:SelectorSet></w:Filter>");
    }
    wsm_buf_append_str(out, "</n:Enumerate>");
    wsm_request_end(out);
}

static bool parse_mode(const struct wsm_xml_node *enumerate, bool *out_wants_epr,
                       struct wsm_error *err)
{
    const struct wsm_xml_node *mode = wsm_xml_child(enumerate, WSM_NS_WSMAN, "EnumerationMode");
    struct wsm_span text;

    if (mode == NULL)
        return true;
    text = wsm_span_trim(mode->text);
    *out_wants_epr = wsm_span_is(text, "EnumerateEPR") ||
                     wsm_span_is(text, "EnumerateObjectAndEPR");
    return *out_wants_epr || wsm_span_is(text, "EnumerateObject") ||
           wsm_fail(err, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR, "w:EnumerationMode: \"%.*s\"",
                    (int)text.len, (const char *)text.ptr);
}

/* Selector ShellId of a filter; empty if there is none. */
static struct wsm_span shell_id_of(const struct wsm_xml_node *filter)
{
    const struct wsm_xml_node *set = wsm_xml_child(filter, WSM_NS_WSMAN, "SelectorSet");
    const struct wsm_xml_node *node = set == NULL ? NULL
                                                  : wsm_xml_child(set, WSM_NS_WSMAN, "Selector");
    struct wsm_span name;

    for (; node != NULL; node = wsm_xml_next_same(node))
        if (wsm_xml_attr(node, NULL, "Name", &name) &&
            wsm_span_is_nocase(wsm_span_trim(name), "ShellId"))
            return wsm_span_trim(node->text);
    return wsm_span_of(NULL, 0);
}

static bool parse_filter(const struct wsm_xml_node *enumerate, struct wsm_enumerate_request *msg,
                         struct wsm_error *err)
{
    const struct wsm_xml_node *filter = wsm_xml_child(enumerate, WSM_NS_WSMAN, "Filter");
    const struct wsm_xml_node *other = wsm_xml_child(enumerate, WSM_NS_ENUM, "Filter");
    struct wsm_span dialect;

    if (filter == NULL) {
        filter = other;
        other = NULL;
    }
    if (filter == NULL)
        return true;
    if (other != NULL || wsm_xml_next_same(filter) != NULL)
        return wsm_fail(err, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR, "Filter: more than one");
    msg->has_filter = true;
    if (wsm_xml_attr(filter, NULL, "Dialect", &dialect))
        msg->dialect = wsm_span_trim(dialect);
    if (wsm_span_is(msg->dialect, WSM_DIALECT_SELECTOR))
        msg->shell_id = shell_id_of(filter);
    return true;
}

bool wsm_enumerate_request_parse(const struct wsm_envelope *env, struct wsm_enumerate_request *out,
                                 struct wsm_error *err)
{
    const struct wsm_xml_node *enumerate = wsm_envelope_content(env);
    struct wsm_enumerate_request msg = { .max_elements = 0 };

    if (enumerate == NULL || !wsm_xml_is(enumerate, WSM_NS_ENUM, "Enumerate"))
        return wsm_fail(err, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR, "no n:Enumerate in the body");
    msg.is_optimized = wsm_xml_child(enumerate, WSM_NS_WSMAN, "OptimizeEnumeration") != NULL;
    if (!parse_max_elements(enumerate, WSM_NS_WSMAN, &msg.max_elements, err) ||
        !parse_mode(enumerate, &msg.wants_epr, err) || !parse_filter(enumerate, &msg, err))
        return false;
    if (msg.shell_id.len == 0)
        msg.shell_id = wsm_envelope_selector(env, "ShellId");
    *out = msg;
    return true;
}

static void write_context(struct wsm_buf *out, struct wsm_span context)
{
    wsm_buf_append_str(out, "<n:EnumerationContext>");
    wsm_xml_escape(out, context);
    wsm_buf_append_str(out, "</n:EnumerationContext>");
}

/* The context in n:NAME, the body of Pull and Release. */
static const struct wsm_xml_node *parse_context(const struct wsm_envelope *env, const char *name,
                                                struct wsm_span *out, struct wsm_error *err)
{
    const struct wsm_xml_node *content = wsm_envelope_content(env);
    const struct wsm_xml_node *node = NULL;

    if (content != NULL && wsm_xml_is(content, WSM_NS_ENUM, name))
        node = wsm_xml_child(content, WSM_NS_ENUM, "EnumerationContext");
    if (node == NULL) {
        wsm_fail(err, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR,
                 "no n:%s with n:EnumerationContext in the body", name);
        return NULL;
    }
    *out = wsm_span_trim(node->text);
    if (out->len == 0) {
        wsm_fail(err, ERROR_WSMAN_ENUMERATE_INVALID_ENUMERATION_CONTEXT,
                 "n:EnumerationContext: empty");
        return NULL;
    }
    return content;
}

void wsm_pull_request_write(struct wsm_buf *out, const struct wsm_request_headers *headers,
                            const struct wsm_pull_request *msg)
{
    wsm_request_begin(out, headers);
    wsm_buf_append_str(out, "<n:Pull" N_DECLARATION ">");
    write_context(out, msg->context);
    write_max_elements(out, 'n', msg->max_elements);
    wsm_buf_append_str(out, "</n:Pull>");
    wsm_request_end(out);
}

bool wsm_pull_request_parse(const struct wsm_envelope *env, struct wsm_pull_request *out,
                            struct wsm_error *err)
{
    struct wsm_pull_request msg = { .max_elements = 1 };
    const struct wsm_xml_node *pull = parse_context(env, "Pull", &msg.context, err);

    if (pull == NULL || !parse_max_elements(pull, WSM_NS_ENUM, &msg.max_elements, err))
        return false;
    *out = msg;
    return true;
}

void wsm_release_request_write(struct wsm_buf *out, const struct wsm_request_headers *headers,
                               struct wsm_span context)
{
    wsm_request_begin(out, headers);
    wsm_buf_append_str(out, "<n:Release" N_DECLARATION ">");
    write_context(out, context);
    wsm_buf_append_str(out, "</n:Release>");
    wsm_request_end(out);
}

bool wsm_release_request_parse(const struct wsm_envelope *env, struct wsm_span *out_context,
                               struct wsm_error *err)
{
    struct wsm_span context;

    if (parse_context(env, "Release", &context, err) == NULL)
        return false;
    *out_context = context;
    return true;
}

void wsm_release_response_write(struct wsm_buf *out, const struct wsm_response_headers *headers)
{
    wsm_response_begin(out, headers);
    wsm_response_end(out);
}

size_t wsm_items_response_overhead(void)
{
    return ENVELOPE_MAX + ITEMS_FRAME_MAX;
}

/* Items and end stand in the namespace of WS-Management where they come with the answer to
 * Enumerate, which is its addition, else in that of WS-Enumeration. */
void wsm_items_response_write(struct wsm_buf *out, const struct wsm_response_headers *headers,
                              const struct wsm_items_response *msg)
{
    wsm_response_begin(out, headers);
    wsm_buf_append_str(out, msg->is_pull ? "<n:PullResponse>" : "<n:EnumerateResponse>");
    if (!msg->is_pull || msg->context.len > 0)
        write_context(out, msg->context);
    if (msg->items.len > 0) {
        wsm_buf_append_str(out, msg->is_pull ? "<n:Items>" : "<w:Items>");
        wsm_buf_append_span(out, msg->items);
        wsm_buf_append_str(out, msg->is_pull ? "</n:Items>" : "</w:Items>");
    }
    if (msg->is_end)
        wsm_buf_append_str(out, msg->is_pull ? "<n:EndOfSequence/>" : "<w:EndOfSequence/>");
    wsm_buf_append_str(out, msg->is_pull ? "</n:PullResponse>" : "</n:EnumerateResponse>");
    wsm_response_end(out);
}

static const struct wsm_xml_node *child_of_either(const struct wsm_xml_node *parent,
                                                  const char *name)
{
    const struct wsm_xml_node *child = wsm_xml_child(parent, WSM_NS_WSMAN, name);

    return child != NULL ? child : wsm_xml_child(parent, WSM_NS_ENUM, name);
}

bool wsm_items_response_parse(const struct wsm_envelope *env, struct wsm_items_response *out,
                              struct wsm_error *err)
{
    const struct wsm_xml_node *response = wsm_envelope_content(env);
    struct wsm_items_response msg = { .is_pull = false };
    const struct wsm_xml_node *items;

    msg.is_pull = response != NULL && wsm_xml_is(response, WSM_NS_ENUM, "PullResponse");
    if (!msg.is_pull &&
        (response == NULL || !wsm_xml_is(response, WSM_NS_ENUM, "EnumerateResponse")))
        return wsm_fail(err, ERROR_WSMAN_SCHEMA_VALIDATION_ERROR,
                        "neither n:EnumerateResponse nor n:PullResponse in the answer");
    msg.context = wsm_xml_child_text(response, WSM_NS_ENUM, "EnumerationContext");
    msg.is_end = child_of_either(response, "EndOfSequence") != NULL;
    items = child_of_either(response, "Items");
    if (items != NULL) {
        msg.first = wsm_xml_child(items, WSM_NS_SHELL, "Shell");
        if (msg.first == NULL)
            msg.first = wsm_xml_child(items, WSM_NS_SHELL, "Command");
    }
    *out = msg;
    return true;
}
