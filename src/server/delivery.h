/* Which Receive confirms what an earlier answer carried: rules c, d and e of
 * docs/exactly-once.md. A decision from facts; no I/O, no clock. */
#ifndef WSM_SERVER_DELIVERY_H
#define WSM_SERVER_DELIVERY_H

#include <stdbool.h>
#include <stdint.h>

enum {
    WSM_DELIVERY_LOOK_MS = 10,  /* between two looks at the acknowledgements */
    WSM_DELIVERY_WAIT_MS = 500, /* delayed acknowledgements take up to some 40–200 ms */
};

struct wsm_http_conn;

/* What is kept of a connection that carried answers, also after it is gone. Positions
 * count the bytes written to it. References: the connection itself while it is open, and
 * every command whose last answer it carried. */
struct wsm_carrier {
    unsigned refs;
    struct wsm_http_conn *conn; /* borrowed, NULL once the connection is gone */
    uint64_t proven;            /* what was fully written when the first byte of a later request was
                                   read: the client had it */
    uint64_t acknowledged;      /* by the peer's kernel: at the last look, or when it ended */
    bool has_failed;            /* some call on it failed, or it was ended by a reset */
};

/* NULL without memory. */
struct wsm_carrier *wsm_carrier_new(struct wsm_http_conn *conn);
struct wsm_carrier *wsm_carrier_ref(struct wsm_carrier *carrier);
void wsm_carrier_unref(struct wsm_carrier *carrier); /* accepts NULL */

enum wsm_delivery {
    WSM_DELIVERY_CONFIRMED, /* the client has the answer */
    WSM_DELIVERY_ASK_AGAIN, /* look again in WSM_DELIVERY_LOOK_MS */
    WSM_DELIVERY_REPEAT,    /* end the old carrier if it is still there, send the bytes again */
};

/* Decides for an answer whose last byte is at `answer_end` of `carrier` (NULL = unknown),
 * `waited_ms` after the Receive that asks came. */
enum wsm_delivery wsm_delivery_decide(const struct wsm_carrier *carrier, uint64_t answer_end,
                                      int64_t waited_ms);

#endif
