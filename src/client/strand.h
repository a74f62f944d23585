/* A strand: callbacks that must neither overlap nor change their order, run one after
 * the other by whichever dispatcher thread is free. */
#ifndef WSM_CLIENT_STRAND_H
#define WSM_CLIENT_STRAND_H

#include "base/error.h"
#include "base/list.h"
#include "client/message.h"

struct wsm_dispatcher;

/* One turn of a strand, embedded in what is to be called back. */
struct wsm_strand_item {
    struct wsm_list node;
    struct wsm_message returned;               /* posted to the loop when run has returned */
    uintptr_t operation;                       /* handle whose callback this is, 0 = none */
    void (*run)(struct wsm_strand_item *item); /* on a dispatcher thread */
};

enum wsm_strand_state {
    WSM_STRAND_IDLE,
    WSM_STRAND_READY,    /* has items and waits for a thread */
    WSM_STRAND_RUNNING,  /* a thread is in one of its items */
    WSM_STRAND_RELEASED, /* running its last item; the thread frees it */
};

/* All fields belong to the dispatcher's lock. */
struct wsm_strand {
    struct wsm_dispatcher *dispatcher; /* borrowed: there as long as the process */
    struct wsm_list items;
    struct wsm_list ready_node;
    enum wsm_strand_state state;
};

/* Any thread at any time, as the next. Owned by the caller, wsm_strand_release(); NULL: no
 * memory. */
struct wsm_strand *wsm_strand_new(struct wsm_dispatcher *dispatcher) WSM_MUST_CHECK;
/* Nothing may be queued any more; an item that is just returning is waited for by its
 * thread, not here. Accepts NULL. */
void wsm_strand_release(struct wsm_strand *strand);

/* Loop thread. The item is borrowed until its `returned` message is handled. */
void wsm_strand_post(struct wsm_strand *strand, struct wsm_strand_item *item);
/* Calls `change` on an item that has not begun to run, which keeps its place; false if
 * it has, or has returned. `change` runs under the lock: a few assignments. */
bool wsm_strand_change(struct wsm_strand *strand, struct wsm_strand_item *item,
                       void (*change)(struct wsm_strand_item *item));
/* Takes an item back that has not begun to run; false if it has, or has returned. */
bool wsm_strand_take_back(struct wsm_strand *strand, struct wsm_strand_item *item);

/* The item that the calling thread is inside of; NULL on other threads. */
const struct wsm_strand_item *wsm_strand_current(void);

#endif
