/* Waiting for the answer to one call, for verbs that do one thing after the other. */
#ifndef WSM_CLI_AWAIT_H
#define WSM_CLI_AWAIT_H

#include "events.h"
#include "session.h"

#include <wsman.h>

/* Waits for the next entry of `events`. Returns 0 after success, or an exit code after a
 * message: of the error in it (unless it is `tolerated`, then 0 with *out_code set), of a
 * signal, or of --timeout. After the last two the callback may still be to come. */
int wsm_cli_await(const struct wsm_cli_session *session, struct wsm_cli_events *events,
                  uint32_t tolerated, uint32_t *out_code) __attribute__((warn_unused_result));

/* Posts the outcome of a call with its words. Any thread. */
void wsm_cli_await_post(struct wsm_cli_events *events, const WSMAN_ERROR *error);

#endif
