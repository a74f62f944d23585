/* winrmc attach and wait: go on with a command that a client left running. Main thread. */
#include "verbs.h"

#include "job.h"
#include "message.h"

struct attachment {
    struct wsm_cli_target target;
    struct wsm_cli_job job;
    bool has_job;
};

static int follow(struct wsm_cli_session *session, struct wsm_cli_events *events, void *context)
{
    struct attachment *attachment = context;
    struct wsm_cli_job *job = &attachment->job;
    int status = wsm_cli_target_find(&attachment->target, session, events, WSM_CLI_WANT_COMMAND,
                                     session->options->is_take);

    if (status != WSM_CLI_OK)
        return status;
    job->options = session->options;
    job->session = session;
    job->target = &attachment->target;
    attachment->has_job = true;
    status = wsm_cli_job_open(job);
    return status == WSM_CLI_OK ? wsm_cli_job_follow(job) : status;
}

static int attach(const struct wsm_cli_options *options, struct wsm_cli_signals *signals,
                  enum wsm_job_plan plan)
{
    struct attachment attachment = { .job.plan = plan };
    int status = wsm_cli_session_with(options, signals, follow, &attachment);

    if (attachment.has_job) /* after its session no callback comes */
        wsm_cli_job_close(&attachment.job);
    wsm_cli_target_clear(&attachment.target);
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
