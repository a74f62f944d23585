/* The fault proxy's loop and the lines that tell it what to do. One thread, poll(). */
#include "fault_proxy.h"

#include "fault_link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    LINE_MAX_BYTES = 1024,
    WORDS_MAX = 4,
    FIXED_POLLS = 2, /* the lines, the listener */
    PACE_BURST_MS = 50,
    TELL_S = 60,
};

struct loop {
    struct fault_core core;
    int listener, in, out;
    struct wsm_buf lines; /* owned: not yet obeyed */
    int awaited;          /* a counter, -1 = none; lines wait meanwhile */
    uint64_t awaited_value;
    struct pollfd *polls; /* owned */
    size_t polls_cap;
    bool has_news; /* a line was obeyed: connections may have something to do */
    bool is_over;
};

static const char *const counter_names[FAULT_COUNTERS] = { "connections", "open", "cuts", "copies",
                                                           "held",        "up",   "down" };

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- lines ---- */

static int find(const char *const *names, int count, const char *name)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0)
            return i;
    }
    return -1;
}

static bool number(const char *text, uint64_t *out)
{
    char *end;

    errno = 0;
    *out = strtoull(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
}

static bool way_of(const char *word, enum fault_way *out)
{
    static const char *const names[] = { "up", "down" };
    int way = find(names, FAULT_WAYS, word);

    if (way >= 0)
        *out = (enum fault_way)way;
    return way >= 0;
}

static bool rule_of(char **words, uint64_t from[FAULT_WAYS], struct fault_rule *out)
{
    static const char *const names[] = { "reset", "swallow", "end", "close", "hole" };
    struct fault_rule rule = { .is_armed = true };
    int manner = find(names, FAULT_MANNERS, words[2]);

    if (strcmp(words[0], "off") == 0) {
        *out = (struct fault_rule){ 0 };
        return true;
    }
    if (!way_of(words[0], &rule.way) || !number(words[1], &rule.at) || manner < 0)
        return false;
    rule.manner = (enum fault_manner)manner;
    if (from != NULL)
        rule.at += from[rule.way];
    *out = rule;
    return true;
}

static bool do_cut(struct loop *loop, char **words)
{
    return rule_of(words, &loop->core.counters[FAULT_PASSED_UP], &loop->core.once);
}

static bool do_each(struct loop *loop, char **words)
{
    return rule_of(words, NULL, &loop->core.each);
}

static bool do_random(struct loop *loop, char **words)
{
    struct fault_core *core = &loop->core;
    uint64_t seed = 0, most = 0;

    core->is_random = strcmp(words[0], "off") != 0;
    if (core->is_random && (!number(words[0], &seed) || !number(words[1], &most) || most == 0))
        return false;
    core->seed = seed << 32; /* neighbours have nothing in common */
    core->most = most;
    return true;
}

static bool do_hold(struct loop *loop, char **words)
{
    enum fault_way way;
    uint64_t at;

    if (!way_of(words[0], &way) || !number(words[1], &at))
        return false;
    loop->core.is_held[way] = true;
    loop->core.hold_at[way] = at + loop->core.counters[FAULT_PASSED_UP + way];
    return true;
}

static bool do_release(struct loop *loop, char **words)
{
    (void)words;
    memset(loop->core.is_held, 0, sizeof(loop->core.is_held));
    return true;
}

static bool do_pace(struct loop *loop, char **words)
{
    enum fault_way way;
    uint64_t rate;

    if (!way_of(words[0], &way) || !number(words[1], &rate))
        return false;
    loop->core.pace[way] = rate;
    loop->core.budget[way] = 0;
    return true;
}

static bool cut_all(struct loop *loop, enum fault_manner manner)
{
    struct wsm_list *node;

    WSM_LIST_FOREACH (node, &loop->core.links) {
        struct fault_link *link = WSM_CONTAINER_OF(node, struct fault_link, node);

        if (link->state != FAULT_OVER)
            fault_link_cut(link, FAULT_UP, manner, now_ms());
    }
    return true;
}

static bool do_hole(struct loop *loop, char **words)
{
    (void)words;
    return cut_all(loop, FAULT_HOLE);
}

static bool do_reset(struct loop *loop, char **words)
{
    (void)words;
    return cut_all(loop, FAULT_RESET);
}

static bool do_refuse(struct loop *loop, char **words)
{
    loop->core.refuses = strcmp(words[0], "on") == 0;
    return loop->core.refuses || strcmp(words[0], "off") == 0;
}

static bool do_copy(struct loop *loop, char **words)
{
    static const char *const names[] = { "off", "first", "second" };
    int copy = find(names, 3, words[0]);

    if (copy < 0 || strlen(words[1]) >= sizeof(loop->core.copy_text) ||
        (copy != FAULT_COPY_OFF && words[1][0] == '\0'))
        return false;
    loop->core.copy = (enum fault_copy)copy;
    memcpy(loop->core.copy_text, words[1], strlen(words[1]) + 1);
    return true;
}

static bool do_record(struct loop *loop, char **words)
{
    size_t len = strlen(words[0]);

    if (len == 0 || len >= sizeof(loop->core.folder))
        return false;
    memcpy(loop->core.folder, words[0], len + 1);
    return true;
}

static bool do_status(struct loop *loop, char **words)
{
    (void)loop;
    (void)words;
    return true;
}

static bool do_await(struct loop *loop, char **words)
{
    int counter = find(counter_names, FAULT_COUNTERS, words[0]);

    if (counter < 0 || !number(words[1], &loop->awaited_value))
        return false;
    loop->awaited = counter;
    return true;
}

static const struct verb {
    const char *name;
    bool (*run)(struct loop *loop, char **words); /* the words behind the verb; empty = absent */
} verbs[] = {
    { "cut", do_cut },     { "each", do_each },       { "random", do_random },
    { "hold", do_hold },   { "release", do_release }, { "pace", do_pace },
    { "hole", do_hole },   { "reset", do_reset },     { "refuse", do_refuse },
    { "copy", do_copy },   { "record", do_record },   { "status", do_status },
    { "await", do_await },
};

static void answer(struct loop *loop, const char *text)
{
    size_t len = strlen(text);

    if (write(loop->out, text, len) != (ssize_t)len)
        loop->is_over = true;
}

static void answer_status(struct loop *loop)
{
    struct wsm_buf text = WSM_BUF_INIT;

    wsm_buf_append_str(&text, "ok");
    for (int i = 0; i < FAULT_COUNTERS; i++)
        wsm_buf_printf(&text, " %s=%" PRIu64, counter_names[i], loop->core.counters[i]);
    wsm_buf_append(&text, "\n", 2);
    if (wsm_buf_ok(&text))
        answer(loop, (const char *)text.ptr);
    wsm_buf_clear(&text);
}

static void obey(struct loop *loop, char *line)
{
    char *words[WORDS_MAX];
    bool is_good = false;

    for (size_t i = 0; i < WORDS_MAX; i++) {
        char *word = line == NULL ? NULL : strsep(&line, " ");

        words[i] = word == NULL ? "" : word;
    }
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(verbs[i].name, words[0]) == 0)
            is_good = line == NULL && verbs[i].run(loop, words + 1);
    }
    if (!is_good)
        answer(loop, "error: see fault_proxy.h\n");
    else if (loop->awaited < 0)
        answer_status(loop);
}

static void obey_lines(struct loop *loop)
{
    uint8_t *end;

    if (loop->awaited >= 0) {
        if (loop->core.counters[loop->awaited] < loop->awaited_value)
            return;
        loop->awaited = -1;
        answer_status(loop);
    }
    while (loop->awaited < 0 && loop->lines.len > 0 &&
           (end = memchr(loop->lines.ptr, '\n', loop->lines.len)) != NULL) {
        size_t len = (size_t)(end - loop->lines.ptr);

        *end = '\0';
        obey(loop, (char *)loop->lines.ptr);
        loop->has_news = true;
        wsm_buf_consume(&loop->lines, len + 1);
        if (loop->awaited >= 0)
            obey_lines(loop); /* it may hold already */
    }
    if (loop->lines.len > LINE_MAX_BYTES)
        loop->is_over = true;
}

static void read_lines(struct loop *loop)
{
    ssize_t count;

    if (!wsm_buf_reserve(&loop->lines, LINE_MAX_BYTES)) {
        loop->is_over = true;
        return;
    }
    count = read(loop->in, wsm_buf_end(&loop->lines), LINE_MAX_BYTES);
    if (count > 0)
        wsm_buf_added(&loop->lines, (size_t)count);
    else if (count == 0 || errno != EINTR)
        loop->is_over = true;
}

/* ---- the loop ---- */

static void accept_all(struct loop *loop)
{
    int fd;

    while ((fd = accept4(loop->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
        fault_link_start(&loop->core, fd);
}

static void refill_budgets(struct fault_core *core, int64_t now)
{
    int64_t past = now - core->paced_ms;

    core->paced_ms = now;
    for (int way = 0; way < FAULT_WAYS; way++) {
        double most = (double)core->pace[way] * PACE_BURST_MS / 1000 + 1;

        core->budget[way] += (double)core->pace[way] * (double)past / 1000;
        if (core->budget[way] > most)
            core->budget[way] = most;
    }
}

/* Runs all connections and forgets those that are over. */
static void run_links(struct loop *loop)
{
    struct fault_core *core = &loop->core;
    int64_t now = now_ms();
    struct wsm_list *node, *tmp;

    refill_budgets(core, now);
    core->counters[FAULT_HELD] = 0;
    WSM_LIST_FOREACH_SAFE (node, tmp, &core->links) {
        struct fault_link *link = WSM_CONTAINER_OF(node, struct fault_link, node);

        fault_link_run(link, now);
        for (int way = 0; way < FAULT_WAYS; way++) {
            if (link->state == FAULT_PASSING && core->is_held[way] &&
                link->flows[way].bytes.len > 0 &&
                core->counters[FAULT_PASSED_UP + way] >= core->hold_at[way])
                core->counters[FAULT_HELD]++;
        }
        if (link->state == FAULT_OVER)
            fault_link_free(link);
    }
}

static bool reserve_polls(struct loop *loop, size_t count)
{
    struct pollfd *polls;

    if (count <= loop->polls_cap)
        return true;
    polls = realloc(loop->polls, 2 * count * sizeof(*polls));
    if (polls == NULL)
        return false;
    loop->polls = polls;
    loop->polls_cap = 2 * count;
    return true;
}

/* Waits for something to do. */
static bool wait_for_events(struct loop *loop)
{
    size_t count = FIXED_POLLS;
    struct wsm_list *node;
    int wait = loop->has_news ? 0 : -1;

    loop->has_news = false;
    if (!reserve_polls(loop, FIXED_POLLS + FAULT_FDS * (size_t)loop->core.counters[FAULT_OPEN]))
        return false;
    loop->polls[0] = (struct pollfd){ .fd = loop->in, .events = POLLIN };
    loop->polls[1] = (struct pollfd){ .fd = loop->listener, .events = POLLIN };
    WSM_LIST_FOREACH (node, &loop->core.links) {
        struct fault_link *link = WSM_CONTAINER_OF(node, struct fault_link, node);
        int most;

        if (link->state == FAULT_OVER) /* by a line, a moment ago */
            continue;
        most = fault_link_prepare(link, loop->polls + count, now_ms());
        if (most >= 0 && (wait < 0 || most < wait))
            wait = most;
        count += FAULT_FDS;
    }
    return poll(loop->polls, count, wait) >= 0 || errno == EINTR;
}

static bool target_of(const char *text, struct sockaddr_in *out)
{
    const char *colon = strrchr(text, ':');
    char address[INET_ADDRSTRLEN] = "";
    uint64_t port;

    if (colon == NULL || (size_t)(colon - text) >= sizeof(address) || !number(colon + 1, &port) ||
        port > UINT16_MAX)
        return false;
    memcpy(address, text, (size_t)(colon - text));
    *out = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    return inet_pton(AF_INET, address, &out->sin_addr) == 1;
}

bool fault_proxy_serve(int listener, const char *target, int in, int out)
{
    struct loop loop = { .listener = listener, .in = in, .out = out, .awaited = -1 };
    struct wsm_list *node, *tmp;
    bool is_good = true;

    wsm_list_init(&loop.core.links);
    loop.core.paced_ms = now_ms();
    if (!target_of(target, &loop.core.target)) {
        fprintf(stderr, "fault-proxy: not ADDRESS:PORT: %s\n", target);
        return false;
    }
    while (is_good && !loop.is_over) {
        is_good = wait_for_events(&loop);
        if (is_good && loop.polls[0].revents != 0)
            read_lines(&loop);
        if (is_good && loop.polls[1].revents != 0)
            accept_all(&loop);
        run_links(&loop);
        obey_lines(&loop);
    }
    if (!is_good)
        perror("fault-proxy");
    WSM_LIST_FOREACH_SAFE (node, tmp, &loop.core.links)
        fault_link_free(WSM_CONTAINER_OF(node, struct fault_link, node));
    wsm_buf_clear(&loop.lines);
    free(loop.polls);
    return is_good;
}

int fault_proxy_listen(uint16_t *out_port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, SOMAXCONN) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        perror("fault-proxy");
        if (fd >= 0)
            close(fd);
        return -1;
    }
    *out_port = ntohs(address.sin_port);
    return fd;
}

/* ---- on a thread ---- */

static void *thread_main(void *argument)
{
    struct fault_proxy *proxy = argument;

    (void)fault_proxy_serve(proxy->listener, proxy->target, proxy->ends[1], proxy->ends[1]);
    return NULL;
}

bool fault_proxy_start(struct fault_proxy *proxy, const char *target)
{
    const struct timeval most = { .tv_sec = TELL_S };

    *proxy = (struct fault_proxy){ .target = target, .ends = { -1, -1 } };
    proxy->listener = fault_proxy_listen(&proxy->port);
    if (proxy->listener < 0)
        return false;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, proxy->ends) == 0 &&
        setsockopt(proxy->ends[0], SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most)) == 0 &&
        pthread_create(&proxy->thread, NULL, thread_main, proxy) == 0)
        return true;
    perror("fault-proxy");
    close(proxy->listener);
    fault_close(proxy->ends[0], false);
    fault_close(proxy->ends[1], false);
    return false;
}

bool fault_proxy_tell(struct fault_proxy *proxy, const char *format, ...)
{
    char line[LINE_MAX_BYTES];
    size_t len = 0;
    va_list args;
    int count;

    va_start(args, format);
    count = vsnprintf(line, sizeof(line) - 1, format, args);
    va_end(args);
    proxy->reply[0] = '\0';
    if (count < 0 || (size_t)count >= sizeof(line) - 1)
        return false;
    line[count++] = '\n';
    if (send(proxy->ends[0], line, (size_t)count, MSG_NOSIGNAL) != count)
        return false;
    while (len == 0 || proxy->reply[len - 1] != '\n') {
        ssize_t got = recv(proxy->ends[0], proxy->reply + len, sizeof(proxy->reply) - 1 - len, 0);

        if (got <= 0)
            return false;
        len += (size_t)got;
    }
    proxy->reply[len - 1] = '\0';
    return strncmp(proxy->reply, "ok", 2) == 0;
}

uint64_t fault_proxy_count(struct fault_proxy *proxy, const char *counter)
{
    char name[32];
    const char *place;

    snprintf(name, sizeof(name), " %s=", counter);
    if (!fault_proxy_tell(proxy, "status"))
        return 0;
    place = strstr(proxy->reply, name);
    return place == NULL ? 0 : strtoull(place + strlen(name), NULL, 10);
}

void fault_proxy_stop(struct fault_proxy *proxy)
{
    shutdown(proxy->ends[0], SHUT_WR);
    pthread_join(proxy->thread, NULL);
    close(proxy->ends[0]);
    close(proxy->ends[1]);
    close(proxy->listener);
}
