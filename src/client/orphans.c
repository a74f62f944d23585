/* The lists of orphans. Loop thread, one after the other over the lives of the library. */
#include "client/orphans.h"

#include "client/command.h"
#include "client/operation.h"
#include "client/shell.h"

static struct {
    struct wsm_list shells;
    struct wsm_list commands;
    struct wsm_list operations;
} orphans = {
    .shells = { &orphans.shells, &orphans.shells },
    .commands = { &orphans.commands, &orphans.commands },
    .operations = { &orphans.operations, &orphans.operations },
};

void wsm_orphans_add_shell(struct wsm_shell *shell)
{
    wsm_list_add(&orphans.shells, &shell->node);
}

void wsm_orphans_add_command(struct wsm_command *command)
{
    wsm_list_add(&orphans.commands, &command->node);
}

void wsm_orphans_add_operation(struct wsm_operation *operation)
{
    wsm_list_add(&orphans.operations, &operation->node);
}

void wsm_orphans_forget(void)
{
    while (!wsm_list_is_empty(&orphans.operations))
        wsm_operation_forget(WSM_CONTAINER_OF(orphans.operations.next, struct wsm_operation, node));
    while (!wsm_list_is_empty(&orphans.commands))
        wsm_command_forget(WSM_CONTAINER_OF(orphans.commands.next, struct wsm_command, node));
    while (!wsm_list_is_empty(&orphans.shells))
        wsm_shell_forget(WSM_CONTAINER_OF(orphans.shells.next, struct wsm_shell, node));
}
