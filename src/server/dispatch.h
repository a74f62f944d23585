/* From a request to the function that answers it. */
#ifndef WSM_SERVER_DISPATCH_H
#define WSM_SERVER_DISPATCH_H

#include "server/exchange.h"

/* Reads the envelope behind `head_len` of exchange->bytes and goes on as resume does. Takes the
 * exchange over. `charset_is_known` false: the fault for that. */
void wsm_dispatch(struct wsm_exchange *exchange, size_t head_len, bool charset_is_known);

/* Hands an exchange whose envelope was read to its handler, or lets it wait for its
 * shell. Takes the exchange over. */
void wsm_dispatch_resume(struct wsm_exchange *exchange);

#endif
