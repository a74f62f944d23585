/* The host's connection with net: one at a time, the newest wins.
 * Source: docs/host-protocol.md, "Between net and host". */
#ifndef WSM_HOST_LINK_H
#define WSM_HOST_LINK_H

#include "host/loop.h"
#include "ipc/channel.h"
#include "ipc/host_messages.h"

enum wsm_link_state {
    WSM_LINK_REFUSED, /* no state: what a forbidden transition leads to */
    WSM_LINK_ABSENT,
    WSM_LINK_CONNECTED, /* our HELLO is sent, net's has not come */
    WSM_LINK_GREETED,
    WSM_LINK_BROKEN, /* of no use; closed at the end of the turn */
    WSM_LINK_STATES,
};

enum wsm_link_event {
    WSM_LINK_ACCEPT,
    WSM_LINK_HELLO,
    WSM_LINK_FAIL,
    WSM_LINK_CLOSE,
    WSM_LINK_EVENTS,
};

enum {
    WSM_LINK_CONGESTED = 1024 * 1024,     /* queued bytes above which no output is sent and no
                                             request is read */
    WSM_LINK_LINES_MAX = 6 * 1024 * 1024, /* above which a report goes on without lines: with
                                             65535 commands the rest fits into the queue */
    WSM_LINK_SEND_BUFFER = 1024 * 1024,
};

struct wsm_link {
    enum wsm_link_state state;
    int epoll_fd;             /* borrowed */
    struct wsm_source source; /* its fd is the channel's, which closes it */
    struct wsm_channel channel;
};

void wsm_link_init(struct wsm_link *link, int epoll_fd);
/* Takes the next connection from the listener, if its peer may talk to us. True: it is
 * *out_fd, owned by the caller. */
bool wsm_link_accept(int listener, int *out_fd);
/* Begins with a new connection; the old one is closed. fd: transfer, also on failure. */
void wsm_link_open(struct wsm_link *link, int fd);
void wsm_link_close(struct wsm_link *link); /* harmless on a closed one */
/* Net has said HELLO. */
void wsm_link_greet(struct wsm_link *link);
/* The link is of no use any more. err (may be NULL): why, for the log; cleared. */
void wsm_link_fail(struct wsm_link *link, struct wsm_error *err);

static inline bool wsm_link_is_up(const struct wsm_link *link)
{
    return link->state == WSM_LINK_CONNECTED || link->state == WSM_LINK_GREETED;
}
static inline bool wsm_link_is_congested(const struct wsm_link *link)
{
    return link->channel.queued_bytes > WSM_LINK_CONGESTED;
}

/* What is sent to a link that is not up is lost; a failure breaks the link. */
void wsm_link_send(struct wsm_link *link, const struct wsm_message_type *type, const void *message);
void wsm_link_output(struct wsm_link *link, const struct wsm_host_output *output,
                     const struct wsm_span *pieces, size_t piece_count);
void wsm_link_done(struct wsm_link *link, uint64_t request);
/* err: cleared. */
void wsm_link_failed(struct wsm_link *link, uint64_t request, struct wsm_error *err);
void wsm_link_flush(struct wsm_link *link);

#endif
