/* The command line of winrmd. See winrmd(8). */
#ifndef WSM_MONITOR_OPTIONS_H
#define WSM_MONITOR_OPTIONS_H

#include "base/error.h"
#include "base/log.h"

#include <stddef.h>

enum wsm_action {
    WSM_ACTION_SERVE,
    WSM_ACTION_CHECK, /* -t */
    WSM_ACTION_HELP,
    WSM_ACTION_VERSION,
    WSM_ACTION_USER_ADD,
};

/* Texts are borrowed from argv; `overrides` is owned. */
struct wsm_options {
    enum wsm_action action;
    const char *config_path; /* NULL: the default place */
    const char **overrides;  /* NAME=VALUE, in order */
    size_t override_count;
    bool allow_root_shells;
    int watch_fd; /* -1 = none */
    enum wsm_log_level log_level;
    const char *user_name; /* user add */
};

/* ERROR_INVALID_PARAMETER names the argument. */
bool wsm_options_parse(struct wsm_options *options, int argc, char **argv,
                       struct wsm_error *err) WSM_MUST_CHECK;
void wsm_options_clear(struct wsm_options *options);

/* What --help prints. */
extern const char wsm_options_help[];

#endif
