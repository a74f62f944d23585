/* The settings of the service: defaults, winrmd.conf, -o. See winrmd.conf(5). */
#ifndef WSM_MONITOR_CONFIG_H
#define WSM_MONITOR_CONFIG_H

#include "base/buf.h"
#include "base/error.h"
#include "ipc/settings_table.h"
#include "monitor/listen_address.h"

enum {
    WSM_CONFIG_FILE_MAX = 256 * 1024, /* bytes */
    WSM_CONFIG_LINE_MAX = 4096,       /* bytes */
    WSM_CONFIG_LISTEN_MAX = 16,       /* addresses */
};

/* Who the defaults are for; all borrowed while the call lasts, NULL where unset. */
struct wsm_config_user {
    bool is_root;
    unsigned uid;
    const char *home;
    const char *config_home; /* XDG_CONFIG_HOME */
    const char *runtime_dir; /* XDG_RUNTIME_DIR */
};

struct wsm_config {
    int64_t numbers[WSM_SETTINGS]; /* numbers and booleans */
    char *paths[WSM_SETTINGS];     /* owned; absolute */
    size_t set_at[WSM_SETTINGS];   /* line of the file, 0 = not there */
    struct wsm_listen_address listen[WSM_CONFIG_LISTEN_MAX];
    size_t listen_count;
    bool listen_is_override; /* the listen addresses come from -o */
};

bool wsm_config_init(struct wsm_config *config, const struct wsm_config_user *user,
                     struct wsm_error *err) WSM_MUST_CHECK;
void wsm_config_clear(struct wsm_config *config);

/* The user that this process is. Borrowed from the environment and the user database. */
struct wsm_config_user wsm_config_this_user(void);
/* Where winrmd.conf is looked for without -c; owned by the caller. */
bool wsm_config_default_path(const struct wsm_config_user *user, char **out_path,
                             struct wsm_error *err) WSM_MUST_CHECK;

/* Reads the text of a configuration file called `path`. Errors name path and line. */
bool wsm_config_parse(struct wsm_config *config, const char *path, struct wsm_span text,
                      struct wsm_error *err) WSM_MUST_CHECK;
/* The same from the file itself; a missing one is an error only if must_exist. */
bool wsm_config_load(struct wsm_config *config, const char *path, bool must_exist,
                     struct wsm_error *err) WSM_MUST_CHECK;
/* NAME=VALUE of the command line; stands above the file. */
bool wsm_config_override(struct wsm_config *config, const char *assignment,
                         struct wsm_error *err) WSM_MUST_CHECK;
/* What only all settings together can tell. */
bool wsm_config_check(const struct wsm_config *config, struct wsm_error *err) WSM_MUST_CHECK;

/* Appends every setting as a string NAME=VALUE for net and auth. */
void wsm_config_write(const struct wsm_config *config, struct wsm_buf *out);

#endif
