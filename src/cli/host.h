/* HOST as the user types it: [user@]name, name:port, [::1], [::1]:port or a URL. */
#ifndef WSM_CLI_HOST_H
#define WSM_CLI_HOST_H

#include <stdbool.h>

#define WSM_CLI_HOST_NAME_MAX 253  /* bytes, as DNS has it */
#define WSM_CLI_HOST_URL_MAX  2048 /* bytes of the whole HOST word */

struct wsm_cli_host {
    char *user;       /* owned, NULL when HOST names none */
    char *url;        /* owned, what the API takes as connection string */
    char *label;      /* owned, host and port as typed, for messages */
    bool is_loopback; /* 127.0.0.0/8, ::1 or localhost, by its spelling */
    bool is_plain;    /* http: what is sent can be read on the way */
};

/* Reads `text`. On success *out is owned by the caller, who ends it with
 * wsm_cli_host_clear(). On failure *out is untouched and *out_reason is a static
 * text that says what is wrong. No name is looked up. */
bool wsm_cli_host_parse(const char *text, struct wsm_cli_host *out, const char **out_reason)
    __attribute__((warn_unused_result));

void wsm_cli_host_clear(struct wsm_cli_host *host);

#endif
