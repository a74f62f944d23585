/* What reading and writing of the users file share. Private to src/auth/. */
#ifndef WSM_AUTH_USERS_FILE_H
#define WSM_AUTH_USERS_FILE_H

#include "base/buf.h"
#include "base/error.h"

#include <sys/stat.h>

enum {
    WSM_USERS_FILE_MAX = 256 * 1024, /* bytes */
    WSM_USERS_LINE_MAX = 1024,       /* bytes */
};

/* Opens, checks owner and mode, reads all. ERROR_FILE_NOT_FOUND if there is none. */
bool wsm_users_file_read(const char *path, struct wsm_buf *out, struct stat *out_stat,
                         struct wsm_error *err) WSM_MUST_CHECK;

/* One line without its end: *out_name is empty for comments and empty lines. False: malformed. */
bool wsm_users_line_parse(struct wsm_span line, struct wsm_span *out_name,
                          struct wsm_span *out_hash, struct wsm_error *err) WSM_MUST_CHECK;

/* Takes the next line, without its end, off `text`; false at the end. */
bool wsm_users_line_next(struct wsm_span *text, struct wsm_span *out_line);

#endif
