/* winrmd-auth: checks passwords for the service, and keeps the users file for
 * `winrmd user add`. Runs as its own process; started by winrmd only. */
#include "authd/service.h"
#include "authd/user_add.h"
#include "base/log.h"
#include "ipc/control_messages.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

enum { EXIT_USAGE = 64 };

/* Passwords pass through here: no core file, no ptrace by other processes of the user. */
static void keep_secrets(void)
{
    const struct rlimit none = { 0, 0 };

    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    setrlimit(RLIMIT_CORE, &none);
}

/* Every secret is wiped by now; a leak checker could not attach otherwise. */
static int end(int code)
{
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    return code;
}

static int usage(void)
{
    fputs("winrmd-auth is started by winrmd. To add a user: winrmd user add NAME\n", stderr);
    return EXIT_USAGE;
}

static int add_user(const char *name, const char *path)
{
    struct wsm_error err = WSM_ERROR_INIT;

    if (wsm_user_add(path, name, &err))
        return end(EXIT_SUCCESS);
    fprintf(stderr, "winrmd: %s\n", wsm_error_text(&err));
    wsm_error_clear(&err);
    return end(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
    struct wsm_error err = WSM_ERROR_INIT;

    keep_secrets();
    if (argc == 5 && strcmp(argv[1], "user") == 0 && strcmp(argv[2], "add") == 0)
        return add_user(argv[3], argv[4]);
    if (argc != 1)
        return usage();
    signal(SIGPIPE, SIG_IGN);
    wsm_log_set_name("winrmd-auth");
    wsm_log_set_sink(wsm_log_to_stderr, WSM_LOG_INFO);
    if (wsm_auth_service_run(WSM_CONTROL_FD, &err))
        return end(EXIT_SUCCESS);
    wsm_log_error("%s", wsm_error_text(&err));
    wsm_error_clear(&err);
    return end(EXIT_FAILURE);
}
