/* The host's connection with net. The host's only thread. Sends; what is received goes to
 * dispatch.c. */
#include "host/link.h"

#include "base/log.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Row: state now; column: event; cell: next.
 *             ACCEPT     HELLO    FAIL    CLOSE
 * ABSENT      CONNECTED  -        -       -
 * CONNECTED   -          GREETED  BROKEN  ABSENT
 * GREETED     -          -        BROKEN  ABSENT
 * BROKEN      -          -        BROKEN  ABSENT
 * "-" is refused. */
static const enum wsm_link_state next_state[WSM_LINK_STATES][WSM_LINK_EVENTS] = {
    [WSM_LINK_ABSENT] = { [WSM_LINK_ACCEPT] = WSM_LINK_CONNECTED },
    [WSM_LINK_CONNECTED] = { [WSM_LINK_HELLO] = WSM_LINK_GREETED,
                             [WSM_LINK_FAIL] = WSM_LINK_BROKEN,
                             [WSM_LINK_CLOSE] = WSM_LINK_ABSENT },
    [WSM_LINK_GREETED] = { [WSM_LINK_FAIL] = WSM_LINK_BROKEN, [WSM_LINK_CLOSE] = WSM_LINK_ABSENT },
    [WSM_LINK_BROKEN] = { [WSM_LINK_FAIL] = WSM_LINK_BROKEN, [WSM_LINK_CLOSE] = WSM_LINK_ABSENT },
};
static const char *const state_names[] = { "refused", "absent", "connected", "greeted", "broken" };
static const char *const event_names[] = { "accept", "hello", "fail", "close" };

/* The only writer of link->state. */
static bool link_step(struct wsm_link *link, enum wsm_link_event event)
{
    enum wsm_link_state next = next_state[link->state][event];

    if (next == WSM_LINK_REFUSED)
        return false;
    if (next != link->state)
        wsm_log_debug("link: %s -> %s (%s)", state_names[link->state], state_names[next],
                      event_names[event]);
    link->state = next;
    return true;
}

void wsm_link_init(struct wsm_link *link, int epoll_fd)
{
    *link = (struct wsm_link){ .state = WSM_LINK_ABSENT,
                               .epoll_fd = epoll_fd,
                               .source = { .fd = -1, .kind = WSM_SOURCE_LINK },
                               .channel = WSM_CHANNEL_INIT };
}

bool wsm_link_accept(int listener, int *out_fd)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_peer peer;
    int fd;

    do
        fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return false;
    if (!wsm_channel_peer(fd, &peer, &err)) {
        wsm_log_warning("%s", wsm_error_text(&err));
    } else if (peer.uid != 0 && peer.uid != geteuid()) {
        wsm_log_warning("connection of user %u refused", (unsigned)peer.uid);
    } else {
        *out_fd = fd;
        return true;
    }
    wsm_error_clear(&err);
    close(fd);
    return false;
}

/* Who does not take answers is not listened to: questions are short and reports are not. */
static void update_events(struct wsm_link *link)
{
    wsm_source_change(&link->source, link->epoll_fd,
                      (wsm_link_is_congested(link) ? 0U : EPOLLIN) |
                          (wsm_channel_wants_write(&link->channel) ? EPOLLOUT : 0U));
}

void wsm_link_open(struct wsm_link *link, int fd)
{
    static const int send_buffer = WSM_LINK_SEND_BUFFER;
    const struct wsm_host_hello hello = { .lowest = WSM_HOST_VERSION_LOWEST,
                                          .highest = WSM_HOST_VERSION_HIGHEST };
    struct wsm_error err = WSM_ERROR_INIT;

    wsm_link_close(link);
    /* As much as the system allows: an answer that fits is not copied into our queue. */
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof(send_buffer));
    if (!wsm_channel_open(&link->channel, fd, &err)) {
        close(fd);
    } else if (!wsm_source_open(&link->source, link->epoll_fd, fd, EPOLLIN, &err)) {
        wsm_channel_close(&link->channel);
    } else {
        link_step(link, WSM_LINK_ACCEPT);
        wsm_link_send(link, &wsm_host_hello_type, &hello);
    }
    if (err.code != 0)
        wsm_log_error("connection lost: %s", wsm_error_text(&err));
    wsm_error_clear(&err);
}

void wsm_link_close(struct wsm_link *link)
{
    if (!link_step(link, WSM_LINK_CLOSE))
        return;
    wsm_channel_close(&link->channel);
    link->source.fd = -1;
    link->source.events = 0;
}

void wsm_link_greet(struct wsm_link *link)
{
    link_step(link, WSM_LINK_HELLO);
}

void wsm_link_fail(struct wsm_link *link, struct wsm_error *err)
{
    if (err != NULL && err->code != 0 && wsm_link_is_up(link))
        wsm_log_warning("connection with net ended: %s", wsm_error_text(err));
    wsm_error_clear(err);
    link_step(link, WSM_LINK_FAIL);
}

void wsm_link_send(struct wsm_link *link, const struct wsm_message_type *type, const void *message)
{
    struct wsm_error err = WSM_ERROR_INIT;

    if (!wsm_link_is_up(link))
        return;
    if (!wsm_channel_send(&link->channel, type, message, -1, &err))
        wsm_link_fail(link, &err);
    else
        update_events(link);
}

void wsm_link_output(struct wsm_link *link, const struct wsm_host_output *output,
                     const struct wsm_span *pieces, size_t piece_count)
{
    struct wsm_error err = WSM_ERROR_INIT;

    if (!wsm_link_is_up(link))
        return;
    if (!wsm_channel_send_tail(&link->channel, &wsm_host_output_type, output, pieces, piece_count,
                               &err))
        wsm_link_fail(link, &err);
    else
        update_events(link);
}

void wsm_link_done(struct wsm_link *link, uint64_t request)
{
    const struct wsm_host_done done = { .request = request };

    wsm_link_send(link, &wsm_host_done_type, &done);
}

void wsm_link_failed(struct wsm_link *link, uint64_t request, struct wsm_error *err)
{
    const struct wsm_host_failed failed = { .request = request,
                                            .code = err->code,
                                            .text = wsm_span_str(wsm_error_text(err)) };

    wsm_link_send(link, &wsm_host_failed_type, &failed);
    wsm_error_clear(err);
}

void wsm_link_flush(struct wsm_link *link)
{
    struct wsm_error err = WSM_ERROR_INIT;

    if (!wsm_link_is_up(link))
        return;
    if (!wsm_channel_flush(&link->channel, &err))
        wsm_link_fail(link, &err);
    else
        update_events(link);
}
