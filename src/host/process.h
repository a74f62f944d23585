/* The processes under the host: who they are, and ending them.
 * Source: docs/host-protocol.md, "Terminate"; proc(5). */
#ifndef WSM_HOST_PROCESS_H
#define WSM_HOST_PROCESS_H

#include "base/error.h"
#include "base/span.h"

#include <stddef.h>
#include <sys/types.h>

enum { WSM_PROCESS_NAME_LEN = 15 }; /* as the kernel keeps it */

struct wsm_process {
    pid_t pid;
    pid_t parent;
    pid_t group;
    pid_t session;
    uint64_t start;  /* ticks after boot: with the pid names the process for ever */
    char state;      /* 'Z' = ended, not yet reaped */
    bool is_refused; /* we may not signal it */
    char name[WSM_PROCESS_NAME_LEN + 1];
};

/* Reads the text of /proc/PID/stat. False: it is not that. */
bool wsm_process_parse(struct wsm_span stat, struct wsm_process *out) WSM_MUST_CHECK;

/* Processes, in any order. */
struct wsm_process_list {
    struct wsm_process *items; /* owned, freed by wsm_process_list_clear() */
    size_t count;
};
void wsm_process_list_clear(struct wsm_process_list *list);
/* All that runs on the machine, as far as we can see it. */
bool wsm_process_list_read(struct wsm_process_list *out, struct wsm_error *err) WSM_MUST_CHECK;

enum wsm_process_scope {
    WSM_PROCESS_GROUP,       /* the process group of `leader` */
    WSM_PROCESS_COMMAND,     /* its group, its session, and all descendants of those */
    WSM_PROCESS_DESCENDANTS, /* everything under `leader`, without itself */
};
/* Keeps in the list what lives, is under `root`, and in the scope of `leader`. */
void wsm_process_list_select(struct wsm_process_list *list, pid_t root,
                             enum wsm_process_scope scope, pid_t leader);

/* Signals everything under the calling process in the scope of `leader`, but nothing that
 * has got a pid anew; SIGKILL repeatedly until no new process turns up. out_found (may be
 * NULL, else owned by the caller): what the last round found, marked where refused. */
bool wsm_process_signal_all(enum wsm_process_scope scope, pid_t leader, int number,
                            struct wsm_process_list *out_found,
                            struct wsm_error *err) WSM_MUST_CHECK;

/* May the calling process have children other than the `count` in `known`? "Yes" in doubt. */
bool wsm_process_has_strangers(const pid_t *known, size_t count);

#endif
