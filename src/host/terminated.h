/* The commands that were terminated last: repetitions of what was said to them are known. */
#ifndef WSM_HOST_TERMINATED_H
#define WSM_HOST_TERMINATED_H

#include "base/guid.h"
#include "host/ids.h"

enum { WSM_TERMINATED_MAX = 64 }; /* remembered */

/* A ring. Zeroed: empty. */
struct wsm_terminated {
    struct {
        struct wsm_guid id;
        struct wsm_id message_id; /* that started it */
    } ring[WSM_TERMINATED_MAX];
    size_t count; /* ever */
};

void wsm_terminated_clear(struct wsm_terminated *terminated);
/* Remembers a command; its message id is moved. */
void wsm_terminated_add(struct wsm_terminated *terminated, const struct wsm_guid *id,
                        struct wsm_id *message_id);
bool wsm_terminated_has(const struct wsm_terminated *terminated, const struct wsm_guid *id);
/* The id of the one that a RUN with this message id started; NULL if there is none. */
const struct wsm_guid *wsm_terminated_started_by(const struct wsm_terminated *terminated,
                                                 struct wsm_span message_id);

#endif
