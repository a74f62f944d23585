/* What a command was started with, as a line to show. Pure. */
#ifndef WSM_HOST_LINE_H
#define WSM_HOST_LINE_H

#include "base/buf.h"
#include "ipc/host_messages.h"

enum { WSM_LINE_MAX = 4096 }; /* bytes */

/* Appends the line of RUN, or its program and arguments with blanks between them; cut off
 * in front of the first character that goes beyond WSM_LINE_MAX. */
void wsm_line_make(const struct wsm_host_run *run, struct wsm_buf *out);

#endif
