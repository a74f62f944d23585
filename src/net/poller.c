/* Watches a descriptor that libuv does not own. Runs on the loop thread; reads and
 * writes nothing itself. */
#include "net/poller.h"

#include "base/list.h"
#include "wsmerror.h"

static bool start(struct wsm_poller *poller);

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct wsm_poller *poller = WSM_CONTAINER_OF(handle, struct wsm_poller, handle);

    /* At an error or the end the owner's next read tells it; libuv stops watching then,
     * but an owner that lives through it (a pending ICMP error, say) wants to go on. */
    if (status < 0) {
        poller->on_ready(poller, true, poller->wants_write);
        if (poller->is_open)
            (void)start(poller);
        return;
    }
    poller->on_ready(poller, (events & (UV_READABLE | UV_DISCONNECT)) != 0,
                     (events & UV_WRITABLE) != 0);
}

static bool start(struct wsm_poller *poller)
{
    int events = UV_READABLE | UV_DISCONNECT | (poller->wants_write ? UV_WRITABLE : 0);

    return uv_poll_start(&poller->handle, events, on_poll) == 0;
}

bool wsm_poller_open(struct wsm_poller *poller, uv_loop_t *loop, int fd, wsm_poller_fn on_ready,
                     struct wsm_error *err)
{
    int status;

    *poller = (struct wsm_poller){ .on_ready = on_ready };
    status = uv_poll_init(loop, &poller->handle, fd);
    if (status != 0)
        return wsm_fail(err, ERROR_INTERNAL_ERROR, "watch descriptor %d: %s", fd,
                        uv_strerror(status));
    poller->is_open = true;
    (void)start(poller); /* cannot fail: the handle is new and open */
    return true;
}

void wsm_poller_want_write(struct wsm_poller *poller, bool wants)
{
    if (!poller->is_open || poller->wants_write == wants)
        return;
    poller->wants_write = wants;
    (void)start(poller);
}

static void on_close(uv_handle_t *handle)
{
    struct wsm_poller *poller = WSM_CONTAINER_OF(handle, struct wsm_poller, handle);

    if (poller->on_closed != NULL)
        poller->on_closed(poller);
}

void wsm_poller_close(struct wsm_poller *poller, wsm_poller_closed_fn on_closed)
{
    if (!poller->is_open)
        return;
    poller->is_open = false;
    poller->on_closed = on_closed;
    uv_close((uv_handle_t *)&poller->handle, on_close);
}
