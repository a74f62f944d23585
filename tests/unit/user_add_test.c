/* Tests of src/authd/user_add.c: in a child each, with a pipe or a terminal for its input. */
#include "auth/users.h"
#include "authd/user_add.h"
#include "temp_dir.h"

#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

enum { DEADLINE_MS = 20000, REFUSED = 2 };

struct fixture {
    char *dir;
    char *path;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    fixture->dir = wsm_temp_dir_make();
    fixture->path = wsm_temp_path(fixture->dir, "users");
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    wsm_temp_dir_remove(fixture->dir);
    free(fixture->path);
    free(fixture);
    return 0;
}

/* In the child: its exit status is the result, its words go to standard output. */
static void add_in_child(const struct fixture *fixture, const char *name)
{
    struct wsm_error err = WSM_ERROR_INIT;
    bool ok = wsm_user_add(fixture->path, name, &err);

    if (!ok)
        printf("error: %s\n", wsm_error_text(&err));
    fflush(stdout);
    _exit(ok ? 0 : REFUSED);
}

static int add_from_pipe(const struct fixture *fixture, const char *name, const void *input,
                         size_t len)
{
    int in[2], status;
    pid_t child;

    assert_int_equal(pipe(in), 0);
    child = fork();
    if (child == 0) {
        dup2(in[0], STDIN_FILENO);
        close(in[1]);
        if (freopen("/dev/null", "w", stdout) == NULL)
            _exit(99);
        add_in_child(fixture, name);
    }
    close(in[0]);
    assert_int_equal(write(in[1], input, len), len);
    close(in[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static bool has_password(const struct fixture *fixture, const char *name, const char *password)
{
    struct wsm_users users = { 0 };
    const struct wsm_user *user;
    bool ok = wsm_users_refresh(&users, fixture->path, NULL) &&
              wsm_users_check(&users, wsm_span_str(name), password, &user, NULL);

    wsm_users_clear(&users);
    return ok;
}

static void test_user_add_reads_one_line(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(add_from_pipe(fixture, "alice", "one two\nrest\n", 13), 0);
    assert_true(has_password(fixture, "alice", "one two"));
    assert_int_equal(add_from_pipe(fixture, "alice", "three", 5), 0); /* no line end */
    assert_true(has_password(fixture, "alice", "three"));
    assert_int_equal(add_from_pipe(fixture, "bob", "four\r\n", 6), 0);
    assert_true(has_password(fixture, "bob", "four"));
    assert_true(has_password(fixture, "alice", "three"));
}

static void test_user_add_refuses_bad_input(void **state)
{
    struct fixture *fixture = *state;
    char line[WSM_USER_PASSWORD_MAX + 3];

    memset(line, 'x', sizeof(line));
    line[WSM_USER_PASSWORD_MAX + 1] = '\n';
    assert_int_equal(add_from_pipe(fixture, "alice", "", 0), REFUSED);
    assert_int_equal(add_from_pipe(fixture, "alice", "\n", 1), REFUSED);
    assert_int_equal(add_from_pipe(fixture, "alice", "a\0b\n", 4), REFUSED);
    assert_int_equal(add_from_pipe(fixture, "alice", line, WSM_USER_PASSWORD_MAX + 2), REFUSED);
    line[WSM_USER_PASSWORD_MAX + 1] = 'x';
    assert_int_equal(add_from_pipe(fixture, "alice", line, sizeof(line)), REFUSED);
    assert_int_equal(add_from_pipe(fixture, "a:b", "x\n", 2), REFUSED);
    assert_int_equal(add_from_pipe(fixture, "", "x\n", 2), REFUSED);
    assert_int_not_equal(access(fixture->path, F_OK), 0);
}

/* Collects what the terminal shows until it holds `words`. */
static void wait_for(int terminal, char *seen, size_t size, const char *words)
{
    size_t used = strlen(seen);

    while (strstr(seen, words) == NULL) {
        struct pollfd wait = { .fd = terminal, .events = POLLIN };
        ssize_t count;

        if (poll(&wait, 1, DEADLINE_MS) != 1)
            fail_msg("waited too long for \"%s\" after \"%s\"", words, seen);
        count = read(terminal, seen + used, size - used - 1);
        if (count <= 0)
            fail_msg("the terminal ended before \"%s\": \"%s\"", words, seen);
        used += (size_t)count;
        seen[used] = '\0';
    }
}

static void type(int terminal, const char *text)
{
    assert_int_equal(write(terminal, text, strlen(text)), strlen(text));
}

static pid_t start_on_terminal(const struct fixture *fixture, int *out_terminal)
{
    pid_t child = forkpty(out_terminal, NULL, NULL, NULL);

    if (child == 0)
        add_in_child(fixture, "alice");
    assert_true(child > 0);
    return child;
}

static void test_user_add_asks_twice_without_echo(void **state)
{
    struct fixture *fixture = *state;
    char seen[4096] = "";
    struct termios mode;
    int terminal, status;
    pid_t child = start_on_terminal(fixture, &terminal);

    wait_for(terminal, seen, sizeof(seen), "Password: ");
    type(terminal, "hunter2\n");
    wait_for(terminal, seen, sizeof(seen), "Same password again: ");
    type(terminal, "hunter2\n");
    wait_for(terminal, seen, sizeof(seen), "user alice added to");
    assert_null(strstr(seen, "hunter2"));
    assert_int_equal(tcgetattr(terminal, &mode), 0);
    assert_true((mode.c_lflag & ECHO) != 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_true(has_password(fixture, "alice", "hunter2"));
    close(terminal);
}

static void test_user_add_refuses_two_that_differ(void **state)
{
    struct fixture *fixture = *state;
    char seen[4096] = "";
    int terminal, status;
    pid_t child = start_on_terminal(fixture, &terminal);

    wait_for(terminal, seen, sizeof(seen), "Password: ");
    type(terminal, "hunter2\n");
    wait_for(terminal, seen, sizeof(seen), "Same password again: ");
    type(terminal, "hunter3\n");
    wait_for(terminal, seen, sizeof(seen), "error: the two passwords differ");
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), REFUSED);
    assert_int_not_equal(access(fixture->path, F_OK), 0);
    close(terminal);
}

static void test_user_add_ctrl_c_ends_it_with_echo_on(void **state)
{
    struct fixture *fixture = *state;
    char seen[4096] = "";
    struct termios mode;
    int terminal, status;
    pid_t child = start_on_terminal(fixture, &terminal);

    wait_for(terminal, seen, sizeof(seen), "Password: ");
    type(terminal, "hun\003");
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGINT);
    assert_int_equal(tcgetattr(terminal, &mode), 0);
    assert_true((mode.c_lflag & ECHO) != 0);
    assert_int_not_equal(access(fixture->path, F_OK), 0);
    close(terminal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_user_add_reads_one_line, setup, teardown),
        cmocka_unit_test_setup_teardown(test_user_add_refuses_bad_input, setup, teardown),
        cmocka_unit_test_setup_teardown(test_user_add_asks_twice_without_echo, setup, teardown),
        cmocka_unit_test_setup_teardown(test_user_add_refuses_two_that_differ, setup, teardown),
        cmocka_unit_test_setup_teardown(test_user_add_ctrl_c_ends_it_with_echo_on, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
