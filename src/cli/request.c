/* Converts options into the API's structures. Main thread; sends nothing. */
#include "request.h"

#include "message.h"
#include "session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <wsmext.h>

/* XML 1.0, section 2.2: no other control character, U+FFFE or U+FFFF can stand in a message, not
 * even escaped, and a changed command is worse than none. The library refuses them too, but with
 * a code that servers also use, and after the shell was created. */
static bool can_be_carried(const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' && strchr("\t\n\r", *c) == NULL)
            return false;
    return strstr(text, "\xEF\xBF\xBE") == NULL && strstr(text, "\xEF\xBF\xBF") == NULL;
}

/* Keeps a converted text; NULL after a message. */
static PCWSTR keep(struct wsm_cli_request *request, const char *what, const char *text)
{
    PWSTR wide = NULL;

    if (can_be_carried(text))
        wide = wsm_cli_utf16(what, text);
    else
        wsm_cli_fail(WSM_CLI_USAGE, "%s has a character that XML cannot carry", what);
    if (wide != NULL)
        request->texts[request->text_count++] = wide;
    return wide;
}

char *wsm_cli_request_join(char *const *words, size_t count)
{
    size_t size = 1;
    char *line;
    char *end;

    for (size_t i = 0; i < count; i++)
        size += strlen(words[i]) + 1;
    line = wsm_cli_alloc(size, 1);
    end = line;
    for (size_t i = 0; i < count; i++) {
        if (i != 0)
            *end++ = ' ';
        end = stpcpy(end, words[i]);
    }
    return line;
}

static int make_guid(char text[WSM_CLI_GUID_SIZE])
{
    unsigned char b[16];

    if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
        return wsm_cli_fail(WSM_CLI_PROTOCOL, "random bytes: %s", strerror(errno));
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40); /* RFC 4122: version 4, variant 1 */
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    snprintf(text, WSM_CLI_GUID_SIZE,
             "%02X%02X%02X%02X-%02X%02X-%02X%02X-%02X%02X-%02X%02X%02X%02X%02X%02X", b[0], b[1],
             b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
             b[15]);
    return WSM_CLI_OK;
}

static int build_variables(struct wsm_cli_request *request, const struct wsm_cli_options *options)
{
    request->variables = wsm_cli_alloc(options->env_count, sizeof(*request->variables));
    for (size_t i = 0; i < options->env_count; i++) {
        const char *equals = strchr(options->env[i], '=');
        char *name = wsm_cli_format("%.*s", (int)(equals - options->env[i]), options->env[i]);

        request->variables[i].name = keep(request, "--env", name);
        free(name);
        if (request->variables[i].name == NULL)
            return WSM_CLI_USAGE;
        request->variables[i].value = keep(request, "--env", equals + 1);
        if (request->variables[i].value == NULL)
            return WSM_CLI_USAGE;
    }
    request->variable_set.varsCount = (DWORD)options->env_count;
    request->variable_set.vars = request->variables;
    if (options->env_count != 0)
        request->startup.variableSet = &request->variable_set;
    return WSM_CLI_OK;
}

static int build_shell(struct wsm_cli_request *request, const struct wsm_cli_options *options)
{
    request->wide_shell_id = keep(request, "the shell id", request->shell_id);
    if (request->wide_shell_id == NULL)
        return WSM_CLI_PROTOCOL;
    request->startup.idleTimeoutMs = options->idle_timeout_ms != 0 ? options->idle_timeout_ms
                                                                   : UINT32_MAX;
    if (options->directory != NULL) {
        request->startup.workingDirectory = keep(request, "--directory", options->directory);
        if (request->startup.workingDirectory == NULL)
            return WSM_CLI_USAGE;
    }
    request->flags = WSMAN_FLAG_NO_COMPRESSION;
    if (options->buffer == WSM_CLI_BUFFER_DROP)
        request->flags |= WSMAN_FLAG_SERVER_BUFFERING_MODE_DROP;
    else if (options->buffer == WSM_CLI_BUFFER_BLOCK)
        request->flags |= WSMAN_FLAG_SERVER_BUFFERING_MODE_BLOCK;
    request->shell_option.name = WSMAN_CMDSHELL_OPTION_CODEPAGE;
    request->shell_option.value = WSMAN_TEXT("65001");
    request->shell_options.optionsCount = 1;
    request->shell_options.options = &request->shell_option;
    return build_variables(request, options);
}

static int build_joined(struct wsm_cli_request *request, const struct wsm_cli_options *options)
{
    char *line = wsm_cli_request_join(options->args, options->arg_count);
    int status = WSM_CLI_OK;

    if (line[strspn(line, " \t\n")] == '\0')
        status = wsm_cli_fail(WSM_CLI_USAGE, "the command is empty");
    else if ((request->command_line = keep(request, "the command", line)) == NULL)
        status = WSM_CLI_USAGE;
    free(line);
    return status;
}

static int build_exec(struct wsm_cli_request *request, const struct wsm_cli_options *options)
{
    size_t count = options->arg_count - 1;

    if (*options->args[0] == '\0')
        return wsm_cli_fail(WSM_CLI_USAGE, "the program is empty");
    request->command_line = keep(request, "the program", options->args[0]);
    request->arg_texts = wsm_cli_alloc(count, sizeof(*request->arg_texts));
    for (size_t i = 0; i < count; i++) {
        request->arg_texts[i] = keep(request, "an argument", options->args[i + 1]);
        if (request->arg_texts[i] == NULL)
            return WSM_CLI_USAGE;
    }
    request->args.argsCount = (DWORD)count;
    request->args.args = request->arg_texts;
    request->command_option.name = WSMAN_CMDSHELL_OPTION_SKIP_CMD_SHELL;
    request->command_option.value = WSMAN_TEXT("TRUE");
    request->command_options.optionsCount = 1;
    request->command_options.options = &request->command_option;
    return request->command_line != NULL ? WSM_CLI_OK : WSM_CLI_USAGE;
}

int wsm_cli_request_build(struct wsm_cli_request *request, const struct wsm_cli_options *options)
{
    /* Shell id, directory, a name and a value for each variable, the words. */
    size_t texts_max = 2 + 2 * options->env_count + options->arg_count;
    int status;

    *request = (struct wsm_cli_request){ 0 };
    request->texts = wsm_cli_alloc(texts_max, sizeof(*request->texts));
    status = make_guid(request->shell_id);
    if (status == WSM_CLI_OK)
        status = build_shell(request, options);
    if (status == WSM_CLI_OK)
        status = options->is_exec ? build_exec(request, options) : build_joined(request, options);
    return status;
}

void wsm_cli_request_clear(struct wsm_cli_request *request)
{
    for (size_t i = 0; i < request->text_count; i++)
        WSManExtFree(request->texts[i]);
    free(request->texts);
    free(request->arg_texts);
    free(request->variables);
    *request = (struct wsm_cli_request){ 0 };
}
