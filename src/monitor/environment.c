/* The environment of a user's shells. The monitor, before its loop runs: a host is static
 * and looks nothing up. */
#include "monitor/environment.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>

/* As login gives them in Debian. */
static const char ROOT_PATH[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
static const char USER_PATH[] = "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games";

static char *assignment(const char *name, const char *value)
{
    char *text = NULL;

    return asprintf(&text, "%s=%s", name, value) < 0 ? NULL : text;
}

/* A user without an entry, as in some containers, has its number for a name. */
bool wsm_environment_init(struct wsm_environment *environment, uid_t uid, struct wsm_error *err)
{
    const struct passwd *entry = getpwuid(uid);
    char number[16];
    const char *user, *home, *shell;

    snprintf(number, sizeof(number), "%u", uid);
    user = entry != NULL ? entry->pw_name : number;
    home = entry != NULL && entry->pw_dir[0] == '/' ? entry->pw_dir : "/";
    shell = entry != NULL && entry->pw_shell[0] == '/' ? entry->pw_shell : "/bin/sh";
    *environment = (struct wsm_environment){ 0 };
    environment->strings[0] = assignment("PATH", uid == 0 ? ROOT_PATH : USER_PATH);
    environment->strings[1] = assignment("HOME", home);
    environment->strings[2] = assignment("USER", user);
    environment->strings[3] = assignment("LOGNAME", user);
    environment->strings[4] = assignment("SHELL", shell);
    for (size_t i = 0; i < 5; i++) {
        if (environment->strings[i] == NULL) {
            wsm_environment_clear(environment);
            return wsm_fail_memory(err, "environment");
        }
    }
    return true;
}

void wsm_environment_clear(struct wsm_environment *environment)
{
    for (size_t i = 0; i < 5; i++) {
        free(environment->strings[i]);
        environment->strings[i] = NULL;
    }
}
