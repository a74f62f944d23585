/* The connection of a shell or command: every pair of state and event. */
#include "client/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct transition {
    enum wsm_link from;
    enum wsm_link_event event;
    enum wsm_link to;
};

/* All that there are; any other pair is refused. */
static const struct transition transitions[] = {
    { WSM_LINK_CONNECTED, WSM_LINK_EV_DISCONNECT, WSM_LINK_HOLDING },
    { WSM_LINK_CONNECTED, WSM_LINK_EV_GONE, WSM_LINK_DISCONNECTED },
    { WSM_LINK_CONNECTED, WSM_LINK_EV_BROKE, WSM_LINK_BROKEN },
    { WSM_LINK_HOLDING, WSM_LINK_EV_HELD, WSM_LINK_DRAINING },
    { WSM_LINK_HOLDING, WSM_LINK_EV_GONE, WSM_LINK_DISCONNECTED },
    { WSM_LINK_DRAINING, WSM_LINK_EV_SENT, WSM_LINK_LEAVING },
    { WSM_LINK_DRAINING, WSM_LINK_EV_KEPT, WSM_LINK_CONNECTED },
    { WSM_LINK_DRAINING, WSM_LINK_EV_GONE, WSM_LINK_DISCONNECTED },
    { WSM_LINK_LEAVING, WSM_LINK_EV_ANSWERED, WSM_LINK_SETTLING },
    { WSM_LINK_LEAVING, WSM_LINK_EV_KEPT, WSM_LINK_CONNECTED },
    { WSM_LINK_LEAVING, WSM_LINK_EV_GONE, WSM_LINK_DISCONNECTED },
    { WSM_LINK_SETTLING, WSM_LINK_EV_GONE, WSM_LINK_DISCONNECTED },
    { WSM_LINK_DISCONNECTED, WSM_LINK_EV_RECONNECT, WSM_LINK_RECONNECTING },
    { WSM_LINK_RECONNECTING, WSM_LINK_EV_BACK, WSM_LINK_CONNECTED },
    { WSM_LINK_RECONNECTING, WSM_LINK_EV_FAILED, WSM_LINK_DISCONNECTED },
    { WSM_LINK_RECONNECTING, WSM_LINK_EV_GONE, WSM_LINK_DISCONNECTED },
};

static enum wsm_link expected(enum wsm_link from, enum wsm_link_event event)
{
    size_t i;

    for (i = 0; i < sizeof(transitions) / sizeof(transitions[0]); i++) {
        if (transitions[i].from == from && transitions[i].event == event)
            return transitions[i].to;
    }
    return WSM_LINK_REFUSED;
}

static void test_link_takes_exactly_its_transitions(void **state)
{
    unsigned from;
    unsigned event;

    (void)state;
    for (from = WSM_LINK_CONNECTED; from < WSM_LINK_COUNT; from++) {
        for (event = 0; event < WSM_LINK_EV_COUNT; event++) {
            enum wsm_link link = (enum wsm_link)from;
            enum wsm_link to = expected(link, (enum wsm_link_event)event);
            bool ok = wsm_link_step(&link, (enum wsm_link_event)event, "shell", "x");

            assert_int_equal(ok, to != WSM_LINK_REFUSED);
            assert_int_equal(link, ok ? to : from);
        }
    }
}

static void test_link_tells_what_may_go(void **state)
{
    static const struct {
        enum wsm_link link;
        bool asks;
        bool delivers;
        bool told;
        bool ends;
    } rows[] = {
        { WSM_LINK_CONNECTED, true, true, false, false },
        { WSM_LINK_HOLDING, true, true, false, true },
        { WSM_LINK_DRAINING, false, true, false, true },
        { WSM_LINK_LEAVING, false, true, true, true },
        { WSM_LINK_SETTLING, false, true, true, true },
        { WSM_LINK_DISCONNECTED, false, false, false, false },
        { WSM_LINK_RECONNECTING, false, false, false, false },
        { WSM_LINK_BROKEN, false, false, false, false },
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(wsm_link_may_ask(rows[i].link), rows[i].asks);
        assert_int_equal(wsm_link_may_deliver(rows[i].link), rows[i].delivers);
        assert_int_equal(wsm_link_has_told(rows[i].link), rows[i].told);
        assert_int_equal(wsm_link_is_ending(rows[i].link), rows[i].ends);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_link_takes_exactly_its_transitions),
        cmocka_unit_test(test_link_tells_what_may_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
