/* The managed layer's commands, input and output. Callbacks run on threads of the library, all
 * else on those of the test. */
#include "layer_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ACCEPTED = 0x2000, DELAY = 0x10 };

/* ---- Output ---- */

static bool is_closing(const struct managed_session *session, const struct managed_command *command)
{
    return session->state == MANAGED_CLOSING || session->state == MANAGED_CLOSED ||
           (command != NULL && command->is_closing);
}

/* Ours to expect only when we are closing. */
static void fail(struct managed_session *session, struct managed_command *command,
                 const struct native_error *error, const char *what)
{
    if (command != NULL)
        command->code = error->code;
    if (error->code != MANAGED_ABORTED)
        managed_break(session, error, what);
    else if (!is_closing(session, command))
        native_die("%s: aborted by nobody", what);
}

static void keep_output(struct managed_command *command, const void *bytes, size_t count)
{
    uint8_t *more;

    if (command->on_output != NULL) {
        command->on_output(command, bytes, count);
        command->output_len += count;
        return;
    }
    more = realloc(command->output, command->output_len + count + 1);

    if (more == NULL)
        native_die("malloc");
    memcpy(more + command->output_len, bytes, count);
    command->output = more;
    command->output_len += count;
}

/* Data are looked into without a question. */
static void take_output(struct managed_command *command, const struct native_received *received)
{
    char *stream;

    if (received->data.type != DATA_BINARY)
        native_die("output of type %u", received->data.type);
    if (received->data.length <= 0)
        return; /* no array is made of it, and the stream is not looked at */
    stream = narrow(received->stream, unit_count(received->stream));
    if (command != NULL && strcasecmp(stream, "stdout") == 0)
        keep_output(command, received->data.buffer, (size_t)received->data.length);
    free(stream);
}

static void on_receive(intptr_t context, int32_t flags, const struct native_error *error,
                       intptr_t shell, intptr_t command_handle, intptr_t operation,
                       const void *data)
{
    struct managed_session *session;
    struct managed_command *command;
    intptr_t *receive;

    if (!managed_enter(context, CALL_RECEIVE, flags, &session, &command))
        return;
    managed_check_handles(session, command, shell, command_handle, "Receive");
    receive = command == NULL ? &session->receive : &command->receive;
    if (*receive != 0 && *receive != operation)
        native_die("Receive: a callback of another operation");
    if (command != NULL && flags == ACCEPTED) {
        command->is_accepted = true;
    } else if (managed_is_error(error)) {
        fail(session, command, error, "Receive");
    } else {
        take_output(command, data);
        if (command != NULL && flags == MANAGED_END) {
            command->is_done = true;
            command->exit_code = ((const struct native_received *)data)->exit_code;
        }
    }
    if (flags == MANAGED_END) { /* exactly */
        native.CloseOperation(operation, 0);
        *receive = 0;
    }
    managed_leave(context, session);
}

void managed_receive(struct managed_session *session, struct managed_command *command)
{
    static const char *const streams[] = { "stdout" };
    intptr_t *out;

    managed_begin(session);
    out = pin(sizeof(*out));
    native.ReceiveShellOutput(session->shell, command == NULL ? 0 : command->handle,
                              command != NULL && command->is_delayed ? DELAY : 0,
                              managed_pin_texts(streams, 1),
                              managed_async(command == NULL ? session->context : command->context,
                                            CALL_RECEIVE, on_receive),
                              out);
    if (*out == 0)
        native_die("no handle of a Receive");
    if (command == NULL) {
        session->receive = *out;
    } else {
        if (command->has_received)
            native_die("Receive twice");
        command->has_received = true;
        command->receive = *out;
    }
    managed_end(session);
}

/* ---- Input ---- */

static void send_next(struct managed_command *command);

static void on_sent(intptr_t context, int32_t flags, const struct native_error *error,
                    intptr_t shell, intptr_t command_handle, intptr_t operation, const void *data)
{
    struct managed_session *session;
    struct managed_command *command;

    (void)data;
    if (!managed_enter(context, CALL_SEND, flags, &session, &command))
        return;
    managed_check_handles(session, command, shell, command_handle, "Send");
    native.CloseOperation(operation, 0);
    if (command == NULL)
        session->has_sent = true;
    else
        command->send = 0;
    if (managed_is_error(error)) {
        if (command == NULL || !command->is_stopping)
            fail(session, command, error, "Send");
    } else if (command != NULL) {
        send_next(command);
    }
    managed_leave(context, session);
}

void managed_send(struct managed_session *session, struct managed_command *command,
                  const char *stream, const char *bytes, size_t count)
{
    intptr_t *out;

    managed_begin(session);
    out = pin(sizeof(*out));
    native.SendShellInput(
        session->shell, command == NULL ? 0 : command->handle, 0, pin_text(stream),
        pin_data(DATA_BINARY, bytes, count), 0,
        managed_async(command == NULL ? session->context : command->context, CALL_SEND, on_sent),
        out);
    if (*out == 0)
        native_die("no handle of a Send");
    if (command != NULL)
        command->send = *out;
    managed_end(session);
}

/* The next piece, and after the last the one Receive. */
static void send_next(struct managed_command *command)
{
    size_t left = command->input_len - command->input_sent;
    size_t count = left < (size_t)command->session->fragment_size
                       ? left
                       : (size_t)command->session->fragment_size;
    const char *from = command->input + command->input_sent;

    if (command->is_suspended || is_closing(command->session, command))
        return;
    if (left == 0) {
        if (!command->has_received)
            managed_receive(command->session, command);
        return;
    }
    if (command->is_stopping)
        return;
    command->input_sent += count;
    managed_send(command->session, command, "stdin", from, count);
}

/* ---- Commands ---- */

static void ran(enum managed_call call, intptr_t context, int32_t flags,
                const struct native_error *error, intptr_t shell, intptr_t command_handle)
{
    struct managed_session *session;
    struct managed_command *command;

    if (!managed_enter(context, call, flags, &session, &command))
        return;
    if (shell != session->shell)
        native_die("%s: a callback with another shell", call_name(call));
    command->handle = command_handle; /* also after an error */
    command->is_running = true;
    if (managed_is_error(error)) {
        fail(session, command, error, call_name(call));
    } else {
        send_next(command);
    }
    managed_leave(context, session);
}

static void on_run(intptr_t context, int32_t flags, const struct native_error *error,
                   intptr_t shell, intptr_t command_handle, intptr_t operation, const void *data)
{
    (void)operation;
    (void)data;
    ran(CALL_RUN, context, flags, error, shell, command_handle);
}

static void on_attached(intptr_t context, int32_t flags, const struct native_error *error,
                        intptr_t shell, intptr_t command_handle, intptr_t operation,
                        const void *data)
{
    (void)operation;
    (void)data;
    ran(CALL_ATTACH, context, flags, error, shell, command_handle);
}

static struct managed_command *new_command(struct managed_session *session)
{
    struct managed_command *command = calloc(1, sizeof(*command));

    if (command == NULL)
        native_die("malloc");
    command->session = session;
    command->is_connected = true;
    command->context = context_new(session->context, session, command);
    return command;
}

struct managed_command *managed_prepare(struct managed_session *session, const char *line,
                                        const char *input, size_t input_len, bool is_delayed)
{
    struct managed_command *command = new_command(session);

    command->line = strdup(line);
    command->input = input;
    command->input_len = input_len;
    command->is_delayed = is_delayed;
    managed_make_guid(command->id);
    return command;
}

void managed_start(struct managed_command *command)
{
    const char *argument = "";
    intptr_t *out;

    managed_begin(command->session);
    out = pin(sizeof(*out));
    native.RunShellCommandEx(command->session->shell, 0, pin_text(command->id),
                             pin_text(command->line),
                             managed_pin_texts(&argument, strchr(command->line, ' ') == NULL), NULL,
                             managed_async(command->context, CALL_RUN, on_run), out);
    if (*out == 0)
        native_die("no handle of a command: fails at once");
    command->handle = *out;
    managed_end(command->session);
}

struct managed_command *managed_run(struct managed_session *session, const char *line,
                                    const char *input, size_t input_len, bool is_delayed)
{
    struct managed_command *command = managed_prepare(session, line, input, input_len, is_delayed);

    managed_start(command);
    return command;
}

struct managed_command *managed_attach(struct managed_session *session, const char *command_id)
{
    struct managed_command *command = new_command(session);
    intptr_t *out;

    snprintf(command->id, sizeof(command->id), "%s", command_id);
    managed_begin(session);
    out = pin(sizeof(*out));
    native.ConnectShellCommand(session->shell, 0, pin_text(command_id), NULL, NULL,
                               managed_async(command->context, CALL_ATTACH, on_attached), out);
    if (*out == 0)
        native_die("no handle of a command: fails at once");
    command->handle = *out;
    managed_end(session);
    return command;
}

static void on_command_reconnected(intptr_t context, int32_t flags,
                                   const struct native_error *error, intptr_t shell,
                                   intptr_t command_handle, intptr_t operation, const void *data)
{
    struct managed_session *session;
    struct managed_command *command;

    (void)operation;
    (void)data;
    if (!managed_enter(context, CALL_RECONNECT_COMMAND, flags, &session, &command))
        return;
    managed_check_handles(session, command, shell, command_handle, "ReconnectShellCommand");
    if (managed_is_error(error))
        fail(session, command, error, "ReconnectShellCommand");
    command->is_connected = true;
    command->is_suspended = false;
    if (command->send == 0)
        send_next(command); /* Receive only if it never was called */
    managed_leave(context, session);
}

void managed_reconnect_command(struct managed_command *command)
{
    managed_begin(command->session);
    command->is_connected = false;
    native.ReconnectShellCommand(
        command->handle, 0,
        managed_async(command->context, CALL_RECONNECT_COMMAND, on_command_reconnected));
    managed_end(command->session);
    managed_wait_flag(command->session, &command->is_connected, "ReconnectShellCommand");
}

/* Nothing comes before somebody closes or reconnects. */
static bool is_hopeless(const struct managed_session *session)
{
    if (session->state == MANAGED_BROKEN && !session->may_break)
        native_die("the session is broken: %#x", (unsigned)session->code);
    return session->may_break && session->state != MANAGED_OPEN;
}

/* For the words of who waits in vain. */
static const char *describe(const struct managed_command *command, char *text, size_t size)
{
    snprintf(text, size,
             "command \"%s\": running %d, sent %zu of %zu, asked %d, delayed %d, accepted %d, "
             "output %zu, stopping %d, stopped %d, suspended %d, done %d; its session: state %d, "
             "notices %u",
             command->line == NULL ? "?" : command->line, command->is_running, command->input_sent,
             command->input_len, command->has_received, command->is_delayed, command->is_accepted,
             command->output_len, command->is_stopping, command->is_stopped, command->is_suspended,
             command->is_done, (int)command->session->state, command->session->notices[0]);
    return text;
}

bool managed_wait_command(struct managed_command *command, const bool *flag)
{
    char text[1024];
    struct managed_session *session = command->session;
    struct timespec until = { 0 };
    bool has_come;

    pthread_mutex_lock(&session->lock);
    while (!*flag && !is_hopeless(session))
        managed_wait_until(session, &until, describe(command, text, sizeof(text)));
    has_come = *flag;
    pthread_mutex_unlock(&session->lock);
    return has_come;
}

bool managed_wait_output(struct managed_command *command, size_t bytes)
{
    struct managed_session *session = command->session;
    struct timespec until = { 0 };
    char text[1024];
    bool has_come;

    pthread_mutex_lock(&session->lock);
    while (command->output_len < bytes && !command->is_done && !is_hopeless(session))
        managed_wait_until(session, &until, describe(command, text, sizeof(text)));
    has_come = command->output_len >= bytes;
    pthread_mutex_unlock(&session->lock);
    return has_come;
}

void managed_suspend(struct managed_command *command)
{
    struct timespec until = { 0 };

    pthread_mutex_lock(&command->session->lock);
    command->is_suspended = true;
    while (command->send != 0 || !command->is_running)
        managed_wait_until(command->session, &until, "a Send");
    pthread_mutex_unlock(&command->session->lock);
}

static void on_stopped(intptr_t context, int32_t flags, const struct native_error *error,
                       intptr_t shell, intptr_t command_handle, intptr_t operation,
                       const void *data)
{
    struct managed_session *session;
    struct managed_command *command;

    (void)data;
    if (!managed_enter(context, CALL_SIGNAL, flags, &session, &command))
        return;
    managed_check_handles(session, command, shell, command_handle, "Signal");
    native.CloseOperation(operation, 0);
    if (managed_is_error(error))
        fail(session, command, error, "Signal");
    command->is_stopped = true;
    managed_leave(context, session);
}

void managed_stop(struct managed_command *command, const char *code)
{
    intptr_t *out;

    managed_begin(command->session);
    out = pin(sizeof(*out));
    command->is_stopping = true;
    native.SignalShell(command->session->shell, command->handle, 0, pin_text(code),
                       managed_async(command->context, CALL_SIGNAL, on_stopped), out);
    if (*out == 0)
        native_die("no handle of a Signal");
    command->signal = *out;
    managed_end(command->session);
    managed_wait_flag(command->session, &command->is_stopped, "SignalShell");
}

static void on_command_closed(intptr_t context, int32_t flags, const struct native_error *error,
                              intptr_t shell, intptr_t command_handle, intptr_t operation,
                              const void *data)
{
    struct managed_session *session;
    struct managed_command *command;

    (void)error; /* ignored */
    (void)shell;
    (void)command_handle;
    (void)operation;
    (void)data;
    if (!managed_enter(context, CALL_CLOSE_COMMAND, flags, &session, &command))
        return;
    command->is_closed = true;
    managed_leave(context, session);
}

void managed_close_command(struct managed_command *command)
{
    managed_begin(command->session);
    command->is_closing = true;
    native.CloseCommand(command->handle, 0,
                        managed_async(command->context, CALL_CLOSE_COMMAND, on_command_closed));
    managed_end(command->session);
    managed_wait_flag(command->session, &command->is_closed, "CloseCommand");
}

void managed_free_command(struct managed_command *command)
{
    context_forget(command->context);
    free(command->line);
    free(command->output);
    free(command);
}
