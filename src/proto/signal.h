/* Signal. Source: MS-WSMV 2.2.4.39, 3.1.4.12. */
#ifndef WSM_PROTO_SIGNAL_H
#define WSM_PROTO_SIGNAL_H

#include "proto/envelope.h"

enum wsm_signal_code {
    WSM_SIGNAL_OTHER, /* one we do not know: the request's `code` has its text */
    WSM_SIGNAL_TERMINATE,
    WSM_SIGNAL_CTRL_C,
    WSM_SIGNAL_CTRL_BREAK,
};

#define WSM_SIGNAL_URI_TERMINATE  WSM_NS_SHELL "/signal/terminate"
#define WSM_SIGNAL_URI_CTRL_C     WSM_NS_SHELL "/signal/ctrl_c"
#define WSM_SIGNAL_URI_CTRL_BREAK WSM_NS_SHELL "/signal/ctrl_break"

struct wsm_signal_request {
    struct wsm_span command_id; /* empty = the shell */
    struct wsm_span code;
};

void wsm_signal_request_write(struct wsm_buf *out, const struct wsm_request_headers *headers,
                              const struct wsm_signal_request *msg);
/* ERROR_WSMAN_SCHEMA_VALIDATION_ERROR without rsp:Code. */
bool wsm_signal_request_parse(const struct wsm_envelope *env, struct wsm_signal_request *out,
                              struct wsm_error *err) WSM_MUST_CHECK;
/* Compares without case. */
enum wsm_signal_code wsm_signal_code_of(struct wsm_span code);

void wsm_signal_response_write(struct wsm_buf *out, const struct wsm_response_headers *headers);

#endif
