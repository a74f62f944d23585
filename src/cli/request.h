/* The options of a shell and a command in the form that the API takes. */
#ifndef WSM_CLI_REQUEST_H
#define WSM_CLI_REQUEST_H

#include "options.h"

#include <wsman.h>

#define WSM_CLI_GUID_SIZE 37 /* a GUID as text, with NUL */

struct wsm_cli_request {
    char shell_id[WSM_CLI_GUID_SIZE]; /* made by us, so that it can be named when all is lost */
    PCWSTR wide_shell_id;
    DWORD flags; /* of Create */
    WSMAN_SHELL_STARTUP_INFO startup;
    WSMAN_OPTION_SET shell_options;
    PCWSTR command_line;
    WSMAN_COMMAND_ARG_SET args;       /* empty unless --exec */
    WSMAN_OPTION_SET command_options; /* empty unless --exec */
    /* What the above point to; all owned: */
    PWSTR *texts; /* each ended with WSManExtFree() */
    size_t text_count;
    PCWSTR *arg_texts;
    WSMAN_ENVIRONMENT_VARIABLE *variables;
    WSMAN_ENVIRONMENT_VARIABLE_SET variable_set;
    WSMAN_OPTION shell_option;
    WSMAN_OPTION command_option;
};

/* Fills *request, whose address must not change afterwards. Returns 0, or an exit code
 * after a message; either way the caller ends it with wsm_cli_request_clear(). */
int wsm_cli_request_build(struct wsm_cli_request *request, const struct wsm_cli_options *options)
    __attribute__((warn_unused_result));

void wsm_cli_request_clear(struct wsm_cli_request *request);

/* `count` words with one blank between them, as ssh joins them. Owned, free(). */
char *wsm_cli_request_join(char *const *words, size_t count);

#endif
