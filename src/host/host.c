/* The states of the host. The only thread of winrmd-shell. */
#include "host/host.h"

#include "base/log.h"

/* Row: state now; column: event; cell: next.
 *          OPENED  END     EMPTY    FLUSHED
 * NEW      OPEN    ENDING  -        -
 * OPEN     -       ENDING  -        -
 * ENDING   -       -       LEAVING  -
 * LEAVING  -       -       -        GONE
 * GONE     -       -       -        -
 * "-" is refused. */
static const enum wsm_host_state next_state[WSM_HOST_STATES][WSM_HOST_EVENTS] = {
    [WSM_HOST_STATE_NEW] = { [WSM_HOST_EVENT_OPENED] = WSM_HOST_STATE_OPEN,
                             [WSM_HOST_EVENT_END] = WSM_HOST_STATE_ENDING },
    [WSM_HOST_STATE_OPEN] = { [WSM_HOST_EVENT_END] = WSM_HOST_STATE_ENDING },
    [WSM_HOST_STATE_ENDING] = { [WSM_HOST_EVENT_EMPTY] = WSM_HOST_STATE_LEAVING },
    [WSM_HOST_STATE_LEAVING] = { [WSM_HOST_EVENT_FLUSHED] = WSM_HOST_STATE_GONE },
};
static const char *const state_names[] = { "refused", "new", "open", "ending", "leaving", "gone" };
static const char *const event_names[] = { "opened", "end", "empty", "flushed" };

/* The only writer of host->state. */
bool wsm_host_step(struct wsm_host *host, enum wsm_host_event event)
{
    enum wsm_host_state next = next_state[host->state][event];

    if (next == WSM_HOST_STATE_REFUSED)
        return false;
    wsm_log_debug("host: %s -> %s (%s)", state_names[host->state], state_names[next],
                  event_names[event]);
    host->state = next;
    return true;
}
