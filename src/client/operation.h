/* Send, Receive, Signal, Identify and listing of the application. Loop thread, but for what is made
 * before it is posted. */
#ifndef WSM_CLIENT_OPERATION_H
#define WSM_CLIENT_OPERATION_H

#include "client/async.h"
#include "client/endpoint.h"
#include "client/exchange.h"
#include "client/recovery.h"

struct wsm_operation;
struct wsm_session;

enum wsm_operation_state {
    WSM_OPERATION_REFUSED,  /* in the table only: no such transition */
    WSM_OPERATION_WAITING,  /* for its turn */
    WSM_OPERATION_ACTIVE,   /* on the wire, or between two wire requests */
    WSM_OPERATION_ENDING,   /* its last callback is queued or running */
    WSM_OPERATION_LEAVING,  /* the same, and the application has released the handle */
    WSM_OPERATION_ENDED,    /* its last callback has returned */
    WSM_OPERATION_RELEASED, /* nothing refers to it */
    WSM_OPERATION_COUNT,
};

enum wsm_operation_event {
    WSM_OPERATION_EV_START,
    WSM_OPERATION_EV_COMPLETE,
    WSM_OPERATION_EV_RETURNED,
    WSM_OPERATION_EV_RELEASE,
    WSM_OPERATION_EV_COUNT,
};

struct wsm_operation_kind {
    const char *name;
    enum wsm_result result;
    /* Several of one target take turns. */
    bool is_queued;
    /* Starts or goes on; on failure the operation ends with err. */
    bool (*start)(struct wsm_operation *operation, struct wsm_error *err);
    /* Takes back what is under way; NULL = cancelling the exchange is enough. */
    void (*cancel)(struct wsm_operation *operation);
};

/* Goes on with a Send whose input the server did not take; leaves all others alone. */
void wsm_send_retry(struct wsm_operation *operation);
/* Goes on with the Sends and Signals of a command or shell: their link is back. */
void wsm_send_go_on(struct wsm_endpoint *endpoint);

/* Goes on with the Receives of a shell: what held them back has gone. */
void wsm_receive_go_on(struct wsm_shell *shell);
/* What no callback was given yet waits for the next turn. */
void wsm_receive_take_back(struct wsm_endpoint *endpoint);
/* The shell has been let go: a delayed Receive goes on once it is back. */
void wsm_receive_let_go(struct wsm_endpoint *endpoint);

extern const struct wsm_operation_kind wsm_send_kind;
extern const struct wsm_operation_kind wsm_receive_kind;
extern const struct wsm_operation_kind wsm_signal_kind;
extern const struct wsm_operation_kind wsm_identify_kind;
extern const struct wsm_operation_kind wsm_list_shells_kind;
extern const struct wsm_operation_kind wsm_list_commands_kind;
extern const struct wsm_operation_kind wsm_delete_kind;

struct wsm_operation {
    struct wsm_message opening; /* posts the operation to the loop */
    const struct wsm_operation_kind *kind;
    uintptr_t session_handle; /* those that need no shell; else the two below; 0 = none */
    uintptr_t shell_handle;
    uintptr_t command_handle;
    uintptr_t handle;
    struct wsm_session *session;   /* borrowed: outlives it; NULL = it was gone already */
    struct wsm_shell *shell;       /* held until the last callback has returned; NULL = none */
    struct wsm_endpoint *endpoint; /* borrowed while WAITING or ACTIVE; NULL = no shell, or wrong */
    struct wsm_strand *own_strand; /* owned; only where there is no shell */
    struct wsm_list node;          /* in session->operations */
    struct wsm_list endpoint_node; /* in endpoint->operations */
    enum wsm_operation_state state;
    struct wsm_exchange exchange;
    struct wsm_recovery recovery; /* of those that need no shell */
    struct wsm_async async;

    char *text;          /* owned: signal code, stream of a Send, streams of a Receive, shell id */
    char *resource_uri;  /* owned: of the shell to delete */
    unsigned restarts;   /* of a list that broke off behind its beginning */
    struct wsm_buf data; /* owned: of a Send */
    size_t sent;         /* bytes of data that the server has taken */
    size_t chunk;        /* bytes of data on the wire */
    bool end_of_stream;  /* of a Send */
    bool is_delayed;     /* a Receive that waits until its shell has been let go */
    struct wsm_strand_item accepted; /* tells the application so */
    struct wsm_list deliveries;      /* of a Receive: answers on the strand, in their order */
};

/* Application thread. Owned by the caller until posted; wsm_operation_free(). */
struct wsm_operation *wsm_operation_new(const struct wsm_operation_kind *kind) WSM_MUST_CHECK;
void wsm_operation_free(struct wsm_operation *operation);

/* Loop: finds its target and starts it or lets it wait. */
void wsm_operation_open(struct wsm_operation *operation);
/* Queues the last callback with `err` (moved from); the next of the target starts. */
void wsm_operation_complete(struct wsm_operation *operation, struct wsm_error *err);
/* Cancels what has not completed: ERROR_OPERATION_ABORTED. */
void wsm_operation_abort(struct wsm_operation *operation);
/* The same for everything that is going on there. */
void wsm_operation_abort_all(struct wsm_endpoint *endpoint);
/* WSManCloseOperation. */
void wsm_operation_release(struct wsm_operation *operation);
/* The session is over: frees it with its handle. */
void wsm_operation_forget(struct wsm_operation *operation);
/* Is the link there that it needs? It has an endpoint. */
bool wsm_operation_may_go(const struct wsm_operation *operation);
/* Starts those whose turn it is. */
void wsm_operation_next(struct wsm_endpoint *endpoint);

/* api_callback.c: calls the application, on a dispatcher thread. */
void wsm_operation_run_accepted(struct wsm_strand_item *item);

#endif
