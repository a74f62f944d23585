/* Starts a command on another machine and lets go of it: the command runs on, its output waits
 * there. Prints the ids of shell and command, with which attach goes on, here or elsewhere.
 *
 * Linux:    cc detach.c -o detach $(pkg-config --cflags --libs libwsmsvc)
 * Windows:  x86_64-w64-mingw32-gcc detach.c -o detach.exe -lwsmsvc -lole32
 * Run:      WSMAN_PASSWORD=... ./detach http://127.0.0.1:5985 alice 'sleep 60; date'
 *
 * winrmd can do this with every shell, Windows only with those of PowerShell. */
#define WSMAN_API_VERSION_1_1
#include "portable.h"
#include "remote.h"

/* A random id, as text. */
static void make_id(char *out, size_t size)
{
    GUID id;

    if (CoCreateGuid(&id) != 0) {
        fprintf(stderr, "no random id\n");
        exit(2);
    }
    snprintf(out, size, "%08X-%04X-%04X-%02X%02X-%02X%02X%02X%02X%02X%02X", (unsigned)id.Data1,
             id.Data2, id.Data3, id.Data4[0], id.Data4[1], id.Data4[2], id.Data4[3], id.Data4[4],
             id.Data4[5], id.Data4[6], id.Data4[7]);
}

/* Starts the command and disconnects its shell; TRUE if both succeeded. */
static BOOL start(WSMAN_SHELL_HANDLE shell, PCWSTR command_id, PCWSTR command_line)
{
    WSMAN_COMMAND_HANDLE command;
    struct call call;
    BOOL has_started;

    call_init(&call);
    WSManRunShellCommandEx(shell, 0, command_id, command_line, NULL, NULL, &call.async, &command);
    has_started = call_wait(&call, "start the command");
    if (has_started) {
        /* Output beyond what the server can keep: the command waits, nothing is lost. */
        WSManDisconnectShell(shell, WSMAN_FLAG_SERVER_BUFFERING_MODE_BLOCK, NULL, &call.async);
        has_started = call_wait(&call, "disconnect");
    }
    /* Of a command in a disconnected shell this frees the handle and no more. */
    if (command != NULL) { /* NULL: the command line is empty */
        WSManCloseCommand(command, 0, &call.async);
        call_wait(&call, "close the command");
    }
    call_clear(&call);
    return has_started;
}

int main(int argc, char **argv)
{
    char shell_id[40];
    char command_id[40];
    struct remote remote;
    struct call create;
    struct call close_shell;
    WSMAN_SHELL_HANDLE shell;
    PWSTR wide_shell_id;
    PWSTR wide_command_id;
    PWSTR command_line;
    int status = 2;

    if (argc != 4) {
        fprintf(stderr, "usage: detach ADDRESS USER COMMAND\n");
        return 2;
    }
    if (!remote_open(&remote, argv[1], argv[2]))
        return 2;
    make_id(shell_id, sizeof(shell_id));
    make_id(command_id, sizeof(command_id));
    wide_shell_id = wide_text(shell_id);
    wide_command_id = wide_text(command_id);
    command_line = wide_text(argv[3]);
    call_init(&create);
    call_init(&close_shell);
    WSManCreateShellEx(remote.session, 0, WSMAN_CMDSHELL_URI, wide_shell_id, NULL, NULL, NULL,
                       &create.async, &shell);
    if (!call_wait(&create, "create a shell")) {
        status = 2;
    } else if ((create.flags & WSMAN_FLAG_CALLBACK_SHELL_SUPPORTS_DISCONNECT) == 0) {
        fprintf(stderr, "this server cannot disconnect such a shell\n");
    } else if (start(shell, wide_command_id, command_line)) {
        printf("%s %s\n", shell_id, command_id);
        status = printed_all() ? 0 : 2;
        if (status != 0)
            fprintf(stderr, "shell %s, command %s\n", shell_id, command_id);
    }
    /* Frees the handle; a shell that is still connected ends, too. */
    if (shell != NULL) {
        WSManCloseShell(shell, 0, &close_shell.async);
        call_wait(&close_shell, "close the shell");
    }
    remote_close(&remote);
    call_clear(&close_shell);
    call_clear(&create);
    free(command_line);
    free(wide_command_id);
    free(wide_shell_id);
    return status;
}
