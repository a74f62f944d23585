/* The small parts of the shell host that concern who holds its shell, repetitions and the
 * report: states, remembered ids, lines, usage. */
#include "host/connection.h"
#include "host/host.h"
#include "host/ids.h"
#include "host/line.h"
#include "host/terminated.h"
#include "host/usage.h"
#include "wsmerror.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void test_connection_states_follow_the_table(void **state)
{
    enum { NO = WSM_CONNECTION_REFUSED, UP = WSM_HOST_CONNECTED, DOWN = WSM_HOST_DISCONNECTED };
    static const int expected[WSM_CONNECTION_STATES][WSM_CONNECTION_EVENTS] = {
        { UP, NO, NO, NO },
        { NO, DOWN, WSM_HOST_AUTO_DISCONNECTED, UP },
        { NO, DOWN, DOWN, UP },
        { NO, DOWN, WSM_HOST_AUTO_DISCONNECTED, UP },
    };

    (void)state;
    for (int i = 0; i < WSM_CONNECTION_STATES; i++) {
        for (int j = 0; j < WSM_CONNECTION_EVENTS; j++)
            assert_int_equal(wsm_connection_next(i, (enum wsm_connection_event)j), expected[i][j]);
    }
}

static struct wsm_connection opened(const char *session_id, uint8_t buffer_mode)
{
    struct wsm_connection connection = { .state = WSM_CONNECTION_REFUSED };
    const struct wsm_host_open open = { .session_id = wsm_span_str(session_id),
                                        .buffer_mode = buffer_mode,
                                        .client_version = 4 };

    assert_true(wsm_connection_open(&connection, &open, NULL));
    return connection;
}

static bool let_go(struct wsm_connection *connection, uint8_t buffer_mode, int64_t idle_timeout_ms,
                   const char *session_id)
{
    const struct wsm_host_disconnect message = { .buffer_mode = buffer_mode,
                                                 .idle_timeout_ms = idle_timeout_ms,
                                                 .session_id = wsm_span_str(session_id) };

    return wsm_connection_let_go(connection, &message, NULL);
}

static void test_connection_drops_only_while_let_go_and_asked_to(void **state)
{
    struct wsm_connection connection = opened("", WSM_HOST_BUFFER_DROP);

    (void)state;
    assert_false(wsm_connection_drops(&connection));
    assert_true(let_go(&connection, WSM_HOST_BUFFER_UNCHANGED, -1, ""));
    assert_true(wsm_connection_drops(&connection));
    assert_true(let_go(&connection, WSM_HOST_BUFFER_BLOCK, 0, ""));
    assert_false(wsm_connection_drops(&connection));
    assert_true(let_go(&connection, WSM_HOST_BUFFER_DROP, 0, ""));
    assert_true(
        wsm_connection_take_up(&connection, &(struct wsm_host_connect){ .request = 1 }, NULL));
    assert_false(wsm_connection_drops(&connection));
    assert_int_equal(opened("", WSM_HOST_BUFFER_UNCHANGED).buffer_mode, WSM_HOST_BUFFER_BLOCK);
}

static void test_connection_knows_the_creator_however_it_is_spelled(void **state)
{
    static const char *const same[] = { "uuid:AB", "UUID:ab", " uuid:aB\t", "uuid:AB\r\n" };
    static const char *const others[] = { "", "uuid:A", "uuid:ABC", "uuid: AB", "AB" };

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct wsm_connection connection = opened("uuid:Ab", 0);

        assert_true(let_go(&connection, 0, -1, same[i]));
        assert_false(connection.is_taken);
        assert_true(wsm_span_is(wsm_session_span(&connection.holder), same[i])); /* as sent */
    }
    for (size_t i = 0; i < 5; i++) {
        struct wsm_connection connection = opened("uuid:Ab", 0);

        assert_true(let_go(&connection, 0, -1, others[i]));
        assert_true(connection.is_taken);
        assert_true(let_go(&connection, 0, -1, "uuid:Ab"));
        assert_true(connection.is_taken); /* it was */
    }
}

static void test_connection_changes_nothing_when_it_refuses(void **state)
{
    static char long_id[WSM_HOST_ID_MAX + 2];
    struct wsm_connection connection = opened("a", 0);
    struct wsm_connection before = connection;
    struct wsm_connection fresh = { .state = WSM_CONNECTION_REFUSED };

    (void)state;
    memset(long_id, 'a', WSM_HOST_ID_MAX + 1);
    assert_false(let_go(&connection, 3, 0, "b"));
    assert_false(let_go(&connection, 2, -2, "b"));
    assert_false(let_go(&connection, 2, 0, long_id));
    assert_false(wsm_connection_take_up(
        &connection,
        &(struct wsm_host_connect){ .session_id = wsm_span_str(long_id), .client_version = 9 },
        NULL));
    assert_false(wsm_connection_open(&connection, &(struct wsm_host_open){ .request = 1 }, NULL));
    assert_memory_equal(&connection, &before, sizeof(before));
    assert_false(let_go(&fresh, 0, 0, "")); /* before it is open */
    long_id[WSM_HOST_ID_MAX] = '\0';
    assert_true(let_go(&connection, 0, 0, long_id));
    assert_int_equal(connection.holder.len, WSM_HOST_ID_MAX);
}

static void test_id_keeps_what_can_be_one(void **state)
{
    static char text[WSM_HOST_ID_MAX + 2];
    struct wsm_id id = { .bytes = NULL };

    (void)state;
    memset(text, 'x', WSM_HOST_ID_MAX + 1);
    assert_true(wsm_id_set(&id, wsm_span_str("uuid:1"), NULL));
    assert_true(wsm_id_is(&id, wsm_span_str("uuid:1")));
    assert_false(wsm_id_is(&id, wsm_span_str("UUID:1")));
    assert_false(wsm_id_is(&id, wsm_span_str("uuid:11")));
    assert_true(wsm_id_set(&id, wsm_span_str(text), NULL));
    assert_false(wsm_id_is(&id, wsm_span_str(text))); /* too long: none */
    assert_false(wsm_id_is(&id, wsm_span_str("uuid:1")));
    text[WSM_HOST_ID_MAX] = '\0';
    assert_true(wsm_id_set(&id, wsm_span_str(text), NULL));
    assert_true(wsm_id_is(&id, wsm_span_str(text)));
    assert_true(wsm_id_set(&id, wsm_span_str(""), NULL));
    assert_false(wsm_id_is(&id, wsm_span_str(""))); /* none equals none */
    assert_null(id.bytes);
    wsm_id_clear(&id);
}

static void remember(struct wsm_ids *ids, const char *text)
{
    struct wsm_id id = { .bytes = NULL };

    assert_true(wsm_ids_reserve(ids, wsm_span_str(text), NULL));
    assert_true(wsm_id_set(&id, wsm_span_str(text), NULL));
    wsm_ids_move(ids, &id);
    assert_null(id.bytes);
}

static void test_ids_keep_the_last_64(void **state)
{
    struct wsm_ids ids = { .ring = NULL };
    char text[16];

    (void)state;
    assert_false(wsm_ids_has(&ids, wsm_span_str("0")));
    remember(&ids, "");
    assert_null(ids.ring); /* nothing for nothing */
    for (int i = 0; i <= WSM_IDS_MAX; i++) {
        snprintf(text, sizeof(text), "%d", i);
        assert_false(wsm_ids_has(&ids, wsm_span_str(text)));
        remember(&ids, text);
        remember(&ids, "");
        assert_true(wsm_ids_has(&ids, wsm_span_str(text)));
    }
    assert_false(wsm_ids_has(&ids, wsm_span_str("0")));
    assert_true(wsm_ids_has(&ids, wsm_span_str("1")));
    assert_false(wsm_ids_has(&ids, wsm_span_str("")));
    wsm_ids_clear(&ids);
    assert_false(wsm_ids_has(&ids, wsm_span_str("1")));
}

static void test_terminated_keeps_the_last_64(void **state)
{
    static struct wsm_terminated terminated;
    struct wsm_id message_id = { .bytes = NULL };
    struct wsm_guid id;

    (void)state;
    for (int i = 0; i <= WSM_TERMINATED_MAX; i++) {
        snprintf(id.text, sizeof(id.text), "%08d-0000-4000-8000-00000000000A", i);
        assert_true(wsm_id_set(&message_id, wsm_span_str(id.text), NULL));
        wsm_terminated_add(&terminated, &id, &message_id);
        assert_null(message_id.bytes);
    }
    assert_true(wsm_guid_parse(wsm_span_str("00000000-0000-4000-8000-00000000000A"), &id));
    assert_false(wsm_terminated_has(&terminated, &id));
    assert_true(wsm_guid_parse(wsm_span_str("00000001-0000-4000-8000-00000000000a"), &id));
    assert_true(wsm_terminated_has(&terminated, &id));
    wsm_terminated_clear(&terminated);
    assert_false(wsm_terminated_has(&terminated, &id));
}

static void check_line(const struct wsm_host_run *run, size_t len, const char *end)
{
    struct wsm_buf line = WSM_BUF_INIT;

    wsm_line_make(run, &line);
    assert_true(wsm_buf_ok(&line));
    assert_int_equal(line.len, len);
    assert_memory_equal(line.ptr + len - strlen(end), end, strlen(end));
    wsm_buf_clear(&line);
}

static void test_line_is_cut_between_characters(void **state)
{
    static char text[WSM_LINE_MAX + 8];
    struct wsm_buf arguments = WSM_BUF_INIT;
    struct wsm_host_run run = { .command = wsm_span_of(text, WSM_LINE_MAX) };

    (void)state;
    memset(text, 'x', sizeof(text));
    check_line(&run, WSM_LINE_MAX, "x");
    run.command.len = WSM_LINE_MAX + 1;
    check_line(&run, WSM_LINE_MAX, "x");
    memcpy(text + WSM_LINE_MAX - 2, "\xe2\x82\xac", 3); /* one byte too many */
    check_line(&run, WSM_LINE_MAX - 2, "x");
    memcpy(text + WSM_LINE_MAX - 3, "\xe2\x82\xacx", 4); /* just fits */
    check_line(&run, WSM_LINE_MAX, "\xe2\x82\xac");

    run.command = wsm_span_str("a program");
    wsm_strings_add(&arguments, wsm_span_str("-x"));
    wsm_strings_add(&arguments, wsm_span_str(""));
    wsm_strings_add(&arguments, wsm_span_str("last"));
    run.arguments = wsm_buf_span(&arguments);
    check_line(&run, 9, "a program"); /* a line has no arguments */
    run.skip_shell = 1;
    check_line(&run, 18, "a program -x  last");
    memset(text, 'x', sizeof(text));
    memcpy(text + WSM_LINE_MAX - 1, "\xc3\xa4", 2);
    run.command = wsm_span_of(text, WSM_LINE_MAX + 1);
    check_line(&run, WSM_LINE_MAX - 1, "xx"); /* nothing follows what was cut */
    wsm_buf_clear(&arguments);
}

static void test_usage_finds_children_and_theirs(void **state)
{
    struct wsm_usage usage;
    uint64_t alone;
    char byte;
    pid_t pid;
    int fds[2];

    (void)state;
    wsm_usage_read(&usage);
    assert_int_equal(usage.processes, 0);
    assert_true(usage.memory_kib > 0);
    alone = usage.memory_kib;
    assert_int_equal(pipe(fds), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(fds[1]);
        if (fork() == 0) /* both wait for the end of the pipe */
            _exit(read(fds[0], &byte, 1) != 0);
        wait(NULL);
        _exit(0);
    }
    do
        wsm_usage_read(&usage);
    while (usage.processes < 2);
    assert_int_equal(usage.processes, 2);
    assert_true(usage.memory_kib > alone);
    close(fds[0]);
    close(fds[1]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    wsm_usage_read(&usage);
    assert_int_equal(usage.processes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connection_states_follow_the_table),
        cmocka_unit_test(test_connection_drops_only_while_let_go_and_asked_to),
        cmocka_unit_test(test_connection_knows_the_creator_however_it_is_spelled),
        cmocka_unit_test(test_connection_changes_nothing_when_it_refuses),
        cmocka_unit_test(test_id_keeps_what_can_be_one),
        cmocka_unit_test(test_ids_keep_the_last_64),
        cmocka_unit_test(test_terminated_keeps_the_last_64),
        cmocka_unit_test(test_line_is_cut_between_characters),
        cmocka_unit_test(test_usage_finds_children_and_theirs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
