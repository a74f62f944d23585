/* Dispatcher threads and the strands they serve. Strands are posted to by the loop
 * thread and run by the threads made here; no callback runs under the lock. */
#include "client/dispatcher.h"

#include "client/strand.h"
#include "client/thread.h"
#include "wsmerror.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

static _Thread_local const struct wsm_strand_item *current;

const struct wsm_strand_item *wsm_strand_current(void)
{
    return current;
}

struct wsm_strand *wsm_strand_new(struct wsm_dispatcher *dispatcher)
{
    struct wsm_strand *strand = calloc(1, sizeof(*strand));

    if (strand == NULL)
        return NULL;
    strand->dispatcher = dispatcher;
    wsm_list_init(&strand->items);
    wsm_list_init(&strand->ready_node);
    return strand;
}

void wsm_strand_release(struct wsm_strand *strand)
{
    bool is_running;

    if (strand == NULL)
        return;
    pthread_mutex_lock(&strand->dispatcher->lock);
    is_running = strand->state == WSM_STRAND_RUNNING;
    if (is_running)
        strand->state = WSM_STRAND_RELEASED;
    pthread_mutex_unlock(&strand->dispatcher->lock);
    if (!is_running)
        free(strand);
}

static void *thread_main(void *arg);

/* thread_count was raised by the caller under the lock. */
static bool add_thread(struct wsm_dispatcher *dispatcher, struct wsm_error *err)
{
    pthread_t thread;

    if (wsm_thread_start(&thread, thread_main, dispatcher, err))
        return true;
    pthread_mutex_lock(&dispatcher->lock);
    dispatcher->thread_count--;
    pthread_mutex_unlock(&dispatcher->lock);
    return false;
}

static void make_ready(struct wsm_strand *strand)
{
    strand->state = WSM_STRAND_READY;
    wsm_list_add(&strand->dispatcher->ready, &strand->ready_node);
    strand->dispatcher->ready_count++;
}

void wsm_strand_post(struct wsm_strand *strand, struct wsm_strand_item *item)
{
    struct wsm_dispatcher *dispatcher = strand->dispatcher;
    bool needs_thread = false;
    bool is_made_ready;

    pthread_mutex_lock(&dispatcher->lock);
    wsm_list_add(&strand->items, &item->node);
    is_made_ready = strand->state == WSM_STRAND_IDLE;
    if (is_made_ready) {
        make_ready(strand);
        needs_thread = dispatcher->ready_count > dispatcher->idle_count &&
                       dispatcher->thread_count < WSM_DISPATCHER_THREADS_MAX;
        if (needs_thread)
            dispatcher->thread_count++;
    }
    pthread_mutex_unlock(&dispatcher->lock);
    /* Outside: the woken thread would have to wait for the lock at once. */
    if (is_made_ready && !needs_thread)
        pthread_cond_signal(&dispatcher->wake);
    /* Without a new thread the strand waits for one of those there are. */
    if (needs_thread)
        (void)add_thread(dispatcher, &(struct wsm_error)WSM_ERROR_INIT);
}

bool wsm_strand_change(struct wsm_strand *strand, struct wsm_strand_item *item,
                       void (*change)(struct wsm_strand_item *item))
{
    bool is_queued;

    pthread_mutex_lock(&strand->dispatcher->lock);
    is_queued = !wsm_list_is_empty(&item->node);
    if (is_queued)
        change(item);
    pthread_mutex_unlock(&strand->dispatcher->lock);
    return is_queued;
}

bool wsm_strand_take_back(struct wsm_strand *strand, struct wsm_strand_item *item)
{
    struct wsm_dispatcher *dispatcher = strand->dispatcher;
    bool is_queued;

    pthread_mutex_lock(&dispatcher->lock);
    is_queued = !wsm_list_is_empty(&item->node);
    if (is_queued) {
        wsm_list_remove(&item->node);
        if (strand->state == WSM_STRAND_READY && wsm_list_is_empty(&strand->items)) {
            wsm_list_remove(&strand->ready_node);
            dispatcher->ready_count--;
            strand->state = WSM_STRAND_IDLE;
        }
    }
    pthread_mutex_unlock(&dispatcher->lock);
    return is_queued;
}

/* Waits under the lock for a ready strand; NULL: the thread is to end. */
static struct wsm_strand *next_strand(struct wsm_dispatcher *dispatcher)
{
    struct wsm_strand *strand;

    while (wsm_list_is_empty(&dispatcher->ready)) {
        struct timespec until;
        int status;

        if (dispatcher->is_stopping)
            return NULL;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += WSM_DISPATCHER_IDLE_S;
        dispatcher->idle_count++;
        status = pthread_cond_timedwait(&dispatcher->wake, &dispatcher->lock, &until);
        dispatcher->idle_count--;
        /* The last thread stays: a callback must not depend on making one. */
        if (status == ETIMEDOUT && wsm_list_is_empty(&dispatcher->ready) &&
            dispatcher->thread_count > 1)
            return NULL;
    }
    strand = WSM_CONTAINER_OF(dispatcher->ready.next, struct wsm_strand, ready_node);
    wsm_list_remove(&strand->ready_node);
    dispatcher->ready_count--;
    return strand;
}

/* Entered and left with the lock held. */
static void run_one(struct wsm_dispatcher *dispatcher, struct wsm_strand *strand)
{
    struct wsm_strand_item *item = WSM_CONTAINER_OF(strand->items.next, struct wsm_strand_item,
                                                    node);

    wsm_list_remove(&item->node);
    strand->state = WSM_STRAND_RUNNING;
    pthread_mutex_unlock(&dispatcher->lock);

    current = item;
    item->run(item);
    current = NULL;
    /* Before the strand can go on, so that items come back in their order. */
    (void)dispatcher->post_returned(&item->returned);

    pthread_mutex_lock(&dispatcher->lock);
    if (strand->state == WSM_STRAND_RELEASED)
        free(strand);
    else if (wsm_list_is_empty(&strand->items))
        strand->state = WSM_STRAND_IDLE;
    else
        make_ready(strand);
}

static void *thread_main(void *arg)
{
    struct wsm_dispatcher *dispatcher = arg;
    struct wsm_strand *strand;
    pthread_t before;
    bool has_before;

    pthread_mutex_lock(&dispatcher->lock);
    while ((strand = next_strand(dispatcher)) != NULL)
        run_one(dispatcher, strand);
    has_before = dispatcher->has_exited;
    before = dispatcher->exited;
    dispatcher->has_exited = true;
    dispatcher->exited = pthread_self();
    dispatcher->thread_count--;
    pthread_cond_signal(&dispatcher->ended);
    pthread_mutex_unlock(&dispatcher->lock);
    if (has_before) /* each joins the one that ended before it, stop joins the last */
        pthread_join(before, NULL);
    return NULL;
}

bool wsm_dispatcher_start(struct wsm_dispatcher *dispatcher, struct wsm_error *err)
{
    pthread_condattr_t attr;

    pthread_mutex_lock(&dispatcher->lock); /* of which strands may be in use at this moment */
    wsm_list_init(&dispatcher->ready);
    dispatcher->ready_count = 0;
    dispatcher->thread_count = 1;
    dispatcher->idle_count = 0;
    dispatcher->is_stopping = false;
    dispatcher->has_exited = false;
    pthread_mutex_unlock(&dispatcher->lock);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&dispatcher->wake, &attr);
    pthread_cond_init(&dispatcher->ended, &attr);
    pthread_condattr_destroy(&attr);
    return add_thread(dispatcher, err);
}

void wsm_dispatcher_stop(struct wsm_dispatcher *dispatcher)
{
    pthread_mutex_lock(&dispatcher->lock);
    dispatcher->is_stopping = true;
    pthread_cond_broadcast(&dispatcher->wake);
    while (dispatcher->thread_count > 0)
        pthread_cond_wait(&dispatcher->ended, &dispatcher->lock);
    pthread_mutex_unlock(&dispatcher->lock);
    if (dispatcher->has_exited)
        pthread_join(dispatcher->exited, NULL);
}

void wsm_dispatcher_clear(struct wsm_dispatcher *dispatcher)
{
    pthread_cond_destroy(&dispatcher->ended);
    pthread_cond_destroy(&dispatcher->wake);
}
