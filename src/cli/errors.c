/* One table from error codes to exit codes and advice. Pure. */
#include "errors.h"

#include "message.h"
#include "wsmerror.h"

#include <stddef.h>

#define IS_IT_RUNNING "is winrmd running there, and is the port right (default 5985)?"
#define CHECK_LOGIN   "check the user name and the password; the service's log names the reason"
#define CHECK_SHELL   "it expired, was deleted, or belongs to another user"
#define TAKE_IT       "another client holds it: --take takes it away"

static const struct wsm_cli_error_class classes[] = {
    { ERROR_WSMAN_DESTINATION_UNREACHABLE, WSM_CLI_UNREACHABLE, IS_IT_RUNNING },
    { ERROR_WSMAN_NAME_NOT_RESOLVED, WSM_CLI_UNREACHABLE, "check the spelling of the host name" },
    { ERROR_WSMAN_NETWORK_TIMEDOUT, WSM_CLI_UNREACHABLE, NULL },
    { ERROR_WSMAN_HTTP_SERVICE_UNAVAILABLE_STATUS, WSM_CLI_UNREACHABLE, IS_IT_RUNNING },
    { ERROR_WSMAN_SSL_CONNECTION_ABORTED, WSM_CLI_UNREACHABLE, NULL },
    { ERROR_WSMAN_DESTINATION_INVALID, WSM_CLI_UNREACHABLE, NULL },
    { ERROR_BAD_NETPATH, WSM_CLI_UNREACHABLE, IS_IT_RUNNING },
    { ERROR_SHUTDOWN_IN_PROGRESS, WSM_CLI_UNREACHABLE, NULL },
    { RPC_S_SERVER_UNAVAILABLE, WSM_CLI_UNREACHABLE, NULL },
    { ERROR_ACCESS_DENIED, WSM_CLI_AUTHENTICATION, CHECK_LOGIN },
    { ERROR_LOGON_FAILURE, WSM_CLI_AUTHENTICATION, CHECK_LOGIN },
    { ERROR_WSMAN_FAILED_AUTHENTICATION, WSM_CLI_AUTHENTICATION, CHECK_LOGIN },
    { ERROR_WSMAN_CONNECTIONSTR_INVALID, WSM_CLI_USAGE, NULL },
    { ERROR_WSMAN_TRANSPORT_NOT_SUPPORTED, WSM_CLI_USAGE, NULL },
    { ERROR_WSMAN_PORT_INVALID, WSM_CLI_USAGE, NULL },
    { ERROR_WSMAN_HTTP_NOT_FOUND_STATUS, WSM_CLI_PROTOCOL,
      "something answers there, but no WS-Management service: check port and path" },
    { ERROR_WSMAN_HTML_ERROR, WSM_CLI_PROTOCOL,
      "something answers there, but no WS-Management service: check port and path" },
    { ERROR_WSMAN_UNEXPECTED_SELECTORS, WSM_CLI_PROTOCOL, CHECK_SHELL },
    { ERROR_WINRS_SHELL_CONNECTED_TO_DIFFERENT_CLIENT, WSM_CLI_PROTOCOL, TAKE_IT },
};

const struct wsm_cli_error_class *wsm_cli_error_find(uint32_t code)
{
    static const struct wsm_cli_error_class other = { 0, WSM_CLI_PROTOCOL, NULL };

    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
        if (classes[i].code == code)
            return &classes[i];
    return &other;
}
