/* The commands of a host, by their ids. The host's only thread. Starts and ends none. */
#include "host/commands.h"

#include "host/host.h"
#include "host/process.h"

#include <stdlib.h>

void wsm_terminated_clear(struct wsm_terminated *terminated)
{
    for (size_t i = 0; i < WSM_TERMINATED_MAX; i++)
        wsm_id_clear(&terminated->ring[i].message_id);
    terminated->count = 0;
}

void wsm_terminated_add(struct wsm_terminated *terminated, struct wsm_command *command)
{
    size_t at = terminated->count++ % WSM_TERMINATED_MAX;

    terminated->ring[at].id = command->id;
    wsm_id_clear(&terminated->ring[at].message_id);
    terminated->ring[at].message_id = command->message_id;
    command->message_id = (struct wsm_id){ .bytes = NULL };
}

static size_t kept(const struct wsm_terminated *terminated)
{
    return terminated->count < WSM_TERMINATED_MAX ? terminated->count : WSM_TERMINATED_MAX;
}

bool wsm_terminated_has(const struct wsm_terminated *terminated, const struct wsm_guid *id)
{
    for (size_t i = 0; i < kept(terminated); i++) {
        if (wsm_guid_equal(&terminated->ring[i].id, id))
            return true;
    }
    return false;
}

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
    const struct wsm_terminated *terminated = &host->terminated;
    const struct wsm_list *node;

    WSM_LIST_FOREACH (node, &host->commands) {
        const struct wsm_command *command = WSM_CONTAINER_OF(node, const struct wsm_command, node);

        if (wsm_id_is(&command->message_id, message_id))
            return &command->id;
    }
    for (size_t i = 0; i < kept(terminated); i++) {
        if (wsm_id_is(&terminated->ring[i].message_id, message_id))
            return &terminated->ring[i].id;
    }
    return NULL;
}

bool wsm_commands_may_have_left(const struct wsm_host *host, const struct wsm_command *command)
{
    pid_t *running = calloc(host->command_count + 1, sizeof(*running));
    const struct wsm_list *node;
    size_t count = 0;
    bool is_taken = false;
    bool result;

    if (running == NULL)
        return true;
    WSM_LIST_FOREACH (node, &host->commands) {
        const struct wsm_command *other = WSM_CONTAINER_OF(node, const struct wsm_command, node);

        if (other->state != WSM_COMMAND_RUNNING)
            continue;
        running[count++] = other->pid;
        /* A number is used again only when no group and no session has it. */
        is_taken = is_taken || other->pid == command->pid;
    }
    result = !is_taken && wsm_process_has_strangers(running, count);
    free(running);
    return result;
}
