/* WSManInitialize, WSManDeinitialize, WSManGetErrorMessage. Application threads. */
#include "client/api_args.h"
#include "client/error_text.h"
#include "client/runtime.h"
#include "client/session_end.h"
#include "wsmerror.h"

#include <stdlib.h>

/* Made with the handle, so that closing it needs no memory. */
struct deinit {
    struct wsm_call call;
    uintptr_t handle;
};

DWORD WINAPI WSManInitialize(DWORD flags, WSMAN_API_HANDLE *apiHandle)
{
    struct wsm_api *api = NULL;
    struct deinit *deinit = NULL;
    struct wsm_error err = WSM_ERROR_INIT;
    DWORD code;

    if (apiHandle == NULL)
        return ERROR_WSMAN_CLIENT_INITIALIZE_NULL_PARAM;
    *apiHandle = NULL;
    if (flags > WSMAN_FLAG_REQUESTED_API_VERSION_1_1)
        return ERROR_WSMAN_CLIENT_INVALID_INIT_APPLICATION_FLAG;
    api = calloc(1, sizeof(*api));
    deinit = calloc(1, sizeof(*deinit));
    if (api == NULL || deinit == NULL) {
        (void)wsm_fail_memory(&err, "API handle");
        goto out;
    }
    api->version = flags;
    wsm_list_init(&api->sessions);
    if (!wsm_runtime_handle_add(WSM_HANDLE_API, flags, api, deinit, &api->handle, &err))
        goto out;
    deinit->handle = api->handle;
    deinit = NULL; /* the table's */
    /* Last, for it could not be given back in a callback: that may have become the only user. */
    if (!wsm_runtime_acquire(&err)) {
        wsm_runtime_handle_remove(api->handle);
        goto out;
    }
    *apiHandle = (WSMAN_API_HANDLE)api->handle;
    return ERROR_SUCCESS;
out:
    code = err.code;
    free(api);
    free(deinit);
    wsm_error_clear(&err);
    return code;
}

/* Loop thread. */
static void on_deinit(struct wsm_message *message)
{
    struct wsm_call *call = WSM_CONTAINER_OF(message, struct wsm_call, message);
    const struct deinit *deinit = WSM_CONTAINER_OF(call, struct deinit, call);

    wsm_api_close(wsm_runtime_handle_find(deinit->handle, WSM_HANDLE_API), call);
}

DWORD WINAPI WSManDeinitialize(WSMAN_API_HANDLE apiHandle, DWORD flags)
{
    uintptr_t handle = wsm_handle_value(apiHandle);
    void *reserve = NULL;
    struct deinit *deinit;
    struct wsm_api *api;

    if (apiHandle == NULL)
        return ERROR_WSMAN_CLIENT_NO_HANDLE;
    if (flags != 0)
        return ERROR_WSMAN_CLIENT_INVALID_DEINIT_APPLICATION_FLAG;
    if (wsm_strand_current() != NULL)
        return ERROR_POSSIBLE_DEADLOCK;
    if (!wsm_runtime_handle_close(handle, WSM_HANDLE_API, &reserve) || reserve == NULL)
        return ERROR_WSMAN_CLIENT_NO_HANDLE;
    deinit = reserve;
    api = wsm_runtime_handle_find(handle, WSM_HANDLE_API); /* ours alone: the reserve was */
    (void)wsm_call_run(&deinit->call, on_deinit);          /* this handle keeps the loop running */
    free(deinit);
    free(api);
    wsm_runtime_release();
    return ERROR_SUCCESS;
}

/* NULL: the language of the environment, for which English is the fallback as for any. So it is
 * for PowerShell, which has no text at all after an error. */
static DWORD check_language(PCWSTR code)
{
    char *text = NULL;
    size_t primary = 0;
    DWORD result = ERROR_SUCCESS;

    if (code == NULL || wsm_api_is_psrpclient())
        return ERROR_SUCCESS;
    if (!wsm_api_text(code, "language", &text, NULL))
        return ERROR_WSMAN_CLIENT_INVALID_LANGUAGE_CODE;
    while (text[primary] != '\0' && text[primary] != '-')
        primary++;
    if (!wsm_is_language_tag(text))
        result = ERROR_WSMAN_CLIENT_INVALID_LANGUAGE_CODE;
    else if (!wsm_span_is_nocase(wsm_span_of(text, primary), "en"))
        result = ERROR_RESOURCE_LANG_NOT_FOUND;
    free(text);
    return result;
}

DWORD WINAPI WSManGetErrorMessage(WSMAN_API_HANDLE apiHandle, DWORD flags, PCWSTR languageCode,
                                  DWORD errorCode, DWORD messageLength, PWSTR message,
                                  DWORD *messageLengthUsed)
{
    char text[WSM_ERROR_TEXT_MAX + 1];
    DWORD code;

    if (messageLengthUsed == NULL || (message == NULL) != (messageLength == 0) ||
        !wsm_runtime_handle_check(wsm_handle_value(apiHandle), WSM_HANDLE_API, NULL))
        return ERROR_WSMAN_CLIENT_GETERRORMESSAGE_NULL_PARAM;
    if (flags != 0)
        return ERROR_WSMAN_CLIENT_INVALID_GETERRORMESSAGE_FLAG;
    code = check_language(languageCode);
    if (code != ERROR_SUCCESS)
        return code;
    wsm_error_text_write(errorCode, text, sizeof(text));
    return wsm_api_give_text(text, messageLength, message, messageLengthUsed);
}
