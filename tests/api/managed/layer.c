/* The managed layer's shells. Callbacks run on threads of the library, all else on those of the
 * test. */
#include "base/utf.h"
#include "layer_inner.h"
#include "proto/xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CREATE_TEXT_MAX = 30000 };

enum { SUPPORTS_DISCONNECT = 0x20, AUTODISCONNECTED = 0x40, RETRY_ABORTED = 0x1000 };

static bool take_notice(struct managed_session *session, int32_t flags)
{
    static const int32_t notices[] = { 0x100, 0x200, 0x400, 0x800, 0x40, 0x1000 };

    for (size_t i = 0; i < sizeof(notices) / sizeof(notices[0]); i++) {
        if (flags == notices[i]) { /* exactly */
            session->notices[i]++;
            if (flags == AUTODISCONNECTED && session->state == MANAGED_OPEN)
                session->state = MANAGED_DISCONNECTED;
            if (flags == RETRY_ABORTED)
                session->state = MANAGED_BROKEN;
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

    if (!managed_enter(context, CALL_CREATE, flags, &session, &command))
        return;
    if (take_notice(session, flags)) {
        managed_leave(context, session);
        return;
    }
    if (command_handle != 0 || operation != 0)
        native_die("CreateShell: handles that are none of its own");
    session->shell = shell; /* also after an error */
    if (managed_is_error(error)) {
        managed_break(session, error, "CreateShell");
    } else {
        if (flags != MANAGED_END && flags != (SUPPORTS_DISCONNECT | MANAGED_END))
            native_die("CreateShell: flags %#x", (unsigned)flags);
        session->supports_disconnect = (flags & SUPPORTS_DISCONNECT) != 0;
        if (data != NULL)
            read_created(data);
        session->state = MANAGED_OPEN;
        if (session->receives)
            managed_receive(session, NULL);
        if (session->first_input != NULL)
            managed_send(session, NULL, session->input_streams[session->input_stream_count - 1],
                         session->first_input, strlen(session->first_input));
    }
    managed_leave(context, session);
}

static void on_connected(intptr_t context, int32_t flags, const struct native_error *error,
                         intptr_t shell, intptr_t command_handle, intptr_t operation,
                         const void *data)
{
    struct managed_session *session;
    struct managed_command *command;
    struct wsm_xml_doc doc;
    char *text;

    if (!managed_enter(context, CALL_CONNECT, flags, &session, &command))
        return;
    if (take_notice(session, flags)) {
        managed_leave(context, session);
        return;
    }
    if (shell != session->shell || command_handle != 0 || operation != 0)
        native_die("ConnectShell: other handles than the one given out");
    if (managed_is_error(error)) {
        managed_break(session, error, "ConnectShell");
    } else {
        doc = parse(data, &text); /* never NULL */
        if (wsm_span_is(doc.root->name, "connectResponseXml"))
            session->connected = strndup((const char *)doc.root->text.ptr, doc.root->text.len);
        wsm_xml_doc_clear(&doc);
        free(text);
        session->supports_disconnect = true;
        session->state = MANAGED_OPEN;
        if (session->receives)
            managed_receive(session, NULL);
    }
    managed_leave(context, session);
}

static void set_number(struct managed_session *session, int32_t option, int32_t number)
{
    int32_t code;

    managed_begin(session);
    code = native.SetSessionOption(session->session, option,
                                   pin_data(DATA_DWORD, NULL, (size_t)number));
    managed_end(session);
    if (code != 0)
        native_die("option %d: %#x", option, (unsigned)code);
}

static void set_text(struct managed_session *session, int32_t option, const char *text)
{
    int32_t code;

    managed_begin(session);
    code = native.SetSessionOption(session->session, option,
                                   pin_data(DATA_TEXT, text, strlen(text)));
    managed_end(session);
    if (code != 0)
        native_die("option %d: %#x", option, (unsigned)code);
}

static int32_t get_number(struct managed_session *session, int32_t option)
{
    int32_t *out;
    int32_t number;

    managed_begin(session);
    out = pin(sizeof(*out));
    (void)native.GetSessionOptionAsDword(session->session, option, out);
    number = *out;
    managed_end(session);
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

    managed_begin(session);
    out = pin(sizeof(*out));
    code = native.Initialize(1, out);
    session->api = *out;
    managed_end(session);
    if (session->api == 0)
        native_die("Initialize: %#x", (unsigned)code);
    managed_begin(session);
    credentials = pin(sizeof(*credentials));
    credentials->mechanism = 8;
    credentials->user = pin_text(user);
    credentials->password = pin_text(password);
    out = pin(sizeof(*out));
    code = native.CreateSession(session->api, pin_text(connection), 0, credentials, NULL, out);
    session->session = *out;
    managed_end(session);
    if (code != 0)
        native_die("CreateSession: %#x %s", (unsigned)code,
                   native_error_message(session->api, code));
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
    session->context = context_new(0, session, NULL);
    session->resource_uri = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/cmd";
    session->input_streams[0] = "stdin";
    session->input_stream_count = 1;
    managed_make_guid(session->shell_id);
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

void managed_new_shell_id(struct managed_session *session)
{
    managed_make_guid(session->shell_id);
}

void managed_create(struct managed_session *session)
{
    static const char xml[] = "<creationXml xmlns=\"http://schemas.microsoft.com/powershell\">"
                              "AAAAAAAAAAEAAA==</creationXml>";
    static const char *const outputs[] = { "stdout" };
    bool is_text_shell = strstr(session->resource_uri, "/shell/cmd") != NULL;
    struct native_startup *startup;
    intptr_t *out;

    managed_begin(session);
    session->state = MANAGED_OPENING;
    startup = pin(sizeof(*startup));
    startup->input = managed_pin_texts(session->input_streams, session->input_stream_count);
    startup->output = managed_pin_texts(outputs, 1);
    startup->idle_timeout_ms = 0xffffffff;
    startup->name = pin_text("Session1");
    out = pin(sizeof(*out));
    native.CreateShellEx(
        session->session, 0, pin_text(session->resource_uri), pin_text(session->shell_id), startup,
        is_text_shell ? pin_options("WINRS_NOPROFILE", "1") : pin_options("protocolversion", "2.3"),
        pin_data(DATA_TEXT, xml, strlen(xml)),
        managed_async(session->context, CALL_CREATE, on_created), out);
    if (*out == 0)
        native_die("no handle of a shell: fails at once");
    session->shell = *out;
    managed_end(session);
}

void managed_connect(struct managed_session *session, const char *shell_id)
{
    static const char xml[] = "<connectXml xmlns=\"http://schemas.microsoft.com/powershell\">"
                              "AAAAAAAAAAIAAA==</connectXml>";
    intptr_t *out;

    managed_begin(session);
    session->state = MANAGED_OPENING;
    snprintf(session->shell_id, sizeof(session->shell_id), "%s", shell_id);
    out = pin(sizeof(*out));
    native.ConnectShell(session->session, 0, pin_text(session->resource_uri), pin_text(shell_id),
                        NULL, pin_data(DATA_TEXT, xml, strlen(xml)),
                        managed_async(session->context, CALL_CONNECT, on_connected), out);
    if (*out == 0)
        native_die("no handle of a shell: fails at once");
    session->shell = *out;
    managed_end(session);
}

static bool is_changing(const struct managed_session *session)
{
    return session->state == MANAGED_OPENING || session->state == MANAGED_CLOSING;
}

bool managed_wait(struct managed_session *session, enum managed_state state)
{
    struct timespec until = { 0 };
    bool is_there;

    pthread_mutex_lock(&session->lock);
    while (session->state != state && (is_changing(session) || !session->may_break)) {
        if (session->state == MANAGED_BROKEN)
            native_die("the session is broken: %#x", (unsigned)session->code);
        managed_wait_until(session, &until, "the state of a session");
    }
    is_there = session->state == state;
    pthread_mutex_unlock(&session->lock);
    return is_there;
}

/* Behind one of the three calls below. */
static bool wait_until_answered(struct managed_session *session, enum managed_state state)
{
    managed_wait_flag(session, &session->is_answered, "what becomes of a shell");
    return managed_wait(session, state);
}

static void become(enum managed_call call, intptr_t context, int32_t flags,
                   const struct native_error *error, intptr_t shell, enum managed_state state)
{
    struct managed_session *session;
    struct managed_command *command;

    if (!managed_enter(context, call, flags, &session, &command))
        return;
    managed_check_handles(session, NULL, shell, 0, call_name(call));
    session->is_answered = true;
    session->state = state;
    if (managed_is_error(error))
        managed_break(session, error, call_name(call));
    managed_leave(context, session);
}

static void on_disconnected(intptr_t context, int32_t flags, const struct native_error *error,
                            intptr_t shell, intptr_t command, intptr_t operation, const void *data)
{
    (void)command;
    (void)operation;
    (void)data;
    become(CALL_DISCONNECT, context, flags, error, shell, MANAGED_DISCONNECTED);
}

static void on_reconnected(intptr_t context, int32_t flags, const struct native_error *error,
                           intptr_t shell, intptr_t command, intptr_t operation, const void *data)
{
    (void)command;
    (void)operation;
    (void)data;
    become(CALL_RECONNECT, context, flags, error, shell, MANAGED_OPEN);
}

static void on_closed(intptr_t context, int32_t flags, const struct native_error *error,
                      intptr_t shell, intptr_t command, intptr_t operation, const void *data)
{
    (void)command;
    (void)operation;
    (void)data;
    become(CALL_CLOSE_SHELL, context, flags, error, shell, MANAGED_CLOSED);
}

bool managed_disconnect(struct managed_session *session)
{
    uint32_t *idle;

    managed_begin(session);
    idle = pin(sizeof(*idle));
    *idle = 0xffffffff;
    session->state = MANAGED_OPENING;
    session->is_answered = false;
    native.DisconnectShell(session->shell, 0, idle,
                           managed_async(session->context, CALL_DISCONNECT, on_disconnected));
    managed_end(session);
    return wait_until_answered(session, MANAGED_DISCONNECTED);
}

bool managed_reconnect(struct managed_session *session)
{
    managed_begin(session);
    session->state = MANAGED_OPENING;
    session->is_answered = false;
    native.ReconnectShell(session->shell, 0,
                          managed_async(session->context, CALL_RECONNECT, on_reconnected));
    managed_end(session);
    return wait_until_answered(session, MANAGED_OPEN);
}

bool managed_close_shell(struct managed_session *session)
{
    managed_begin(session);
    session->state = MANAGED_CLOSING; /* whatever it was */
    session->is_answered = false;
    native.CloseShell(session->shell, 0,
                      managed_async(session->context, CALL_CLOSE_SHELL, on_closed));
    managed_end(session);
    return wait_until_answered(session, MANAGED_CLOSED);
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
    context_end(session->context);
    pthread_cond_destroy(&session->changed);
    pthread_mutex_destroy(&session->lock);
    free(session->connected);
    free(session);
}
