/* SIGINT, SIGTERM and SIGHUP through a signalfd: nothing runs inside a handler. */
#include "signals.h"

#include "message.h"

#include <sys/signalfd.h>
#include <unistd.h>

bool wsm_cli_signals_open(struct wsm_cli_signals *signals)
{
    static const int wanted[] = { SIGINT, SIGTERM, SIGHUP };
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        struct sigaction now;

        /* A blocked signal reaches the signalfd even if it is ignored. */
        if (sigaction(wanted[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
            sigaddset(&set, wanted[i]);
    }
    signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &set, &signals->original) != 0)
        return false;
    signals->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return signals->fd >= 0;
}

int wsm_cli_signals_take(struct wsm_cli_signals *signals)
{
    struct signalfd_siginfo info;

    if (read(signals->fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
        return 0;
    return (int)info.ssi_signo;
}

void wsm_cli_signals_die_by_pipe(void)
{
    sigset_t set;

    signal(SIGPIPE, SIG_DFL);
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    raise(SIGPIPE);
    _exit(WSM_CLI_SIGNAL + SIGPIPE);
}
