/* Pipes between the host and a command. The host's only thread. Neither reads nor writes:
 * command.c does. */
#include "host/pipe.h"

#include "wsmerror.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

bool wsm_pipe_open(struct wsm_pipe *pipe, int epoll_fd, bool is_input, int *out_theirs,
                   struct wsm_error *err)
{
    int fds[2];
    int ours;
    int theirs;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return wsm_fail(err, ERROR_OUTOFMEMORY, "pipe: %s", strerror(errno));
    ours = fds[is_input ? 1 : 0];
    theirs = fds[is_input ? 0 : 1];
    fcntl(ours, F_SETFL, O_NONBLOCK); /* of this end only: theirs is another description */
    /* Edge-triggered: we use a pipe until it is empty or full, and one that is held back
     * must not wake us. */
    if (is_input) {
        pipe->source.fd = ours;
    } else if (!wsm_source_open(&pipe->source, epoll_fd, ours, EPOLLIN | EPOLLET, err)) {
        close(ours);
        close(theirs);
        return false;
    }
    *out_theirs = theirs;
    return true;
}

bool wsm_pipe_watch_input(struct wsm_pipe *pipe, int epoll_fd, struct wsm_error *err)
{
    return pipe->source.events != 0 ||
           wsm_source_open(&pipe->source, epoll_fd, pipe->source.fd, EPOLLOUT | EPOLLET, err);
}

static void shrunk(struct wsm_pipe *pipe, size_t *grown)
{
    if (pipe->is_grown)
        (*grown)--;
    pipe->is_grown = false;
}

void wsm_pipe_close(struct wsm_pipe *pipe, size_t *grown)
{
    shrunk(pipe, grown);
    wsm_source_close(&pipe->source);
}

void wsm_pipe_used(struct wsm_pipe *pipe, bool was_full, int64_t now_ms, size_t *grown)
{
    pipe->full_in_a_row = was_full ? pipe->full_in_a_row + 1 : 0;
    if (!was_full)
        return;
    pipe->used_ms = now_ms;
    if (pipe->full_in_a_row != 2 || pipe->is_grown || *grown == WSM_PIPES_GROWN_MAX)
        return;
    if (fcntl(pipe->source.fd, F_SETPIPE_SZ, WSM_PIPE_GROWN) < 0)
        return; /* the user's share is used up: it works as it is */
    pipe->is_grown = true;
    (*grown)++;
}

void wsm_pipe_rest(struct wsm_pipe *pipe, int64_t now_ms, size_t *grown)
{
    if (!pipe->is_grown || now_ms - pipe->used_ms < WSM_PIPE_QUIET_MS)
        return;
    if (fcntl(pipe->source.fd, F_SETPIPE_SZ, WSM_PIPE_DEFAULT) < 0)
        return; /* holds more: not quiet yet */
    shrunk(pipe, grown);
    pipe->full_in_a_row = 0;
}
