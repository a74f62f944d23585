/* Shell hosts: starts them, finds those that live, connects to them and checks who they
 * are. Source: docs/host-protocol.md, "The run directory", "The start of a host". */
#ifndef WSM_MONITOR_HOSTS_H
#define WSM_MONITOR_HOSTS_H

#include "monitor/host_record.h"
#include "monitor/loop.h"

enum {
    WSM_HOSTS_MAX = 4096,        /* hosts started by this monitor and alive */
    WSM_HOSTS_SCAN_AT_ONCE = 4,  /* connections in flight during a scan */
    WSM_HOSTS_CONNECT_MS = 5000, /* until a host must have answered */
};

struct wsm_hosts;

struct wsm_hosts_events {
    /* Connected and checked, or born so. fd is borrowed. request is 0 for one that the scan
     * found. */
    void (*on_connected)(struct wsm_hosts *hosts, uint64_t request, uint64_t id,
                         const struct wsm_host_record *record, int fd);
    /* request is never 0. */
    void (*on_failed)(struct wsm_hosts *hosts, uint64_t request, uint64_t id,
                      const struct wsm_error *err);
    /* May the scan go on, or is the way to net full? Then wsm_hosts_resume_scan(). */
    bool (*can_take)(struct wsm_hosts *hosts);
    void (*on_scan_end)(struct wsm_hosts *hosts);
};

/* How hosts are started; all borrowed as long as the hosts object lives. */
struct wsm_hosts_options {
    const char *program;
    char *const *environment; /* of the user, NULL-terminated */
    const char *nofile;       /* SOFT:HARD */
    int watch_fd;             /* -1 = none */
    uid_t uid;                /* who they run as */
};

/* Embedded. */
struct wsm_hosts {
    struct wsm_loop *loop;
    const struct wsm_run_dir *dir;
    const struct wsm_hosts_events *events;
    struct wsm_hosts_options options;
    struct wsm_list children; /* started by us, not reaped yet */
    size_t child_count;
    struct wsm_list found; /* started by an earlier monitor, connected to by us */
    struct wsm_list dials; /* connections being made */
    uint64_t *scan;        /* owned: ids found and not yet connected to; NULL = no scan */
    size_t scan_next;
    size_t scan_count;
    size_t scan_active; /* dials of the scan */
    struct wsm_timer scan_timer;
};

void wsm_hosts_init(struct wsm_hosts *hosts, struct wsm_loop *loop, const struct wsm_run_dir *dir,
                    const struct wsm_hosts_events *events, const struct wsm_hosts_options *options);
/* Lets go of everything; the hosts live on. */
void wsm_hosts_clear(struct wsm_hosts *hosts);

/* Starts a host; on_connected comes before this returns true. A host that fails at its
 * start shows as the end of that connection. */
bool wsm_hosts_start(struct wsm_hosts *hosts, uint64_t request, const char *shell_id,
                     const char *owner, struct wsm_error *err) WSM_MUST_CHECK;
/* A fresh connection to a known one. ERROR_WSMAN_UNEXPECTED_SELECTORS: there is none. */
bool wsm_hosts_connect(struct wsm_hosts *hosts, uint64_t request, uint64_t id,
                       struct wsm_error *err) WSM_MUST_CHECK;
/* Connects to every host with a record, then on_scan_end. Ends a scan that runs. */
void wsm_hosts_start_scan(struct wsm_hosts *hosts);
void wsm_hosts_resume_scan(struct wsm_hosts *hosts);
/* Net is gone: ends the scan, forgets requests. Hosts that nobody opened leave by themselves. */
void wsm_hosts_cancel(struct wsm_hosts *hosts);

/* waitpid() has returned it. False: not a host of ours. */
bool wsm_hosts_on_exit(struct wsm_hosts *hosts, pid_t pid, int status);

#endif
