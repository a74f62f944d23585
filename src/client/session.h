/* An API handle and its sessions. Loop thread only, but for what is made before it is
 * handed to the loop. */
#ifndef WSM_CLIENT_SESSION_H
#define WSM_CLIENT_SESSION_H

#include "client/http_client.h"
#include "client/options.h"
#include "client/runtime.h"
#include "client/target.h"
#include "proto/xml.h"

enum {
    WSM_SESSION_CLOSE_WAIT_MS = 5000, /* for servers, before closing gives up */
    WSM_SESSION_RETRY_MS = 500,       /* until one looks again whether input was taken */
};

struct wsm_api {
    uintptr_t handle;
    uint32_t version;         /* 0 = 1.0, 1 = 1.1 */
    struct wsm_list sessions; /* of struct wsm_session */
    struct wsm_call *closing; /* borrowed; who waits for the end, NULL = open */
};

/* The mechanisms by WSManAuthenticationFlags' numbers; one that is not here is refused
 * when the session is made. */
enum wsm_mechanism {
    WSM_MECHANISM_DEFAULT = 0,
    WSM_MECHANISM_NONE = 1,
    WSM_MECHANISM_DIGEST = 2,
    WSM_MECHANISM_NEGOTIATE = 4,
    WSM_MECHANISM_BASIC = 8,
    WSM_MECHANISM_KERBEROS = 0x10,
    WSM_MECHANISM_CERTIFICATE = 0x20,
    WSM_MECHANISM_CREDSSP = 0x80,
};

struct wsm_login {
    enum wsm_mechanism mechanism;
    char *authorization; /* owned, wiped: the header line for Basic, else NULL */
};

enum wsm_session_state {
    WSM_SESSION_OPEN,
    WSM_SESSION_CLOSING, /* waits for servers and callbacks */
    WSM_SESSION_CLOSED,  /* waits for its timer's memory */
};

struct wsm_session;

/* What session_end.c does with the shells and operations, which a session does not know. */
struct wsm_session_events {
    void (*look_again)(struct wsm_session *session);
    void (*check_end)(struct wsm_session *session);
};

struct wsm_session {
    const struct wsm_session_events *events; /* borrowed for ever; set when it is opened */
    uintptr_t handle;
    struct wsm_api *api;  /* borrowed: outlives its sessions */
    struct wsm_list node; /* in api->sessions */
    enum wsm_session_state state;
    struct wsm_target target;
    struct wsm_login login;
    struct wsm_options options;
    char id[48]; /* "uuid:" and GUID: p:SessionId of every message */
    struct wsm_http_pool pool;
    struct wsm_xml_parser parser; /* of answers */
    struct wsm_list shells;       /* of struct wsm_shell */
    struct wsm_list operations;   /* of struct wsm_operation: those not released */
    size_t callbacks;             /* queued, running or on their way back */
    bool is_used;                 /* an operation has begun */
    struct wsm_call *closing;     /* borrowed; who waits for the end, NULL = nobody */
    uv_timer_t timer;             /* OPEN: for the retry; CLOSING: for the servers */
};

/* Application thread: takes `target` and `login` over on success. */
struct wsm_session *wsm_session_new(struct wsm_target *target, struct wsm_login *login,
                                    struct wsm_error *err) WSM_MUST_CHECK;
/* For a session that was never opened. Accepts NULL. */
void wsm_session_free(struct wsm_session *session);
void wsm_login_clear(struct wsm_login *login);

void wsm_session_callback_queued(struct wsm_session *session);
void wsm_session_callback_returned(struct wsm_session *session);
/* Input is not taken yet: what waits for that, a Send or a disconnect, looks again a little
 * later. */
void wsm_session_look_again(struct wsm_session *session);
/* Something the closing may have waited for has ended. */
void wsm_session_check_end(struct wsm_session *session);

/* err is ERROR_WSMAN_REDIRECT_REQUESTED: keeps the address for option 30, or turns err into what
 * is wrong with it. */
void wsm_session_redirected(struct wsm_session *session, struct wsm_error *err);

/* May a request go out with these credentials and options? */
bool wsm_session_check_policy(const struct wsm_session *session,
                              struct wsm_error *err) WSM_MUST_CHECK;

#endif
