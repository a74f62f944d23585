/* A copy of some bytes that ends right before a protected page, so that reading one byte
 * too far crashes. */
#ifndef GUARDED_H
#define GUARDED_H

#include <stddef.h>
#include <stdint.h>

struct guarded {
    uint8_t *map;
    size_t map_len;
    uint8_t *end; /* the first protected byte */
};

/* Room for copies of up to `size_max` bytes. Aborts when there is no memory. */
void guarded_init(struct guarded *guarded, size_t size_max);
/* Copies `count` bytes to the very end; valid until the next copy. The 64 bytes
 * right before it are set to 0xee. */
uint8_t *guarded_copy(struct guarded *guarded, const void *bytes, size_t count);
void guarded_clear(struct guarded *guarded);

#endif
