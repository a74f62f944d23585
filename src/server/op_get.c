/* Get: what there is to know of one shell. The winrmd-net loop runs it. Asking is no
 * activity of the shell. */
#include "proto/enumerate.h"

#include "proto/extension.h"
#include "server/handler.h"
#include "server/service.h"
#include "server/shell_report.h"
#include "wsmerror.h"

#include <stdlib.h>

static const char *const options[] = { WSM_OPTION_CLIENT, NULL };

/* One Get under way; owned by itself. */
struct get {
    struct wsm_exchange *exchange; /* owned */
    struct wsm_shell *shell;       /* borrowed: its end ends the call first */
    struct wsm_host_call call;
    bool has_report;
};

static const struct wsm_exchange_events exchange_events = { .keeps_request = false };

static void on_shell(struct wsm_host_call *call, const struct wsm_host_shell *report)
{
    struct get *get = WSM_CONTAINER_OF(call, struct get, call);
    struct wsm_exchange *exchange = get->exchange;
    struct wsm_response response = WSM_RESPONSE_INIT;
    struct wsm_response_headers headers;
    struct wsm_shell_item item;

    get->has_report = true;
    if (exchange->conn == NULL)
        return;
    wsm_shell_report_item(get->shell, report, &exchange->service->settings,
                          wsm_extension_announced(&exchange->env) != 0, &item);
    headers = wsm_response_open(&response, exchange, 200, WSM_ACTION_GET "Response");
    wsm_get_response_write(&response.out, &headers, &item);
    wsm_response_send(&response, exchange, NULL);
    wsm_response_clear(&response);
}

static void on_end(struct wsm_host_call *call, const struct wsm_error *err)
{
    struct get *get = WSM_CONTAINER_OF(call, struct get, call);
    struct wsm_exchange *exchange = get->exchange;
    struct wsm_shell *shell = get->shell;
    bool is_answered = get->has_report;

    free(get);
    if (is_answered) {
        wsm_exchange_free(exchange);
    } else if (err != NULL && wsm_shell_is_ready(shell)) {
        wsm_exchange_fail_with(exchange, err);
    } else {
        wsm_exchange_wait(exchange, &shell->waiting);
    }
}

void wsm_op_get(struct wsm_exchange *exchange, struct wsm_shell *shell)
{
    static const struct wsm_host_call_events events = { .on_end = on_end, .on_shell = on_shell };
    struct wsm_error err = WSM_ERROR_INIT;
    struct get *get = NULL;

    if (!wsm_options_check(&exchange->env, options, &err))
        goto out;
    get = calloc(1, sizeof(*get));
    if (get == NULL) {
        wsm_fail_memory(&err, "operation");
        goto out;
    }
    get->exchange = exchange;
    get->shell = shell;
    if (wsm_host_link_inspect(shell->link, &get->call, &events, &err)) {
        exchange->events = &exchange_events;
        return;
    }
out:
    free(get);
    wsm_exchange_fail(exchange, &err);
}
