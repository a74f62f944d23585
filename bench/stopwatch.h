/* Times of many small things: collected, sorted, told as percentiles. */
#ifndef WSM_BENCH_STOPWATCH_H
#define WSM_BENCH_STOPWATCH_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

static inline int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline int compare_times(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* Sorts `times`; percentile in 0…100. */
static inline double percentile_us(int64_t *times, size_t count, double percentile)
{
    size_t index = (size_t)((double)(count - 1) * percentile / 100.0);

    qsort(times, count, sizeof(*times), compare_times);
    return (double)times[index] / 1000.0;
}

#endif
