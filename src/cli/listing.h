/* The shells of a host and their commands, as the service tells them. */
#ifndef WSM_CLI_LISTING_H
#define WSM_CLI_LISTING_H

#include "events.h"
#include "session.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <strings.h>

enum { WSM_CLI_LISTING_STREAMS = 2 };

/* Texts: owned, never NULL; empty where the service said nothing. */
struct wsm_cli_stream_info {
    char *name;
    uint64_t confirmed;
    uint64_t served;
    uint64_t served_again;
    uint64_t end;
    uint64_t dropped;
};

struct wsm_cli_command_info {
    char *id;
    char *line;
    char *state;
    bool has_exit_code;
    uint32_t exit_code;
    size_t stream_count;
    struct wsm_cli_stream_info streams[WSM_CLI_LISTING_STREAMS];
};

struct wsm_cli_shell_info {
    char *id;
    char *name;
    char *resource_uri;
    char *owner;
    char *client_ip; /* of its creator */
    char *state;     /* "Connected" while a client holds it */
    char *buffer_mode;
    char *holder; /* session id of the client that holds it or held it last */
    uint32_t idle_timeout_ms;
    uint32_t run_time_s;
    uint32_t inactivity_s;
    uint32_t child_processes;
    uint64_t memory_kib;
    size_t command_count;
    struct wsm_cli_command_info *commands; /* owned */
};

/* Its address must not change while a call is under way; end the session before it. */
struct wsm_cli_listing {
    struct wsm_cli_events *events; /* borrowed */
    size_t shell_count;
    struct wsm_cli_shell_info *shells; /* owned */
    struct wsm_cli_shell_info *asked;  /* shell whose commands are being asked for */
};

/* Asks for all shells of the user, without their commands. Returns 0, or an exit code after
 * a message; either way the caller ends *listing with wsm_cli_listing_clear(). */
int wsm_cli_listing_get(struct wsm_cli_listing *listing, const struct wsm_cli_session *session,
                        struct wsm_cli_events *events) __attribute__((warn_unused_result));

/* Asks for the commands of one of them. *out_is_gone: it has ended since. */
int wsm_cli_listing_get_commands(struct wsm_cli_listing *listing,
                                 const struct wsm_cli_session *session,
                                 struct wsm_cli_shell_info *shell, bool *out_is_gone)
    __attribute__((warn_unused_result));

/* Forgets one of them. */
void wsm_cli_listing_remove(struct wsm_cli_listing *listing, struct wsm_cli_shell_info *shell);

void wsm_cli_listing_clear(struct wsm_cli_listing *listing);

static inline bool wsm_cli_shell_is_held(const struct wsm_cli_shell_info *shell)
{
    return strcasecmp(shell->state, "Connected") == 0;
}

#endif
