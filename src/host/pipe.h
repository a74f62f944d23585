/* Pipes between the host and a command: ours is one end. Starts at the system's default
 * size; one that is full twice in a row grows, a few at a time, until it is quiet.
 * The host's only thread. */
#ifndef WSM_HOST_PIPE_H
#define WSM_HOST_PIPE_H

#include "base/error.h"
#include "host/loop.h"

#include <stddef.h>

enum {
    WSM_PIPE_DEFAULT = 64 * 1024,
    WSM_PIPE_GROWN = 1024 * 1024,
    WSM_PIPES_GROWN_MAX = 4, /* of one host: an unprivileged user has 64 MiB in all */
    WSM_PIPE_QUIET_MS = 1000,
};

struct wsm_pipe {
    struct wsm_source source;
    unsigned full_in_a_row;
    bool is_grown;
    bool is_held_back; /* not read to its end for want of room or memory */
    bool has_more;     /* nor because others have their turn: at once again */
    int64_t used_ms;   /* when it last was full */
};

#define WSM_PIPE_INIT             \
    {                             \
        .source = WSM_SOURCE_INIT \
    }

/* Opens a pipe: our end, non-blocking and, unless it is for input, waited for, into
 * pipe->source (whose kind and owner the caller sets); the command's end is the caller's
 * to close. */
bool wsm_pipe_open(struct wsm_pipe *pipe, int epoll_fd, bool is_input, int *out_theirs,
                   struct wsm_error *err) WSM_MUST_CHECK;
/* From now on room in the pipe, and its end, wake the loop. */
bool wsm_pipe_watch_input(struct wsm_pipe *pipe, int epoll_fd,
                          struct wsm_error *err) WSM_MUST_CHECK;
/* grown: how many pipes of the host are grown. */
void wsm_pipe_close(struct wsm_pipe *pipe, size_t *grown);
/* Was the pipe full when we came? Grows it if so for the second time in a row. */
void wsm_pipe_used(struct wsm_pipe *pipe, bool was_full, int64_t now_ms, size_t *grown);
/* Shrinks the pipe if it has been quiet for long enough. */
void wsm_pipe_rest(struct wsm_pipe *pipe, int64_t now_ms, size_t *grown);

#endif
