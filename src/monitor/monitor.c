/* The monitor: opens what is listened on, starts net and auth and shell hosts, hands
 * descriptors over, decides who may have a shell. One thread. It parses nothing that came
 * from the network: of net it takes only frames with fixed fields, and checks those. */
#include "monitor/monitor.h"

#include "base/log.h"
#include "ipc/control_messages.h"
#include "monitor/environment.h"
#include "monitor/hosts.h"
#include "monitor/listeners.h"
#include "monitor/service.h"
#include "monitor/spawn.h"
#include "wsmerror.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

struct monitor {
    const struct wsm_options *options; /* borrowed */
    const struct wsm_config *config;   /* borrowed */
    struct wsm_loop loop;
    struct wsm_run_dir dir;
    struct wsm_listeners listeners;
    struct wsm_service net, auth;
    struct wsm_logons logons;
    struct wsm_hosts hosts;
    struct wsm_environment environment; /* of the shells' user */
    char *host_program;                 /* owned */
    char nofile[64];                    /* descriptor limits that commands get */
    struct wsm_watch signals;
    struct wsm_watch starter; /* --watch-fd */
    bool is_announced;        /* the listening lines are printed */
};

/* Net and auth: messages. */

static void send_settings(struct monitor *monitor, struct wsm_service *service)
{
    struct wsm_buf values = WSM_BUF_INIT;
    struct wsm_control_settings settings;

    wsm_config_write(monitor->config, &values);
    wsm_buf_printf(&values, "LogLevel=%s", wsm_log_level_name(monitor->options->log_level));
    wsm_buf_append_byte(&values, 0);
    settings.values = wsm_buf_span(&values);
    if (wsm_buf_ok(&values))
        wsm_service_send(service, &wsm_control_settings_type, &settings, -1);
    else
        wsm_log_error("settings for %s: out of memory", service->name);
    wsm_buf_clear(&values);
}

/* A new channel between the two, as soon as both run. */
static void join_peers(struct monitor *monitor)
{
    const struct wsm_control_peer peer = { 0 };
    struct wsm_error err = WSM_ERROR_INIT;
    int fds[2];

    if (!wsm_service_is_running(&monitor->net) || !wsm_service_is_running(&monitor->auth))
        return;
    if (!wsm_channel_pair(fds, &err)) {
        wsm_log_error("channel between net and auth: %s", wsm_error_text(&err));
        wsm_error_clear(&err);
        return;
    }
    wsm_service_send(&monitor->auth, &wsm_control_peer_type, &peer, fds[0]);
    wsm_service_send(&monitor->net, &wsm_control_peer_type, &peer, fds[1]);
    close(fds[0]);
    close(fds[1]);
}

/* id: of a known host; net learns it only if that host is gone. */
static void send_failed(struct monitor *monitor, uint64_t request, uint64_t id,
                        const struct wsm_error *err)
{
    bool is_gone = err->code == ERROR_WSMAN_UNEXPECTED_SELECTORS;
    struct wsm_control_host_failed failed = { .request = request,
                                              .host_id = is_gone ? id : 0,
                                              .code = err->code,
                                              .text = wsm_span_str(wsm_error_text(err)) };

    wsm_service_send(&monitor->net, &wsm_control_host_failed_type, &failed, -1);
}

static bool on_ready(struct monitor *monitor, const void *message)
{
    (void)message;
    if (monitor->is_announced)
        return true;
    for (size_t i = 0; i < monitor->listeners.count; i++)
        printf("listening on %s\n", monitor->listeners.listeners[i].url);
    fflush(stdout);
    monitor->is_announced = true;
    return true;
}

static bool on_served(struct monitor *monitor, const void *message)
{
    (void)message;
    wsm_service_on_served(&monitor->net);
    return true;
}

/* May a shell be started at all? The texts name the setting: the log of net shows them,
 * where a stock client sees only a code. */
static bool check_policy(const struct monitor *monitor, struct wsm_error *err)
{
    if (monitor->config->numbers[WSM_SETTING_ALLOW_REMOTE_SHELL_ACCESS] == 0)
        return wsm_fail(err, ERROR_WSMAN_REMOTESHELLS_NOT_ALLOWED,
                        "remote shells are not allowed: AllowRemoteShellAccess = false");
    if (geteuid() == 0 && !monitor->options->allow_root_shells)
        return wsm_fail(err, ERROR_ACCESS_DENIED,
                        "winrmd runs as root and was started without --allow-root-shells");
    return true;
}

static bool start_host(struct monitor *monitor, const struct wsm_control_start_host *start,
                       struct wsm_error *err)
{
    char shell_id[WSM_GUID_LEN + 1] = "";
    const char *owner;

    if (!check_policy(monitor, err))
        return false;
    if (!wsm_shell_id_is_valid(start->shell_id))
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "the shell id is not a GUID");
    memcpy(shell_id, start->shell_id.ptr, start->shell_id.len);
    /* Auth told us before it told net, but that may still lie in its channel. */
    wsm_service_drain(&monitor->auth);
    owner = wsm_logons_find(&monitor->logons, start->token);
    if (owner == NULL && monitor->logons.count == WSM_LOGONS_MAX)
        return wsm_fail(err, ERROR_WSMAN_QUOTA_SYSTEM, "%d log-ons are live, no more are taken",
                        WSM_LOGONS_MAX);
    if (owner == NULL)
        return wsm_fail(err, ERROR_ACCESS_DENIED, "the log-on is not known any more");
    return wsm_hosts_start(&monitor->hosts, start->request, shell_id, owner, err);
}

static bool on_start_host(struct monitor *monitor, const void *message)
{
    const struct wsm_control_start_host *start = message;
    uint64_t request = start->request;
    struct wsm_error err = WSM_ERROR_INIT;

    if (!start_host(monitor, start, &err)) {
        wsm_log_warning("no shell: %s", wsm_error_text(&err));
        send_failed(monitor, request, 0, &err);
    }
    wsm_error_clear(&err);
    return true;
}

static bool on_connect_host(struct monitor *monitor, const void *message)
{
    const struct wsm_control_connect_host *connect = message;
    uint64_t request = connect->request, id = connect->host_id;
    struct wsm_error err = WSM_ERROR_INIT;

    if (!wsm_hosts_connect(&monitor->hosts, request, id, &err))
        send_failed(monitor, request, id, &err);
    wsm_error_clear(&err);
    return true;
}

static bool on_release(struct monitor *monitor, const void *message)
{
    const struct wsm_control_release *release = message;

    /* Its REGISTER may not have been read yet; then it would live on after this. */
    wsm_service_drain(&monitor->auth);
    wsm_logons_remove(&monitor->logons, release->token);
    return true;
}

static bool on_register(struct monitor *monitor, const void *message)
{
    const struct wsm_control_register *log_on = message;
    struct wsm_error err = WSM_ERROR_INIT;

    wsm_service_on_served(&monitor->auth);
    if (!wsm_logons_add(&monitor->logons, log_on->token, log_on->user, &err))
        wsm_log_error("%s", wsm_error_text(&err));
    wsm_error_clear(&err);
    return true;
}

union message {
    struct wsm_control_ready ready;
    struct wsm_control_served served;
    struct wsm_control_start_host start_host;
    struct wsm_control_connect_host connect_host;
    struct wsm_control_release release;
    struct wsm_control_register log_on;
};

/* What net and auth may send once greeted, and who handles it. */
static const struct wsm_message_type *const from_net[] = {
    &wsm_control_ready_type, &wsm_control_served_type, &wsm_control_start_host_type,
    &wsm_control_connect_host_type, &wsm_control_release_type
};
static const struct wsm_message_type *const from_auth[] = { &wsm_control_register_type };

static const struct handler {
    const struct wsm_message_type *type;
    bool (*handle)(struct monitor *monitor, const void *message);
} handlers[] = {
    { &wsm_control_ready_type, on_ready },
    { &wsm_control_served_type, on_served },
    { &wsm_control_start_host_type, on_start_host },
    { &wsm_control_connect_host_type, on_connect_host },
    { &wsm_control_release_type, on_release },
    { &wsm_control_register_type, on_register },
};

static bool dispatch(struct monitor *monitor, const struct wsm_frame *frame,
                     const struct wsm_message_type *type)
{
    union message message;

    if (!wsm_message_parse(type, frame->payload, &message))
        return false;
    for (size_t i = 0; i < COUNT_OF(handlers); i++)
        if (handlers[i].type == type)
            return handlers[i].handle(monitor, &message);
    return false;
}

/* Net and auth: birth and death. */

static struct monitor *of_net(struct wsm_service *service)
{
    return WSM_CONTAINER_OF(service, struct monitor, net);
}

static struct monitor *of_auth(struct wsm_service *service)
{
    return WSM_CONTAINER_OF(service, struct monitor, auth);
}

static void on_net_started(struct wsm_service *service)
{
    struct monitor *monitor = of_net(service);

    send_settings(monitor, service);
    join_peers(monitor);
    for (size_t i = 0; i < monitor->listeners.count; i++) {
        const struct wsm_listener *listener = &monitor->listeners.listeners[i];
        struct wsm_control_listener message = { .url = wsm_span_str(listener->url) };

        wsm_service_send(service, &wsm_control_listener_type, &message, listener->fd);
    }
    wsm_hosts_start_scan(&monitor->hosts);
}

static bool on_net_message(struct wsm_service *service, const struct wsm_frame *frame,
                           const struct wsm_message_type *type)
{
    return dispatch(of_net(service), frame, type);
}

static void on_net_flushed(struct wsm_service *service)
{
    wsm_hosts_resume_scan(&of_net(service)->hosts);
}

static void on_net_lost(struct wsm_service *service)
{
    struct monitor *monitor = of_net(service);

    wsm_logons_clear(&monitor->logons);
    wsm_hosts_cancel(&monitor->hosts);
}

static void on_auth_started(struct wsm_service *service)
{
    struct monitor *monitor = of_auth(service);

    send_settings(monitor, service);
    join_peers(monitor);
}

static bool on_auth_message(struct wsm_service *service, const struct wsm_frame *frame,
                            const struct wsm_message_type *type)
{
    return dispatch(of_auth(service), frame, type);
}

static void on_auth_flushed(struct wsm_service *service)
{
    (void)service;
}

static void on_auth_lost(struct wsm_service *service)
{
    wsm_logons_clear(&of_auth(service)->logons);
}

static void on_stopped(struct monitor *monitor)
{
    if (monitor->net.state == WSM_SERVICE_STOPPED && monitor->auth.state == WSM_SERVICE_STOPPED)
        wsm_loop_stop(&monitor->loop);
}

static void on_net_stopped(struct wsm_service *service)
{
    on_stopped(of_net(service));
}

static void on_auth_stopped(struct wsm_service *service)
{
    on_stopped(of_auth(service));
}

static const struct wsm_service_events net_events = {
    .on_started = on_net_started,
    .on_message = on_net_message,
    .on_flushed = on_net_flushed,
    .on_lost = on_net_lost,
    .on_stopped = on_net_stopped,
};

static const struct wsm_service_events auth_events = {
    .on_started = on_auth_started,
    .on_message = on_auth_message,
    .on_flushed = on_auth_flushed,
    .on_lost = on_auth_lost,
    .on_stopped = on_auth_stopped,
};

/* Hosts. */

static void on_host_connected(struct wsm_hosts *hosts, uint64_t request, uint64_t id,
                              const struct wsm_host_record *record, int fd)
{
    struct monitor *monitor = WSM_CONTAINER_OF(hosts, struct monitor, hosts);
    struct wsm_control_host host = { .request = request,
                                     .host_id = id,
                                     .shell_id = wsm_span_str(record->shell_id),
                                     .owner = wsm_span_str(record->owner) };

    wsm_log_debug("shell host %016" PRIx64 " of %s: process %d is connected", id, record->owner,
                  record->pid);
    wsm_service_send(&monitor->net, &wsm_control_host_type, &host, fd);
}

static void on_host_failed(struct wsm_hosts *hosts, uint64_t request, uint64_t id,
                           const struct wsm_error *err)
{
    struct monitor *monitor = WSM_CONTAINER_OF(hosts, struct monitor, hosts);

    wsm_log_warning("%s", wsm_error_text(err));
    send_failed(monitor, request, id, err);
}

/* Only while net has taken all before: descriptors in flight are counted by the kernel. */
static bool can_take_host(struct wsm_hosts *hosts)
{
    struct monitor *monitor = WSM_CONTAINER_OF(hosts, struct monitor, hosts);

    return wsm_service_is_running(&monitor->net) && !wsm_channel_wants_write(&monitor->net.channel);
}

static void on_scan_end(struct wsm_hosts *hosts)
{
    struct monitor *monitor = WSM_CONTAINER_OF(hosts, struct monitor, hosts);
    const struct wsm_control_hosts_end end = { 0 };

    wsm_service_send(&monitor->net, &wsm_control_hosts_end_type, &end, -1);
}

static const struct wsm_hosts_events host_events = {
    .on_connected = on_host_connected,
    .on_failed = on_host_failed,
    .can_take = can_take_host,
    .on_scan_end = on_scan_end,
};

/* The process itself. */

static void stop(struct monitor *monitor)
{
    wsm_service_stop(&monitor->net);
    wsm_service_stop(&monitor->auth);
}

/* The one place that reaps. */
static void reap(struct monitor *monitor)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == monitor->net.pid)
            wsm_service_on_exit(&monitor->net, status);
        else if (pid == monitor->auth.pid)
            wsm_service_on_exit(&monitor->auth, status);
        else if (!wsm_hosts_on_exit(&monitor->hosts, pid, status))
            wsm_log_debug("process %d has ended, not started here", pid);
    }
}

static void on_signal(struct wsm_watch *watch, uint32_t events)
{
    struct monitor *monitor = WSM_CONTAINER_OF(watch, struct monitor, signals);
    struct signalfd_siginfo info;

    (void)events;
    while (read(watch->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGCHLD) {
            reap(monitor);
        } else {
            wsm_log_info("signal %u: ending; shells live on", info.ssi_signo);
            stop(monitor);
        }
    }
}

static void on_starter(struct wsm_watch *watch, uint32_t events)
{
    struct monitor *monitor = WSM_CONTAINER_OF(watch, struct monitor, starter);
    char bytes[64];
    ssize_t count = read(watch->fd, bytes, sizeof(bytes));

    (void)events;
    if (count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR)))
        return; /* what the starter writes means nothing */
    wsm_watch_stop(&monitor->loop, watch);
    wsm_log_info("the starter is gone: ending");
    stop(monitor);
}

static bool watch_signals(struct monitor *monitor, struct wsm_error *err)
{
    sigset_t set;
    int fd;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN); /* standard output or error may be a closed pipe */
    fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return wsm_fail(err, ERROR_INTERNAL_ERROR, "signalfd: %s", strerror(errno));
    if (!wsm_watch_start(&monitor->loop, &monitor->signals, fd, EPOLLIN, on_signal, err)) {
        close(fd);
        return false;
    }
    return true;
}

static bool watch_starter(struct monitor *monitor, struct wsm_error *err)
{
    int fd = monitor->options->watch_fd;

    if (fd < 0)
        return true;
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "--watch-fd %d: %s", fd, strerror(errno));
    return wsm_watch_start(&monitor->loop, &monitor->starter, fd, EPOLLIN, on_starter, err);
}

/* Many connections and hosts need many descriptors; commands get the limits of before. */
static void raise_limit(struct monitor *monitor)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    snprintf(monitor->nofile, sizeof(monitor->nofile), "%ju:%ju", (uintmax_t)limit.rlim_cur,
             (uintmax_t)limit.rlim_max);
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        wsm_log_warning("the descriptor limit stays: %s", strerror(errno));
}

/* Says at the start what would otherwise be learned from a client's vague message. */
static void warn(const struct monitor *monitor)
{
    const struct wsm_config *config = monitor->config;
    bool is_plain = config->numbers[WSM_SETTING_ALLOW_UNENCRYPTED] != 0;
    bool has_basic = config->numbers[WSM_SETTING_BASIC] != 0;

    if (!is_plain || !has_basic)
        wsm_log_warning("nobody can log on: over HTTP that needs AllowUnencrypted = true and "
                        "Basic = true (now %s, %s)",
                        is_plain ? "true" : "false", has_basic ? "true" : "false");
    for (size_t i = 0; i < config->listen_count; i++)
        if (is_plain && !wsm_listen_address_is_loopback(&config->listen[i]))
            wsm_log_warning("%s: AllowUnencrypted = true, so passwords and all data can be read "
                            "on the network",
                            monitor->listeners.listeners[i].url);
    if (config->numbers[WSM_SETTING_ALLOW_REMOTE_SHELL_ACCESS] == 0)
        wsm_log_warning("no shells: AllowRemoteShellAccess = false");
    if (geteuid() == 0 && !monitor->options->allow_root_shells)
        wsm_log_warning("no shells: running as root without --allow-root-shells");
}

static bool open_all(struct monitor *monitor, struct wsm_error *err)
{
    const char *path = monitor->config->paths[WSM_SETTING_RUN_DIRECTORY];
    struct wsm_hosts_options hosts = { .nofile = monitor->nofile,
                                       .watch_fd = monitor->options->watch_fd,
                                       .uid = geteuid() };

    raise_limit(monitor);
    if (!wsm_loop_init(&monitor->loop, err) || !watch_starter(monitor, err) ||
        !wsm_program_find("winrmd-shell", &monitor->host_program, err) ||
        !wsm_environment_init(&monitor->environment, geteuid(), err) ||
        !wsm_service_init(&monitor->net, "winrmd-net", &monitor->loop, &net_events, from_net,
                          COUNT_OF(from_net), err) ||
        !wsm_service_init(&monitor->auth, "winrmd-auth", &monitor->loop, &auth_events, from_auth,
                          COUNT_OF(from_auth), err) ||
        !wsm_run_dir_open(&monitor->dir, path, err) ||
        !wsm_run_dir_lock(&monitor->dir, path, WSM_MONITOR_WAIT_MS, err) ||
        !wsm_run_dir_enter(&monitor->dir, err) ||
        !wsm_listeners_open(&monitor->listeners, monitor->config, &monitor->dir,
                            WSM_MONITOR_WAIT_MS, err) ||
        !watch_signals(monitor, err))
        return false;
    hosts.program = monitor->host_program;
    hosts.environment = monitor->environment.strings;
    wsm_hosts_init(&monitor->hosts, &monitor->loop, &monitor->dir, &host_events, &hosts);
    return true;
}

static void close_all(struct monitor *monitor)
{
    wsm_hosts_clear(&monitor->hosts);
    wsm_service_clear(&monitor->net);
    wsm_service_clear(&monitor->auth);
    wsm_logons_clear(&monitor->logons);
    wsm_listeners_close(&monitor->listeners);
    wsm_run_dir_close(&monitor->dir);
    if (monitor->signals.fd >= 0)
        close(monitor->signals.fd);
    wsm_loop_clear(&monitor->loop);
    wsm_environment_clear(&monitor->environment);
    free(monitor->host_program);
}

bool wsm_monitor_run(const struct wsm_options *options, const struct wsm_config *config,
                     struct wsm_error *err)
{
    struct monitor monitor = { .options = options,
                               .config = config,
                               .loop.epoll_fd = -1,
                               .dir = { .fd = -1, .lock_fd = -1 },
                               .signals.fd = -1,
                               .starter.fd = -1 };
    bool ok = false;

    if (!open_all(&monitor, err))
        goto out;
    warn(&monitor);
    /* Auth first, so that net finds its channel to it among the first messages. */
    if (!wsm_service_start(&monitor.auth, err) || !wsm_service_start(&monitor.net, err))
        goto out;
    ok = wsm_loop_run(&monitor.loop, err);
out:
    close_all(&monitor);
    return ok;
}
