/* A shell of the application. Loop thread, but for what is made before it is posted. */
#ifndef WSM_CLIENT_SHELL_H
#define WSM_CLIENT_SHELL_H

#include "base/guid.h"
#include "client/async.h"
#include "client/endpoint.h"
#include "client/exchange.h"
#include "client/life.h"
#include "client/link.h"
#include "client/recovery.h"
#include "client/texts.h"
#include "proto/create.h"
#include "proto/disconnect.h"

struct wsm_link_call;

/* Copies of what the application passed to CreateShell or ConnectShell. */
struct wsm_shell_options {
    char *resource_uri; /* owned, like all below */
    struct wsm_guid id;
    bool is_id_ours; /* made up for this one Create: no other shell has it */
    char *name;
    char *working_directory;
    char *input_streams; /* blank separated; ConnectShell: as the server says */
    char *output_streams;
    int64_t idle_timeout_ms;    /* -1 = the server's */
    struct wsm_texts variables; /* name, value, name, value, … */
    struct wsm_option_texts options;
    enum wsm_buffer_mode buffer_mode;
    char *extra_xml;
};

enum {
    WSM_SHELL_SUPPORTS_DISCONNECT = 0x20, /* WSMAN_FLAG_CALLBACK_SHELL_SUPPORTS_DISCONNECT */
    WSM_SHELL_TEXT_MAX = 30000,           /* bytes of createData; PowerShell reads no more */
};

struct wsm_shell {
    struct wsm_message opening; /* posts the shell to the loop */
    uintptr_t session_handle;   /* where it is to be opened */
    uintptr_t handle;           /* 0 once the application has closed it */
    uint32_t api_version;
    struct wsm_session *session; /* borrowed: outlives it; NULL = it was gone already */
    struct wsm_list node;        /* in session->shells */
    struct wsm_strand *strand;   /* owned */
    struct wsm_shell_options options;
    char *id;                   /* owned; as the server spells it, once it is open */
    uint32_t extension_version; /* of the server's mark; 0 = none, it is not ours */
    bool can_disconnect;        /* the server has said so */
    enum wsm_life life;
    enum wsm_link link;
    bool is_attached;                /* by ConnectShell: somebody made it before */
    bool is_kept;                    /* closing leaves it on the server */
    struct wsm_link_call *link_call; /* borrowed; the disconnect or reconnect going on, or NULL */
    struct wsm_exchange exchange;    /* Create or Connect, then Disconnect, Reconnect and Delete */
    struct wsm_recovery recovery;
    struct wsm_async create; /* or of ConnectShell */
    struct wsm_async close;
    struct wsm_endpoint endpoint;
    struct wsm_list commands; /* of struct wsm_command */
    size_t undelivered;       /* answers on the strand: holds back further Receives */
    size_t holders; /* commands, operations until their last callback returned, refused calls */
};

/* Application thread. Owned by the caller until posted; wsm_shell_free(). */
struct wsm_shell *wsm_shell_new(void) WSM_MUST_CHECK;
/* For a shell that was never posted. Accepts NULL and half-built ones. */
void wsm_shell_free(struct wsm_shell *shell);
/* Loop: resolves session_handle and sends Create or Connect. */
void wsm_shell_open(struct wsm_shell *shell);
/* The answer to either has been taken, or there is none. */
void wsm_shell_opened(struct wsm_shell *shell, struct wsm_error *err);
/* The application closes it; one that is disconnected lives on, unless deletes. */
void wsm_shell_close(struct wsm_shell *shell, struct wsm_callee callee, bool deletes);
/* Its session ends: as close, without a callback of its own. */
void wsm_shell_end(struct wsm_shell *shell);
/* The session has waited long enough. */
void wsm_shell_give_up(struct wsm_shell *shell);
/* Does the session's end still wait for it? */
bool wsm_shell_is_busy(const struct wsm_shell *shell);
/* The session is over: frees it and its commands, whose callbacks have all returned. */
void wsm_shell_forget(struct wsm_shell *shell);

/* Is there a shell on the server? */
bool wsm_shell_check_life(const struct wsm_shell *shell, struct wsm_error *err) WSM_MUST_CHECK;
/* May commands and operations begin? */
bool wsm_shell_check_open(const struct wsm_shell *shell, struct wsm_error *err) WSM_MUST_CHECK;

/* Are its requests repeated when a connection breaks, and the application told so? */
bool wsm_shell_is_robust(const struct wsm_shell *shell);

void wsm_shell_hold(struct wsm_shell *shell);
/* May free the shell. */
void wsm_shell_release(struct wsm_shell *shell);

bool wsm_shell_prepare(struct wsm_shell *shell, struct wsm_exchange *exchange, const char *action,
                       uint32_t timeout_option, struct wsm_request_headers *out,
                       struct wsm_error *err) WSM_MUST_CHECK;

/* connect.c: instead of Create. */
bool wsm_connect_shell(struct wsm_shell *shell, struct wsm_error *err) WSM_MUST_CHECK;

#endif
