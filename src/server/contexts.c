/* Contexts of enumerations. The winrmd-net loop owns them. */
#include "server/contexts.h"

#include "wsmerror.h"

#include <stdlib.h>
#include <string.h>

static void on_timer(uv_timer_t *timer);

void wsm_contexts_init(struct wsm_contexts *contexts, uv_loop_t *loop)
{
    contexts->loop = loop;
    wsm_list_init(&contexts->list);
    uv_timer_init(loop, &contexts->timer); /* cannot fail */
    contexts->timer.data = contexts;
}

static struct wsm_context *oldest(const struct wsm_contexts *contexts)
{
    return wsm_list_is_empty(&contexts->list)
               ? NULL
               : WSM_CONTAINER_OF(contexts->list.next, struct wsm_context, node);
}

/* For the one used longest ago. */
static void set_timer(struct wsm_contexts *contexts)
{
    const struct wsm_context *first = oldest(contexts);
    int64_t left;

    if (first == NULL) {
        uv_timer_stop(&contexts->timer);
        return;
    }
    left = first->used_ms + WSM_CONTEXT_LIFE_MS - (int64_t)uv_now(contexts->loop);
    uv_timer_start(&contexts->timer, on_timer, (uint64_t)(left < 0 ? 0 : left),
                   0); /* cannot fail */
}

static void forget(struct wsm_context *context)
{
    wsm_list_remove(&context->node);
    wsm_listing_clear(&context->listing);
    free(context->user);
    free(context);
}

static void on_timer(uv_timer_t *timer)
{
    struct wsm_contexts *contexts = timer->data;
    int64_t now = (int64_t)uv_now(contexts->loop);

    while (oldest(contexts) != NULL && oldest(contexts)->used_ms + WSM_CONTEXT_LIFE_MS <= now)
        forget(oldest(contexts));
    set_timer(contexts);
}

void wsm_contexts_close(struct wsm_contexts *contexts)
{
    while (oldest(contexts) != NULL)
        forget(oldest(contexts));
    uv_close((uv_handle_t *)&contexts->timer, NULL);
}

/* Makes room for one more. */
static void limit(struct wsm_contexts *contexts, const char *user)
{
    struct wsm_context *first = NULL;
    struct wsm_list *node;
    size_t count = 0;

    WSM_LIST_FOREACH (node, &contexts->list) {
        struct wsm_context *context = WSM_CONTAINER_OF(node, struct wsm_context, node);

        if (strcmp(context->user, user) != 0)
            continue;
        if (first == NULL)
            first = context;
        count++;
    }
    if (count >= WSM_CONTEXTS_PER_USER)
        forget(first);
}

static void use(struct wsm_contexts *contexts, struct wsm_context *context)
{
    context->used_ms = (int64_t)uv_now(contexts->loop);
    wsm_list_remove(&context->node);
    wsm_list_add(&contexts->list, &context->node);
    set_timer(contexts);
}

struct wsm_context *wsm_contexts_add(struct wsm_contexts *contexts, const char *user,
                                     const struct wsm_guid *id, struct wsm_listing *listing)
{
    struct wsm_context *context = calloc(1, sizeof(*context));

    if (context == NULL)
        return NULL;
    context->user = strdup(user);
    if (context->user == NULL) {
        free(context);
        return NULL;
    }
    limit(contexts, user);
    context->id = *id;
    context->listing = *listing;
    *listing = (struct wsm_listing){ 0 };
    wsm_list_init(&context->node);
    use(contexts, context);
    return context;
}

struct wsm_context *wsm_contexts_find(struct wsm_contexts *contexts, const char *user,
                                      struct wsm_span text, struct wsm_error *err)
{
    struct wsm_guid id;
    struct wsm_list *node;

    if (wsm_guid_parse(text, &id)) {
        WSM_LIST_FOREACH (node, &contexts->list) {
            struct wsm_context *context = WSM_CONTAINER_OF(node, struct wsm_context, node);

            if (wsm_guid_equal(&context->id, &id) && strcmp(context->user, user) == 0) {
                use(contexts, context);
                return context;
            }
        }
    }
    wsm_fail(err, ERROR_WSMAN_ENUMERATE_INVALID_ENUMERATION_CONTEXT,
             "there is no such enumeration, or it was not asked for within %d s",
             WSM_CONTEXT_LIFE_MS / 1000);
    return NULL;
}

void wsm_contexts_remove(struct wsm_contexts *contexts, struct wsm_context *context)
{
    forget(context);
    set_timer(contexts);
}
