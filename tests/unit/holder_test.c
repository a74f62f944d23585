/* Who may do what with a shell: each cell of the table in holder.c, as the contract has it. */
#include "server/holder.h"

#include "wsmerror.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MINE   "uuid:AAAAAAAA-0000-4000-8000-000000000001"
#define OTHERS "uuid:BBBBBBBB-0000-4000-8000-000000000002"

struct cell {
    enum wsm_hold_request request;
    enum wsm_host_connection connection;
    bool is_own;
    bool is_taken;
    bool takeover;
    uint32_t expected; /* 0 = go, 1 = take up first, else the code */
};

#define USE  WSM_HOLD_USE
#define DIS  WSM_HOLD_DISCONNECT
#define REC  WSM_HOLD_RECONNECT
#define CON  WSM_HOLD_CONNECT
#define UP   WSM_HOST_CONNECTED
#define DOWN WSM_HOST_DISCONNECTED
#define AUTO WSM_HOST_AUTO_DISCONNECTED

static const struct cell cells[] = {
    /* request, connection, own, taken, take-over */
    { USE, UP, true, false, false, 0 },
    { USE, UP, true, true, false, 0 },
    { USE, UP, false, false, false, 0 },
    { USE, UP, false, true, false, 2150859213U },
    { USE, DOWN, true, false, false, 2150859204U },
    { USE, DOWN, true, true, false, 2150859204U },
    { USE, DOWN, false, false, false, 2150859204U },
    { USE, DOWN, false, true, false, 2150859206U },
    { USE, AUTO, true, false, false, 1 },
    { USE, AUTO, true, true, false, 1 },
    { USE, AUTO, false, false, false, 2150859204U },
    { USE, AUTO, false, true, false, 2150859206U },
    { USE, UP, false, true, true, 2150859213U }, /* to use it is no way to take it over */
    { USE, DOWN, false, true, true, 2150859206U },

    { DIS, UP, true, false, false, 0 },
    { DIS, UP, true, true, false, 0 },
    { DIS, UP, false, false, false, 2150859213U },
    { DIS, UP, false, true, false, 2150859213U },
    { DIS, DOWN, true, false, false, 0 },
    { DIS, DOWN, true, true, false, 0 },
    { DIS, DOWN, false, false, false, 2150859206U },
    { DIS, DOWN, false, true, false, 2150859206U },
    { DIS, AUTO, true, false, false, 0 },
    { DIS, AUTO, false, false, false, 2150859206U },
    { DIS, AUTO, false, true, false, 2150859206U },
    { DIS, UP, false, false, true, 0 },
    { DIS, UP, false, true, true, 0 },
    { DIS, DOWN, false, false, true, 0 },
    { DIS, AUTO, false, true, true, 0 },

    { REC, UP, true, false, false, 0 },
    { REC, UP, true, true, false, 0 },
    { REC, UP, false, false, false, 2150859213U },
    { REC, UP, false, true, false, 2150859213U },
    { REC, DOWN, true, false, false, 0 },
    { REC, DOWN, true, true, false, 0 },
    { REC, DOWN, false, false, false, 2150859206U },
    { REC, DOWN, false, true, false, 2150859206U },
    { REC, AUTO, true, false, false, 0 },
    { REC, AUTO, false, false, false, 2150859206U },
    { REC, AUTO, false, true, false, 2150859206U },
    { REC, UP, false, false, true, 2150859213U }, /* who takes over Connects */
    { REC, DOWN, false, true, true, 2150859206U },

    { CON, UP, true, false, false, 2150859213U },
    { CON, UP, true, true, false, 2150859213U },
    { CON, UP, false, false, false, 2150859213U },
    { CON, UP, false, true, false, 2150859213U },
    { CON, UP, true, false, true, 0 },
    { CON, UP, false, false, true, 0 },
    { CON, UP, false, true, true, 0 },
    { CON, DOWN, true, false, false, 0 },
    { CON, DOWN, false, false, false, 0 },
    { CON, DOWN, false, true, false, 0 },
    { CON, DOWN, false, true, true, 0 },
    { CON, AUTO, true, false, false, 0 },
    { CON, AUTO, false, false, false, 0 },
    { CON, AUTO, false, true, true, 0 },
};

static struct wsm_holder holder_of(bool is_taken, enum wsm_host_connection connection)
{
    struct wsm_holder holder;

    wsm_holder_create(&holder, wsm_span_str(MINE), 0, true);
    holder.is_taken = is_taken;
    holder.connection = connection;
    return holder;
}

static uint32_t decide(const struct wsm_holder *holder, enum wsm_hold_request request,
                       const char *session, bool takeover)
{
    uint32_t code = 7;

    switch (wsm_holder_decide(holder, request, wsm_span_str(session), takeover, &code)) {
    case WSM_HOLD_GO:
        assert_int_equal(code, 7);
        return 0;
    case WSM_HOLD_TAKE_UP:
        assert_int_equal(code, 7);
        return 1;
    default:
        return code;
    }
}

static void test_holder_decides_each_cell(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
        const struct cell *cell = &cells[i];
        struct wsm_holder holder = holder_of(cell->is_taken, cell->connection);
        uint32_t got = decide(&holder, cell->request, cell->is_own ? MINE : OTHERS, cell->takeover);

        if (got != cell->expected)
            fail_msg("cell %zu: %u instead of %u", i, got, cell->expected);
    }
}

/* The answer to its Connect was lost: it cannot know that it holds the shell. */
static void test_holder_lets_our_client_repeat_its_connect(void **state)
{
    struct wsm_holder holder = holder_of(true, UP);

    (void)state;
    assert_int_equal(decide(&holder, CON, MINE, false), 2150859213U);
    holder.client_version = 1;
    assert_int_equal(decide(&holder, CON, MINE, false), 0);
    assert_int_equal(decide(&holder, CON, OTHERS, false), 2150859213U);
}

static void test_holder_that_cannot_disconnect_is_told_so_first(void **state)
{
    static const enum wsm_host_connection connections[] = { UP, DOWN, AUTO };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct wsm_holder holder = holder_of(false, connections[i]);

        holder.can_disconnect = false;
        assert_int_equal(decide(&holder, DIS, MINE, false), 2150859205U);
        assert_int_equal(decide(&holder, DIS, OTHERS, false), 2150859205U);
        assert_int_equal(decide(&holder, DIS, OTHERS, true), 2150859205U);
    }
}

static void test_holder_compares_sessions_without_case_and_blanks(void **state)
{
    struct wsm_holder holder = holder_of(false, UP);

    (void)state;
    assert_true(
        wsm_holder_is(&holder, wsm_span_str(" uuid:aaaaaaaa-0000-4000-8000-000000000001\n")));
    assert_false(wsm_holder_is(&holder, wsm_span_str("AAAAAAAA-0000-4000-8000-000000000001")));
    assert_false(wsm_holder_is(&holder, wsm_span_str("")));
    assert_false(wsm_holder_is(&holder, wsm_span_of(NULL, 0)));
}

static void test_holder_clients_without_session_are_one(void **state)
{
    struct wsm_holder holder;

    (void)state;
    wsm_holder_create(&holder, wsm_span_of(NULL, 0), 0, false);
    assert_true(wsm_holder_is(&holder, wsm_span_str("")));
    assert_true(wsm_holder_is(&holder, wsm_span_str("  ")));
    assert_false(wsm_holder_is(&holder, wsm_span_str(MINE)));
    assert_int_equal(decide(&holder, REC, "", false), 0);
}

static void test_holder_changes_hands(void **state)
{
    struct wsm_holder holder = holder_of(false, UP);

    (void)state;
    wsm_holder_disconnect(&holder, wsm_span_str(MINE), false);
    assert_int_equal(holder.connection, WSM_HOST_DISCONNECTED);
    wsm_holder_connect(&holder, wsm_span_str(MINE), 1);
    assert_false(holder.is_taken);
    assert_true(wsm_holder_is_marked(&holder, wsm_span_str(MINE)));
    assert_false(wsm_holder_is_marked(&holder, wsm_span_str(OTHERS)));
    wsm_holder_disconnect(&holder, wsm_span_str(MINE), true);
    assert_int_equal(holder.connection, WSM_HOST_AUTO_DISCONNECTED);
    wsm_holder_connect(&holder, wsm_span_str(OTHERS), 0);
    assert_true(holder.is_taken);
    assert_int_equal(holder.connection, WSM_HOST_CONNECTED);
    assert_true(wsm_holder_is(&holder, wsm_span_str(OTHERS)));
    assert_false(wsm_holder_is_marked(&holder, wsm_span_str(OTHERS)));
    wsm_holder_connect(&holder, wsm_span_str(MINE), 1);
    assert_true(holder.is_taken); /* it may change hands again at any time */
    assert_int_equal(decide(&holder, USE, OTHERS, false), 2150859213U);
    wsm_holder_disconnect(&holder, wsm_span_str(OTHERS), false);
    assert_int_equal(decide(&holder, USE, MINE, false), 2150859206U);
    assert_int_equal(decide(&holder, USE, OTHERS, false), 2150859204U);
}

static void test_holder_takes_what_a_host_reports_with_care(void **state)
{
    char session[300];
    struct wsm_host_shell report = { .connection = 99, .is_taken = 7, .can_disconnect = 2 };
    struct wsm_holder holder;

    (void)state;
    memset(session, 'x', sizeof(session));
    report.session_id = wsm_span_of(session, sizeof(session));
    wsm_holder_take(&holder, &report);
    assert_int_equal(holder.connection, WSM_HOST_CONNECTED);
    assert_int_equal(strlen(holder.session_id), WSM_HOST_ID_MAX);
    assert_true(holder.is_taken);
    assert_true(holder.can_disconnect);
    report.connection = WSM_HOST_AUTO_DISCONNECTED;
    report.session_id = wsm_span_of(NULL, 0);
    wsm_holder_take(&holder, &report);
    assert_int_equal(holder.connection, WSM_HOST_AUTO_DISCONNECTED);
    assert_string_equal(holder.session_id, "");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_holder_decides_each_cell),
        cmocka_unit_test(test_holder_lets_our_client_repeat_its_connect),
        cmocka_unit_test(test_holder_that_cannot_disconnect_is_told_so_first),
        cmocka_unit_test(test_holder_compares_sessions_without_case_and_blanks),
        cmocka_unit_test(test_holder_clients_without_session_are_one),
        cmocka_unit_test(test_holder_changes_hands),
        cmocka_unit_test(test_holder_takes_what_a_host_reports_with_care),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
