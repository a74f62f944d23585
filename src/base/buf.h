/* A growing run of bytes. Failure is sticky: after an allocation failed or the
 * limit was passed, appends do nothing and wsm_buf_ok() says no, so a writer
 * checks once at its end. */
#ifndef WSM_BASE_BUF_H
#define WSM_BASE_BUF_H

#include "base/error.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ptr is owned, freed by wsm_buf_clear(). Bytes [0, len) are filled. */
struct wsm_buf {
    uint8_t *ptr;
    size_t len;
    size_t cap;
    bool failed;
};

#define WSM_BUF_INIT      \
    {                     \
        NULL, 0, 0, false \
    }

/* Frees the memory; the buffer is empty and usable again. */
void wsm_buf_clear(struct wsm_buf *buf);
/* Empties the buffer and forgets a failure, keeping the memory. */
void wsm_buf_reset(struct wsm_buf *buf);

/* Makes room for `more` bytes behind len; false (sticky) if there is no memory. */
bool wsm_buf_reserve(struct wsm_buf *buf, size_t more) WSM_MUST_CHECK;
/* The room behind len, for reading into; wsm_buf_added() then counts it in. */
static inline uint8_t *wsm_buf_end(struct wsm_buf *buf)
{
    return buf->ptr + buf->len;
}
static inline size_t wsm_buf_room(const struct wsm_buf *buf)
{
    return buf->cap - buf->len;
}
void wsm_buf_added(struct wsm_buf *buf, size_t count);

void wsm_buf_append(struct wsm_buf *buf, const void *bytes, size_t count);
void wsm_buf_append_span(struct wsm_buf *buf, struct wsm_span span);
void wsm_buf_append_str(struct wsm_buf *buf, const char *text);
void wsm_buf_append_byte(struct wsm_buf *buf, uint8_t byte);
void wsm_buf_printf(struct wsm_buf *buf, const char *format, ...) WSM_PRINTF(2, 3);

/* Removes the first `count` bytes (≤ len). */
void wsm_buf_consume(struct wsm_buf *buf, size_t count);

static inline bool wsm_buf_ok(const struct wsm_buf *buf)
{
    return !buf->failed;
}
static inline struct wsm_span wsm_buf_span(const struct wsm_buf *buf)
{
    return wsm_span_of(buf->ptr, buf->len);
}

/* Overwrites all of the memory with zeros, then frees it: for secrets. */
void wsm_buf_wipe(struct wsm_buf *buf);

#endif
