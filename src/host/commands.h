/* The commands of a host, by their ids.
 * Source: docs/host-protocol.md, "Repetition", "Terminate". */
#ifndef WSM_HOST_COMMANDS_H
#define WSM_HOST_COMMANDS_H

#include "base/guid.h"
#include "base/span.h"

struct wsm_command;
struct wsm_host;

/* NULL if there is none. */
struct wsm_command *wsm_commands_find(const struct wsm_host *host, const struct wsm_guid *id);
/* The id of the command, also a terminated one, that a RUN with this message id started;
 * NULL if there was none. */
const struct wsm_guid *wsm_commands_started_by(const struct wsm_host *host,
                                               struct wsm_span message_id);

#endif
