/* wsmext.h: what this implementation adds to Microsoft's wsman.h, prefix WSManExt. Needs the
 * same version macro; its rules for text, handles, callbacks and memory hold here too. */
#ifndef WSMEXT_H
#define WSMEXT_H

#include <wsman.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a server says about itself. No pointer is NULL; an element that the server left out is
 * empty. */
typedef struct _WSMAN_EXT_IDENTITY {
    PCWSTR protocolVersion; /* URI of WS-Management */
    PCWSTR productVendor;
    PCWSTR productVersion;
    PCWSTR securityProfiles; /* URIs separated by blanks */
} WSMAN_EXT_IDENTITY;

/* Called once, on a thread of the library, when an Identify has ended.
 *
 * operationContext  the caller's
 * flags             WSMAN_FLAG_CALLBACK_END_OF_OPERATION
 * error             never NULL; code 0 is success; borrowed until the callback returns
 * operation         the handle that WSManExtIdentify stored; NULL after wrong arguments
 * identity          NULL if error->code is not 0; borrowed until the callback returns */
typedef void(CALLBACK *WSMAN_EXT_IDENTIFY_FUNCTION)(PVOID operationContext, DWORD flags,
                                                    WSMAN_ERROR *error,
                                                    WSMAN_OPERATION_HANDLE operation,
                                                    const WSMAN_EXT_IDENTITY *identity);

/* Asks the server of a session who it is, with the session's credentials. Asynchronous: completes
 * exactly once, as the functions of wsman.h do.
 *
 * session             not NULL
 * flags               0
 * operationContext    handed to the callback; may be NULL; must live until the callback
 * completionFunction  not NULL; with NULL nothing is sent and *operation is NULL
 * operation           out, not NULL; owned by the caller, ended by WSManCloseOperation, which
 *                     cancels an Identify still running (ERROR_OPERATION_ABORTED)
 *
 * Errors: ERROR_WSMAN_CLIENT_NO_HANDLE (session), ERROR_WSMAN_CLIENT_INVALID_FLAG,
 * ERROR_WSMAN_CLIENT_NULL_RESULT_PARAM (operation), ERROR_WSMAN_SESSION_ALREADY_CLOSED; those of
 * the network and the server. The time-out is option 1 of the session.
 * May be called from any thread, also in a callback.
 * Source: DSP0226 (WS-Management), section Identify; Windows has no such function in wsman.h. */
WSMAN_API_EXPORT void WINAPI WSManExtIdentify(WSMAN_SESSION_HANDLE session, DWORD flags,
                                              PVOID operationContext,
                                              WSMAN_EXT_IDENTIFY_FUNCTION completionFunction,
                                              WSMAN_OPERATION_HANDLE *operation);

/* Converts UTF-8 to UTF-16. Strict: NULL for an overlong form, a surrogate, a value above U+10FFFF
 * or a sequence cut off, and also without memory.
 *
 * text  ends with NUL; NULL gives NULL
 *
 * The result is owned by the caller, freed with WSManExtFree. Any thread, also in a callback. */
WSMAN_API_EXPORT PWSTR WINAPI WSManExtUtf8ToUtf16(const char *text);

/* Converts UTF-16 to UTF-8. Strict: NULL for a surrogate without its other half, and also
 * without memory.
 *
 * text  ends with NUL; NULL gives NULL
 *
 * The result is owned by the caller, freed with WSManExtFree. Any thread, also in a callback. */
WSMAN_API_EXPORT char *WINAPI WSManExtUtf16ToUtf8(PCWSTR text);

/* Counts the UTF-16 units of a text without its NUL, as WSMAN_DATA_TEXT.bufferLength wants them.
 *
 * text  ends with NUL; NULL gives 0
 *
 * A text longer than a DWORD can say gives 0xFFFFFFFF. Any thread, also in a callback. */
WSMAN_API_EXPORT DWORD WINAPI WSManExtUtf16Length(PCWSTR text);

/* Frees what a function of this header gave to the caller.
 *
 * memory  such a result, or NULL
 *
 * Any thread, also in a callback. */
WSMAN_API_EXPORT void WINAPI WSManExtFree(void *memory);

#ifdef __cplusplus
}
#endif

#endif
