/* A change of who holds a shell: Disconnect, Reconnect, Connect, and what happens by itself
 * when a session's connections went or came back. One at a time for each shell; requests
 * that come meanwhile wait for its end and are judged by what it led to. */
#ifndef WSM_SERVER_CHANGE_H
#define WSM_SERVER_CHANGE_H

#include "proto/disconnect.h"
#include "server/shell_table.h"

struct wsm_exchange;

struct wsm_change_request {
    bool lets_go;      /* DISCONNECT, else CONNECT */
    bool is_automatic; /* DISCONNECT that no client asked for */
    enum wsm_host_buffer_mode buffer_mode;
    int64_t idle_timeout_ms; /* DISCONNECT; -1 = unchanged */
    uint32_t client_version; /* CONNECT */
    struct wsm_span
        session_id; /* whose shell it is then; borrowed from the exchange or the shell */
    /* Answers the exchange, which still has its connection, and leaves it alive. NULL if
     * there is none. */
    void (*answer)(struct wsm_exchange *exchange, const struct wsm_shell *shell);
};

/* The shell is OPEN and nothing changes it. A DISCONNECT waits until no Command or Signal
 * is under way here. Takes the exchange over; NULL: no client asked. */
void wsm_change_begin(struct wsm_shell *shell, const struct wsm_change_request *request,
                      struct wsm_exchange *exchange);
/* No Command or Signal is under way any more. */
void wsm_change_on_quiet(struct wsm_change *change);

/* May this request go on now? If not, the exchange was taken over: it was refused, or waits
 * until the shell has been taken up for it. The shell is as for wsm_change_begin(). */
bool wsm_change_admit(struct wsm_exchange *exchange, struct wsm_shell *shell,
                      enum wsm_hold_request request, bool takeover) WSM_MUST_CHECK;

/* For the forms that name a command: refuses, and takes the exchange over, if the shell has
 * none of that id. */
bool wsm_change_has_command(struct wsm_exchange *exchange, struct wsm_shell *shell,
                            struct wsm_span id) WSM_MUST_CHECK;
enum wsm_host_buffer_mode wsm_change_buffer_mode(enum wsm_buffer_mode mode);

/* The session's connections have been gone for too long: lets go of the shells it holds. */
void wsm_change_let_go(struct wsm_shell_table *table, const char *owner, const char *session_id);
/* Does the session hold a connected shell that can be disconnected? */
bool wsm_change_holds(struct wsm_shell_table *table, const char *owner, const char *session_id);

#endif
