/* Rules of callbacks. On the library's threads, but for what the caller's ask. */
#include "spin_rules.h"

#include "dice.h"
#include "storm.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>
#include <wsmerror.h>

struct spin spin;
_Thread_local const struct spin_call *spin_within;
_Thread_local bool spin_in_callback;
_Thread_local uint64_t spin_random;
static _Thread_local DWORD last_code; /* of the callback that is running */

uint64_t spin_number(uint64_t below)
{
    return dice_below(&spin_random, below);
}

bool spin_one_in(uint64_t count)
{
    return spin_number(count) == 0;
}

_Noreturn void spin_broken(const struct spin_call *call, const char *what)
{
    fprintf(stderr, "seed %" PRIu64 ": call %zd, %s, code %#x: %s\n", spin.seed,
            call == NULL ? (ssize_t)-1 : call - spin.calls, call == NULL ? "-" : call->name,
            last_code, what);
    abort();
}

/* What was asked for before the end of a scope began has all been called back when it returns;
 * but for wrong handles, which belong to no scope. */
static void check_scopes(const struct spin_call *call)
{
    unsigned long returned = atomic_load(&call->returned);
    const struct spin_scope *scope;

    if (atomic_load(&spin.is_silent))
        spin_broken(call, "callback after the last Deinitialize");
    if (last_code != 0 && last_code != ERROR_OPERATION_ABORTED)
        return;
    for (scope = call->scope; scope != NULL; scope = scope->parent) {
        if (atomic_load(&scope->has_ended) && returned != 0 &&
            returned < atomic_load(&scope->began))
            spin_broken(call, "callback after the end of its session or API handle");
    }
}

static void check_notice(struct spin_call *call, DWORD flags)
{
    DWORD before = call->last_notice;
    bool is_legal;

    switch (flags) {
    case WSMAN_FLAG_CALLBACK_NETWORK_FAILURE_DETECTED:
        is_legal = before == 0;
        break;
    case WSMAN_FLAG_CALLBACK_RETRYING_AFTER_NETWORK_FAILURE:
        is_legal = before == WSMAN_FLAG_CALLBACK_NETWORK_FAILURE_DETECTED || before == flags;
        break;
    case WSMAN_FLAG_CALLBACK_RECONNECTED_AFTER_NETWORK_FAILURE:
    case WSMAN_FLAG_CALLBACK_SHELL_AUTODISCONNECTING:
    case WSMAN_FLAG_CALLBACK_RETRY_ABORTED_DUE_TO_INTERNAL_ERROR:
        is_legal = before == WSMAN_FLAG_CALLBACK_RETRYING_AFTER_NETWORK_FAILURE;
        break;
    case WSMAN_FLAG_CALLBACK_SHELL_AUTODISCONNECTED:
        is_legal = before == WSMAN_FLAG_CALLBACK_SHELL_AUTODISCONNECTING;
        break;
    default:
        is_legal = false;
    }
    if (!is_legal)
        spin_broken(call, "a notice out of order");
    if (call->kind != SPIN_SHELL || atomic_load(&call->ends) != 1)
        spin_broken(call, "a notice for something that is no open shell");
    if (call->is_closed)
        spin_broken(call, "a notice after the callback of CloseShell");
    call->last_notice = flags;
    if (flags == WSMAN_FLAG_CALLBACK_RECONNECTED_AFTER_NETWORK_FAILURE ||
        flags == WSMAN_FLAG_CALLBACK_SHELL_AUTODISCONNECTED)
        call->last_notice = 0;
    atomic_fetch_add(&spin.notices, 1);
}

static void check_bytes(struct spin_call *call, size_t stream, const WSMAN_DATA_BINARY *binary)
{
    struct spin_thing *command = call->command;
    size_t i;

    for (i = 0; i < binary->dataLength; i++) {
        if (command->has_begun[stream] && binary->data[i] != command->next[stream])
            spin_broken(call, "output lost or doubled");
        command->has_begun[stream] = true;
        command->next[stream] = storm_byte(binary->data[i] + 1U);
    }
}

static void check_output(struct spin_call *call, const WSMAN_RECEIVE_DATA_RESULT *data)
{
    if (data->streamData.type != WSMAN_DATA_TYPE_BINARY)
        spin_broken(call, "output that is not binary");
    atomic_fetch_add(&spin.outputs, 1);
    if (data->streamId != NULL && call->command != NULL && call->scope->is_marked)
        check_bytes(call, data->streamId[3] == WSMAN_STREAM_ID_STDOUT[3] ? 0 : 1,
                    &data->streamData.binaryData);
}

static void check_more(struct spin_call *call, DWORD flags, WSMAN_RESPONSE_DATA *data)
{
    const DWORD notices = 0x1f40;

    if ((flags & notices) != 0) {
        if (data != NULL)
            spin_broken(call, "a notice with data");
        check_notice(call, flags);
        return;
    }
    if (!call->is_receive)
        spin_broken(call, "more than one callback");
    if (atomic_load(&call->ends) != 0)
        spin_broken(call, "a callback behind the last one");
    if (flags == WSMAN_FLAG_CALLBACK_RECEIVE_DELAY_STREAM_REQUEST_PROCESSED) {
        if (data != NULL)
            spin_broken(call, "data, though only accepted");
        return;
    }
    if ((flags & ~(DWORD)WSMAN_FLAG_CALLBACK_END_OF_STREAM) != 0 || data == NULL)
        spin_broken(call, "output with wrong flags or without data");
    check_output(call, &data->receiveData);
}

static void check_last(struct spin_call *call, DWORD flags, DWORD code, const void *data)
{
    if (atomic_fetch_add(&call->ends, 1) != 0)
        spin_broken(call, "a second last callback");
    if (!call->is_owed)
        spin_broken(call, "a callback that was not asked for");
    if (code != 0 && data != NULL)
        spin_broken(call, "an error with data");
    if (code != 0 && flags != WSMAN_FLAG_CALLBACK_END_OF_OPERATION)
        spin_broken(call, "an error with flags");
    if (code == 0 && call->kind != SPIN_SHELL && flags != WSMAN_FLAG_CALLBACK_END_OF_OPERATION)
        spin_broken(call, "success with flags");
    if (code == 0 && call->opened != NULL)
        call->opened->is_closed = true;
    if (code == 0)
        atomic_fetch_add(&spin.successes, 1);
}

static void begin_callback(struct spin_call *call, const WSMAN_ERROR *error)
{
    if (spin_within != NULL)
        spin_broken(call, "a callback on the stack of a call");
    last_code = error == NULL ? 0 : error->code;
    if (error == NULL || (error->code != 0 && error->errorDetail == NULL))
        spin_broken(call, "no error, or one without words");
    if (atomic_exchange(&call->is_inside, true))
        spin_broken(call, "two callbacks of one call at once");
    check_scopes(call);
}

/* Callbacks call, too. */
static void end_callback(struct spin_call *call)
{
    if (spin_random == 0)
        spin_random = spin.seed + (uint64_t)(call - spin.calls);
    if (spin_one_in(6)) {
        spin_in_callback = true;
        spin.on_callback();
        spin_in_callback = false;
    } else if (spin_one_in(60)) {
        usleep((unsigned)spin_number(4000));
    }
    atomic_store(&call->is_inside, false);
}

void CALLBACK spin_on_callback(PVOID context, DWORD flags, WSMAN_ERROR *error,
                               WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                               WSMAN_OPERATION_HANDLE operation, WSMAN_RESPONSE_DATA *data)
{
    struct spin_call *call = context;
    void *handles[SPIN_KINDS] = {
        [SPIN_SHELL] = shell, [SPIN_COMMAND] = command, [SPIN_OPERATION] = operation
    };

    begin_callback(call, error);
    if (call->kind != SPIN_API && handles[call->kind] != call->out)
        spin_broken(call, "another handle than the one that was stored");
    if ((flags & WSMAN_FLAG_CALLBACK_END_OF_OPERATION) == 0) {
        if (error->code != 0)
            spin_broken(call, "an error that does not end the operation");
        check_more(call, flags, data);
    } else {
        check_last(call, flags, error->code, call->is_receive ? NULL : data);
        if (error->code != 0 && data != NULL)
            spin_broken(call, "an error with data");
    }
    end_callback(call);
}

void CALLBACK spin_on_identity(PVOID context, DWORD flags, WSMAN_ERROR *error,
                               WSMAN_OPERATION_HANDLE operation, const WSMAN_EXT_IDENTITY *identity)
{
    struct spin_call *call = context;

    begin_callback(call, error);
    if ((void *)operation != call->out || (error->code == 0) != (identity != NULL))
        spin_broken(call, "wrong handle or data");
    check_last(call, flags, error->code, identity);
    end_callback(call);
}

void CALLBACK spin_on_list(PVOID context, DWORD flags, WSMAN_ERROR *error,
                           WSMAN_OPERATION_HANDLE operation, const WSMAN_EXT_LIST *list)
{
    struct spin_call *call = context;

    begin_callback(call, error);
    if ((void *)operation != call->out)
        spin_broken(call, "wrong handle");
    check_last(call, flags, error->code, list);
    end_callback(call);
}
