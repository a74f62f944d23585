/* Where the password comes from: never from argv. */
#ifndef WSM_CLI_PASSWORD_H
#define WSM_CLI_PASSWORD_H

#include "options.h"
#include "signals.h"

#define WSM_CLI_PASSWORD_MAX      1024 /* bytes */
#define WSM_CLI_PASSWORD_VARIABLE "WINRMC_PASSWORD"

struct wsm_cli_password {
    char text[WSM_CLI_PASSWORD_MAX + 1]; /* wiped by wsm_cli_password_wipe() */
};

/* Takes --password-file, else the environment, else asks on the terminal for the
 * password of `user` at `host`. The variable is removed from the environment in any
 * case, so that nothing we start inherits it. Returns 0, or an exit code after a
 * message. */
int wsm_cli_password_get(const struct wsm_cli_options *options, const char *user, const char *host,
                         struct wsm_cli_signals *signals, struct wsm_cli_password *out)
    __attribute__((warn_unused_result));

/* Reads the first line of `fd`, without its end. False on a read error (errno), a line above
 * the limit (EMSGSIZE) or one with a NUL in it (EILSEQ). */
bool wsm_cli_password_read_line(int fd, struct wsm_cli_password *out)
    __attribute__((warn_unused_result));

void wsm_cli_password_wipe(struct wsm_cli_password *password);

/* Removes the variable from the environment and overwrites it in place, where
 * /proc/PID/environ would still show it. */
void wsm_cli_password_forget_environment(void);

#endif
