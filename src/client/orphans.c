/* The lists of orphans. Loop thread, one after the other over the lives of the library. */
#include "client/orphans.h"

#include <stddef.h>

static struct orphans {
    struct wsm_list nodes;
    void (*forget)(struct wsm_list *node); /* the same for all of a kind */
} orphans[WSM_ORPHAN_KINDS];

void wsm_orphans_add(enum wsm_orphan_kind kind, struct wsm_list *node,
                     void (*forget)(struct wsm_list *node))
{
    struct orphans *same = &orphans[kind];

    if (same->forget == NULL)
        wsm_list_init(&same->nodes);
    same->forget = forget;
    wsm_list_add(&same->nodes, node);
}

void wsm_orphans_forget(void)
{
    for (size_t kind = 0; kind < WSM_ORPHAN_KINDS; kind++) {
        while (orphans[kind].forget != NULL && !wsm_list_is_empty(&orphans[kind].nodes))
            orphans[kind].forget(orphans[kind].nodes.next);
    }
}
