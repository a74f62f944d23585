/* Loaded before the library into a program that was built for Windows' functions only, so that it
 * gives up a lost server after TEST_RETRY_MS instead of four minutes. */
#define WSMAN_API_VERSION_1_1
#include <dlfcn.h>
#include <stdlib.h>
#include <wsmext.h>

typedef DWORD(WINAPI *create_session_fn)(WSMAN_API_HANDLE api, PCWSTR connection, DWORD flags,
                                         WSMAN_AUTHENTICATION_CREDENTIALS *credentials,
                                         WSMAN_PROXY_INFO *proxy, WSMAN_SESSION_HANDLE *session);

DWORD WINAPI WSManCreateSession(WSMAN_API_HANDLE apiHandle, PCWSTR connection, DWORD flags,
                                WSMAN_AUTHENTICATION_CREDENTIALS *serverAuthenticationCredentials,
                                WSMAN_PROXY_INFO *proxyInfo, WSMAN_SESSION_HANDLE *session)
{
    create_session_fn create = (create_session_fn)dlsym(RTLD_NEXT, "WSManCreateSession");
    const char *ms = getenv("TEST_RETRY_MS");
    DWORD code = create(apiHandle, connection, flags, serverAuthenticationCredentials, proxyInfo,
                        session);

    if (code == 0 && ms != NULL)
        code = WSManExtSetRetryTime(*session, (DWORD)strtoul(ms, NULL, 10));
    return code;
}
