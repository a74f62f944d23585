/* How sessions are opened and end, with all that they hold. */
#ifndef WSM_CLIENT_SESSION_END_H
#define WSM_CLIENT_SESSION_END_H

#include "client/session.h"

void wsm_session_open(struct wsm_session *session, struct wsm_api *api);
/* Cancels all, tells the servers, waits for both and for callbacks, frees. `waiter` may be
 * NULL; it is answered at the end. */
void wsm_session_close(struct wsm_session *session, struct wsm_call *waiter);
/* The same for all sessions of an API handle. */
void wsm_api_close(struct wsm_api *api, struct wsm_call *waiter);

#endif
