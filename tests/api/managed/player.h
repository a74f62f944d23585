/* A user of PowerShell who does anything in any order: opens a runspace, runs commands in it,
 * feeds, stops, closes them, lets go of it and takes it up again, or from another runspace, and
 * closes it whenever it likes. The numbers of a seed choose; the text shell stands for
 * PowerShell's. */
#ifndef WSM_TESTS_MANAGED_PLAYER_H
#define WSM_TESTS_MANAGED_PLAYER_H

#include "layer.h"

#include <stdatomic.h>

/* Of all players. */
struct player_counts {
    atomic_ulong shells, commands, ended; /* opened; run; seen to their end, with exit code */
    atomic_ulong returns, takeovers;
    atomic_ulong output, input; /* bytes; each of output was compared with what was written */
    atomic_ulong broken;        /* runspaces that the weather broke */
    atomic_ulong notices;
};

extern struct player_counts player_counts;

/* http://…, with the address of the proxy. Returns when *is_over, with all closed. */
void player_play(uint64_t seed, const atomic_bool *is_over);
/* A session with the service itself. */
struct managed_session *player_direct(void);

#endif
