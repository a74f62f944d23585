/* The shell host: one process for each shell, run as its user. Owns the shell's commands,
 * output, clocks; single-threaded. Source: docs/host-protocol.md. */
#ifndef WSM_HOST_HOST_H
#define WSM_HOST_HOST_H

#include "base/guid.h"
#include "host/chunks.h"
#include "host/connection.h"
#include "host/idle.h"
#include "host/link.h"
#include "host/shell.h"
#include "host/spawn.h"
#include "host/terminated.h"

enum {
    WSM_HOST_TOLD_MS = 30 * 1000, /* until OPEN must have come */
};

enum wsm_host_state {
    WSM_HOST_STATE_REFUSED, /* no state: what a forbidden transition leads to */
    WSM_HOST_STATE_NEW,     /* OPEN has not come */
    WSM_HOST_STATE_OPEN,
    WSM_HOST_STATE_ENDING,  /* killing what runs */
    WSM_HOST_STATE_LEAVING, /* the last words are on their way */
    WSM_HOST_STATE_GONE,
    WSM_HOST_STATES,
};

enum wsm_host_event {
    WSM_HOST_EVENT_OPENED,
    WSM_HOST_EVENT_END,     /* DELETE, idle, never told, starter gone */
    WSM_HOST_EVENT_EMPTY,   /* nothing runs that could be killed */
    WSM_HOST_EVENT_FLUSHED, /* all is sent, or nobody takes it */
    WSM_HOST_EVENTS,
};

struct wsm_host {
    enum wsm_host_state state;
    int epoll_fd;   /* owned */
    int64_t now_ms; /* of this turn of the loop */
    struct wsm_source listener;
    struct wsm_source signals;
    struct wsm_source starter;
    struct wsm_link link;
    struct wsm_shell shell;
    struct wsm_connection connection;
    struct wsm_idle idle;
    struct wsm_list commands;  /* owned; how many: command_count */
    struct wsm_list forgotten; /* owned, freed at the end of the turn */
    size_t command_count;
    struct wsm_chunk_pool chunks;
    size_t grown_pipes;
    struct wsm_spawn_limits limits;
    struct wsm_terminated terminated;
    int64_t told_ms;         /* NEW: when it has waited long enough */
    int64_t rest_ms;         /* when pipes and chunks are next looked at */
    int64_t kill_ms;         /* ENDING: when to kill again */
    int64_t ending_ms;       /* ENDING, LEAVING: when to give up */
    uint64_t delete_request; /* to be answered when nothing runs any more, 0 = none */
};

/* The only writer of host->state. False: refused, nothing changed. */
bool wsm_host_step(struct wsm_host *host, enum wsm_host_event event);

#endif
