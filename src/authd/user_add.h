/* `winrmd-auth user add`: asks for a password and puts it into the users file. */
#ifndef WSM_AUTHD_USER_ADD_H
#define WSM_AUTHD_USER_ADD_H

#include "base/error.h"

/* Asks on the terminal (twice, without echo) or reads one line of standard input if that
 * is no terminal. Reports on standard output. */
bool wsm_user_add(const char *path, const char *name, struct wsm_error *err) WSM_MUST_CHECK;

#endif
