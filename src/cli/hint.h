/* The line that tells how to go on with a command that was left running. */
#ifndef WSM_CLI_HINT_H
#define WSM_CLI_HINT_H

#include "options.h"

struct wsm_cli_hint {
    const char *shell_id;   /* borrowed, as all here */
    const char *command_id; /* NULL: the shell's only one */
    bool needs_take;        /* the service may still count us as its holder */
    bool has_offsets;
    uint64_t out; /* bytes written here; both 0: nothing to leave out */
    uint64_t err;
};

/* "winrmc attach …", to be pasted: host, user and password file as the user gave them,
 * never a secret. Pure. Owned by the caller, who ends it with free(). */
char *wsm_cli_hint_line(const struct wsm_cli_hint *hint, const struct wsm_cli_options *options)
    __attribute__((warn_unused_result));

#endif
