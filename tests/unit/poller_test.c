/* The watcher of foreign descriptors, over a pair of message sockets. */
#include "net/poller.h"

#include "base/list.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { DEADLINE_MS = 20000 };

struct fixture {
    uv_loop_t loop;
    uv_timer_t deadline;
    struct wsm_poller poller;
    int near;
    int far;
    int reads;
    int writes;
    int closed;
    bool closes_itself;
    bool is_late;
};

static struct fixture f;

static void on_deadline(uv_timer_t *timer)
{
    (void)timer;
    f.is_late = true;
}

static void on_closed(struct wsm_poller *poller)
{
    assert_ptr_equal(poller, &f.poller);
    f.closed++;
}

static void on_ready(struct wsm_poller *poller, bool readable, bool writable)
{
    assert_int_equal(f.closed, 0);
    f.reads += readable;
    f.writes += writable;
    if (f.closes_itself)
        wsm_poller_close(poller, on_closed);
}

static void turn(uv_run_mode mode)
{
    (void)uv_run(&f.loop, mode);
    if (f.is_late)
        fail_msg("waited too long");
}

static void wait_for(const int *counter, int value)
{
    while (*counter < value)
        turn(UV_RUN_ONCE);
}

static int setup(void **state)
{
    int fds[2];

    (void)state;
    memset(&f, 0, sizeof(f));
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    f.near = fds[0];
    f.far = fds[1];
    assert_int_equal(uv_loop_init(&f.loop), 0);
    assert_int_equal(uv_timer_init(&f.loop, &f.deadline), 0);
    assert_int_equal(uv_timer_start(&f.deadline, on_deadline, DEADLINE_MS, 0), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    wsm_poller_close(&f.poller, on_closed);
    wsm_poller_close(&f.poller, on_closed); /* harmless twice */
    uv_close((uv_handle_t *)&f.deadline, NULL);
    uv_run(&f.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f.loop), 0);
    assert_true(f.closed <= 1);
    close(f.near);
    close(f.far);
    return 0;
}

static void open_poller(void)
{
    struct wsm_error err = WSM_ERROR_INIT;

    assert_true(wsm_poller_open(&f.poller, &f.loop, f.near, on_ready, &err));
}

static void test_poller_tells_of_messages(void **state)
{
    char byte;

    (void)state;
    open_poller();
    turn(UV_RUN_NOWAIT);
    assert_int_equal(f.reads + f.writes, 0);
    assert_int_equal(send(f.far, "x", 1, 0), 1);
    wait_for(&f.reads, 1);
    assert_int_equal(f.writes, 0);
    assert_int_equal(recv(f.near, &byte, 1, 0), 1);
    f.reads = 0;
    turn(UV_RUN_NOWAIT);
    assert_int_equal(f.reads, 0);
}

static void test_poller_tells_of_room_only_when_asked(void **state)
{
    (void)state;
    open_poller();
    wsm_poller_want_write(&f.poller, true);
    wsm_poller_want_write(&f.poller, true);
    wait_for(&f.writes, 1);
    assert_int_equal(f.reads, 0);
    wsm_poller_want_write(&f.poller, false);
    f.writes = 0;
    turn(UV_RUN_NOWAIT);
    assert_int_equal(f.writes, 0);
}

static void test_poller_tells_of_room_once_the_peer_reads(void **state)
{
    char message[1000] = { 0 };

    (void)state;
    open_poller();
    while (send(f.near, message, sizeof(message), 0) > 0)
        ;
    assert_int_equal(errno, EAGAIN);
    wsm_poller_want_write(&f.poller, true);
    turn(UV_RUN_NOWAIT);
    assert_int_equal(f.writes, 0);
    while (recv(f.far, message, sizeof(message), 0) > 0)
        ;
    wait_for(&f.writes, 1);
}

static void test_poller_tells_of_the_end(void **state)
{
    char byte;

    (void)state;
    open_poller();
    assert_int_equal(shutdown(f.far, SHUT_RDWR), 0);
    wait_for(&f.reads, 1);
    assert_int_equal(recv(f.near, &byte, 1, 0), 0);
}

/* A peer that dies with unread messages leaves ECONNRESET, which libuv gives as an error. */
static void test_poller_tells_of_an_error_and_goes_on(void **state)
{
    char byte;

    (void)state;
    open_poller();
    assert_int_equal(send(f.near, "x", 1, 0), 1);
    close(f.far);
    f.far = -1;
    wait_for(&f.reads, 1);
    assert_true(recv(f.near, &byte, 1, 0) <= 0);
    f.reads = 0;
    wait_for(&f.reads, 1); /* the end is still seen */
}

static void test_poller_may_be_closed_in_its_callback(void **state)
{
    (void)state;
    open_poller();
    f.closes_itself = true;
    assert_int_equal(send(f.far, "x", 1, 0), 1);
    wait_for(&f.closed, 1);
    assert_int_equal(f.reads, 1);
    wsm_poller_want_write(&f.poller, true); /* harmless */
    assert_int_equal(f.writes, 0);
}

static void test_poller_may_be_closed_in_its_callback_at_an_error(void **state)
{
    (void)state;
    open_poller();
    f.closes_itself = true;
    assert_int_equal(send(f.near, "x", 1, 0), 1);
    close(f.far);
    f.far = -1;
    wait_for(&f.closed, 1);
    assert_int_equal(f.reads, 1);
}

static void test_poller_refuses_what_cannot_be_watched(void **state)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_poller other;
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    (void)state;
    assert_false(wsm_poller_open(&other, &f.loop, fd, on_ready, &err));
    assert_true(err.code != 0);
    assert_false(other.is_open);
    wsm_error_clear(&err);
    close(fd);
    assert_false(wsm_poller_open(&other, &f.loop, fd, on_ready, &err));
    wsm_error_clear(&err);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_poller_tells_of_messages),
        TEST(test_poller_tells_of_room_only_when_asked),
        TEST(test_poller_tells_of_room_once_the_peer_reads),
        TEST(test_poller_tells_of_the_end),
        TEST(test_poller_tells_of_an_error_and_goes_on),
        TEST(test_poller_may_be_closed_in_its_callback),
        TEST(test_poller_may_be_closed_in_its_callback_at_an_error),
        TEST(test_poller_refuses_what_cannot_be_watched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
