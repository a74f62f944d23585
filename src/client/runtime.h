/* The one runtime object of the process: loop thread, its message queue, the handle
 * table, the dispatcher. Lives from the first WSManInitialize to the last
 * WSManDeinitialize; handles of an earlier life stay stale in a later one.
 *
 * Who owns what, and what keeps it until it may go. An application's thread never holds a pointer
 * to anything that the loop knows of: it has handles, what it is just making, and, if it was the
 * first to close a handle, the close request. So whatever ends while it is within a call, that
 * call finds a handle that is not there.
 *
 * queue, handles, locks,  of the process, for ever: a thread within a call may need them after
 * dispatcher              the end
 * threads        owner    the runtime
 *                kept by  API handles (users)
 *                goes     with the last: first messages of the application, then callbacks, then
 *                         the loop
 * handle's slot  owner    the handle table
 *                kept by  its object
 *                goes     removed by the loop before the object is freed; by its maker if posting
 *                         fails
 * close request  owner    the slot, then whoever closes the handle first
 *                goes     by whoever closed, or with the slot
 * API handle     owner    WSManDeinitialize's caller
 *                kept by  its sessions
 *                goes     its slot: by the loop; its memory: by the caller, after that
 * session        owner    the loop, from its opening
 *                kept by  callbacks, shells that still talk to the server
 *                goes     with all that is left in it
 * shell          owner    its maker, then the loop
 *                kept by  its handle; holders: commands, operations, link calls, notices, refused
 *                         calls, the Delete behind a Create without an answer
 *                goes     after the last of them, with its session at the latest
 * command        owner    the same
 *                kept by  its handle
 *                goes     with it, with its session at the latest
 * operation      owner    the same
 *                kept by  its handle, its last callback
 *                goes     the same
 * orphan         owner    the list of orphans
 *                kept by  its handle
 *                goes     when it is closed, or the library stops
 * strand         owner    its shell; else what has no shell
 *                kept by  a thread that is within it
 *                goes     freed by that thread, or at once
 * exchange       embedded in one of these, cancelled with it
 */
#ifndef WSM_CLIENT_RUNTIME_H
#define WSM_CLIENT_RUNTIME_H

#include "base/error.h"
#include "client/handle.h"
#include "client/message.h"
#include "client/strand.h"

#include <semaphore.h>
#include <uv.h>

/* Counts one API handle; the first starts the threads. Application threads. */
bool wsm_runtime_acquire(struct wsm_error *err) WSM_MUST_CHECK;
/* Gives it back; the last stops and joins the threads. Not from a callback. */
void wsm_runtime_release(void);

/* Any thread. False: no API handle is open, or the last one is being closed; the message stays
 * the caller's. */
bool wsm_runtime_post(struct wsm_message *message);
/* Dispatcher threads, from a callback that has returned, and those of the resolver; taken as long
 * as there is a loop. */
bool wsm_runtime_post_returned(struct wsm_message *message);

/* A message whose sender waits for the answer. */
struct wsm_call {
    struct wsm_message message;
    uint32_t result; /* set by wsm_call_done() */
    sem_t done;      /* no lock that the woken thread would have to wait for */
};
/* Posts and waits; false: there is no loop. Never on the loop thread. */
bool wsm_call_run(struct wsm_call *call, void (*handle)(struct wsm_message *message));
/* Loop thread; `call` may be gone when this returns. */
void wsm_call_done(struct wsm_call *call, uint32_t result);

/* Any thread. `reserve` is transferred, also on failure freed by the caller. */
bool wsm_runtime_handle_add(enum wsm_handle_type type, uint32_t api_version, void *object,
                            void *reserve, uintptr_t *out_handle,
                            struct wsm_error *err) WSM_MUST_CHECK;
/* Any thread: is there such a handle, and was its closing not asked for yet? out_version
 * may be NULL. */
bool wsm_runtime_handle_check(uintptr_t handle, enum wsm_handle_type type, uint32_t *out_version);
/* Any thread: takes the close request of a handle. False: no such handle. *out_reserve
 * is owned by the caller; NULL if closing had been asked for before. */
bool wsm_runtime_handle_close(uintptr_t handle, enum wsm_handle_type type, void **out_reserve);
/* Loop thread: the object, borrowed until the handle is removed; NULL = no such handle. */
void *wsm_runtime_handle_find(uintptr_t handle, enum wsm_handle_type type);
void wsm_runtime_handle_remove(uintptr_t handle);

/* Loop thread. */
uv_loop_t *wsm_runtime_loop(void);
/* Any thread at any time. */
struct wsm_dispatcher *wsm_runtime_dispatcher(void);

#endif
