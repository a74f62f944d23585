/* Sessions and their options at the API border. Application threads; what touches a
 * session runs on the loop thread while the caller waits. */
#include "auth/basic.h"
#include "client/api_args.h"
#include "client/runtime.h"
#include "client/session_end.h"
#include "wsmerror.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Made with the handle, so that closing it needs no memory. */
struct close_session {
    struct wsm_call call;
    uintptr_t handle;
};

/* ---- Credentials ---- */

enum { ALL_MECHANISMS = 0x1 | 0x2 | 0x4 | 0x8 | 0x10 | 0x20 | 0x80 };

static bool is_single_bit(uint32_t bits)
{
    return (bits & (bits - 1)) == 0;
}

static bool is_blank(PCWSTR text)
{
    return text == NULL || text[0] == 0;
}

static uint32_t check_mechanism(uint32_t bits)
{
    if ((bits & ~(uint32_t)ALL_MECHANISMS) != 0)
        return ERROR_WSMAN_AUTHENTICATION_INVALID_FLAG;
    return is_single_bit(bits) ? ERROR_SUCCESS : ERROR_WSMAN_CLIENT_MULTIPLE_AUTH_FLAGS;
}

static uint32_t check_credentials(const WSMAN_AUTHENTICATION_CREDENTIALS *credentials)
{
    const WSMAN_USERNAME_PASSWORD_CREDS *user = &credentials->userAccount;
    bool has_name = !is_blank(user->username);
    bool has_password = user->password != NULL;
    uint32_t code = check_mechanism(credentials->authenticationMechanism);

    if (code != ERROR_SUCCESS)
        return code;
    switch (credentials->authenticationMechanism) {
    case WSMAN_FLAG_NO_AUTHENTICATION:
        return has_name || has_password ? ERROR_WSMAN_CREDS_PASSED_WITH_NO_AUTH_FLAG
                                        : ERROR_SUCCESS;
    case WSMAN_FLAG_AUTH_BASIC:
    case WSMAN_FLAG_AUTH_DIGEST:
        if (!has_name && !has_password)
            return ERROR_WSMAN_CLIENT_USERNAME_PASSWORD_NEEDED;
        break;
    case WSMAN_FLAG_AUTH_CREDSSP:
        return has_name && has_password ? ERROR_SUCCESS
                                        : ERROR_WSMAN_CREDSSP_USERNAME_PASSWORD_NEEDED;
    case WSMAN_FLAG_AUTH_CLIENT_CERTIFICATE:
        return is_blank(credentials->certificateThumbprint)
                   ? ERROR_WSMAN_CLIENT_CERT_NEEDED
                   : ERROR_WSMAN_CANNOT_USE_CERTIFICATES_FOR_HTTP;
    default:
        break;
    }
    return has_name == has_password ? ERROR_SUCCESS
                                    : ERROR_WSMAN_CLIENT_USERNAME_AND_PASSWORD_NEEDED;
}

static void wipe_text(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    free(text);
}

/* "Authorization: Basic …" */
static bool make_basic(const WSMAN_USERNAME_PASSWORD_CREDS *user, char **out_line,
                       struct wsm_error *err)
{
    static const char prefix[] = "Authorization: ";
    char *name = NULL;
    char *password = NULL;
    struct wsm_buf line = WSM_BUF_INIT;
    bool ok = false;

    if (!wsm_api_text(user->username, "user name", &name, err) ||
        !wsm_api_text(user->password, "password", &password, err))
        goto out;
    /* Reserved at once, so that no copy stays behind in freed memory. */
    if (!wsm_buf_reserve(&line,
                         sizeof(prefix) + wsm_basic_written_len(strlen(name), strlen(password)))) {
        (void)wsm_fail_memory(err, "credentials");
        goto out;
    }
    wsm_buf_append_str(&line, prefix);
    if (!wsm_basic_write(&line, name, password, err))
        goto out;
    wsm_buf_append_byte(&line, '\0');
    *out_line = (char *)line.ptr;
    line = (struct wsm_buf)WSM_BUF_INIT;
    ok = true;
out:
    wsm_buf_wipe(&line);
    wipe_text(name);
    wipe_text(password);
    return ok;
}

static bool make_login(const WSMAN_AUTHENTICATION_CREDENTIALS *credentials, struct wsm_login *out,
                       struct wsm_error *err)
{
    uint32_t code;

    *out = (struct wsm_login){ .mechanism = WSM_MECHANISM_DEFAULT };
    if (credentials == NULL)
        return true;
    code = check_credentials(credentials);
    if (code != ERROR_SUCCESS)
        return wsm_fail(err, code, "credentials");
    out->mechanism = (enum wsm_mechanism)credentials->authenticationMechanism;
    return out->mechanism != WSM_MECHANISM_BASIC ||
           make_basic(&credentials->userAccount, &out->authorization, err);
}

/* Proxies are for HTTPS only, as on Windows; what is left is to say so. */
static uint32_t check_proxy(const WSMAN_PROXY_INFO *proxy)
{
    const WSMAN_USERNAME_PASSWORD_CREDS *user;
    uint32_t bits;

    if (proxy == NULL)
        return ERROR_SUCCESS;
    user = &proxy->authenticationCredentials.userAccount;
    bits = proxy->authenticationCredentials.authenticationMechanism;
    if (proxy->accessType == 0 || proxy->accessType > WSMAN_OPTION_PROXY_NO_PROXY_SERVER ||
        !is_single_bit(proxy->accessType))
        return ERROR_WSMAN_PROXY_ACCESS_TYPE;
    if (!is_single_bit(bits))
        return ERROR_WSMAN_CLIENT_MULTIPLE_PROXY_AUTH_FLAGS;
    if ((bits & ~(uint32_t)(WSMAN_FLAG_AUTH_BASIC | WSMAN_FLAG_AUTH_DIGEST |
                            WSMAN_FLAG_AUTH_NEGOTIATE)) != 0)
        return ERROR_WSMAN_PROXY_AUTHENTICATION_INVALID_FLAG;
    if (bits == 0 && (user->username != NULL || user->password != NULL))
        return ERROR_WSMAN_CLIENT_CREDENTIALS_FOR_PROXY_AUTHENTICATION;
    if (proxy->accessType != WSMAN_OPTION_PROXY_NO_PROXY_SERVER)
        return ERROR_WSMAN_CANNOT_USE_PROXY_SETTINGS_FOR_HTTP;
    return bits == 0 ? ERROR_SUCCESS : ERROR_WSMAN_INVALID_OPTION_NO_PROXY_SERVER;
}

/* ---- Opening and closing ---- */

struct open_session {
    struct wsm_call call;
    uintptr_t api_handle;
    struct wsm_session *session;
};

/* Loop thread. */
static void on_open(struct wsm_message *message)
{
    struct wsm_call *call = WSM_CONTAINER_OF(message, struct wsm_call, message);
    struct open_session *open = WSM_CONTAINER_OF(call, struct open_session, call);
    struct wsm_api *api = wsm_runtime_handle_find(open->api_handle, WSM_HANDLE_API);
    bool ok = api != NULL && api->closing == NULL;

    if (ok)
        wsm_session_open(open->session, api);
    wsm_call_done(call, ok ? ERROR_SUCCESS : ERROR_WSMAN_CLIENT_CREATESESSION_NULL_PARAM);
}

/* On success the session is the loop's: another thread may have ended it before this returns. */
static bool open_session(struct wsm_session *session, uintptr_t api, uint32_t version,
                         uintptr_t *out_handle, struct wsm_error *err)
{
    struct close_session *reserve = calloc(1, sizeof(*reserve));
    struct open_session open = { .api_handle = api, .session = session };
    uintptr_t handle;

    if (reserve == NULL)
        return wsm_fail_memory(err, "session");
    if (!wsm_runtime_handle_add(WSM_HANDLE_SESSION, version, session, reserve, &session->handle,
                                err)) {
        free(reserve);
        return false;
    }
    handle = session->handle;
    reserve->handle = handle;
    open.call.result = ERROR_WSMAN_CLIENT_CREATESESSION_NULL_PARAM;
    if (wsm_call_run(&open.call, on_open) && open.call.result == ERROR_SUCCESS) {
        *out_handle = handle;
        return true;
    }
    wsm_runtime_handle_remove(handle);
    return wsm_fail(err, open.call.result, "the API handle is closed");
}

DWORD WINAPI WSManCreateSession(WSMAN_API_HANDLE apiHandle, PCWSTR connection, DWORD flags,
                                WSMAN_AUTHENTICATION_CREDENTIALS *serverAuthenticationCredentials,
                                WSMAN_PROXY_INFO *proxyInfo, WSMAN_SESSION_HANDLE *session)
{
    struct wsm_target target = { .host = NULL };
    struct wsm_login login = { .authorization = NULL };
    struct wsm_session *made = NULL;
    struct wsm_error err = WSM_ERROR_INIT;
    char *text = NULL;
    uintptr_t handle = 0;
    uint32_t version = 0;
    DWORD code;

    if (session != NULL)
        *session = NULL;
    if (session == NULL ||
        !wsm_runtime_handle_check(wsm_handle_value(apiHandle), WSM_HANDLE_API, &version))
        return ERROR_WSMAN_CLIENT_CREATESESSION_NULL_PARAM;
    if (flags != 0)
        return ERROR_WSMAN_CLIENT_INVALID_FLAG;
    code = check_proxy(proxyInfo);
    if (code != ERROR_SUCCESS)
        return code;
    if (!wsm_api_text(connection, "connection string", &text, &err) ||
        !wsm_target_parse(text, &target, &err) ||
        !make_login(serverAuthenticationCredentials, &login, &err))
        goto out;
    made = wsm_session_new(&target, &login, &err);
    if (made == NULL || !open_session(made, wsm_handle_value(apiHandle), version, &handle, &err))
        goto out;
    *session = (WSMAN_SESSION_HANDLE)handle;
    made = NULL;
out:
    code = err.code;
    wsm_session_free(made);
    wsm_target_clear(&target);
    wsm_login_clear(&login);
    wsm_error_clear(&err);
    free(text);
    return code;
}

/* Loop thread. */
static void on_close(struct wsm_message *message)
{
    struct wsm_call *call = WSM_CONTAINER_OF(message, struct wsm_call, message);
    const struct close_session *close = WSM_CONTAINER_OF(call, struct close_session, call);
    struct wsm_session *session = wsm_runtime_handle_find(close->handle, WSM_HANDLE_SESSION);

    if (session == NULL) /* the API handle was closed meanwhile, and it with that */
        wsm_call_done(call, ERROR_SUCCESS);
    else
        wsm_session_close(session, call);
}

DWORD WINAPI WSManCloseSession(WSMAN_SESSION_HANDLE session, DWORD flags)
{
    void *reserve = NULL;
    struct close_session *close;

    if (session == NULL)
        return ERROR_WSMAN_CLIENT_NO_HANDLE;
    if (flags != 0)
        return ERROR_WSMAN_CLIENT_INVALID_FLAG;
    if (wsm_strand_current() != NULL)
        return ERROR_POSSIBLE_DEADLOCK;
    if (!wsm_runtime_handle_close(wsm_handle_value(session), WSM_HANDLE_SESSION, &reserve) ||
        reserve == NULL)
        return ERROR_WSMAN_SESSION_ALREADY_CLOSED;
    close = reserve;
    (void)wsm_call_run(&close->call, on_close);
    free(close);
    return ERROR_SUCCESS;
}

/* ---- Options ---- */

struct option_call {
    struct wsm_call call;
    uintptr_t session;
    uint32_t id;
    uint32_t number;
    char *text; /* owned by the caller; Get: made by the loop */
};

static struct option_call *of_message(struct wsm_message *message)
{
    struct wsm_call *call = WSM_CONTAINER_OF(message, struct wsm_call, message);

    return WSM_CONTAINER_OF(call, struct option_call, call);
}

static uint32_t set_number(struct wsm_session *session, uint32_t id, uint32_t value)
{
    enum wsm_mechanism mechanism = session->login.mechanism;
    const struct wsm_option_context context = {
        .has_scheme = session->target.has_scheme,
        .has_spn = mechanism == WSM_MECHANISM_DEFAULT || mechanism == WSM_MECHANISM_NEGOTIATE ||
                   mechanism == WSM_MECHANISM_KERBEROS,
        .is_used = session->is_used,
    };

    return wsm_options_set_number(&session->options, id, value, &context);
}

/* Loop thread, as the next two. */
static void on_set(struct wsm_message *message)
{
    struct option_call *option = of_message(message);
    struct wsm_session *session = wsm_runtime_handle_find(option->session, WSM_HANDLE_SESSION);
    uint32_t code = ERROR_WSMAN_SESSION_ALREADY_CLOSED;

    if (session != NULL && option->text != NULL)
        code = wsm_options_set_text(&session->options, option->id, option->text);
    else if (session != NULL)
        code = set_number(session, option->id, option->number);
    wsm_call_done(&option->call, code);
}

static void on_get_number(struct wsm_message *message)
{
    struct option_call *option = of_message(message);
    const struct wsm_session *session = wsm_runtime_handle_find(option->session,
                                                                WSM_HANDLE_SESSION);

    if (session != NULL)
        option->number = wsm_options_number(&session->options, option->id);
    wsm_call_done(&option->call,
                  session == NULL ? ERROR_WSMAN_SESSION_ALREADY_CLOSED : ERROR_SUCCESS);
}

static void on_get_text(struct wsm_message *message)
{
    struct option_call *option = of_message(message);
    const struct wsm_session *session = wsm_runtime_handle_find(option->session,
                                                                WSM_HANDLE_SESSION);
    const char *text;
    uint32_t code = ERROR_SUCCESS;

    if (session == NULL) {
        code = ERROR_WSMAN_SESSION_ALREADY_CLOSED;
    } else {
        text = wsm_options_text(&session->options, option->id);
        option->text = text == NULL ? NULL : strdup(text);
        if (text == NULL)
            code = ERROR_WSMAN_REDIRECT_LOCATION_NOT_AVAILABLE;
        else if (option->text == NULL)
            code = ERROR_OUTOFMEMORY;
    }
    wsm_call_done(&option->call, code);
}

static DWORD run_option(struct option_call *option, void (*handle)(struct wsm_message *))
{
    if (!wsm_runtime_handle_check(option->session, WSM_HANDLE_SESSION, NULL) ||
        !wsm_call_run(&option->call, handle))
        return ERROR_WSMAN_SESSION_ALREADY_CLOSED;
    return option->call.result;
}

DWORD WINAPI WSManSetSessionOption(WSMAN_SESSION_HANDLE session, WSManSessionOption option,
                                   WSMAN_DATA *data)
{
    struct option_call call = { .session = wsm_handle_value(session), .id = (uint32_t)option };
    enum wsm_option_type type = wsm_option_type(call.id);
    DWORD code;

    if (session == NULL || data == NULL)
        return ERROR_WSMAN_CLIENT_SETSESSIONOPTION_NULL_PARAM;
    if (type == WSM_OPTION_TYPE_NUMBER && data->type == WSMAN_DATA_TYPE_DWORD)
        call.number = data->number;
    else if (type != WSM_OPTION_TYPE_TEXT || data->type != WSMAN_DATA_TYPE_TEXT)
        return ERROR_WSMAN_CLIENT_SETSESSIONOPTION_INVALID_PARAM;
    else if (!wsm_api_data_text(data, "option", &call.text, NULL))
        return ERROR_WSMAN_CLIENT_SETSESSIONOPTION_INVALID_PARAM;
    code = run_option(&call, on_set);
    free(call.text);
    return code;
}

DWORD WINAPI WSManGetSessionOptionAsDword(WSMAN_SESSION_HANDLE session, WSManSessionOption option,
                                          DWORD *value)
{
    struct option_call call = { .session = wsm_handle_value(session), .id = (uint32_t)option };
    DWORD code;

    if (session == NULL || value == NULL)
        return ERROR_WSMAN_CLIENT_GETSESSIONOPTION_DWORD_NULL_PARAM;
    if (wsm_option_type(call.id) == WSM_OPTION_TYPE_NONE)
        return ERROR_WSMAN_CLIENT_GETSESSIONOPTION_INVALID_PARAM;
    if (wsm_option_type(call.id) == WSM_OPTION_TYPE_TEXT)
        return ERROR_WSMAN_CLIENT_GETSESSIONOPTION_DWORD_INVALID_PARAM;
    code = run_option(&call, on_get_number);
    if (code == ERROR_SUCCESS)
        *value = call.number;
    return code;
}

DWORD WINAPI WSManGetSessionOptionAsString(WSMAN_SESSION_HANDLE session, WSManSessionOption option,
                                           DWORD stringLength, PWSTR string,
                                           DWORD *stringLengthUsed)
{
    struct option_call call = { .session = wsm_handle_value(session), .id = (uint32_t)option };
    DWORD code;

    if (session == NULL || stringLengthUsed == NULL || (string == NULL) != (stringLength == 0))
        return ERROR_WSMAN_CLIENT_GETSESSIONOPTION_STRING_INVALID_PARAM;
    if (wsm_option_type(call.id) == WSM_OPTION_TYPE_NONE)
        return ERROR_WSMAN_CLIENT_GETSESSIONOPTION_INVALID_PARAM;
    if (wsm_option_type(call.id) != WSM_OPTION_TYPE_TEXT)
        return ERROR_WSMAN_CLIENT_GETSESSIONOPTION_STRING_INVALID_PARAM;
    code = run_option(&call, on_get_text);
    if (code == ERROR_SUCCESS)
        code = wsm_api_give_text(call.text, stringLength, string, stringLengthUsed);
    free(call.text);
    return code;
}
