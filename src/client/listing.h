/* What a server says of its shells, or of the commands of one. Made by the loop thread, read by
 * the dispatcher thread that calls back. */
#ifndef WSM_CLIENT_LISTING_H
#define WSM_CLIENT_LISTING_H

#include "client/answer.h"
#include "proto/enumerate.h"

enum {
    WSM_LISTING_ITEMS_MAX = 65536,
    WSM_LISTING_ANSWERS_MAX = 65536,
    WSM_LISTING_BYTES_MAX = 64 * 1024 * 1024, /* of the answers */
    WSM_LISTING_BATCH = WSM_ITEMS_MAX,        /* items asked for at a time */
};

/* One of the two arrays is used. Zero-initialised. */
struct wsm_listing {
    struct wsm_answer **answers; /* owned, each too: what the items point into */
    size_t answer_count;
    size_t byte_count;
    struct wsm_shell_item *shells; /* owned */
    size_t shell_count;
    struct wsm_command_item *commands; /* owned */
    size_t command_count;
};

void wsm_listing_free(struct wsm_listing *listing);

#endif
