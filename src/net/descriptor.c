/* Moves descriptors off 0, 1 and 2. Any thread. */
#include "net/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int wsm_descriptor_raise(int fd)
{
    int raised;
    int cause;

    if (fd < 0 || fd > STDERR_FILENO)
        return fd;
    raised = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    cause = errno;
    close(fd);
    errno = cause;
    return raised;
}

/* open() takes the lowest that is free. Where it fails the calls that follow fail as well. */
void wsm_descriptor_hold(struct wsm_descriptor_hold *hold)
{
    hold->count = 0;
    for (int fd = 0; fd <= STDERR_FILENO; fd++) {
        int got = fcntl(fd, F_GETFD) < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC) : -1;

        if (got > STDERR_FILENO) /* another thread was faster */
            close(got);
        else if (got >= 0)
            hold->held[hold->count++] = got;
    }
}

void wsm_descriptor_release(struct wsm_descriptor_hold *hold)
{
    while (hold->count > 0)
        close(hold->held[--hold->count]);
}
