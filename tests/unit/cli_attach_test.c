/* winrmc attach, wait, detach, kill and ps against a library of paper: what they ask for in
 * which order, and which exit code each answer leads to. */
#include "cli_fakes.h"

#include "cli/message.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <wsmerror.h>

#include <cmocka.h>

/* One shell that nobody holds, with one command. */
static struct cli_script usual(void)
{
    return (struct cli_script){ .from = "stdout=10:10 stderr=4:4",
                                .shell_count = 1,
                                .command_count = 1,
                                .options = { .id = "11111111" } };
}

static void test_attach_takes_the_exit_code_and_deletes_the_shell(void **state)
{
    struct cli_script given = usual();

    (void)state;
    given.exit_code = 9;
    cli_expect(wsm_cli_attach, given, 9, "PopoNnroDd", NULL);
    cli_expect(wsm_cli_wait_verb, given, 9, "PopoNnroDd", NULL);
    given.exit_code = 0xC000013A;
    cli_expect(wsm_cli_attach, given, 255, "PopoNnroDd", NULL);
}

static void test_attach_to_one_of_several_leaves_the_others(void **state)
{
    struct cli_script given = usual();

    (void)state;
    given.command_count = 2;
    given.exit_code = 5;
    given.options.id = "11111111/aaaa2"; /* of which the service says no offsets */
    given.from = NULL;
    cli_expect(wsm_cli_attach, given, 5, "PopoNnrotL", NULL);
    given.disconnect = ERROR_ACCESS_DENIED;
    cli_expect(wsm_cli_attach, given, 5, "PopoNnrotL", NULL);
}

static void test_attach_to_several_wants_a_name(void **state)
{
    struct cli_script given = usual();

    (void)state;
    given.command_count = 2;
    cli_expect(wsm_cli_attach, given, 64, "Popod",
               TEST_SHELL "/" TEST_FIRST " Running: sleep\\t1\n");
    given.options.id = "11111111/AAAA";
    cli_expect(wsm_cli_attach, given, 64, "Popod", TEST_SHELL "/" TEST_SECOND " Done: true\n");
    given.options.id = "11111111/bbbb";
    cli_expect(wsm_cli_attach, given, 70, "Popod", "has no command bbbb");
}

static void test_attach_finds_no_shell_or_too_many(void **state)
{
    struct cli_script given = usual();

    (void)state;
    given.shell_count = 2;
    given.options.id = "1111";
    cli_expect(wsm_cli_attach, given, 64, "Pod", "2 shells begin with 1111:\n  " TEST_SHELL "\n");
    given.options.id = "222222";
    cli_expect(wsm_cli_attach, given, 70, "Pod", "no shell 222222");
    given.options.id = "111";
    cli_expect(wsm_cli_attach, given, 64, "Pod", "too short");
    given.options.id = "11112222"; /* ends while its commands are asked for */
    cli_expect(wsm_cli_attach, given, 70, "Popod", "has just ended");
    given.options.id = "11111111";
    given.command_count = 0;
    cli_expect(wsm_cli_attach, given, 70, "Popod", "has no command");
    given.list = ERROR_ACCESS_DENIED;
    cli_expect(wsm_cli_attach, given, 77, "Pod", "words of the service");
}

static void test_attach_says_who_holds_the_shell(void **state)
{
    struct cli_script given = usual();

    (void)state;
    given.is_held = true;
    cli_expect(wsm_cli_attach, given, 70, "Popod",
               "held by session uuid:99999999-8888 (made 2m05s ago, idle 7s); --take");
    cli_expect(wsm_cli_wait_verb, given, 70, "Popod", "--take");
    given.options.is_take = true;
    given.option = "true";
    given.from = NULL; /* what is confirmed may change until the shell is taken */
    cli_expect(wsm_cli_attach, given, 0, "PopoNnroDd", NULL);
    given.is_held = false; /* taken by another one in the meantime */
    given.options.is_take = false;
    given.option = NULL;
    given.connect = ERROR_WINRS_SHELL_CONNECTED_TO_DIFFERENT_CLIENT;
    cli_expect(wsm_cli_attach, given, 70, "PopoN", "--take takes it away");
}

static void test_attach_goes_on_where_it_is_told(void **state)
{
    struct cli_script given = usual();

    (void)state;
    given.options.resume = (struct wsm_cli_resume){ .has_out = true, .out = 15 };
    given.from = "stdout=15:15 stderr=4:4"; /* as far as the service knows of stderr */
    cli_expect(wsm_cli_attach, given, 0, "PopoNnroDd", NULL);
    given.options.resume = (struct wsm_cli_resume){ .has_out = true, .has_err = true, .out = 1 };
    given.from = "stdout=1:1 stderr=0:0";
    cli_expect(wsm_cli_attach, given, 0, "PopoNnroDd", NULL);
    given.receive = ERROR_INVALID_PARAMETER; /* such bytes are not kept */
    cli_expect(wsm_cli_attach, given, 70, "PopoNnroL", "words of the service");
}

static void test_attach_that_fails_deletes_nothing(void **state)
{
    struct cli_script given = usual();

    (void)state;
    given.connect = ERROR_WSMAN_DESTINATION_UNREACHABLE;
    cli_expect(wsm_cli_attach, given, 69, "PopoN", "words of the service");
    given.connect = 0;
    given.connect_command = ERROR_WSMAN_UNEXPECTED_SELECTORS;
    cli_expect(wsm_cli_attach, given, 70, "PopoNnL", "words of the service");
    given.connect_command = 0;
    given.receive = ERROR_WSMAN_INVALID_XML;
    cli_expect(wsm_cli_attach, given, 70, "PopoNnroL", "words of the service");
    given.receive = ERROR_WSMAN_NETWORK_TIMEDOUT;
    cli_expect(wsm_cli_attach, given, 75, "PopoNnro", "attach with: ");
}

static void test_attach_passes_the_first_interrupt_on_and_leaves_at_the_second(void **state)
{
    struct cli_script given = usual();

    (void)state;
    given.receive = HOLD;
    given.signals[0] = SIGINT;
    given.exit_code = 130;
    cli_expect(wsm_cli_attach, given, 130, "PopoNnrcooDd", NULL);
    given.signals[1] = SIGINT;
    cli_expect(wsm_cli_attach, given, 75, "PopoNnrcoL",
               "attach with: winrmc attach u@127.0.0.1 " TEST_SHELL "\n");
    given.command_count = 2;
    given.options.id = "11111111/aaaa1";
    cli_expect(wsm_cli_attach, given, 75, "PopoNnrcoL", TEST_SHELL "/" TEST_FIRST "\n");
}

static void test_wait_lets_go_at_the_first_interrupt(void **state)
{
    struct cli_script given = usual();

    (void)state;
    given.receive = HOLD;
    given.signals[0] = SIGINT;
    cli_expect(wsm_cli_wait_verb, given, 75, "PopoNnrL", "attach with: ");
}

static void test_attach_end_signals_leave_or_kill(void **state)
{
    struct cli_script given = usual();

    (void)state;
    given.receive = HOLD;
    given.signals[0] = SIGTERM;
    cli_expect(wsm_cli_attach, given, 75, "PopoNnrL", "attach with: ");
    given.options.is_hangup_kill = true;
    cli_expect(wsm_cli_attach, given, 143, "PopoNnrDd", NULL);
    given.receive = 0;
    given.connect = HOLD; /* not ours yet: nothing is sent */
    cli_expect(wsm_cli_attach, given, 143, "PopoN", NULL);
    given.signals[0] = SIGINT;
    cli_expect(wsm_cli_attach, given, 130, "PopoN", NULL);
    given.connect = 0;
    given.list = HOLD;
    cli_expect(wsm_cli_attach, given, 130, "Pd", NULL);
}

static void test_attach_timeout_leaves_the_command(void **state)
{
    struct cli_script given = usual();

    (void)state;
    given.receive = HOLD;
    given.options.timeout_ms = 100;
    cli_expect(wsm_cli_attach, given, 124, "PopoNnrL", "attach with: ");
}

static void test_attach_reader_that_goes_leaves_the_command(void **state)
{
    struct cli_script given = usual();
    struct cli_outcome got;
    int fds[2];

    (void)state;
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    close(fds[0]);
    given.receive = HOLD;
    given.output = "x";
    got = cli_play(wsm_cli_attach, given, fds[1]);
    close(fds[1]);
    assert_int_equal(got.status, 141);
    assert_null(strchr(got.calls, 'D'));
    assert_non_null(strchr(got.calls, 'L'));
}

static void test_detach_takes_the_shell_and_lets_go(void **state)
{
    struct cli_script given = usual();

    (void)state;
    given.is_held = true;
    given.option = "true";
    cli_expect(wsm_cli_detach, given, 0, "PoNL", NULL);
    given.options.buffer = WSM_CLI_BUFFER_DROP;
    given.options.idle_timeout_ms = 3600000;
    cli_expect(wsm_cli_detach, given, 0, "PoNL4i", NULL);
}

static void test_detach_that_fails_deletes_nothing(void **state)
{
    struct cli_script given = usual();

    (void)state;
    given.option = "true";
    given.disconnect = ERROR_WINRS_SHELL_DISCONNECT_NOT_SUPPORTED;
    cli_expect(wsm_cli_detach, given, 70, "PoNL", "words of the service");
    given.connect = ERROR_ACCESS_DENIED;
    cli_expect(wsm_cli_detach, given, 77, "PoN", "words of the service");
    given.options.id = "11111111/aaaa";
    cli_expect(wsm_cli_detach, given, 64, "", "all its commands");
}

static void test_kill_deletes_the_shell_whoever_holds_it(void **state)
{
    struct cli_script given = usual();

    (void)state;
    given.is_held = true;
    cli_expect(wsm_cli_kill, given, 0, "PoKod", NULL);
    given.delete = ERROR_WSMAN_UNEXPECTED_SELECTORS;
    cli_expect(wsm_cli_kill, given, 70, "PoKod", "words of the service");
}

static void test_kill_of_a_command_leaves_the_shell(void **state)
{
    struct cli_script given = usual();

    (void)state;
    given.command_count = 2;
    given.options.id = "11111111/aaaa1";
    given.from = NULL;
    cli_expect(wsm_cli_kill, given, 0, "PopoNntL", NULL);
    given.connect_command = ERROR_WSMAN_UNEXPECTED_SELECTORS;
    cli_expect(wsm_cli_kill, given, 70, "PopoNnL", "words of the service");
    given.is_held = true;
    cli_expect(wsm_cli_kill, given, 70, "Popod", "--take");
}

static void test_ps_lists_what_is_still_there(void **state)
{
    struct cli_script given = usual();
    struct cli_outcome got;

    (void)state;
    given.shell_count = 2;
    given.command_count = 2;
    got = cli_play(wsm_cli_ps, given, -1);
    assert_int_equal(got.status, 0);
    assert_string_equal(got.calls, "Popopod");
    assert_non_null(strstr(got.out, TEST_SHELL));
    assert_null(strstr(got.out, TEST_SHELL2)); /* ended in between */
    assert_non_null(strstr(got.out, "sleep\\t1\n"));
}

static void test_ps_that_cannot_be_written_is_74(void **state)
{
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    struct cli_outcome got;

    (void)state;
    got = cli_play(wsm_cli_ps, usual(), full);
    close(full);
    assert_int_equal(got.status, 74);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attach_takes_the_exit_code_and_deletes_the_shell),
        cmocka_unit_test(test_attach_to_one_of_several_leaves_the_others),
        cmocka_unit_test(test_attach_to_several_wants_a_name),
        cmocka_unit_test(test_attach_finds_no_shell_or_too_many),
        cmocka_unit_test(test_attach_says_who_holds_the_shell),
        cmocka_unit_test(test_attach_goes_on_where_it_is_told),
        cmocka_unit_test(test_attach_that_fails_deletes_nothing),
        cmocka_unit_test(test_attach_passes_the_first_interrupt_on_and_leaves_at_the_second),
        cmocka_unit_test(test_wait_lets_go_at_the_first_interrupt),
        cmocka_unit_test(test_attach_end_signals_leave_or_kill),
        cmocka_unit_test(test_attach_timeout_leaves_the_command),
        cmocka_unit_test(test_attach_reader_that_goes_leaves_the_command),
        cmocka_unit_test(test_detach_takes_the_shell_and_lets_go),
        cmocka_unit_test(test_detach_that_fails_deletes_nothing),
        cmocka_unit_test(test_kill_deletes_the_shell_whoever_holds_it),
        cmocka_unit_test(test_kill_of_a_command_leaves_the_shell),
        cmocka_unit_test(test_ps_lists_what_is_still_there),
        cmocka_unit_test(test_ps_that_cannot_be_written_is_74),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
