/* Numbers of a seed. Pure. */
#include "dice.h"

uint64_t dice_mix(uint64_t number)
{
    number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9;
    number = (number ^ number >> 27) * 0x94d049bb133111eb;
    return number ^ number >> 31;
}

uint64_t dice_roll(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15;
    return dice_mix(*state);
}

uint64_t dice_below(uint64_t *state, uint64_t below)
{
    return dice_roll(state) % below;
}

bool dice_one_in(uint64_t *state, uint64_t count)
{
    return dice_below(state, count) == 0;
}
