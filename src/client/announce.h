/* Tells our own service that this is our client, which then marks its answers. All other
 * servers skip the option. */
#ifndef WSM_CLIENT_ANNOUNCE_H
#define WSM_CLIENT_ANNOUNCE_H

#include "proto/envelope.h"

/* For Create, Connect, Enumerate and Get: adds WINRMD_CLIENT behind the options that `headers`
 * have. `room` becomes headers->options and must live as long; with no room left in it the
 * application's options go as they are, and the server takes us for any client. */
void wsm_announce(struct wsm_request_headers *headers, struct wsm_option room[WSM_OPTIONS_MAX]);

#endif
