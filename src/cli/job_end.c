/* How a job ends: exit codes and what the user is told. Main thread. */
#include "job.h"

#include "errors.h"
#include "hint.h"
#include "message.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wsmerror.h>
#include <wsmext.h>

#define EXIT_CODE_MAX 255 /* larger ones, which Windows has, become this */

bool wsm_job_can_leave(const struct wsm_cli_job *job)
{
    return job->can_disconnect && !job->options->is_local;
}

const char *wsm_job_shell_id(const struct wsm_cli_job *job)
{
    return job->target != NULL ? job->target->shell->id : job->request->shell_id;
}

static const char *words(const struct wsm_cli_job *job, const char *text)
{
    return wsm_cli_session_words(job->session, text != NULL ? text : "no details");
}

static void say_dropped(const struct wsm_cli_job *job)
{
    WSMAN_EXT_OFFSETS offsets;

    if (WSManExtGetOffsets(job->command, &offsets) != 0 ||
        (offsets.dropped[0] == 0 && offsets.dropped[1] == 0))
        return;
    wsm_cli_fail(0,
                 "%s: %" PRIu64 " bytes of standard output and %" PRIu64
                 " of standard error were dropped while nobody was attached",
                 job->session->label, offsets.dropped[0], offsets.dropped[1]);
}

static int status_of_done(const struct wsm_cli_job *job, uint32_t exit_code)
{
    say_dropped(job);
    wsm_cli_note(job->options->is_verbose, "%s: exit code %u", job->session->label, exit_code);
    return exit_code <= EXIT_CODE_MAX ? (int)exit_code : EXIT_CODE_MAX;
}

static int status_of_failed(const struct wsm_cli_job *job, uint32_t code, const char *text)
{
    /* Windows ends a Receive with these after Ctrl-C (MS-WSMV peers differ). */
    if (job->was_interrupted && (code == ERROR_OPERATION_ABORTED || code == ERROR_CANCELLED))
        return WSM_CLI_SIGNAL + SIGINT;
    /* The login was good enough for the shell: it is the program that may not be run. */
    if (job->state == WSM_JOB_STARTING && code == ERROR_ACCESS_DENIED)
        return wsm_cli_fail(WSM_CLI_PROTOCOL, "%s: %s (error %u)", job->session->label,
                            words(job, text), code);
    return wsm_cli_session_fail(job->session, code, text);
}

static int status_of_lost(const struct wsm_cli_job *job, uint32_t code, const char *text)
{
    if (job->state == WSM_JOB_OPENING)
        return wsm_cli_session_fail(job->session, code, text);
    if (wsm_job_can_leave(job))
        return wsm_cli_fail(WSM_CLI_LEFT, "%s: lost the connection (%s)", job->session->label,
                            words(job, text));
    return wsm_cli_fail(WSM_CLI_UNREACHABLE, "%s: lost the connection (%s); shell %s %s",
                        job->session->label, words(job, text), wsm_job_shell_id(job),
                        job->options->is_local ? "ends with its service"
                                               : "and its command may go on there");
}

static int status_of_given_up(const struct wsm_cli_job *job)
{
    if (!wsm_job_can_leave(job))
        return wsm_cli_fail(WSM_CLI_UNREACHABLE, "%s: the link did not come back",
                            job->session->label);
    return wsm_cli_fail(WSM_CLI_LEFT, "%s: the link did not come back", job->session->label);
}

static int status_of_taken(const struct wsm_cli_job *job, uint32_t code)
{
    bool has_let_go = code == ERROR_WINRS_SHELL_CLIENTSESSIONID_MISMATCH ||
                      code == ERROR_WINRS_SHELL_DISCONNECTED;

    return wsm_cli_fail(WSM_CLI_LEFT, "%s: another client has %s shell %s", job->session->label,
                        has_let_go ? "detached" : "taken", wsm_job_shell_id(job));
}

static int status_of_write_error(int error)
{
    return wsm_cli_fail(WSM_CLI_LOCAL_IO, "writing the output: %s", strerror(error));
}

int wsm_job_status(const struct wsm_cli_job *job, enum wsm_job_event event,
                   const struct wsm_cli_event *e)
{
    switch (event) {
    case WSM_JOB_OPENED: /* --detach */
        return wsm_cli_fail(WSM_CLI_PROTOCOL, "%s: this service keeps no shell without its client",
                            job->session->label);
    case WSM_JOB_STARTED: /* --detach */
        return WSM_CLI_OK;
    case WSM_JOB_DONE:
        return status_of_done(job, e->exit_code);
    case WSM_JOB_FAILED:
        return status_of_failed(job, e->code, e->text);
    case WSM_JOB_LOST:
        return status_of_lost(job, e->code, e->text);
    case WSM_JOB_TAKEN:
        return status_of_taken(job, e->code);
    case WSM_JOB_GIVEN_UP:
        return status_of_given_up(job);
    case WSM_JOB_WRITE_ERROR:
        return status_of_write_error((int)e->code);
    case WSM_JOB_READER_GONE:
        return WSM_CLI_SIGNAL + SIGPIPE;
    case WSM_JOB_LET_GO:
        return wsm_job_can_leave(job) ? WSM_CLI_LEFT : WSM_CLI_SIGNAL + (int)e->code;
    case WSM_JOB_END_SIGNAL:
        return WSM_CLI_SIGNAL + (int)e->code;
    case WSM_JOB_TIMEOUT:
        return wsm_cli_fail(WSM_CLI_TIMED_OUT, "%s: --timeout is over", job->session->label);
    default:
        return WSM_CLI_PROTOCOL;
    }
}

/* ---- Farewell ---- */

static void print_hint(const struct wsm_cli_job *job)
{
    struct wsm_cli_hint hint = { .shell_id = wsm_job_shell_id(job),
                                 .needs_take = !job->is_released };
    uint64_t at[WSM_CLI_STREAM_COUNT];
    char *line;

    if (job->target != NULL && job->target->shell->command_count > 1)
        hint.command_id = job->target->command->id;
    /* Always with the offsets, not only for files: what was written here and not confirmed
     * to the server yet would come again otherwise. */
    if (wsm_job_written(job, at)) {
        hint.has_offsets = true;
        hint.out = at[WSM_CLI_STDOUT];
        hint.err = at[WSM_CLI_STDERR];
    }
    line = wsm_cli_hint_line(&hint, job->options);
    wsm_cli_fail(0, "%s: the command runs on; attach with: %s", job->session->label, line);
    free(line);
}

static int print_id(const struct wsm_cli_job *job)
{
    if (printf("%s\n", wsm_job_shell_id(job)) > 0 && fflush(stdout) != EOF)
        return WSM_CLI_OK;
    wsm_cli_fail(0, "standard output: %s", strerror(errno));
    print_hint(job);
    return WSM_CLI_LOCAL_IO;
}

int wsm_job_farewell(const struct wsm_cli_job *job)
{
    if (job->reason == WSM_JOB_STARTED && job->is_released)
        return print_id(job);
    switch (job->reason) {
    case WSM_JOB_STARTED:
        wsm_cli_fail(0, "%s: shell %s could not be let go of in order", job->session->label,
                     wsm_job_shell_id(job));
        print_hint(job);
        return WSM_CLI_LEFT;
    case WSM_JOB_LOST:
    case WSM_JOB_TAKEN:
    case WSM_JOB_GIVEN_UP:
    case WSM_JOB_WRITE_ERROR:
    case WSM_JOB_READER_GONE:
    case WSM_JOB_LET_GO:
    case WSM_JOB_TIMEOUT:
        if (wsm_job_can_leave(job))
            print_hint(job);
        return job->status;
    default:
        return job->status;
    }
}
