/* Runs a command on another machine: what it writes on both its streams comes out here, each on
 * its own, and this program ends with its exit code.
 *
 * Linux:    cc run_command.c -o run_command $(pkg-config --cflags --libs libwsmsvc)
 * Windows:  x86_64-w64-mingw32-gcc run_command.c -o run_command.exe -lwsmsvc -lole32
 * Run:      WSMAN_PASSWORD=... ./run_command http://127.0.0.1:5985 alice 'uname -a'
 *
 * Every call is waited for, so all is said in the order in which it happens. */
#define WSMAN_API_VERSION_1_1
#include "portable.h"
#include "remote.h"

/* The exit code of the command, or 2. */
static int run(WSMAN_SHELL_HANDLE shell, PCWSTR command_line)
{
    WSMAN_COMMAND_HANDLE command;
    WSMAN_OPERATION_HANDLE receive;
    struct call call;
    struct output output;
    int status = 2;

    call_init(&call);
    output_init(&output);
    WSManRunShellCommand(shell, 0, command_line, NULL, NULL, &call.async, &command);
    if (call_wait(&call, "start the command")) {
        /* One call for all output: the library asks the server again and again. */
        WSManReceiveShellOutput(shell, command, 0, NULL, &output.call.async, &receive);
        if (call_wait(&output.call, "receive the output"))
            status = (int)output.exit_code;
        WSManCloseOperation(receive, 0);
    }
    /* A handle is closed even if the call that made it has failed. */
    WSManCloseCommand(command, 0, &call.async);
    call_wait(&call, "close the command");
    call_clear(&output.call);
    call_clear(&call);
    return status;
}

int main(int argc, char **argv)
{
    struct remote remote;
    struct call create;
    struct call close_shell;
    WSMAN_SHELL_HANDLE shell;
    PWSTR command_line;
    int status = 2;

    if (argc != 4) {
        fprintf(stderr, "usage: run_command ADDRESS USER COMMAND\n");
        return 2;
    }
    if (!remote_open(&remote, argv[1], argv[2]))
        return 2;
    command_line = wide_text(argv[3]);
    call_init(&create);
    call_init(&close_shell);
    WSManCreateShell(remote.session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &create.async,
                     &shell);
    if (call_wait(&create, "create a shell"))
        status = run(shell, command_line);
    WSManCloseShell(shell, 0, &close_shell.async);
    call_wait(&close_shell, "close the shell");
    remote_close(&remote);
    call_clear(&close_shell);
    call_clear(&create);
    free(command_line);
    return status;
}
