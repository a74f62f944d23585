/* The handlers of requests, and what they have in common. */
#ifndef WSM_SERVER_HANDLER_H
#define WSM_SERVER_HANDLER_H

#include "server/exchange.h"
#include "server/shell_table.h"

/* Each takes the exchange over. `shell` is ready; NULL for those that are not about one
 * (Identify, Create, Enumerate, Pull, Release). */
typedef void wsm_handler(struct wsm_exchange *exchange, struct wsm_shell *shell);
wsm_handler wsm_op_identify, wsm_op_create, wsm_op_delete, wsm_op_command, wsm_op_send,
    wsm_op_receive, wsm_op_signal, wsm_op_disconnect, wsm_op_reconnect, wsm_op_connect, wsm_op_get,
    wsm_op_enumerate, wsm_op_pull, wsm_op_release;

/* The user's shell of that id, ready. NULL: the exchange was taken over, refused or waiting. */
struct wsm_shell *wsm_handler_find_shell(struct wsm_exchange *exchange, struct wsm_span id);

/* Refuses an option that must be complied with and is not in `known` (ended by NULL). */
bool wsm_options_check(const struct wsm_envelope *env, const char *const *known,
                       struct wsm_error *err) WSM_MUST_CHECK;

#endif
