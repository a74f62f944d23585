/* Log lines to a sink that the program sets. The library sets none: then nothing is written. */
#ifndef WSM_BASE_LOG_H
#define WSM_BASE_LOG_H

#include "base/error.h"

enum wsm_log_level { WSM_LOG_ERROR, WSM_LOG_WARNING, WSM_LOG_INFO, WSM_LOG_DEBUG };

/* By its name in options and settings: error, warning, info, debug. */
bool wsm_log_level_parse(const char *name, enum wsm_log_level *out) WSM_MUST_CHECK;
const char *wsm_log_level_name(enum wsm_log_level level);

/* `line`: one line without its end, borrowed until the sink returns. Control
 * characters that a peer sent have been replaced by '?'. */
typedef void (*wsm_log_sink)(enum wsm_log_level level, const char *line);

/* Before other threads exist. NULL = no log. Lines above `highest` are not made. */
void wsm_log_set_sink(wsm_log_sink sink, enum wsm_log_level highest);

/* A sink that writes "LEVEL TEXT" lines to standard error, one write each, with
 * the prefix set by wsm_log_set_name() (borrowed for ever, e.g. "winrmd-net"). */
void wsm_log_to_stderr(enum wsm_log_level level, const char *line);
void wsm_log_set_name(const char *name);

void wsm_log(enum wsm_log_level level, const char *format, ...) WSM_PRINTF(2, 3);

#define wsm_log_error(...)   wsm_log(WSM_LOG_ERROR, __VA_ARGS__)
#define wsm_log_warning(...) wsm_log(WSM_LOG_WARNING, __VA_ARGS__)
#define wsm_log_info(...)    wsm_log(WSM_LOG_INFO, __VA_ARGS__)
#define wsm_log_debug(...)   wsm_log(WSM_LOG_DEBUG, __VA_ARGS__)

#endif
