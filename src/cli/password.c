/* Reads the password from a file, the environment or the terminal. Main thread, before
 * the library starts. */
#include "password.h"

#include "events.h"
#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

void wsm_cli_password_wipe(struct wsm_cli_password *password)
{
    explicit_bzero(password, sizeof(*password));
}

void wsm_cli_password_forget_environment(void)
{
    char *value = getenv(WSM_CLI_PASSWORD_VARIABLE);

    if (value == NULL)
        return;
    explicit_bzero(value, strlen(value));
    unsetenv(WSM_CLI_PASSWORD_VARIABLE);
}

bool wsm_cli_password_read_line(int fd, struct wsm_cli_password *out)
{
    struct wsm_cli_password line = { .text = "" };
    size_t len = 0;
    bool ok = false;

    for (;;) {
        char c;
        ssize_t got = read(fd, &c, 1); /* one by one: what follows is not ours */

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            goto out;
        if (got == 0 || c == '\n')
            break;
        if (c == '\0' || len == WSM_CLI_PASSWORD_MAX) {
            errno = c == '\0' ? EILSEQ : EMSGSIZE;
            goto out;
        }
        line.text[len++] = c;
    }
    if (len != 0 && line.text[len - 1] == '\r')
        line.text[len - 1] = '\0';
    *out = line;
    ok = true;
out:
    wsm_cli_password_wipe(&line);
    return ok;
}

/* What is wrong, as errno has it. */
static const char *line_error(void)
{
    switch (errno) {
    case EMSGSIZE:
        return "the password is longer than 1024 bytes";
    case EILSEQ:
        return "the password holds a NUL byte";
    default:
        return strerror(errno);
    }
}

static int from_file(const char *name, struct wsm_cli_password *out)
{
    bool is_stdin = strcmp(name, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    bool ok;

    if (fd < 0)
        return wsm_cli_fail(WSM_CLI_USAGE, "password file %s: %s", name, strerror(errno));
    ok = wsm_cli_password_read_line(fd, out);
    if (!ok)
        wsm_cli_fail(WSM_CLI_USAGE, "password file %s: %s", name, line_error());
    if (!is_stdin)
        close(fd);
    return ok ? WSM_CLI_OK : WSM_CLI_USAGE;
}

static int from_environment(const char *value, struct wsm_cli_password *out)
{
    size_t len = strlen(value);

    if (len > WSM_CLI_PASSWORD_MAX)
        return wsm_cli_fail(WSM_CLI_USAGE, WSM_CLI_PASSWORD_VARIABLE " is longer than 1024 bytes");
    memcpy(out->text, value, len + 1);
    return WSM_CLI_OK;
}

static int read_terminal(int tty, struct wsm_cli_signals *signals, struct wsm_cli_password *out)
{
    unsigned ready = wsm_cli_wait(-1, signals->fd, tty, 0);

    if ((ready & WSM_CLI_READY_SIGNAL) != 0) {
        int number = wsm_cli_signals_take(signals);

        if (number != 0)
            return WSM_CLI_SIGNAL + number;
    }
    if (!wsm_cli_password_read_line(tty, out))
        return wsm_cli_fail(WSM_CLI_USAGE, "terminal: %s", line_error());
    return WSM_CLI_OK;
}

static int from_terminal(const char *user, const char *host, struct wsm_cli_signals *signals,
                         struct wsm_cli_password *out)
{
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    struct termios before;
    struct termios silent;
    int status;

    if (tty < 0 || tcgetattr(tty, &before) != 0) {
        if (tty >= 0)
            close(tty);
        return wsm_cli_fail(WSM_CLI_AUTHENTICATION,
                            "%s: no password, and no terminal to ask on: use --password-file "
                            "or " WSM_CLI_PASSWORD_VARIABLE,
                            host);
    }
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(tty, TCSAFLUSH, &silent);
    dprintf(tty, "%s@%s's password: ", user, host);
    status = read_terminal(tty, signals, out);
    tcsetattr(tty, TCSAFLUSH, &before);
    dprintf(tty, "\n");
    close(tty);
    return status;
}

int wsm_cli_password_get(const struct wsm_cli_options *options, const char *user, const char *host,
                         struct wsm_cli_signals *signals, struct wsm_cli_password *out)
{
    const char *value = getenv(WSM_CLI_PASSWORD_VARIABLE);
    int status;

    if (options->password_file != NULL)
        status = from_file(options->password_file, out);
    else if (value != NULL)
        status = from_environment(value, out);
    else
        status = from_terminal(user, host, signals, out);
    wsm_cli_password_forget_environment();
    return status;
}
