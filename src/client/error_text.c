/* Finds the text of an error code. Any thread. */
#include "client/error_text.h"

#include "client/error_texts.h"

#include <stdio.h>
#include <stdlib.h>

enum { HRESULT_OF_WIN32 = 0x8007 }; /* the upper half: failure, facility Win32 */

static int compare(const void *key, const void *row)
{
    uint32_t code = *(const uint32_t *)key;
    uint32_t other = ((const struct wsm_error_row *)row)->code;

    return code < other ? -1 : code > other;
}

static const char *find(uint32_t code)
{
    const struct wsm_error_row *row = bsearch(&code, wsm_error_rows, wsm_error_row_count,
                                              sizeof(wsm_error_rows[0]), compare);

    return row == NULL ? NULL : row->text;
}

void wsm_error_text_write(uint32_t code, char *out, size_t out_size)
{
    const char *text = find(code >> 16 == HRESULT_OF_WIN32 ? code & 0xFFFF : code);

    if (text != NULL)
        snprintf(out, out_size, "%s", text);
    else
        snprintf(out, out_size, "There is no text for error 0x%08X (%u).", code, code);
}
