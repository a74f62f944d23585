/* Send: input for a command. Source: MS-WSMV 2.2.4.38, 3.1.4.13. */
#ifndef WSM_PROTO_SEND_H
#define WSM_PROTO_SEND_H

#include "proto/envelope.h"

enum {
    WSM_SEND_STREAMS_MAX = 64,
};

/* One rsp:Stream. */
struct wsm_stream_data {
    struct wsm_span name;
    struct wsm_span command_id; /* empty = the shell */
    struct wsm_span data;       /* bytes, decoded in place when read */
    bool end;
    bool has_offset; /* our attribute Offset, in marked answers: of the first byte */
    uint64_t offset;
};

/* One rsp:Stream, as Send and Receive share it. False: no Name, a Name that is too long,
 * a bad End or Offset, or text that is not base64. The text is decoded in place, so only once. */
void wsm_stream_write(struct wsm_buf *out, const struct wsm_stream_data *stream);
bool wsm_stream_parse(const struct wsm_xml_node *node, struct wsm_stream_data *out) WSM_MUST_CHECK;

/* Largest data of one Send whose envelope stays within max_envelope_size, in UTF-16 if so,
 * with everything in it at its limit in envelope.h, and no options. */
size_t wsm_send_data_max(size_t max_envelope_size, bool is_utf16);

void wsm_send_request_write(struct wsm_buf *out, const struct wsm_request_headers *headers,
                            const struct wsm_stream_data *stream);
/* `streams` has room for WSM_SEND_STREAMS_MAX. ERROR_WSMAN_SCHEMA_VALIDATION_ERROR. */
bool wsm_send_request_parse(const struct wsm_envelope *env, struct wsm_stream_data *streams,
                            size_t *out_count, struct wsm_error *err) WSM_MUST_CHECK;

void wsm_send_response_write(struct wsm_buf *out, const struct wsm_response_headers *headers);

#endif
