/* Elements of the shell namespace with one value. Pure; whoever calls has declared rsp:. */
#include "proto/element.h"

#include "base/duration.h"
#include "proto/xml.h"

void wsm_element_write(struct wsm_buf *out, const char *name, struct wsm_span text)
{
    if (text.len == 0)
        return;
    wsm_buf_printf(out, "<rsp:%s>", name);
    wsm_xml_escape(out, text);
    wsm_buf_printf(out, "</rsp:%s>", name);
}

void wsm_element_write_duration(struct wsm_buf *out, const char *name, int64_t ms)
{
    if (ms < 0)
        return;
    wsm_buf_printf(out, "<rsp:%s>", name);
    wsm_duration_write(out, ms);
    wsm_buf_printf(out, "</rsp:%s>", name);
}

void wsm_element_write_run_time(struct wsm_buf *out, const char *name, int64_t seconds)
{
    wsm_buf_printf(out, "<rsp:%s>", name);
    wsm_run_time_write(out, seconds);
    wsm_buf_printf(out, "</rsp:%s>", name);
}

void wsm_element_write_attr(struct wsm_buf *out, const char *name, struct wsm_span value)
{
    if (value.len == 0)
        return;
    wsm_buf_printf(out, " %s=\"", name);
    wsm_xml_escape_attr(out, value);
    wsm_buf_append_byte(out, '"');
}
