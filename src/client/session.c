/* Sessions: what they hold and how they end. Loop thread. The wire belongs to
 * exchange.c and http_client.c. */
#include "client/session.h"

#include "client/disconnect.h"
#include "client/operation.h"
#include "client/random.h"
#include "client/shell.h"
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

void wsm_session_open(struct wsm_session *session, struct wsm_api *api)
{
    session->api = api;
    wsm_list_add(&api->sessions, &session->node);
    uv_timer_init(wsm_runtime_loop(), &session->timer);
    session->timer.data = session;
}

static void api_check_end(struct wsm_api *api)
{
    if (api->closing == NULL || !wsm_list_is_empty(&api->sessions))
        return;
    wsm_runtime_handle_remove(api->handle); /* before whoever waits frees it */
    wsm_call_done(api->closing, ERROR_SUCCESS);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct wsm_session *session = handle->data;
    struct wsm_api *api = session->api;
    struct wsm_call *waiter = session->closing;

    wsm_list_remove(&session->node);
    wsm_session_free(session);
    if (waiter != NULL)
        wsm_call_done(waiter, ERROR_SUCCESS);
    api_check_end(api);
}

/* What the application has not closed itself goes now; nothing can call back any more. */
static void end(struct wsm_session *session)
{
    session->state = WSM_SESSION_CLOSED;
    wsm_runtime_handle_remove(session->handle);
    while (!wsm_list_is_empty(&session->operations))
        wsm_operation_forget(
            WSM_CONTAINER_OF(session->operations.next, struct wsm_operation, node));
    while (!wsm_list_is_empty(&session->shells))
        wsm_shell_forget(WSM_CONTAINER_OF(session->shells.next, struct wsm_shell, node));
    wsm_http_pool_clear(&session->pool);
    uv_close((uv_handle_t *)&session->timer, on_timer_closed);
}

void wsm_session_check_end(struct wsm_session *session)
{
    struct wsm_list *node;

    if (session->state != WSM_SESSION_CLOSING || session->callbacks > 0)
        return;
    WSM_LIST_FOREACH (node, &session->shells) {
        if (wsm_shell_is_busy(WSM_CONTAINER_OF(node, struct wsm_shell, node)))
            return;
    }
    end(session);
}

static void on_retry(uv_timer_t *timer)
{
    struct wsm_session *session = timer->data;
    struct wsm_list *node;

    WSM_LIST_FOREACH (node, &session->operations)
        wsm_send_retry(WSM_CONTAINER_OF(node, struct wsm_operation, node));
    WSM_LIST_FOREACH (node, &session->shells)
        wsm_disconnect_go_on(WSM_CONTAINER_OF(node, struct wsm_shell, node));
}

void wsm_session_look_again(struct wsm_session *session)
{
    if (session->state == WSM_SESSION_OPEN && !uv_is_active((uv_handle_t *)&session->timer))
        uv_timer_start(&session->timer, on_retry, WSM_SESSION_RETRY_MS, 0); /* cannot fail */
}

static void on_close_timeout(uv_timer_t *timer)
{
    struct wsm_session *session = timer->data;
    struct wsm_list *node;
    struct wsm_list *next;

    WSM_LIST_FOREACH_SAFE (node, next, &session->shells)
        wsm_shell_give_up(WSM_CONTAINER_OF(node, struct wsm_shell, node));
    wsm_session_check_end(session);
}

void wsm_session_close(struct wsm_session *session, struct wsm_call *waiter)
{
    struct wsm_list *node;
    struct wsm_list *next;

    if (waiter != NULL)
        session->closing = waiter;
    if (session->state != WSM_SESSION_OPEN)
        return;
    session->state = WSM_SESSION_CLOSING;
    session->callbacks++; /* so that it does not end within the loops below */
    /* Last call first, so that none of those waiting gets its turn. */
    for (node = session->operations.prev; node != &session->operations; node = node->prev)
        wsm_operation_abort(WSM_CONTAINER_OF(node, struct wsm_operation, node));
    WSM_LIST_FOREACH_SAFE (node, next, &session->shells)
        wsm_shell_end(WSM_CONTAINER_OF(node, struct wsm_shell, node));
    uv_timer_start(&session->timer, on_close_timeout, WSM_SESSION_CLOSE_WAIT_MS, 0);
    wsm_session_callback_returned(session);
}

void wsm_api_close(struct wsm_api *api, struct wsm_call *waiter)
{
    struct wsm_list *node;
    struct wsm_list *next;

    api->closing = waiter;
    WSM_LIST_FOREACH_SAFE (node, next, &api->sessions)
        wsm_session_close(WSM_CONTAINER_OF(node, struct wsm_session, node), NULL);
    api_check_end(api);
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
