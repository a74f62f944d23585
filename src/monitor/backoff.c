/* How long to wait before a child is started again. No clock: the caller has it. */
#include "monitor/backoff.h"

int64_t wsm_backoff_on_death(struct wsm_backoff *backoff)
{
    if (backoff->has_served)
        backoff->delay_ms = 0;
    else if (backoff->delay_ms == 0)
        backoff->delay_ms = WSM_BACKOFF_FIRST_MS;
    else if (backoff->delay_ms < WSM_BACKOFF_LAST_MS / 2)
        backoff->delay_ms *= 2;
    else
        backoff->delay_ms = WSM_BACKOFF_LAST_MS;
    backoff->has_served = false;
    return backoff->delay_ms;
}
