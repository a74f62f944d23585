/* Tests of src/authd/check_queue.c. */
#include "auth/users.h"
#include "authd/check_queue.h"
#include "wsmerror.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static bool add(struct wsm_check_queue *queue, uint64_t request, struct wsm_span user,
                struct wsm_span password, uint32_t code)
{
    struct wsm_error err = WSM_ERROR_INIT;
    bool ok = wsm_check_queue_add(queue, request, user, password, &err);

    assert_int_equal(err.code, code);
    wsm_error_clear(&err);
    return ok;
}

static void test_check_queue_keeps_the_order(void **state)
{
    struct wsm_check_queue queue;
    struct wsm_check *check;

    (void)state;
    wsm_check_queue_init(&queue);
    assert_null(wsm_check_queue_take(&queue));
    assert_true(add(&queue, 1, wsm_span_str("a"), wsm_span_str("p"), 0));
    assert_true(add(&queue, 2, wsm_span_str("b"), wsm_span_of(NULL, 0), 0));
    check = wsm_check_queue_take(&queue);
    assert_int_equal(check->request, 1);
    assert_string_equal(check->user, "a");
    assert_string_equal(check->password, "p");
    wsm_check_free(check);
    check = wsm_check_queue_take(&queue);
    assert_int_equal(check->request, 2);
    assert_string_equal(check->password, "");
    wsm_check_free(check);
    assert_null(wsm_check_queue_take(&queue));
    wsm_check_free(NULL);
}

static void test_check_queue_is_bounded(void **state)
{
    struct wsm_check_queue queue;

    (void)state;
    wsm_check_queue_init(&queue);
    for (uint64_t i = 0; i < WSM_CHECK_QUEUE_MAX; i++)
        assert_true(add(&queue, i, wsm_span_str("a"), wsm_span_str("p"), 0));
    assert_false(add(&queue, 999, wsm_span_str("a"), wsm_span_str("p"), ERROR_BUSY));
    wsm_check_free(wsm_check_queue_take(&queue));
    assert_true(add(&queue, 999, wsm_span_str("a"), wsm_span_str("p"), 0));
    wsm_check_queue_clear(&queue);
    assert_int_equal(queue.count, 0);
}

static void test_check_queue_refuses_what_no_user_has(void **state)
{
    struct wsm_check_queue queue;
    char text[WSM_USER_PASSWORD_MAX + 1];

    (void)state;
    memset(text, 'x', sizeof(text));
    wsm_check_queue_init(&queue);
    assert_false(add(&queue, 1, wsm_span_of(NULL, 0), wsm_span_str("p"), ERROR_LOGON_FAILURE));
    assert_false(add(&queue, 1, wsm_span_of(text, WSM_USER_NAME_MAX + 1), wsm_span_str("p"),
                     ERROR_LOGON_FAILURE));
    assert_false(add(&queue, 1, wsm_span_of("a\0b", 3), wsm_span_str("p"), ERROR_LOGON_FAILURE));
    assert_false(add(&queue, 1, wsm_span_str("a"), wsm_span_of("p\0q", 3), ERROR_LOGON_FAILURE));
    assert_false(
        add(&queue, 1, wsm_span_str("a"), wsm_span_of(text, sizeof(text)), ERROR_LOGON_FAILURE));
    assert_int_equal(queue.count, 0);
    assert_true(add(&queue, 1, wsm_span_of(text, WSM_USER_NAME_MAX),
                    wsm_span_of(text, WSM_USER_PASSWORD_MAX), 0));
    wsm_check_queue_clear(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check_queue_keeps_the_order),
        cmocka_unit_test(test_check_queue_is_bounded),
        cmocka_unit_test(test_check_queue_refuses_what_no_user_has),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
