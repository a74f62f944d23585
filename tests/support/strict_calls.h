/* The calls of wsman.h as PowerShell makes them: under the caller's lock, the out handle
 * watched, every callback judged (answers.h). */
#ifndef WSM_TESTS_STRICT_CALLS_H
#define WSM_TESTS_STRICT_CALLS_H

#include "answers.h"

#define STRICT_SHELL_ID   WSMAN_TEXT("AAAAAAAA-3333-4444-8555-666666666601")
#define STRICT_COMMAND_ID WSMAN_TEXT("BBBBBBBB-3333-4444-8555-666666666601")

/* What is called in each callback of the calls below, from now on; NULL = nothing. */
void strict_then(void (*then)(struct answer *answer, const WSMAN_RESPONSE_DATA *data));
/* Whether they wait for the last callback before they return; they do at first. */
void strict_wait(bool waits);

/* Each stores its handle in *out and returns what came; answer_free() it. */
struct answer *strict_create(WSMAN_SESSION_HANDLE session, WSMAN_SHELL_HANDLE *out);
struct answer *strict_attach(WSMAN_SESSION_HANDLE session, WSMAN_SHELL_HANDLE *out);
struct answer *strict_run(WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE *out);
struct answer *strict_attach_command(WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE *out);
struct answer *strict_send(WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command, DWORD length,
                           WSMAN_OPERATION_HANDLE *out);
struct answer *strict_signal(WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command, PCWSTR code,
                             WSMAN_OPERATION_HANDLE *out);
/* Never waits. */
struct answer *strict_receive(WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                              WSMAN_OPERATION_HANDLE *out);

/* The calls without an out handle. */
enum strict_call {
    STRICT_DISCONNECT,
    STRICT_RECONNECT,
    STRICT_RECONNECT_COMMAND,
    STRICT_CLOSE_COMMAND,
    STRICT_CLOSE_SHELL,
};
struct answer *strict_post(enum strict_call call, void *handle);

void strict_close(WSMAN_OPERATION_HANDLE operation);

/* One callback came, with exactly this; frees the answer. */
void check_came(struct answer *answer, DWORD flags, DWORD code, const void *shell,
                const void *command, const void *operation, bool has_data);
/* A macro, so that the call is made before its handles are read. */
#define assert_came(call, ...)         \
    do {                               \
        struct answer *came = (call);  \
                                       \
        check_came(came, __VA_ARGS__); \
    } while (0)

#endif
