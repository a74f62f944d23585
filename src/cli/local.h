/* A private service for one call of winrmc (--local). */
#ifndef WSM_CLI_LOCAL_H
#define WSM_CLI_LOCAL_H

#include "password.h"
#include "signals.h"

#include <sys/types.h>

#define WSM_CLI_LOCAL_USER "winrmc"

struct wsm_cli_local {
    char *directory; /* owned; 0700, removed at the end */
    pid_t pid;       /* of winrmd, 0 when there is none */
    int pidfd;       /* owned, -1 where the kernel has none */
    int watch_fd; /* owned; winrmd ends when the last copy of it closes, and this is the only one */
    int ready_fd; /* owned; winrmd's standard output */
    char *url;    /* owned */
    struct wsm_cli_password password;
};

/* Finds winrmd, makes a directory, a user with a random password, and starts the
 * service. Returns 0, or an exit code after a message; either way the caller ends
 * *local with wsm_cli_local_stop(). */
int wsm_cli_local_start(struct wsm_cli_local *local, bool is_verbose,
                        struct wsm_cli_signals *signals) __attribute__((warn_unused_result));

/* Ends the service within a bound and removes its directory. */
void wsm_cli_local_stop(struct wsm_cli_local *local);

#endif
