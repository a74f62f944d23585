/* Send: input for a command. What the rest of the server must know of it. */
#ifndef WSM_SERVER_OP_SEND_H
#define WSM_SERVER_OP_SEND_H

#include "server/shell_table.h"

/* The command goes: a Send under way ends by itself, without it. */
void wsm_send_forget(struct wsm_command *command);

#endif
