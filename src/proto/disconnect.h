/* Disconnect, Reconnect and Connect. Source: MS-WSMV 3.1.4.15 to 3.1.4.17. */
#ifndef WSM_PROTO_DISCONNECT_H
#define WSM_PROTO_DISCONNECT_H

#include "proto/envelope.h"

enum wsm_buffer_mode {
    WSM_BUFFER_UNCHANGED, /* absent */
    WSM_BUFFER_BLOCK,
    WSM_BUFFER_DROP,
};

/* "Block" or "Drop"; empty = absent. Compares without case. */
bool wsm_buffer_mode_parse(struct wsm_span text, enum wsm_buffer_mode *out) WSM_MUST_CHECK;
const char *wsm_buffer_mode_name(enum wsm_buffer_mode mode); /* "" for UNCHANGED */

/* All requests here: anything that cannot be read is ERROR_WSMAN_SCHEMA_VALIDATION_ERROR. */

struct wsm_disconnect_request {
    int64_t idle_timeout_ms; /* -1 = absent */
    enum wsm_buffer_mode buffer_mode;
};

void wsm_disconnect_request_write(struct wsm_buf *out, const struct wsm_request_headers *headers,
                                  const struct wsm_disconnect_request *msg);
/* The body may be empty. */
bool wsm_disconnect_request_parse(const struct wsm_envelope *env,
                                  struct wsm_disconnect_request *out,
                                  struct wsm_error *err) WSM_MUST_CHECK;
void wsm_disconnect_response_write(struct wsm_buf *out, const struct wsm_response_headers *headers);

struct wsm_reconnect_request {
    struct wsm_span command_id; /* empty = the shell */
    enum wsm_buffer_mode buffer_mode;
};

/* Writes an empty body for the shell without a mode, and the attribute form for a command. */
void wsm_reconnect_request_write(struct wsm_buf *out, const struct wsm_request_headers *headers,
                                 const struct wsm_reconnect_request *msg);
/* Reads an empty body; rsp:Reconnect with the command id as attribute or element; and
 * rsp:CommandId and rsp:BufferMode alone. An id that is there but empty is refused. */
bool wsm_reconnect_request_parse(const struct wsm_envelope *env, struct wsm_reconnect_request *out,
                                 struct wsm_error *err) WSM_MUST_CHECK;
void wsm_reconnect_response_write(struct wsm_buf *out, const struct wsm_response_headers *headers);

struct wsm_connect_request {
    struct wsm_span command_id; /* empty = the shell */
    enum wsm_buffer_mode buffer_mode;
    struct wsm_span extra_xml; /* writer only: one element put in as it is (connectXml) */
};

void wsm_connect_request_write(struct wsm_buf *out, const struct wsm_request_headers *headers,
                               const struct wsm_connect_request *msg);
/* The command id may be an attribute or an element; extra_xml stays empty. */
bool wsm_connect_request_parse(const struct wsm_envelope *env, struct wsm_connect_request *out,
                               struct wsm_error *err) WSM_MUST_CHECK;

struct wsm_connect_response {
    struct wsm_span input_streams;
    struct wsm_span output_streams;
    uint32_t extension_version; /* of our mark; 0 = none */
};

void wsm_connect_response_write(struct wsm_buf *out, const struct wsm_response_headers *headers,
                                const struct wsm_connect_response *msg);
/* *out_xml: rsp:ConnectResponse, borrowed from the envelope's tree.
 * ERROR_WINRS_CONNECT_RESPONSE_BAD_BODY. */
bool wsm_connect_response_parse(const struct wsm_envelope *env, struct wsm_connect_response *out,
                                const struct wsm_xml_node **out_xml,
                                struct wsm_error *err) WSM_MUST_CHECK;

#endif
