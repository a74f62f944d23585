/* Listings: what the items point into goes with them. */
#include "client/listing.h"

#include <stdlib.h>

void wsm_listing_free(struct wsm_listing *listing)
{
    size_t i;

    if (listing == NULL)
        return;
    for (i = 0; i < listing->answer_count; i++)
        wsm_answer_free(listing->answers[i]);
    free(listing->answers);
    free(listing->shells);
    free(listing->commands);
    free(listing);
}
