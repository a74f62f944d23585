/* Listing shells and commands, and deleting a shell by its id: Enumerate, Pull, Delete.
 * Loop thread. */
#include "client/announce.h"
#include "client/listing.h"
#include "client/operation.h"
#include "client/session.h"
#include "proto/create.h"
#include "proto/enumerate.h"
#include "wsmerror.h"

#include <stdlib.h>

enum { RESTARTS_MAX = 3 /* of a list that has broken off behind its beginning */ };

/* ---- Answers ---- */

/* Makes room for one more; the size doubles at powers of two. */
static bool grow(void **array, size_t count, size_t size, struct wsm_error *err)
{
    size_t cap = count == 0 ? 16 : count * 2;
    void *bigger;

    if (count != 0 && (count < 16 || (count & (count - 1)) != 0))
        return true;
    bigger = reallocarray(*array, cap, size);
    if (bigger == NULL)
        return wsm_fail_memory(err, "list");
    *array = bigger;
    return true;
}

static bool keep_answer(struct wsm_listing *listing, struct wsm_answer **answer,
                        struct wsm_error *err)
{
    size_t bytes = (*answer)->bytes.len;

    if (listing->answer_count == WSM_LISTING_ANSWERS_MAX ||
        bytes > WSM_LISTING_BYTES_MAX - listing->byte_count)
        return wsm_fail(err, ERROR_WSMAN_QUOTA_LIMIT, "the list is longer than %d MiB",
                        WSM_LISTING_BYTES_MAX / 1024 / 1024);
    if (!grow((void **)&listing->answers, listing->answer_count, sizeof(*listing->answers), err))
        return false;
    listing->answers[listing->answer_count++] = *answer;
    listing->byte_count += bytes;
    *answer = NULL;
    return true;
}

static bool keep_shell(struct wsm_listing *listing, const struct wsm_xml_node *node,
                       struct wsm_error *err)
{
    if (!grow((void **)&listing->shells, listing->shell_count, sizeof(*listing->shells), err))
        return false;
    wsm_shell_item_parse(node, &listing->shells[listing->shell_count++]);
    return true;
}

static bool keep_command(struct wsm_listing *listing, const struct wsm_xml_node *node,
                         struct wsm_error *err)
{
    if (!grow((void **)&listing->commands, listing->command_count, sizeof(*listing->commands), err))
        return false;
    wsm_command_item_parse(node, &listing->commands[listing->command_count++]);
    return true;
}

static bool keep_items(const struct wsm_operation *operation, const struct wsm_xml_node *first,
                       struct wsm_error *err)
{
    struct wsm_listing *listing = operation->async.listing;
    const struct wsm_xml_node *node;

    for (node = first; node != NULL; node = wsm_xml_next_same(node)) {
        if (listing->shell_count + listing->command_count == WSM_LISTING_ITEMS_MAX)
            return wsm_fail(err, ERROR_WSMAN_QUOTA_LIMIT, "the list has more than %d items",
                            WSM_LISTING_ITEMS_MAX);
        if (!(operation->kind == &wsm_list_shells_kind ? keep_shell(listing, node, err)
                                                       : keep_command(listing, node, err)))
            return false;
    }
    return true;
}

static bool send_pull(struct wsm_operation *operation, struct wsm_span context,
                      struct wsm_error *err);

/* Takes one answer and asks for the next; *out_more: there is one. */
static bool take_items(struct wsm_operation *operation, struct wsm_answer **answer, bool *out_more,
                       struct wsm_error *err)
{
    struct wsm_items_response response;

    if (!wsm_items_response_parse(&(*answer)->env, &response, err) ||
        !keep_answer(operation->async.listing, answer, err) ||
        !keep_items(operation, response.first, err))
        return false;
    *out_more = !response.is_end && response.context.len > 0;
    return !*out_more || send_pull(operation, response.context, err);
}

static void on_items(struct wsm_exchange *exchange, struct wsm_answer **answer,
                     struct wsm_error *err)
{
    struct wsm_operation *operation = WSM_CONTAINER_OF(exchange, struct wsm_operation, exchange);
    bool has_more = false;

    if (err->code == 0 && take_items(operation, answer, &has_more, err) && has_more)
        return;
    wsm_operation_complete(operation, err);
}

/* ---- Requests ---- */

/* Announced to our own service, which then says more. */
static bool prepare(struct wsm_operation *operation, const char *action,
                    struct wsm_option room[WSM_OPTIONS_MAX], struct wsm_request_headers *out,
                    struct wsm_error *err)
{
    struct wsm_exchange_plan plan = {
        .action = action,
        .resource_uri = operation->kind == &wsm_list_shells_kind ? WSM_URI_SHELL
                                                                 : WSM_URI_SHELL_COMMAND,
        .timeout_option = WSM_OPTION_DEFAULT_TIMEOUT,
    };

    if (!wsm_exchange_prepare(&operation->exchange, operation->session, &plan, out, err))
        return false;
    wsm_announce(out, room);
    operation->exchange.on_done = on_items;
    return true;
}

static bool list_again(struct wsm_exchange *exchange, struct wsm_error *err);

static bool send_covered(struct wsm_operation *operation, struct wsm_error *err)
{
    static const struct wsm_repetition repetition = { .send = list_again };

    wsm_recovery_cover(&operation->recovery, &operation->exchange, &repetition);
    return wsm_exchange_send(&operation->exchange, err);
}

/* The next part. One that always breaks off would have the list begin anew for ever, since each
 * beginning is an answer: so in the end a broken connection is one. */
static bool send_pull(struct wsm_operation *operation, struct wsm_span context,
                      struct wsm_error *err)
{
    struct wsm_pull_request request = { .context = context, .max_elements = WSM_LISTING_BATCH };
    struct wsm_option room[WSM_OPTIONS_MAX];
    struct wsm_request_headers headers;

    if (!prepare(operation, WSM_ACTION_PULL, room, &headers, err))
        return false;
    wsm_pull_request_write(&operation->exchange.call.request, &headers, &request);
    return operation->restarts < RESTARTS_MAX ? send_covered(operation, err)
                                              : wsm_exchange_send(&operation->exchange, err);
}

static bool start_list(struct wsm_operation *operation, struct wsm_error *err)
{
    struct wsm_enumerate_request request = {
        .is_optimized = true,
        .max_elements = WSM_LISTING_BATCH,
        .has_filter = operation->text != NULL,
        .dialect = wsm_span_str(WSM_DIALECT_SELECTOR),
        .shell_id = wsm_span_str(operation->text),
    };
    struct wsm_option room[WSM_OPTIONS_MAX];
    struct wsm_request_headers headers;

    wsm_listing_free(operation->async.listing); /* of a try that broke off */
    operation->async.listing = calloc(1, sizeof(*operation->async.listing));
    if (operation->async.listing == NULL)
        return wsm_fail_memory(err, "list");
    if (!prepare(operation, WSM_ACTION_ENUMERATE, room, &headers, err))
        return false;
    wsm_enumerate_request_write(&operation->exchange.call.request, &headers, &request);
    return send_covered(operation, err);
}

/* From the beginning: what an answer that was lost had taken out of the server's context does not
 * come again. A new message, since it only reads. */
static bool list_again(struct wsm_exchange *exchange, struct wsm_error *err)
{
    struct wsm_operation *operation = WSM_CONTAINER_OF(exchange, struct wsm_operation, exchange);

    exchange->is_repeat = false;
    if (operation->async.listing->answer_count > 0)
        operation->restarts++;
    return start_list(operation, err);
}

/* The first try may have deleted it. */
static void on_deleted(struct wsm_exchange *exchange, struct wsm_answer **answer,
                       struct wsm_error *err)
{
    (void)answer;
    if (err->code == ERROR_WSMAN_UNEXPECTED_SELECTORS && exchange->is_repeat)
        wsm_error_clear(err);
    wsm_operation_complete(WSM_CONTAINER_OF(exchange, struct wsm_operation, exchange), err);
}

static bool delete_again(struct wsm_exchange *exchange, struct wsm_error *err);

/* No other shell can have that id behind the first: any server may be asked twice. */
static bool start_delete(struct wsm_operation *operation, struct wsm_error *err)
{
    static const struct wsm_repetition repetition = { .send = delete_again };
    struct wsm_exchange_plan plan = { .action = WSM_ACTION_DELETE,
                                      .resource_uri = operation->resource_uri,
                                      .shell_id = operation->text,
                                      .timeout_option = WSM_OPTION_TIMEOUT_CLOSE };
    struct wsm_request_headers headers;

    if (!wsm_exchange_prepare(&operation->exchange, operation->session, &plan, &headers, err))
        return false;
    wsm_delete_request_write(&operation->exchange.call.request, &headers);
    operation->exchange.on_done = on_deleted;
    wsm_recovery_cover(&operation->recovery, &operation->exchange, &repetition);
    return wsm_exchange_send(&operation->exchange, err);
}

static bool delete_again(struct wsm_exchange *exchange, struct wsm_error *err)
{
    return start_delete(WSM_CONTAINER_OF(exchange, struct wsm_operation, exchange), err);
}

const struct wsm_operation_kind wsm_list_shells_kind = {
    .name = "List shells",
    .result = WSM_RESULT_LIST,
    .start = start_list,
};

const struct wsm_operation_kind wsm_list_commands_kind = {
    .name = "List commands",
    .result = WSM_RESULT_LIST,
    .start = start_list,
};

const struct wsm_operation_kind wsm_delete_kind = {
    .name = "Delete",
    .result = WSM_RESULT_LIST,
    .start = start_delete,
};
