/* Reads the command line by a table. Pure but for messages; main thread. */
#include "options.h"

#include "message.h"

#include <stdlib.h>
#include <string.h>

#define SECONDS_MAX 4294966 /* so that milliseconds fit the API's 32 bits */

typedef bool set_fn(struct wsm_cli_options *options, char *value);

struct spec {
    const char *name;
    char letter;
    bool has_value;
    unsigned scope;
    set_fn *set; /* false: the value is not usable */
};

static bool set_help(struct wsm_cli_options *o, char *value)
{
    (void)value;
    o->is_help = true;
    return true;
}

static bool set_version(struct wsm_cli_options *o, char *value)
{
    (void)value;
    o->is_version = true;
    return true;
}

static bool set_verbose(struct wsm_cli_options *o, char *value)
{
    (void)value;
    o->is_verbose = true;
    return true;
}

static bool set_local(struct wsm_cli_options *o, char *value)
{
    (void)value;
    o->is_local = true;
    return true;
}

static bool set_unencrypted(struct wsm_cli_options *o, char *value)
{
    (void)value;
    o->is_unencrypted = true;
    return true;
}

static bool set_exec(struct wsm_cli_options *o, char *value)
{
    (void)value;
    o->is_exec = true;
    return true;
}

static bool set_stdin_null(struct wsm_cli_options *o, char *value)
{
    (void)value;
    o->is_stdin_null = true;
    return true;
}

static bool set_detach(struct wsm_cli_options *o, char *value)
{
    (void)value;
    o->is_detach = true;
    return true;
}

static bool set_take(struct wsm_cli_options *o, char *value)
{
    (void)value;
    o->is_take = true;
    return true;
}

static bool set_json(struct wsm_cli_options *o, char *value)
{
    (void)value;
    o->is_json = true;
    return true;
}

static bool set_user(struct wsm_cli_options *o, char *value)
{
    o->user = value;
    return *value != '\0';
}

static bool set_password_file(struct wsm_cli_options *o, char *value)
{
    o->password_file = value;
    return *value != '\0';
}

static bool set_directory(struct wsm_cli_options *o, char *value)
{
    o->directory = value;
    return *value != '\0';
}

static bool set_env(struct wsm_cli_options *o, char *value)
{
    char *equals = strchr(value, '=');

    if (equals == NULL || equals == value)
        return false;
    o->env[o->env_count++] = value;
    return true;
}

static bool set_timeout(struct wsm_cli_options *o, char *value)
{
    return wsm_cli_options_parse_time(value, &o->timeout_ms);
}

static bool set_idle_timeout(struct wsm_cli_options *o, char *value)
{
    int64_t ms;

    if (!wsm_cli_options_parse_time(value, &ms))
        return false;
    o->idle_timeout_ms = (uint32_t)ms;
    return true;
}

static bool set_retry_time(struct wsm_cli_options *o, char *value)
{
    int64_t ms = 0;

    if (strcmp(value, "0") != 0 && !wsm_cli_options_parse_time(value, &ms))
        return false;
    o->has_retry_time = true;
    o->retry_time_ms = (uint32_t)ms;
    return ms <= INT32_MAX; /* what the library takes */
}

static bool set_buffer(struct wsm_cli_options *o, char *value)
{
    if (strcmp(value, "block") == 0)
        o->buffer = WSM_CLI_BUFFER_BLOCK;
    else if (strcmp(value, "drop") == 0)
        o->buffer = WSM_CLI_BUFFER_DROP;
    else
        return false;
    return true;
}

static bool set_on_hangup(struct wsm_cli_options *o, char *value)
{
    o->is_hangup_kill = strcmp(value, "kill") == 0;
    return o->is_hangup_kill || strcmp(value, "detach") == 0;
}

static bool set_resume_at(struct wsm_cli_options *o, char *value)
{
    return wsm_cli_options_parse_resume(value, &o->resume);
}

static const struct spec specs[] = {
    { "help", 'h', false, WSM_CLI_SCOPE_GLOBAL, set_help },
    { "version", 'V', false, WSM_CLI_SCOPE_GLOBAL, set_version },
    { "verbose", 'v', false, WSM_CLI_SCOPE_GLOBAL, set_verbose },
    { "local", '\0', false, WSM_CLI_SCOPE_GLOBAL, set_local },
    { "user", 'u', true, WSM_CLI_SCOPE_CONNECT, set_user },
    { "password-file", '\0', true, WSM_CLI_SCOPE_CONNECT, set_password_file },
    { "unencrypted", '\0', false, WSM_CLI_SCOPE_CONNECT, set_unencrypted },
    { "timeout", '\0', true, WSM_CLI_SCOPE_CONNECT, set_timeout },
    { "directory", 'C', true, WSM_CLI_SCOPE_COMMAND, set_directory },
    { "env", 'e', true, WSM_CLI_SCOPE_COMMAND, set_env },
    { "exec", '\0', false, WSM_CLI_SCOPE_COMMAND, set_exec },
    { "detach", '\0', false, WSM_CLI_SCOPE_COMMAND, set_detach },
    { "no-stdin", 'n', false, WSM_CLI_SCOPE_INPUT, set_stdin_null },
    { "on-hangup", '\0', true, WSM_CLI_SCOPE_FOLLOW, set_on_hangup },
    { "retry-time", '\0', true, WSM_CLI_SCOPE_FOLLOW, set_retry_time },
    { "buffer", '\0', true, WSM_CLI_SCOPE_KEEP, set_buffer },
    { "idle-timeout", '\0', true, WSM_CLI_SCOPE_KEEP, set_idle_timeout },
    { "take", '\0', false, WSM_CLI_SCOPE_TAKE, set_take },
    { "resume-at", '\0', true, WSM_CLI_SCOPE_RESUME, set_resume_at },
    { "json", '\0', false, WSM_CLI_SCOPE_LIST, set_json },
};

static const struct spec *find_spec(unsigned scopes, const char *name, size_t len, char letter)
{
    for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        const struct spec *s = &specs[i];

        if ((s->scope & scopes) == 0)
            continue;
        if (letter != '\0' ? s->letter == letter
                           : strlen(s->name) == len && memcmp(s->name, name, len) == 0)
            return s;
    }
    return NULL;
}

static int apply(const struct spec *s, struct wsm_cli_options *options, char *value)
{
    if (!s->set(options, value))
        return wsm_cli_fail(WSM_CLI_USAGE, "--%s: \"%s\" is not usable; see winrmc(1)", s->name,
                            value);
    return WSM_CLI_OK;
}

/* One word "--name" or "--name=value"; takes the value from the next word. */
static int read_long(struct wsm_cli_options *options, unsigned scopes, int argc, char **argv,
                     int *index)
{
    char *word = argv[*index] + 2;
    size_t len = strcspn(word, "=");
    char *value = word[len] == '=' ? word + len + 1 : NULL;
    const struct spec *s = find_spec(scopes, word, len, '\0');

    if (s == NULL)
        return wsm_cli_fail(WSM_CLI_USAGE, "--%.*s: no such option here; see winrmc --help",
                            (int)len, word);
    if (!s->has_value && value != NULL)
        return wsm_cli_fail(WSM_CLI_USAGE, "--%s takes no value", s->name);
    (*index)++;
    if (s->has_value && value == NULL) {
        if (*index >= argc)
            return wsm_cli_fail(WSM_CLI_USAGE, "--%s needs a value", s->name);
        value = argv[(*index)++];
    }
    return apply(s, options, value);
}

/* One word of letters, the last of which may take a value: -nv, -uNAME, -u NAME. */
static int read_letters(struct wsm_cli_options *options, unsigned scopes, int argc, char **argv,
                        int *index)
{
    char *word = argv[(*index)++] + 1;

    for (; *word != '\0'; word++) {
        const struct spec *s = find_spec(scopes, NULL, 0, *word);
        char *value = NULL;
        int status;

        if (s == NULL)
            return wsm_cli_fail(WSM_CLI_USAGE, "-%c: no such option here; see winrmc --help",
                                *word);
        if (s->has_value) {
            if (word[1] != '\0')
                value = word + 1;
            else if (*index < argc)
                value = argv[(*index)++];
            else
                return wsm_cli_fail(WSM_CLI_USAGE, "-%c needs a value", *word);
        }
        status = apply(s, options, value);
        if (status != WSM_CLI_OK || s->has_value)
            return status;
    }
    return WSM_CLI_OK;
}

int wsm_cli_options_read(struct wsm_cli_options *options, unsigned scopes, int argc, char **argv,
                         int *index, bool *out_is_ended)
{
    if (options->env == NULL) /* never more -e than words */
        options->env = wsm_cli_alloc((size_t)argc, sizeof(*options->env));
    *out_is_ended = false;
    while (*index < argc && argv[*index][0] == '-' && argv[*index][1] != '\0') {
        int status;

        if (strcmp(argv[*index], "--") == 0) {
            (*index)++;
            *out_is_ended = true;
            break;
        }
        status = argv[*index][1] == '-' ? read_long(options, scopes, argc, argv, index)
                                        : read_letters(options, scopes, argc, argv, index);
        if (status != WSM_CLI_OK)
            return status;
    }
    return WSM_CLI_OK;
}

static int check_local(const struct wsm_cli_options *options, unsigned scopes)
{
    if ((scopes & (WSM_CLI_SCOPE_ID | WSM_CLI_SCOPE_LIST)) != 0)
        return wsm_cli_fail(WSM_CLI_USAGE, "--local: the private service and its shells end with "
                                           "the call that made them");
    if (options->is_detach)
        return wsm_cli_fail(WSM_CLI_USAGE, "--local: the private service ends with this call, and "
                                           "--detach leaves nothing behind");
    if (options->user != NULL)
        return wsm_cli_fail(WSM_CLI_USAGE, "--local makes its own user: leave --user out");
    return WSM_CLI_OK;
}

static int check_words(const struct wsm_cli_options *options, unsigned scopes)
{
    bool is_command = (scopes & WSM_CLI_SCOPE_COMMAND) != 0;

    if (!is_command && options->arg_count != 0)
        return wsm_cli_fail(WSM_CLI_USAGE, "\"%s\" is one word too many; see winrmc --help",
                            options->args[0]);
    if (is_command && options->arg_count == 0)
        return wsm_cli_fail(WSM_CLI_USAGE, "the command is missing: winrmc %s -- COMMAND",
                            options->is_local ? "--local run" : "run HOST");
    if (options->password_file != NULL && strcmp(options->password_file, "-") == 0 &&
        (scopes & WSM_CLI_SCOPE_INPUT) != 0 && !options->is_stdin_null && !options->is_detach)
        return wsm_cli_fail(WSM_CLI_USAGE, "--password-file -: standard input is the command's; "
                                           "add -n, or name a file");
    return options->is_local ? check_local(options, scopes) : WSM_CLI_OK;
}

/* A word such as HOST, and the options behind it, unless "--" ended them before. */
static int read_word(struct wsm_cli_options *options, unsigned scopes, int argc, char **argv,
                     int *index, bool *is_ended, const char *what, const char **out_word)
{
    if (*index >= argc)
        return wsm_cli_fail(WSM_CLI_USAGE, "%s is missing; see winrmc --help", what);
    *out_word = argv[(*index)++];
    return *is_ended ? WSM_CLI_OK
                     : wsm_cli_options_read(options, scopes, argc, argv, index, is_ended);
}

int wsm_cli_options_read_verb(struct wsm_cli_options *options, unsigned scopes, int argc,
                              char **argv, int index)
{
    bool is_ended;
    int status;

    scopes |= WSM_CLI_SCOPE_GLOBAL;
    status = wsm_cli_options_read(options, scopes, argc, argv, &index, &is_ended);
    if (status != WSM_CLI_OK || options->is_help)
        return status;
    if (!options->is_local) {
        status = read_word(options, scopes, argc, argv, &index, &is_ended, "HOST", &options->host);
        if (status != WSM_CLI_OK || options->is_help)
            return status;
        if (options->is_local)
            return wsm_cli_fail(WSM_CLI_USAGE, "--local takes no HOST (\"%s\")", options->host);
        if ((scopes & WSM_CLI_SCOPE_ID) != 0)
            status = read_word(options, scopes, argc, argv, &index, &is_ended, "ID", &options->id);
        if (status != WSM_CLI_OK || options->is_help)
            return status;
    }
    options->args = argv + index;
    options->arg_count = (size_t)(argc - index);
    return check_words(options, scopes);
}

/* What a unit multiplies by, 0 = no such unit. */
static int64_t unit_seconds(const char *text)
{
    static const struct {
        const char *name;
        int64_t seconds;
    } units[] = { { "", 1 }, { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 } };

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (strcmp(text, units[i].name) == 0)
            return units[i].seconds;
    return 0;
}

bool wsm_cli_options_parse_time(const char *text, int64_t *out_ms)
{
    int64_t ms = 0;
    int64_t unit = 100;

    if (*text < '0' || *text > '9')
        return false;
    for (; *text >= '0' && *text <= '9'; text++) {
        ms = ms * 10 + (*text - '0');
        if (ms > SECONDS_MAX)
            return false;
    }
    ms *= 1000;
    if (*text == '.' && text[1] >= '0' && text[1] <= '9')
        for (text++; *text >= '0' && *text <= '9' && unit > 0; text++, unit /= 10)
            ms += (*text - '0') * unit;
    ms *= unit_seconds(text);
    if (ms == 0 || ms >= (int64_t)(SECONDS_MAX + 1) * 1000)
        return false;
    *out_ms = ms;
    return true;
}

static bool parse_offset(const char **text, uint64_t *out)
{
    uint64_t value = 0;

    if (**text < '0' || **text > '9')
        return false;
    for (; **text >= '0' && **text <= '9'; (*text)++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(**text - '0'), &value))
            return false;
    *out = value;
    return true;
}

bool wsm_cli_options_parse_resume(const char *text, struct wsm_cli_resume *out)
{
    struct wsm_cli_resume resume = { .has_out = true };

    if (!parse_offset(&text, &resume.out))
        return false;
    if (*text == ',') {
        text++;
        resume.has_err = true;
        if (!parse_offset(&text, &resume.err))
            return false;
    }
    if (*text != '\0')
        return false;
    *out = resume;
    return true;
}

void wsm_cli_options_clear(struct wsm_cli_options *options)
{
    free(options->env);
    *options = (struct wsm_cli_options){ 0 };
}
