/* Starts our other programs. */
#ifndef WSM_MONITOR_SPAWN_H
#define WSM_MONITOR_SPAWN_H

#include "base/error.h"

#include <sys/types.h>

enum {
    WSM_SPAWN_FDS_MAX = 3, /* descriptors handed to a program, as 3, 4, 5 */
    WSM_SPAWN_FIRST_FD = 3,
};

/* The path of one of our programs: beside the running one, else in the libexec folder.
 * *out_path is owned by the caller. ERROR_FILE_NOT_FOUND names both places. */
bool wsm_program_find(const char *name, char **out_path, struct wsm_error *err) WSM_MUST_CHECK;

enum wsm_spawn_group {
    WSM_SPAWN_OWN_GROUP,   /* Ctrl-C at the terminal reaches the monitor only */
    WSM_SPAWN_OWN_SESSION, /* lives on without the terminal */
};

/* Everything borrowed during the call. */
struct wsm_spawn {
    const char *path;
    char *const *argv;        /* NULL-terminated */
    char *const *environment; /* NULL-terminated */
    const int *fds;           /* become 3, 4, … */
    size_t fd_count;
    enum wsm_spawn_group group;
};

/* Standard input and output are /dev/null, standard error is ours, signals are back to
 * their defaults, the working directory is "/". */
bool wsm_spawn_run(const struct wsm_spawn *spawn, pid_t *out_pid,
                   struct wsm_error *err) WSM_MUST_CHECK;

#endif
