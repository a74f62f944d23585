/* A shell that lives already, and perhaps one of its commands: found by the id that the
 * user typed, in the form that the API takes. */
#ifndef WSM_CLI_TARGET_H
#define WSM_CLI_TARGET_H

#include "listing.h"
#include "options.h"

#include <wsman.h>

enum wsm_cli_want {
    WSM_CLI_WANT_SHELL,   /* whatever its commands are */
    WSM_CLI_WANT_COMMAND, /* one command, and a shell that nobody else holds unless --take */
};

struct wsm_cli_target {
    struct wsm_cli_listing listing;
    const struct wsm_cli_shell_info *shell;     /* borrowed from the listing */
    const struct wsm_cli_command_info *command; /* likewise; NULL unless wanted */
    PWSTR shell_id;                             /* owned, like the next three; WSManExtFree() */
    PWSTR command_id;
    PWSTR resource_uri;
    PWSTR from;
    WSMAN_OPTION option; /* of Connect, then of the command's Connect */
    WSMAN_OPTION_SET options;
    WSMAN_OPTION command_option;
    WSMAN_OPTION_SET command_options;
};

/* Asks the host and picks what options->id means. `is_taken_away`: whether Connect takes
 * the shell from another client. Returns 0, or an exit code after a message; the caller
 * ends *target, whose address must not change, with wsm_cli_target_clear() after the
 * session. */
int wsm_cli_target_find(struct wsm_cli_target *target, const struct wsm_cli_session *session,
                        struct wsm_cli_events *events, enum wsm_cli_want want, bool is_taken_away)
    __attribute__((warn_unused_result));

void wsm_cli_target_clear(struct wsm_cli_target *target);

#endif
