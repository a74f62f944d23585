/* WSManExtListShells, WSManExtListCommands, WSManExtDeleteShell. Application threads: check,
 * copy, post. The callback at the end of the file: dispatcher threads. */
#include "base/utf.h"
#include "client/api_args.h"
#include "client/api_refuse.h"
#include "client/listing.h"
#include "client/operation.h"
#include "client/runtime.h"
#include "wsmerror.h"

#include <stdlib.h>
#include <string.h>
#include <wsmext.h>

struct list_args {
    const struct wsm_operation_kind *kind;
    uintptr_t session;
    DWORD flags;
    PCWSTR resource_uri;
    PCWSTR shell_id;
};

static bool check(const struct list_args *args, const WSMAN_OPERATION_HANDLE *out_operation,
                  struct wsm_error *err)
{
    if (args->session == 0)
        return wsm_fail(err, ERROR_WSMAN_CLIENT_NO_HANDLE, "%s: no session", args->kind->name);
    if (args->flags != 0)
        return wsm_fail(err, ERROR_WSMAN_CLIENT_INVALID_FLAG, "%s: flags %#x", args->kind->name,
                        args->flags);
    if (out_operation == NULL)
        return wsm_fail(err, ERROR_WSMAN_CLIENT_NULL_RESULT_PARAM, "%s: no place for the operation",
                        args->kind->name);
    return wsm_runtime_handle_check(args->session, WSM_HANDLE_SESSION, NULL) ||
           wsm_fail(err, ERROR_WSMAN_SESSION_ALREADY_CLOSED, "no such session handle");
}

static bool copy_id(PCWSTR id, char **out, struct wsm_error *err)
{
    struct wsm_guid guid;

    if (!wsm_api_xml_text(id, "shell id", out, err))
        return false;
    return (*out != NULL && wsm_guid_parse(wsm_span_str(*out), &guid)) ||
           wsm_fail(err, ERROR_WINRS_SHELL_CLIENTID_NOT_VALID, "shell id \"%s\" is not a GUID",
                    *out == NULL ? "" : *out);
}

static bool make(const struct list_args *args, struct wsm_callee callee,
                 WSMAN_OPERATION_HANDLE *out_operation, struct wsm_error *err)
{
    struct wsm_operation *operation;

    if (!check(args, out_operation, err))
        return false;
    operation = wsm_operation_new(args->kind);
    if (operation == NULL)
        return wsm_fail_memory(err, "operation");
    operation->session_handle = args->session;
    operation->async.callee = callee;
    if ((args->kind != &wsm_delete_kind ||
         wsm_api_resource_uri(args->resource_uri, &operation->resource_uri, err)) &&
        (args->kind == &wsm_list_shells_kind || copy_id(args->shell_id, &operation->text, err)) &&
        wsm_api_post_operation(operation, out_operation, err))
        return true;
    wsm_operation_free(operation);
    return false;
}

static void begin(const struct list_args *args, PVOID context, WSMAN_EXT_LIST_FUNCTION function,
                  WSMAN_OPERATION_HANDLE *out_operation)
{
    struct wsm_callee callee = { .context = context, .function = (void (*)(void))function };
    struct wsm_error err = WSM_ERROR_INIT;

    if (out_operation != NULL)
        *out_operation = NULL;
    if (function != NULL && !make(args, callee, out_operation, &err))
        wsm_api_refuse_callee(callee, WSM_RESULT_LIST, args->session, &err);
}

void WINAPI WSManExtListShells(WSMAN_SESSION_HANDLE session, DWORD flags, PVOID operationContext,
                               WSMAN_EXT_LIST_FUNCTION completionFunction,
                               WSMAN_OPERATION_HANDLE *operation)
{
    struct list_args args = { .kind = &wsm_list_shells_kind,
                              .session = wsm_handle_value(session),
                              .flags = flags };

    begin(&args, operationContext, completionFunction, operation);
}

void WINAPI WSManExtListCommands(WSMAN_SESSION_HANDLE session, DWORD flags, PCWSTR shellId,
                                 PVOID operationContext, WSMAN_EXT_LIST_FUNCTION completionFunction,
                                 WSMAN_OPERATION_HANDLE *operation)
{
    struct list_args args = { .kind = &wsm_list_commands_kind,
                              .session = wsm_handle_value(session),
                              .flags = flags,
                              .shell_id = shellId };

    begin(&args, operationContext, completionFunction, operation);
}

void WINAPI WSManExtDeleteShell(WSMAN_SESSION_HANDLE session, DWORD flags, PCWSTR resourceUri,
                                PCWSTR shellId, PVOID operationContext,
                                WSMAN_EXT_LIST_FUNCTION completionFunction,
                                WSMAN_OPERATION_HANDLE *operation)
{
    struct list_args args = { .kind = &wsm_delete_kind,
                              .session = wsm_handle_value(session),
                              .flags = flags,
                              .resource_uri = resourceUri,
                              .shell_id = shellId };

    begin(&args, operationContext, completionFunction, operation);
}

/* ---- The callback ---- */

/* The listing as the application sees it: texts in one block, since there may be many. */
struct list_view {
    WSMAN_EXT_LIST list;
    WSMAN_EXT_SHELL *shells;
    WSMAN_EXT_COMMAND *commands;
    WSMAN_EXT_STREAM *streams;
    char16_t *texts;
    size_t used; /* units of texts */
};

/* Units that a text of UTF-8 needs at most, with its NUL. */
static size_t room(struct wsm_span text)
{
    return text.len + 1;
}

/* Text that cannot be shown, which no server of ours sends, is empty. */
static PCWSTR add_text(struct list_view *view, struct wsm_span text)
{
    char16_t *to = view->texts + view->used;
    char16_t *units = NULL;
    size_t count = 0;

    if (wsm_utf8_to_utf16(text, "list", &units, &count, NULL))
        memcpy(to, units, count * sizeof(*to));
    free(units);
    to[count] = 0;
    view->used += count + 1;
    return (PCWSTR)to;
}

static size_t room_of_shell(const struct wsm_shell_item *item)
{
    return room(item->shell_id) + room(item->name) + room(item->resource_uri) + room(item->owner) +
           room(item->client_ip) + room(item->state) + room(item->buffer_mode) +
           room(item->session_id);
}

static size_t room_of_command(const struct wsm_command_item *item)
{
    size_t sum = room(item->command_id) + room(item->line) + room(item->state);
    size_t i;

    for (i = 0; i < item->stream_count; i++)
        sum += room(item->streams[i].name);
    return sum;
}

/* What the server has left out is 0. */
static DWORD number(int64_t value)
{
    if (value < 0)
        return 0;
    return value > UINT32_MAX ? UINT32_MAX : (DWORD)value;
}

static void view_shell(struct list_view *view, const struct wsm_shell_item *item,
                       WSMAN_EXT_SHELL *out)
{
    *out = (WSMAN_EXT_SHELL){ .shellId = add_text(view, item->shell_id),
                              .name = add_text(view, item->name),
                              .resourceUri = add_text(view, item->resource_uri),
                              .owner = add_text(view, item->owner),
                              .clientIP = add_text(view, item->client_ip),
                              .state = add_text(view, item->state),
                              .bufferMode = add_text(view, item->buffer_mode),
                              .sessionId = add_text(view, item->session_id),
                              .idleTimeoutMs = number(item->idle_timeout_ms),
                              .runTimeSeconds = number(item->run_time_s),
                              .inactivitySeconds = number(item->inactivity_s),
                              .childProcesses = number(item->child_processes),
                              .memoryKiB = item->memory_kib < 0 ? 0 : (UINT64)item->memory_kib };
}

static void view_command(struct list_view *view, const struct wsm_command_item *item,
                         WSMAN_EXT_STREAM *streams, WSMAN_EXT_COMMAND *out)
{
    size_t i;

    for (i = 0; i < item->stream_count; i++) {
        const struct wsm_stream_item *stream = &item->streams[i];

        streams[i] = (WSMAN_EXT_STREAM){ .name = add_text(view, stream->name),
                                         .confirmed = stream->confirmed,
                                         .served = stream->served,
                                         .servedAgain = stream->served_again,
                                         .end = stream->end,
                                         .dropped = stream->dropped };
    }
    *out = (WSMAN_EXT_COMMAND){ .commandId = add_text(view, item->command_id),
                                .commandLine = add_text(view, item->line),
                                .state = add_text(view, item->state),
                                .hasExitCode = item->has_exit_code,
                                .exitCode = item->exit_code,
                                .streamCount = (DWORD)item->stream_count,
                                .streams = item->stream_count > 0 ? streams : NULL };
}

static bool allocate(struct list_view *view, const struct wsm_listing *listing)
{
    size_t units = 1;
    size_t i;

    for (i = 0; i < listing->shell_count; i++)
        units += room_of_shell(&listing->shells[i]);
    for (i = 0; i < listing->command_count; i++)
        units += room_of_command(&listing->commands[i]);
    view->texts = calloc(units, sizeof(*view->texts));
    view->shells = calloc(listing->shell_count + 1, sizeof(*view->shells));
    view->commands = calloc(listing->command_count + 1, sizeof(*view->commands));
    view->streams = calloc(listing->command_count * WSM_COMMAND_ITEM_STREAMS_MAX + 1,
                           sizeof(*view->streams));
    return view->texts != NULL && view->shells != NULL && view->commands != NULL &&
           view->streams != NULL;
}

static bool view_listing(struct list_view *view, const struct wsm_listing *listing)
{
    size_t i;

    if (!allocate(view, listing))
        return false;
    for (i = 0; i < listing->shell_count; i++)
        view_shell(view, &listing->shells[i], &view->shells[i]);
    for (i = 0; i < listing->command_count; i++)
        view_command(view, &listing->commands[i], &view->streams[i * WSM_COMMAND_ITEM_STREAMS_MAX],
                     &view->commands[i]);
    view->list = (WSMAN_EXT_LIST){ .shellCount = (DWORD)listing->shell_count,
                                   .shells = view->shells,
                                   .commandCount = (DWORD)listing->command_count,
                                   .commands = view->commands };
    return true;
}

void wsm_api_run_list(const struct wsm_async *async, WSMAN_ERROR *error)
{
    WSMAN_EXT_LIST_FUNCTION function = (WSMAN_EXT_LIST_FUNCTION)async->callee.function;
    const struct wsm_listing *listing = error->code == 0 ? async->listing : NULL;
    WSMAN_ERROR no_memory = { .code = ERROR_OUTOFMEMORY,
                              .errorDetail = WSMAN_TEXT("out of memory"),
                              .language = WSMAN_TEXT("en-US") };
    struct list_view view = { .used = 0 };
    bool ok = listing == NULL || view_listing(&view, listing);

    function(async->callee.context, WSMAN_FLAG_CALLBACK_END_OF_OPERATION, ok ? error : &no_memory,
             (WSMAN_OPERATION_HANDLE)async->handles.operation,
             ok && listing != NULL ? &view.list : NULL);
    free(view.texts);
    free(view.shells);
    free(view.commands);
    free(view.streams);
}
