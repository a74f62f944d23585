/* A child of the monitor that serves for as long as it does. The monitor's only thread.
 * Knows no message but HELLO; reaps nothing (monitor.c does, and tells). */
#include "monitor/service.h"

#include "base/log.h"
#include "ipc/control_messages.h"
#include "monitor/spawn.h"
#include "wsmerror.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MESSAGES_PER_TURN = 64 }; /* so that a busy child does not keep the loop */

extern char **environ;

/*            START     HELLO  BREAK     EXIT      STOP
 * DOWN       GREETING  -      -         -         STOPPED
 * GREETING   -         UP     CLOSING   DOWN      STOPPING
 * UP         -         -      CLOSING   DOWN      STOPPING
 * CLOSING    -         -      -         DOWN      STOPPING
 * STOPPING   -         -      -         STOPPED   STOPPING
 * STOPPED    -         -      -         -         STOPPED
 * "-" is refused: a bug of ours. */
static const enum wsm_service_state next_state[WSM_SERVICE_STATES][WSM_SERVICE_EVENTS] = {
    [WSM_SERVICE_DOWN] = { [WSM_SERVICE_ON_START] = WSM_SERVICE_GREETING,
                           [WSM_SERVICE_ON_STOP] = WSM_SERVICE_STOPPED },
    [WSM_SERVICE_GREETING] = { [WSM_SERVICE_ON_HELLO] = WSM_SERVICE_UP,
                               [WSM_SERVICE_ON_BREAK] = WSM_SERVICE_CLOSING,
                               [WSM_SERVICE_ON_EXIT] = WSM_SERVICE_DOWN,
                               [WSM_SERVICE_ON_STOP] = WSM_SERVICE_STOPPING },
    [WSM_SERVICE_UP] = { [WSM_SERVICE_ON_BREAK] = WSM_SERVICE_CLOSING,
                         [WSM_SERVICE_ON_EXIT] = WSM_SERVICE_DOWN,
                         [WSM_SERVICE_ON_STOP] = WSM_SERVICE_STOPPING },
    [WSM_SERVICE_CLOSING] = { [WSM_SERVICE_ON_EXIT] = WSM_SERVICE_DOWN,
                              [WSM_SERVICE_ON_STOP] = WSM_SERVICE_STOPPING },
    [WSM_SERVICE_STOPPING] = { [WSM_SERVICE_ON_EXIT] = WSM_SERVICE_STOPPED,
                               [WSM_SERVICE_ON_STOP] = WSM_SERVICE_STOPPING },
    [WSM_SERVICE_STOPPED] = { [WSM_SERVICE_ON_STOP] = WSM_SERVICE_STOPPED },
};

static const char *const state_names[WSM_SERVICE_STATES] = {
    "refused", "down", "greeting", "up", "closing", "stopping", "stopped",
};

static const struct wsm_message_type *const before_hello[] = { &wsm_control_hello_type };

enum wsm_service_state wsm_service_next_state(enum wsm_service_state state,
                                              enum wsm_service_event event)
{
    return next_state[state][event];
}

static void close_channel(struct wsm_service *service)
{
    if (!wsm_channel_is_open(&service->channel))
        return;
    wsm_watch_stop(service->loop, &service->watch);
    wsm_channel_close(&service->channel);
    service->events->on_lost(service);
}

/* Acts on the state that was entered; changes none. */
static void entered(struct wsm_service *service)
{
    switch (service->state) {
    case WSM_SERVICE_CLOSING:
    case WSM_SERVICE_STOPPING:
        close_channel(service);
        wsm_timer_start(service->loop, &service->timer, WSM_SERVICE_END_MS);
        break;
    case WSM_SERVICE_DOWN:
        close_channel(service);
        wsm_timer_start(service->loop, &service->timer, wsm_backoff_on_death(&service->backoff));
        break;
    case WSM_SERVICE_STOPPED:
        wsm_timer_stop(&service->timer);
        service->events->on_stopped(service);
        break;
    case WSM_SERVICE_GREETING:
    case WSM_SERVICE_UP:
    case WSM_SERVICE_REFUSED:
    case WSM_SERVICE_STATES:
        break;
    }
}

/* The only writer of service->state. */
static void step(struct wsm_service *service, enum wsm_service_event event)
{
    enum wsm_service_state before = service->state;

    assert(next_state[before][event] != WSM_SERVICE_REFUSED);
    service->state = next_state[before][event];
    if (service->state == before)
        return;
    wsm_log_debug("%s: %s -> %s", service->name, state_names[before], state_names[service->state]);
    entered(service);
}

static void update_watch(struct wsm_service *service)
{
    if (wsm_channel_is_open(&service->channel))
        wsm_watch_change(service->loop, &service->watch,
                         wsm_channel_wants_write(&service->channel) ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/* A broken channel: says why, once, and leaves the process to end by itself. */
static void on_break(struct wsm_service *service, struct wsm_error *err)
{
    if (err->code != 0)
        wsm_log_error("%s: %s", service->name, wsm_error_text(err));
    wsm_error_clear(err);
    if (wsm_service_is_running(service))
        step(service, WSM_SERVICE_ON_BREAK);
}

void wsm_service_send(struct wsm_service *service, const struct wsm_message_type *type,
                      const void *message, int pass_fd)
{
    struct wsm_error err = WSM_ERROR_INIT;

    if (!wsm_service_is_running(service))
        return;
    if (wsm_channel_send(&service->channel, type, message, pass_fd, &err)) {
        update_watch(service);
        return;
    }
    /* That the child has died is no error of its own: the log says so at the restart. */
    wsm_log_debug("%s: %s", service->name, wsm_error_text(&err));
    wsm_error_clear(&err);
    on_break(service, &err);
}

static bool on_hello(struct wsm_service *service, const struct wsm_frame *frame,
                     struct wsm_error *err)
{
    struct wsm_control_hello hello;

    if (!wsm_message_parse(&wsm_control_hello_type, frame->payload, &hello))
        return wsm_fail(err, ERROR_INTERNAL_ERROR, "malformed HELLO");
    if (hello.version != WSM_CONTROL_VERSION)
        return wsm_fail(err, ERROR_INTERNAL_ERROR, "%s is of another release", service->path);
    step(service, WSM_SERVICE_ON_HELLO);
    return true;
}

static bool handle(struct wsm_service *service, const struct wsm_frame *frame,
                   struct wsm_error *err)
{
    bool is_up = service->state == WSM_SERVICE_UP;
    const struct wsm_message_type *type = wsm_message_type_find(
        is_up ? service->accepted : before_hello, is_up ? service->accepted_count : 1, frame->type);

    if (type == NULL)
        return (frame->flags & WSM_FRAME_FLAG_IGNORABLE) != 0 ||
               wsm_fail(err, ERROR_INTERNAL_ERROR, "message %u is not accepted while %s",
                        frame->type, state_names[service->state]);
    if (!is_up)
        return on_hello(service, frame, err);
    return service->events->on_message(service, frame, type) ||
           wsm_fail(err, ERROR_INTERNAL_ERROR, "malformed %s", type->name);
}

/* At most `most` messages. False when the channel is done. */
static bool read_messages(struct wsm_service *service, size_t most, struct wsm_error *err)
{
    for (size_t i = 0; i < most; i++) {
        struct wsm_frame frame;
        int fd = -1;

        switch (wsm_channel_receive(&service->channel, &frame, &fd, err)) {
        case WSM_CHANNEL_MESSAGE:
            if (fd >= 0)
                close(fd); /* nobody has a descriptor to hand to the monitor */
            if (!handle(service, &frame, err))
                return false;
            if (!wsm_service_is_running(service))
                return true; /* an answer could not be sent: closed already */
            break;
        case WSM_CHANNEL_AGAIN:
            return true;
        case WSM_CHANNEL_EOF:
        case WSM_CHANNEL_BAD:
            return false;
        }
    }
    return true;
}

void wsm_service_drain(struct wsm_service *service)
{
    struct wsm_error err = WSM_ERROR_INIT;

    if (wsm_service_is_running(service) && !read_messages(service, SIZE_MAX, &err))
        on_break(service, &err);
}

static void on_ready(struct wsm_watch *watch, uint32_t events)
{
    struct wsm_service *service = WSM_CONTAINER_OF(watch, struct wsm_service, watch);
    struct wsm_error err = WSM_ERROR_INIT;

    if ((events & EPOLLOUT) != 0) {
        if (!wsm_channel_flush(&service->channel, &err)) {
            on_break(service, &err);
            return;
        }
        update_watch(service);
        if (!wsm_channel_wants_write(&service->channel))
            service->events->on_flushed(service);
    }
    if (wsm_service_is_running(service) && (events & ~(uint32_t)EPOLLOUT) != 0 &&
        !read_messages(service, MESSAGES_PER_TURN, &err))
        on_break(service, &err);
}

static bool spawn_child(struct wsm_service *service, int fd, struct wsm_error *err)
{
    char *argv[] = { service->path, NULL };
    struct wsm_spawn spawn = { .path = service->path,
                               .argv = argv,
                               .environment = environ,
                               .fds = &fd,
                               .fd_count = 1,
                               .group = WSM_SPAWN_OWN_GROUP };

    return wsm_spawn_run(&spawn, &service->pid, err);
}

bool wsm_service_start(struct wsm_service *service, struct wsm_error *err)
{
    struct wsm_control_hello hello = { .version = WSM_CONTROL_VERSION };
    int fds[2];

    if (!wsm_channel_pair(fds, err))
        return false;
    if (!wsm_channel_open(&service->channel, fds[0], err)) {
        close(fds[0]);
        goto fail;
    }
    if (!wsm_watch_start(service->loop, &service->watch, fds[0], EPOLLIN, on_ready, err) ||
        !spawn_child(service, fds[1], err)) {
        wsm_watch_stop(service->loop, &service->watch);
        wsm_channel_close(&service->channel);
        goto fail;
    }
    close(fds[1]);
    step(service, WSM_SERVICE_ON_START);
    wsm_service_send(service, &wsm_control_hello_type, &hello, -1);
    service->events->on_started(service);
    return true;
fail:
    close(fds[1]);
    return false;
}

static void describe_end(int status, char *out, size_t size)
{
    if (WIFSIGNALED(status))
        snprintf(out, size, "was killed by signal %d", WTERMSIG(status));
    else
        snprintf(out, size, "ended with status %d", WEXITSTATUS(status));
}

static void restart(struct wsm_service *service)
{
    struct wsm_error err = WSM_ERROR_INIT;
    char end[64];

    describe_end(service->last_status, end, sizeof(end));
    if (wsm_service_start(service, &err)) {
        wsm_log_warning("child restarted: %s, now process %d; the one before %s", service->name,
                        service->pid, end);
        return;
    }
    wsm_log_error("%s", wsm_error_text(&err));
    wsm_error_clear(&err);
    wsm_timer_start(service->loop, &service->timer, wsm_backoff_on_death(&service->backoff));
}

static void on_time(struct wsm_timer *timer)
{
    struct wsm_service *service = WSM_CONTAINER_OF(timer, struct wsm_service, timer);

    if (service->state == WSM_SERVICE_DOWN) {
        restart(service);
    } else {
        wsm_log_warning("%s does not end: killed", service->name);
        kill(service->pid, SIGKILL); /* ours and not reaped: the number is its own */
    }
}

void wsm_service_on_exit(struct wsm_service *service, int status)
{
    wsm_service_drain(service); /* SERVED may still lie there */
    service->pid = 0;
    service->last_status = status;
    step(service, WSM_SERVICE_ON_EXIT);
}

void wsm_service_on_served(struct wsm_service *service)
{
    wsm_backoff_on_served(&service->backoff);
}

void wsm_service_stop(struct wsm_service *service)
{
    step(service, WSM_SERVICE_ON_STOP);
}

bool wsm_service_init(struct wsm_service *service, const char *name, struct wsm_loop *loop,
                      const struct wsm_service_events *events,
                      const struct wsm_message_type *const *accepted, size_t accepted_count,
                      struct wsm_error *err)
{
    *service = (struct wsm_service){ .name = name,
                                     .loop = loop,
                                     .events = events,
                                     .accepted = accepted,
                                     .accepted_count = accepted_count,
                                     .state = WSM_SERVICE_DOWN,
                                     .channel.fd = -1,
                                     .watch.fd = -1 };
    wsm_timer_init(&service->timer, on_time);
    return wsm_program_find(name, &service->path, err);
}

void wsm_service_clear(struct wsm_service *service)
{
    if (service->loop == NULL)
        return; /* never initialised */
    wsm_timer_stop(&service->timer);
    wsm_watch_stop(service->loop, &service->watch);
    wsm_channel_close(&service->channel);
    free(service->path);
    service->path = NULL;
}
