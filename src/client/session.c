/* Sessions: what they hold. Loop thread. How they end is session_end.c's, the wire exchange.c's and
 * http_client.c's. */
#include "client/session.h"

#include "client/random.h"
#include "wsmerror.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct wsm_session *wsm_session_new(struct wsm_target *target, struct wsm_login *login,
                                    struct wsm_error *err)
{
    struct wsm_session *session = calloc(1, sizeof(*session));
    struct wsm_guid guid;

    if (session == NULL) {
        (void)wsm_fail_memory(err, "session");
        return NULL;
    }
    if (!wsm_random_guid(&guid, err)) {
        free(session);
        return NULL;
    }
    snprintf(session->id, sizeof(session->id), "uuid:%s", guid.text);
    session->target = *target;
    session->login = *login;
    *target = (struct wsm_target){ .host = NULL };
    *login = (struct wsm_login){ .authorization = NULL };
    wsm_options_init(&session->options);
    wsm_list_init(&session->node);
    wsm_list_init(&session->shells);
    wsm_list_init(&session->operations);
    wsm_http_pool_init(&session->pool, &session->target);
    return session;
}

void wsm_login_clear(struct wsm_login *login)
{
    if (login->authorization != NULL)
        explicit_bzero(login->authorization, strlen(login->authorization));
    free(login->authorization);
    login->authorization = NULL;
}

void wsm_session_free(struct wsm_session *session)
{
    if (session == NULL)
        return;
    wsm_target_clear(&session->target);
    wsm_login_clear(&session->login);
    wsm_options_clear(&session->options);
    wsm_xml_parser_clear(&session->parser);
    free(session);
}

static void on_retry(uv_timer_t *timer)
{
    struct wsm_session *session = timer->data;

    session->events->look_again(session);
}

void wsm_session_look_again(struct wsm_session *session)
{
    if (session->state == WSM_SESSION_OPEN && !uv_is_active((uv_handle_t *)&session->timer))
        uv_timer_start(&session->timer, on_retry, WSM_SESSION_RETRY_MS, 0); /* cannot fail */
}

void wsm_session_check_end(struct wsm_session *session)
{
    session->events->check_end(session);
}

void wsm_session_callback_queued(struct wsm_session *session)
{
    session->callbacks++;
}

void wsm_session_callback_returned(struct wsm_session *session)
{
    session->callbacks--;
    wsm_session_check_end(session);
}

void wsm_session_redirected(struct wsm_session *session, struct wsm_error *err)
{
    const char *url = err->origin == NULL ? NULL : err->origin->redirect;
    uint32_t code = wsm_options_set_redirect(&session->options, url);

    if (code == ERROR_SUCCESS)
        return;
    wsm_error_clear(err);
    (void)wsm_fail(err, code, "%s redirects the client%s", session->target.host_header,
                   code == ERROR_WSMAN_INVALID_REDIRECT_ERROR
                       ? ", but does not say where to"
                       : " to an address that cannot be used");
}

static const char *mechanism_name(enum wsm_mechanism mechanism)
{
    switch (mechanism) {
    case WSM_MECHANISM_DIGEST:
        return "Digest";
    case WSM_MECHANISM_KERBEROS:
        return "Kerberos";
    case WSM_MECHANISM_CERTIFICATE:
        return "Client certificate";
    case WSM_MECHANISM_CREDSSP:
        return "CredSSP";
    default:
        return "Negotiate";
    }
}

bool wsm_session_check_policy(const struct wsm_session *session, struct wsm_error *err)
{
    enum wsm_mechanism mechanism = session->login.mechanism;

    if (mechanism != WSM_MECHANISM_BASIC && mechanism != WSM_MECHANISM_NONE)
        return wsm_fail(err, ERROR_NOT_SUPPORTED,
                        "%s authentication is not supported yet: use Basic",
                        mechanism_name(mechanism));
    if (wsm_options_number(&session->options, WSM_OPTION_UNENCRYPTED) == 0)
        return wsm_fail(err, ERROR_WSMAN_CLIENT_UNENCRYPTED_DISABLED,
                        "%s would be reached over HTTP without encryption: "
                        "this needs the session option UNENCRYPTED_MESSAGES (20)",
                        session->target.host_header);
    return true;
}
