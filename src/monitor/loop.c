/* The monitor's event loop: epoll and a list of timers. The monitor's only thread. One
 * event is taken at a time, so that a handler may stop any watch without leaving a stale
 * event behind; epoll hands out ready descriptors in turn, so none starves. */
#include "monitor/loop.h"

#include "wsmerror.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

int64_t wsm_now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

bool wsm_loop_init(struct wsm_loop *loop, struct wsm_error *err)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);

    if (fd < 0)
        return wsm_fail(err, ERROR_INTERNAL_ERROR, "epoll: %s", strerror(errno));
    loop->epoll_fd = fd;
    loop->is_stopped = false;
    wsm_list_init(&loop->timers);
    return true;
}

void wsm_loop_clear(struct wsm_loop *loop)
{
    if (loop->epoll_fd >= 0)
        close(loop->epoll_fd);
    loop->epoll_fd = -1;
}

void wsm_loop_stop(struct wsm_loop *loop)
{
    loop->is_stopped = true;
}

static struct wsm_timer *earliest_timer(struct wsm_loop *loop)
{
    struct wsm_timer *earliest = NULL;
    struct wsm_list *node;

    WSM_LIST_FOREACH (node, &loop->timers) {
        struct wsm_timer *timer = WSM_CONTAINER_OF(node, struct wsm_timer, node);

        if (earliest == NULL || timer->at_us < earliest->at_us)
            earliest = timer;
    }
    return earliest;
}

/* Fires what is due and returns how many microseconds to wait: -1 = for ever. */
static int64_t run_timers(struct wsm_loop *loop)
{
    while (!loop->is_stopped) {
        struct wsm_timer *timer = earliest_timer(loop);
        int64_t left_us;

        if (timer == NULL)
            return -1;
        left_us = timer->at_us - wsm_now_us();
        if (left_us > 0)
            return left_us;
        wsm_timer_stop(timer);
        timer->on_time(timer);
    }
    return 0;
}

bool wsm_loop_run(struct wsm_loop *loop, struct wsm_error *err)
{
    while (!loop->is_stopped) {
        struct epoll_event event;
        int64_t wait_us = run_timers(loop);
        struct timespec wait = { .tv_sec = wait_us / 1000000, .tv_nsec = wait_us % 1000000 * 1000 };
        int count;

        if (loop->is_stopped)
            break;
        /* Not epoll_wait(): a host listens within a fraction of a millisecond. */
        count = epoll_pwait2(loop->epoll_fd, &event, 1, wait_us < 0 ? NULL : &wait, NULL);
        if (count < 0 && errno != EINTR)
            return wsm_fail(err, ERROR_INTERNAL_ERROR, "epoll_pwait2: %s", strerror(errno));
        if (count == 1) {
            struct wsm_watch *watch = event.data.ptr;

            watch->on_ready(watch, event.events);
        }
    }
    return true;
}

bool wsm_watch_start(struct wsm_loop *loop, struct wsm_watch *watch, int fd, uint32_t events,
                     wsm_watch_fn on_ready, struct wsm_error *err)
{
    struct epoll_event event = { .events = events, .data.ptr = watch };

    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        return wsm_fail(err, ERROR_INTERNAL_ERROR, "epoll_ctl: %s", strerror(errno));
    watch->fd = fd;
    watch->events = events;
    watch->on_ready = on_ready;
    return true;
}

void wsm_watch_change(struct wsm_loop *loop, struct wsm_watch *watch, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = watch };

    if (watch->fd < 0 || watch->events == events)
        return;
    watch->events = events;
    epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event);
}

void wsm_watch_stop(struct wsm_loop *loop, struct wsm_watch *watch)
{
    if (watch->fd >= 0)
        epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
    watch->fd = -1;
}

void wsm_timer_init(struct wsm_timer *timer, wsm_timer_fn on_time)
{
    wsm_list_init(&timer->node);
    timer->on_time = on_time;
}

void wsm_timer_start_us(struct wsm_loop *loop, struct wsm_timer *timer, int64_t delay_us)
{
    wsm_list_remove(&timer->node);
    timer->at_us = wsm_now_us() + delay_us;
    wsm_list_add(&loop->timers, &timer->node);
}

void wsm_timer_start(struct wsm_loop *loop, struct wsm_timer *timer, int64_t delay_ms)
{
    wsm_timer_start_us(loop, timer, delay_ms * 1000);
}

void wsm_timer_stop(struct wsm_timer *timer)
{
    wsm_list_remove(&timer->node);
}
