/* Connect: a shell and its commands that somebody else has made. Loop thread. What
 * follows is as for those of our own: shell.c, command.c. */
#include "client/announce.h"
#include "client/command.h"
#include "client/session.h"
#include "client/shell.h"
#include "proto/extension.h"
#include "wsmerror.h"

#include <string.h>

static bool keep_streams(char **out, struct wsm_span streams, const char *fallback,
                         struct wsm_error *err)
{
    *out = streams.len > 0 ? strndup((const char *)streams.ptr, streams.len) : strdup(fallback);
    return *out != NULL || wsm_fail_memory(err, "streams");
}

/* What the server's plug-in has to say to its client is one element of its own. PowerShell wants
 * that alone; without one there is the whole answer. */
static const struct wsm_xml_node *open_content(const struct wsm_xml_node *response)
{
    const struct wsm_xml_node *node = response->first_child;

    for (; node != NULL; node = node->next) {
        if (!wsm_span_is(node->ns, WSM_NS_SHELL) && !wsm_span_is(node->ns, WSM_NS_EXTENSION))
            return node;
    }
    return response;
}

static bool take_shell(struct wsm_shell *shell, const struct wsm_answer *answer,
                       struct wsm_error *err)
{
    struct wsm_connect_response response;
    const struct wsm_xml_node *xml = NULL;

    if (!wsm_connect_response_parse(&answer->env, &response, &xml, err) ||
        !keep_streams(&shell->options.input_streams, wsm_span_trim(response.input_streams), "stdin",
                      err) ||
        !keep_streams(&shell->options.output_streams, wsm_span_trim(response.output_streams),
                      "stdout stderr", err))
        return false;
    shell->extension_version = response.extension_version;
    shell->can_disconnect = true; /* only such a shell can be connected to */
    if (wsm_async_is_waiting(&shell->create)) {
        wsm_xml_write(&shell->create.text, open_content(xml));
        shell->create.flags = WSM_SHELL_SUPPORTS_DISCONNECT;
    }
    return true;
}

static void on_shell(struct wsm_exchange *exchange, struct wsm_answer **answer,
                     struct wsm_error *err)
{
    struct wsm_shell *shell = WSM_CONTAINER_OF(exchange, struct wsm_shell, exchange);

    if (err->code == 0)
        (void)take_shell(shell, *answer, err);
    wsm_shell_opened(shell, err);
}

bool wsm_connect_shell(struct wsm_shell *shell, struct wsm_error *err)
{
    const struct wsm_shell_options *options = &shell->options;
    struct wsm_connect_request request = { .buffer_mode = options->buffer_mode,
                                           .extra_xml = wsm_span_str(options->extra_xml) };
    struct wsm_option room[WSM_OPTIONS_MAX];
    struct wsm_request_headers headers;

    if (!wsm_shell_prepare(shell, &shell->exchange, WSM_ACTION_CONNECT, WSM_OPTION_TIMEOUT_CREATE,
                           &headers, err))
        return false;
    wsm_option_texts_put(&options->options, &headers);
    wsm_announce(&headers, room);
    wsm_connect_request_write(&shell->exchange.call.request, &headers, &request);
    shell->exchange.on_done = on_shell;
    return wsm_exchange_send(&shell->exchange, err);
}

static void on_command(struct wsm_exchange *exchange, struct wsm_answer **answer,
                       struct wsm_error *err)
{
    struct wsm_command *command = WSM_CONTAINER_OF(exchange, struct wsm_command, exchange);
    struct wsm_connect_response response;
    const struct wsm_xml_node *xml = NULL;

    if (err->code == 0 && wsm_connect_response_parse(&(*answer)->env, &response, &xml, err) &&
        wsm_async_is_waiting(&command->run))
        wsm_xml_write(&command->run.text, open_content(xml));
    wsm_command_opened(command, err);
}

static bool connect_command_again(struct wsm_exchange *exchange, struct wsm_error *err)
{
    return wsm_connect_command(WSM_CONTAINER_OF(exchange, struct wsm_command, exchange), err);
}

bool wsm_connect_command(struct wsm_command *command, struct wsm_error *err)
{
    static const struct wsm_repetition repetition = { .send = connect_command_again,
                                                      .outlives_refusal = true };
    struct wsm_connect_request request = { .command_id = wsm_span_str(command->wire_id),
                                           .extra_xml = wsm_span_str(command->extra_xml) };
    struct wsm_request_headers headers;

    if (command->endpoint.offsets.count > 0 && command->shell->extension_version == 0)
        return wsm_fail(err, ERROR_NOT_SUPPORTED,
                        WSM_OPTION_FROM " needs a server that counts its output");
    if (!wsm_shell_prepare(command->shell, &command->exchange, WSM_ACTION_CONNECT,
                           WSM_OPTION_TIMEOUT_RUN, &headers, err))
        return false;
    wsm_option_texts_put(&command->options, &headers);
    wsm_connect_request_write(&command->exchange.call.request, &headers, &request);
    command->exchange.on_done = on_command;
    wsm_recovery_cover(&command->shell->recovery, &command->exchange, &repetition);
    return wsm_exchange_send(&command->exchange, err);
}
