/* What the shell host does: its loop, its clocks, its end. */
#ifndef WSM_HOST_HOST_RUN_H
#define WSM_HOST_HOST_RUN_H

#include "host/host.h"

/* Descriptors: transfer, on success only; starter_fd -1 = none. */
bool wsm_host_init(struct wsm_host *host, int listener_fd, int starter_fd,
                   const struct wsm_spawn_limits *limits, struct wsm_error *err) WSM_MUST_CHECK;
/* Runs until the host is gone. `dispatch` handles what has come on its link. */
bool wsm_host_run(struct wsm_host *host, void (*dispatch)(struct wsm_host *host),
                  struct wsm_error *err) WSM_MUST_CHECK;
void wsm_host_clear(struct wsm_host *host);

/* OPEN: takes over what it says. */
bool wsm_host_open(struct wsm_host *host, const struct wsm_host_open *message,
                   struct wsm_error *err) WSM_MUST_CHECK;
/* The shell has been let go of: what waits is answered, the idle clock starts.
 * idle_timeout_ms: -1 = as it was. */
void wsm_host_let_go(struct wsm_host *host, int64_t idle_timeout_ms);
/* Kills everything and ends. delete_request: answered by DONE at the end, or 0: GONE with
 * code and text is said now. */
void wsm_host_end(struct wsm_host *host, uint64_t delete_request, uint32_t code, const char *text);

#endif
