/* winrmc id: asks a host who it is. Main thread; the callback only hands over. */
#include "verbs.h"

#include "await.h"
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

/* What the callback fills while the main thread waits. */
struct identity {
    struct wsm_cli_events events;
    char *text; /* owned */
};

static void CALLBACK on_identified(PVOID context, DWORD flags, WSMAN_ERROR *error,
                                   WSMAN_OPERATION_HANDLE operation,
                                   const WSMAN_EXT_IDENTITY *identity)
{
    struct identity *found = context;

    (void)flags;
    if (error->code == 0) {
        append_line(&found->text, "vendor:", identity->productVendor);
        append_line(&found->text, "version:", identity->productVersion);
        append_line(&found->text, "protocol:", identity->protocolVersion);
        append_line(&found->text, "security profiles:", identity->securityProfiles);
    }
    if (operation != NULL)
        WSManCloseOperation(operation, 0);
    wsm_cli_await_post(&found->events, error);
}

static int print(const char *text)
{
    if (fputs(text, stdout) == EOF || fflush(stdout) == EOF)
        return wsm_cli_fail(WSM_CLI_LOCAL_IO, "standard output: %m");
    return WSM_CLI_OK;
}

int wsm_cli_id(const struct wsm_cli_options *options, struct wsm_cli_signals *signals)
{
    struct identity found = { .text = wsm_cli_format("%s", "") };
    struct wsm_cli_session session;
    WSMAN_OPERATION_HANDLE operation;
    uint32_t code;
    int status;

    if (!wsm_cli_events_open(&found.events)) {
        free(found.text);
        return wsm_cli_fail(WSM_CLI_PROTOCOL, "event queue: %m");
    }
    status = wsm_cli_session_open(&session, options, signals);
    if (status == WSM_CLI_OK) {
        WSManExtIdentify(session.handle, 0, &found, on_identified, &operation);
        status = wsm_cli_await(&session, &found.events, 0, &code);
    }
    wsm_cli_session_close(&session); /* cancels what is still pending */
    if (status == WSM_CLI_OK)
        status = print(found.text);
    wsm_cli_events_close(&found.events);
    free(found.text);
    return status;
}
