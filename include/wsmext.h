/* wsmext.h: what this implementation adds to Microsoft's wsman.h, prefix WSManExt. Needs the
 * same version macro; its rules for text, handles, callbacks and memory hold here too. */
#ifndef WSMEXT_H
#define WSMEXT_H

#include <wsman.h>

#ifndef _WIN32
#include <stdint.h>
typedef uint64_t UINT64;
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Who is there ---- */

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
 * identity          NULL if error->code is not 0; borrowed until the callback returns
 *
 * Source: DSP0226, section Identify. */
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
 * Threads: any, also in a callback.
 * Source: DSP0226 (WS-Management), section Identify; Windows has no such function in wsman.h. */
WSMAN_API_EXPORT void WINAPI WSManExtIdentify(WSMAN_SESSION_HANDLE session, DWORD flags,
                                              PVOID operationContext,
                                              WSMAN_EXT_IDENTIFY_FUNCTION completionFunction,
                                              WSMAN_OPERATION_HANDLE *operation);

/* ---- Connecting ---- */

/* An option of WSManConnectShell, value "true": takes a shell away from the client that it is
 * connected to, of the same user. That client's Receives end with
 * ERROR_WSMAN_SERVICE_STREAM_DISCONNECTED, its other calls with
 * ERROR_WINRS_SHELL_CONNECTED_TO_DIFFERENT_CLIENT. Servers other than winrmd do not know it; a
 * connected shell is refused there.
 * Source: docs/exactly-once.md. */
#define WSMAN_EXT_OPTION_TAKEOVER WSMAN_TEXT("WINRMD_TAKEOVER")

/* ---- Listing ---- */

/* A shell, as its server tells it. No pointer is NULL: what a server leaves out is empty, or 0.
 * Borrowed until the callback returns. */
typedef struct _WSMAN_EXT_SHELL {
    PCWSTR shellId;
    PCWSTR name;
    PCWSTR resourceUri;
    PCWSTR owner;
    PCWSTR clientIP;
    PCWSTR state;      /* Connected, Disconnected */
    PCWSTR bufferMode; /* Block, Drop; empty for a shell that cannot be disconnected */
    PCWSTR sessionId;  /* whose it is; winrmd only */
    DWORD idleTimeoutMs;
    DWORD runTimeSeconds;
    DWORD inactivitySeconds;
    DWORD childProcesses;
    UINT64 memoryKiB;
} WSMAN_EXT_SHELL;

/* An output stream of a command; winrmd only. The offsets count the bytes that the command has
 * written to it, from 0, also those dropped. confirmed <= served <= end. */
typedef struct _WSMAN_EXT_STREAM {
    PCWSTR name;
    UINT64 confirmed;   /* below this the client has said that it has all */
    UINT64 served;      /* below this all has been in an answer */
    UINT64 servedAgain; /* how many bytes were in more than one answer */
    UINT64 end;         /* written by the command */
    UINT64 dropped;     /* how many bytes were thrown away, with the mode Drop */
} WSMAN_EXT_STREAM;

/* A command of a shell. No pointer is NULL but streams. Borrowed until the callback returns. */
typedef struct _WSMAN_EXT_COMMAND {
    PCWSTR commandId;
    PCWSTR commandLine;
    PCWSTR state;     /* Running, Pending, Done */
    BOOL hasExitCode; /* exitCode is set; winrmd only, once it is done */
    DWORD exitCode;
    DWORD streamCount;
    const WSMAN_EXT_STREAM *streams; /* NULL if there are none */
} WSMAN_EXT_COMMAND;

/* What was asked for; the other array is empty. */
typedef struct _WSMAN_EXT_LIST {
    DWORD shellCount;
    const WSMAN_EXT_SHELL *shells;
    DWORD commandCount;
    const WSMAN_EXT_COMMAND *commands;
} WSMAN_EXT_LIST;

/* Called once, on a thread of the library, when one of the three functions below has ended.
 *
 * operationContext  the caller's
 * flags             WSMAN_FLAG_CALLBACK_END_OF_OPERATION
 * error             never NULL; code 0 is success; borrowed until the callback returns
 * operation         the handle that the call stored; NULL after wrong arguments
 * list              NULL if error->code is not 0, and from WSManExtDeleteShell; borrowed until the
 *                   callback returns
 *
 * Source: MS-WSMV 3.1.4.8. */
typedef void(CALLBACK *WSMAN_EXT_LIST_FUNCTION)(PVOID operationContext, DWORD flags,
                                                WSMAN_ERROR *error,
                                                WSMAN_OPERATION_HANDLE operation,
                                                const WSMAN_EXT_LIST *list);

/* Lists the shells that the session's user has on its server, connected or not. Asynchronous:
 * completes exactly once. Looking counts as no activity of a shell. If a connection breaks before
 * the answer it looks again, within the time-out of the message; in the middle of a list that comes
 * in several, three times at most.
 *
 * session             not NULL
 * flags               0
 * operationContext    handed to the callback; may be NULL; must live until the callback
 * completionFunction  not NULL; with NULL nothing is sent and *operation is NULL
 * operation           out, not NULL; owned by the caller, ended by WSManCloseOperation, which
 *                     cancels a listing still going on (ERROR_OPERATION_ABORTED)
 *
 * Errors: ERROR_WSMAN_CLIENT_NO_HANDLE (session), ERROR_WSMAN_CLIENT_INVALID_FLAG,
 * ERROR_WSMAN_CLIENT_NULL_RESULT_PARAM (operation), ERROR_WSMAN_SESSION_ALREADY_CLOSED,
 * ERROR_WSMAN_QUOTA_LIMIT (more than 65536 items, or 64 MiB); those of the network and the
 * server. The time-out is option 1 of the session, for each message.
 * Threads: any, also in a callback.
 * Source: MS-WSMV 3.1.4.8; DSP0226, section Enumeration; Windows offers it only to scripts. */
WSMAN_API_EXPORT void WINAPI WSManExtListShells(WSMAN_SESSION_HANDLE session, DWORD flags,
                                                PVOID operationContext,
                                                WSMAN_EXT_LIST_FUNCTION completionFunction,
                                                WSMAN_OPERATION_HANDLE *operation);

/* Lists the commands of a shell, running or done, until they are closed. Asynchronous: completes
 * exactly once, and is no activity of the shell either.
 *
 * shellId  not NULL; text of a GUID
 * others   as WSManExtListShells
 *
 * Errors: those of WSManExtListShells, ERROR_WINRS_SHELL_CLIENTID_NOT_VALID (shellId),
 * ERROR_WSMAN_UNEXPECTED_SELECTORS (no such shell, or another user's).
 * Threads: any, also in a callback.
 * Source: MS-WSMV 3.1.4.8; Windows offers it only to scripts. */
WSMAN_API_EXPORT void WINAPI WSManExtListCommands(WSMAN_SESSION_HANDLE session, DWORD flags,
                                                  PCWSTR shellId, PVOID operationContext,
                                                  WSMAN_EXT_LIST_FUNCTION completionFunction,
                                                  WSMAN_OPERATION_HANDLE *operation);

/* Deletes a shell with its commands, whoever is connected to it, without connecting to it.
 * Asynchronous: completes exactly once, with list NULL. If its connection breaks before the answer
 * it is repeated within its time-out; that there is no such shell is success then.
 *
 * resourceUri  not NULL or blank; that of the shell, e.g. WSMAN_CMDSHELL_URI
 * shellId      not NULL; text of a GUID
 * others       as WSManExtListShells
 *
 * Errors: those of WSManExtListCommands, ERROR_WSMAN_CLIENT_BLANK_URI. The time-out is option 17,
 * else 1.
 * Threads: any, also in a callback.
 * Source: MS-WSMV 3.1.4.4; Windows needs a WSManConnectShell before. */
WSMAN_API_EXPORT void WINAPI WSManExtDeleteShell(WSMAN_SESSION_HANDLE session, DWORD flags,
                                                 PCWSTR resourceUri, PCWSTR shellId,
                                                 PVOID operationContext,
                                                 WSMAN_EXT_LIST_FUNCTION completionFunction,
                                                 WSMAN_OPERATION_HANDLE *operation);

/* ---- When a connection breaks ----
 *
 * Shells made or connected to through an API handle of version 1.1, on a server of this
 * implementation, outlive their connections. A request whose connection broke is sent again until
 * the server answers, and is carried out only once; output goes on at the very byte where it
 * stopped. No operation notices; the callback of WSManCreateShell or WSManConnectShell is told,
 * each time with exactly one flag, code 0 and the shell's handle:
 *   WSMAN_FLAG_CALLBACK_NETWORK_FAILURE_DETECTED             once
 *   WSMAN_FLAG_CALLBACK_RETRYING_AFTER_NETWORK_FAILURE       for each try
 * and then either
 *   WSMAN_FLAG_CALLBACK_RECONNECTED_AFTER_NETWORK_FAILURE    all goes on
 * or, after the retry time,
 *   WSMAN_FLAG_CALLBACK_SHELL_AUTODISCONNECTING
 *   WSMAN_FLAG_CALLBACK_SHELL_AUTODISCONNECTED               WSManReconnectShell may be tried
 * or, where the next try cannot be made for want of memory,
 *   WSMAN_FLAG_CALLBACK_RETRY_ABORTED_DUE_TO_INTERNAL_ERROR  the shell can only be closed
 * After AUTODISCONNECTED what was sent without an answer ends with the network's error, and what
 * receives output sleeps until the shell and its command are reconnected; after RETRY_ABORTED all
 * that is pending ends with an error. Any other server, and API handles of version 1.0: the
 * operations end with the network's error, and there are no notices. */

/* Sets for how long shells of a session try to reach their server after a connection broke; what
 * is under way already keeps its time.
 *
 * session       not NULL
 * milliseconds  up to 2147483647; 0 = not at all: operations end with the network's error. The
 *               first value is 240000; WSManGetSessionOptionAsDword with
 *               WSMAN_OPTION_MAX_RETRY_TIME reads it
 *
 * Returns 0, ERROR_WSMAN_CLIENT_NO_HANDLE (NULL), ERROR_INVALID_PARAMETER (milliseconds),
 * ERROR_WSMAN_SESSION_ALREADY_CLOSED.
 * Threads: any, also in a callback.
 * Source: MS-WSMV has no such time; on Windows WSMAN_OPTION_MAX_RETRY_TIME can only be read. */
WSMAN_API_EXPORT DWORD WINAPI WSManExtSetRetryTime(WSMAN_SESSION_HANDLE session,
                                                   DWORD milliseconds);

/* An option for WSManConnectShellCommand: where the output of the command is to go on. Its value
 * is NAME=DELIVERED:START for each stream, separated by blanks, as in "stdout=7000:7000
 * stderr=12:12"; all count the bytes of the stream from 0. The server may forget what lies below
 * DELIVERED; the next Receive begins at START, which is not less. The library keeps the option for
 * the first Receive, the server does not see it before. Without it, or for a stream that is not
 * named, output begins where nobody has said to have got it.
 *
 * Errors, in the callback of WSManConnectShellCommand: ERROR_WSMAN_INVALID_OPTIONS (malformed),
 * ERROR_NOT_SUPPORTED (the server is no winrmd). A START that the server cannot go back to ends the
 * Receive with ERROR_INVALID_PARAMETER, and the error's text names what there is. */
#define WSMAN_EXT_OPTION_FROM WSMAN_TEXT("WINRMD_FROM")

/* How far the output of a command has come: [0] is stdout, [1] is stderr. */
typedef struct _WSMAN_EXT_OFFSETS {
    UINT64 delivered[2]; /* everything below was in callbacks that have returned, or dropped */
    UINT64 dropped[2];   /* bytes among these that the server had thrown away */
} WSMAN_EXT_OFFSETS;

/* Tells where another client would have to go on.
 *
 * command  not NULL, and not closed
 * offsets  out, not NULL; in bytes; untouched on failure. A stream of which nothing is known yet
 *          has 0
 *
 * Returns 0, ERROR_INVALID_PARAMETER (offsets), ERROR_WSMAN_SHELL_INVALID_COMMAND_HANDLE,
 * ERROR_WSMAN_COMMAND_ALREADY_CLOSED, ERROR_NOT_SUPPORTED (the server does not count).
 * Threads: any, also in a callback, where the data of that very callback do not count yet.
 * Source: docs/extension.md, docs/exactly-once.md; Windows does not count. */
WSMAN_API_EXPORT DWORD WINAPI WSManExtGetOffsets(WSMAN_COMMAND_HANDLE command,
                                                 WSMAN_EXT_OFFSETS *offsets);

/* Says that the application has got no further than this, whatever its callbacks were given: a
 * callback that could use only a part of its data calls it before it returns. From then on no byte
 * above counts as delivered, to the server, to WSManDisconnectShell and to WSManExtGetOffsets:
 * the next client to connect gets them. This one does not get them again.
 *
 * command  not NULL, and not closed
 * offsets  not NULL; in bytes, as WSManExtGetOffsets gives them; dropped is not looked at. The last
 *          call counts. What the server was told before stays told
 *
 * Returns 0, ERROR_INVALID_PARAMETER (offsets), ERROR_WSMAN_SHELL_INVALID_COMMAND_HANDLE,
 * ERROR_WSMAN_COMMAND_ALREADY_CLOSED, ERROR_NOT_SUPPORTED (the server does not count).
 * Threads: any, also in a callback.
 * Source: docs/extension.md, docs/exactly-once.md; Windows does not count. */
WSMAN_API_EXPORT DWORD WINAPI WSManExtLimitOffsets(WSMAN_COMMAND_HANDLE command,
                                                   const WSMAN_EXT_OFFSETS *offsets);

/* ---- Text ---- */

/* Converts UTF-8 to UTF-16.
 *
 * text  UTF-8, ends with NUL; borrowed until the function returns; NULL gives NULL
 *
 * Returns the text, owned by the caller, freed with WSManExtFree. Strict: NULL for an overlong
 * form, a surrogate, a value above U+10FFFF or a sequence cut off, and also without memory.
 * Threads: any, also in a callback.
 * Source: RFC 3629; on Windows MultiByteToWideChar does it. */
WSMAN_API_EXPORT PWSTR WINAPI WSManExtUtf8ToUtf16(const char *text);

/* Converts UTF-16 to UTF-8.
 *
 * text  UTF-16, ends with NUL; borrowed until the function returns; NULL gives NULL
 *
 * Returns the text, owned by the caller, freed with WSManExtFree. Strict: NULL for a surrogate
 * without its other half, and also without memory.
 * Threads: any, also in a callback.
 * Source: RFC 2781, RFC 3629; on Windows WideCharToMultiByte does it. */
WSMAN_API_EXPORT char *WINAPI WSManExtUtf16ToUtf8(PCWSTR text);

/* Counts the UTF-16 units of a text without its NUL, as WSMAN_DATA_TEXT.bufferLength wants them.
 *
 * text  UTF-16, ends with NUL; borrowed until the function returns; NULL gives 0
 *
 * Returns the number of units, 2 bytes each; 0xFFFFFFFF for a longer text than a DWORD can say.
 * Threads: any, also in a callback.
 * Source: none; on Windows wcslen does it. */
WSMAN_API_EXPORT DWORD WINAPI WSManExtUtf16Length(PCWSTR text);

/* Frees what a function of this header gave to the caller.
 *
 * memory  such a result, ownership goes to the function; or NULL
 *
 * Returns nothing; cannot fail.
 * Threads: any, also in a callback.
 * Source: none; Windows has no memory of the library that a caller owns. */
WSMAN_API_EXPORT void WINAPI WSManExtFree(void *memory);

#ifdef __cplusplus
}
#endif

#endif
