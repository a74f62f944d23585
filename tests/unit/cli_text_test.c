/* The pure parts of winrmc that make text of what others said: escaping, the attach line,
 * the list of shells, and finding one of them. */
#include "cli/hint.h"
#include "cli/message.h"
#include "cli/pick.h"
#include "cli/ps_print.h"
#include "cli/quote.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HOST "127.0.0.1"

static void expect_text(char *got, const char *expected)
{
    assert_string_equal(got, expected);
    free(got);
}

static void test_quote_visible_leaves_nothing_that_acts(void **state)
{
    (void)state;
    expect_text(wsm_cli_quote_visible(""), "");
    expect_text(wsm_cli_quote_visible("a \\ b 'ä€😀"), "a \\ b 'ä€😀");
    expect_text(wsm_cli_quote_visible("a\tb\nc\rd"), "a\\tb\\nc\\rd");
    expect_text(wsm_cli_quote_visible("\x01\x1b[2J\x7f"), "\\x01\\x1B[2J\\x7F");
    expect_text(wsm_cli_quote_visible("\xc2\x9b"
                                      "1m\xc2\xa0"),
                "\\x9B1m\xc2\xa0");
    expect_text(wsm_cli_quote_visible("\xe2\x80\xae\xe2\x80\x8f\xe2\x81\xa9\xe2\x80\xa6"),
                "\\u202E\\u200F\\u2069…");
    expect_text(wsm_cli_quote_visible("\xe2\x80"), "\xe2\x80"); /* cut off: as it is */
    expect_text(wsm_cli_quote_visible("\xc2"), "\xc2");
}

static void test_quote_json_escapes_what_json_must(void **state)
{
    (void)state;
    expect_text(wsm_cli_quote_json(""), "\"\"");
    expect_text(wsm_cli_quote_json("a\"b\\c\n\x1f\x7fä"), "\"a\\\"b\\\\c\\u000A\\u001F\x7fä\"");
}

static void test_quote_shell_keeps_words_whole(void **state)
{
    (void)state;
    expect_text(wsm_cli_quote_shell("alice@[::1]:80"), "'alice@[::1]:80'");
    expect_text(wsm_cli_quote_shell("alice@host:80"), "alice@host:80");
    expect_text(wsm_cli_quote_shell(""), "''");
    expect_text(wsm_cli_quote_shell("it's $HOME"), "'it'\\''s $HOME'");
}

static void test_quote_seconds_has_two_units_at_most(void **state)
{
    (void)state;
    expect_text(wsm_cli_quote_seconds(0), "0s");
    expect_text(wsm_cli_quote_seconds(59), "59s");
    expect_text(wsm_cli_quote_seconds(60), "1m00s");
    expect_text(wsm_cli_quote_seconds(3599), "59m59s");
    expect_text(wsm_cli_quote_seconds(3660), "1h01m");
    expect_text(wsm_cli_quote_seconds(86400), "1d00h");
    expect_text(wsm_cli_quote_seconds(UINT32_MAX), "49710d06h");
}

static void test_hint_repeats_what_the_user_gave(void **state)
{
    struct wsm_cli_options options = { .host = "h", .user = "a b", .password_file = "f" };
    struct wsm_cli_hint hint = { .shell_id = "S" };

    (void)state;
    expect_text(wsm_cli_hint_line(&hint, &options),
                "winrmc attach --user 'a b' --password-file f h S");
    options = (struct wsm_cli_options){ .host = "x@h", .password_file = "-" };
    options.is_unencrypted = true;
    hint = (struct wsm_cli_hint){ .shell_id = "S", .command_id = "C", .needs_take = true };
    expect_text(wsm_cli_hint_line(&hint, &options), "winrmc attach --unencrypted --take x@h S/C");
}

static void test_hint_has_offsets_where_something_was_written(void **state)
{
    struct wsm_cli_options options = { .host = "h" };
    struct wsm_cli_hint hint = { .shell_id = "S", .has_offsets = true };

    (void)state;
    expect_text(wsm_cli_hint_line(&hint, &options), "winrmc attach h S");
    hint.err = UINT64_MAX;
    expect_text(wsm_cli_hint_line(&hint, &options),
                "winrmc attach --resume-at 0,18446744073709551615 h S");
    hint.has_offsets = false;
    expect_text(wsm_cli_hint_line(&hint, &options), "winrmc attach h S");
}

/* ---- A listing of paper ---- */

static char first_id[] = "AAAA1111", second_id[] = "AAAA2222", third_id[] = "AAAA", word[] = "x";
static char connected[] = "Connected", disconnected[] = "Disconnected", none[] = "";
static char holder[] = "uuid:12345678-9ABC", line[] = "echo \"\n\"", running[] = "Running";

static struct wsm_cli_command_info commands[] = {
    { .id = first_id,
      .line = line,
      .state = running,
      .stream_count = 1,
      .streams = { { .name = word, .confirmed = 1, .served = 2, .served_again = 3, .end = 4 } } },
    { .id = second_id, .line = none, .state = none, .has_exit_code = true, .exit_code = 7 },
};

static struct wsm_cli_shell_info shells[] = {
    { .id = first_id,
      .name = none,
      .resource_uri = none,
      .owner = none,
      .client_ip = none,
      .state = connected,
      .buffer_mode = none,
      .holder = holder,
      .run_time_s = 60,
      .command_count = 2,
      .commands = commands },
    { .id = second_id,
      .name = none,
      .resource_uri = none,
      .owner = none,
      .client_ip = none,
      .state = disconnected,
      .buffer_mode = none,
      .holder = holder },
    { .id = third_id, .state = none, .holder = none },
};

static char *print(size_t count, bool has_streams, bool is_json)
{
    struct wsm_cli_listing listing = { .shell_count = count, .shells = shells };
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (is_json)
        wsm_cli_ps_print_json(out, &listing);
    else
        wsm_cli_ps_print_text(out, &listing, has_streams);
    fclose(out);
    return text;
}

static size_t count_lines(const char *text)
{
    size_t count = 0;

    for (; *text != '\0'; text++)
        count += *text == '\n';
    return count;
}

static void test_ps_text_has_a_line_for_each_command(void **state)
{
    char *text = print(2, false, false);

    (void)state;
    assert_int_equal(count_lines(text), 4); /* headings, two commands, one shell without any */
    assert_int_equal(strncmp(text, "SHELL  ", 7), 0);
    assert_non_null(strstr(text, " 12345678 "));
    assert_non_null(strstr(text, "echo \"\\n\"\n"));
    assert_non_null(strstr(text, " Done/7 "));
    assert_non_null(strstr(text, " Disconnected - "));
    free(text);
    text = print(2, true, false);
    assert_int_equal(count_lines(text), 5);
    assert_non_null(strstr(text, "  x confirmed=1 served=2 served-again=3 end=4 dropped=0\n"));
    free(text);
    text = print(0, true, false);
    assert_int_equal(count_lines(text), 1);
    free(text);
}

static void test_ps_text_cuts_no_character_of_the_holder(void **state)
{
    char split[] = "uuid:1234567\u00E9\u00E9", whole[] = "123456\u00E9x", thin[] = "\u00E9";
    char *text;

    (void)state;
    shells[0].holder = split;
    text = print(1, false, false);
    assert_non_null(strstr(text, " 1234567  ")); /* padded to 8 */
    assert_null(strstr(text, "\xC3"));
    free(text);
    shells[0].holder = whole;
    text = print(1, false, false);
    assert_non_null(strstr(text, " 123456\u00E9 "));
    free(text);
    shells[0].holder = thin;
    text = print(1, false, false);
    assert_non_null(strstr(text, " \u00E9 "));
    free(text);
    shells[0].holder = holder;
}

static void test_ps_json_is_one_line_of_all(void **state)
{
    char *text = print(2, false, true);

    (void)state;
    assert_int_equal(count_lines(text), 1);
    assert_non_null(strstr(text, "\"commandLine\":\"echo \\\"\\u000A\\\"\""));
    assert_non_null(strstr(text,
                           "\"streams\":{\"x\":{\"confirmed\":1,\"served\":2,\"servedAgain\":3,"
                           "\"end\":4,\"dropped\":0}}},{"));
    assert_non_null(strstr(text, "\"exitCode\":7,\"streams\":{}}]},{"));
    assert_non_null(strstr(text, "\"commands\":[]}]\n"));
    free(text);
    expect_text(print(0, false, true), "[]\n");
}

static int pick(const char *id, size_t count, const struct wsm_cli_shell_info **out)
{
    struct wsm_cli_listing listing = { .shell_count = count, .shells = shells };
    struct wsm_cli_shell_info *found = NULL;
    int status = wsm_cli_pick_shell(&listing, id, HOST, &found);

    *out = found;
    return status;
}

static void test_pick_takes_whole_ids_and_beginnings(void **state)
{
    const struct wsm_cli_shell_info *found;

    (void)state;
    assert_int_equal(pick("aaaa1", 2, &found), 0);
    assert_ptr_equal(found, &shells[0]);
    assert_int_equal(pick("AAAA2222/x", 2, &found), 0);
    assert_ptr_equal(found, &shells[1]);
    assert_int_equal(pick("aaaa", 3, &found), 0); /* the whole id of one of three that fit */
    assert_ptr_equal(found, &shells[2]);
}

static void test_pick_refuses_what_is_short_unknown_or_ambiguous(void **state)
{
    const struct wsm_cli_shell_info *found;

    (void)state;
    assert_int_equal(pick("aaaa", 2, &found), WSM_CLI_USAGE);
    assert_int_equal(pick("aaa", 1, &found), WSM_CLI_USAGE);
    assert_int_equal(pick("", 1, &found), WSM_CLI_USAGE);
    assert_int_equal(pick("/aaaa", 1, &found), WSM_CLI_USAGE);
    assert_int_equal(pick("bbbb", 2, &found), WSM_CLI_PROTOCOL);
    assert_int_equal(pick("AAAA11112", 2, &found), WSM_CLI_PROTOCOL);
    assert_int_equal(pick("aaaa1", 0, &found), WSM_CLI_PROTOCOL);
    assert_null(found);
}

static void test_pick_command_by_its_id_or_as_the_only_one(void **state)
{
    struct wsm_cli_shell_info shell = shells[0];
    const struct wsm_cli_command_info *found = NULL;

    (void)state;
    assert_int_equal(wsm_cli_pick_command(&shell, "aaaa1", HOST, &found), WSM_CLI_USAGE);
    assert_int_equal(wsm_cli_pick_command(&shell, "aaaa1/aaaa", HOST, &found), WSM_CLI_USAGE);
    assert_int_equal(wsm_cli_pick_command(&shell, "aaaa1/", HOST, &found), WSM_CLI_USAGE);
    assert_int_equal(wsm_cli_pick_command(&shell, "aaaa1/cccc", HOST, &found), WSM_CLI_PROTOCOL);
    assert_null(found);
    assert_int_equal(wsm_cli_pick_command(&shell, "aaaa1/aaaa2", HOST, &found), 0);
    assert_ptr_equal(found, &commands[1]);
    shell.command_count = 1;
    assert_int_equal(wsm_cli_pick_command(&shell, "aaaa1", HOST, &found), 0);
    assert_ptr_equal(found, &commands[0]);
    shell.command_count = 0;
    assert_int_equal(wsm_cli_pick_command(&shell, "aaaa1", HOST, &found), WSM_CLI_PROTOCOL);
    assert_true(wsm_cli_pick_names_command("a/b"));
    assert_false(wsm_cli_pick_names_command("ab"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quote_visible_leaves_nothing_that_acts),
        cmocka_unit_test(test_quote_json_escapes_what_json_must),
        cmocka_unit_test(test_quote_shell_keeps_words_whole),
        cmocka_unit_test(test_quote_seconds_has_two_units_at_most),
        cmocka_unit_test(test_hint_repeats_what_the_user_gave),
        cmocka_unit_test(test_hint_has_offsets_where_something_was_written),
        cmocka_unit_test(test_ps_text_has_a_line_for_each_command),
        cmocka_unit_test(test_ps_text_cuts_no_character_of_the_holder),
        cmocka_unit_test(test_ps_json_is_one_line_of_all),
        cmocka_unit_test(test_pick_takes_whole_ids_and_beginnings),
        cmocka_unit_test(test_pick_refuses_what_is_short_unknown_or_ambiguous),
        cmocka_unit_test(test_pick_command_by_its_id_or_as_the_only_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
