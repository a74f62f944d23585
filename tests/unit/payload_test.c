/* The payload of tests: a checker that never fails proves nothing. Also the program around
 * it, by its exit status and what it prints. */
#include "payload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

enum { SEED = 7 };

/* The number is splitmix64's, worked out elsewhere. */
static void test_payload_words_are_little_endian_and_fixed(void **state)
{
    static const uint8_t first[8] = { 0x45, 0xce, 0xab, 0x7e, 0x97, 0xc2, 0xb4, 0xb8 };
    uint8_t bytes[8];

    (void)state;
    payload_fill(SEED, 0, bytes, sizeof(bytes));
    assert_memory_equal(bytes, first, sizeof(first));
}

static void test_payload_pieces_make_the_whole(void **state)
{
    uint8_t whole[100], piece[100];

    (void)state;
    payload_fill(SEED, 0, whole, sizeof(whole));
    for (size_t from = 0; from < sizeof(whole); from++) {
        for (size_t len = 0; from + len <= sizeof(whole); len++) {
            memset(piece, 0xEE, sizeof(piece));
            payload_fill(SEED, from, piece, len);
            assert_memory_equal(piece, whole + from, len);
            for (size_t i = len; i < sizeof(piece); i++)
                assert_int_equal(piece[i], 0xEE);
        }
    }
}

static void test_payload_seeds_do_not_overlap(void **state)
{
    uint8_t bytes[PAYLOAD_NEEDLE];
    uint64_t offset;

    (void)state;
    payload_fill(SEED + 1, 0, bytes, sizeof(bytes));
    assert_false(payload_find(SEED, 0, bytes, sizeof(bytes), &offset));
}

static void test_payload_find_tells_the_place(void **state)
{
    static const uint64_t places[] = { 0, 1, 65535, 65530, 70000001, 99999999 };
    uint8_t bytes[PAYLOAD_NEEDLE];
    uint64_t offset;

    (void)state;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        payload_fill(SEED, places[i], bytes, sizeof(bytes));
        assert_true(payload_find(SEED, 50000000, bytes, sizeof(bytes), &offset));
        assert_true(offset == places[i]);
    }
    payload_fill(SEED, 50000000 + 2 * (uint64_t)PAYLOAD_REACH, bytes, sizeof(bytes));
    assert_false(payload_find(SEED, 50000000, bytes, sizeof(bytes), &offset));
    assert_false(payload_find(SEED, 0, bytes, 7, &offset));
}

static void check_in_pieces(struct payload_checker *checker, const uint8_t *data, size_t len,
                            size_t piece)
{
    payload_checker_init(checker, SEED, 0);
    for (size_t at = 0; at < len; at += piece)
        payload_checker_take(checker, data + at, len - at < piece ? len - at : piece);
}

static void test_payload_checker_takes_what_is_right(void **state)
{
    enum { LEN = 200000 };
    static const size_t pieces[] = { 1, 7, 8, 4096, 65536, 65537, LEN };
    uint8_t *data = malloc(LEN);
    struct payload_checker checker;

    (void)state;
    payload_fill(SEED, 0, data, LEN);
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        check_in_pieces(&checker, data, LEN, pieces[i]);
        assert_false(checker.has_failed);
        assert_true(checker.offset == LEN);
    }
    payload_checker_init(&checker, SEED, 1001);
    payload_checker_take(&checker, data + 1001, 5000);
    assert_false(checker.has_failed);
    free(data);
}

static void explain(const struct payload_checker *checker, char *out, size_t size)
{
    FILE *file = fmemopen(out, size, "w");

    assert_non_null(file);
    payload_checker_explain(checker, file);
    fclose(file);
}

/* Bytes of `seed` from `offset` on stand at `at`. */
static void assert_explained(uint64_t seed, uint64_t offset, size_t at, const char *words)
{
    enum { LEN = 100000 };
    static const size_t pieces[] = { 1, 5, LEN };
    uint8_t *data = malloc(LEN);
    char text[256] = "";

    payload_fill(SEED, 0, data, at);
    payload_fill(seed, offset, data + at, LEN - at);
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct payload_checker checker;

        check_in_pieces(&checker, data, LEN, pieces[i]);
        assert_true(checker.has_failed);
        assert_true(checker.offset == at);
        explain(&checker, text, sizeof(text));
        assert_non_null(strstr(text, words));
    }
    free(data);
}

static void test_payload_checker_names_what_stands_there(void **state)
{
    (void)state;
    assert_explained(SEED, 100, 70001, "offset 70001: there stands ");
    assert_explained(SEED, 1000, 70001, ", looks like offset 1000\n");       /* doubled */
    assert_explained(SEED, 3000001, 70001, ", looks like offset 3000001\n"); /* lost */
    assert_explained(SEED + PAYLOAD_STDERR_SEED, 70001, 70001,
                     ", looks like offset 70001 of seed 1007\n");
    assert_explained(99, 70001, 70001, ", which is nowhere near\n");
}

static void test_payload_checker_sees_a_single_bit(void **state)
{
    enum { LEN = 70000 };
    uint8_t *data = malloc(LEN);
    struct payload_checker checker;

    (void)state;
    for (size_t at = 0; at < LEN; at += 6999) {
        payload_fill(SEED, 0, data, LEN);
        data[at] ^= 4;
        check_in_pieces(&checker, data, LEN, LEN);
        assert_true(checker.has_failed);
        assert_true(checker.offset == at);
    }
    free(data);
}

static int run(const char *line)
{
    int status;

    assert_int_equal(setenv("PATH", WSM_TEST_PATH ":/usr/bin:/bin", 1), 0);
    status = system(line); /* NOLINT: the shell is wanted, for its pipes */
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_words_makes_and_checks(void **state)
{
    (void)state;
    assert_int_equal(run("words make 7 1000003 | words check 7 0 1000003 >/dev/null"), 0);
    assert_int_equal(run("words make 7 1000 5 | words check 7 5 | grep -qx '1000 bytes from offset "
                         "5, all right'"),
                     0);
    assert_int_equal(
        run("words both 7 300001 4096 2>/dev/null | words check 7 0 300001 >/dev/null"), 0);
    assert_int_equal(
        run("words both 7 300001 4096 2>&1 >/dev/null | words check 1007 0 300001 >/dev/null"), 0);
    assert_int_equal(run("words make 7 0 | words check 7 0 0 >/dev/null"), 0);
}

static void test_words_says_what_is_wrong(void **state)
{
    (void)state;
    assert_int_equal(run("words make 7 999 | words check 7 0 1000 >/dev/null"), 1);
    assert_int_equal(
        run("words make 7 999 | words check 7 0 1000 | grep -qx 'ends at offset 999, not at 1000'"),
        0);
    assert_int_equal(run("words make 7 1001 | words check 7 0 1000 >/dev/null"), 1);
    assert_int_equal(run("words make 8 1000 | words check 7 >/dev/null"), 1);
    assert_int_equal(run("{ words make 7 500; words make 7 500 400; } | words check 7 | "
                         "grep -q '^first wrong byte at offset 500: .*, looks like offset 400$'"),
                     0);
    assert_int_equal(run("words make 7 1000000 | head -c 1000 >/dev/null; :"), 0);
}

static void test_words_refuses_what_it_does_not_know(void **state)
{
    (void)state;
    assert_int_equal(run("words 2>/dev/null"), 2);
    assert_int_equal(run("words make 7 2>/dev/null"), 2);
    assert_int_equal(run("words make 7 -1 2>/dev/null"), 2);
    assert_int_equal(run("words make x 1 2>/dev/null"), 2);
    assert_int_equal(run("words make 7 1 2 3 2>/dev/null"), 2);
    assert_int_equal(run("words both 7 10 0 2>/dev/null"), 2);
    assert_int_equal(run("words make 7 10 >/dev/full 2>/dev/null"), 2);
    assert_int_equal(run("words check 7 <&- 2>/dev/null"), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_payload_words_are_little_endian_and_fixed),
        cmocka_unit_test(test_payload_pieces_make_the_whole),
        cmocka_unit_test(test_payload_seeds_do_not_overlap),
        cmocka_unit_test(test_payload_find_tells_the_place),
        cmocka_unit_test(test_payload_checker_takes_what_is_right),
        cmocka_unit_test(test_payload_checker_names_what_stands_there),
        cmocka_unit_test(test_payload_checker_sees_a_single_bit),
        cmocka_unit_test(test_words_makes_and_checks),
        cmocka_unit_test(test_words_says_what_is_wrong),
        cmocka_unit_test(test_words_refuses_what_it_does_not_know),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
