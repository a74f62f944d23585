/* From options to a session of the API: host, user, password, private service. */
#ifndef WSM_CLI_SESSION_H
#define WSM_CLI_SESSION_H

#include "events.h"
#include "local.h"
#include "options.h"
#include "signals.h"

#include <wsman.h>

struct wsm_cli_session {
    const struct wsm_cli_options *options; /* borrowed for the session's life */
    struct wsm_cli_signals *signals;       /* borrowed likewise */
    struct wsm_cli_local local;            /* unused without --local */
    char *label;                           /* owned; the host in messages */
    int64_t deadline_ms;                   /* of --timeout, 0 = none */
    WSMAN_API_HANDLE api;
    WSMAN_SESSION_HANDLE handle;
};

/* Opens the session; nothing goes over the network yet. Returns 0, or an exit code after
 * a message; either way the caller ends *session with wsm_cli_session_close(). */
int wsm_cli_session_open(struct wsm_cli_session *session, const struct wsm_cli_options *options,
                         struct wsm_cli_signals *signals) __attribute__((warn_unused_result));

/* Waits for the callbacks that are still to come, and ends the private service. */
void wsm_cli_session_close(struct wsm_cli_session *session);

/* What a verb does in its session; returns its exit code. */
typedef int wsm_cli_session_work(struct wsm_cli_session *session, struct wsm_cli_events *events,
                                 void *context);
/* Opens a session and a queue for its callbacks, works, and closes both. */
int wsm_cli_session_with(const struct wsm_cli_options *options, struct wsm_cli_signals *signals,
                         wsm_cli_session_work *work, void *context);

/* Ends the process with `status` without touching what lives on the server: shells that
 * the connection was lost to stay as they are. Ends the private service all the same. */
void wsm_cli_session_abandon(struct wsm_cli_session *session, int status) __attribute__((noreturn));

/* Says "HOST: TEXT; ADVICE" for an error of the API and returns its exit code. `text`
 * may be NULL: the library's own words are taken. */
int wsm_cli_session_fail(const struct wsm_cli_session *session, uint32_t code, const char *text);

/* Words of the library without the host at their front, which our messages begin with.
 * Borrowed from `text`. */
const char *wsm_cli_session_words(const struct wsm_cli_session *session, const char *text);

/* `text` as UTF-16, owned by the caller who ends it with WSManExtFree(); NULL after a
 * message that names `what` if it is no UTF-8. */
PWSTR wsm_cli_utf16(const char *what, const char *text);

/* The words of an error for an event: owned by the caller who ends them with free();
 * NULL where there are none. For callbacks. */
char *wsm_cli_error_words(const WSMAN_ERROR *error);

#endif
