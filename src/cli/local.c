/* Starts winrmd for this one call and ends it again. Main thread, before the library
 * starts and after it has ended. The service ends by itself when this process does,
 * even by SIGKILL: it watches a pipe whose other end nobody else holds. */
#include "local.h"

#include "events.h"
#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_MS     10000 /* until winrmd says that it listens */
#define STOP_MS      5000  /* until it has ended after its pipe closed */
#define LOG_TAIL_MAX 2048  /* bytes of its log shown after a failed start */
#define LINE_MAX_LEN 512   /* bytes of "listening on URL" */
#define WATCH_FD     3     /* the pipe's number in winrmd */
#define CHILD_FDS    4

/* Owned, free(); NULL if there is none. Beside this program, then where an installed tree
 * has it, wherever that was put, then where this build would install it. */
static char *find_winrmd(void)
{
    static const char *const folders[] = { "", WSM_BIN_TO_LIBEXEC "/", WSM_BIN_TO_SBIN "/",
                                           WSM_SBINDIR "/" };
    char own[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", own, sizeof(own) - 1);

    if (len < 0)
        len = 0;
    while (len > 0 && own[len - 1] != '/')
        len--;
    own[len] = '\0';
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        char *path = wsm_cli_format("%s%swinrmd", *folders[i] == '/' ? "" : own, folders[i]);

        if (access(path, X_OK) == 0)
            return path;
        free(path);
    }
    return NULL;
}

/* Starts argv with fds[i] as its descriptor i (-1: none), in a session of its own, so
 * that Ctrl-C on the terminal is for us alone. Returns 0 or an errno value. */
static int spawn(char *const argv[], const int fds[CHILD_FDS], struct wsm_cli_signals *signals,
                 pid_t *out_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    int error;

    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    for (int i = 0; i < CHILD_FDS; i++)
        if (fds[i] >= 0)
            posix_spawn_file_actions_adddup2(&actions, fds[i], i);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setsigmask(&attributes, &signals->original);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
    error = posix_spawn(out_pid, argv[0], &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static int make_directory(struct wsm_cli_local *local)
{
    const char *base = getenv("XDG_RUNTIME_DIR");

    if (base != NULL && *base == '/' && access(base, W_OK | X_OK) == 0) {
        local->directory = wsm_cli_format("%s/winrmc-XXXXXX", base);
        if (mkdtemp(local->directory) != NULL)
            return WSM_CLI_OK;
        free(local->directory);
    }
    local->directory = wsm_cli_format("/tmp/winrmc-XXXXXX");
    if (mkdtemp(local->directory) != NULL)
        return WSM_CLI_OK;
    free(local->directory);
    local->directory = NULL;
    return wsm_cli_fail(WSM_CLI_UNREACHABLE, "--local: a directory in /tmp: %s", strerror(errno));
}

/* An empty file instead of the system's configuration, which is not for us: all settings
 * go by -o. Owned, free(); NULL after a message. */
static char *make_config(const struct wsm_cli_local *local)
{
    char *path = wsm_cli_format("%s/winrmd.conf", local->directory);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd >= 0) {
        close(fd);
        return path;
    }
    wsm_cli_fail(WSM_CLI_UNREACHABLE, "--local: %s: %s", path, strerror(errno));
    free(path);
    return NULL;
}

static int make_password(struct wsm_cli_password *password)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char random[16];

    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return wsm_cli_fail(WSM_CLI_UNREACHABLE, "--local: random bytes: %s", strerror(errno));
    for (size_t i = 0; i < sizeof(random); i++) {
        password->text[2 * i] = digits[random[i] >> 4];
        password->text[2 * i + 1] = digits[random[i] & 15];
    }
    explicit_bzero(random, sizeof(random));
    return WSM_CLI_OK;
}

static char *log_path(const struct wsm_cli_local *local)
{
    return wsm_cli_format("%s/log", local->directory);
}

/* Where the service's messages go: to the user with --verbose, else into a file of
 * which a failed start shows the end. */
static int open_log(const struct wsm_cli_local *local, bool is_verbose)
{
    char *path;
    int fd;

    if (is_verbose)
        return fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, CHILD_FDS);
    path = log_path(local);
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    free(path);
    return fd;
}

static int fail_with_log(const struct wsm_cli_local *local, const char *what)
{
    char tail[LOG_TAIL_MAX + 1];
    char *path = log_path(local);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = 0;

    free(path);
    if (fd >= 0) {
        off_t size = lseek(fd, 0, SEEK_END);

        len = pread(fd, tail, LOG_TAIL_MAX, size > LOG_TAIL_MAX ? size - LOG_TAIL_MAX : 0);
        close(fd);
    }
    tail[len > 0 ? len : 0] = '\0';
    wsm_cli_fail(WSM_CLI_UNREACHABLE, "--local: %s%s", what,
                 len > 0 ? "; winrmd's last messages:" : "; try again with -v");
    if (len > 0)
        dprintf(STDERR_FILENO, "%s%s", tail, tail[len - 1] == '\n' ? "" : "\n");
    return WSM_CLI_UNREACHABLE;
}

/* Runs `winrmd user add`, which reads the password from its standard input. */
static int add_user(struct wsm_cli_local *local, char *winrmd, char *config, int log,
                    struct wsm_cli_signals *signals)
{
    char *setting = wsm_cli_format("UsersFile=%s/users", local->directory);
    char *argv[] = { winrmd, "user", "add", WSM_CLI_LOCAL_USER, "-c", config, "-o", setting, NULL };
    int input[2] = { -1, -1 };
    int status = WSM_CLI_OK;
    int wait_status;
    pid_t pid;
    int error;

    if (pipe2(input, O_CLOEXEC) != 0) {
        free(setting);
        return wsm_cli_fail(WSM_CLI_UNREACHABLE, "--local: a pipe: %s", strerror(errno));
    }
    /* A line fits into the pipe, so it can be written before anybody reads. */
    dprintf(input[1], "%s\n", local->password.text);
    close_fd(&input[1]);
    error = spawn(argv, (const int[CHILD_FDS]){ input[0], log, log, -1 }, signals, &pid);
    close_fd(&input[0]);
    free(setting);
    if (error != 0)
        return wsm_cli_fail(WSM_CLI_UNREACHABLE, "--local: %s: %s", winrmd, strerror(error));
    while (waitpid(pid, &wait_status, 0) < 0 && errno == EINTR)
        ;
    if (!WIFEXITED(wait_status) || WEXITSTATUS(wait_status) != 0)
        status = fail_with_log(local, "\"winrmd user add\" failed");
    return status;
}

/* Takes the first line of winrmd's standard output, "listening on URL". */
static int await_ready(struct wsm_cli_local *local, struct wsm_cli_signals *signals)
{
    static const char prefix[] = "listening on ";
    int64_t deadline_ms = wsm_cli_now_ms() + START_MS;
    char line[LINE_MAX_LEN + 1];
    size_t len = 0;

    for (;;) {
        unsigned ready = wsm_cli_wait(-1, signals->fd, local->ready_fd, deadline_ms);
        int number = (ready & WSM_CLI_READY_SIGNAL) != 0 ? wsm_cli_signals_take(signals) : 0;

        if (number != 0)
            return WSM_CLI_SIGNAL + number;
        if ((ready & WSM_CLI_READY_INPUT) != 0) {
            ssize_t got = read(local->ready_fd, line + len, LINE_MAX_LEN - len);

            if (got <= 0)
                return fail_with_log(local, "the private service did not start");
            len += (size_t)got;
        } else if (wsm_cli_now_ms() >= deadline_ms) {
            return fail_with_log(local, "the private service was not ready within 10 s");
        }
        line[len] = '\0';
        if (strchr(line, '\n') != NULL)
            break;
    }
    *strchr(line, '\n') = '\0';
    if (strncmp(line, prefix, sizeof(prefix) - 1) != 0)
        return fail_with_log(local, "winrmd does not say where it listens");
    local->url = wsm_cli_format("%s", line + sizeof(prefix) - 1);
    return WSM_CLI_OK;
}

static int start_service(struct wsm_cli_local *local, char *winrmd, char *config, int log,
                         struct wsm_cli_signals *signals)
{
    char *users = wsm_cli_format("UsersFile=%s/users", local->directory);
    char *run = wsm_cli_format("RunDirectory=%s/run", local->directory);
    char *argv[] = { winrmd,
                     "-c",
                     config,
                     "-o",
                     "Listen=127.0.0.1:0",
                     "-o",
                     "AllowUnencrypted=true",
                     "-o",
                     "Basic=true",
                     "-o",
                     users,
                     "-o",
                     run,
                     "--allow-root-shells",
                     "--watch-fd",
                     "3",
                     NULL };
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int watch[2] = { -1, -1 };
    int ready[2] = { -1, -1 };
    int error = 0;

    if (null < 0 || pipe2(watch, O_CLOEXEC) != 0 || pipe2(ready, O_CLOEXEC) != 0)
        error = errno;
    else
        error = spawn(argv, (const int[CHILD_FDS]){ null, ready[1], log, watch[0] }, signals,
                      &local->pid);
    local->watch_fd = watch[1];
    local->ready_fd = ready[0];
    close_fd(&watch[0]);
    close_fd(&ready[1]);
    close_fd(&null);
    free(users);
    free(run);
    if (error != 0) {
        local->pid = 0;
        return wsm_cli_fail(WSM_CLI_UNREACHABLE, "--local: %s: %s", winrmd, strerror(error));
    }
    local->pidfd = pidfd_open(local->pid, 0);
    return await_ready(local, signals);
}

int wsm_cli_local_start(struct wsm_cli_local *local, bool is_verbose,
                        struct wsm_cli_signals *signals)
{
    char *winrmd;
    char *config = NULL;
    int log = -1;
    int status;

    *local = (struct wsm_cli_local){ .pidfd = -1, .watch_fd = -1, .ready_fd = -1 };
    winrmd = find_winrmd();
    if (winrmd == NULL)
        return wsm_cli_fail(WSM_CLI_UNREACHABLE,
                            "--local: no winrmd beside this program, in " WSM_BIN_TO_LIBEXEC
                            ", " WSM_BIN_TO_SBIN " or " WSM_SBINDIR);
    status = make_directory(local);
    if (status == WSM_CLI_OK)
        status = make_password(&local->password);
    if (status == WSM_CLI_OK)
        log = open_log(local, is_verbose);
    if (status == WSM_CLI_OK && (config = make_config(local)) == NULL)
        status = WSM_CLI_UNREACHABLE;
    if (status == WSM_CLI_OK)
        status = add_user(local, winrmd, config, log, signals);
    if (status == WSM_CLI_OK)
        status = start_service(local, winrmd, config, log, signals);
    close_fd(&log);
    free(config);
    free(winrmd);
    return status;
}

static void reap(struct wsm_cli_local *local)
{
    struct pollfd ended = { .fd = local->pidfd, .events = POLLIN };
    int wait_status;
    int count;

    if (local->pidfd >= 0) {
        do
            count = poll(&ended, 1, STOP_MS);
        while (count < 0 && errno == EINTR);
        if (count == 0)
            kill(local->pid, SIGKILL);
    }
    while (waitpid(local->pid, &wait_status, 0) < 0 && errno == EINTR)
        ;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    (void)remove(path); /* a directory that filled again is seen by the caller */
    return 0;
}

void wsm_cli_local_stop(struct wsm_cli_local *local)
{
    close_fd(&local->watch_fd);
    if (local->pid != 0)
        reap(local);
    close_fd(&local->pidfd);
    close_fd(&local->ready_fd);
    if (local->directory != NULL &&
        nftw(local->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == 0 &&
        access(local->directory, F_OK) == 0)
        wsm_cli_fail(0, "--local: %s could not be removed", local->directory);
    free(local->directory);
    free(local->url);
    wsm_cli_password_wipe(&local->password);
    *local = (struct wsm_cli_local){ .pidfd = -1, .watch_fd = -1, .ready_fd = -1 };
}
