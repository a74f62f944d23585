/* Asks winrmd-auth who somebody is, over the channel that the monitor hands over, and
 * remembers successes for a short time. */
#ifndef WSM_SERVER_AUTHENTICATOR_H
#define WSM_SERVER_AUTHENTICATOR_H

#include "server/auth_cache.h"
#include "server/link.h"

/* Who waits for a check. Embedded by the one who asks; wsm_list_remove(&waiter->node)
 * at any time means that he no longer wants to know. */
struct wsm_auth_waiter {
    struct wsm_list node;
    /* `logon` borrowed (take a reference), NULL = denied; `reason` borrowed, for the log. */
    void (*on_checked)(struct wsm_auth_waiter *waiter, struct wsm_logon *logon, const char *reason);
};

struct wsm_authenticator {
    uv_loop_t *loop;        /* borrowed */
    const char *users_file; /* borrowed from the settings; NULL: nothing is remembered */
    struct wsm_link *link;  /* owned; NULL while there is no winrmd-auth */
    struct wsm_auth_cache cache;
    struct wsm_list checks;
    uint64_t last_number;
    uv_timer_t sweep;
    void (*on_release)(void *context, const uint8_t token[WSM_TOKEN_LEN]);
    void *context; /* borrowed */
};

/* `on_release` is told each token that is no longer needed. */
void wsm_authenticator_init(struct wsm_authenticator *auth, uv_loop_t *loop,
                            const uint8_t secret[WSM_AUTH_KEY_LEN],
                            void (*on_release)(void *context, const uint8_t token[WSM_TOKEN_LEN]),
                            void *context);

/* A (new) channel to winrmd-auth; fd is taken over in any case. Log-ons of the one before
 * are dead, what it was asked and did not answer is asked again. */
void wsm_authenticator_connect(struct wsm_authenticator *auth, int fd);

enum wsm_auth_result {
    WSM_AUTH_GRANTED, /* *out_logon is borrowed until the next call */
    WSM_AUTH_PENDING, /* the waiter will be called, never before this returns */
    WSM_AUTH_FAILED,  /* no memory */
};

/* Neither name nor password is kept once the check has ended. */
enum wsm_auth_result wsm_authenticator_check(struct wsm_authenticator *auth, struct wsm_span user,
                                             struct wsm_span password,
                                             struct wsm_auth_waiter *waiter,
                                             struct wsm_logon **out_logon);

#endif
