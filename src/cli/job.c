/* The states of a command that winrmc follows. The main thread owns everything here and
 * waits in one place for callbacks, signals, standard input and the clock. What goes to the
 * server is decided in enter(); how it is asked for stands in job_calls.c. */
#include "job.h"

#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <wsmerror.h>

#define CLOSE_MS     5000 /* for deleting the shell at the end */
#define CANCEL_MS    1000 /* the same while the host has not answered yet at all */
#define LEAVE_MS     5000 /* for letting go of it */
#define CALM_MS      2000 /* a second Ctrl-C within that time lets go */
#define INPUT_MIN_KB 1    /* of a block of input, whatever the library says */
#define INPUT_MAX_KB 1024

/* Row: state now; column: event; cell: next state. REFUSED: ignored, a late answer. settle()
 * makes the choices that depend on more. A second interrupt comes as LET_GO. */
typedef const unsigned char job_table[WSM_JOB_STATE_COUNT][WSM_JOB_EVENT_COUNT];

/* RUN and DETACH: the shell is ours, and what goes wrong deletes it. But a connection lost
 * under a command abandons it, since it lives on at the server, and what cannot be written
 * is not thrown away. */
static job_table own_shell = {
    [WSM_JOB_OPENING] = { [WSM_JOB_OPENED] = WSM_JOB_STARTING,
                          [WSM_JOB_FAILED] = WSM_JOB_CLOSING,
                          [WSM_JOB_LOST] = WSM_JOB_CLOSING,
                          [WSM_JOB_LET_GO] = WSM_JOB_CLOSING,
                          [WSM_JOB_END_SIGNAL] = WSM_JOB_CLOSING,
                          [WSM_JOB_TIMEOUT] = WSM_JOB_CLOSING },
    [WSM_JOB_STARTING] = { [WSM_JOB_STARTED] = WSM_JOB_RUNNING,
                           [WSM_JOB_FAILED] = WSM_JOB_CLOSING,
                           [WSM_JOB_LOST] = WSM_JOB_LEFT,
                           [WSM_JOB_TAKEN] = WSM_JOB_LEFT,
                           [WSM_JOB_GIVEN_UP] = WSM_JOB_LEFT,
                           [WSM_JOB_LET_GO] = WSM_JOB_LEAVING,
                           [WSM_JOB_END_SIGNAL] = WSM_JOB_CLOSING,
                           [WSM_JOB_TIMEOUT] = WSM_JOB_CLOSING },
    [WSM_JOB_RUNNING] = { [WSM_JOB_DONE] = WSM_JOB_CLOSING,
                          [WSM_JOB_FAILED] = WSM_JOB_CLOSING,
                          [WSM_JOB_LOST] = WSM_JOB_LEFT,
                          [WSM_JOB_TAKEN] = WSM_JOB_LEFT,
                          [WSM_JOB_GIVEN_UP] = WSM_JOB_LEFT,
                          [WSM_JOB_WRITE_ERROR] = WSM_JOB_LEAVING,
                          [WSM_JOB_READER_GONE] = WSM_JOB_CLOSING,
                          [WSM_JOB_INTERRUPT] = WSM_JOB_INTERRUPTED,
                          [WSM_JOB_LET_GO] = WSM_JOB_LEAVING,
                          [WSM_JOB_END_SIGNAL] = WSM_JOB_CLOSING,
                          [WSM_JOB_TIMEOUT] = WSM_JOB_CLOSING },
    [WSM_JOB_INTERRUPTED] = { [WSM_JOB_DONE] = WSM_JOB_CLOSING,
                              [WSM_JOB_FAILED] = WSM_JOB_CLOSING,
                              [WSM_JOB_LOST] = WSM_JOB_LEFT,
                              [WSM_JOB_TAKEN] = WSM_JOB_LEFT,
                              [WSM_JOB_GIVEN_UP] = WSM_JOB_LEFT,
                              [WSM_JOB_WRITE_ERROR] = WSM_JOB_LEAVING,
                              [WSM_JOB_READER_GONE] = WSM_JOB_CLOSING,
                              [WSM_JOB_CALM] = WSM_JOB_RUNNING,
                              [WSM_JOB_LET_GO] = WSM_JOB_LEAVING,
                              [WSM_JOB_END_SIGNAL] = WSM_JOB_CLOSING,
                              [WSM_JOB_TIMEOUT] = WSM_JOB_CLOSING },
};

/* ATTACH and WAIT: somebody left the shell running, and only the end of its command or a
 * signal that is meant to end it deletes it. */
static job_table left_shell = {
    [WSM_JOB_OPENING] = { [WSM_JOB_OPENED] = WSM_JOB_STARTING,
                          [WSM_JOB_FAILED] = WSM_JOB_LEFT,
                          [WSM_JOB_LOST] = WSM_JOB_LEFT,
                          [WSM_JOB_LET_GO] = WSM_JOB_LEFT,
                          [WSM_JOB_END_SIGNAL] = WSM_JOB_LEFT,
                          [WSM_JOB_TIMEOUT] = WSM_JOB_LEFT },
    [WSM_JOB_STARTING] = { [WSM_JOB_STARTED] = WSM_JOB_RUNNING,
                           [WSM_JOB_FAILED] = WSM_JOB_LEAVING,
                           [WSM_JOB_LOST] = WSM_JOB_LEFT,
                           [WSM_JOB_TAKEN] = WSM_JOB_LEFT,
                           [WSM_JOB_GIVEN_UP] = WSM_JOB_LEFT,
                           [WSM_JOB_LET_GO] = WSM_JOB_LEAVING,
                           [WSM_JOB_END_SIGNAL] = WSM_JOB_CLOSING,
                           [WSM_JOB_TIMEOUT] = WSM_JOB_LEAVING },
    [WSM_JOB_RUNNING] = { [WSM_JOB_DONE] = WSM_JOB_TERMINATING,
                          [WSM_JOB_FAILED] = WSM_JOB_LEAVING,
                          [WSM_JOB_LOST] = WSM_JOB_LEFT,
                          [WSM_JOB_TAKEN] = WSM_JOB_LEFT,
                          [WSM_JOB_GIVEN_UP] = WSM_JOB_LEFT,
                          [WSM_JOB_WRITE_ERROR] = WSM_JOB_LEAVING,
                          [WSM_JOB_READER_GONE] = WSM_JOB_LEAVING,
                          [WSM_JOB_INTERRUPT] = WSM_JOB_INTERRUPTED,
                          [WSM_JOB_LET_GO] = WSM_JOB_LEAVING,
                          [WSM_JOB_END_SIGNAL] = WSM_JOB_CLOSING,
                          [WSM_JOB_TIMEOUT] = WSM_JOB_LEAVING },
    [WSM_JOB_INTERRUPTED] = { [WSM_JOB_DONE] = WSM_JOB_TERMINATING,
                              [WSM_JOB_FAILED] = WSM_JOB_LEAVING,
                              [WSM_JOB_LOST] = WSM_JOB_LEFT,
                              [WSM_JOB_TAKEN] = WSM_JOB_LEFT,
                              [WSM_JOB_GIVEN_UP] = WSM_JOB_LEFT,
                              [WSM_JOB_WRITE_ERROR] = WSM_JOB_LEAVING,
                              [WSM_JOB_READER_GONE] = WSM_JOB_LEAVING,
                              [WSM_JOB_CALM] = WSM_JOB_RUNNING,
                              [WSM_JOB_LET_GO] = WSM_JOB_LEAVING,
                              [WSM_JOB_END_SIGNAL] = WSM_JOB_CLOSING,
                              [WSM_JOB_TIMEOUT] = WSM_JOB_LEAVING },
};

/* Everybody's end: the answer, impatience or the clock. */
static job_table ending = {
    [WSM_JOB_TERMINATING] = { [WSM_JOB_TERMINATED] = WSM_JOB_LEAVING,
                              [WSM_JOB_INTERRUPT] = WSM_JOB_LEFT,
                              [WSM_JOB_TIMEOUT] = WSM_JOB_LEFT },
    [WSM_JOB_LEAVING] = { [WSM_JOB_RELEASED] = WSM_JOB_LEFT,
                          [WSM_JOB_INTERRUPT] = WSM_JOB_LEFT,
                          [WSM_JOB_TIMEOUT] = WSM_JOB_LEFT },
    [WSM_JOB_CLOSING] = { [WSM_JOB_CLOSE_DONE] = WSM_JOB_CLOSED,
                          [WSM_JOB_INTERRUPT] = WSM_JOB_LEFT,
                          [WSM_JOB_TIMEOUT] = WSM_JOB_LEFT },
};

static bool is_own(const struct wsm_cli_job *job)
{
    return job->plan == WSM_JOB_RUN || job->plan == WSM_JOB_DETACH;
}

static bool is_ending(enum wsm_job_state state)
{
    return state > WSM_JOB_INTERRUPTED;
}

/* What the tables cannot know. */
static enum wsm_job_state settle(const struct wsm_cli_job *job, enum wsm_job_state next)
{
    if (next == WSM_JOB_STARTING && job->plan == WSM_JOB_DETACH && !wsm_job_can_leave(job))
        return WSM_JOB_CLOSING;
    if (next == WSM_JOB_RUNNING && job->plan == WSM_JOB_DETACH)
        return WSM_JOB_LEAVING;
    if (next == WSM_JOB_TERMINATING && job->target->shell->command_count == 1)
        return WSM_JOB_CLOSING;
    if (next == WSM_JOB_LEAVING && !wsm_job_can_leave(job))
        return WSM_JOB_CLOSING;
    return next;
}

static enum wsm_job_state next_state(const struct wsm_cli_job *job, enum wsm_job_event event)
{
    job_table *table = is_own(job) ? &own_shell : &left_shell;

    if (is_ending(job->state))
        table = &ending;
    return settle(job, (enum wsm_job_state)(*table)[job->state][event]);
}

static void note(const struct wsm_cli_job *job, const char *what)
{
    wsm_cli_note(job->options->is_verbose, "%s: shell %s %s", job->session->label,
                 wsm_job_shell_id(job), what);
}

/* What was read of our input and not sent yet goes to the command first: nobody else has
 * it. The input of a command that is left to itself from the start is empty. */
static void leave(struct wsm_cli_job *job)
{
    struct wsm_cli_input_block block;

    if (job->command != NULL && wsm_cli_input_flush(&job->input, &block))
        wsm_job_send(job, &block);
    wsm_job_disconnect(job);
}

/* Acts on a state just entered; never changes it. */
static void enter(struct wsm_cli_job *job, enum wsm_job_state from)
{
    int64_t now_ms = wsm_cli_now_ms();

    switch (job->state) {
    case WSM_JOB_STARTING:
        note(job, is_own(job) ? "created" : "taken up");
        wsm_job_start(job);
        break;
    case WSM_JOB_RUNNING:
        if (from == WSM_JOB_STARTING) {
            wsm_cli_note(job->options->is_verbose, "%s: command started", job->session->label);
            wsm_job_receive(job);
        } else {
            wsm_cli_note(job->options->is_verbose, "%s: Ctrl-C is the command's again",
                         job->session->label);
        }
        break;
    case WSM_JOB_INTERRUPTED:
        wsm_cli_note(job->options->is_verbose, "%s: Ctrl-C sent; once more %s", job->session->label,
                     wsm_job_can_leave(job) ? "leaves the command running" : "ends the shell");
        job->calm_ms = now_ms + CALM_MS;
        job->was_interrupted = true;
        wsm_job_interrupt(job);
        break;
    case WSM_JOB_TERMINATING:
        job->deadline_ms = now_ms + CLOSE_MS;
        wsm_job_terminate(job);
        break;
    case WSM_JOB_LEAVING:
        job->deadline_ms = now_ms + LEAVE_MS;
        leave(job);
        break;
    case WSM_JOB_CLOSING:
        job->deadline_ms = now_ms + (from == WSM_JOB_OPENING ? CANCEL_MS : CLOSE_MS);
        wsm_cli_input_stop(&job->input);
        wsm_job_delete(job);
        break;
    case WSM_JOB_CLOSED:
        note(job, "deleted");
        break;
    default:
        break;
    }
}

/* The only writer of job->state. */
static void step(struct wsm_cli_job *job, enum wsm_job_event event, const struct wsm_cli_event *e)
{
    enum wsm_job_state from = job->state;
    enum wsm_job_state next = next_state(job, event);

    if (next == WSM_JOB_REFUSED)
        return;
    if (!is_ending(from) && is_ending(next)) {
        job->reason = event;
        job->status = wsm_job_status(job, event, e);
    }
    if (event == WSM_JOB_RELEASED)
        job->is_released = e->code == 0;
    job->state = next;
    job->calm_ms = 0;
    enter(job, from);
    /* Only now may a callback return whose bytes were not written, see stop() in job_calls.c;
     * the Disconnect waits for it. */
    if (is_ending(next) && job->reason != WSM_JOB_DONE)
        wsm_cli_output_cancel(&job->output);
}

static void step_number(struct wsm_cli_job *job, enum wsm_job_event event, uint32_t number)
{
    struct wsm_cli_event e = { .code = number };

    step(job, event, &e);
}

/* ---- What happens ---- */

static bool is_following(const struct wsm_cli_job *job)
{
    return job->state == WSM_JOB_RUNNING || job->state == WSM_JOB_INTERRUPTED;
}

/* A block of input was answered. That the command has ended, or ends, is no failure:
 * its exit code comes through the Receive. */
static void input_sent(struct wsm_cli_job *job, const struct wsm_cli_event *e)
{
    wsm_cli_input_sent(&job->input);
    switch (e->code) {
    case ERROR_SUCCESS:
        break;
    case ERROR_OPERATION_ABORTED:
    case ERROR_BROKEN_PIPE:
    case ERROR_WSMAN_UNEXPECTED_SELECTORS:
        wsm_cli_input_stop(&job->input);
        break;
    default:
        wsm_cli_input_stop(&job->input);
        step(job, wsm_job_failure(e->code), e);
    }
}

static void link_lost(struct wsm_cli_job *job)
{
    DWORD retry_ms = 0;

    if (job->lost_ms != 0)
        return;
    job->lost_ms = wsm_cli_now_ms();
    WSManGetSessionOptionAsDword(job->session->handle, WSMAN_OPTION_MAX_RETRY_TIME, &retry_ms);
    wsm_cli_fail(0, "%s: the link is lost; trying again for %u s", job->session->label,
                 (retry_ms + 999) / 1000);
}

static void link_back(struct wsm_cli_job *job)
{
    int64_t away_ms = wsm_cli_now_ms() - job->lost_ms;

    if (job->lost_ms == 0)
        return;
    job->lost_ms = 0;
    wsm_cli_fail(0, "%s: the link is back after %lld.%lld s", job->session->label,
                 (long long)(away_ms / 1000), (long long)(away_ms % 1000 / 100));
}

static void handle_event(struct wsm_cli_job *job, const struct wsm_cli_event *e)
{
    switch (e->kind) {
    case WSM_JOB_SENT:
        input_sent(job, e);
        break;
    case WSM_JOB_SIGNALLED:
        wsm_cli_note(job->options->is_verbose && e->code != 0, "%s: Ctrl-C: %s",
                     job->session->label, e->text != NULL ? e->text : "refused");
        break;
    case WSM_JOB_LINK_LOST:
        link_lost(job);
        break;
    case WSM_JOB_LINK_BACK:
        link_back(job);
        break;
    case WSM_JOB_OPENED:
        job->can_disconnect = (e->flags & WSMAN_FLAG_CALLBACK_SHELL_SUPPORTS_DISCONNECT) != 0;
        step(job, WSM_JOB_OPENED, e);
        break;
    default:
        step(job, (enum wsm_job_event)e->kind, e);
    }
}

static void handle_events(struct wsm_cli_job *job)
{
    struct wsm_cli_event *e;

    while ((e = wsm_cli_events_take(&job->events)) != NULL) {
        handle_event(job, e);
        wsm_cli_event_free(e);
    }
}

/* What a signal means here and now. */
static enum wsm_job_event signal_event(const struct wsm_cli_job *job, int number)
{
    if (number != SIGINT)
        return job->options->is_hangup_kill || !wsm_job_can_leave(job) ? WSM_JOB_END_SIGNAL
                                                                       : WSM_JOB_LET_GO;
    if (is_ending(job->state))
        return WSM_JOB_INTERRUPT;
    if (!is_following(job))
        return is_own(job) ? WSM_JOB_END_SIGNAL : WSM_JOB_LET_GO;
    if (job->state == WSM_JOB_INTERRUPTED || job->plan == WSM_JOB_WAIT)
        return WSM_JOB_LET_GO;
    return WSM_JOB_INTERRUPT;
}

static void handle_signals(struct wsm_cli_job *job)
{
    int number;

    while ((number = wsm_cli_signals_take(job->session->signals)) != 0)
        step_number(job, signal_event(job, number), (uint32_t)number);
}

static void read_input(struct wsm_cli_job *job)
{
    int error = wsm_cli_input_read(&job->input);

    if (error != 0)
        wsm_cli_fail(0, "standard input: %s", strerror(error));
}

static void send_input(struct wsm_cli_job *job)
{
    struct wsm_cli_input_block block;

    while (is_following(job) && wsm_cli_input_next(&job->input, &block))
        wsm_job_send(job, &block);
}

static int64_t next_deadline(const struct wsm_cli_job *job)
{
    if (job->calm_ms == 0 || (job->deadline_ms != 0 && job->deadline_ms < job->calm_ms))
        return job->deadline_ms;
    return job->calm_ms;
}

static void look_at_clock(struct wsm_cli_job *job)
{
    int64_t now_ms = wsm_cli_now_ms();

    if (job->calm_ms != 0 && now_ms >= job->calm_ms)
        step_number(job, WSM_JOB_CALM, 0);
    if (job->deadline_ms != 0 && now_ms >= job->deadline_ms)
        step_number(job, WSM_JOB_TIMEOUT, 0);
}

static void loop(struct wsm_cli_job *job)
{
    while (job->state != WSM_JOB_CLOSED && job->state != WSM_JOB_LEFT) {
        bool wants_input = is_following(job) && wsm_cli_input_wants(&job->input);
        unsigned ready = wsm_cli_wait(job->events.fd, job->session->signals->fd,
                                      wants_input ? job->input.fd : -1, next_deadline(job));

        if ((ready & WSM_CLI_READY_SIGNAL) != 0)
            handle_signals(job);
        if ((ready & WSM_CLI_READY_EVENT) != 0)
            handle_events(job);
        if ((ready & WSM_CLI_READY_INPUT) != 0)
            read_input(job);
        send_input(job);
        look_at_clock(job);
    }
}

/* ---- Start and end ---- */

/* The descriptor that the command's input comes from, -1 = it gets none from here. */
static int input_fd(const struct wsm_cli_job *job)
{
    if (job->plan == WSM_JOB_WAIT || (job->plan == WSM_JOB_ATTACH && job->options->is_stdin_null))
        return -1;
    if (job->plan == WSM_JOB_DETACH || job->options->is_stdin_null)
        return open("/dev/null", O_RDONLY | O_CLOEXEC);
    return STDIN_FILENO;
}

static size_t block_size(WSMAN_SESSION_HANDLE session)
{
    DWORD kb = 0;

    WSManGetSessionOptionAsDword(session, WSMAN_OPTION_SHELL_MAX_DATA_SIZE_PER_MESSAGE_KB, &kb);
    if (kb < INPUT_MIN_KB)
        kb = INPUT_MIN_KB;
    return (size_t)(kb < INPUT_MAX_KB ? kb : INPUT_MAX_KB) * 1024;
}

static void open_input(struct wsm_cli_job *job)
{
    int fd = input_fd(job);

    wsm_cli_input_open(&job->input, fd, block_size(job->session->handle));
    if (fd < 0)
        wsm_cli_input_stop(&job->input);
    else if (job->plan == WSM_JOB_DETACH)
        (void)wsm_cli_input_read(&job->input); /* its end, which goes before the Disconnect */
}

int wsm_cli_job_open(struct wsm_cli_job *job)
{
    if (!wsm_cli_events_open(&job->events) ||
        !wsm_cli_output_open(&job->output, STDOUT_FILENO, STDERR_FILENO))
        return wsm_cli_fail(WSM_CLI_PROTOCOL, "event descriptors: %m");
    return WSM_CLI_OK;
}

int wsm_cli_job_follow(struct wsm_cli_job *job)
{
    job->deadline_ms = job->session->deadline_ms;
    open_input(job);
    job->state = WSM_JOB_OPENING;
    wsm_job_open_shell(job);
    loop(job);
    if (job->state == WSM_JOB_LEFT)
        wsm_cli_session_abandon(job->session, wsm_job_farewell(job));
    return job->status;
}

void wsm_cli_job_close(struct wsm_cli_job *job)
{
    wsm_cli_input_close(&job->input);
    wsm_cli_output_close(&job->output);
    wsm_cli_events_close(&job->events);
}
