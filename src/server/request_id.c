/* MessageIDs, cut to what is remembered. Pure. */
#include "server/request_id.h"

#include <string.h>

void wsm_request_id_take(char out[WSM_HOST_ID_MAX + 1], struct wsm_span message_id)
{
    size_t len = message_id.len > WSM_HOST_ID_MAX ? 0 : message_id.len;

    if (len > 0)
        memcpy(out, message_id.ptr, len);
    out[len] = '\0';
}
