/* The shell host: its loop, its clocks, its end. The only thread of winrmd-shell. Speaks no
 * message itself but the last ones; dispatch.c does. */
#include "host/host_run.h"

#include "base/log.h"
#include "host/command.h"
#include "host/host.h"
#include "host/process.h"
#include "wsmerror.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    EVENTS_MAX = 64,
    REST_MS = 1000,
    KILL_MS = 20,          /* between two rounds of killing */
    ENDING_MS = 5 * 1000,  /* for all to be dead */
    LEAVING_MS = 1 * 1000, /* for the last words to be taken */
};

static bool open_signals(struct wsm_host *host, struct wsm_error *err)
{
    sigset_t set;
    int fd;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_SETMASK, &set, NULL);
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return wsm_fail(err, ERROR_OUTOFMEMORY, "signalfd: %s", strerror(errno));
    if (!wsm_source_open(&host->signals, host->epoll_fd, fd, EPOLLIN, err)) {
        close(fd);
        return false;
    }
    return true;
}

bool wsm_host_init(struct wsm_host *host, int listener_fd, int starter_fd,
                   const struct wsm_spawn_limits *limits, struct wsm_error *err)
{
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);

    if (epoll_fd < 0)
        return wsm_fail(err, ERROR_OUTOFMEMORY, "epoll: %s", strerror(errno));
    *host = (struct wsm_host){
        .state = WSM_HOST_STATE_NEW,
        .epoll_fd = epoll_fd,
        .now_ms = wsm_clock_ms(),
        .listener = { .fd = -1, .kind = WSM_SOURCE_LISTENER },
        .signals = { .fd = -1, .kind = WSM_SOURCE_SIGNALS },
        .starter = { .fd = -1, .kind = WSM_SOURCE_STARTER },
        .limits = *limits,
        .rest_ms = WSM_NEVER_MS,
        .kill_ms = WSM_NEVER_MS,
        .ending_ms = WSM_NEVER_MS,
    };
    host->told_ms = wsm_deadline_ms(host->now_ms, WSM_HOST_TOLD_MS);
    wsm_list_init(&host->commands);
    wsm_list_init(&host->forgotten);
    wsm_chunk_pool_init(&host->chunks);
    wsm_link_init(&host->link, epoll_fd);
    if (open_signals(host, err) &&
        wsm_source_open(&host->listener, epoll_fd, listener_fd, EPOLLIN, err) &&
        (starter_fd < 0 || wsm_source_open(&host->starter, epoll_fd, starter_fd, EPOLLIN, err)))
        return true;
    host->listener.fd = -1; /* the caller's still */
    wsm_host_clear(host);
    return false;
}

static void free_forgotten(struct wsm_host *host)
{
    while (!wsm_list_is_empty(&host->forgotten))
        wsm_command_free(WSM_CONTAINER_OF(host->forgotten.next, struct wsm_command, node));
}

void wsm_host_clear(struct wsm_host *host)
{
    while (!wsm_list_is_empty(&host->commands))
        wsm_command_free(WSM_CONTAINER_OF(host->commands.next, struct wsm_command, node));
    free_forgotten(host);
    wsm_terminated_clear(&host->terminated);
    wsm_chunk_pool_clear(&host->chunks);
    wsm_link_close(&host->link);
    wsm_source_close(&host->listener);
    wsm_source_close(&host->signals);
    wsm_source_close(&host->starter);
    wsm_shell_clear(&host->shell);
    close(host->epoll_fd);
}

bool wsm_host_open(struct wsm_host *host, const struct wsm_host_open *message,
                   struct wsm_error *err)
{
    if (!wsm_shell_open(&host->shell, message, host->now_ms, err))
        return false;
    if (!wsm_connection_open(&host->connection, message, err)) {
        wsm_shell_clear(&host->shell);
        return false;
    }
    host->idle.timeout_ms = message->idle_timeout_ms;
    wsm_idle_touch(&host->idle, host->now_ms);
    return wsm_host_step(host, WSM_HOST_EVENT_OPENED);
}

void wsm_host_let_go(struct wsm_host *host, int64_t idle_timeout_ms)
{
    const struct wsm_list *node;

    WSM_LIST_FOREACH (node, &host->commands) {
        struct wsm_command *command = WSM_CONTAINER_OF(node, struct wsm_command, node);

        wsm_command_let_go(command);
        wsm_command_go_on(command);
    }
    if (idle_timeout_ms >= 0)
        host->idle.timeout_ms = idle_timeout_ms;
    wsm_idle_touch(&host->idle, host->now_ms);
}

static void abandon_commands(struct wsm_host *host)
{
    struct wsm_list *node;
    struct wsm_list *tmp;

    WSM_LIST_FOREACH_SAFE (node, tmp, &host->commands) {
        struct wsm_command *command = WSM_CONTAINER_OF(node, struct wsm_command, node);

        if (command->state == WSM_COMMAND_RUNNING)
            kill(-command->pid, SIGKILL);
        wsm_command_abandon(command);
    }
}

void wsm_host_end(struct wsm_host *host, uint64_t delete_request, uint32_t code, const char *text)
{
    const struct wsm_host_gone gone = { .code = code, .text = wsm_span_str(text) };

    if (!wsm_host_step(host, WSM_HOST_EVENT_END))
        return;
    host->delete_request = delete_request;
    host->kill_ms = host->now_ms;
    host->ending_ms = wsm_deadline_ms(host->now_ms, ENDING_MS);
    abandon_commands(host);
    if (delete_request != 0)
        return;
    wsm_log_info("the shell ends: %s", text);
    wsm_link_send(&host->link, &wsm_host_gone_type, &gone);
}

/* Nothing is left that could be killed. */
static void leave(struct wsm_host *host)
{
    if (!wsm_host_step(host, WSM_HOST_EVENT_EMPTY))
        return;
    host->ending_ms = wsm_deadline_ms(host->now_ms, LEAVING_MS);
    if (host->delete_request != 0)
        wsm_link_done(&host->link, host->delete_request);
}

static void log_survivors(const struct wsm_process_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        wsm_log_warning("process %d (%s) survives the shell", (int)list->items[i].pid,
                        list->items[i].name);
}

static bool all_refused(const struct wsm_process_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (!list->items[i].is_refused)
            return false;
    }
    return list->count > 0;
}

/* One round of killing all that is under the host. */
static void kill_all(struct wsm_host *host)
{
    struct wsm_process_list found = { .items = NULL };
    struct wsm_error err = WSM_ERROR_INIT;

    host->kill_ms = wsm_deadline_ms(host->now_ms, KILL_MS);
    if (!wsm_process_signal_all(WSM_PROCESS_DESCENDANTS, getpid(), SIGKILL, &found, &err)) {
        wsm_log_error("ending the shell: %s", wsm_error_text(&err));
        wsm_error_clear(&err);
    }
    if (all_refused(&found) || (found.count > 0 && host->now_ms >= host->ending_ms)) {
        log_survivors(&found);
        leave(host);
    }
    wsm_process_list_clear(&found);
}

static void on_child(struct wsm_host *host, pid_t pid, uint32_t exit_code)
{
    const struct wsm_list *node;

    WSM_LIST_FOREACH (node, &host->commands) {
        struct wsm_command *command = WSM_CONTAINER_OF(node, struct wsm_command, node);

        if (command->state == WSM_COMMAND_RUNNING && command->pid == pid) {
            wsm_command_on_exit(command, exit_code);
            return;
        }
    }
}

/* The one place that reaps: commands, and whatever lost its parent under them. */
static void reap(struct wsm_host *host)
{
    siginfo_t info;

    for (;;) {
        info.si_pid = 0;
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | __WALL) < 0) {
            if (errno == EINTR)
                continue;
            leave(host); /* ECHILD; refused unless the host is ending */
            return;
        }
        if (info.si_pid == 0)
            return;
        on_child(host, info.si_pid,
                 (uint32_t)(info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status));
    }
}

static void on_signals(struct wsm_host *host)
{
    struct signalfd_siginfo info;
    bool is_asked_to_end = false;

    while (read(host->signals.fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        is_asked_to_end = is_asked_to_end || info.ssi_signo != SIGCHLD;
    reap(host);
    if (is_asked_to_end)
        wsm_host_end(host, 0, ERROR_OPERATION_ABORTED, "ended by a signal");
}

static void on_starter(struct wsm_host *host)
{
    char byte;
    ssize_t count = read(host->starter.fd, &byte, 1);

    if (count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR)))
        return;
    wsm_source_close(&host->starter);
    wsm_host_end(host, 0, ERROR_OPERATION_ABORTED, "its starter has gone");
}

/* The link has gone: nobody waits for an answer any more. */
static void drop_link(struct wsm_host *host)
{
    const struct wsm_list *node;

    if (host->link.state == WSM_LINK_ABSENT)
        return;
    WSM_LIST_FOREACH (node, &host->commands)
        wsm_command_on_link_lost(WSM_CONTAINER_OF(node, struct wsm_command, node));
    host->delete_request = 0;
    wsm_link_close(&host->link);
}

static void on_connection(struct wsm_host *host)
{
    int fd;

    if (!wsm_link_accept(host->listener.fd, &fd))
        return;
    drop_link(host); /* the newest wins */
    wsm_link_open(&host->link, fd);
}

/* Output that waited for the link. */
static void on_link_room(struct wsm_host *host)
{
    const struct wsm_list *node;

    wsm_link_flush(&host->link);
    if (wsm_link_is_congested(&host->link))
        return;
    WSM_LIST_FOREACH (node, &host->commands)
        wsm_command_fetch_try(WSM_CONTAINER_OF(node, struct wsm_command, node));
}

static void on_event(struct wsm_host *host, struct wsm_source *source, uint32_t events,
                     void (*dispatch)(struct wsm_host *host))
{
    if (source->fd < 0)
        return; /* closed earlier in this turn */
    switch (source->kind) {
    case WSM_SOURCE_LISTENER:
        on_connection(host);
        break;
    case WSM_SOURCE_LINK:
        if ((events & EPOLLOUT) != 0)
            on_link_room(host);
        if ((events & ~(uint32_t)EPOLLOUT) != 0)
            dispatch(host);
        break;
    case WSM_SOURCE_SIGNALS:
        on_signals(host);
        break;
    case WSM_SOURCE_STARTER:
        on_starter(host);
        break;
    case WSM_SOURCE_STDIN:
        wsm_command_on_input_room(source->owner);
        break;
    case WSM_SOURCE_STDOUT:
        wsm_command_on_output(source->owner, WSM_HOST_STDOUT);
        break;
    case WSM_SOURCE_STDERR:
        wsm_command_on_output(source->owner, WSM_HOST_STDERR);
        break;
    }
}

/* Is there something that rest() could give back or try again? */
static bool has_to_rest(const struct wsm_host *host)
{
    const struct wsm_list *node;

    if (host->grown_pipes > 0 || host->chunks.count > 0)
        return true;
    WSM_LIST_FOREACH (node, &host->commands) {
        const struct wsm_command *command = WSM_CONTAINER_OF(node, const struct wsm_command, node);

        for (size_t i = 0; i < WSM_HOST_STREAMS; i++) {
            if (wsm_command_may_go_on(command, (enum wsm_host_stream)i))
                return true;
        }
    }
    return false;
}

static void rest(struct wsm_host *host)
{
    const struct wsm_list *node;

    host->rest_ms = WSM_NEVER_MS;
    wsm_chunk_pool_clear(&host->chunks);
    WSM_LIST_FOREACH (node, &host->commands)
        wsm_command_rest(WSM_CONTAINER_OF(node, struct wsm_command, node));
}

static void on_time(struct wsm_host *host)
{
    const struct wsm_list *node;

    if (host->state == WSM_HOST_STATE_NEW && host->now_ms >= host->told_ms)
        wsm_host_end(host, 0, ERROR_WSMAN_UNEXPECTED_SELECTORS, "it was never opened");
    if (host->state == WSM_HOST_STATE_OPEN && host->now_ms >= wsm_idle_deadline(&host->idle))
        wsm_host_end(host, 0, ERROR_WSMAN_UNEXPECTED_SELECTORS, "idle for too long");
    if (host->now_ms >= host->rest_ms)
        rest(host);
    WSM_LIST_FOREACH (node, &host->commands) {
        struct wsm_command *command = WSM_CONTAINER_OF(node, struct wsm_command, node);

        if (host->now_ms >= wsm_command_deadline(command))
            wsm_command_on_time(command);
    }
    if (host->state == WSM_HOST_STATE_ENDING && host->now_ms >= host->kill_ms) {
        reap(host);
        if (host->state == WSM_HOST_STATE_ENDING)
            kill_all(host);
    }
    if (host->state == WSM_HOST_STATE_LEAVING &&
        (!wsm_link_is_up(&host->link) || !wsm_channel_wants_write(&host->link.channel) ||
         host->now_ms >= host->ending_ms))
        wsm_host_step(host, WSM_HOST_EVENT_FLUSHED);
}

/* When on_time() has something to do. */
static int64_t next_deadline(struct wsm_host *host)
{
    const struct wsm_list *node;
    int64_t deadline = WSM_NEVER_MS;

    if (host->state == WSM_HOST_STATE_ENDING)
        return host->kill_ms;
    if (host->state == WSM_HOST_STATE_LEAVING)
        return host->ending_ms;
    if (host->state == WSM_HOST_STATE_NEW)
        return host->told_ms;
    WSM_LIST_FOREACH (node, &host->commands)
        deadline = wsm_earlier_ms(
            deadline, wsm_command_deadline(WSM_CONTAINER_OF(node, struct wsm_command, node)));
    if (host->rest_ms == WSM_NEVER_MS && has_to_rest(host))
        host->rest_ms = wsm_deadline_ms(host->now_ms, REST_MS);
    deadline = wsm_earlier_ms(deadline, host->rest_ms);
    return wsm_earlier_ms(deadline, wsm_idle_deadline(&host->idle));
}

static int epoll_timeout(int64_t now_ms, int64_t deadline_ms)
{
    if (deadline_ms == WSM_NEVER_MS)
        return -1;
    if (deadline_ms <= now_ms)
        return 0;
    return deadline_ms - now_ms > INT32_MAX ? INT32_MAX : (int)(deadline_ms - now_ms);
}

bool wsm_host_run(struct wsm_host *host, void (*dispatch)(struct wsm_host *host),
                  struct wsm_error *err)
{
    struct epoll_event events[EVENTS_MAX];

    while (host->state != WSM_HOST_STATE_GONE) {
        int64_t deadline_ms = next_deadline(host);
        int count = epoll_wait(host->epoll_fd, events, EVENTS_MAX,
                               epoll_timeout(wsm_clock_ms(), deadline_ms));

        if (count < 0 && errno != EINTR)
            return wsm_fail(err, ERROR_INTERNAL_ERROR, "epoll_wait: %s", strerror(errno));
        host->now_ms = wsm_clock_ms();
        for (int i = 0; i < count; i++)
            on_event(host, events[i].data.ptr, events[i].events, dispatch);
        on_time(host);
        if (host->link.state == WSM_LINK_BROKEN)
            drop_link(host);
        free_forgotten(host);
    }
    return true;
}
