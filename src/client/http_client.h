/* HTTP connections of one session: a request takes an idle one or opens a new one, and
 * has it for itself until its response is there. Loop thread only. */
#ifndef WSM_CLIENT_HTTP_CLIENT_H
#define WSM_CLIENT_HTTP_CLIENT_H

#include "base/list.h"
#include "client/http_response.h"
#include "client/target.h"

#include <sys/socket.h>

enum {
    WSM_HTTP_IDLE_MAX = 8, /* connections kept open for later, per session */
    WSM_HTTP_ADDRESSES_MAX = 8,
    WSM_HTTP_NETWORK_DELAY_MS = 5000, /* added to the operation time-out (MS-WSMV 3.2.2) */
    WSM_HTTP_USER_TIMEOUT_MS = 60000, /* TCP_USER_TIMEOUT */
};

struct wsm_http_conn;

/* Embedded in the session. */
struct wsm_http_pool {
    const struct wsm_target *target; /* borrowed: the session's */
    struct wsm_list connections;     /* of struct wsm_http_conn */
    size_t idle_count;
    struct sockaddr_storage addresses[WSM_HTTP_ADDRESSES_MAX]; /* of the host, once known */
    size_t address_count;
    bool is_stale; /* ask for the name again next time; connections under way use the addresses */
    size_t first_address; /* the one that worked last */
    struct wsm_buf spare; /* owned: a used answer's memory, for the next one */
};

/* One request and its response, embedded in the caller's struct. */
struct wsm_http_call {
    struct wsm_buf request; /* owned: head and body */
    size_t secret_len;      /* leading bytes that are wiped once written */
    uint32_t timeout_ms;    /* 0 = none; the network delay is added */
    size_t body_max;
    struct wsm_http_conn *conn; /* borrowed; NULL = not going on */
    bool was_written;           /* bytes of it may have gone out */
    bool is_overdue;            /* in on_done: its time ran out */
    /* err->code 0: `response` is set and the callee's. Exactly once, never from within
     * wsm_http_call_start(), not after wsm_http_call_cancel(). */
    void (*on_done)(struct wsm_http_call *call, struct wsm_http_response *response,
                    struct wsm_error *err);
};

void wsm_http_pool_init(struct wsm_http_pool *pool, const struct wsm_target *target);
/* Closes all connections; calls still going on must have been cancelled. */
void wsm_http_pool_clear(struct wsm_http_pool *pool);
/* Closes the connections that carry nothing. */
void wsm_http_pool_drop_idle(struct wsm_http_pool *pool);
/* Gives memory back for the next answer. */
void wsm_http_pool_recycle(struct wsm_http_pool *pool, struct wsm_buf *bytes);

bool wsm_http_call_start(struct wsm_http_call *call, struct wsm_http_pool *pool,
                         struct wsm_error *err) WSM_MUST_CHECK;
/* Ends it by closing its connection; harmless if it is not going on. */
void wsm_http_call_cancel(struct wsm_http_call *call);
/* From now on it takes at most so long; harmless if it is not going on. */
void wsm_http_call_limit(struct wsm_http_call *call, uint32_t ms);
/* Has any byte of it been given to the network? */
bool wsm_http_call_is_sent(const struct wsm_http_call *call);

#endif
