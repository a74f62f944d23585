/* Which Receive confirms what an earlier answer carried, and where the next one starts:
 * rules a to e of docs/exactly-once.md. Decisions from facts; no I/O, no clock. */
#ifndef WSM_SERVER_DELIVERY_H
#define WSM_SERVER_DELIVERY_H

#include "base/error.h"
#include "ipc/host_messages.h"

#include <stdbool.h>
#include <stddef.h>
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

/* What a Receive and the answer before it have to do with each other. */
struct wsm_delivery_facts {
    bool has_word;                     /* it brings WINRMD_FROM, from the marked holder */
    bool has_answer;                   /* there is an answer that nothing has confirmed */
    bool is_same_request;              /* the Receive is the one that this answer was for */
    bool needs_word;                   /* this answer was given to a marked holder */
    const struct wsm_carrier *carrier; /* of this answer; NULL = unknown */
    uint64_t answer_end;               /* position of its last byte on the carrier */
    int64_t waited_ms;                 /* since the Receive came */
};

enum wsm_delivery {
    WSM_DELIVERY_WORD,      /* the client says what it has, and where to start */
    WSM_DELIVERY_NOTHING,   /* there is nothing to decide about: starts at `confirmed` */
    WSM_DELIVERY_SAME,      /* the same bytes again, no more than the answer carried */
    WSM_DELIVERY_CONFIRMED, /* the client has the answer: starts behind it */
    WSM_DELIVERY_ASK_AGAIN, /* look again in WSM_DELIVERY_LOOK_MS */
    WSM_DELIVERY_REPEAT,    /* starts at `confirmed` */
};

enum wsm_delivery wsm_delivery_decide(const struct wsm_delivery_facts *facts);

/* Must the carrier be ended before the bytes of that answer go out again, since it could
 * still arrive? */
bool wsm_delivery_may_arrive(const struct wsm_carrier *carrier, uint64_t answer_end);

/* WINRMD_FROM, by stream. confirmed <= start; a stream that it does not name has what is
 * confirmed in both. */
struct wsm_word {
    uint64_t confirmed[WSM_HOST_STREAMS]; /* all below is confirmed */
    uint64_t start[WSM_HOST_STREAMS];     /* the answer starts here */
};

/* Reads the option's value. `confirmed`: what is confirmed already. ERROR_INVALID_PARAMETER:
 * a stream that is not known; else what wsm_from_parse() says. */
bool wsm_word_parse(struct wsm_span value, const uint64_t confirmed[WSM_HOST_STREAMS],
                    struct wsm_word *out, struct wsm_error *err) WSM_MUST_CHECK;
/* Can the answer start there? Where the streams that are asked for (bits) end only the host
 * knows for certain: *out_is_beyond says that one of them is to start above `end`.
 * ERROR_INVALID_PARAMETER, naming stream, offset and range: a start that is not kept. */
bool wsm_word_check(const struct wsm_word *word, uint32_t asked,
                    const uint64_t confirmed[WSM_HOST_STREAMS],
                    const uint64_t end[WSM_HOST_STREAMS], bool *out_is_beyond,
                    struct wsm_error *err) WSM_MUST_CHECK;

#endif
