/* winrmc run: one command in a shell of its own, from Create to Delete.
 *
 * The main thread owns everything here and waits in one place for callbacks, signals,
 * standard input and the clock. Callbacks run on threads of the library; they write
 * output and otherwise only hand over. What goes to the server is decided in enter(). */
#include "verbs.h"

#include "errors.h"
#include "events.h"
#include "input.h"
#include "message.h"
#include "output.h"
#include "request.h"
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wsmerror.h>

#define CLOSE_MS      5000 /* for deleting the shell at the end */
#define CANCEL_MS     1000 /* the same while the host has not answered yet at all */
#define INPUT_MIN_KB  1    /* of a block of input, whatever the library says */
#define INPUT_MAX_KB  1024
#define EXIT_CODE_MAX 255 /* larger ones, which Windows has, become this */

enum run_state {
    REFUSED, /* cell of the table: the event means nothing here */
    CREATING,
    STARTING,
    RUNNING,
    INTERRUPTED, /* the command was sent Ctrl-C */
    CLOSING,
    CLOSED,
    ABANDONED, /* nothing more is sent; what is on the server stays */
    STATE_COUNT,
};

enum run_event {
    CREATED,
    STARTED,
    DONE,
    FAILED,      /* the server or the library refused something */
    LOST,        /* the server cannot be reached (any more) */
    WRITE_ERROR, /* on our own standard output or error */
    INTERRUPT,   /* SIGINT */
    END_SIGNAL,  /* SIGTERM, SIGHUP */
    TIMEOUT,
    CLOSE_DONE,
    EVENT_COUNT,
    /* Handed over without an effect on the state: */
    SENT = EVENT_COUNT,
    SIGNALLED,
};

/* Row: state now; column: event; cell: next state. REFUSED: ignored, a late answer.
 * A connection lost under a command abandons it, since it may live on at the server. */
static const unsigned char next_state[STATE_COUNT][EVENT_COUNT] = {
    [CREATING] = { [CREATED] = STARTING,
                   [FAILED] = CLOSING,
                   [LOST] = CLOSING,
                   [INTERRUPT] = CLOSING,
                   [END_SIGNAL] = CLOSING,
                   [TIMEOUT] = CLOSING },
    [STARTING] = { [STARTED] = RUNNING,
                   [FAILED] = CLOSING,
                   [LOST] = ABANDONED,
                   [INTERRUPT] = CLOSING,
                   [END_SIGNAL] = CLOSING,
                   [TIMEOUT] = CLOSING },
    [RUNNING] = { [DONE] = CLOSING,
                  [FAILED] = CLOSING,
                  [LOST] = ABANDONED,
                  [WRITE_ERROR] = CLOSING,
                  [INTERRUPT] = INTERRUPTED,
                  [END_SIGNAL] = CLOSING,
                  [TIMEOUT] = CLOSING },
    [INTERRUPTED] = { [DONE] = CLOSING,
                      [FAILED] = CLOSING,
                      [LOST] = ABANDONED,
                      [WRITE_ERROR] = CLOSING,
                      [INTERRUPT] = CLOSING,
                      [END_SIGNAL] = CLOSING,
                      [TIMEOUT] = CLOSING },
    [CLOSING] = { [INTERRUPT] = ABANDONED, [TIMEOUT] = ABANDONED, [CLOSE_DONE] = CLOSED },
};

/* Context of an asynchronous call: what its completion means. */
struct call {
    struct run *run; /* borrowed */
    int event;
};

struct run {
    const struct wsm_cli_options *options; /* borrowed */
    struct wsm_cli_session session;
    struct wsm_cli_request request;
    struct wsm_cli_events events;
    struct wsm_cli_output output; /* written by callbacks */
    struct wsm_cli_input input;
    enum run_state state; /* written by step() alone */
    int status;           /* exit code; set when CLOSING or ABANDONED is entered */
    int64_t deadline_ms;  /* of --timeout, then of closing; 0 = none */
    WSMAN_SHELL_HANDLE shell;
    WSMAN_COMMAND_HANDLE command;
    struct call created, started, done, sent, signalled, closed;
};

/* ---- Callbacks: threads of the library, never two at a time ---- */

/* Hands an outcome over. An error of what the run depends on becomes FAILED or LOST. */
static void post(struct run *run, int event, const WSMAN_ERROR *error, DWORD exit_code)
{
    bool is_needed = event == CREATED || event == STARTED || event == DONE;
    struct wsm_cli_event *e;

    if (error->code != 0 && is_needed)
        event = wsm_cli_error_find(error->code)->status == WSM_CLI_UNREACHABLE ? LOST : FAILED;
    e = wsm_cli_event_new(event, error->code);
    e->exit_code = exit_code;
    if (error->code != 0)
        e->text = wsm_cli_error_words(error);
    wsm_cli_events_post(&run->events, e);
}

static void CALLBACK on_completed(PVOID context, DWORD flags, WSMAN_ERROR *error,
                                  WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                                  WSMAN_OPERATION_HANDLE operation, WSMAN_RESPONSE_DATA *data)
{
    const struct call *call = context;

    (void)shell;
    (void)command;
    (void)data;
    if ((flags & WSMAN_FLAG_CALLBACK_END_OF_OPERATION) == 0 && error->code == 0)
        return; /* a notice about the link */
    if (operation != NULL)
        WSManCloseOperation(operation, 0);
    post(call->run, call->event, error, 0);
}

static bool is_stderr(PCWSTR stream)
{
    static const WCHAR name[] = WSMAN_STREAM_ID_STDERR;
    size_t i = 0;

    while (stream[i] == name[i] && name[i] != 0)
        i++;
    return stream[i] == name[i];
}

static void write_output(struct run *run, const WSMAN_RECEIVE_DATA_RESULT *result)
{
    bool had_failed = run->output.error != 0;
    int error;

    if (result->streamId == NULL || result->streamData.binaryData.dataLength == 0)
        return;
    error = wsm_cli_output_write(
        &run->output, is_stderr(result->streamId) ? WSM_CLI_STDERR : WSM_CLI_STDOUT,
        result->streamData.binaryData.data, result->streamData.binaryData.dataLength);
    if (error != 0 && !had_failed)
        wsm_cli_events_post(&run->events, wsm_cli_event_new(WRITE_ERROR, (uint32_t)error));
}

static void CALLBACK on_output(PVOID context, DWORD flags, WSMAN_ERROR *error,
                               WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                               WSMAN_OPERATION_HANDLE operation, WSMAN_RESPONSE_DATA *data)
{
    const struct call *call = context;

    (void)shell;
    (void)command;
    if (data != NULL)
        write_output(call->run, &data->receiveData);
    if ((flags & WSMAN_FLAG_CALLBACK_END_OF_OPERATION) == 0 && error->code == 0)
        return;
    if (operation != NULL)
        WSManCloseOperation(operation, 0);
    post(call->run, call->event, error, data != NULL ? data->receiveData.exitCode : 0);
}

/* ---- Main thread ---- */

static void start_command(struct run *run)
{
    struct wsm_cli_request *request = &run->request;
    WSMAN_SHELL_ASYNC async = { &run->started, on_completed };

    WSManRunShellCommand(
        run->shell, 0, request->command_line, request->args.argsCount != 0 ? &request->args : NULL,
        request->command_options.optionsCount != 0 ? &request->command_options : NULL, &async,
        &run->command);
}

static void receive(struct run *run)
{
    WSMAN_SHELL_ASYNC async = { &run->done, on_output };
    WSMAN_OPERATION_HANDLE operation;

    WSManReceiveShellOutput(run->shell, run->command, 0, NULL, &async, &operation);
}

static void interrupt_command(struct run *run)
{
    WSMAN_SHELL_ASYNC async = { &run->signalled, on_completed };
    WSMAN_OPERATION_HANDLE operation;

    WSManSignalShell(run->shell, run->command, 0, WSMAN_SIGNAL_SHELL_CODE_CTRL_C, &async,
                     &operation);
}

/* Deleting the shell ends the command with all it started; no Terminate is needed. */
static void delete_shell(struct run *run, int64_t bound_ms)
{
    WSMAN_SHELL_ASYNC async = { &run->closed, on_completed };

    run->deadline_ms = wsm_cli_now_ms() + bound_ms;
    wsm_cli_input_stop(&run->input);
    WSManCloseShell(run->shell, 0, &async);
}

/* Acts on a state just entered; never changes it. */
static void enter(struct run *run, enum run_state from)
{
    switch (run->state) {
    case STARTING:
        wsm_cli_note(run->options->is_verbose, "%s: shell %s created", run->session.label,
                     run->request.shell_id);
        start_command(run);
        break;
    case RUNNING:
        wsm_cli_note(run->options->is_verbose, "%s: command started", run->session.label);
        receive(run);
        break;
    case INTERRUPTED:
        wsm_cli_note(run->options->is_verbose, "%s: Ctrl-C sent; once more ends the shell",
                     run->session.label);
        interrupt_command(run);
        break;
    case CLOSING:
        delete_shell(run, from == CREATING ? CANCEL_MS : CLOSE_MS);
        break;
    case CLOSED:
        wsm_cli_note(run->options->is_verbose, "%s: shell %s deleted", run->session.label,
                     run->request.shell_id);
        break;
    default:
        break;
    }
}

static int status_of_lost(const struct run *run, uint32_t code, const char *text)
{
    if (run->state == CREATING)
        return wsm_cli_session_fail(&run->session, code, text);
    return wsm_cli_fail(
        WSM_CLI_UNREACHABLE, "%s: lost the connection (%s); shell %s %s", run->session.label,
        wsm_cli_session_words(&run->session, text != NULL ? text : "no details"),
        run->request.shell_id,
        run->options->is_local ? "ends with its service" : "and its command may go on there");
}

static int status_of_failed(const struct run *run, uint32_t code, const char *text)
{
    /* Windows ends a Receive with these after Ctrl-C (MS-WSMV peers differ). */
    if (run->state == INTERRUPTED && (code == ERROR_OPERATION_ABORTED || code == ERROR_CANCELLED))
        return WSM_CLI_SIGNAL + SIGINT;
    /* The login was good enough for the shell: it is the program that may not be run. */
    if (run->state == STARTING && code == ERROR_ACCESS_DENIED)
        return wsm_cli_fail(WSM_CLI_PROTOCOL, "%s: %s (error %u)", run->session.label,
                            wsm_cli_session_words(&run->session, text != NULL ? text : "refused"),
                            code);
    return wsm_cli_session_fail(&run->session, code, text);
}

static int status_of_write_error(int error)
{
    if (error == EPIPE)
        return WSM_CLI_SIGNAL + SIGPIPE;
    return wsm_cli_fail(WSM_CLI_LOCAL_IO, "writing the output: %s", strerror(error));
}

/* The exit code that `event` stands for, said to the user where it is a failure. */
static int status_of(const struct run *run, enum run_event event, const struct wsm_cli_event *e)
{
    switch (event) {
    case DONE:
        wsm_cli_note(run->options->is_verbose, "%s: exit code %u", run->session.label,
                     e->exit_code);
        return e->exit_code <= EXIT_CODE_MAX ? (int)e->exit_code : EXIT_CODE_MAX;
    case FAILED:
        return status_of_failed(run, e->code, e->text);
    case LOST:
        return status_of_lost(run, e->code, e->text);
    case WRITE_ERROR:
        return status_of_write_error((int)e->code);
    case INTERRUPT:
    case END_SIGNAL:
        return WSM_CLI_SIGNAL + (int)e->code;
    case TIMEOUT:
        return wsm_cli_fail(WSM_CLI_TIMED_OUT, "%s: --timeout is over", run->session.label);
    default:
        return WSM_CLI_PROTOCOL;
    }
}

/* The only writer of run->state. */
static void step(struct run *run, enum run_event event, const struct wsm_cli_event *e)
{
    enum run_state from = run->state;
    enum run_state next = (enum run_state)next_state[from][event];

    if (next == REFUSED)
        return;
    if (from < CLOSING && next >= CLOSING) {
        run->status = status_of(run, event, e);
        if (event != DONE)
            wsm_cli_output_cancel(&run->output);
    }
    run->state = next;
    enter(run, from);
}

static void step_number(struct run *run, enum run_event event, uint32_t number)
{
    struct wsm_cli_event e = { .code = number };

    step(run, event, &e);
}

/* A block of input was answered. That the command has ended, or ends, is no failure:
 * its exit code comes through the Receive. */
static void input_sent(struct run *run, struct wsm_cli_event *e)
{
    wsm_cli_input_sent(&run->input);
    switch (e->code) {
    case ERROR_SUCCESS:
        break;
    case ERROR_OPERATION_ABORTED:
    case ERROR_BROKEN_PIPE:
    case ERROR_WSMAN_UNEXPECTED_SELECTORS:
        wsm_cli_input_stop(&run->input);
        break;
    default:
        wsm_cli_input_stop(&run->input);
        step(run, wsm_cli_error_find(e->code)->status == WSM_CLI_UNREACHABLE ? LOST : FAILED, e);
    }
}

static bool is_reading(const struct run *run)
{
    return run->state == RUNNING || run->state == INTERRUPTED;
}

static void send_input(struct run *run)
{
    WSMAN_SHELL_ASYNC async = { &run->sent, on_completed };
    struct wsm_cli_input_block block;
    WSMAN_OPERATION_HANDLE operation;

    while (is_reading(run) && wsm_cli_input_next(&run->input, &block)) {
        WSMAN_DATA data = { .type = WSMAN_DATA_TYPE_BINARY };

        data.binaryData.data = (BYTE *)block.data;
        data.binaryData.dataLength = (DWORD)block.len;
        WSManSendShellInput(run->shell, run->command, 0, WSMAN_STREAM_ID_STDIN, &data, block.is_end,
                            &async, &operation);
    }
}

static void handle_events(struct run *run)
{
    struct wsm_cli_event *e;

    while ((e = wsm_cli_events_take(&run->events)) != NULL) {
        if (e->kind == SENT)
            input_sent(run, e);
        else if (e->kind == SIGNALLED)
            wsm_cli_note(run->options->is_verbose && e->code != 0, "%s: Ctrl-C: %s",
                         run->session.label, e->text != NULL ? e->text : "refused");
        else
            step(run, (enum run_event)e->kind, e);
        wsm_cli_event_free(e);
    }
}

static void handle_signals(struct run *run)
{
    int number;

    while ((number = wsm_cli_signals_take(run->session.signals)) != 0)
        step_number(run, number == SIGINT ? INTERRUPT : END_SIGNAL, (uint32_t)number);
}

static void read_input(struct run *run)
{
    int error = wsm_cli_input_read(&run->input);

    if (error != 0)
        wsm_cli_fail(0, "standard input: %s", strerror(error));
}

static void loop(struct run *run)
{
    while (run->state != CLOSED && run->state != ABANDONED) {
        bool wants_input = is_reading(run) && wsm_cli_input_wants(&run->input);
        unsigned ready = wsm_cli_wait(run->events.fd, run->session.signals->fd,
                                      wants_input ? run->input.fd : -1, run->deadline_ms);

        if ((ready & WSM_CLI_READY_SIGNAL) != 0)
            handle_signals(run);
        if ((ready & WSM_CLI_READY_EVENT) != 0)
            handle_events(run);
        if ((ready & WSM_CLI_READY_INPUT) != 0)
            read_input(run);
        send_input(run);
        if (run->deadline_ms != 0 && wsm_cli_now_ms() >= run->deadline_ms)
            step_number(run, TIMEOUT, 0);
    }
}

/* ---- Start and end ---- */

static int input_fd(const struct wsm_cli_options *options)
{
    return options->is_stdin_null ? open("/dev/null", O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
}

static size_t block_size(WSMAN_SESSION_HANDLE session)
{
    DWORD kb = 0;

    WSManGetSessionOptionAsDword(session, WSMAN_OPTION_SHELL_MAX_DATA_SIZE_PER_MESSAGE_KB, &kb);
    if (kb < INPUT_MIN_KB)
        kb = INPUT_MIN_KB;
    return (size_t)(kb < INPUT_MAX_KB ? kb : INPUT_MAX_KB) * 1024;
}

static void run_command(struct run *run)
{
    WSMAN_SHELL_ASYNC async = { &run->created, on_completed };

    run->created = (struct call){ run, CREATED };
    run->started = (struct call){ run, STARTED };
    run->done = (struct call){ run, DONE };
    run->sent = (struct call){ run, SENT };
    run->signalled = (struct call){ run, SIGNALLED };
    run->closed = (struct call){ run, CLOSE_DONE };
    run->deadline_ms = run->session.deadline_ms;
    wsm_cli_input_open(&run->input, input_fd(run->options), block_size(run->session.handle));
    run->state = CREATING;
    WSManCreateShellEx(run->session.handle, WSMAN_FLAG_NO_COMPRESSION, WSMAN_CMDSHELL_URI,
                       run->request.wide_shell_id, &run->request.startup,
                       &run->request.shell_options, NULL, &async, &run->shell);
    loop(run);
    if (run->state == ABANDONED)
        wsm_cli_session_abandon(&run->session, run->status);
    if (run->command != NULL) /* local: its shell is gone */
        WSManCloseCommand(run->command, 0, &(WSMAN_SHELL_ASYNC){ &run->closed, on_completed });
}

int wsm_cli_run(const struct wsm_cli_options *options, struct wsm_cli_signals *signals)
{
    struct run run = { .options = options };
    int status = wsm_cli_request_build(&run.request, options);

    if (status == WSM_CLI_OK && (!wsm_cli_events_open(&run.events) ||
                                 !wsm_cli_output_open(&run.output, STDOUT_FILENO, STDERR_FILENO)))
        status = wsm_cli_fail(WSM_CLI_PROTOCOL, "event descriptors: %m");
    if (status != WSM_CLI_OK)
        goto out;
    status = wsm_cli_session_open(&run.session, options, signals);
    if (status == WSM_CLI_OK) {
        run_command(&run);
        status = run.status;
    }
    wsm_cli_session_close(&run.session); /* after it no callback comes */
    wsm_cli_input_close(&run.input);
    wsm_cli_output_close(&run.output);
    wsm_cli_events_close(&run.events);
out:
    wsm_cli_request_clear(&run.request);
    return status;
}
