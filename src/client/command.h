/* A command of the application in a shell. Loop thread, but for what is made before it is
 * posted. */
#ifndef WSM_CLIENT_COMMAND_H
#define WSM_CLIENT_COMMAND_H

#include "base/guid.h"
#include "client/async.h"
#include "client/endpoint.h"
#include "client/exchange.h"
#include "client/life.h"
#include "client/link.h"
#include "client/texts.h"

struct wsm_link_call;

struct wsm_command {
    struct wsm_message opening;    /* posts the command to the loop */
    uintptr_t shell_handle;        /* where it is to run */
    uintptr_t handle;              /* 0 once the application has closed it */
    struct wsm_shell *shell;       /* held; NULL = it was gone already */
    struct wsm_list node;          /* in shell->commands */
    struct wsm_strand *own_strand; /* owned; only where there is no shell */
    struct wsm_guid id;            /* ours; the server must use it */
    char *wire_id;                 /* owned; as the server spells it */
    char *line;                    /* owned */
    struct wsm_texts arguments;
    struct wsm_option_texts options;
    char *extra_xml; /* owned; of ConnectShellCommand */
    enum wsm_life life;
    enum wsm_link link;              /* with the shell's */
    bool is_attached;                /* by ConnectShellCommand: somebody started it before */
    bool is_kept;                    /* closing leaves it on the server */
    struct wsm_link_call *link_call; /* borrowed; the reconnect going on, NULL = none */
    struct wsm_exchange exchange; /* Command or Connect, then Reconnect and the terminate signal */
    struct wsm_async run;         /* or of ConnectShellCommand */
    struct wsm_async close;
    struct wsm_endpoint endpoint;
};

/* Application thread. Owned by the caller until posted; wsm_command_free(). */
struct wsm_command *wsm_command_new(void) WSM_MUST_CHECK;
/* Accepts NULL. */
void wsm_command_free(struct wsm_command *command);
/* Loop: resolves shell_handle and sends Command or Connect. */
void wsm_command_open(struct wsm_command *command);
/* The answer to either has been taken, or there is none. */
void wsm_command_opened(struct wsm_command *command, struct wsm_error *err);
/* The application closes it. */
void wsm_command_close(struct wsm_command *command, struct wsm_callee callee);
/* Its shell ends: everything pending is aborted, nothing goes on the wire. */
void wsm_command_end(struct wsm_command *command);
/* Frees it with its handle; its callbacks have all returned. */
void wsm_command_forget(struct wsm_command *command);

/* Is it running on the server, or has run there? */
bool wsm_command_check_life(const struct wsm_command *command,
                            struct wsm_error *err) WSM_MUST_CHECK;
/* Application thread, with the options copied: takes WINRMD_FROM out of them, for the first
 * Receive. ERROR_WSMAN_INVALID_OPTIONS: malformed. */
bool wsm_command_take_from(struct wsm_command *command, struct wsm_error *err) WSM_MUST_CHECK;
/* May operations begin? */
bool wsm_command_check_open(const struct wsm_command *command,
                            struct wsm_error *err) WSM_MUST_CHECK;

/* connect.c: instead of Command. */
bool wsm_connect_command(struct wsm_command *command, struct wsm_error *err) WSM_MUST_CHECK;

#endif
