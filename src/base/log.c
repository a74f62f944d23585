/* Log lines to the program's sink. Any thread once the sink is set; no locks: a line is
 * made on the caller's side and handed over whole. */
#include "base/log.h"

#include "base/span.h"
#include "base/utf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

static wsm_log_sink current_sink;
static enum wsm_log_level highest_level;
static const char *program_name = "";

static const char *const level_names[] = { [WSM_LOG_ERROR] = "error",
                                           [WSM_LOG_WARNING] = "warning",
                                           [WSM_LOG_INFO] = "info",
                                           [WSM_LOG_DEBUG] = "debug" };

bool wsm_log_level_parse(const char *name, enum wsm_log_level *out)
{
    for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *out = (enum wsm_log_level)i;
            return true;
        }
    }
    return false;
}

const char *wsm_log_level_name(enum wsm_log_level level)
{
    return level_names[level];
}

void wsm_log_set_sink(wsm_log_sink sink, enum wsm_log_level highest)
{
    current_sink = sink;
    highest_level = highest;
}

void wsm_log_set_name(const char *name)
{
    program_name = name;
}

/* Text of a peer may hold anything: line ends that forge a line, escape sequences for
 * the terminal of whoever reads it (also as the two bytes of a C1 control character). */
static void replace_controls(char *line)
{
    bool is_utf8 = wsm_utf8_is_valid(wsm_span_str(line));
    unsigned char *at = (unsigned char *)line;

    for (; *at != '\0'; at++) {
        if (*at < 0x20 || *at == 0x7f || (*at >= 0x80 && !is_utf8)) {
            *at = '?';
        } else if (at[0] == 0xc2 && at[1] < 0xa0) {
            *at++ = '?';
            *at = '?';
        }
    }
}

void wsm_log(enum wsm_log_level level, const char *format, ...)
{
    va_list args;
    char *line = NULL;
    int error = errno; /* callers may still want to look at it */
    int length;

    if (current_sink == NULL || level > highest_level)
        return;
    va_start(args, format);
    length = vasprintf(&line, format, args);
    va_end(args);
    if (length < 0) {
        current_sink(level, "out of memory: log line");
    } else {
        replace_controls(line);
        current_sink(level, line);
        free(line);
    }
    errno = error;
}

static struct iovec piece(const char *text)
{
    return (struct iovec){ .iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text) };
}

void wsm_log_to_stderr(enum wsm_log_level level, const char *line)
{
    static const char *const names[] = { "ERROR ", "WARNING ", "INFO ", "DEBUG " };
    struct iovec pieces[] = { piece(program_name), piece(program_name[0] == '\0' ? "" : ": "),
                              piece(names[level]), piece(line), piece("\n") };
    ssize_t written;

    do {
        written = writev(STDERR_FILENO, pieces, sizeof(pieces) / sizeof(pieces[0]));
    } while (written < 0 && errno == EINTR);
}
