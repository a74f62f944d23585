/* What the application passes, copied and turned into UTF-8. Application threads. Only
 * the API files include this: UTF-16 ends here. */
#ifndef WSM_CLIENT_API_ARGS_H
#define WSM_CLIENT_API_ARGS_H

#include "base/error.h"
#include "base/guid.h"
#include "client/async.h"
#include "client/texts.h"
#include "proto/disconnect.h"

#ifndef WSMAN_API_VERSION_1_1
#define WSMAN_API_VERSION_1_1
#endif
#include <wsman.h>

struct wsm_shell;
struct wsm_command;
struct wsm_operation;

/* *out_text is owned; NULL for NULL. */
bool wsm_api_text(PCWSTR text, const char *what, char **out_text,
                  struct wsm_error *err) WSM_MUST_CHECK;
/* The same for what goes into a message: ERROR_INVALID_PARAMETER names `what` and the
 * place of a control character, which XML cannot carry. */
bool wsm_api_xml_text(PCWSTR text, const char *what, char **out_text,
                      struct wsm_error *err) WSM_MUST_CHECK;
/* The GUID that a text is; `code` if it is none. out_text NULL: the spelling does not matter; else
 * *out_text is owned, also after a failure. */
bool wsm_api_guid(PCWSTR text, const char *what, uint32_t code, char **out_text,
                  struct wsm_guid *out, struct wsm_error *err) WSM_MUST_CHECK;
/* TEXT data, counted; a counted NUL at its end is dropped. */
bool wsm_api_data_text(const WSMAN_DATA *data, const char *what, char **out_text,
                       struct wsm_error *err) WSM_MUST_CHECK;
/* NULL and blanks: ERROR_WSMAN_CLIENT_BLANK_URI. *out is owned, also after a failure. */
bool wsm_api_resource_uri(PCWSTR uri, char **out, struct wsm_error *err) WSM_MUST_CHECK;
/* One element, which goes into a request as it is, so it must not break it. *out stays as it
 * is for no data, else is owned, also after a failure. */
bool wsm_api_xml_element(const WSMAN_DATA *xml, const char *what, char **out,
                         struct wsm_error *err) WSM_MUST_CHECK;
/* 0 or one of the two flags for buffering. */
bool wsm_api_buffer_mode(DWORD flags, enum wsm_buffer_mode *out) WSM_MUST_CHECK;
bool wsm_api_options(const WSMAN_OPTION_SET *set, struct wsm_option_texts *out,
                     struct wsm_error *err) WSM_MUST_CHECK;
/* Names joined by blanks; `fallback` for NULL. A NULL or blank name fails with `code`. */
bool wsm_api_streams(const WSMAN_STREAM_ID_SET *set, const char *fallback, uint32_t code,
                     char **out_text, struct wsm_error *err) WSM_MUST_CHECK;

/* Give it a handle, store that, and hand it to the loop; on failure it stays the caller's. */
bool wsm_api_post_shell(struct wsm_shell *shell, WSMAN_SHELL_HANDLE *out_shell,
                        struct wsm_error *err) WSM_MUST_CHECK;
bool wsm_api_post_operation(struct wsm_operation *operation, WSMAN_OPERATION_HANDLE *out_operation,
                            struct wsm_error *err) WSM_MUST_CHECK;
bool wsm_api_post_command(struct wsm_command *command, uint32_t version,
                          WSMAN_COMMAND_HANDLE *out_command, struct wsm_error *err) WSM_MUST_CHECK;

/* api_list.c: the callback of a listing; dispatcher threads. */
void wsm_api_run_list(const struct wsm_async *async, WSMAN_ERROR *error);

/* Was the library loaded under the name by which PowerShell knows it? */
bool wsm_api_is_psrpclient(void);
/* The two-call protocol: writes text and NUL if they fit; under that name no NUL is counted or
 * written. Returns 0, 122, or OUTOFMEMORY. */
DWORD wsm_api_give_text(const char *text, DWORD capacity, PWSTR out, DWORD *out_used);

static inline uintptr_t wsm_handle_value(const void *handle)
{
    return (uintptr_t)handle;
}

#endif
