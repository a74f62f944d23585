/* Items of an enumeration, written already, and how far they were handed out. Pure. */
#ifndef WSM_SERVER_LISTING_H
#define WSM_SERVER_LISTING_H

#include "base/buf.h"
#include "base/error.h"

enum {
    WSM_LISTING_BYTES_MAX = 4 * 1024 * 1024
}; /* hosts run as their users and may say anything */

/* Zero-initialised: empty. */
struct wsm_listing {
    struct wsm_buf items; /* owned */
    uint32_t *ends;       /* owned: of each item, in `items` */
    size_t count;
    size_t room; /* in `ends` */
    size_t next; /* the first item that was not handed out */
};

void wsm_listing_clear(struct wsm_listing *listing);

/* What was appended to listing->items since the last call is an item. Fails without memory,
 * or with ERROR_WSMAN_QUOTA_LIMIT above WSM_LISTING_BYTES_MAX; then nothing was added. */
bool wsm_listing_add(struct wsm_listing *listing, struct wsm_error *err) WSM_MUST_CHECK;

static inline bool wsm_listing_is_end(const struct wsm_listing *listing)
{
    return listing->next == listing->count;
}

/* The next items, at most `max` (0 = any number) and `room` bytes: what goes into an answer.
 * Empty: the end, or the next one alone does not fit. Counts as handed out. */
struct wsm_span wsm_listing_take(struct wsm_listing *listing, size_t max, size_t room);

#endif
