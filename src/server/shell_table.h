/* The shells that this process has hosts for, and what net keeps of their commands. The
 * owner's name comes from the monitor, everything else from the host. */
#ifndef WSM_SERVER_SHELL_TABLE_H
#define WSM_SERVER_SHELL_TABLE_H

#include "base/guid.h"
#include "base/list.h"
#include "server/delivery.h"
#include "server/holder.h"
#include "server/host_link.h"

enum {
    WSM_SHELL_BUCKETS = 256,
    WSM_STREAM_STDIN = 1,              /* the only bit of input streams */
    WSM_REPORTED_COMMANDS_MAX = 65536, /* a host runs as its user and may say anything */
};

struct wsm_change;
struct wsm_fetch;
struct wsm_receive;
struct wsm_sending;
struct wsm_shell_table;

/* What the last answer with output carried, until the next Receive decides about it. */
struct wsm_last_answer {
    struct wsm_carrier *carrier; /* owned reference; NULL = there is none to decide about */
    uint64_t end;                /* position of its last byte on the carrier */
    uint32_t streams;            /* that were asked for */
    uint64_t from[WSM_HOST_STREAMS];
    uint64_t upto[WSM_HOST_STREAMS];
    size_t bytes;    /* of data: less than the offsets say where some were dropped */
    bool is_final;   /* it told the end of the command */
    bool needs_word; /* it was given to a marked holder */
    char message_id[WSM_HOST_ID_MAX + 1]; /* of the Receive; empty = none to compare with */
};

/* What net keeps of a command: only what concerns connections. */
struct wsm_command {
    struct wsm_list node;    /* in the shell */
    struct wsm_shell *shell; /* borrowed */
    struct wsm_guid id;      /* in the spelling it was made with */
    uint64_t confirmed[WSM_HOST_STREAMS];
    uint64_t known_end[WSM_HOST_STREAMS]; /* its output ends here or above */
    uint64_t served[WSM_HOST_STREAMS];    /* an answer reached it, or may have: nobody has more */
    struct wsm_last_answer last;
    struct wsm_receive *receive; /* the Receive that waits; owned, see op_receive.c */
    struct wsm_fetch *fetch;     /* the FETCH under way or ready; owned, see fetch.c */
    struct wsm_sending *sending; /* the Send under way; borrowed, NULL = none, see op_send.c */
};

enum wsm_shell_state {
    WSM_SHELL_REFUSED, /* no state: a transition that the table does not have */
    WSM_SHELL_STARTING,
    WSM_SHELL_GREETING,
    WSM_SHELL_OPENING,
    WSM_SHELL_OPEN,
    WSM_SHELL_RECONNECTING,
    WSM_SHELL_GREETING_AGAIN,
    WSM_SHELL_DELETING,
    WSM_SHELL_ENDED,
    WSM_SHELL_STATES
};

struct wsm_shell {
    struct wsm_list node; /* in the table's bucket */
    struct wsm_shell_table *table;
    enum wsm_shell_state state;
    struct wsm_guid id; /* the creator's spelling */
    char *owner;        /* owned */
    uint64_t host_id;
    uint64_t monitor_request;   /* START_HOST or CONNECT_HOST under way, 0 = none */
    struct wsm_host_link *link; /* owned */
    unsigned lost_count;        /* connections since the last report */
    uint32_t input_streams;     /* bits */
    uint32_t output_streams;    /* bits of enum wsm_host_stream */
    bool is_reported_open;      /* the host was told what its shell is */
    struct wsm_holder holder;
    char create_message_id[WSM_HOST_ID_MAX + 1]; /* empty = none to compare with */
    struct wsm_list commands;
    size_t command_count;
    struct wsm_list waiting;   /* nodes of what goes on when the shell is OPEN and nothing changes,
                                  or when it has ended */
    unsigned users;            /* Commands and Signals under way */
    struct wsm_change *change; /* of who holds it, under way; owned by itself, see change.h */
    struct wsm_shell_deleter *deleter; /* borrowed; NULL: nobody waits for its end */
    /* Who creates it: told once it can be opened (err NULL) or never will be (borrowed).
     * NULL for shells that were found. */
    void (*on_started)(struct wsm_shell *shell, const struct wsm_error *err);
    void *creator; /* borrowed */
};

/* Who must know whether a shell has ended. Embedded by the operation. */
struct wsm_shell_deleter {
    /* Once: it has ended (err NULL), or cannot be told to (borrowed): then it goes on. */
    void (*on_end)(struct wsm_shell_deleter *deleter, const struct wsm_error *err);
};

/* What the table needs of others; the context is the service. */
struct wsm_shell_table_events {
    /* Ask the monitor for a new connection; the result is the number of that request. */
    uint64_t (*connect_host)(void *context, uint64_t host_id);
    /* The node was taken out of shell->waiting: whoever waited goes on. */
    void (*resume)(void *context, struct wsm_list *node);
    /* A session holds a connected shell from now on, or is found to. */
    void (*on_held)(void *context, const struct wsm_shell *shell);
    /* No Command or Signal is under way any more, and shell->change waits for that. */
    void (*on_quiet)(void *context, struct wsm_shell *shell);
    /* The command goes: what hangs on it ends now, with err (borrowed). */
    void (*on_command_end)(void *context, struct wsm_command *command, const struct wsm_error *err);
};

struct wsm_shell_table {
    uv_loop_t *loop; /* borrowed */
    const struct wsm_shell_table_events *events;
    void *context; /* borrowed */
    struct wsm_list buckets[WSM_SHELL_BUCKETS];
    struct wsm_list idle_fetches; /* fetched ahead and not yet asked for: fetch.c */
    uv_timer_t idle_timer;
};

void wsm_shell_table_init(struct wsm_shell_table *table, uv_loop_t *loop,
                          const struct wsm_shell_table_events *events, void *context);

/* By owner and id, any case; NULL if there is none, also if it is somebody else's or
 * being deleted. */
struct wsm_shell *wsm_shell_find(struct wsm_shell_table *table, const char *owner,
                                 struct wsm_span id);
/* The one that the owner's Create of that MessageID made, in any state but being deleted; NULL
 * if there is none, or no MessageID to compare with. With an id only that one, also if its
 * host has not reported yet who made it. */
struct wsm_shell *wsm_shell_find_created(struct wsm_shell_table *table, const char *owner,
                                         const char *message_id, const struct wsm_guid *id);
/* Is the id taken by this owner, by a shell that is being deleted too? */
bool wsm_shell_exists(struct wsm_shell_table *table, const char *owner, const struct wsm_guid *id);
size_t wsm_shell_count(struct wsm_shell_table *table, const char *owner);

/* A shell whose host is being started. NULL without memory. The table owns it. */
struct wsm_shell *wsm_shell_add(struct wsm_shell_table *table, const char *owner,
                                const struct wsm_guid *id);

/* From the monitor: a host's connection (fd is taken over), or why there is none. */
void wsm_shell_table_on_host(struct wsm_shell_table *table, uint64_t request, uint64_t host_id,
                             struct wsm_span shell_id, struct wsm_span owner, int fd);
void wsm_shell_table_on_host_failed(struct wsm_shell_table *table, uint64_t request,
                                    const struct wsm_error *err);

/* Its creator has told the host (state OPENING) and the host has agreed. */
void wsm_shell_opened(struct wsm_shell *shell);
/* DELETE was sent. It is not found any more and goes when its host goes. With a deleter the
 * connection that breaks proves nothing: the monitor is asked. */
void wsm_shell_deleting(struct wsm_shell *shell, struct wsm_shell_deleter *deleter);
/* Something failed for good before it was open. Frees it. */
void wsm_shell_abandon(struct wsm_shell *shell, const struct wsm_error *err);

/* Can its host be asked now? */
bool wsm_shell_is_ready(const struct wsm_shell *shell);

/* Around each Command and Signal while it is under way here, so that a Disconnect can
 * wait until there is none. A Send that was handed to the host does not count: what the host
 * has for want of room is kept. */
void wsm_shell_enter(struct wsm_shell *shell);
void wsm_shell_leave(struct wsm_shell *shell);
/* The change is over: what waited for its end goes on. */
void wsm_shell_changed(struct wsm_shell *shell);

/* Goes through the user's shells, those that are being made or deleted too: the next one
 * after `previous` (NULL = the first), in no order that means anything. */
struct wsm_shell *wsm_shell_next(struct wsm_shell_table *table, const char *owner,
                                 struct wsm_shell *previous);

/* Commands. */
struct wsm_command *wsm_command_find(struct wsm_shell *shell, struct wsm_span id);
/* The same; NULL with ERROR_WSMAN_UNEXPECTED_SELECTORS. */
struct wsm_command *wsm_command_get(struct wsm_shell *shell, struct wsm_span id,
                                    struct wsm_error *err);
/* NULL without memory. */
struct wsm_command *wsm_command_add(struct wsm_shell *shell, const struct wsm_guid *id);
/* Ends what waits for it with `err` (borrowed) and frees it. */
void wsm_command_remove(struct wsm_command *command, const struct wsm_error *err);

#endif
