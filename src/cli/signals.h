/* Signals as something to wait for. */
#ifndef WSM_CLI_SIGNALS_H
#define WSM_CLI_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

struct wsm_cli_signals {
    int fd;            /* readable when one of SIGINT, SIGTERM, SIGHUP has come; owned */
    sigset_t original; /* mask at the start, for programs that we start */
};

/* Blocks the three signals (those that the starter ignores stay ignored: nohup) and
 * ignores SIGPIPE. Called before any thread exists, so that all inherit the mask. */
bool wsm_cli_signals_open(struct wsm_cli_signals *signals) __attribute__((warn_unused_result));

/* The next signal that has come, or 0. */
int wsm_cli_signals_take(struct wsm_cli_signals *signals);

/* Ends this process by SIGPIPE, as if the write had been the last thing it did. */
void wsm_cli_signals_die_by_pipe(void) __attribute__((noreturn));

#endif
