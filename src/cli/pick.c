/* Finds shells and commands by the beginnings of their ids. Pure but for messages. */
#include "pick.h"

#include "message.h"
#include "quote.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* How well the ids of a set fit a word. */
struct match {
    size_t count; /* of those that fit; 1 once one is the word itself */
    size_t index; /* of the last that fits, or of the exact one */
    bool is_exact;
};

static void try_id(struct match *match, const char *id, const char *word, size_t len, size_t index)
{
    if (match->is_exact || len == 0 || strncasecmp(id, word, len) != 0)
        return;
    match->is_exact = id[len] == '\0';
    match->count = match->is_exact ? 1 : match->count + 1;
    match->index = index;
}

static int check_length(const struct match *match, const char *word, size_t len, const char *label)
{
    if (match->is_exact || len >= WSM_CLI_PICK_MIN)
        return WSM_CLI_OK;
    return wsm_cli_fail(WSM_CLI_USAGE,
                        "%s: \"%.*s\" is too short for an id: %d characters at least", label,
                        (int)len, word, WSM_CLI_PICK_MIN);
}

/* `text` (transfer) and an entry (transfer). */
static char *append(char *text, char *entry)
{
    char *longer = wsm_cli_format("%s\n  %s", text, entry);

    free(entry);
    free(text);
    return longer;
}

static char *append_shell(char *text, const struct wsm_cli_shell_info *shell)
{
    return append(text, wsm_cli_quote_visible(shell->id));
}

int wsm_cli_pick_shell(const struct wsm_cli_listing *listing, const char *id, const char *label,
                       struct wsm_cli_shell_info **out_shell)
{
    size_t len = strcspn(id, "/");
    struct match match = { 0 };
    char *names;
    int status;

    for (size_t i = 0; i < listing->shell_count; i++)
        try_id(&match, listing->shells[i].id, id, len, i);
    status = check_length(&match, id, len, label);
    if (status != WSM_CLI_OK)
        return status;
    if (match.count == 1) {
        *out_shell = &listing->shells[match.index];
        return WSM_CLI_OK;
    }
    if (match.count == 0)
        return wsm_cli_fail(WSM_CLI_PROTOCOL,
                            "%s: no shell %.*s: it expired, was deleted, or is another user's",
                            label, (int)len, id);
    names = wsm_cli_format("%s", "");
    for (size_t i = 0; i < listing->shell_count; i++)
        if (strncasecmp(listing->shells[i].id, id, len) == 0)
            names = append_shell(names, &listing->shells[i]);
    wsm_cli_fail(0, "%s: %zu shells begin with %.*s:%s", label, match.count, (int)len, id, names);
    free(names);
    return WSM_CLI_USAGE;
}

static char *append_command(char *text, const struct wsm_cli_shell_info *shell,
                            const struct wsm_cli_command_info *command)
{
    char *line = wsm_cli_quote_visible(command->line);
    char *state = wsm_cli_quote_visible(command->state);
    char *ids = wsm_cli_format("%s/%s", shell->id, command->id);
    char *id = wsm_cli_quote_visible(ids);
    char *entry = wsm_cli_format("%s %s: %s", id, state, line);

    free(id);
    free(ids);
    free(state);
    free(line);
    return append(text, entry);
}

/* Says which commands begin with the `len` bytes at `word`. */
static int fail_ambiguous(const struct wsm_cli_shell_info *shell, const char *word, size_t len,
                          const char *label)
{
    char *names = wsm_cli_format("%s", "");

    for (size_t i = 0; i < shell->command_count; i++)
        if (strncasecmp(shell->commands[i].id, word, len) == 0)
            names = append_command(names, shell, &shell->commands[i]);
    wsm_cli_fail(0, "%s: shell %s has several commands; name one of them:%s", label, shell->id,
                 names);
    free(names);
    return WSM_CLI_USAGE;
}

int wsm_cli_pick_command(const struct wsm_cli_shell_info *shell, const char *id, const char *label,
                         const struct wsm_cli_command_info **out_command)
{
    const char *slash = strchr(id, '/');
    const char *word = slash != NULL ? slash + 1 : "";
    size_t len = strlen(word);
    struct match match = { 0 };
    int status;

    if (shell->command_count == 0)
        return wsm_cli_fail(WSM_CLI_PROTOCOL, "%s: shell %s has no command", label, shell->id);
    if (slash == NULL) {
        if (shell->command_count > 1)
            return fail_ambiguous(shell, "", 0, label);
        *out_command = &shell->commands[0];
        return WSM_CLI_OK;
    }
    for (size_t i = 0; i < shell->command_count; i++)
        try_id(&match, shell->commands[i].id, word, len, i);
    status = check_length(&match, word, len, label);
    if (status != WSM_CLI_OK)
        return status;
    if (match.count == 0)
        return wsm_cli_fail(WSM_CLI_PROTOCOL, "%s: shell %s has no command %s", label, shell->id,
                            word);
    if (match.count > 1)
        return fail_ambiguous(shell, word, len, label);
    *out_command = &shell->commands[match.index];
    return WSM_CLI_OK;
}

bool wsm_cli_pick_names_command(const char *id)
{
    return strchr(id, '/') != NULL;
}
