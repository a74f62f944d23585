/* Tests of src/monitor/run_dir.c. Another owner needs root: owner_root_test.c. */
#include "monitor/run_dir.h"
#include "temp_dir.h"
#include "wsmerror.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char *dir;
    char *path;
    struct wsm_run_dir run_dir;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    fixture->dir = wsm_temp_dir_make();
    fixture->path = wsm_temp_path(fixture->dir, "run");
    fixture->run_dir = (struct wsm_run_dir){ .fd = -1, .lock_fd = -1 };
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    wsm_run_dir_close(&fixture->run_dir);
    wsm_temp_dir_remove(fixture->dir);
    free(fixture->path);
    free(fixture);
    return 0;
}

static void refused(struct fixture *fixture, const char *words)
{
    struct wsm_error err = WSM_ERROR_INIT;

    assert_false(wsm_run_dir_open(&fixture->run_dir, fixture->path, &err));
    assert_int_equal(err.code, ERROR_ACCESS_DENIED);
    assert_non_null(strstr(wsm_error_text(&err), fixture->path));
    if (strstr(wsm_error_text(&err), words) == NULL)
        fail_msg("\"%s\" does not hold \"%s\"", wsm_error_text(&err), words);
    assert_int_equal(fixture->run_dir.fd, -1);
    wsm_error_clear(&err);
}

static void open_it(struct fixture *fixture)
{
    struct wsm_error err = WSM_ERROR_INIT;

    if (!wsm_run_dir_open(&fixture->run_dir, fixture->path, &err))
        fail_msg("%s", wsm_error_text(&err));
}

static void test_run_dir_is_made_and_taken_again(void **state)
{
    struct fixture *fixture = *state;
    struct stat st;

    umask(022);
    open_it(fixture);
    assert_int_equal(stat(fixture->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    wsm_run_dir_close(&fixture->run_dir);
    open_it(fixture);
}

static void test_run_dir_wrong_mode_is_refused(void **state)
{
    static const mode_t modes[] = { 0755, 0750, 0701, 01700, 0600, 0777 };
    struct fixture *fixture = *state;

    assert_int_equal(mkdir(fixture->path, 0700), 0);
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        assert_int_equal(chmod(fixture->path, modes[i]), 0);
        refused(fixture, "must be 0700");
    }
}

static void test_run_dir_of_another_kind_is_refused(void **state)
{
    struct fixture *fixture = *state;
    char *target = wsm_temp_path(fixture->dir, "target");

    assert_int_equal(mkdir(target, 0700), 0);
    assert_int_equal(symlink(target, fixture->path), 0);
    refused(fixture, "a symbolic link is not followed");
    assert_int_equal(unlink(fixture->path), 0);
    wsm_temp_write(fixture->path, "", 0700);
    refused(fixture, "not a directory");
    assert_int_equal(unlink(fixture->path), 0);
    free(fixture->path);
    fixture->path = wsm_temp_path(fixture->dir, "missing/run");
    refused(fixture, "No such file");
    free(target);
}

static void test_run_dir_lock_is_exclusive(void **state)
{
    struct fixture *fixture = *state;
    struct wsm_run_dir second;
    struct wsm_error err = WSM_ERROR_INIT;

    open_it(fixture);
    assert_true(wsm_run_dir_lock(&fixture->run_dir, fixture->path, 0, NULL));
    assert_true(wsm_run_dir_open(&second, fixture->path, NULL));
    assert_false(wsm_run_dir_lock(&second, fixture->path, 60, &err));
    assert_int_equal(err.code, ERROR_BUSY);
    assert_non_null(strstr(wsm_error_text(&err), fixture->path));
    wsm_error_clear(&err);
    wsm_run_dir_close(&fixture->run_dir);
    assert_true(wsm_run_dir_lock(&second, fixture->path, 0, NULL));
    wsm_run_dir_close(&second);
}

static void test_run_dir_lock_file_is_no_link(void **state)
{
    struct fixture *fixture = *state;
    char *lock = wsm_temp_path(fixture->path, "lock");

    open_it(fixture);
    assert_int_equal(symlink("/dev/null", lock), 0);
    assert_false(wsm_run_dir_lock(&fixture->run_dir, fixture->path, 0, NULL));
    free(lock);
}

static void test_run_dir_files_are_written_and_read(void **state)
{
    struct fixture *fixture = *state;
    char *path = wsm_temp_path(fixture->path, "name");
    struct wsm_buf text = WSM_BUF_INIT;
    struct stat st;

    open_it(fixture);
    assert_true(wsm_run_dir_write(&fixture->run_dir, "name", wsm_span_str("one"), true, NULL));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_false(wsm_run_dir_write(&fixture->run_dir, "name", wsm_span_str("two"), true, NULL));
    assert_true(wsm_run_dir_read(&fixture->run_dir, "name", 3, &text, NULL));
    assert_true(wsm_span_is(wsm_buf_span(&text), "one"));
    assert_true(wsm_run_dir_write(&fixture->run_dir, "name", wsm_span_str("three"), false, NULL));
    wsm_buf_reset(&text);
    assert_false(wsm_run_dir_read(&fixture->run_dir, "name", 4, &text, NULL)); /* too large */
    assert_true(wsm_run_dir_read(&fixture->run_dir, "name", 5, &text, NULL));
    assert_true(wsm_span_is(wsm_buf_span(&text), "three"));
    wsm_buf_clear(&text);
    free(path);
}

/* A disk that takes no more is nobody's lack of rights: a client would ask for another
 * password. The limit stands for it, here and for a file that was taken in part. */
static void test_run_dir_full_is_not_access_denied(void **state)
{
    struct fixture *fixture = *state;
    struct wsm_error err = WSM_ERROR_INIT;
    struct rlimit before;

    open_it(fixture);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    for (rlim_t room = 0; room < 3; room += 2) {
        const struct rlimit limit = { room, before.rlim_max };

        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        assert_false(
            wsm_run_dir_write(&fixture->run_dir, "name", wsm_span_str("text"), true, &err));
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(err.code, ERROR_INTERNAL_ERROR);
        assert_null(strstr(wsm_error_text(&err), "Success"));
        wsm_error_clear(&err);
    }
    assert_int_equal(faccessat(fixture->run_dir.fd, "name", F_OK, 0), -1);
    assert_int_equal(faccessat(fixture->run_dir.fd, "name.tmp", F_OK, 0), -1);
}

static void test_run_dir_foreign_files_are_not_read(void **state)
{
    struct fixture *fixture = *state;
    char *path = wsm_temp_path(fixture->path, "name");
    struct wsm_buf text = WSM_BUF_INIT;
    struct wsm_error err = WSM_ERROR_INIT;

    open_it(fixture);
    assert_false(wsm_run_dir_read(&fixture->run_dir, "name", 10, &text, &err));
    assert_int_equal(err.code, ERROR_FILE_NOT_FOUND);
    wsm_error_clear(&err);
    assert_int_equal(symlink("/etc/hostname", path), 0);
    assert_false(wsm_run_dir_read(&fixture->run_dir, "name", 1000, &text, NULL));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_false(wsm_run_dir_read(&fixture->run_dir, "name", 1000, &text, NULL));
    wsm_buf_clear(&text);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_run_dir_is_made_and_taken_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_run_dir_wrong_mode_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_run_dir_of_another_kind_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_run_dir_lock_is_exclusive, setup, teardown),
        cmocka_unit_test_setup_teardown(test_run_dir_lock_file_is_no_link, setup, teardown),
        cmocka_unit_test_setup_teardown(test_run_dir_files_are_written_and_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_run_dir_full_is_not_access_denied, setup, teardown),
        cmocka_unit_test_setup_teardown(test_run_dir_foreign_files_are_not_read, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
