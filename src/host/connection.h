/* Who holds the shell: connected or let go of, by which session, and what becomes of its
 * output meanwhile. Pure. Source: docs/host-protocol.md, "Letting go and taking up". */
#ifndef WSM_HOST_CONNECTION_H
#define WSM_HOST_CONNECTION_H

#include "base/error.h"
#include "base/span.h"
#include "ipc/host_messages.h"

/* States are those of enum wsm_host_connection, which the report names; 0 is none. */
enum { WSM_CONNECTION_REFUSED = 0, WSM_CONNECTION_STATES = WSM_HOST_AUTO_DISCONNECTED + 1 };

enum wsm_connection_event {
    WSM_CONNECTION_OPENED,
    WSM_CONNECTION_LET_GO,      /* DISCONNECT, asked for by a client */
    WSM_CONNECTION_LET_GO_AUTO, /* DISCONNECT, automatic */
    WSM_CONNECTION_TAKEN_UP,    /* CONNECT */
    WSM_CONNECTION_EVENTS,
};

/* The next state, or WSM_CONNECTION_REFUSED. */
int wsm_connection_next(int state, enum wsm_connection_event event);

/* As sent; compared without blanks around and without case. Empty is a session too. */
struct wsm_session {
    uint8_t bytes[WSM_HOST_ID_MAX];
    uint8_t len;
};

struct wsm_connection {
    int state;       /* enum wsm_host_connection, 0 = not open */
    int buffer_mode; /* BLOCK or DROP */
    uint32_t client_version;
    bool is_taken; /* a session other than the creator's has held it */
    struct wsm_session creator;
    struct wsm_session holder;
};

/* False: what the message says is not valid; nothing has changed. */
bool wsm_connection_open(struct wsm_connection *connection, const struct wsm_host_open *message,
                         struct wsm_error *err) WSM_MUST_CHECK;
bool wsm_connection_let_go(struct wsm_connection *connection,
                           const struct wsm_host_disconnect *message,
                           struct wsm_error *err) WSM_MUST_CHECK;
bool wsm_connection_take_up(struct wsm_connection *connection,
                            const struct wsm_host_connect *message,
                            struct wsm_error *err) WSM_MUST_CHECK;

static inline bool wsm_connection_is_up(const struct wsm_connection *connection)
{
    return connection->state == WSM_HOST_CONNECTED;
}
/* May the oldest output be dropped now? */
static inline bool wsm_connection_drops(const struct wsm_connection *connection)
{
    return !wsm_connection_is_up(connection) && connection->buffer_mode == WSM_HOST_BUFFER_DROP;
}
static inline struct wsm_span wsm_session_span(const struct wsm_session *session)
{
    return wsm_span_of(session->bytes, session->len);
}

#endif
