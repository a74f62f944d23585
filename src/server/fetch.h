/* Output of a command on its way from its host into an answer: fetched, encoded as it
 * comes, kept until a Receive takes it. At most one a command. */
#ifndef WSM_SERVER_FETCH_H
#define WSM_SERVER_FETCH_H

#include "server/exchange.h"
#include "server/shell_table.h"

/* What is asked for. */
struct wsm_fetch_wish {
    uint32_t streams; /* bits of enum wsm_host_stream */
    uint64_t from[WSM_HOST_STREAMS];
    size_t bytes_max; /* of data; 0 = as much as fits into the answer */
    bool has_offsets; /* for the marked holder: each stream names its offset */
};

/* How it ends for who asked, never within the call that asked. */
struct wsm_fetch_events {
    void (*on_complete)(struct wsm_command *command);
    /* It is gone from the command; err (borrowed) says why. */
    void (*on_failed)(struct wsm_command *command, const struct wsm_error *err);
};

struct wsm_fetch {
    struct wsm_host_call call;
    const struct wsm_fetch_events *events; /* borrowed for ever */
    struct wsm_list node;                  /* in table->idle_fetches while nobody asks for it */
    struct wsm_command *command;           /* borrowed */
    struct wsm_fetch_wish wish;
    size_t max_envelope;
    bool is_utf16;
    uint64_t upto[WSM_HOST_STREAMS];
    struct wsm_response response; /* owned */
    size_t prefix_len;            /* of HTTP head and envelope before the first stream */
    size_t budget;                /* bytes that may still come */
    size_t pieces;                /* in which they may come */
    size_t bytes;                 /* of data that have come */
    bool is_complete;
    bool is_torn; /* the host sent something else than was asked for */
    bool is_final;
    int64_t since_ms; /* when it became idle */
};

/* Puts a new one into command->fetch, which must be empty; `like`: for whom, or after whom.
 * It ends with one of the events. */
bool wsm_fetch_start(struct wsm_command *command, struct wsm_exchange *like,
                     const struct wsm_fetch_wish *wish, const struct wsm_fetch_events *events,
                     struct wsm_error *err) WSM_MUST_CHECK;
/* The same for a Receive that is expected. Thrown away if it does not come. */
void wsm_fetch_ahead(struct wsm_command *command, struct wsm_exchange *like,
                     const struct wsm_fetch_wish *wish, const struct wsm_fetch_events *events);
/* Somebody asks for it now. */
void wsm_fetch_claim(struct wsm_fetch *fetch);
/* Is it what this exchange wishes for? */
bool wsm_fetch_serves(const struct wsm_fetch *fetch, const struct wsm_exchange *exchange,
                      const struct wsm_fetch_wish *wish);
/* Answers the exchange with it, once it is complete; see wsm_response_send(). *out_end is
 * untouched if a fault had to take its place. */
void wsm_fetch_send(struct wsm_fetch *fetch, struct wsm_exchange *exchange, uint64_t *out_end);
/* Frees it, and lets the host forget it. Accepts NULL. */
void wsm_fetch_cancel(struct wsm_fetch *fetch);

#endif
