/* A growing run of bytes with sticky failure. Used by one thread at a time. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SMALLEST_CAPACITY = 256 };

void wsm_buf_clear(struct wsm_buf *buf)
{
    free(buf->ptr);
    *buf = (struct wsm_buf)WSM_BUF_INIT;
}

void wsm_buf_reset(struct wsm_buf *buf)
{
    buf->len = 0;
    buf->failed = false;
}

bool wsm_buf_reserve(struct wsm_buf *buf, size_t more)
{
    size_t cap;
    uint8_t *ptr;

    if (buf->failed)
        return false;
    if (more <= buf->cap - buf->len)
        return true;
    if (more > SIZE_MAX / 2 - buf->len) {
        buf->failed = true;
        return false;
    }
    cap = buf->cap < SMALLEST_CAPACITY ? SMALLEST_CAPACITY : buf->cap;
    while (cap - buf->len < more)
        cap *= 2;
    ptr = realloc(buf->ptr, cap);
    if (ptr == NULL) {
        buf->failed = true;
        return false;
    }
    buf->ptr = ptr;
    buf->cap = cap;
    return true;
}

void wsm_buf_added(struct wsm_buf *buf, size_t count)
{
    buf->len += count;
}

void wsm_buf_append(struct wsm_buf *buf, const void *bytes, size_t count)
{
    if (count == 0 || !wsm_buf_reserve(buf, count))
        return;
    memcpy(wsm_buf_end(buf), bytes, count);
    buf->len += count;
}

void wsm_buf_append_span(struct wsm_buf *buf, struct wsm_span span)
{
    wsm_buf_append(buf, span.ptr, span.len);
}

void wsm_buf_append_str(struct wsm_buf *buf, const char *text)
{
    wsm_buf_append(buf, text, strlen(text));
}

void wsm_buf_append_byte(struct wsm_buf *buf, uint8_t byte)
{
    wsm_buf_append(buf, &byte, 1);
}

void wsm_buf_printf(struct wsm_buf *buf, const char *format, ...)
{
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0) {
        buf->failed = true;
        return;
    }
    if (!wsm_buf_reserve(buf, (size_t)length + 1)) /* + the NUL that vsnprintf writes */
        return;
    va_start(args, format);
    vsnprintf((char *)wsm_buf_end(buf), (size_t)length + 1, format, args);
    va_end(args);
    buf->len += (size_t)length;
}

void wsm_buf_consume(struct wsm_buf *buf, size_t count)
{
    if (count == 0)
        return;
    memmove(buf->ptr, buf->ptr + count, buf->len - count);
    buf->len -= count;
}

void wsm_buf_wipe(struct wsm_buf *buf)
{
    if (buf->ptr != NULL)
        explicit_bzero(buf->ptr, buf->cap);
    wsm_buf_clear(buf);
}
