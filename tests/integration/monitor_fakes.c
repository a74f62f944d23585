/* Stand-ins for winrmd-net and winrmd-shell. The fake net hands its channel to the test,
 * which then speaks in its place; the fake host tells each client how it was started. */
#include "monitor_fakes.h"

#include "ipc/control_messages.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { HOST_SOCKET = 3, HOST_CONNECTED = 4, HOST_WATCH = 5, CLIENTS_MAX = 16, FAILED = 99 };

extern char **environ;

static int send_channel(int control)
{
    const int channel = WSM_CONTROL_FD;
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } space = { .bytes = { 0 } };
    struct iovec part = { .iov_base = (void *)(uintptr_t) "net", .iov_len = 3 };
    struct msghdr message = { .msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = space.bytes,
                              .msg_controllen = sizeof(space.bytes) };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &channel, sizeof(channel));
    return sendmsg(control, &message, MSG_NOSIGNAL) == 3;
}

static int fake_net(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const char *path = getenv(WSM_FAKE_CONTROL);
    int control = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    struct pollfd wait = { .fd = WSM_CONTROL_FD, .events = 0 }; /* POLLHUP only */

    if (path == NULL || strlen(path) >= sizeof(address.sun_path))
        return FAILED;
    memcpy(address.sun_path, path, strlen(path));
    if (connect(control, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        !send_channel(control))
        return FAILED;
    while (poll(&wait, 1, -1) != 1 || (wait.revents & POLLHUP) == 0) {
    }
    return 0;
}

static int host_mode(void)
{
    char path[4096];
    ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
    char *slash;
    FILE *file;
    int mode;

    if (len < 0)
        return 'x';
    path[len] = '\0';
    slash = strrchr(path, '/');
    snprintf(slash + 1, sizeof(path) - (size_t)(slash + 1 - path), WSM_FAKE_HOST_MODE);
    file = fopen(path, "re");
    if (file == NULL)
        return 'l';
    mode = fgetc(file);
    fclose(file);
    return mode;
}

/* "argument\n…environment\n…cwd=…\n" in one packet. */
static void introduce(int client, int argc, char **argv)
{
    char text[8192], cwd[4096] = "";
    size_t used = 0;

    for (int i = 0; i < argc; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s\n", argv[i]);
    for (char **entry = environ; *entry != NULL; entry++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s\n", *entry);
    if (getcwd(cwd, sizeof(cwd)) != NULL)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "cwd=%s\nsid=%d\numask=%03o\n",
                                 cwd, getsid(0) == getpid(), umask(0));
    if (send(client, text, used, MSG_NOSIGNAL) < 0)
        return;
}

static int fake_host(int argc, char **argv)
{
    struct pollfd wait[2] = { { .fd = HOST_SOCKET, .events = POLLIN },
                              { .fd = -1, .events = POLLIN } };
    int mode = host_mode();

    if (mode == 'x')
        return 3;
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], "--watch-fd") == 0)
            wait[1].fd = HOST_WATCH;
    if (mode == 'l' && listen(HOST_SOCKET, 8) != 0)
        return FAILED;
    if (mode == 'n')
        wait[0].fd = -1;
    introduce(HOST_CONNECTED, argc, argv);
    for (;;) {
        if (poll(wait, 2, -1) < 0)
            return FAILED;
        if (wait[1].revents != 0)
            return 0;
        if (wait[0].revents != 0) {
            int client = accept4(HOST_SOCKET, NULL, NULL, SOCK_CLOEXEC);

            if (client >= 0)
                introduce(client, argc, argv); /* stays open until this process ends */
        }
    }
}

int wsm_fake_main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/');
    const char *name = slash == NULL ? argv[0] : slash + 1;

    if (strcmp(name, "winrmd-net") == 0)
        return fake_net();
    if (strcmp(name, "winrmd-shell") == 0)
        return fake_host(argc, argv);
    return -1;
}
