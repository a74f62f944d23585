/* What the network and the service suffer while the random callers call, by the numbers of a seed:
 * a fault proxy before the service, and the end of winrmd-net. One at a time. */
#ifndef WSM_TESTS_MANAGED_WEATHER_H
#define WSM_TESTS_MANAGED_WEATHER_H

#include "contexts.h"

enum weather_kind {
    WEATHER_CALM,   /* nothing happens */
    WEATHER_COPIES, /* requests come twice */
    WEATHER_CUTS,   /* connections are cut, delayed, and refused for a moment */
    WEATHER_KILLS,  /* the same, and winrmd-net is killed */
    WEATHER_OUTAGE, /* nobody gets through for longer than shells are tried to be saved */
    WEATHER_COUNT,
};

/* Of the whole process. */
struct weather_counts {
    unsigned long cuts, copies, kills, outages;
};

const char *weather_name(enum weather_kind kind);
/* Starts the proxy; once. TEST_ADDRESS and TEST_MONITOR say before what. */
void weather_set_up(void);
/* host:port of the proxy. */
const char *weather_address(void);
void weather_begin(enum weather_kind kind, uint64_t seed);
/* All goes through again. */
void weather_end(void);
enum weather_kind weather_now(void);
/* Whether a call may end with that error in this weather. */
bool weather_explains(const char *call, int32_t code);
/* ms to set as the retry time; 0: leave it. */
uint32_t weather_retry_time(uint64_t *dice);
struct weather_counts weather_counts(void);
void weather_tear_down(void);

#endif
