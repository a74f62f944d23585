/* The answer to calls with wrong arguments: called back all the same, from the loop. Application
 * threads; keeps nothing of the application's but the callback. */
#include "client/api_refuse.h"

#include "client/command.h"
#include "client/dispatcher.h"
#include "client/runtime.h"
#include "client/session.h"
#include "client/shell.h"
#include "client/thread.h"
#include "wsmerror.h"

#include <stdlib.h>

bool wsm_api_has_callback(const WSMAN_SHELL_ASYNC *async)
{
    return async != NULL && async->completionFunction != NULL;
}

struct wsm_callee wsm_api_callee(const WSMAN_SHELL_ASYNC *async)
{
    return (struct wsm_callee){ .context = async->operationContext,
                                .function = (void (*)(void))async->completionFunction };
}

/* ---- Refused calls ---- */

/* A call whose arguments are wrong: it has no object of its own. */
struct refusal {
    struct wsm_message message;
    struct wsm_async async;
    struct wsm_error error;
    uintptr_t session_handle;
    uintptr_t shell_handle;
    uintptr_t command_handle;
    struct wsm_shell *shell;   /* held; NULL = none */
    struct wsm_strand *strand; /* owned; used where there is no shell */
};

static void refusal_free(struct refusal *refusal)
{
    wsm_strand_release(refusal->strand);
    wsm_async_clear(&refusal->async);
    wsm_error_clear(&refusal->error);
    free(refusal);
}

static void on_refusal_returned(struct wsm_async *async)
{
    struct refusal *refusal = WSM_CONTAINER_OF(async, struct refusal, async);
    struct wsm_shell *shell = refusal->shell;

    refusal_free(refusal);
    if (shell != NULL)
        wsm_shell_release(shell);
}

/* Whose callbacks it comes among; NULL: none of the handles was right. */
static struct wsm_shell *find_shell(const struct refusal *refusal)
{
    struct wsm_shell *shell = wsm_runtime_handle_find(refusal->shell_handle, WSM_HANDLE_SHELL);
    const struct wsm_command *command;

    if (shell != NULL)
        return shell;
    command = wsm_runtime_handle_find(refusal->command_handle, WSM_HANDLE_COMMAND);
    return command == NULL ? NULL : command->shell;
}

/* Loop thread. */
static void on_refusal(struct wsm_message *message)
{
    struct refusal *refusal = WSM_CONTAINER_OF(message, struct refusal, message);
    struct wsm_session *session = wsm_runtime_handle_find(refusal->session_handle,
                                                          WSM_HANDLE_SESSION);

    refusal->shell = find_shell(refusal);
    if (refusal->shell != NULL) {
        wsm_shell_hold(refusal->shell);
        session = refusal->shell->session;
    } else {
        refusal->strand = wsm_strand_new(wsm_runtime_dispatcher());
        if (refusal->strand == NULL) { /* no memory: nothing can be said */
            refusal_free(refusal);
            return;
        }
    }
    wsm_async_begin(&refusal->async, refusal->async.callee, session, on_refusal_returned);
    wsm_async_complete(&refusal->async,
                       refusal->shell != NULL ? refusal->shell->strand : refusal->strand,
                       &refusal->error);
}

static struct refusal *refusal_new(struct wsm_callee callee, struct wsm_error *err)
{
    struct refusal *refusal = calloc(1, sizeof(*refusal));

    if (refusal == NULL)
        return NULL;
    refusal->async.callee = callee;
    refusal->message.handle = on_refusal;
    wsm_error_move(&refusal->error, err);
    return refusal;
}

/* A thread of its own. */
static void *call_back(void *arg)
{
    struct refusal *refusal = arg;

    wsm_error_move(&refusal->async.error, &refusal->error);
    wsm_async_run(&refusal->async.item);
    refusal_free(refusal);
    return NULL;
}

/* Without an API handle there are no threads that call back, but somebody may wait all the same:
 * for one that lost the race against the last WSManDeinitialize. */
static void post_refusal(struct refusal *refusal)
{
    struct wsm_error none = WSM_ERROR_INIT;
    pthread_t thread;

    if (wsm_runtime_post(&refusal->message))
        return;
    if (wsm_thread_start(&thread, call_back, refusal, &none)) {
        pthread_detach(thread);
    } else {
        wsm_error_clear(&none);
        refusal_free(refusal);
    }
}

void wsm_api_refuse(const struct wsm_api_call *call, struct wsm_error *err)
{
    struct refusal *refusal = refusal_new(wsm_api_callee(call->async), err);

    wsm_error_clear(err);
    if (refusal == NULL)
        return;
    refusal->session_handle = call->session;
    refusal->shell_handle = call->shell;
    refusal->command_handle = call->command;
    if (wsm_runtime_handle_check(call->shell, WSM_HANDLE_SHELL, NULL))
        refusal->async.handles.shell = call->shell;
    if (wsm_runtime_handle_check(call->command, WSM_HANDLE_COMMAND, NULL))
        refusal->async.handles.command = call->command;
    post_refusal(refusal);
}

void wsm_api_refuse_callee(struct wsm_callee callee, enum wsm_result kind, uintptr_t session,
                           struct wsm_error *err)
{
    struct refusal *refusal = refusal_new(callee, err);

    wsm_error_clear(err);
    if (refusal == NULL)
        return;
    refusal->async.result = kind;
    refusal->session_handle = session;
    post_refusal(refusal);
}

/* ---- Handles ---- */

bool wsm_api_check_shell(uintptr_t shell, uint32_t *out_version, struct wsm_error *err)
{
    if (wsm_runtime_handle_check(shell, WSM_HANDLE_SHELL, out_version))
        return true;
    if (wsm_handle_type_of(shell) == WSM_HANDLE_SHELL)
        return wsm_fail(err, ERROR_WSMAN_SHELL_ALREADY_CLOSED, "the shell is closed");
    return wsm_fail(err, ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE, "this is no shell handle");
}

bool wsm_api_check_command(uintptr_t command, struct wsm_error *err)
{
    if (wsm_runtime_handle_check(command, WSM_HANDLE_COMMAND, NULL))
        return true;
    if (wsm_handle_type_of(command) == WSM_HANDLE_COMMAND)
        return wsm_fail(err, ERROR_WSMAN_COMMAND_ALREADY_CLOSED, "the command is closed");
    return wsm_fail(err, ERROR_WSMAN_SHELL_INVALID_COMMAND_HANDLE, "this is no command handle");
}
