/* The options of all verbs, in one table. */
#ifndef WSM_CLI_OPTIONS_H
#define WSM_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where an option may stand. A verb names the scopes it reads. */
enum wsm_cli_scope {
    WSM_CLI_SCOPE_GLOBAL = 1 << 0,  /* before the verb, and with every verb */
    WSM_CLI_SCOPE_CONNECT = 1 << 1, /* verbs that talk to a host */
    WSM_CLI_SCOPE_COMMAND = 1 << 2, /* verbs that start a command */
};

struct wsm_cli_options {
    bool is_help;
    bool is_version;
    bool is_verbose;
    bool is_local;       /* private service instead of HOST */
    bool is_unencrypted; /* plain HTTP allowed for a host that is not loopback */
    bool is_exec;        /* arguments untouched, no shell in between */
    bool is_stdin_null;
    int64_t timeout_ms;       /* of the whole call, 0 = none */
    uint32_t idle_timeout_ms; /* of the shell on the server, 0 = the server's own */
    /* Borrowed from argv, for the life of the process: */
    const char *user;
    const char *password_file; /* "-" = standard input */
    const char *directory;
    const char *host; /* NULL with is_local */
    char **env;       /* NAME=VALUE words; the array is owned, see _clear */
    size_t env_count;
    char **args; /* the command */
    size_t arg_count;
};

/* Reads options of `scopes` from argv[*index] on, up to the first word that is none;
 * "--" ends the options and is skipped: *out_is_ended tells. Returns 0 with *index
 * moved on, or an exit code after a message. May be called repeatedly. */
int wsm_cli_options_read(struct wsm_cli_options *options, unsigned scopes, int argc, char **argv,
                         int *index, bool *out_is_ended) __attribute__((warn_unused_result));

/* Reads what follows a verb: options, HOST (unless is_local), options, and for
 * WSM_CLI_SCOPE_COMMAND the command. Returns 0, or an exit code after a message. */
int wsm_cli_options_read_verb(struct wsm_cli_options *options, unsigned scopes, int argc,
                              char **argv, int index) __attribute__((warn_unused_result));

/* Seconds with up to three decimals, more than 0, to milliseconds. */
bool wsm_cli_options_parse_seconds(const char *text, int64_t *out_ms)
    __attribute__((warn_unused_result));

void wsm_cli_options_clear(struct wsm_cli_options *options);

#endif
