/* One connection through the fault proxy: bytes that go both ways, and how it is cut. The
 * proxy's one thread runs it. Messages are fault_relay.c's business. */
#include "fault_link.h"

#include "payload.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ROOM = 65536,        /* bytes kept each way */
    SWALLOW_MS = 20,     /* how long, and */
    SWALLOW_MAX = 20000, /* how many bytes are swallowed */
    ORDERLY_MS = 1000,   /* a peer that was told of the end has so long to end too */
    PACE_MS = 5,         /* between two looks at a pace */
    SMALL_PLACES = 2,    /* of the random places: in the first head, in the first message */
    PLACES = 8,
};

void fault_close(int fd, bool hard)
{
    const struct linger linger = { .l_onoff = 1 };

    if (fd < 0)
        return;
    if (hard)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    close(fd);
}

int fault_link_connect(const struct fault_core *core)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

    if (fd < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(fd, (const struct sockaddr *)&core->target, sizeof(core->target)) != 0 &&
        errno != EINPROGRESS) {
        close(fd);
        return -1;
    }
    return fd;
}

int fault_receive(int fd, struct wsm_buf *in)
{
    ssize_t count;

    if (!wsm_buf_reserve(in, ROOM))
        return -1;
    count = recv(fd, wsm_buf_end(in), ROOM, MSG_DONTWAIT);
    if (count > 0)
        wsm_buf_added(in, (size_t)count);
    if (count >= 0)
        return count > 0 ? 1 : 2;
    return errno == EAGAIN || errno == EINTR || errno == ENOTCONN ? 0 : -1;
}

static uint64_t next_random(struct fault_core *core)
{
    uint64_t value;

    payload_fill(++core->seed, 0, &value, sizeof(value));
    return value;
}

/* Small places lie in the first request or answer, the others anywhere. Few are small: after
 * each failure in a row the client waits longer. */
static struct fault_rule random_rule(struct fault_core *core)
{
    static const uint64_t small[SMALL_PLACES] = { 300, 3000 };
    uint64_t place = next_random(core) % PLACES;
    uint64_t most = place < SMALL_PLACES ? small[place] : core->most * (place % 2 == 0 ? 1 : 4);

    return (struct fault_rule){ .is_armed = true,
                                .way = (enum fault_way)(next_random(core) % FAULT_WAYS),
                                .at = next_random(core) % most + 1,
                                .manner = (enum fault_manner)(next_random(core) % FAULT_HOLE) };
}

void fault_link_start(struct fault_core *core, int client)
{
    struct fault_link *link = calloc(1, sizeof(*link));
    int on = 1;

    core->counters[FAULT_CONNECTIONS]++;
    if (link == NULL || core->refuses) {
        fault_close(client, true);
        free(link);
        return;
    }
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    link->core = core;
    link->fds[FAULT_UP] = client;
    link->fds[FAULT_DOWN] = fault_link_connect(core);
    link->relay.copy_fd = -1;
    link->rule = core->is_random ? random_rule(core) : core->each;
    if (core->copy != FAULT_COPY_OFF || core->folder[0] != '\0')
        link->state = FAULT_RELAYING;
    wsm_list_add(&core->links, &link->node);
    core->counters[FAULT_OPEN]++;
    if (link->fds[FAULT_DOWN] < 0)
        fault_link_end(link, true);
}

void fault_link_end(struct fault_link *link, bool hard)
{
    if (link->state == FAULT_OVER)
        return;
    for (int way = 0; way < FAULT_WAYS; way++) {
        fault_close(link->fds[way], hard);
        link->fds[way] = -1;
    }
    fault_close(link->relay.copy_fd, hard);
    link->relay.copy_fd = -1;
    link->state = FAULT_OVER;
    link->core->counters[FAULT_OPEN]--;
}

void fault_link_free(struct fault_link *link)
{
    fault_link_end(link, true);
    wsm_list_remove(&link->node);
    for (int way = 0; way < FAULT_WAYS; way++) {
        wsm_buf_clear(&link->flows[way].bytes);
        wsm_buf_clear(&link->relay.answers[way]);
    }
    wsm_buf_clear(&link->relay.request);
    free(link);
}

/* ---- cutting ---- */

static void drop(struct fault_link *link, int64_t until_ms, size_t left, bool ends_hard)
{
    link->state = FAULT_DROPPING;
    link->until_ms = until_ms;
    link->drop_left = left;
    link->ends_hard = ends_hard;
}

void fault_link_cut(struct fault_link *link, enum fault_way way, enum fault_manner manner,
                    int64_t now_ms)
{
    int *source = &link->fds[way], *sink = &link->fds[FAULT_DOWN - way];

    link->core->counters[FAULT_CUTS]++;
    switch (manner) {
    case FAULT_SWALLOW:
        drop(link, now_ms + SWALLOW_MS, SWALLOW_MAX, true);
        break;
    case FAULT_END:
        fault_close(*source, true);
        *source = -1;
        shutdown(*sink, SHUT_WR);
        drop(link, now_ms + ORDERLY_MS, SIZE_MAX, false);
        break;
    case FAULT_CLOSE:
        shutdown(*source, SHUT_WR);
        shutdown(*sink, SHUT_WR);
        drop(link, now_ms + ORDERLY_MS, SIZE_MAX, false);
        break;
    case FAULT_HOLE:
        drop(link, 0, SIZE_MAX, false);
        break;
    case FAULT_RESET:
    case FAULT_MANNERS:
        fault_link_end(link, true);
        break;
    }
}

/* Reads and drops what comes until both have ended, the time is over, or enough has come. */
static void run_dropping(struct fault_link *link, int64_t now_ms)
{
    for (int way = 0; way < FAULT_WAYS; way++) {
        struct wsm_buf *bytes = &link->flows[way].bytes;
        int result;

        if (link->fds[way] < 0)
            continue;
        wsm_buf_reset(bytes);
        result = fault_receive(link->fds[way], bytes);
        link->drop_left -= bytes->len < link->drop_left ? bytes->len : link->drop_left;
        if (result == -1 || result == 2) {
            fault_close(link->fds[way], link->ends_hard);
            link->fds[way] = -1;
        }
    }
    if (link->fds[FAULT_UP] < 0 && link->fds[FAULT_DOWN] < 0)
        fault_link_end(link, false);
    else if (link->drop_left == 0 || (link->until_ms != 0 && now_ms >= link->until_ms))
        fault_link_end(link, true);
}

/* ---- passing ---- */

static void at_most(uint64_t *count, uint64_t limit, uint64_t passed)
{
    uint64_t left = limit > passed ? limit - passed : 0;

    if (*count > left)
        *count = left;
}

/* How many of the bytes that wait may go now? */
static size_t allowance(const struct fault_link *link, enum fault_way way)
{
    const struct fault_core *core = link->core;
    const struct fault_flow *flow = &link->flows[way];
    uint64_t total = core->counters[FAULT_PASSED_UP + way], count = flow->bytes.len;

    if (link->rule.is_armed && link->rule.way == way)
        at_most(&count, link->rule.at, flow->passed);
    if (core->once.is_armed && core->once.way == way)
        at_most(&count, core->once.at, total);
    if (core->is_held[way])
        at_most(&count, core->hold_at[way], total);
    if (core->pace[way] != 0)
        at_most(&count, (uint64_t)core->budget[way], 0);
    return (size_t)count;
}

static void cut_if_due(struct fault_link *link, enum fault_way way, int64_t now_ms)
{
    struct fault_core *core = link->core;
    struct fault_rule *once = &core->once;

    if (once->is_armed && once->way == way && core->counters[FAULT_PASSED_UP + way] >= once->at) {
        once->is_armed = false;
        fault_link_cut(link, way, once->manner, now_ms);
    } else if (link->rule.is_armed && link->rule.way == way &&
               link->flows[way].passed >= link->rule.at) {
        link->rule.is_armed = false;
        fault_link_cut(link, way, link->rule.manner, now_ms);
    }
}

static void push(struct fault_link *link, enum fault_way way, int64_t now_ms)
{
    struct fault_flow *flow = &link->flows[way];
    struct fault_core *core = link->core;
    size_t count = allowance(link, way);
    int sink = link->fds[FAULT_DOWN - way];

    if (count > 0) {
        ssize_t sent = send(sink, flow->bytes.ptr, count, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (sent < 0 && errno != EAGAIN && errno != EINTR && errno != ENOTCONN) {
            fault_link_end(link, true);
            return;
        }
        if (sent > 0) {
            flow->passed += (uint64_t)sent;
            core->counters[FAULT_PASSED_UP + way] += (uint64_t)sent;
            core->budget[way] -= (double)sent;
            wsm_buf_consume(&flow->bytes, (size_t)sent);
        }
    }
    cut_if_due(link, way, now_ms);
    if (link->state == FAULT_PASSING && flow->has_ended && flow->bytes.len == 0 && !flow->is_shut) {
        flow->is_shut = true;
        shutdown(sink, SHUT_WR);
    }
}

static void run_passing(struct fault_link *link, int64_t now_ms)
{
    for (int way = 0; way < FAULT_WAYS; way++) {
        struct fault_flow *flow = &link->flows[way];
        int result = 0;

        if (!flow->has_ended && flow->bytes.len < ROOM)
            result = fault_receive(link->fds[way], &flow->bytes);
        if (result == -1) {
            fault_link_end(link, true);
            return;
        }
        flow->has_ended |= result == 2;
    }
    for (int way = 0; way < FAULT_WAYS && link->state == FAULT_PASSING; way++)
        push(link, (enum fault_way)way, now_ms);
    if (link->state == FAULT_PASSING && link->flows[FAULT_UP].is_shut &&
        link->flows[FAULT_DOWN].is_shut)
        fault_link_end(link, false);
}

void fault_link_run(struct fault_link *link, int64_t now_ms)
{
    switch (link->state) {
    case FAULT_PASSING:
        run_passing(link, now_ms);
        break;
    case FAULT_DROPPING:
        run_dropping(link, now_ms);
        break;
    case FAULT_RELAYING:
        fault_relay_run(link);
        break;
    case FAULT_OVER:
        break;
    }
}

/* An entry without events would still report a hang-up, again and again. */
static struct pollfd poll_of(int fd, int events)
{
    return (struct pollfd){ .fd = events == 0 ? -1 : fd, .events = (short)events };
}

int fault_link_prepare(struct fault_link *link, struct pollfd *polls, int64_t now_ms)
{
    bool drops = link->state == FAULT_DROPPING;
    int events[FAULT_WAYS] = { 0, 0 }, wait = -1;

    link->polls = polls;
    polls[FAULT_WAYS] = poll_of(-1, 0);
    if (link->state == FAULT_RELAYING) {
        fault_relay_prepare(link, polls);
        return -1;
    }
    for (int way = 0; way < FAULT_WAYS; way++) {
        const struct fault_flow *flow = &link->flows[way];

        if (drops || (!flow->has_ended && flow->bytes.len < ROOM))
            events[way] |= POLLIN;
        if (!drops && allowance(link, (enum fault_way)way) > 0)
            events[FAULT_DOWN - way] |= POLLOUT;
        if (!drops && link->core->pace[way] != 0 && flow->bytes.len > 0)
            wait = PACE_MS;
    }
    for (int way = 0; way < FAULT_WAYS; way++)
        polls[way] = poll_of(link->fds[way], events[way]);
    if (drops && link->until_ms != 0)
        wait = link->until_ms > now_ms ? (int)(link->until_ms - now_ms) : 0;
    return wait;
}
