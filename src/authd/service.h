/* The service of winrmd-auth: answers password checks of winrmd-net, tells the monitor
 * who was verified. Source: docs/host-protocol.md, "Inside the service". */
#ifndef WSM_AUTHD_SERVICE_H
#define WSM_AUTHD_SERVICE_H

#include "base/error.h"

/* Serves the monitor's channel `fd` (transfer) until its end of file. True then; false
 * if the monitor speaks another protocol or the channel fails. */
bool wsm_auth_service_run(int fd, struct wsm_error *err) WSM_MUST_CHECK;

#endif
