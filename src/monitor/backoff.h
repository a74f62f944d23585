/* How long to wait before a child is started again. Pure arithmetic. */
#ifndef WSM_MONITOR_BACKOFF_H
#define WSM_MONITOR_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

enum { WSM_BACKOFF_FIRST_MS = 100, WSM_BACKOFF_LAST_MS = 5000 };

struct wsm_backoff {
    int64_t delay_ms; /* of the last restart; 0 = at once */
    bool has_served;  /* since it was started */
};

static inline void wsm_backoff_on_served(struct wsm_backoff *backoff)
{
    backoff->has_served = true;
}

/* The child has died: milliseconds until it is to be started again. At once after one
 * that had served, else 0.1 s, doubled with each such death, at most 5 s. */
int64_t wsm_backoff_on_death(struct wsm_backoff *backoff);

#endif
