/* Which function answers which request. The winrmd-net loop runs it. Does no operation
 * itself. */
#include "server/dispatch.h"

#include "proto/disconnect.h"
#include "proto/enumerate.h"
#include "proto/identify.h"
#include "server/change.h"
#include "server/handler.h"
#include "server/http_conn.h"
#include "server/service.h"
#include "wsmerror.h"

/* What a request needs before it goes to its handler. */
enum need {
    NEED_NOTHING,
    NEED_SHELL,  /* that its host can be asked */
    NEED_QUIET,  /* and nothing changes who holds it */
    NEED_TO_USE, /* and the holder lets it be used */
};

/* Resources, as bits: a shell of cmd; all shells; the commands of a shell. */
enum { OF_CMD = 1, OF_SHELL = 2, OF_COMMAND = 4, OF_LIST = OF_CMD | OF_SHELL | OF_COMMAND };

static const struct {
    const char *uri;
    unsigned bit;
} resources[] = { { WSM_URI_CMD, OF_CMD },
                  { WSM_URI_SHELL, OF_SHELL },
                  { WSM_URI_SHELL_COMMAND, OF_COMMAND } };

static const struct route {
    const char *action;
    unsigned resources;
    enum need need;
    wsm_handler *handler;
} routes[] = {
    { WSM_ACTION_CREATE, OF_CMD, NEED_NOTHING, wsm_op_create },
    { WSM_ACTION_DELETE, OF_CMD, NEED_SHELL, wsm_op_delete },
    { WSM_ACTION_COMMAND, OF_CMD, NEED_TO_USE, wsm_op_command },
    { WSM_ACTION_SEND, OF_CMD, NEED_TO_USE, wsm_op_send },
    { WSM_ACTION_RECEIVE, OF_CMD, NEED_TO_USE, wsm_op_receive },
    { WSM_ACTION_SIGNAL, OF_CMD, NEED_TO_USE, wsm_op_signal },
    { WSM_ACTION_DISCONNECT, OF_CMD, NEED_QUIET, wsm_op_disconnect },
    { WSM_ACTION_RECONNECT, OF_CMD, NEED_QUIET, wsm_op_reconnect },
    { WSM_ACTION_CONNECT, OF_CMD, NEED_QUIET, wsm_op_connect },
    { WSM_ACTION_GET, OF_CMD | OF_SHELL, NEED_SHELL, wsm_op_get },
    { WSM_ACTION_ENUMERATE, OF_LIST, NEED_NOTHING, wsm_op_enumerate },
    { WSM_ACTION_PULL, OF_LIST, NEED_NOTHING, wsm_op_pull },
    { WSM_ACTION_RELEASE, OF_LIST, NEED_NOTHING, wsm_op_release },
};

/* NULL: there is none. */
static const struct route *route_find(struct wsm_span action)
{
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
        if (wsm_span_is(action, routes[i].action))
            return &routes[i];
    return NULL;
}

static unsigned resource_bit(struct wsm_span uri)
{
    for (size_t i = 0; i < sizeof(resources) / sizeof(resources[0]); i++)
        if (wsm_span_is(uri, resources[i].uri))
            return resources[i].bit;
    return 0;
}

static bool check(const struct wsm_exchange *exchange, struct wsm_error *err)
{
    const struct wsm_envelope *env = &exchange->env;
    const struct route *route;
    unsigned resource;

    if (!wsm_envelope_check_request(env, err))
        return false;
    route = route_find(env->action);
    resource = resource_bit(env->resource_uri);
    if (route == NULL)
        return wsm_fail(err, ERROR_WSMAN_ACTION_NOT_SUPPORTED, "action %.*s is not supported",
                        (int)env->action.len, (const char *)env->action.ptr);
    if (resource == 0)
        return wsm_fail(err, ERROR_WSMAN_INVALID_RESOURCE_URI, "resource %.*s does not exist",
                        (int)env->resource_uri.len, (const char *)env->resource_uri.ptr);
    if ((route->resources & resource) == 0)
        return wsm_fail(err, ERROR_WSMAN_ACTION_NOT_SUPPORTED,
                        "action %s is not supported for resource %.*s", route->action,
                        (int)env->resource_uri.len, (const char *)env->resource_uri.ptr);
    if (wsm_span_trim(env->session_id).len > WSM_HOST_ID_MAX)
        return wsm_fail(err, ERROR_WSMAN_ENCODING_LIMIT, "SessionId is longer than %d bytes",
                        WSM_HOST_ID_MAX);
    return true;
}

void wsm_dispatch_resume(struct wsm_exchange *exchange)
{
    struct wsm_service *service = exchange->service;
    const struct route *route;
    struct wsm_shell *shell = NULL;
    const char *ns;

    if (!wsm_service_is_serving(service)) {
        wsm_list_add(&service->waiting, &exchange->node);
        return;
    }
    if (wsm_identify_request_parse(&exchange->env, &ns)) {
        wsm_op_identify(exchange, NULL);
        return;
    }
    route = route_find(exchange->env.action); /* there is one, as check() has it */
    if (route->need != NEED_NOTHING) {
        shell = wsm_handler_find_shell(exchange, wsm_envelope_selector(&exchange->env, "ShellId"));
        if (shell == NULL)
            return;
    }
    if (route->need >= NEED_QUIET && shell->change != NULL)
        wsm_exchange_wait(exchange, &shell->waiting);
    else if (route->need != NEED_TO_USE || wsm_change_admit(exchange, shell, WSM_HOLD_USE, false))
        route->handler(exchange, shell);
}

static size_t max_envelope(const struct wsm_exchange *exchange)
{
    size_t ours = exchange->service->settings.max_envelope_size;
    uint64_t theirs = exchange->env.max_envelope_size;

    return theirs == 0 || theirs > ours ? ours : (size_t)theirs;
}

void wsm_dispatch(struct wsm_exchange *exchange, size_t head_len, bool charset_is_known)
{
    struct wsm_envelope *env = &exchange->env;
    struct wsm_error err = WSM_ERROR_INIT;
    const char *ns;
    int64_t timeout_ms;

    exchange->max_envelope = exchange->service->settings.max_envelope_size;
    if (!charset_is_known) {
        wsm_fail(&err, ERROR_WSMAN_UNSUPPORTED_ENCODING, "Content-Type: neither UTF-8 nor UTF-16");
        goto out;
    }
    if (!wsm_envelope_parse_with(env, &exchange->service->parser, exchange->bytes.ptr + head_len,
                                 exchange->bytes.len - head_len, &err))
        goto out;
    if (!wsm_identify_request_parse(env, &ns) && !check(exchange, &err))
        goto out;
    wsm_http_conn_join(exchange->conn, exchange->logon->user, env->session_id);
    exchange->max_envelope = max_envelope(exchange);
    timeout_ms = wsm_settings_operation_timeout(&exchange->service->settings,
                                                env->operation_timeout_ms);
    exchange->deadline_ms = wsm_service_now(exchange->service) + timeout_ms;
    wsm_exchange_set_timer(exchange, timeout_ms);
    wsm_dispatch_resume(exchange);
    return;
out:
    wsm_exchange_fail(exchange, &err);
}
