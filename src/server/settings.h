/* The settings that winrmd-net needs, typed. They come from the monitor as NAME=VALUE. */
#ifndef WSM_SERVER_SETTINGS_H
#define WSM_SERVER_SETTINGS_H

#include "base/error.h"
#include "base/log.h"
#include "base/span.h"

#include <stddef.h>
#include <stdint.h>

struct wsm_settings {
    bool allow_unencrypted;
    bool basic;
    bool allow_remote_shell_access;
    char *users_file; /* owned; NULL = not told */
    int64_t idle_timeout_ms;
    int64_t min_idle_timeout_ms;
    int64_t max_idle_timeout_ms;
    int64_t max_timeout_ms;      /* longest OperationTimeout */
    int64_t packet_retrieval_ms; /* for a whole request to arrive */
    int64_t drain_timeout_ms;
    int64_t auto_disconnect_ms; /* 0 = never */
    size_t max_envelope_size;   /* bytes */
    size_t max_connections;
    size_t max_shells_per_user;
    uint32_t max_commands_per_shell;
    enum wsm_log_level log_level;
};

/* The defaults of winrmd.conf. */
void wsm_settings_init(struct wsm_settings *settings);
void wsm_settings_clear(struct wsm_settings *settings);

/* Takes a list of strings NAME=VALUE over the values that are there. Names that only
 * others need are skipped. ERROR_INVALID_PARAMETER names a value that cannot be used. */
bool wsm_settings_take(struct wsm_settings *settings, struct wsm_span values,
                       struct wsm_error *err) WSM_MUST_CHECK;

/* What a client gets that asks for `wanted_ms` (-1 = nothing said). */
int64_t wsm_settings_idle_timeout(const struct wsm_settings *settings, int64_t wanted_ms);
int64_t wsm_settings_operation_timeout(const struct wsm_settings *settings, int64_t wanted_ms);

/* The setting that keeps Basic from being offered; NULL: it is offered. */
const char *wsm_settings_missing(const struct wsm_settings *settings);

#endif
