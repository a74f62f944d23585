/* The threads that run callbacks: one is added when a strand is ready and none is
 * idle, up to a limit; an idle one ends after a while.
 *
 * The threads come and go with the library's lives; the object and its lock are there as long as
 * the process, since strands are: any thread may make and release one at any time. */
#ifndef WSM_CLIENT_DISPATCHER_H
#define WSM_CLIENT_DISPATCHER_H

#include "base/error.h"
#include "base/list.h"

#include <pthread.h>

enum {
    WSM_DISPATCHER_THREADS_MAX = 64,
    WSM_DISPATCHER_IDLE_S = 10,
};

struct wsm_message;

struct wsm_dispatcher {
    /* Gives the loop back what has been called, on the thread that called it; for ever. */
    bool (*post_returned)(struct wsm_message *message);
    pthread_mutex_t lock; /* guards all below, and every strand; is never destroyed */
    pthread_cond_t wake;
    pthread_cond_t ended;
    struct wsm_list ready; /* strands that wait for a thread */
    size_t ready_count;
    size_t thread_count;
    size_t idle_count;
    bool is_stopping;
    bool has_exited; /* a thread that ended and was not joined yet: `exited` */
    pthread_t exited;
};

/* Static storage only. */
#define WSM_DISPATCHER_INIT(post)                                  \
    {                                                              \
        .post_returned = (post), .lock = PTHREAD_MUTEX_INITIALIZER \
    }

/* Starts the first thread, so that a callback can always run. */
bool wsm_dispatcher_start(struct wsm_dispatcher *dispatcher, struct wsm_error *err) WSM_MUST_CHECK;
/* Runs what is queued, then ends and joins all threads. Not from a callback. */
void wsm_dispatcher_stop(struct wsm_dispatcher *dispatcher);
/* After wsm_dispatcher_stop(), once the loop thread has ended, which may still be about
 * to wake one of them. It can be started again. */
void wsm_dispatcher_clear(struct wsm_dispatcher *dispatcher);

#endif
