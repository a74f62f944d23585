/* A WinRM service for tests of the client: real sockets, one thread per connection,
 * answers by script. It holds no shells; it says what it was told to say, and
 * remembers what it was asked. */
#ifndef WSM_TESTS_FAKE_SERVICE_H
#define WSM_TESTS_FAKE_SERVICE_H

#include "base/buf.h"
#include "proto/envelope.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_SHELL_ID "11111111-2222-4333-8444-555555555501"

struct fake_service;

struct fake_request {
    const char *name; /* "Create", "Command", "Send", "Receive", "Signal", "Delete", "Disconnect",
                         "Reconnect", "Connect", "Enumerate", "Pull", "Identify" */
    const struct wsm_envelope *env;
    const char *authorization; /* header value, "" = none */
    int connection;            /* counts from 1 */
    struct wsm_span input;     /* data of a Send */
    size_t length;             /* bytes of the body */
    bool is_gone;              /* its shell was disconnected when it came */
    bool is_parked;            /* a Receive that a Disconnect has to end first */
};

struct fake_reply {
    int status;
    const char *content_type; /* NULL = SOAP */
    struct wsm_buf body;
    bool is_dropped; /* the connection ends instead of an answer */
    bool is_halved;  /* the connection ends within the answer */
    bool is_reset;   /* where it ends, by a reset */
    bool closes;     /* the connection ends after the answer */
    bool is_chunked;
};

/* Fills the reply; may wait with fake_park(). False: answer as usual. */
typedef bool (*fake_handler)(struct fake_service *service, const struct fake_request *request,
                             struct fake_reply *reply);

struct fake_service *fake_service_start(void);
void fake_service_stop(struct fake_service *service);
uint16_t fake_service_port(const struct fake_service *service);
/* Before the first request of the kind. */
void fake_service_handler(struct fake_service *service, fake_handler handler);

/* Before the first request: Create answers that the shell can be disconnected, and takes the id
 * that the client has chosen. */
void fake_can_disconnect(struct fake_service *service);
/* A Disconnect does not end the Receives that wait, which a server should do. */
void fake_keep_receives(struct fake_service *service);
/* Once, before the first request: what Enumerate and Pull list, XML elements. */
void fake_items(struct fake_service *service, const char *const *items, size_t count,
                size_t per_answer);

/* Queues an answer to the next Receive; `out` and `err` NULL = no such stream. Receives wait
 * while none is queued. */
void fake_push_output(struct fake_service *service, const char *out, const char *err, bool ends);
void fake_push_bytes(struct fake_service *service, const void *bytes, size_t count);
void fake_push_done(struct fake_service *service, uint32_t exit_code);
void fake_push_fault(struct fake_service *service, uint32_t code);
void fake_push_state(struct fake_service *service); /* Running, no stream */

/* Lets a kind of request wait until fake_release() of the same. */
void fake_hold(struct fake_service *service, const char *name);
void fake_release(struct fake_service *service, const char *name);

/* Waits until `count` requests of that name have come in; fails the test after 10 s. */
void fake_wait(struct fake_service *service, const char *name, size_t count);
/* The same until they have been answered: the answer is in the client's socket. */
void fake_wait_answered(struct fake_service *service, const char *name, size_t count);
size_t fake_count(struct fake_service *service, const char *name);
/* Connections accepted so far, and those open now (waits until it is so). */
size_t fake_connections(struct fake_service *service);
void fake_wait_open(struct fake_service *service, size_t count);
void fake_close_all(struct fake_service *service);
void fake_close_oldest(struct fake_service *service); /* of those that are open */
/* The connection of the next request that comes is reset when so many of its bytes are read. */
void fake_cut_request(struct fake_service *service, size_t bytes);
/* From now on connections are refused; until then. */
void fake_refuse(struct fake_service *service);
void fake_accept(struct fake_service *service);
/* Names of all requests in the order they came, joined by blanks; free(). */
char *fake_log(struct fake_service *service);
/* All Send data in order; borrowed until the service stops. */
struct wsm_span fake_input(struct fake_service *service);
/* With the last Send, and with no other. */
bool fake_input_ended(struct fake_service *service);
/* What the last request of that name carried; free(). */
char *fake_last(struct fake_service *service, const char *name, const char *what);

void fake_reply_fault(struct fake_reply *reply, const struct fake_request *request, uint32_t code,
                      const char *text);

#endif
