/* A payload that says where it stands (tests/support/payload.h), made and checked. A program
 * of its own, so that commands on either end of a test and of the demonstration can use it.
 * Throttled by nothing but its reader. */
#include "payload.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 1 << 18, EXIT_WRONG = 1, EXIT_TROUBLE = 2 };

static const char usage[] =
    "usage: words make SEED BYTES [OFFSET]       to stdout, from byte OFFSET on\n"
    "       words both SEED BYTES CHUNK          to stdout and, with SEED + 1000, to stderr:\n"
    "                                            a chunk of each in turn, BYTES each\n"
    "       words check SEED [OFFSET [BYTES]]    stdin: exit 1 and the first wrong offset,\n"
    "                                            or 1 if it is not BYTES long\n";

static uint8_t block[BLOCK];

static bool number(const char *text, uint64_t *out)
{
    char *end;

    errno = 0;
    *out = strtoull(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
}

static bool write_all(int fd, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t count = write(fd, data, len);

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0) {
            perror("words: write");
            return false;
        }
        data += count;
        len -= (size_t)count;
    }
    return true;
}

static bool put(int fd, uint64_t seed, uint64_t offset, uint64_t len)
{
    while (len > 0) {
        size_t count = len < BLOCK ? (size_t)len : BLOCK;

        payload_fill(seed, offset, block, count);
        if (!write_all(fd, block, count))
            return false;
        offset += count;
        len -= count;
    }
    return true;
}

static int make(uint64_t seed, uint64_t bytes, uint64_t offset)
{
    return put(STDOUT_FILENO, seed, offset, bytes) ? 0 : EXIT_TROUBLE;
}

static int both(uint64_t seed, uint64_t bytes, uint64_t chunk)
{
    for (uint64_t done = 0; done < bytes; done += chunk) {
        uint64_t count = bytes - done < chunk ? bytes - done : chunk;

        if (!put(STDOUT_FILENO, seed, done, count) ||
            !put(STDERR_FILENO, seed + PAYLOAD_STDERR_SEED, done, count))
            return EXIT_TROUBLE;
    }
    return 0;
}

/* wanted: UINT64_MAX = any length. */
static int check(uint64_t seed, uint64_t offset, uint64_t wanted)
{
    struct payload_checker checker;
    uint64_t end = offset + wanted;

    payload_checker_init(&checker, seed, offset);
    while (checker.found_len < PAYLOAD_NEEDLE) {
        ssize_t count = read(STDIN_FILENO, block, BLOCK);

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0) {
            perror("words: read");
            return EXIT_TROUBLE;
        }
        if (count == 0)
            break;
        payload_checker_take(&checker, block, (size_t)count);
    }
    if (!checker.has_failed && (wanted == UINT64_MAX || checker.offset == end)) {
        printf("%" PRIu64 " bytes from offset %" PRIu64 ", all right\n", checker.offset - offset,
               offset);
        return 0;
    }
    payload_checker_explain(&checker, stdout);
    if (!checker.has_failed)
        printf("ends at offset %" PRIu64 ", not at %" PRIu64 "\n", checker.offset, end);
    return EXIT_WRONG;
}

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";
    uint64_t numbers[3] = { 0, 0, 0 };
    int count = argc - 2;

    for (int i = 0; i < count; i++) {
        if (i == 3 || !number(argv[i + 2], &numbers[i])) {
            fputs(usage, stderr);
            return EXIT_TROUBLE;
        }
    }
    if (strcmp(verb, "make") == 0 && count >= 2)
        return make(numbers[0], numbers[1], numbers[2]);
    if (strcmp(verb, "both") == 0 && count == 3 && numbers[2] > 0)
        return both(numbers[0], numbers[1], numbers[2]);
    if (strcmp(verb, "check") == 0 && count >= 1)
        return check(numbers[0], numbers[1], count == 3 ? numbers[2] : UINT64_MAX);
    fputs(usage, stderr);
    return EXIT_TROUBLE;
}
