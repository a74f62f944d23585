/* SOAP 1.2 envelope with WS-Addressing and WS-Management headers: reader and writers.
 * Source: MS-WSMV 2.2.4, 3.1.4.1; DSP0226. */
#ifndef WSM_PROTO_ENVELOPE_H
#define WSM_PROTO_ENVELOPE_H

#include "base/buf.h"
#include "base/guid.h"
#include "proto/xml.h"

#include <stdbool.h>
#include <stdint.h>

#define WSM_URI_ANONYMOUS "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"
#define WSM_URI_CMD       WSM_NS_SHELL "/cmd"

#define WSM_ACTION_CREATE     WSM_NS_TRANSFER "/Create"
#define WSM_ACTION_DELETE     WSM_NS_TRANSFER "/Delete"
#define WSM_ACTION_GET        WSM_NS_TRANSFER "/Get"
#define WSM_ACTION_COMMAND    WSM_NS_SHELL "/Command"
#define WSM_ACTION_SEND       WSM_NS_SHELL "/Send"
#define WSM_ACTION_RECEIVE    WSM_NS_SHELL "/Receive"
#define WSM_ACTION_SIGNAL     WSM_NS_SHELL "/Signal"
#define WSM_ACTION_DISCONNECT WSM_NS_SHELL "/Disconnect"
#define WSM_ACTION_RECONNECT  WSM_NS_SHELL "/Reconnect"
#define WSM_ACTION_CONNECT    WSM_NS_SHELL "/Connect"
#define WSM_ACTION_ENUMERATE  WSM_NS_ENUM "/Enumerate"
#define WSM_ACTION_PULL       WSM_NS_ENUM "/Pull"
#define WSM_ACTION_RELEASE    WSM_NS_ENUM "/Release"

enum {
    WSM_SELECTORS_MAX = 8,
    WSM_OPTIONS_MAX = 64,
    WSM_MESSAGE_ID_MAX = 2048, /* bytes as escaped for RelatesTo; MS-WSMV product note 47 */
    WSM_ACTIVITY_ID_MAX = 2048,
    WSM_WIRE_ID_MAX = 64,     /* bytes of the id of a shell or command that a server chose */
    WSM_WIRE_URI_MAX = 2048,  /* bytes of a URL or ResourceURI of ours, as escaped */
    WSM_STREAM_NAME_MAX = 32, /* bytes as escaped; what the size calculations reserve */
    WSM_LANGUAGE_MAX = 85,    /* of a language tag, Windows' LOCALE_NAME_MAX_LENGTH */
    WSM_MACHINE_ID_MAX = 255,
    WSM_ENVELOPE_SIZE_MIN = 8192, /* smallest MaxEnvelopeSize a client may ask for */
};

struct wsm_selector {
    struct wsm_span name;
    struct wsm_span value; /* trimmed */
};

struct wsm_option {
    struct wsm_span name;
    struct wsm_span value;
    bool must_comply;
};

/* A message as read. All spans and nodes are borrowed from doc. Absent: empty span. */
struct wsm_envelope {
    struct wsm_xml_doc doc; /* owned, freed by wsm_envelope_clear() */
    struct wsm_span action;
    struct wsm_span to;
    struct wsm_span reply_to; /* address */
    struct wsm_span fault_to;
    struct wsm_span message_id; /* byte for byte as sent: RelatesTo echoes it */
    struct wsm_span relates_to;
    struct wsm_span resource_uri;
    struct wsm_span session_id;
    int64_t operation_timeout_ms; /* -1 = absent */
    uint64_t max_envelope_size;   /* 0 = absent */
    size_t selector_count;
    struct wsm_selector selectors[WSM_SELECTORS_MAX];
    size_t option_count;
    struct wsm_option options[WSM_OPTIONS_MAX];
    const struct wsm_xml_node *body; /* s:Body; never NULL after success */
};

/* Reads any SOAP message (see wsm_xml_parse for `bytes`). A header that comes twice is
 * refused, of an option that comes twice the first counts. On failure err->code is the
 * WS-Management code to answer with, and as many headers as were understood are set
 * (message_id for RelatesTo); clear is needed in both cases. */
bool wsm_envelope_parse(struct wsm_envelope *env, uint8_t *bytes, size_t len,
                        struct wsm_error *err) WSM_MUST_CHECK;
/* The same with a parser that is used again, see wsm_xml_parse_with(). */
bool wsm_envelope_parse_with(struct wsm_envelope *env, struct wsm_xml_parser *parser,
                             uint8_t *bytes, size_t len, struct wsm_error *err) WSM_MUST_CHECK;
void wsm_envelope_clear(struct wsm_envelope *env);

/* What a server checks of every request but Identify: addressing headers present,
 * ReplyTo and FaultTo anonymous, unknown mustUnderstand headers, MaxEnvelopeSize, … */
bool wsm_envelope_check_request(const struct wsm_envelope *env,
                                struct wsm_error *err) WSM_MUST_CHECK;

/* First element in the body, NULL if it is empty. */
const struct wsm_xml_node *wsm_envelope_content(const struct wsm_envelope *env);
/* Selector by name without case; empty if absent. */
struct wsm_span wsm_envelope_selector(const struct wsm_envelope *env, const char *name);
/* Option by name without case; NULL if absent. */
const struct wsm_option *wsm_envelope_option(const struct wsm_envelope *env, const char *name);

/* Headers of a request to be written, in the order of Windows 8 and later.
 * Strings are borrowed for the call; NULL = left out. */
struct wsm_request_headers {
    const char *to;
    const char *action;
    const char *message_id; /* with uuid: */
    const char *session_id; /* with uuid: */
    const char *resource_uri;
    const char *shell_id;    /* selector */
    const char *locale;      /* w:Locale, NULL = en-US */
    const char *data_locale; /* p:DataLocale, NULL = en-US */
    const char *machine_id;  /* NULL = left out */
    const struct wsm_option *options;
    size_t option_count;
    bool options_must_understand;
    uint32_t max_envelope_size;
    int64_t operation_timeout_ms;
};

/* Envelope up to and including <s:Body>, and the rest of it. */
void wsm_request_begin(struct wsm_buf *out, const struct wsm_request_headers *headers);
void wsm_request_end(struct wsm_buf *out);

struct wsm_response_headers {
    const char *action; /* of the response */
    struct wsm_guid message_id;
    struct wsm_span relates_to; /* empty = left out */
};

void wsm_response_begin(struct wsm_buf *out, const struct wsm_response_headers *headers);
void wsm_response_end(struct wsm_buf *out);

/* UTF-8 in `buf` from `from` on becomes UTF-16LE with BOM: for clients that sent UTF-16. */
bool wsm_envelope_to_utf16(struct wsm_buf *buf, size_t from, struct wsm_error *err) WSM_MUST_CHECK;

#endif
