/* Whole HTTP messages through the fault proxy, some of them twice, as a middlebox does that
 * believes that its first try was lost. Only what our own ends write: one request at a time,
 * bodies with a Content-Length. */
#include "fault_link.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Bytes of the whole message at the start of `in`; 0 = not all there. */
static size_t message_len(const struct wsm_buf *in)
{
    static const char field[] = "\r\nContent-Length:";
    const uint8_t *end = in->len == 0 ? NULL : memmem(in->ptr, in->len, "\r\n\r\n", 4);
    size_t head, body = 0;

    if (end == NULL)
        return 0;
    head = (size_t)(end - in->ptr) + 4;
    for (size_t i = 0; i + sizeof(field) < head; i++) {
        if (strncasecmp((const char *)in->ptr + i, field, sizeof(field) - 1) == 0)
            body = strtoul((const char *)in->ptr + i + sizeof(field) - 1, NULL, 10);
    }
    return in->len >= head + body ? head + body : 0;
}

static void record(const struct fault_link *link, const char *what, const struct wsm_buf *bytes)
{
    char name[sizeof(link->core->folder) + 32];
    int fd;

    if (link->core->folder[0] == '\0')
        return;
    snprintf(name, sizeof(name), "%s/%02u.%s", link->core->folder, link->relay.number, what);
    fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0 || write(fd, bytes->ptr, bytes->len) != (ssize_t)bytes->len)
        fprintf(stderr, "fault-proxy: %s: %s\n", name, strerror(errno));
    if (fd >= 0)
        close(fd);
}

static bool is_to_be_copied(const struct fault_link *link)
{
    const struct fault_core *core = link->core;
    const struct wsm_buf *request = &link->relay.request;

    return core->copy != FAULT_COPY_OFF &&
           memmem(request->ptr, request->len, core->copy_text, strlen(core->copy_text)) != NULL;
}

/* True: all of it has gone; false: not yet, or the link is over. */
static bool send_message(struct fault_link *link, int fd, const struct wsm_buf *message)
{
    size_t *sent = &link->relay.sent;

    if (*sent < message->len) {
        ssize_t count = send(fd, message->ptr + *sent, message->len - *sent,
                             MSG_DONTWAIT | MSG_NOSIGNAL);

        if (count < 0 && errno != EAGAIN && errno != EINTR && errno != ENOTCONN)
            fault_link_end(link, true);
        else if (count > 0)
            *sent += (size_t)count;
    }
    return link->state == FAULT_RELAYING && *sent == message->len;
}

static bool to_stage(struct fault_link *link, enum fault_stage stage)
{
    link->relay.stage = stage;
    link->relay.sent = 0;
    return true;
}

/* True: the answer is complete. */
static bool take_answer(struct fault_link *link, int fd, struct wsm_buf *answer)
{
    int result = fault_receive(fd, answer);

    if (message_len(answer) > 0)
        return true;
    if (result == -1 || result == 2)
        fault_link_end(link, true);
    return false;
}

static bool take_request(struct fault_link *link)
{
    struct fault_relay *relay = &link->relay;
    int result = fault_receive(link->fds[FAULT_UP], &relay->request);

    if (message_len(&relay->request) > 0) {
        relay->number = ++link->core->recorded;
        record(link, "request", &relay->request);
        return to_stage(link, FAULT_ANSWER);
    }
    if (result == -1 || result == 2)
        fault_link_end(link, result == -1);
    else if (fault_receive(link->fds[FAULT_DOWN], &relay->answers[0]) != 0)
        fault_link_end(link, false); /* the service does not want an idle connection any more */
    return false;
}

static bool exchange(struct fault_link *link)
{
    struct fault_relay *relay = &link->relay;

    if (!send_message(link, link->fds[FAULT_DOWN], &relay->request) ||
        !take_answer(link, link->fds[FAULT_DOWN], &relay->answers[0]))
        return false;
    record(link, "answer", &relay->answers[0]);
    if (!is_to_be_copied(link))
        return to_stage(link, FAULT_REPLY);
    relay->copy_fd = fault_link_connect(link->core);
    if (relay->copy_fd < 0)
        fault_link_end(link, true);
    return to_stage(link, FAULT_COPY);
}

static bool exchange_copy(struct fault_link *link)
{
    struct fault_relay *relay = &link->relay;

    if (!send_message(link, relay->copy_fd, &relay->request) ||
        !take_answer(link, relay->copy_fd, &relay->answers[1]))
        return false;
    fault_close(relay->copy_fd, false);
    relay->copy_fd = -1;
    link->core->counters[FAULT_COPIES]++;
    return to_stage(link, FAULT_REPLY);
}

static bool reply(struct fault_link *link)
{
    struct fault_relay *relay = &link->relay;
    bool is_second = link->core->copy == FAULT_COPY_SECOND && relay->answers[1].len > 0;

    if (!send_message(link, link->fds[FAULT_UP], &relay->answers[is_second ? 1 : 0]))
        return false;
    wsm_buf_reset(&relay->request);
    wsm_buf_reset(&relay->answers[0]);
    wsm_buf_reset(&relay->answers[1]);
    return to_stage(link, FAULT_REQUEST);
}

void fault_relay_run(struct fault_link *link)
{
    static bool (*const stages[])(struct fault_link *) = { [FAULT_REQUEST] = take_request,
                                                           [FAULT_ANSWER] = exchange,
                                                           [FAULT_COPY] = exchange_copy,
                                                           [FAULT_REPLY] = reply };

    if (link->relay.stage != FAULT_REQUEST && link->polls != NULL &&
        (link->polls[FAULT_UP].revents & (POLLRDHUP | POLLERR | POLLHUP)) != 0) {
        fault_link_end(link, (link->polls[FAULT_UP].revents & POLLERR) != 0);
        return;
    }
    while (link->state == FAULT_RELAYING && stages[link->relay.stage](link))
        continue;
}

void fault_relay_prepare(struct fault_link *link, struct pollfd *polls)
{
    const struct fault_relay *relay = &link->relay;
    bool is_sent = relay->sent == relay->request.len;
    int up = POLLRDHUP, down = 0;

    if (relay->stage == FAULT_REQUEST)
        up = down = POLLIN;
    else if (relay->stage == FAULT_REPLY)
        up |= POLLOUT;
    else
        down = relay->stage == FAULT_ANSWER ? POLLIN | (is_sent ? 0 : POLLOUT) : 0;
    polls[FAULT_UP] = (struct pollfd){ .fd = link->fds[FAULT_UP], .events = (short)up };
    polls[FAULT_DOWN] = (struct pollfd){ .fd = down == 0 ? -1 : link->fds[FAULT_DOWN],
                                         .events = (short)down };
    polls[FAULT_WAYS] = (struct pollfd){ .fd = relay->copy_fd,
                                         .events = (short)(POLLIN | (is_sent ? 0 : POLLOUT)) };
}
