/* Password checks that wait while one runs. Bounded; wipes what it held. */
#ifndef WSM_AUTHD_CHECK_QUEUE_H
#define WSM_AUTHD_CHECK_QUEUE_H

#include "base/error.h"
#include "base/list.h"
#include "base/span.h"

#include <stddef.h>
#include <stdint.h>

enum { WSM_CHECK_QUEUE_MAX = 256 }; /* checks that may wait; more are denied as busy */

struct wsm_check {
    struct wsm_list node;
    uint64_t request;
    char *user;     /* owned, NUL-terminated */
    char *password; /* owned, NUL-terminated, wiped */
};

struct wsm_check_queue {
    struct wsm_list checks;
    size_t count;
};

void wsm_check_queue_init(struct wsm_check_queue *queue);
void wsm_check_queue_clear(struct wsm_check_queue *queue);

/* Copies both texts. ERROR_BUSY when full, ERROR_LOGON_FAILURE when a text is too long
 * or holds NUL. */
bool wsm_check_queue_add(struct wsm_check_queue *queue, uint64_t request, struct wsm_span user,
                         struct wsm_span password, struct wsm_error *err) WSM_MUST_CHECK;
/* The oldest, owned by the caller, wsm_check_free(); NULL if none waits. */
struct wsm_check *wsm_check_queue_take(struct wsm_check_queue *queue);
void wsm_check_free(struct wsm_check *check); /* NULL allowed */

#endif
