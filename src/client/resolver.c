/* Look-ups: a queue, and detached threads that end when it is empty. Started and cancelled by the
 * loop thread; the threads touch nothing but the look-up and the queue. */
#include "client/resolver.h"

#include "base/list.h"
#include "client/runtime.h"
#include "client/thread.h"
#include "wsmerror.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct wsm_lookup {
    struct wsm_message message; /* to the loop, with the answer */
    struct wsm_list node;       /* in the queue; guarded by the lock, as the next two */
    bool is_queued;
    bool is_cancelled;
    char *host; /* owned */
    char port[8];
    int status;
    struct addrinfo *list; /* owned */
    wsm_lookup_done done;
    void *owner; /* borrowed; of the loop */
};

static struct {
    pthread_mutex_t lock;
    struct wsm_list queue;
    size_t threads;
} resolver = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .queue = { .next = &resolver.queue, .prev = &resolver.queue },
};

/* In the child of a fork there are no threads, and the lock may be held for ever. Its look-ups were
 * its parent's: they are not freed, for one of the threads may have had it half done. */
static void on_fork(void)
{
    pthread_mutex_init(&resolver.lock, NULL);
    wsm_list_init(&resolver.queue);
    resolver.threads = 0;
}

static void watch_forks(void)
{
    (void)pthread_atfork(NULL, NULL, on_fork); /* without memory for it a child hangs, no more */
}

static void lookup_free(struct wsm_lookup *lookup)
{
    if (lookup->list != NULL)
        freeaddrinfo(lookup->list);
    free(lookup->host);
    free(lookup);
}

/* Loop thread, perhaps that of a later life of the library: then it was cancelled before. */
static void on_answer(struct wsm_message *message)
{
    struct wsm_lookup *lookup = WSM_CONTAINER_OF(message, struct wsm_lookup, message);

    if (!lookup->is_cancelled)
        lookup->done(lookup->owner, lookup->status, lookup->list);
    lookup_free(lookup);
}

static void look_up(struct wsm_lookup *lookup)
{
    const struct addrinfo hints = { .ai_family = AF_UNSPEC,
                                    .ai_socktype = SOCK_STREAM,
                                    .ai_flags = AI_ADDRCONFIG };
    bool is_cancelled;

    lookup->status = getaddrinfo(lookup->host, lookup->port, &hints, &lookup->list);
    if (lookup->status != 0)
        lookup->list = NULL;
    pthread_mutex_lock(&resolver.lock);
    is_cancelled = lookup->is_cancelled;
    pthread_mutex_unlock(&resolver.lock);
    /* Cancelled behind this line it goes to the loop all the same, which frees it. */
    lookup->message.handle = on_answer;
    if (is_cancelled || !wsm_runtime_post_returned(&lookup->message))
        lookup_free(lookup);
}

static struct wsm_lookup *take_next(void)
{
    struct wsm_lookup *lookup = NULL;

    pthread_mutex_lock(&resolver.lock);
    if (wsm_list_is_empty(&resolver.queue)) {
        resolver.threads--;
    } else {
        lookup = WSM_CONTAINER_OF(resolver.queue.next, struct wsm_lookup, node);
        wsm_list_remove(&lookup->node);
        lookup->is_queued = false;
    }
    pthread_mutex_unlock(&resolver.lock);
    return lookup;
}

static void *thread_main(void *arg)
{
    struct wsm_lookup *lookup;

    (void)arg;
    while ((lookup = take_next()) != NULL)
        look_up(lookup);
    return NULL;
}

/* Without a thread of its own it waits for the others; false: there are none. */
static bool add_thread(struct wsm_error *err)
{
    struct wsm_error cause = WSM_ERROR_INIT;
    pthread_t thread;
    size_t others;

    if (wsm_thread_start(&thread, thread_main, NULL, &cause)) {
        pthread_detach(thread);
        return true;
    }
    pthread_mutex_lock(&resolver.lock);
    others = --resolver.threads;
    pthread_mutex_unlock(&resolver.lock);
    if (others == 0)
        wsm_error_move(err, &cause);
    wsm_error_clear(&cause);
    return others > 0;
}

static struct wsm_lookup *lookup_new(const char *host, uint16_t port)
{
    struct wsm_lookup *lookup = calloc(1, sizeof(*lookup));

    if (lookup == NULL)
        return NULL;
    lookup->host = strdup(host);
    if (lookup->host == NULL) {
        free(lookup);
        return NULL;
    }
    snprintf(lookup->port, sizeof(lookup->port), "%u", (unsigned)port);
    return lookup;
}

struct wsm_lookup *wsm_lookup_start(const char *host, uint16_t port, wsm_lookup_done done,
                                    void *owner, struct wsm_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct wsm_lookup *lookup = lookup_new(host, port);
    bool needs_thread;

    pthread_once(&once, watch_forks);
    if (lookup == NULL) {
        (void)wsm_fail_memory(err, "look-up");
        return NULL;
    }
    lookup->done = done;
    lookup->owner = owner;
    lookup->is_queued = true;
    pthread_mutex_lock(&resolver.lock);
    wsm_list_add(&resolver.queue, &lookup->node);
    needs_thread = resolver.threads < WSM_RESOLVER_THREADS_MAX;
    resolver.threads += needs_thread;
    pthread_mutex_unlock(&resolver.lock);
    if (!needs_thread || add_thread(err))
        return lookup;
    wsm_lookup_cancel(lookup);
    return NULL;
}

void wsm_lookup_cancel(struct wsm_lookup *lookup)
{
    bool was_queued;

    pthread_mutex_lock(&resolver.lock);
    was_queued = lookup->is_queued;
    lookup->is_cancelled = true;
    if (was_queued)
        wsm_list_remove(&lookup->node);
    pthread_mutex_unlock(&resolver.lock);
    if (was_queued)
        lookup_free(lookup);
}
