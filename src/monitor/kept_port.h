/* The run directory's file `port`: which ports the system chose for settings with port 0.
 * A line for each: number of the Listen setting, address with port. */
#ifndef WSM_MONITOR_KEPT_PORT_H
#define WSM_MONITOR_KEPT_PORT_H

#include "base/buf.h"
#include "monitor/listen_address.h"

/* The port kept for that setting and address, 0 = none. Lines that are none are skipped. */
uint16_t wsm_kept_port_find(struct wsm_span text, size_t index,
                            const struct wsm_listen_address *now);
/* Appends the line of a setting that was bound to that address. */
void wsm_kept_port_write(struct wsm_buf *out, size_t index, const struct wsm_listen_address *bound);

#endif
