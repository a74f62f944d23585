/* The command line of winrmd, from a table. Pure: opens nothing. */
#include "monitor/options.h"

#include "wsmerror.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

const char wsm_options_help[] =
    "usage: winrmd [OPTION]...\n"
    "       winrmd user add NAME [-c FILE] [-o NAME=VALUE]...\n"
    "\n"
    "Serves WinRM shells in the foreground and logs to standard error. When ready it\n"
    "prints a line \"listening on URL\" for each address.\n"
    "\n"
    "  -c, --config FILE      read settings from FILE (winrmd.conf(5))\n"
    "  -o NAME=VALUE          a setting that stands above the file; may be repeated\n"
    "  -t, --test             check the settings and leave\n"
    "      --allow-root-shells  start shells although running as root\n"
    "      --watch-fd N       end, with all shells, at the end of file of descriptor N\n"
    "      --log-level LEVEL  error, warning, info or debug\n"
    "  -h, --help\n"
    "  -V, --version\n"
    "\n"
    "user add reads the password from the terminal, or one line of standard input.\n";

typedef bool (*option_fn)(struct wsm_options *options, const char *value, struct wsm_error *err);

static bool set_config(struct wsm_options *options, const char *value, struct wsm_error *err)
{
    (void)err;
    options->config_path = value;
    return true;
}

static bool add_override(struct wsm_options *options, const char *value, struct wsm_error *err)
{
    const char **grown = reallocarray(options->overrides, options->override_count + 1,
                                      sizeof(*grown));

    if (grown == NULL)
        return wsm_fail_memory(err, "options");
    options->overrides = grown;
    options->overrides[options->override_count++] = value;
    return true;
}

static bool set_check(struct wsm_options *options, const char *value, struct wsm_error *err)
{
    (void)value;
    (void)err;
    options->action = WSM_ACTION_CHECK;
    return true;
}

static bool set_help(struct wsm_options *options, const char *value, struct wsm_error *err)
{
    (void)value;
    (void)err;
    options->action = WSM_ACTION_HELP;
    return true;
}

static bool set_version(struct wsm_options *options, const char *value, struct wsm_error *err)
{
    (void)value;
    (void)err;
    options->action = WSM_ACTION_VERSION;
    return true;
}

static bool set_root_shells(struct wsm_options *options, const char *value, struct wsm_error *err)
{
    (void)value;
    (void)err;
    options->allow_root_shells = true;
    return true;
}

static bool set_watch_fd(struct wsm_options *options, const char *value, struct wsm_error *err)
{
    char *end;
    long number = strtol(value, &end, 10);

    if (value[0] < '0' || value[0] > '9' || *end != '\0' || number < 3 || number > 65535)
        return wsm_fail(err, ERROR_INVALID_PARAMETER,
                        "--watch-fd %s: must be a descriptor from 3 to 65535", value);
    options->watch_fd = (int)number;
    return true;
}

static bool set_log_level(struct wsm_options *options, const char *value, struct wsm_error *err)
{
    return wsm_log_level_parse(value, &options->log_level) ||
           wsm_fail(err, ERROR_INVALID_PARAMETER,
                    "--log-level %s: must be error, warning, info or debug", value);
}

static const struct option {
    const char *letter; /* NULL = none */
    const char *name;   /* NULL = none */
    bool has_value;
    option_fn set;
} table[] = {
    { "-c", "--config", true, set_config },
    { "-o", NULL, true, add_override },
    { "-t", "--test", false, set_check },
    { NULL, "--allow-root-shells", false, set_root_shells },
    { NULL, "--watch-fd", true, set_watch_fd },
    { NULL, "--log-level", true, set_log_level },
    { "-h", "--help", false, set_help },
    { "-V", "--version", false, set_version },
};

/* The option that `argument` names, and its value if that is part of it (--name=value,
 * -oVALUE); NULL: none of ours. */
static const struct option *find_option(const char *argument, const char **out_value)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const struct option *option = &table[i];
        size_t len = option->name == NULL ? 0 : strlen(option->name);

        *out_value = NULL;
        if (len > 0 && strcmp(argument, option->name) == 0)
            return option;
        if (len > 0 && option->has_value && strncmp(argument, option->name, len) == 0 &&
            argument[len] == '=') {
            *out_value = argument + len + 1;
            return option;
        }
        if (option->letter == NULL || strncmp(argument, option->letter, 2) != 0)
            continue;
        if (argument[2] == '\0')
            return option;
        if (option->has_value) {
            *out_value = argument + 2;
            return option;
        }
    }
    return NULL;
}

/* Words that are no options: none, or "user add NAME". */
static bool add_word(struct wsm_options *options, size_t position, const char *word,
                     struct wsm_error *err)
{
    static const char *const command[] = { "user", "add" };

    if (position < 2 && strcmp(word, command[position]) == 0)
        return true;
    if (position != 2)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "unexpected argument %s", word);
    options->action = WSM_ACTION_USER_ADD;
    options->user_name = word;
    return true;
}

static bool parse_arguments(struct wsm_options *options, int argc, char **argv,
                            struct wsm_error *err)
{
    bool has_ended = false; /* "--" was seen: only words follow */
    size_t words = 0;

    for (int i = 1; i < argc; i++) {
        const struct option *option;
        const char *value;

        if (has_ended || argv[i][0] != '-' || argv[i][1] == '\0') {
            if (!add_word(options, words++, argv[i], err))
                return false;
            continue;
        }
        if (strcmp(argv[i], "--") == 0) {
            has_ended = true;
            continue;
        }
        option = find_option(argv[i], &value);
        if (option == NULL)
            return wsm_fail(err, ERROR_INVALID_PARAMETER, "unknown option %s", argv[i]);
        if (option->has_value && value == NULL) {
            if (i + 1 == argc)
                return wsm_fail(err, ERROR_INVALID_PARAMETER, "option %s needs a value", argv[i]);
            value = argv[++i];
        }
        if (!option->set(options, value, err))
            return false;
    }
    return words == 0 || words == 3 ||
           wsm_fail(err, ERROR_INVALID_PARAMETER, "user add needs the name of a user");
}

bool wsm_options_parse(struct wsm_options *options, int argc, char **argv, struct wsm_error *err)
{
    *options = (struct wsm_options){ .action = WSM_ACTION_SERVE,
                                     .watch_fd = -1,
                                     .log_level = WSM_LOG_INFO };
    if (parse_arguments(options, argc, argv, err))
        return true;
    wsm_options_clear(options);
    return false;
}

void wsm_options_clear(struct wsm_options *options)
{
    free(options->overrides);
    options->overrides = NULL;
    options->override_count = 0;
}
