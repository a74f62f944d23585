/* Delete: ends a shell with everything under it. The winrmd-net loop runs it. */
#include "proto/create.h"

#include "base/log.h"
#include "server/handler.h"
#include "wsmerror.h"

#include <stdlib.h>

/* One Delete under way; owned by itself. */
struct delete
{
    struct wsm_exchange *exchange; /* owned */
    struct wsm_shell *shell;       /* borrowed: its end ends the call first */
    struct wsm_host_call call;
    struct wsm_shell_deleter deleter;
};

static const struct wsm_exchange_events exchange_events = { .keeps_request = false };

static void delete_end(struct delete *delete, const struct wsm_error *err)
{
    struct wsm_exchange *exchange = delete->exchange;
    struct wsm_response response = WSM_RESPONSE_INIT;
    struct wsm_response_headers headers;

    free(delete);
    if (err != NULL) {
        wsm_exchange_fail_with(exchange, err);
        return;
    }
    if (exchange->conn != NULL) {
        headers = wsm_response_open(&response, exchange, 200, WSM_ACTION_DELETE "Response");
        wsm_delete_response_write(&response.out, &headers);
        wsm_response_send(&response, exchange, NULL);
        wsm_response_clear(&response);
    }
    wsm_exchange_free(exchange);
}

/* The monitor has found out whether the host is gone. */
static void on_known(struct wsm_shell_deleter *deleter, const struct wsm_error *err)
{
    delete_end(WSM_CONTAINER_OF(deleter, struct delete, deleter), err);
}

/* DONE, or a host that says that it ends: it has done what was asked. A connection that just
 * broke says nothing; then on_known comes. */
static void on_end(struct wsm_host_call *call, const struct wsm_error *err)
{
    struct delete *delete = WSM_CONTAINER_OF(call, struct delete, call);

    if (err != NULL && wsm_host_link_is_broken(delete->shell->link))
        return;
    delete->shell->deleter = NULL;
    delete_end(delete, NULL);
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
    delete->shell = shell;
    delete->deleter.on_end = on_known;
    exchange->events = &exchange_events;
    wsm_log_info("shell %s of %s deleted", shell->id.text, shell->owner);
    message.request = wsm_host_link_expect(shell->link, &delete->call, &events);
    wsm_host_link_send(shell->link, &wsm_host_delete_type, &message);
    wsm_shell_deleting(shell, &delete->deleter); /* what waits for it ends now */
}
