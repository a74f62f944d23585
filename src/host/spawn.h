/* Starting the process of a command. */
#ifndef WSM_HOST_SPAWN_H
#define WSM_HOST_SPAWN_H

#include "base/error.h"
#include "base/span.h"
#include "host/environ.h"

#include <sys/resource.h>
#include <sys/types.h>

/* Limits that commands get and the host itself has not. */
struct wsm_spawn_limits {
    struct rlimit files; /* RLIMIT_NOFILE */
    struct rlimit core;
};

/* What to run. All borrowed. */
struct wsm_spawn {
    bool is_direct; /* else /bin/sh -c command */
    struct wsm_span command;
    struct wsm_span arguments; /* strings; is_direct only */
    const struct wsm_environ *environment;
    const struct wsm_spawn_limits *limits;
    int stdio[3]; /* descriptors for 0, 1, 2; -1 = /dev/null; stay the caller's */
};

/* The new process leads its own session and group, has default signal dispositions, an
 * empty signal mask, and no descriptor but 0, 1 and 2 as long as ours are close-on-exec. */
bool wsm_spawn(const struct wsm_spawn *what, pid_t *out_pid, struct wsm_error *err) WSM_MUST_CHECK;

#endif
