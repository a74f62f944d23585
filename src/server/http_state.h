/* The states of a client's connection, and what leads from one to the next. Pure. */
#ifndef WSM_SERVER_HTTP_STATE_H
#define WSM_SERVER_HTTP_STATE_H

enum wsm_http_state {
    WSM_HTTP_STATE_REFUSED, /* no state: a transition that the table does not have */
    WSM_HTTP_STATE_HEAD,
    WSM_HTTP_STATE_AUTH,
    WSM_HTTP_STATE_BODY,
    WSM_HTTP_STATE_DRAIN,
    WSM_HTTP_STATE_PROCESSING,
    WSM_HTTP_STATE_PARKED,
    WSM_HTTP_STATE_WRITING,
    WSM_HTTP_STATE_LINGER,
    WSM_HTTP_STATE_CLOSED,
    WSM_HTTP_STATES
};

enum wsm_http_event {
    WSM_HTTP_EVENT_CHECK,   /* credentials are being checked */
    WSM_HTTP_EVENT_ACCEPT,  /* the sender is known: his body is read */
    WSM_HTTP_EVENT_REFUSE,  /* the request is refused: its body is dropped */
    WSM_HTTP_EVENT_REQUEST, /* all of the request is there */
    WSM_HTTP_EVENT_PARK,    /* it waits for output */
    WSM_HTTP_EVENT_ANSWER,  /* an answer is written */
    WSM_HTTP_EVENT_WRITTEN, /* all of it was taken by the kernel */
    WSM_HTTP_EVENT_FINISH,  /* no more requests: settle what was written, then close */
    WSM_HTTP_EVENT_END,     /* close now */
    WSM_HTTP_EVENTS
};

/* WSM_HTTP_STATE_REFUSED: the event cannot happen in that state. */
enum wsm_http_state wsm_http_state_next(enum wsm_http_state state, enum wsm_http_event event);
/* For the log. */
const char *wsm_http_state_name(enum wsm_http_state state);

#endif
