/* Tests of src/monitor/spawn.c and environment.c. */
#include "monitor/environment.h"
#include "monitor/spawn.h"
#include "wsmerror.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define TEXT(text) ((char *)(uintptr_t)(text))

static int run(const char *script, const int *fds, size_t count, enum wsm_spawn_group group)
{
    char *argv[] = { TEXT("sh"), TEXT("-c"), TEXT(script), NULL };
    char *environment[] = { TEXT("PATH=/usr/bin:/bin"), TEXT("ONLY=this"), NULL };
    struct wsm_spawn spawn = { .path = "/bin/sh",
                               .argv = argv,
                               .environment = environment,
                               .fds = fds,
                               .fd_count = count,
                               .group = group };
    struct wsm_error err = WSM_ERROR_INIT;
    pid_t pid;
    int status;

    if (!wsm_spawn_run(&spawn, &pid, &err))
        fail_msg("%s", wsm_error_text(&err));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* The sources lie on each other's targets: a plain dup2 after another would lose one. */
static void test_spawn_hands_over_descriptors_that_cross(void **state)
{
    char file_a[] = "/tmp/wsm-spawn-a-XXXXXX", file_b[] = "/tmp/wsm-spawn-b-XXXXXX";
    int a = mkostemp(file_a, O_CLOEXEC), b = mkostemp(file_b, O_CLOEXEC), fds[2];

    (void)state;
    assert_int_equal(write(a, "a\n", 2), 2);
    assert_int_equal(write(b, "b\n", 2), 2);
    lseek(a, 0, SEEK_SET);
    lseek(b, 0, SEEK_SET);
    fds[0] = fcntl(a, F_DUPFD_CLOEXEC, 10);
    fds[1] = fcntl(b, F_DUPFD_CLOEXEC, 10);
    assert_int_equal(dup3(fds[0], 4, O_CLOEXEC), 4);
    assert_int_equal(dup3(fds[1], 3, O_CLOEXEC), 3);
    close(fds[0]);
    close(fds[1]);
    fds[0] = 4;
    fds[1] = 3;
    assert_int_equal(run("read x <&3; read y <&4; [ \"$x$y\" = ab ]", fds, 2, WSM_SPAWN_OWN_GROUP),
                     0);
    unlink(file_a);
    unlink(file_b);
    for (int fd = 3; fd < 16; fd++)
        close(fd);
}

static void test_spawn_gives_a_clean_start(void **state)
{
    sigset_t set;

    (void)state;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(run("[ \"$(pwd)\" = / ]", NULL, 0, WSM_SPAWN_OWN_GROUP), 0);
    assert_int_equal(run("[ \"$(env | grep -c .)\" -le 4 ] && [ \"$ONLY\" = this ]", NULL, 0,
                         WSM_SPAWN_OWN_GROUP),
                     0);
    assert_int_equal(run("[ ! -t 0 ] && ! read x", NULL, 0, WSM_SPAWN_OWN_GROUP), 0);
    assert_int_equal(run("! [ -e /proc/self/fd/3 ]", NULL, 0, WSM_SPAWN_OWN_GROUP), 0);
    assert_int_equal(
        run("grep -q 'SigBlk:.*0000000000000000' /proc/self/status", NULL, 0, WSM_SPAWN_OWN_GROUP),
        0);
    /* glibc 2.36 leaves its own two, 32 and 33, ignored; nothing below. */
    assert_int_equal(
        run("grep -q 'SigIgn:.*0000000$' /proc/self/status", NULL, 0, WSM_SPAWN_OWN_GROUP), 0);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void test_spawn_separates_group_or_session(void **state)
{
    (void)state;
    /* Fields 5 and 6 of /proc/PID/stat: group and session. */
    assert_int_equal(run("read p n s pp g se r </proc/$$/stat; [ $g = $p ] && [ $se != $p ]", NULL,
                         0, WSM_SPAWN_OWN_GROUP),
                     0);
    assert_int_equal(run("read p n s pp g se r </proc/$$/stat; [ $g = $p ] && [ $se = $p ]", NULL,
                         0, WSM_SPAWN_OWN_SESSION),
                     0);
}

static void test_spawn_missing_program_is_an_error(void **state)
{
    char *argv[] = { TEXT("none"), NULL };
    struct wsm_spawn spawn = { .path = "/nonexistent/none", .argv = argv, .environment = argv + 1 };
    struct wsm_error err = WSM_ERROR_INIT;
    pid_t pid = 42;

    (void)state;
    assert_false(wsm_spawn_run(&spawn, &pid, &err));
    assert_non_null(strstr(wsm_error_text(&err), "/nonexistent/none"));
    assert_int_equal(pid, 42);
    wsm_error_clear(&err);
}

static void test_program_is_found_beside_the_running_one(void **state)
{
    struct wsm_error err = WSM_ERROR_INIT;
    char *path = NULL;

    (void)state;
    assert_true(wsm_program_find("unit_spawn", &path, &err));
    assert_int_equal(path[0], '/');
    assert_int_equal(access(path, X_OK), 0);
    free(path);
    path = NULL;
    assert_false(wsm_program_find("no-such-program", &path, &err));
    assert_int_equal(err.code, ERROR_FILE_NOT_FOUND);
    assert_non_null(strstr(wsm_error_text(&err), "no-such-program"));
    assert_null(path);
    wsm_error_clear(&err);
}

static void test_environment_of_a_user(void **state)
{
    struct wsm_environment environment = { 0 };

    (void)state;
    assert_true(wsm_environment_init(&environment, 0, NULL));
    assert_non_null(strstr(environment.strings[0], ":/usr/sbin:"));
    assert_string_equal(environment.strings[1], "HOME=/root");
    assert_string_equal(environment.strings[2], "USER=root");
    assert_string_equal(environment.strings[3], "LOGNAME=root");
    assert_non_null(strstr(environment.strings[4], "SHELL=/"));
    assert_null(environment.strings[5]);
    wsm_environment_clear(&environment);
}

static void test_environment_without_an_entry(void **state)
{
    struct wsm_environment environment = { 0 };

    (void)state;
    assert_true(wsm_environment_init(&environment, 3999999999U, NULL));
    assert_null(strstr(environment.strings[0], "sbin"));
    assert_string_equal(environment.strings[1], "HOME=/");
    assert_string_equal(environment.strings[2], "USER=3999999999");
    assert_string_equal(environment.strings[4], "SHELL=/bin/sh");
    wsm_environment_clear(&environment);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spawn_hands_over_descriptors_that_cross),
        cmocka_unit_test(test_spawn_gives_a_clean_start),
        cmocka_unit_test(test_spawn_separates_group_or_session),
        cmocka_unit_test(test_spawn_missing_program_is_an_error),
        cmocka_unit_test(test_program_is_found_beside_the_running_one),
        cmocka_unit_test(test_environment_of_a_user),
        cmocka_unit_test(test_environment_without_an_entry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
