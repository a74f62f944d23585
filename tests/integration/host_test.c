/* winrmd-shell as net sees it: the real program on a socket that the test binds. The test
 * speaks docs/host-protocol.md; what "does not happen" is proved by what happens after it. */
#include "host_peer.h"

#include "wsmerror.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define ID_A "11111111-0000-4000-8000-00000000000A"
#define ID_B "22222222-0000-4000-8000-00000000000B"

static const uint32_t both = 3;

/* Runs a line to its end in a shell that is open. */
static void run_to_end(struct host_peer *peer, const char *line, struct host_output *output)
{
    assert_int_equal(host_run(peer, ID_A, line), 0);
    host_collect(peer, ID_A, output);
    assert_int_equal(host_signal(peer, ID_A, WSM_HOST_SIGNAL_TERMINATE), 0);
}

static void test_host_keeps_streams_apart_and_tells_exit_codes(void **state)
{
    static const struct {
        const char *line;
        uint32_t code;
    } cases[] = { { "exit 0", 0 },        { "exit 1", 1 },          { "exit 255", 255 },
                  { "kill -9 $$", 137 },  { "kill -TERM $$", 143 }, { "-no-such-option", 127 },
                  { "kill -HUP $$", 129 } };
    struct host_output output = { .is_done = false };
    struct host_peer peer;

    (void)state;
    host_begin(&peer);
    run_to_end(&peer, "echo out; echo err >&2; echo more", &output);
    assert_string_equal(host_text(&output, WSM_HOST_STDOUT), "out\nmore\n");
    assert_string_equal(host_text(&output, WSM_HOST_STDERR), "err\n");
    assert_int_equal(output.ended, both);
    host_output_clear(&output);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        run_to_end(&peer, cases[i].line, &output);
        assert_int_equal(output.exit_code, cases[i].code);
        host_output_clear(&output);
    }
    assert_int_equal(host_delete(&peer), 0);
    host_expect_eof(&peer);
    assert_int_equal(host_wait(&peer), 0);
    host_stop(&peer);
}

static void test_host_repeats_the_end_until_terminate(void **state)
{
    struct host_output output = { .is_done = false };
    struct host_output again = { .is_done = false };
    struct host_peer peer;

    (void)state;
    host_begin(&peer);
    assert_int_equal(host_run(&peer, ID_A, "echo x; exit 7"), 0);
    host_collect(&peer, ID_A, &output);
    for (int i = 0; i < 2; i++) {
        host_answer(&peer, host_fetch(&peer, ID_A, both, 2, 0, 1000), &again);
        assert_true(again.is_done);
        assert_int_equal(again.exit_code, 7);
        assert_int_equal(again.streams[WSM_HOST_STDOUT].len, 0);
        assert_false(again.parked);
    }
    /* What is confirmed is gone, what never was cannot be asked for. */
    host_answer(&peer, host_fetch(&peer, ID_A, both, 1, 0, 1000), &again);
    assert_int_equal(again.failed, ERROR_INVALID_PARAMETER);
    host_answer(&peer, host_fetch(&peer, ID_A, both, 3, 0, 1000), &again);
    assert_int_equal(again.failed, ERROR_INVALID_PARAMETER);
    assert_int_equal(host_signal(&peer, ID_A, WSM_HOST_SIGNAL_CTRL_C), 0);
    assert_int_equal(host_signal(&peer, ID_A, WSM_HOST_SIGNAL_TERMINATE), 0);
    assert_int_equal(host_signal(&peer, ID_A, WSM_HOST_SIGNAL_TERMINATE), 0);
    assert_int_equal(host_signal(&peer, ID_A, WSM_HOST_SIGNAL_CTRL_C),
                     ERROR_WSMAN_UNEXPECTED_SELECTORS);
    assert_int_equal(host_signal(&peer, ID_B, WSM_HOST_SIGNAL_TERMINATE),
                     ERROR_WSMAN_UNEXPECTED_SELECTORS);
    host_answer(&peer, host_fetch(&peer, ID_A, both, 0, 0, 1000), &again);
    assert_int_equal(again.failed, ERROR_WSMAN_UNEXPECTED_SELECTORS);
    host_output_clear(&output);
    host_output_clear(&again);
    host_stop(&peer);
}

static void test_host_hands_input_on_and_its_end(void **state)
{
    struct host_output output = { .is_done = false };
    struct host_peer peer;

    (void)state;
    host_begin(&peer);
    assert_int_equal(host_run(&peer, ID_A, "cat; echo end"), 0);
    assert_int_equal(host_input(&peer, ID_A, "stdin", "one\n", 4, false), 0);
    host_collect_until(&peer, ID_A, &output, "one\n");
    assert_int_equal(host_input(&peer, ID_A, "nosuch", "x", 1, false),
                     ERROR_WSMAN_SHELL_INVALID_INPUT_STREAM);
    assert_int_equal(host_input(&peer, ID_B, "stdin", "x", 1, false),
                     ERROR_WSMAN_UNEXPECTED_SELECTORS);
    assert_int_equal(host_input(&peer, ID_A, "stdin", "two\n", 4, true), 0);
    assert_int_equal(host_input(&peer, ID_A, "stdin", "three\n", 6, false), ERROR_BROKEN_PIPE);
    host_collect(&peer, ID_A, &output);
    assert_string_equal(host_text(&output, WSM_HOST_STDOUT), "one\ntwo\nend\n");
    assert_int_equal(host_input(&peer, ID_A, "stdin", "", 0, true), ERROR_BROKEN_PIPE);
    host_output_clear(&output);
    host_stop(&peer);
}

static void test_host_delays_the_answer_to_input_that_nobody_reads(void **state)
{
    static const size_t len = 2 * 1024 * 1024;
    uint8_t *data = calloc(1, len);
    struct wsm_host_input message = { .command_id = wsm_span_str(ID_A),
                                      .stream = wsm_span_str("stdin"),
                                      .data = wsm_span_of(data, len) };
    struct host_output output = { .is_done = false };
    struct host_peer peer;
    uint64_t request;

    (void)state;
    host_begin(&peer);
    assert_int_equal(host_run(&peer, ID_A, "trap 'wc -c; exit' INT; echo ready; sleep 1000"), 0);
    host_collect_until(&peer, ID_A, &output, "ready\n");
    message.request = request = host_next_request(&peer);
    host_send(&peer, &wsm_host_input_type, &message);
    assert_int_equal(host_input(&peer, ID_A, "stdin", "x", 1, false), ERROR_BUSY);
    message.request = host_next_request(&peer);
    /* The answer to the first comes once the command reads; this one's comes before it. */
    host_send(&peer, &wsm_host_signal_type,
              &(struct wsm_host_signal_request){ .request = message.request,
                                                 .command_id = wsm_span_str(ID_A),
                                                 .signal = WSM_HOST_SIGNAL_CTRL_C });
    assert_int_equal(host_done_or_failed(&peer, message.request), 0);
    assert_int_equal(host_done_or_failed(&peer, request), 0);
    assert_int_equal(host_input(&peer, ID_A, "stdin", "", 0, true), 0);
    host_collect(&peer, ID_A, &output);
    assert_string_equal(host_text(&output, WSM_HOST_STDOUT), "ready\n2097152\n");
    host_output_clear(&output);
    free(data);
    host_stop(&peer);
}

static void test_host_refuses_input_when_the_reader_has_closed(void **state)
{
    struct host_output output = { .is_done = false };
    struct host_peer peer;
    uint32_t code;

    (void)state;
    host_begin(&peer);
    assert_int_equal(host_run(&peer, ID_A, "exec <&-; echo closed; sleep 1000"), 0);
    host_collect_until(&peer, ID_A, &output, "closed\n");
    code = host_input(&peer, ID_A, "stdin", "x", 1, false);
    assert_int_equal(code == 0 ? host_input(&peer, ID_A, "stdin", "x", 1, false) : code,
                     ERROR_BROKEN_PIPE);
    host_output_clear(&output);
    host_stop(&peer);
}

static uint64_t hash_bytes(uint64_t hash, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ bytes[i]) * 1099511628211U;
    return hash;
}

static void fill(uint8_t *bytes, size_t len, uint64_t *seed)
{
    for (size_t i = 0; i < len; i++) {
        *seed = *seed * 6364136223846793005U + 1442695040888963407U;
        bytes[i] = (uint8_t)(*seed >> 56);
    }
}

/* Sends the next block, or the end, unless an INPUT is on its way. */
static uint64_t send_block(struct host_peer *peer, size_t *left, uint64_t *seed, uint64_t *hash)
{
    static uint8_t block[300 * 1000]; /* more than a frame, no multiple of anything */
    size_t len = *left < sizeof(block) ? *left : sizeof(block);
    struct wsm_host_input message = { .request = host_next_request(peer),
                                      .command_id = wsm_span_str(ID_A),
                                      .stream = wsm_span_str("stdin"),
                                      .data = wsm_span_of(block, len) };

    fill(block, len, seed);
    *hash = hash_bytes(*hash, block, len);
    *left -= len;
    message.end = *left == 0;
    host_send(peer, &wsm_host_input_type, &message);
    return message.request;
}

static void test_host_carries_16_mib_both_ways(void **state)
{
    size_t left = 16 * 1024 * 1024;
    uint64_t seed = 20240601;
    uint64_t sent = 14695981039346656037U;
    uint64_t got = sent;
    uint64_t at = 0;
    struct host_output output = { .is_done = false };
    struct host_peer peer;

    (void)state;
    host_begin(&peer);
    assert_int_equal(host_run(&peer, ID_A, "cat"), 0);
    while (!output.is_done) {
        if (left > 0) {
            uint64_t request = send_block(&peer, &left, &seed, &sent);

            assert_int_equal(host_done_or_failed(&peer, request), 0);
        }
        if (left == 0 || at + 1024 * 1024 < 16 * 1024 * 1024 - left) {
            output.streams[WSM_HOST_STDOUT].len = 0;
            host_answer(&peer, host_fetch(&peer, ID_A, both, at, 0, 512 * 1024), &output);
            got = hash_bytes(got, output.streams[WSM_HOST_STDOUT].ptr,
                             output.streams[WSM_HOST_STDOUT].len);
            at += output.streams[WSM_HOST_STDOUT].len;
            host_confirm(&peer, ID_A, at, 0);
        }
    }
    assert_int_equal(at, 16 * 1024 * 1024);
    assert_true(sent == got);
    host_output_clear(&output);
    host_stop(&peer);
}

static void test_host_answers_no_more_than_asked(void **state)
{
    struct host_output output = { .is_done = false };
    struct host_peer peer;

    (void)state;
    host_begin(&peer);
    assert_int_equal(host_run(&peer, ID_A, "head -c 700000 /dev/zero"), 0);
    host_answer(&peer, host_fetch(&peer, ID_A, both, 0, 0, 1000), &output);
    assert_in_range(output.streams[WSM_HOST_STDOUT].len, 1, 1000);
    assert_false(output.is_done);
    do /* more than the host gives at once */
        host_answer(
            &peer,
            host_fetch(&peer, ID_A, both, output.streams[WSM_HOST_STDOUT].len, 0, UINT32_MAX),
            &output);
    while (!output.is_done);
    assert_int_equal(output.streams[WSM_HOST_STDOUT].len, 700000);
    host_output_clear(&output);
    host_stop(&peer);
}

static void test_host_stops_reading_what_nobody_confirms(void **state)
{
    static const uint64_t limit = 3 * 512 * 1024;
    struct host_output output = { .is_done = false };
    struct host_peer peer;
    uint64_t at = 0;
    uint64_t request;

    (void)state;
    host_begin(&peer);
    assert_int_equal(host_run(&peer, ID_A, "echo e >&2; exec yes"), 0);
    while (at < limit) {
        output.streams[WSM_HOST_STDOUT].len = 0;
        host_answer(&peer, host_fetch(&peer, ID_A, 1, at, 0, 512 * 1024), &output);
        at += output.streams[WSM_HOST_STDOUT].len;
    }
    assert_int_equal(at, limit);
    request = host_fetch(&peer, ID_A, 1, at, 0, 512 * 1024);
    assert_int_equal(host_run(&peer, ID_B, "true"), 0); /* answered before it */
    host_confirm(&peer, ID_A, at, 0);
    host_answer(&peer, request, &output);
    assert_int_equal(output.failed, 0);
    assert_true(output.parked);
    /* The other stream is not held back by this one. */
    host_answer(&peer, host_fetch(&peer, ID_A, 2, 0, 0, 100), &output);
    assert_string_equal(host_text(&output, WSM_HOST_STDERR), "e\n");
    host_output_clear(&output);
    host_stop(&peer);
}

static void test_host_keeps_the_order_of_arrival(void **state)
{
    struct wsm_host_output piece;
    struct host_output output = { .is_done = false };
    struct host_peer peer;
    uint64_t request;

    (void)state;
    host_begin(&peer);
    assert_int_equal(host_run(&peer, ID_A, "echo 1; read x; echo 2 >&2; read x; echo 3; read x"),
                     0);
    host_answer(&peer, host_fetch(&peer, ID_A, both, 0, 0, 100), &output);
    assert_int_equal(host_input(&peer, ID_A, "stdin", "\n", 1, false), 0);
    host_answer(&peer, host_fetch(&peer, ID_A, both, 2, 0, 100), &output);
    assert_int_equal(host_input(&peer, ID_A, "stdin", "\n", 1, false), 0);
    host_answer(&peer, host_fetch(&peer, ID_A, both, 2, 2, 100), &output);
    /* All of it again: nothing was confirmed. */
    request = host_fetch(&peer, ID_A, both, 0, 0, 100);
    for (uint8_t i = 0; i < 3; i++) {
        host_expect(&peer, &wsm_host_output_type, &piece);
        assert_int_equal(piece.stream, i % 2);
        assert_int_equal(piece.offset, i == 2 ? 2 : 0);
        assert_int_equal(piece.data.ptr[0], '1' + i);
    }
    host_answer(&peer, request, &output);
    /* One stream alone: its runs are neighbours now. */
    request = host_fetch(&peer, ID_A, 1, 0, 0, 100);
    host_expect(&peer, &wsm_host_output_type, &piece);
    assert_int_equal(piece.data.len, 4);
    host_answer(&peer, request, &output);
    host_output_clear(&output);
    host_stop(&peer);
}

static void test_host_fails_what_cannot_be_run(void **state)
{
    static const char *const missing[] = { "no-such-program", "x", NULL };
    static const char *const missing_path[] = { "/no/such/program", NULL };
    static const char *const directory[] = { "/etc", NULL };
    static const char *const present[] = { "printf", "%s|", "a b", "", "$HOME", NULL };
    static char long_line[131073];
    struct host_output output = { .is_done = false };
    struct host_peer peer;

    (void)state;
    host_begin(&peer);
    assert_int_equal(host_run_direct(&peer, ID_A, missing), 2147942402U);
    assert_non_null(strstr(host_failure(), "no-such-program"));
    assert_int_equal(host_run_direct(&peer, ID_A, missing_path), 2147942402U);
    assert_non_null(strstr(host_failure(), "/no/such/program"));
    assert_int_equal(host_run_direct(&peer, ID_A, directory), ERROR_ACCESS_DENIED);
    memset(long_line, 'x', sizeof(long_line) - 1);
    assert_int_equal(host_run(&peer, ID_A, long_line), 206); /* ERROR_FILENAME_EXCED_RANGE */
    assert_non_null(strstr(host_failure(), "131071"));
    assert_int_equal(host_run(&peer, "not a guid", "true"),
                     ERROR_WINRS_SHELLCOMMAND_CLIENTID_NOT_VALID);
    assert_int_equal(host_run_direct(&peer, ID_A, present), 0);
    assert_int_equal(host_run(&peer, ID_A, "true"),
                     ERROR_WINRS_SHELLCOMMAND_CLIENTID_RESOURCE_CONFLICT);
    host_collect(&peer, ID_A, &output);
    assert_string_equal(host_text(&output, WSM_HOST_STDOUT), "a b||$HOME|");
    host_output_clear(&output);
    host_stop(&peer);
}

static void test_host_limits_the_number_of_commands(void **state)
{
    struct host_peer peer;

    (void)state;
    host_start(&peer, NULL);
    host_connect(&peer);
    host_greet(&peer, NULL, NULL, NULL, 0);
    assert_int_equal(host_open(&peer, &(struct host_open){ .commands_max = 1 }), 0);
    assert_int_equal(host_run(&peer, ID_A, "true"), 0);
    assert_int_equal(host_run(&peer, ID_B, "true"), ERROR_WSMAN_QUOTA_MAX_COMMANDS_PER_SHELL_PPQ);
    assert_int_equal(host_signal(&peer, ID_A, WSM_HOST_SIGNAL_TERMINATE), 0);
    assert_int_equal(host_run(&peer, ID_B, "true"), 0);
    host_stop(&peer);
}

static void test_host_gives_commands_their_environment(void **state)
{
    static const char *const variables[] = { "A=1", "USER=other", "A=2", "EMPTY=", NULL };
    static const char *const direct[] = { "env", NULL };
    struct host_output output = { .is_done = false };
    const char *text;
    struct host_peer peer;

    (void)state;
    host_start(&peer, NULL);
    host_connect(&peer);
    host_greet(&peer, NULL, NULL, NULL, 0);
    assert_int_equal(
        host_open(&peer, &(struct host_open){ .environment = variables, .code_page = 65001 }), 0);
    assert_int_equal(host_run_direct(&peer, ID_A, direct), 0);
    host_collect(&peer, ID_A, &output);
    text = host_text(&output, WSM_HOST_STDOUT);
    assert_non_null(strstr(text, "PATH=/usr/local/bin:"));
    assert_non_null(strstr(text, "HOME=/tmp\n"));
    assert_non_null(strstr(text, "USER=other\n"));
    assert_non_null(strstr(text, "LANG=C.UTF-8\n"));
    assert_non_null(strstr(text, "A=2\n"));
    assert_non_null(strstr(text, "EMPTY=\n"));
    assert_null(strstr(text, "SECRET"));
    host_output_clear(&output);
    host_stop(&peer);
}

static void test_host_names_the_directory_that_is_missing(void **state)
{
    static const char *const malformed[] = { "=x", NULL };
    struct host_output output = { .is_done = false };
    struct host_peer peer;

    (void)state;
    host_start(&peer, NULL);
    host_connect(&peer);
    host_greet(&peer, NULL, NULL, NULL, 0);
    assert_int_not_equal(host_open(&peer, &(struct host_open){ .directory = "/no/such/place" }), 0);
    assert_non_null(strstr(host_failure(), "/no/such/place"));
    assert_int_equal(host_open(&peer, &(struct host_open){ .environment = malformed }),
                     ERROR_INVALID_PARAMETER);
    assert_int_equal(host_open(&peer, &(struct host_open){ .inputs = "stdin pr" }),
                     ERROR_INVALID_PARAMETER);
    assert_int_equal(host_open(&peer, &(struct host_open){ .directory = "" }), 0);
    run_to_end(&peer, "pwd", &output);
    assert_string_equal(host_text(&output, WSM_HOST_STDOUT), "/tmp\n");
    host_output_clear(&output);
    host_stop(&peer);
}

static void test_host_starts_at_the_root_without_a_home(void **state)
{
    const struct host_setup setup = { .home = "/no/such/home" };
    struct host_output output = { .is_done = false };
    struct host_peer peer;

    (void)state;
    host_start(&peer, &setup);
    host_connect(&peer);
    host_greet(&peer, NULL, NULL, NULL, 0);
    assert_int_equal(host_open(&peer, &(struct host_open){ .directory = "" }), 0);
    run_to_end(&peer, "pwd", &output);
    assert_string_equal(host_text(&output, WSM_HOST_STDOUT), "/\n");
    host_output_clear(&output);
    host_stop(&peer);
}

/* The number after `name` in the output. */
static pid_t pid_after(struct host_output *output, const char *name)
{
    const char *at = strstr(host_text(output, WSM_HOST_STDOUT), name);

    assert_non_null(at);
    return (pid_t)strtol(at + strlen(name), NULL, 10);
}

static void test_host_terminate_spares_and_delete_ends_who_has_left(void **state)
{
    /* Forks twice, has its own session, ignores SIGTERM; its sibling stays in the group. */
    static const char line[] = "(setsid sh -c 'trap \"\" TERM; echo escaped=$$; exec sleep 1000' &)"
                               "; sleep 1000 & echo member=$! leader=$$; wait";
    struct host_output output = { .is_done = false };
    struct host_peer peer;
    pid_t escaped;

    (void)state;
    host_begin(&peer);
    assert_int_equal(host_run(&peer, ID_A, line), 0);
    host_collect_until(&peer, ID_A, &output, "escaped=");
    host_collect_until(&peer, ID_A, &output, "leader=");
    escaped = pid_after(&output, "escaped=");
    assert_int_equal(host_signal(&peer, ID_A, WSM_HOST_SIGNAL_TERMINATE), 0);
    host_wait_gone(pid_after(&output, "leader="));
    host_wait_gone(pid_after(&output, "member="));
    assert_true(host_is_alive(escaped));
    assert_int_equal(host_delete(&peer), 0);
    assert_false(host_is_alive(escaped));
    host_expect_eof(&peer);
    assert_int_equal(host_wait(&peer), 0);
    host_output_clear(&output);
    host_stop(&peer);
}

static void test_host_terminate_ends_what_a_finished_command_left(void **state)
{
    struct host_output output = { .is_done = false };
    struct host_output other = { .is_done = false };
    struct host_peer peer;
    pid_t left;

    (void)state;
    host_begin(&peer);
    /* So that there are children. With exec: a Ctrl-C while dash starts a program is lost. */
    assert_int_equal(host_run(&peer, ID_B, "echo up; exec sleep 1000"), 0);
    host_collect_until(&peer, ID_B, &other, "up\n");
    assert_int_equal(host_run(&peer, ID_A, "sleep 1000 >/dev/null 2>&1 & echo left=$!"), 0);
    host_collect(&peer, ID_A, &output);
    left = pid_after(&output, "left=");
    assert_true(host_is_alive(left));
    assert_int_equal(host_signal(&peer, ID_A, WSM_HOST_SIGNAL_TERMINATE), 0);
    host_wait_gone(left);
    assert_int_equal(host_signal(&peer, ID_B, WSM_HOST_SIGNAL_CTRL_C), 0);
    host_collect(&peer, ID_B, &other);
    assert_int_equal(other.exit_code, 130);
    host_output_clear(&other);
    host_output_clear(&output);
    host_stop(&peer);
}

static void test_host_maps_signals(void **state)
{
    struct host_output output = { .is_done = false };
    struct host_peer peer;

    (void)state;
    host_begin(&peer);
    assert_int_equal(host_run(&peer, ID_A, "ulimit -c 0; echo up; exec sleep 1000"), 0);
    host_collect_until(&peer, ID_A, &output, "up\n");
    assert_int_equal(host_signal(&peer, ID_A, 99), ERROR_INVALID_PARAMETER);
    assert_int_equal(host_signal(&peer, ID_A, WSM_HOST_SIGNAL_CTRL_BREAK), 0);
    host_collect(&peer, ID_A, &output);
    assert_int_equal(output.exit_code, 128 + SIGQUIT);
    host_output_clear(&output);
    host_stop(&peer);
}

static void test_host_waits_for_who_holds_the_streams(void **state)
{
    struct host_output output = { .is_done = false };
    struct host_peer peer;
    uint64_t request;

    (void)state;
    host_begin(&peer);
    assert_int_equal(host_run(&peer, ID_A, "sleep 1000 & echo hi; exit 4"), 0);
    host_collect_until(&peer, ID_A, &output, "hi\n");
    assert_false(output.is_done);
    request = host_fetch(&peer, ID_A, both, 3, 0, 100);
    assert_int_equal(host_input(&peer, ID_B, "stdin", "", 0, false),
                     ERROR_WSMAN_UNEXPECTED_SELECTORS); /* answered before it */
    assert_int_equal(host_signal(&peer, ID_A, 99), ERROR_INVALID_PARAMETER);
    host_send(&peer, &wsm_host_signal_type,
              &(struct wsm_host_signal_request){ .request = host_next_request(&peer),
                                                 .command_id = wsm_span_str(ID_A),
                                                 .signal = WSM_HOST_SIGNAL_TERMINATE });
    host_answer(&peer, request, &output);
    assert_int_equal(output.failed, ERROR_OPERATION_ABORTED);
    assert_int_equal(host_done_or_failed(&peer, peer.last_request), 0);
    host_output_clear(&output);
    host_stop(&peer);
}

static void test_host_drain_timeout_ends_that_wait(void **state)
{
    struct host_output output = { .is_done = false };
    struct host_peer peer;

    (void)state;
    host_start(&peer, NULL);
    host_connect(&peer);
    host_greet(&peer, NULL, NULL, NULL, 0);
    assert_int_equal(host_open(&peer, &(struct host_open){ .drain_timeout_ms = 50 }), 0);
    assert_int_equal(host_run(&peer, ID_A, "yes & echo noise=$! >&2; exit 4"), 0);
    for (uint64_t at = 0; !output.is_done;) {
        size_t before = output.streams[WSM_HOST_STDERR].len;

        output.streams[WSM_HOST_STDOUT].len = 0;
        host_answer(&peer, host_fetch(&peer, ID_A, both, at, before, 512 * 1024), &output);
        at += output.streams[WSM_HOST_STDOUT].len;
        host_confirm(&peer, ID_A, at, output.streams[WSM_HOST_STDERR].len);
    }
    assert_int_equal(output.exit_code, 4);
    host_output_clear(&output);
    host_stop(&peer);
}

static void test_host_newest_fetch_wins_and_cancel_forgets(void **state)
{
    struct host_output output = { .is_done = false };
    struct host_peer peer;
    uint64_t first;
    uint64_t second;

    (void)state;
    host_begin(&peer);
    assert_int_equal(host_run(&peer, ID_A, "read x; echo $x"), 0);
    first = host_fetch(&peer, ID_A, both, 0, 0, 100);
    second = host_fetch(&peer, ID_A, both, 0, 0, 100);
    host_answer(&peer, first, &output);
    assert_int_equal(output.failed, ERROR_WINRS_RECEIVE_IN_PROGRESS);
    host_send(&peer, &wsm_host_cancel_type, &(struct wsm_host_cancel){ .request = second });
    assert_int_equal(host_input(&peer, ID_A, "stdin", "go\n", 3, true), 0);
    host_output_clear(&output);
    host_collect(&peer, ID_A, &output); /* nothing came for `second` */
    assert_string_equal(host_text(&output, WSM_HOST_STDOUT), "go\n");
    host_answer(&peer, host_fetch(&peer, ID_A, 0, 0, 0, 100), &output);
    assert_int_equal(output.failed, ERROR_INVALID_PARAMETER);
    host_answer(&peer, host_fetch(&peer, ID_A, 4, 0, 0, 100), &output);
    assert_int_equal(output.failed, ERROR_INVALID_PARAMETER);
    host_answer(&peer, host_fetch(&peer, ID_A, both, 3, 0, 0), &output);
    assert_int_equal(output.failed, ERROR_INVALID_PARAMETER);
    host_output_clear(&output);
    host_stop(&peer);
}

static void test_host_survives_its_net(void **state)
{
    struct wsm_host_command commands[2];
    struct wsm_host_shell shell;
    char ids[2][40];
    struct host_output output = { .is_done = false };
    struct host_peer peer;

    (void)state;
    host_begin(&peer);
    assert_int_equal(host_run(&peer, ID_A, "echo first; read x; echo second; read x"), 0);
    host_collect_until(&peer, ID_A, &output, "first\n"); /* confirmed */
    assert_int_equal(host_input(&peer, ID_A, "stdin", "\n", 1, false), 0);
    host_answer(&peer, host_fetch(&peer, ID_A, both, 6, 0, 100), &output); /* not confirmed */
    assert_string_equal(host_text(&output, WSM_HOST_STDOUT), "first\nsecond\n");
    host_fetch(&peer, ID_A, both, 13, 0, 100); /* parked */
    wsm_channel_close(&peer.channel);
    host_connect(&peer);
    assert_int_equal(host_greet(&peer, &shell, commands, ids, 2), 1);
    assert_true(shell.is_open);
    assert_int_equal(shell.idle_timeout_ms, 3600 * 1000);
    assert_string_equal(ids[0], ID_A);
    assert_int_equal(commands[0].confirmed[WSM_HOST_STDOUT], 6);
    assert_int_equal(commands[0].confirmed[WSM_HOST_STDERR], 0);
    assert_int_equal(commands[0].is_done, 0);
    host_output_clear(&output);
    host_answer(&peer, host_fetch(&peer, ID_A, both, 6, 0, 100), &output);
    assert_string_equal(host_text(&output, WSM_HOST_STDOUT), "second\n");
    host_output_clear(&output);
    host_stop(&peer);
}

static void test_host_remembers_the_last_64_that_were_terminated(void **state)
{
    char id[40];
    struct host_peer peer;

    (void)state;
    host_begin(&peer);
    for (int i = 0; i < 65; i++) {
        snprintf(id, sizeof(id), "%08d-0000-4000-8000-00000000000A", i);
        assert_int_equal(host_run(&peer, id, "true"), 0);
        assert_int_equal(host_signal(&peer, id, WSM_HOST_SIGNAL_TERMINATE), 0);
    }
    assert_int_equal(
        host_signal(&peer, "00000001-0000-4000-8000-00000000000a", WSM_HOST_SIGNAL_TERMINATE), 0);
    assert_int_equal(
        host_signal(&peer, "00000000-0000-4000-8000-00000000000A", WSM_HOST_SIGNAL_TERMINATE),
        ERROR_WSMAN_UNEXPECTED_SELECTORS);
    host_stop(&peer);
}

static void test_host_newest_connection_wins(void **state)
{
    struct wsm_channel old;
    struct host_output output = { .is_done = false };
    struct wsm_host_command command;
    char id[1][40];
    struct host_peer peer;

    (void)state;
    host_begin(&peer);
    assert_int_equal(host_run(&peer, ID_A, "cat"), 0);
    host_fetch(&peer, ID_A, both, 0, 0, 100);
    /* Half a message: a frame that says more follows. */
    {
        static uint8_t frame[WSM_FRAME_MAX];

        wsm_frame_header_write(frame, WSM_HOST_INPUT, WSM_FRAME_FLAG_MORE,
                               sizeof(frame) - WSM_FRAME_HEADER);
        assert_int_equal(write(peer.channel.fd, frame, sizeof(frame)), sizeof(frame));
    }
    old = peer.channel;
    peer.channel = (struct wsm_channel)WSM_CHANNEL_INIT;
    host_connect(&peer);
    assert_int_equal(host_greet(&peer, NULL, &command, id, 1), 1);
    assert_int_equal(host_input(&peer, ID_A, "stdin", "new\n", 4, true), 0);
    host_collect(&peer, ID_A, &output);
    assert_string_equal(host_text(&output, WSM_HOST_STDOUT), "new\n");
    {
        struct host_peer former = { .channel = old };

        wsm_list_init(&former.channel.queue); /* the head has moved; it was empty */
        host_expect_eof(&former);
        wsm_channel_close(&former.channel);
    }
    host_output_clear(&output);
    host_stop(&peer);
}

static void test_host_ends_a_connection_that_breaks_the_rules(void **state)
{
    const struct wsm_host_hello future = { .lowest = 2, .highest = 9 };
    const struct wsm_host_run early = { .request = 1 };
    struct wsm_host_hello hello;
    uint8_t frame[WSM_FRAME_HEADER + 1] = { 0 };
    struct host_output output = { .is_done = false };
    struct host_peer peer;

    (void)state;
    host_start(&peer, NULL);
    host_connect(&peer); /* a request before HELLO */
    host_expect(&peer, &wsm_host_hello_type, &hello);
    host_send(&peer, &wsm_host_run_type, &early);
    host_expect_eof(&peer);
    wsm_channel_close(&peer.channel);
    host_connect(&peer); /* no common version */
    host_expect(&peer, &wsm_host_hello_type, &hello);
    host_send(&peer, &wsm_host_hello_type, &future);
    host_expect_eof(&peer);
    wsm_channel_close(&peer.channel);
    host_connect(&peer); /* RUN before OPEN */
    host_greet(&peer, NULL, NULL, NULL, 0);
    host_send(&peer, &wsm_host_run_type, &early);
    host_expect_eof(&peer);
    wsm_channel_close(&peer.channel);
    host_connect(&peer); /* unknown message: ignorable, then not */
    host_greet(&peer, NULL, NULL, NULL, 0);
    wsm_frame_header_write(frame, 999, WSM_FRAME_FLAG_IGNORABLE, 1);
    assert_int_equal(write(peer.channel.fd, frame, sizeof(frame)), sizeof(frame));
    assert_int_equal(host_open(&peer, NULL), 0);
    wsm_frame_header_write(frame, 999, 0, 1);
    assert_int_equal(write(peer.channel.fd, frame, sizeof(frame)), sizeof(frame));
    host_expect_eof(&peer);
    wsm_channel_close(&peer.channel);
    host_connect(&peer); /* OPEN twice */
    host_greet(&peer, NULL, NULL, NULL, 0);
    host_send(&peer, &wsm_host_open_type, &(struct wsm_host_open){ .request = 5 });
    host_expect_eof(&peer);
    wsm_channel_close(&peer.channel);
    host_connect(&peer); /* and it still works */
    host_greet(&peer, NULL, NULL, NULL, 0);
    run_to_end(&peer, "echo fine", &output);
    host_output_clear(&output);
    host_stop(&peer);
}

static void test_host_ends_when_idle_but_not_while_somebody_waits(void **state)
{
    struct host_output output = { .is_done = false };
    struct wsm_host_gone gone;
    struct host_peer peer;

    (void)state;
    host_start(&peer, NULL);
    host_connect(&peer);
    host_greet(&peer, NULL, NULL, NULL, 0);
    assert_int_equal(host_open(&peer, &(struct host_open){ .idle_timeout_ms = 150 }), 0);
    assert_int_equal(host_run(&peer, ID_A, "sleep 0.5; echo awake; exec sleep 1000"), 0);
    host_answer(&peer, host_fetch(&peer, ID_A, both, 0, 0, 100), &output);
    assert_string_equal(host_text(&output, WSM_HOST_STDOUT), "awake\n");
    host_expect(&peer, &wsm_host_gone_type, &gone);
    assert_int_equal(gone.code, ERROR_WSMAN_UNEXPECTED_SELECTORS);
    host_expect_eof(&peer);
    assert_int_equal(host_wait(&peer), 0);
    host_output_clear(&output);
    host_stop(&peer);
}

static void test_host_has_a_connection_from_birth(void **state)
{
    struct host_output output = { .is_done = false };
    struct host_peer peer;

    (void)state;
    host_start(&peer, &(struct host_setup){ .is_watched = true, .is_connected = true });
    host_greet(&peer, NULL, NULL, NULL, 0);
    assert_int_equal(host_open(&peer, NULL), 0);
    /* All three were taken over, and nothing of them reaches a command. */
    run_to_end(&peer, "test ! -e /proc/self/fd/4 -a ! -e /proc/self/fd/6", &output);
    assert_int_equal(output.exit_code, 0);
    host_output_clear(&output);
    wsm_channel_close(&peer.channel);
    host_connect(&peer); /* it listens as well */
    host_stop(&peer);
}

static void test_host_that_is_never_told_outlives_its_first_connection(void **state)
{
    struct host_peer peer;

    (void)state;
    host_start(&peer, &(struct host_setup){ .is_connected = true });
    wsm_channel_close(&peer.channel);
    host_connect(&peer);
    host_greet(&peer, NULL, NULL, NULL, 0);
    assert_int_equal(host_open(&peer, NULL), 0);
    host_stop(&peer);
}

static void test_host_ends_with_its_starter(void **state)
{
    struct host_output output = { .is_done = false };
    struct wsm_host_gone gone;
    struct host_peer peer;
    pid_t pid;

    (void)state;
    host_start(&peer, &(struct host_setup){ .is_watched = true });
    host_connect(&peer);
    host_greet(&peer, NULL, NULL, NULL, 0);
    assert_int_equal(host_open(&peer, NULL), 0);
    assert_int_equal(host_run(&peer, ID_A, "echo pid=$$; exec sleep 1000"), 0);
    host_collect_until(&peer, ID_A, &output, "\n");
    pid = pid_after(&output, "pid=");
    close(peer.starter_fd);
    peer.starter_fd = -1;
    host_expect(&peer, &wsm_host_gone_type, &gone);
    assert_int_equal(gone.code, ERROR_OPERATION_ABORTED);
    host_expect_eof(&peer);
    assert_int_equal(host_wait(&peer), 0);
    assert_false(host_is_alive(pid));
    host_output_clear(&output);
    host_stop(&peer);
}

static unsigned long long mask_after(struct host_output *output, const char *name)
{
    const char *at = strstr(host_text(output, WSM_HOST_STDOUT), name);

    assert_non_null(at);
    return strtoull(at + strlen(name), NULL, 16);
}

static void test_host_commands_start_clean(void **state)
{
    static const char *const descriptors[] = { "ls", "/proc/self/fd", NULL };
    static const char *const signals[] = { "grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status",
                                           NULL };
    struct host_output output = { .is_done = false };
    char expected[64];
    struct rlimit core;
    struct host_peer peer;

    (void)state;
    host_start(&peer, &(struct host_setup){ .nofile = "123:456", .is_watched = true });
    host_connect(&peer);
    host_greet(&peer, NULL, NULL, NULL, 0);
    assert_int_equal(host_open(&peer, NULL), 0);
    run_to_end(&peer, "ulimit -Sn; ulimit -Hn; ulimit -Sc", &output);
    getrlimit(RLIMIT_CORE, &core);
    if (core.rlim_cur == RLIM_INFINITY)
        snprintf(expected, sizeof(expected), "123\n456\nunlimited\n");
    else
        snprintf(expected, sizeof(expected), "123\n456\n%llu\n",
                 (unsigned long long)core.rlim_cur / 512);
    assert_string_equal(host_text(&output, WSM_HOST_STDOUT), expected);
    host_output_clear(&output);
    assert_int_equal(host_run_direct(&peer, ID_A, descriptors), 0);
    host_collect(&peer, ID_A, &output);
    assert_string_equal(host_text(&output, WSM_HOST_STDOUT), "0\n1\n2\n3\n"); /* 3 is ls's own */
    host_output_clear(&output);
    assert_int_equal(host_run_direct(&peer, ID_B, signals), 0);
    host_collect(&peer, ID_B, &output);
    assert_int_equal(mask_after(&output, "SigBlk:"), 0);
    /* Signals 32 and 33 are libc's own: it does not let anybody change them. */
    assert_int_equal(mask_after(&output, "SigIgn:") & ~(3ULL << 31), 0);
    host_output_clear(&output);
    host_stop(&peer);
}

/* Resident pages of the host. */
static long resident_pages(const struct host_peer *peer)
{
    char path[64];
    char text[128] = "";
    long size = 0;
    long resident = 0;
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/statm", (int)peer->pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(read(fd, text, sizeof(text) - 1) > 0);
    close(fd);
    assert_int_equal(sscanf(text, "%ld %ld", &size, &resident), 2);
    return resident;
}

static void park_and_cancel(struct host_peer *peer, int times)
{
    for (int i = 0; i < times; i++) {
        uint64_t request = host_fetch(peer, ID_A, both, 0, 0, 100);

        host_send(peer, &wsm_host_cancel_type, &(struct wsm_host_cancel){ .request = request });
        assert_int_equal(host_signal(peer, ID_A, 99), ERROR_INVALID_PARAMETER);
    }
}

static void test_host_memory_does_not_grow_while_a_command_is_silent(void **state)
{
    struct host_peer peer;
    long before;

    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    print_message("not measured: a sanitizer keeps freed memory\n");
    return;
#endif
    host_begin(&peer);
    assert_int_equal(host_run(&peer, ID_A, "sleep 1000"), 0);
    park_and_cancel(&peer, 100);
    before = resident_pages(&peer);
    park_and_cancel(&peer, 3000);
    assert_int_equal(resident_pages(&peer), before);
    host_stop(&peer);
}

static void test_host_refuses_bad_options(void **state)
{
    static const char *const bad[] = { "--nofile=1",        "--nofile=9:1",
                                       "--watch-fd=99",     "--watch-fd=3",
                                       "--connected-fd=99", "--connected-fd=3",
                                       "--nosuch",          "extra" };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int status;
        pid_t pid = fork();

        if (pid == 0) {
            dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
            execl(WSM_TEST_HOST, WSM_TEST_HOST, bad[i], (char *)NULL);
            _exit(127);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(WEXITSTATUS(status), 64);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_keeps_streams_apart_and_tells_exit_codes),
        cmocka_unit_test(test_host_repeats_the_end_until_terminate),
        cmocka_unit_test(test_host_hands_input_on_and_its_end),
        cmocka_unit_test(test_host_delays_the_answer_to_input_that_nobody_reads),
        cmocka_unit_test(test_host_refuses_input_when_the_reader_has_closed),
        cmocka_unit_test(test_host_carries_16_mib_both_ways),
        cmocka_unit_test(test_host_answers_no_more_than_asked),
        cmocka_unit_test(test_host_stops_reading_what_nobody_confirms),
        cmocka_unit_test(test_host_keeps_the_order_of_arrival),
        cmocka_unit_test(test_host_fails_what_cannot_be_run),
        cmocka_unit_test(test_host_limits_the_number_of_commands),
        cmocka_unit_test(test_host_gives_commands_their_environment),
        cmocka_unit_test(test_host_names_the_directory_that_is_missing),
        cmocka_unit_test(test_host_starts_at_the_root_without_a_home),
        cmocka_unit_test(test_host_terminate_spares_and_delete_ends_who_has_left),
        cmocka_unit_test(test_host_terminate_ends_what_a_finished_command_left),
        cmocka_unit_test(test_host_maps_signals),
        cmocka_unit_test(test_host_waits_for_who_holds_the_streams),
        cmocka_unit_test(test_host_drain_timeout_ends_that_wait),
        cmocka_unit_test(test_host_newest_fetch_wins_and_cancel_forgets),
        cmocka_unit_test(test_host_survives_its_net),
        cmocka_unit_test(test_host_remembers_the_last_64_that_were_terminated),
        cmocka_unit_test(test_host_newest_connection_wins),
        cmocka_unit_test(test_host_ends_a_connection_that_breaks_the_rules),
        cmocka_unit_test(test_host_ends_when_idle_but_not_while_somebody_waits),
        cmocka_unit_test(test_host_has_a_connection_from_birth),
        cmocka_unit_test(test_host_that_is_never_told_outlives_its_first_connection),
        cmocka_unit_test(test_host_ends_with_its_starter),
        cmocka_unit_test(test_host_commands_start_clean),
        cmocka_unit_test(test_host_memory_does_not_grow_while_a_command_is_silent),
        cmocka_unit_test(test_host_refuses_bad_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
