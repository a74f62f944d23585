/* The settings of winrmd.conf: names, ranges, defaults. The monitor reads the file by this
 * table and passes the values on as strings NAME=VALUE, which winrmd-net reads by it. */
#ifndef WSM_IPC_SETTINGS_TABLE_H
#define WSM_IPC_SETTINGS_TABLE_H

#include "base/error.h"
#include "base/span.h"

#include <stdint.h>

/* In the order of the table. */
enum wsm_setting {
    WSM_SETTING_LISTEN,
    WSM_SETTING_ALLOW_UNENCRYPTED,
    WSM_SETTING_BASIC,
    WSM_SETTING_USERS_FILE,
    WSM_SETTING_RUN_DIRECTORY,
    WSM_SETTING_ALLOW_REMOTE_SHELL_ACCESS,
    WSM_SETTING_IDLE_TIMEOUT,
    WSM_SETTING_MIN_IDLE_TIMEOUT,
    WSM_SETTING_MAX_IDLE_TIMEOUT_MS,
    WSM_SETTING_MAX_TIMEOUT_MS,
    WSM_SETTING_MAX_ENVELOPE_SIZE_KB,
    WSM_SETTING_MAX_CONNECTIONS,
    WSM_SETTING_MAX_SHELLS_PER_USER,
    WSM_SETTING_MAX_CONCURRENT_COMMANDS_PER_SHELL,
    WSM_SETTING_MAX_PACKET_RETRIEVAL_TIME_SECONDS,
    WSM_SETTING_DRAIN_TIMEOUT,
    WSM_SETTING_AUTO_DISCONNECT_TIMEOUT,
    WSM_SETTINGS
};

enum wsm_setting_kind {
    WSM_SETTING_KIND_LISTEN,
    WSM_SETTING_KIND_BOOLEAN,
    WSM_SETTING_KIND_NUMBER,
    WSM_SETTING_KIND_NUMBER_OR_0, /* 0 lies outside of the range and is good too */
    WSM_SETTING_KIND_PATH,
};

struct wsm_setting_row {
    const char *name;
    enum wsm_setting_kind kind;
    int64_t lowest, highest, initial; /* numbers and booleans */
};

extern const struct wsm_setting_row wsm_settings_table[WSM_SETTINGS];

/* Without regard to case; WSM_SETTINGS if there is none of that name. */
enum wsm_setting wsm_setting_find(struct wsm_span name);
/* A number or a boolean. */
bool wsm_setting_parse(enum wsm_setting which, struct wsm_span text, int64_t *out,
                       struct wsm_error *err) WSM_MUST_CHECK;

#endif
