/* Remembered log-ons, with time and users file as the test says. */
#include "server/auth_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct wsm_file_mark mark = { 42, 1000 };
static const uint8_t secret[WSM_AUTH_KEY_LEN] = "a secret of thirty-two bytes: ok";

struct fixture {
    struct wsm_auth_cache cache;
    int released;
    uint8_t last_token[WSM_TOKEN_LEN];
};

static void on_end(void *context, const uint8_t token[WSM_TOKEN_LEN])
{
    struct fixture *f = context;

    f->released++;
    memcpy(f->last_token, token, WSM_TOKEN_LEN);
}

static int setup(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){ .released = 0 };
    wsm_auth_cache_init(&fixture.cache, secret);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    wsm_auth_cache_clear(&f->cache);
    return 0;
}

static void key_of(struct fixture *f, const char *user, const char *password, uint8_t *out)
{
    assert_true(
        wsm_auth_cache_key(&f->cache, wsm_span_str(user), wsm_span_str(password), out, NULL));
}

static void add(struct fixture *f, const char *user, const char *password, int64_t now_ms)
{
    uint8_t key[WSM_AUTH_KEY_LEN];
    uint8_t token[WSM_TOKEN_LEN] = { 7 };
    struct wsm_logon *logon = wsm_logon_new(wsm_span_str(user), token, on_end, f);

    assert_non_null(logon);
    key_of(f, user, password, key);
    wsm_auth_cache_add(&f->cache, key, logon, &mark, now_ms);
    wsm_logon_unref(logon);
}

static struct wsm_logon *find(struct fixture *f, const char *user, const char *password,
                              const struct wsm_file_mark *seen, int64_t now_ms)
{
    uint8_t key[WSM_AUTH_KEY_LEN];

    key_of(f, user, password, key);
    return wsm_auth_cache_find(&f->cache, key, seen, now_ms);
}

static void test_auth_cache_remembers_a_success(void **state)
{
    struct fixture *f = *state;

    add(f, "alice", "pw", 0);
    assert_string_equal(find(f, "alice", "pw", &mark, 59999)->user, "alice");
    assert_int_equal(f->released, 0);
}

static void test_auth_cache_forgets_after_a_minute(void **state)
{
    struct fixture *f = *state;

    add(f, "alice", "pw", 0);
    assert_non_null(find(f, "alice", "pw", &mark, 59000)); /* does not prolong it */
    assert_null(find(f, "alice", "pw", &mark, 60000));
    assert_int_equal(f->released, 1);
    assert_int_equal(f->last_token[0], 7);
}

static void test_auth_cache_other_password_is_not_found(void **state)
{
    struct fixture *f = *state;

    add(f, "alice", "pw", 0);
    assert_null(find(f, "alice", "pw2", &mark, 1));
    assert_null(find(f, "alice", "", &mark, 1));
    assert_null(find(f, "Alice", "pw", &mark, 1));
    assert_null(find(f, "bob", "pw", &mark, 1));
}

static void test_auth_cache_name_and_password_do_not_run_together(void **state)
{
    struct fixture *f = *state;

    add(f, "alice", "pw", 0);
    assert_null(find(f, "alicep", "w", &mark, 1));
    assert_null(find(f, "alic", "epw", &mark, 1));
}

static void test_auth_cache_changed_users_file_forgets(void **state)
{
    struct fixture *f = *state;
    struct wsm_file_mark other_inode = { 43, 1000 };
    struct wsm_file_mark other_time = { 42, 1001 };

    add(f, "alice", "pw", 0);
    assert_null(find(f, "alice", "pw", &other_inode, 1));
    assert_null(find(f, "alice", "pw", &mark, 1)); /* also when the old one comes back */
    add(f, "alice", "pw", 2);
    assert_null(find(f, "alice", "pw", &other_time, 3));
    assert_int_equal(f->released, 2);
}

static void test_auth_cache_logon_in_use_outlives_its_entry(void **state)
{
    struct fixture *f = *state;
    struct wsm_logon *logon;

    add(f, "alice", "pw", 0);
    logon = wsm_logon_ref(find(f, "alice", "pw", &mark, 1));
    wsm_auth_cache_sweep(&f->cache, 60000);
    assert_int_equal(f->cache.count, 0);
    assert_int_equal(f->released, 0);
    assert_string_equal(logon->user, "alice");
    wsm_logon_unref(logon);
    assert_int_equal(f->released, 1);
}

static void test_auth_cache_second_success_replaces_the_first(void **state)
{
    struct fixture *f = *state;

    add(f, "alice", "pw", 0);
    add(f, "alice", "pw", 30000);
    assert_int_equal(f->cache.count, 1);
    assert_int_equal(f->released, 1);
    assert_non_null(find(f, "alice", "pw", &mark, 80000));
}

static void test_auth_cache_is_bounded(void **state)
{
    struct fixture *f = *state;
    char user[] = "u000";

    for (int i = 0; i < WSM_AUTH_CACHE_MAX + 10; i++) {
        user[1] = (char)('0' + i / 100);
        user[2] = (char)('0' + i / 10 % 10);
        user[3] = (char)('0' + i % 10);
        add(f, user, "pw", i);
    }
    assert_int_equal(f->cache.count, WSM_AUTH_CACHE_MAX);
    assert_int_equal(f->released, 10);
    assert_null(find(f, "u009", "pw", &mark, 500));
    assert_non_null(find(f, "u010", "pw", &mark, 500));
}

static void test_auth_cache_key_depends_on_the_secret(void **state)
{
    struct fixture *f = *state;
    struct wsm_auth_cache other;
    uint8_t a[WSM_AUTH_KEY_LEN], b[WSM_AUTH_KEY_LEN];

    wsm_auth_cache_init(&other, (const uint8_t *)"another secret of thirty-two b.: ");
    key_of(f, "alice", "pw", a);
    assert_true(wsm_auth_cache_key(&other, wsm_span_str("alice"), wsm_span_str("pw"), b, NULL));
    assert_memory_not_equal(a, b, sizeof(a));
    wsm_auth_cache_clear(&other);
}

static void test_auth_cache_endless_credentials_are_refused(void **state)
{
    static uint8_t text[8192];
    struct fixture *f = *state;
    uint8_t key[WSM_AUTH_KEY_LEN];

    assert_false(wsm_auth_cache_key(&f->cache, wsm_span_of(text, sizeof(text)),
                                    wsm_span_of(NULL, 0), key, NULL));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_auth_cache_remembers_a_success),
        TEST(test_auth_cache_forgets_after_a_minute),
        TEST(test_auth_cache_other_password_is_not_found),
        TEST(test_auth_cache_name_and_password_do_not_run_together),
        TEST(test_auth_cache_changed_users_file_forgets),
        TEST(test_auth_cache_logon_in_use_outlives_its_entry),
        TEST(test_auth_cache_second_success_replaces_the_first),
        TEST(test_auth_cache_is_bounded),
        TEST(test_auth_cache_key_depends_on_the_secret),
        TEST(test_auth_cache_endless_credentials_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
