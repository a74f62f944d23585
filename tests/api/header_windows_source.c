/* A source as somebody writes it for Windows: wide literals with L, windows.h first, Microsoft's
 * names only. header_windows_source.sh compiles it unchanged, as C and as C++, with our wsman.h
 * under -fshort-wchar and with the cross compiler and its own wsman.h. It never runs. */
#ifdef _WIN32
#include <windows.h>
#endif
#include <wsman.h>

static const wchar_t resource_uri[] = WSMAN_SHELL_NS L"/cmd";
static PCWSTR const custom_state = WSMAN_SHELL_NS L"/CommandState/"
                                                  L"Custom";

struct context {
    WSMAN_SHELL_HANDLE shell;
    WSMAN_COMMAND_HANDLE command;
    WSMAN_SHELL_ASYNC async;
    DWORD exit_code;
    BOOL done;
};

static BOOL same_text(PCWSTR a, PCWSTR b)
{
    while (*a != L'\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b ? TRUE : FALSE;
}

#ifdef WSMAN_API_VERSION_1_1
#define RESULT         WSMAN_RESPONSE_DATA
#define RECEIVED(data) (&(data)->receiveData)
#else
#define RESULT         WSMAN_RECEIVE_DATA_RESULT
#define RECEIVED(data) (data)
#endif

static void CALLBACK on_output(PVOID operationContext, DWORD flags, WSMAN_ERROR *error,
                               WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                               WSMAN_OPERATION_HANDLE operationHandle, RESULT *data)
{
    struct context *context = (struct context *)operationContext;

    (void)shell;
    (void)command;
    if (error->code == 0 && data != NULL && RECEIVED(data)->commandState != NULL &&
        (same_text(RECEIVED(data)->commandState, WSMAN_COMMAND_STATE_DONE) ||
         same_text(RECEIVED(data)->commandState, custom_state)))
        context->exit_code = RECEIVED(data)->exitCode;
    if ((flags & WSMAN_FLAG_CALLBACK_END_OF_OPERATION) != 0) {
        context->done = TRUE;
        WSManCloseOperation(operationHandle, 0);
    }
}

DWORD run_directory_listing(WSMAN_SESSION_HANDLE session, struct context *context);
DWORD run_directory_listing(WSMAN_SESSION_HANDLE session, struct context *context)
{
    PCWSTR streams[] = { WSMAN_STREAM_ID_STDOUT, L"stderr" };
    WSMAN_STREAM_ID_SET output = { 2, streams };
    WSMAN_OPTION code_page = { WSMAN_CMDSHELL_OPTION_CODEPAGE, L"65001", TRUE };
    WSMAN_OPTION_SET options = { 1, &code_page, FALSE };
    WSMAN_SHELL_STARTUP_INFO startup;
    WSMAN_DATA timeout;
    WSMAN_OPERATION_HANDLE receive = NULL;
    DWORD result;

    startup.inputStreamSet = NULL;
    startup.outputStreamSet = &output;
    startup.idleTimeoutMs = 0;
    startup.workingDirectory = L"/tmp";
    startup.variableSet = NULL;
    timeout.type = WSMAN_DATA_TYPE_DWORD;
    timeout.number = WSMAN_DEFAULT_TIMEOUT_MS;
    result = WSManSetSessionOption(session, WSMAN_OPTION_DEFAULT_OPERATION_TIMEOUTMS, &timeout);
    if (result != 0)
        return result;
    context->async.operationContext = context;
    context->async.completionFunction = on_output;
#ifdef WSMAN_API_VERSION_1_1
    startup.name = L"listing";
    WSManCreateShellEx(session, WSMAN_FLAG_NO_COMPRESSION, resource_uri,
                       L"6F1C3C0E-5C5B-4A0B-8B5F-0C9F5D1E7A11", &startup, &options, NULL,
                       &context->async, &context->shell);
    WSManDisconnectShell(context->shell, WSMAN_FLAG_SERVER_BUFFERING_MODE_BLOCK, NULL,
                         &context->async);
#else
    WSManCreateShell(session, 0, WSMAN_CMDSHELL_URI, &startup, &options, NULL, &context->async,
                     &context->shell);
#endif
    WSManRunShellCommand(context->shell, 0, L"ls", NULL, NULL, &context->async, &context->command);
    WSManReceiveShellOutput(context->shell, context->command, 0, &output, &context->async,
                            &receive);
    WSManSignalShell(context->shell, context->command, 0, WSMAN_SIGNAL_SHELL_CODE_CTRL_C,
                     &context->async, &receive);
    return (DWORD)(sizeof(resource_uri) / sizeof(WCHAR) - 1 - WSMAN_SHELL_NS_LEN);
}
