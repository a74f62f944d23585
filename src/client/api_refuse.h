/* Calls that are refused, and the handles that they are refused for. Application threads. Only
 * the API files include this. */
#ifndef WSM_CLIENT_API_REFUSE_H
#define WSM_CLIENT_API_REFUSE_H

#include "client/api_args.h"

/* Sends a refused call to its callback; see wsm_api_refuse(). */
struct wsm_api_call {
    const WSMAN_SHELL_ASYNC *async;
    uintptr_t session; /* whichever are known, for the strand and the callback */
    uintptr_t shell;
    uintptr_t command;
};

/* Can this call be answered at all? */
bool wsm_api_has_callback(const WSMAN_SHELL_ASYNC *async);
struct wsm_callee wsm_api_callee(const WSMAN_SHELL_ASYNC *async);
/* Calls back with err (cleared here) on the strand of the shell, if there is one. */
void wsm_api_refuse(const struct wsm_api_call *call, struct wsm_error *err);
/* The same with a callee that is not a shell completion function. */
void wsm_api_refuse_callee(struct wsm_callee callee, enum wsm_result kind, uintptr_t session,
                           struct wsm_error *err);

/* Is the handle open? A closed one and one that never was give different codes. */
bool wsm_api_check_shell(uintptr_t shell, uint32_t *out_version,
                         struct wsm_error *err) WSM_MUST_CHECK;
bool wsm_api_check_command(uintptr_t command, struct wsm_error *err) WSM_MUST_CHECK;

#endif
