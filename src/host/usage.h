/* How much runs under the host, for its report. Source: proc(5). */
#ifndef WSM_HOST_USAGE_H
#define WSM_HOST_USAGE_H

#include <stdint.h>

enum {
    WSM_USAGE_PROCESSES_MAX = 1024, /* looked at: with more the figures are too small */
    WSM_USAGE_TASKS_MAX = 4096,
};

struct wsm_usage {
    uint32_t processes;  /* under the calling process */
    uint64_t memory_kib; /* resident, of them and the calling process */
};

/* As it is now; what cannot be read counts as nothing. */
void wsm_usage_read(struct wsm_usage *out);

#endif
