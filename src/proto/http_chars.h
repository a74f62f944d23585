/* Classes of characters in HTTP (RFC 9110, section 5.6; RFC 9112). No locale. */
#ifndef WSM_PROTO_HTTP_CHARS_H
#define WSM_PROTO_HTTP_CHARS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline bool wsm_http_is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static inline bool wsm_http_is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* May stand in a header value or a reason: no control character but the tab. */
static inline bool wsm_http_is_text(uint8_t c)
{
    return (c >= ' ' && c != 0x7f) || c == '\t';
}

static inline bool wsm_http_is_token_char(uint8_t c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || wsm_http_is_digit(c))
        return true;
    return c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

#endif
