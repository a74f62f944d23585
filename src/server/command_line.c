/* Joins command lines as the command shell of Windows would. Pure; no I/O. */
#include "server/command_line.h"

/* Are all quotes of the text closed, as /bin/sh reads it? A backslash takes the next
 * character with it, but not within single quotes. */
static bool quotes_are_closed(struct wsm_span text)
{
    uint8_t open = 0;

    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];

        if (c == '\\' && open != '\'') {
            if (++i == text.len)
                return false;
        } else if (open != 0) {
            if (c == open)
                open = 0;
        } else if (c == '"' || c == '\'') {
            open = c;
        }
    }
    return open == 0;
}

static bool is_word_border(uint8_t c)
{
    return wsm_is_xml_space(c) || (c != 0 && strchr("=(;|&<>$`{'", c) != NULL);
}

/* `"a b" "c d"` begins and ends with quotes too, and its inside `a b" "c d` has closed
 * ones. What tells `echo "a b"` from it: the first inner quote opens a word. */
static bool is_two_quoted_words(struct wsm_span inner)
{
    for (size_t i = 0; i < inner.len; i++) {
        if (inner.ptr[i] == '\\')
            i++;
        else if (inner.ptr[i] == '"')
            return i > 0 && !is_word_border(inner.ptr[i - 1]);
    }
    return false;
}

bool wsm_command_line_is_wrapped(struct wsm_span line)
{
    struct wsm_span inner;

    if (line.len < 3 || line.ptr[0] != '"' || line.ptr[line.len - 1] != '"')
        return false;
    inner = wsm_span_of(line.ptr + 1, line.len - 2);
    return quotes_are_closed(inner) && !is_two_quoted_words(inner);
}

void wsm_command_line_join(struct wsm_buf *out, struct wsm_span command,
                           const struct wsm_span *arguments, size_t argument_count)
{
    size_t start = out->len;
    struct wsm_span line;

    wsm_buf_append_span(out, command);
    for (size_t i = 0; i < argument_count; i++) {
        wsm_buf_append_byte(out, ' ');
        wsm_buf_append_span(out, arguments[i]);
    }
    if (!wsm_buf_ok(out) || out->len == start)
        return;
    line = wsm_span_of(out->ptr + start, out->len - start);
    if (wsm_command_line_is_wrapped(line)) {
        memmove(out->ptr + start, line.ptr + 1, line.len - 2);
        out->len = start + line.len - 2;
    }
}
