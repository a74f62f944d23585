/* winrmc detach: makes whoever holds a shell let go of it. Main thread. */
#include "verbs.h"

#include "message.h"
#include "pick.h"
#include "steps.h"

/* Nobody can disconnect the shell of another client: it is taken first. */
static int let_go(const struct wsm_cli_session *session, struct wsm_cli_events *events,
                  struct wsm_cli_target *target)
{
    WSMAN_SHELL_HANDLE shell;
    int status = wsm_cli_step_connect(session, events, target, &shell);

    if (status == WSM_CLI_OK)
        status = wsm_cli_step_disconnect(session, events, shell);
    if (status == WSM_CLI_OK)
        wsm_cli_note(session->options->is_verbose, "%s: shell %s disconnected", session->label,
                     target->shell->id);
    return status;
}

static int detach(struct wsm_cli_session *session, struct wsm_cli_events *events, void *context)
{
    struct wsm_cli_target *target = context;
    int status = wsm_cli_target_find(target, session, events, WSM_CLI_WANT_SHELL, true);

    if (status == WSM_CLI_OK)
        wsm_cli_session_abandon(session, let_go(session, events, target));
    return status;
}

int wsm_cli_detach(const struct wsm_cli_options *options, struct wsm_cli_signals *signals)
{
    struct wsm_cli_target target = { 0 };
    int status;

    if (wsm_cli_pick_names_command(options->id))
        return wsm_cli_fail(WSM_CLI_USAGE, "%s: detach lets go of a shell with all its commands",
                            options->id);
    status = wsm_cli_session_with(options, signals, detach, &target);
    wsm_cli_target_clear(&target);
    return status;
}
