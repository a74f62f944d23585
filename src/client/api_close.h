/* Closing a shell or command with a callback: what its handle keeps for that. Only the API files
 * include this. */
#ifndef WSM_CLIENT_API_CLOSE_H
#define WSM_CLIENT_API_CLOSE_H

#include "client/api_refuse.h"
#include "client/handle.h"
#include "client/message.h"

/* Made with the handle, so that closing it needs no memory. */
struct wsm_api_close {
    struct wsm_message message;
    uintptr_t handle;
    struct wsm_callee callee;
    bool deletes; /* a shell: on the server too */
};

/* Application threads: gives the object, a `what`, its handle. */
bool wsm_api_close_add(enum wsm_handle_type type, uint32_t version, void *object, const char *what,
                       uintptr_t *out_handle, struct wsm_error *err) WSM_MUST_CHECK;
/* Application threads: takes what the handle has kept. NULL: it was closed before. */
struct wsm_api_close *wsm_api_close_take(enum wsm_handle_type type,
                                         uintptr_t handle) WSM_MUST_CHECK;
/* Application threads: has the loop call `on_close`; if there is none any more, calls back with
 * ERROR_OPERATION_ABORTED and frees it. */
void wsm_api_close_post(struct wsm_api_close *close, const WSMAN_SHELL_ASYNC *async,
                        void (*on_close)(struct wsm_message *message));
/* The object has gone meanwhile: calls back with ERROR_OPERATION_ABORTED. */
void wsm_api_close_refuse(const struct wsm_api_close *close);

#endif
