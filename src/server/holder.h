/* Whose shell it is: the session that created it, or the last one that took it up or let
 * go of it. What net knows of it comes from the host, which keeps it.
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

/* Takes over what the host reports, or (later) what it agreed to. */
void wsm_holder_take(struct wsm_holder *holder, const struct wsm_host_shell *report);
/* Is it that session's? Ids compare without case and blanks around them. */
bool wsm_holder_is(const struct wsm_holder *holder, struct wsm_span session_id);
/* Do answers to that session carry our mark and the offsets? */
bool wsm_holder_is_marked(const struct wsm_holder *holder, struct wsm_span session_id);

#endif
