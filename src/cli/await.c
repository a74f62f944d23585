/* Main thread, but for the posting. */
#include "await.h"

#include "message.h"

static int take(const struct wsm_cli_session *session, struct wsm_cli_event *event,
                uint32_t tolerated, uint32_t *out_code)
{
    int status = WSM_CLI_OK;

    *out_code = event->code;
    if (event->code != 0 && event->code != tolerated)
        status = wsm_cli_session_fail(session, event->code, event->text);
    wsm_cli_event_free(event);
    return status;
}

int wsm_cli_await(const struct wsm_cli_session *session, struct wsm_cli_events *events,
                  uint32_t tolerated, uint32_t *out_code)
{
    for (;;) {
        unsigned ready = wsm_cli_wait(events->fd, session->signals->fd, -1, session->deadline_ms);
        struct wsm_cli_event *event = wsm_cli_events_take(events);
        int number;

        if (event != NULL)
            return take(session, event, tolerated, out_code);
        number = (ready & WSM_CLI_READY_SIGNAL) != 0 ? wsm_cli_signals_take(session->signals) : 0;
        if (number != 0)
            return WSM_CLI_SIGNAL + number;
        if (session->deadline_ms != 0 && wsm_cli_now_ms() >= session->deadline_ms)
            return wsm_cli_fail(WSM_CLI_TIMED_OUT, "%s: no answer within --timeout",
                                session->label);
    }
}

void wsm_cli_await_post(struct wsm_cli_events *events, const WSMAN_ERROR *error)
{
    struct wsm_cli_event *event = wsm_cli_event_new(0, error->code);

    if (error->code != 0)
        event->text = wsm_cli_error_words(error);
    wsm_cli_events_post(events, event);
}
