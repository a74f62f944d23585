/* The contexts of the managed layer: numbers, never used twice, that stand for a session or a
 * command; and the books about every call that was made with them. Any thread. What breaks a
 * rule ends the program. */
#ifndef WSM_TESTS_MANAGED_CONTEXTS_H
#define WSM_TESTS_MANAGED_CONTEXTS_H

#include <stdbool.h>
#include <stdint.h>

struct managed_session;
struct managed_command;

enum managed_call {
    CALL_CREATE,
    CALL_CONNECT,
    CALL_DISCONNECT,
    CALL_RECONNECT,
    CALL_RECONNECT_COMMAND,
    CALL_RUN,
    CALL_ATTACH,
    CALL_SEND,
    CALL_RECEIVE,
    CALL_SIGNAL,
    CALL_CLOSE_COMMAND,
    CALL_CLOSE_SHELL,
    CALL_COUNT,
};

const char *call_name(enum managed_call call);

/* `owner` is the context of a command's session, 0 for a session's own. Both borrowed until
 * context_forget(). */
intptr_t context_new(intptr_t owner, struct managed_session *session,
                     struct managed_command *command);
/* A call is about to be made that must end exactly once. */
void context_called(intptr_t context, enum managed_call call);
/* A callback of it has come: it was called, nothing of the same session runs in another, and after
 * the one of CloseShell nothing is left. False: disposed of, and the callback is ignored; but
 * context_leave() follows always. */
bool context_enter(intptr_t context, enum managed_call call, int32_t flags,
                   struct managed_session **out_session, struct managed_command **out_command);
void context_leave(intptr_t context);
/* Disposed of: callbacks that are still owed are only counted. */
void context_forget(intptr_t context);
/* Its session and API handle have ended: so has every call, and no callback comes any more. */
void context_end(intptr_t session_context);

/* Of the whole process. */
struct context_counts {
    unsigned long calls[CALL_COUNT];
    unsigned long callbacks; /* also those with output, and notices */
    unsigned long failures;  /* last callbacks that brought an error; the layer counts them */
};

extern struct context_counts context_counts;

#endif
