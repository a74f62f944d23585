/* Calls of the API one after the other, for verbs that do not follow a command. */
#ifndef WSM_CLI_STEPS_H
#define WSM_CLI_STEPS_H

#include "await.h"
#include "target.h"

/* Each returns 0, or an exit code after a message. */

/* Makes the shell ours. From then on the session must not be closed, which would delete the
 * shell, but abandoned. */
int wsm_cli_step_connect(const struct wsm_cli_session *session, struct wsm_cli_events *events,
                         struct wsm_cli_target *target, WSMAN_SHELL_HANDLE *out_shell)
    __attribute__((warn_unused_result));

/* Ends one command of it. */
int wsm_cli_step_terminate(const struct wsm_cli_session *session, struct wsm_cli_events *events,
                           struct wsm_cli_target *target, WSMAN_SHELL_HANDLE shell)
    __attribute__((warn_unused_result));

/* Lets go of it, with the buffer mode and idle time-out of the options. */
int wsm_cli_step_disconnect(const struct wsm_cli_session *session, struct wsm_cli_events *events,
                            WSMAN_SHELL_HANDLE shell) __attribute__((warn_unused_result));

int wsm_cli_step_delete(const struct wsm_cli_session *session, struct wsm_cli_events *events,
                        struct wsm_cli_target *target) __attribute__((warn_unused_result));

#endif
