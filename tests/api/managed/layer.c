/* The managed layer. Callbacks run on threads of the library, all else on those of the test. */
#include "layer.h"

#include "base/utf.h"
#include "proto/xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>

enum { CONTEXTS_MAX = 4096, DEADLINE_S = 60, CREATE_TEXT_MAX = 30000 };

enum { END_OF_OPERATION = 1, SUPPORTS_DISCONNECT = 0x20, ACCEPTED = 0x2000, DELAY = 0x10 };

/* Contexts are numbers; who is disposed of is forgotten, and callbacks for it are ignored. */
static struct {
    pthread_mutex_t lock;
    struct managed_session *sessions[CONTEXTS_MAX];
    struct managed_command *commands[CONTEXTS_MAX];
    intptr_t next;
} contexts = { .lock = PTHREAD_MUTEX_INITIALIZER, .next = 1 };

static intptr_t context_of(struct managed_session *session, struct managed_command *command)
{
    intptr_t context;

    pthread_mutex_lock(&contexts.lock);
    context = contexts.next++;
    if (context == CONTEXTS_MAX)
        native_die("too many contexts");
    contexts.sessions[context] = session;
    contexts.commands[context] = command;
    pthread_mutex_unlock(&contexts.lock);
    return context;
}

static void forget(intptr_t context)
{
    pthread_mutex_lock(&contexts.lock);
    contexts.sessions[context] = NULL;
    contexts.commands[context] = NULL;
    pthread_mutex_unlock(&contexts.lock);
}

/* Also finds the session of a command. False: forgotten. */
static bool enter(intptr_t context, struct managed_session **out_session,
                  struct managed_command **out_command)
{
    if (context <= 0 || context >= CONTEXTS_MAX)
        native_die("a callback with the context %ld", (long)context);
    pthread_mutex_lock(&contexts.lock);
    *out_session = contexts.sessions[context];
    *out_command = contexts.commands[context];
    pthread_mutex_unlock(&contexts.lock);
    if (*out_session == NULL)
        return false;
    pthread_mutex_lock(&(*out_session)->lock);
    return true;
}

static void leave(struct managed_session *session)
{
    pthread_cond_broadcast(&session->changed);
    pthread_mutex_unlock(&session->lock);
}

/* ---- Calls ---- */

static const struct native_async *async_of(intptr_t context, native_callback *function)
{
    struct native_async *async = pin(sizeof(*async));

    async->context = context;
    async->function = (void (*)(void))function;
    return async;
}

static void begin(struct managed_session *session)
{
    pthread_mutex_lock(&session->lock);
    pin_begin();
}

static void end(struct managed_session *session)
{
    pin_end();
    pthread_mutex_unlock(&session->lock);
}

static const struct native_texts *pin_texts(const char *const *texts, size_t count)
{
    struct native_texts *set = pin(sizeof(*set));
    const unit **items = pin(count * sizeof(*items));

    for (size_t i = 0; i < count; i++)
        items[i] = pin_text(texts[i]);
    set->count = (int32_t)count;
    set->texts = items;
    return set;
}

static bool is_error(const struct native_error *error)
{
    return error != NULL && error->code != 0;
}

/* The transport has failed; the texts are asked for, as the exception does. */
static void break_session(struct managed_session *session, const struct native_error *error,
                          const char *what)
{
    int32_t code = error == NULL ? -1 : error->code;
    char *text = native_error_message(session->api, code);
    char *detail = error == NULL || error->detail == NULL
                       ? strdup("")
                       : narrow(error->detail, unit_count(error->detail));

    fprintf(stderr, "%s: %#x %s %s\n", what, (unsigned)code, text, detail);
    free(text);
    free(detail);
    session->state = MANAGED_BROKEN;
    session->code = code;
}

static void check_handles(const struct managed_session *session,
                          const struct managed_command *command, intptr_t shell,
                          intptr_t command_handle, const char *what)
{
    if (shell != session->shell || command_handle != (command == NULL ? 0 : command->handle))
        native_die("%s: a callback with other handles", what);
}

/* ---- Output ---- */

static void keep_output(struct managed_command *command, const void *bytes, size_t count)
{
    uint8_t *more = realloc(command->output, command->output_len + count + 1);

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

    if (!enter(context, &session, &command))
        return;
    check_handles(session, command, shell, command_handle, "Receive");
    receive = command == NULL ? &session->receive : &command->receive;
    if (*receive != 0 && *receive != operation)
        native_die("Receive: a callback of another operation");
    if (command != NULL && flags == ACCEPTED) {
        command->is_accepted = true;
    } else if (is_error(error)) {
        /* Ours to expect only when we are closing. */
        if (error->code != 995)
            break_session(session, error, "Receive");
        if (command != NULL)
            command->code = error->code;
    } else {
        take_output(command, data);
        if (command != NULL && flags == END_OF_OPERATION) {
            command->is_done = true;
            command->exit_code = ((const struct native_received *)data)->exit_code;
        }
    }
    if (flags == END_OF_OPERATION) { /* exactly */
        native.CloseOperation(operation, 0);
        *receive = 0;
    }
    leave(session);
}

static void receive_output(struct managed_session *session, struct managed_command *command)
{
    static const char *const streams[] = { "stdout" };
    intptr_t *out;

    begin(session);
    out = pin(sizeof(*out));
    native.ReceiveShellOutput(
        session->shell, command == NULL ? 0 : command->handle,
        command != NULL && command->is_delayed ? DELAY : 0, pin_texts(streams, 1),
        async_of(command == NULL ? session->context : command->context, on_receive), out);
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
    end(session);
}

/* ---- Input ---- */

static void send_next(struct managed_command *command);

static void on_sent(intptr_t context, int32_t flags, const struct native_error *error,
                    intptr_t shell, intptr_t command_handle, intptr_t operation, const void *data)
{
    struct managed_session *session;
    struct managed_command *command;

    (void)flags;
    (void)data;
    if (!enter(context, &session, &command))
        return;
    check_handles(session, command, shell, command_handle, "Send");
    native.CloseOperation(operation, 0);
    if (command == NULL)
        session->has_sent = true;
    else
        command->send = 0;
    if (is_error(error) && error->code != 995)
        break_session(session, error, "Send");
    else if (command != NULL && !is_error(error))
        send_next(command);
    leave(session);
}

static void send(struct managed_session *session, struct managed_command *command,
                 const char *stream, const char *bytes, size_t count)
{
    intptr_t *out;

    begin(session);
    out = pin(sizeof(*out));
    native.SendShellInput(session->shell, command == NULL ? 0 : command->handle, 0,
                          pin_text(stream), pin_data(DATA_BINARY, bytes, count), 0,
                          async_of(command == NULL ? session->context : command->context, on_sent),
                          out);
    if (*out == 0)
        native_die("no handle of a Send");
    if (command != NULL)
        command->send = *out;
    end(session);
}

/* The next piece, and after the last the one Receive. */
static void send_next(struct managed_command *command)
{
    size_t left = command->input_len - command->input_sent;
    size_t count = left < (size_t)command->session->fragment_size
                       ? left
                       : (size_t)command->session->fragment_size;
    const char *from = command->input + command->input_sent;

    if (left == 0) {
        if (!command->has_received)
            receive_output(command->session, command);
        return;
    }
    command->input_sent += count;
    send(command->session, command, "stdin", from, count);
}

/* ---- The shell ---- */

static bool take_notice(struct managed_session *session, int32_t flags)
{
    static const int32_t notices[] = { 0x100, 0x200, 0x400, 0x800, 0x40, 0x1000 };

    for (size_t i = 0; i < sizeof(notices) / sizeof(notices[0]); i++) {
        if (flags == notices[i]) { /* exactly */
            session->notices[i]++;
            if (flags == 0x40)
                session->state = MANAGED_DISCONNECTED;
            return true;
        }
    }
    return false;
}

/* PT<seconds>.<three digits>S, or it throws. */
static void check_duration(const struct wsm_xml_node *shell, const char *name)
{
    struct wsm_span text = wsm_xml_child_text(shell,
                                              "http://schemas.microsoft.com/wbem/wsman/1/"
                                              "windows/shell",
                                              name);
    char copy[64];
    long seconds;
    unsigned thousandths;
    int used = 0;

    if (text.len == 0)
        return;
    snprintf(copy, sizeof(copy), "%.*s", (int)text.len, (const char *)text.ptr);
    if (sscanf(copy, "PT%ld.%3uS%n", &seconds, &thousandths, &used) != 2 ||
        (size_t)used != text.len || strchr(copy, '.') + 5 != copy + text.len || seconds < 0 ||
        seconds > INT32_MAX / 1000)
        native_die("%s is %s", name, copy);
}

/* The document lives as long as *out_text; free(). */
static struct wsm_xml_doc parse(const struct native_data *data, char **out_text)
{
    struct wsm_xml_doc doc = WSM_XML_DOC_INIT;
    char *text = NULL;

    if (data->type != DATA_TEXT || ((const unit *)data->buffer)[data->length] != 0 ||
        unit_count(data->buffer) != (size_t)data->length ||
        !wsm_utf16_to_utf8(data->buffer, (size_t)data->length, "data", &text, NULL) ||
        !wsm_xml_parse(&doc, (uint8_t *)text, strlen(text), NULL))
        native_die("data of a shell that cannot be read");
    *out_text = text;
    return doc;
}

static void read_created(const struct native_data *data)
{
    char *text;
    struct wsm_xml_doc doc = parse(data, &text);

    if (data->length > CREATE_TEXT_MAX)
        native_die("createData is too long");
    check_duration(doc.root, "IdleTimeOut");
    check_duration(doc.root, "MaxIdleTimeOut");
    wsm_xml_doc_clear(&doc);
    free(text);
}

static void on_created(intptr_t context, int32_t flags, const struct native_error *error,
                       intptr_t shell, intptr_t command_handle, intptr_t operation,
                       const void *data)
{
    struct managed_session *session;
    struct managed_command *command;

    if (!enter(context, &session, &command))
        return;
    if (take_notice(session, flags)) {
        leave(session);
        return;
    }
    if (command_handle != 0 || operation != 0)
        native_die("CreateShell: handles that are none of its own");
    session->shell = shell; /* also after an error */
    if (is_error(error)) {
        break_session(session, error, "CreateShell");
    } else {
        if (flags != END_OF_OPERATION && flags != (SUPPORTS_DISCONNECT | END_OF_OPERATION))
            native_die("CreateShell: flags %#x", (unsigned)flags);
        session->supports_disconnect = (flags & SUPPORTS_DISCONNECT) != 0;
        if (data != NULL)
            read_created(data);
        session->state = MANAGED_OPEN;
        if (session->receives)
            receive_output(session, NULL);
        if (session->first_input != NULL)
            send(session, NULL, session->input_streams[session->input_stream_count - 1],
                 session->first_input, strlen(session->first_input));
    }
    leave(session);
}

static void on_connected(intptr_t context, int32_t flags, const struct native_error *error,
                         intptr_t shell, intptr_t command_handle, intptr_t operation,
                         const void *data)
{
    struct managed_session *session;
    struct managed_command *command;
    struct wsm_xml_doc doc;
    char *text;

    if (!enter(context, &session, &command))
        return;
    if (take_notice(session, flags)) {
        leave(session);
        return;
    }
    if (shell != session->shell || command_handle != 0 || operation != 0)
        native_die("ConnectShell: other handles than the one given out");
    if (is_error(error)) {
        break_session(session, error, "ConnectShell");
    } else {
        doc = parse(data, &text); /* never NULL */
        if (wsm_span_is(doc.root->name, "connectResponseXml"))
            session->connected = strndup((const char *)doc.root->text.ptr, doc.root->text.len);
        wsm_xml_doc_clear(&doc);
        free(text);
        session->supports_disconnect = true;
        session->state = MANAGED_OPEN;
        if (session->receives)
            receive_output(session, NULL);
    }
    leave(session);
}

static void set_number(struct managed_session *session, int32_t option, int32_t number)
{
    int32_t code;

    begin(session);
    code = native.SetSessionOption(session->session, option,
                                   pin_data(DATA_DWORD, NULL, (size_t)number));
    end(session);
    if (code != 0)
        native_die("option %d: %#x", option, (unsigned)code);
}

static void set_text(struct managed_session *session, int32_t option, const char *text)
{
    int32_t code;

    begin(session);
    code = native.SetSessionOption(session->session, option,
                                   pin_data(DATA_TEXT, text, strlen(text)));
    end(session);
    if (code != 0)
        native_die("option %d: %#x", option, (unsigned)code);
}

static int32_t get_number(struct managed_session *session, int32_t option)
{
    int32_t *out;
    int32_t number;

    begin(session);
    out = pin(sizeof(*out));
    (void)native.GetSessionOptionAsDword(session->session, option, out);
    number = *out;
    end(session);
    return number;
}

/* In the order of the real one. */
static void set_options(struct managed_session *session)
{
    session->fragment_size = get_number(session, 29) * 1024;
    if (session->fragment_size < 64 * 1024)
        native_die("fragments of %d bytes", session->fragment_size);
    if (get_number(session, 11) <= 0)
        native_die("no retry time");
    (void)get_number(session, 18);
    set_number(session, 20, 1);
    set_number(session, 34, 0);
    set_text(session, 26, "de-AT");
    set_text(session, 25, "qps-Ploc-x-1");
    set_number(session, 1, 180000);
    set_number(session, 12, 180000);
    set_number(session, 17, 60000);
    set_number(session, 16, 60000);
}

static void make_session(struct managed_session *session, const char *connection, const char *user,
                         const char *password)
{
    struct native_credentials *credentials;
    intptr_t *out;
    int32_t code;

    begin(session);
    out = pin(sizeof(*out));
    code = native.Initialize(1, out);
    session->api = *out;
    end(session);
    if (session->api == 0)
        native_die("Initialize: %#x", (unsigned)code);
    begin(session);
    credentials = pin(sizeof(*credentials));
    credentials->mechanism = 8;
    credentials->user = pin_text(user);
    credentials->password = pin_text(password);
    out = pin(sizeof(*out));
    code = native.CreateSession(session->api, pin_text(connection), 0, credentials, NULL, out);
    session->session = *out;
    end(session);
    if (code != 0)
        native_die("CreateSession: %#x %s", (unsigned)code,
                   native_error_message(session->api, code));
}

static void make_guid(char out[40])
{
    uint8_t bytes[16];

    if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
        native_die("getrandom");
    snprintf(out, 40, "%02X%02X%02X%02X-%02X%02X-4%01X%02X-A%01X%02X-%02X%02X%02X%02X%02X%02X",
             bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6] & 15, bytes[7],
             bytes[8] & 15, bytes[9], bytes[10], bytes[11], bytes[12], bytes[13], bytes[14],
             bytes[15]);
}

struct managed_session *managed_new(const char *connection, const char *user, const char *password)
{
    struct managed_session *session = calloc(1, sizeof(*session));
    pthread_mutexattr_t attributes;

    if (session == NULL)
        native_die("malloc");
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&session->lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
    pthread_cond_init(&session->changed, NULL);
    session->context = context_of(session, NULL);
    session->resource_uri = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/cmd";
    session->input_streams[0] = "stdin";
    session->input_stream_count = 1;
    make_guid(session->shell_id);
    make_session(session, connection, user, password);
    set_options(session);
    return session;
}

static const struct native_options *pin_options(const char *name, const char *value)
{
    struct native_option *option = pin(sizeof(*option));
    struct native_options *set = pin(sizeof(*set));

    *option = (struct native_option){ pin_text(name), pin_text(value), 1 };
    *set = (struct native_options){ 1, option, 1 };
    return set;
}

void managed_create(struct managed_session *session)
{
    static const char xml[] = "<creationXml xmlns=\"http://schemas.microsoft.com/powershell\">"
                              "AAAAAAAAAAEAAA==</creationXml>";
    static const char *const outputs[] = { "stdout" };
    bool is_text_shell = strstr(session->resource_uri, "/shell/cmd") != NULL;
    struct native_startup *startup;
    intptr_t *out;

    begin(session);
    session->state = MANAGED_OPENING;
    startup = pin(sizeof(*startup));
    startup->input = pin_texts(session->input_streams, session->input_stream_count);
    startup->output = pin_texts(outputs, 1);
    startup->idle_timeout_ms = 0xffffffff;
    startup->name = pin_text("Session1");
    out = pin(sizeof(*out));
    native.CreateShellEx(
        session->session, 0, pin_text(session->resource_uri), pin_text(session->shell_id), startup,
        is_text_shell ? pin_options("WINRS_NOPROFILE", "1") : pin_options("protocolversion", "2.3"),
        pin_data(DATA_TEXT, xml, strlen(xml)), async_of(session->context, on_created), out);
    if (*out == 0)
        native_die("no handle of a shell: fails at once");
    session->shell = *out;
    end(session);
}

void managed_connect(struct managed_session *session, const char *shell_id)
{
    static const char xml[] = "<connectXml xmlns=\"http://schemas.microsoft.com/powershell\">"
                              "AAAAAAAAAAIAAA==</connectXml>";
    intptr_t *out;

    begin(session);
    session->state = MANAGED_OPENING;
    snprintf(session->shell_id, sizeof(session->shell_id), "%s", shell_id);
    out = pin(sizeof(*out));
    native.ConnectShell(session->session, 0, pin_text(session->resource_uri), pin_text(shell_id),
                        NULL, pin_data(DATA_TEXT, xml, strlen(xml)),
                        async_of(session->context, on_connected), out);
    if (*out == 0)
        native_die("no handle of a shell: fails at once");
    session->shell = *out;
    end(session);
}

static void wait_until(struct managed_session *session, struct timespec *until, const char *what)
{
    if (until->tv_sec == 0) {
        clock_gettime(CLOCK_REALTIME, until);
        until->tv_sec += DEADLINE_S;
    }
    if (pthread_cond_timedwait(&session->changed, &session->lock, until) != 0)
        native_die("waited %d s in vain: %s", DEADLINE_S, what);
}

void managed_wait(struct managed_session *session, enum managed_state state)
{
    struct timespec until = { 0 };

    pthread_mutex_lock(&session->lock);
    while (session->state != state) {
        if (session->state == MANAGED_BROKEN)
            native_die("the session is broken: %#x", (unsigned)session->code);
        wait_until(session, &until, "the state of a session");
    }
    pthread_mutex_unlock(&session->lock);
}

static void become(intptr_t context, const struct native_error *error, intptr_t shell,
                   enum managed_state state, const char *what)
{
    struct managed_session *session;
    struct managed_command *command;

    if (!enter(context, &session, &command))
        return;
    check_handles(session, NULL, shell, 0, what);
    if (is_error(error))
        break_session(session, error, what);
    else
        session->state = state;
    leave(session);
}

static void on_disconnected(intptr_t context, int32_t flags, const struct native_error *error,
                            intptr_t shell, intptr_t command, intptr_t operation, const void *data)
{
    (void)flags;
    (void)command;
    (void)operation;
    (void)data;
    become(context, error, shell, MANAGED_DISCONNECTED, "DisconnectShell");
}

static void on_reconnected(intptr_t context, int32_t flags, const struct native_error *error,
                           intptr_t shell, intptr_t command, intptr_t operation, const void *data)
{
    (void)flags;
    (void)command;
    (void)operation;
    (void)data;
    become(context, error, shell, MANAGED_OPEN, "ReconnectShell");
}

static void on_closed(intptr_t context, int32_t flags, const struct native_error *error,
                      intptr_t shell, intptr_t command, intptr_t operation, const void *data)
{
    (void)flags;
    (void)command;
    (void)operation;
    (void)data;
    become(context, error, shell, MANAGED_CLOSED, "CloseShell");
}

void managed_disconnect(struct managed_session *session)
{
    uint32_t *idle;

    begin(session);
    idle = pin(sizeof(*idle));
    *idle = 0xffffffff;
    native.DisconnectShell(session->shell, 0, idle, async_of(session->context, on_disconnected));
    end(session);
    managed_wait(session, MANAGED_DISCONNECTED);
}

void managed_reconnect(struct managed_session *session)
{
    begin(session);
    native.ReconnectShell(session->shell, 0, async_of(session->context, on_reconnected));
    end(session);
    managed_wait(session, MANAGED_OPEN);
}

void managed_close_shell(struct managed_session *session)
{
    begin(session);
    session->state = MANAGED_OPENING; /* whatever it was */
    native.CloseShell(session->shell, 0, async_of(session->context, on_closed));
    end(session);
    managed_wait(session, MANAGED_CLOSED);
}

static void *close_session(void *arg)
{
    native.CloseSession((intptr_t)arg, 0);
    return NULL;
}

static void *deinitialize(void *arg)
{
    if (native.Deinitialize((intptr_t)arg, 0) != 0)
        native_die("Deinitialize fails");
    return NULL;
}

void managed_dispose(struct managed_session *session, bool deinitializes_first)
{
    void *(*const works[])(void *) = { deinitialize, close_session };
    void *const handles[] = { (void *)session->api, (void *)session->session };
    pthread_t threads[2];

    for (size_t i = 0; i < 2; i++) {
        size_t n = deinitializes_first ? i : 1 - i;

        if (pthread_create(&threads[i], NULL, works[n], handles[n]) != 0)
            native_die("pthread_create");
    }
    for (size_t i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    forget(session->context);
    pthread_cond_destroy(&session->changed);
    pthread_mutex_destroy(&session->lock);
    free(session->connected);
    free(session);
}

/* ---- Commands ---- */

static void on_run(intptr_t context, int32_t flags, const struct native_error *error,
                   intptr_t shell, intptr_t command_handle, intptr_t operation, const void *data)
{
    struct managed_session *session;
    struct managed_command *command;

    (void)flags;
    (void)operation;
    (void)data;
    if (!enter(context, &session, &command))
        return;
    if (shell != session->shell)
        native_die("Run: a callback with another shell");
    command->handle = command_handle; /* also after an error */
    command->is_running = true;
    if (is_error(error)) {
        command->code = error->code;
        break_session(session, error, "Run");
    } else {
        send_next(command);
    }
    leave(session);
}

static struct managed_command *new_command(struct managed_session *session)
{
    struct managed_command *command = calloc(1, sizeof(*command));

    if (command == NULL)
        native_die("malloc");
    command->session = session;
    command->is_connected = true;
    command->context = context_of(session, command);
    return command;
}

struct managed_command *managed_run(struct managed_session *session, const char *line,
                                    const char *input, size_t input_len, bool is_delayed)
{
    struct managed_command *command = new_command(session);
    const char *argument = "";
    intptr_t *out;

    command->input = input;
    command->input_len = input_len;
    command->is_delayed = is_delayed;
    make_guid(command->id);
    begin(session);
    out = pin(sizeof(*out));
    native.RunShellCommandEx(session->shell, 0, pin_text(command->id), pin_text(line),
                             pin_texts(&argument, strchr(line, ' ') == NULL ? 1 : 0), NULL,
                             async_of(command->context, on_run), out);
    if (*out == 0)
        native_die("no handle of a command: fails at once");
    command->handle = *out;
    end(session);
    return command;
}

struct managed_command *managed_attach(struct managed_session *session, const char *command_id)
{
    struct managed_command *command = new_command(session);
    intptr_t *out;

    snprintf(command->id, sizeof(command->id), "%s", command_id);
    begin(session);
    out = pin(sizeof(*out));
    native.ConnectShellCommand(session->shell, 0, pin_text(command_id), NULL, NULL,
                               async_of(command->context, on_run), out);
    if (*out == 0)
        native_die("no handle of a command: fails at once");
    command->handle = *out;
    end(session);
    return command;
}

static void on_command_reconnected(intptr_t context, int32_t flags,
                                   const struct native_error *error, intptr_t shell,
                                   intptr_t command_handle, intptr_t operation, const void *data)
{
    struct managed_session *session;
    struct managed_command *command;

    (void)flags;
    (void)operation;
    (void)data;
    if (!enter(context, &session, &command))
        return;
    check_handles(session, command, shell, command_handle, "ReconnectShellCommand");
    if (is_error(error))
        break_session(session, error, "ReconnectShellCommand");
    command->is_connected = true;
    if (command->send == 0)
        send_next(command); /* Receive only if it never was called */
    leave(session);
}

void managed_reconnect_command(struct managed_command *command)
{
    begin(command->session);
    command->is_connected = false;
    native.ReconnectShellCommand(command->handle, 0,
                                 async_of(command->context, on_command_reconnected));
    end(command->session);
    managed_wait_command(command, &command->is_connected);
}

void managed_wait_command(struct managed_command *command, const bool *flag)
{
    struct timespec until = { 0 };

    pthread_mutex_lock(&command->session->lock);
    while (!*flag) {
        if (command->session->state == MANAGED_BROKEN)
            native_die("the session is broken: %#x", (unsigned)command->session->code);
        wait_until(command->session, &until, "a command");
    }
    pthread_mutex_unlock(&command->session->lock);
}

void managed_wait_output(struct managed_command *command, size_t bytes)
{
    struct timespec until = { 0 };

    pthread_mutex_lock(&command->session->lock);
    while (command->output_len < bytes)
        wait_until(command->session, &until, "output");
    pthread_mutex_unlock(&command->session->lock);
}

static void on_stopped(intptr_t context, int32_t flags, const struct native_error *error,
                       intptr_t shell, intptr_t command_handle, intptr_t operation,
                       const void *data)
{
    struct managed_session *session;
    struct managed_command *command;

    (void)flags;
    (void)data;
    if (!enter(context, &session, &command))
        return;
    check_handles(session, command, shell, command_handle, "Signal");
    native.CloseOperation(operation, 0);
    if (is_error(error))
        break_session(session, error, "Signal");
    command->is_stopped = true;
    leave(session);
}

void managed_stop(struct managed_command *command, const char *code)
{
    intptr_t *out;

    begin(command->session);
    out = pin(sizeof(*out));
    native.SignalShell(command->session->shell, command->handle, 0, pin_text(code),
                       async_of(command->context, on_stopped), out);
    if (*out == 0)
        native_die("no handle of a Signal");
    command->signal = *out;
    end(command->session);
    managed_wait_command(command, &command->is_stopped);
}

static void on_command_closed(intptr_t context, int32_t flags, const struct native_error *error,
                              intptr_t shell, intptr_t command_handle, intptr_t operation,
                              const void *data)
{
    struct managed_session *session;
    struct managed_command *command;

    (void)flags;
    (void)error; /* ignored */
    (void)shell;
    (void)command_handle;
    (void)operation;
    (void)data;
    if (!enter(context, &session, &command))
        return;
    command->is_closed = true;
    leave(session);
}

void managed_close_command(struct managed_command *command)
{
    begin(command->session);
    native.CloseCommand(command->handle, 0, async_of(command->context, on_command_closed));
    end(command->session);
    managed_wait_command(command, &command->is_closed);
}

void managed_free_command(struct managed_command *command)
{
    forget(command->context);
    free(command->output);
    free(command);
}
