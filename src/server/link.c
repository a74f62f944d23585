/* Channels on the loop of winrmd-net. Knows nothing of what is said on them. */
#include "server/link.h"

#include "wsmerror.h"

#include <stdlib.h>
#include <unistd.h>

enum {
    MESSAGES_PER_TURN = 64, /* then the others get their turn */
};

struct wsm_link {
    struct wsm_channel channel; /* fd -1 once the link is closed */
    struct wsm_poller poller;
    const struct wsm_link_events *events; /* borrowed for ever */
    void *context;                        /* borrowed until the link is closed */
    struct wsm_error failure;             /* of a send, reported from the loop */
};

static void on_poller_closed(struct wsm_poller *poller)
{
    struct wsm_link *link = WSM_CONTAINER_OF(poller, struct wsm_link, poller);

    wsm_error_clear(&link->failure);
    free(link);
}

void wsm_link_close(struct wsm_link *link)
{
    if (link == NULL || !wsm_channel_is_open(&link->channel))
        return;
    wsm_poller_close(&link->poller, on_poller_closed);
    wsm_channel_close(&link->channel);
}

static void lose(struct wsm_link *link, const struct wsm_error *err)
{
    wsm_link_close(link);
    link->events->on_lost(link->context, err);
}

/* False when there is nothing more to read now, or no link any more. */
static bool read_one(struct wsm_link *link)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_frame frame;
    int fd = -1;
    bool more = false;

    switch (wsm_channel_receive(&link->channel, &frame, &fd, &err)) {
    case WSM_CHANNEL_MESSAGE:
        more = link->events->on_message(link->context, &frame, &fd);
        if (!more)
            wsm_fail(&err, ERROR_INTERNAL_ERROR, "message of type %u is not acceptable",
                     (unsigned)frame.type);
        break;
    case WSM_CHANNEL_AGAIN:
        break;
    case WSM_CHANNEL_EOF:
        wsm_fail(&err, ERROR_BROKEN_PIPE, "the other end is gone");
        break;
    case WSM_CHANNEL_BAD:
        wsm_fail(&err, ERROR_INTERNAL_ERROR, "the channel broke");
        break;
    }
    if (fd >= 0)
        close(fd);
    if (err.code != 0 && wsm_channel_is_open(&link->channel))
        lose(link, &err);
    wsm_error_clear(&err);
    return more && wsm_channel_is_open(&link->channel);
}

static void on_ready(struct wsm_poller *poller, bool readable, bool writable)
{
    struct wsm_link *link = WSM_CONTAINER_OF(poller, struct wsm_link, poller);

    if (writable && link->failure.code == 0 && !wsm_channel_flush(&link->channel, &link->failure) &&
        link->failure.code == 0)
        wsm_fail(&link->failure, ERROR_BROKEN_PIPE, "the other end is gone");
    for (int i = 0; readable && i < MESSAGES_PER_TURN && read_one(link); i++)
        continue;
    if (!wsm_channel_is_open(&link->channel))
        return;
    if (link->failure.code != 0)
        lose(link, &link->failure);
    else
        wsm_poller_want_write(&link->poller, wsm_channel_wants_write(&link->channel));
}

struct wsm_link *wsm_link_open(uv_loop_t *loop, int fd, const struct wsm_link_events *events,
                               void *context, struct wsm_error *err)
{
    struct wsm_link *link = calloc(1, sizeof(*link));

    if (link == NULL || !wsm_channel_open(&link->channel, fd, err)) {
        wsm_fail_memory(err, "channel");
        free(link);
        close(fd);
        return NULL;
    }
    link->events = events;
    link->context = context;
    if (!wsm_poller_open(&link->poller, loop, fd, on_ready, err)) {
        wsm_channel_close(&link->channel);
        free(link);
        return NULL;
    }
    return link;
}

static bool is_up(const struct wsm_link *link)
{
    return link != NULL && wsm_channel_is_open(&link->channel) && link->failure.code == 0;
}

static void after_send(struct wsm_link *link, bool ok)
{
    if (ok) {
        wsm_poller_want_write(&link->poller, wsm_channel_wants_write(&link->channel));
        return;
    }
    /* what was received and not yet read still counts: the end is reported from the loop */
    wsm_fail(&link->failure, ERROR_BROKEN_PIPE, "the other end is gone");
    wsm_poller_want_write(&link->poller, true);
}

void wsm_link_send(struct wsm_link *link, const struct wsm_message_type *type, const void *message)
{
    if (is_up(link))
        after_send(link, wsm_channel_send(&link->channel, type, message, -1, &link->failure));
}

void wsm_link_send_tail(struct wsm_link *link, const struct wsm_message_type *type,
                        const void *message, struct wsm_span tail)
{
    if (is_up(link))
        after_send(link,
                   wsm_channel_send_tail(&link->channel, type, message, &tail, 1, &link->failure));
}
