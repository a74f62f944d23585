/* What net says to the host: which message is accepted when, and what it does. */
#ifndef WSM_HOST_DISPATCH_H
#define WSM_HOST_DISPATCH_H

struct wsm_host;

/* Receives and handles what has come on the host's link; a peer that does not keep to the
 * protocol breaks it. */
void wsm_dispatch(struct wsm_host *host);

#endif
