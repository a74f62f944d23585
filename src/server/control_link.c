/* The loop of winrmd-net, its channel to the monitor and its listening sockets. Opens no
 * sockets itself and names no user whom the monitor or winrmd-auth did not name. */
#include "server/control_link.h"

#include "base/log.h"
#include "ipc/control_messages.h"
#include "server/change.h"
#include "server/exchange.h"
#include "server/http_conn.h"
#include "server/op_receive.h"
#include "server/op_send.h"
#include "server/service.h"
#include "wsmerror.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    BACKLOG = 128,
    SURPLUS_MAX = 64, /* connections above MaxConnections that are told so; others are closed */
};

struct listener {
    uv_tcp_t tcp;
    struct wsm_service *service;
};

union message {
    struct wsm_control_hello hello;
    struct wsm_control_settings settings;
    struct wsm_control_peer peer;
    struct wsm_control_listener listener;
    struct wsm_control_host host;
    struct wsm_control_host_failed host_failed;
    struct wsm_control_hosts_end hosts_end;
};

static uint64_t connect_host(void *context, uint64_t host_id)
{
    struct wsm_service *service = context;
    struct wsm_control_connect_host message = { ++service->last_monitor_request, host_id };

    wsm_link_send(service->monitor, &wsm_control_connect_host_type, &message);
    return message.request;
}

static void release(void *context, const uint8_t token[WSM_TOKEN_LEN])
{
    struct wsm_service *service = context;
    struct wsm_control_release message;

    memcpy(message.token, token, WSM_TOKEN_LEN);
    wsm_link_send(service->monitor, &wsm_control_release_type, &message);
}

static void resume(void *context, struct wsm_list *node)
{
    (void)context;
    wsm_exchange_resume(WSM_CONTAINER_OF(node, struct wsm_exchange, node));
}

static void on_held(void *context, const struct wsm_shell *shell)
{
    struct wsm_service *service = context;

    if (shell->holder.can_disconnect)
        wsm_sessions_expect(&service->sessions, shell->owner,
                            wsm_span_str(shell->holder.session_id));
}

static void on_quiet(void *context, struct wsm_shell *shell)
{
    (void)context;
    wsm_change_on_quiet(shell->change);
}

static void on_command_end(void *context, struct wsm_command *command, const struct wsm_error *err)
{
    (void)context;
    wsm_receive_abort(command, err);
    wsm_send_forget(command);
}

static bool session_holds(void *context, const char *user, const char *id)
{
    struct wsm_service *service = context;

    return wsm_change_holds(&service->shells, user, id);
}

static void on_session_gone(void *context, const char *user, const char *id)
{
    struct wsm_service *service = context;

    wsm_change_let_go(&service->shells, user, id);
}

static void on_connection(uv_stream_t *stream, int status)
{
    struct listener *listener = WSM_CONTAINER_OF(stream, struct listener, tcp);
    struct wsm_service *service = listener->service;
    struct wsm_error err = WSM_ERROR_INIT;
    size_t max = service->settings.max_connections;

    if (status < 0) {
        wsm_log_warning("accept: %s", uv_strerror(status));
        return;
    }
    if (!wsm_http_conn_accept(service, stream, service->connection_count >= max,
                              service->connection_count >= max + SURPLUS_MAX, &err))
        wsm_log_warning("%s", wsm_error_text(&err));
    wsm_error_clear(&err);
}

static bool on_hello(struct wsm_service *service, const union message *m, int *fd)
{
    (void)service;
    (void)fd;
    return m->hello.version == WSM_CONTROL_VERSION;
}

static bool on_settings(struct wsm_service *service, const union message *m, int *fd)
{
    struct wsm_error err = WSM_ERROR_INIT;
    bool ok = wsm_settings_take(&service->settings, m->settings.values, &err);

    (void)fd;
    if (!ok)
        wsm_log_error("%s", wsm_error_text(&err));
    wsm_error_clear(&err);
    wsm_log_set_sink(wsm_log_to_stderr, service->settings.log_level);
    service->auth.users_file = service->settings.users_file;
    service->sessions.timeout_ms = service->settings.auto_disconnect_ms;
    return ok;
}

static bool on_peer(struct wsm_service *service, const union message *m, int *fd)
{
    (void)m;
    if (*fd < 0)
        return false;
    wsm_authenticator_connect(&service->auth, *fd);
    *fd = -1;
    return true;
}

static bool on_listener(struct wsm_service *service, const union message *m, int *fd)
{
    struct listener *listener = calloc(1, sizeof(*listener));
    int status = UV_ENOMEM;

    if (listener == NULL || *fd < 0)
        goto out;
    listener->service = service;
    status = uv_tcp_init(&service->loop, &listener->tcp);
    if (status == 0)
        status = uv_tcp_open(&listener->tcp, *fd);
    if (status == 0)
        *fd = -1; /* the handle has it, for the life of the process */
    if (status == 0)
        status = uv_listen((uv_stream_t *)&listener->tcp, BACKLOG, on_connection);
out:
    if (status != 0)
        wsm_log_error("listener %.*s: %s", (int)m->listener.url.len,
                      (const char *)m->listener.url.ptr, uv_strerror(status));
    return status == 0; /* if not, the process ends */
}

static bool on_host(struct wsm_service *service, const union message *m, int *fd)
{
    if (*fd < 0)
        return false;
    wsm_shell_table_on_host(&service->shells, m->host.request, m->host.host_id, m->host.shell_id,
                            m->host.owner, *fd);
    *fd = -1;
    return true;
}

static bool on_host_failed(struct wsm_service *service, const union message *m, int *fd)
{
    struct wsm_error err = WSM_ERROR_INIT;

    (void)fd;
    wsm_fail(&err, m->host_failed.code == 0 ? ERROR_INTERNAL_ERROR : m->host_failed.code, "%.*s",
             (int)m->host_failed.text.len, (const char *)m->host_failed.text.ptr);
    wsm_shell_table_on_host_failed(&service->shells, m->host_failed.request, &err);
    wsm_error_clear(&err);
    return true;
}

static bool on_hosts_end(struct wsm_service *service, const union message *m, int *fd)
{
    struct wsm_control_ready ready = { 0 };

    (void)m;
    (void)fd;
    wsm_link_send(service->monitor, &wsm_control_ready_type, &ready);
    while (!wsm_list_is_empty(&service->waiting)) {
        struct wsm_exchange *exchange = WSM_CONTAINER_OF(service->waiting.next, struct wsm_exchange,
                                                         node);

        wsm_list_remove(&exchange->node);
        wsm_exchange_resume(exchange);
    }
    return true;
}

/* Row: state now; column: message of the monitor; cell: next, "-" ends the process.
 *           HELLO     SETTINGS  PEER     LISTENER  HOST     HOST_FAILED  HOSTS_END
 * NEW       GREETED   -         -        -         -        -            -
 * GREETED   -         LOADING   -        -         -        -            -
 * LOADING   -         -         LOADING  LOADING   LOADING  LOADING      SERVING
 * SERVING   -         -         SERVING  -         SERVING  SERVING      -
 * accepted: one bit a state; next: 0 = stays. */
#define IN(state) (1U << (state))
static const struct rule {
    const struct wsm_message_type *type;
    unsigned accepted;
    enum wsm_service_state next;
    bool (*on_message)(struct wsm_service *service, const union message *m, int *fd);
} rules[] = {
    { &wsm_control_hello_type, IN(WSM_SERVICE_NEW), WSM_SERVICE_GREETED, on_hello },
    { &wsm_control_settings_type, IN(WSM_SERVICE_GREETED), WSM_SERVICE_LOADING, on_settings },
    { &wsm_control_peer_type, IN(WSM_SERVICE_LOADING) | IN(WSM_SERVICE_SERVING),
      WSM_SERVICE_REFUSED, on_peer },
    { &wsm_control_listener_type, IN(WSM_SERVICE_LOADING), WSM_SERVICE_REFUSED, on_listener },
    { &wsm_control_host_type, IN(WSM_SERVICE_LOADING) | IN(WSM_SERVICE_SERVING),
      WSM_SERVICE_REFUSED, on_host },
    { &wsm_control_host_failed_type, IN(WSM_SERVICE_LOADING) | IN(WSM_SERVICE_SERVING),
      WSM_SERVICE_REFUSED, on_host_failed },
    { &wsm_control_hosts_end_type, IN(WSM_SERVICE_LOADING), WSM_SERVICE_SERVING, on_hosts_end },
};

/* The only writer of service->state. */
static bool step(struct wsm_service *service, const struct rule *rule)
{
    if ((rule->accepted & IN(service->state)) == 0)
        return false;
    if (rule->next != WSM_SERVICE_REFUSED)
        service->state = rule->next;
    return true;
}

static bool on_message(void *context, const struct wsm_frame *frame, int *fd)
{
    struct wsm_service *service = context;
    union message message;

    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (rules[i].type->type != frame->type)
            continue;
        return wsm_message_parse(rules[i].type, frame->payload, &message) &&
               step(service, &rules[i]) && rules[i].on_message(service, &message, fd);
    }
    return (frame->flags & WSM_FRAME_FLAG_IGNORABLE) != 0;
}

/* Without a monitor there is nothing to serve for: it starts another one of us. */
static void on_lost(void *context, const struct wsm_error *err)
{
    struct wsm_service *service = context;

    wsm_log_debug("monitor: %s", wsm_error_text(err));
    service->monitor = NULL;
    _exit(err->code == ERROR_BROKEN_PIPE ? 0 : 1);
}

int wsm_control_link_run(int monitor_fd, const struct wsm_service_handlers *handlers)
{
    static const struct wsm_link_events events = { on_message, on_lost };
    static const struct wsm_shell_table_events shell_events = { connect_host, resume, on_held,
                                                                on_quiet, on_command_end };
    static const struct wsm_sessions_events session_events = { session_holds, on_session_gone };
    static const struct wsm_control_hello hello = { WSM_CONTROL_VERSION };
    static struct wsm_service service; /* for the life of the process */
    struct wsm_error err = WSM_ERROR_INIT;
    uint8_t secret[WSM_AUTH_KEY_LEN];
    int status = uv_loop_init(&service.loop);

    if (status != 0) {
        wsm_log_error("loop: %s", uv_strerror(status));
        return 1;
    }
    service.handlers = handlers;
    wsm_settings_init(&service.settings);
    wsm_list_init(&service.waiting);
    service.state = WSM_SERVICE_NEW;
    wsm_service_random(secret, sizeof(secret));
    wsm_authenticator_init(&service.auth, &service.loop, secret, release, &service);
    explicit_bzero(secret, sizeof(secret));
    wsm_service_random(&service.parser.salt, sizeof(service.parser.salt));
    wsm_shell_table_init(&service.shells, &service.loop, &shell_events, &service);
    wsm_sessions_init(&service.sessions, &service.loop, &session_events, &service);
    wsm_contexts_init(&service.contexts, &service.loop);
    service.monitor = wsm_link_open(&service.loop, monitor_fd, &events, &service, &err);
    if (service.monitor == NULL) {
        wsm_log_error("monitor: %s", wsm_error_text(&err));
        wsm_error_clear(&err);
        return 1;
    }
    wsm_link_send(service.monitor, &wsm_control_hello_type, &hello);
    uv_run(&service.loop, UV_RUN_DEFAULT);
    return 0;
}
