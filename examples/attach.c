/* Goes on with a command that detach has left on another machine: its output from the first byte
 * that nobody has received, then its exit code. Then the shell is deleted.
 *
 * Linux:    cc attach.c -o attach $(pkg-config --cflags --libs libwsmsvc)
 * Windows:  x86_64-w64-mingw32-gcc attach.c -o attach.exe -lwsmsvc -lole32
 * Run:      WSMAN_PASSWORD=... ./attach http://127.0.0.1:5985 alice SHELL-ID COMMAND-ID
 *
 * The user must be the same, the machine need not. */
#define WSMAN_API_VERSION_1_1
#include "portable.h"
#include "remote.h"

/* The exit code of the command, or 2. */
static int go_on(WSMAN_SHELL_HANDLE shell, PCWSTR command_id, struct call *connect)
{
    WSMAN_COMMAND_HANDLE command;
    struct call call;
    struct output output;
    int status = 2;

    call_init(&call);
    WSManConnectShellCommand(shell, 0, command_id, NULL, NULL, &call.async, &command);
    if (call_wait(&call, "connect to the command")) {
        output_begin(&output, shell, command);
        status = output_end(&output, connect);
    }
    if (command != NULL) { /* NULL: the id is none */
        WSManCloseCommand(command, 0, &call.async);
        call_wait(&call, "close the command");
    }
    call_clear(&call);
    return status;
}

int main(int argc, char **argv)
{
    struct remote remote;
    struct call connect;
    struct call close_shell;
    WSMAN_SHELL_HANDLE shell;
    PWSTR shell_id;
    PWSTR command_id;
    int status = 2;

    if (argc != 5) {
        fprintf(stderr, "usage: attach ADDRESS USER SHELL-ID COMMAND-ID\n");
        return 2;
    }
    if (!remote_open(&remote, argv[1], argv[2]))
        return 2;
    shell_id = wide_text(argv[3]);
    command_id = wide_text(argv[4]);
    call_init(&connect);
    call_init(&close_shell);
    WSManConnectShell(remote.session, 0, WSMAN_CMDSHELL_URI, shell_id, NULL, NULL, &connect.async,
                      &shell);
    if (call_wait(&connect, "connect to the shell"))
        status = go_on(shell, command_id, &connect);
    if (shell != NULL) { /* NULL: the id is none */
        WSManCloseShell(shell, 0, &close_shell.async);
        call_wait(&close_shell, "close the shell");
    }
    remote_close(&remote);
    call_clear(&close_shell);
    call_clear(&connect);
    free(command_id);
    free(shell_id);
    return status;
}
