/* Short texts of our own for error codes. */
#ifndef WSM_CLIENT_ERROR_TEXT_H
#define WSM_CLIENT_ERROR_TEXT_H

#include <stddef.h>
#include <stdint.h>

enum { WSM_ERROR_TEXT_MAX = 128 };

/* Static; a general text for a code that has none. */
const char *wsm_error_text_of(uint32_t code);
/* The same, with the number in it for a code that has none. */
void wsm_error_text_write(uint32_t code, char *out, size_t out_size);

#endif
