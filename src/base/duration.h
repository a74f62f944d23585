/* xs:duration, as WS-Management uses it for time-outs. */
#ifndef WSM_BASE_DURATION_H
#define WSM_BASE_DURATION_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* Reads any xs:duration (a year counts 365 days, a month 30; weeks, as one client
 * writes them, count too) into milliseconds, cut off at INT64_MAX. XML white space
 * around it is skipped. False for a negative one, a plain number or empty text. */
bool wsm_duration_parse(struct wsm_span text, int64_t *out_ms) __attribute__((warn_unused_result));

/* Appends "PT<seconds>.<three digits>S", the only form that PowerShell reads. ms ≥ 0. */
void wsm_duration_write(struct wsm_buf *buf, int64_t ms);

/* Appends "P<d>DT<h>H<m>M<s>S" as Windows writes ShellRunTime. seconds ≥ 0. */
void wsm_run_time_write(struct wsm_buf *buf, int64_t seconds);

#endif
