/* Tests of src/monitor/listeners.c. */
#include "monitor/listeners.h"
#include "temp_dir.h"
#include "wsmerror.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char *dir;
    struct wsm_run_dir run_dir;
    struct wsm_config config;
    struct wsm_listeners listeners;
};

static int setup(void **state)
{
    static const struct wsm_config_user user = { .is_root = true, .home = "/" };
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    fixture->dir = wsm_temp_dir_make();
    assert_true(wsm_run_dir_open(&fixture->run_dir, fixture->dir, NULL));
    assert_true(wsm_config_init(&fixture->config, &user, NULL));
    assert_true(wsm_config_override(&fixture->config, "Listen=127.0.0.1:0", NULL));
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    wsm_listeners_close(&fixture->listeners);
    wsm_run_dir_close(&fixture->run_dir);
    wsm_config_clear(&fixture->config);
    wsm_temp_dir_remove(fixture->dir);
    free(fixture);
    return 0;
}

static void open_all(struct fixture *fixture)
{
    struct wsm_error err = WSM_ERROR_INIT;

    if (!wsm_listeners_open(&fixture->listeners, &fixture->config, &fixture->run_dir, 0, &err))
        fail_msg("%s", wsm_error_text(&err));
}

static int connect_to(const char *url)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    unsigned port = 0;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(sscanf(url, "http://127.0.0.1:%u/wsman", &port), 1);
    address.sin_port = htons((uint16_t)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

static void test_listeners_take_connections(void **state)
{
    struct fixture *fixture = *state;
    int fd;

    open_all(fixture);
    assert_int_equal(fixture->listeners.count, 1);
    fd = connect_to(fixture->listeners.listeners[0].url);
    assert_true(fd >= 0);
    close(fd);
}

static void test_listeners_take_the_chosen_port_again(void **state)
{
    struct fixture *fixture = *state;
    char first[2][WSM_LISTENER_URL_SIZE];

    assert_true(wsm_config_override(&fixture->config, "Listen=127.0.0.1:0", NULL));
    open_all(fixture);
    for (size_t i = 0; i < 2; i++)
        snprintf(first[i], sizeof(first[i]), "%s", fixture->listeners.listeners[i].url);
    assert_string_not_equal(first[0], first[1]);
    wsm_listeners_close(&fixture->listeners);
    open_all(fixture);
    for (size_t i = 0; i < 2; i++)
        assert_string_equal(fixture->listeners.listeners[i].url, first[i]);
}

static void test_listeners_choose_another_port_if_it_is_taken(void **state)
{
    struct fixture *fixture = *state;
    struct wsm_listeners other = { 0 };
    char first[WSM_LISTENER_URL_SIZE];

    open_all(fixture);
    other = fixture->listeners;
    snprintf(first, sizeof(first), "%s", other.listeners[0].url);
    fixture->listeners.count = 0;
    open_all(fixture);
    assert_string_not_equal(fixture->listeners.listeners[0].url, first);
    wsm_listeners_close(&other);
}

static void test_listeners_ignore_a_port_file_of_rubbish(void **state)
{
    static const char *const texts[] = {
        "", "x", "0 ", "0 127.0.0.1:1x\n", "\n\n\n", "1 127.0.0.1:9\n", "0 [::1]:9\n"
    };
    struct fixture *fixture = *state;
    char *path = wsm_temp_path(fixture->dir, "port");

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        wsm_temp_write(path, texts[i], 0600);
        open_all(fixture);
        wsm_listeners_close(&fixture->listeners);
    }
    free(path);
}

static void test_listeners_name_an_address_in_use(void **state)
{
    struct fixture *fixture = *state;
    struct wsm_listeners second = { 0 };
    struct wsm_config config = fixture->config;
    struct wsm_error err = WSM_ERROR_INIT;
    unsigned port = 0;
    char expected[64];

    open_all(fixture);
    assert_int_equal(sscanf(fixture->listeners.listeners[0].url, "http://127.0.0.1:%u/", &port), 1);
    wsm_listen_address_set_port(&config.listen[0], (uint16_t)port);
    assert_false(wsm_listeners_open(&second, &config, &fixture->run_dir, 60, &err));
    assert_int_equal(err.code, ERROR_BUSY);
    snprintf(expected, sizeof(expected), "Listen 127.0.0.1:%u: Address already in use", port);
    assert_string_equal(wsm_error_text(&err), expected);
    assert_int_equal(second.count, 0);
    wsm_error_clear(&err);
}

static void test_listeners_fail_for_an_address_of_others(void **state)
{
    struct fixture *fixture = *state;
    struct wsm_error err = WSM_ERROR_INIT;

    assert_true(wsm_config_override(&fixture->config, "Listen=192.0.2.1:0", NULL));
    assert_false(
        wsm_listeners_open(&fixture->listeners, &fixture->config, &fixture->run_dir, 0, &err));
    assert_int_equal(fixture->listeners.count, 0); /* the first one is closed again */
    assert_non_null(strstr(wsm_error_text(&err), "192.0.2.1:0"));
    wsm_error_clear(&err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_listeners_take_connections, setup, teardown),
        cmocka_unit_test_setup_teardown(test_listeners_take_the_chosen_port_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_listeners_choose_another_port_if_it_is_taken, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_listeners_ignore_a_port_file_of_rubbish, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_listeners_name_an_address_in_use, setup, teardown),
        cmocka_unit_test_setup_teardown(test_listeners_fail_for_an_address_of_others, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
