/* Sessions: how they are opened and end. Loop thread. */
#include "client/session_end.h"

#include "client/disconnect.h"
#include "client/operation.h"
#include "client/shell.h"
#include "wsmerror.h"

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

static void check_end(struct wsm_session *session)
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

static void look_again(struct wsm_session *session)
{
    struct wsm_list *node;

    WSM_LIST_FOREACH (node, &session->operations)
        wsm_send_retry(WSM_CONTAINER_OF(node, struct wsm_operation, node));
    WSM_LIST_FOREACH (node, &session->shells)
        wsm_disconnect_go_on(WSM_CONTAINER_OF(node, struct wsm_shell, node));
}

void wsm_session_open(struct wsm_session *session, struct wsm_api *api)
{
    static const struct wsm_session_events events = { .look_again = look_again,
                                                      .check_end = check_end };

    session->api = api;
    session->events = &events;
    wsm_list_add(&api->sessions, &session->node);
    uv_timer_init(wsm_runtime_loop(), &session->timer);
    session->timer.data = session;
}

static void on_close_timeout(uv_timer_t *timer)
{
    struct wsm_session *session = timer->data;
    struct wsm_list *node;
    struct wsm_list *next;

    WSM_LIST_FOREACH_SAFE (node, next, &session->shells)
        wsm_shell_give_up(WSM_CONTAINER_OF(node, struct wsm_shell, node));
    check_end(session);
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
