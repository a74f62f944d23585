/* Descriptors that the host's loop waits for. */
#ifndef WSM_HOST_LOOP_H
#define WSM_HOST_LOOP_H

#include "base/error.h"

#include <stdint.h>

enum wsm_source_kind {
    WSM_SOURCE_LISTENER,
    WSM_SOURCE_LINK,
    WSM_SOURCE_SIGNALS,
    WSM_SOURCE_STARTER,
    WSM_SOURCE_STDIN,
    WSM_SOURCE_STDOUT,
    WSM_SOURCE_STDERR,
};

/* fd: owned, closed by wsm_source_close(); -1 = closed. owner: the command for pipes. */
struct wsm_source {
    int fd;
    enum wsm_source_kind kind;
    void *owner;
    uint32_t events; /* EPOLL… waited for */
};

#define WSM_SOURCE_INIT \
    {                   \
        .fd = -1        \
    }

/* Starts to wait; `source` stays where it is until it is closed. fd: transfer. */
bool wsm_source_open(struct wsm_source *source, int epoll_fd, int fd, uint32_t events,
                     struct wsm_error *err) WSM_MUST_CHECK;
/* Waits for these events from now on. */
void wsm_source_change(struct wsm_source *source, int epoll_fd, uint32_t events);
/* From edge-triggered reading to level-triggered. */
void wsm_source_drop_to_level(struct wsm_source *source, int epoll_fd);
/* Of a pipe that we write: has its last reader gone? */
bool wsm_source_is_broken(const struct wsm_source *source);
void wsm_source_close(struct wsm_source *source); /* harmless on a closed one */

#endif
