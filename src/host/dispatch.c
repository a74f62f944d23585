/* What net says to the host. The host's only thread. A table says which message is accepted
 * in which phase; one handler for each. */
#include "host/dispatch.h"

#include "host/command.h"
#include "host/commands.h"
#include "host/host_run.h"
#include "host/report.h"
#include "wsmerror.h"

#include <signal.h>
#include <unistd.h>

enum { MESSAGES_MAX = 64 }; /* handled in one turn of the loop */

/* Phases of a connection, as bits. Source: docs/host-protocol.md, the table of states. */
enum { PHASE_CONNECTED = 1, PHASE_NOT_OPEN = 2, PHASE_OPEN = 4 };

static unsigned current_phase(const struct wsm_host *host)
{
    if (host->link.state == WSM_LINK_CONNECTED)
        return PHASE_CONNECTED;
    if (host->state == WSM_HOST_STATE_NEW)
        return PHASE_NOT_OPEN;
    return host->state == WSM_HOST_STATE_OPEN ? PHASE_OPEN : 0;
}

static void answer(struct wsm_host *host, uint64_t request, bool ok, struct wsm_error *err)
{
    if (ok)
        wsm_link_done(&host->link, request);
    else
        wsm_link_failed(&host->link, request, err);
}

/* The command of a request; NULL: FAILED has been said (unless request is 0). */
static struct wsm_command *find_command(struct wsm_host *host, struct wsm_span id, uint64_t request)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_command *command = NULL;
    struct wsm_guid guid;

    if (wsm_guid_parse(id, &guid))
        command = wsm_commands_find(host, &guid);
    if (command == NULL && request != 0) {
        wsm_fail(&err, ERROR_WSMAN_UNEXPECTED_SELECTORS, "there is no command '%.*s'",
                 (int)(id.len < 64 ? id.len : 64), (const char *)id.ptr);
        wsm_link_failed(&host->link, request, &err);
    }
    return command;
}

/* True: the shell has been let go of, and FAILED has been said. */
static bool is_let_go(struct wsm_host *host, uint64_t request)
{
    struct wsm_error err = WSM_ERROR_INIT;

    if (wsm_connection_is_up(&host->connection))
        return false;
    wsm_fail(&err, ERROR_WINRS_SHELL_DISCONNECTED, "the shell is disconnected");
    wsm_link_failed(&host->link, request, &err);
    return true;
}

static void on_hello(struct wsm_host *host, const void *data)
{
    const struct wsm_host_hello *message = data;
    struct wsm_error err = WSM_ERROR_INIT;

    if (message->lowest > message->highest || message->highest < WSM_HOST_VERSION_LOWEST ||
        message->lowest > WSM_HOST_VERSION_HIGHEST) {
        wsm_fail(&err, ERROR_INVALID_PARAMETER, "it speaks versions %u to %u, we %d to %d",
                 message->lowest, message->highest, WSM_HOST_VERSION_LOWEST,
                 WSM_HOST_VERSION_HIGHEST);
        wsm_link_fail(&host->link, &err);
        return;
    }
    wsm_link_greet(&host->link);
    wsm_report(host, 0);
}

static void on_open(struct wsm_host *host, const void *data)
{
    const struct wsm_host_open *message = data;
    struct wsm_error err = WSM_ERROR_INIT;

    answer(host, message->request, wsm_host_open(host, message, &err), &err);
}

/* Starts the command, unless it is the one that was started; its id. */
static bool run(struct wsm_host *host, const struct wsm_host_run *message, struct wsm_guid *out_id,
                struct wsm_error *err)
{
    const struct wsm_guid *first = wsm_commands_started_by(host, message->message_id);

    if (first != NULL) {
        *out_id = *first;
        return true;
    }
    if (!wsm_guid_parse(message->command_id, out_id))
        return wsm_fail(err, ERROR_WINRS_SHELLCOMMAND_CLIENTID_NOT_VALID,
                        "the command id is not a GUID");
    if (wsm_commands_find(host, out_id) != NULL)
        return wsm_fail(err, ERROR_WINRS_SHELLCOMMAND_CLIENTID_RESOURCE_CONFLICT,
                        "command %s exists already", out_id->text);
    if (host->command_count >= host->shell.commands_max)
        return wsm_fail(err, ERROR_WSMAN_QUOTA_MAX_COMMANDS_PER_SHELL_PPQ,
                        "the shell has %zu commands, the most that "
                        "MaxConcurrentCommandsPerShell allows",
                        host->command_count);
    return wsm_command_start(host, out_id, message, err);
}

static void on_run(struct wsm_host *host, const void *data)
{
    const struct wsm_host_run *message = data;
    struct wsm_host_started started = { .request = message->request };
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_guid id;

    if (is_let_go(host, message->request))
        return;
    wsm_idle_touch(&host->idle, host->now_ms);
    if (!run(host, message, &id, &err)) {
        wsm_link_failed(&host->link, message->request, &err);
        return;
    }
    started.command_id = wsm_span_str(id.text);
    wsm_link_send(&host->link, &wsm_host_started_type, &started);
}

static void on_input(struct wsm_host *host, const void *data)
{
    const struct wsm_host_input *message = data;
    struct wsm_command *command;

    if (is_let_go(host, message->request))
        return;
    wsm_idle_touch(&host->idle, host->now_ms);
    command = find_command(host, message->command_id, message->request);
    if (command != NULL)
        wsm_command_input(command, message);
}

static void on_fetch(struct wsm_host *host, const void *data)
{
    const struct wsm_host_fetch *message = data;
    struct wsm_command *command;

    if (is_let_go(host, message->request))
        return;
    wsm_idle_touch(&host->idle, host->now_ms);
    command = find_command(host, message->command_id, message->request);
    if (command != NULL)
        wsm_command_fetch_begin(command, message);
}

static void on_cancel(struct wsm_host *host, const void *data)
{
    const struct wsm_host_cancel *message = data;
    const struct wsm_list *node;

    WSM_LIST_FOREACH (node, &host->commands) {
        struct wsm_command *command = WSM_CONTAINER_OF(node, struct wsm_command, node);

        if (message->request != 0 && command->fetch.request == message->request)
            wsm_command_fetch_forget(command);
    }
}

static void on_confirm(struct wsm_host *host, const void *data)
{
    const struct wsm_host_confirm *message = data;
    struct wsm_command *command = find_command(host, message->command_id, 0);

    if (command != NULL)
        wsm_command_confirm(command, message->upto);
}

static bool act(struct wsm_host *host, struct wsm_command *command, uint32_t signal,
                struct wsm_error *err)
{
    switch (signal) {
    case WSM_HOST_SIGNAL_CTRL_C:
        wsm_command_interrupt(command, SIGINT);
        return true;
    case WSM_HOST_SIGNAL_CTRL_BREAK:
        wsm_command_interrupt(command, SIGQUIT);
        return true;
    case WSM_HOST_SIGNAL_TERMINATE:
        wsm_command_terminate(command);
        wsm_terminated_add(&host->terminated, &command->id, &command->message_id);
        return true;
    default:
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "signal %u", signal);
    }
}

/* Acts on the command, unless it has done so for this very message. */
static bool send_signal(struct wsm_host *host, const struct wsm_host_signal_request *message,
                        struct wsm_error *err)
{
    struct wsm_id message_id = { .bytes = NULL };
    struct wsm_command *command = NULL;
    struct wsm_guid id;
    bool is_id = wsm_guid_parse(message->command_id, &id);

    if (is_id)
        command = wsm_commands_find(host, &id);
    if (command == NULL) {
        if (is_id && message->signal == WSM_HOST_SIGNAL_TERMINATE &&
            wsm_terminated_has(&host->terminated, &id))
            return true;
        return wsm_fail(err, ERROR_WSMAN_UNEXPECTED_SELECTORS, "there is no such command");
    }
    if (wsm_id_is(&command->signal_id, message->message_id))
        return true;
    if (!wsm_id_set(&message_id, message->message_id, err))
        return false;
    if (!act(host, command, message->signal, err)) {
        wsm_id_clear(&message_id);
        return false;
    }
    wsm_id_clear(&command->signal_id);
    command->signal_id = message_id;
    return true;
}

static void on_signal(struct wsm_host *host, const void *data)
{
    const struct wsm_host_signal_request *message = data;
    struct wsm_error err = WSM_ERROR_INIT;

    if (is_let_go(host, message->request))
        return;
    wsm_idle_touch(&host->idle, host->now_ms);
    answer(host, message->request, send_signal(host, message, &err), &err);
}

static void on_disconnect(struct wsm_host *host, const void *data)
{
    const struct wsm_host_disconnect *message = data;
    struct wsm_error err = WSM_ERROR_INIT;
    bool ok = wsm_connection_let_go(&host->connection, message, &err);

    if (ok)
        wsm_host_let_go(host, message->idle_timeout_ms);
    answer(host, message->request, ok, &err);
}

static void on_connect(struct wsm_host *host, const void *data)
{
    const struct wsm_host_connect *message = data;
    struct wsm_error err = WSM_ERROR_INIT;
    bool ok = wsm_connection_take_up(&host->connection, message, &err);

    if (ok)
        wsm_idle_touch(&host->idle, host->now_ms);
    answer(host, message->request, ok, &err);
}

static void on_inspect(struct wsm_host *host, const void *data)
{
    const struct wsm_host_inspect *message = data;

    wsm_report(host, message->request);
}

static void on_delete(struct wsm_host *host, const void *data)
{
    const struct wsm_host_delete *message = data;

    wsm_host_end(host, message->request, 0, NULL);
}

static const struct handler {
    const struct wsm_message_type *type;
    unsigned phases;
    void (*handle)(struct wsm_host *host, const void *data);
} handlers[] = {
    { &wsm_host_hello_type, PHASE_CONNECTED, on_hello },
    { &wsm_host_open_type, PHASE_NOT_OPEN, on_open },
    { &wsm_host_run_type, PHASE_OPEN, on_run },
    { &wsm_host_input_type, PHASE_OPEN, on_input },
    { &wsm_host_fetch_type, PHASE_OPEN, on_fetch },
    { &wsm_host_cancel_type, PHASE_OPEN, on_cancel },
    { &wsm_host_confirm_type, PHASE_OPEN, on_confirm },
    { &wsm_host_signal_type, PHASE_OPEN, on_signal },
    { &wsm_host_disconnect_type, PHASE_OPEN, on_disconnect },
    { &wsm_host_connect_type, PHASE_OPEN, on_connect },
    { &wsm_host_inspect_type, PHASE_OPEN, on_inspect },
    { &wsm_host_delete_type, PHASE_NOT_OPEN | PHASE_OPEN, on_delete },
};

static const struct handler *find_handler(uint16_t type)
{
    for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
        if (handlers[i].type->type == type)
            return &handlers[i];
    }
    return NULL;
}

static bool handle(struct wsm_host *host, const struct wsm_frame *frame, struct wsm_error *err)
{
    union {
        struct wsm_host_hello hello;
        struct wsm_host_open open;
        struct wsm_host_run run;
        struct wsm_host_input input;
        struct wsm_host_fetch fetch;
        struct wsm_host_cancel cancel;
        struct wsm_host_confirm confirm;
        struct wsm_host_signal_request signal;
        struct wsm_host_disconnect disconnect;
        struct wsm_host_connect connect;
        struct wsm_host_inspect inspect;
        struct wsm_host_delete delete;
    } message;
    const struct handler *handler = find_handler(frame->type);

    if (host->state != WSM_HOST_STATE_NEW && host->state != WSM_HOST_STATE_OPEN)
        return true; /* once it ends, the host does nothing for anybody */
    if (handler == NULL) {
        if ((frame->flags & WSM_FRAME_FLAG_IGNORABLE) != 0)
            return true;
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "unknown message %u", frame->type);
    }
    if ((handler->phases & current_phase(host)) == 0)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "message %s out of place",
                        handler->type->name);
    if (!wsm_message_parse(handler->type, frame->payload, &message))
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "malformed message %s", handler->type->name);
    handler->handle(host, &message);
    return true;
}

/* False: nothing more to receive now. */
static bool receive_one(struct wsm_host *host)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_frame frame;
    int fd = -1;
    enum wsm_channel_result result = wsm_channel_receive(&host->link.channel, &frame, &fd, &err);
    bool ok = result == WSM_CHANNEL_MESSAGE;

    if (result == WSM_CHANNEL_AGAIN)
        return false;
    if (fd >= 0) {
        close(fd);
        ok = wsm_fail(&err, ERROR_INVALID_PARAMETER, "a descriptor came along");
    }
    ok = ok && handle(host, &frame, &err);
    if (!ok)
        wsm_link_fail(&host->link, &err);
    return ok;
}

void wsm_dispatch(struct wsm_host *host)
{
    for (int i = 0; i < MESSAGES_MAX; i++) {
        if (!wsm_link_is_up(&host->link) || wsm_link_is_congested(&host->link) ||
            !receive_one(host))
            return;
    }
}
