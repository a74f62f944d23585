/* Threads of the library. */
#ifndef WSM_CLIENT_THREAD_H
#define WSM_CLIENT_THREAD_H

#include "base/error.h"

#include <pthread.h>

/* Starts a joinable thread on which all signals are blocked except those that report
 * its own faults and those other runtimes need to stop or suspend threads. */
bool wsm_thread_start(pthread_t *out_thread, void *(*main)(void *), void *arg,
                      struct wsm_error *err) WSM_MUST_CHECK;

#endif
