/* Watches a descriptor that libuv does not own (a channel to another process) on a
 * libuv loop. Loop thread only. */
#ifndef WSM_NET_POLLER_H
#define WSM_NET_POLLER_H

#include "base/error.h"

#include <uv.h>

struct wsm_poller;

typedef void (*wsm_poller_fn)(struct wsm_poller *poller, bool readable, bool writable);
typedef void (*wsm_poller_closed_fn)(struct wsm_poller *poller);

/* Embedded in the owner's struct; fd stays the owner's and must outlive the close. */
struct wsm_poller {
    uv_poll_t handle;
    wsm_poller_fn on_ready;
    wsm_poller_closed_fn on_closed;
    bool is_open;
    bool wants_write;
};

bool wsm_poller_open(struct wsm_poller *poller, uv_loop_t *loop, int fd, wsm_poller_fn on_ready,
                     struct wsm_error *err) WSM_MUST_CHECK;
void wsm_poller_want_write(struct wsm_poller *poller, bool wants);
/* on_closed (may be NULL) comes on a later turn; then the memory may be freed. */
void wsm_poller_close(struct wsm_poller *poller, wsm_poller_closed_fn on_closed);

#endif
