/* Calls the application: makes WSMAN_ERROR and UTF-16 out of completions and
 * deliveries. Dispatcher threads, no lock held. What is made here lives until the
 * callback has returned. */
#include "base/utf.h"
#include "client/api_args.h"
#include "client/delivery.h"
#include "client/error_text.h"
#include "client/notice.h"
#include "client/offsets.h"
#include "client/operation.h"
#include "wsmerror.h"

#include <stdlib.h>
#include <string.h>
#include <wsmext.h>

enum { ERROR_TEXTS = 4 };

struct error_view {
    WSMAN_ERROR error;
    char16_t *texts[ERROR_TEXTS]; /* owned; NULL where there is none, or no memory */
};

static char16_t *utf16_of(struct wsm_span text, size_t *out_count)
{
    char16_t *units = NULL;

    *out_count = 0;
    (void)!wsm_utf8_to_utf16(text, "text", &units, out_count, NULL);
    return units;
}

static PCWSTR keep_text(struct error_view *view, size_t index, const char *text)
{
    size_t count;

    if (text != NULL)
        view->texts[index] = utf16_of(wsm_span_str(text), &count);
    return (PCWSTR)view->texts[index];
}

/* Applications print errorDetail without looking: it is never NULL on errors. */
static void view_error(const struct wsm_error *err, struct error_view *out)
{
    const struct wsm_error_origin *origin = err->origin;
    char own[WSM_ERROR_TEXT_MAX + 1];

    *out = (struct error_view){ .error = { .code = err->code } };
    if (err->code == 0)
        return;
    if (err->text == NULL)
        wsm_error_text_write(err->code, own, sizeof(own));
    out->error.errorDetail = keep_text(out, 0, err->text != NULL ? err->text : own);
    if (out->error.errorDetail == NULL)
        out->error.errorDetail = WSMAN_TEXT("error");
    if (origin == NULL || err->text == NULL)
        out->error.language = WSMAN_TEXT("en-US");
    else
        out->error.language = keep_text(out, 1, origin->language);
    if (origin != NULL) {
        out->error.machineName = keep_text(out, 2, origin->machine);
        out->error.pluginName = keep_text(out, 3, origin->provider);
    }
}

static void clear_view(struct error_view *view)
{
    size_t i;

    for (i = 0; i < ERROR_TEXTS; i++)
        free(view->texts[i]);
}

static void call_shell_function(const struct wsm_async *async, WSMAN_ERROR *error,
                                WSMAN_RESPONSE_DATA *data)
{
    WSMAN_SHELL_COMPLETION_FUNCTION function = (WSMAN_SHELL_COMPLETION_FUNCTION)
                                                   async->callee.function;
    DWORD flags = WSMAN_FLAG_CALLBACK_END_OF_OPERATION;

    if (error->code == 0)
        flags |= async->flags;
    function(async->callee.context, flags, error, (WSMAN_SHELL_HANDLE)async->handles.shell,
             (WSMAN_COMMAND_HANDLE)async->handles.command,
             (WSMAN_OPERATION_HANDLE)async->handles.operation, error->code == 0 ? data : NULL);
}

static void run_shell_created(const struct wsm_async *async, WSMAN_ERROR *error)
{
    WSMAN_RESPONSE_DATA data = { .createData.data.type = WSMAN_DATA_TYPE_TEXT };
    char16_t *xml = NULL;
    size_t count;

    if (async->text.len > 0)
        xml = utf16_of(wsm_buf_span(&async->text), &count);
    if (xml != NULL) {
        data.createData.data.text.buffer = (PCWSTR)xml;
        data.createData.data.text.bufferLength = (DWORD)count;
    }
    call_shell_function(async, error, xml != NULL ? &data : NULL);
    free(xml);
}

/* PowerShell reads connectData without looking: it is never NULL on success. */
static void run_connected(const struct wsm_async *async, WSMAN_ERROR *error)
{
    WSMAN_RESPONSE_DATA data = { .connectData.data.type = WSMAN_DATA_TYPE_TEXT };
    char16_t *xml = NULL;
    size_t count = 0;

    if (error->code == 0)
        xml = utf16_of(wsm_buf_span(&async->text), &count);
    data.connectData.data.text.buffer = xml != NULL ? (PCWSTR)xml : WSMAN_TEXT("");
    data.connectData.data.text.bufferLength = (DWORD)count;
    call_shell_function(async, error, &data);
    free(xml);
}

static void run_done(const struct wsm_async *async, WSMAN_ERROR *error)
{
    WSMAN_RESPONSE_DATA data = {
        .receiveData = { .streamData.type = WSMAN_DATA_TYPE_BINARY,
                         .commandState = WSMAN_COMMAND_STATE_DONE,
                         .exitCode = async->exit_code },
    };

    call_shell_function(async, error, &data);
}

/* The four texts stand one behind the other, each with its NUL. */
static void run_identity(const struct wsm_async *async, WSMAN_ERROR *error)
{
    WSMAN_EXT_IDENTIFY_FUNCTION function = (WSMAN_EXT_IDENTIFY_FUNCTION)async->callee.function;
    const char *text = (const char *)async->text.ptr;
    char16_t *units[4] = { NULL };
    PCWSTR texts[4];
    WSMAN_EXT_IDENTITY identity;
    size_t count;
    size_t i;

    for (i = 0; i < 4; i++) {
        if (error->code == 0) {
            units[i] = utf16_of(wsm_span_str(text), &count);
            text += strlen(text) + 1;
        }
        texts[i] = units[i] != NULL ? (PCWSTR)units[i] : WSMAN_TEXT("");
    }
    identity = (WSMAN_EXT_IDENTITY){ .protocolVersion = texts[0],
                                     .productVendor = texts[1],
                                     .productVersion = texts[2],
                                     .securityProfiles = texts[3] };
    function(async->callee.context, WSMAN_FLAG_CALLBACK_END_OF_OPERATION, error,
             (WSMAN_OPERATION_HANDLE)async->handles.operation, error->code == 0 ? &identity : NULL);
    for (i = 0; i < 4; i++)
        free(units[i]);
}

void wsm_async_run(struct wsm_strand_item *item)
{
    const struct wsm_async *async = WSM_CONTAINER_OF(item, struct wsm_async, item);
    struct error_view view;

    view_error(&async->error, &view);
    switch (async->result) {
    case WSM_RESULT_NONE:
        call_shell_function(async, &view.error, NULL);
        break;
    case WSM_RESULT_SHELL:
        run_shell_created(async, &view.error);
        break;
    case WSM_RESULT_CONNECT:
        run_connected(async, &view.error);
        break;
    case WSM_RESULT_DONE:
        run_done(async, &view.error);
        break;
    case WSM_RESULT_IDENTITY:
        run_identity(async, &view.error);
        break;
    case WSM_RESULT_LIST:
        wsm_api_run_list(async, &view.error);
        break;
    }
    clear_view(&view);
}

void wsm_notice_run(struct wsm_strand_item *item)
{
    const struct wsm_notice *notice = WSM_CONTAINER_OF(item, struct wsm_notice, item);
    WSMAN_SHELL_COMPLETION_FUNCTION function = (WSMAN_SHELL_COMPLETION_FUNCTION)
                                                   notice->callee.function;
    WSMAN_ERROR none = { .code = 0 };

    function(notice->callee.context, (DWORD)notice->kind, &none,
             (WSMAN_SHELL_HANDLE)notice->shell_handle, NULL, NULL, NULL);
}

void wsm_operation_run_accepted(struct wsm_strand_item *item)
{
    const struct wsm_operation *operation = WSM_CONTAINER_OF(item, struct wsm_operation, accepted);
    WSMAN_SHELL_COMPLETION_FUNCTION function = (WSMAN_SHELL_COMPLETION_FUNCTION)
                                                   operation->async.callee.function;
    WSMAN_ERROR none = { .code = 0 };

    function(operation->async.callee.context,
             WSMAN_FLAG_CALLBACK_RECEIVE_DELAY_STREAM_REQUEST_PROCESSED, &none,
             (WSMAN_SHELL_HANDLE)operation->shell_handle,
             (WSMAN_COMMAND_HANDLE)operation->command_handle,
             (WSMAN_OPERATION_HANDLE)operation->handle, NULL);
}

/* ---- Output ---- */

/* The usual names need no memory. */
static PCWSTR stream_name(struct wsm_span name, char16_t **out_owned)
{
    size_t count;

    *out_owned = NULL;
    if (name.len == 0)
        return NULL;
    if (wsm_span_is(name, "stdout"))
        return WSMAN_STREAM_ID_STDOUT;
    if (wsm_span_is(name, "stderr"))
        return WSMAN_STREAM_ID_STDERR;
    *out_owned = utf16_of(name, &count);
    return (PCWSTR)*out_owned;
}

static void run_piece(const struct wsm_delivery *delivery, const struct wsm_piece *piece)
{
    WSMAN_SHELL_COMPLETION_FUNCTION function = (WSMAN_SHELL_COMPLETION_FUNCTION)
                                                   delivery->callee.function;
    WSMAN_ERROR none = { .code = 0 };
    WSMAN_RESPONSE_DATA data = { .receiveData.streamData.type = WSMAN_DATA_TYPE_BINARY };
    char16_t *owned;

    data.receiveData.streamId = stream_name(piece->stream, &owned);
    data.receiveData.streamData.binaryData.dataLength = (DWORD)piece->data.len;
    data.receiveData.streamData.binaryData.data = (BYTE *)(uintptr_t)piece->data.ptr;
    if (piece->has_state)
        data.receiveData.commandState = piece->state == WSM_COMMAND_PENDING
                                            ? WSMAN_COMMAND_STATE_PENDING
                                            : WSMAN_COMMAND_STATE_RUNNING;
    function(delivery->callee.context, piece->end ? WSMAN_FLAG_CALLBACK_END_OF_STREAM : 0, &none,
             (WSMAN_SHELL_HANDLE)delivery->handles.shell,
             (WSMAN_COMMAND_HANDLE)delivery->handles.command,
             (WSMAN_OPERATION_HANDLE)delivery->handles.operation, &data);
    free(owned);
}

void wsm_delivery_run(struct wsm_strand_item *item)
{
    struct wsm_delivery *delivery = WSM_CONTAINER_OF(item, struct wsm_delivery, item);

    while (delivery->next < delivery->count && !atomic_load(&delivery->is_cancelled)) {
        const struct wsm_piece *piece = &delivery->pieces[delivery->next++];

        run_piece(delivery, piece);
        if (piece->position != NULL) { /* only this strand moves them */
            atomic_fetch_add(&piece->position->dropped, piece->gap);
            atomic_store(&piece->position->delivered, piece->reaches);
        }
    }
}
