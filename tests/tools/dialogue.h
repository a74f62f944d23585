/* One conversation with a service that uses all of the wire's operations: a shell; a command that
 * writes to both streams and is given input, let go of and taken up again in between; a second
 * one that is interrupted; everything closed. Checks all that must hold however often the
 * link broke meanwhile, and ends the program where it does not. Only the public API. */
#ifndef WSM_TESTS_DIALOGUE_H
#define WSM_TESTS_DIALOGUE_H

#include "live.h"

struct dialogue {
    const char *address; /* the service, or a proxy before it */
    const char *user, *password_file;
    const char *words;  /* the program */
    const char *folder; /* where commands leave traces; not for two at once */
    uint64_t seed;
    DWORD timeout_ms;     /* of all operations; 0 = the library's own */
    bool is_link_bad;     /* a Disconnect may end as not graceful, one Reconnect with the network's
                             error */
    bool may_leave_shell; /* out: CloseShell had no answer */
    unsigned notices;     /* out: about the link */
    double slowest_s;     /* out: of all calls but Receive */
    const char *slowest;
};

void dialogue_run(WSMAN_API_HANDLE api, struct dialogue *dialogue);
/* Of this session's user, the only one, if there is one. */
void dialogue_delete_shell(WSMAN_SESSION_HANDLE session);
/* Ends the program unless this session's user has no shell, at last within a few seconds. */
void dialogue_expect_no_shell(WSMAN_SESSION_HANDLE session);

#endif
