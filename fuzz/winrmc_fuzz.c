/* winrmc's command line: wsm_cli_options_read_verb (words and their values), wsm_cli_host_parse,
 * wsm_cli_pick_shell and _command (beginnings of ids), and wsm_cli_quote_* (what is shown of them).
 * The first byte says which verb, then comes a word per line. */
#include "cli/host.h"
#include "cli/message.h"
#include "cli/options.h"
#include "cli/pick.h"
#include "cli/quote.h"
#include "client/target.h"
#include "fuzz.h"

#include <strings.h>

enum { WORDS_MAX = 64 };

/* What the verbs read: run, ps, attach, detach. The others read a part of that. */
static const unsigned verbs[] = {
    WSM_CLI_SCOPE_CONNECT | WSM_CLI_SCOPE_FOLLOW | WSM_CLI_SCOPE_COMMAND | WSM_CLI_SCOPE_INPUT |
        WSM_CLI_SCOPE_KEEP,
    WSM_CLI_SCOPE_CONNECT | WSM_CLI_SCOPE_LIST,
    WSM_CLI_SCOPE_CONNECT | WSM_CLI_SCOPE_FOLLOW | WSM_CLI_SCOPE_ID | WSM_CLI_SCOPE_INPUT |
        WSM_CLI_SCOPE_TAKE | WSM_CLI_SCOPE_RESUME,
    WSM_CLI_SCOPE_CONNECT | WSM_CLI_SCOPE_ID | WSM_CLI_SCOPE_KEEP,
};

/* A URL for plain HTTP is one for the library, too. */
static void read_host(const char *text)
{
    struct wsm_cli_host host = { .url = NULL };
    struct wsm_target target = { .port = 0 };
    const char *reason = NULL;

    if (wsm_cli_host_parse(text, &host, &reason)) {
        size_t len = strlen(host.label);
        bool is_ascii = true;

        for (const char *at = host.url; *at != '\0'; at++)
            is_ascii = is_ascii && (*at & 0x80) == 0;
        if (host.is_plain && is_ascii && strlen(host.url) <= WSM_CLI_HOST_URL_MAX / 2) {
            check(wsm_target_parse(host.url, &target, NULL));
            check(len <= strlen(target.host_header) + 5); /* the port may have leading zeros */
        }
        check(reason == NULL && len > 0 && (host.user == NULL || host.user[0] != '\0'));
    } else {
        check(reason != NULL && host.url == NULL);
    }
    wsm_target_clear(&target);
    wsm_cli_host_clear(&host);
}

static void pick(const struct wsm_cli_options *options, char **words, size_t count)
{
    struct wsm_cli_command_info commands[WORDS_MAX] = { { .id = NULL } };
    struct wsm_cli_shell_info shells[WORDS_MAX] = { { .id = NULL } };
    struct wsm_cli_listing listing = { .shells = shells, .shell_count = count };
    const struct wsm_cli_command_info *command = NULL;
    struct wsm_cli_shell_info *shell = NULL;
    const char *slash = strchr(options->id, '/');

    for (size_t i = 0; i < count; i++) {
        commands[i] = (struct wsm_cli_command_info){ .id = words[i],
                                                     .line = words[0],
                                                     .state = (char *)"Running" };
        shells[i] = (struct wsm_cli_shell_info){ .id = words[i],
                                                 .commands = commands,
                                                 .command_count = count };
    }
    if (wsm_cli_pick_shell(&listing, options->id, "host", &shell) == WSM_CLI_OK)
        check(strncasecmp(shell->id, options->id, strcspn(options->id, "/")) == 0);
    if (count > 0 && wsm_cli_pick_command(shells, options->id, "host", &command) == WSM_CLI_OK)
        check(slash == NULL ? count == 1
                            : strncasecmp(command->id, slash + 1, strlen(slash + 1)) == 0);
}

/* One line that no terminal obeys. */
static void quote(const char *text)
{
    char *visible = wsm_cli_quote_visible(text);
    char *again = wsm_cli_quote_visible(visible);
    char *json = wsm_cli_quote_json(text);
    char *word = wsm_cli_quote_shell(text);

    check(strcmp(visible, again) == 0 && strlen(word) >= strlen(text));
    for (const char *at = visible; *at != '\0'; at++)
        check((uint8_t)*at >= ' ' && *at != 0x7f);
    for (const char *at = json; *at != '\0'; at++)
        check((uint8_t)*at >= ' ');
    free(visible);
    free(again);
    free(json);
    free(word);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wsm_cli_options options = { .host = NULL };
    unsigned verb = size > 0 ? data[0] % 4 : 0; /* '0' to '3' */
    char *text = string_of(data + (size > 0), size - (size > 0));
    char *words[WORDS_MAX + 1] = { NULL };
    char *rest = text;
    int count = 0;

    for (char *word; count < WORDS_MAX && (word = strsep(&rest, "\n")) != NULL;)
        words[count++] = word;
    for (int i = 0; i < count; i++)
        quote(words[i]);
    if (wsm_cli_options_read_verb(&options, verbs[verb], count, words, 0) == WSM_CLI_OK) {
        check(options.env_count <= (size_t)count && options.arg_count <= (size_t)count);
        check(options.timeout_ms >= 0 && options.timeout_ms <= UINT32_MAX);
        check(options.is_help || (options.host != NULL) != options.is_local);
        if (options.host != NULL)
            read_host(options.host);
        if (options.id != NULL)
            pick(&options, options.args, options.arg_count);
    }
    if (count > 1) {
        options.id = words[0];
        read_host(words[0]);
        pick(&options, words + 1, (size_t)count - 1);
    }
    wsm_cli_options_clear(&options);
    free(text);
    return 0;
}
