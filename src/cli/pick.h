/* ID as the user types it: SHELL or SHELL/COMMAND, each the whole id or the first
 * characters of it, at least 4. */
#ifndef WSM_CLI_PICK_H
#define WSM_CLI_PICK_H

#include "listing.h"

#define WSM_CLI_PICK_MIN 4 /* characters of a beginning */

/* Finds the one shell that `id` means. Returns 0, or an exit code after a message that
 * begins with `label` and lists what it could mean. */
int wsm_cli_pick_shell(const struct wsm_cli_listing *listing, const char *id, const char *label,
                       struct wsm_cli_shell_info **out_shell) __attribute__((warn_unused_result));

/* The same for a command of a shell whose commands are known; an id that names none means
 * the only one. */
int wsm_cli_pick_command(const struct wsm_cli_shell_info *shell, const char *id, const char *label,
                         const struct wsm_cli_command_info **out_command)
    __attribute__((warn_unused_result));

bool wsm_cli_pick_names_command(const char *id);

#endif
