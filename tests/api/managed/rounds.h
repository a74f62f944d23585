/* The merciless caller at random: rounds of several players at once in a weather of each. */
#ifndef WSM_TESTS_MANAGED_ROUNDS_H
#define WSM_TESTS_MANAGED_ROUNDS_H

#include <stdint.h>

/* `meanwhile` is called again and again on this thread while the others play. Ends the program
 * when anything is wrong. */
void rounds_play(uint64_t seed, unsigned long seconds, void (*meanwhile)(uint64_t dice));

#endif
