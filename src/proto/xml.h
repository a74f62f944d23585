/* An XML document as a small tree, read by expat. DTDs are refused; depth, elements
 * and attributes are limited. The text of rsp:Stream elements does not pass through
 * expat: it is found by its end and left where it is, to be decoded in place. */
#ifndef WSM_PROTO_XML_H
#define WSM_PROTO_XML_H

#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WSM_XML_DEPTH_MAX = 32,
    WSM_XML_ELEMENTS_MAX = 4096,
    WSM_XML_ATTRIBUTES_MAX = 32, /* on one element, namespace declarations included */
    WSM_XML_NAME_MAX = 1024,     /* bytes of namespace and local name together */
    WSM_XML_ESCAPE_MAX = 6,      /* characters that one may become */
};

#define WSM_NS_SOAP     "http://www.w3.org/2003/05/soap-envelope"
#define WSM_NS_ADDR     "http://schemas.xmlsoap.org/ws/2004/08/addressing"
#define WSM_NS_WSMAN    "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
#define WSM_NS_WSMV     "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd"
#define WSM_NS_SHELL    "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
#define WSM_NS_TRANSFER "http://schemas.xmlsoap.org/ws/2004/09/transfer"
#define WSM_NS_ENUM     "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
#define WSM_NS_EVENT    "http://schemas.xmlsoap.org/ws/2004/08/eventing"
#define WSM_NS_FAULT    "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
#define WSM_NS_WMIERROR "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/MSFT_WmiError"
#define WSM_NS_IDENTITY "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"
#define WSM_NS_IDENTIFY \
    "http://schemas.dmtf.org/wbem/wsman/identify/1/wsmanidentity.xsd" /* MS-WSMV's spelling */
#define WSM_NS_MACHINE_ID "http://schemas.microsoft.com/wbem/wsman/1/machineid"
#define WSM_NS_XML        "http://www.w3.org/XML/1998/namespace"

struct wsm_xml_attr {
    struct wsm_span ns; /* empty for an unqualified attribute */
    struct wsm_span name;
    struct wsm_span value;
};

/* Everything is borrowed from the document, until it is cleared. */
struct wsm_xml_node {
    struct wsm_span ns;
    struct wsm_span name;
    const struct wsm_xml_attr *attrs;
    size_t attr_count;
    struct wsm_span text; /* all character data directly inside, joined */
    struct wsm_xml_node *parent;
    struct wsm_xml_node *first_child;
    struct wsm_xml_node *last_child;
    struct wsm_xml_node *next;
};

struct wsm_xml_arena; /* private: where nodes and text live */

struct wsm_xml_doc {
    struct wsm_xml_node *root;   /* NULL before a successful parse */
    struct wsm_xml_arena *arena; /* owned, freed by wsm_xml_doc_clear() */
    bool is_utf16;               /* the input was UTF-16: answers go out as that too */
};

#define WSM_XML_DOC_INIT  \
    {                     \
        NULL, NULL, false \
    }

/* Reads all of `bytes` (UTF-8, or UTF-16 with or without BOM). `bytes` must live and
 * stay unmoved as long as the document and may be changed by decoding in place.
 * Fails with ERROR_WSMAN_INVALID_XML (not well formed, a DTD, or a named limit was
 * passed), ERROR_WSMAN_UNSUPPORTED_ENCODING, ERROR_OUTOFMEMORY; doc then needs no clear. */
bool wsm_xml_parse(struct wsm_xml_doc *doc, uint8_t *bytes, size_t len,
                   struct wsm_error *err) WSM_MUST_CHECK;
/* What one owner's parsing can use again: making a parser costs as much as a third of a
 * usual message. Embedded; cleared by wsm_xml_parser_clear(). */
struct wsm_xml_parser {
    struct XML_ParserStruct *expat; /* owned; NULL until it is first used */
    unsigned long salt;             /* random, against chosen names; 0 = a new one each time */
};
void wsm_xml_parser_clear(struct wsm_xml_parser *parser);
/* wsm_xml_parse() with such a parser; one document at a time. */
bool wsm_xml_parse_with(struct wsm_xml_doc *doc, struct wsm_xml_parser *parser, uint8_t *bytes,
                        size_t len, struct wsm_error *err) WSM_MUST_CHECK;
void wsm_xml_doc_clear(struct wsm_xml_doc *doc);

bool wsm_xml_is(const struct wsm_xml_node *node, const char *ns, const char *name);
/* First child of that name; NULL if there is none. */
const struct wsm_xml_node *wsm_xml_child(const struct wsm_xml_node *node, const char *ns,
                                         const char *name);
/* Next sibling of the same name; NULL if there is none. */
const struct wsm_xml_node *wsm_xml_next_same(const struct wsm_xml_node *node);
/* Value of an attribute, ns NULL = unqualified. False if it is not there. */
bool wsm_xml_attr(const struct wsm_xml_node *node, const char *ns, const char *name,
                  struct wsm_span *out);
/* Trimmed text of that child; empty span if there is no such child. */
struct wsm_span wsm_xml_child_text(const struct wsm_xml_node *node, const char *ns,
                                   const char *name);
/* xs:boolean with blanks around it, also True and FALSE as script clients write. */
bool wsm_xml_bool_parse(struct wsm_span text, bool *out) WSM_MUST_CHECK;
/* A decimal number with blanks around it. False: something else, or more than max. */
bool wsm_xml_number_parse(struct wsm_span text, uint64_t max, uint64_t *out) WSM_MUST_CHECK;

/* Appends text with &, <, > and quotes escaped. Characters that XML 1.0 cannot carry
 * (below 0x20 but tab, LF, CR) become '?', as Windows does; CR becomes &#13;. */
void wsm_xml_escape(struct wsm_buf *out, struct wsm_span text);
/* The same for the value of an attribute, where tab and LF would be read back as blanks. */
void wsm_xml_escape_attr(struct wsm_buf *out, struct wsm_span text);

/* As many bytes at most, where tab and LF stand for themselves. */
size_t wsm_xml_escaped_max(struct wsm_span text);

/* Appends a tree as text: names keep their namespaces, not their prefixes; white space
 * between elements is left out; mixed content is written with its text first. */
void wsm_xml_write(struct wsm_buf *out, const struct wsm_xml_node *node);

/* Base64 text of an element, decoded where it stands: once, then node->text is spoilt.
 * False: not base64. */
bool wsm_xml_decode_in_place(const struct wsm_xml_node *node,
                             struct wsm_span *out_bytes) WSM_MUST_CHECK;

#endif
