/* The request to close a shell or command, from its handle to the loop. */
#include "client/api_close.h"

#include "client/runtime.h"
#include "wsmerror.h"

#include <stdlib.h>

bool wsm_api_close_add(enum wsm_handle_type type, uint32_t version, void *object, const char *what,
                       uintptr_t *out_handle, struct wsm_error *err)
{
    struct wsm_api_close *close = calloc(1, sizeof(*close));

    if (close == NULL)
        return wsm_fail_memory(err, what);
    if (!wsm_runtime_handle_add(type, version, object, close, out_handle, err)) {
        free(close);
        return false;
    }
    close->handle = *out_handle;
    return true;
}

struct wsm_api_close *wsm_api_close_take(enum wsm_handle_type type, uintptr_t handle)
{
    void *reserve = NULL;

    return wsm_runtime_handle_close(handle, type, &reserve) ? reserve : NULL;
}

void wsm_api_close_refuse(const struct wsm_api_close *close)
{
    struct wsm_error err = { .code = ERROR_OPERATION_ABORTED };

    wsm_api_refuse_callee(close->callee, WSM_RESULT_NONE, 0, &err);
}

void wsm_api_close_post(struct wsm_api_close *close, const WSMAN_SHELL_ASYNC *async,
                        void (*on_close)(struct wsm_message *message))
{
    close->callee = wsm_api_callee(async);
    close->message.handle = on_close;
    if (wsm_runtime_post(&close->message))
        return;
    wsm_api_close_refuse(close); /* the last API handle has gone meanwhile, and it with that */
    free(close);
}
