/* winrmc run: one command in a shell of its own, to its end or, with --detach, until it has
 * started. Main thread. */
#include "verbs.h"

#include "job.h"
#include "message.h"

static int follow(struct wsm_cli_request *request, struct wsm_cli_session *session)
{
    const struct wsm_cli_options *options = session->options;
    struct wsm_cli_job job = { .plan = options->is_detach ? WSM_JOB_DETACH : WSM_JOB_RUN,
                               .options = options,
                               .session = session,
                               .request = request };
    int status = wsm_cli_job_open(&job);

    if (status == WSM_CLI_OK)
        status = wsm_cli_job_follow(&job);
    wsm_cli_session_close(session); /* after it no callback comes */
    wsm_cli_job_close(&job);
    return status;
}

int wsm_cli_run(const struct wsm_cli_options *options, struct wsm_cli_signals *signals)
{
    struct wsm_cli_session session;
    struct wsm_cli_request request;
    int status = wsm_cli_request_build(&request, options);

    if (status == WSM_CLI_OK) {
        status = wsm_cli_session_open(&session, options, signals);
        if (status == WSM_CLI_OK)
            status = follow(&request, &session);
        else
            wsm_cli_session_close(&session);
    }
    wsm_cli_request_clear(&request);
    return status;
}
