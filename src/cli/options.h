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
    WSM_CLI_SCOPE_INPUT = 1 << 3,   /* verbs that give standard input to a command */
    WSM_CLI_SCOPE_FOLLOW = 1 << 4,  /* verbs that stay until a command ends */
    WSM_CLI_SCOPE_KEEP = 1 << 5,    /* verbs that say how a shell is kept */
    WSM_CLI_SCOPE_ID = 1 << 6,      /* verbs that name a shell: HOST ID */
    WSM_CLI_SCOPE_TAKE = 1 << 7,    /* those that may take it from another client */
    WSM_CLI_SCOPE_RESUME = 1 << 8,  /* those that go on with its output */
    WSM_CLI_SCOPE_LIST = 1 << 9,    /* ps */
};

/* What becomes of output while nobody is attached. */
enum wsm_cli_buffer { WSM_CLI_BUFFER_DEFAULT, WSM_CLI_BUFFER_BLOCK, WSM_CLI_BUFFER_DROP };

/* Where output goes on. */
struct wsm_cli_resume {
    bool has_out;
    bool has_err;
    uint64_t out; /* bytes */
    uint64_t err;
};

struct wsm_cli_options {
    bool is_help;
    bool is_version;
    bool is_verbose;
    bool is_local;       /* private service instead of HOST */
    bool is_unencrypted; /* plain HTTP allowed for a host that is not loopback */
    bool is_exec;        /* arguments untouched, no shell in between */
    bool is_stdin_null;
    bool is_detach;
    bool is_take;
    bool is_json;
    bool is_hangup_kill; /* SIGHUP and SIGTERM end the shell rather than leave it */
    bool has_retry_time;
    enum wsm_cli_buffer buffer;
    struct wsm_cli_resume resume;
    int64_t timeout_ms;       /* of the whole call, 0 = none */
    uint32_t idle_timeout_ms; /* of the shell on the server, 0 = the server's own */
    uint32_t retry_time_ms;   /* with has_retry_time */
    /* Borrowed from argv, for the life of the process: */
    const char *user;
    const char *password_file; /* "-" = standard input */
    const char *directory;
    const char *host; /* NULL with is_local */
    const char *id;   /* as typed: SHELL or SHELL/COMMAND */
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

/* Reads what follows a verb: options, HOST (unless is_local), options, for
 * WSM_CLI_SCOPE_ID the id and options, for WSM_CLI_SCOPE_COMMAND the command. Returns 0,
 * or an exit code after a message. */
int wsm_cli_options_read_verb(struct wsm_cli_options *options, unsigned scopes, int argc,
                              char **argv, int index) __attribute__((warn_unused_result));

/* Seconds with up to three decimals, or with one of the units s, m, h and d, more than 0,
 * to milliseconds. */
bool wsm_cli_options_parse_time(const char *text, int64_t *out_ms)
    __attribute__((warn_unused_result));

/* OUT or OUT,ERR: numbers of bytes. */
bool wsm_cli_options_parse_resume(const char *text, struct wsm_cli_resume *out)
    __attribute__((warn_unused_result));

void wsm_cli_options_clear(struct wsm_cli_options *options);

#endif
