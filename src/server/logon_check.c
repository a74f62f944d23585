/* Reads credentials and has them checked. The winrmd-net loop runs it. What a denial means for
 * the connection is not its business. */
#include "server/logon_check.h"

#include "auth/basic.h"
#include "base/log.h"
#include "server/service.h"

#include <stdio.h>

void wsm_logon_check_init(struct wsm_logon_check *check)
{
    wsm_list_init(&check->waiter.node);
}

void wsm_logon_check_cancel(struct wsm_logon_check *check)
{
    wsm_list_remove(&check->waiter.node);
}

void wsm_logon_check_clear(struct wsm_logon_check *check)
{
    wsm_buf_clear(&check->user);
}

/* `setting` names what to look at, for an administrator whose client only says "denied". */
static void deny(const char *peer, struct wsm_span user, const char *reason, const char *setting)
{
    wsm_log_info("denied user \"%.*s\" from %s: %s%s", (int)user.len,
                 user.len == 0 ? "" : (const char *)user.ptr, peer, reason, setting);
}

static void on_checked(struct wsm_auth_waiter *waiter, struct wsm_logon *logon, const char *reason)
{
    struct wsm_logon_check *check = WSM_CONTAINER_OF(waiter, struct wsm_logon_check, waiter);

    if (logon == NULL)
        deny(check->peer, wsm_buf_span(&check->user), reason, " (setting UsersFile)");
    check->on_end(check, logon);
}

static enum wsm_logon_verdict check_password(struct wsm_logon_check *check,
                                             struct wsm_service *service,
                                             const struct wsm_basic *basic,
                                             struct wsm_logon **out_logon)
{
    const char *missing = wsm_settings_missing(&service->settings);
    struct wsm_span user = wsm_span_str(basic->name);
    char setting[64];

    if (missing != NULL) {
        snprintf(setting, sizeof(setting), " (setting %s = false)", missing);
        deny(check->peer, user, "Basic over HTTP is refused", setting);
        return WSM_LOGON_DENIED;
    }
    wsm_buf_append_span(&check->user, user);
    check->waiter.on_checked = on_checked;
    switch (wsm_authenticator_check(&service->auth, user, wsm_span_str(basic->password),
                                    &check->waiter, out_logon)) {
    case WSM_AUTH_GRANTED:
        return WSM_LOGON_GRANTED;
    case WSM_AUTH_PENDING:
        return WSM_LOGON_PENDING;
    case WSM_AUTH_FAILED:
        break;
    }
    deny(check->peer, user, "out of memory", "");
    return WSM_LOGON_DENIED;
}

static bool is_basic(struct wsm_span authorization)
{
    static const char scheme[] = "Basic";
    size_t len = sizeof(scheme) - 1;

    return authorization.len > len &&
           wsm_span_is_nocase(wsm_span_of(authorization.ptr, len), scheme) &&
           authorization.ptr[len] == ' ';
}

/* No credentials, or of a scheme that is not spoken: the answer says what is. */
static void challenge(const struct wsm_logon_check *check, const struct wsm_service *service)
{
    const char *missing = wsm_settings_missing(&service->settings);

    if (missing != NULL)
        wsm_log_info("denied a request from %s: no way to authenticate is offered, "
                     "setting %s = false",
                     check->peer, missing);
}

enum wsm_logon_verdict wsm_logon_check_begin(struct wsm_logon_check *check,
                                             struct wsm_service *service,
                                             struct wsm_span authorization, const char *peer,
                                             wsm_logon_on_end *on_end, struct wsm_logon **out_logon)
{
    enum wsm_logon_verdict verdict = WSM_LOGON_DENIED;
    struct wsm_basic basic = WSM_BASIC_INIT;
    struct wsm_error err = WSM_ERROR_INIT;

    check->on_end = on_end;
    check->peer = peer;
    if (!is_basic(authorization))
        challenge(check, service);
    else if (!wsm_basic_parse(authorization, &basic, &err))
        deny(peer, wsm_span_of(NULL, 0), wsm_error_text(&err), "");
    else
        verdict = check_password(check, service, &basic, out_logon);
    wsm_basic_clear(&basic);
    wsm_error_clear(&err);
    return verdict;
}
