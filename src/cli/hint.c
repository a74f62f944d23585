/* Writes the attach line. Pure. */
#include "hint.h"

#include "message.h"
#include "quote.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* `line` (transfer) with `name` and `value` behind it, where there are such. */
static char *append(char *line, const char *name, const char *value)
{
    char *word = value != NULL ? wsm_cli_quote_shell(value) : NULL;
    char *longer = wsm_cli_format("%s%s%s%s%s", line, *name != '\0' ? " " : "", name,
                                  word != NULL ? " " : "", word != NULL ? word : "");

    free(word);
    free(line);
    return longer;
}

static char *target(const struct wsm_cli_hint *hint)
{
    return hint->command_id != NULL ? wsm_cli_format("%s/%s", hint->shell_id, hint->command_id)
                                    : wsm_cli_format("%s", hint->shell_id);
}

char *wsm_cli_hint_line(const struct wsm_cli_hint *hint, const struct wsm_cli_options *options)
{
    char *line = wsm_cli_format("winrmc attach");
    char *id = target(hint);

    if (options->user != NULL)
        line = append(line, "--user", options->user);
    if (options->password_file != NULL && strcmp(options->password_file, "-") != 0)
        line = append(line, "--password-file", options->password_file);
    if (options->is_unencrypted)
        line = append(line, "--unencrypted", NULL);
    if (hint->needs_take)
        line = append(line, "--take", NULL);
    if (hint->has_offsets && (hint->out != 0 || hint->err != 0)) {
        char *offsets = wsm_cli_format("%" PRIu64 ",%" PRIu64, hint->out, hint->err);

        line = append(line, "--resume-at", offsets);
        free(offsets);
    }
    line = append(line, "", options->host);
    line = append(line, "", id);
    free(id);
    return line;
}
