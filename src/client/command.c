/* Commands: Command, the terminate signal, and the end of their operations. Loop thread. */
#include "client/command.h"

#include "client/disconnect.h"
#include "client/operation.h"
#include "client/orphans.h"
#include "client/runtime.h"
#include "client/session.h"
#include "client/shell.h"
#include "proto/command.h"
#include "proto/signal.h"
#include "wsmerror.h"

#include <stdlib.h>
#include <string.h>

struct wsm_command *wsm_command_new(void)
{
    struct wsm_command *command = calloc(1, sizeof(*command));

    if (command == NULL)
        return NULL;
    command->life = WSM_LIFE_OPENING;
    command->link = WSM_LINK_CONNECTED;
    wsm_list_init(&command->node);
    wsm_endpoint_init(&command->endpoint, NULL, command);
    return command;
}

void wsm_command_free(struct wsm_command *command)
{
    struct wsm_shell *shell;

    if (command == NULL)
        return;
    shell = command->shell;
    wsm_list_remove(&command->node);
    wsm_exchange_cancel(&command->exchange);
    wsm_endpoint_clear(&command->endpoint);
    wsm_async_clear(&command->run);
    wsm_async_clear(&command->close);
    wsm_strand_release(command->own_strand);
    wsm_texts_clear(&command->arguments);
    wsm_option_texts_clear(&command->options);
    free(command->line);
    free(command->extra_xml);
    free(command->wire_id);
    free(command);
    if (shell != NULL)
        wsm_shell_release(shell);
}

void wsm_command_forget(struct wsm_command *command)
{
    wsm_runtime_handle_remove(command->handle);
    wsm_command_free(command);
}

static struct wsm_strand *strand_of(const struct wsm_command *command)
{
    return command->shell != NULL ? command->shell->strand : command->own_strand;
}

bool wsm_command_check_life(const struct wsm_command *command, struct wsm_error *err)
{
    switch (command->life) {
    case WSM_LIFE_OPEN:
        return true;
    case WSM_LIFE_OPENING:
        return wsm_fail(err, ERROR_WSMAN_CLIENT_RUNCOMMAND_NOTCOMPLETED,
                        "command %s has not started yet", command->id.text);
    case WSM_LIFE_FAILED:
        return wsm_fail(err, ERROR_WSMAN_SHELL_INVALID_COMMAND_HANDLE,
                        "command %s could not be started", command->id.text);
    default:
        return wsm_fail(err, ERROR_WSMAN_COMMAND_ALREADY_CLOSED, "command %s is closed",
                        command->id.text);
    }
}

bool wsm_command_check_open(const struct wsm_command *command, struct wsm_error *err)
{
    if (!wsm_command_check_life(command, err))
        return false;
    return command->link == WSM_LINK_CONNECTED ||
           wsm_fail(err, ERROR_WINRS_SHELL_DISCONNECTED, "command %s is not reconnected yet",
                    command->id.text);
}

static bool step(struct wsm_command *command, enum wsm_life_event event)
{
    return wsm_life_step(&command->life, event, "command", command->id.text);
}

bool wsm_command_take_from(struct wsm_command *command, struct wsm_error *err)
{
    struct wsm_option_texts *set = &command->options;
    size_t kept = 0;
    size_t i;

    for (i = 0; i < set->count; i++) {
        struct wsm_option option = set->options[i];

        if (!wsm_span_is_nocase(option.name, WSM_OPTION_FROM))
            set->options[kept++] = option;
        else if (!wsm_offsets_resume(&command->endpoint.offsets, option.value, err))
            return false;
    }
    set->count = kept;
    return true;
}

/* ---- Terminate ---- */

static void on_close_returned(struct wsm_async *async)
{
    wsm_command_forget(WSM_CONTAINER_OF(async, struct wsm_command, close));
}

static void ended(struct wsm_command *command, struct wsm_error *err)
{
    wsm_async_complete(&command->close, strand_of(command), err);
    wsm_error_clear(err);
    if (command->shell != NULL)
        wsm_disconnect_go_on(command->shell);
}

static void on_terminated(struct wsm_exchange *exchange, struct wsm_answer **answer,
                          struct wsm_error *err)
{
    struct wsm_command *command = WSM_CONTAINER_OF(exchange, struct wsm_command, exchange);

    (void)answer;
    if (err->code == ERROR_WSMAN_UNEXPECTED_SELECTORS)
        wsm_error_clear(err); /* the server does not know it any more: that is what was wanted */
    (void)step(command, WSM_LIFE_EV_ENDED);
    ended(command, err);
}

static bool terminate_again(struct wsm_exchange *exchange, struct wsm_error *err);

static bool try_terminate(struct wsm_command *command, struct wsm_error *err)
{
    static const struct wsm_repetition repetition = { .send = terminate_again };
    struct wsm_signal_request request = {
        .command_id = wsm_span_str(command->wire_id),
        .code = wsm_span_str(WSM_SIGNAL_URI_TERMINATE),
    };
    struct wsm_request_headers headers;

    if (!wsm_shell_prepare(command->shell, &command->exchange, WSM_ACTION_SIGNAL,
                           WSM_OPTION_TIMEOUT_SIGNAL, &headers, err))
        return false;
    wsm_signal_request_write(&command->exchange.call.request, &headers, &request);
    command->exchange.on_done = on_terminated;
    wsm_recovery_cover(&command->shell->recovery, &command->exchange, &repetition);
    return wsm_exchange_send(&command->exchange, err);
}

static bool terminate_again(struct wsm_exchange *exchange, struct wsm_error *err)
{
    return try_terminate(WSM_CONTAINER_OF(exchange, struct wsm_command, exchange), err);
}

static void send_terminate(struct wsm_command *command)
{
    struct wsm_error err = WSM_ERROR_INIT;

    if (try_terminate(command, &err))
        return;
    (void)step(command, WSM_LIFE_EV_ENDED);
    ended(command, &err);
}

/* ---- Run ---- */

static bool take_started(struct wsm_command *command, const struct wsm_answer *answer,
                         struct wsm_error *err)
{
    struct wsm_span id;

    if (!wsm_command_response_parse(&answer->env, &id, err))
        return false;
    command->wire_id = strndup((const char *)id.ptr, id.len);
    if (command->wire_id == NULL)
        return wsm_fail_memory(err, "command id");
    wsm_offsets_start(&command->endpoint.offsets,
                      wsm_span_str(command->shell->options.output_streams));
    return true;
}

/* The command, which is ENDING, ends on the server, or only here. */
static void leave(struct wsm_command *command)
{
    struct wsm_error none = WSM_ERROR_INIT;

    if (!command->is_kept) {
        send_terminate(command);
        return;
    }
    (void)step(command, WSM_LIFE_EV_ENDED);
    ended(command, &none);
}

void wsm_command_opened(struct wsm_command *command, struct wsm_error *err)
{
    struct wsm_error none = WSM_ERROR_INIT;

    if (!step(command, err->code == 0 ? WSM_LIFE_EV_OPENED : WSM_LIFE_EV_FAILED))
        return;
    wsm_async_complete(&command->run, strand_of(command), err);
    if (command->life == WSM_LIFE_ENDING)
        leave(command);
    else if (command->life == WSM_LIFE_ENDED)
        ended(command, &none);
    else if (command->shell != NULL)
        wsm_disconnect_go_on(command->shell);
}

static void on_started(struct wsm_exchange *exchange, struct wsm_answer **answer,
                       struct wsm_error *err)
{
    struct wsm_command *command = WSM_CONTAINER_OF(exchange, struct wsm_command, exchange);

    if (err->code == 0)
        (void)take_started(command, *answer, err);
    wsm_command_opened(command, err);
}

static bool run_again(struct wsm_exchange *exchange, struct wsm_error *err);

static bool send_command(struct wsm_command *command, struct wsm_error *err)
{
    static const struct wsm_repetition repetition = { .send = run_again };
    struct wsm_span arguments[WSM_ARGUMENTS_MAX];
    struct wsm_command_request request = {
        .command_id = wsm_span_str(command->id.text),
        .command = wsm_span_str(command->line),
        .arguments = arguments,
        .argument_count = command->arguments.count,
    };
    struct wsm_request_headers headers;
    size_t i;

    for (i = 0; i < command->arguments.count; i++)
        arguments[i] = wsm_span_str(command->arguments.items[i]);
    if (!wsm_shell_prepare(command->shell, &command->exchange, WSM_ACTION_COMMAND,
                           WSM_OPTION_TIMEOUT_RUN, &headers, err))
        return false;
    wsm_option_texts_put(&command->options, &headers);
    wsm_command_request_write(&command->exchange.call.request, &headers, &request);
    command->exchange.on_done = on_started;
    wsm_recovery_cover(&command->shell->recovery, &command->exchange, &repetition);
    return wsm_exchange_send(&command->exchange, err);
}

static bool run_again(struct wsm_exchange *exchange, struct wsm_error *err)
{
    return send_command(WSM_CONTAINER_OF(exchange, struct wsm_command, exchange), err);
}

static void on_run_returned(struct wsm_async *async)
{
    (void)async;
}

/* The same id twice would make the server's answers ambiguous. */
static bool check_unique(const struct wsm_command *command, struct wsm_error *err)
{
    const struct wsm_list *node;

    WSM_LIST_FOREACH (node, &command->shell->commands) {
        const struct wsm_command *other = WSM_CONTAINER_OF(node, struct wsm_command, node);

        if (other != command && other->life != WSM_LIFE_ENDED &&
            wsm_guid_equal(&other->id, &command->id))
            return wsm_fail(err, ERROR_WINRS_SHELLCOMMAND_CLIENTID_RESOURCE_CONFLICT,
                            "the shell has a command %s already", command->id.text);
    }
    return true;
}

static void forget_orphan(struct wsm_list *node)
{
    wsm_command_forget(WSM_CONTAINER_OF(node, struct wsm_command, node));
}

static bool find_shell(struct wsm_command *command, struct wsm_error *err)
{
    struct wsm_shell *shell = wsm_runtime_handle_find(command->shell_handle, WSM_HANDLE_SHELL);

    if (shell == NULL) {
        wsm_orphans_add(WSM_ORPHAN_COMMAND, &command->node, forget_orphan);
        return wsm_fail(err, ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE, "no such shell handle");
    }
    command->shell = shell;
    command->endpoint.shell = shell;
    wsm_shell_hold(shell);
    wsm_list_add(&shell->commands, &command->node);
    return wsm_shell_check_open(shell, err) && check_unique(command, err);
}

void wsm_command_open(struct wsm_command *command)
{
    struct wsm_callee callee = command->run.callee;
    struct wsm_error err = WSM_ERROR_INIT;
    bool ok = find_shell(command, &err);

    if (command->shell == NULL)
        command->own_strand = wsm_strand_new(wsm_runtime_dispatcher());
    if (strand_of(command) == NULL) { /* no memory: nothing can be said */
        wsm_error_clear(&err);
        wsm_command_forget(command);
        return;
    }
    wsm_async_begin(&command->run, callee, command->shell == NULL ? NULL : command->shell->session,
                    on_run_returned);
    if (!ok ||
        !(command->is_attached ? wsm_connect_command(command, &err) : send_command(command, &err)))
        wsm_command_opened(command, &err);
    wsm_error_clear(&err);
}

/* ---- Closing ---- */

/* See the shell's. */
static bool outlives(const struct wsm_command *command)
{
    return (command->shell != NULL && command->shell->link != WSM_LINK_CONNECTED) ||
           (command->is_attached && command->life == WSM_LIFE_OPENING);
}

void wsm_command_close(struct wsm_command *command, struct wsm_callee callee)
{
    struct wsm_error none = WSM_ERROR_INIT;
    bool is_kept = outlives(command);

    wsm_async_begin(&command->close, callee,
                    command->shell == NULL ? NULL : command->shell->session, on_close_returned);
    if (!step(command, WSM_LIFE_EV_CLOSE)) { /* its shell has ended it before */
        ended(command, &none);
        return;
    }
    command->is_kept = is_kept;
    wsm_operation_abort_all(&command->endpoint);
    wsm_async_abort(&command->run, strand_of(command));
    wsm_link_abort_command(command);
    if (command->life == WSM_LIFE_ENDING) {
        wsm_exchange_cancel(&command->exchange); /* Reconnect */
        leave(command);
    } else if (command->life == WSM_LIFE_ENDED) {
        ended(command, &none);
    } else if (!wsm_exchange_may_be_known(&command->exchange)) {
        wsm_exchange_cancel(&command->exchange); /* the server knows nothing of it */
        (void)wsm_fail(&none, ERROR_OPERATION_ABORTED, "closed before it was sent");
        wsm_command_opened(command, &none);
        wsm_error_clear(&none);
    }
}

void wsm_command_end(struct wsm_command *command)
{
    struct wsm_error none = WSM_ERROR_INIT;

    wsm_exchange_cancel(&command->exchange);
    wsm_operation_abort_all(&command->endpoint);
    wsm_async_abort(&command->run, strand_of(command));
    wsm_link_abort_command(command);
    if (command->life == WSM_LIFE_OPENING || command->life == WSM_LIFE_ABANDONED)
        (void)step(command, WSM_LIFE_EV_FAILED);
    if (command->life == WSM_LIFE_OPEN || command->life == WSM_LIFE_FAILED)
        (void)step(command, WSM_LIFE_EV_CLOSE);
    if (command->life == WSM_LIFE_ENDING)
        (void)step(command, WSM_LIFE_EV_ENDED);
    ended(command, &none);
}
