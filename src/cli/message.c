/* Messages and allocation for a program that may exit when memory ends. Called from
 * the main thread and, allocation only, from the library's callback threads. */
#include "message.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void say(const char *format, va_list args)
{
    char *text = NULL;

    if (vasprintf(&text, format, args) < 0)
        return;
    dprintf(STDERR_FILENO, "winrmc: %s\n", text);
    free(text);
}

int wsm_cli_fail(int status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(format, args);
    va_end(args);
    return status;
}

void wsm_cli_note(bool is_wanted, const char *format, ...)
{
    va_list args;

    if (!is_wanted)
        return;
    va_start(args, format);
    say(format, args);
    va_end(args);
}

static void out_of_memory(void)
{
    static const char text[] = "winrmc: out of memory\n";
    ssize_t written = write(STDERR_FILENO, text, sizeof(text) - 1);

    (void)written;
    _exit(WSM_CLI_PROTOCOL);
}

void *wsm_cli_alloc(size_t count, size_t size)
{
    void *memory = calloc(count != 0 ? count : 1, size);

    if (memory == NULL)
        out_of_memory();
    return memory;
}

void *wsm_cli_buffer(size_t size)
{
    void *memory = malloc(size);

    if (memory == NULL)
        out_of_memory();
    return memory;
}

char *wsm_cli_format(const char *format, ...)
{
    va_list args;
    char *text = NULL;
    int length;

    va_start(args, format);
    length = vasprintf(&text, format, args);
    va_end(args);
    if (length < 0)
        out_of_memory();
    return text;
}
