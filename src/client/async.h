/* The callback side of one asynchronous call: whom to call, and with what. Embedded in
 * the object the call is about, so that completing it needs no memory. Filled and
 * queued by the loop thread, read by the dispatcher thread that runs it. */
#ifndef WSM_CLIENT_ASYNC_H
#define WSM_CLIENT_ASYNC_H

#include "base/buf.h"
#include "client/strand.h"

#include <stdint.h>

struct wsm_listing;
struct wsm_session;

/* The application's function and context, both borrowed until the last callback. Only
 * api_callback.c knows the function's true type. */
struct wsm_callee {
    void *context;
    void (*function)(void);
};

/* Handles as the application sees them; 0 = NULL. */
struct wsm_handles {
    uintptr_t shell;
    uintptr_t command;
    uintptr_t operation;
};

/* What a completion without an error carries. */
enum wsm_result {
    WSM_RESULT_NONE,
    WSM_RESULT_SHELL,    /* text: XML of the shell */
    WSM_RESULT_CONNECT,  /* text: XML of the answer to Connect */
    WSM_RESULT_DONE,     /* exit_code */
    WSM_RESULT_IDENTITY, /* text: four texts, each ended by NUL */
    WSM_RESULT_LIST,     /* listing, NULL = nothing to tell */
};

enum wsm_async_state {
    WSM_ASYNC_IDLE,   /* not asked for */
    WSM_ASYNC_WAITS,  /* the call is going on */
    WSM_ASYNC_QUEUED, /* on its strand, running, or on its way back */
    WSM_ASYNC_RETURNED,
};

struct wsm_async {
    struct wsm_strand_item item;
    enum wsm_async_state state;
    struct wsm_callee callee;
    struct wsm_handles handles;
    uint32_t flags; /* beside END_OF_OPERATION */
    struct wsm_error error;
    enum wsm_result result;
    struct wsm_buf text;         /* owned */
    struct wsm_listing *listing; /* owned */
    uint32_t exit_code;
    struct wsm_session *session; /* borrowed, NULL = none; counts the callback while queued */
    void (*on_returned)(struct wsm_async *async); /* loop thread; may free the owner */
};

/* The call has been taken: it will be completed exactly once. */
void wsm_async_begin(struct wsm_async *async, struct wsm_callee callee, struct wsm_session *session,
                     void (*on_returned)(struct wsm_async *async));
/* May its result be filled in? Once it has been completed, by an abort perhaps, another thread may
 * be reading it. */
bool wsm_async_is_waiting(const struct wsm_async *async);
/* Queues the last callback; `err` is moved from, code 0 = success. Nothing happens if
 * the call has been completed before. */
void wsm_async_complete(struct wsm_async *async, struct wsm_strand *strand, struct wsm_error *err);
/* The same with ERROR_OPERATION_ABORTED. */
void wsm_async_abort(struct wsm_async *async, struct wsm_strand *strand);
/* Turns a completion whose callback has not begun into ERROR_OPERATION_ABORTED. */
bool wsm_async_abort_queued(struct wsm_async *async, struct wsm_strand *strand);
/* Frees what it owns, not the async. */
void wsm_async_clear(struct wsm_async *async);

/* api_callback.c: calls the application, on a dispatcher thread. */
void wsm_async_run(struct wsm_strand_item *item);

#endif
