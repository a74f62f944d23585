/* Command: start a command in a shell. Source: MS-WSMV 2.2.4.7, 3.1.4.11. */
#ifndef WSM_PROTO_COMMAND_H
#define WSM_PROTO_COMMAND_H

#include "proto/envelope.h"

enum { WSM_ARGUMENTS_MAX = 2048 };

struct wsm_command_request {
    struct wsm_span command_id; /* the client's GUID, empty = none */
    struct wsm_span command;    /* never trimmed */
    const struct wsm_span *arguments;
    size_t argument_count;
};

void wsm_command_request_write(struct wsm_buf *out, const struct wsm_request_headers *headers,
                               const struct wsm_command_request *msg);
/* `arguments` has room for WSM_ARGUMENTS_MAX. A malformed CommandId:
 * ERROR_WINRS_SHELLCOMMAND_CLIENTID_NOT_VALID; no rsp:Command: ERROR_WSMAN_SCHEMA_VALIDATION_ERROR;
 * too many arguments: ERROR_WSMAN_QUOTA_LIMIT. */
bool wsm_command_request_parse(const struct wsm_envelope *env, struct wsm_span *arguments,
                               struct wsm_command_request *out,
                               struct wsm_error *err) WSM_MUST_CHECK;

void wsm_command_response_write(struct wsm_buf *out, const struct wsm_response_headers *headers,
                                struct wsm_span command_id);
/* ERROR_WSMAN_NO_COMMAND_RESPONSE, ERROR_WSMAN_NO_COMMANDID. */
bool wsm_command_response_parse(const struct wsm_envelope *env, struct wsm_span *out_command_id,
                                struct wsm_error *err) WSM_MUST_CHECK;

#endif
