/* What was opened when its session or shell had gone already: the call lost a race against the
 * end of that. It can only be closed; nobody else owns it until the application does so, or the
 * library stops. Loop thread only. */
#ifndef WSM_CLIENT_ORPHANS_H
#define WSM_CLIENT_ORPHANS_H

#include "base/list.h"

/* In the order in which they are forgotten. */
enum wsm_orphan_kind {
    WSM_ORPHAN_OPERATION,
    WSM_ORPHAN_COMMAND,
    WSM_ORPHAN_SHELL,
    WSM_ORPHAN_KINDS,
};

/* Borrowed by its node; freeing it takes it out again, and `forget` frees it. */
void wsm_orphans_add(enum wsm_orphan_kind kind, struct wsm_list *node,
                     void (*forget)(struct wsm_list *node));

/* The library stops, all callbacks have returned: frees what is left, with its handles. */
void wsm_orphans_forget(void);

#endif
