/* The channel of winrmd-net to the monitor: what it says, and the loop that lives as long. */
#ifndef WSM_SERVER_CONTROL_LINK_H
#define WSM_SERVER_CONTROL_LINK_H

#include "server/service.h"

/* Runs until the monitor is gone; the result is the exit status. */
int wsm_control_link_run(int monitor_fd, const struct wsm_service_handlers *handlers);

#endif
