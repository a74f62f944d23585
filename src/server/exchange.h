/* One authenticated SOAP request and its answer: what handlers get and give back. */
#ifndef WSM_SERVER_EXCHANGE_H
#define WSM_SERVER_EXCHANGE_H

#include "ipc/host_messages.h"
#include "proto/envelope.h"
#include "server/auth_cache.h"

struct wsm_exchange;
struct wsm_http_conn;
struct wsm_service;

/* An answer being written: HTTP head with its length left open, then the envelope. */
struct wsm_response {
    struct wsm_buf out; /* owned, freed by wsm_response_clear() */
    size_t length_at;   /* where Content-Length goes */
    size_t body_at;     /* where the envelope starts */
};

#define WSM_RESPONSE_INIT           \
    {                               \
        { NULL, 0, 0, false }, 0, 0 \
    }

/* What happens to an exchange that waits. `op` is the handler's. */
struct wsm_exchange_events {
    /* The time set by wsm_exchange_set_timer() is over. NULL: the client gets the fault
     * of a time-out, the operation itself goes on unseen. */
    void (*on_timer)(struct wsm_exchange *exchange);
    /* The connection is gone; exchange->conn is NULL. NULL: the operation goes on. */
    void (*on_gone)(struct wsm_exchange *exchange);
    bool keeps_request; /* an operation that goes on unseen still reads its request; else
                           that is thrown away, since a host that is stopped may never answer */
};

/* Owned by whoever answers it: dispatch, then the handler, which ends it with
 * wsm_exchange_free() after it was answered, or when nobody wants the answer. */
struct wsm_exchange {
    struct wsm_list node; /* in the list of whom it waits for */
    struct wsm_service *service;
    struct wsm_http_conn *conn; /* borrowed; NULL: nobody waits for an answer (any more) */
    struct wsm_logon *logon;    /* owned reference */
    struct wsm_buf bytes;       /* owned: head and body as read; env borrows from it */
    struct wsm_envelope env;
    size_t max_envelope;                      /* no answer may be longer */
    int64_t deadline_ms;                      /* when the OperationTimeout ends */
    const struct wsm_exchange_events *events; /* borrowed; NULL = neither */
    void *op;                                 /* borrowed or owned as the handler says */
};

/* Takes `bytes` (transfer, on success only); NULL without memory. */
struct wsm_exchange *wsm_exchange_new(struct wsm_service *service, struct wsm_http_conn *conn,
                                      struct wsm_logon *logon, struct wsm_buf *bytes);
/* Accepts NULL. An exchange that still has its connection must have been answered. */
void wsm_exchange_free(struct wsm_exchange *exchange);
/* Throws away what the request said: nobody waits for an answer any more. */
void wsm_exchange_shed(struct wsm_exchange *exchange);

/* The exchange goes on when whoever has the list takes it out and resumes it. Takes it over; one
 * whose client is gone is freed. */
void wsm_exchange_wait(struct wsm_exchange *exchange, struct wsm_list *waiting);
/* It goes to its handler, as if it had just come. Takes it over. */
void wsm_exchange_resume(struct wsm_exchange *exchange);

/* Its MessageID; see wsm_request_id_take(). */
void wsm_exchange_request_id(const struct wsm_exchange *exchange, char out[WSM_HOST_ID_MAX + 1]);

void wsm_exchange_set_timer(struct wsm_exchange *exchange, int64_t ms);

/* Begins an answer for this exchange; the headers for the writers come with it. */
struct wsm_response_headers wsm_response_open(struct wsm_response *response,
                                              struct wsm_exchange *exchange, int status,
                                              const char *action);
/* Closes the answer and hands it to the connection, from which the exchange is separated
 * thereby; without a connection it is dropped. An answer that is longer than the client
 * takes becomes a fault. *out_end (may be NULL): position of its last byte. */
void wsm_response_send(struct wsm_response *response, struct wsm_exchange *exchange,
                       uint64_t *out_end);
void wsm_response_clear(struct wsm_response *response);

/* Answers with a fault and clears err; harmless without a connection. */
void wsm_exchange_fault(struct wsm_exchange *exchange, struct wsm_error *err);
/* The same and frees the exchange. */
void wsm_exchange_fail(struct wsm_exchange *exchange, struct wsm_error *err);
/* The same with an error that stays as it is: others are told it too. */
void wsm_exchange_fail_with(struct wsm_exchange *exchange, const struct wsm_error *err);

/* Called by the connection. */
void wsm_exchange_on_timer(struct wsm_exchange *exchange);
void wsm_exchange_on_gone(struct wsm_exchange *exchange);

#endif
