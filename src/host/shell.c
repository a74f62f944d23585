/* What OPEN told the host about its shell. The host's only thread. Changes the working
 * directory of the process, which commands inherit. */
#include "host/shell.h"

#include "ipc/stream_names.h"
#include "wsmerror.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void wsm_shell_clear(struct wsm_shell *shell)
{
    free(shell->resource_uri);
    free(shell->input_streams);
    free(shell->output_streams);
    free(shell->working_directory);
    free(shell->name);
    free(shell->client_ip);
    wsm_id_clear(&shell->create_message_id);
    wsm_environ_clear(&shell->environment);
    *shell = (struct wsm_shell){ .environment = WSM_ENVIRON_INIT };
}

static bool copy(struct wsm_span text, const char *what, char **out, struct wsm_error *err)
{
    if (text.len > 0 && memchr(text.ptr, 0, text.len) != NULL)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "%s holds NUL", what);
    *out = strndup(text.len == 0 ? "" : (const char *)text.ptr, text.len);
    return *out != NULL || wsm_fail_memory(err, what);
}

static bool parse_streams(const struct wsm_host_open *open, uint32_t *out_inputs,
                          uint32_t *out_outputs, struct wsm_error *err)
{
    return (wsm_stream_names_parse(open->input_streams, wsm_input_stream_names, 1, out_inputs) &&
            wsm_stream_names_parse(open->output_streams, wsm_output_stream_names, WSM_HOST_STREAMS,
                                   out_outputs)) ||
           wsm_fail(err, ERROR_INVALID_PARAMETER, "a stream of the shell is not known");
}

/* Empty = the home of the command's user, or / where that is not there, as after a log-in. */
static bool change_directory(const char *directory, struct wsm_error *err)
{
    const char *home = getenv("HOME");

    if (*directory == '\0' && home != NULL && chdir(home) == 0)
        return true;
    if (*directory == '\0')
        directory = "/";
    if (chdir(directory) < 0)
        return wsm_fail(err, errno == EACCES ? ERROR_ACCESS_DENIED : ERROR_INVALID_PARAMETER,
                        "working directory '%s': %s", directory, strerror(errno));
    return true;
}

bool wsm_shell_open(struct wsm_shell *shell, const struct wsm_host_open *open, int64_t now_ms,
                    struct wsm_error *err)
{
    struct wsm_shell opened = { .drain_timeout_ms = open->drain_timeout_ms,
                                .commands_max = open->commands_max,
                                .can_disconnect = open->can_disconnect != 0,
                                .opened_ms = now_ms };
    uint32_t inputs;

    if (open->idle_timeout_ms < 0 || open->drain_timeout_ms < 0)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "a time-out is negative");
    if (!copy(open->resource_uri, "resource URI", &opened.resource_uri, err) ||
        !copy(open->input_streams, "input streams", &opened.input_streams, err) ||
        !copy(open->output_streams, "output streams", &opened.output_streams, err) ||
        !copy(open->working_directory, "working directory", &opened.working_directory, err) ||
        !copy(open->name, "name", &opened.name, err) ||
        !copy(open->client_ip, "client address", &opened.client_ip, err) ||
        !wsm_id_set(&opened.create_message_id, open->create_message_id, err) ||
        !parse_streams(open, &inputs, &opened.outputs, err) ||
        !wsm_environ_make((const char *const *)environ, open->code_page, open->environment,
                          &opened.environment, err) ||
        !change_directory(opened.working_directory, err)) {
        wsm_shell_clear(&opened);
        return false;
    }
    opened.has_stdin = inputs != 0;
    *shell = opened;
    return true;
}
