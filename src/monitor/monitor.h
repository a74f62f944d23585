/* The monitor: the service's first process. Source: design in docs/host-protocol.md,
 * "Inside the service". */
#ifndef WSM_MONITOR_MONITOR_H
#define WSM_MONITOR_MONITOR_H

#include "monitor/config.h"
#include "monitor/options.h"

enum {
    WSM_MONITOR_WAIT_MS = 5000, /* for the run directory and for an address in use */
};

/* Serves until SIGTERM, SIGINT or the end of file of --watch-fd. False: could not start. */
bool wsm_monitor_run(const struct wsm_options *options, const struct wsm_config *config,
                     struct wsm_error *err) WSM_MUST_CHECK;

#endif
