/* What the monitor keeps of a shell host in the run directory: files ID.sock and ID.host.
 * Source: docs/host-protocol.md, "The run directory". */
#ifndef WSM_MONITOR_HOST_RECORD_H
#define WSM_MONITOR_HOST_RECORD_H

#include "base/guid.h"
#include "monitor/logons.h"
#include "monitor/run_dir.h"

#include <sys/types.h>

enum {
    WSM_HOST_RECORD_MAX = 1024, /* bytes */
    WSM_HOST_NAME_SIZE = 32,    /* "0123456789abcdef.host" and NUL */
};

struct wsm_host_record {
    char shell_id[WSM_GUID_LEN + 1];
    char owner[WSM_LOGON_USER_MAX + 1];
    uid_t uid;
    pid_t pid;
    uint64_t start; /* of the process, clock ticks since boot, as in /proc/PID/stat */
};

/* File names of a host. */
void wsm_host_socket_name(uint64_t id, char out[WSM_HOST_NAME_SIZE]);
void wsm_host_record_name(uint64_t id, char out[WSM_HOST_NAME_SIZE]);
/* The id in a name that ends with `suffix` (".host", ".sock"); 0: not such a name. */
uint64_t wsm_host_name_parse(const char *name, const char *suffix);

/* The text of the file. Reading is strict: each name once, in order, nothing else. */
void wsm_host_record_write(const struct wsm_host_record *record, struct wsm_buf *out);
bool wsm_host_record_parse(struct wsm_span text, struct wsm_host_record *out,
                           struct wsm_error *err) WSM_MUST_CHECK;

bool wsm_host_record_save(const struct wsm_run_dir *dir, uint64_t id,
                          const struct wsm_host_record *record,
                          struct wsm_error *err) WSM_MUST_CHECK;
/* ERROR_FILE_NOT_FOUND if there is none. */
bool wsm_host_record_load(const struct wsm_run_dir *dir, uint64_t id, struct wsm_host_record *out,
                          struct wsm_error *err) WSM_MUST_CHECK;
/* Both files. */
void wsm_host_record_remove(const struct wsm_run_dir *dir, uint64_t id);

/* A shell id as the service takes it: 36 characters 8-4-4-4-12, nothing around it. */
bool wsm_shell_id_is_valid(struct wsm_span text);
/* When a process started; false if it cannot be told. */
bool wsm_process_start(pid_t pid, uint64_t *out_start) WSM_MUST_CHECK;

#endif
