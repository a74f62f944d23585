/* Letting go of a shell and taking it and its commands up again. Loop thread, but for what is
 * made before it is posted. */
#ifndef WSM_CLIENT_DISCONNECT_H
#define WSM_CLIENT_DISCONNECT_H

#include "client/async.h"
#include "proto/disconnect.h"

struct wsm_shell;
struct wsm_command;
struct wsm_operation;

enum {
    WSM_DISCONNECT_HOLD_MS = 2000,   /* for input that nobody takes, and then for a callback with
                                        output, before the server is asked */
    WSM_DISCONNECT_SETTLE_MS = 5000, /* for the server to end the Receives after it has answered */
};

enum wsm_link_kind {
    WSM_LINK_DISCONNECT_SHELL,
    WSM_LINK_RECONNECT_SHELL,
    WSM_LINK_RECONNECT_COMMAND,
};

/* One call of WSManDisconnectShell, WSManReconnectShell or WSManReconnectShellCommand. Not part
 * of the shell or command: in the callback of one the next may be asked for. */
struct wsm_link_call {
    struct wsm_message opening; /* posts the call to the loop */
    struct wsm_async async;
    enum wsm_link_kind kind;
    uintptr_t shell_handle;   /* 0 for a command */
    uintptr_t command_handle; /* 0 for a shell */
    struct wsm_error refused; /* owned; its arguments are wrong: only the callback is left to do */
    enum wsm_buffer_mode buffer_mode;
    int64_t idle_timeout_ms; /* -1 = unchanged */
    uint64_t progress;       /* loop time when input was last taken, or a callback last returned */
    struct wsm_shell *shell; /* held until the callback has returned; NULL = none */
    struct wsm_strand *own_strand; /* owned; only where there is no shell */
};

/* Application thread. Owned by the caller until posted. */
struct wsm_link_call *wsm_link_call_new(enum wsm_link_kind kind) WSM_MUST_CHECK;
void wsm_link_call_free(struct wsm_link_call *call);
/* Loop: finds what it is about, checks, and begins. */
void wsm_link_call_open(struct wsm_link_call *call);
/* ERROR_OPERATION_ABORTED for the one going on, if any: its shell or command is being closed. */
void wsm_link_abort_shell(struct wsm_shell *shell);
void wsm_link_abort_command(struct wsm_command *command);

/* Something has ended that a disconnect may have waited for. Harmless at any other time. */
void wsm_disconnect_go_on(struct wsm_shell *shell);
/* A callback with output has returned. */
void wsm_disconnect_delivered(struct wsm_shell *shell);
/* Something has ended; and input or anything else but output has got on. */
void wsm_disconnect_progress(struct wsm_shell *shell);
/* Has the wire request of this Receive ended only because the shell is let go? Then the Receive
 * sleeps. */
bool wsm_disconnect_explains(const struct wsm_operation *operation, const struct wsm_error *err);
/* The shell and its commands are disconnected from now on; wire requests for output end. */
void wsm_disconnect_now(struct wsm_shell *shell);
/* The shell, whose link was lost, can only be closed from now on; its operations end so. */
void wsm_disconnect_broken(struct wsm_shell *shell, const struct wsm_error *cause);

#endif
