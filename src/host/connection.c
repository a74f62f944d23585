/* Who holds the shell. The host's only thread. Says nothing and ends nothing: dispatch.c
 * does. */
#include "host/connection.h"

#include "base/log.h"
#include "wsmerror.h"

#include <string.h>

/* Row: state now; column: event; cell: next.
 *                     OPENED     LET_GO        LET_GO_AUTO         TAKEN_UP
 * (none)              CONNECTED  -             -                   -
 * CONNECTED           -          DISCONNECTED  AUTO_DISCONNECTED   CONNECTED
 * DISCONNECTED        -          DISCONNECTED  DISCONNECTED        CONNECTED
 * AUTO_DISCONNECTED   -          DISCONNECTED  AUTO_DISCONNECTED   CONNECTED
 * "-" is refused. What a client asked for is stronger than what came by itself. */
static const int next_state[WSM_CONNECTION_STATES][WSM_CONNECTION_EVENTS] = {
    [WSM_CONNECTION_REFUSED] = { [WSM_CONNECTION_OPENED] = WSM_HOST_CONNECTED },
    [WSM_HOST_CONNECTED] = { [WSM_CONNECTION_LET_GO] = WSM_HOST_DISCONNECTED,
                             [WSM_CONNECTION_LET_GO_AUTO] = WSM_HOST_AUTO_DISCONNECTED,
                             [WSM_CONNECTION_TAKEN_UP] = WSM_HOST_CONNECTED },
    [WSM_HOST_DISCONNECTED] = { [WSM_CONNECTION_LET_GO] = WSM_HOST_DISCONNECTED,
                                [WSM_CONNECTION_LET_GO_AUTO] = WSM_HOST_DISCONNECTED,
                                [WSM_CONNECTION_TAKEN_UP] = WSM_HOST_CONNECTED },
    [WSM_HOST_AUTO_DISCONNECTED] = { [WSM_CONNECTION_LET_GO] = WSM_HOST_DISCONNECTED,
                                     [WSM_CONNECTION_LET_GO_AUTO] = WSM_HOST_AUTO_DISCONNECTED,
                                     [WSM_CONNECTION_TAKEN_UP] = WSM_HOST_CONNECTED },
};
static const char *const state_names[] = { "none", "connected", "disconnected",
                                           "auto-disconnected" };
static const char *const event_names[] = { "opened", "let go", "let go by itself", "taken up" };

int wsm_connection_next(int state, enum wsm_connection_event event)
{
    return next_state[state][event];
}

/* The only writer of connection->state. */
static bool connection_step(struct wsm_connection *connection, enum wsm_connection_event event,
                            struct wsm_error *err)
{
    int next = wsm_connection_next(connection->state, event);

    if (next == WSM_CONNECTION_REFUSED)
        return wsm_fail(err, ERROR_INTERNAL_ERROR, "'%s' while %s", event_names[event],
                        state_names[connection->state]);
    wsm_log_debug("shell: %s -> %s (%s)", state_names[connection->state], state_names[next],
                  event_names[event]);
    connection->state = next;
    return true;
}

static bool check(uint8_t buffer_mode, struct wsm_span session_id, struct wsm_error *err)
{
    if (buffer_mode > WSM_HOST_BUFFER_DROP)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "buffer mode %u", buffer_mode);
    if (session_id.len > WSM_HOST_ID_MAX)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "a session id of %zu bytes", session_id.len);
    return true;
}

static void session_set(struct wsm_session *session, struct wsm_span id)
{
    if (id.len > 0)
        memcpy(session->bytes, id.ptr, id.len);
    session->len = (uint8_t)id.len;
}

static uint8_t lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + 32) : byte;
}

static bool is_same_session(const struct wsm_session *a, const struct wsm_session *b)
{
    struct wsm_span x = wsm_span_trim(wsm_session_span(a));
    struct wsm_span y = wsm_span_trim(wsm_session_span(b));
    size_t i = 0;

    if (x.len != y.len)
        return false;
    while (i < x.len && lower(x.ptr[i]) == lower(y.ptr[i]))
        i++;
    return i == x.len;
}

static void hand_over(struct wsm_connection *connection, struct wsm_span session_id,
                      uint8_t buffer_mode)
{
    session_set(&connection->holder, session_id);
    if (!is_same_session(&connection->holder, &connection->creator))
        connection->is_taken = true;
    if (buffer_mode != WSM_HOST_BUFFER_UNCHANGED)
        connection->buffer_mode = buffer_mode;
}

bool wsm_connection_open(struct wsm_connection *connection, const struct wsm_host_open *message,
                         struct wsm_error *err)
{
    if (!check(message->buffer_mode, message->session_id, err) ||
        !connection_step(connection, WSM_CONNECTION_OPENED, err))
        return false;
    connection->buffer_mode = WSM_HOST_BUFFER_BLOCK;
    connection->client_version = message->client_version;
    session_set(&connection->creator, message->session_id);
    hand_over(connection, message->session_id, message->buffer_mode);
    return true;
}

bool wsm_connection_let_go(struct wsm_connection *connection,
                           const struct wsm_host_disconnect *message, struct wsm_error *err)
{
    enum wsm_connection_event event = message->is_automatic != 0 ? WSM_CONNECTION_LET_GO_AUTO
                                                                 : WSM_CONNECTION_LET_GO;

    if (message->idle_timeout_ms < -1)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "the idle time-out is negative");
    if (!check(message->buffer_mode, message->session_id, err) ||
        !connection_step(connection, event, err))
        return false;
    hand_over(connection, message->session_id, message->buffer_mode);
    return true;
}

bool wsm_connection_take_up(struct wsm_connection *connection,
                            const struct wsm_host_connect *message, struct wsm_error *err)
{
    if (!check(message->buffer_mode, message->session_id, err) ||
        !connection_step(connection, WSM_CONNECTION_TAKEN_UP, err))
        return false;
    connection->client_version = message->client_version;
    hand_over(connection, message->session_id, message->buffer_mode);
    return true;
}
