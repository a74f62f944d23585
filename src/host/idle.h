/* The idle clock of a shell: starts anew with every request and stands while a FETCH is
 * parked. Pure; the host's only thread. Source: docs/host-protocol.md, "Clocks". */
#ifndef WSM_HOST_IDLE_H
#define WSM_HOST_IDLE_H

#include "host/clock.h"

#include <stddef.h>

struct wsm_idle {
    int64_t timeout_ms; /* 0 = never runs out */
    int64_t since_ms;   /* of the last request, or the end of the last parked FETCH */
    size_t parked;      /* FETCHes waiting now */
};

static inline void wsm_idle_touch(struct wsm_idle *idle, int64_t now_ms)
{
    idle->since_ms = now_ms;
}

static inline void wsm_idle_park(struct wsm_idle *idle)
{
    idle->parked++;
}

static inline void wsm_idle_unpark(struct wsm_idle *idle, int64_t now_ms)
{
    idle->parked--;
    idle->since_ms = now_ms;
}

static inline int64_t wsm_idle_deadline(const struct wsm_idle *idle)
{
    if (idle->parked > 0 || idle->timeout_ms == 0)
        return WSM_NEVER_MS;
    return wsm_deadline_ms(idle->since_ms, idle->timeout_ms);
}

static inline int64_t wsm_idle_inactivity(const struct wsm_idle *idle, int64_t now_ms)
{
    return idle->parked > 0 ? 0 : now_ms - idle->since_ms;
}

#endif
