/* Whose shell it is, and what others may do. Pure; the winrmd-net loop calls it. */
#include "server/holder.h"

#include "wsmerror.h"

#include <stdio.h>

enum connection { CONNECTED, DISCONNECTED, AUTOMATIC, CONNECTIONS };

/* A verdict: 0 = go, TAKE_UP, else the code to refuse with. */
enum { GO, TAKE_UP };

#define OTHERS   ERROR_WINRS_SHELL_CONNECTED_TO_DIFFERENT_CLIENT
#define MISMATCH ERROR_WINRS_SHELL_CLIENTSESSIONID_MISMATCH
#define AWAY     ERROR_WINRS_SHELL_DISCONNECTED

/* Who asks: the session that holds the shell; the same, announced as ours, whose Connect may be
 * a repetition since the answer to the first was lost; another one, while the shell was always its
 * creator's or after another session had it; anybody who takes it over. */
enum asker { OWN, OURS, OTHER, OTHER_TAKEN, TAKEOVER, ASKERS };

/* Row: request and connection; column: asker. A connected shell that nobody took over may be
 * used by any session, since script clients name none, or a new one with each request.
 *                            OWN      OURS     OTHER     OTHER_TAKEN  TAKEOVER
 * USE         connected      go       go       go        others       -
 *             disconnected   away     away     away      mismatch     -
 *             automatically  take up  take up  away      mismatch     -
 * DISCONNECT  connected      go       go       others    others       go
 *             disconnected   go       go       mismatch  mismatch     go
 *             automatically  go       go       mismatch  mismatch     go
 * RECONNECT   connected      go       go       others    others       -
 *             disconnected   go       go       mismatch  mismatch     -
 *             automatically  go       go       mismatch  mismatch     -
 * CONNECT     connected      others   go       others    others       go
 *             disconnected   go       go       go        go           go
 *             automatically  go       go       go        go           go       */
static const uint32_t verdicts[WSM_HOLD_REQUESTS][CONNECTIONS][ASKERS] = {
    [WSM_HOLD_USE] = { [CONNECTED] = { GO, GO, GO, OTHERS },
                       [DISCONNECTED] = { AWAY, AWAY, AWAY, MISMATCH },
                       [AUTOMATIC] = { TAKE_UP, TAKE_UP, AWAY, MISMATCH } },
    [WSM_HOLD_DISCONNECT] = { [CONNECTED] = { GO, GO, OTHERS, OTHERS, GO },
                              [DISCONNECTED] = { GO, GO, MISMATCH, MISMATCH, GO },
                              [AUTOMATIC] = { GO, GO, MISMATCH, MISMATCH, GO } },
    [WSM_HOLD_RECONNECT] = { [CONNECTED] = { GO, GO, OTHERS, OTHERS },
                             [DISCONNECTED] = { GO, GO, MISMATCH, MISMATCH },
                             [AUTOMATIC] = { GO, GO, MISMATCH, MISMATCH } },
    [WSM_HOLD_CONNECT] = { [CONNECTED] = { OTHERS, GO, OTHERS, OTHERS, GO },
                           [DISCONNECTED] = { GO, GO, GO, GO, GO },
                           [AUTOMATIC] = { GO, GO, GO, GO, GO } },
};

static void take_session_id(struct wsm_holder *holder, struct wsm_span id)
{
    id = wsm_span_trim(id);
    snprintf(holder->session_id, sizeof(holder->session_id), "%.*s",
             (int)(id.len < WSM_HOST_ID_MAX ? id.len : WSM_HOST_ID_MAX),
             id.len == 0 ? "" : (const char *)id.ptr);
}

void wsm_holder_take(struct wsm_holder *holder, const struct wsm_host_shell *report)
{
    take_session_id(holder, report->session_id);
    holder->connection = report->connection == WSM_HOST_DISCONNECTED ||
                                 report->connection == WSM_HOST_AUTO_DISCONNECTED
                             ? (enum wsm_host_connection)report->connection
                             : WSM_HOST_CONNECTED;
    holder->client_version = report->client_version;
    holder->is_taken = report->is_taken != 0;
    holder->can_disconnect = report->can_disconnect != 0;
}

void wsm_holder_create(struct wsm_holder *holder, struct wsm_span session_id,
                       uint32_t client_version, bool can_disconnect)
{
    *holder = (struct wsm_holder){ .connection = WSM_HOST_CONNECTED,
                                   .client_version = client_version,
                                   .can_disconnect = can_disconnect };
    take_session_id(holder, session_id);
}

static void change_hands(struct wsm_holder *holder, struct wsm_span session_id)
{
    if (wsm_holder_is(holder, session_id))
        return;
    holder->is_taken = true;
    take_session_id(holder, session_id);
}

void wsm_holder_connect(struct wsm_holder *holder, struct wsm_span session_id,
                        uint32_t client_version)
{
    change_hands(holder, session_id);
    holder->connection = WSM_HOST_CONNECTED;
    holder->client_version = client_version;
}

void wsm_holder_disconnect(struct wsm_holder *holder, struct wsm_span session_id, bool is_automatic)
{
    change_hands(holder, session_id);
    holder->connection = is_automatic ? WSM_HOST_AUTO_DISCONNECTED : WSM_HOST_DISCONNECTED;
}

bool wsm_holder_is(const struct wsm_holder *holder, struct wsm_span session_id)
{
    return wsm_span_is_nocase(wsm_span_trim(session_id), holder->session_id);
}

bool wsm_holder_is_marked(const struct wsm_holder *holder, struct wsm_span session_id)
{
    return holder->client_version != 0 && wsm_holder_is(holder, session_id);
}

static enum connection connection_of(const struct wsm_holder *holder)
{
    switch (holder->connection) {
    case WSM_HOST_DISCONNECTED:
        return DISCONNECTED;
    case WSM_HOST_AUTO_DISCONNECTED:
        return AUTOMATIC;
    default:
        return CONNECTED;
    }
}

enum wsm_hold_verdict wsm_holder_decide(const struct wsm_holder *holder,
                                        enum wsm_hold_request request, struct wsm_span session_id,
                                        bool takeover, uint32_t *out_code)
{
    enum asker asker = holder->is_taken ? OTHER_TAKEN : OTHER;
    uint32_t verdict;

    if (wsm_holder_is(holder, session_id))
        asker = holder->client_version != 0 ? OURS : OWN;
    if (takeover && (request == WSM_HOLD_CONNECT || request == WSM_HOLD_DISCONNECT))
        asker = TAKEOVER;
    if (request == WSM_HOLD_DISCONNECT && !holder->can_disconnect)
        verdict = ERROR_WINRS_SHELL_DISCONNECT_NOT_SUPPORTED;
    else
        verdict = verdicts[request][connection_of(holder)][asker];
    if (verdict == GO)
        return WSM_HOLD_GO;
    if (verdict == TAKE_UP)
        return WSM_HOLD_TAKE_UP;
    *out_code = verdict;
    return WSM_HOLD_REFUSED;
}
