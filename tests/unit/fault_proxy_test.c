/* The fault proxy between two ends of the test's own. Whatever takes longer than the time-out
 * of the sockets fails. */
#include "fault_proxy.h"

#include "temp_dir.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { WAIT_S = 20 };

struct fixture {
    struct fault_proxy proxy;
    int listener; /* the service's */
    char target[32];
};

static void set_time_out(int fd)
{
    const struct timeval most = { .tv_sec = WAIT_S };

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most)), 0);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(address);

    assert_non_null(fixture);
    fixture->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fixture->listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(fixture->listener, 16), 0);
    assert_int_equal(getsockname(fixture->listener, (struct sockaddr *)&address, &len), 0);
    set_time_out(fixture->listener);
    snprintf(fixture->target, sizeof(fixture->target), "127.0.0.1:%u", ntohs(address.sin_port));
    assert_true(fault_proxy_start(&fixture->proxy, fixture->target));
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    fault_proxy_stop(&fixture->proxy);
    if (fixture->listener >= 0)
        close(fixture->listener);
    free(fixture);
    return 0;
}

static int join(const struct fixture *fixture)
{
    const struct sockaddr_in address = { .sin_family = AF_INET,
                                         .sin_port = htons(fixture->proxy.port),
                                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    set_time_out(fd);
    return fd;
}

static int take(const struct fixture *fixture)
{
    int fd = accept4(fixture->listener, NULL, NULL, SOCK_CLOEXEC);

    assert_true(fd >= 0);
    set_time_out(fd);
    return fd;
}

static void put(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void expect(int fd, const char *text)
{
    char got[4096] = "";
    size_t len = strlen(text);

    assert_true(len < sizeof(got));
    assert_int_equal(recv(fd, got, len, MSG_WAITALL), len);
    assert_string_equal(got, text);
}

static void expect_end(int fd)
{
    char byte;

    assert_int_equal(recv(fd, &byte, 1, 0), 0);
    close(fd);
}

static void expect_reset(int fd)
{
    char byte;

    assert_int_equal(recv(fd, &byte, 1, 0), -1);
    assert_int_equal(errno, ECONNRESET);
    close(fd);
}

static void expect_nothing(int fd)
{
    char byte;

    assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
}

static void tell(struct fixture *fixture, const char *line)
{
    if (!fault_proxy_tell(&fixture->proxy, "%s", line))
        fail_msg("%s: %s", line, fixture->proxy.reply);
}

static void test_fault_proxy_passes_bytes_and_ends_both_ways(void **state)
{
    struct fixture *fixture = *state;
    int client = join(fixture), service = take(fixture);

    put(client, "question");
    expect(service, "question");
    shutdown(client, SHUT_WR);
    put(service, "answer");
    expect_end(service);
    expect(client, "answer");
    expect_end(client);
    assert_int_equal(fault_proxy_count(&fixture->proxy, "up"), 8);
    assert_int_equal(fault_proxy_count(&fixture->proxy, "down"), 6);
    assert_int_equal(fault_proxy_count(&fixture->proxy, "cuts"), 0);
}

static void test_fault_proxy_passes_a_reset_on(void **state)
{
    const struct linger hard = { .l_onoff = 1 };
    struct fixture *fixture = *state;
    int client = join(fixture), service = take(fixture);

    setsockopt(client, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    close(client);
    expect_reset(service);
}

static void test_fault_proxy_passes_more_than_it_keeps(void **state)
{
    enum { MANY = 8 << 20 };
    struct fixture *fixture = *state;
    int client = join(fixture), service = take(fixture);
    char *bytes = malloc(MANY);
    size_t got = 0;
    pid_t pid;

    assert_non_null(bytes);
    memset(bytes, 'x', MANY);
    pid = fork();
    if (pid == 0) {
        ssize_t sent = send(client, bytes, MANY, MSG_NOSIGNAL);

        _exit(sent == MANY ? 0 : 1);
    }
    close(client);
    for (ssize_t count = 1; count > 0; got += (size_t)count) {
        count = recv(service, bytes, MANY, 0);
        assert_true(count >= 0);
    }
    assert_int_equal(got, MANY);
    expect_end(service);
    free(bytes);
}

static void test_fault_proxy_resets_at_the_byte(void **state)
{
    struct fixture *fixture = *state;
    int client, service;

    tell(fixture, "cut up 5 reset");
    client = join(fixture);
    service = take(fixture);
    put(client, "question");
    expect(service, "quest");
    expect_reset(service);
    expect_reset(client);
    assert_int_equal(fault_proxy_count(&fixture->proxy, "cuts"), 1);
    assert_int_equal(fault_proxy_count(&fixture->proxy, "open"), 0);
}

static void test_fault_proxy_ends_at_the_byte_for_the_receiver(void **state)
{
    struct fixture *fixture = *state;
    int client = join(fixture), service = take(fixture);

    tell(fixture, "cut down 1 end");
    put(service, "answer");
    expect(client, "a");
    expect_end(client);
    expect_reset(service);
}

static void test_fault_proxy_closes_for_both(void **state)
{
    struct fixture *fixture = *state;
    int client = join(fixture), service = take(fixture);

    tell(fixture, "cut up 3 close");
    put(client, "question");
    expect(service, "que");
    expect_end(service);
    expect_end(client);
}

static void test_fault_proxy_swallows_behind_the_byte(void **state)
{
    struct fixture *fixture = *state;
    int client = join(fixture), service = take(fixture);

    tell(fixture, "cut up 3 swallow");
    put(client, "question");
    put(client, " and another");
    expect(service, "que");
    expect_reset(service);
    expect_reset(client);
}

static void test_fault_proxy_cuts_where_nothing_has_gone(void **state)
{
    struct fixture *fixture = *state;
    int client = join(fixture), service = take(fixture);

    tell(fixture, "cut up 0 reset");
    expect_reset(service);
    expect_reset(client);
}

static void test_fault_proxy_hole_tells_nobody(void **state)
{
    struct fixture *fixture = *state;
    int client = join(fixture), service = take(fixture), other, second;

    tell(fixture, "cut up 3 hole");
    put(client, "question");
    expect(service, "que");
    put(service, "answer");
    other = join(fixture); /* the proxy has been here and there */
    second = take(fixture);
    put(other, "x");
    expect(second, "x");
    expect_nothing(client);
    expect_nothing(service);
    tell(fixture, "reset");
    expect_reset(service);
    expect_reset(client);
    expect_reset(other);
    expect_reset(second);
}

static void test_fault_proxy_hole_takes_all_that_are_there(void **state)
{
    struct fixture *fixture = *state;
    int client = join(fixture), service = take(fixture);

    tell(fixture, "hole");
    put(client, "question");
    tell(fixture, "status");
    expect_nothing(service);
    close(client);
    close(service);
}

static void test_fault_proxy_counts_over_all_connections_and_cuts_once(void **state)
{
    struct fixture *fixture = *state;
    int clients[3], services[3];

    tell(fixture, "cut up 6 reset");
    for (size_t i = 0; i < 3; i++) {
        clients[i] = join(fixture);
        services[i] = take(fixture);
    }
    put(clients[0], "abcd");
    expect(services[0], "abcd");
    put(clients[1], "efgh");
    expect(services[1], "ef");
    expect_reset(services[1]);
    put(clients[0], "ijkl");
    expect(services[0], "ijkl");
    put(clients[2], "mnop");
    expect(services[2], "mnop");
    assert_int_equal(fault_proxy_count(&fixture->proxy, "cuts"), 1);
    for (size_t i = 0; i < 3; i++)
        close(clients[i]);
    close(services[0]);
    close(services[2]);
}

static void test_fault_proxy_cuts_each_connection_at_its_byte(void **state)
{
    struct fixture *fixture = *state;

    tell(fixture, "each up 2 reset");
    for (size_t i = 0; i < 3; i++) {
        int client = join(fixture), service = take(fixture);

        put(client, "abcd");
        expect(service, "ab");
        expect_reset(service);
        expect_reset(client);
    }
    tell(fixture, "each off");
    {
        int client = join(fixture), service = take(fixture);

        put(client, "abcd");
        expect(service, "abcd");
        close(client);
        close(service);
    }
}

/* Where five connections end that get a byte at a time. */
static void places(uint64_t seed, size_t out[5])
{
    struct fixture *fixture;
    void *state;

    set_up(&state);
    fixture = state;
    assert_true(fault_proxy_tell(&fixture->proxy, "random %d 50", (int)seed));
    for (size_t i = 0; i < 5; i++) {
        int client = join(fixture), service = take(fixture);
        char byte = 'x';

        out[i] = 0;
        while (send(client, &byte, 1, MSG_NOSIGNAL) == 1 && recv(service, &byte, 1, 0) == 1 &&
               send(service, &byte, 1, MSG_NOSIGNAL) == 1 && recv(client, &byte, 1, 0) == 1)
            out[i]++;
        close(client);
        close(service);
    }
    tear_down(&state);
}

static void test_fault_proxy_random_places_are_those_of_the_seed(void **state)
{
    size_t a[5], b[5], c[5];

    (void)state;
    places(1, a);
    places(1, b);
    places(2, c);
    assert_memory_equal(a, b, sizeof(a));
    assert_memory_not_equal(a, c, sizeof(a));
}

static void test_fault_proxy_holds_until_it_is_told(void **state)
{
    struct fixture *fixture = *state;
    int client = join(fixture), service = take(fixture);

    tell(fixture, "hold down 3");
    put(service, "answer");
    tell(fixture, "await held 1");
    expect(client, "ans");
    expect_nothing(client);
    put(client, "question"); /* the other way is open */
    expect(service, "question");
    expect_nothing(client);
    tell(fixture, "release");
    expect(client, "wer");
    close(client);
    close(service);
}

static void test_fault_proxy_keeps_the_pace(void **state)
{
    enum { MANY = 30000, RATE = 200000 };
    struct fixture *fixture = *state;
    int client = join(fixture), service = take(fixture);
    char *bytes = calloc(1, MANY);
    struct timespec start, end;
    double seconds;

    assert_non_null(bytes);
    assert_true(fault_proxy_tell(&fixture->proxy, "pace up %d", RATE));
    clock_gettime(CLOCK_MONOTONIC, &start);
    assert_int_equal(send(client, bytes, MANY, MSG_NOSIGNAL), MANY);
    assert_int_equal(recv(service, bytes, MANY, MSG_WAITALL), MANY);
    clock_gettime(CLOCK_MONOTONIC, &end);
    seconds = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
    assert_true(seconds > 0.09); /* 0.15, less what may go at once */
    free(bytes);
    close(client);
    close(service);
}

static void test_fault_proxy_refuses(void **state)
{
    struct fixture *fixture = *state;
    int client, service;

    tell(fixture, "refuse on");
    client = join(fixture);
    expect_reset(client);
    tell(fixture, "refuse off");
    client = join(fixture);
    service = take(fixture);
    put(client, "x");
    expect(service, "x");
    close(client);
    close(service);
}

static void test_fault_proxy_resets_where_there_is_no_service(void **state)
{
    struct fixture *fixture = *state;

    close(fixture->listener);
    fixture->listener = -1;
    expect_reset(join(fixture));
}

#define REQUEST   "POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nSend"
#define OTHER     "POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\nGet"
#define ANSWER(x) "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" x

static void copied(struct fixture *fixture, const char *which, const char *answer)
{
    int client, service, again;

    assert_true(fault_proxy_tell(&fixture->proxy, "copy %s Send", which));
    client = join(fixture);
    put(client, "POST / HTTP/1.1\r\nContent-Le");
    service = take(fixture);
    put(client, "ngth: 4\r\n\r\nSend");
    expect(service, REQUEST);
    put(service, ANSWER("1"));
    again = take(fixture);
    expect(again, REQUEST);
    expect_nothing(client);
    put(again, ANSWER("2"));
    expect(client, answer);
    expect_end(again);
    put(client, OTHER);
    expect(service, OTHER);
    put(service, ANSWER("3"));
    expect(client, ANSWER("3"));
    close(client);
    expect_end(service);
}

static void test_fault_proxy_sends_a_request_again(void **state)
{
    struct fixture *fixture = *state;

    copied(fixture, "first", ANSWER("1"));
    copied(fixture, "second", ANSWER("2"));
    assert_int_equal(fault_proxy_count(&fixture->proxy, "copies"), 2);
}

static void test_fault_proxy_copy_ends_with_its_client(void **state)
{
    struct fixture *fixture = *state;
    int client, service;

    tell(fixture, "copy first Send");
    client = join(fixture);
    put(client, REQUEST);
    service = take(fixture);
    expect(service, REQUEST);
    close(client);
    expect_end(service);
    assert_int_equal(fault_proxy_count(&fixture->proxy, "copies"), 0);
}

static void test_fault_proxy_records_messages(void **state)
{
    struct fixture *fixture = *state;
    char *folder = wsm_temp_dir_make(), *name = wsm_temp_path(folder, "01.answer"), *text;
    int client, service;

    assert_true(fault_proxy_tell(&fixture->proxy, "record %s", folder));
    client = join(fixture);
    put(client, REQUEST);
    service = take(fixture);
    expect(service, REQUEST);
    put(service, ANSWER("1"));
    expect(client, ANSWER("1"));
    text = wsm_temp_read(name);
    assert_non_null(text);
    assert_string_equal(text, ANSWER("1"));
    free(text);
    free(name);
    wsm_temp_dir_remove(folder);
    close(client);
    close(service);
}

static void test_fault_proxy_refuses_lines_it_does_not_know(void **state)
{
    static const char *const lines[] = { "",
                                         "cut",
                                         "cut up",
                                         "cut sideways 1 reset",
                                         "cut up 1 gently",
                                         "cut up x 1",
                                         "random 1",
                                         "random 1 0",
                                         "await luck 1",
                                         "await cuts",
                                         "copy first",
                                         "copy third x",
                                         "cut up 1 reset now and then",
                                         "hold up",
                                         "refuse maybe",
                                         "cut up -1 reset",
                                         "record" };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        if (fault_proxy_tell(&fixture->proxy, "%s", lines[i]))
            fail_msg("taken: %s", lines[i]);
        assert_string_equal(fixture->proxy.reply, "error: see fault_proxy.h");
    }
    tell(fixture, "status");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_fault_proxy_passes_bytes_and_ends_both_ways),
        TEST(test_fault_proxy_passes_a_reset_on),
        TEST(test_fault_proxy_passes_more_than_it_keeps),
        TEST(test_fault_proxy_resets_at_the_byte),
        TEST(test_fault_proxy_ends_at_the_byte_for_the_receiver),
        TEST(test_fault_proxy_closes_for_both),
        TEST(test_fault_proxy_swallows_behind_the_byte),
        TEST(test_fault_proxy_cuts_where_nothing_has_gone),
        TEST(test_fault_proxy_hole_tells_nobody),
        TEST(test_fault_proxy_hole_takes_all_that_are_there),
        TEST(test_fault_proxy_counts_over_all_connections_and_cuts_once),
        TEST(test_fault_proxy_cuts_each_connection_at_its_byte),
        cmocka_unit_test(test_fault_proxy_random_places_are_those_of_the_seed),
        TEST(test_fault_proxy_holds_until_it_is_told),
        TEST(test_fault_proxy_keeps_the_pace),
        TEST(test_fault_proxy_refuses),
        TEST(test_fault_proxy_resets_where_there_is_no_service),
        TEST(test_fault_proxy_sends_a_request_again),
        TEST(test_fault_proxy_copy_ends_with_its_client),
        TEST(test_fault_proxy_records_messages),
        TEST(test_fault_proxy_refuses_lines_it_does_not_know),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
