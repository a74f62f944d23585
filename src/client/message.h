/* A message to the loop thread, embedded in what it is about. */
#ifndef WSM_CLIENT_MESSAGE_H
#define WSM_CLIENT_MESSAGE_H

#include "base/list.h"

struct wsm_message {
    struct wsm_list node;
    void (*handle)(struct wsm_message *message); /* on the loop thread */
};

#endif
