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

int wsm_cli_kill(const struct wsm_cli_options *options, struct wsm_cli_signals *signals)
{
    bool is_command = wsm_cli_pick_names_command(options->id);
    struct wsm_cli_target target = { 0 };
    struct wsm_cli_session session;
    struct wsm_cli_events events;
    int status;

    if (!wsm_cli_events_open(&events))
        return wsm_cli_fail(WSM_CLI_PROTOCOL, "event descriptor: %m");
    status = wsm_cli_session_open(&session, options, signals);
    if (status == WSM_CLI_OK)
        status = wsm_cli_target_find(&target, &session, &events,
                                     is_command ? WSM_CLI_WANT_COMMAND : WSM_CLI_WANT_SHELL,
                                     options->is_take);
    if (status == WSM_CLI_OK && is_command)
        wsm_cli_session_abandon(&session, end_command(&session, &events, &target));
    if (status == WSM_CLI_OK)
        status = wsm_cli_step_delete(&session, &events, &target);
    wsm_cli_session_close(&session);
    wsm_cli_target_clear(&target);
    wsm_cli_events_close(&events);
    return status;
}
