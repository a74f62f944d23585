/* PowerShell's managed layer above the native interface, as far as it matters to a library: one
 * API handle per session, contexts that are small numbers, one lock per session that is held in
 * every call and taken in every callback, calls from inside callbacks, and no second look at what
 * a callback brings. Whatever would be an exception there ends the program here. */
#ifndef WSM_TESTS_MANAGED_LAYER_H
#define WSM_TESTS_MANAGED_LAYER_H

#include "native.h"

#include <pthread.h>
#include <stdbool.h>

enum managed_state {
    MANAGED_OPENING,
    MANAGED_OPEN,
    MANAGED_DISCONNECTED,
    MANAGED_BROKEN, /* an error came where none is expected; `code` has it */
    MANAGED_CLOSING,
    MANAGED_CLOSED,
};

struct managed_session {
    intptr_t context;
    pthread_mutex_t lock; /* recursive */
    pthread_cond_t changed;
    enum managed_state state;
    int32_t code;
    intptr_t api;
    intptr_t session;
    intptr_t shell;
    intptr_t receive; /* of the shell; 0 = closed */
    char shell_id[40];
    const char *resource_uri;
    const char *first_input; /* sent to the shell inside the create callback; NULL = nothing */
    const char *input_streams[2];
    size_t input_stream_count;
    int32_t fragment_size;
    bool receives; /* from the shell, inside the create callback */
    bool supports_disconnect;
    bool has_sent;           /* first_input was taken */
    unsigned notices[6];     /* 0x100 0x200 0x400 0x800 0x40 0x1000 */
    char *connected;         /* owned; what connectResponseXml holds */
    bool may_break;          /* the caller looks: errors are not told, and no wait dies of them */
    bool is_answered;        /* the last Disconnect, Reconnect or CloseShell */
    const char *broken_call; /* of the last error, and its detail */
    char broken_by[200];
};

struct managed_command {
    intptr_t context;
    struct managed_session *session;
    char id[40];
    intptr_t handle;
    intptr_t receive; /* 0 = closed */
    intptr_t send;
    intptr_t signal;
    bool is_running;
    bool is_connected; /* false between Disconnect and ReconnectShellCommand */
    bool has_received; /* Receive is posted once, and never again */
    bool is_delayed;   /* posted with 0x10 */
    bool is_accepted;  /* 0x2000 has come */
    bool is_done;      /* flags 1 without an error */
    bool is_stopping;  /* it may refuse input, and is given no more */
    bool is_stopped;
    bool is_suspended; /* no more input before ReconnectShellCommand */
    bool is_closing;
    bool is_closed;
    int32_t code; /* of an error */
    int32_t exit_code;
    char *line;        /* owned */
    const char *input; /* borrowed; goes out in pieces, each after the callback of the last */
    size_t input_len;
    size_t input_sent;
    uint8_t *output; /* owned; stdout */
    size_t output_len;
    /* If set, output is given to it instead of being kept; inside the callback. */
    void (*on_output)(struct managed_command *command, const void *bytes, size_t count);
    void *user;
};

/* 3.1 up to CreateShellEx: API handle, session, options. */
struct managed_session *managed_new(const char *connection, const char *user, const char *password);
void managed_new_shell_id(struct managed_session *session);
/* CreateShellEx with a new id, or the one it has; does not wait. */
void managed_create(struct managed_session *session);
/* ConnectShell to that id; does not wait. */
void managed_connect(struct managed_session *session, const char *shell_id);
/* Waits for the state; ends the program when it does not come. False, only with may_break: it is
 * another one, and stays so. */
bool managed_wait(struct managed_session *session, enum managed_state state);
/* These wait in the same way. */
bool managed_disconnect(struct managed_session *session);
bool managed_reconnect(struct managed_session *session);
bool managed_close_shell(struct managed_session *session);
/* CloseSession and Deinitialize on a thread each; frees the session. */
void managed_dispose(struct managed_session *session, bool deinitializes_first);

/* What managed_start() runs: on_output may be set meanwhile. */
struct managed_command *managed_prepare(struct managed_session *session, const char *line,
                                        const char *input, size_t input_len, bool is_delayed);
void managed_start(struct managed_command *command);
/* Both. RunShellCommandEx; input goes out inside the callbacks, then comes Receive. Does not wait.
 */
struct managed_command *managed_run(struct managed_session *session, const char *line,
                                    const char *input, size_t input_len, bool is_delayed);
/* ConnectShellCommand, Receive in the callback. */
struct managed_command *managed_attach(struct managed_session *session, const char *command_id);
void managed_reconnect_command(struct managed_command *command);
/* No more input is sent before managed_reconnect_command(); waits for a Send under way. */
void managed_suspend(struct managed_command *command);
/* Waits until the flag in it is set, or so many bytes have come. False, only with may_break: its
 * session is not open any more; or the command has ended with fewer bytes. */
bool managed_wait_command(struct managed_command *command, const bool *flag);
bool managed_wait_output(struct managed_command *command, size_t bytes);
void managed_stop(struct managed_command *command, const char *code);
/* Waits for the callback. */
void managed_close_command(struct managed_command *command);
void managed_free_command(struct managed_command *command);

#endif
