/* Enumerations that a client has not read to their end: found again by their context. */
#ifndef WSM_SERVER_CONTEXTS_H
#define WSM_SERVER_CONTEXTS_H

#include "base/guid.h"
#include "base/list.h"
#include "server/listing.h"

#include <uv.h>

enum {
    WSM_CONTEXTS_PER_USER = 8,   /* above it the one used longest ago is forgotten */
    WSM_CONTEXT_LIFE_MS = 60000, /* EnumerationTimeout: without a Pull */
};

struct wsm_context {
    struct wsm_list node;
    char *user; /* owned */
    struct wsm_guid id;
    int64_t used_ms;
    struct wsm_listing listing; /* owned */
};

struct wsm_contexts {
    uv_loop_t *loop;      /* borrowed */
    struct wsm_list list; /* by the time of the last use */
    uv_timer_t timer;
};

void wsm_contexts_init(struct wsm_contexts *contexts, uv_loop_t *loop);
/* Forgets all and closes the timer. */
void wsm_contexts_close(struct wsm_contexts *contexts);

/* Keeps a listing (transfer, on success only) under that id. NULL without memory. */
struct wsm_context *wsm_contexts_add(struct wsm_contexts *contexts, const char *user,
                                     const struct wsm_guid *id, struct wsm_listing *listing);
/* The user's own, used now; by "uuid:GUID" as it was handed out, or a bare GUID, in any case.
 * NULL: ERROR_WSMAN_ENUMERATE_INVALID_ENUMERATION_CONTEXT. */
struct wsm_context *wsm_contexts_find(struct wsm_contexts *contexts, const char *user,
                                      struct wsm_span text, struct wsm_error *err);
void wsm_contexts_remove(struct wsm_contexts *contexts, struct wsm_context *context);

#endif
