/* What winrmc says to its user, and the exit codes of its own. */
#ifndef WSM_CLI_MESSAGE_H
#define WSM_CLI_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

/* Exit codes that do not come from the remote command (BSD's sysexits values, and
 * timeout(1)'s 124). A signal n ends winrmc with 128 + n. */
enum wsm_cli_status {
    WSM_CLI_OK = 0,
    WSM_CLI_USAGE = 64,
    WSM_CLI_UNREACHABLE = 69,
    WSM_CLI_PROTOCOL = 70,
    WSM_CLI_LOCAL_IO = 74, /* standard output or error cannot be written */
    WSM_CLI_LEFT = 75,     /* the client went, the command lives on */
    WSM_CLI_AUTHENTICATION = 77,
    WSM_CLI_TIMED_OUT = 124,
    WSM_CLI_SIGNAL = 128,
};

/* Prints "winrmc: TEXT\n" to standard error in one write and returns `status`, so
 * that a failure is said and returned in one expression. */
int wsm_cli_fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same without a status, and only if `is_wanted` (--verbose). */
void wsm_cli_note(bool is_wanted, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Memory of `size` bytes, zeroed and never NULL: the program exits when there is
 * none. Owned by the caller, who ends it with free(). */
void *wsm_cli_alloc(size_t count, size_t size) __attribute__((warn_unused_result));
/* The same, not zeroed: pages of it that are never used cost nothing. */
void *wsm_cli_buffer(size_t size) __attribute__((warn_unused_result));

/* As asprintf(), never NULL. Owned by the caller, who ends it with free(). */
char *wsm_cli_format(const char *format, ...)
    __attribute__((format(printf, 1, 2), warn_unused_result));

#endif
