/* Who sends a request: reads its credentials and has them checked. Logs each denial. */
#ifndef WSM_SERVER_LOGON_CHECK_H
#define WSM_SERVER_LOGON_CHECK_H

#include "base/buf.h"
#include "server/authenticator.h"

struct wsm_service;
struct wsm_logon_check;

/* The end of a check that was pending. `logon` borrowed (take a reference), NULL = denied. */
typedef void wsm_logon_on_end(struct wsm_logon_check *check, struct wsm_logon *logon);

/* Embedded by who asks; one check at a time. */
struct wsm_logon_check {
    struct wsm_auth_waiter waiter;
    wsm_logon_on_end *on_end;
    struct wsm_buf user; /* owned: for the log */
    const char *peer;    /* borrowed from who asks: for the log */
};

enum wsm_logon_verdict {
    WSM_LOGON_GRANTED, /* *out_logon is borrowed until the next call */
    WSM_LOGON_PENDING, /* on_end comes, never before this returns */
    WSM_LOGON_DENIED,
};

void wsm_logon_check_init(struct wsm_logon_check *check);
/* `authorization`: the header's value, which the caller wipes; empty = there is none. */
enum wsm_logon_verdict wsm_logon_check_begin(struct wsm_logon_check *check,
                                             struct wsm_service *service,
                                             struct wsm_span authorization, const char *peer,
                                             wsm_logon_on_end *on_end,
                                             struct wsm_logon **out_logon);
/* on_end does not come any more; harmless when nothing is pending. */
void wsm_logon_check_cancel(struct wsm_logon_check *check);
/* Forgets who was checked; cancels nothing. */
void wsm_logon_check_clear(struct wsm_logon_check *check);

#endif
