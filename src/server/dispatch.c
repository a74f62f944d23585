/* Which function answers which request. The winrmd-net loop runs it. Does no operation
 * itself. */
#include "server/dispatch.h"

#include "proto/identify.h"
#include "server/service.h"
#include "wsmerror.h"

static const struct {
    const char *action;
    bool needs_shell;
    wsm_handler *handler;
} routes[] = {
    { WSM_ACTION_CREATE, false, wsm_op_create },  { WSM_ACTION_DELETE, true, wsm_op_delete },
    { WSM_ACTION_COMMAND, true, wsm_op_command }, { WSM_ACTION_SEND, true, wsm_op_send },
    { WSM_ACTION_RECEIVE, true, wsm_op_receive }, { WSM_ACTION_SIGNAL, true, wsm_op_signal },
};

static size_t route_find(struct wsm_span action)
{
    size_t i = 0;

    while (i < sizeof(routes) / sizeof(routes[0]) && !wsm_span_is(action, routes[i].action))
        i++;
    return i;
}

static bool check(const struct wsm_exchange *exchange, struct wsm_error *err)
{
    const struct wsm_envelope *env = &exchange->env;

    if (!wsm_envelope_check_request(env, err))
        return false;
    if (route_find(env->action) == sizeof(routes) / sizeof(routes[0]))
        return wsm_fail(err, ERROR_WSMAN_ACTION_NOT_SUPPORTED, "action %.*s is not supported",
                        (int)env->action.len, (const char *)env->action.ptr);
    if (!wsm_span_is(env->resource_uri, WSM_URI_CMD))
        return wsm_fail(err, ERROR_WSMAN_INVALID_RESOURCE_URI, "resource %.*s does not exist",
                        (int)env->resource_uri.len, (const char *)env->resource_uri.ptr);
    return true;
}

static void wait_in(struct wsm_list *list, struct wsm_exchange *exchange)
{
    wsm_list_add(list, &exchange->node);
}

void wsm_dispatch_resume(struct wsm_exchange *exchange)
{
    struct wsm_service *service = exchange->service;
    struct wsm_error err = WSM_ERROR_INIT;
    size_t route;
    struct wsm_span id;
    struct wsm_shell *shell;
    const char *ns;

    if (!wsm_service_is_serving(service)) {
        wait_in(&service->waiting, exchange);
        return;
    }
    if (wsm_identify_request_parse(&exchange->env, &ns)) {
        wsm_op_identify(exchange, NULL);
        return;
    }
    route = route_find(exchange->env.action);
    if (!routes[route].needs_shell) {
        routes[route].handler(exchange, NULL);
        return;
    }
    id = wsm_envelope_selector(&exchange->env, "ShellId");
    shell = wsm_shell_find(&service->shells, exchange->logon->user, id);
    if (shell == NULL) {
        wsm_fail(&err, ERROR_WSMAN_UNEXPECTED_SELECTORS, "shell %.*s does not exist", (int)id.len,
                 id.len == 0 ? "" : (const char *)id.ptr);
        wsm_exchange_fail(exchange, &err);
    } else if (shell->state != WSM_SHELL_OPEN) {
        wait_in(&shell->waiting, exchange);
    } else {
        routes[route].handler(exchange, shell);
    }
}

static size_t max_envelope(const struct wsm_exchange *exchange)
{
    size_t ours = exchange->service->settings.max_envelope_size;
    uint64_t theirs = exchange->env.max_envelope_size;

    return theirs == 0 || theirs > ours ? ours : (size_t)theirs;
}

void wsm_dispatch(struct wsm_exchange *exchange, struct wsm_span body, bool charset_is_known)
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
    if (!wsm_envelope_parse_with(env, &exchange->service->parser,
                                 exchange->bytes.ptr + (body.ptr - exchange->bytes.ptr), body.len,
                                 &err))
        goto out;
    if (!wsm_identify_request_parse(env, &ns) && !check(exchange, &err))
        goto out;
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

bool wsm_options_check(const struct wsm_envelope *env, const char *const *known,
                       struct wsm_error *err)
{
    for (size_t i = 0; i < env->option_count; i++) {
        const struct wsm_option *option = &env->options[i];
        size_t k = 0;

        while (known[k] != NULL && !wsm_span_is_nocase(option->name, known[k]))
            k++;
        if (known[k] == NULL && option->must_comply)
            return wsm_fail(err, ERROR_WSMAN_OPTIONS_INVALID_NAME, "option %.*s is not known",
                            (int)option->name.len, (const char *)option->name.ptr);
    }
    return true;
}
