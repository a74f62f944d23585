/* The connection of a shell or command with its server: let go by the application, taken up
 * again. Counts only while its life is OPEN. */
#ifndef WSM_CLIENT_LINK_H
#define WSM_CLIENT_LINK_H

#include "base/error.h"

/* A command is CONNECTED, DISCONNECTED or RECONNECTING only: it is let go with its shell. */
enum wsm_link {
    WSM_LINK_REFUSED, /* in the table only: no such transition */
    WSM_LINK_CONNECTED,
    WSM_LINK_HOLDING,  /* asked to disconnect: what was begun before ends first */
    WSM_LINK_DRAINING, /* nothing more is asked for; callbacks with output return first */
    WSM_LINK_LEAVING,  /* Disconnect is on its way */
    WSM_LINK_SETTLING, /* answered; the last answers to Receive come in */
    WSM_LINK_DISCONNECTED,
    WSM_LINK_RECONNECTING, /* Reconnect is on its way */
    WSM_LINK_BROKEN,       /* for good, in a shell that can only be closed */
    WSM_LINK_COUNT,
};

enum wsm_link_event {
    WSM_LINK_EV_DISCONNECT, /* the application asks */
    WSM_LINK_EV_HELD,       /* what was begun before has ended */
    WSM_LINK_EV_SENT,       /* Disconnect goes out */
    WSM_LINK_EV_ANSWERED,   /* the server has disconnected it */
    WSM_LINK_EV_KEPT,       /* the server has refused, or could not even be asked */
    WSM_LINK_EV_GONE, /* disconnected: all has come in, or the network or the shell has gone */
    WSM_LINK_EV_RECONNECT,
    WSM_LINK_EV_BACK,
    WSM_LINK_EV_FAILED, /* to reconnect */
    WSM_LINK_EV_BROKE,  /* it was lost, and we cannot try to reach the server */
    WSM_LINK_EV_COUNT,
};

/* The only writer of *link; false: refused, nothing changed. `what` and `id` are for the log. */
bool wsm_link_step(enum wsm_link *link, enum wsm_link_event event, const char *what,
                   const char *id) WSM_MUST_CHECK;

/* May requests for output go out? */
bool wsm_link_may_ask(enum wsm_link link);
/* May output go to the application? */
bool wsm_link_may_deliver(enum wsm_link link);
/* Was the server told how far output has got, by a Disconnect whose end is not known yet? */
bool wsm_link_has_told(enum wsm_link link);
/* Does the application want to be rid of it, and has not got there? */
bool wsm_link_is_ending(enum wsm_link link);

#endif
