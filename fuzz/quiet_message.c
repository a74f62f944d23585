/* src/cli/message.c for fuzz targets: messages are made, not printed. */
#include "cli/message.h"

#include "fuzz.h"

#include <stdarg.h>
#include <stdio.h>

static char *make(const char *format, va_list args)
{
    char *text = NULL;

    check(vasprintf(&text, format, args) >= 0);
    return text;
}

int wsm_cli_fail(int status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    free(make(format, args));
    va_end(args);
    return status;
}

void *wsm_cli_alloc(size_t count, size_t size)
{
    void *memory = calloc(count != 0 ? count : 1, size);

    check(memory != NULL);
    return memory;
}

char *wsm_cli_format(const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = make(format, args);
    va_end(args);
    return text;
}
