/* Random ids. */
#ifndef WSM_CLIENT_RANDOM_H
#define WSM_CLIENT_RANDOM_H

#include "base/error.h"
#include "base/guid.h"

/* Any thread; never waits for entropy: ids need to be unique, not secret. */
bool wsm_random_guid(struct wsm_guid *out, struct wsm_error *err) WSM_MUST_CHECK;
/* For spreading things; 0 where there are no random numbers. */
uint32_t wsm_random_number(void);

#endif
