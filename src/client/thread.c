/* Makes the library's threads with the right signal mask: the application's signals
 * must be handled on the application's threads. Installs no handler. */
#include "client/thread.h"

#include "wsmerror.h"

#include <signal.h>
#include <string.h>

static void library_mask(sigset_t *set)
{
    static const int open[] = {
        SIGSEGV, SIGBUS,  SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT, /* of the thread itself */
        SIGPWR,  SIGXCPU,                                           /* collectors stop threads */
        SIGURG,  SIGPROF,                                           /* preemption, profilers */
    };
    int number;
    size_t i;

    sigfillset(set);
    for (i = 0; i < sizeof(open) / sizeof(open[0]); i++)
        sigdelset(set, open[i]);
    for (number = SIGRTMIN; number <= SIGRTMAX; number++)
        sigdelset(set, number);
}

bool wsm_thread_start(pthread_t *out_thread, void *(*main)(void *), void *arg,
                      struct wsm_error *err)
{
    sigset_t ours;
    sigset_t before;
    int status;

    /* The mask is inherited, so there is no moment in which the new thread lacks it. */
    library_mask(&ours);
    pthread_sigmask(SIG_SETMASK, &ours, &before);
    status = pthread_create(out_thread, NULL, main, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (status != 0)
        return wsm_fail(err, ERROR_NOT_ENOUGH_MEMORY, "thread: %s", strerror(status));
    return true;
}
