/* The commands of a host, by their ids. The host's only thread. Starts and ends none. */
#include "host/commands.h"

#include "host/command.h"
#include "host/host.h"

struct wsm_command *wsm_commands_find(const struct wsm_host *host, const struct wsm_guid *id)
{
    const struct wsm_list *node;

    WSM_LIST_FOREACH (node, &host->commands) {
        struct wsm_command *command = WSM_CONTAINER_OF(node, struct wsm_command, node);

        if (wsm_guid_equal(&command->id, id))
            return command;
    }
    return NULL;
}

const struct wsm_guid *wsm_commands_started_by(const struct wsm_host *host,
                                               struct wsm_span message_id)
{
    const struct wsm_list *node;

    WSM_LIST_FOREACH (node, &host->commands) {
        const struct wsm_command *command = WSM_CONTAINER_OF(node, const struct wsm_command, node);

        if (wsm_id_is(&command->message_id, message_id))
            return &command->id;
    }
    return wsm_terminated_started_by(&host->terminated, message_id);
}
