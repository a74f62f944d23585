/* Handles: found only by their exact value, stale for ever after removal. */
#include "client/handle.h"

#include "wsmerror.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static int object;

static uintptr_t add(struct wsm_handle_table *table, enum wsm_handle_type type)
{
    uintptr_t handle = 0;

    assert_true(wsm_handle_table_add(table, type, 1, &object, NULL, &handle, NULL));
    return handle;
}

static void test_handle_is_found_by_value_and_type(void **state)
{
    struct wsm_handle_table table = { .count = 0 };
    uintptr_t handle = add(&table, WSM_HANDLE_SHELL);

    (void)state;
    assert_int_not_equal(handle, 0);
    assert_int_equal(wsm_handle_type_of(handle), WSM_HANDLE_SHELL);
    assert_ptr_equal(wsm_handle_table_find(&table, handle, WSM_HANDLE_SHELL)->object, &object);
    assert_null(wsm_handle_table_find(&table, handle, WSM_HANDLE_COMMAND));
    assert_null(wsm_handle_table_find(&table, 0, WSM_HANDLE_SHELL));
    assert_null(wsm_handle_table_find(&table, handle + 16, WSM_HANDLE_SHELL));
    assert_null(wsm_handle_table_find(&table, (uintptr_t)&object, WSM_HANDLE_SHELL));
    assert_null(wsm_handle_table_find(&table, UINTPTR_MAX, WSM_HANDLE_SHELL));
    free(table.slots);
}

static void test_handle_is_stale_once_removed(void **state)
{
    struct wsm_handle_table table = { .count = 0 };
    uintptr_t first = add(&table, WSM_HANDLE_SHELL);
    uintptr_t second;
    size_t i;

    (void)state;
    for (i = 0; i < 1000; i++) { /* the slot is used again, the handle never */
        wsm_handle_table_remove(&table, first);
        wsm_handle_table_remove(&table, first);
        second = add(&table, WSM_HANDLE_SHELL);
        assert_int_not_equal(second, first);
        assert_null(wsm_handle_table_find(&table, first, WSM_HANDLE_SHELL));
        first = second;
    }
    assert_int_equal(table.count, 1);
    free(table.slots);
}

static void test_handle_slots_grow_and_the_oldest_free_one_is_used_first(void **state)
{
    struct wsm_handle_table table = { .count = 0 };
    uintptr_t handles[200];
    size_t i;

    (void)state;
    for (i = 0; i < 200; i++)
        handles[i] = add(&table, WSM_HANDLE_OPERATION);
    for (i = 0; i < 200; i++)
        assert_non_null(wsm_handle_table_find(&table, handles[i], WSM_HANDLE_OPERATION));
    wsm_handle_table_remove(&table, handles[7]);
    wsm_handle_table_remove(&table, handles[3]);
    assert_int_equal(add(&table, WSM_HANDLE_OPERATION) >> 4 & 0xfffff, 7);
    assert_int_equal(add(&table, WSM_HANDLE_OPERATION) >> 4 & 0xfffff, 3);
    assert_int_equal(add(&table, WSM_HANDLE_OPERATION) >> 4 & 0xfffff, 200);
    free(table.slots);
}

static void test_handle_table_has_a_limit(void **state)
{
    struct wsm_handle_table table = { .count = 0 };
    struct wsm_error err = WSM_ERROR_INIT;
    uintptr_t handle = 5;
    size_t i;

    (void)state;
    for (i = 0; i < WSM_HANDLES_MAX; i++)
        (void)add(&table, WSM_HANDLE_SHELL);
    assert_false(wsm_handle_table_add(&table, WSM_HANDLE_SHELL, 0, &object, NULL, &handle, &err));
    assert_int_equal(err.code, ERROR_NOT_ENOUGH_MEMORY);
    assert_int_equal(handle, 5);
    wsm_error_clear(&err);
    free(table.slots);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handle_is_found_by_value_and_type),
        cmocka_unit_test(test_handle_is_stale_once_removed),
        cmocka_unit_test(test_handle_slots_grow_and_the_oldest_free_one_is_used_first),
        cmocka_unit_test(test_handle_table_has_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
