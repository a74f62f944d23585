/* wsm_config_parse, _override and _write, wsm_settings_take, wsm_listen_address_parse and
 * _write: the settings of a winrmd.conf that is accepted are written, given as -o and written as
 * the same, and taken by winrmd-net. The input is the file; then one -o; then what winrmd-net
 * is told. */
#include "fuzz.h"
#include "ipc/frame.h"
#include "monitor/config.h"
#include "server/settings.h"

static const struct wsm_config_user user = { .uid = 1000, .home = "/home/u" };

static struct wsm_config defaults(void)
{
    struct wsm_config config;

    check(wsm_config_init(&config, &user, NULL));
    return config;
}

/* What winrmd-net makes of it. */
static void take_settings(const struct wsm_config *config, struct wsm_span list)
{
    struct wsm_settings settings;

    wsm_settings_init(&settings);
    check(wsm_settings_take(&settings, list, NULL));
    check(settings.basic == (config->numbers[WSM_SETTING_BASIC] != 0));
    check(settings.idle_timeout_ms == config->numbers[WSM_SETTING_IDLE_TIMEOUT]);
    check(settings.max_envelope_size ==
          (size_t)config->numbers[WSM_SETTING_MAX_ENVELOPE_SIZE_KB] * 1024);
    check(strcmp(settings.users_file, config->paths[WSM_SETTING_USERS_FILE]) == 0);
    if (wsm_config_check(config, NULL))
        check(wsm_settings_idle_timeout(&settings, -1) == settings.idle_timeout_ms);
    check(wsm_settings_idle_timeout(&settings, INT64_MAX) == settings.max_idle_timeout_ms);
    check(wsm_settings_operation_timeout(&settings, -1) == settings.max_timeout_ms);
    check(wsm_settings_operation_timeout(&settings, 0) <= settings.max_timeout_ms);
    wsm_settings_clear(&settings);
}

static void write_again(const struct wsm_config *config)
{
    struct wsm_config same = defaults();
    struct wsm_buf list = WSM_BUF_INIT;
    struct wsm_buf again = WSM_BUF_INIT;
    struct wsm_span rest;
    const char *text;

    wsm_config_write(config, &list);
    rest = wsm_buf_span(&list);
    check(wsm_buf_ok(&list) && wsm_strings_are_valid(rest));
    take_settings(config, rest);
    while (wsm_strings_next(&rest, &text))
        check(wsm_config_override(&same, text, NULL));
    wsm_config_write(&same, &again);
    check(wsm_span_equal(wsm_buf_span(&list), wsm_buf_span(&again)));
    wsm_config_clear(&same);
    wsm_buf_clear(&list);
    wsm_buf_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wsm_config config = defaults();
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_settings settings;
    char *assignment = string_of(data, size);

    if (wsm_config_parse(&config, "winrmd.conf", wsm_span_of(data, size), &err))
        write_again(&config);
    else
        check(err.code != 0);
    wsm_error_clear(&err);
    if (wsm_config_override(&config, assignment, &err))
        write_again(&config);
    wsm_error_clear(&err);
    wsm_settings_init(&settings);
    check(wsm_settings_take(&settings, wsm_span_of(data, size), &err) == (err.code == 0));
    wsm_settings_clear(&settings);
    wsm_error_clear(&err);
    wsm_config_clear(&config);
    free(assignment);
    return 0;
}
