/* The commands of a host, by their ids; and those that were terminated.
 * Source: docs/host-protocol.md, "Repetition", "Terminate". */
#ifndef WSM_HOST_COMMANDS_H
#define WSM_HOST_COMMANDS_H

#include "base/guid.h"
#include "host/ids.h"

struct wsm_command;
struct wsm_host;

enum { WSM_TERMINATED_MAX = 64 }; /* remembered */

/* A ring. Zeroed: empty. */
struct wsm_terminated {
    struct {
        struct wsm_guid id;
        struct wsm_id message_id; /* that started it */
    } ring[WSM_TERMINATED_MAX];
    size_t count; /* ever */
};
void wsm_terminated_clear(struct wsm_terminated *terminated);
/* Remembers the command; its message id is moved. */
void wsm_terminated_add(struct wsm_terminated *terminated, struct wsm_command *command);
bool wsm_terminated_has(const struct wsm_terminated *terminated, const struct wsm_guid *id);

/* NULL if there is none. */
struct wsm_command *wsm_commands_find(const struct wsm_host *host, const struct wsm_guid *id);
/* The id of the command, also a terminated one, that a RUN with this message id started;
 * NULL if there was none. */
const struct wsm_guid *wsm_commands_started_by(const struct wsm_host *host,
                                               struct wsm_span message_id);
/* Could something that `command`, whose process has ended, left behind still run? */
bool wsm_commands_may_have_left(const struct wsm_host *host, const struct wsm_command *command);

#endif
