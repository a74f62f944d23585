/* winrmc attach and wait: go on with a command that a client left running. Main thread. */
#include "verbs.h"

#include "job.h"
#include "message.h"

static int follow(struct wsm_cli_target *target, struct wsm_cli_session *session,
                  enum wsm_job_plan plan)
{
    struct wsm_cli_job job = {
        .plan = plan, .options = session->options, .session = session, .target = target
    };
    int status = wsm_cli_job_open(&job);

    if (status == WSM_CLI_OK)
        status = wsm_cli_job_follow(&job);
    wsm_cli_session_close(session); /* after it no callback comes */
    wsm_cli_job_close(&job);
    return status;
}

static int attach(const struct wsm_cli_options *options, struct wsm_cli_signals *signals,
                  enum wsm_job_plan plan)
{
    struct wsm_cli_target target = { 0 };
    struct wsm_cli_session session;
    struct wsm_cli_events events;
    int status;

    if (!wsm_cli_events_open(&events))
        return wsm_cli_fail(WSM_CLI_PROTOCOL, "event descriptor: %m");
    status = wsm_cli_session_open(&session, options, signals);
    if (status == WSM_CLI_OK)
        status = wsm_cli_target_find(&target, &session, &events, WSM_CLI_WANT_COMMAND,
                                     options->is_take);
    if (status == WSM_CLI_OK)
        status = follow(&target, &session, plan);
    else
        wsm_cli_session_close(&session);
    wsm_cli_target_clear(&target);
    wsm_cli_events_close(&events);
    return status;
}

int wsm_cli_attach(const struct wsm_cli_options *options, struct wsm_cli_signals *signals)
{
    return attach(options, signals, WSM_JOB_ATTACH);
}

int wsm_cli_wait_verb(const struct wsm_cli_options *options, struct wsm_cli_signals *signals)
{
    return attach(options, signals, WSM_JOB_WAIT);
}
