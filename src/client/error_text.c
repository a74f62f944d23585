/* Error texts, English only. Any thread. */
#include "client/error_text.h"

#include "wsmerror.h"

#include <stdio.h>
#include <stdlib.h>

struct row {
    uint32_t code;
    const char *text;
};

static const struct row rows[] = {
    { ERROR_SUCCESS, "Success." },
    { ERROR_FILE_NOT_FOUND, "The program or file was not found." },
    { ERROR_ACCESS_DENIED, "Access is denied." },
    { ERROR_NOT_ENOUGH_MEMORY, "There is not enough memory." },
    { ERROR_OUTOFMEMORY, "There is not enough memory." },
    { ERROR_NOT_SUPPORTED, "This is not supported." },
    { ERROR_BAD_NETPATH, "The host cannot be reached." },
    { ERROR_INVALID_PARAMETER, "A parameter is wrong." },
    { ERROR_BROKEN_PIPE, "The other end of the connection or pipe is closed." },
    { ERROR_INSUFFICIENT_BUFFER, "The buffer is too small." },
    { ERROR_BUSY, "The resource is in use." },
    { ERROR_OPERATION_ABORTED, "The operation was cancelled." },
    { ERROR_SHUTDOWN_IN_PROGRESS, "The service is shutting down." },
    { ERROR_POSSIBLE_DEADLOCK, "This call waits for callbacks and cannot be made in one." },
    { ERROR_CANCELLED, "The operation was cancelled by the user." },
    { ERROR_LOGON_FAILURE, "The user name or password is wrong." },
    { ERROR_INTERNAL_ERROR, "An internal error happened." },
    { ERROR_TIMEOUT, "The time for this ran out." },
    { RPC_S_SERVER_UNAVAILABLE, "The server is not available." },
    { ERROR_RESOURCE_LANG_NOT_FOUND, "There is no text in that language." },
    { ERROR_WSMAN_RESOURCE_NOT_FOUND, "The server has no such resource." },
    { ERROR_WSMAN_INVALID_ACTIONURI, "The resource does not know this action." },
    { ERROR_WSMAN_PROVIDER_FAILURE, "The provider on the server failed." },
    { ERROR_WSMAN_DESTINATION_UNREACHABLE, "The host cannot be reached." },
    { ERROR_WSMAN_ACTION_NOT_SUPPORTED, "The server does not support this action." },
    { ERROR_WSMAN_ENVELOPE_TOO_LARGE, "The message is too large." },
    { ERROR_WSMAN_INVALID_SOAP_BODY, "The body of the message is wrong." },
    { ERROR_WSMAN_OPERATION_TIMEDOUT, "The server did not finish the operation in time." },
    { ERROR_WSMAN_CONCURRENCY, "The server refuses to do this at the same time as another." },
    { ERROR_WSMAN_FAILED_AUTHENTICATION, "Authentication failed." },
    { ERROR_WSMAN_INVALID_OPTIONS, "An option is wrong." },
    { ERROR_WSMAN_INVALID_PARAMETER, "A parameter of the message is wrong." },
    { ERROR_WSMAN_INVALID_RESOURCE_URI, "The resource URI is wrong." },
    { ERROR_WSMAN_INVALID_SELECTORS, "The selectors do not name anything." },
    { ERROR_WSMAN_QUOTA_LIMIT, "A quota of the server is used up." },
    { ERROR_WSMAN_SCHEMA_VALIDATION_ERROR, "The message does not follow its schema." },
    { ERROR_WSMAN_UNSUPPORTED_FEATURE, "This feature is not supported." },
    { ERROR_WSMAN_INVALID_XML, "The XML is not well formed or not allowed." },
    { ERROR_WSMAN_MAX_ENVELOPE_SIZE_EXCEEDED, "The answer is larger than the client allows." },
    { ERROR_WSMAN_SERVER_ENVELOPE_LIMIT, "The request is larger than the server allows." },
    { ERROR_WSMAN_OPTIONS_NOT_SUPPORTED, "The server does not support a required option." },
    { ERROR_WSMAN_UNEXPECTED_SELECTORS, "The server does not know this shell or command." },
    { ERROR_WSMAN_SESSION_ALREADY_CLOSED, "The session is closed." },
    { ERROR_WSMAN_CREDS_PASSED_WITH_NO_AUTH_FLAG, "Credentials were given without a mechanism." },
    { ERROR_WSMAN_CLIENT_INVALID_FLAG, "A flag is wrong." },
    { ERROR_WSMAN_CLIENT_MULTIPLE_AUTH_FLAGS, "Only one authentication mechanism may be given." },
    { ERROR_WSMAN_CLIENT_USERNAME_PASSWORD_NEEDED, "A user name and a password are needed." },
    { ERROR_WSMAN_CLIENT_CREATESESSION_NULL_PARAM, "CreateSession: a parameter is missing." },
    { ERROR_WSMAN_CLIENT_NULL_RESULT_PARAM, "The place for the result is missing." },
    { ERROR_WSMAN_CLIENT_NO_HANDLE, "The handle is missing or not valid." },
    { ERROR_WSMAN_CLIENT_BLANK_URI, "The resource URI is missing." },
    { ERROR_WSMAN_CONNECTIONSTR_INVALID, "The connection string is wrong." },
    { ERROR_WSMAN_TRANSPORT_NOT_SUPPORTED,
      "The transport in the connection string is not supported." },
    { ERROR_WSMAN_PORT_INVALID, "The port in the connection string is wrong." },
    { ERROR_WSMAN_CLIENT_UNENCRYPTED_DISABLED,
      "Unencrypted traffic is not allowed: set the option UNENCRYPTED_MESSAGES." },
    { ERROR_WSMAN_RESPONSE_NO_RESULTS, "The answer has no result." },
    { ERROR_WSMAN_CREATE_RESPONSE_NO_EPR, "The answer to Create names no shell." },
    { ERROR_WSMAN_RESPONSE_INVALID_MESSAGE_INFORMATION_HEADER,
      "The answer belongs to another request." },
    { ERROR_WSMAN_RESPONSE_NO_SOAP_HEADER_BODY, "The answer is no SOAP envelope." },
    { ERROR_WSMAN_HTTP_NO_RESPONSE_DATA, "The answer is empty." },
    { ERROR_WSMAN_RESPONSE_INVALID_SOAP_FAULT, "The fault in the answer cannot be read." },
    { ERROR_WSMAN_HTTP_INVALID_CONTENT_TYPE_IN_RESPONSE_DATA, "The answer is not SOAP." },
    { ERROR_WSMAN_UNKNOWN_HTTP_STATUS_RETURNED,
      "The server answered with an unexpected HTTP status." },
    { ERROR_WSMAN_UNSUPPORTED_HTTP_STATUS_REDIRECT,
      "The server redirects, which is not followed." },
    { ERROR_WSMAN_HTTP_REQUEST_TOO_LARGE_STATUS, "The request is too large for the server." },
    { ERROR_WSMAN_HTTP_SERVICE_UNAVAILABLE_STATUS,
      "No service answers there, or it is not available." },
    { ERROR_WSMAN_HTTP_NOT_FOUND_STATUS, "The server has no WinRM service at this path." },
    { ERROR_WSMAN_NETWORK_TIMEDOUT,
      "The server did not answer in time, or the connection was lost." },
    { ERROR_WINRS_RECEIVE_IN_PROGRESS, "Output of this target is being received already." },
    { ERROR_WINRS_CODE_PAGE_NOT_SUPPORTED, "The server does not support the code page." },
    { ERROR_WSMAN_AUTHENTICATION_INVALID_FLAG, "The authentication mechanism is not known." },
    { ERROR_WSMAN_CLIENT_USERNAME_AND_PASSWORD_NEEDED, "User name and password belong together." },
    { ERROR_WSMAN_CREATESHELL_NULL_ENVIRONMENT_VARIABLE_NAME,
      "An environment variable has no name." },
    { ERROR_WSMAN_SHELL_ALREADY_CLOSED, "The shell is closed." },
    { ERROR_WSMAN_CREATESHELL_NULL_STREAMID, "A stream has no name." },
    { ERROR_WSMAN_SHELL_INVALID_SHELL_HANDLE,
      "The shell handle is not valid, or the shell was not created." },
    { ERROR_WSMAN_SHELL_INVALID_COMMAND_HANDLE,
      "The command handle is not valid, or the command was not started." },
    { ERROR_WSMAN_RUNSHELLCOMMAND_NULL_ARGUMENT, "An argument of the command is missing." },
    { ERROR_WSMAN_COMMAND_ALREADY_CLOSED, "The command is closed." },
    { ERROR_WSMAN_HTTP_STATUS_SERVER_ERROR, "The server failed without giving a reason." },
    { ERROR_WSMAN_HTTP_STATUS_BAD_REQUEST, "The server could not read the request." },
    { ERROR_WSMAN_HTML_ERROR, "The answer is a web page, not WinRM." },
    { ERROR_WSMAN_CLIENT_INITIALIZE_NULL_PARAM, "Initialize: a parameter is missing." },
    { ERROR_WSMAN_CLIENT_INVALID_INIT_APPLICATION_FLAG, "Initialize: a flag is wrong." },
    { ERROR_WSMAN_CLIENT_INVALID_DEINIT_APPLICATION_FLAG, "Deinitialize: a flag is wrong." },
    { ERROR_WSMAN_CLIENT_SETSESSIONOPTION_NULL_PARAM, "SetSessionOption: a parameter is missing." },
    { ERROR_WSMAN_CLIENT_SETSESSIONOPTION_INVALID_PARAM,
      "SetSessionOption: the option, its type or value is wrong, or it is too late to set it." },
    { ERROR_WSMAN_CLIENT_GETSESSIONOPTION_INVALID_PARAM,
      "GetSessionOption: there is no such option." },
    { ERROR_WSMAN_CLIENT_CREATESHELL_NULL_PARAM, "CreateShell: a parameter is missing." },
    { ERROR_WSMAN_CLIENT_INVALID_CREATE_SHELL_FLAG, "CreateShell: a flag is wrong." },
    { ERROR_WSMAN_CLIENT_INVALID_CLOSE_SHELL_FLAG, "CloseShell: a flag is wrong." },
    { ERROR_WSMAN_CLIENT_INVALID_CLOSE_COMMAND_FLAG, "CloseCommand: a flag is wrong." },
    { ERROR_WSMAN_CLIENT_CLOSESHELL_NULL_PARAM, "CloseShell: the handle is missing." },
    { ERROR_WSMAN_CLIENT_CLOSECOMMAND_NULL_PARAM, "CloseCommand: the handle is missing." },
    { ERROR_WSMAN_CLIENT_RUNCOMMAND_NULL_PARAM,
      "RunShellCommand: a parameter is missing, or the command line is empty." },
    { ERROR_WSMAN_CLIENT_INVALID_RUNCOMMAND_FLAG, "RunShellCommand: a flag is wrong." },
    { ERROR_WSMAN_CLIENT_RUNCOMMAND_NOTCOMPLETED, "The command has not started yet." },
    { ERROR_WSMAN_NO_COMMAND_RESPONSE, "The answer does not say whether the command started." },
    { ERROR_WSMAN_INVALID_OPTIONSET, "The option set is wrong." },
    { ERROR_WSMAN_NO_COMMANDID, "The answer has no command id." },
    { ERROR_WSMAN_CLIENT_SIGNAL_NULL_PARAM, "SignalShell: a parameter is missing." },
    { ERROR_WSMAN_CLIENT_INVALID_SIGNAL_SHELL_FLAG, "SignalShell: a flag is wrong." },
    { ERROR_WSMAN_CLIENT_SEND_NULL_PARAM, "SendShellInput: a parameter is missing." },
    { ERROR_WSMAN_CLIENT_INVALID_SEND_SHELL_FLAG, "SendShellInput: a flag is wrong." },
    { ERROR_WSMAN_CLIENT_INVALID_SEND_SHELL_PARAMETER, "SendShellInput: the data are not binary." },
    { ERROR_WSMAN_SHELL_INVALID_INPUT_STREAM, "The stream is not an input stream of the shell." },
    { ERROR_WSMAN_CLIENT_RECEIVE_NULL_PARAM, "ReceiveShellOutput: a parameter is missing." },
    { ERROR_WSMAN_SHELL_INVALID_DESIRED_STREAMS, "A stream is not an output stream of the shell." },
    { ERROR_WSMAN_CLIENT_INVALID_RECEIVE_SHELL_FLAG, "ReceiveShellOutput: a flag is wrong." },
    { ERROR_WSMAN_NO_RECEIVE_RESPONSE, "The answer to Receive cannot be read." },
    { ERROR_WSMAN_CLIENT_INVALID_LOCALE, "The locale is not a language tag." },
    { ERROR_WSMAN_CLIENT_INVALID_UI_LANGUAGE, "The language is not a language tag." },
    { ERROR_WSMAN_CLIENT_GETERRORMESSAGE_NULL_PARAM, "GetErrorMessage: a parameter is missing." },
    { ERROR_WSMAN_CLIENT_INVALID_LANGUAGE_CODE,
      "GetErrorMessage: the language is not a language tag." },
    { ERROR_WSMAN_CLIENT_INVALID_GETERRORMESSAGE_FLAG, "GetErrorMessage: a flag is wrong." },
    { ERROR_WSMAN_CLIENT_GETSESSIONOPTION_DWORD_NULL_PARAM,
      "GetSessionOptionAsDword: a parameter is missing." },
    { ERROR_WSMAN_CLIENT_GETSESSIONOPTION_DWORD_INVALID_PARAM, "The option is not a number." },
    { ERROR_WSMAN_CLIENT_GETSESSIONOPTION_STRING_INVALID_PARAM,
      "A parameter is missing, or the option is not a text." },
    { ERROR_WSMAN_QUOTA_MAX_SHELLS, "The user has as many shells as the server allows." },
    { ERROR_WSMAN_QUOTA_MAX_OPERATIONS, "The user has as many operations as the server allows." },
    { ERROR_WSMAN_REDIRECT_LOCATION_NOT_AVAILABLE, "No server has redirected this session." },
    { ERROR_WSMAN_REMOTESHELLS_NOT_ALLOWED, "The server allows no remote shells." },
    { ERROR_WSMAN_CANNOT_USE_PROXY_SETTINGS_FOR_HTTP, "A proxy cannot be used with HTTP." },
    { ERROR_WSMAN_NAME_NOT_RESOLVED, "The host name was not found." },
    { ERROR_WSMAN_INVALID_USESSL_PARAM,
      "USE_SSL cannot be set: the connection string names a scheme." },
    { ERROR_WSMAN_CLIENT_CREATESHELL_NAME_INVALID, "The name of the shell is too long." },
    { ERROR_WINRS_SHELLCOMMAND_CLIENTID_NOT_VALID, "The command id is not a GUID." },
    { ERROR_WINRS_SHELL_CLIENTID_NOT_VALID, "The shell id is not a GUID." },
    { ERROR_WINRS_SHELLCOMMAND_CLIENTID_RESOURCE_CONFLICT, "The shell has a command of this id." },
    { ERROR_WINRS_SHELL_CLIENTID_RESOURCE_CONFLICT, "The server has a shell of this id." },
    { ERROR_WSMAN_CLIENT_INVALID_SHELL_COMMAND_PAIR, "The command belongs to another shell." },
};

static int compare(const void *key, const void *row)
{
    uint32_t code = *(const uint32_t *)key;
    uint32_t other = ((const struct row *)row)->code;

    return code < other ? -1 : code > other;
}

static const char *find(uint32_t code)
{
    const struct row *row = bsearch(&code, rows, sizeof(rows) / sizeof(rows[0]), sizeof(rows[0]),
                                    compare);

    return row == NULL ? NULL : row->text;
}

const char *wsm_error_text_of(uint32_t code)
{
    const char *text = find(code);

    return text == NULL ? "An error without a text of its own." : text;
}

void wsm_error_text_write(uint32_t code, char *out, size_t out_size)
{
    const char *text = find(code);

    if (text != NULL)
        snprintf(out, out_size, "%s", text);
    else
        snprintf(out, out_size, "Error %u (0x%08X).", code, code);
}
