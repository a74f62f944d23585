/* Descriptors that the host's loop waits for. The host's only thread. Does not wait itself:
 * host_run.c does. */
#include "host/loop.h"

#include "wsmerror.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

bool wsm_source_open(struct wsm_source *source, int epoll_fd, int fd, uint32_t events,
                     struct wsm_error *err)
{
    struct epoll_event event = { .events = events, .data.ptr = source };

    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        return wsm_fail(err, ERROR_OUTOFMEMORY, "waiting for a descriptor: %s", strerror(errno));
    source->fd = fd;
    source->events = events;
    return true;
}

void wsm_source_change(struct wsm_source *source, int epoll_fd, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = source };

    if (source->fd < 0 || source->events == events)
        return;
    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, source->fd, &event); /* cannot fail: it is there */
    source->events = events;
}

void wsm_source_drop_to_level(struct wsm_source *source, int epoll_fd)
{
    wsm_source_change(source, epoll_fd, EPOLLIN);
}

bool wsm_source_is_broken(const struct wsm_source *source)
{
    struct pollfd poll_fd = { .fd = source->fd, .events = POLLOUT };

    return poll(&poll_fd, 1, 0) > 0 && (poll_fd.revents & POLLERR) != 0;
}

void wsm_source_close(struct wsm_source *source)
{
    if (source->fd >= 0)
        close(source->fd); /* the only reference: takes it out of the epoll set too */
    source->fd = -1;
    source->events = 0;
}
