/* Receive: output and state of a command. Source: MS-WSMV 2.2.4.30, 3.1.4.14. */
#ifndef WSM_PROTO_RECEIVE_H
#define WSM_PROTO_RECEIVE_H

#include "base/parse.h"
#include "proto/envelope.h"
#include "proto/send.h"

struct wsm_receive_request {
    struct wsm_span command_id; /* empty = the shell's own streams */
    struct wsm_span streams;    /* names, never empty when read; XML white space between them */
};

void wsm_receive_request_write(struct wsm_buf *out, const struct wsm_request_headers *headers,
                               const struct wsm_receive_request *msg);
bool wsm_receive_request_parse(const struct wsm_envelope *env, struct wsm_receive_request *out,
                               struct wsm_error *err) WSM_MUST_CHECK;

/* Largest payload of one answer whose envelope stays within max_envelope_size, if it
 * is cut into at most `pieces` rsp:Stream elements; 0 = nothing fits. Holds for any
 * RelatesTo that the reader lets through, any command id, stream names of up to
 * WSM_STREAM_NAME_MAX, two more elements that end a stream, an offset on each, and the
 * state. */
size_t wsm_receive_data_max(size_t max_envelope_size, size_t pieces);

/* The answer is written piece by piece, so that data go from the host's frames
 * straight into it: begin, stream…, state, end. */
void wsm_receive_response_begin(struct wsm_buf *out, const struct wsm_response_headers *headers);
void wsm_receive_response_stream(struct wsm_buf *out, const struct wsm_stream_data *stream);

enum wsm_command_state { WSM_COMMAND_RUNNING, WSM_COMMAND_PENDING, WSM_COMMAND_DONE };

/* exit_code counts with DONE only. */
void wsm_receive_response_state(struct wsm_buf *out, struct wsm_span command_id,
                                enum wsm_command_state state, uint32_t exit_code);
void wsm_receive_response_end(struct wsm_buf *out);

struct wsm_receive_response {
    const struct wsm_xml_node *next_stream; /* for wsm_receive_response_next() */
    bool has_state;
    enum wsm_command_state state; /* of several, the one that says Done */
    bool has_exit_code;
    uint32_t exit_code; /* a negative number is taken as its 32 bits */
};

/* ERROR_WSMAN_NO_RECEIVE_RESPONSE. */
bool wsm_receive_response_parse(const struct wsm_envelope *env, struct wsm_receive_response *out,
                                struct wsm_error *err) WSM_MUST_CHECK;
/* The next stream element, decoded in place. DONE: there is none left. MORE: *out is set.
 * BAD: not base64. */
enum wsm_parse wsm_receive_response_next(struct wsm_receive_response *msg,
                                         struct wsm_stream_data *out);

#endif
