/* Bytes that end at a protected page. Test code; any thread. */
#include "guarded.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MARGIN = 64 };

void guarded_init(struct guarded *guarded, size_t size_max)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t usable = (size_max / page + 1) * page;

    guarded->map_len = usable + page;
    guarded->map = mmap(NULL, guarded->map_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                        -1, 0);
    if (guarded->map == MAP_FAILED)
        abort();
    guarded->end = guarded->map + usable;
    if (mprotect(guarded->end, page, PROT_NONE) != 0)
        abort();
}

uint8_t *guarded_copy(struct guarded *guarded, const void *bytes, size_t count)
{
    uint8_t *start = guarded->end - count;
    size_t before = (size_t)(start - guarded->map);

    if (start < guarded->map)
        abort();
    if (before > MARGIN)
        before = MARGIN;
    memset(start - before, 0xee, before);
    if (count > 0)
        memcpy(start, bytes, count);
    return start;
}

void guarded_clear(struct guarded *guarded)
{
    munmap(guarded->map, guarded->map_len);
    *guarded = (struct guarded){ 0 };
}
