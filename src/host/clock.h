/* Time for everything in the host: monotonic milliseconds. Pure parts take it as a
 * parameter, so tests simulate it. */
#ifndef WSM_HOST_CLOCK_H
#define WSM_HOST_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t wsm_clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A deadline that never comes. */
#define WSM_NEVER_MS INT64_MAX

static inline int64_t wsm_earlier_ms(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* `ms` from now; longer than time lasts is never. ms ≥ 0. */
static inline int64_t wsm_deadline_ms(int64_t now_ms, int64_t ms)
{
    return ms > WSM_NEVER_MS - now_ms ? WSM_NEVER_MS : now_ms + ms;
}

#endif
