/* The settings of winrmd.conf. Pure. What the values mean is not known here. */
#include "ipc/settings_table.h"

#include "wsmerror.h"

#include <inttypes.h>

const struct wsm_setting_row wsm_settings_table[WSM_SETTINGS] = {
    [WSM_SETTING_LISTEN] = { "Listen", WSM_SETTING_KIND_LISTEN, 0, 0, 0 },
    [WSM_SETTING_ALLOW_UNENCRYPTED] = { "AllowUnencrypted", WSM_SETTING_KIND_BOOLEAN, 0, 1, 0 },
    [WSM_SETTING_BASIC] = { "Basic", WSM_SETTING_KIND_BOOLEAN, 0, 1, 0 },
    [WSM_SETTING_USERS_FILE] = { "UsersFile", WSM_SETTING_KIND_PATH, 0, 0, 0 },
    [WSM_SETTING_RUN_DIRECTORY] = { "RunDirectory", WSM_SETTING_KIND_PATH, 0, 0, 0 },
    [WSM_SETTING_ALLOW_REMOTE_SHELL_ACCESS] = { "AllowRemoteShellAccess", WSM_SETTING_KIND_BOOLEAN,
                                                0, 1, 1 },
    [WSM_SETTING_IDLE_TIMEOUT] = { "IdleTimeout", WSM_SETTING_KIND_NUMBER, 1, INT32_MAX, 7200000 },
    [WSM_SETTING_MIN_IDLE_TIMEOUT] = { "MinIdleTimeout", WSM_SETTING_KIND_NUMBER, 1, INT32_MAX,
                                       60000 },
    [WSM_SETTING_MAX_IDLE_TIMEOUT_MS] = { "MaxIdleTimeoutms", WSM_SETTING_KIND_NUMBER, 1, INT32_MAX,
                                          INT32_MAX },
    [WSM_SETTING_MAX_TIMEOUT_MS] = { "MaxTimeoutms", WSM_SETTING_KIND_NUMBER, 500, UINT32_MAX,
                                     60000 },
    [WSM_SETTING_MAX_ENVELOPE_SIZE_KB] = { "MaxEnvelopeSizekb", WSM_SETTING_KIND_NUMBER, 32, 4096,
                                           500 },
    [WSM_SETTING_MAX_CONNECTIONS] = { "MaxConnections", WSM_SETTING_KIND_NUMBER, 1, 65535, 300 },
    [WSM_SETTING_MAX_SHELLS_PER_USER] = { "MaxShellsPerUser", WSM_SETTING_KIND_NUMBER, 1, 4096,
                                          30 },
    [WSM_SETTING_MAX_CONCURRENT_COMMANDS_PER_SHELL] = { "MaxConcurrentCommandsPerShell",
                                                        WSM_SETTING_KIND_NUMBER, 1, 65535, 1000 },
    [WSM_SETTING_MAX_PACKET_RETRIEVAL_TIME_SECONDS] = { "MaxPacketRetrievalTimeSeconds",
                                                        WSM_SETTING_KIND_NUMBER, 1, 86400, 120 },
    [WSM_SETTING_DRAIN_TIMEOUT] = { "DrainTimeout", WSM_SETTING_KIND_NUMBER, 0, INT32_MAX, 0 },
    [WSM_SETTING_AUTO_DISCONNECT_TIMEOUT] = { "AutoDisconnectTimeout", WSM_SETTING_KIND_NUMBER_OR_0,
                                              1000, INT32_MAX, 60000 },
};

enum wsm_setting wsm_setting_find(struct wsm_span name)
{
    for (size_t i = 0; i < WSM_SETTINGS; i++)
        if (wsm_span_is_nocase(name, wsm_settings_table[i].name))
            return (enum wsm_setting)i;
    return WSM_SETTINGS;
}

static bool parse_boolean(struct wsm_span text, int64_t *out, struct wsm_error *err)
{
    bool is_true = wsm_span_is_nocase(text, "true");

    if (!is_true && !wsm_span_is_nocase(text, "false"))
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "must be true or false");
    *out = is_true;
    return true;
}

bool wsm_setting_parse(enum wsm_setting which, struct wsm_span text, int64_t *out,
                       struct wsm_error *err)
{
    const struct wsm_setting_row *row = &wsm_settings_table[which];
    bool ok = text.len > 0 && text.len <= 12; /* cannot overflow */
    int64_t number = 0;
    bool is_none;

    if (row->kind == WSM_SETTING_KIND_BOOLEAN)
        return parse_boolean(text, out, err);
    for (size_t i = 0; i < text.len && ok; i++) {
        ok = text.ptr[i] >= '0' && text.ptr[i] <= '9';
        number = number * 10 + (text.ptr[i] - '0');
    }
    is_none = ok && number == 0 && row->kind == WSM_SETTING_KIND_NUMBER_OR_0;
    if (!is_none && (!ok || number < row->lowest || number > row->highest))
        return wsm_fail(
            err, ERROR_INVALID_PARAMETER, "must be %sa number from %" PRId64 " to %" PRId64,
            row->kind == WSM_SETTING_KIND_NUMBER_OR_0 ? "0 or " : "", row->lowest, row->highest);
    *out = number;
    return true;
}
