/* Create and Delete of a shell. Source: MS-WSMV 2.2.4.37 (rsp:Shell), 3.1.4.5, 3.1.4.4. */
#ifndef WSM_PROTO_CREATE_H
#define WSM_PROTO_CREATE_H

#include "proto/envelope.h"
#include "proto/shell_item.h"

enum {
    WSM_SHELL_NAME_MAX = 255, /* characters */
    WSM_ENV_VARIABLES_MAX = 512,
    WSM_STREAMS_MAX = 8, /* names in InputStreams or OutputStreams */
};

struct wsm_variable {
    struct wsm_span name;
    struct wsm_span value;
};

/* All spans are borrowed (from the envelope when read). Empty span = absent. */
struct wsm_create_request {
    struct wsm_span shell_id; /* the client's GUID, spelling kept */
    struct wsm_span name;
    struct wsm_span working_directory;
    struct wsm_span input_streams; /* names, XML white space between them */
    struct wsm_span output_streams;
    int64_t idle_timeout_ms;     /* -1 = absent */
    struct wsm_span buffer_mode; /* "Block", "Drop" */
    const struct wsm_variable *variables;
    size_t variable_count;
    struct wsm_span extra_xml; /* writer only: one element put in as it is (createXml) */
};

void wsm_create_request_write(struct wsm_buf *out, const struct wsm_request_headers *headers,
                              const struct wsm_create_request *msg);
/* `variables` has room for WSM_ENV_VARIABLES_MAX and is what out->variables points to.
 * A malformed ShellId: ERROR_WINRS_SHELL_CLIENTID_NOT_VALID; a name that is too long:
 * ERROR_WSMAN_CLIENT_CREATESHELL_NAME_INVALID; a bad duration or buffer
 * mode, or missing rsp:Shell: ERROR_WSMAN_SCHEMA_VALIDATION_ERROR; more than a limit above:
 * ERROR_WSMAN_QUOTA_LIMIT. */
bool wsm_create_request_parse(const struct wsm_envelope *env, struct wsm_variable *variables,
                              struct wsm_create_request *out, struct wsm_error *err) WSM_MUST_CHECK;

struct wsm_create_response {
    struct wsm_span address; /* URL as the client reached it */
    struct wsm_shell_item shell;
    uint32_t extension_version; /* reader: of our mark; 0 = none. Writer: shell.is_marked */
};

void wsm_create_response_write(struct wsm_buf *out, const struct wsm_response_headers *headers,
                               const struct wsm_create_response *msg);
/* The shell id comes from the selector, echoed unchanged, the resource URI from beside it;
 * rsp:Shell may be missing (old servers). *out_shell_xml is borrowed from the envelope's tree, NULL
 * if missing. Fails with ERROR_WSMAN_CREATE_RESPONSE_NO_EPR. */
bool wsm_create_response_parse(const struct wsm_envelope *env, struct wsm_create_response *out,
                               const struct wsm_xml_node **out_shell_xml,
                               struct wsm_error *err) WSM_MUST_CHECK;

void wsm_delete_request_write(struct wsm_buf *out, const struct wsm_request_headers *headers);
void wsm_delete_response_write(struct wsm_buf *out, const struct wsm_response_headers *headers);

#endif
