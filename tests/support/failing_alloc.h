/* Makes the n-th allocation fail. Link with WRAP_ALLOC (cmake/tests.cmake). Counts what
 * our own objects allocate; what shared libraries allocate inside is not seen. */
#ifndef FAILING_ALLOC_H
#define FAILING_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* The n-th allocation from now fails, all others work; 0 = none fails. The count starts anew. */
void failing_alloc_set(size_t n);
/* Allocations since failing_alloc_set(). */
size_t failing_alloc_count(void);

/* Runs `work` once without failures (it must return true), then once for each of its
 * allocations with that one failing (it must return false each time, and leak nothing).
 * Prints how many failures were injected, and returns that number. `work` sets up and
 * clears everything itself; false means that it reported the failure. */
size_t failing_alloc_each(const char *what, bool (*work)(void *context), void *context);

#endif
