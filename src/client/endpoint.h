/* What input and output belong to: a command, or a shell itself. Embedded in both. */
#ifndef WSM_CLIENT_ENDPOINT_H
#define WSM_CLIENT_ENDPOINT_H

#include "base/list.h"
#include "client/offsets.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wsm_shell;
struct wsm_command;

struct wsm_endpoint {
    struct wsm_shell *shell;     /* borrowed: the owner, or the owner's shell */
    struct wsm_command *command; /* borrowed: the owner; NULL = the shell itself */
    struct wsm_list operations;  /* going on or waiting for their turn, in the order of the calls */
    struct wsm_list leftovers;   /* answers a cancelled Receive had not delivered */
    size_t undelivered;          /* answers of this endpoint that are on the strand */
    struct wsm_offsets offsets;  /* of output, at a server with our mark */
    bool is_done;                /* the server has said Done; exit_code is set */
    uint32_t exit_code;
};

void wsm_endpoint_init(struct wsm_endpoint *endpoint, struct wsm_shell *shell,
                       struct wsm_command *command);
/* Frees leftovers; no operation may be left. */
void wsm_endpoint_clear(struct wsm_endpoint *endpoint);

#endif
