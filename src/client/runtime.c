/* The runtime: starts and stops the loop thread and hands it messages. `lock` guards
 * the queue and the handle table and is held for a few lines only; `life` orders
 * starting and stopping and is never held while waiting for callbacks. */
#include "client/runtime.h"

#include "client/dispatcher.h"
#include "client/orphans.h"
#include "client/thread.h"
#include "net/descriptor.h"
#include "net/poller.h"
#include "wsmerror.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct wsm_runtime {
    pthread_mutex_t life;
    pthread_cond_t stopped;
    size_t users;     /* API handles; guarded by life, as the next */
    bool is_stopping; /* the last one has gone, the threads are ending */
    bool is_orphan;   /* this process was forked from one that used the library */

    pthread_mutex_t lock;
    struct wsm_list queue;
    bool is_running; /* the loop takes messages */
    bool is_open;    /* those of the application too */
    size_t waking;   /* threads between posting and wake(); guarded by lock */
    pthread_cond_t woken;
    struct wsm_handle_table handles;

    uv_loop_t loop;
    int wake_fd; /* eventfd */
    struct wsm_poller waker;
    pthread_t thread;
    struct wsm_dispatcher dispatcher;
} runtime = {
    .life = PTHREAD_MUTEX_INITIALIZER,
    .stopped = PTHREAD_COND_INITIALIZER,
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .woken = PTHREAD_COND_INITIALIZER,
    .dispatcher = WSM_DISPATCHER_INIT(wsm_runtime_post_returned),
};

/* Not uv_async_send(), whose receiver spins until the sender has returned: with both on
 * one processor that is the rest of a time slice. */
static void wake(void)
{
    uint64_t one = 1;

    while (write(runtime.wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
        continue; /* EAGAIN: it is awake */
}

static void on_wake(struct wsm_poller *waker, bool readable, bool writable)
{
    struct wsm_list batch;
    uint64_t count;

    (void)waker;
    (void)readable;
    (void)writable;
    /* First this, then the queue: what is posted in between wakes us once more. */
    if (read(runtime.wake_fd, &count, sizeof(count)) < 0)
        count = 0;
    wsm_list_init(&batch);
    pthread_mutex_lock(&runtime.lock);
    if (!wsm_list_is_empty(&runtime.queue)) {
        batch = runtime.queue;
        batch.next->prev = &batch;
        batch.prev->next = &batch;
        wsm_list_init(&runtime.queue);
    }
    pthread_mutex_unlock(&runtime.lock);
    while (!wsm_list_is_empty(&batch)) {
        struct wsm_message *message = WSM_CONTAINER_OF(batch.next, struct wsm_message, node);

        wsm_list_remove(&message->node);
        message->handle(message);
    }
}

static void *loop_main(void *arg)
{
    (void)arg;
    uv_run(&runtime.loop, UV_RUN_DEFAULT);
    return NULL;
}

static bool start_loop(struct wsm_error *err)
{
    struct wsm_descriptor_hold hold;
    int status;

    wsm_descriptor_hold(&hold);
    status = uv_loop_init(&runtime.loop);
    wsm_descriptor_release(&hold);
    if (status != 0)
        return wsm_fail(err, ERROR_NOT_ENOUGH_MEMORY, "event loop: %s", uv_strerror(status));
    runtime.wake_fd = wsm_descriptor_raise(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (runtime.wake_fd < 0) {
        uv_loop_close(&runtime.loop);
        return wsm_fail(err, ERROR_NOT_ENOUGH_MEMORY, "event loop: %s", strerror(errno));
    }
    if (!wsm_poller_open(&runtime.waker, &runtime.loop, runtime.wake_fd, on_wake, err)) {
        close(runtime.wake_fd);
        uv_loop_close(&runtime.loop);
        return false;
    }
    wsm_list_init(&runtime.queue);
    return true;
}

static bool start_threads(struct wsm_error *err)
{
    if (!wsm_dispatcher_start(&runtime.dispatcher, err))
        return false;
    if (wsm_thread_start(&runtime.thread, loop_main, NULL, err))
        return true;
    wsm_dispatcher_stop(&runtime.dispatcher);
    wsm_dispatcher_clear(&runtime.dispatcher);
    return false;
}

static bool start(struct wsm_error *err)
{
    if (!start_loop(err))
        return false;
    if (!start_threads(err)) {
        wsm_poller_close(&runtime.waker, NULL);
        uv_run(&runtime.loop, UV_RUN_DEFAULT);
        uv_loop_close(&runtime.loop);
        close(runtime.wake_fd);
        return false;
    }
    pthread_mutex_lock(&runtime.lock);
    runtime.is_running = true;
    runtime.is_open = true;
    pthread_mutex_unlock(&runtime.lock);
    return true;
}

/* In the child of a fork there is none of our threads, and a lock may be held for ever: from here
 * on no handle is valid there. Its memory stays as it is. */
static void on_fork(void)
{
    pthread_mutex_init(&runtime.life, NULL);
    pthread_mutex_init(&runtime.lock, NULL);
    runtime.is_orphan = runtime.is_orphan || runtime.users > 0 || runtime.is_stopping;
    runtime.is_stopping = false;
    runtime.is_running = false;
    runtime.is_open = false;
    runtime.handles = (struct wsm_handle_table){ .count = 0 };
}

static void watch_forks(void)
{
    (void)pthread_atfork(NULL, NULL, on_fork); /* without memory for it a child hangs, no more */
}

bool wsm_runtime_acquire(struct wsm_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    bool ok = true;

    pthread_once(&once, watch_forks);
    pthread_mutex_lock(&runtime.life);
    if (runtime.is_orphan)
        ok = wsm_fail(err, ERROR_INVALID_STATE,
                      "this process was forked from one with an open API handle");
    while (ok && runtime.is_stopping) {
        if (wsm_strand_current() != NULL) /* the stop waits for this very callback */
            ok = wsm_fail(err, ERROR_SHUTDOWN_IN_PROGRESS, "the library is stopping");
        else
            pthread_cond_wait(&runtime.stopped, &runtime.life);
    }
    ok = ok && (runtime.users > 0 || start(err));
    if (ok)
        runtime.users++;
    pthread_mutex_unlock(&runtime.life);
    return ok;
}

/* The lock is free again before the loop wakes: it would only have to wait for it. Who
 * adds to a queue that is not empty leaves the waking to whoever made it so. */
static bool post(struct wsm_message *message, const bool *is_taken)
{
    bool is_running;
    bool is_first = false;

    pthread_mutex_lock(&runtime.lock);
    is_running = *is_taken;
    if (is_running) {
        is_first = wsm_list_is_empty(&runtime.queue);
        wsm_list_add(&runtime.queue, &message->node);
        runtime.waking += is_first;
    }
    pthread_mutex_unlock(&runtime.lock);
    if (!is_first)
        return is_running;
    wake();
    pthread_mutex_lock(&runtime.lock);
    if (--runtime.waking == 0 && !runtime.is_running)
        pthread_cond_signal(&runtime.woken);
    pthread_mutex_unlock(&runtime.lock);
    return true;
}

bool wsm_runtime_post(struct wsm_message *message)
{
    return post(message, &runtime.is_open);
}

bool wsm_runtime_post_returned(struct wsm_message *message)
{
    return post(message, &runtime.is_running);
}

static bool run_call(struct wsm_call *call, void (*handle)(struct wsm_message *message),
                     bool (*post_message)(struct wsm_message *message))
{
    bool ok;

    call->message.handle = handle;
    sem_init(&call->done, 0, 0); /* cannot fail */
    ok = post_message(&call->message);
    while (ok && sem_wait(&call->done) != 0)
        continue; /* EINTR */
    sem_destroy(&call->done);
    return ok;
}

bool wsm_call_run(struct wsm_call *call, void (*handle)(struct wsm_message *message))
{
    return run_call(call, handle, wsm_runtime_post);
}

static void on_stop(struct wsm_message *message)
{
    (void)message;
    wsm_orphans_forget();
    wsm_poller_close(&runtime.waker, NULL);
}

static void on_fence(struct wsm_message *message)
{
    wsm_call_done(WSM_CONTAINER_OF(message, struct wsm_call, message), 0);
}

static void stop(void)
{
    struct wsm_message message = { .handle = on_stop };
    struct wsm_call fence;

    /* First what the application has asked for: the fence is the last of it. Then the callbacks,
     * whose returns the loop still takes, then the loop. */
    pthread_mutex_lock(&runtime.lock);
    runtime.is_open = false;
    pthread_mutex_unlock(&runtime.lock);
    (void)run_call(&fence, on_fence, wsm_runtime_post_returned);
    wsm_dispatcher_stop(&runtime.dispatcher);
    pthread_mutex_lock(&runtime.lock);
    wsm_list_add(&runtime.queue, &message.node);
    runtime.is_running = false;
    while (runtime.waking > 0) /* after this nobody else uses wake_fd */
        pthread_cond_wait(&runtime.woken, &runtime.lock);
    pthread_mutex_unlock(&runtime.lock);
    wake();
    pthread_join(runtime.thread, NULL);
    uv_loop_close(&runtime.loop);
    close(runtime.wake_fd);
    wsm_dispatcher_clear(&runtime.dispatcher);
}

void wsm_runtime_release(void)
{
    bool is_last;

    pthread_mutex_lock(&runtime.life);
    is_last = --runtime.users == 0;
    runtime.is_stopping = is_last;
    pthread_mutex_unlock(&runtime.life);
    if (!is_last)
        return;
    stop();
    pthread_mutex_lock(&runtime.life);
    runtime.is_stopping = false;
    pthread_cond_broadcast(&runtime.stopped);
    pthread_mutex_unlock(&runtime.life);
}

void wsm_call_done(struct wsm_call *call, uint32_t result)
{
    call->result = result;
    sem_post(&call->done);
}

bool wsm_runtime_handle_add(enum wsm_handle_type type, uint32_t api_version, void *object,
                            void *reserve, uintptr_t *out_handle, struct wsm_error *err)
{
    bool ok;

    pthread_mutex_lock(&runtime.lock);
    ok = wsm_handle_table_add(&runtime.handles, type, api_version, object, reserve, out_handle,
                              err);
    pthread_mutex_unlock(&runtime.lock);
    return ok;
}

bool wsm_runtime_handle_check(uintptr_t handle, enum wsm_handle_type type, uint32_t *out_version)
{
    const struct wsm_handle_slot *slot;
    bool ok;

    pthread_mutex_lock(&runtime.lock);
    slot = wsm_handle_table_find(&runtime.handles, handle, type);
    ok = slot != NULL && slot->reserve != NULL;
    if (ok && out_version != NULL)
        *out_version = slot->api_version;
    pthread_mutex_unlock(&runtime.lock);
    return ok;
}

bool wsm_runtime_handle_close(uintptr_t handle, enum wsm_handle_type type, void **out_reserve)
{
    struct wsm_handle_slot *slot;

    pthread_mutex_lock(&runtime.lock);
    slot = wsm_handle_table_find(&runtime.handles, handle, type);
    if (slot != NULL) {
        *out_reserve = slot->reserve;
        slot->reserve = NULL;
    }
    pthread_mutex_unlock(&runtime.lock);
    return slot != NULL;
}

void *wsm_runtime_handle_find(uintptr_t handle, enum wsm_handle_type type)
{
    const struct wsm_handle_slot *slot;
    void *object;

    pthread_mutex_lock(&runtime.lock);
    slot = wsm_handle_table_find(&runtime.handles, handle, type);
    object = slot == NULL ? NULL : slot->object;
    pthread_mutex_unlock(&runtime.lock);
    return object;
}

void wsm_runtime_handle_remove(uintptr_t handle)
{
    pthread_mutex_lock(&runtime.lock);
    wsm_handle_table_remove(&runtime.handles, handle);
    pthread_mutex_unlock(&runtime.lock);
}

uv_loop_t *wsm_runtime_loop(void)
{
    return &runtime.loop;
}

struct wsm_dispatcher *wsm_runtime_dispatcher(void)
{
    return &runtime.dispatcher;
}
