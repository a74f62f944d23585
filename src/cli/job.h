/* A command that winrmc follows, from the shell's creation or from where another client
 * left it, to its end or until winrmc lets go. */
#ifndef WSM_CLI_JOB_H
#define WSM_CLI_JOB_H

#include "events.h"
#include "input.h"
#include "output.h"
#include "request.h"
#include "session.h"
#include "target.h"

#include <wsman.h>

enum wsm_job_plan {
    WSM_JOB_RUN,    /* create, start, follow, delete */
    WSM_JOB_DETACH, /* create, start, let go */
    WSM_JOB_ATTACH, /* connect, follow, then delete or let go */
    WSM_JOB_WAIT,   /* the same without input, and Ctrl-C is not the command's */
};

enum wsm_job_state {
    WSM_JOB_REFUSED, /* cell of a table: the event means nothing here */
    WSM_JOB_OPENING, /* Create or Connect is under way */
    WSM_JOB_STARTING,
    WSM_JOB_RUNNING,
    WSM_JOB_INTERRUPTED, /* the command was sent Ctrl-C; one more now lets go */
    WSM_JOB_TERMINATING, /* it has ended, and its shell has other commands */
    WSM_JOB_LEAVING,     /* the shell is being disconnected */
    WSM_JOB_CLOSING,     /* the shell is being deleted */
    WSM_JOB_CLOSED,
    WSM_JOB_LEFT, /* nothing more is sent; what is on the server stays */
    WSM_JOB_STATE_COUNT,
};

enum wsm_job_event {
    WSM_JOB_OPENED,
    WSM_JOB_STARTED,
    WSM_JOB_DONE,
    WSM_JOB_FAILED,      /* the server or the library refused something */
    WSM_JOB_LOST,        /* the server cannot be reached, and nobody tries again */
    WSM_JOB_TAKEN,       /* another client has the shell now, or let go of it */
    WSM_JOB_GIVEN_UP,    /* the link did not come back in time */
    WSM_JOB_WRITE_ERROR, /* on our own standard output or error */
    WSM_JOB_READER_GONE, /* nobody reads them any more */
    WSM_JOB_INTERRUPT,   /* Ctrl-C for the command; impatience while something is being ended */
    WSM_JOB_CALM,        /* a while after it */
    WSM_JOB_LET_GO,      /* a signal that leaves the command running */
    WSM_JOB_END_SIGNAL,  /* a signal that ends it */
    WSM_JOB_TIMEOUT,
    WSM_JOB_TERMINATED,
    WSM_JOB_RELEASED, /* Disconnect has ended, well or not */
    WSM_JOB_CLOSE_DONE,
    WSM_JOB_EVENT_COUNT,
    /* Handed over without an effect on the state: */
    WSM_JOB_SENT = WSM_JOB_EVENT_COUNT,
    WSM_JOB_SIGNALLED,
    WSM_JOB_LINK_LOST,
    WSM_JOB_LINK_BACK,
};

struct wsm_cli_job;

/* Context of an asynchronous call: what its completion means. */
struct wsm_job_call {
    struct wsm_cli_job *job; /* borrowed */
    enum wsm_job_event event;
};

/* Its address must not change from open to close. The main thread owns it; callbacks touch
 * output and events. */
struct wsm_cli_job {
    enum wsm_job_plan plan;
    const struct wsm_cli_options *options; /* borrowed, like the next three */
    struct wsm_cli_session *session;
    struct wsm_cli_request *request; /* RUN, DETACH */
    struct wsm_cli_target *target;   /* ATTACH, WAIT */
    struct wsm_cli_events events;
    struct wsm_cli_output output;
    struct wsm_cli_input input;
    enum wsm_job_state state;  /* written by step() alone */
    enum wsm_job_event reason; /* what ended the following; once state > INTERRUPTED */
    int status;                /* exit code; likewise */
    bool can_disconnect;       /* the shell can be left: said with OPENED */
    bool is_released;          /* Disconnect went well */
    int64_t deadline_ms;       /* of --timeout, then of the ending; 0 = none */
    int64_t calm_ms;           /* end of INTERRUPTED, 0 = not in it */
    bool was_interrupted;      /* a Ctrl-C was sent at some time */
    int64_t lost_ms;           /* when the link was lost, 0 = it is not */
    WSMAN_SHELL_HANDLE shell;
    WSMAN_COMMAND_HANDLE command;
    struct wsm_job_call opened, started, done, sent, signalled, terminated, released, closed;
};

/* ---- job.c: the state machine ---- */

/* Makes the queue and the descriptors of a job whose plan and first pointers are set.
 * Returns 0, or an exit code after a message. */
int wsm_cli_job_open(struct wsm_cli_job *job) __attribute__((warn_unused_result));

/* Does it all, and returns the exit code, or ends the program where the shell lives on:
 * nothing may touch it any more. The session is open. */
int wsm_cli_job_follow(struct wsm_cli_job *job) __attribute__((warn_unused_result));

/* After the session is closed. */
void wsm_cli_job_close(struct wsm_cli_job *job);

/* ---- job_calls.c: what is asked of the library, and its callbacks ---- */

void wsm_job_open_shell(struct wsm_cli_job *job);
void wsm_job_start(struct wsm_cli_job *job);
void wsm_job_receive(struct wsm_cli_job *job);
void wsm_job_send(struct wsm_cli_job *job, const struct wsm_cli_input_block *block);
void wsm_job_interrupt(struct wsm_cli_job *job);
void wsm_job_terminate(struct wsm_cli_job *job);
void wsm_job_disconnect(struct wsm_cli_job *job);
void wsm_job_delete(struct wsm_cli_job *job);

/* Which event the error of a call means that the job depends on. */
enum wsm_job_event wsm_job_failure(uint32_t code);

/* How far the output has been written; false where the server does not count. */
bool wsm_job_written(const struct wsm_cli_job *job, uint64_t out_at[WSM_CLI_STREAM_COUNT])
    __attribute__((warn_unused_result));

/* ---- job_end.c: exit codes and words ---- */

/* Whether the shell and its command can be left behind. */
bool wsm_job_can_leave(const struct wsm_cli_job *job);

const char *wsm_job_shell_id(const struct wsm_cli_job *job);

/* The exit code that `event` leads to, said to the user where it is a failure. */
int wsm_job_status(const struct wsm_cli_job *job, enum wsm_job_event event,
                   const struct wsm_cli_event *e);

/* What is said and done at the very end; the final exit code. */
int wsm_job_farewell(const struct wsm_cli_job *job);

#endif
