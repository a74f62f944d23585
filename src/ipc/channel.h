/* One end of a SOCK_SEQPACKET connection between two of our processes: sends and
 * receives messages, never blocks, queues what the socket does not take, passes
 * descriptors, puts fragments together. The owner's loop polls the descriptor. */
#ifndef WSM_IPC_CHANNEL_H
#define WSM_IPC_CHANNEL_H

#include "base/buf.h"
#include "base/list.h"
#include "ipc/frame.h"

#include <sys/types.h>

enum {
    WSM_CHANNEL_QUEUE_MAX = 16 * 1024 * 1024, /* bytes waiting to be sent */
    WSM_CHANNEL_PIECES_MAX = 8,               /* of wsm_channel_send_tail() */
};

/* fd is owned, closed by wsm_channel_close(). */
struct wsm_channel {
    int fd;                /* -1 = closed; non-blocking, close-on-exec */
    struct wsm_list queue; /* private: packets not yet taken by the socket */
    size_t queued_bytes;
    uint8_t *packet;        /* private: WSM_FRAME_MAX bytes, owned */
    size_t packet_len;      /* private: of the packet received last */
    struct wsm_buf message; /* private: fragments so far */
    uint16_t message_type;  /* private: of the unfinished message, 0 = none */
};

/* A channel that was never opened: close and the questions are harmless on it. */
#define WSM_CHANNEL_INIT \
    {                    \
        .fd = -1         \
    }

/* Takes over fd (transfer, on success only). */
bool wsm_channel_open(struct wsm_channel *channel, int fd, struct wsm_error *err) WSM_MUST_CHECK;
void wsm_channel_close(struct wsm_channel *channel); /* harmless on a closed one */
static inline bool wsm_channel_is_open(const struct wsm_channel *channel)
{
    return channel->fd >= 0;
}

/* Sends or queues a message; longer than a frame it goes in fragments. pass_fd (borrowed:
 * a duplicate is kept while queued) or -1. False when the peer is gone (EPIPE,
 * ECONNRESET), the queue is full or there is no memory: the channel is of no use any more. */
bool wsm_channel_send(struct wsm_channel *channel, const struct wsm_message_type *type,
                      const void *message, int pass_fd, struct wsm_error *err) WSM_MUST_CHECK;
/* The same for a message that ends with a long field, which is sent without copying it
 * when the socket takes it at once: the message's last field must be a SPAN, left empty in
 * *message; the pieces one after the other are its bytes. piece_count ≤
 * WSM_CHANNEL_PIECES_MAX. */
bool wsm_channel_send_tail(struct wsm_channel *channel, const struct wsm_message_type *type,
                           const void *message, const struct wsm_span *pieces, size_t piece_count,
                           struct wsm_error *err) WSM_MUST_CHECK;

/* Is something queued? Then poll for writing and call flush when the socket is writable. */
static inline bool wsm_channel_wants_write(const struct wsm_channel *channel)
{
    return channel->queued_bytes > 0;
}
bool wsm_channel_flush(struct wsm_channel *channel, struct wsm_error *err) WSM_MUST_CHECK;

enum wsm_channel_result {
    WSM_CHANNEL_MESSAGE, /* *out is set: payload borrowed until the next receive */
    WSM_CHANNEL_AGAIN,   /* nothing there now */
    WSM_CHANNEL_EOF,     /* the peer closed */
    WSM_CHANNEL_BAD,     /* not our protocol, or a socket error: err says; close it */
};
/* *out_fd is owned by the caller, -1 if none came. A descriptor travels with the last
 * frame of its message. */
enum wsm_channel_result wsm_channel_receive(struct wsm_channel *channel, struct wsm_frame *out,
                                            int *out_fd, struct wsm_error *err);

/* Overwrites the payload that the last receive lent out: for messages with secrets, once
 * they have been acted upon. */
void wsm_channel_wipe(struct wsm_channel *channel);

/* What the kernel says of the other end (SO_PEERCRED). */
struct wsm_peer {
    pid_t pid;
    uid_t uid;
    gid_t gid;
};
bool wsm_channel_peer(int fd, struct wsm_peer *out, struct wsm_error *err) WSM_MUST_CHECK;

/* A connected pair, both ends close-on-exec and non-blocking. */
bool wsm_channel_pair(int out_fds[2], struct wsm_error *err) WSM_MUST_CHECK;

/* Tables: which message types a process accepts, by state; NULL if `type` is not in it. */
const struct wsm_message_type *wsm_message_type_find(const struct wsm_message_type *const *accepted,
                                                     size_t count, uint16_t type);

#endif
