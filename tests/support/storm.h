/* A service in a storm, for random tests of the client, on top of the scripted one: it delays,
 * cuts, refuses and answers garbage, by the numbers of a seed; what it answers properly needs no
 * memory of what came before. Several at once. */
#ifndef WSM_TESTS_STORM_H
#define WSM_TESTS_STORM_H

#include "fake_service.h"

/* A marked one gives our mark, and output whose bytes say where in the stream they stand:
 * storm_byte() of their offset. */
struct fake_service *storm_start(uint64_t seed, bool is_marked);
/* From now on every request is answered properly and at once. */
void storm_calm(struct fake_service *service);
void storm_stop(struct fake_service *service);

uint8_t storm_byte(uint64_t offset);

#endif
