/* A channel to another of our processes on the loop: a wsm_channel and its poller. */
#ifndef WSM_SERVER_LINK_H
#define WSM_SERVER_LINK_H

#include "ipc/channel.h"
#include "net/poller.h"

struct wsm_link;

struct wsm_link_events {
    /* A message; its payload is borrowed until this returns. *fd came with it, -1 if none;
     * whoever keeps it sets it to -1. False: it is not acceptable now, the link ends. */
    bool (*on_message)(void *context, const struct wsm_frame *frame, int *fd);
    /* The other end is gone or broke the rules: err is borrowed. The link is closed. */
    void (*on_lost)(void *context, const struct wsm_error *err);
};

/* Takes fd over in any case. NULL on failure. Ended by wsm_link_close(). */
struct wsm_link *wsm_link_open(uv_loop_t *loop, int fd, const struct wsm_link_events *events,
                               void *context, struct wsm_error *err) WSM_MUST_CHECK;

/* Sends or queues. Failure shows later, as on_lost. Harmless on NULL. */
void wsm_link_send(struct wsm_link *link, const struct wsm_message_type *type, const void *message);
/* The same with the last field, a span left empty in *message, sent from where it lies. */
void wsm_link_send_tail(struct wsm_link *link, const struct wsm_message_type *type,
                        const void *message, struct wsm_span tail);

/* No callback comes any more; the memory goes on a later turn of the loop. Accepts NULL. */
void wsm_link_close(struct wsm_link *link);

#endif
