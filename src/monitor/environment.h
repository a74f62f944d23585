/* What a shell's commands find in their environment before the client adds to it. */
#ifndef WSM_MONITOR_ENVIRONMENT_H
#define WSM_MONITOR_ENVIRONMENT_H

#include "base/error.h"

#include <sys/types.h>

/* "NAME=VALUE", NULL at the end; the strings are owned. Empty when zeroed. */
struct wsm_environment {
    char *strings[6];
};

/* PATH, HOME, USER, LOGNAME, SHELL of the user. Asks the user database, which may block. */
bool wsm_environment_init(struct wsm_environment *environment, uid_t uid,
                          struct wsm_error *err) WSM_MUST_CHECK;
void wsm_environment_clear(struct wsm_environment *environment);

#endif
