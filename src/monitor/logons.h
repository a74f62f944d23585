/* Live log-ons: whom auth has verified, by random token. Only they may start shells. */
#ifndef WSM_MONITOR_LOGONS_H
#define WSM_MONITOR_LOGONS_H

#include "base/error.h"
#include "ipc/frame.h"

enum {
    WSM_LOGONS_MAX = 4096,    /* log-ons at once */
    WSM_LOGON_USER_MAX = 256, /* bytes of a name */
};

struct wsm_logon {
    uint8_t token[WSM_TOKEN_LEN];
    char *user; /* owned, NUL-terminated */
};

/* Empty when zeroed. */
struct wsm_logons {
    struct wsm_logon *logons; /* owned, `count` of them in room for `room` */
    size_t count;
    size_t room;
};

/* ERROR_WSMAN_QUOTA_SYSTEM when full, ERROR_INVALID_PARAMETER for a token that lives
 * already or a name that is empty, too long or holds control characters. */
bool wsm_logons_add(struct wsm_logons *logons, const uint8_t token[WSM_TOKEN_LEN],
                    struct wsm_span user, struct wsm_error *err) WSM_MUST_CHECK;
/* The user, borrowed until the log-on is removed; NULL for an unknown token. */
const char *wsm_logons_find(const struct wsm_logons *logons, const uint8_t token[WSM_TOKEN_LEN]);
/* An unknown token is none the worse. */
void wsm_logons_remove(struct wsm_logons *logons, const uint8_t token[WSM_TOKEN_LEN]);
/* All of them: net or auth has ended. */
void wsm_logons_clear(struct wsm_logons *logons);

#endif
