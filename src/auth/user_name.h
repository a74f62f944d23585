/* What may be the name of a user. */
#ifndef WSM_AUTH_USER_NAME_H
#define WSM_AUTH_USER_NAME_H

#include "base/error.h"
#include "base/span.h"

enum { WSM_USER_NAME_MAX = 64 }; /* bytes */

/* 1 to 64 bytes of UTF-8 without ':', control characters, '#' in front, blanks around. */
bool wsm_user_name_check(struct wsm_span name, struct wsm_error *err) WSM_MUST_CHECK;

#endif
