/* Settings as the monitor hands them over. */
#include "server/settings.h"

#include "wsmerror.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static bool take(struct wsm_settings *settings, const char *strings, size_t len, uint32_t *code)
{
    struct wsm_error err = WSM_ERROR_INIT;
    bool ok = wsm_settings_take(settings, wsm_span_of(strings, len), &err);

    *code = err.code;
    wsm_error_clear(&err);
    return ok;
}

static void refused(const char *string)
{
    struct wsm_settings settings;
    uint32_t code;

    wsm_settings_init(&settings);
    assert_false(take(&settings, string, strlen(string) + 1, &code));
    assert_int_equal(code, ERROR_INVALID_PARAMETER);
    wsm_settings_clear(&settings);
}

static void test_settings_are_typed(void **state)
{
    static const char list[] = "Basic=true\0AllowUnencrypted=TRUE\0UsersFile=/etc/winrmd/users\0"
                               "MaxEnvelopeSizekb=32\0MaxPacketRetrievalTimeSeconds=7\0"
                               "AutoDisconnectTimeout=1500\0"
                               "MaxConnections=3\0LogLevel=debug\0Listen=127.0.0.1:5985";
    struct wsm_settings settings;
    uint32_t code;

    (void)state;
    wsm_settings_init(&settings);
    assert_true(take(&settings, list, sizeof(list), &code));
    assert_true(settings.basic);
    assert_true(settings.allow_unencrypted);
    assert_string_equal(settings.users_file, "/etc/winrmd/users");
    assert_int_equal(settings.max_envelope_size, 32768);
    assert_int_equal(settings.packet_retrieval_ms, 7000);
    assert_int_equal(settings.auto_disconnect_ms, 1500);
    assert_int_equal(settings.max_connections, 3);
    assert_int_equal(settings.log_level, WSM_LOG_DEBUG);
    wsm_settings_clear(&settings);
}

static void test_settings_default_to_what_is_safe(void **state)
{
    struct wsm_settings settings;

    (void)state;
    wsm_settings_init(&settings);
    assert_false(settings.basic);
    assert_false(settings.allow_unencrypted);
    assert_int_equal(settings.max_envelope_size, 512000);
    wsm_settings_clear(&settings);
}

static void test_settings_last_value_counts(void **state)
{
    static const char list[] = "UsersFile=/a\0UsersFile=/b";
    struct wsm_settings settings;
    uint32_t code;

    (void)state;
    wsm_settings_init(&settings);
    assert_true(take(&settings, list, sizeof(list), &code));
    assert_string_equal(settings.users_file, "/b");
    wsm_settings_clear(&settings);
}

static void test_settings_bad_values_are_refused(void **state)
{
    (void)state;
    refused("Basic=yes");
    refused("Basic=");
    refused("MaxConnections=0");
    refused("MaxConnections=-1");
    refused("MaxConnections=12x");
    refused("MaxConnections=");
    refused("MaxConnections=99999999999999999999");
    refused("MaxEnvelopeSizekb=31");
    refused("MaxEnvelopeSizekb=4097");
    refused("LogLevel=loud");
    refused("Basic");
}

static void test_settings_unterminated_list_is_refused(void **state)
{
    struct wsm_settings settings;
    uint32_t code;

    (void)state;
    wsm_settings_init(&settings);
    assert_false(take(&settings, "Basic=true", 10, &code));
    assert_false(settings.basic);
    wsm_settings_clear(&settings);
}

static void test_settings_idle_timeout_is_clamped(void **state)
{
    struct wsm_settings settings;

    (void)state;
    wsm_settings_init(&settings);
    settings.max_idle_timeout_ms = 9000000;
    assert_int_equal(wsm_settings_idle_timeout(&settings, -1), 7200000);
    assert_int_equal(wsm_settings_idle_timeout(&settings, 0), 60000);
    assert_int_equal(wsm_settings_idle_timeout(&settings, 59999), 60000);
    assert_int_equal(wsm_settings_idle_timeout(&settings, 61000), 61000);
    assert_int_equal(wsm_settings_idle_timeout(&settings, INT64_MAX), 9000000);
    wsm_settings_clear(&settings);
}

static void test_settings_operation_timeout_is_bounded(void **state)
{
    struct wsm_settings settings;

    (void)state;
    wsm_settings_init(&settings);
    assert_int_equal(wsm_settings_operation_timeout(&settings, -1), 60000);
    assert_int_equal(wsm_settings_operation_timeout(&settings, 20000), 20000);
    assert_int_equal(wsm_settings_operation_timeout(&settings, 60001), 60000);
    assert_true(wsm_settings_operation_timeout(&settings, 0) > 0);
    wsm_settings_clear(&settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings_are_typed),
        cmocka_unit_test(test_settings_default_to_what_is_safe),
        cmocka_unit_test(test_settings_last_value_counts),
        cmocka_unit_test(test_settings_bad_values_are_refused),
        cmocka_unit_test(test_settings_unterminated_list_is_refused),
        cmocka_unit_test(test_settings_idle_timeout_is_clamped),
        cmocka_unit_test(test_settings_operation_timeout_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
