/* Typed settings from NAME=VALUE strings. Pure; the winrmd-net loop calls it once.
 * Reads no file: the monitor did, and checked the names. */
#include "server/settings.h"

#include "ipc/frame.h"
#include "ipc/settings_table.h"
#include "wsmerror.h"

#include <stdlib.h>
#include <string.h>

enum {
    OPERATION_TIMEOUT_MIN_MS = 100, /* less than a round trip could never be kept */
};

enum kind { KIND_BOOL, KIND_I64, KIND_SIZE, KIND_U32, KIND_TEXT };

/* Where a setting goes. Its value in the file times `unit` is what is stored. */
static const struct place {
    enum wsm_setting setting;
    enum kind kind;
    size_t offset;
    int64_t unit;
} places[] = {
#define AT(field) offsetof(struct wsm_settings, field)
    { WSM_SETTING_ALLOW_UNENCRYPTED, KIND_BOOL, AT(allow_unencrypted), 1 },
    { WSM_SETTING_BASIC, KIND_BOOL, AT(basic), 1 },
    { WSM_SETTING_ALLOW_REMOTE_SHELL_ACCESS, KIND_BOOL, AT(allow_remote_shell_access), 1 },
    { WSM_SETTING_USERS_FILE, KIND_TEXT, AT(users_file), 1 },
    { WSM_SETTING_IDLE_TIMEOUT, KIND_I64, AT(idle_timeout_ms), 1 },
    { WSM_SETTING_MIN_IDLE_TIMEOUT, KIND_I64, AT(min_idle_timeout_ms), 1 },
    { WSM_SETTING_MAX_IDLE_TIMEOUT_MS, KIND_I64, AT(max_idle_timeout_ms), 1 },
    { WSM_SETTING_MAX_TIMEOUT_MS, KIND_I64, AT(max_timeout_ms), 1 },
    { WSM_SETTING_MAX_PACKET_RETRIEVAL_TIME_SECONDS, KIND_I64, AT(packet_retrieval_ms), 1000 },
    { WSM_SETTING_DRAIN_TIMEOUT, KIND_I64, AT(drain_timeout_ms), 1 },
    { WSM_SETTING_AUTO_DISCONNECT_TIMEOUT, KIND_I64, AT(auto_disconnect_ms), 1 },
    { WSM_SETTING_MAX_ENVELOPE_SIZE_KB, KIND_SIZE, AT(max_envelope_size), 1024 },
    { WSM_SETTING_MAX_CONNECTIONS, KIND_SIZE, AT(max_connections), 1 },
    { WSM_SETTING_MAX_SHELLS_PER_USER, KIND_SIZE, AT(max_shells_per_user), 1 },
    { WSM_SETTING_MAX_CONCURRENT_COMMANDS_PER_SHELL, KIND_U32, AT(max_commands_per_shell), 1 },
#undef AT
};

static void store(struct wsm_settings *settings, const struct place *place, int64_t value)
{
    void *field = (char *)settings + place->offset;

    value *= place->unit;
    if (place->kind == KIND_BOOL)
        *(bool *)field = value != 0;
    else if (place->kind == KIND_I64)
        *(int64_t *)field = value;
    else if (place->kind == KIND_SIZE)
        *(size_t *)field = (size_t)value;
    else if (place->kind == KIND_U32)
        *(uint32_t *)field = (uint32_t)value;
}

void wsm_settings_init(struct wsm_settings *settings)
{
    *settings = (struct wsm_settings){ .log_level = WSM_LOG_INFO };
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        store(settings, &places[i], wsm_settings_table[places[i].setting].initial);
}

void wsm_settings_clear(struct wsm_settings *settings)
{
    free(settings->users_file);
    *settings = (struct wsm_settings){ 0 };
}

static bool take_text(char **field, struct wsm_span value)
{
    char *copy = strndup((const char *)value.ptr, value.len);

    if (copy == NULL)
        return false;
    free(*field);
    *field = copy;
    return true;
}

static bool take(struct wsm_settings *settings, struct wsm_span name, struct wsm_span value)
{
    struct wsm_error why = WSM_ERROR_INIT;
    enum wsm_setting setting = wsm_setting_find(name);
    int64_t number;

    if (wsm_span_is_nocase(name, "LogLevel")) /* an option of the command line only */
        return wsm_log_level_parse((const char *)value.ptr, &settings->log_level);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (places[i].setting != setting)
            continue;
        if (places[i].kind == KIND_TEXT)
            return take_text((char **)((char *)settings + places[i].offset), value);
        if (!wsm_setting_parse(setting, value, &number, &why)) {
            wsm_error_clear(&why);
            return false;
        }
        store(settings, &places[i], number);
        return true;
    }
    return true;
}

bool wsm_settings_take(struct wsm_settings *settings, struct wsm_span values, struct wsm_error *err)
{
    const char *text;

    if (!wsm_strings_are_valid(values))
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "settings: not a list of strings");
    while (wsm_strings_next(&values, &text)) {
        const char *equal = strchr(text, '=');

        if (equal == NULL)
            return wsm_fail(err, ERROR_INVALID_PARAMETER, "setting %s: no value", text);
        if (!take(settings, wsm_span_of(text, (size_t)(equal - text)), wsm_span_str(equal + 1)))
            return wsm_fail(err, ERROR_INVALID_PARAMETER, "setting %s: value cannot be used", text);
    }
    return true;
}

int64_t wsm_settings_idle_timeout(const struct wsm_settings *settings, int64_t wanted_ms)
{
    int64_t value = wanted_ms < 0 ? settings->idle_timeout_ms : wanted_ms;

    if (value < settings->min_idle_timeout_ms)
        value = settings->min_idle_timeout_ms;
    if (value > settings->max_idle_timeout_ms)
        value = settings->max_idle_timeout_ms;
    return value;
}

int64_t wsm_settings_operation_timeout(const struct wsm_settings *settings, int64_t wanted_ms)
{
    if (wanted_ms < 0 || wanted_ms > settings->max_timeout_ms)
        return settings->max_timeout_ms;
    return wanted_ms < OPERATION_TIMEOUT_MIN_MS ? OPERATION_TIMEOUT_MIN_MS : wanted_ms;
}

const char *wsm_settings_missing(const struct wsm_settings *settings)
{
    if (!settings->basic)
        return "Basic";
    return settings->allow_unencrypted ? NULL : "AllowUnencrypted";
}
