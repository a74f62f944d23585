/* Shells by owner and id, their states and their commands. The winrmd-net loop owns it.
 * Does not know HTTP or SOAP, nor what waits for its shells and commands. */
#include "server/shell_table.h"

#include "base/log.h"
#include "ipc/stream_names.h"
#include "server/request_id.h"
#include "wsmerror.h"

#include <stdlib.h>
#include <unistd.h>

enum event {
    EVENT_HOST,   /* the monitor has handed over a connection */
    EVENT_READY,  /* the host has reported */
    EVENT_OPENED, /* the host agreed to OPEN */
    EVENT_DELETE, /* Delete was sent */
    EVENT_LOST,   /* the connection broke; the monitor is asked for another */
    EVENT_GONE,   /* the host has ended, or no connection to it is to be had */
    EVENT_COUNT
};

static const char *const state_names[WSM_SHELL_STATES] = {
    "-",        "starting", "greeting", "opening", "open", "reconnecting", "greeting again",
    "deleting", "ended"
};

/* Row: state now; column: event; cell: next, "-" is refused.
 *                  HOST            READY    OPENED  DELETE    LOST          GONE
 * STARTING         GREETING        -        -       -         -             ENDED
 * GREETING         -               OPENING  -       -         -             ENDED
 * OPENING          -               -        OPEN    DELETING  -             ENDED
 * OPEN             -               -        -       DELETING  RECONNECTING  ENDED
 * RECONNECTING     GREETING AGAIN  -        -       -         -             ENDED
 * GREETING AGAIN   -               OPEN     -       -         RECONNECTING  ENDED
 * DELETING         -               -        -       -         RECONNECTING  ENDED
 * A shell that was found starts in GREETING AGAIN. */
static const enum wsm_shell_state next_state[WSM_SHELL_STATES][EVENT_COUNT] = {
    [WSM_SHELL_STARTING] = { [EVENT_HOST] = WSM_SHELL_GREETING, [EVENT_GONE] = WSM_SHELL_ENDED },
    [WSM_SHELL_GREETING] = { [EVENT_READY] = WSM_SHELL_OPENING, [EVENT_GONE] = WSM_SHELL_ENDED },
    [WSM_SHELL_OPENING] = { [EVENT_OPENED] = WSM_SHELL_OPEN,
                            [EVENT_DELETE] = WSM_SHELL_DELETING,
                            [EVENT_GONE] = WSM_SHELL_ENDED },
    [WSM_SHELL_OPEN] = { [EVENT_DELETE] = WSM_SHELL_DELETING,
                         [EVENT_LOST] = WSM_SHELL_RECONNECTING,
                         [EVENT_GONE] = WSM_SHELL_ENDED },
    [WSM_SHELL_RECONNECTING] = { [EVENT_HOST] = WSM_SHELL_GREETING_AGAIN,
                                 [EVENT_GONE] = WSM_SHELL_ENDED },
    [WSM_SHELL_GREETING_AGAIN] = { [EVENT_READY] = WSM_SHELL_OPEN,
                                   [EVENT_LOST] = WSM_SHELL_RECONNECTING,
                                   [EVENT_GONE] = WSM_SHELL_ENDED },
    [WSM_SHELL_DELETING] = { [EVENT_LOST] = WSM_SHELL_RECONNECTING,
                             [EVENT_GONE] = WSM_SHELL_ENDED },
};

/* The only writer of shell->state. */
static bool step(struct wsm_shell *shell, enum event event)
{
    enum wsm_shell_state next = next_state[shell->state][event];

    if (next == WSM_SHELL_REFUSED)
        return false;
    wsm_log_debug("shell %s: %s -> %s", shell->id.text, state_names[shell->state],
                  state_names[next]);
    shell->state = next;
    return true;
}

static struct wsm_list *bucket(struct wsm_shell_table *table, const struct wsm_guid *id)
{
    uint32_t hash = 2166136261U;

    for (size_t i = 0; i < WSM_GUID_LEN; i++)
        hash = (hash ^ ((uint8_t)id->text[i] | 0x20U)) * 16777619U; /* letters without case */
    return &table->buckets[hash % WSM_SHELL_BUCKETS];
}

void wsm_shell_table_init(struct wsm_shell_table *table, uv_loop_t *loop,
                          const struct wsm_shell_table_events *events, void *context)
{
    table->loop = loop;
    table->events = events;
    table->context = context;
    for (size_t i = 0; i < WSM_SHELL_BUCKETS; i++)
        wsm_list_init(&table->buckets[i]);
    wsm_list_init(&table->idle_fetches);
    uv_timer_init(loop, &table->idle_timer); /* cannot fail */
    table->idle_timer.data = table;
}

static struct wsm_shell *find(struct wsm_shell_table *table, const char *owner,
                              const struct wsm_guid *id)
{
    struct wsm_list *head = bucket(table, id);
    struct wsm_list *node;

    WSM_LIST_FOREACH (node, head) {
        struct wsm_shell *shell = WSM_CONTAINER_OF(node, struct wsm_shell, node);

        if (wsm_guid_equal(&shell->id, id) && strcmp(shell->owner, owner) == 0)
            return shell;
    }
    return NULL;
}

struct wsm_shell *wsm_shell_find(struct wsm_shell_table *table, const char *owner,
                                 struct wsm_span id)
{
    struct wsm_guid guid;
    struct wsm_shell *shell;

    if (!wsm_guid_parse(id, &guid))
        return NULL;
    shell = find(table, owner, &guid);
    return shell == NULL || shell->state == WSM_SHELL_DELETING ? NULL : shell;
}

/* Found here after a restart, and its host has not said yet what it is. */
static bool is_unknown(const struct wsm_shell *shell)
{
    return !shell->is_reported_open &&
           (shell->state == WSM_SHELL_RECONNECTING || shell->state == WSM_SHELL_GREETING_AGAIN);
}

static bool is_created_by(const struct wsm_shell *shell, const char *owner, const char *message_id,
                          const struct wsm_guid *id)
{
    if (shell->state == WSM_SHELL_DELETING || strcmp(shell->owner, owner) != 0 ||
        (id != NULL && !wsm_guid_equal(&shell->id, id)))
        return false;
    return strcmp(shell->create_message_id, message_id) == 0 || (id != NULL && is_unknown(shell));
}

struct wsm_shell *wsm_shell_find_created(struct wsm_shell_table *table, const char *owner,
                                         const char *message_id, const struct wsm_guid *id)
{
    if (message_id[0] == '\0')
        return NULL;
    for (size_t i = 0; i < WSM_SHELL_BUCKETS; i++) {
        struct wsm_list *node;

        WSM_LIST_FOREACH (node, &table->buckets[i]) {
            struct wsm_shell *shell = WSM_CONTAINER_OF(node, struct wsm_shell, node);

            if (is_created_by(shell, owner, message_id, id))
                return shell;
        }
    }
    return NULL;
}

bool wsm_shell_exists(struct wsm_shell_table *table, const char *owner, const struct wsm_guid *id)
{
    return find(table, owner, id) != NULL;
}

struct wsm_shell *wsm_shell_next(struct wsm_shell_table *table, const char *owner,
                                 struct wsm_shell *previous)
{
    struct wsm_list *head = previous == NULL ? table->buckets : bucket(table, &previous->id);
    struct wsm_list *node = previous == NULL ? head : &previous->node;

    for (;;) {
        node = node->next;
        if (node == head) {
            if (++head == table->buckets + WSM_SHELL_BUCKETS)
                return NULL;
            node = head;
        } else {
            struct wsm_shell *shell = WSM_CONTAINER_OF(node, struct wsm_shell, node);

            if (strcmp(shell->owner, owner) == 0)
                return shell;
        }
    }
}

size_t wsm_shell_count(struct wsm_shell_table *table, const char *owner)
{
    struct wsm_shell *shell = NULL;
    size_t count = 0;

    while ((shell = wsm_shell_next(table, owner, shell)) != NULL)
        count += shell->state != WSM_SHELL_DELETING;
    return count;
}

static struct wsm_shell *shell_new(struct wsm_shell_table *table, struct wsm_span owner,
                                   const struct wsm_guid *id, enum wsm_shell_state state)
{
    struct wsm_shell *shell = calloc(1, sizeof(*shell));

    if (shell == NULL)
        return NULL;
    shell->owner = strndup((const char *)owner.ptr, owner.len);
    if (shell->owner == NULL) {
        free(shell);
        return NULL;
    }
    shell->table = table;
    shell->id = *id;
    shell->state = state;
    wsm_list_init(&shell->commands);
    wsm_list_init(&shell->waiting);
    wsm_list_add(bucket(table, id), &shell->node);
    return shell;
}

struct wsm_shell *wsm_shell_add(struct wsm_shell_table *table, const char *owner,
                                const struct wsm_guid *id)
{
    return shell_new(table, wsm_span_str(owner), id, WSM_SHELL_STARTING);
}

/* In their order. Those that have to wait again come behind the list. */
static void resume_waiting(struct wsm_shell_table *table, struct wsm_list *waiting)
{
    struct wsm_list list;

    wsm_list_init(&list);
    while (!wsm_list_is_empty(waiting)) {
        struct wsm_list *node = waiting->next;

        wsm_list_remove(node);
        wsm_list_add(&list, node);
    }
    while (!wsm_list_is_empty(&list)) {
        struct wsm_list *node = list.next;

        wsm_list_remove(node);
        table->events->resume(table->context, node);
    }
}

static void tell_deleter(struct wsm_shell *shell, const struct wsm_error *err)
{
    struct wsm_shell_deleter *deleter = shell->deleter;

    shell->deleter = NULL;
    if (deleter != NULL)
        deleter->on_end(deleter, err);
}

/* Ends everything that hangs on a shell in state ENDED; err says why. The link is closed
 * already, or closed here. */
static void shell_free(struct wsm_shell *shell, const struct wsm_error *err)
{
    wsm_list_remove(&shell->node);
    wsm_host_link_close(shell->link, err); /* a change under way ends too */
    shell->link = NULL;
    if (shell->on_started != NULL)
        shell->on_started(shell, err);
    while (!wsm_list_is_empty(&shell->commands))
        wsm_command_remove(WSM_CONTAINER_OF(shell->commands.next, struct wsm_command, node), err);
    tell_deleter(shell, NULL);
    resume_waiting(shell->table, &shell->waiting); /* they find it no more */
    free(shell->owner);
    free(shell);
}

static void on_link_shell(void *context, const struct wsm_host_shell *report)
{
    struct wsm_shell *shell = context;

    shell->is_reported_open = report->is_open != 0;
    if (!shell->is_reported_open)
        return;
    wsm_holder_take(&shell->holder, report);
    wsm_request_id_take(shell->create_message_id, report->create_message_id);
    /* names the host itself accepted: a mismatch can only mean another version */
    if (!wsm_stream_names_parse(report->input_streams, wsm_input_stream_names, 1,
                                &shell->input_streams) ||
        !wsm_stream_names_parse(report->output_streams, wsm_output_stream_names, WSM_HOST_STREAMS,
                                &shell->output_streams))
        wsm_log_warning("shell %s: its host has streams that are not known here", shell->id.text);
}

static void on_link_command(void *context, const struct wsm_host_command *report)
{
    struct wsm_shell *shell = context;
    struct wsm_command *command = wsm_command_find(shell, report->command_id);
    struct wsm_guid id;

    if (command != NULL || shell->command_count >= WSM_REPORTED_COMMANDS_MAX ||
        !wsm_guid_parse(report->command_id, &id))
        return; /* ours are at least as new */
    command = wsm_command_add(shell, &id);
    if (command == NULL)
        return; /* to its client it does not exist, until the next connection */
    memcpy(command->confirmed, report->confirmed, sizeof(command->confirmed));
    memcpy(command->known_end, report->end, sizeof(command->known_end));
    memcpy(command->served, report->served, sizeof(command->served));
}

static void shell_end(struct wsm_shell *shell, enum event event, const struct wsm_error *err)
{
    if (step(shell, event) && shell->state == WSM_SHELL_ENDED)
        shell_free(shell, err);
}

static void on_link_ready(void *context)
{
    struct wsm_shell *shell = context;
    struct wsm_error err = WSM_ERROR_INIT;

    if (shell->state == WSM_SHELL_GREETING_AGAIN && !shell->is_reported_open) {
        /* its Create was never answered: nobody knows of it, and the host leaves by itself */
        wsm_fail(&err, ERROR_WSMAN_UNEXPECTED_SELECTORS, "the shell was never opened");
        shell_end(shell, EVENT_GONE, &err);
        wsm_error_clear(&err);
        return;
    }
    if (!step(shell, EVENT_READY))
        return;
    if (shell->state == WSM_SHELL_OPENING) {
        if (shell->on_started != NULL)
            shell->on_started(shell, NULL);
        return;
    }
    shell->lost_count = 0;
    wsm_fail(&err, ERROR_OPERATION_ABORTED, "the connection to the shell was lost; it still runs");
    tell_deleter(shell, &err);
    wsm_error_clear(&err);
    shell->table->events->on_held(shell->table->context, shell);
    resume_waiting(shell->table, &shell->waiting);
}

/* The connection is lost: is there a reason to ask the monitor for another one? Once; one that
 * breaks while it is being made anew ends the shell here. If somebody must know whether the
 * host is gone, twice: of a process that dies, connections may end before its socket
 * stops to listen, so that the first new one seems to come about. */
static bool is_worth_another(const struct wsm_shell *shell)
{
    switch (shell->state) {
    case WSM_SHELL_OPEN:
        return true;
    case WSM_SHELL_DELETING:
        return shell->deleter != NULL;
    case WSM_SHELL_GREETING_AGAIN:
        return shell->deleter != NULL && shell->lost_count < 2;
    default:
        return false;
    }
}

static void on_link_lost(void *context, const struct wsm_error *err, bool is_gone)
{
    struct wsm_shell *shell = context;
    struct wsm_error aborted = WSM_ERROR_INIT;

    shell->link = NULL;
    if (is_gone)
        wsm_log_info("shell %s of %s ended: %s", shell->id.text, shell->owner, wsm_error_text(err));
    if (!is_gone && is_worth_another(shell)) {
        shell->lost_count++;
        if (step(shell, EVENT_LOST))
            shell->monitor_request = shell->table->events->connect_host(shell->table->context,
                                                                        shell->host_id);
        return;
    }
    wsm_fail(&aborted, ERROR_OPERATION_ABORTED, "the shell has ended");
    if (!is_gone)
        tell_deleter(shell, &aborted); /* nobody knows */
    shell_end(shell, EVENT_GONE, &aborted);
    wsm_error_clear(&aborted);
}

static void attach(struct wsm_shell *shell, int fd)
{
    static const struct wsm_host_link_events events = { on_link_shell, on_link_command,
                                                        on_link_ready, on_link_lost };
    struct wsm_error err = WSM_ERROR_INIT;

    shell->link = wsm_host_link_open(shell->table->loop, fd, &events, shell, &err);
    if (shell->link == NULL)
        shell_end(shell, EVENT_GONE, &err);
    wsm_error_clear(&err);
}

static struct wsm_shell *find_by_request(struct wsm_shell_table *table, uint64_t request)
{
    for (size_t i = 0; i < WSM_SHELL_BUCKETS; i++) {
        struct wsm_list *node;

        WSM_LIST_FOREACH (node, &table->buckets[i]) {
            struct wsm_shell *shell = WSM_CONTAINER_OF(node, struct wsm_shell, node);

            if (shell->monitor_request == request)
                return shell;
        }
    }
    return NULL;
}

/* A shell that runs since before this process started. */
static struct wsm_shell *adopt(struct wsm_shell_table *table, struct wsm_span shell_id,
                               struct wsm_span owner)
{
    struct wsm_guid id;

    return wsm_guid_parse(shell_id, &id) ? shell_new(table, owner, &id, WSM_SHELL_RECONNECTING)
                                         : NULL;
}

void wsm_shell_table_on_host(struct wsm_shell_table *table, uint64_t request, uint64_t host_id,
                             struct wsm_span shell_id, struct wsm_span owner, int fd)
{
    struct wsm_shell *shell = request == 0 ? adopt(table, shell_id, owner)
                                           : find_by_request(table, request);

    if (shell == NULL || !step(shell, EVENT_HOST)) {
        close(fd); /* a host that was never told what it is leaves by itself */
        return;
    }
    shell->monitor_request = 0;
    shell->host_id = host_id;
    attach(shell, fd);
}

void wsm_shell_table_on_host_failed(struct wsm_shell_table *table, uint64_t request,
                                    const struct wsm_error *err)
{
    struct wsm_shell *shell = request == 0 ? NULL : find_by_request(table, request);

    if (shell == NULL)
        return;
    if (shell->state == WSM_SHELL_RECONNECTING && shell->deleter == NULL)
        wsm_log_info("shell %s of %s ended: its host is gone", shell->id.text, shell->owner);
    if (err->code != ERROR_WSMAN_UNEXPECTED_SELECTORS)
        tell_deleter(shell, err); /* it may be there all the same */
    shell_end(shell, EVENT_GONE, err);
}

void wsm_shell_opened(struct wsm_shell *shell)
{
    shell->on_started = NULL;
    if (!step(shell, EVENT_OPENED))
        return;
    shell->table->events->on_held(shell->table->context, shell);
    resume_waiting(shell->table, &shell->waiting);
}

void wsm_shell_deleting(struct wsm_shell *shell, struct wsm_shell_deleter *deleter)
{
    struct wsm_error aborted = WSM_ERROR_INIT;

    shell->on_started = NULL;
    shell->deleter = deleter;
    if (!step(shell, EVENT_DELETE))
        return;
    wsm_fail(&aborted, ERROR_OPERATION_ABORTED, "the shell was deleted");
    while (!wsm_list_is_empty(&shell->commands))
        wsm_command_remove(WSM_CONTAINER_OF(shell->commands.next, struct wsm_command, node),
                           &aborted);
    wsm_error_clear(&aborted);
}

void wsm_shell_abandon(struct wsm_shell *shell, const struct wsm_error *err)
{
    shell->on_started = NULL;
    shell_end(shell, EVENT_GONE, err);
}

bool wsm_shell_is_ready(const struct wsm_shell *shell)
{
    return shell->state == WSM_SHELL_OPEN && wsm_host_link_is_open(shell->link);
}

void wsm_shell_enter(struct wsm_shell *shell)
{
    shell->users++;
}

void wsm_shell_leave(struct wsm_shell *shell)
{
    if (--shell->users == 0 && shell->change != NULL)
        shell->table->events->on_quiet(shell->table->context, shell);
}

void wsm_shell_changed(struct wsm_shell *shell)
{
    shell->change = NULL;
    if (!wsm_shell_is_ready(shell))
        return; /* they go on later */
    if (shell->holder.connection == WSM_HOST_CONNECTED)
        shell->table->events->on_held(shell->table->context, shell);
    resume_waiting(shell->table, &shell->waiting);
}

struct wsm_command *wsm_command_find(struct wsm_shell *shell, struct wsm_span id)
{
    struct wsm_guid guid;
    struct wsm_list *node;

    if (!wsm_guid_parse(id, &guid))
        return NULL;
    WSM_LIST_FOREACH (node, &shell->commands) {
        struct wsm_command *command = WSM_CONTAINER_OF(node, struct wsm_command, node);

        if (wsm_guid_equal(&command->id, &guid))
            return command;
    }
    return NULL;
}

struct wsm_command *wsm_command_get(struct wsm_shell *shell, struct wsm_span id,
                                    struct wsm_error *err)
{
    struct wsm_command *command = wsm_command_find(shell, id);

    if (command == NULL)
        (void)wsm_fail(err, ERROR_WSMAN_UNEXPECTED_SELECTORS, "command %.*s does not exist",
                       (int)id.len, id.len == 0 ? "" : (const char *)id.ptr);
    return command;
}

struct wsm_command *wsm_command_add(struct wsm_shell *shell, const struct wsm_guid *id)
{
    struct wsm_command *command = calloc(1, sizeof(*command));

    if (command == NULL)
        return NULL;
    command->shell = shell;
    command->id = *id;
    wsm_list_add(&shell->commands, &command->node);
    shell->command_count++;
    return command;
}

void wsm_command_remove(struct wsm_command *command, const struct wsm_error *err)
{
    const struct wsm_shell_table *table = command->shell->table;

    wsm_list_remove(&command->node);
    command->shell->command_count--;
    table->events->on_command_end(table->context, command, err);
    wsm_carrier_unref(command->last.carrier);
    free(command);
}
