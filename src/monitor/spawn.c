/* Starts our other programs with posix_spawn. The monitor's only thread; reaps nothing. */
#include "monitor/spawn.h"

#include "wsmerror.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Beside this program, then where an installed tree has it, wherever that was put, then
 * where this build would install it. */
bool wsm_program_find(const char *name, char **out_path, struct wsm_error *err)
{
    static const char *const folders[] = { "", WSM_SBIN_TO_LIBEXEC "/", WSM_LIBEXECDIR "/" };
    char self[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (len < 0)
        return wsm_fail(err, ERROR_INTERNAL_ERROR, "/proc/self/exe: %s", strerror(errno));
    while (len > 0 && self[len - 1] != '/')
        len--;
    self[len] = '\0';
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        char *path;

        if (asprintf(&path, "%s%s%s", *folders[i] == '/' ? "" : self, folders[i], name) < 0)
            return wsm_fail_memory(err, "program path");
        if (access(path, X_OK) == 0) {
            *out_path = path;
            return true;
        }
        free(path);
    }
    return wsm_fail(err, ERROR_FILE_NOT_FOUND, "program %s is neither in %s nor in %s%s or %s",
                    name, self, self, WSM_SBIN_TO_LIBEXEC, WSM_LIBEXECDIR);
}

static int set_attributes(posix_spawnattr_t *attributes, enum wsm_spawn_group group)
{
    short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
    sigset_t all, none;

    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(attributes, &all);
    posix_spawnattr_setsigmask(attributes, &none);
    if (group == WSM_SPAWN_OWN_SESSION)
        flags |= POSIX_SPAWN_SETSID;
    else
        flags |= POSIX_SPAWN_SETPGROUP; /* group 0: its own */
    return posix_spawnattr_setflags(attributes, flags);
}

static int set_files(posix_spawn_file_actions_t *actions, const int *fds, size_t count)
{
    int error = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

    if (error == 0)
        error = posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    for (size_t i = 0; i < count && error == 0; i++)
        error = posix_spawn_file_actions_adddup2(actions, fds[i], WSM_SPAWN_FIRST_FD + (int)i);
    if (error == 0)
        error = posix_spawn_file_actions_addchdir_np(actions, "/");
    return error;
}

static bool spawn_with(const struct wsm_spawn *spawn, const int *fds, pid_t *out_pid,
                       struct wsm_error *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int error;

    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    error = set_files(&actions, fds, spawn->fd_count);
    if (error == 0)
        error = set_attributes(&attributes, spawn->group);
    if (error == 0)
        error = posix_spawn(out_pid, spawn->path, &actions, &attributes, spawn->argv,
                            spawn->environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return error == 0 ||
           wsm_fail(err, ERROR_INTERNAL_ERROR, "starting %s: %s", spawn->path, strerror(error));
}

bool wsm_spawn_run(const struct wsm_spawn *spawn, pid_t *out_pid, struct wsm_error *err)
{
    /* Duplicates above the targets: else one dup2 could overwrite the source of the next. */
    int copies[WSM_SPAWN_FDS_MAX] = { -1, -1, -1 };
    bool ok = false;
    pid_t pid;

    assert(spawn->fd_count <= WSM_SPAWN_FDS_MAX);
    for (size_t i = 0; i < spawn->fd_count; i++) {
        copies[i] = fcntl(spawn->fds[i], F_DUPFD_CLOEXEC, WSM_SPAWN_FIRST_FD + WSM_SPAWN_FDS_MAX);
        if (copies[i] < 0) {
            wsm_fail(err, ERROR_INTERNAL_ERROR, "starting %s: %s", spawn->path, strerror(errno));
            goto out;
        }
    }
    if (!spawn_with(spawn, copies, &pid, err))
        goto out;
    *out_pid = pid;
    ok = true;
out:
    for (size_t i = 0; i < spawn->fd_count; i++)
        if (copies[i] >= 0)
            close(copies[i]);
    return ok;
}
