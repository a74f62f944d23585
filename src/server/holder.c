/* Whose shell it is. Pure; the winrmd-net loop calls it. */
#include "server/holder.h"

#include <stdio.h>

static void take_session_id(struct wsm_holder *holder, struct wsm_span id)
{
    snprintf(holder->session_id, sizeof(holder->session_id), "%.*s",
             (int)(id.len < WSM_HOST_ID_MAX ? id.len : WSM_HOST_ID_MAX),
             id.len == 0 ? "" : (const char *)id.ptr);
}

void wsm_holder_take(struct wsm_holder *holder, const struct wsm_host_shell *report)
{
    take_session_id(holder, report->session_id);
    holder->connection = (enum wsm_host_connection)report->connection;
    holder->client_version = report->client_version;
    holder->is_taken = report->is_taken != 0;
    holder->can_disconnect = report->can_disconnect != 0;
}

bool wsm_holder_is(const struct wsm_holder *holder, struct wsm_span session_id)
{
    return wsm_span_is_nocase(wsm_span_trim(session_id), holder->session_id);
}

bool wsm_holder_is_marked(const struct wsm_holder *holder, struct wsm_span session_id)
{
    return holder->client_version != 0 && wsm_holder_is(holder, session_id);
}
