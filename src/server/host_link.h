/* The connection to one shell host: its greeting and report, then calls by number. */
#ifndef WSM_SERVER_HOST_LINK_H
#define WSM_SERVER_HOST_LINK_H

#include "base/list.h"
#include "ipc/host_messages.h"
#include "server/link.h"

enum { WSM_INSPECTIONS_MAX = 1024 }; /* a host that is stopped never answers */

struct wsm_host_call;

/* What a host answers to a call. The call is no longer registered when on_end comes. */
struct wsm_host_call_events {
    /* DONE (err NULL), FAILED, or the host is lost: err is borrowed. Exactly once, unless
     * on_answer came or the call was dropped. */
    void (*on_end)(struct wsm_host_call *call, const struct wsm_error *err);
    /* FETCH only, else NULL: pieces, then the end. Borrowed. */
    void (*on_output)(struct wsm_host_call *call, const struct wsm_host_output *output);
    void (*on_answer)(struct wsm_host_call *call, const struct wsm_host_answer *answer);
    /* RUN only, else NULL: instead of DONE. Borrowed. */
    void (*on_started)(struct wsm_host_call *call, const struct wsm_host_started *started);
    /* INSPECT only, else NULL: the report, before on_end. Borrowed. */
    void (*on_shell)(struct wsm_host_call *call, const struct wsm_host_shell *shell);
    void (*on_command)(struct wsm_host_call *call, const struct wsm_host_command *command);
};

/* Embedded by who asks. */
struct wsm_host_call {
    struct wsm_list node;
    uint64_t number; /* 0 = not registered */
    const struct wsm_host_call_events *events;
};

struct wsm_host_link;

struct wsm_host_link_events {
    /* The report after the greeting. */
    void (*on_shell)(void *context, const struct wsm_host_shell *shell);
    void (*on_command)(void *context, const struct wsm_host_command *command);
    void (*on_ready)(void *context);
    /* The link is closed and its calls have ended. `gone`: the host said why it ends (err),
     * else it is only the connection that is known to be lost. */
    void (*on_lost)(void *context, const struct wsm_error *err, bool gone);
};

/* Takes fd over in any case, greets. NULL on failure. */
struct wsm_host_link *wsm_host_link_open(uv_loop_t *loop, int fd,
                                         const struct wsm_host_link_events *events, void *context,
                                         struct wsm_error *err) WSM_MUST_CHECK;
/* Ends all calls with `err` (borrowed), then closes. on_lost does not come. Accepts NULL. */
void wsm_host_link_close(struct wsm_host_link *link, const struct wsm_error *err);

/* A number for a request whose answer nobody waits for. */
uint64_t wsm_host_link_number(struct wsm_host_link *link);
/* Registers a call; the result goes into the message's `request`. */
uint64_t wsm_host_link_expect(struct wsm_host_link *link, struct wsm_host_call *call,
                              const struct wsm_host_call_events *events);
/* Asks for the report; on_end (err NULL) comes behind it. The call cannot be dropped.
 * ERROR_BUSY: the host has not answered WSM_INSPECTIONS_MAX of them. */
bool wsm_host_link_inspect(struct wsm_host_link *link, struct wsm_host_call *call,
                           const struct wsm_host_call_events *events,
                           struct wsm_error *err) WSM_MUST_CHECK;
/* For on_end with an error. Open: the host said no. Broken: the connection ended before the
 * host had answered or said that it ends, so nobody knows what it did. */
bool wsm_host_link_is_open(const struct wsm_host_link *link);
bool wsm_host_link_is_broken(const struct wsm_host_link *link);
/* The call is not wanted any more; its answer will be skipped. Harmless when it ended. */
void wsm_host_call_drop(struct wsm_host_call *call);

void wsm_host_link_send(struct wsm_host_link *link, const struct wsm_message_type *type,
                        const void *message);
/* See wsm_link_send_tail(). */
void wsm_host_link_send_tail(struct wsm_host_link *link, const struct wsm_message_type *type,
                             const void *message, struct wsm_span tail);

#endif
