/* One SOAP request and its answer. Loop thread only. */
#ifndef WSM_CLIENT_EXCHANGE_H
#define WSM_CLIENT_EXCHANGE_H

#include "client/http_client.h"
#include "client/recovery.h"
#include "proto/envelope.h"

struct wsm_session;

/* A SOAP answer that is no fault; owned, wsm_answer_free(). */
struct wsm_answer {
    struct wsm_buf bytes; /* what env points into */
    struct wsm_envelope env;
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
    const struct wsm_repetition *repetition; /* how, where there is a recovery */
    struct wsm_list node;                    /* in recovery->sent or recovery->held */
    enum wsm_exchange_state state;
    bool is_repeat;          /* the server may know the message already */
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
/* Could the server have seen the message? */
bool wsm_exchange_may_be_known(const struct wsm_exchange *exchange);

void wsm_answer_free(struct wsm_answer *answer);

#endif
