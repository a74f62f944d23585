/* What a connection of a client goes through. */
#include "server/http_state.h"

static const char *const state_names[WSM_HTTP_STATES] = {
    "-", "head", "auth", "body", "drain", "processing", "parked", "writing", "linger", "closed"
};

/* Row: state now; column: event; cell: next, "-" is refused.
 *             CHECK  ACCEPT  REFUSE  REQUEST     PARK    ANSWER   WRITTEN  FINISH  END
 * HEAD        AUTH   BODY    DRAIN   -           -       WRITING  -        LINGER  CLOSED
 * AUTH        -      BODY    DRAIN   -           -       WRITING  -        LINGER  CLOSED
 * BODY        -      -       -       PROCESSING  -       WRITING  -        LINGER  CLOSED
 * DRAIN       -      -       -       -           -       WRITING  -        LINGER  CLOSED
 * PROCESSING  -      -       -       -           PARKED  WRITING  -        LINGER  CLOSED
 * PARKED      -      -       -       -           -       WRITING  -        LINGER  CLOSED
 * WRITING     -      -       -       -           -       -        HEAD     LINGER  CLOSED
 * LINGER      -      -       -       -           -       -        -        -       CLOSED
 * CLOSED      -      -       -       -           -       -        -        -       -      */
static const enum wsm_http_state next_state[WSM_HTTP_STATES][WSM_HTTP_EVENTS] = {
    [WSM_HTTP_STATE_HEAD] = { [WSM_HTTP_EVENT_CHECK] = WSM_HTTP_STATE_AUTH,
                              [WSM_HTTP_EVENT_ACCEPT] = WSM_HTTP_STATE_BODY,
                              [WSM_HTTP_EVENT_REFUSE] = WSM_HTTP_STATE_DRAIN,
                              [WSM_HTTP_EVENT_ANSWER] = WSM_HTTP_STATE_WRITING,
                              [WSM_HTTP_EVENT_FINISH] = WSM_HTTP_STATE_LINGER,
                              [WSM_HTTP_EVENT_END] = WSM_HTTP_STATE_CLOSED },
    [WSM_HTTP_STATE_AUTH] = { [WSM_HTTP_EVENT_ACCEPT] = WSM_HTTP_STATE_BODY,
                              [WSM_HTTP_EVENT_REFUSE] = WSM_HTTP_STATE_DRAIN,
                              [WSM_HTTP_EVENT_ANSWER] = WSM_HTTP_STATE_WRITING,
                              [WSM_HTTP_EVENT_FINISH] = WSM_HTTP_STATE_LINGER,
                              [WSM_HTTP_EVENT_END] = WSM_HTTP_STATE_CLOSED },
    [WSM_HTTP_STATE_BODY] = { [WSM_HTTP_EVENT_REQUEST] = WSM_HTTP_STATE_PROCESSING,
                              [WSM_HTTP_EVENT_ANSWER] = WSM_HTTP_STATE_WRITING,
                              [WSM_HTTP_EVENT_FINISH] = WSM_HTTP_STATE_LINGER,
                              [WSM_HTTP_EVENT_END] = WSM_HTTP_STATE_CLOSED },
    [WSM_HTTP_STATE_DRAIN] = { [WSM_HTTP_EVENT_ANSWER] = WSM_HTTP_STATE_WRITING,
                               [WSM_HTTP_EVENT_FINISH] = WSM_HTTP_STATE_LINGER,
                               [WSM_HTTP_EVENT_END] = WSM_HTTP_STATE_CLOSED },
    [WSM_HTTP_STATE_PROCESSING] = { [WSM_HTTP_EVENT_PARK] = WSM_HTTP_STATE_PARKED,
                                    [WSM_HTTP_EVENT_ANSWER] = WSM_HTTP_STATE_WRITING,
                                    [WSM_HTTP_EVENT_FINISH] = WSM_HTTP_STATE_LINGER,
                                    [WSM_HTTP_EVENT_END] = WSM_HTTP_STATE_CLOSED },
    [WSM_HTTP_STATE_PARKED] = { [WSM_HTTP_EVENT_ANSWER] = WSM_HTTP_STATE_WRITING,
                                [WSM_HTTP_EVENT_FINISH] = WSM_HTTP_STATE_LINGER,
                                [WSM_HTTP_EVENT_END] = WSM_HTTP_STATE_CLOSED },
    [WSM_HTTP_STATE_WRITING] = { [WSM_HTTP_EVENT_WRITTEN] = WSM_HTTP_STATE_HEAD,
                                 [WSM_HTTP_EVENT_FINISH] = WSM_HTTP_STATE_LINGER,
                                 [WSM_HTTP_EVENT_END] = WSM_HTTP_STATE_CLOSED },
    [WSM_HTTP_STATE_LINGER] = { [WSM_HTTP_EVENT_END] = WSM_HTTP_STATE_CLOSED },
};

enum wsm_http_state wsm_http_state_next(enum wsm_http_state state, enum wsm_http_event event)
{
    return next_state[state][event];
}

const char *wsm_http_state_name(enum wsm_http_state state)
{
    return state_names[state];
}
