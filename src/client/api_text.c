/* The text helpers of wsmext.h. Any thread. */
#include "base/utf.h"
#include "client/api_args.h"

#include <stdlib.h>
#include <wsmext.h>

PWSTR WINAPI WSManExtUtf8ToUtf16(const char *text)
{
    char16_t *units = NULL;

    if (text == NULL || !wsm_utf8_to_utf16(wsm_span_str(text), "text", &units, NULL, NULL))
        return NULL;
    return (PWSTR)units;
}

char *WINAPI WSManExtUtf16ToUtf8(PCWSTR text)
{
    char *bytes = NULL;

    return wsm_api_text(text, "text", &bytes, NULL) ? bytes : NULL;
}

DWORD WINAPI WSManExtUtf16Length(PCWSTR text)
{
    size_t count = text == NULL ? 0 : wsm_utf16_len((const char16_t *)text);

    return count > UINT32_MAX ? UINT32_MAX : (DWORD)count;
}

void WINAPI WSManExtFree(void *memory)
{
    free(memory);
}
