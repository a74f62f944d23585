/* Starting the process of a command with posix_spawn, which does not copy the host's memory.
 * The host's only thread: limits are lent to the child by changing ours for a moment. */
#include "host/spawn.h"

#include "ipc/frame.h"
#include "wsmerror.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ARGUMENT_PAGES = 32 }; /* MAX_ARG_STRLEN of the kernel, which no header gives */

/* HRESULT of ERROR_FILE_NOT_FOUND: what Windows answers for a program it does not find. */
static const uint32_t error_not_found = 0x80070002U;
static const uint32_t error_bad_exe_format = 193; /* Win32 ERROR_BAD_EXE_FORMAT */
static const uint32_t error_too_long = 206;       /* Win32 ERROR_FILENAME_EXCED_RANGE */

/* What posix_spawn gets. strings: owned copies that argv points into. */
struct plan {
    char *command;
    char *found; /* path of the program, owned; NULL = argv[0] is the path */
    char **argv; /* owned, NULL-ended */
};

static void plan_clear(struct plan *plan)
{
    free(plan->command);
    free(plan->found);
    free(plan->argv);
}

static bool make_argv(struct plan *plan, const struct wsm_spawn *what, struct wsm_error *err)
{
    struct wsm_span rest = what->arguments;
    const char *argument;
    size_t count = 5; /* /bin/sh -c -- LINE NULL */

    for (; wsm_strings_next(&rest, &argument);)
        count++;
    plan->argv = calloc(count, sizeof(*plan->argv));
    if (plan->argv == NULL)
        return wsm_fail_memory(err, "command line");
    count = 0;
    if (!what->is_direct) {
        plan->argv[count++] = (char *)"/bin/sh";
        plan->argv[count++] = (char *)"-c";
        plan->argv[count++] = (char *)"--"; /* the line may begin with a dash */
    }
    plan->argv[count++] = plan->command;
    for (rest = what->arguments; what->is_direct && wsm_strings_next(&rest, &argument);)
        plan->argv[count++] = (char *)argument;
    return true;
}

static bool is_program(const char *path)
{
    struct stat status;

    return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0 && stat(path, &status) == 0 &&
           S_ISREG(status.st_mode);
}

/* Looks in the command's own PATH, as execvp() does in the caller's. */
static bool find_program(struct plan *plan, const struct wsm_environ *environment,
                         struct wsm_error *err)
{
    const char *path = wsm_environ_get(environment, "PATH");
    const char *end;

    if (plan->command[0] == '\0' || strchr(plan->command, '/') != NULL)
        return true;
    if (path == NULL)
        path = "/usr/local/bin:/usr/bin:/bin";
    for (;; path = end + 1) {
        end = strchrnul(path, ':');
        if (asprintf(&plan->found, "%.*s%s%s", (int)(end - path), path, end == path ? "" : "/",
                     plan->command) < 0) {
            plan->found = NULL;
            return wsm_fail_memory(err, "path of the program");
        }
        if (is_program(plan->found))
            return true;
        free(plan->found);
        plan->found = NULL;
        if (*end == '\0')
            break;
    }
    return wsm_fail(err, error_not_found, "cannot run '%s': not found in PATH", plan->command);
}

static bool make_plan(struct plan *plan, const struct wsm_spawn *what, struct wsm_error *err)
{
    if (what->command.len > 0 && memchr(what->command.ptr, 0, what->command.len) != NULL)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "the command holds NUL");
    if (!wsm_strings_are_valid(what->arguments))
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "the arguments are not a list of strings");
    plan->command = strndup(what->command.len == 0 ? "" : (const char *)what->command.ptr,
                            what->command.len);
    if (plan->command == NULL)
        return wsm_fail_memory(err, "command line");
    return make_argv(plan, what, err) &&
           (!what->is_direct || find_program(plan, what->environment, err));
}

static int set_stdio(posix_spawn_file_actions_t *actions, const int stdio[3])
{
    int error = 0;

    for (int fd = 0; fd < 3 && error == 0; fd++) {
        if (stdio[fd] >= 0)
            error = posix_spawn_file_actions_adddup2(actions, stdio[fd], fd);
        else
            error = posix_spawn_file_actions_addopen(actions, fd, "/dev/null",
                                                     fd == 0 ? O_RDONLY : O_WRONLY, 0);
    }
    return error;
}

static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t all;
    sigset_t none;
    int error;

    sigfillset(&all);
    sigemptyset(&none);
    error = posix_spawnattr_setsigdefault(attributes, &all);
    if (error == 0)
        error = posix_spawnattr_setsigmask(attributes, &none);
    if (error == 0)
        error = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF |
                                                         POSIX_SPAWN_SETSIGMASK);
    return error;
}

/* Our own limit with the soft value that the command is to have: the hard one, lowered,
 * could not be raised again. */
static struct rlimit lent(struct rlimit wanted, struct rlimit own)
{
    own.rlim_cur = wanted.rlim_cur < own.rlim_max ? wanted.rlim_cur : own.rlim_max;
    return own;
}

static int spawn_with_limits(const struct plan *plan, const struct wsm_spawn *what,
                             const posix_spawn_file_actions_t *actions,
                             const posix_spawnattr_t *attributes, pid_t *out_pid)
{
    const char *path = plan->found != NULL ? plan->found : plan->argv[0];
    struct rlimit files;
    struct rlimit core;
    struct rlimit lent_files;
    struct rlimit lent_core;
    int error;

    getrlimit(RLIMIT_NOFILE, &files);
    getrlimit(RLIMIT_CORE, &core);
    lent_files = lent(what->limits->files, files);
    lent_core = lent(what->limits->core, core);
    setrlimit(RLIMIT_NOFILE, &lent_files);
    setrlimit(RLIMIT_CORE, &lent_core);
    error = posix_spawn(out_pid, path, actions, attributes, plan->argv, what->environment->entries);
    setrlimit(RLIMIT_NOFILE, &files);
    setrlimit(RLIMIT_CORE, &core);
    return error;
}

static bool fail_spawn(const struct plan *plan, int error, struct wsm_error *err)
{
    static const struct {
        int error;
        uint32_t code;
    } codes[] = {
        { EACCES, ERROR_ACCESS_DENIED }, { EPERM, ERROR_ACCESS_DENIED },
        { EISDIR, ERROR_ACCESS_DENIED }, { ENOMEM, ERROR_OUTOFMEMORY },
        { EAGAIN, ERROR_OUTOFMEMORY },
    };
    uint32_t code = ERROR_INTERNAL_ERROR;

    if (error == ENOENT || error == ENOTDIR)
        code = error_not_found;
    else if (error == ENOEXEC)
        code = error_bad_exe_format;
    else if (error == E2BIG)
        return wsm_fail(err, error_too_long,
                        "cannot run '%s': %s: an argument (for a shell the whole command line) "
                        "has at most %ld bytes, all of them and the environment %ld",
                        plan->argv[0], strerror(error), sysconf(_SC_PAGESIZE) * ARGUMENT_PAGES - 1,
                        sysconf(_SC_ARG_MAX));
    else if (error == ENAMETOOLONG)
        code = error_too_long;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (codes[i].error == error)
            code = codes[i].code;
    }
    return wsm_fail(err, code, "cannot run '%s': %s", plan->argv[0], strerror(error));
}

bool wsm_spawn(const struct wsm_spawn *what, pid_t *out_pid, struct wsm_error *err)
{
    struct plan plan = { .command = NULL };
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    bool ok = false;
    int error;

    if (!make_plan(&plan, what, err)) {
        plan_clear(&plan);
        return false;
    }
    posix_spawn_file_actions_init(&actions); /* neither can fail with glibc */
    posix_spawnattr_init(&attributes);
    error = set_stdio(&actions, what->stdio);
    if (error == 0)
        error = set_attributes(&attributes);
    if (error == 0)
        error = spawn_with_limits(&plan, what, &actions, &attributes, out_pid);
    ok = error == 0 || fail_spawn(&plan, error, err);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    plan_clear(&plan);
    return ok;
}
