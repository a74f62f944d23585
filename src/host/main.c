/* winrmd-shell, the shell host: options, and the process it wants to be before its loop
 * starts. Started by the monitor as the shell's user. Source: docs/host-protocol.md, "The
 * start of a host". */
#include "base/log.h"
#include "host/dispatch.h"
#include "host/host_run.h"
#include "wsmerror.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LISTENER_FD = 3, BACKLOG = 16, EXIT_USAGE = 64 };

struct options {
    int starter_fd;   /* -1 = none */
    int connected_fd; /* the first connection with net; -1 = none */
    struct rlimit files;
    enum wsm_log_level log_level;
};

static bool parse_number(const char *text, const char **out_end, rlim_t *out)
{
    char *end;

    errno = 0;
    *out = strtoull(text, &end, 10);
    *out_end = end;
    return errno == 0 && end != text && text[0] >= '0' && text[0] <= '9';
}

static bool parse_limits(const char *text, struct rlimit *out)
{
    struct rlimit limits;

    if (!parse_number(text, &text, &limits.rlim_cur) || *text != ':' ||
        !parse_number(text + 1, &text, &limits.rlim_max) || *text != '\0' ||
        limits.rlim_cur > limits.rlim_max)
        return false;
    *out = limits;
    return true;
}

static bool parse_fd(const char *text, int *out)
{
    rlim_t number;

    if (!parse_number(text, &text, &number) || *text != '\0' || number > INT32_MAX ||
        number <= LISTENER_FD || fcntl((int)number, F_GETFD) < 0)
        return false;
    *out = (int)number;
    return true;
}

static bool parse_options(int argc, char **argv, struct options *out)
{
    static const struct option known[] = {
        { "watch-fd", required_argument, NULL, 'w' },
        { "connected-fd", required_argument, NULL, 'c' },
        { "nofile", required_argument, NULL, 'n' },
        { "log-level", required_argument, NULL, 'l' },
        { NULL, 0, NULL, 0 },
    };
    int option;
    bool ok = true;

    *out = (struct options){ .starter_fd = -1, .connected_fd = -1, .log_level = WSM_LOG_INFO };
    getrlimit(RLIMIT_NOFILE, &out->files);
    while (ok && (option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == 'w')
            ok = parse_fd(optarg, &out->starter_fd);
        else if (option == 'c')
            ok = parse_fd(optarg, &out->connected_fd);
        else if (option == 'n')
            ok = parse_limits(optarg, &out->files);
        else
            ok = option == 'l' && wsm_log_level_parse(optarg, &out->log_level);
    }
    return ok && optind == argc && (out->connected_fd < 0 || out->connected_fd != out->starter_fd);
}

/* Closes whatever else was inherited; either may be -1. */
static void keep_only(int one, int other)
{
    const int kept[] = { one < other ? one : other, one < other ? other : one };
    unsigned from = LISTENER_FD + 1;

    for (size_t i = 0; i < 2; i++) {
        if (kept[i] < 0)
            continue;
        if ((unsigned)kept[i] > from)
            close_range(from, (unsigned)kept[i] - 1, 0);
        from = (unsigned)kept[i] + 1;
        fcntl(kept[i], F_SETFD, FD_CLOEXEC);
    }
    close_range(from, ~0U, 0);
}

/* Standard input and output lead nowhere; nothing that was inherited by mistake stays. */
static bool set_descriptors(const struct options *options, struct wsm_error *err)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (fd < 0 || dup2(fd, STDIN_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0 ||
        (fcntl(STDERR_FILENO, F_GETFD) < 0 && dup2(fd, STDERR_FILENO) < 0))
        return wsm_fail(err, ERROR_INTERNAL_ERROR, "/dev/null: %s", strerror(errno));
    keep_only(options->starter_fd, options->connected_fd);
    if (options->starter_fd >= 0)
        fcntl(options->starter_fd, F_SETFL, O_NONBLOCK);
    return true;
}

static bool start_listening(struct wsm_error *err)
{
    fcntl(LISTENER_FD, F_SETFD, FD_CLOEXEC);
    if (fcntl(LISTENER_FD, F_SETFL, O_NONBLOCK) < 0 || listen(LISTENER_FD, BACKLOG) < 0)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "descriptor %d is no bound socket: %s",
                        LISTENER_FD, strerror(errno));
    return true;
}

/* The host takes as many descriptors as it may and leaves no core file; *out is what the
 * commands get instead. */
static void set_limits(const struct options *options, struct wsm_spawn_limits *out)
{
    struct rlimit files;
    struct rlimit core;

    getrlimit(RLIMIT_CORE, &core);
    *out = (struct wsm_spawn_limits){ .files = options->files, .core = core };
    core.rlim_cur = 0;
    setrlimit(RLIMIT_CORE, &core);
    getrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_max > options->files.rlim_max)
        files.rlim_max = options->files.rlim_max; /* commands inherit the hard limit */
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

static bool run(const struct options *options, struct wsm_error *err)
{
    struct wsm_spawn_limits limits;
    struct wsm_host host;
    bool ok;

    setsid(); /* fails only where the starter has made us a leader already */
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
        return wsm_fail(err, ERROR_NOT_SUPPORTED, "subreaper: %s", strerror(errno));
    set_limits(options, &limits);
    if (!set_descriptors(options, err) || !start_listening(err) ||
        !wsm_host_init(&host, LISTENER_FD, options->starter_fd, &limits, err))
        return false;
    if (options->connected_fd >= 0)
        wsm_link_open(&host.link, options->connected_fd);
    ok = wsm_host_run(&host, wsm_dispatch, err);
    wsm_host_clear(&host);
    return ok;
}

int main(int argc, char **argv)
{
    static const char usage[] =
        "winrmd-shell is started by winrmd: winrmd-shell [--connected-fd N] [--watch-fd N] "
        "[--nofile SOFT:HARD] [--log-level error|warning|info|debug]\n";
    struct wsm_error err = WSM_ERROR_INIT;
    struct options options;

    if (!parse_options(argc, argv, &options)) {
        if (write(STDERR_FILENO, usage, sizeof(usage) - 1) < 0)
            return EXIT_FAILURE;
        return EXIT_USAGE;
    }
    wsm_log_set_name("winrmd-shell");
    wsm_log_set_sink(wsm_log_to_stderr, options.log_level);
    if (run(&options, &err))
        return EXIT_SUCCESS;
    wsm_log_error("%s", wsm_error_text(&err));
    wsm_error_clear(&err);
    return EXIT_FAILURE;
}
