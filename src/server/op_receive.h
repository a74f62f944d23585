/* Receive: output of a command. What the rest of the server must know of it. */
#ifndef WSM_SERVER_OP_RECEIVE_H
#define WSM_SERVER_OP_RECEIVE_H

#include "server/shell_table.h"

/* The command ends: what waits for its output is answered with `err` (borrowed), what was
 * fetched ahead is thrown away (the host has it, or nobody may have it any more). */
void wsm_receive_abort(struct wsm_command *command, const struct wsm_error *err);

/* The shell is about to be disconnected: a Receive that has not asked the host yet ends with
 * `err` (borrowed); the host answers the others. */
void wsm_receive_let_go(struct wsm_command *command, const struct wsm_error *err);

/* The marked holder of the shell has everything below `upto`, of which all was in answers. */
void wsm_receive_confirm(struct wsm_command *command, const uint64_t upto[WSM_HOST_STREAMS]);

#endif
