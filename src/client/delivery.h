/* One answer to Receive on its way to the application: its pieces of output, called
 * back one after the other in one turn of the strand. */
#ifndef WSM_CLIENT_DELIVERY_H
#define WSM_CLIENT_DELIVERY_H

#include "client/answer.h"
#include "client/async.h"
#include "proto/receive.h"

#include <stdatomic.h>

struct wsm_endpoint;
struct wsm_offset;
struct wsm_operation;

/* Spans are borrowed from the answer. */
struct wsm_piece {
    struct wsm_span stream; /* empty: none, the piece tells a state only */
    struct wsm_span data;
    bool end;
    bool has_state;
    enum wsm_command_state state;
    bool has_offset;
    uint64_t offset;
    uint64_t gap;                /* bytes missing before it */
    uint64_t reaches;            /* offset behind it */
    struct wsm_offset *position; /* borrowed from the endpoint; NULL = nobody counts */
};

struct wsm_delivery {
    struct wsm_strand_item item;
    struct wsm_callee callee;
    struct wsm_handles handles;
    struct wsm_session *session;     /* borrowed; counts it while queued */
    struct wsm_endpoint *endpoint;   /* borrowed: cannot end while this is on the strand */
    struct wsm_operation *operation; /* borrowed; NULL = it has been cancelled */
    struct wsm_list node;            /* in operation->deliveries or endpoint->leftovers */
    struct wsm_answer *answer;       /* owned */
    atomic_bool is_cancelled;        /* set by the loop: stop before the next piece */
    size_t next;                     /* first piece not called back yet */
    size_t count;
    struct wsm_piece pieces[];
};

/* Reads the answer, which is transferred. *out_delivery NULL: there is nothing to call back;
 * the answer stays the caller's then, as on failure. */
bool wsm_delivery_new(struct wsm_answer *answer, struct wsm_receive_response *response,
                      struct wsm_delivery **out_delivery, struct wsm_error *err) WSM_MUST_CHECK;
void wsm_delivery_free(struct wsm_delivery *delivery);

/* api_callback.c: calls the application, on a dispatcher thread. */
void wsm_delivery_run(struct wsm_strand_item *item);

#endif
