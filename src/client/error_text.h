/* Short texts of our own for error codes. */
#ifndef WSM_CLIENT_ERROR_TEXT_H
#define WSM_CLIENT_ERROR_TEXT_H

#include <stddef.h>
#include <stdint.h>

enum { WSM_ERROR_TEXT_MAX = 200 }; /* characters, without NUL */

/* Writes the text of the code, with the number in it for a code that has none. An HRESULT made of
 * a Win32 code has the text of that. */
void wsm_error_text_write(uint32_t code, char *out, size_t out_size);

#endif
