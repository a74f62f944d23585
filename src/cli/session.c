/* Opens and ends the session that a verb works with. Main thread. */
#include "session.h"

#include "errors.h"
#include "host.h"
#include "message.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wsmext.h>

PWSTR wsm_cli_utf16(const char *what, const char *text)
{
    PWSTR wide = WSManExtUtf8ToUtf16(text);

    if (wide == NULL)
        wsm_cli_fail(WSM_CLI_USAGE, "%s is not valid UTF-8", what);
    return wide;
}

char *wsm_cli_error_words(const WSMAN_ERROR *error)
{
    char *converted = WSManExtUtf16ToUtf8(error->errorDetail);
    char *copy = NULL;

    if (converted != NULL && *converted != '\0')
        copy = wsm_cli_format("%s", converted);
    WSManExtFree(converted);
    return copy;
}

/* The library's words for a code; owned by the caller, free(). */
static char *table_words(const struct wsm_cli_session *session, uint32_t code)
{
    WSMAN_ERROR error = { .code = code };
    PWSTR text = NULL;
    DWORD length = 0;
    char *words = NULL;

    WSManGetErrorMessage(session->api, 0, NULL, code, 0, NULL, &length);
    if (length != 0) {
        text = wsm_cli_alloc(length, sizeof(*text));
        if (WSManGetErrorMessage(session->api, 0, NULL, code, length, text, &length) == 0) {
            error.errorDetail = text;
            words = wsm_cli_error_words(&error);
        }
        free(text);
    }
    return words != NULL ? words : wsm_cli_format("no details");
}

const char *wsm_cli_session_words(const struct wsm_cli_session *session, const char *text)
{
    size_t len = strlen(session->label);

    if (strncmp(text, session->label, len) != 0)
        return text;
    if (strncmp(text + len, ": ", 2) == 0)
        return text + len + 2;
    return text[len] == ' ' ? text + len + 1 : text;
}

int wsm_cli_session_fail(const struct wsm_cli_session *session, uint32_t code, const char *text)
{
    const struct wsm_cli_error_class *class = wsm_cli_error_find(code);
    char *own = text == NULL ? table_words(session, code) : NULL;
    char *number = class->status == WSM_CLI_PROTOCOL ? wsm_cli_format(" (error %u)", code) : NULL;

    wsm_cli_fail(0, "%s: %s%s%s%s", session->label,
                 wsm_cli_session_words(session, text != NULL ? text : own),
                 number != NULL ? number : "", class->advice != NULL ? "; " : "",
                 class->advice != NULL ? class->advice : "");
    free(own);
    free(number);
    return class->status;
}

static const char *default_user(void)
{
    const char *user = getenv("USER");

    return user != NULL && *user != '\0' ? user : getenv("LOGNAME");
}

/* The session itself, with credentials; they are wiped here as far as we made them. */
static int create(struct wsm_cli_session *session, const char *url, const char *user,
                  const char *password)
{
    WSMAN_AUTHENTICATION_CREDENTIALS credentials = {
        .authenticationMechanism = WSMAN_FLAG_AUTH_BASIC,
    };
    WSMAN_DATA on = { .type = WSMAN_DATA_TYPE_DWORD, .number = 1 };
    PWSTR wide_url = wsm_cli_utf16("HOST", url);
    PWSTR wide_user = wsm_cli_utf16("the user name", user);
    PWSTR wide_password = wsm_cli_utf16("the password", password);
    DWORD code = 0;
    int status = WSM_CLI_USAGE;

    if (wide_url == NULL || wide_user == NULL || wide_password == NULL)
        goto out;
    credentials.userAccount.username = wide_user;
    credentials.userAccount.password = wide_password;
    code = WSManInitialize(WSMAN_FLAG_REQUESTED_API_VERSION_1_1, &session->api);
    if (code == 0)
        code = WSManCreateSession(session->api, wide_url, 0, &credentials, NULL, &session->handle);
    /* Whether plain HTTP is allowed was decided before anybody gave a password. */
    if (code == 0 && strncmp(url, "http:", 5) == 0)
        code = WSManSetSessionOption(session->handle, WSMAN_OPTION_UNENCRYPTED_MESSAGES, &on);
    if (code == 0 && session->options->has_retry_time)
        code = WSManExtSetRetryTime(session->handle, session->options->retry_time_ms);
    status = code == 0 ? WSM_CLI_OK : wsm_cli_session_fail(session, code, NULL);
out:
    if (wide_password != NULL)
        explicit_bzero(wide_password, WSManExtUtf16Length(wide_password) * sizeof(WCHAR));
    WSManExtFree(wide_password);
    WSManExtFree(wide_user);
    WSManExtFree(wide_url);
    return status;
}

static int open_local(struct wsm_cli_session *session)
{
    int status;

    session->label = wsm_cli_format("local");
    wsm_cli_password_forget_environment(); /* nothing we start needs it */
    status = wsm_cli_local_start(&session->local, session->options->is_verbose, session->signals);
    if (status == WSM_CLI_OK)
        status = create(session, session->local.url, WSM_CLI_LOCAL_USER,
                        session->local.password.text);
    return status;
}

static int open_remote(struct wsm_cli_session *session)
{
    const struct wsm_cli_options *options = session->options;
    struct wsm_cli_host host = { 0 };
    struct wsm_cli_password password = { .text = "" };
    const char *reason;
    const char *user;
    int status;

    if (!wsm_cli_host_parse(options->host, &host, &reason))
        return wsm_cli_fail(WSM_CLI_USAGE, "%s: %s", options->host, reason);
    session->label = wsm_cli_format("%s", host.label);
    user = options->user != NULL ? options->user : host.user;
    if (user == NULL)
        user = default_user();
    if (host.is_plain && !host.is_loopback && !options->is_unencrypted)
        status = wsm_cli_fail(WSM_CLI_USAGE,
                              "%s: password and data would cross the network in the clear; "
                              "add --unencrypted if that network is trusted",
                              host.label);
    else if (user == NULL)
        status = wsm_cli_fail(WSM_CLI_USAGE, "%s: no user name: use --user", host.label);
    else
        status = wsm_cli_password_get(options, user, host.label, session->signals, &password);
    if (status == WSM_CLI_OK)
        status = create(session, host.url, user, password.text);
    wsm_cli_password_wipe(&password);
    wsm_cli_host_clear(&host);
    return status;
}

int wsm_cli_session_open(struct wsm_cli_session *session, const struct wsm_cli_options *options,
                         struct wsm_cli_signals *signals)
{
    int status;

    *session = (struct wsm_cli_session){ .options = options, .signals = signals };
    status = options->is_local ? open_local(session) : open_remote(session);
    if (options->timeout_ms != 0)
        session->deadline_ms = wsm_cli_now_ms() + options->timeout_ms;
    return status;
}

static void end_local(struct wsm_cli_session *session)
{
    if (session->options->is_local)
        wsm_cli_local_stop(&session->local);
}

void wsm_cli_session_close(struct wsm_cli_session *session)
{
    if (session->handle != NULL)
        WSManCloseSession(session->handle, 0);
    if (session->api != NULL)
        WSManDeinitialize(session->api, 0);
    end_local(session);
    free(session->label);
}

int wsm_cli_session_with(const struct wsm_cli_options *options, struct wsm_cli_signals *signals,
                         wsm_cli_session_work *work, void *context)
{
    struct wsm_cli_session session;
    struct wsm_cli_events events;
    int status;

    if (!wsm_cli_events_open(&events))
        return wsm_cli_fail(WSM_CLI_PROTOCOL, "event descriptor: %m");
    status = wsm_cli_session_open(&session, options, signals);
    if (status == WSM_CLI_OK)
        status = work(&session, &events, context);
    wsm_cli_session_close(&session); /* cancels what is still pending */
    wsm_cli_events_close(&events);
    return status;
}

void wsm_cli_session_abandon(struct wsm_cli_session *session, int status)
{
    end_local(session);
    if (status == WSM_CLI_SIGNAL + SIGPIPE)
        wsm_cli_signals_die_by_pipe();
    _exit(status);
}
