/* Writes what callbacks deliver. Runs on the library's callback threads, one at a time;
 * only the cancelling comes from the main thread, through an eventfd. */
#include "output.h"

#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* A second description of the same pipe or terminal, which may be non-blocking without
 * any effect on those who share `fd`. -1 where there is none. */
static int reopen(int fd)
{
    struct stat st;
    char *path;
    int again;

    if (fstat(fd, &st) != 0 || (!S_ISFIFO(st.st_mode) && !isatty(fd)))
        return -1;
    path = wsm_cli_format("/proc/self/fd/%d", fd);
    again = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    free(path);
    return again;
}

bool wsm_cli_output_open(struct wsm_cli_output *output, int out_fd, int err_fd)
{
    *output = (struct wsm_cli_output){ .fds = { out_fd, err_fd } };
    output->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (output->cancel_fd < 0)
        return false;
    for (int i = 0; i < WSM_CLI_STREAM_COUNT; i++) {
        int again = reopen(output->fds[i]);

        if (again < 0)
            continue;
        output->fds[i] = again;
        output->is_ours[i] = true;
    }
    return true;
}

/* Waits for room. Returns 0 or ECANCELED. */
static int wait_for_room(const struct wsm_cli_output *output, int fd)
{
    struct pollfd fds[] = {
        { .fd = fd, .events = POLLOUT },
        { .fd = output->cancel_fd, .events = POLLIN },
    };

    while (poll(fds, 2, -1) < 0)
        if (errno != EINTR)
            return errno;
    return fds[1].revents != 0 ? ECANCELED : 0;
}

static int write_all(const struct wsm_cli_output *output, int fd, const char *data, size_t len,
                     size_t *out_written)
{
    while (*out_written < len) {
        ssize_t written = write(fd, data + *out_written, len - *out_written);

        if (written >= 0) {
            *out_written += (size_t)written;
        } else if (errno == EAGAIN) {
            int error = wait_for_room(output, fd);

            if (error != 0)
                return error;
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

int wsm_cli_output_write(struct wsm_cli_output *output, enum wsm_cli_stream stream,
                         const void *data, size_t len, size_t *out_written)
{
    *out_written = 0;
    if (output->error == 0)
        output->error = write_all(output, output->fds[stream], data, len, out_written);
    return output->error;
}

void wsm_cli_output_cancel(struct wsm_cli_output *output)
{
    eventfd_write(output->cancel_fd, 1);
}

void wsm_cli_output_await_cancel(const struct wsm_cli_output *output)
{
    struct pollfd cancelled = { .fd = output->cancel_fd, .events = POLLIN };

    while (poll(&cancelled, 1, -1) < 0 && errno == EINTR)
        ;
}

void wsm_cli_output_close(struct wsm_cli_output *output)
{
    for (int i = 0; i < WSM_CLI_STREAM_COUNT; i++)
        if (output->is_ours[i])
            close(output->fds[i]);
    close(output->cancel_fd);
}
