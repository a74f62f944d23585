/* The announcement. Any thread; knows nothing of what the server makes of it. */
#include "client/announce.h"

#include "proto/extension.h"

#include <string.h>

_Static_assert(WSM_EXTENSION_VERSION == 1, "the version is written out below");

void wsm_announce(struct wsm_request_headers *headers, struct wsm_option room[WSM_OPTIONS_MAX])
{
    size_t count = headers->option_count;

    if (count >= WSM_OPTIONS_MAX)
        return;
    if (count > 0)
        memcpy(room, headers->options, count * sizeof(room[0]));
    room[count] = (struct wsm_option){ .name = wsm_span_str(WSM_OPTION_CLIENT),
                                       .value = wsm_span_str("1") };
    headers->options = room;
    headers->option_count = count + 1;
}
