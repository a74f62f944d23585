/* The line that a Command request means, for /bin/sh -c. Pure. */
#ifndef WSM_SERVER_COMMAND_LINE_H
#define WSM_SERVER_COMMAND_LINE_H

#include "base/buf.h"

/* Appends command and arguments joined with single blanks, without any quoting. If the
 * whole begins and ends with a double quote that cmd /c would strip (WinRb/WinRM wraps
 * its lines so), without that pair. Failure to get memory is sticky in `out`. */
void wsm_command_line_join(struct wsm_buf *out, struct wsm_span command,
                           const struct wsm_span *arguments, size_t argument_count);

/* Is `line` a double quote, a complete command line of /bin/sh (its quotes closed), and
 * a double quote? */
bool wsm_command_line_is_wrapped(struct wsm_span line);

#endif
