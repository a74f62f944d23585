/* winrmd: the program. Reads the command line and the settings, then is the monitor, or
 * checks the settings, or hands over to winrmd-auth, which keeps the users file. */
#include "base/log.h"
#include "monitor/config.h"
#include "monitor/monitor.h"
#include "monitor/options.h"
#include "monitor/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_USAGE = 64, EXIT_CONFIG = 78 };

static int complain(const struct wsm_error *err, int code)
{
    fprintf(stderr, "winrmd: %s\n", wsm_error_text(err));
    return code;
}

/* Defaults, then the file, then -o. */
static bool load_config(const struct wsm_options *options, struct wsm_config *config,
                        struct wsm_error *err)
{
    struct wsm_config_user user = wsm_config_this_user();
    char *path = NULL;
    bool ok;

    if (!wsm_config_init(config, &user, err))
        return false;
    if (options->config_path != NULL)
        ok = wsm_config_load(config, options->config_path, true, err);
    else
        ok = wsm_config_default_path(&user, &path, err) &&
             wsm_config_load(config, path, false, err);
    for (size_t i = 0; i < options->override_count && ok; i++)
        ok = wsm_config_override(config, options->overrides[i], err);
    if (ok)
        ok = wsm_config_check(config, err);
    free(path);
    if (!ok)
        wsm_config_clear(config);
    return ok;
}

/* libcrypt is linked into winrmd-auth only. */
static int add_user(const struct wsm_options *options, const struct wsm_config *config)
{
    char *path = NULL;
    struct wsm_error err = WSM_ERROR_INIT;
    int code;

    if (wsm_program_find("winrmd-auth", &path, &err)) {
        execl(path, path, "user", "add", options->user_name, config->paths[WSM_SETTING_USERS_FILE],
              (char *)NULL);
        wsm_fail(&err, (uint32_t)EXIT_FAILURE, "%s: %s", path, strerror(errno));
    }
    code = complain(&err, EXIT_FAILURE);
    wsm_error_clear(&err);
    free(path);
    return code;
}

static int serve(const struct wsm_options *options, const struct wsm_config *config)
{
    struct wsm_error err = WSM_ERROR_INIT;

    wsm_log_set_name("winrmd");
    wsm_log_set_sink(wsm_log_to_stderr, options->log_level);
    if (wsm_monitor_run(options, config, &err))
        return EXIT_SUCCESS;
    wsm_log_error("%s", wsm_error_text(&err));
    wsm_error_clear(&err);
    return EXIT_FAILURE;
}

static int run(const struct wsm_options *options)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_config config;
    int code = EXIT_SUCCESS;

    if (options->action == WSM_ACTION_HELP) {
        fputs(wsm_options_help, stdout);
        return EXIT_SUCCESS;
    }
    if (options->action == WSM_ACTION_VERSION) {
        puts("winrmd " WSM_VERSION);
        return EXIT_SUCCESS;
    }
    if (!load_config(options, &config, &err)) {
        code = complain(&err, EXIT_CONFIG);
        wsm_error_clear(&err);
        return code;
    }
    if (options->action == WSM_ACTION_CHECK)
        puts("OK");
    else if (options->action == WSM_ACTION_USER_ADD)
        code = add_user(options, &config);
    else
        code = serve(options, &config);
    wsm_config_clear(&config);
    return code;
}

/* Whoever starts us with 0, 1 or 2 closed must not find a socket of ours there. */
static bool open_standard_files(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    return fd >= 0 && close(fd) == 0;
}

int main(int argc, char **argv)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_options options;
    int code;

    if (!open_standard_files())
        return EXIT_FAILURE;
    if (!wsm_options_parse(&options, argc, argv, &err)) {
        code = complain(&err, EXIT_USAGE);
        fputs("Try winrmd --help\n", stderr);
        wsm_error_clear(&err);
        return code;
    }
    code = run(&options);
    wsm_options_clear(&options);
    return code;
}
