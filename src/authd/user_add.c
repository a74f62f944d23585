/* `winrmd-auth user add`: a short-lived program of its own, on the terminal. */
#include "authd/user_add.h"

#include "auth/users.h"
#include "wsmerror.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* Room for one byte above the limit, so that too long is noticed and not cut. */
enum { LINE_ROOM = WSM_USER_PASSWORD_MAX + 2 };

/* The signal that ended the question; a handler can reach nothing else. */
static volatile sig_atomic_t signal_seen;

static void on_signal(int signal_number)
{
    signal_seen = signal_number;
}

/* One byte. With `listen` those signals, blocked elsewhere, may end the wait for it: had
 * they been open all the time, one just before read() would go unnoticed. */
static ssize_t read_byte(int fd, const sigset_t *listen, char *out)
{
    struct pollfd input = { .fd = fd, .events = POLLIN };
    ssize_t count;

    do {
        count = listen == NULL ? 1 : ppoll(&input, 1, NULL, listen);
        if (count == 1)
            count = read(fd, out, 1);
    } while (count < 0 && errno == EINTR && signal_seen == 0);
    return count;
}

/* Byte by byte: nothing may stay in a buffer of stdio, nor be taken from who reads next. */
static bool read_line(int fd, const sigset_t *listen, char line[LINE_ROOM], struct wsm_error *err)
{
    size_t len = 0;

    for (;;) {
        char byte;
        ssize_t count = read_byte(fd, listen, &byte);

        if (count < 0)
            return wsm_fail(err, ERROR_ACCESS_DENIED, "reading the password: %s", strerror(errno));
        if (count == 0 && len == 0)
            return wsm_fail(err, ERROR_INVALID_PARAMETER, "no password was given");
        if (count == 0 || byte == '\n')
            break;
        if (byte == '\0' || len == LINE_ROOM - 1)
            return wsm_fail(err, ERROR_INVALID_PARAMETER, "the password is longer than %d bytes",
                            WSM_USER_PASSWORD_MAX);
        line[len++] = byte;
    }
    if (len > 0 && line[len - 1] == '\r')
        len--;
    line[len] = '\0';
    return true;
}

static void say(const char *text)
{
    if (write(STDERR_FILENO, text, strlen(text)) < 0)
        return; /* a prompt that cannot be shown changes nothing */
}

static bool ask(const char *prompt, const sigset_t *listen, char line[LINE_ROOM],
                struct wsm_error *err)
{
    bool ok;

    say(prompt);
    ok = read_line(STDIN_FILENO, listen, line, err);
    say("\n");
    return ok;
}

static bool ask_twice(const sigset_t *listen, char password[LINE_ROOM], struct wsm_error *err)
{
    char again[LINE_ROOM];
    bool ok = ask("Password: ", listen, password, err) &&
              ask("Same password again: ", listen, again, err);

    if (ok && strcmp(password, again) != 0)
        ok = wsm_fail(err, ERROR_INVALID_PARAMETER, "the two passwords differ");
    explicit_bzero(again, sizeof(again));
    return ok;
}

/* Echo is off while we ask; a signal that would end us comes after it is on again. */
static bool ask_on_terminal(char password[LINE_ROOM], struct wsm_error *err)
{
    static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
    enum { SIGNALS = sizeof(signals) / sizeof(signals[0]) };
    struct sigaction note = { .sa_handler = on_signal }, before[SIGNALS]; /* no SA_RESTART */
    struct termios normal, silent;
    sigset_t blocked, listen;
    bool ok;

    if (tcgetattr(STDIN_FILENO, &normal) != 0)
        return wsm_fail(err, ERROR_ACCESS_DENIED, "terminal: %s", strerror(errno));
    sigemptyset(&blocked);
    for (size_t i = 0; i < SIGNALS; i++) {
        sigaddset(&blocked, signals[i]);
        sigaction(signals[i], &note, &before[i]);
    }
    sigprocmask(SIG_BLOCK, &blocked, &listen);
    silent = normal;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) != 0) {
        ok = wsm_fail(err, ERROR_ACCESS_DENIED, "terminal: %s", strerror(errno));
    } else {
        ok = ask_twice(&listen, password, err);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &normal);
    }
    sigprocmask(SIG_SETMASK, &listen, NULL);
    for (size_t i = 0; i < SIGNALS; i++)
        sigaction(signals[i], &before[i], NULL);
    if (signal_seen != 0) {
        explicit_bzero(password, LINE_ROOM);
        raise(signal_seen);
    }
    return ok;
}

bool wsm_user_add(const char *path, const char *name, struct wsm_error *err)
{
    char password[LINE_ROOM] = "";
    bool is_new = false;
    bool ok = wsm_user_name_check(wsm_span_str(name), err); /* before anyone types */

    if (ok)
        ok = isatty(STDIN_FILENO) ? ask_on_terminal(password, err)
                                  : read_line(STDIN_FILENO, NULL, password, err);
    if (ok)
        ok = wsm_users_set(path, name, password, &is_new, err);
    explicit_bzero(password, sizeof(password));
    if (ok)
        printf("user %s %s %s\n", name, is_new ? "added to" : "has a new password in", path);
    return ok;
}
