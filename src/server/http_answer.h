/* Answers to requests that no handler sees: whole HTTP messages. */
#ifndef WSM_SERVER_HTTP_ANSWER_H
#define WSM_SERVER_HTTP_ANSWER_H

#include "base/buf.h"

/* A status without a body. A 401 says how to authenticate if `offers_basic`. */
void wsm_http_answer_status(struct wsm_buf *out, int status, bool offers_basic, bool keeps);
/* A fault, although no envelope was read; the connection ends behind it. */
void wsm_http_answer_fault(struct wsm_buf *out, uint32_t code, const char *machine);

#endif
