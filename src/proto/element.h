/* Elements of the shell namespace with one value, as several messages write them: rsp: stands
 * for the namespace. */
#ifndef WSM_PROTO_ELEMENT_H
#define WSM_PROTO_ELEMENT_H

#include "base/buf.h"

#include <stdint.h>

/* <rsp:NAME>text</rsp:NAME>, nothing for empty text. */
void wsm_element_write(struct wsm_buf *out, const char *name, struct wsm_span text);
/* As PT<seconds>.<three digits>S, nothing if ms < 0. */
void wsm_element_write_duration(struct wsm_buf *out, const char *name, int64_t ms);
/* As P<d>DT<h>H<m>M<s>S. */
void wsm_element_write_run_time(struct wsm_buf *out, const char *name, int64_t seconds);

/* An attribute of the tag that is being written, nothing for an empty value. */
void wsm_element_write_attr(struct wsm_buf *out, const char *name, struct wsm_span value);

#endif
