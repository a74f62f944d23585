/* Text of others in a form that is safe to show, to parse, or to paste. Pure; results are
 * never NULL and owned by the caller, who ends them with free(). */
#ifndef WSM_CLI_QUOTE_H
#define WSM_CLI_QUOTE_H

#include <stdint.h>

/* Control characters and those that change the direction of text as \n, \t, \r, \xHH or
 * \uHHHH; the rest of the UTF-8 as it is. One line that no terminal obeys. */
char *wsm_cli_quote_visible(const char *text) __attribute__((warn_unused_result));

/* A JSON string with its quotation marks. */
char *wsm_cli_quote_json(const char *text) __attribute__((warn_unused_result));

/* One word of a shell's command line. */
char *wsm_cli_quote_shell(const char *text) __attribute__((warn_unused_result));

/* "7s", "2m05s", "3h00m", "4d11h". */
char *wsm_cli_quote_seconds(uint32_t seconds) __attribute__((warn_unused_result));

#endif
