/* A FETCH that waits at its command, and its answer.
 * Source: docs/host-protocol.md, "Output by offset", "The end", "A short wait". */
#ifndef WSM_HOST_FETCH_H
#define WSM_HOST_FETCH_H

#include "ipc/host_messages.h"

struct wsm_command;

enum {
    WSM_FETCH_BYTES_MAX = 512 * 1024, /* of an answer, whatever net asks for */
    WSM_FETCH_WAIT_MS = 5,            /* for the end, after the first byte of a quiet command */
    WSM_FETCH_QUIET_MS = 50,          /* without output makes a command quiet */
    WSM_FETCH_PLENTY = 64 * 1024,     /* bytes that end the short wait */
};

struct wsm_fetch {
    uint64_t request; /* 0 = none waits */
    uint32_t streams;
    uint64_t from[WSM_HOST_STREAMS];
    uint32_t max_bytes;
    uint32_t max_pieces;
    bool has_waited; /* there was nothing to answer when it came */
};

/* Takes a FETCH, or says FAILED; a waiting one is replaced. */
void wsm_fetch_begin(struct wsm_command *command, const struct wsm_host_fetch *message);
/* Answers the waiting one if it is time to. */
void wsm_fetch_try(struct wsm_command *command);
/* Ends the waiting one: with what there is, else with FAILED. */
void wsm_fetch_end(struct wsm_command *command);
/* Ends the waiting one without an answer. */
void wsm_fetch_forget(struct wsm_command *command);
/* Ends the waiting one with FAILED. */
void wsm_fetch_abort(struct wsm_command *command, uint32_t code, const char *text);
/* When wsm_fetch_try() is to be called though nothing else happens. */
int64_t wsm_fetch_deadline(const struct wsm_command *command);

#endif
