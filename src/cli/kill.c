/* winrmc kill: deletes a shell with all it runs, or ends one of its commands. Main thread. */
#include "verbs.h"

#include "message.h"
#include "pick.h"
#include "steps.h"

/* Only the shell's holder may end a command of it. */
static int end_command(const struct wsm_cli_session *session, struct wsm_cli_events *events,
                       struct wsm_cli_target *target)
{
    WSMAN_SHELL_HANDLE shell;
    int status = wsm_cli_step_connect(session, events, target, &shell);
    int let_go;

    if (status != WSM_CLI_OK)
        return status;
    status = wsm_cli_step_terminate(session, events, target, shell);
    let_go = wsm_cli_step_disconnect(session, events, shell);
    return status != WSM_CLI_OK ? status : let_go;
}

static int end(struct wsm_cli_session *session, struct wsm_cli_events *events, void *context)
{
    struct wsm_cli_target *target = context;
    bool is_command = wsm_cli_pick_names_command(session->options->id);
    int status = wsm_cli_target_find(target, session, events,
                                     is_command ? WSM_CLI_WANT_COMMAND : WSM_CLI_WANT_SHELL,
                                     session->options->is_take);

    if (status != WSM_CLI_OK)
        return status;
    if (is_command)
        wsm_cli_session_abandon(session, end_command(session, events, target));
    return wsm_cli_step_delete(session, events, target);
}

int wsm_cli_kill(const struct wsm_cli_options *options, struct wsm_cli_signals *signals)
{
    struct wsm_cli_target target = { 0 };
    int status = wsm_cli_session_with(options, signals, end, &target);

    wsm_cli_target_clear(&target);
    return status;
}
