/* What a command was started with. The host's only thread. */
#include "host/line.h"

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

/* Appends what fits of `text`; false: not all of it. */
static bool add(struct wsm_buf *line, struct wsm_span text)
{
    struct wsm_span part = text;

    if (part.len > WSM_LINE_MAX - line->len) {
        part.len = WSM_LINE_MAX - line->len;
        while (part.len > 0 && is_continuation(text.ptr[part.len]))
            part.len--;
    }
    wsm_buf_append_span(line, part);
    return part.len == text.len;
}

void wsm_line_make(const struct wsm_host_run *run, struct wsm_buf *out)
{
    struct wsm_span arguments = run->arguments;
    const char *text;
    bool fits = add(out, run->command);

    if (run->skip_shell == 0)
        return;
    while (fits && wsm_strings_next(&arguments, &text))
        fits = add(out, wsm_span_str(" ")) && add(out, wsm_span_str(text));
}
