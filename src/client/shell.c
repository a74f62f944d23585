/* Shells: Create, Delete, and the end of everything inside. Loop thread. Commands, operations,
 * Connect and Disconnect have files of their own. */
#include "client/shell.h"

#include "client/announce.h"
#include "client/command.h"
#include "client/disconnect.h"
#include "client/dispatcher.h"
#include "client/operation.h"
#include "client/orphans.h"
#include "client/runtime.h"
#include "client/session.h"
#include "wsmerror.h"

#include <stdlib.h>
#include <string.h>

struct wsm_shell *wsm_shell_new(void)
{
    struct wsm_shell *shell = calloc(1, sizeof(*shell));

    if (shell == NULL)
        return NULL;
    shell->strand = wsm_strand_new(wsm_runtime_dispatcher());
    if (shell->strand == NULL) {
        free(shell);
        return NULL;
    }
    shell->life = WSM_LIFE_OPENING;
    shell->link = WSM_LINK_CONNECTED;
    shell->create.result = WSM_RESULT_SHELL;
    wsm_list_init(&shell->node);
    wsm_list_init(&shell->commands);
    wsm_endpoint_init(&shell->endpoint, shell, NULL);
    wsm_recovery_init(&shell->recovery, shell);
    return shell;
}

static void clear_options(struct wsm_shell_options *options)
{
    free(options->resource_uri);
    free(options->name);
    free(options->working_directory);
    free(options->input_streams);
    free(options->output_streams);
    free(options->extra_xml);
    wsm_texts_clear(&options->variables);
    wsm_option_texts_clear(&options->options);
}

void wsm_shell_free(struct wsm_shell *shell)
{
    if (shell == NULL)
        return;
    wsm_list_remove(&shell->node);
    wsm_exchange_cancel(&shell->exchange);
    wsm_recovery_clear(&shell->recovery);
    wsm_endpoint_clear(&shell->endpoint);
    wsm_async_clear(&shell->create);
    wsm_async_clear(&shell->close);
    wsm_strand_release(shell->strand);
    clear_options(&shell->options);
    free(shell->id);
    free(shell);
}

static void free_if_unused(struct wsm_shell *shell)
{
    if (shell->handle == 0 && shell->holders == 0)
        wsm_shell_free(shell);
}

void wsm_shell_hold(struct wsm_shell *shell)
{
    shell->holders++;
}

void wsm_shell_release(struct wsm_shell *shell)
{
    shell->holders--;
    free_if_unused(shell);
}

static const char *shell_id(const struct wsm_shell *shell)
{
    return shell->id != NULL ? shell->id : shell->options.id.text;
}

bool wsm_shell_check_life(const struct wsm_shell *shell, struct wsm_error *err)
{
    switch (shell->life) {
    case WSM_LIFE_OPEN:
        return true;
    case WSM_LIFE_OPENING:
        return wsm_fail(err, ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE, "shell %s is not created yet",
                        shell_id(shell));
    case WSM_LIFE_FAILED:
        return wsm_fail(err, ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE,
                        "shell %s could not be created", shell_id(shell));
    default:
        return wsm_fail(err, ERROR_WSMAN_SHELL_ALREADY_CLOSED, "shell %s is closed",
                        shell_id(shell));
    }
}

bool wsm_shell_check_open(const struct wsm_shell *shell, struct wsm_error *err)
{
    if (!wsm_shell_check_life(shell, err))
        return false;
    if (shell->link == WSM_LINK_BROKEN)
        return wsm_fail(err, ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE,
                        "shell %s has lost its connection for good", shell->id);
    return shell->link == WSM_LINK_CONNECTED ||
           wsm_fail(err, ERROR_WINRS_SHELL_DISCONNECTED, "shell %s is not connected", shell->id);
}

bool wsm_shell_prepare(struct wsm_shell *shell, struct wsm_exchange *exchange, const char *action,
                       uint32_t timeout_option, struct wsm_request_headers *out,
                       struct wsm_error *err)
{
    struct wsm_exchange_plan plan = {
        .action = action,
        .resource_uri = shell->options.resource_uri,
        .shell_id = shell->id,
        .timeout_option = timeout_option,
    };

    return wsm_exchange_prepare(exchange, shell->session, &plan, out, err);
}

bool wsm_shell_is_robust(const struct wsm_shell *shell)
{
    uint32_t retry_ms = wsm_options_number(&shell->session->options, WSM_OPTION_MAX_RETRY_TIME);

    return shell->extension_version > 0 && shell->can_disconnect && shell->api_version > 0 &&
           (retry_ms > 0 || shell->recovery.phase != NULL);
}

static bool step(struct wsm_shell *shell, enum wsm_life_event event)
{
    return wsm_life_step(&shell->life, event, "shell", shell_id(shell));
}

/* ---- Delete ---- */

static void on_close_returned(struct wsm_async *async)
{
    struct wsm_shell *shell = WSM_CONTAINER_OF(async, struct wsm_shell, close);

    wsm_runtime_handle_remove(shell->handle);
    shell->handle = 0;
    free_if_unused(shell);
}

/* The shell is gone for good, with `err` for the application. */
static void ended(struct wsm_shell *shell, struct wsm_error *err)
{
    struct wsm_session *session = shell->session;

    wsm_async_complete(&shell->close, shell->strand, err);
    wsm_error_clear(err);
    if (session != NULL)
        wsm_session_check_end(session);
}

static void on_deleted(struct wsm_exchange *exchange, struct wsm_answer **answer,
                       struct wsm_error *err)
{
    struct wsm_shell *shell = WSM_CONTAINER_OF(exchange, struct wsm_shell, exchange);

    (void)answer;
    if (err->code == ERROR_WSMAN_UNEXPECTED_SELECTORS)
        wsm_error_clear(err); /* the server does not know it any more: that is what was wanted */
    (void)step(shell, WSM_LIFE_EV_ENDED);
    ended(shell, err);
}

static bool delete_again(struct wsm_exchange *exchange, struct wsm_error *err);

static bool try_delete(struct wsm_shell *shell, struct wsm_error *err)
{
    static const struct wsm_repetition repetition = { .send = delete_again };
    struct wsm_request_headers headers;

    if (!wsm_shell_prepare(shell, &shell->exchange, WSM_ACTION_DELETE, WSM_OPTION_TIMEOUT_CLOSE,
                           &headers, err))
        return false;
    wsm_delete_request_write(&shell->exchange.call.request, &headers);
    shell->exchange.on_done = on_deleted;
    wsm_recovery_cover(&shell->recovery, &shell->exchange, &repetition);
    return wsm_exchange_send(&shell->exchange, err);
}

static bool delete_again(struct wsm_exchange *exchange, struct wsm_error *err)
{
    return try_delete(WSM_CONTAINER_OF(exchange, struct wsm_shell, exchange), err);
}

static void send_delete(struct wsm_shell *shell)
{
    struct wsm_error err = WSM_ERROR_INIT;

    if (try_delete(shell, &err))
        return;
    (void)step(shell, WSM_LIFE_EV_ENDED);
    ended(shell, &err);
}

/* ---- Create ---- */

/* PowerShell takes this text apart without looking twice, and ends on a duration that is not
 * written as ours, a mode it does not know, or more than it wants to read: so it gets what was
 * understood, in our own words. */
static void describe(const struct wsm_shell_item *item, struct wsm_buf *out)
{
    struct wsm_shell_item shown = *item;

    shown.is_marked = false;
    if (shown.idle_timeout_ms > INT32_MAX)
        shown.idle_timeout_ms = -1;
    if (shown.max_idle_timeout_ms > INT32_MAX)
        shown.max_idle_timeout_ms = -1;
    if (!wsm_span_is(shown.buffer_mode, "Block") && !wsm_span_is(shown.buffer_mode, "Drop"))
        shown.buffer_mode = wsm_span_of(NULL, 0);
    wsm_shell_item_write(out, &shown);
    if (out->len > WSM_SHELL_TEXT_MAX)
        wsm_buf_clear(out);
}

static bool take_created(struct wsm_shell *shell, const struct wsm_answer *answer,
                         struct wsm_error *err)
{
    struct wsm_create_response response;
    const struct wsm_xml_node *xml = NULL;

    if (!wsm_create_response_parse(&answer->env, &response, &xml, err))
        return false;
    shell->id = strndup((const char *)response.shell.shell_id.ptr, response.shell.shell_id.len);
    if (shell->id == NULL)
        return wsm_fail_memory(err, "shell id");
    if (xml != NULL && wsm_async_is_waiting(&shell->create))
        describe(&response.shell, &shell->create.text);
    shell->extension_version = response.extension_version;
    shell->can_disconnect = response.shell.buffer_mode.len > 0 || response.shell.state.len > 0;
    if (shell->api_version > 0 && shell->can_disconnect && /* 1.0 does not know it */
        wsm_async_is_waiting(&shell->create))
        shell->create.flags = WSM_SHELL_SUPPORTS_DISCONNECT;
    return true;
}

/* A server that does not remember a repetition has a shell of the id that we made up: it made it
 * the first time. All that is known of it is what was asked for. */
static bool take_ours(struct wsm_shell *shell, struct wsm_error *err)
{
    wsm_error_clear(err);
    shell->id = strdup(shell->options.id.text);
    return shell->id != NULL || wsm_fail_memory(err, "shell id");
}

/* The shell, which is ENDING, goes from the server, or only from here. */
static void leave(struct wsm_shell *shell)
{
    struct wsm_error none = WSM_ERROR_INIT;

    if (!shell->is_kept) {
        send_delete(shell);
        return;
    }
    (void)step(shell, WSM_LIFE_EV_ENDED);
    ended(shell, &none);
}

void wsm_shell_opened(struct wsm_shell *shell, struct wsm_error *err)
{
    struct wsm_error none = WSM_ERROR_INIT;

    if (err->code == ERROR_WSMAN_REDIRECT_REQUESTED)
        wsm_session_redirected(shell->session, err);
    if (!step(shell, err->code == 0 ? WSM_LIFE_EV_OPENED : WSM_LIFE_EV_FAILED))
        return;
    wsm_async_complete(&shell->create, shell->strand, err);
    if (shell->life == WSM_LIFE_ENDING)
        leave(shell);
    else if (shell->life == WSM_LIFE_ENDED)
        ended(shell, &none);
}

/* ---- A Create that nobody has answered ---- */

/* Is the server being asked to delete what may be left of it? */
static bool is_clearing(const struct wsm_shell *shell)
{
    return (shell->life == WSM_LIFE_FAILED || shell->life == WSM_LIFE_ENDED) &&
           wsm_exchange_is_active(&shell->exchange);
}

/* Whatever came of it. */
static void on_cleared(struct wsm_exchange *exchange, struct wsm_answer **answer,
                       struct wsm_error *err)
{
    struct wsm_shell *shell = WSM_CONTAINER_OF(exchange, struct wsm_shell, exchange);
    struct wsm_session *session = shell->session;

    (void)answer;
    (void)err;
    wsm_shell_release(shell);
    wsm_session_check_end(session);
}

/* The server may have made the shell all the same, and keep it until its idle time-out. The id says
 * which, and can be no other's, if it is ours. */
static void clear(struct wsm_shell *shell)
{
    struct wsm_exchange_plan plan = { .action = WSM_ACTION_DELETE,
                                      .resource_uri = shell->options.resource_uri,
                                      .shell_id = shell->options.id.text,
                                      .timeout_option = WSM_OPTION_TIMEOUT_CLOSE };
    struct wsm_request_headers headers;
    struct wsm_error err = WSM_ERROR_INIT;

    shell->exchange.timeout_max_ms = WSM_RECOVERY_CLOSE_MS;
    if (wsm_exchange_prepare(&shell->exchange, shell->session, &plan, &headers, &err)) {
        wsm_delete_request_write(&shell->exchange.call.request, &headers);
        shell->exchange.on_done = on_cleared;
        if (wsm_exchange_send(&shell->exchange, &err)) {
            wsm_http_call_limit(&shell->exchange.call, WSM_RECOVERY_CLOSE_MS);
            wsm_shell_hold(shell);
        }
    }
    wsm_error_clear(&err);
}

static void on_created(struct wsm_exchange *exchange, struct wsm_answer **answer,
                       struct wsm_error *err)
{
    struct wsm_shell *shell = WSM_CONTAINER_OF(exchange, struct wsm_shell, exchange);
    bool may_be_made = shell->options.is_id_ours && exchange->is_repeat;

    if (err->code == ERROR_WINRS_SHELL_CLIENTID_RESOURCE_CONFLICT && may_be_made)
        (void)take_ours(shell, err);
    else if (err->code == 0)
        (void)take_created(shell, *answer, err);
    else if (may_be_made && wsm_exchange_is_unreached(exchange, err))
        clear(shell); /* before the session may end for want of anything to wait for */
    wsm_shell_opened(shell, err);
}

static void fill_variables(const struct wsm_texts *texts, struct wsm_variable *out)
{
    size_t i;

    for (i = 0; i < texts->count / 2; i++)
        out[i] = (struct wsm_variable){ .name = wsm_span_str(texts->items[2 * i]),
                                        .value = wsm_span_str(texts->items[2 * i + 1]) };
}

static bool create_again(struct wsm_exchange *exchange, struct wsm_error *err);

static bool send_create(struct wsm_shell *shell, struct wsm_error *err)
{
    static const struct wsm_repetition repetition = { .send = create_again };
    const struct wsm_shell_options *options = &shell->options;
    struct wsm_variable variables[WSM_ENV_VARIABLES_MAX];
    struct wsm_option room[WSM_OPTIONS_MAX];
    struct wsm_create_request request = {
        .shell_id = wsm_span_str(options->id.text),
        .name = wsm_span_str(options->name),
        .working_directory = wsm_span_str(options->working_directory),
        .input_streams = wsm_span_str(options->input_streams),
        .output_streams = wsm_span_str(options->output_streams),
        .idle_timeout_ms = options->idle_timeout_ms,
        .buffer_mode = wsm_span_str(wsm_buffer_mode_name(options->buffer_mode)),
        .variables = variables,
        .variable_count = options->variables.count / 2,
        .extra_xml = wsm_span_str(options->extra_xml),
    };
    struct wsm_request_headers headers;

    fill_variables(&options->variables, variables);
    if (!wsm_shell_prepare(shell, &shell->exchange, WSM_ACTION_CREATE, WSM_OPTION_TIMEOUT_CREATE,
                           &headers, err))
        return false;
    wsm_option_texts_put(&options->options, &headers);
    wsm_announce(&headers, room);
    wsm_create_request_write(&shell->exchange.call.request, &headers, &request);
    shell->exchange.on_done = on_created;
    wsm_recovery_cover(&shell->recovery, &shell->exchange, &repetition);
    return wsm_exchange_send(&shell->exchange, err);
}

static bool create_again(struct wsm_exchange *exchange, struct wsm_error *err)
{
    return send_create(WSM_CONTAINER_OF(exchange, struct wsm_shell, exchange), err);
}

static void on_create_returned(struct wsm_async *async)
{
    (void)async;
}

static void forget_orphan(struct wsm_list *node)
{
    wsm_shell_forget(WSM_CONTAINER_OF(node, struct wsm_shell, node));
}

void wsm_shell_open(struct wsm_shell *shell)
{
    struct wsm_callee callee = shell->create.callee;
    struct wsm_error err = WSM_ERROR_INIT;

    shell->session = wsm_runtime_handle_find(shell->session_handle, WSM_HANDLE_SESSION);
    wsm_async_begin(&shell->create, callee, shell->session, on_create_returned);
    if (shell->session != NULL)
        wsm_list_add(&shell->session->shells, &shell->node);
    else
        wsm_orphans_add(WSM_ORPHAN_SHELL, &shell->node, forget_orphan);
    if (shell->session == NULL || shell->session->state != WSM_SESSION_OPEN)
        (void)wsm_fail(&err, ERROR_WSMAN_SESSION_ALREADY_CLOSED, "the session is closed");
    if (err.code != 0 ||
        !(shell->is_attached ? wsm_connect_shell(shell, &err) : send_create(shell, &err)))
        wsm_shell_opened(shell, &err);
    wsm_error_clear(&err);
}

/* ---- Closing ---- */

/* Somebody who does not know the outcome of his Connect has not asked to end the shell. */
static bool outlives(const struct wsm_shell *shell)
{
    return (shell->link != WSM_LINK_CONNECTED && shell->link != WSM_LINK_BROKEN) ||
           (shell->is_attached && shell->life == WSM_LIFE_OPENING);
}

/* Everything inside ends; nothing of it goes on the wire any more but the Delete. */
static void end(struct wsm_shell *shell, bool deletes)
{
    struct wsm_error none = WSM_ERROR_INIT;
    bool is_kept = !deletes && outlives(shell);
    struct wsm_list *node;
    struct wsm_list *next;

    if (!step(shell, WSM_LIFE_EV_CLOSE))
        return;
    shell->is_kept = is_kept;
    WSM_LIST_FOREACH_SAFE (node, next, &shell->commands)
        wsm_command_end(WSM_CONTAINER_OF(node, struct wsm_command, node));
    wsm_operation_abort_all(&shell->endpoint);
    wsm_async_abort(&shell->create, shell->strand);
    wsm_link_abort_shell(shell);
    wsm_recovery_hurry(&shell->recovery, WSM_RECOVERY_CLOSE_MS);
    if (shell->life == WSM_LIFE_ENDING) {
        wsm_exchange_cancel(&shell->exchange); /* Disconnect or Reconnect */
        leave(shell);
    } else if (shell->life == WSM_LIFE_ENDED) {
        ended(shell, &none);
    } else if (!wsm_exchange_may_be_known(&shell->exchange)) {
        wsm_exchange_cancel(&shell->exchange); /* the server knows nothing of it */
        (void)wsm_fail(&none, ERROR_OPERATION_ABORTED, "closed before it was sent");
        wsm_shell_opened(shell, &none);
        wsm_error_clear(&none);
    }
}

void wsm_shell_close(struct wsm_shell *shell, struct wsm_callee callee, bool deletes)
{
    wsm_async_begin(&shell->close, callee, shell->session, on_close_returned);
    if (shell->life == WSM_LIFE_ENDED) { /* its session has ended it before */
        struct wsm_error none = WSM_ERROR_INIT;

        wsm_async_complete(&shell->close, shell->strand, &none);
        return;
    }
    end(shell, deletes);
}

void wsm_shell_end(struct wsm_shell *shell)
{
    end(shell, false);
}

void wsm_shell_give_up(struct wsm_shell *shell)
{
    struct wsm_error err = { .code = ERROR_OPERATION_ABORTED };
    bool was_clearing = is_clearing(shell);

    wsm_exchange_cancel(&shell->exchange);
    if (shell->life == WSM_LIFE_ABANDONED)
        (void)step(shell, WSM_LIFE_EV_FAILED);
    else
        (void)step(shell, WSM_LIFE_EV_ENDED);
    wsm_async_complete(&shell->close, shell->strand, &err);
    if (was_clearing)
        wsm_shell_release(shell);
}

bool wsm_shell_is_busy(const struct wsm_shell *shell)
{
    return shell->life == WSM_LIFE_ABANDONED || shell->life == WSM_LIFE_ENDING ||
           is_clearing(shell);
}

void wsm_shell_forget(struct wsm_shell *shell)
{
    wsm_shell_hold(shell); /* while its commands let go of it */
    while (!wsm_list_is_empty(&shell->commands))
        wsm_command_forget(WSM_CONTAINER_OF(shell->commands.next, struct wsm_command, node));
    wsm_runtime_handle_remove(shell->handle);
    shell->handle = 0;
    wsm_shell_release(shell);
}
