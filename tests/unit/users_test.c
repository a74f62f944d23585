/* Tests of src/auth/users.c and users_write.c. */
#include "auth/users.h"
#include "auth/users_file.h"
#include "temp_dir.h"
#include "wsmerror.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* crypt("right", …): cheap methods, so that the tests are not about hashing. */
#define HASH_RIGHT "$5$rounds=1000$saltsalt$yYZoCURThim4Yn132s/3Pu/.JQpY6iHeknDBMqNKKs2"

struct fixture {
    char *dir;
    char *path;
    struct wsm_users users;
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

    wsm_users_clear(&fixture->users);
    wsm_temp_dir_remove(fixture->dir);
    free(fixture->path);
    free(fixture);
    return 0;
}

static void set(struct fixture *fixture, const char *name, const char *password, bool is_new)
{
    struct wsm_error err = WSM_ERROR_INIT;
    bool out_is_new = !is_new;

    assert_true(wsm_users_set(fixture->path, name, password, &out_is_new, &err));
    assert_int_equal(out_is_new, is_new);
}

static bool check(struct fixture *fixture, const char *name, const char *password)
{
    const struct wsm_user *user = NULL;
    struct wsm_error err = WSM_ERROR_INIT;
    bool ok;

    assert_true(wsm_users_refresh(&fixture->users, fixture->path, &err));
    ok = wsm_users_check(&fixture->users, wsm_span_str(name), password, &user, &err);
    assert_int_equal(err.code, ok ? 0 : ERROR_LOGON_FAILURE);
    assert_int_equal(user != NULL, ok);
    if (ok)
        assert_string_equal(user->name, name);
    wsm_error_clear(&err);
    return ok;
}

/* The file is refused with an error that holds `words`, and nobody is known any more. */
static void refused(struct fixture *fixture, const char *words)
{
    struct wsm_error err = WSM_ERROR_INIT;

    assert_false(wsm_users_refresh(&fixture->users, fixture->path, &err));
    if (strstr(wsm_error_text(&err), words) == NULL)
        fail_msg("\"%s\" does not hold \"%s\"", wsm_error_text(&err), words);
    assert_false(fixture->users.is_loaded);
    assert_int_equal(fixture->users.count, 0);
    wsm_error_clear(&err);
}

static void test_users_are_added_and_checked(void **state)
{
    struct fixture *fixture = *state;
    struct stat st;

    set(fixture, "alice", "right", true);
    set(fixture, "bob", "other", true);
    assert_true(check(fixture, "alice", "right"));
    assert_true(check(fixture, "bob", "other"));
    assert_false(check(fixture, "alice", "other"));
    assert_false(check(fixture, "alice", ""));
    assert_false(check(fixture, "alice", "right "));
    assert_false(check(fixture, "Alice", "right"));
    assert_false(check(fixture, "carol", "right"));
    assert_int_equal(stat(fixture->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void test_users_new_password_keeps_other_lines(void **state)
{
    struct fixture *fixture = *state;
    char *text;

    wsm_temp_write(fixture->path,
                   "# who may log on\n\nzoe:" HASH_RIGHT "\nalice:" HASH_RIGHT "\n# end", 0600);
    set(fixture, "alice", "new", false);
    assert_true(check(fixture, "alice", "new"));
    assert_false(check(fixture, "alice", "right"));
    text = wsm_temp_read(fixture->path);
    assert_ptr_equal(strstr(text, "# who may log on\n\nzoe:" HASH_RIGHT "\nalice:$y$"), text);
    assert_non_null(strstr(text, "\n# end\n"));
    free(text);
}

static void test_users_file_without_last_newline_is_extended(void **state)
{
    struct fixture *fixture = *state;

    wsm_temp_write(fixture->path, "zoe:" HASH_RIGHT, 0600);
    set(fixture, "alice", "new", true);
    assert_true(check(fixture, "alice", "new"));
    assert_non_null(wsm_users_find(&fixture->users, wsm_span_str("zoe")));
}

static void test_users_folders_are_made(void **state)
{
    struct fixture *fixture = *state;
    struct stat st;
    char *parent = wsm_temp_path(fixture->dir, "a");

    free(fixture->path);
    fixture->path = wsm_temp_path(fixture->dir, "a/b/users");
    set(fixture, "alice", "right", true);
    assert_int_equal(stat(parent, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    free(parent);
}

static void test_users_are_read_again_after_a_change(void **state)
{
    struct fixture *fixture = *state;
    struct wsm_error err = WSM_ERROR_INIT;
    uint64_t inode;

    set(fixture, "alice", "one", true);
    assert_true(check(fixture, "alice", "one"));
    inode = fixture->users.inode;
    set(fixture, "alice", "two", false);
    assert_true(check(fixture, "alice", "two"));
    assert_int_not_equal(fixture->users.inode, inode);
    assert_int_equal(unlink(fixture->path), 0);
    assert_false(wsm_users_refresh(&fixture->users, fixture->path, &err));
    assert_int_equal(err.code, ERROR_FILE_NOT_FOUND);
    assert_int_equal(fixture->users.count, 0);
    wsm_error_clear(&err);
}

static void test_users_file_with_rights_for_others_is_refused(void **state)
{
    static const unsigned modes[] = { 0640, 0604, 0620, 0601, 0666 };
    struct fixture *fixture = *state;

    set(fixture, "alice", "one", true);
    assert_true(check(fixture, "alice", "one"));
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        assert_int_equal(chmod(fixture->path, modes[i]), 0);
        refused(fixture, "must give no rights to group and others");
    }
    assert_int_equal(chmod(fixture->path, 0400), 0);
    assert_true(check(fixture, "alice", "one"));
}

static void test_users_file_of_another_kind_is_refused(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(mkdir(fixture->path, 0700), 0);
    refused(fixture, "not a regular file");
    assert_int_equal(rmdir(fixture->path), 0);
    assert_int_equal(mkfifo(fixture->path, 0600), 0);
    refused(fixture, "not a regular file");
}

static void test_users_malformed_line_is_named(void **state)
{
    static const char *const lines[] = {
        "alice\n",
        ":" HASH_RIGHT "\n",
        "alice:\n",
        "alice:plain\n",
        "alice:*\n",
        "alice:!" HASH_RIGHT "\n",
        "alice:rqXexS6ZhobKA\n", /* DES */
        "alice:" HASH_RIGHT " \n",
        "alice:" HASH_RIGHT "\r\n",
        "alice:" HASH_RIGHT ":x\n",
        " alice:" HASH_RIGHT "\n",
        "alice :" HASH_RIGHT "\n",
        "al\tice:" HASH_RIGHT "\n",
        "al\xff:" HASH_RIGHT "\n",
        "zoe:" HASH_RIGHT "\n", /* twice */
        "a123456789012345678901234567890123456789012345678901234567890123456789:" HASH_RIGHT "\n",
    };
    struct fixture *fixture = *state;
    char text[1024];

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct wsm_error err = WSM_ERROR_INIT;
        bool is_new;

        snprintf(text, sizeof(text), "zoe:" HASH_RIGHT "\n%s", lines[i]);
        wsm_temp_write(fixture->path, text, 0600);
        refused(fixture, "line 2: ");
        if (i == 14)
            continue; /* a user who is there twice can be given a password */
        assert_false(wsm_users_set(fixture->path, "new", "password", &is_new, &err));
        wsm_error_clear(&err);
    }
}

static void test_users_file_and_line_are_bounded(void **state)
{
    struct fixture *fixture = *state;
    char *text = malloc(WSM_USERS_FILE_MAX + 2);

    memset(text, '#', WSM_USERS_FILE_MAX + 1);
    text[WSM_USERS_LINE_MAX + 1] = '\0';
    wsm_temp_write(fixture->path, text, 0600);
    refused(fixture, "line 1: longer than 1024 bytes");
    text[WSM_USERS_LINE_MAX] = '\0';
    wsm_temp_write(fixture->path, text, 0600);
    assert_false(check(fixture, "alice", "x"));
    text[WSM_USERS_LINE_MAX] = text[WSM_USERS_LINE_MAX + 1] = '#';
    text[WSM_USERS_FILE_MAX + 1] = '\0';
    wsm_temp_write(fixture->path, text, 0600);
    refused(fixture, "larger than");
    free(text);
}

/* A file that the service would refuse is not made, nor added to. */
static void test_users_set_keeps_the_file_readable(void **state)
{
    struct fixture *fixture = *state;
    struct wsm_error err = WSM_ERROR_INIT;
    char *text = calloc(WSM_USERS_MAX, 32);
    size_t len = 0;
    bool is_new;

    for (int i = 0; i < WSM_USERS_MAX; i++)
        len += (size_t)snprintf(text + len, 32, "user%d:$1$abcdefgh\n", i);
    wsm_temp_write(fixture->path, text, 0600);
    assert_true(wsm_users_refresh(&fixture->users, fixture->path, &err));
    assert_false(wsm_users_set(fixture->path, "onemore", "password", &is_new, &err));
    assert_int_equal(err.code, ERROR_INVALID_PARAMETER);
    assert_non_null(strstr(wsm_error_text(&err), "4096"));
    wsm_error_clear(&err);
    set(fixture, "user7", "password", false);
    assert_true(check(fixture, "user7", "password"));
    free(text);

    wsm_temp_write(fixture->path, "a:$1$abcdefgh\nb:$1$abcdefgh\na:$1$abcdefgh\n", 0600);
    assert_false(wsm_users_set(fixture->path, "b", "password", &is_new, &err));
    assert_non_null(strstr(wsm_error_text(&err), "line 3: the user is there twice"));
    wsm_error_clear(&err);
}

static void not_set(struct fixture *fixture, const char *name, const char *password)
{
    struct wsm_error err = WSM_ERROR_INIT;
    bool is_new;

    assert_false(wsm_users_set(fixture->path, name, password, &is_new, &err));
    assert_int_equal(err.code, ERROR_INVALID_PARAMETER);
    if (password[0] != '\0')
        assert_null(strstr(wsm_error_text(&err), password));
    assert_int_not_equal(access(fixture->path, F_OK), 0);
    wsm_error_clear(&err);
}

static void test_users_bad_names_and_passwords_are_not_set(void **state)
{
    struct fixture *fixture = *state;
    char name[WSM_USER_NAME_MAX + 2], password[WSM_USER_PASSWORD_MAX + 2];

    not_set(fixture, "", "secret-1");
    not_set(fixture, "a:b", "secret-1");
    not_set(fixture, "a\nb", "secret-1");
    not_set(fixture, "#a", "secret-1");
    not_set(fixture, " a", "secret-1");
    not_set(fixture, "a ", "secret-1");
    not_set(fixture, "a\x7f", "secret-1");
    not_set(fixture, "a\xc3", "secret-1");
    not_set(fixture, "alice", "");
    not_set(fixture, "alice", "secret\n1");
    not_set(fixture, "alice", "secret\x7f");
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    not_set(fixture, name, "secret-1");
    memset(password, 'p', sizeof(password) - 1);
    password[sizeof(password) - 1] = '\0';
    not_set(fixture, "alice", password);
    name[WSM_USER_NAME_MAX] = password[WSM_USER_PASSWORD_MAX] = '\0';
    set(fixture, name, password, true);
    assert_true(check(fixture, name, password));
    password[WSM_USER_PASSWORD_MAX - 1] = 'q';
    assert_false(check(fixture, name, password));
}

static void test_users_set_leaves_nothing_behind(void **state)
{
    struct fixture *fixture = *state;
    struct wsm_error err = WSM_ERROR_INIT;
    bool is_new;
    char *lock = wsm_temp_path(fixture->dir, "users.lock");

    set(fixture, "alice", "one", true);
    assert_int_equal(chmod(fixture->path, 0644), 0);
    assert_false(wsm_users_set(fixture->path, "bob", "two", &is_new, &err));
    assert_int_equal(err.code, ERROR_ACCESS_DENIED);
    wsm_error_clear(&err);
    assert_int_equal(unlink(fixture->path), 0);
    assert_int_equal(unlink(lock), 0);
    assert_int_equal(rmdir(fixture->dir), 0); /* so there was nothing else */
    free(lock);
}

/* A crypt setting that the library does not know gives no match, not even with itself. */
static void test_users_unknown_method_never_matches(void **state)
{
    struct fixture *fixture = *state;

    wsm_temp_write(fixture->path, "alice:$zz$whatever$abcdefgh\n", 0600);
    assert_false(check(fixture, "alice", "x"));
    assert_false(check(fixture, "bob", "x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_users_are_added_and_checked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_users_new_password_keeps_other_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(test_users_file_without_last_newline_is_extended, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_users_folders_are_made, setup, teardown),
        cmocka_unit_test_setup_teardown(test_users_are_read_again_after_a_change, setup, teardown),
        cmocka_unit_test_setup_teardown(test_users_file_with_rights_for_others_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_users_file_of_another_kind_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_users_malformed_line_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(test_users_file_and_line_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_users_set_keeps_the_file_readable, setup, teardown),
        cmocka_unit_test_setup_teardown(test_users_bad_names_and_passwords_are_not_set, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_users_set_leaves_nothing_behind, setup, teardown),
        cmocka_unit_test_setup_teardown(test_users_unknown_method_never_matches, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
