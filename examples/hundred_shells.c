/* A hundred shells at once in one process, with a command in each. Nothing waits but main: every
 * step is begun by the callback of the step before, on threads of the library, which need not be
 * as many as there are shells.
 *
 * Linux:    cc hundred_shells.c -o hundred_shells $(pkg-config --cflags --libs libwsmsvc)
 * Windows:  x86_64-w64-mingw32-gcc hundred_shells.c -o hundred_shells.exe -lwsmsvc -lole32
 * Run:      WSMAN_PASSWORD=... ./hundred_shells http://127.0.0.1:5985 alice
 *
 * The server has to allow it: MaxShellsPerUser, 30 by default. */
#define WSMAN_API_VERSION_1_1
#include "portable.h"
#include "remote.h"

enum { SHELL_COUNT = 100 };

/* One shell. Its callbacks come one after the other, so nothing here needs a lock. */
struct job {
    WSMAN_SHELL_ASYNC create; /* one for each step: news about the connection come to the first */
    WSMAN_SHELL_ASYNC run;
    WSMAN_SHELL_ASYNC get;
    WSMAN_SHELL_ASYNC close_command;
    WSMAN_SHELL_ASYNC close_shell;
    WSMAN_SHELL_HANDLE shell;
    WSMAN_COMMAND_HANDLE command;
    WSMAN_OPERATION_HANDLE receive;
    PWSTR command_line; /* owned, free() */
    char output[64];
    DWORD output_size;
    DWORD exit_code;
    DWORD code;   /* the first error */
    BOOL is_lost; /* its server was not reached for too long */
};

static struct job jobs[SHELL_COUNT];
static volatile LONG jobs_left = SHELL_COUNT;
static HANDLE all_done;

static void note(struct job *job, const WSMAN_ERROR *error)
{
    if (job->code == 0)
        job->code = error->code;
}

static WSMAN_SHELL_ASYNC *step(struct job *job, WSMAN_SHELL_ASYNC *async,
                               WSMAN_SHELL_COMPLETION_FUNCTION function)
{
    async->operationContext = job;
    async->completionFunction = function;
    return async;
}

static void CALLBACK on_shell_closed(PVOID context, DWORD flags, WSMAN_ERROR *error,
                                     WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                                     WSMAN_OPERATION_HANDLE operation, WSMAN_RESPONSE_DATA *data)
{
    (void)flags;
    (void)shell;
    (void)command;
    (void)operation;
    (void)data;
    note(context, error);
    if (InterlockedDecrement(&jobs_left) == 0)
        SetEvent(all_done);
}

static void CALLBACK on_command_closed(PVOID context, DWORD flags, WSMAN_ERROR *error,
                                       WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                                       WSMAN_OPERATION_HANDLE operation, WSMAN_RESPONSE_DATA *data)
{
    struct job *job = context;

    (void)flags;
    (void)shell;
    (void)command;
    (void)operation;
    (void)data;
    note(job, error);
    WSManCloseShell(job->shell, 0, step(job, &job->close_shell, on_shell_closed));
}

static void CALLBACK on_piece(PVOID context, DWORD flags, WSMAN_ERROR *error,
                              WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                              WSMAN_OPERATION_HANDLE operation, WSMAN_RESPONSE_DATA *data)
{
    struct job *job = context;

    (void)shell;
    (void)command;
    note(job, error);
    if (error->code == 0 && data != NULL) {
        const WSMAN_RECEIVE_DATA_RESULT *piece = &data->receiveData;
        DWORD room = (DWORD)sizeof(job->output) - 1 - job->output_size;
        DWORD size = piece->streamId != NULL ? piece->streamData.binaryData.dataLength : 0;

        if (size > room)
            size = room;
        if (size != 0)
            memcpy(job->output + job->output_size, piece->streamData.binaryData.data, size);
        job->output_size += size;
        if (piece->commandState != NULL && same_text(piece->commandState, WSMAN_COMMAND_STATE_DONE))
            job->exit_code = piece->exitCode;
    }
    if ((flags & WSMAN_FLAG_CALLBACK_END_OF_OPERATION) != 0 || error->code != 0) {
        if (!job->is_lost)
            WSManCloseOperation(operation, 0);
        job->receive = NULL;
        WSManCloseCommand(job->command, 0, step(job, &job->close_command, on_command_closed));
    }
}

static void CALLBACK on_started(PVOID context, DWORD flags, WSMAN_ERROR *error,
                                WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                                WSMAN_OPERATION_HANDLE operation, WSMAN_RESPONSE_DATA *data)
{
    struct job *job = context;

    (void)flags;
    (void)operation;
    (void)data;
    note(job, error);
    job->command = command; /* this may run before the call that stores it has returned */
    if (error->code == 0)
        WSManReceiveShellOutput(shell, command, 0, NULL, step(job, &job->get, on_piece),
                                &job->receive);
    else
        WSManCloseCommand(job->command, 0, step(job, &job->close_command, on_command_closed));
}

static void CALLBACK on_created(PVOID context, DWORD flags, WSMAN_ERROR *error,
                                WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                                WSMAN_OPERATION_HANDLE operation, WSMAN_RESPONSE_DATA *data)
{
    struct job *job = context;

    (void)command;
    (void)operation;
    (void)data;
    if ((flags & WSMAN_FLAG_CALLBACK_END_OF_OPERATION) == 0 && error->code == 0) {
        /* News about the connection, which the library repairs by itself. When it has given up, all
         * that goes on ends with an error, except a Receive, which sleeps and has to be ended. */
        if (flags == WSMAN_FLAG_CALLBACK_SHELL_AUTODISCONNECTED && job->receive != NULL) {
            job->is_lost = TRUE;
            WSManCloseOperation(job->receive, 0);
        }
        return;
    }
    note(job, error);
    job->shell = shell; /* this may run before the call that stores it has returned */
    if (error->code == 0)
        WSManRunShellCommand(shell, 0, job->command_line, NULL, NULL,
                             step(job, &job->run, on_started), &job->command);
    else
        WSManCloseShell(job->shell, 0, step(job, &job->close_shell, on_shell_closed));
}

/* Prints what came of all shells; how many went wrong. */
static int report(WSMAN_API_HANDLE api)
{
    DWORD code = 0;
    int failures = 0;

    for (int i = 0; i < SHELL_COUNT; i++) {
        struct job *job = &jobs[i];

        job->output[strcspn(job->output, "\r\n")] = '\0';
        if (job->is_lost) {
            printf("shell %d: the server is lost\n", i);
            failures++;
        } else if (job->code != 0 || job->exit_code != 0) {
            printf("shell %d: error 0x%08X, exit code %u\n", i, (unsigned)job->code,
                   (unsigned)job->exit_code);
            failures++;
            if (code == 0)
                code = job->code;
        } else {
            printf("shell %d: %s\n", i, job->output);
        }
        free(job->command_line);
    }
    printf("%d of %d shells went well\n", SHELL_COUNT - failures, SHELL_COUNT);
    if (code != 0)
        complain(api, "the first that did not", code);
    return printed_all() ? failures : SHELL_COUNT;
}

int main(int argc, char **argv)
{
    struct remote remote;
    char text[32];
    int failures;

    if (argc != 3) {
        fprintf(stderr, "usage: hundred_shells ADDRESS USER\n");
        return 2;
    }
    all_done = CreateEvent(NULL, TRUE, FALSE, NULL);
    if (all_done == NULL || !remote_open(&remote, argv[1], argv[2]))
        return 2;
    for (int i = 0; i < SHELL_COUNT; i++) {
        struct job *job = &jobs[i];

        snprintf(text, sizeof(text), "echo hello from %d", i);
        job->command_line = wide_text(text);
        WSManCreateShell(remote.session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL,
                         step(job, &job->create, on_created), &job->shell);
    }
    WaitForSingleObject(all_done, INFINITE);
    failures = report(remote.api);
    remote_close(&remote);
    CloseHandle(all_done);
    return failures == 0 ? 0 : 1;
}
