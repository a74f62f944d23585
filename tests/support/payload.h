/* Bytes that say where they stand: the 64-bit little-endian word i of a payload is a function
 * of its seed and i. Whoever receives some of them can tell what is missing, doubled or
 * misplaced, and where. For tests, the demonstration and the benches; libc only. */
#ifndef WSM_TESTS_PAYLOAD_H
#define WSM_TESTS_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
    PAYLOAD_NEEDLE = 16,        /* bytes looked up elsewhere */
    PAYLOAD_REACH = 64 << 20,   /* how far around */
    PAYLOAD_STDERR_SEED = 1000, /* what `words both` adds to the seed for its stderr */
};

/* Bytes offset … offset+len-1. */
void payload_fill(uint64_t seed, uint64_t offset, void *out, size_t len);

/* Checks what arrives, piece by piece. */
struct payload_checker {
    uint64_t seed;
    uint64_t offset; /* of the next byte expected; after an error of the first wrong one */
    bool has_failed;
    uint8_t found[PAYLOAD_NEEDLE]; /* what stands there instead */
    size_t found_len;
};

void payload_checker_init(struct payload_checker *checker, uint64_t seed, uint64_t offset);
/* After an error it only gathers `found`. */
void payload_checker_take(struct payload_checker *checker, const void *data, size_t len);
/* Where these bytes stand in the payload, the nearest to `around`; false if not within
 * PAYLOAD_REACH, or if there are fewer than 8. */
bool payload_find(uint64_t seed, uint64_t around, const uint8_t *bytes, size_t len,
                  uint64_t *out_offset);
/* One line about the first wrong byte; nothing if there is none. */
void payload_checker_explain(const struct payload_checker *checker, FILE *out);

#endif
