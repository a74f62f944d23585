/* Escaping. Pure; any thread. */
#include "quote.h"

#include "message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define ESCAPE_MAX 6 /* bytes for one byte of input: \u001F */

/* Length of a character that would act on a terminal, 0 = none: C0, DEL, C1 (U+0080 to
 * U+009F) and the controls of writing direction (U+200E, U+200F, U+202A to U+202E, U+2066
 * to U+2069). */
static size_t acting(const unsigned char *c, unsigned *out_value)
{
    if (c[0] < ' ' || c[0] == 0x7f) {
        *out_value = c[0];
        return 1;
    }
    if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0) {
        *out_value = c[1];
        return 2;
    }
    if (c[0] != 0xe2 || (c[1] != 0x80 && c[1] != 0x81) || (c[2] & 0xc0) != 0x80)
        return 0;
    *out_value = 0x2000U + ((c[1] & 0x3fU) << 6) + (c[2] & 0x3fU);
    if ((*out_value >= 0x200e && *out_value <= 0x200f) ||
        (*out_value >= 0x202a && *out_value <= 0x202e) ||
        (*out_value >= 0x2066 && *out_value <= 0x2069))
        return 3;
    return 0;
}

static char *put_visible(char *end, unsigned value)
{
    switch (value) {
    case '\n':
        return stpcpy(end, "\\n");
    case '\t':
        return stpcpy(end, "\\t");
    case '\r':
        return stpcpy(end, "\\r");
    default:
        return end + snprintf(end, ESCAPE_MAX + 1, value < 0x100 ? "\\x%02X" : "\\u%04X", value);
    }
}

char *wsm_cli_quote_visible(const char *text)
{
    const unsigned char *c = (const unsigned char *)text;
    char *quoted = wsm_cli_alloc(strlen(text) + 1, ESCAPE_MAX); /* + 1: two marks, NUL */
    char *end = quoted;

    while (*c != '\0') {
        unsigned value;
        size_t len = acting(c, &value);

        if (len != 0)
            end = put_visible(end, value);
        else
            *end++ = (char)*c;
        c += len != 0 ? len : 1;
    }
    *end = '\0';
    return quoted;
}

char *wsm_cli_quote_json(const char *text)
{
    char *quoted = wsm_cli_alloc(strlen(text) + 1, ESCAPE_MAX); /* + 1: two marks, NUL */
    char *end = quoted;

    *end++ = '"';
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ')
            end += snprintf(end, ESCAPE_MAX + 1, "\\u%04X", (unsigned char)*text);
        else if (*text == '"' || *text == '\\')
            end += snprintf(end, ESCAPE_MAX + 1, "\\%c", *text);
        else
            *end++ = *text;
    }
    end = stpcpy(end, "\"");
    return quoted;
}

static bool is_plain_word(const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "@%+=:,./_-";

    return *text != '\0' && text[strspn(text, plain)] == '\0';
}

char *wsm_cli_quote_shell(const char *text)
{
    char *quoted;
    char *end;

    if (is_plain_word(text))
        return wsm_cli_format("%s", text);
    quoted = wsm_cli_alloc(strlen(text) + 1, 4);
    end = quoted;
    *end++ = '\'';
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            end = stpcpy(end, "'\\''");
        else
            *end++ = *text;
    }
    end = stpcpy(end, "'");
    return quoted;
}

char *wsm_cli_quote_seconds(uint32_t seconds)
{
    uint32_t minutes = seconds / 60;
    uint32_t hours = minutes / 60;

    if (minutes == 0)
        return wsm_cli_format("%us", seconds);
    if (hours == 0)
        return wsm_cli_format("%um%02us", minutes, seconds % 60);
    if (hours < 24)
        return wsm_cli_format("%uh%02um", hours, minutes % 60);
    return wsm_cli_format("%ud%02uh", hours / 24, hours % 24);
}
