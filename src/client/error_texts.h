/* The table behind error_text.h. */
#ifndef WSM_CLIENT_ERROR_TEXTS_H
#define WSM_CLIENT_ERROR_TEXTS_H

#include <stddef.h>
#include <stdint.h>

struct wsm_error_row {
    uint32_t code;
    const char *text; /* printable ASCII, ends with a dot */
};

/* In order of their codes. */
extern const struct wsm_error_row wsm_error_rows[];
extern const size_t wsm_error_row_count;

#endif
