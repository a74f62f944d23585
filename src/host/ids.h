/* Message ids by which the repetition of a request is recognised. Pure; memory is taken
 * when there is something to remember. Source: docs/host-protocol.md, "Repetition". */
#ifndef WSM_HOST_IDS_H
#define WSM_HOST_IDS_H

#include "base/error.h"
#include "base/span.h"
#include "ipc/host_messages.h"

enum { WSM_IDS_MAX = 64 }; /* remembered in one ring */

/* One id; len 0 = none. bytes: owned, freed by wsm_id_clear(). */
struct wsm_id {
    uint8_t *bytes;
    size_t len;
};
void wsm_id_clear(struct wsm_id *id);
/* Replaces it. A text that is empty, or longer than WSM_HOST_ID_MAX, is none. False,
 * nothing changed: no memory. */
bool wsm_id_set(struct wsm_id *id, struct wsm_span text, struct wsm_error *err) WSM_MUST_CHECK;
/* Is it this one? None is no id's equal. */
bool wsm_id_is(const struct wsm_id *id, struct wsm_span text);

/* The last WSM_IDS_MAX ids. Zeroed: empty. */
struct wsm_ids {
    struct wsm_id *ring; /* owned; NULL until something is to be remembered */
    size_t count;        /* ever */
};
void wsm_ids_clear(struct wsm_ids *ids);
/* Makes sure that wsm_ids_move() has a place for `text`, should it be an id. */
bool wsm_ids_reserve(struct wsm_ids *ids, struct wsm_span text,
                     struct wsm_error *err) WSM_MUST_CHECK;
/* Remembers *id (transfer; it is none afterwards), for the oldest if it must be; needs a
 * place. Nothing if it is none. */
void wsm_ids_move(struct wsm_ids *ids, struct wsm_id *id);
bool wsm_ids_has(const struct wsm_ids *ids, struct wsm_span text);

#endif
