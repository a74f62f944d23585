/* What an error code of the API means for the user of winrmc. */
#ifndef WSM_CLI_ERRORS_H
#define WSM_CLI_ERRORS_H

#include <stdint.h>

struct wsm_cli_error_class {
    uint32_t code;
    int status;         /* exit code */
    const char *advice; /* static; what to do, or NULL */
};

/* Never NULL; an unknown code is a protocol error without advice. Static. */
const struct wsm_cli_error_class *wsm_cli_error_find(uint32_t code);

#endif
