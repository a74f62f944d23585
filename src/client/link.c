/* The state table of connections. Loop thread; acts on nothing itself. */
#include "client/link.h"

#include "base/log.h"

/* clang-format off */
/*               DISCONNECT  HELD      SENT     ANSWERED  KEPT       GONE          RECONNECT     BACK       FAILED
 * CONNECTED     HOLDING     -         -        -         -          DISCONNECTED  -             -          -
 * HOLDING       -           DRAINING  -        -         -          DISCONNECTED  -             -          -
 * DRAINING      -           -         LEAVING  -         CONNECTED  DISCONNECTED  -             -          -
 * LEAVING       -           -         -        SETTLING  CONNECTED  DISCONNECTED  -             -          -
 * SETTLING      -           -         -        -         -          DISCONNECTED  -             -          -
 * DISCONNECTED  -           -         -        -         -          -             RECONNECTING  -          -
 * RECONNECTING  -           -         -        -         -          DISCONNECTED  -             CONNECTED  DISCONNECTED
 * BROKEN        -           -         -        -         -          -             -             -          -
 * and BROKE takes CONNECTED to BROKEN. */
/* clang-format on */
static const enum wsm_link next_state[WSM_LINK_COUNT][WSM_LINK_EV_COUNT] = {
    [WSM_LINK_CONNECTED] = { [WSM_LINK_EV_DISCONNECT] = WSM_LINK_HOLDING,
                             [WSM_LINK_EV_GONE] = WSM_LINK_DISCONNECTED,
                             [WSM_LINK_EV_BROKE] = WSM_LINK_BROKEN },
    [WSM_LINK_HOLDING] = { [WSM_LINK_EV_HELD] = WSM_LINK_DRAINING,
                           [WSM_LINK_EV_GONE] = WSM_LINK_DISCONNECTED },
    [WSM_LINK_DRAINING] = { [WSM_LINK_EV_SENT] = WSM_LINK_LEAVING,
                            [WSM_LINK_EV_KEPT] = WSM_LINK_CONNECTED,
                            [WSM_LINK_EV_GONE] = WSM_LINK_DISCONNECTED },
    [WSM_LINK_LEAVING] = { [WSM_LINK_EV_ANSWERED] = WSM_LINK_SETTLING,
                           [WSM_LINK_EV_KEPT] = WSM_LINK_CONNECTED,
                           [WSM_LINK_EV_GONE] = WSM_LINK_DISCONNECTED },
    [WSM_LINK_SETTLING] = { [WSM_LINK_EV_GONE] = WSM_LINK_DISCONNECTED },
    [WSM_LINK_DISCONNECTED] = { [WSM_LINK_EV_RECONNECT] = WSM_LINK_RECONNECTING },
    [WSM_LINK_RECONNECTING] = { [WSM_LINK_EV_GONE] = WSM_LINK_DISCONNECTED,
                                [WSM_LINK_EV_BACK] = WSM_LINK_CONNECTED,
                                [WSM_LINK_EV_FAILED] = WSM_LINK_DISCONNECTED },
};

static const char *const names[WSM_LINK_COUNT] = {
    "refused",  "connected",    "holding",      "draining", "leaving",
    "settling", "disconnected", "reconnecting", "broken",
};

bool wsm_link_step(enum wsm_link *link, enum wsm_link_event event, const char *what, const char *id)
{
    enum wsm_link next = next_state[*link][event];

    if (next == WSM_LINK_REFUSED)
        return false;
    wsm_log_debug("%s %s: %s -> %s", what, id, names[*link], names[next]);
    *link = next;
    return true;
}

bool wsm_link_may_ask(enum wsm_link link)
{
    return link == WSM_LINK_CONNECTED || link == WSM_LINK_HOLDING;
}

bool wsm_link_may_deliver(enum wsm_link link)
{
    return wsm_link_may_ask(link) || link == WSM_LINK_DRAINING || wsm_link_has_told(link);
}

bool wsm_link_has_told(enum wsm_link link)
{
    return link == WSM_LINK_LEAVING || link == WSM_LINK_SETTLING;
}

bool wsm_link_is_ending(enum wsm_link link)
{
    return link == WSM_LINK_HOLDING || link == WSM_LINK_DRAINING || wsm_link_has_told(link);
}
