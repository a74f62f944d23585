/* winrmc id: asks a host who it is. Main thread; the callback only hands over. */
#include "verbs.h"

#include "events.h"
#include "message.h"
#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <wsmext.h>

static void append_line(char **text, const char *name, PCWSTR value)
{
    char *converted = WSManExtUtf16ToUtf8(value);
    char *longer = wsm_cli_format("%s%-19s%s\n", *text, name, converted != NULL ? converted : "");

    WSManExtFree(converted);
    free(*text);
    *text = longer;
}

static void CALLBACK on_identified(PVOID context, DWORD flags, WSMAN_ERROR *error,
                                   WSMAN_OPERATION_HANDLE operation,
                                   const WSMAN_EXT_IDENTITY *identity)
{
    struct wsm_cli_event *event = wsm_cli_event_new(0, error->code);

    (void)flags;
    if (error->code != 0) {
        event->text = wsm_cli_error_words(error);
    } else {
        event->text = wsm_cli_format("%s", "");
        append_line(&event->text, "vendor:", identity->productVendor);
        append_line(&event->text, "version:", identity->productVersion);
        append_line(&event->text, "protocol:", identity->protocolVersion);
        append_line(&event->text, "security profiles:", identity->securityProfiles);
    }
    if (operation != NULL)
        WSManCloseOperation(operation, 0);
    wsm_cli_events_post(context, event);
}

static int print(const struct wsm_cli_session *session, const struct wsm_cli_event *event)
{
    if (event->code != 0)
        return wsm_cli_session_fail(session, event->code, event->text);
    if (fputs(event->text, stdout) == EOF || fflush(stdout) == EOF)
        return wsm_cli_fail(WSM_CLI_LOCAL_IO, "standard output: %m");
    return WSM_CLI_OK;
}

static int await(const struct wsm_cli_session *session, struct wsm_cli_events *events)
{
    for (;;) {
        unsigned ready = wsm_cli_wait(events->fd, session->signals->fd, -1, session->deadline_ms);
        struct wsm_cli_event *event = wsm_cli_events_take(events);
        int number;

        if (event != NULL) {
            int status = print(session, event);

            wsm_cli_event_free(event);
            return status;
        }
        number = (ready & WSM_CLI_READY_SIGNAL) != 0 ? wsm_cli_signals_take(session->signals) : 0;
        if (number != 0)
            return WSM_CLI_SIGNAL + number;
        if (session->deadline_ms != 0 && wsm_cli_now_ms() >= session->deadline_ms)
            return wsm_cli_fail(WSM_CLI_TIMED_OUT, "%s: no answer within --timeout",
                                session->label);
    }
}

int wsm_cli_id(const struct wsm_cli_options *options, struct wsm_cli_signals *signals)
{
    struct wsm_cli_session session;
    struct wsm_cli_events events;
    WSMAN_OPERATION_HANDLE operation;
    int status;

    if (!wsm_cli_events_open(&events))
        return wsm_cli_fail(WSM_CLI_PROTOCOL, "event queue: %m");
    status = wsm_cli_session_open(&session, options, signals);
    if (status == WSM_CLI_OK) {
        WSManExtIdentify(session.handle, 0, &events, on_identified, &operation);
        status = await(&session, &events);
    }
    wsm_cli_session_close(&session); /* cancels what is still pending */
    wsm_cli_events_close(&events);
    return status;
}
