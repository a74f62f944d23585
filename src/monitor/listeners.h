/* The listening sockets. */
#ifndef WSM_MONITOR_LISTENERS_H
#define WSM_MONITOR_LISTENERS_H

#include "monitor/config.h"
#include "monitor/run_dir.h"

enum {
    WSM_LISTENER_BACKLOG = 512,
    WSM_LISTENER_URL_SIZE = WSM_LISTEN_TEXT_SIZE + 16, /* http://…/wsman */
};

struct wsm_listener {
    int fd; /* owned */
    char url[WSM_LISTENER_URL_SIZE];
};

/* Empty when zeroed. */
struct wsm_listeners {
    struct wsm_listener listeners[WSM_CONFIG_LISTEN_MAX];
    size_t count;
};

/* Opens one for each Listen setting; an address in use is tried for wait_ms (blocks). A
 * port that the system chose is kept in the run directory's file `port`, and taken again;
 * if somebody else has it meanwhile, another is chosen. */
bool wsm_listeners_open(struct wsm_listeners *listeners, const struct wsm_config *config,
                        const struct wsm_run_dir *dir, int wait_ms,
                        struct wsm_error *err) WSM_MUST_CHECK;
void wsm_listeners_close(struct wsm_listeners *listeners);

#endif
