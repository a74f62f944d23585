/* The floor of an exchange: the same hops as the service makes (TCP to a network
 * process, a SOCK_SEQPACKET frame to a host process, and back) with canned bytes and
 * nothing in between. Two processes, each one thread with epoll, as in the service.
 * It answers POST /ping at once, POST /run by starting `sh -c true` with three pipes,
 * POST /wait when that has ended and its pipes are drained. Loopback only.
 *
 * Usage: bench_floor    prints "listening on PORT"; ends at end of file on stdin. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { REQUEST_MAX = 64 * 1024, ANSWER_BODY = 700, CLIENTS_MAX = 64 };

static _Noreturn void die(const char *what)
{
    perror(what);
    exit(1);
}

/* --- the host: starts and waits for commands ----------------------------------- */

struct command {
    pid_t pid;
    int pipes[3]; /* our ends of stdin, stdout, stderr */
};

static void command_start(struct command *command)
{
    static char *const argv[] = { (char *)"sh", (char *)"-c", (char *)"true", NULL };
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int ends[3][2];
    int i;

    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    for (i = 0; i < 3; i++) {
        if (pipe2(ends[i], O_CLOEXEC) < 0)
            die("pipe2");
        posix_spawn_file_actions_adddup2(&actions, ends[i][i == 0 ? 0 : 1], i);
    }
    if (posix_spawn(&command->pid, "/bin/sh", &actions, &attributes, argv, environ) != 0)
        die("posix_spawn");
    for (i = 0; i < 3; i++) {
        close(ends[i][i == 0 ? 0 : 1]);
        command->pipes[i] = ends[i][i == 0 ? 1 : 0];
    }
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
}

static void command_wait(struct command *command)
{
    char sink[4096];
    int i;

    for (i = 1; i < 3; i++) {
        while (read(command->pipes[i], sink, sizeof(sink)) > 0)
            ;
    }
    for (i = 0; i < 3; i++)
        close(command->pipes[i]);
    while (waitpid(command->pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

static void host_run(int channel)
{
    struct command command = { .pid = 0 };
    char frame[1024];
    ssize_t got;
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = { .events = EPOLLIN };

    if (epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, channel, &event) < 0)
        die("epoll");
    for (;;) {
        if (epoll_wait(epoll_fd, &event, 1, -1) < 0)
            continue;
        got = recv(channel, frame, sizeof(frame), 0);
        if (got <= 0)
            exit(0);
        if (frame[0] == 'r')
            command_start(&command);
        else if (frame[0] == 'w')
            command_wait(&command);
        if (send(channel, frame, (size_t)got, MSG_NOSIGNAL) < 0)
            exit(0);
    }
}

/* --- the network process -------------------------------------------------------- */

struct client {
    int fd;
    size_t len;
    char in[REQUEST_MAX];
};

static struct client *clients[CLIENTS_MAX];
static char answer[ANSWER_BODY + 256];
static size_t answer_len;

/* Length of the whole request at the start of `in`, 0 = not all there. */
static size_t request_len(const struct client *client)
{
    const char *end = memmem(client->in, client->len, "\r\n\r\n", 4);
    const char *field;
    size_t head;
    size_t body = 0;

    if (end == NULL)
        return 0;
    head = (size_t)(end - client->in) + 4;
    field = memmem(client->in, head, "Content-Length: ", 16);
    if (field != NULL)
        body = strtoul(field + 16, NULL, 10);
    return client->len >= head + body ? head + body : 0;
}

static bool client_read(struct client *client, int channel, int index)
{
    ssize_t got = recv(client->fd, client->in + client->len, sizeof(client->in) - client->len, 0);
    char frame[256] = { 0 };
    size_t used;

    if (got <= 0)
        return false;
    client->len += (size_t)got;
    used = request_len(client);
    if (used == 0)
        return true;
    frame[0] = client->in[sizeof("POST /") - 1];
    frame[1] = (char)index;
    memmove(client->in, client->in + used, client->len - used);
    client->len -= used;
    return send(channel, frame, sizeof(frame), MSG_NOSIGNAL) > 0;
}

static void net_accept(int listener, int epoll_fd)
{
    int one = 1;
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    int i;

    if (fd < 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    for (i = 0; i < CLIENTS_MAX; i++) {
        if (clients[i] == NULL) {
            struct epoll_event event = { .events = EPOLLIN, .data.u32 = (uint32_t)i };

            clients[i] = calloc(1, sizeof(*clients[i]));
            if (clients[i] == NULL)
                die("calloc");
            clients[i]->fd = fd;
            epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
            return;
        }
    }
    close(fd);
}

static void net_run(int listener, int channel)
{
    enum { LISTENER = 1000, CHANNEL, STARTER };
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    const int fds[] = { listener, channel, STDIN_FILENO };
    struct epoll_event event;
    uint32_t i;

    for (i = 0; i < 3; i++) {
        event = (struct epoll_event){ .events = EPOLLIN, .data.u32 = LISTENER + i };
        if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fds[i], &event) < 0)
            die("epoll_ctl");
    }
    for (;;) {
        char frame[256];

        if (epoll_wait(epoll_fd, &event, 1, -1) < 0)
            continue;
        if (event.data.u32 == LISTENER) {
            net_accept(listener, epoll_fd);
        } else if (event.data.u32 == STARTER) {
            exit(0);
        } else if (event.data.u32 == CHANNEL) {
            struct client *client;

            if (recv(channel, frame, sizeof(frame), 0) <= 0)
                exit(0);
            client = clients[(unsigned char)frame[1]];
            if (client != NULL && send(client->fd, answer, answer_len, MSG_NOSIGNAL) < 0)
                perror("send");
        } else if (!client_read(clients[event.data.u32], channel, (int)event.data.u32)) {
            close(clients[event.data.u32]->fd);
            free(clients[event.data.u32]);
            clients[event.data.u32] = NULL;
        }
    }
}

int main(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t address_len = sizeof(address);
    int channel[2];
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(listener, 16) < 0 ||
        getsockname(listener, (struct sockaddr *)&address, &address_len) < 0)
        die("listen");
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) < 0)
        die("socketpair");
    if (fork() == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(channel[0]);
        host_run(channel[1]);
    }
    close(channel[1]);
    answer_len = (size_t)snprintf(
        answer, sizeof(answer),
        "HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml;charset=UTF-8\r\n"
        "Content-Length: %d\r\n\r\n",
        ANSWER_BODY);
    memset(answer + answer_len, 'x', ANSWER_BODY);
    answer_len += ANSWER_BODY;
    printf("listening on %d\n", ntohs(address.sin_port));
    fflush(stdout);
    net_run(listener, channel[0]);
}
