/* A run of bytes that somebody else owns. */
#ifndef WSM_BASE_SPAN_H
#define WSM_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* ptr is borrowed, until whoever handed out the span says; NULL only if len is 0. */
struct wsm_span {
    const uint8_t *ptr;
    size_t len;
};

static inline struct wsm_span wsm_span_of(const void *ptr, size_t len)
{
    return (struct wsm_span){ .ptr = ptr, .len = len };
}

/* The bytes of `text` without its NUL; empty for NULL. */
static inline struct wsm_span wsm_span_str(const char *text)
{
    return wsm_span_of(text, text == NULL ? 0 : strlen(text));
}

static inline bool wsm_span_equal(struct wsm_span a, struct wsm_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool wsm_span_is(struct wsm_span a, const char *text)
{
    if (a.len > 0 && text != NULL && a.ptr[0] != (uint8_t)text[0])
        return false; /* mostly, and before the length of `text` is counted */
    return wsm_span_equal(a, wsm_span_str(text));
}

/* ASCII letters compare without case, all other bytes exactly; no locale. */
static inline bool wsm_span_is_nocase(struct wsm_span a, const char *text)
{
    size_t i;

    for (i = 0; i < a.len && text[i] != '\0'; i++) {
        uint8_t x = a.ptr[i];
        uint8_t y = (uint8_t)text[i];

        if (x >= 'A' && x <= 'Z')
            x = (uint8_t)(x + 32);
        if (y >= 'A' && y <= 'Z')
            y = (uint8_t)(y + 32);
        if (x != y)
            return false;
    }
    return i == a.len && text[i] == '\0';
}

static inline bool wsm_is_xml_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* Without XML white space (blank, tab, CR, LF) at either end. */
static inline struct wsm_span wsm_span_trim(struct wsm_span a)
{
    while (a.len > 0 && wsm_is_xml_space(a.ptr[0])) {
        a.ptr++;
        a.len--;
    }
    while (a.len > 0 && wsm_is_xml_space(a.ptr[a.len - 1]))
        a.len--;
    return a;
}

#endif
