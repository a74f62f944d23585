/* Completions: filled and queued by the loop thread. What the application gets to see
 * is made in api_callback.c. */
#include "client/async.h"

#include "client/listing.h"
#include "client/session.h"
#include "wsmerror.h"

static void on_returned(struct wsm_message *message)
{
    struct wsm_strand_item *item = WSM_CONTAINER_OF(message, struct wsm_strand_item, returned);
    struct wsm_async *async = WSM_CONTAINER_OF(item, struct wsm_async, item);
    struct wsm_session *session = async->session;

    async->state = WSM_ASYNC_RETURNED;
    async->on_returned(async);
    if (session != NULL)
        wsm_session_callback_returned(session);
}

void wsm_async_begin(struct wsm_async *async, struct wsm_callee callee, struct wsm_session *session,
                     void (*returned)(struct wsm_async *async))
{
    async->callee = callee;
    async->session = session;
    async->on_returned = returned;
    async->state = WSM_ASYNC_WAITS;
    wsm_list_init(&async->item.node);
    async->item.run = wsm_async_run;
    async->item.returned.handle = on_returned;
    async->item.operation = async->handles.operation;
}

bool wsm_async_is_waiting(const struct wsm_async *async)
{
    return async->state == WSM_ASYNC_WAITS;
}

void wsm_async_complete(struct wsm_async *async, struct wsm_strand *strand, struct wsm_error *err)
{
    if (async->state != WSM_ASYNC_WAITS)
        return;
    wsm_error_move(&async->error, err);
    async->state = WSM_ASYNC_QUEUED;
    if (async->session != NULL)
        wsm_session_callback_queued(async->session);
    wsm_strand_post(strand, &async->item);
}

void wsm_async_abort(struct wsm_async *async, struct wsm_strand *strand)
{
    struct wsm_error err = { .code = ERROR_OPERATION_ABORTED };

    wsm_async_complete(async, strand, &err);
}

static void make_aborted(struct wsm_strand_item *item)
{
    struct wsm_async *async = WSM_CONTAINER_OF(item, struct wsm_async, item);

    wsm_error_clear(&async->error);
    async->error.code = ERROR_OPERATION_ABORTED;
}

bool wsm_async_abort_queued(struct wsm_async *async, struct wsm_strand *strand)
{
    return async->state == WSM_ASYNC_QUEUED && strand != NULL &&
           wsm_strand_change(strand, &async->item, make_aborted);
}

void wsm_async_clear(struct wsm_async *async)
{
    wsm_error_clear(&async->error);
    wsm_buf_clear(&async->text);
    wsm_listing_free(async->listing);
}
