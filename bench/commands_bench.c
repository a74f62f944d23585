/* Commands per second on one open shell, through the public API, and what bounds them.
 *
 * Usage: bench_commands service ADDRESS:PORT USER PASSWORD-FILE COUNT
 *        bench_commands floor PORT COUNT
 *        bench_commands spawn COUNT
 * service: run `true`, receive until Done, close, COUNT times. floor: the same three
 * exchanges against bench_floor, which starts `sh -c true` and waits for it. spawn: a
 * bare loop of starting `sh -c true` and waiting. Prints commands per second. */
#include "stopwatch.h"

#define WSMAN_API_VERSION_1_1
#include <wsman.h>
#include <wsmext.h>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <semaphore.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "bench_commands: %s\n", what);
    exit(1);
}

/* --- service ---------------------------------------------------------------------- */

static void CALLBACK on_end(PVOID context, DWORD flags, WSMAN_ERROR *error,
                            WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                            WSMAN_OPERATION_HANDLE operation, WSMAN_RESPONSE_DATA *data)
{
    (void)shell;
    (void)command;
    (void)operation;
    (void)data;
    if (error->code != 0) {
        fprintf(stderr, "bench_commands: error %u\n", error->code);
        exit(1);
    }
    if (flags & WSMAN_FLAG_CALLBACK_END_OF_OPERATION)
        sem_post(context);
}

static void wait_for(sem_t *done)
{
    while (sem_wait(done) < 0)
        ;
}

static double run_commands(WSMAN_SHELL_HANDLE shell, WSMAN_SHELL_ASYNC *async, sem_t *done,
                           size_t count)
{
    PWSTR line = WSManExtUtf8ToUtf16("true");
    int64_t start = now_ns();
    size_t i;

    for (i = 0; i < count; i++) {
        WSMAN_COMMAND_HANDLE command;
        WSMAN_OPERATION_HANDLE receive;

        WSManRunShellCommand(shell, 0, line, NULL, NULL, async, &command);
        wait_for(done);
        WSManReceiveShellOutput(shell, command, 0, NULL, async, &receive);
        wait_for(done);
        WSManCloseOperation(receive, 0);
        WSManCloseCommand(command, 0, async);
        wait_for(done);
    }
    WSManExtFree(line);
    return (double)count * 1e9 / (double)(now_ns() - start);
}

static void bench_service(const char *host, const char *user, const char *password_file,
                          size_t count)
{
    WSMAN_API_HANDLE api;
    WSMAN_SESSION_HANDLE session;
    WSMAN_SHELL_HANDLE shell;
    WSMAN_AUTHENTICATION_CREDENTIALS credentials = {
        .authenticationMechanism = WSMAN_FLAG_AUTH_BASIC
    };
    WSMAN_DATA yes = { .type = WSMAN_DATA_TYPE_DWORD, .number = 1 };
    sem_t done;
    WSMAN_SHELL_ASYNC async = { .operationContext = &done, .completionFunction = on_end };
    char password[128];
    FILE *file = fopen(password_file, "re");

    if (file == NULL || fgets(password, sizeof(password), file) == NULL)
        die("cannot read the password file");
    fclose(file);
    password[strcspn(password, "\n")] = '\0';
    sem_init(&done, 0, 0);
    credentials.userAccount.username = WSManExtUtf8ToUtf16(user);
    credentials.userAccount.password = WSManExtUtf8ToUtf16(password);
    if (WSManInitialize(WSMAN_FLAG_REQUESTED_API_VERSION_1_1, &api) != 0 ||
        WSManCreateSession(api, WSManExtUtf8ToUtf16(host), 0, &credentials, NULL, &session) != 0 ||
        WSManSetSessionOption(session, WSMAN_OPTION_UNENCRYPTED_MESSAGES, &yes) != 0)
        die("cannot create the session");
    WSManCreateShell(session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &async, &shell);
    wait_for(&done);
    run_commands(shell, &async, &done, count / 10 + 1); /* warm-up */
    printf("%.0f\n", run_commands(shell, &async, &done, count));
    WSManCloseShell(shell, 0, &async);
    wait_for(&done);
    WSManCloseSession(session, 0);
    WSManDeinitialize(api, 0);
}

/* --- floor and bare loop ------------------------------------------------------------ */

enum { FLOOR_BODY = 700 }; /* ANSWER_BODY of floor.c */

static void floor_exchange(int fd, const char *target)
{
    char request[1400];
    char answer[2048];
    int head = snprintf(request, sizeof(request),
                        "POST /%s HTTP/1.1\r\nContent-Length: 1200\r\n\r\n", target);
    size_t len = (size_t)head + 1200;
    const char *head_end;
    size_t got = 0;

    memset(request + head, 'x', 1200);
    if (send(fd, request, len, MSG_NOSIGNAL) != (ssize_t)len)
        die("short write");
    do {
        ssize_t n = recv(fd, answer + got, sizeof(answer) - got, 0);

        if (n <= 0)
            die("the floor is gone");
        got += (size_t)n;
        head_end = memmem(answer, got, "\r\n\r\n", 4);
    } while (head_end == NULL || got < (size_t)(head_end - answer) + 4 + FLOOR_BODY);
}

static void bench_floor(int port, size_t count)
{
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int one = 1;
    int64_t start;
    size_t i;

    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
        die("cannot connect to the floor");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    start = now_ns();
    for (i = 0; i < count; i++) {
        floor_exchange(fd, "run");
        floor_exchange(fd, "wait");
        floor_exchange(fd, "ping");
    }
    printf("%.0f\n", (double)count * 1e9 / (double)(now_ns() - start));
}

static void bench_spawn(size_t count)
{
    static char *const argv[] = { (char *)"sh", (char *)"-c", (char *)"true", NULL };
    int64_t start = now_ns();
    size_t i;

    for (i = 0; i < count; i++) {
        pid_t pid;

        if (posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ) != 0 ||
            waitpid(pid, NULL, 0) != pid)
            die("cannot spawn");
    }
    printf("%.0f\n", (double)count * 1e9 / (double)(now_ns() - start));
}

int main(int argc, char **argv)
{
    if (argc == 6 && strcmp(argv[1], "service") == 0)
        bench_service(argv[2], argv[3], argv[4], strtoul(argv[5], NULL, 10));
    else if (argc == 4 && strcmp(argv[1], "floor") == 0)
        bench_floor((int)strtol(argv[2], NULL, 10), strtoul(argv[3], NULL, 10));
    else if (argc == 3 && strcmp(argv[1], "spawn") == 0)
        bench_spawn(strtoul(argv[2], NULL, 10));
    else
        die("usage: see the top of bench/commands_bench.c");
    return 0;
}
