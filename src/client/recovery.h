/* What a shell does when a connection breaks: its requests wait, one of them is tried again
 * until the server answers or the time for it is over, then the others follow. And what it does
 * when another server than ours refuses a request, since it has let go of the shell by itself: its
 * requests wait while one Reconnect asks for the shell. Embedded in the shell; and in operations
 * that need none, for the first of the two. Loop thread only. Rules: docs/exactly-once.md. */
#ifndef WSM_CLIENT_RECOVERY_H
#define WSM_CLIENT_RECOVERY_H

#include "base/error.h"
#include "base/list.h"

enum {
    WSM_RECOVERY_OPEN_MS = 10000, /* how long what opens a shell or needs none may try, within its
                                     time-out */
    WSM_RECOVERY_CLOSE_MS = 5000, /* how long what is being closed may still try */
    WSM_RECOVERY_PROBE_MS = 100,  /* a try that the server may keep waiting is answered by then */
};

struct wsm_exchange;
struct wsm_recovery_phase;
struct wsm_repetition;
struct wsm_session;
struct wsm_shell;

enum wsm_recovery_state {
    WSM_RECOVERY_REFUSED, /* in the table only: no such transition */
    WSM_RECOVERY_FINE,
    WSM_RECOVERY_WAITING, /* lost; until the next try */
    WSM_RECOVERY_TRYING,  /* a request is on its way to see whether it is back */
    WSM_RECOVERY_COUNT,
};

enum wsm_recovery_event {
    WSM_RECOVERY_EV_LOST,
    WSM_RECOVERY_EV_REFUSED,
    WSM_RECOVERY_EV_TRY,
    WSM_RECOVERY_EV_ANSWERED,
    WSM_RECOVERY_EV_OVER,
    WSM_RECOVERY_EV_COUNT,
};

struct wsm_recovery {
    struct wsm_shell *shell;     /* borrowed: it is embedded there; NULL = in an operation */
    struct wsm_session *session; /* borrowed; of the requests it covers, NULL = none yet */
    enum wsm_recovery_state state;
    struct wsm_list sent;             /* of struct wsm_exchange: on the wire, and covered */
    struct wsm_list held;             /* of struct wsm_exchange: to be sent when the link is back */
    struct wsm_recovery_phase *phase; /* owned; NULL while the link is fine */
};

/* shell NULL: for the one request of an operation. */
void wsm_recovery_init(struct wsm_recovery *recovery, struct wsm_shell *shell);
/* Nothing is covered any more: what it is embedded in has ended. */
void wsm_recovery_clear(struct wsm_recovery *recovery);

/* Between preparing and sending: this request may be repeated, if the server and the
 * application's version allow it. */
void wsm_recovery_cover(struct wsm_recovery *recovery, struct wsm_exchange *exchange,
                        const struct wsm_repetition *repetition);

/* How long to wait before the next try: longer after each, give or take a fifth. */
uint64_t wsm_recovery_wait_ms(unsigned tries);

/* What is left to be tried ends within `ms`: the shell is being closed. */
void wsm_recovery_hurry(struct wsm_recovery *recovery, unsigned ms);
/* Ends a phase now, as if its time were over; harmless while the link is fine. */
void wsm_recovery_give_up(struct wsm_recovery *recovery);

#endif
