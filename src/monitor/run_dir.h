/* The run directory: lock, chosen ports, and the folder that host sockets and records lie
 * in. Source: docs/host-protocol.md, "The run directory". */
#ifndef WSM_MONITOR_RUN_DIR_H
#define WSM_MONITOR_RUN_DIR_H

#include "base/buf.h"
#include "base/error.h"

struct wsm_run_dir {
    int fd;      /* -1 = closed */
    int lock_fd; /* holds the lock for as long as it is open */
};

/* Makes the directory (mode 0700, not its parents) if there is none. Refuses a symbolic
 * link, another owner, rights for group or others. */
bool wsm_run_dir_open(struct wsm_run_dir *dir, const char *path,
                      struct wsm_error *err) WSM_MUST_CHECK;
/* Takes the lock, trying for wait_ms; blocks meanwhile. ERROR_BUSY names the directory. */
bool wsm_run_dir_lock(struct wsm_run_dir *dir, const char *path, int wait_ms,
                      struct wsm_error *err) WSM_MUST_CHECK;
/* Makes it the working directory: host sockets are addressed relative to it, since an
 * address holds 108 bytes. */
bool wsm_run_dir_enter(const struct wsm_run_dir *dir, struct wsm_error *err) WSM_MUST_CHECK;
void wsm_run_dir_close(struct wsm_run_dir *dir);

/* Small files in it. read: appends at most `most` bytes; false with ERROR_FILE_NOT_FOUND
 * if there is none. write: makes NAME in one step, mode 0600; with is_new it must not
 * exist yet. */
bool wsm_run_dir_read(const struct wsm_run_dir *dir, const char *name, size_t most,
                      struct wsm_buf *out, struct wsm_error *err) WSM_MUST_CHECK;
bool wsm_run_dir_write(const struct wsm_run_dir *dir, const char *name, struct wsm_span text,
                       bool is_new, struct wsm_error *err) WSM_MUST_CHECK;
void wsm_run_dir_remove(const struct wsm_run_dir *dir, const char *name);

#endif
