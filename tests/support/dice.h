/* Numbers of a seed, for random tests: SplitMix64. Every thread has a state of its own. */
#ifndef WSM_TESTS_DICE_H
#define WSM_TESTS_DICE_H

#include <stdbool.h>
#include <stdint.h>

uint64_t dice_mix(uint64_t number);
uint64_t dice_roll(uint64_t *state);
/* 0 … below-1. */
uint64_t dice_below(uint64_t *state, uint64_t below);
bool dice_one_in(uint64_t *state, uint64_t count);

#endif
