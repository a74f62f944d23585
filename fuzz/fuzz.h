/* What the fuzz targets share. */
#ifndef WSM_FUZZ_FUZZ_H
#define WSM_FUZZ_FUZZ_H

#include "base/span.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(): it counts in every kind of build. */
static inline void check(bool holds)
{
    if (!holds)
        abort();
}

/* The input as a string: up to its first NUL, the rest is not seen. Owned, free(). */
static inline char *string_of(const uint8_t *data, size_t size)
{
    char *text = calloc(size + 1, 1);

    check(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    return text;
}

#endif
