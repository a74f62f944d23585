/* Identify: what a service says of itself. Pure; whether an answer may be given to
 * somebody unknown is decided elsewhere. */
#include "proto/identify.h"

#include "wsmerror.h"

void wsm_identify_request_write(struct wsm_buf *out)
{
    wsm_buf_append_str(out, "<s:Envelope xmlns:s=\"" WSM_NS_SOAP "\" xmlns:wsmid=\"" WSM_NS_IDENTITY
                            "\"><s:Header></s:Header><s:Body><wsmid:Identify></wsmid:Identify>"
                            "</s:Body></s:Envelope>");
}

/* The namespace of the node, if it has that name in either spelling of it; else NULL. */
static const char *identify_ns(const struct wsm_xml_node *node, const char *name)
{
    if (node == NULL || !wsm_span_is(node->name, name))
        return NULL;
    if (wsm_span_is(node->ns, WSM_NS_IDENTITY))
        return WSM_NS_IDENTITY;
    return wsm_span_is(node->ns, WSM_NS_IDENTIFY) ? WSM_NS_IDENTIFY : NULL;
}

bool wsm_identify_request_parse(const struct wsm_envelope *env, const char **out_ns)
{
    const char *ns = identify_ns(wsm_envelope_content(env), "Identify");

    if (ns == NULL)
        return false;
    *out_ns = ns;
    return true;
}

static void write_element(struct wsm_buf *out, const char *name, struct wsm_span text)
{
    wsm_buf_printf(out, "<wsmid:%s>", name);
    wsm_xml_escape(out, text);
    wsm_buf_printf(out, "</wsmid:%s>", name);
}

/* The next blank separated word at the start of *list; empty if there is none. */
static struct wsm_span next_word(struct wsm_span *list)
{
    struct wsm_span word = *list = wsm_span_trim(*list);
    size_t i = 0;

    while (i < list->len && !wsm_is_xml_space(list->ptr[i]))
        i++;
    word.len = i;
    if (i > 0)
        *list = wsm_span_of(list->ptr + i, list->len - i);
    return word;
}

void wsm_identify_response_write(struct wsm_buf *out, const char *ns,
                                 const struct wsm_identify_response *msg)
{
    struct wsm_span profiles = wsm_span_trim(msg->security_profiles);
    struct wsm_span profile;

    wsm_buf_printf(out,
                   "<s:Envelope xml:lang=\"en-US\" xmlns:s=\"" WSM_NS_SOAP
                   "\"><s:Header></s:Header><s:Body><wsmid:IdentifyResponse xmlns:wsmid=\"%s\">",
                   ns);
    write_element(out, "ProtocolVersion", msg->protocol_version);
    write_element(out, "ProductVendor", msg->product_vendor);
    write_element(out, "ProductVersion", msg->product_version);
    if (profiles.len > 0) {
        wsm_buf_append_str(out, "<wsmid:SecurityProfiles>");
        while ((profile = next_word(&profiles)).len > 0)
            write_element(out, "SecurityProfileName", profile);
        wsm_buf_append_str(out, "</wsmid:SecurityProfiles>");
    }
    wsm_buf_append_str(out, "</wsmid:IdentifyResponse></s:Body></s:Envelope>");
}

bool wsm_identify_response_parse(const struct wsm_envelope *env, struct wsm_buf *profiles,
                                 struct wsm_identify_response *out, struct wsm_error *err)
{
    const struct wsm_xml_node *response = wsm_envelope_content(env);
    const char *ns = identify_ns(response, "IdentifyResponse");
    const struct wsm_xml_node *list;
    const struct wsm_xml_node *name;
    size_t start = profiles->len;

    if (ns == NULL)
        return wsm_fail(err, ERROR_WSMAN_RESPONSE_NO_RESULTS, "no IdentifyResponse in the answer");
    list = wsm_xml_child(response, ns, "SecurityProfiles");
    name = list == NULL ? NULL : wsm_xml_child(list, ns, "SecurityProfileName");
    for (; name != NULL; name = wsm_xml_next_same(name)) {
        if (profiles->len > start)
            wsm_buf_append_byte(profiles, ' ');
        wsm_buf_append_span(profiles, wsm_span_trim(name->text));
    }
    if (!wsm_buf_ok(profiles))
        return wsm_fail_memory(err, "security profiles");
    *out = (struct wsm_identify_response){
        .protocol_version = wsm_xml_child_text(response, ns, "ProtocolVersion"),
        .product_vendor = wsm_xml_child_text(response, ns, "ProductVendor"),
        .product_version = wsm_xml_child_text(response, ns, "ProductVersion"),
    };
    if (profiles->len > start)
        out->security_profiles = wsm_span_of(profiles->ptr + start, profiles->len - start);
    return true;
}
