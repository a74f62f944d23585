/* Talks with a command on another machine: each line typed here goes to its input, end of input
 * (Ctrl-D, on Windows Ctrl-Z and Enter) is end of its input, Ctrl-C is sent to it as a signal.
 * Where that cannot be done, because the server does not answer, a second Ctrl-C ends this program.
 *
 * Linux:    cc interactive.c -o interactive $(pkg-config --cflags --libs libwsmsvc) -pthread
 * Windows:  x86_64-w64-mingw32-gcc interactive.c -o interactive.exe -lwsmsvc -lole32
 * Run:      WSMAN_PASSWORD=... ./interactive http://127.0.0.1:5985 alice 'sort -r'
 *
 * One thread makes all calls and waits for whatever happens next. Another one only reads lines,
 * because a read cannot be waited for together with events. */
#define WSMAN_API_VERSION_1_1
#include "portable.h"
#include "remote.h"

/* Lines on their way from the thread that reads to the one that sends. */
struct reader {
    HANDLE ready; /* `line` has the next one, or `is_end` is set */
    HANDLE taken; /* it may be overwritten */
    char line[4096];
    DWORD size;
    BOOL is_end;
};

static HANDLE interrupted;    /* Ctrl-C was pressed */
static volatile LONG presses; /* of it, that were not sent yet */

static BOOL WINAPI on_console(DWORD type)
{
    return type == CTRL_C_EVENT && InterlockedIncrement(&presses) == 1 && SetEvent(interrupted);
}

/* Up to and with its end, or as much as there is room for; whatever bytes it has. */
static DWORD read_line(char *line, DWORD room)
{
    DWORD size = 0;
    int c = 0;

    while (size < room && c != '\n' && (c = getchar()) != EOF)
        line[size++] = (char)c;
    return size;
}

static DWORD WINAPI read_lines(PVOID argument)
{
    struct reader *reader = argument;

    while (!reader->is_end) {
        reader->size = read_line(reader->line, (DWORD)sizeof(reader->line));
        reader->is_end = reader->size == 0;
        SetEvent(reader->ready);
        WaitForSingleObject(reader->taken, INFINITE);
    }
    return 0;
}

static void send_line(WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command, struct reader *reader,
                      struct call *call, WSMAN_OPERATION_HANDLE *out_send)
{
    WSMAN_DATA data;

    data.type = WSMAN_DATA_TYPE_BINARY;
    data.binaryData.data = (BYTE *)reader->line;
    data.binaryData.dataLength = reader->size;
    WSManSendShellInput(shell, command, 0, WSMAN_STREAM_ID_STDIN, &data, reader->is_end,
                        &call->async, out_send);
}

static void send_ctrl_c(WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command)
{
    struct call call;
    WSMAN_OPERATION_HANDLE operation;

    call_init(&call);
    WSManSignalShell(shell, command, 0, WSMAN_SIGNAL_SHELL_CODE_CTRL_C, &call.async, &operation);
    call_wait(&call, "send Ctrl-C");
    WSManCloseOperation(operation, 0);
    call_clear(&call);
    InterlockedDecrement(&presses);
}

/* Passes on what happens until the output has ended, or is of no use any more. */
static void converse(WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command, struct output *output,
                     struct call *create, struct reader *reader, struct call *sent)
{
    const HANDLE events[] = { output->unwritten, create->lost, output->call.ended,
                              interrupted,       sent->ended,  reader->ready };
    WSMAN_OPERATION_HANDLE send = NULL;
    DWORD event;

    for (;;) {
        event = WaitForMultipleObjects(6, events, FALSE, INFINITE) - WAIT_OBJECT_0;
        switch (event) {
        case 3:
            send_ctrl_c(shell, command);
            break;
        case 4: /* the server has the line */
            WSManCloseOperation(send, 0);
            send = NULL;
            SetEvent(reader->taken);
            break;
        case 5:
            send_line(shell, command, reader, sent, &send);
            break;
        default: /* for output_end, which waits for the same; or waiting has failed */
            if (event < 3)
                SetEvent(events[event]);
            if (send != NULL)
                WSManCloseOperation(send, 0);
            return;
        }
    }
}

/* The exit code of the command, or 2. */
static int run(WSMAN_SHELL_HANDLE shell, PCWSTR command_line, struct call *create,
               struct reader *reader)
{
    WSMAN_COMMAND_HANDLE command;
    struct call call;
    struct call sent;
    struct output output;
    int status = 2;

    call_init(&call);
    call_init(&sent);
    WSManRunShellCommand(shell, 0, command_line, NULL, NULL, &call.async, &command);
    if (call_wait(&call, "start the command")) {
        output_begin(&output, shell, command);
        converse(shell, command, &output, create, reader, &sent);
        status = output_end(&output, create);
    }
    /* Completes after all that is pending for the command, so `sent` is free then. */
    if (command != NULL) { /* NULL: the command line is empty */
        WSManCloseCommand(command, 0, &call.async);
        call_wait(&call, "close the command");
    }
    call_clear(&sent);
    call_clear(&call);
    return status;
}

int main(int argc, char **argv)
{
    static struct reader reader; /* its thread may outlive main */
    struct remote remote;
    struct call create;
    struct call close_shell;
    WSMAN_SHELL_HANDLE shell;
    PWSTR command_line;
    HANDLE thread;
    int status = 2;

    if (argc != 4) {
        fprintf(stderr, "usage: interactive ADDRESS USER COMMAND\n");
        return 2;
    }
    interrupted = CreateEvent(NULL, FALSE, FALSE, NULL);
    reader.ready = CreateEvent(NULL, FALSE, FALSE, NULL);
    reader.taken = CreateEvent(NULL, FALSE, FALSE, NULL);
    if (interrupted == NULL || reader.ready == NULL || reader.taken == NULL ||
        !SetConsoleCtrlHandler(on_console, TRUE) || !remote_open(&remote, argv[1], argv[2]))
        return 2;
    command_line = wide_text(argv[3]);
    call_init(&create);
    call_init(&close_shell);
    WSManCreateShell(remote.session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &create.async,
                     &shell);
    if (call_wait(&create, "create a shell")) {
        thread = CreateThread(NULL, 0, read_lines, &reader, 0, NULL);
        if (thread != NULL) {
            status = run(shell, command_line, &create, &reader);
            CloseHandle(thread);
        }
    }
    if (shell != NULL) {
        WSManCloseShell(shell, 0, &close_shell.async);
        call_wait(&close_shell, "close the shell");
    }
    remote_close(&remote);
    call_clear(&close_shell);
    call_clear(&create);
    free(command_line);
    return status;
}
