/* Get, Enumerate, Pull and Release of shells and commands. Source: MS-WSMV 3.1.4.2, 3.1.4.8;
 * DSP0226 8 (enumeration). */
#ifndef WSM_PROTO_ENUMERATE_H
#define WSM_PROTO_ENUMERATE_H

#include "base/guid.h"
#include "proto/shell_item.h"

#define WSM_URI_SHELL         WSM_NS_SHELL            /* resource: all shells */
#define WSM_URI_SHELL_COMMAND WSM_NS_SHELL "/Command" /* resource: the commands of a shell */

#define WSM_DIALECT_SELECTOR "http://schemas.dmtf.org/wbem/wsman/1/wsman/SelectorFilter"

/* Items that our client asks for at once: more of Windows' size would pass the
 * WSM_XML_ELEMENTS_MAX of its reader. */
enum { WSM_ITEMS_MAX = 128 };

/* Get has an empty body; its answer is one rsp:Shell. */
void wsm_get_request_write(struct wsm_buf *out, const struct wsm_request_headers *headers);
void wsm_get_response_write(struct wsm_buf *out, const struct wsm_response_headers *headers,
                            const struct wsm_shell_item *item);
/* ERROR_WSMAN_SCHEMA_VALIDATION_ERROR: no rsp:Shell in the body. */
bool wsm_get_response_parse(const struct wsm_envelope *env, struct wsm_shell_item *out,
                            struct wsm_error *err) WSM_MUST_CHECK;

struct wsm_enumerate_request {
    bool is_optimized;     /* items come with the first answer */
    uint32_t max_elements; /* 0 = absent */
    bool wants_epr;        /* EnumerationMode that asks for endpoint references */
    bool has_filter;
    struct wsm_span dialect;  /* of the filter */
    struct wsm_span shell_id; /* from a selector filter, else from the selector in the header */
};

void wsm_enumerate_request_write(struct wsm_buf *out, const struct wsm_request_headers *headers,
                                 const struct wsm_enumerate_request *msg);
/* ERROR_WSMAN_SCHEMA_VALIDATION_ERROR: no n:Enumerate, a MaxElements that is no positive
 * number, an unknown EnumerationMode, two filters. */
bool wsm_enumerate_request_parse(const struct wsm_envelope *env, struct wsm_enumerate_request *out,
                                 struct wsm_error *err) WSM_MUST_CHECK;

struct wsm_pull_request {
    struct wsm_span context;
    uint32_t max_elements; /* 1 if absent, as DSP0226 says; 0 = not written */
};

void wsm_pull_request_write(struct wsm_buf *out, const struct wsm_request_headers *headers,
                            const struct wsm_pull_request *msg);
/* Pull and Release: an empty context is ERROR_WSMAN_ENUMERATE_INVALID_ENUMERATION_CONTEXT,
 * anything else that cannot be read ERROR_WSMAN_SCHEMA_VALIDATION_ERROR. */
bool wsm_pull_request_parse(const struct wsm_envelope *env, struct wsm_pull_request *out,
                            struct wsm_error *err) WSM_MUST_CHECK;

void wsm_release_request_write(struct wsm_buf *out, const struct wsm_request_headers *headers,
                               struct wsm_span context);
bool wsm_release_request_parse(const struct wsm_envelope *env, struct wsm_span *out_context,
                               struct wsm_error *err) WSM_MUST_CHECK;
void wsm_release_response_write(struct wsm_buf *out, const struct wsm_response_headers *headers);

/* Answers to Enumerate (is_pull false) and Pull. `items` are written already, by
 * wsm_shell_item_write() or wsm_command_item_write(), and put in as they are; none: the
 * element Items is left out. */
struct wsm_items_response {
    bool is_pull;
    struct wsm_span context; /* empty: the sequence ends here, or nothing more can be asked for */
    struct wsm_span items;   /* writer */
    bool is_end;
    const struct wsm_xml_node *first; /* reader: rsp:Shell or rsp:Command, NULL = none; the next
                                         is wsm_xml_next_same() */
};

/* Bytes that an answer has beside its items and context, at most. */
size_t wsm_items_response_overhead(void);
void wsm_items_response_write(struct wsm_buf *out, const struct wsm_response_headers *headers,
                              const struct wsm_items_response *msg);
/* Answers to both. ERROR_WSMAN_SCHEMA_VALIDATION_ERROR: the body is neither. */
bool wsm_items_response_parse(const struct wsm_envelope *env, struct wsm_items_response *out,
                              struct wsm_error *err) WSM_MUST_CHECK;

#endif
