/* Items of an enumeration. Pure; the winrmd-net loop calls it. */
#include "server/listing.h"

#include "wsmerror.h"

#include <stdlib.h>

void wsm_listing_clear(struct wsm_listing *listing)
{
    wsm_buf_clear(&listing->items);
    free(listing->ends);
    *listing = (struct wsm_listing){ 0 };
}

static bool make_room(struct wsm_listing *listing)
{
    size_t room = listing->room == 0 ? 16 : listing->room * 2;
    uint32_t *ends;

    if (listing->count < listing->room)
        return true;
    ends = reallocarray(listing->ends, room, sizeof(*ends));
    if (ends == NULL)
        return false;
    listing->ends = ends;
    listing->room = room;
    return true;
}

bool wsm_listing_add(struct wsm_listing *listing, struct wsm_error *err)
{
    size_t before = listing->count == 0 ? 0 : listing->ends[listing->count - 1];

    if (!wsm_buf_ok(&listing->items) || !make_room(listing))
        return wsm_fail_memory(err, "list");
    if (listing->items.len > WSM_LISTING_BYTES_MAX) {
        listing->items.len = before;
        return wsm_fail(err, ERROR_WSMAN_QUOTA_LIMIT, "the list would be longer than %d bytes",
                        WSM_LISTING_BYTES_MAX);
    }
    listing->ends[listing->count++] = (uint32_t)listing->items.len;
    return true;
}

struct wsm_span wsm_listing_take(struct wsm_listing *listing, size_t max, size_t room)
{
    size_t start = listing->next == 0 ? 0 : listing->ends[listing->next - 1];
    size_t end = start;

    for (size_t taken = 0; !wsm_listing_is_end(listing) && (max == 0 || taken < max); taken++) {
        if (listing->ends[listing->next] - start > room)
            break;
        end = listing->ends[listing->next++];
    }
    return end == start ? wsm_span_of(NULL, 0)
                        : wsm_span_of(listing->items.ptr + start, end - start);
}
