/* winrmc: remote commands over WinRM. Reads which verb is wanted and calls it. */
#include "message.h"
#include "options.h"
#include "password.h"
#include "signals.h"
#include "verbs.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct verb {
    const char *name;
    unsigned scopes;
    int (*run)(const struct wsm_cli_options *options, struct wsm_cli_signals *signals);
};

#define FOLLOW (WSM_CLI_SCOPE_CONNECT | WSM_CLI_SCOPE_FOLLOW)
#define BY_ID  (WSM_CLI_SCOPE_CONNECT | WSM_CLI_SCOPE_ID)

static const struct verb verbs[] = {
    { "run", FOLLOW | WSM_CLI_SCOPE_COMMAND | WSM_CLI_SCOPE_INPUT | WSM_CLI_SCOPE_KEEP,
      wsm_cli_run },
    { "ps", WSM_CLI_SCOPE_CONNECT | WSM_CLI_SCOPE_LIST, wsm_cli_ps },
    { "attach", FOLLOW | BY_ID | WSM_CLI_SCOPE_INPUT | WSM_CLI_SCOPE_TAKE | WSM_CLI_SCOPE_RESUME,
      wsm_cli_attach },
    { "wait", FOLLOW | BY_ID | WSM_CLI_SCOPE_TAKE | WSM_CLI_SCOPE_RESUME, wsm_cli_wait_verb },
    { "detach", BY_ID | WSM_CLI_SCOPE_KEEP, wsm_cli_detach },
    { "kill", BY_ID | WSM_CLI_SCOPE_TAKE, wsm_cli_kill },
    { "id", WSM_CLI_SCOPE_CONNECT, wsm_cli_id },
};

static const char usage[] =
    "usage: winrmc [-v] run [OPTION]... HOST -- COMMAND [ARGUMENT]...\n"
    "       winrmc [-v] run --detach [OPTION]... HOST -- COMMAND [ARGUMENT]...\n"
    "       winrmc [-v] ps [--json] [OPTION]... HOST\n"
    "       winrmc [-v] attach|wait [--take] [--resume-at OUT[,ERR]] [OPTION]... HOST ID\n"
    "       winrmc [-v] detach|kill [OPTION]... HOST ID\n"
    "       winrmc [-v] id [OPTION]... HOST\n"
    "       winrmc [-v] --local run [OPTION]... -- COMMAND [ARGUMENT]...\n"
    "       winrmc [-v] --local id\n"
    "       winrmc help | --help | --version\n"
    "\n"
    "HOST is [USER@]NAME[:PORT], [USER@][IPV6][:PORT] or a URL; the port is 5985.\n"
    "ID is a SHELL or SHELL/COMMAND as ps shows them, or their first 4 characters or more.\n"
    "With --local a private service runs for this one call, and there is no HOST.\n"
    "\n"
    "  -u, --user NAME          log in as NAME (default: USER of HOST, else $USER)\n"
    "      --password-file FILE read the password from the first line of FILE;\n"
    "                           else from $WINRMC_PASSWORD, else from the terminal\n"
    "      --unencrypted        allow plain HTTP to a host that is not loopback\n"
    "      --timeout TIME       end the call after that time, with exit code 124\n"
    "  -v, --verbose            say what happens; ps: show the offsets of the output\n"
    "\n"
    "  -C, --directory DIR      start the command in DIR\n"
    "  -e, --env NAME=VALUE     set a variable for the command; may be repeated\n"
    "      --exec               pass the arguments untouched, without a shell\n"
    "      --detach             leave the command running, and print the shell's id\n"
    "      --buffer drop|block  when nobody is attached and the buffer is full, drop the\n"
    "                           oldest output, or let the command wait\n"
    "      --idle-timeout TIME  let the server end the shell when idle that long\n"
    "  -n, --no-stdin           run: the command reads an empty input; attach: it keeps its own\n"
    "      --take               take the shell from the client that holds it\n"
    "      --resume-at OUT[,ERR]  go on behind so many bytes of the output\n"
    "      --on-hangup detach|kill  at SIGHUP and SIGTERM leave the command, or end it\n"
    "      --retry-time TIME    how long to try again when the link is lost\n"
    "TIME is in seconds, or has a unit: 90, 1.5, 30m, 1h, 2d.\n"
    "\n"
    "The exit code is the command's; winrmc's own are 64 usage, 69 unreachable,\n"
    "70 protocol, 74 local output, 75 the command was left running, 77 authentication,\n"
    "124 time-out, 128+n signal n.\n";

/* A descriptor that the starter closed must not be taken by a socket of ours: it gets
 * one of the wrong direction, so that using it fails as it would have. */
static void fill_standard_descriptors(void)
{
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
            _exit(WSM_CLI_PROTOCOL);
}

static int print(const char *text)
{
    if (fputs(text, stdout) == EOF || fflush(stdout) == EOF)
        return wsm_cli_fail(WSM_CLI_LOCAL_IO, "standard output: %m");
    return WSM_CLI_OK;
}

static int run_verb(const struct verb *verb, struct wsm_cli_options *options, int argc, char **argv,
                    int index)
{
    struct wsm_cli_signals signals;
    int status = wsm_cli_options_read_verb(options, verb->scopes, argc, argv, index);

    if (status != WSM_CLI_OK)
        return status;
    if (options->is_help)
        return print(usage);
    if (options->is_version)
        return print("winrmc " WSM_VERSION "\n");
    if (!wsm_cli_signals_open(&signals))
        return wsm_cli_fail(WSM_CLI_PROTOCOL, "signals: %m");
    return verb->run(options, &signals);
}

static int dispatch(struct wsm_cli_options *options, int argc, char **argv)
{
    bool is_ended;
    int index = 1;
    int status = wsm_cli_options_read(options, WSM_CLI_SCOPE_GLOBAL, argc, argv, &index, &is_ended);

    if (status != WSM_CLI_OK)
        return status;
    if (options->is_version)
        return print("winrmc " WSM_VERSION "\n");
    if (options->is_help || (index < argc && strcmp(argv[index], "help") == 0))
        return print(usage);
    if (index >= argc)
        return wsm_cli_fail(WSM_CLI_USAGE,
                            "the verb is missing: run, ps, attach, wait, detach, kill, id or help");
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (strcmp(argv[index], verbs[i].name) == 0)
            return run_verb(&verbs[i], options, argc, argv, index + 1);
    return wsm_cli_fail(WSM_CLI_USAGE, "%s: no such verb; see winrmc --help", argv[index]);
}

/* Answers of half a MiB come and go: given back to the system each time, their pages
 * would have to be cleared anew for the next one. And the library's two threads make no
 * heaps of their own. */
static void keep_memory(void)
{
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_THRESHOLD, 2 * 1024 * 1024);
    mallopt(M_TRIM_THRESHOLD, 4 * 1024 * 1024);
}

int main(int argc, char **argv)
{
    struct wsm_cli_options options = { 0 };
    int status;

    keep_memory();
    fill_standard_descriptors();
    status = dispatch(&options, argc, argv);
    wsm_cli_options_clear(&options);
    if (status == WSM_CLI_SIGNAL + SIGPIPE)
        wsm_cli_signals_die_by_pipe();
    return status;
}
