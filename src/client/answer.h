/* An answer of a server, read. */
#ifndef WSM_CLIENT_ANSWER_H
#define WSM_CLIENT_ANSWER_H

#include "proto/envelope.h"

/* A SOAP answer that is no fault; owned, wsm_answer_free(). */
struct wsm_answer {
    struct wsm_buf bytes; /* what env points into */
    struct wsm_envelope env;
};

/* Accepts NULL. */
void wsm_answer_free(struct wsm_answer *answer);

#endif
