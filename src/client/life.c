/* The state table of shells and commands. Loop thread; acts on nothing itself. */
#include "client/life.h"

#include "base/log.h"

/*             OPENED   FAILED   CLOSE      ENDED
 * OPENING     OPEN     FAILED   ABANDONED  -
 * OPEN        -        -        ENDING     -
 * FAILED      -        -        ENDED      -
 * ABANDONED   ENDING   ENDED    -          -
 * ENDING      -        -        -          ENDED
 * ENDED       -        -        -          -       */
static const enum wsm_life next_state[WSM_LIFE_COUNT][WSM_LIFE_EV_COUNT] = {
    [WSM_LIFE_OPENING] = { WSM_LIFE_OPEN, WSM_LIFE_FAILED, WSM_LIFE_ABANDONED, 0 },
    [WSM_LIFE_OPEN] = { 0, 0, WSM_LIFE_ENDING, 0 },
    [WSM_LIFE_FAILED] = { 0, 0, WSM_LIFE_ENDED, 0 },
    [WSM_LIFE_ABANDONED] = { WSM_LIFE_ENDING, WSM_LIFE_ENDED, 0, 0 },
    [WSM_LIFE_ENDING] = { 0, 0, 0, WSM_LIFE_ENDED },
};

static const char *const names[WSM_LIFE_COUNT] = {
    "refused", "opening", "open", "failed", "abandoned", "ending", "ended",
};

bool wsm_life_step(enum wsm_life *life, enum wsm_life_event event, const char *what, const char *id)
{
    enum wsm_life next = next_state[*life][event];

    if (next == WSM_LIFE_REFUSED)
        return false;
    wsm_log_debug("%s %s: %s -> %s", what, id, names[*life], names[next]);
    *life = next;
    return true;
}
