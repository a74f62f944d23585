/* The host's report: SHELL, COMMAND…, REPORT_END. */
#ifndef WSM_HOST_REPORT_H
#define WSM_HOST_REPORT_H

#include <stdint.h>

struct wsm_host;

/* request: of INSPECT, 0 after HELLO. */
void wsm_report(struct wsm_host *host, uint64_t request);

#endif
