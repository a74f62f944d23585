/* One SOAP request and its answer. Loop thread only. */
#ifndef WSM_CLIENT_EXCHANGE_H
#define WSM_CLIENT_EXCHANGE_H

#include "client/answer.h"
#include "client/http_client.h"

struct wsm_exchange;
struct wsm_recovery;
struct wsm_session;

/* How a request is made anew. */
struct wsm_repetition {
    /* Prepares and sends it; wsm_exchange_prepare() keeps the message id. */
    bool (*send)(struct wsm_exchange *exchange, struct wsm_error *err);
    bool may_park;         /* the server may keep it waiting as long as its time-out */
    bool outlives_refusal; /* one that any server has refused may be made anew */
};

/* What the recovery of a link, which an exchange may be covered by, does with it. */
struct wsm_exchange_keeper {
    /* True: the request was taken, to be sent later. */
    bool (*holds)(struct wsm_recovery *recovery, struct wsm_exchange *exchange);
    /* The same for one whose connection broke, with `err` moved from; false: the loss is the
     * caller's to report. */
    bool (*lost)(struct wsm_recovery *recovery, struct wsm_exchange *exchange,
                 struct wsm_error *err);
    /* The same for one that was answered with HTTP 400, and nothing else. */
    bool (*refused)(struct wsm_recovery *recovery, struct wsm_exchange *exchange,
                    struct wsm_error *err);
    /* It was sent; an answer came, whatever it says; it was cancelled. */
    void (*sent)(struct wsm_recovery *recovery, struct wsm_exchange *exchange);
    void (*answered)(struct wsm_recovery *recovery, struct wsm_exchange *exchange);
    void (*forget)(struct wsm_recovery *recovery, struct wsm_exchange *exchange);
};

enum wsm_exchange_state {
    WSM_EXCHANGE_IDLE,
    WSM_EXCHANGE_SENT, /* waits for its answer */
    WSM_EXCHANGE_HELD, /* by its recovery, to be sent when the link is back */
};

/* Zero-initialised. */
struct wsm_exchange {
    struct wsm_http_call call;
    struct wsm_session *session;   /* borrowed: outlives it */
    struct wsm_recovery *recovery; /* borrowed: the shell's; NULL = a broken connection ends it */
    const struct wsm_exchange_keeper *keeper; /* the recovery's, where there is one */
    const struct wsm_repetition *repetition;  /* how, where there is a recovery */
    struct wsm_list node;                     /* in recovery->sent or recovery->held */
    enum wsm_exchange_state state;
    bool is_repeat;          /* the server may know the message already */
    bool was_refused;        /* and what could be done about it was done: the next time it ends */
    uint64_t begun;          /* loop time; of the first try */
    uint32_t timeout_max_ms; /* for the next sending only; 0 = as the options say */
    char message_id[48];
    size_t length_at; /* where Content-Length goes */
    size_t head_len;
    bool is_broken; /* in on_done: no answer came, the network or its time-out ended it */
    /* err->code 0: *answer is set; the callee may take it (and set NULL), else it is freed.
     * Exactly once after a send, not after a cancel. May free the exchange. */
    void (*on_done)(struct wsm_exchange *exchange, struct wsm_answer **answer,
                    struct wsm_error *err);
};

/* What goes into the headers; borrowed until the request is sent. */
struct wsm_exchange_plan {
    const char *action;
    const char *resource_uri;
    const char *shell_id;    /* NULL = none */
    uint32_t timeout_option; /* enum wsm_option_id */
};

/* Checks what the session allows, writes the HTTP head into exchange->call.request and fills
 * the headers for the message, which the caller appends behind it. Of an exchange that is held
 * it makes the same message again, with its id if the server may know it. */
bool wsm_exchange_prepare(struct wsm_exchange *exchange, struct wsm_session *session,
                          const struct wsm_exchange_plan *plan, struct wsm_request_headers *out,
                          struct wsm_error *err) WSM_MUST_CHECK;
/* Sends what was appended, or leaves it to the recovery. on_done follows, never from within.
 * On failure nothing follows. */
bool wsm_exchange_send(struct wsm_exchange *exchange, struct wsm_error *err) WSM_MUST_CHECK;
/* Sends a message that was answered once more, with its id. On failure nothing follows. */
bool wsm_exchange_repeat(struct wsm_exchange *exchange, struct wsm_error *err) WSM_MUST_CHECK;
/* Harmless if it is not going on. */
void wsm_exchange_cancel(struct wsm_exchange *exchange);
bool wsm_exchange_is_active(const struct wsm_exchange *exchange);
/* In on_done: has no answer come, or only one that says that nobody is behind it at the moment? */
bool wsm_exchange_is_unreached(const struct wsm_exchange *exchange, const struct wsm_error *err);
/* Could the server have seen the message? */
bool wsm_exchange_may_be_known(const struct wsm_exchange *exchange);

#endif
