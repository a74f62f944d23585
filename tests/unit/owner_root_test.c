/* What only root can set up: files and folders of another owner (label root). */
#include "auth/users.h"
#include "monitor/run_dir.h"
#include "temp_dir.h"
#include "wsmerror.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { STRANGER = 65534 };

static void test_users_file_of_another_owner_is_refused(void **state)
{
    char *dir = wsm_temp_dir_make(), *path = wsm_temp_path(dir, "users");
    struct wsm_users users = { 0 };
    struct wsm_error err = WSM_ERROR_INIT;

    (void)state;
    wsm_temp_write(path, "", 0600);
    assert_true(wsm_users_refresh(&users, path, &err));
    assert_int_equal(chown(path, STRANGER, STRANGER), 0);
    assert_false(wsm_users_refresh(&users, path, &err));
    assert_int_equal(err.code, ERROR_ACCESS_DENIED);
    assert_non_null(strstr(wsm_error_text(&err), "owned by user 65534"));
    wsm_error_clear(&err);
    wsm_temp_dir_remove(dir);
    free(path);
}

static void test_run_dir_of_another_owner_is_refused(void **state)
{
    char *dir = wsm_temp_dir_make();
    struct wsm_run_dir run_dir;
    struct wsm_error err = WSM_ERROR_INIT;

    (void)state;
    assert_int_equal(chown(dir, STRANGER, STRANGER), 0);
    assert_false(wsm_run_dir_open(&run_dir, dir, &err));
    assert_int_equal(err.code, ERROR_ACCESS_DENIED);
    assert_non_null(strstr(wsm_error_text(&err), "owned by user 65534"));
    wsm_error_clear(&err);
    wsm_temp_dir_remove(dir);
}

static void test_run_dir_file_of_another_owner_is_not_read(void **state)
{
    char *dir = wsm_temp_dir_make(), *path = wsm_temp_path(dir, "port");
    struct wsm_run_dir run_dir;
    struct wsm_buf text = WSM_BUF_INIT;
    struct wsm_error err = WSM_ERROR_INIT;

    (void)state;
    assert_true(wsm_run_dir_open(&run_dir, dir, &err));
    wsm_temp_write(path, "x", 0600);
    assert_int_equal(chown(path, STRANGER, STRANGER), 0);
    assert_false(wsm_run_dir_read(&run_dir, "port", 16, &text, &err));
    assert_int_equal(err.code, ERROR_ACCESS_DENIED);
    wsm_error_clear(&err);
    wsm_buf_clear(&text);
    wsm_run_dir_close(&run_dir);
    wsm_temp_dir_remove(dir);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_users_file_of_another_owner_is_refused),
        cmocka_unit_test(test_run_dir_of_another_owner_is_refused),
        cmocka_unit_test(test_run_dir_file_of_another_owner_is_not_read),
    };

    if (geteuid() != 0) {
        print_error("needs root\n");
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
