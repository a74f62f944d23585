/* Live log-ons. The monitor's only thread. Looks nobody up: it believes auth. */
#include "monitor/logons.h"

#include "wsmerror.h"

#include <stdlib.h>
#include <string.h>

/* Looks at every byte of every token: net must not learn one from the time it takes. */
static struct wsm_logon *find(const struct wsm_logons *logons, const uint8_t token[WSM_TOKEN_LEN])
{
    struct wsm_logon *found = NULL;

    for (size_t i = 0; i < logons->count; i++) {
        unsigned difference = 0;

        for (size_t k = 0; k < WSM_TOKEN_LEN; k++)
            difference |= (unsigned)(logons->logons[i].token[k] ^ token[k]);
        if (difference == 0)
            found = &logons->logons[i];
    }
    return found;
}

static bool is_user_name(struct wsm_span user)
{
    if (user.len == 0 || user.len > WSM_LOGON_USER_MAX)
        return false;
    for (size_t i = 0; i < user.len; i++)
        if (user.ptr[i] < 0x20 || user.ptr[i] == 0x7f)
            return false;
    return true;
}

static bool make_room(struct wsm_logons *logons, struct wsm_error *err)
{
    struct wsm_logon *grown;
    size_t room = logons->room == 0 ? 16 : logons->room * 2;

    if (logons->count < logons->room)
        return true;
    if (logons->count == WSM_LOGONS_MAX)
        return wsm_fail(err, ERROR_WSMAN_QUOTA_SYSTEM, "%d log-ons are live, no more are taken",
                        WSM_LOGONS_MAX);
    grown = reallocarray(logons->logons, room, sizeof(*grown));
    if (grown == NULL)
        return wsm_fail_memory(err, "log-on");
    logons->logons = grown;
    logons->room = room;
    return true;
}

bool wsm_logons_add(struct wsm_logons *logons, const uint8_t token[WSM_TOKEN_LEN],
                    struct wsm_span user, struct wsm_error *err)
{
    struct wsm_logon *logon;
    char *name;

    if (!is_user_name(user))
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "a log-on without a proper user name");
    if (find(logons, token) != NULL)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "a log-on whose token lives already");
    if (!make_room(logons, err))
        return false;
    name = strndup((const char *)user.ptr, user.len);
    if (name == NULL)
        return wsm_fail_memory(err, "log-on");
    logon = &logons->logons[logons->count++];
    memcpy(logon->token, token, WSM_TOKEN_LEN);
    logon->user = name;
    return true;
}

const char *wsm_logons_find(const struct wsm_logons *logons, const uint8_t token[WSM_TOKEN_LEN])
{
    const struct wsm_logon *logon = find(logons, token);

    return logon == NULL ? NULL : logon->user;
}

void wsm_logons_remove(struct wsm_logons *logons, const uint8_t token[WSM_TOKEN_LEN])
{
    struct wsm_logon *logon = find(logons, token);

    if (logon == NULL)
        return;
    free(logon->user);
    *logon = logons->logons[--logons->count];
}

void wsm_logons_clear(struct wsm_logons *logons)
{
    for (size_t i = 0; i < logons->count; i++)
        free(logons->logons[i].user);
    free(logons->logons);
    *logons = (struct wsm_logons){ 0 };
}
