/* Copies what the library lists. The callbacks fill the listing while the main thread waits
 * for them; the queue between the two is also the border of memory. */
#include "listing.h"

#include "await.h"
#include "message.h"

#include <stdlib.h>
#include <string.h>
#include <wsmerror.h>
#include <wsmext.h>

static char *copy(PCWSTR text)
{
    char *converted = WSManExtUtf16ToUtf8(text);
    char *own = wsm_cli_format("%s", converted != NULL ? converted : "");

    WSManExtFree(converted);
    return own;
}

static void copy_shell(struct wsm_cli_shell_info *to, const WSMAN_EXT_SHELL *from)
{
    *to = (struct wsm_cli_shell_info){
        .id = copy(from->shellId),
        .name = copy(from->name),
        .resource_uri = copy(from->resourceUri),
        .owner = copy(from->owner),
        .client_ip = copy(from->clientIP),
        .state = copy(from->state),
        .buffer_mode = copy(from->bufferMode),
        .holder = copy(from->sessionId),
        .idle_timeout_ms = from->idleTimeoutMs,
        .run_time_s = from->runTimeSeconds,
        .inactivity_s = from->inactivitySeconds,
        .child_processes = from->childProcesses,
        .memory_kib = from->memoryKiB,
    };
}

static void copy_command(struct wsm_cli_command_info *to, const WSMAN_EXT_COMMAND *from)
{
    *to = (struct wsm_cli_command_info){
        .id = copy(from->commandId),
        .line = copy(from->commandLine),
        .state = copy(from->state),
        .has_exit_code = from->hasExitCode != FALSE,
        .exit_code = from->exitCode,
    };
    for (DWORD i = 0; i < from->streamCount && i < WSM_CLI_LISTING_STREAMS; i++)
        to->streams[to->stream_count++] = (struct wsm_cli_stream_info){
            .name = copy(from->streams[i].name),
            .confirmed = from->streams[i].confirmed,
            .served = from->streams[i].served,
            .served_again = from->streams[i].servedAgain,
            .end = from->streams[i].end,
            .dropped = from->streams[i].dropped,
        };
}

static void finish(struct wsm_cli_listing *listing, const WSMAN_ERROR *error,
                   WSMAN_OPERATION_HANDLE operation)
{
    if (operation != NULL)
        WSManCloseOperation(operation, 0);
    wsm_cli_await_post(listing->events, error);
}

static void CALLBACK on_shells(PVOID context, DWORD flags, WSMAN_ERROR *error,
                               WSMAN_OPERATION_HANDLE operation, const WSMAN_EXT_LIST *list)
{
    struct wsm_cli_listing *listing = context;

    (void)flags;
    if (error->code == 0 && list != NULL) {
        listing->shells = wsm_cli_alloc(list->shellCount, sizeof(*listing->shells));
        for (DWORD i = 0; i < list->shellCount; i++)
            copy_shell(&listing->shells[listing->shell_count++], &list->shells[i]);
    }
    finish(listing, error, operation);
}

static void CALLBACK on_commands(PVOID context, DWORD flags, WSMAN_ERROR *error,
                                 WSMAN_OPERATION_HANDLE operation, const WSMAN_EXT_LIST *list)
{
    struct wsm_cli_listing *listing = context;
    struct wsm_cli_shell_info *shell = listing->asked;

    (void)flags;
    if (error->code == 0 && list != NULL) {
        shell->commands = wsm_cli_alloc(list->commandCount, sizeof(*shell->commands));
        for (DWORD i = 0; i < list->commandCount; i++)
            copy_command(&shell->commands[shell->command_count++], &list->commands[i]);
    }
    finish(listing, error, operation);
}

int wsm_cli_listing_get(struct wsm_cli_listing *listing, const struct wsm_cli_session *session,
                        struct wsm_cli_events *events)
{
    WSMAN_OPERATION_HANDLE operation;
    uint32_t code;

    *listing = (struct wsm_cli_listing){ .events = events };
    WSManExtListShells(session->handle, 0, listing, on_shells, &operation);
    return wsm_cli_await(session, events, 0, &code);
}

int wsm_cli_listing_get_commands(struct wsm_cli_listing *listing,
                                 const struct wsm_cli_session *session,
                                 struct wsm_cli_shell_info *shell, bool *out_is_gone)
{
    PWSTR id = wsm_cli_utf16("a shell id", shell->id);
    WSMAN_OPERATION_HANDLE operation;
    uint32_t code = 0;
    int status;

    if (id == NULL)
        return WSM_CLI_PROTOCOL;
    listing->asked = shell;
    WSManExtListCommands(session->handle, 0, id, listing, on_commands, &operation);
    status = wsm_cli_await(session, listing->events, ERROR_WSMAN_UNEXPECTED_SELECTORS, &code);
    WSManExtFree(id);
    *out_is_gone = code == ERROR_WSMAN_UNEXPECTED_SELECTORS;
    return status;
}

static void clear_command(struct wsm_cli_command_info *command)
{
    for (size_t i = 0; i < command->stream_count; i++)
        free(command->streams[i].name);
    free(command->id);
    free(command->line);
    free(command->state);
}

static void clear_shell(struct wsm_cli_shell_info *shell)
{
    for (size_t i = 0; i < shell->command_count; i++)
        clear_command(&shell->commands[i]);
    free(shell->commands);
    free(shell->id);
    free(shell->name);
    free(shell->resource_uri);
    free(shell->owner);
    free(shell->client_ip);
    free(shell->state);
    free(shell->buffer_mode);
    free(shell->holder);
}

void wsm_cli_listing_remove(struct wsm_cli_listing *listing, struct wsm_cli_shell_info *shell)
{
    size_t behind = (size_t)(listing->shells + listing->shell_count - shell) - 1;

    clear_shell(shell);
    memmove(shell, shell + 1, behind * sizeof(*shell));
    listing->shell_count--;
}

void wsm_cli_listing_clear(struct wsm_cli_listing *listing)
{
    for (size_t i = 0; i < listing->shell_count; i++)
        clear_shell(&listing->shells[i]);
    free(listing->shells);
    *listing = (struct wsm_cli_listing){ 0 };
}
