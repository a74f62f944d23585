/* The library and the process it lives in: standard streams that are closed, fork(), exit() in the
 * middle of everything. Each in a process of its own, which has 20 s and an exit code for what was
 * wrong. */
#include "client_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { FINE = 42, SECONDS = 20 };

/* The wait status of a process that runs `play`, and ends with what that returns. A child of a
 * child uses _exit(): what it has from its parent would count as leaks. */
static int status_of(int (*play)(void), void (*end)(int status))
{
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        alarm(SECONDS);
        end(play());
    }
    assert_true(child > 0);
    while (waitpid(child, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    return status;
}

static void assert_fine(int status)
{
    if (WIFSIGNALED(status))
        fail_msg("ended by signal %d", WTERMSIG(status));
    assert_int_equal(WEXITSTATUS(status), FINE);
}

/* ---- Closed standard streams ---- */

static bool are_standard_streams_closed(void)
{
    for (int fd = 0; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            return false;
    }
    return true;
}

static uint16_t port;

static int play_without_streams(void)
{
    struct fixture here = { .service = NULL };
    bool are_closed;

    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        close(fd);
    if (WSManInitialize(WSMAN_FLAG_REQUESTED_API_VERSION_1_1, &here.api) != 0)
        return 1;
    here.session = open_session(here.api, port, true);
    close_shell(open_shell(&here));
    are_closed = are_standard_streams_closed();
    if (WSManDeinitialize(here.api, 0) != 0)
        return 2;
    return are_closed && are_standard_streams_closed() ? FINE : 3;
}

static void test_standard_streams_may_be_closed(void **state)
{
    struct fake_service *service = fake_service_start();

    (void)state;
    port = fake_service_port(service);
    assert_fine(status_of(play_without_streams, exit));
    fake_service_stop(service);
}

/* ---- fork() ---- */

static struct fixture *f;

static int play_orphan(void)
{
    struct recorder *recorder = recorder_new();
    WSMAN_SHELL_HANDLE shell = (WSMAN_SHELL_HANDLE)1;
    WSMAN_API_HANDLE api = (WSMAN_API_HANDLE)1;
    DWORD used = 0;

    if (WSManInitialize(WSMAN_FLAG_REQUESTED_API_VERSION_1_1, &api) != ERROR_INVALID_STATE ||
        api != NULL)
        return 11;
    if (WSManGetErrorMessage(f->api, 0, NULL, 5, 0, NULL, &used) !=
        ERROR_WSMAN_CLIENT_GETERRORMESSAGE_NULL_PARAM)
        return 12;
    WSManCreateShell(f->session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &recorder->async, &shell);
    if (shell != NULL || recorder_last(recorder)->code == 0)
        return 13;
    if (WSManCloseSession(f->session, 0) == 0 || WSManDeinitialize(f->api, 0) == 0)
        return 14;
    recorder_free(recorder);
    return FINE;
}

static int play_fork(void)
{
    WSMAN_SHELL_HANDLE shell;
    int status;

    f = fixture_new();
    shell = open_shell(f);
    status = status_of(play_orphan, _exit);
    close_shell(shell); /* here all goes on */
    fixture_free(f);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 15;
}

static void test_a_forked_child_has_no_handle(void **state)
{
    (void)state;
    assert_fine(status_of(play_fork, exit));
}

static int play_later(void)
{
    f = fixture_new();
    close_shell(open_shell(f));
    fixture_free(f);
    return FINE;
}

static int play_fork_between(void)
{
    play_later();
    return WEXITSTATUS(status_of(play_later, _exit));
}

static void test_a_child_forked_while_no_api_handle_is_open_starts_anew(void **state)
{
    (void)state;
    assert_fine(status_of(play_fork_between, exit));
}

/* ---- exit() ---- */

static int play_exit(void)
{
    static struct recorder *output;
    static WSMAN_SHELL_HANDLE shell;

    f = fixture_new();
    shell = open_shell(f);
    output = recorder_new();
    receive(shell, run_command(shell, WSMAN_TEXT("cat")), output);
    fake_wait(f->service, "Receive", 1);
    return FINE;
}

static void test_a_process_may_end_in_the_middle_of_everything(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        assert_fine(status_of(play_exit, exit));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_standard_streams_may_be_closed),
        cmocka_unit_test(test_a_forked_child_has_no_handle),
        cmocka_unit_test(test_a_child_forked_while_no_api_handle_is_open_starts_anew),
        cmocka_unit_test(test_a_process_may_end_in_the_middle_of_everything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
