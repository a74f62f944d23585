/* One end of a SOCK_SEQPACKET connection between two of our processes. Run by the loop of
 * the process that owns it; never blocks, never polls, knows no message by name. */
#include "ipc/channel.h"

#include "wsmerror.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PAYLOAD_MAX = WSM_FRAME_MAX - WSM_FRAME_HEADER };

/* A frame that the socket did not take. pass_fd: owned, or -1. */
struct packet {
    struct wsm_list node;
    int pass_fd;
    bool is_secret;
    size_t len;
    uint8_t bytes[];
};

/* Room for one descriptor; CMSG_SPACE rounds up, so the kernel may put two into it. */
union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

static void packet_free(struct packet *packet)
{
    if (packet->pass_fd >= 0)
        close(packet->pass_fd);
    if (packet->is_secret)
        explicit_bzero(packet->bytes, packet->len);
    free(packet);
}

bool wsm_channel_open(struct wsm_channel *channel, int fd, struct wsm_error *err)
{
    int flags = fcntl(fd, F_GETFL);
    uint8_t *packet;

    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "channel: %s", strerror(errno));
    packet = malloc(WSM_FRAME_MAX);
    if (packet == NULL)
        return wsm_fail_memory(err, "channel");
    *channel = (struct wsm_channel){ .fd = fd, .packet = packet };
    wsm_list_init(&channel->queue);
    return true;
}

void wsm_channel_close(struct wsm_channel *channel)
{
    struct wsm_list *node;
    struct wsm_list *tmp;

    if (!wsm_channel_is_open(channel))
        return;
    close(channel->fd);
    WSM_LIST_FOREACH_SAFE (node, tmp, &channel->queue)
        packet_free(WSM_CONTAINER_OF(node, struct packet, node));
    free(channel->packet);
    wsm_buf_clear(&channel->message);
    *channel = (struct wsm_channel)WSM_CHANNEL_INIT;
}

/* Hands one frame to the socket. 0, or the error number. */
static int send_now(int fd, const struct iovec *parts, size_t count, int pass_fd)
{
    union control control;
    struct msghdr header = { .msg_iov = (struct iovec *)parts, .msg_iovlen = count };
    struct cmsghdr *cmsg;

    if (pass_fd >= 0) {
        memset(&control, 0, sizeof(control));
        header.msg_control = control.bytes;
        header.msg_controllen = CMSG_LEN(sizeof(int));
        cmsg = CMSG_FIRSTHDR(&header);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(cmsg), &pass_fd, sizeof(pass_fd));
    }
    for (;;) {
        if (sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
            return 0;
        if (errno != EINTR)
            return errno;
    }
}

/* ETOOMANYREFS: too many descriptors in flight; it passes when the peer has read some. */
static bool is_full(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == ETOOMANYREFS;
}

static bool fail_send(struct wsm_error *err, int error)
{
    return wsm_fail(err, ERROR_BROKEN_PIPE, "channel: sending: %s", strerror(error));
}

static bool enqueue(struct wsm_channel *channel, const struct iovec *parts, size_t count,
                    int pass_fd, bool is_secret, struct wsm_error *err)
{
    struct packet *packet;
    size_t len = 0;

    for (size_t i = 0; i < count; i++)
        len += parts[i].iov_len;
    if (len > WSM_CHANNEL_QUEUE_MAX - channel->queued_bytes)
        return wsm_fail(err, ERROR_BROKEN_PIPE, "channel: the peer does not read: %zu bytes wait",
                        channel->queued_bytes);
    packet = malloc(sizeof(*packet) + len);
    if (packet == NULL)
        return wsm_fail_memory(err, "packet");
    packet->pass_fd = -1;
    packet->is_secret = is_secret;
    packet->len = 0;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].iov_len > 0)
            memcpy(packet->bytes + packet->len, parts[i].iov_base, parts[i].iov_len);
        packet->len += parts[i].iov_len;
    }
    if (pass_fd >= 0) {
        packet->pass_fd = fcntl(pass_fd, F_DUPFD_CLOEXEC, 0);
        if (packet->pass_fd < 0) {
            packet_free(packet);
            return wsm_fail(err, ERROR_OUTOFMEMORY, "channel: descriptor: %s", strerror(errno));
        }
    }
    wsm_list_add(&channel->queue, &packet->node);
    channel->queued_bytes += len;
    return true;
}

static bool send_frame(struct wsm_channel *channel, const struct iovec *parts, size_t count,
                       int pass_fd, bool is_secret, struct wsm_error *err)
{
    int error;

    if (channel->queued_bytes == 0) {
        error = send_now(channel->fd, parts, count, pass_fd);
        if (error == 0)
            return true;
        if (!is_full(error))
            return fail_send(err, error);
    }
    return enqueue(channel, parts, count, pass_fd, is_secret, err);
}

/* Sends the parts, in as many frames as they need; the descriptor goes with the last. */
static bool send_fragments(struct wsm_channel *channel, const struct wsm_message_type *type,
                           struct iovec *parts, size_t count, int pass_fd, struct wsm_error *err)
{
    uint8_t header[WSM_FRAME_HEADER];
    struct iovec frame[2 + WSM_CHANNEL_PIECES_MAX];
    size_t left = 0;
    size_t len;

    assert(count <= 1 + WSM_CHANNEL_PIECES_MAX);
    for (size_t i = 0; i < count; i++)
        left += parts[i].iov_len;
    if (left > WSM_MESSAGE_MAX)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "message %s: %zu bytes, at most %d",
                        type->name, left, WSM_MESSAGE_MAX);
    do {
        size_t room = left < PAYLOAD_MAX ? left : PAYLOAD_MAX;
        size_t used = 0;

        len = room;
        frame[used++] = (struct iovec){ .iov_base = header, .iov_len = sizeof(header) };
        for (size_t i = 0; i < count && room > 0; i++) {
            size_t taken = parts[i].iov_len < room ? parts[i].iov_len : room;

            if (taken == 0)
                continue;
            frame[used++] = (struct iovec){ .iov_base = parts[i].iov_base, .iov_len = taken };
            parts[i].iov_base = (uint8_t *)parts[i].iov_base + taken;
            parts[i].iov_len -= taken;
            room -= taken;
        }
        left -= len;
        wsm_frame_header_write(header, type->type,
                               (uint16_t)(type->flags | (left == 0 ? 0 : WSM_FRAME_FLAG_MORE)),
                               (uint32_t)len);
        if (!send_frame(channel, frame, used, left == 0 ? pass_fd : -1, type->is_secret, err))
            return false;
    } while (left > 0);
    return true;
}

bool wsm_channel_send(struct wsm_channel *channel, const struct wsm_message_type *type,
                      const void *message, int pass_fd, struct wsm_error *err)
{
    struct wsm_buf payload = WSM_BUF_INIT;
    struct iovec part;
    bool ok = false;

    if (!wsm_channel_is_open(channel))
        return fail_send(err, ENOTCONN);
    wsm_message_write(&payload, type, message);
    part = (struct iovec){ .iov_base = payload.ptr, .iov_len = payload.len };
    if (!wsm_buf_ok(&payload))
        wsm_fail_memory(err, type->name);
    else
        ok = send_fragments(channel, type, &part, 1, pass_fd, err);
    if (type->is_secret)
        wsm_buf_wipe(&payload);
    wsm_buf_clear(&payload);
    return ok;
}

/* Makes the length of the last field, a span written empty, count the tail. */
static void tail_length_write(struct wsm_buf *fields, size_t tail_len)
{
    uint8_t *at = fields->ptr + fields->len - 4;

    for (size_t i = 0; i < 4; i++)
        at[i] = (uint8_t)(tail_len >> (8 * i));
}

bool wsm_channel_send_tail(struct wsm_channel *channel, const struct wsm_message_type *type,
                           const void *message, const struct wsm_span *pieces, size_t piece_count,
                           struct wsm_error *err)
{
    struct iovec parts[1 + WSM_CHANNEL_PIECES_MAX];
    struct wsm_buf fields = WSM_BUF_INIT;
    size_t tail_len = 0;
    bool ok = false;

    assert(type->field_count > 0 && type->fields[type->field_count - 1].kind == WSM_FIELD_SPAN);
    assert(piece_count <= WSM_CHANNEL_PIECES_MAX);
    if (!wsm_channel_is_open(channel))
        return fail_send(err, ENOTCONN);
    for (size_t i = 0; i < piece_count; i++) {
        parts[1 + i] = (struct iovec){ .iov_base = (void *)pieces[i].ptr,
                                       .iov_len = pieces[i].len };
        tail_len += pieces[i].len;
    }
    wsm_message_write(&fields, type, message);
    if (!wsm_buf_ok(&fields)) {
        wsm_fail_memory(err, type->name);
        goto out;
    }
    tail_length_write(&fields, tail_len);
    parts[0] = (struct iovec){ .iov_base = fields.ptr, .iov_len = fields.len };
    ok = send_fragments(channel, type, parts, 1 + piece_count, -1, err);
out:
    wsm_buf_clear(&fields);
    return ok;
}

bool wsm_channel_flush(struct wsm_channel *channel, struct wsm_error *err)
{
    while (wsm_channel_wants_write(channel)) {
        struct packet *packet = WSM_CONTAINER_OF(channel->queue.next, struct packet, node);
        struct iovec part = { .iov_base = packet->bytes, .iov_len = packet->len };
        int error = send_now(channel->fd, &part, 1, packet->pass_fd);

        if (is_full(error))
            return true;
        if (error != 0)
            return fail_send(err, error);
        channel->queued_bytes -= packet->len;
        wsm_list_remove(&packet->node);
        packet_free(packet);
    }
    return true;
}

/* Takes the descriptors out of a received header. False if there are several: those are
 * closed. */
static bool take_fd(struct msghdr *header, int *out_fd)
{
    int found = -1;
    bool is_single = (header->msg_flags & MSG_CTRUNC) == 0;

    for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(header); cmsg != NULL;
         cmsg = CMSG_NXTHDR(header, cmsg)) {
        if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t at = 0; CMSG_LEN(at + sizeof(int)) <= cmsg->cmsg_len; at += sizeof(int)) {
            if (found >= 0) {
                close(found);
                is_single = false;
            }
            memcpy(&found, CMSG_DATA(cmsg) + at, sizeof(found));
        }
    }
    if (!is_single) {
        if (found >= 0)
            close(found);
        return false;
    }
    *out_fd = found;
    return true;
}

/* Reads one packet; MESSAGE: packet_len bytes of it are in channel->packet. */
static enum wsm_channel_result read_packet(struct wsm_channel *channel, int *out_fd,
                                           struct wsm_error *err)
{
    union control control;
    struct iovec part = { .iov_base = channel->packet, .iov_len = WSM_FRAME_MAX };
    struct msghdr header = { .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes) };
    ssize_t count;

    do
        count = recvmsg(channel->fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (count < 0 && errno == EINTR);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return WSM_CHANNEL_AGAIN;
    if (count == 0 || (count < 0 && errno == ECONNRESET))
        return WSM_CHANNEL_EOF;
    if (count < 0) {
        wsm_fail(err, ERROR_BROKEN_PIPE, "channel: receiving: %s", strerror(errno));
        return WSM_CHANNEL_BAD;
    }
    channel->packet_len = (size_t)count;
    if (!take_fd(&header, out_fd)) {
        wsm_fail(err, ERROR_INVALID_PARAMETER, "channel: more than one descriptor in a frame");
        return WSM_CHANNEL_BAD;
    }
    if ((header.msg_flags & MSG_TRUNC) == 0)
        return WSM_CHANNEL_MESSAGE;
    wsm_fail(err, ERROR_INVALID_PARAMETER, "channel: a frame above %d bytes", WSM_FRAME_MAX);
    return WSM_CHANNEL_BAD;
}

/* Adds a frame to the message it belongs to. MESSAGE: *frame is the whole message. */
static enum wsm_channel_result add_fragment(struct wsm_channel *channel, struct wsm_frame *frame,
                                            int fd, struct wsm_error *err)
{
    bool has_more = (frame->flags & WSM_FRAME_FLAG_MORE) != 0;

    if (channel->message_type != 0 && channel->message_type != frame->type) {
        wsm_fail(err, ERROR_INVALID_PARAMETER, "channel: frame %u within message %u", frame->type,
                 channel->message_type);
        return WSM_CHANNEL_BAD;
    }
    if (channel->message_type == 0 && !has_more) {
        wsm_buf_clear(&channel->message); /* the time of long messages is over */
        return WSM_CHANNEL_MESSAGE;
    }
    if (has_more && fd >= 0) {
        wsm_fail(err, ERROR_INVALID_PARAMETER, "channel: a descriptor within message %u",
                 frame->type);
        return WSM_CHANNEL_BAD;
    }
    /* So a message has few frames, and no peer keeps us here with frames that bring nothing. */
    if (has_more && frame->payload.len != PAYLOAD_MAX) {
        wsm_fail(err, ERROR_INVALID_PARAMETER, "channel: a part of message %u is not a full frame",
                 frame->type);
        return WSM_CHANNEL_BAD;
    }
    if (frame->payload.len > WSM_MESSAGE_MAX - channel->message.len) {
        wsm_fail(err, ERROR_INVALID_PARAMETER, "channel: message %u above %d bytes", frame->type,
                 WSM_MESSAGE_MAX);
        return WSM_CHANNEL_BAD;
    }
    wsm_buf_append_span(&channel->message, frame->payload);
    if (!wsm_buf_ok(&channel->message)) {
        wsm_fail_memory(err, "message");
        return WSM_CHANNEL_BAD;
    }
    channel->message_type = has_more ? frame->type : 0;
    frame->payload = wsm_buf_span(&channel->message);
    return has_more ? WSM_CHANNEL_AGAIN : WSM_CHANNEL_MESSAGE;
}

enum wsm_channel_result wsm_channel_receive(struct wsm_channel *channel, struct wsm_frame *out,
                                            int *out_fd, struct wsm_error *err)
{
    enum wsm_channel_result result;
    struct wsm_frame frame;
    int fd = -1;

    if (!wsm_channel_is_open(channel))
        return WSM_CHANNEL_EOF;
    if (channel->message_type == 0)
        wsm_buf_reset(&channel->message); /* lent out until now; the next one is as long */
    do {
        result = read_packet(channel, &fd, err);
        if (result != WSM_CHANNEL_MESSAGE)
            break;
        if (wsm_frame_parse(wsm_span_of(channel->packet, channel->packet_len), &frame) !=
            WSM_PARSE_DONE) {
            wsm_fail(err, ERROR_INVALID_PARAMETER, "channel: a packet that is no frame");
            result = WSM_CHANNEL_BAD;
            break;
        }
        result = add_fragment(channel, &frame, fd, err);
    } while (result == WSM_CHANNEL_AGAIN);
    if (result != WSM_CHANNEL_MESSAGE) {
        if (fd >= 0)
            close(fd);
        return result;
    }
    frame.flags &= (uint16_t)~WSM_FRAME_FLAG_MORE;
    *out = frame;
    *out_fd = fd;
    return WSM_CHANNEL_MESSAGE;
}

void wsm_channel_wipe(struct wsm_channel *channel)
{
    if (!wsm_channel_is_open(channel))
        return;
    explicit_bzero(channel->packet, channel->packet_len);
    if (channel->message_type == 0)
        wsm_buf_wipe(&channel->message);
}

bool wsm_channel_peer(int fd, struct wsm_peer *out, struct wsm_error *err)
{
    struct ucred cred;
    socklen_t len = sizeof(cred);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "peer: %s", strerror(errno));
    *out = (struct wsm_peer){ .pid = cred.pid, .uid = cred.uid, .gid = cred.gid };
    return true;
}

bool wsm_channel_pair(int out_fds[2], struct wsm_error *err)
{
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
        return wsm_fail(err, ERROR_OUTOFMEMORY, "socket pair: %s", strerror(errno));
    out_fds[0] = fds[0];
    out_fds[1] = fds[1];
    return true;
}

const struct wsm_message_type *wsm_message_type_find(const struct wsm_message_type *const *accepted,
                                                     size_t count, uint16_t type)
{
    for (size_t i = 0; i < count; i++) {
        if (accepted[i]->type == type)
            return accepted[i];
    }
    return NULL;
}
