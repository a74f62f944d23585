/* The life of a shell or command, which are alike: opened by a request, closed by
 * another, and closing can be asked for at any time. */
#ifndef WSM_CLIENT_LIFE_H
#define WSM_CLIENT_LIFE_H

#include "base/error.h"

enum wsm_life {
    WSM_LIFE_REFUSED, /* in the table only: no such transition */
    WSM_LIFE_OPENING, /* Create or Command is on its way */
    WSM_LIFE_OPEN,
    WSM_LIFE_FAILED,    /* never opened; waits to be closed */
    WSM_LIFE_ABANDONED, /* closed while opening: waits for that answer */
    WSM_LIFE_ENDING,    /* Delete or the terminate signal is on its way */
    WSM_LIFE_ENDED,
    WSM_LIFE_COUNT,
};

enum wsm_life_event {
    WSM_LIFE_EV_OPENED,
    WSM_LIFE_EV_FAILED,
    WSM_LIFE_EV_CLOSE,
    WSM_LIFE_EV_ENDED,
    WSM_LIFE_EV_COUNT,
};

/* The only writer of *life; false: refused, nothing changed. `what` and `id` are for the log. */
bool wsm_life_step(enum wsm_life *life, enum wsm_life_event event, const char *what,
                   const char *id) WSM_MUST_CHECK;

#endif
