/* A child of the monitor that serves for as long as it does (winrmd-net, winrmd-auth):
 * start, channel, restart, end. */
#ifndef WSM_MONITOR_SERVICE_H
#define WSM_MONITOR_SERVICE_H

#include "ipc/channel.h"
#include "monitor/backoff.h"
#include "monitor/loop.h"

enum {
    WSM_SERVICE_END_MS = 2000, /* from the end of its channel until it is killed */
};

enum wsm_service_state {
    WSM_SERVICE_REFUSED, /* no state: what the table holds for a step that is not allowed */
    WSM_SERVICE_DOWN,
    WSM_SERVICE_GREETING, /* started, HELLO has not come */
    WSM_SERVICE_UP,
    WSM_SERVICE_CLOSING,  /* channel closed, the process has not ended; started again then */
    WSM_SERVICE_STOPPING, /* the same, for good */
    WSM_SERVICE_STOPPED,
    WSM_SERVICE_STATES
};

enum wsm_service_event {
    WSM_SERVICE_ON_START,
    WSM_SERVICE_ON_HELLO,
    WSM_SERVICE_ON_BREAK, /* end of file, rubbish or an error on the channel */
    WSM_SERVICE_ON_EXIT,  /* reaped */
    WSM_SERVICE_ON_STOP,  /* the monitor ends */
    WSM_SERVICE_EVENTS
};

/* The rule of the table alone, for its test. */
enum wsm_service_state wsm_service_next_state(enum wsm_service_state state,
                                              enum wsm_service_event event);

struct wsm_service;

/* Called by the loop. */
struct wsm_service_events {
    /* It runs and its channel is open: what it needs can be sent (HELLO is queued already). */
    void (*on_started)(struct wsm_service *service);
    /* A message it may send, other than HELLO, as `type` lays it out. False: malformed; the
     * channel is closed then. */
    bool (*on_message)(struct wsm_service *service, const struct wsm_frame *frame,
                       const struct wsm_message_type *type);
    /* Nothing is queued any more. */
    void (*on_flushed)(struct wsm_service *service);
    /* The channel is closed: whatever depended on it is void. */
    void (*on_lost)(struct wsm_service *service);
    /* Only after wsm_service_stop(): it has ended. */
    void (*on_stopped)(struct wsm_service *service);
};

/* Embedded. */
struct wsm_service {
    const char *name; /* borrowed for ever */
    char *path;       /* owned */
    struct wsm_loop *loop;
    const struct wsm_service_events *events;
    const struct wsm_message_type *const *accepted; /* once UP; borrowed for ever */
    size_t accepted_count;
    enum wsm_service_state state;
    pid_t pid; /* 0 = no process */
    struct wsm_channel channel;
    struct wsm_watch watch;
    struct wsm_timer timer; /* DOWN: the next start; CLOSING, STOPPING: the kill */
    struct wsm_backoff backoff;
    int last_status; /* of the process before, as from waitpid() */
};

/* Finds the program. The other arguments are borrowed for ever. */
bool wsm_service_init(struct wsm_service *service, const char *name, struct wsm_loop *loop,
                      const struct wsm_service_events *events,
                      const struct wsm_message_type *const *accepted, size_t accepted_count,
                      struct wsm_error *err) WSM_MUST_CHECK;
void wsm_service_clear(struct wsm_service *service);

/* The first start; later ones happen by themselves. */
bool wsm_service_start(struct wsm_service *service, struct wsm_error *err) WSM_MUST_CHECK;
/* Closes its channel, kills it if it does not end by that; on_stopped follows. */
void wsm_service_stop(struct wsm_service *service);
/* waitpid() has returned it. */
void wsm_service_on_exit(struct wsm_service *service, int status);
/* Its first answer since it was started: its next death is no crash loop. */
void wsm_service_on_served(struct wsm_service *service);

/* Starting or up: messages can be sent. */
static inline bool wsm_service_is_running(const struct wsm_service *service)
{
    return service->state == WSM_SERVICE_GREETING || service->state == WSM_SERVICE_UP;
}
/* Without effect if it is not running; a failure closes the channel (on_lost). */
void wsm_service_send(struct wsm_service *service, const struct wsm_message_type *type,
                      const void *message, int pass_fd);
/* Handles every message that has come, so that what it said so far counts. */
void wsm_service_drain(struct wsm_service *service);

#endif
