/* A library of paper for the verbs of winrmc: it answers as a script says, and notes each
 * call as a letter. Each case runs in a process of its own, since a verb may end its
 * process. */
#ifndef WSM_TEST_CLI_FAKES_H
#define WSM_TEST_CLI_FAKES_H

#include "cli/verbs.h"

#include <wsmext.h>

#define HOLD        0xFFFFFFFFU /* no answer */
#define TEST_SHELL  "11111111-AAAA-4000-8000-000000000001"
#define TEST_SHELL2 "11112222-AAAA-4000-8000-000000000002"
#define TEST_FIRST  "AAAA1111-BBBB-4000-8000-000000000001"
#define TEST_SECOND "AAAA2222-BBBB-4000-8000-000000000002"

/* What the library answers. Callbacks come at once: winrmc only queues them. Letters of the
 * calls: C Create, N Connect, n Connect of a command, R Run, r Receive, s Send, E Send with
 * the end, c Ctrl-C, t CloseCommand, L Disconnect, D CloseShell, o CloseOperation,
 * d Deinitialize, P list of shells, p list of commands, K delete by id. */
struct cli_script {
    DWORD create, connect, connect_command, run, receive, send, disconnect, close, list, delete;
    DWORD exit_code;
    const char *output;
    int signals[4];          /* raised when the Receive begins, at each Ctrl-C sent, then later */
    int signal_on_leave;     /* raised when Disconnect is called */
    DWORD receive_on_signal; /* answer to the held Receive once Ctrl-C was sent */
    DWORD notices[4];        /* about the link, when the Receive begins */
    bool is_plain;           /* the shell cannot be disconnected */
    WSMAN_EXT_OFFSETS offsets;
    bool has_offsets;
    bool is_held;                   /* the listed shells are connected */
    int shell_count;                /* listed */
    int command_count;              /* of each */
    int retry_ms;                   /* expected of WSManExtSetRetryTime, else it fails */
    const char *option;             /* expected of Connect, NULL = none */
    const char *from;               /* expected of the command's Connect, NULL = none */
    DWORD create_flags;             /* expected beside those without meaning here */
    struct wsm_cli_options options; /* beside those that all cases have */
};

struct cli_outcome {
    int status; /* exit code, or 128+n */
    char calls[64];
    char out[4096];
    char err[2048];
};

typedef int cli_verb(const struct wsm_cli_options *options, struct wsm_cli_signals *signals);

/* Plays a verb. `out` becomes its standard output, -1 = what it writes is returned. */
struct cli_outcome cli_play(cli_verb *verb, struct cli_script given, int out);

/* Plays it with its output to /dev/null. `calls` NULL: any, where they depend on time.
 * `words` NULL: nothing is said. */
void cli_expect(cli_verb *verb, struct cli_script given, int status, const char *calls,
                const char *words);

#endif
