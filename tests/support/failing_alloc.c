/* Makes the n-th allocation fail, by the linker's --wrap. Counted without locks: one
 * thread allocates at a time in the tests that use it. */
#include "failing_alloc.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *ptr, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t len);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *ptr, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t len);

static size_t failing;
static size_t counted;

void failing_alloc_set(size_t n)
{
    failing = n;
    counted = 0;
}

size_t failing_alloc_count(void)
{
    return counted;
}

static bool fails_now(void)
{
    if (++counted != failing)
        return false;
    errno = ENOMEM;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *ptr, size_t size)
{
    return fails_now() ? NULL : __real_realloc(ptr, size);
}

char *__wrap_strdup(const char *text)
{
    return fails_now() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t len)
{
    return fails_now() ? NULL : __real_strndup(text, len);
}

size_t failing_alloc_each(const char *what, bool (*work)(void *context), void *context)
{
    size_t total;
    size_t n;
    bool ok;

    failing_alloc_set(0);
    ok = work(context);
    total = failing_alloc_count();
    if (!ok)
        fail_msg("%s: failed although every allocation worked", what);
    for (n = 1; n <= total; n++) {
        failing_alloc_set(n);
        ok = work(context);
        failing_alloc_set(0);
        if (ok)
            fail_msg("%s: succeeded although allocation %zu of %zu failed", what, n, total);
    }
    printf("%s: %zu allocation failures injected\n", what, total);
    return total;
}
