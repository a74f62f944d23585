/* Delete: ends a shell with everything under it. The winrmd-net loop runs it. */
#include "proto/create.h"

#include "base/log.h"
#include "server/dispatch.h"
#include "wsmerror.h"

#include <stdlib.h>

/* One Delete under way; owned by itself. */
struct delete
{
    struct wsm_exchange *exchange; /* owned */
    struct wsm_host_call call;
};

static const struct wsm_exchange_events exchange_events = { NULL, NULL };

/* A host that is gone has done what was asked, whatever it could still say. */
static void on_end(struct wsm_host_call *call, const struct wsm_error *err)
{
    struct delete *delete = WSM_CONTAINER_OF(call, struct delete, call);
    struct wsm_response response = WSM_RESPONSE_INIT;
    struct wsm_response_headers headers;

    (void)err;
    if (delete->exchange->conn != NULL) {
        headers = wsm_response_open(&response, delete->exchange, 200, WSM_ACTION_DELETE "Response");
        wsm_delete_response_write(&response.out, &headers);
        wsm_response_send(&response, delete->exchange, NULL);
        wsm_response_clear(&response);
    }
    wsm_exchange_free(delete->exchange);
    free(delete);
}

void wsm_op_delete(struct wsm_exchange *exchange, struct wsm_shell *shell)
{
    static const struct wsm_host_call_events events = { .on_end = on_end };
    struct wsm_error err = WSM_ERROR_INIT;
    struct delete *delete = calloc(1, sizeof(*delete));
    struct wsm_host_delete message;

    if (delete == NULL) {
        wsm_fail_memory(&err, "operation");
        wsm_exchange_fail(exchange, &err);
        return;
    }
    delete->exchange = exchange;
    exchange->events = &exchange_events;
    wsm_log_info("shell %s of %s deleted", shell->id.text, shell->owner);
    message.request = wsm_host_link_expect(shell->link, &delete->call, &events);
    wsm_host_link_send(shell->link, &wsm_host_delete_type, &message);
    wsm_shell_deleting(shell); /* what waits for it ends now */
}
