/* What the parts of the managed layer have in common: layer.c has shells, layer_command.c
 * commands, input and output, layer_inner.c the rest. */
#ifndef WSM_TESTS_MANAGED_LAYER_INNER_H
#define WSM_TESTS_MANAGED_LAYER_INNER_H

#include "contexts.h"
#include "layer.h"

#include <time.h>

enum { MANAGED_END = 1, MANAGED_ABORTED = 995 }; /* END_OF_OPERATION, ERROR_OPERATION_ABORTED */

/* Around each call: the session's lock, and the arguments' lives. */
void managed_begin(struct managed_session *session);
void managed_end(struct managed_session *session);
/* Both counted as a call. */
const struct native_async *managed_async(intptr_t context, enum managed_call call,
                                         native_callback *function);
const struct native_texts *managed_pin_texts(const char *const *texts, size_t count);

/* Around what a callback does, with the session's lock; also finds the session of a command.
 * False: disposed of, and there is nothing to leave. */
bool managed_enter(intptr_t context, enum managed_call call, int32_t flags,
                   struct managed_session **out_session, struct managed_command **out_command);
void managed_leave(intptr_t context, struct managed_session *session);
bool managed_is_error(const struct native_error *error);
/* The transport has failed; the texts are asked for, as the exception does. */
void managed_break(struct managed_session *session, const struct native_error *error,
                   const char *what);
void managed_check_handles(const struct managed_session *session,
                           const struct managed_command *command, intptr_t shell,
                           intptr_t command_handle, const char *what);

/* Of the session's next change; *until is zero before the first. Ends the program when it is
 * over. With the lock. */
void managed_wait_until(struct managed_session *session, struct timespec *until, const char *what);
/* A callback that comes in any case. Without the lock. */
void managed_wait_flag(struct managed_session *session, const bool *flag, const char *what);

/* Of the shell with NULL for `command`. */
void managed_receive(struct managed_session *session, struct managed_command *command);
void managed_send(struct managed_session *session, struct managed_command *command,
                  const char *stream, const char *bytes, size_t count);
void managed_make_guid(char out[40]);

#endif
