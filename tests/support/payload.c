/* Makes, checks and looks up the payload of tests. Pure. */
#include "payload.h"

#include <inttypes.h>
#include <string.h>

enum { BLOCK = 1 << 16 };

/* splitmix64, by Sebastiano Vigna (public domain), asked for its i-th number. */
static inline uint64_t word(uint64_t seed, uint64_t i)
{
    uint64_t z = seed + (i + 1) * UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static inline void store(uint8_t out[8], uint64_t value)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(value >> (8 * i));
}

/* Neighbours in the sum, so that seed 2 is not seed 1 moved by a word. */
static uint64_t start_of(uint64_t seed)
{
    return word(seed, 0);
}

static size_t fill_part(uint64_t start, uint64_t offset, uint8_t *out, size_t len)
{
    uint8_t bytes[8];
    size_t skip = (size_t)(offset % 8);
    size_t count = 8 - skip < len ? 8 - skip : len;

    store(bytes, word(start, offset / 8));
    memcpy(out, bytes + skip, count);
    return count;
}

void payload_fill(uint64_t seed, uint64_t offset, void *out, size_t len)
{
    uint64_t start = start_of(seed);
    uint8_t *at = out;
    size_t done = 0;

    if (offset % 8 != 0 && len > 0)
        done = fill_part(start, offset, at, len);
    for (; len - done >= 8; done += 8)
        store(at + done, word(start, (offset + done) / 8));
    if (done < len)
        fill_part(start, offset + done, at + done, len - done);
}

void payload_checker_init(struct payload_checker *checker, uint64_t seed, uint64_t offset)
{
    *checker = (struct payload_checker){ .seed = seed, .offset = offset };
}

static void gather(struct payload_checker *checker, const uint8_t *data, size_t len)
{
    size_t room = sizeof(checker->found) - checker->found_len;
    size_t count = len < room ? len : room;

    memcpy(checker->found + checker->found_len, data, count);
    checker->found_len += count;
}

void payload_checker_take(struct payload_checker *checker, const void *data, size_t len)
{
    static _Thread_local uint8_t right[BLOCK];
    const uint8_t *at = data;

    while (len > 0 && !checker->has_failed) {
        size_t count = len < BLOCK ? len : BLOCK, good = 0;

        payload_fill(checker->seed, checker->offset, right, count);
        if (memcmp(at, right, count) != 0) {
            while (at[good] == right[good])
                good++;
            checker->has_failed = true;
            count = good;
        }
        checker->offset += count;
        at += count;
        len -= count;
    }
    if (len > 0)
        gather(checker, at, len);
}

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a < b ? b - a : a - b;
}

bool payload_find(uint64_t seed, uint64_t around, const uint8_t *bytes, size_t len,
                  uint64_t *out_offset)
{
    static _Thread_local uint8_t window[BLOCK + PAYLOAD_NEEDLE];
    uint64_t from = around > PAYLOAD_REACH ? around - PAYLOAD_REACH : 0;
    bool is_found = false;

    if (len < 8 || len > PAYLOAD_NEEDLE)
        return false;
    for (uint64_t at = from; at < around + PAYLOAD_REACH; at += BLOCK) {
        const uint8_t *hit;

        payload_fill(seed, at, window, BLOCK + len - 1);
        hit = memmem(window, BLOCK + len - 1, bytes, len);
        if (hit != NULL) {
            uint64_t offset = at + (uint64_t)(hit - window);

            if (!is_found || distance(offset, around) < distance(*out_offset, around))
                *out_offset = offset;
            is_found = true;
        }
    }
    return is_found;
}

void payload_checker_explain(const struct payload_checker *checker, FILE *out)
{
    const uint64_t others[] = { checker->seed, checker->seed + PAYLOAD_STDERR_SEED,
                                checker->seed - PAYLOAD_STDERR_SEED };
    uint64_t offset;

    if (!checker->has_failed)
        return;
    fprintf(out, "first wrong byte at offset %" PRIu64 ": there stands ", checker->offset);
    for (size_t i = 0; i < checker->found_len; i++)
        fprintf(out, "%02x", checker->found[i]);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (payload_find(others[i], checker->offset, checker->found, checker->found_len, &offset)) {
            fprintf(out, ", looks like offset %" PRIu64, offset);
            if (i > 0)
                fprintf(out, " of seed %" PRIu64, others[i]);
            fprintf(out, "\n");
            return;
        }
    }
    fprintf(out, ", which is nowhere near\n");
}
