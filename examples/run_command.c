/* Runs a command on another machine: what it writes on both its streams comes out here, each on
 * its own, and this program ends with its exit code.
 *
 * Linux:    cc run_command.c -o run_command $(pkg-config --cflags --libs libwsmsvc)
 * Windows:  x86_64-w64-mingw32-gcc run_command.c -o run_command.exe -lwsmsvc -lole32
 * Run:      WSMAN_PASSWORD=... ./run_command http://127.0.0.1:5985 alice 'uname -a'
 *
 * Every call is waited for, so all is said in the order in which it happens. Ctrl-C ends this
 * program only: the shell stays on the server until its idle time-out. */
#define WSMAN_API_VERSION_1_1
#include "portable.h"
#include "remote.h"

/* The exit code of the command, or 2. */
static int run(WSMAN_SHELL_HANDLE shell, PCWSTR command_line, struct call *create)
{
    WSMAN_COMMAND_HANDLE command;
    struct call call;
    struct output output;
    int status = 2;

    call_init(&call);
    WSManRunShellCommand(shell, 0, command_line, NULL, NULL, &call.async, &command);
    if (call_wait(&call, "start the command")) {
        output_begin(&output, shell, command);
        status = output_end(&output, create);
    }
    /* A handle is closed even if the call that made it has failed; after wrong arguments, such as
     * an empty command line, there is none. */
    if (command != NULL) {
        WSManCloseCommand(command, 0, &call.async);
        call_wait(&call, "close the command");
    }
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
        status = run(shell, command_line, &create);
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
