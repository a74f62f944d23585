/* The settings of the service, from a table. The monitor, before its loop runs; also
 * `winrmd -t` and `winrmd user add`. What the values mean is not known here. */
#include "monitor/config.h"

#include "wsmerror.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct wsm_config_user wsm_config_this_user(void)
{
    struct wsm_config_user user = { .is_root = geteuid() == 0,
                                    .uid = geteuid(),
                                    .home = getenv("HOME"),
                                    .config_home = getenv("XDG_CONFIG_HOME"),
                                    .runtime_dir = getenv("XDG_RUNTIME_DIR") };

    if (user.home == NULL || user.home[0] != '/') {
        const struct passwd *entry = getpwuid(user.uid);

        user.home = entry == NULL ? "/" : entry->pw_dir;
    }
    return user;
}

static bool make_text(char **out, struct wsm_error *err, const char *format, ...) WSM_PRINTF(3, 4);

static bool make_text(char **out, struct wsm_error *err, const char *format, ...)
{
    va_list args;
    char *text;
    int length;

    va_start(args, format);
    length = vasprintf(&text, format, args);
    va_end(args);
    if (length < 0)
        return wsm_fail_memory(err, "settings");
    free(*out);
    *out = text;
    return true;
}

static bool config_path(const struct wsm_config_user *user, const char *name, char **out,
                        struct wsm_error *err)
{
    if (user->is_root)
        return make_text(out, err, "/etc/winrmd/%s", name);
    /* XDG: a path that is not absolute counts as not set. */
    if (user->config_home != NULL && user->config_home[0] == '/')
        return make_text(out, err, "%s/winrmd/%s", user->config_home, name);
    return make_text(out, err, "%s/.config/winrmd/%s", user->home, name);
}

bool wsm_config_default_path(const struct wsm_config_user *user, char **out_path,
                             struct wsm_error *err)
{
    char *path = NULL;

    if (!config_path(user, "winrmd.conf", &path, err))
        return false;
    *out_path = path;
    return true;
}

static bool run_path(const struct wsm_config_user *user, char **out, struct wsm_error *err)
{
    if (user->is_root)
        return make_text(out, err, "/run/winrmd");
    if (user->runtime_dir != NULL && user->runtime_dir[0] == '/')
        return make_text(out, err, "%s/winrmd", user->runtime_dir);
    return make_text(out, err, "/tmp/winrmd-%u", user->uid);
}

bool wsm_config_init(struct wsm_config *config, const struct wsm_config_user *user,
                     struct wsm_error *err)
{
    static const char listen[] = "127.0.0.1:5985";

    *config = (struct wsm_config){ 0 };
    for (size_t i = 0; i < WSM_SETTINGS; i++)
        config->numbers[i] = wsm_settings_table[i].initial;
    if (!wsm_listen_address_parse(wsm_span_str(listen), &config->listen[0], err) ||
        !config_path(user, "users", &config->paths[WSM_SETTING_USERS_FILE], err) ||
        !run_path(user, &config->paths[WSM_SETTING_RUN_DIRECTORY], err)) {
        wsm_config_clear(config);
        return false;
    }
    config->listen_count = 1;
    return true;
}

void wsm_config_clear(struct wsm_config *config)
{
    for (size_t i = 0; i < WSM_SETTINGS; i++) {
        free(config->paths[i]);
        config->paths[i] = NULL;
    }
}

/* Relative paths count from where winrmd was started: it and its children move. */
static bool parse_path(struct wsm_span text, char **out, struct wsm_error *err)
{
    char *here;
    bool ok;

    if (text.len == 0)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "must be a path");
    if (text.ptr[0] == '/')
        return make_text(out, err, "%.*s", (int)text.len, (const char *)text.ptr);
    here = getcwd(NULL, 0);
    if (here == NULL)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "working directory: %s", strerror(errno));
    ok = make_text(out, err, "%s/%.*s", here, (int)text.len, (const char *)text.ptr);
    free(here);
    return ok;
}

/* is_first: the values known so far come from a weaker source. */
static bool add_listen(struct wsm_config *config, struct wsm_span text, bool is_first,
                       struct wsm_error *err)
{
    struct wsm_listen_address address;
    size_t count = is_first ? 0 : config->listen_count;

    if (!wsm_listen_address_parse(text, &address, err))
        return false;
    if (count == WSM_CONFIG_LISTEN_MAX)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "at most %d addresses",
                        WSM_CONFIG_LISTEN_MAX);
    config->listen[count] = address;
    config->listen_count = count + 1;
    return true;
}

static bool set_value(struct wsm_config *config, enum wsm_setting which, struct wsm_span text,
                      bool is_first, struct wsm_error *err)
{
    const struct wsm_setting_row *setting = &wsm_settings_table[which];

    switch (setting->kind) {
    case WSM_SETTING_KIND_LISTEN:
        return add_listen(config, text, is_first, err);
    case WSM_SETTING_KIND_BOOLEAN:
    case WSM_SETTING_KIND_NUMBER:
    case WSM_SETTING_KIND_NUMBER_OR_0:
        return wsm_setting_parse(which, text, &config->numbers[which], err);
    case WSM_SETTING_KIND_PATH:
        return parse_path(text, &config->paths[which], err);
    }
    return wsm_fail(err, ERROR_INTERNAL_ERROR, "setting %s", setting->name);
}

/* NAME = VALUE; the setting's number, WSM_SETTINGS if it is none of ours. */
static bool split(struct wsm_span line, enum wsm_setting *out_which, struct wsm_span *out_value,
                  struct wsm_error *err)
{
    const uint8_t *equals = line.len == 0 ? NULL : memchr(line.ptr, '=', line.len);
    enum wsm_setting which;
    struct wsm_span name;

    if (line.len > 0 && memchr(line.ptr, '\0', line.len) != NULL)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "holds a NUL byte");
    if (equals == NULL)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "must be NAME = VALUE");
    name = wsm_span_trim(wsm_span_of(line.ptr, (size_t)(equals - line.ptr)));
    which = wsm_setting_find(name);
    if (which == WSM_SETTINGS)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "unknown setting \"%.*s\"", (int)name.len,
                        (const char *)name.ptr);
    *out_which = which;
    *out_value = wsm_span_trim(wsm_span_of(equals + 1, line.len - (size_t)(equals - line.ptr) - 1));
    return true;
}

static bool parse_line(struct wsm_config *config, struct wsm_span line, size_t number,
                       struct wsm_error *err)
{
    struct wsm_error why = WSM_ERROR_INIT;
    enum wsm_setting which;
    struct wsm_span value;
    size_t before;
    bool is_list;

    if (line.len > WSM_CONFIG_LINE_MAX)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "longer than %d bytes", WSM_CONFIG_LINE_MAX);
    line = wsm_span_trim(line);
    if (line.len == 0 || line.ptr[0] == '#')
        return true;
    if (!split(line, &which, &value, err))
        return false;
    before = config->set_at[which];
    is_list = wsm_settings_table[which].kind == WSM_SETTING_KIND_LISTEN;
    if (before != 0 && !is_list)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "%s is set in line %zu already",
                        wsm_settings_table[which].name, before);
    if (!set_value(config, which, value, before == 0, &why)) {
        wsm_fail(err, why.code, "%s %s", wsm_settings_table[which].name, wsm_error_text(&why));
        wsm_error_clear(&why);
        return false;
    }
    config->set_at[which] = number;
    return true;
}

bool wsm_config_parse(struct wsm_config *config, const char *path, struct wsm_span text,
                      struct wsm_error *err)
{
    struct wsm_error why = WSM_ERROR_INIT;

    for (size_t number = 1; text.len > 0; number++) {
        const uint8_t *end = memchr(text.ptr, '\n', text.len);
        size_t len = end == NULL ? text.len : (size_t)(end - text.ptr);

        if (!parse_line(config, wsm_span_of(text.ptr, len), number, &why)) {
            wsm_fail(err, why.code, "%s, line %zu: %s", path, number, wsm_error_text(&why));
            wsm_error_clear(&why);
            return false;
        }
        if (end != NULL)
            len++;
        text.ptr += len;
        text.len -= len;
    }
    return true;
}

static bool read_file(int fd, const char *path, struct wsm_buf *out, struct wsm_error *err)
{
    struct stat st;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "%s: not a regular file", path);
    for (;;) {
        ssize_t count;

        if (!wsm_buf_reserve(out, 4096))
            return wsm_fail_memory(err, "settings");
        count = read(fd, wsm_buf_end(out), wsm_buf_room(out));
        if (count < 0)
            return wsm_fail(err, ERROR_ACCESS_DENIED, "%s: %s", path, strerror(errno));
        if (count == 0)
            return true;
        wsm_buf_added(out, (size_t)count);
        if (out->len > WSM_CONFIG_FILE_MAX)
            return wsm_fail(err, ERROR_INVALID_PARAMETER, "%s: larger than %d bytes", path,
                            WSM_CONFIG_FILE_MAX);
    }
}

bool wsm_config_load(struct wsm_config *config, const char *path, bool must_exist,
                     struct wsm_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct wsm_buf text = WSM_BUF_INIT;
    bool ok;

    if (fd < 0 && errno == ENOENT && !must_exist)
        return true;
    if (fd < 0)
        return wsm_fail(err, ERROR_FILE_NOT_FOUND, "%s: %s", path, strerror(errno));
    ok = read_file(fd, path, &text, err) &&
         wsm_config_parse(config, path, wsm_buf_span(&text), err);
    close(fd);
    wsm_buf_clear(&text);
    return ok;
}

bool wsm_config_override(struct wsm_config *config, const char *assignment, struct wsm_error *err)
{
    struct wsm_error why = WSM_ERROR_INIT;
    enum wsm_setting which;
    struct wsm_span value;

    if (!split(wsm_span_str(assignment), &which, &value, &why)) {
        wsm_fail(err, why.code, "-o %s: %s", assignment, wsm_error_text(&why));
    } else if (!set_value(config, which, value, !config->listen_is_override, &why)) {
        wsm_fail(err, why.code, "-o %s: %s %s", assignment, wsm_settings_table[which].name,
                 wsm_error_text(&why));
    } else {
        config->listen_is_override |= which == WSM_SETTING_LISTEN;
        return true;
    }
    wsm_error_clear(&why);
    return false;
}

bool wsm_config_check(const struct wsm_config *config, struct wsm_error *err)
{
    int64_t lowest = config->numbers[WSM_SETTING_MIN_IDLE_TIMEOUT];
    int64_t highest = config->numbers[WSM_SETTING_MAX_IDLE_TIMEOUT_MS];
    int64_t idle = config->numbers[WSM_SETTING_IDLE_TIMEOUT];

    if (idle < lowest || idle > highest)
        return wsm_fail(err, ERROR_INVALID_PARAMETER,
                        "IdleTimeout (%" PRId64 ") must lie between MinIdleTimeout (%" PRId64
                        ") and MaxIdleTimeoutms (%" PRId64 ")",
                        idle, lowest, highest);
    return true;
}

void wsm_config_write(const struct wsm_config *config, struct wsm_buf *out)
{
    char text[WSM_LISTEN_TEXT_SIZE];

    for (size_t i = 0; i < WSM_SETTINGS; i++) {
        const struct wsm_setting_row *setting = &wsm_settings_table[i];

        switch (setting->kind) {
        case WSM_SETTING_KIND_LISTEN:
            for (size_t k = 0; k < config->listen_count; k++) {
                wsm_listen_address_write(&config->listen[k], text);
                wsm_buf_printf(out, "%s=%s", setting->name, text);
                wsm_buf_append_byte(out, 0);
            }
            break;
        case WSM_SETTING_KIND_BOOLEAN:
            wsm_buf_printf(out, "%s=%s", setting->name, config->numbers[i] != 0 ? "true" : "false");
            wsm_buf_append_byte(out, 0);
            break;
        case WSM_SETTING_KIND_NUMBER:
        case WSM_SETTING_KIND_NUMBER_OR_0:
            wsm_buf_printf(out, "%s=%" PRId64, setting->name, config->numbers[i]);
            wsm_buf_append_byte(out, 0);
            break;
        case WSM_SETTING_KIND_PATH:
            wsm_buf_printf(out, "%s=%s", setting->name, config->paths[i]);
            wsm_buf_append_byte(out, 0);
            break;
        }
    }
}
