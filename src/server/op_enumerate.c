/* Enumerate, Pull and Release: the user's shells, or the commands of one of them. The
 * winrmd-net loop runs it. Enumerate asks all hosts at once and keeps what they say; what does
 * not fit into its answer, or was not wanted yet, waits under a context for Pull. Asking is
 * no activity of a shell. */
#include "proto/enumerate.h"

#include "proto/extension.h"
#include "server/handler.h"
#include "server/service.h"
#include "server/shell_report.h"
#include "wsmerror.h"

#include <stdio.h>
#include <stdlib.h>

enum { LOOK_MS = 5000 }; /* for hosts to answer: one that is stopped must not hide the others */

static const char *const options[] = { WSM_OPTION_CLIENT, NULL };

struct enumeration;

/* One host that is asked. */
struct look {
    struct wsm_host_call call;
    struct enumeration *enumeration;
    struct wsm_shell *shell; /* borrowed: its end ends the call first */
    bool has_answered;
};

/* One Enumerate under way; owned by itself. */
struct enumeration {
    struct wsm_exchange *exchange; /* owned */
    bool is_optimized;
    uint32_t max_elements;
    bool is_marked;
    bool is_torn; /* a connection to a host broke, which may be there all the same */
    struct wsm_listing listing;
    struct wsm_error failure;
    size_t pending; /* looks that have not ended, and one more while they begin */
    size_t count;
    struct look looks[];
};

/* "uuid:" and the GUID */
struct context_text {
    char text[WSM_GUID_LEN + 6];
};

/* ---- answers ---- */

/* Bytes of items that an answer has room for. */
static size_t room_of(const struct wsm_exchange *exchange)
{
    size_t room = exchange->max_envelope;
    size_t needed = wsm_items_response_overhead() + sizeof(struct context_text);

    if (exchange->env.doc.is_utf16)
        room = room / 2 - 1;
    return room > needed ? room - needed : 0;
}

static void write_answer(struct wsm_exchange *exchange, const struct wsm_items_response *msg)
{
    struct wsm_response response = WSM_RESPONSE_INIT;
    struct wsm_response_headers headers = wsm_response_open(
        &response, exchange, 200,
        msg->is_pull ? WSM_ACTION_PULL "Response" : WSM_ACTION_ENUMERATE "Response");

    wsm_items_response_write(&response.out, &headers, msg);
    wsm_response_send(&response, exchange, NULL);
    wsm_response_clear(&response);
}

static bool take_items(struct wsm_exchange *exchange, struct wsm_listing *listing, size_t max,
                       struct wsm_span *out, struct wsm_error *err)
{
    *out = wsm_listing_take(listing, max, room_of(exchange));
    if (out->len == 0 && !wsm_listing_is_end(listing))
        return wsm_fail(err, ERROR_WSMAN_MAX_ENVELOPE_SIZE_EXCEEDED,
                        "no item fits into MaxEnvelopeSize %zu", exchange->max_envelope);
    return true;
}

static bool answer(struct enumeration *enumeration, struct wsm_error *err)
{
    struct wsm_exchange *exchange = enumeration->exchange;
    struct wsm_items_response msg = { .is_end = enumeration->is_optimized };
    struct context_text context;
    struct wsm_guid id;

    if (enumeration->is_optimized &&
        !take_items(exchange, &enumeration->listing, enumeration->max_elements, &msg.items, err))
        return false;
    if (!enumeration->is_optimized || !wsm_listing_is_end(&enumeration->listing)) {
        wsm_service_guid(&id);
        if (wsm_contexts_add(&exchange->service->contexts, exchange->logon->user, &id,
                             &enumeration->listing) == NULL)
            return wsm_fail_memory(err, "enumeration");
        snprintf(context.text, sizeof(context.text), "uuid:%s", id.text);
        msg.context = wsm_span_str(context.text);
        msg.is_end = false;
    }
    write_answer(exchange, &msg);
    return true;
}

/* ---- asking the hosts ---- */

static void enumeration_free(struct enumeration *enumeration)
{
    wsm_listing_clear(&enumeration->listing);
    wsm_error_clear(&enumeration->failure);
    free(enumeration);
}

static void finish(struct enumeration *enumeration)
{
    if (enumeration->failure.code != 0 || !answer(enumeration, &enumeration->failure))
        wsm_exchange_fault(enumeration->exchange, &enumeration->failure);
}

/* One less is awaited. */
static void look_end(struct enumeration *enumeration)
{
    struct wsm_exchange *exchange = enumeration->exchange;

    if (--enumeration->pending > 0)
        return;
    if (exchange->conn != NULL && !enumeration->is_torn)
        finish(enumeration);
    enumeration_free(enumeration);
    if (exchange->conn != NULL) { /* not answered: once more, when that host is there again */
        exchange->events = NULL;
        wsm_exchange_resume(exchange);
    } else {
        wsm_exchange_free(exchange);
    }
}

static void on_end(struct wsm_host_call *call, const struct wsm_error *err)
{
    struct look *look = WSM_CONTAINER_OF(call, struct look, call);
    struct enumeration *enumeration = look->enumeration;

    look->has_answered = true; /* a shell that has ended is none */
    if (err != NULL && wsm_host_link_is_broken(look->shell->link))
        enumeration->is_torn = true;
    look_end(enumeration);
}

static void add_item(struct enumeration *enumeration)
{
    if (enumeration->failure.code == 0)
        (void)!wsm_listing_add(&enumeration->listing, &enumeration->failure);
}

static void on_shell(struct wsm_host_call *call, const struct wsm_host_shell *report)
{
    struct look *look = WSM_CONTAINER_OF(call, struct look, call);
    struct enumeration *enumeration = look->enumeration;
    struct wsm_shell_item item;

    look->has_answered = true;
    if (enumeration->exchange->conn == NULL)
        return;
    wsm_shell_report_item(look->shell, report, &enumeration->exchange->service->settings,
                          enumeration->is_marked, &item);
    wsm_shell_item_write(&enumeration->listing.items, &item);
    add_item(enumeration);
}

/* Its host takes too long: there is only what is known here. */
static void add_unknown(const struct look *look)
{
    struct enumeration *enumeration = look->enumeration;
    struct wsm_shell_item item;

    wsm_shell_report_unknown(look->shell, enumeration->is_marked, &item);
    wsm_shell_item_write(&enumeration->listing.items, &item);
    add_item(enumeration);
}

static void on_timer(struct wsm_exchange *exchange)
{
    struct enumeration *enumeration = exchange->op;

    for (size_t i = 0; i < enumeration->count; i++)
        if (!enumeration->looks[i].has_answered)
            add_unknown(&enumeration->looks[i]);
    finish(enumeration); /* it goes when they have answered, and needs no more until then */
    wsm_listing_clear(&enumeration->listing);
    wsm_exchange_shed(exchange);
}

static void on_command(struct wsm_host_call *call, const struct wsm_host_command *report)
{
    struct look *look = WSM_CONTAINER_OF(call, struct look, call);
    struct enumeration *enumeration = look->enumeration;
    struct wsm_command_item item;

    if (enumeration->failure.code != 0 || enumeration->exchange->conn == NULL ||
        !wsm_command_report_item(report, enumeration->is_marked, &item))
        return;
    wsm_command_item_write(&enumeration->listing.items, &item);
    add_item(enumeration);
}

/* `only`: the commands of that shell; NULL: the user's shells. */
static void start(struct wsm_exchange *exchange, const struct wsm_enumerate_request *request,
                  struct wsm_shell *only)
{
    static const struct wsm_host_call_events of_shells = { .on_end = on_end, .on_shell = on_shell };
    static const struct wsm_exchange_events events_of_shells = { .on_timer = on_timer };
    static const struct wsm_exchange_events events_of_commands = { .on_timer = NULL };
    static const struct wsm_host_call_events of_commands = { .on_end = on_end,
                                                             .on_command = on_command };
    struct wsm_shell_table *table = &exchange->service->shells;
    const char *user = exchange->logon->user;
    size_t count = only != NULL ? 1 : wsm_shell_count(table, user);
    struct enumeration *enumeration = calloc(1, sizeof(*enumeration) + count * sizeof(struct look));
    struct wsm_shell *shell = NULL;
    struct wsm_error err = WSM_ERROR_INIT;

    if (enumeration == NULL) {
        wsm_fail_memory(&err, "enumeration");
        wsm_exchange_fail(exchange, &err);
        return;
    }
    enumeration->exchange = exchange;
    enumeration->is_optimized = request->is_optimized;
    enumeration->max_elements = request->max_elements;
    enumeration->is_marked = wsm_extension_announced(&exchange->env) != 0;
    enumeration->pending = 1;
    exchange->op = enumeration;
    exchange->events = only != NULL ? &events_of_commands : &events_of_shells;
    if (only == NULL && exchange->deadline_ms - wsm_service_now(exchange->service) > LOOK_MS)
        wsm_exchange_set_timer(exchange, LOOK_MS);
    while ((shell = wsm_shell_next(table, user, shell)) != NULL) {
        struct look *look = &enumeration->looks[enumeration->count];

        if (!wsm_shell_is_ready(shell) || (only != NULL && shell != only))
            continue; /* it is being made or deleted, or is another one */
        look->enumeration = enumeration;
        look->shell = shell;
        if (!wsm_host_link_inspect(shell->link, &look->call,
                                   only != NULL ? &of_commands : &of_shells,
                                   only != NULL ? &enumeration->failure : NULL)) {
            if (only == NULL)
                add_unknown(look);
            continue;
        }
        enumeration->count++;
        enumeration->pending++;
    }
    look_end(enumeration);
}

/* A shell whose host cannot be asked now, but will be; NULL: there is none. */
static struct wsm_shell *not_ready(struct wsm_exchange *exchange)
{
    struct wsm_shell *shell = NULL;

    while ((shell = wsm_shell_next(&exchange->service->shells, exchange->logon->user, shell)) !=
           NULL)
        if (shell->state == WSM_SHELL_RECONNECTING || shell->state == WSM_SHELL_GREETING_AGAIN ||
            (shell->state == WSM_SHELL_OPEN && !wsm_shell_is_ready(shell)))
            return shell;
    return NULL;
}

static bool check(const struct wsm_exchange *exchange, bool wants_commands,
                  struct wsm_enumerate_request *out, struct wsm_error *err)
{
    const struct wsm_envelope *env = &exchange->env;

    if (!wsm_options_check(env, options, err) || !wsm_enumerate_request_parse(env, out, err))
        return false;
    if (out->wants_epr && wants_commands)
        return wsm_fail(err, ERROR_WSMAN_ENUMERATE_SHELLCOMMANDS_EPRS_NOTSUPPORTED,
                        "commands have no endpoint references");
    if (out->wants_epr)
        return wsm_fail(err, ERROR_WSMAN_ENUMERATION_MODE_UNSUPPORTED,
                        "endpoint references are not supported");
    if (out->has_filter && !wants_commands)
        return wsm_fail(err, ERROR_WSMAN_ENUMERATE_FILTERING_NOT_SUPPORTED,
                        "shells cannot be filtered");
    if (out->has_filter && !wsm_span_is(out->dialect, WSM_DIALECT_SELECTOR))
        return wsm_fail(err, ERROR_WSMAN_ENUMERATE_FILTER_DIALECT_REQUESTED_UNAVAILABLE,
                        "only the selector filter is supported");
    if (wants_commands && out->shell_id.len == 0)
        return wsm_fail(err, ERROR_WSMAN_ENUMERATE_SHELLCOMAMNDS_FILTER_EXPECTED,
                        "commands are those of a shell: a filter or selector ShellId is needed");
    return true;
}

void wsm_op_enumerate(struct wsm_exchange *exchange, struct wsm_shell *shell)
{
    bool wants_commands = wsm_span_is(exchange->env.resource_uri, WSM_URI_SHELL_COMMAND);
    struct wsm_enumerate_request request;
    struct wsm_error err = WSM_ERROR_INIT;

    if (!check(exchange, wants_commands, &request, &err)) {
        wsm_exchange_fail(exchange, &err);
        return;
    }
    if (wants_commands) {
        shell = wsm_handler_find_shell(exchange, request.shell_id);
        if (shell != NULL)
            start(exchange, &request, shell);
        return;
    }
    shell = not_ready(exchange);
    if (shell != NULL)
        wsm_exchange_wait(exchange, &shell->waiting);
    else
        start(exchange, &request, NULL);
}

void wsm_op_pull(struct wsm_exchange *exchange, struct wsm_shell *shell)
{
    struct wsm_contexts *contexts = &exchange->service->contexts;
    struct wsm_items_response msg = { .is_pull = true };
    struct wsm_pull_request request;
    struct wsm_context *context;
    struct wsm_error err = WSM_ERROR_INIT;

    (void)shell;
    if (!wsm_options_check(&exchange->env, options, &err) ||
        !wsm_pull_request_parse(&exchange->env, &request, &err))
        goto out;
    context = wsm_contexts_find(contexts, exchange->logon->user, request.context, &err);
    if (context == NULL ||
        !take_items(exchange, &context->listing, request.max_elements, &msg.items, &err))
        goto out;
    msg.is_end = wsm_listing_is_end(&context->listing);
    if (!msg.is_end)
        msg.context = request.context;
    write_answer(exchange, &msg);
    if (msg.is_end)
        wsm_contexts_remove(contexts, context);
    wsm_exchange_free(exchange);
    return;
out:
    wsm_exchange_fail(exchange, &err);
}

void wsm_op_release(struct wsm_exchange *exchange, struct wsm_shell *shell)
{
    struct wsm_contexts *contexts = &exchange->service->contexts;
    struct wsm_response response = WSM_RESPONSE_INIT;
    struct wsm_response_headers headers;
    struct wsm_context *context;
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_span text;

    (void)shell;
    if (!wsm_options_check(&exchange->env, options, &err) ||
        !wsm_release_request_parse(&exchange->env, &text, &err))
        goto out;
    context = wsm_contexts_find(contexts, exchange->logon->user, text, &err);
    if (context == NULL)
        goto out;
    wsm_contexts_remove(contexts, context);
    headers = wsm_response_open(&response, exchange, 200, WSM_ACTION_RELEASE "Response");
    wsm_release_response_write(&response.out, &headers);
    wsm_response_send(&response, exchange, NULL);
    wsm_response_clear(&response);
    wsm_exchange_free(exchange);
    return;
out:
    wsm_exchange_fail(exchange, &err);
}
