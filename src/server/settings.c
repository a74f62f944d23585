/* Typed settings from NAME=VALUE strings. Pure; the winrmd-net loop calls it once.
 * Reads no file: the monitor did, and checked the names. */
#include "server/settings.h"

#include "ipc/frame.h"
#include "wsmerror.h"

#include <stdlib.h>
#include <string.h>

enum {
    OPERATION_TIMEOUT_MIN_MS = 100, /* less than a round trip could never be kept */
};

enum kind { KIND_BOOL, KIND_I64, KIND_SIZE, KIND_U32, KIND_TEXT, KIND_LEVEL };

/* Value in the file times `unit` is what is stored. */
static const struct setting {
    const char *name;
    enum kind kind;
    size_t offset;
    uint64_t lowest;
    uint64_t highest;
    uint64_t unit;
} table[] = {
#define AT(field) offsetof(struct wsm_settings, field)
    { "AllowUnencrypted", KIND_BOOL, AT(allow_unencrypted), 0, 0, 0 },
    { "Basic", KIND_BOOL, AT(basic), 0, 0, 0 },
    { "AllowRemoteShellAccess", KIND_BOOL, AT(allow_remote_shell_access), 0, 0, 0 },
    { "LogLevel", KIND_LEVEL, AT(log_level), 0, 0, 0 },
    { "UsersFile", KIND_TEXT, AT(users_file), 0, 0, 0 },
    { "IdleTimeout", KIND_I64, AT(idle_timeout_ms), 0, INT32_MAX, 1 },
    { "MinIdleTimeout", KIND_I64, AT(min_idle_timeout_ms), 0, INT32_MAX, 1 },
    { "MaxIdleTimeoutms", KIND_I64, AT(max_idle_timeout_ms), 0, INT32_MAX, 1 },
    { "MaxTimeoutms", KIND_I64, AT(max_timeout_ms), 500, UINT32_MAX, 1 },
    { "MaxPacketRetrievalTimeSeconds", KIND_I64, AT(packet_retrieval_ms), 1, 86400, 1000 },
    { "DrainTimeout", KIND_I64, AT(drain_timeout_ms), 0, INT32_MAX, 1 },
    { "AutoDisconnectTimeout", KIND_I64, AT(auto_disconnect_ms), 0, INT32_MAX, 1 },
    { "MaxEnvelopeSizekb", KIND_SIZE, AT(max_envelope_size), 32, 4096, 1024 },
    { "MaxConnections", KIND_SIZE, AT(max_connections), 1, 1000000, 1 },
    { "MaxShellsPerUser", KIND_SIZE, AT(max_shells_per_user), 0, INT32_MAX, 1 },
    { "MaxConcurrentCommandsPerShell", KIND_U32, AT(max_commands_per_shell), 1, INT32_MAX, 1 },
#undef AT
};

void wsm_settings_init(struct wsm_settings *settings)
{
    *settings = (struct wsm_settings){
        .allow_remote_shell_access = true,
        .idle_timeout_ms = 7200000,
        .min_idle_timeout_ms = 60000,
        .max_idle_timeout_ms = INT32_MAX,
        .max_timeout_ms = 60000,
        .packet_retrieval_ms = 120000,
        .auto_disconnect_ms = 60000,
        .max_envelope_size = (size_t)500 * 1024,
        .max_connections = 300,
        .max_shells_per_user = 30,
        .max_commands_per_shell = 1000,
        .log_level = WSM_LOG_INFO,
    };
}

void wsm_settings_clear(struct wsm_settings *settings)
{
    free(settings->users_file);
    *settings = (struct wsm_settings){ 0 };
}

static bool number_parse(struct wsm_span text, uint64_t *out)
{
    uint64_t value = 0;

    if (text.len == 0 || text.len > 10)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    *out = value;
    return true;
}

static bool take_bool(void *field, struct wsm_span value)
{
    bool is_true = wsm_span_is_nocase(value, "true");

    if (!is_true && !wsm_span_is_nocase(value, "false"))
        return false;
    *(bool *)field = is_true;
    return true;
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

static bool take_number(const struct setting *setting, void *field, struct wsm_span value)
{
    uint64_t number;

    if (!number_parse(value, &number) || number < setting->lowest || number > setting->highest)
        return false;
    number *= setting->unit;
    if (setting->kind == KIND_I64)
        *(int64_t *)field = (int64_t)number;
    else if (setting->kind == KIND_SIZE)
        *(size_t *)field = (size_t)number;
    else
        *(uint32_t *)field = (uint32_t)number;
    return true;
}

static bool take(struct wsm_settings *settings, struct wsm_span name, struct wsm_span value)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        void *field = (char *)settings + table[i].offset;

        if (!wsm_span_is_nocase(name, table[i].name))
            continue;
        if (table[i].kind == KIND_BOOL)
            return take_bool(field, value);
        if (table[i].kind == KIND_TEXT)
            return take_text(field, value);
        if (table[i].kind == KIND_LEVEL)
            return wsm_log_level_parse((const char *)value.ptr, field); /* ends with NUL */
        return take_number(&table[i], field, value);
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
