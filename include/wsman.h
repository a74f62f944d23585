/* wsman.h: remote shells over WS-Management, by Microsoft's names and with
 * Microsoft's binary layout. Client functions, and those for plug-ins.
 *
 * Before including it define exactly one of
 *   WSMAN_API_VERSION_1_0   Windows 7 / Server 2008 R2
 *   WSMAN_API_VERSION_1_1   Windows 8 / Server 2012: client-made ids, shell names,
 *                           disconnect, reconnect, connect
 * None is an error as on Windows. Both are an error here, while Windows mixes the short
 * startup struct with the functions that read the long one. Needs C11 or C++11.
 *
 * Rules for all functions; the comments below name only what is special
 *
 * Text        is UTF-16 and ends with NUL. WSMAN_DATA_TEXT.bufferLength counts units
 *             without the NUL. Text that XML cannot carry (characters below U+0020 but tab and
 *             line ends, U+FFFE, U+FFFF, half a surrogate pair) gives ERROR_INVALID_PARAMETER.
 * Input       (structs and all they point to) is borrowed until the function returns: the
 *             library copies it during the call, also the WSMAN_SHELL_ASYNC. The context
 *             in there stays the caller's and must live until the last callback.
 * Output      given to a callback (error, data, all under them) is borrowed until the
 *             callback returns.
 * Handles     are opaque and owned by the caller, who ends each exactly once with its own
 *             close function. They may be used from several threads. A stale or foreign
 *             handle gives an error code.
 * Returning   functions give 0 (ERROR_SUCCESS) or a code of wsmerror.h.
 * Void        functions are asynchronous. They report everything, wrong arguments too,
 *             through async->completionFunction: exactly one last callback each, with
 *             WSMAN_FLAG_CALLBACK_END_OF_OPERATION. `error` is never NULL; code 0 is success;
 *             with another code `data` is NULL. The out handle is set before any callback can
 *             run; after wrong arguments it is NULL. A handle of an operation that fails later
 *             must still be closed. With async or its function NULL nothing is sent, the out
 *             handle is NULL, and there is no callback.
 * Callbacks   run on threads of the library, at most 64, never on the caller's stack, so perhaps
 *             before the call has returned; those of one shell come one after the other, and one
 *             that takes long holds up its own shell only. All functions
 *             may be called in them, except that WSManCloseSession and WSManDeinitialize, which
 *             wait for callbacks, give ERROR_POSSIBLE_DEADLOCK there.
 * Threads     every function may be called from any thread.
 * Closing     a parent ends what is pending under it: each gets its last callback with
 *             ERROR_OPERATION_ABORTED before the close completes.
 * Time-outs   come from the session options 12 to 17, else 1; 0 is none. No answer 5 s after that
 *             gives ERROR_WSMAN_NETWORK_TIMEDOUT, or on a shell that outlives broken connections
 *             (docs/exactly-once.md) begins the retry time.
 * Errors      of a server keep its code, words, language, machine and plug-in. Those of the
 *             library have words that name the host, shell or limit. A code that is not listed
 *             below came from a server, or says what is wrong with its answer.
 * Network     errors, "those of the network" below: ERROR_WSMAN_NAME_NOT_RESOLVED,
 *             ERROR_WSMAN_HTTP_SERVICE_UNAVAILABLE_STATUS (nobody listens there, or HTTP 503),
 *             ERROR_WSMAN_DESTINATION_UNREACHABLE, ERROR_WSMAN_NETWORK_TIMEDOUT (no answer in
 *             time, or a lost connection), ERROR_ACCESS_DENIED (name or password refused),
 *             ERROR_WSMAN_CLIENT_UNENCRYPTED_DISABLED (plain HTTP needs option 20),
 *             ERROR_NOT_SUPPORTED (a mechanism that this release does not have),
 *             ERROR_WSMAN_HTTP_NOT_FOUND_STATUS, ERROR_WSMAN_HTTP_STATUS_BAD_REQUEST,
 *             ERROR_WSMAN_HTTP_STATUS_SERVER_ERROR, ERROR_WSMAN_UNKNOWN_HTTP_STATUS_RETURNED,
 *             ERROR_WSMAN_HTML_ERROR, ERROR_WSMAN_HTTP_INVALID_CONTENT_TYPE_IN_RESPONSE_DATA
 *             and ERROR_WSMAN_MAX_ENVELOPE_SIZE_EXCEEDED (answers that cannot be used).
 * Shells      have errors of their handle, "those of the shell handle" below:
 *             ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE (none, or not created),
 *             ERROR_WSMAN_SHELL_ALREADY_CLOSED, ERROR_WSMAN_SESSION_ALREADY_CLOSED,
 *             ERROR_WINRS_SHELL_DISCONNECTED.
 * Ends        of a parent, or WSManCloseOperation, give ERROR_OPERATION_ABORTED to whatever is
 *             going on.
 * Memory      ERROR_OUTOFMEMORY can come from every function, ERROR_NOT_ENOUGH_MEMORY where a
 *             thread, a descriptor or a handle is lacking.
 * Processes   may end at any time. After fork() the child has no valid handle, and WSManInitialize
 *             gives ERROR_INVALID_STATE there, unless no API handle was open at that moment: call
 *             WSManDeinitialize before fork() or daemon(). fork() followed by exec is always fine:
 *             descriptors of the library are not inherited. They are never 0, 1 or 2. Once loaded
 *             the library stays, whatever dlclose() is told.
 *
 * Sources: Microsoft's reference pages for wsman.h (named after each function),
 * MS-WSMV (the protocol), wsman.h of mingw-w64 (layout). Where this implementation differs
 * from Windows the comment says so; docs/deviations.md has the whole list. */
#ifndef WSMAN_H
#define WSMAN_H

#if !defined(WSMAN_API_VERSION_1_0) && !defined(WSMAN_API_VERSION_1_1)
#error "define WSMAN_API_VERSION_1_0 or WSMAN_API_VERSION_1_1 before including wsman.h"
#endif
#if defined(WSMAN_API_VERSION_1_0) && defined(WSMAN_API_VERSION_1_1)
#error "define only one of WSMAN_API_VERSION_1_0 and WSMAN_API_VERSION_1_1"
#endif

/* Base types. On Windows they are Windows' own. Elsewhere a UTF-16 unit is wchar_t where
 * that has 16 bits (-fshort-wchar), so that Windows sources compile unchanged, else
 * char16_t. WSMAN_TEXT("...") makes a literal of that type. */
#ifdef _WIN32
#include <windows.h>
#else
#include <stddef.h>
#include <stdint.h>
#if !defined(__cplusplus) && __SIZEOF_WCHAR_T__ != 2
#include <uchar.h>
#endif

typedef uint8_t BYTE;
typedef uint32_t DWORD;
#ifndef BOOL
typedef int32_t BOOL;
#endif
#if __SIZEOF_WCHAR_T__ == 2
typedef wchar_t WCHAR;
#else
typedef char16_t WCHAR;
#endif
typedef WCHAR *PWSTR;
typedef const WCHAR *PCWSTR;
typedef void *PVOID;
typedef void *HANDLE;
#ifndef VOID
#define VOID void
#endif
#ifndef FALSE
#define FALSE 0
#endif
#ifndef TRUE
#define TRUE 1
#endif
#ifndef WINAPI
#define WINAPI
#endif
#ifndef CALLBACK
#define CALLBACK
#endif
#endif

#if defined(_WIN32) || __SIZEOF_WCHAR_T__ == 2
#define WSMAN_TEXT_LITERAL(text) L##text
#else
#define WSMAN_TEXT_LITERAL(text) u##text
#endif
#define WSMAN_TEXT(text) WSMAN_TEXT_LITERAL(text)

/* Public functions stay visible in a library that is built with hidden visibility. */
#if defined(__GNUC__) && !defined(_WIN32)
#define WSMAN_API_EXPORT __attribute__((visibility("default")))
#else
#define WSMAN_API_EXPORT
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Constants ---- */

/* Flags of WSManInitialize. */
#define WSMAN_FLAG_REQUESTED_API_VERSION_1_0 0x0
#define WSMAN_FLAG_REQUESTED_API_VERSION_1_1 0x1

/* Values of `version` in the operation infos: plain, and the EX form. */
#define WSMAN_OPERATION_INFOV1 0x00000000
#define WSMAN_OPERATION_INFOV2 0xaabbccdd

#define WSMAN_DEFAULT_TIMEOUT_MS 60000

#define WSMAN_STREAM_ID_STDIN  WSMAN_TEXT("stdin")
#define WSMAN_STREAM_ID_STDOUT WSMAN_TEXT("stdout")
#define WSMAN_STREAM_ID_STDERR WSMAN_TEXT("stderr")

#define WSMAN_SHELL_NS     WSMAN_TEXT("http://schemas.microsoft.com/wbem/wsman/1/windows/shell")
#define WSMAN_SHELL_NS_LEN (sizeof(WSMAN_SHELL_NS) / sizeof(WCHAR) - 1)

/* The resource URI of the command shell; options of its shells, then of its commands. */
#define WSMAN_CMDSHELL_URI                      WSMAN_SHELL_NS WSMAN_TEXT("/cmd")
#define WSMAN_CMDSHELL_OPTION_CODEPAGE          WSMAN_TEXT("WINRS_CODEPAGE")
#define WSMAN_SHELL_OPTION_NOPROFILE            WSMAN_TEXT("WINRS_NOPROFILE")
#define WSMAN_CMDSHELL_OPTION_CONSOLEMODE_STDIN WSMAN_TEXT("WINRS_CONSOLEMODE_STDIN")
#define WSMAN_CMDSHELL_OPTION_SKIP_CMD_SHELL    WSMAN_TEXT("WINRS_SKIP_CMD_SHELL")

/* WSMAN_RECEIVE_DATA_RESULT.commandState. */
#define WSMAN_COMMAND_STATE_DONE    WSMAN_SHELL_NS WSMAN_TEXT("/CommandState/Done")
#define WSMAN_COMMAND_STATE_PENDING WSMAN_SHELL_NS WSMAN_TEXT("/CommandState/Pending")
#define WSMAN_COMMAND_STATE_RUNNING WSMAN_SHELL_NS WSMAN_TEXT("/CommandState/Running")

/* `code` of WSManSignalShell. */
#define WSMAN_SIGNAL_SHELL_CODE_TERMINATE  WSMAN_SHELL_NS WSMAN_TEXT("/signal/terminate")
#define WSMAN_SIGNAL_SHELL_CODE_CTRL_C     WSMAN_SHELL_NS WSMAN_TEXT("/signal/ctrl_c")
#define WSMAN_SIGNAL_SHELL_CODE_CTRL_BREAK WSMAN_SHELL_NS WSMAN_TEXT("/signal/ctrl_break")

/* Flags of WSManPluginReceiveResult. */
#define WSMAN_FLAG_RECEIVE_RESULT_NO_MORE_DATA  1 /* last data of that stream */
#define WSMAN_FLAG_RECEIVE_FLUSH                2 /* send at once, do not gather */
#define WSMAN_FLAG_RECEIVE_RESULT_DATA_BOUNDARY 4 /* end of one object */

/* What WSManPluginGetOperationParameters reads: 1-4 numbers, 5 and 6 text. */
#define WSMAN_PLUGIN_PARAMS_MAX_ENVELOPE_SIZE         1
#define WSMAN_PLUGIN_PARAMS_TIMEOUT                   2
#define WSMAN_PLUGIN_PARAMS_REMAINING_RESULT_SIZE     3
#define WSMAN_PLUGIN_PARAMS_LARGEST_RESULT_SIZE       4
#define WSMAN_PLUGIN_PARAMS_GET_REQUESTED_LOCALE      5
#define WSMAN_PLUGIN_PARAMS_GET_REQUESTED_DATA_LOCALE 6

/* What WSManPluginGetConfiguration reads: 1, 3, 4 numbers, 2 and 5 text. */
#define WSMAN_PLUGIN_PARAMS_SHAREDHOST             1
#define WSMAN_PLUGIN_PARAMS_RUNAS_USER             2
#define WSMAN_PLUGIN_PARAMS_AUTORESTART            3
#define WSMAN_PLUGIN_PARAMS_HOSTIDLETIMEOUTSECONDS 4
#define WSMAN_PLUGIN_PARAMS_NAME                   5

/* Flags of the plug-in's Startup, reason of its Shutdown, flag of its Send. */
#define WSMAN_PLUGIN_STARTUP_REQUEST_RECEIVED     0x0
#define WSMAN_PLUGIN_STARTUP_AUTORESTARTED_REBOOT 0x1
#define WSMAN_PLUGIN_STARTUP_AUTORESTARTED_CRASH  0x2
#define WSMAN_PLUGIN_SHUTDOWN_SYSTEM              1
#define WSMAN_PLUGIN_SHUTDOWN_SERVICE             2
#define WSMAN_PLUGIN_SHUTDOWN_IISHOST             3
#define WSMAN_PLUGIN_SHUTDOWN_IDLETIMEOUT_ELAPSED 4
#define WSMAN_FLAG_SEND_NO_MORE_DATA              1

typedef enum WSManDataType {
    WSMAN_DATA_NONE = 0,
    WSMAN_DATA_TYPE_TEXT = 1,
    WSMAN_DATA_TYPE_BINARY = 2,
    WSMAN_DATA_TYPE_DWORD = 4
} WSManDataType;

/* Exactly one of these is WSMAN_AUTHENTICATION_CREDENTIALS.authenticationMechanism. */
typedef enum WSManAuthenticationFlags {
    WSMAN_FLAG_DEFAULT_AUTHENTICATION = 0x0,
    WSMAN_FLAG_NO_AUTHENTICATION = 0x1,
    WSMAN_FLAG_AUTH_DIGEST = 0x2,
    WSMAN_FLAG_AUTH_NEGOTIATE = 0x4,
    WSMAN_FLAG_AUTH_BASIC = 0x8,
    WSMAN_FLAG_AUTH_KERBEROS = 0x10,
    WSMAN_FLAG_AUTH_CLIENT_CERTIFICATE = 0x20,
    WSMAN_FLAG_AUTH_CREDSSP = 0x80
} WSManAuthenticationFlags;

/* WSMAN_PROXY_INFO.accessType. A proxy is for HTTPS only; so in this release all but 8 give
 * ERROR_WSMAN_CANNOT_USE_PROXY_SETTINGS_FOR_HTTP. */
typedef enum WSManProxyAccessType {
    WSMAN_OPTION_PROXY_IE_PROXY_CONFIG = 1,
    WSMAN_OPTION_PROXY_WINHTTP_PROXY_CONFIG = 2,
    WSMAN_OPTION_PROXY_AUTO_DETECT = 4,
    WSMAN_OPTION_PROXY_NO_PROXY_SERVER = 8
} WSManProxyAccessType;

/* Options of a session: DWORD unless marked, 0 unless a default is given; times in ms, 0 for
 * none; sizes in KiB. 18 to 22 and 31 to 34 are fixed once an operation has begun. 18, 19, 22, 31
 * and 34 have no effect on HTTP with Basic. */
typedef enum WSManSessionOption {
    WSMAN_OPTION_DEFAULT_OPERATION_TIMEOUTMS = 1, /* 60000; for all that have no own value */
    WSMAN_OPTION_MAX_RETRY_TIME = 11,             /* 240000; read only, see WSManExtSetRetryTime */
    WSMAN_OPTION_TIMEOUTMS_CREATE_SHELL = 12,     /* 12 to 17: default is option 1 */
    WSMAN_OPTION_TIMEOUTMS_RUN_SHELL_COMMAND = 13,
    WSMAN_OPTION_TIMEOUTMS_RECEIVE_SHELL_OUTPUT = 14, /* of each poll */
    WSMAN_OPTION_TIMEOUTMS_SEND_SHELL_INPUT = 15,
    WSMAN_OPTION_TIMEOUTMS_SIGNAL_SHELL = 16, /* also for closing a command */
    WSMAN_OPTION_TIMEOUTMS_CLOSE_SHELL = 17,
    WSMAN_OPTION_SKIP_CA_CHECK = 18,          /* 0 or 1 */
    WSMAN_OPTION_SKIP_CN_CHECK = 19,          /* 0 or 1 */
    WSMAN_OPTION_UNENCRYPTED_MESSAGES = 20,   /* 0 or 1; 1 allows plain HTTP */
    WSMAN_OPTION_UTF16 = 21,                  /* 0 or 1; 1: requests in UTF-16 */
    WSMAN_OPTION_ENABLE_SPN_SERVER_PORT = 22, /* 0 or 1; not with Basic */
    WSMAN_OPTION_MACHINE_ID = 23,             /* 0 or 1; 1 sends the name of this host */
    WSMAN_OPTION_LOCALE = 25,                 /* text, RFC 3066, en-US: format of data */
    WSMAN_OPTION_UI_LANGUAGE = 26,            /* text, RFC 3066, en-US: messages */
    WSMAN_OPTION_MAX_ENVELOPE_SIZE_KB = 28,   /* 500; 32 to 65536; the server may allow less */
    WSMAN_OPTION_SHELL_MAX_DATA_SIZE_PER_MESSAGE_KB = 29,   /* read only: what one Send holds */
    WSMAN_OPTION_REDIRECT_LOCATION = 30,                    /* text, read only; after a redirect */
    WSMAN_OPTION_SKIP_REVOCATION_CHECK = 31,                /* 0 or 1 */
    WSMAN_OPTION_ALLOW_NEGOTIATE_IMPLICIT_CREDENTIALS = 32, /* 0 or 1; HTTPS only */
    WSMAN_OPTION_USE_SSL = 33,                              /* 0 or 1; if there is no scheme */
    WSMAN_OPTION_USE_INTEARACTIVE_TOKEN = 34,               /* Microsoft's spelling */
    WSMAN_OPTION_USE_INTERACTIVE_TOKEN = 34
} WSManSessionOption;

/* Flags of the asynchronous functions; each names those it takes. */
typedef enum WSManShellFlag {
    WSMAN_FLAG_NO_COMPRESSION = 0x1,
    WSMAN_FLAG_DELETE_SERVER_SESSION = 0x2,
    WSMAN_FLAG_SERVER_BUFFERING_MODE_DROP = 0x4,  /* full buffer: oldest output is dropped */
    WSMAN_FLAG_SERVER_BUFFERING_MODE_BLOCK = 0x8, /* full buffer: the command waits */
    WSMAN_FLAG_RECEIVE_DELAY_OUTPUT_STREAM = 0x10
} WSManShellFlag;

/* `flags` of a completion function. From 0x40 to 0x1000: notices about the link, given to
 * the async of WSManCreateShell(Ex) or WSManConnectShell, one value at a time. */
typedef enum WSManCallbackFlags {
    WSMAN_FLAG_CALLBACK_END_OF_OPERATION = 0x1,
    WSMAN_FLAG_CALLBACK_END_OF_STREAM = 0x8,              /* Receive: last data of that stream */
    WSMAN_FLAG_CALLBACK_SHELL_SUPPORTS_DISCONNECT = 0x20, /* create, connect */
    WSMAN_FLAG_CALLBACK_SHELL_AUTODISCONNECTED = 0x40,
    WSMAN_FLAG_CALLBACK_NETWORK_FAILURE_DETECTED = 0x100,
    WSMAN_FLAG_CALLBACK_RETRYING_AFTER_NETWORK_FAILURE = 0x200,
    WSMAN_FLAG_CALLBACK_RECONNECTED_AFTER_NETWORK_FAILURE = 0x400,
    WSMAN_FLAG_CALLBACK_SHELL_AUTODISCONNECTING = 0x800,
    WSMAN_FLAG_CALLBACK_RETRY_ABORTED_DUE_TO_INTERNAL_ERROR = 0x1000,
    WSMAN_FLAG_CALLBACK_RECEIVE_DELAY_STREAM_REQUEST_PROCESSED = 0x2000
} WSManCallbackFlags;

/* ---- Data ---- */

typedef struct _WSMAN_DATA_TEXT {
    DWORD bufferLength; /* UTF-16 units without NUL */
    PCWSTR buffer;
} WSMAN_DATA_TEXT;

typedef struct _WSMAN_DATA_BINARY {
    DWORD dataLength; /* bytes */
    BYTE *data;
} WSMAN_DATA_BINARY;

typedef struct _WSMAN_DATA {
    WSManDataType type; /* says which member holds */
    union {
        WSMAN_DATA_TEXT text;
        WSMAN_DATA_BINARY binaryData;
        DWORD number;
    };
} WSMAN_DATA;

/* Every pointer may be NULL except errorDetail of a code other than 0. */
typedef struct _WSMAN_ERROR {
    DWORD code;         /* wsmerror.h; 0 is success; codes of a server pass unchanged */
    PCWSTR errorDetail; /* what the fault said, or our own words */
    PCWSTR language;    /* of errorDetail, RFC 3066; NULL if the fault does not say */
    PCWSTR machineName; /* where the error arose, as the fault says; NULL: here, or not known */
    PCWSTR pluginName;  /* the provider that the fault names */
} WSMAN_ERROR;

typedef struct _WSMAN_USERNAME_PASSWORD_CREDS {
    PCWSTR username; /* user, DOMAIN\user or user@domain */
    PCWSTR password;
} WSMAN_USERNAME_PASSWORD_CREDS;

typedef struct _WSMAN_AUTHENTICATION_CREDENTIALS {
    DWORD authenticationMechanism; /* one of WSManAuthenticationFlags */
    union {
        WSMAN_USERNAME_PASSWORD_CREDS userAccount; /* both NULL: the current user */
        PCWSTR certificateThumbprint;              /* WSMAN_FLAG_AUTH_CLIENT_CERTIFICATE only */
    };
} WSMAN_AUTHENTICATION_CREDENTIALS;

typedef struct _WSMAN_OPTION {
    PCWSTR name;
    PCWSTR value;    /* may be NULL */
    BOOL mustComply; /* TRUE: the server fails the request if it cannot honour it */
} WSMAN_OPTION;

typedef struct _WSMAN_OPTION_SET {
    DWORD optionsCount;
    WSMAN_OPTION *options;
    BOOL optionsMustUnderstand; /* TRUE: a server without options fails the request */
} WSMAN_OPTION_SET;

typedef struct _WSMAN_OPTION_SETEX {
    DWORD optionsCount;
    WSMAN_OPTION *options;
    BOOL optionsMustUnderstand;
    PCWSTR *optionTypes; /* XML types, one for each option */
} WSMAN_OPTION_SETEX;

typedef struct _WSMAN_KEY {
    PCWSTR key;
    PCWSTR value;
} WSMAN_KEY;

typedef struct _WSMAN_SELECTOR_SET {
    DWORD numberKeys;
    WSMAN_KEY *keys;
} WSMAN_SELECTOR_SET;

typedef struct _WSMAN_FRAGMENT {
    PCWSTR path;
    PCWSTR dialect;
} WSMAN_FRAGMENT;

typedef struct _WSMAN_FILTER {
    PCWSTR filter;
    PCWSTR dialect;
} WSMAN_FILTER;

typedef struct _WSMAN_OPERATION_INFO {
    WSMAN_FRAGMENT fragment;
    WSMAN_FILTER filter;
    WSMAN_SELECTOR_SET selectorSet;
    WSMAN_OPTION_SET optionSet;
    void *reserved;
    DWORD version; /* WSMAN_OPERATION_INFOV1 */
} WSMAN_OPERATION_INFO;

typedef struct _WSMAN_OPERATION_INFOEX {
    WSMAN_FRAGMENT fragment;
    WSMAN_FILTER filter;
    WSMAN_SELECTOR_SET selectorSet;
    WSMAN_OPTION_SETEX optionSet;
    DWORD version; /* WSMAN_OPERATION_INFOV2 */
    PCWSTR uiLocale;
    PCWSTR dataLocale;
} WSMAN_OPERATION_INFOEX;

typedef struct _WSMAN_PROXY_INFO {
    DWORD accessType; /* one of WSManProxyAccessType */
    WSMAN_AUTHENTICATION_CREDENTIALS authenticationCredentials;
} WSMAN_PROXY_INFO;

typedef struct WSMAN_API *WSMAN_API_HANDLE;
typedef struct WSMAN_SESSION *WSMAN_SESSION_HANDLE;
typedef struct WSMAN_OPERATION *WSMAN_OPERATION_HANDLE;
typedef struct WSMAN_SHELL *WSMAN_SHELL_HANDLE;
typedef struct WSMAN_COMMAND *WSMAN_COMMAND_HANDLE;

typedef struct _WSMAN_STREAM_ID_SET {
    DWORD streamIDsCount;
    PCWSTR *streamIDs;
} WSMAN_STREAM_ID_SET;

typedef struct _WSMAN_ENVIRONMENT_VARIABLE {
    PCWSTR name;
    PCWSTR value; /* may be NULL or empty */
} WSMAN_ENVIRONMENT_VARIABLE;

typedef struct _WSMAN_ENVIRONMENT_VARIABLE_SET {
    DWORD varsCount;
    WSMAN_ENVIRONMENT_VARIABLE *vars;
} WSMAN_ENVIRONMENT_VARIABLE_SET;

typedef struct _WSMAN_SHELL_STARTUP_INFO_V10 {
    WSMAN_STREAM_ID_SET *inputStreamSet;  /* NULL: stdin; count 0: none */
    WSMAN_STREAM_ID_SET *outputStreamSet; /* NULL: stdout and stderr; count 0: none */
    DWORD idleTimeoutMs;                  /* 0: the server's maximum; 0xFFFFFFFF: its default */
    PCWSTR workingDirectory;              /* NULL or empty: the server's default */
    WSMAN_ENVIRONMENT_VARIABLE_SET *variableSet; /* NULL: nothing besides the default */
} WSMAN_SHELL_STARTUP_INFO_V10;

typedef struct _WSMAN_SHELL_STARTUP_INFO_V11 {
    WSMAN_STREAM_ID_SET *inputStreamSet;
    WSMAN_STREAM_ID_SET *outputStreamSet;
    DWORD idleTimeoutMs;
    PCWSTR workingDirectory;
    WSMAN_ENVIRONMENT_VARIABLE_SET *variableSet;
    PCWSTR name; /* at most 255 units; NULL: none; read only with an API handle of 1.1 */
} WSMAN_SHELL_STARTUP_INFO_V11;

typedef struct _WSMAN_SHELL_DISCONNECT_INFO {
    DWORD idleTimeoutMs; /* 0 and 0xFFFFFFFF: unchanged */
} WSMAN_SHELL_DISCONNECT_INFO;

typedef struct _WSMAN_RECEIVE_DATA_RESULT {
    PCWSTR streamId;       /* NULL if there is only a state */
    WSMAN_DATA streamData; /* always binary; may have length 0 */
    PCWSTR commandState;   /* NULL or WSMAN_COMMAND_STATE_... */
    DWORD exitCode;        /* counts only with WSMAN_COMMAND_STATE_DONE */
} WSMAN_RECEIVE_DATA_RESULT;

#ifdef WSMAN_API_VERSION_1_1
typedef struct _WSMAN_CONNECT_DATA {
    WSMAN_DATA data; /* text: the XML of the answer */
} WSMAN_CONNECT_DATA;

typedef struct _WSMAN_CREATE_SHELL_DATA {
    WSMAN_DATA data; /* text: the shell's XML */
} WSMAN_CREATE_SHELL_DATA;

/* The member follows from the call that completes. */
typedef union _WSMAN_RESPONSE_DATA {
    WSMAN_RECEIVE_DATA_RESULT receiveData;
    WSMAN_CONNECT_DATA connectData;
    WSMAN_CREATE_SHELL_DATA createData;
} WSMAN_RESPONSE_DATA;

typedef WSMAN_SHELL_STARTUP_INFO_V11 WSMAN_SHELL_STARTUP_INFO;
#else
typedef WSMAN_SHELL_STARTUP_INFO_V10 WSMAN_SHELL_STARTUP_INFO;
#endif

/* Called on a thread of the library when something of an asynchronous call has happened.
 *
 * operationContext  the caller's, from its WSMAN_SHELL_ASYNC
 * flags             WSManCallbackFlags, or 0 between the parts of a Receive
 * error             never NULL; borrowed until the callback returns
 * shell, command,   what the call concerns; NULL where it has none. They are the handles that
 * operationHandle   the call stored, and may be used before the caller has seen the stored value
 * data              result of the call, NULL if it has none or error->code is not 0; borrowed
 *                   until the callback returns. In 1.0 it is typed as the result of a Receive and
 *                   may be read only there; the address is the same.
 *
 * Difference from Windows: runs with the credentials of the process; there is no token.
 * Source: WSMAN_SHELL_COMPLETION_FUNCTION. */
#ifdef WSMAN_API_VERSION_1_1
typedef void(CALLBACK *WSMAN_SHELL_COMPLETION_FUNCTION)(PVOID operationContext, DWORD flags,
                                                        WSMAN_ERROR *error,
                                                        WSMAN_SHELL_HANDLE shell,
                                                        WSMAN_COMMAND_HANDLE command,
                                                        WSMAN_OPERATION_HANDLE operationHandle,
                                                        WSMAN_RESPONSE_DATA *data);
#else
typedef void(CALLBACK *WSMAN_SHELL_COMPLETION_FUNCTION)(PVOID operationContext, DWORD flags,
                                                        WSMAN_ERROR *error,
                                                        WSMAN_SHELL_HANDLE shell,
                                                        WSMAN_COMMAND_HANDLE command,
                                                        WSMAN_OPERATION_HANDLE operationHandle,
                                                        WSMAN_RECEIVE_DATA_RESULT *data);
#endif

typedef struct _WSMAN_SHELL_ASYNC {
    PVOID operationContext; /* may be NULL */
    WSMAN_SHELL_COMPLETION_FUNCTION completionFunction;
} WSMAN_SHELL_ASYNC;

typedef struct _WSMAN_COMMAND_ARG_SET {
    DWORD argsCount;
    PCWSTR *args; /* no element NULL */
} WSMAN_COMMAND_ARG_SET;

/* ---- Client functions ----
 *
 * The usual order, each asynchronous call after the last callback of the one before:
 *
 *   WSManInitialize, WSManCreateSession     nothing is sent yet
 *   WSManSetSessionOption                   option 20, for plain HTTP
 *   WSManCreateShell                        a wrong host or password shows here
 *   WSManRunShellCommand                    done when the command has started
 *   WSManReceiveShellOutput                 goes on until the command has ended
 *   WSManSendShellInput, WSManSignalShell   meanwhile, as often as wanted
 *   WSManCloseOperation                     for each Receive, Send and Signal
 *   WSManCloseCommand, WSManCloseShell      at any time: they end what goes on
 *   WSManCloseSession, WSManDeinitialize    not in callbacks: they wait for those
 *
 * A shell can be left and taken up again if its create told
 * WSMAN_FLAG_CALLBACK_SHELL_SUPPORTS_DISCONNECT. The same process does it with the handles that it
 * has, another one with the ids that WSManCreateShellEx and WSManRunShellCommandEx were given:
 *
 *   WSManDisconnectShell                    the shell and its commands run on
 *   WSManReconnectShell                     the same handles; then, for each command,
 *   WSManReconnectShellCommand              whose sleeping Receive goes on by itself
 *   WSManConnectShell                       new handles, perhaps in another process;
 *   WSManConnectShellCommand                then WSManReceiveShellOutput */

/* Starts the client side and gives an API handle; needs no network.
 *
 * flags      WSMAN_FLAG_REQUESTED_API_VERSION_1_0 or _1_1: the behaviour wanted. 1_0 refuses
 *            the functions of 1.1 and never reports that a shell can be disconnected
 * apiHandle  out, not NULL; owned by the caller, ended by WSManDeinitialize; NULL after an error
 *
 * Returns 0, ERROR_WSMAN_CLIENT_INITIALIZE_NULL_PARAM,
 * ERROR_WSMAN_CLIENT_INVALID_INIT_APPLICATION_FLAG, ERROR_SHUTDOWN_IN_PROGRESS (in a callback that
 * the last WSManDeinitialize waits for), ERROR_INVALID_STATE (after fork(), see libwsmsvc).
 * May be called several times; the handles are independent of each other.
 * Threads: any, also in a callback.
 * Source: WSManInitialize. */
WSMAN_API_EXPORT DWORD WINAPI WSManInitialize(DWORD flags, WSMAN_API_HANDLE *apiHandle);

/* Ends everything of an API handle and frees it. Blocks until all its operations have completed
 * and their callbacks have returned.
 *
 * apiHandle  not NULL; invalid afterwards
 * flags      0
 *
 * Returns 0, ERROR_WSMAN_CLIENT_INVALID_DEINIT_APPLICATION_FLAG, ERROR_WSMAN_CLIENT_NO_HANDLE;
 * in a callback ERROR_POSSIBLE_DEADLOCK, with the handle still valid.
 * Difference from Windows: a call in a callback is refused; there it is not documented.
 * Threads: any, but not in a callback: it would wait for its own end.
 * Source: WSManDeinitialize. */
WSMAN_API_EXPORT DWORD WINAPI WSManDeinitialize(WSMAN_API_HANDLE apiHandle, DWORD flags);

/* Gives the text for an error code. Call it with message NULL and length 0 for the size, then
 * again with a buffer.
 *
 * apiHandle          not NULL
 * flags              0
 * languageCode       RFC 3066 tag; NULL: the language of the environment
 * errorCode          any code that this API returned
 * messageLength      capacity of `message` in UTF-16 units with NUL; 0 exactly if it is NULL
 * message            out, the caller's buffer, or NULL
 * messageLengthUsed  out, not NULL: units needed or written, with NUL
 *
 * Returns 0, ERROR_INSUFFICIENT_BUFFER (size stored),
 * ERROR_WSMAN_CLIENT_GETERRORMESSAGE_NULL_PARAM, ERROR_WSMAN_CLIENT_INVALID_GETERRORMESSAGE_FLAG,
 * ERROR_WSMAN_CLIENT_INVALID_LANGUAGE_CODE (no tag), ERROR_RESOURCE_LANG_NOT_FOUND.
 * Difference from Windows: our own texts, in English only; an unknown code gives a general text
 * with its number. To a process that loaded the library as libpsrpclient every language gives the
 * English text, without a NUL, which is not counted either: PowerShell needs it so.
 * Threads: any, also in a callback.
 * Source: WSManGetErrorMessage. */
WSMAN_API_EXPORT DWORD WINAPI WSManGetErrorMessage(WSMAN_API_HANDLE apiHandle, DWORD flags,
                                                   PCWSTR languageCode, DWORD errorCode,
                                                   DWORD messageLength, PWSTR message,
                                                   DWORD *messageLengthUsed);

/* Makes a session: where to and as whom. No network traffic; what is wrong with the host shows
 * with the first shell.
 *
 * apiHandle   not NULL
 * connection  [http://]host[:port][/prefix], IPv6 in brackets; a query is kept. NULL: this
 *             host. Defaults: 5985, prefix wsman. https:// is not in this release
 * flags       0
 * serverAuthenticationCredentials  NULL: the default mechanism with the current user. Exactly one
 *             mechanism bit; Basic and Digest need name and password. What is neither Basic nor
 *             none is taken, but in this release every operation ends with ERROR_NOT_SUPPORTED
 * proxyInfo   NULL: the default proxy, in this release none
 * session     out, not NULL; owned by the caller, ended by WSManCloseSession; NULL after an error
 *
 * Returns 0, ERROR_WSMAN_CLIENT_CREATESESSION_NULL_PARAM, ERROR_WSMAN_CLIENT_INVALID_FLAG;
 * for the connection ERROR_WSMAN_CONNECTIONSTR_INVALID, ERROR_WSMAN_TRANSPORT_NOT_SUPPORTED,
 * ERROR_WSMAN_PORT_INVALID; for the credentials ERROR_WSMAN_CLIENT_MULTIPLE_AUTH_FLAGS,
 * ERROR_WSMAN_AUTHENTICATION_INVALID_FLAG, ERROR_WSMAN_CREDS_PASSED_WITH_NO_AUTH_FLAG,
 * ERROR_WSMAN_CLIENT_USERNAME_PASSWORD_NEEDED, ERROR_WSMAN_CLIENT_USERNAME_AND_PASSWORD_NEEDED,
 * ERROR_WSMAN_CLIENT_CERT_NEEDED, ERROR_WSMAN_CANNOT_USE_CERTIFICATES_FOR_HTTP,
 * ERROR_WSMAN_CREDSSP_USERNAME_PASSWORD_NEEDED, ERROR_INVALID_PARAMETER (a name or password that
 * Basic cannot carry); for the proxy ERROR_WSMAN_PROXY_ACCESS_TYPE,
 * ERROR_WSMAN_CLIENT_MULTIPLE_PROXY_AUTH_FLAGS, ERROR_WSMAN_PROXY_AUTHENTICATION_INVALID_FLAG,
 * ERROR_WSMAN_CLIENT_CREDENTIALS_FOR_PROXY_AUTHENTICATION (a user, but no mechanism),
 * ERROR_WSMAN_CANNOT_USE_PROXY_SETTINGS_FOR_HTTP, ERROR_WSMAN_INVALID_OPTION_NO_PROXY_SERVER (a
 * mechanism, but no proxy).
 * Difference from Windows: this release has plain HTTP with Basic only: https gives
 * ERROR_WSMAN_TRANSPORT_NOT_SUPPORTED, and calls on a session with another mechanism, the default
 * one too, ERROR_NOT_SUPPORTED. Never port 80 or 443 by default; a port in `connection` decides.
 * Threads: any, also in a callback.
 * Source: WSManCreateSession. */
WSMAN_API_EXPORT DWORD WINAPI
WSManCreateSession(WSMAN_API_HANDLE apiHandle, PCWSTR connection, DWORD flags,
                   WSMAN_AUTHENTICATION_CREDENTIALS *serverAuthenticationCredentials,
                   WSMAN_PROXY_INFO *proxyInfo, WSMAN_SESSION_HANDLE *session);

/* Ends everything of a session and frees it. Blocks until all its callbacks have returned. A
 * shell that is still connected is deleted if the server can be reached at once; a disconnected
 * one lives on.
 *
 * session  not NULL; invalid afterwards
 * flags    0
 *
 * Returns 0, ERROR_WSMAN_CLIENT_NO_HANDLE, ERROR_WSMAN_CLIENT_INVALID_FLAG,
 * ERROR_WSMAN_SESSION_ALREADY_CLOSED; in a callback ERROR_POSSIBLE_DEADLOCK, with the handle still
 * valid.
 * Threads: any, but not in a callback: it would wait for its own end.
 * Source: WSManCloseSession. */
WSMAN_API_EXPORT DWORD WINAPI WSManCloseSession(WSMAN_SESSION_HANDLE session, DWORD flags);

/* Sets an option of a session, for operations that start later.
 *
 * session  not NULL
 * option   see WSManSessionOption, with types, units, ranges and defaults; not the read-only ones
 * data     not NULL; type DWORD or TEXT as the option wants
 *
 * Returns 0, ERROR_WSMAN_CLIENT_SETSESSIONOPTION_NULL_PARAM,
 * ERROR_WSMAN_CLIENT_SETSESSIONOPTION_INVALID_PARAM (option, type or value, or the transport is
 * in use already), ERROR_WSMAN_CLIENT_INVALID_LOCALE, ERROR_WSMAN_CLIENT_INVALID_UI_LANGUAGE
 * (no tag, or empty), ERROR_WSMAN_CLIENT_SPN_WRONG_AUTH (22 with Basic or none),
 * ERROR_WSMAN_CANNOT_USE_ALLOW_NEGOTIATE_IMPLICIT_CREDENTIALS_FOR_HTTP (32),
 * ERROR_WSMAN_INVALID_USESSL_PARAM (33, but the connection string has a scheme),
 * ERROR_WSMAN_TRANSPORT_NOT_SUPPORTED (33: not in this release),
 * ERROR_WSMAN_SESSION_ALREADY_CLOSED.
 * Difference from Windows: cultures of .NET such as de-DE_phoneb are taken as languages.
 * Threads: any, also in a callback.
 * Source: WSManSetSessionOption. */
WSMAN_API_EXPORT DWORD WINAPI WSManSetSessionOption(WSMAN_SESSION_HANDLE session,
                                                    WSManSessionOption option, WSMAN_DATA *data);

/* Reads a DWORD option: the value set, else the default in force.
 *
 * session  not NULL
 * option   any option of type DWORD
 * value    out, not NULL
 *
 * Returns 0, ERROR_WSMAN_CLIENT_GETSESSIONOPTION_DWORD_NULL_PARAM,
 * ERROR_WSMAN_CLIENT_GETSESSIONOPTION_DWORD_INVALID_PARAM (a text option),
 * ERROR_WSMAN_CLIENT_GETSESSIONOPTION_INVALID_PARAM (unknown), ERROR_WSMAN_SESSION_ALREADY_CLOSED.
 * Threads: any, also in a callback.
 * Source: WSManGetSessionOptionAsDword. */
WSMAN_API_EXPORT DWORD WINAPI WSManGetSessionOptionAsDword(WSMAN_SESSION_HANDLE session,
                                                           WSManSessionOption option, DWORD *value);

/* Reads a text option. Call it with string NULL and length 0 for the size, then again.
 *
 * session           not NULL
 * option            any option of type text
 * stringLength      capacity of `string` in UTF-16 units with NUL; 0 exactly if it is NULL
 * string            out, the caller's buffer, or NULL
 * stringLengthUsed  out, not NULL: units needed or written, with NUL
 *
 * Returns 0, ERROR_INSUFFICIENT_BUFFER (size stored),
 * ERROR_WSMAN_CLIENT_GETSESSIONOPTION_STRING_INVALID_PARAM (NULL, or a DWORD option),
 * ERROR_WSMAN_CLIENT_GETSESSIONOPTION_INVALID_PARAM (unknown),
 * ERROR_WSMAN_REDIRECT_LOCATION_NOT_AVAILABLE (no server has redirected this session),
 * ERROR_WSMAN_SESSION_ALREADY_CLOSED.
 * Difference from Windows: in a process that loaded the library as libpsrpclient no NUL is written
 * or counted, as WSManGetErrorMessage.
 * Threads: any, also in a callback.
 * Source: WSManGetSessionOptionAsString. */
WSMAN_API_EXPORT DWORD WINAPI WSManGetSessionOptionAsString(WSMAN_SESSION_HANDLE session,
                                                            WSManSessionOption option,
                                                            DWORD stringLength, PWSTR string,
                                                            DWORD *stringLengthUsed);

/* Cancels or releases an operation of Send, Receive or Signal. Never blocks. If the last callback
 * has returned, the handle is freed. If it is running (also from inside it), the handle is freed
 * when it returns. Else the operation is cancelled: one callback with ERROR_OPERATION_ABORTED,
 * then it is freed. Output that a cancelled Receive had not delivered goes to the next Receive
 * of the same command.
 *
 * operationHandle  not NULL; invalid afterwards
 * flags            0
 *
 * Returns 0, ERROR_WSMAN_CLIENT_NO_HANDLE, ERROR_WSMAN_CLIENT_INVALID_FLAG.
 * Difference from Windows: when a callback with data of a Receive is running, one more with
 * ERROR_OPERATION_ABORTED follows; there perhaps none does.
 * Threads: any, also in a callback.
 * Source: WSManCloseOperation. */
WSMAN_API_EXPORT DWORD WINAPI WSManCloseOperation(WSMAN_OPERATION_HANDLE operationHandle,
                                                  DWORD flags);

/* Creates a shell on the server. Completes once: with the shell, on success perhaps with
 * createData and WSMAN_FLAG_CALLBACK_SHELL_SUPPORTS_DISCONNECT. Notices about the link come to
 * the same async until the shell is closed, so its context must live as long.
 *
 * session      not NULL
 * flags        0, WSMAN_FLAG_NO_COMPRESSION, one of WSMAN_FLAG_SERVER_BUFFERING_MODE_DROP and
 *              _BLOCK, or the former with one of the latter
 * resourceUri  not NULL or blank, e.g. WSMAN_CMDSHELL_URI
 * startupInfo  NULL: stdin, stdout, stderr and the server's defaults
 * options      NULL: none, e.g. WSMAN_CMDSHELL_OPTION_CODEPAGE
 * createXml    NULL or text: one XML element for the body of the request
 * async        not NULL
 * shell        out, not NULL; owned by the caller, ended by WSManCloseShell also after a failure
 *
 * Errors: ERROR_WSMAN_CLIENT_CREATESHELL_NULL_PARAM, ERROR_WSMAN_CLIENT_INVALID_CREATE_SHELL_FLAG,
 * ERROR_WSMAN_SESSION_ALREADY_CLOSED, ERROR_WSMAN_CLIENT_BLANK_URI,
 * ERROR_WSMAN_INVALID_RESOURCE_URI (too long), ERROR_WSMAN_INVALID_OPTIONSET,
 * ERROR_WSMAN_CREATESHELL_NULL_ENVIRONMENT_VARIABLE_NAME, ERROR_WSMAN_CREATESHELL_NULL_STREAMID,
 * ERROR_WSMAN_CLIENT_CREATESHELL_NAME_INVALID, ERROR_WSMAN_INVALID_XML (createXml); those of the
 * network and the server; with ERROR_WSMAN_REDIRECT_REQUESTED option 30 has the new address.
 * Difference from Windows: streams are never compressed; the client makes the shell's id itself.
 * Threads: any, also in a callback.
 * Source: WSManCreateShell; MS-WSMV 3.1.4.5.2. */
WSMAN_API_EXPORT void WINAPI WSManCreateShell(WSMAN_SESSION_HANDLE session, DWORD flags,
                                              PCWSTR resourceUri,
                                              WSMAN_SHELL_STARTUP_INFO *startupInfo,
                                              WSMAN_OPTION_SET *options, WSMAN_DATA *createXml,
                                              WSMAN_SHELL_ASYNC *async, WSMAN_SHELL_HANDLE *shell);

/* Starts a command. Completes once, with shell and command, when the command has started, not
 * when it has ended: that comes through WSManReceiveShellOutput.
 *
 * shell        not NULL
 * flags        0
 * commandLine  not NULL, not empty
 * args         NULL: none; no element NULL
 * options      NULL: none, e.g. WSMAN_CMDSHELL_OPTION_SKIP_CMD_SHELL
 * async        not NULL
 * command      out, not NULL; owned by the caller, ended by WSManCloseCommand also after a failure
 *
 * Errors: ERROR_WSMAN_CLIENT_RUNCOMMAND_NULL_PARAM (an empty command line too),
 * ERROR_WSMAN_CLIENT_INVALID_RUNCOMMAND_FLAG, ERROR_WSMAN_RUNSHELLCOMMAND_NULL_ARGUMENT,
 * ERROR_WSMAN_INVALID_OPTIONSET, ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE (shell not created),
 * ERROR_WSMAN_SHELL_ALREADY_CLOSED, ERROR_WSMAN_NO_COMMAND_RESPONSE, ERROR_WSMAN_NO_COMMANDID;
 * those of the network and the server.
 * Threads: any, also in a callback.
 * Source: WSManRunShellCommand; MS-WSMV 3.1.4.11. */
WSMAN_API_EXPORT void WINAPI WSManRunShellCommand(WSMAN_SHELL_HANDLE shell, DWORD flags,
                                                  PCWSTR commandLine, WSMAN_COMMAND_ARG_SET *args,
                                                  WSMAN_OPTION_SET *options,
                                                  WSMAN_SHELL_ASYNC *async,
                                                  WSMAN_COMMAND_HANDLE *command);

/* Sends a control code to a command or to the shell. Completes once, with the operation, when the
 * server has taken it. What it does shows in the output of the command.
 *
 * shell            not NULL
 * command          NULL: the shell itself
 * flags            0
 * code             not NULL; WSMAN_SIGNAL_SHELL_CODE_... or any text that the server knows
 * async            not NULL
 * signalOperation  out, not NULL; owned by the caller, ended by WSManCloseOperation
 *
 * Errors: ERROR_WSMAN_CLIENT_SIGNAL_NULL_PARAM, ERROR_WSMAN_CLIENT_INVALID_SIGNAL_SHELL_FLAG,
 * ERROR_WSMAN_SHELL_INVALID_COMMAND_HANDLE, ERROR_WSMAN_CLIENT_RUNCOMMAND_NOTCOMPLETED,
 * ERROR_WSMAN_CLIENT_INVALID_SHELL_COMMAND_PAIR (a command of another shell); those of the shell
 * handle, the network and the server.
 * Threads: any, also in a callback.
 * Source: WSManSignalShell; MS-WSMV 3.1.4.12. */
WSMAN_API_EXPORT void WINAPI WSManSignalShell(WSMAN_SHELL_HANDLE shell,
                                              WSMAN_COMMAND_HANDLE command, DWORD flags,
                                              PCWSTR code, WSMAN_SHELL_ASYNC *async,
                                              WSMAN_OPERATION_HANDLE *signalOperation);

/* Delivers the output of a command or of the shell until it ends: one call, the library polls.
 * Completes many times: per piece of output one callback with receiveData and flags 0, or
 * WSMAN_FLAG_CALLBACK_END_OF_STREAM with the last piece of a stream. The last callback has flags
 * exactly WSMAN_FLAG_CALLBACK_END_OF_OPERATION; on success its receiveData has
 * WSMAN_COMMAND_STATE_DONE and the exit code. A callback that takes long holds up the output of
 * its shell, in the end the command; nothing is lost.
 *
 * With WSMAN_FLAG_RECEIVE_DELAY_OUTPUT_STREAM the output stays on the server until the shell has
 * been disconnected. One callback with flags exactly
 * WSMAN_FLAG_CALLBACK_RECEIVE_DELAY_STREAM_REQUEST_PROCESSED, code 0 and no data says so; the rest
 * follows after WSManReconnectShellCommand.
 *
 * shell             not NULL
 * command           NULL: output of the shell itself
 * flags             0, or WSMAN_FLAG_RECEIVE_DELAY_OUTPUT_STREAM, with a command only
 * desiredStreamSet  NULL: all output streams; else some of those declared at create
 * async             not NULL
 * receiveOperation  out, not NULL; owned by the caller, ended by WSManCloseOperation
 *
 * Errors: ERROR_WSMAN_CLIENT_RECEIVE_NULL_PARAM, ERROR_WSMAN_CLIENT_INVALID_RECEIVE_SHELL_FLAG,
 * ERROR_WSMAN_SHELL_INVALID_DESIRED_STREAMS, ERROR_WINRS_RECEIVE_IN_PROGRESS (a second one for the
 * same target), ERROR_WSMAN_SHELL_INVALID_COMMAND_HANDLE,
 * ERROR_WSMAN_CLIENT_RUNCOMMAND_NOTCOMPLETED, ERROR_WSMAN_CLIENT_INVALID_SHELL_COMMAND_PAIR,
 * ERROR_WSMAN_NO_RECEIVE_RESPONSE, ERROR_WINRS_SHELL_DISCONNECT_NOT_SUPPORTED (to be delayed, but
 * the shell cannot be disconnected); those of the shell handle, the network and the server.
 * Difference from Windows: a second Receive for the same target is refused; there it is undefined.
 * The request behind WSMAN_FLAG_RECEIVE_DELAY_OUTPUT_STREAM stays on this side.
 * Threads: any, also in a callback.
 * Source: WSManReceiveShellOutput; MS-WSMV 3.1.4.14. */
WSMAN_API_EXPORT void WINAPI WSManReceiveShellOutput(WSMAN_SHELL_HANDLE shell,
                                                     WSMAN_COMMAND_HANDLE command, DWORD flags,
                                                     WSMAN_STREAM_ID_SET *desiredStreamSet,
                                                     WSMAN_SHELL_ASYNC *async,
                                                     WSMAN_OPERATION_HANDLE *receiveOperation);

/* Sends input to a command or to the shell. Completes once, with the operation, when the server
 * has taken all of it; with ERROR_OPERATION_ABORTED if the command ended first. Several Sends
 * are queued in the order of the calls.
 *
 * shell          not NULL
 * command        NULL: input of the shell itself
 * flags          0
 * streamId       not NULL; an input stream declared at create, e.g. WSMAN_STREAM_ID_STDIN
 * streamData     not NULL, binary; any length, also 0. Larger data than one message holds goes in
 *                several
 * endOfStream    TRUE: end of file follows this data
 * async          not NULL
 * sendOperation  out, not NULL; owned by the caller, ended by WSManCloseOperation
 *
 * Errors: ERROR_WSMAN_CLIENT_SEND_NULL_PARAM, ERROR_WSMAN_CLIENT_INVALID_SEND_SHELL_FLAG,
 * ERROR_WSMAN_CLIENT_INVALID_SEND_SHELL_PARAMETER (not binary),
 * ERROR_WSMAN_SHELL_INVALID_INPUT_STREAM, ERROR_WSMAN_SHELL_INVALID_COMMAND_HANDLE,
 * ERROR_WSMAN_CLIENT_RUNCOMMAND_NOTCOMPLETED, ERROR_WSMAN_CLIENT_INVALID_SHELL_COMMAND_PAIR; those
 * of the shell handle, the network and the server.
 * Difference from Windows: the data need not live until the callback (its page asks for that).
 * Threads: any, also in a callback.
 * Source: WSManSendShellInput; MS-WSMV 3.1.4.13. */
WSMAN_API_EXPORT void WINAPI WSManSendShellInput(WSMAN_SHELL_HANDLE shell,
                                                 WSMAN_COMMAND_HANDLE command, DWORD flags,
                                                 PCWSTR streamId, WSMAN_DATA *streamData,
                                                 BOOL endOfStream, WSMAN_SHELL_ASYNC *async,
                                                 WSMAN_OPERATION_HANDLE *sendOperation);

/* Terminates a command and frees its handle. Legal at any time. What is pending for the command
 * gets its last callback first; then this completes once, with shell and command. The handle is
 * freed after that callback, also if the server reported an error. While its shell is not connected
 * only the handle goes, and the command lives on.
 *
 * commandHandle  not NULL; may not be used in further calls
 * flags          0
 * async          not NULL
 *
 * Errors: ERROR_WSMAN_CLIENT_CLOSECOMMAND_NULL_PARAM,
 * ERROR_WSMAN_CLIENT_INVALID_CLOSE_COMMAND_FLAG, ERROR_WSMAN_COMMAND_ALREADY_CLOSED; those of the
 * network and the server. A command that the server no longer knows counts as closed.
 * Threads: any, also in a callback.
 * Source: WSManCloseCommand; MS-WSMV 3.1.4.12. */
WSMAN_API_EXPORT void WINAPI WSManCloseCommand(WSMAN_COMMAND_HANDLE commandHandle, DWORD flags,
                                               WSMAN_SHELL_ASYNC *async);

/* Deletes a shell on the server and frees its handle; its commands end. What is pending for the
 * shell and its commands gets its last callback first; then this completes once, with the shell,
 * also for a shell that was never created. Handles of commands are not freed: close them before.
 *
 * shellHandle  not NULL; may not be used in further calls
 * flags        0: a disconnected shell lives on, only the handle goes;
 *              WSMAN_FLAG_DELETE_SERVER_SESSION: a disconnected shell is deleted too
 * async        not NULL
 *
 * Errors: ERROR_WSMAN_CLIENT_CLOSESHELL_NULL_PARAM, ERROR_WSMAN_CLIENT_INVALID_CLOSE_SHELL_FLAG,
 * ERROR_WSMAN_SHELL_ALREADY_CLOSED; those of the network and the server. A shell that the server
 * no longer knows counts as closed.
 * Difference from Windows: while WSManConnectShell or WSManReconnectShell goes on, flags 0 closes
 * here only; there it is not documented.
 * Threads: any, also in a callback.
 * Source: WSManCloseShell; MS-WSMV 3.1.4.4. */
WSMAN_API_EXPORT void WINAPI WSManCloseShell(WSMAN_SHELL_HANDLE shellHandle, DWORD flags,
                                             WSMAN_SHELL_ASYNC *async);

#ifdef WSMAN_API_VERSION_1_1
/* As WSManCreateShell, with an id that the caller chose, so that another process can connect to
 * the shell later.
 *
 * shellId  not NULL; text of a GUID, sent as spelled
 * others   as WSManCreateShell
 *
 * Errors: those of WSManCreateShell, ERROR_WINRS_SHELL_CLIENTID_NOT_VALID (no GUID),
 * ERROR_WINRS_SHELL_CLIENTID_RESOURCE_CONFLICT (the server has such a shell),
 * ERROR_WSMAN_UNSUPPORTED_FEATURE (API handle of 1.0).
 * Threads: any, also in a callback.
 * Source: WSManCreateShellEx; MS-WSMV 3.1.4.5.2. */
WSMAN_API_EXPORT void WINAPI WSManCreateShellEx(WSMAN_SESSION_HANDLE session, DWORD flags,
                                                PCWSTR resourceUri, PCWSTR shellId,
                                                WSMAN_SHELL_STARTUP_INFO *startupInfo,
                                                WSMAN_OPTION_SET *options, WSMAN_DATA *createXml,
                                                WSMAN_SHELL_ASYNC *async,
                                                WSMAN_SHELL_HANDLE *shell);

/* As WSManRunShellCommand, with an id that the caller chose.
 *
 * commandId  not NULL; text of a GUID, unique in the shell
 * others     as WSManRunShellCommand
 *
 * Errors: those of WSManRunShellCommand, ERROR_WINRS_SHELLCOMMAND_CLIENTID_NOT_VALID (no GUID),
 * ERROR_WINRS_SHELLCOMMAND_CLIENTID_RESOURCE_CONFLICT, ERROR_WSMAN_UNSUPPORTED_FEATURE (API handle
 * of 1.0).
 * Threads: any, also in a callback.
 * Source: WSManRunShellCommandEx; MS-WSMV 3.1.4.11. */
WSMAN_API_EXPORT void WINAPI WSManRunShellCommandEx(WSMAN_SHELL_HANDLE shell, DWORD flags,
                                                    PCWSTR commandId, PCWSTR commandLine,
                                                    WSMAN_COMMAND_ARG_SET *args,
                                                    WSMAN_OPTION_SET *options,
                                                    WSMAN_SHELL_ASYNC *async,
                                                    WSMAN_COMMAND_HANDLE *command);

/* Lets go of a shell; it and its commands live on, on the server. Completes once, with the shell,
 * after the callbacks of all Runs, Sends and Signals that were begun before, and after the last
 * output. A pending Receive gets no callback: it sleeps until the shell and its command are back,
 * then goes on by itself. It may also be cancelled, and another one posted later. winrmd is told
 * what callbacks that have returned were given, so the next client gets the rest.
 *
 * shell           not NULL; created or connected to with success, and
 *                 WSMAN_FLAG_CALLBACK_SHELL_SUPPORTS_DISCONNECT was told. Stays valid, to be
 *                 reconnected or closed
 * flags           0: the mode stays; or one of the two WSMAN_FLAG_SERVER_BUFFERING_MODE: what the
 *                 server does when its buffers are full: throws away the oldest output (DROP), or
 *                 holds up the command (BLOCK)
 * disconnectInfo  NULL: the idle time-out stays, as with the values 0 and 0xFFFFFFFF; else it is
 *                 replaced. It runs from the disconnect on, even while commands still run; then
 *                 the server deletes the shell
 * async           not NULL
 *
 * Until the shell is back all other calls on it and its commands give
 * ERROR_WINRS_SHELL_DISCONNECTED. WSManCloseCommand and WSManCloseShell then act here only: to
 * delete the shell on the server as well WSManCloseShell needs WSMAN_FLAG_DELETE_SERVER_SESSION.
 * WSManCloseSession and WSManDeinitialize leave a disconnected shell alive, too.
 *
 * Errors: ERROR_WSMAN_CLIENT_DISCONNECTSHELL_NULL_PARAM,
 * ERROR_WSMAN_CLIENT_INVALID_DISCONNECT_SHELL_FLAG, ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE (not
 * created yet), ERROR_WSMAN_SHELL_ALREADY_CLOSED, ERROR_WINRS_SHELL_DISCONNECT_NOT_SUPPORTED (also
 * with an API handle of 1.0), ERROR_WINRS_SHELL_DISCONNECT_OPERATION_NOT_VALID (not connected);
 * ERROR_WINRS_SHELL_DISCONNECT_OPERATION_NOT_GRACEFUL: the server was not reached, and what was
 * begun before has perhaps not been done; the shell is disconnected all the same. After another
 * error the shell is connected as before: ERROR_WINRS_IDLETIMEOUT_OUTOFBOUNDS,
 * ERROR_WINRS_SHELL_CONNECTED_TO_DIFFERENT_CLIENT, ERROR_WSMAN_UNEXPECTED_SELECTORS (gone), others
 * of the server; ERROR_OPERATION_ABORTED: closed meanwhile.
 * Difference from Windows: input that the server has not taken for 2 s does not hold up the
 * disconnect; its Sends sleep as a Receive does. With winrmd callbacks with output return first,
 * for 2 s at most, and output that comes later waits for the reconnect.
 * Threads: any, also in a callback.
 * Source: WSManDisconnectShell; MS-WSMV 3.1.4.15. */
WSMAN_API_EXPORT void WINAPI WSManDisconnectShell(WSMAN_SHELL_HANDLE shell, DWORD flags,
                                                  WSMAN_SHELL_DISCONNECT_INFO *disconnectInfo,
                                                  WSMAN_SHELL_ASYNC *async);

/* Takes up a shell that this client disconnected, or that was disconnected after a failure of
 * the network. Completes once, with the shell; then a sleeping Receive of the shell itself goes on.
 * Its commands need WSManReconnectShellCommand each; until then calls on them give
 * ERROR_WINRS_SHELL_DISCONNECTED. New commands can be started at once. After an error the shell is
 * disconnected as before, and one may try again; with winrmd the library has done so within the
 * time-out if the connection broke before the answer.
 *
 * shell  not NULL; the handle given to WSManDisconnectShell
 * flags  0, or one of the two WSMAN_FLAG_SERVER_BUFFERING_MODE for the next disconnect
 * async  not NULL
 *
 * Errors: ERROR_WSMAN_CLIENT_RECONNECTSHELL_NULL_PARAM, ERROR_WSMAN_CLIENT_INVALID_FLAG,
 * ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE (not created yet), ERROR_WSMAN_SHELL_ALREADY_CLOSED,
 * ERROR_WINRS_SHELL_DISCONNECT_NOT_SUPPORTED (API handle of 1.0),
 * ERROR_WINRS_SHELL_RECONNECT_OPERATION_NOT_VALID (connected, disconnecting or reconnecting),
 * ERROR_WINRS_SHELL_CLIENTSESSIONID_MISMATCH, ERROR_WINRS_SHELL_CONNECTED_TO_DIFFERENT_CLIENT,
 * ERROR_WSMAN_UNEXPECTED_SELECTORS (gone); those of the network; ERROR_OPERATION_ABORTED.
 * Threads: any, also in a callback.
 * Source: WSManReconnectShell; MS-WSMV 3.1.4.16. */
WSMAN_API_EXPORT void WINAPI WSManReconnectShell(WSMAN_SHELL_HANDLE shell, DWORD flags,
                                                 WSMAN_SHELL_ASYNC *async);

/* Takes up a command after its shell. Completes once, with shell and command; then sleeping
 * Receives and Sends of the command go on. After an error it is disconnected as before.
 *
 * commandHandle  not NULL; one that was running when its shell was disconnected
 * flags          0
 * async          not NULL
 *
 * Errors: ERROR_WSMAN_CLIENT_RECONNECTSHELLCOMMAND_NULL_PARAM, ERROR_WSMAN_CLIENT_INVALID_FLAG,
 * ERROR_WSMAN_SHELL_INVALID_COMMAND_HANDLE, ERROR_WSMAN_CLIENT_RUNCOMMAND_NOTCOMPLETED,
 * ERROR_WSMAN_COMMAND_ALREADY_CLOSED, ERROR_WINRS_SHELL_DISCONNECT_NOT_SUPPORTED (API handle of
 * 1.0), ERROR_WINRS_SHELL_DISCONNECTED (the shell first),
 * ERROR_WINRS_SHELLCOMMAND_RECONNECT_OPERATION_NOT_VALID (connected or reconnecting),
 * ERROR_WSMAN_UNEXPECTED_SELECTORS (gone); those of the network and the server;
 * ERROR_OPERATION_ABORTED.
 * Threads: any, also in a callback.
 * Source: WSManReconnectShellCommand; MS-WSMV 3.1.4.16. */
WSMAN_API_EXPORT void WINAPI WSManReconnectShellCommand(WSMAN_COMMAND_HANDLE commandHandle,
                                                        DWORD flags, WSMAN_SHELL_ASYNC *async);

/* Connects to a disconnected shell that another client made, of the same user. Completes once, with
 * the shell, connectData (never NULL on success: the element that the server's plug-in has put into
 * its answer, else the whole rsp:ConnectResponse) and
 * WSMAN_FLAG_CALLBACK_SHELL_SUPPORTS_DISCONNECT. Notices about the link come to the same async
 * until the shell is closed, so its context must live as long. No Receive is started, and commands
 * need WSManConnectShellCommand; WSManExtListCommands of wsmext.h finds their ids.
 *
 * session      not NULL
 * flags        0, or one of the two WSMAN_FLAG_SERVER_BUFFERING_MODE for the next disconnect
 * resourceUri  not NULL or blank; that of the shell
 * shellID      not NULL; text of a GUID
 * options      NULL: none, e.g. WSMAN_EXT_OPTION_TAKEOVER of wsmext.h
 * connectXml   NULL or text: one XML element for the body of the request
 * async        not NULL
 * shell        out, not NULL; owned by the caller, ended by WSManCloseShell also after a failure.
 *              Closed before the callback it leaves the shell alive on the server
 *
 * Errors: ERROR_WSMAN_CLIENT_CONNECTSHELL_NULL_PARAM, ERROR_WSMAN_CLIENT_INVALID_FLAG,
 * ERROR_WSMAN_SESSION_ALREADY_CLOSED, ERROR_WINRS_SHELL_DISCONNECT_NOT_SUPPORTED (API handle of
 * 1.0), ERROR_WSMAN_CLIENT_BLANK_URI, ERROR_WINRS_SHELL_CLIENTID_NOT_VALID (no GUID),
 * ERROR_WSMAN_INVALID_OPTIONSET, ERROR_WSMAN_UNEXPECTED_SELECTORS (no such shell),
 * ERROR_WINRS_SHELL_CONNECTED_TO_DIFFERENT_CLIENT, ERROR_WINRS_CONNECT_RESPONSE_BAD_BODY; those of
 * the network; ERROR_OPERATION_ABORTED.
 * Threads: any, also in a callback.
 * Source: WSManConnectShell; MS-WSMV 3.1.4.17. */
WSMAN_API_EXPORT void WINAPI WSManConnectShell(WSMAN_SESSION_HANDLE session, DWORD flags,
                                               PCWSTR resourceUri, PCWSTR shellID,
                                               WSMAN_OPTION_SET *options, WSMAN_DATA *connectXml,
                                               WSMAN_SHELL_ASYNC *async, WSMAN_SHELL_HANDLE *shell);

/* Connects to a command that runs in a shell, or has ended there and was not closed yet. Completes
 * once, with shell, command and connectData. Receive and Send follow as for a command of one's own.
 *
 * shell       not NULL; connected, in general from WSManConnectShell
 * flags       0
 * commandID   not NULL; text of a GUID, not one that this handle of the shell has already
 * options     NULL: none, e.g. WSMAN_EXT_OPTION_FROM of wsmext.h
 * connectXml  NULL or text: one XML element for the body of the request
 * async       not NULL
 * command     out, not NULL; owned by the caller, ended by WSManCloseCommand, which terminates the
 *             command on the server, but not before the callback
 *
 * Errors: ERROR_WSMAN_CLIENT_CONNECTCOMMAND_NULL_PARAM, ERROR_WSMAN_CLIENT_INVALID_FLAG,
 * ERROR_WINRS_SHELL_DISCONNECT_NOT_SUPPORTED (API handle of 1.0),
 * ERROR_WINRS_SHELLCOMMAND_CLIENTID_NOT_VALID (no GUID),
 * ERROR_WINRS_SHELLCOMMAND_CLIENTID_RESOURCE_CONFLICT, ERROR_WSMAN_INVALID_OPTIONSET,
 * ERROR_WINRS_SHELL_DISCONNECTED, ERROR_WSMAN_UNEXPECTED_SELECTORS (no such command),
 * ERROR_WINRS_CONNECT_RESPONSE_BAD_BODY; those of the shell handle, the network and the server;
 * ERROR_OPERATION_ABORTED.
 * Difference from Windows: the codes for an id that is no GUID or is taken are those of
 * WSManRunShellCommandEx; there they are not documented.
 * Threads: any, also in a callback.
 * Source: WSManConnectShellCommand; MS-WSMV 3.1.4.17. */
WSMAN_API_EXPORT void WINAPI WSManConnectShellCommand(WSMAN_SHELL_HANDLE shell, DWORD flags,
                                                      PCWSTR commandID, WSMAN_OPTION_SET *options,
                                                      WSMAN_DATA *connectXml,
                                                      WSMAN_SHELL_ASYNC *async,
                                                      WSMAN_COMMAND_HANDLE *command);
#endif

/* ---- Plug-ins: types ---- */

typedef struct _WSMAN_CERTIFICATE_DETAILS {
    PCWSTR subject;    /* distinguished name */
    PCWSTR issuerName; /* distinguished name */
    PCWSTR issuerThumbprint;
    PCWSTR subjectName; /* alternative name, else common name */
} WSMAN_CERTIFICATE_DETAILS;

typedef struct _WSMAN_SENDER_DETAILS {
    PCWSTR senderName;
    PCWSTR authenticationMechanism; /* Basic, ClientCertificate, else the security package */
    WSMAN_CERTIFICATE_DETAILS *certificateDetails; /* NULL without a certificate */
    HANDLE clientToken;                            /* Windows: a token; here NULL */
    PCWSTR httpURL;
} WSMAN_SENDER_DETAILS;

typedef struct _WSMAN_PLUGIN_REQUEST {
    WSMAN_SENDER_DETAILS *senderDetails; /* never NULL */
    PCWSTR locale;                       /* may be NULL */
    PCWSTR resourceUri;
    WSMAN_OPERATION_INFO *operationInfo; /* never NULL */
    volatile BOOL shutdownNotification;  /* turns TRUE when the request is to end */
    HANDLE shutdownNotificationHandle;   /* signalled then; here an eventfd number + 1 */
    PCWSTR dataLocale;                   /* may be NULL */
} WSMAN_PLUGIN_REQUEST;

typedef struct _WSMAN_AUTHZ_QUOTA {
    DWORD maxAllowedConcurrentShells;
    DWORD maxAllowedConcurrentOperations;
    DWORD timeslotSize; /* seconds */
    DWORD maxAllowedOperationsPerTimeslot;
} WSMAN_AUTHZ_QUOTA;

/* Entry points of a plug-in, exported under the names in the comments. The host calls them on
 * several threads at a time; they must not block for long. What it hands them is borrowed until
 * the plug-in calls WSManPluginOperationComplete for the request. The source is the page of
 * each type. */

/* WSManPluginStartup: once per application; a result other than 0 refuses to load. */
typedef DWORD(WINAPI *WSMAN_PLUGIN_STARTUP)(DWORD flags, PCWSTR applicationIdentification,
                                            PCWSTR extraInfo, PVOID *pluginContext);
/* WSManPluginShutdown: once per startup that succeeded, after all requests have completed. */
typedef DWORD(WINAPI *WSMAN_PLUGIN_SHUTDOWN)(PVOID pluginContext, DWORD flags, DWORD reason);
/* WSManPluginShell: a shell is wanted; the request lives as long as the shell. */
typedef VOID(WINAPI *WSMAN_PLUGIN_SHELL)(PVOID pluginContext, WSMAN_PLUGIN_REQUEST *requestDetails,
                                         DWORD flags, WSMAN_SHELL_STARTUP_INFO *startupInfo,
                                         WSMAN_DATA *inboundShellInformation);
/* WSManPluginCommand: a command is wanted; the request lives as long as the command. */
typedef VOID(WINAPI *WSMAN_PLUGIN_COMMAND)(WSMAN_PLUGIN_REQUEST *requestDetails, DWORD flags,
                                           PVOID shellContext, PCWSTR commandLine,
                                           WSMAN_COMMAND_ARG_SET *arguments);
/* WSManPluginSend: input; the next piece comes after this request has completed. */
typedef VOID(WINAPI *WSMAN_PLUGIN_SEND)(WSMAN_PLUGIN_REQUEST *requestDetails, DWORD flags,
                                        PVOID shellContext, PVOID commandContext, PCWSTR stream,
                                        WSMAN_DATA *inboundData);
/* WSManPluginReceive: from now on WSManPluginReceiveResult may deliver output. */
typedef VOID(WINAPI *WSMAN_PLUGIN_RECEIVE)(WSMAN_PLUGIN_REQUEST *requestDetails, DWORD flags,
                                           PVOID shellContext, PVOID commandContext,
                                           WSMAN_STREAM_ID_SET *streamSet);
/* WSManPluginSignal: a control code; commandContext is NULL for the shell. */
typedef VOID(WINAPI *WSMAN_PLUGIN_SIGNAL)(WSMAN_PLUGIN_REQUEST *requestDetails, DWORD flags,
                                          PVOID shellContext, PVOID commandContext, PCWSTR code);
/* WSManPluginConnect: another client takes the shell, or with commandContext the command, up. */
typedef VOID(WINAPI *WSMAN_PLUGIN_CONNECT)(WSMAN_PLUGIN_REQUEST *requestDetails, DWORD flags,
                                           PVOID shellContext, PVOID commandContext,
                                           WSMAN_DATA *inboundConnectInformation);
/* WSManPluginReleaseShellContext: once per reported context, after all its requests. */
typedef VOID(WINAPI *WSMAN_PLUGIN_RELEASE_SHELL_CONTEXT)(PVOID shellContext);
/* WSManPluginReleaseCommandContext: once per reported context, before that of its shell. */
typedef VOID(WINAPI *WSMAN_PLUGIN_RELEASE_COMMAND_CONTEXT)(PVOID shellContext,
                                                           PVOID commandContext);
/* WSManPluginAuthzUser: a new user; answered by WSManPluginAuthzUserComplete. */
typedef VOID(WINAPI *WSMAN_PLUGIN_AUTHORIZE_USER)(PVOID pluginContext,
                                                  WSMAN_SENDER_DETAILS *senderDetails, DWORD flags);
/* WSManPluginAuthzOperation: an operation; answered by WSManPluginAuthzOperationComplete. */
typedef VOID(WINAPI *WSMAN_PLUGIN_AUTHORIZE_OPERATION)(PVOID pluginContext,
                                                       WSMAN_SENDER_DETAILS *senderDetails,
                                                       DWORD flags, DWORD operation, PCWSTR action,
                                                       PCWSTR resourceUri);
/* WSManPluginAuthzQueryQuota: answered by WSManPluginAuthzQueryQuotaComplete. */
typedef VOID(WINAPI *WSMAN_PLUGIN_AUTHORIZE_QUERY_QUOTA)(PVOID pluginContext,
                                                         WSMAN_SENDER_DETAILS *senderDetails,
                                                         DWORD flags);
/* WSManPluginAuthzReleaseContext: the record of a user goes; never for a NULL context. */
typedef VOID(WINAPI *WSMAN_PLUGIN_AUTHORIZE_RELEASE_CONTEXT)(PVOID userAuthorizationContext);

/* ---- Plug-ins: functions that a plug-in calls ----
 *
 * They are not in the library of this release: a program that calls them does not link. All take
 * 0 for flags unless said, copy what they are given during the call, and return 0 or a code;
 * ERROR_INVALID_PARAMETER for wrong arguments. requestDetails and senderDetails are those that the
 * entry point got, never NULL. Any thread may call them, also inside the entry point. */

/* Reports the context of a new shell or command, which sends the answer to its creator.
 *
 * requestDetails  of a Shell or Command request
 * flags           0
 * context         not NULL; the plug-in's, given back by the Release entry point, once
 *
 * Source: WSManPluginReportContext. */
WSMAN_API_EXPORT DWORD WINAPI WSManPluginReportContext(WSMAN_PLUGIN_REQUEST *requestDetails,
                                                       DWORD flags, PVOID context);

/* Delivers output, a state, or both, to a pending Receive. May block while nobody receives.
 *
 * requestDetails  of a Receive request
 * flags           WSMAN_FLAG_RECEIVE_...
 * stream          NULL: only a state
 * streamResult    NULL: only a state; else binary, or text that goes out as UTF-8
 * commandState    NULL, WSMAN_COMMAND_STATE_... or the plug-in's own text; Done comes last
 * exitCode        counts only with Done
 *
 * After an error the shell or command is going away: stop and complete.
 * Source: WSManPluginReceiveResult. */
WSMAN_API_EXPORT DWORD WINAPI WSManPluginReceiveResult(WSMAN_PLUGIN_REQUEST *requestDetails,
                                                       DWORD flags, PCWSTR stream,
                                                       WSMAN_DATA *streamResult,
                                                       PCWSTR commandState, DWORD exitCode);

/* Ends a request; exactly once for each.
 *
 * requestDetails       invalid afterwards, also after an error
 * flags                0
 * errorCode            0; else a fault with this code goes out and unsent output is dropped
 * extendedInformation  NULL, or the text of the fault; for a Connect with code 0 the XML of the
 *                      answer
 *
 * Source: WSManPluginOperationComplete. */
WSMAN_API_EXPORT DWORD WINAPI WSManPluginOperationComplete(WSMAN_PLUGIN_REQUEST *requestDetails,
                                                           DWORD flags, DWORD errorCode,
                                                           PCWSTR extendedInformation);

/* Reads one parameter of a request.
 *
 * requestDetails  any request
 * flags           which: WSMAN_PLUGIN_PARAMS_MAX_ENVELOPE_SIZE to ..._GET_REQUESTED_DATA_LOCALE
 * data            out, not NULL; sizes in bytes, the time-out in ms, locales as text borrowed
 *                 until the request completes
 *
 * Source: WSManPluginGetOperationParameters. */
WSMAN_API_EXPORT DWORD WINAPI WSManPluginGetOperationParameters(
    WSMAN_PLUGIN_REQUEST *requestDetails, DWORD flags, WSMAN_DATA *data);

/* Reads one setting of the plug-in.
 *
 * pluginContext  from WSManPluginStartup
 * flags          which: WSMAN_PLUGIN_PARAMS_SHAREDHOST to WSMAN_PLUGIN_PARAMS_NAME
 * data           out, not NULL; text borrowed until Shutdown
 *
 * Source: wsman.h only; there is no page. */
WSMAN_API_EXPORT DWORD WINAPI WSManPluginGetConfiguration(PVOID pluginContext, DWORD flags,
                                                          WSMAN_DATA *data);

/* Says that the plug-in has nothing more to do and may be unloaded.
 *
 * pluginContext  from WSManPluginStartup
 * flags          0
 *
 * Source: wsman.h only; there is no page. */
WSMAN_API_EXPORT DWORD WINAPI WSManPluginReportCompletion(PVOID pluginContext, DWORD flags);

/* Frees what a request holds before it completes. The pointer still names the request in other
 * calls; nothing in it may be read any more. Optional.
 *
 * requestDetails  any request
 *
 * Source: WSManPluginFreeRequestDetails. */
WSMAN_API_EXPORT DWORD WINAPI WSManPluginFreeRequestDetails(WSMAN_PLUGIN_REQUEST *requestDetails);

/* Answers WSManPluginAuthzUser, exactly once.
 *
 * senderDetails             names the request
 * flags                     0
 * userAuthorizationContext  may be NULL; the plug-in's, given back by AuthzReleaseContext
 * impersonationToken        Windows: a token; here NULL
 * userIsAdministrator       TRUE: may see and delete shells of others
 * errorCode                 0, ERROR_ACCESS_DENIED, or ERROR_WSMAN_REDIRECT_REQUESTED
 * extendedErrorInformation  NULL, or text; for a redirect the new address
 *
 * Source: WSManPluginAuthzUserComplete. */
WSMAN_API_EXPORT DWORD WINAPI WSManPluginAuthzUserComplete(
    WSMAN_SENDER_DETAILS *senderDetails, DWORD flags, PVOID userAuthorizationContext,
    HANDLE impersonationToken, BOOL userIsAdministrator, DWORD errorCode,
    PCWSTR extendedErrorInformation);

/* Answers WSManPluginAuthzOperation, exactly once.
 *
 * senderDetails             names the request
 * flags                     0
 * userAuthorizationContext  may be NULL; replaces the one given before
 * errorCode                 0 or ERROR_ACCESS_DENIED; others fail the request without details
 * extendedErrorInformation  NULL, or text
 *
 * Source: WSManPluginAuthzOperationComplete. */
WSMAN_API_EXPORT DWORD WINAPI WSManPluginAuthzOperationComplete(WSMAN_SENDER_DETAILS *senderDetails,
                                                                DWORD flags,
                                                                PVOID userAuthorizationContext,
                                                                DWORD errorCode,
                                                                PCWSTR extendedErrorInformation);

/* Answers WSManPluginAuthzQueryQuota, exactly once.
 *
 * senderDetails             names the request
 * flags                     0
 * quota                     not NULL with code 0
 * errorCode                 0, or a code that fails the request
 * extendedErrorInformation  NULL, or text
 *
 * Source: WSManPluginAuthzQueryQuotaComplete. */
WSMAN_API_EXPORT DWORD WINAPI WSManPluginAuthzQueryQuotaComplete(
    WSMAN_SENDER_DETAILS *senderDetails, DWORD flags, WSMAN_AUTHZ_QUOTA *quota, DWORD errorCode,
    PCWSTR extendedErrorInformation);

#ifdef __cplusplus
}
#endif

#endif
