/* What OPEN told the host about its shell. Does not change afterwards. */
#ifndef WSM_HOST_SHELL_H
#define WSM_HOST_SHELL_H

#include "base/error.h"
#include "host/environ.h"
#include "host/ids.h"
#include "ipc/host_messages.h"

/* Strings, the id: owned, freed by wsm_shell_clear(). */
struct wsm_shell {
    char *resource_uri;
    char *input_streams;
    char *output_streams;
    char *working_directory; /* as asked for */
    char *name;
    char *client_ip;
    struct wsm_id create_message_id;
    bool can_disconnect;
    bool has_stdin;
    uint32_t outputs; /* streams, as bits */
    struct wsm_environ environment;
    int64_t drain_timeout_ms; /* 0 = for ever */
    uint32_t commands_max;
    int64_t opened_ms;
};

void wsm_shell_clear(struct wsm_shell *shell);
/* Checks and takes over what OPEN says, and changes to its working directory. */
bool wsm_shell_open(struct wsm_shell *shell, const struct wsm_host_open *open, int64_t now_ms,
                    struct wsm_error *err) WSM_MUST_CHECK;

#endif
