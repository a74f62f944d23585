/* MessageIDs by which a repetition is known again, here and in the hosts. */
#ifndef WSM_SERVER_REQUEST_ID_H
#define WSM_SERVER_REQUEST_ID_H

#include "ipc/host_messages.h"

/* As sent; empty if it is too long for the hosts to remember. */
void wsm_request_id_take(char out[WSM_HOST_ID_MAX + 1], struct wsm_span message_id);

#endif
