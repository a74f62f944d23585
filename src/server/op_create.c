/* Create: a shell of its own process. The winrmd-net loop runs it: checks, asks the
 * monitor for a host, tells the host what it is, then answers. A repetition gets the answer
 * of the first, once that one is there. */
#include "proto/create.h"

#include "base/log.h"
#include "ipc/stream_names.h"
#include "proto/extension.h"
#include "server/change.h"
#include "server/handler.h"
#include "server/http_conn.h"
#include "server/service.h"
#include "wsmerror.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const options[] = { "WINRS_NOPROFILE", "WINRS_CODEPAGE", WSM_OPTION_CLIENT,
                                       NULL };

/* One Create under way; owned by itself, ends with the answer. */
struct create {
    struct wsm_exchange *exchange; /* owned */
    struct wsm_shell *shell;       /* borrowed from the table */
    struct wsm_host_call call;
    struct wsm_create_request request; /* borrows from the exchange */
    struct wsm_span input_streams;
    struct wsm_span output_streams;
    uint32_t input_bits;
    uint32_t output_bits;
    uint32_t code_page;
    int64_t idle_timeout_ms;
    enum wsm_buffer_mode buffer_mode;
    char client_ip[64];
    bool is_id_ours; /* the client chose none, so without an answer nobody knows it */
    struct wsm_variable variables[WSM_ENV_VARIABLES_MAX];
};

/* It cannot be called off half-way: the default for both events. */
static const struct wsm_exchange_events exchange_events = { .keeps_request = true };

static void create_free(struct create *create)
{
    if (create == NULL)
        return;
    wsm_host_call_drop(&create->call);
    wsm_exchange_free(create->exchange);
    free(create);
}

static void create_fail(struct create *create, struct wsm_error *err)
{
    wsm_exchange_fault(create->exchange, err);
    create_free(create);
}

static bool number_parse(struct wsm_span text, uint32_t *out)
{
    uint64_t value = 0;

    if (text.len == 0)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9' || value > UINT32_MAX / 10)
            return false;
        value = value * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    *out = (uint32_t)value;
    return value <= UINT32_MAX;
}

static bool check_options(struct create *create, struct wsm_error *err)
{
    const struct wsm_envelope *env = &create->exchange->env;
    const struct wsm_option *code_page = wsm_envelope_option(env, "WINRS_CODEPAGE");

    if (!wsm_options_check(env, options, err))
        return false;
    if (code_page != NULL && !number_parse(code_page->value, &create->code_page))
        return wsm_fail(err, ERROR_WINRS_CODE_PAGE_NOT_SUPPORTED, "code page %.*s: not a number",
                        (int)code_page->value.len, (const char *)code_page->value.ptr);
    return true;
}

/* A set that is not named is the whole set, as cmd has it. */
static bool check_streams(struct create *create, struct wsm_error *err)
{
    create->input_streams = create->request.input_streams;
    create->output_streams = create->request.output_streams;
    if (create->input_streams.len == 0)
        create->input_streams = wsm_span_str("stdin");
    if (create->output_streams.len == 0)
        create->output_streams = wsm_span_str("stdout stderr");
    if (!wsm_stream_names_parse(create->input_streams, wsm_input_stream_names, 1,
                                &create->input_bits))
        return wsm_fail(err, ERROR_WSMAN_SHELL_INVALID_INPUT_STREAM,
                        "InputStreams %.*s: only stdin is known", (int)create->input_streams.len,
                        (const char *)create->input_streams.ptr);
    if (!wsm_stream_names_parse(create->output_streams, wsm_output_stream_names, WSM_HOST_STREAMS,
                                &create->output_bits))
        return wsm_fail(err, ERROR_WSMAN_SHELL_INVALID_DESIRED_STREAMS,
                        "OutputStreams %.*s: only stdout and stderr are known",
                        (int)create->output_streams.len, (const char *)create->output_streams.ptr);
    return true;
}

static bool check_id(struct create *create, struct wsm_guid *out_id, struct wsm_error *err)
{
    create->is_id_ours = create->request.shell_id.len == 0;
    if (create->is_id_ours)
        wsm_service_guid(out_id);
    else if (!wsm_guid_parse(create->request.shell_id, out_id))
        return wsm_fail(err, ERROR_WINRS_SHELL_CLIENTID_NOT_VALID, "ShellId: not a GUID");
    return true;
}

/* May there be one more shell, of that id? */
static bool check_room(struct create *create, const struct wsm_guid *id, struct wsm_error *err)
{
    struct wsm_service *service = create->exchange->service;
    const char *user = create->exchange->logon->user;
    size_t max = service->settings.max_shells_per_user;

    if (wsm_shell_exists(&service->shells, user, id))
        return wsm_fail(err, ERROR_WINRS_SHELL_CLIENTID_RESOURCE_CONFLICT,
                        "shell %s exists already", id->text);
    if (max != 0 && wsm_shell_count(&service->shells, user) >= max)
        return wsm_fail(err, ERROR_WSMAN_QUOTA_MAX_SHELLS,
                        "user %s has %zu shells, the most that MaxShellsPerUser allows", user, max);
    return true;
}

static void answer(struct create *create)
{
    struct wsm_exchange *exchange = create->exchange;
    const struct wsm_holder *holder = &create->shell->holder;
    struct wsm_response response = WSM_RESPONSE_INIT;
    struct wsm_response_headers headers = wsm_response_open(&response, exchange, 200,
                                                            WSM_ACTION_CREATE "Response");
    struct wsm_create_response msg = {
        .address = wsm_span_str(wsm_http_conn_url(exchange->conn)),
    };

    wsm_shell_item_init(&msg.shell);
    msg.shell.shell_id = wsm_span_str(create->shell->id.text);
    msg.shell.resource_uri = wsm_span_str(WSM_URI_CMD);
    msg.shell.owner = wsm_span_str(create->shell->owner);
    msg.shell.client_ip = wsm_span_str(wsm_http_conn_peer(exchange->conn));
    msg.shell.idle_timeout_ms = create->idle_timeout_ms;
    msg.shell.max_idle_timeout_ms = exchange->service->settings.max_idle_timeout_ms;
    msg.shell.input_streams = create->input_streams;
    msg.shell.output_streams = create->output_streams;
    msg.shell.is_marked = wsm_extension_announced(&exchange->env) != 0;
    if (holder->can_disconnect) {
        msg.shell.buffer_mode = wsm_span_str(wsm_buffer_mode_name(create->buffer_mode));
        msg.shell.state = wsm_span_str(holder->connection == WSM_HOST_CONNECTED ? "Connected"
                                                                                : "Disconnected");
    }
    wsm_create_response_write(&response.out, &headers, &msg);
    wsm_response_send(&response, exchange, NULL);
    wsm_response_clear(&response);
}

/* Only a client that named both can say later which shell it means, and that it is the one
 * who had it. */
static bool can_disconnect(const struct create *create)
{
    return !create->is_id_ours && wsm_span_trim(create->exchange->env.session_id).len > 0;
}

/* Nobody will ever ask for it. */
static void discard(struct wsm_shell *shell)
{
    struct wsm_host_delete message = { .request = wsm_host_link_number(shell->link) };

    wsm_host_link_send(shell->link, &wsm_host_delete_type, &message);
    wsm_shell_deleting(shell, NULL);
}

/* The host has agreed, or not. */
static void on_opened(struct wsm_host_call *call, const struct wsm_error *err)
{
    struct create *create = WSM_CONTAINER_OF(call, struct create, call);
    struct wsm_shell *shell = create->shell;
    struct wsm_error fault = WSM_ERROR_INIT;

    if (err != NULL) {
        wsm_fail(&fault, err->code, "%s", wsm_error_text(err));
        shell->on_started = NULL;
        discard(shell);
        create_fail(create, &fault);
        return;
    }
    wsm_log_info("shell %s created for %s from %s", shell->id.text, shell->owner,
                 create->exchange->conn == NULL ? "a connection that is gone"
                                                : wsm_http_conn_peer(create->exchange->conn));
    if (create->exchange->conn == NULL && create->is_id_ours &&
        wsm_list_is_empty(&shell->waiting)) {
        discard(shell);
        wsm_log_info("shell %s of %s deleted: its client is gone", shell->id.text, shell->owner);
    } else {
        wsm_holder_create(&shell->holder, create->exchange->env.session_id,
                          wsm_extension_announced(&create->exchange->env), can_disconnect(create));
        wsm_shell_opened(shell);
        if (create->exchange->conn != NULL)
            answer(create);
    }
    create_free(create);
}

static void open_host(struct create *create)
{
    static const struct wsm_host_call_events events = { .on_end = on_opened };
    const struct wsm_settings *settings = &create->exchange->service->settings;
    struct wsm_buf environment = WSM_BUF_INIT;
    struct wsm_buf pair = WSM_BUF_INIT;
    struct wsm_host_open message = {
        .resource_uri = wsm_span_str(WSM_URI_CMD),
        .input_streams = create->input_streams,
        .output_streams = create->output_streams,
        .working_directory = create->request.working_directory,
        .code_page = create->code_page,
        .idle_timeout_ms = create->idle_timeout_ms,
        .drain_timeout_ms = settings->drain_timeout_ms,
        .commands_max = settings->max_commands_per_shell,
        .can_disconnect = can_disconnect(create),
        .buffer_mode = (uint8_t)wsm_change_buffer_mode(create->buffer_mode),
        .client_version = wsm_extension_announced(&create->exchange->env),
        .session_id = create->exchange->env.session_id,
        .create_message_id = wsm_span_str(create->shell->create_message_id),
        .name = create->request.name,
        .client_ip = wsm_span_str(create->client_ip),
    };

    for (size_t i = 0; i < create->request.variable_count; i++) {
        const struct wsm_variable *variable = &create->request.variables[i];

        wsm_buf_reset(&pair);
        wsm_buf_append_span(&pair, variable->name);
        wsm_buf_append_byte(&pair, '=');
        wsm_buf_append_span(&pair, variable->value);
        wsm_strings_add(&environment, wsm_buf_span(&pair));
    }
    if (!wsm_buf_ok(&pair) || !wsm_buf_ok(&environment)) {
        struct wsm_error err = WSM_ERROR_INIT;

        wsm_fail_memory(&err, "environment");
        wsm_shell_abandon(create->shell, &err);
        create_fail(create, &err);
    } else {
        message.environment = wsm_buf_span(&environment);
        message.request = wsm_host_link_expect(create->shell->link, &create->call, &events);
        wsm_host_link_send(create->shell->link, &wsm_host_open_type, &message);
    }
    wsm_buf_clear(&pair);
    wsm_buf_clear(&environment);
}

/* The host can be told what it is (err NULL), or there will be none. */
static void on_started(struct wsm_shell *shell, const struct wsm_error *err)
{
    struct create *create = shell->creator;
    struct wsm_error fault = WSM_ERROR_INIT;

    if (err == NULL) {
        open_host(create);
        return;
    }
    wsm_fail(&fault, err->code, "%s", wsm_error_text(err));
    create_fail(create, &fault);
}

/* The shell that this very request has made already, or is making. */
static struct wsm_shell *find_first(struct create *create, const struct wsm_guid *id)
{
    struct wsm_exchange *exchange = create->exchange;
    char message_id[WSM_HOST_ID_MAX + 1];

    wsm_exchange_request_id(exchange, message_id);
    return wsm_shell_find_created(&exchange->service->shells, exchange->logon->user, message_id,
                                  create->is_id_ours ? NULL : id);
}

/* Its client has not got the answer. While the first is under way it waits and is dispatched
 * anew: then the shell is there, or there is none and it makes one. Frees create. */
static void repeat(struct create *create, struct wsm_shell *first)
{
    struct wsm_exchange *exchange = create->exchange;

    if (first->state == WSM_SHELL_OPEN) {
        create->shell = first;
        answer(create);
    } else {
        create->exchange = NULL;
        exchange->events = NULL;
        wsm_list_add(&first->waiting, &exchange->node);
    }
    create_free(create);
}

static bool start(struct create *create, struct wsm_error *err)
{
    struct wsm_exchange *exchange = create->exchange;
    struct wsm_service *service = exchange->service;
    struct wsm_shell *first;
    struct wsm_guid id;

    if (!service->settings.allow_remote_shell_access)
        return wsm_fail(err, ERROR_WSMAN_REMOTESHELLS_NOT_ALLOWED,
                        "setting AllowRemoteShellAccess = false");
    if (!check_options(create, err) ||
        !wsm_create_request_parse(&exchange->env, create->variables, &create->request, err) ||
        !check_id(create, &id, err) || !check_streams(create, err))
        return false;
    if (!wsm_buffer_mode_parse(create->request.buffer_mode, &create->buffer_mode) ||
        create->buffer_mode == WSM_BUFFER_UNCHANGED)
        create->buffer_mode = WSM_BUFFER_BLOCK;
    snprintf(create->client_ip, sizeof(create->client_ip), "%s",
             wsm_http_conn_peer(exchange->conn));
    create->idle_timeout_ms = wsm_settings_idle_timeout(&service->settings,
                                                        create->request.idle_timeout_ms);
    first = find_first(create, &id);
    if (first != NULL) {
        repeat(create, first);
        return true;
    }
    if (!check_room(create, &id, err))
        return false;
    create->shell = wsm_shell_add(&service->shells, exchange->logon->user, &id);
    if (create->shell == NULL)
        return wsm_fail_memory(err, "shell");
    create->shell->input_streams = create->input_bits;
    create->shell->output_streams = create->output_bits;
    wsm_exchange_request_id(exchange, create->shell->create_message_id);
    create->shell->on_started = on_started;
    create->shell->creator = create;
    create->shell->monitor_request = wsm_service_start_host(service, exchange->logon->token, &id);
    return true;
}

void wsm_op_create(struct wsm_exchange *exchange, struct wsm_shell *shell)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct create *create = calloc(1, sizeof(*create));

    (void)shell;
    if (create == NULL) {
        wsm_fail_memory(&err, "shell");
        wsm_exchange_fail(exchange, &err);
        return;
    }
    create->exchange = exchange;
    exchange->events = &exchange_events;
    if (!start(create, &err))
        create_fail(create, &err);
}
