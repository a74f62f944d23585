/* Whose shell it is: the session that created it, or the last one that took it up or let
 * go of it; and what others may do meanwhile. What net knows of it comes from the host,
 * which keeps it.
 * Source: docs/host-protocol.md, CONNECT and DISCONNECT; MS-WSMV 3.1.4.15 to 3.1.4.17. */
#ifndef WSM_SERVER_HOLDER_H
#define WSM_SERVER_HOLDER_H

#include "ipc/host_messages.h"

#include <stdbool.h>

/* Embedded in a shell. */
struct wsm_holder {
    char session_id[WSM_HOST_ID_MAX + 1]; /* as sent; empty = the clients that send none */
    enum wsm_host_connection connection;
    uint32_t client_version; /* 0 = the holder did not announce itself as ours */
    bool is_taken;           /* a session other than the creator's has held it */
    bool can_disconnect;
};

/* Takes over what the host reports. */
void wsm_holder_take(struct wsm_holder *holder, const struct wsm_host_shell *report);
/* A shell that was just created. */
void wsm_holder_create(struct wsm_holder *holder, struct wsm_span session_id,
                       uint32_t client_version, bool can_disconnect);
/* The host has agreed to CONNECT or DISCONNECT: the shell is that session's. */
void wsm_holder_connect(struct wsm_holder *holder, struct wsm_span session_id,
                        uint32_t client_version);
void wsm_holder_disconnect(struct wsm_holder *holder, struct wsm_span session_id,
                           bool is_automatic);

/* Is it that session's? Ids compare without case and blanks around them. */
bool wsm_holder_is(const struct wsm_holder *holder, struct wsm_span session_id);
/* Do answers to that session carry our mark and the offsets? */
bool wsm_holder_is_marked(const struct wsm_holder *holder, struct wsm_span session_id);

/* What a request of the shell's owner wants. Delete, Get and Enumerate are for every session
 * at any time and not asked about. */
enum wsm_hold_request {
    WSM_HOLD_USE, /* Command, Send, Receive, Signal; Connect and Reconnect of a command */
    WSM_HOLD_DISCONNECT,
    WSM_HOLD_RECONNECT,
    WSM_HOLD_CONNECT,
    WSM_HOLD_REQUESTS
};

enum wsm_hold_verdict {
    WSM_HOLD_GO,
    WSM_HOLD_TAKE_UP, /* CONNECT for the session that holds it first, then go */
    WSM_HOLD_REFUSED, /* with the code */
};

/* `takeover` (WINRMD_TAKEOVER) counts for Connect and Disconnect. *out_code is set for
 * REFUSED only. */
enum wsm_hold_verdict wsm_holder_decide(const struct wsm_holder *holder,
                                        enum wsm_hold_request request, struct wsm_span session_id,
                                        bool takeover, uint32_t *out_code) WSM_MUST_CHECK;

#endif
