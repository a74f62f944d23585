/* Command: starts a command in a shell. The winrmd-net loop runs it. The host decides
 * whether the id is free, and whether the request is a repetition: then it names the command
 * that the first one started. */
#include "proto/command.h"

#include "server/command_line.h"
#include "server/handler.h"
#include "server/service.h"
#include "wsmerror.h"

#include <stdlib.h>

static const char *const options[] = { "WINRS_CONSOLEMODE_STDIN", "WINRS_SKIP_CMD_SHELL", NULL };

/* One Command under way; owned by itself. */
struct start {
    struct wsm_exchange *exchange; /* owned */
    struct wsm_shell *shell;       /* borrowed: its end ends the call first */
    struct wsm_host_call call;
    struct wsm_guid id;
};

static const struct wsm_exchange_events exchange_events = { .keeps_request = false };

static void start_fail(struct start *start, struct wsm_error *err)
{
    wsm_exchange_fail(start->exchange, err);
    free(start);
}

static void answer(struct start *start, const struct wsm_guid *id)
{
    struct wsm_response response = WSM_RESPONSE_INIT;
    struct wsm_response_headers headers;

    if (start->exchange->conn == NULL)
        return;
    headers = wsm_response_open(&response, start->exchange, 200, WSM_ACTION_COMMAND "Response");
    wsm_command_response_write(&response.out, &headers, wsm_span_str(id->text));
    wsm_response_send(&response, start->exchange, NULL);
    wsm_response_clear(&response);
}

static void on_end(struct wsm_host_call *call, const struct wsm_error *err)
{
    struct start *start = WSM_CONTAINER_OF(call, struct start, call);
    struct wsm_shell *shell = start->shell;

    wsm_exchange_fail_with(start->exchange, err);
    free(start);
    wsm_shell_leave(shell);
}

static void on_started(struct wsm_host_call *call, const struct wsm_host_started *started)
{
    struct start *start = WSM_CONTAINER_OF(call, struct start, call);
    struct wsm_error fault = WSM_ERROR_INIT;
    struct wsm_shell *shell = start->shell;
    struct wsm_command *command = wsm_command_find(shell, started->command_id);
    struct wsm_guid id;

    /* one that was terminated since is added too, and goes when something asks for it */
    if (command == NULL && wsm_guid_parse(started->command_id, &id))
        command = wsm_command_add(shell, &id);
    if (command == NULL) {
        wsm_fail(&fault, ERROR_INTERNAL_ERROR, "command %s: not enough memory, or a bad id",
                 start->id.text);
        start_fail(start, &fault);
        wsm_shell_leave(shell);
        return;
    }
    answer(start, &command->id);
    wsm_exchange_free(start->exchange);
    free(start);
    wsm_shell_leave(shell);
}

static bool wants_skip_shell(const struct wsm_envelope *env, bool *out, struct wsm_error *err)
{
    const struct wsm_option *option = wsm_envelope_option(env, "WINRS_SKIP_CMD_SHELL");

    *out = false;
    if (option == NULL || option->value.len == 0 || wsm_xml_bool_parse(option->value, out))
        return true;
    return wsm_fail(err, ERROR_WSMAN_INVALID_OPTIONS, "option WINRS_SKIP_CMD_SHELL: not a boolean");
}

static bool check_id(struct wsm_span text, struct wsm_guid *out, struct wsm_error *err)
{
    if (text.len == 0)
        wsm_service_guid(out);
    else if (!wsm_guid_parse(text, out))
        return wsm_fail(err, ERROR_WINRS_SHELLCOMMAND_CLIENTID_NOT_VALID, "CommandId: not a GUID");
    return true;
}

static bool send_run(struct start *start, const struct wsm_command_request *request,
                     bool skip_shell, struct wsm_error *err)
{
    static const struct wsm_host_call_events events = { .on_end = on_end,
                                                        .on_started = on_started };
    char message_id[WSM_HOST_ID_MAX + 1];
    struct wsm_host_run message = { .command_id = wsm_span_str(start->id.text),
                                    .skip_shell = skip_shell };
    struct wsm_buf text = WSM_BUF_INIT;

    wsm_exchange_request_id(start->exchange, message_id);
    message.message_id = wsm_span_str(message_id);

    if (skip_shell) {
        message.command = request->command;
        for (size_t i = 0; i < request->argument_count; i++)
            wsm_strings_add(&text, request->arguments[i]);
        message.arguments = wsm_buf_span(&text);
    } else {
        wsm_command_line_join(&text, request->command, request->arguments, request->argument_count);
        message.command = wsm_buf_span(&text);
    }
    if (!wsm_buf_ok(&text)) {
        wsm_buf_clear(&text);
        return wsm_fail_memory(err, "command line");
    }
    wsm_shell_enter(start->shell);
    message.request = wsm_host_link_expect(start->shell->link, &start->call, &events);
    wsm_host_link_send(start->shell->link, &wsm_host_run_type, &message);
    wsm_buf_clear(&text);
    return true;
}

static bool run(struct start *start, struct wsm_error *err)
{
    const struct wsm_envelope *env = &start->exchange->env;
    struct wsm_command_request request;
    struct wsm_span *arguments = calloc(WSM_ARGUMENTS_MAX, sizeof(*arguments));
    bool skip_shell;
    bool ok = false;

    if (arguments == NULL)
        return wsm_fail_memory(err, "arguments");
    if (!wsm_options_check(env, options, err) ||
        !wsm_command_request_parse(env, arguments, &request, err) ||
        !check_id(request.command_id, &start->id, err) || !wants_skip_shell(env, &skip_shell, err))
        goto out;
    if (wsm_span_trim(request.command).len == 0) {
        wsm_fail(err, ERROR_INVALID_PARAMETER, "the command is empty");
        goto out;
    }
    ok = send_run(start, &request, skip_shell, err);
out:
    free(arguments);
    return ok;
}

void wsm_op_command(struct wsm_exchange *exchange, struct wsm_shell *shell)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct start *start = calloc(1, sizeof(*start));

    if (start == NULL) {
        wsm_fail_memory(&err, "command");
        wsm_exchange_fail(exchange, &err);
        return;
    }
    start->exchange = exchange;
    start->shell = shell;
    exchange->events = &exchange_events;
    if (!run(start, &err))
        start_fail(start, &err);
}
