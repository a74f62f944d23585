/* Connections over real loopback sockets. The far end is a plain socket of the test where
 * its behaviour matters (half-close, reset, slow reading), else a connection of ours. */
#include "net/conn.h"

#include "failing_alloc.h"
#include "wsmerror.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    DEADLINE_MS = 20000,
    USER_TIMEOUT_MS = 30000,
    BULK = 8 * 1024 * 1024,
};

enum callback { NONE, ON_READ, ON_EOF, ON_ERROR, ON_WRITTEN, ON_CONNECTED };

/* One end under test, counting what it is told. */
struct end {
    struct wsm_conn conn;
    int count[ON_CONNECTED + 1];
    int closed;
    uint32_t error_code;
    uint32_t connect_code;
    enum callback close_in;
    bool echoes;
};

struct fixture {
    uv_loop_t loop;
    uv_tcp_t listener;
    uv_timer_t deadline;
    struct end server;
    struct end client;
    bool is_accepted;
    bool is_late;
    int peer; /* the plain socket; -1 = none */
};

static struct fixture f;

static struct end *end_of(struct wsm_conn *conn)
{
    return WSM_CONTAINER_OF(conn, struct end, conn);
}

static void note(struct wsm_conn *conn, enum callback callback)
{
    struct end *end = end_of(conn);

    assert_int_equal(end->closed, 0);
    end->count[callback]++;
    if (end->close_in == callback)
        wsm_conn_close(conn);
}

static void write_text(struct end *end, const void *bytes, size_t count, bool *out_done)
{
    struct wsm_buf message = WSM_BUF_INIT;
    struct wsm_error err = WSM_ERROR_INIT;

    wsm_buf_append(&message, bytes, count);
    assert_true(wsm_conn_write(&end->conn, &message, out_done, &err));
    assert_int_equal(message.len, 0);
    wsm_buf_clear(&message);
}

static void on_read(struct wsm_conn *conn)
{
    struct end *end = end_of(conn);
    bool done;

    if (end->echoes) {
        write_text(end, conn->in.ptr, conn->in.len, &done);
        wsm_buf_consume(&conn->in, conn->in.len);
    }
    note(conn, ON_READ);
}

static void on_eof(struct wsm_conn *conn)
{
    assert_true(conn->is_eof);
    note(conn, ON_EOF);
}

static void on_error(struct wsm_conn *conn, const struct wsm_error *err)
{
    end_of(conn)->error_code = err->code;
    note(conn, ON_ERROR);
}

static void on_written(struct wsm_conn *conn)
{
    assert_int_equal(conn->pending_writes, 0);
    note(conn, ON_WRITTEN);
}

static void on_closed(struct wsm_conn *conn)
{
    end_of(conn)->closed++;
}

static void on_connected(struct wsm_conn *conn, const struct wsm_error *err)
{
    end_of(conn)->connect_code = err == NULL ? 0 : err->code;
    note(conn, ON_CONNECTED);
}

static const struct wsm_conn_events events = {
    .on_read = on_read,
    .on_eof = on_eof,
    .on_error = on_error,
    .on_written = on_written,
    .on_closed = on_closed,
    .on_connected = on_connected,
};

static void on_connection(uv_stream_t *listener, int status)
{
    struct wsm_error err = WSM_ERROR_INIT;

    assert_int_equal(status, 0);
    assert_true(wsm_conn_init(&f.server.conn, &f.loop, &events, &err));
    assert_true(wsm_conn_accept(&f.server.conn, listener, USER_TIMEOUT_MS, &err));
    assert_true(wsm_conn_read_start(&f.server.conn, &err));
    f.is_accepted = true;
}

static void on_deadline(uv_timer_t *timer)
{
    (void)timer;
    f.is_late = true;
}

static struct sockaddr_in listener_address(void)
{
    struct sockaddr_in address;
    int len = sizeof(address);

    assert_int_equal(uv_tcp_getsockname(&f.listener, (struct sockaddr *)&address, &len), 0);
    return address;
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
    assert_int_equal(*counter, value);
}

static int setup(void **state)
{
    struct sockaddr_in address = { .sin_family = AF_INET };

    (void)state;
    memset(&f, 0, sizeof(f));
    f.peer = -1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(uv_loop_init(&f.loop), 0);
    assert_int_equal(uv_timer_init(&f.loop, &f.deadline), 0);
    assert_int_equal(uv_timer_start(&f.deadline, on_deadline, DEADLINE_MS, 0), 0);
    assert_int_equal(uv_tcp_init(&f.loop, &f.listener), 0);
    assert_int_equal(uv_tcp_bind(&f.listener, (struct sockaddr *)&address, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&f.listener, 16, on_connection), 0);
    return 0;
}

/* Everything must come to its end: a handle that stays would keep the loop busy. */
static int teardown(void **state)
{
    (void)state;
    if (f.is_accepted)
        wsm_conn_close(&f.server.conn);
    if (f.client.conn.events != NULL)
        wsm_conn_close(&f.client.conn);
    uv_close((uv_handle_t *)&f.listener, NULL);
    uv_close((uv_handle_t *)&f.deadline, NULL);
    uv_run(&f.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f.loop), 0);
    assert_int_equal(f.server.closed, f.is_accepted ? 1 : 0);
    assert_int_equal(f.client.closed, f.client.conn.events != NULL ? 1 : 0);
    if (f.peer >= 0)
        close(f.peer);
    return 0;
}

/* A plain socket connected to f.server. */
static void connect_peer(void)
{
    struct sockaddr_in address = listener_address();

    f.peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(f.peer >= 0);
    assert_int_equal(connect(f.peer, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(fcntl(f.peer, F_SETFL, O_NONBLOCK), 0);
    while (!f.is_accepted)
        turn(UV_RUN_ONCE);
}

static void connect_client(void)
{
    struct sockaddr_in address = listener_address();
    struct wsm_error err = WSM_ERROR_INIT;

    assert_true(wsm_conn_init(&f.client.conn, &f.loop, &events, &err));
    assert_true(
        wsm_conn_connect(&f.client.conn, (struct sockaddr *)&address, USER_TIMEOUT_MS, &err));
}

static void reset_peer(void)
{
    struct linger linger = { .l_onoff = 1, .l_linger = 0 };

    assert_int_equal(setsockopt(f.peer, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
    close(f.peer);
    f.peer = -1;
}

/* Reads until `count` bytes came, turning the loop meanwhile. */
static void peer_reads(uint8_t *bytes, size_t count, size_t piece)
{
    size_t got = 0;

    while (got < count) {
        ssize_t n = read(f.peer, bytes + got, count - got < piece ? count - got : piece);

        assert_true(n > 0 || (n < 0 && errno == EAGAIN));
        if (n > 0)
            got += (size_t)n;
        turn(UV_RUN_NOWAIT);
    }
}

/* How the peer's stream ends: 0 = FIN, else errno. */
static int peer_end(void)
{
    char byte;
    ssize_t n;

    while ((n = read(f.peer, &byte, 1)) < 0 && errno == EAGAIN)
        turn(UV_RUN_NOWAIT);
    assert_true(n <= 0);
    return n == 0 ? 0 : errno;
}

static uint8_t *bulk_bytes(void)
{
    uint8_t *bytes = malloc(BULK);
    size_t i;

    assert_non_null(bytes);
    for (i = 0; i < BULK; i++)
        bytes[i] = (uint8_t)(i * 2654435761U >> 13);
    return bytes;
}

static void test_conn_echoes_between_two_ends(void **state)
{
    char address[64];
    bool done = false;
    int port;

    (void)state;
    connect_client();
    wait_for(&f.client.count[ON_CONNECTED], 1);
    assert_int_equal(f.client.connect_code, 0);
    while (!f.is_accepted)
        turn(UV_RUN_ONCE);
    f.server.echoes = true;
    assert_true(wsm_conn_read_start(&f.client.conn, NULL));
    write_text(&f.client, "hello", 5, &done);
    assert_true(done);
    wait_for(&f.client.count[ON_READ], 1);
    assert_true(wsm_span_is(wsm_buf_span(&f.client.conn.in), "hello"));
    assert_int_equal(f.client.conn.bytes_written, 5);
    assert_int_equal(f.client.conn.bytes_read, 5);
    assert_int_equal(f.client.count[ON_WRITTEN], 0); /* it went at once */
    wsm_conn_peer_address(&f.client.conn, address, sizeof(address), &port);
    assert_string_equal(address, "127.0.0.1");
    assert_int_equal(port, ntohs(listener_address().sin_port));
    wsm_conn_close(&f.client.conn);
    wait_for(&f.server.count[ON_EOF], 1);
}

static unsigned option_of(int fd, int level, int option)
{
    unsigned value = 0;
    socklen_t len = sizeof(value);

    assert_int_equal(getsockopt(fd, level, option, &value, &len), 0);
    return value;
}

static void test_conn_sets_its_options(void **state)
{
    struct end *const ends[] = { &f.server, &f.client };
    size_t i;

    (void)state;
    connect_client();
    wait_for(&f.client.count[ON_CONNECTED], 1);
    while (!f.is_accepted)
        turn(UV_RUN_ONCE);
    for (i = 0; i < 2; i++) {
        int fd = -1;

        assert_int_equal(uv_fileno((uv_handle_t *)&ends[i]->conn.tcp, &fd), 0);
        assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_NODELAY), 1);
        assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), USER_TIMEOUT_MS);
        assert_int_equal(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
        assert_true(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE) * 1000 < USER_TIMEOUT_MS);
        assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    }
}

static void test_conn_sees_a_half_close_while_idle(void **state)
{
    uint8_t bytes[4];
    bool done = false;

    (void)state;
    connect_peer();
    assert_int_equal(shutdown(f.peer, SHUT_WR), 0);
    wait_for(&f.server.count[ON_EOF], 1);
    assert_int_equal(f.server.conn.first_error.code, 0);
    write_text(&f.server, "late", 4, &done); /* the other direction still works */
    assert_true(done);
    peer_reads(bytes, 4, 4);
    assert_memory_equal(bytes, "late", 4);
    assert_true(wsm_conn_read_start(&f.server.conn, NULL)); /* harmless */
    turn(UV_RUN_NOWAIT);
    assert_int_equal(f.server.count[ON_EOF], 1);
}

static void test_conn_sees_a_reset_while_idle(void **state)
{
    struct wsm_buf message = WSM_BUF_INIT;
    struct wsm_error err = WSM_ERROR_INIT;
    bool done = false;

    (void)state;
    connect_peer();
    reset_peer();
    wait_for(&f.server.count[ON_ERROR], 1);
    assert_int_equal(f.server.error_code, ERROR_BROKEN_PIPE);
    assert_int_equal(f.server.conn.first_error.code, ERROR_BROKEN_PIPE);
    wsm_buf_append_str(&message, "x");
    assert_false(wsm_conn_write(&f.server.conn, &message, &done, &err));
    assert_int_equal(err.code, ERROR_BROKEN_PIPE);
    assert_int_equal(message.len, 1);
    assert_false(wsm_conn_read_start(&f.server.conn, NULL));
    turn(UV_RUN_NOWAIT);
    assert_int_equal(f.server.count[ON_ERROR], 1);
    assert_int_equal(f.server.count[ON_EOF], 0);
    wsm_error_clear(&err);
    wsm_buf_clear(&message);
}

static void test_conn_reports_a_failed_write_once(void **state)
{
    struct wsm_buf message = WSM_BUF_INIT;
    struct wsm_error err = WSM_ERROR_INIT;
    bool done = false;

    (void)state;
    connect_peer();
    close(f.peer); /* FIN; what arrives afterwards is answered by a reset */
    f.peer = -1;
    wait_for(&f.server.count[ON_EOF], 1);
    do {
        turn(UV_RUN_NOWAIT);
        wsm_buf_append_str(&message, "x");
    } while (wsm_conn_write(&f.server.conn, &message, &done, &err));
    assert_int_equal(err.code, ERROR_BROKEN_PIPE);
    assert_int_equal(f.server.conn.first_error.code, ERROR_BROKEN_PIPE);
    turn(UV_RUN_NOWAIT);
    assert_int_equal(f.server.count[ON_ERROR], 0); /* the writer was told */
    wsm_error_clear(&err);
    wsm_buf_clear(&message);
}

static void test_conn_counts_what_is_unacknowledged(void **state)
{
    uint8_t *bytes = bulk_bytes();
    bool done = true;
    uint64_t acknowledged;

    (void)state;
    connect_peer();
    assert_int_equal(wsm_conn_unacknowledged(&f.server.conn), 0);
    write_text(&f.server, bytes, BULK, &done);
    assert_false(done);
    turn(UV_RUN_NOWAIT);
    assert_true(wsm_conn_unacknowledged(&f.server.conn) > 0);
    assert_true(f.server.conn.bytes_written < BULK);
    acknowledged = f.server.conn.bytes_written - (uint64_t)wsm_conn_unacknowledged(&f.server.conn);
    assert_true(acknowledged < BULK);
    peer_reads(bytes, BULK, 65536);
    assert_int_equal(f.server.conn.bytes_written, BULK);
    while (wsm_conn_unacknowledged(&f.server.conn) != 0) /* the last one may be delayed */
        turn(UV_RUN_NOWAIT);
    wsm_conn_close(&f.server.conn);
    assert_int_equal(wsm_conn_unacknowledged(&f.server.conn), -1);
    free(bytes);
}

/* The kernel has dropped what was not acknowledged, and says that nothing is missing. */
static void test_conn_reset_that_is_not_reported_yet_is_no_acknowledgement(void **state)
{
    bool done = false;

    (void)state;
    connect_peer();
    write_text(&f.server, "unread", 6, &done);
    assert_true(done);
    reset_peer(); /* the loop has not turned since */
    assert_int_equal(wsm_conn_unacknowledged(&f.server.conn), -1);
    assert_int_equal(f.server.conn.first_error.code, 0);
}

static void test_conn_writes_bulk_to_a_slow_reader_in_order(void **state)
{
    uint8_t *sent = bulk_bytes();
    uint8_t *got = malloc(BULK + 5);
    bool done = true;
    size_t at;

    (void)state;
    assert_non_null(got);
    connect_peer();
    write_text(&f.server, sent, BULK, &done);
    assert_false(done);
    write_text(&f.server, "after", 5, &done);
    assert_false(done);
    assert_int_equal(f.server.conn.pending_writes, 2);
    for (at = 0; at < BULK + 5;) {
        size_t count = BULK + 5 - at < 300000 ? BULK + 5 - at : 300000;

        peer_reads(got + at, count, 10007);
        at += count;
        assert_true(wsm_conn_unacknowledged(&f.server.conn) >= 0);
        assert_true(f.server.conn.bytes_written >= at);
        assert_true(f.server.conn.bytes_written <= BULK + 5);
    }
    wait_for(&f.server.count[ON_WRITTEN], 1);
    assert_int_equal(f.server.conn.bytes_written, BULK + 5);
    assert_memory_equal(got, sent, BULK);
    assert_memory_equal(got + BULK, "after", 5);
    free(sent);
    free(got);
}

static void test_conn_reports_a_reset_under_a_queued_write(void **state)
{
    uint8_t *bytes = bulk_bytes();
    bool done = true;

    (void)state;
    connect_peer();
    write_text(&f.server, bytes, BULK, &done);
    assert_false(done);
    reset_peer();
    wait_for(&f.server.count[ON_ERROR], 1);
    while (f.server.conn.pending_writes > 0)
        turn(UV_RUN_NOWAIT);
    assert_int_equal(f.server.count[ON_ERROR], 1);
    assert_int_equal(f.server.count[ON_WRITTEN], 0);
    (void)wsm_conn_unacknowledged(&f.server.conn);
    assert_true(f.server.conn.bytes_written < BULK); /* nothing that was dropped counts */
    free(bytes);
}

static void peer_sends(const uint8_t *bytes, size_t count)
{
    size_t sent = 0;

    while (sent < count) {
        ssize_t n = write(f.peer, bytes + sent, count - sent);

        assert_true(n > 0 || (n < 0 && errno == EAGAIN));
        if (n > 0)
            sent += (size_t)n;
        turn(UV_RUN_NOWAIT);
    }
}

static void test_conn_reading_pauses_at_its_bound(void **state)
{
    enum { BOUND = 1000, COUNT = 4500 };
    uint8_t sent[COUNT];
    uint8_t got[COUNT];
    size_t at = 0;

    (void)state;
    memset(sent, 'a', sizeof(sent));
    memset(sent + BOUND, 'b', sizeof(sent) - BOUND);
    connect_peer();
    f.server.conn.read_max = BOUND;
    peer_sends(sent, COUNT);
    while (at < COUNT) {
        struct wsm_buf *in = &f.server.conn.in;

        while (in->len < BOUND && at + in->len < COUNT)
            turn(UV_RUN_ONCE);
        assert_true(in->len <= BOUND);
        assert_int_equal(f.server.conn.is_reading, in->len < BOUND);
        assert_true(wsm_conn_read_start(&f.server.conn, NULL)); /* full: stays paused */
        assert_int_equal(f.server.conn.is_reading, in->len < BOUND);
        memcpy(got + at, in->ptr, in->len);
        at += in->len;
        wsm_buf_consume(in, in->len);
        assert_true(wsm_conn_read_start(&f.server.conn, NULL));
        assert_true(f.server.conn.is_reading);
    }
    assert_memory_equal(got, sent, COUNT);
    assert_int_equal(f.server.conn.bytes_read, COUNT);
}

static void test_conn_asks_for_more_in_bulk_and_less_when_quiet(void **state)
{
    uint8_t *bytes = bulk_bytes();
    size_t first;
    int i;

    (void)state;
    connect_peer();
    first = f.server.conn.read_chunk;
    peer_sends(bytes, BULK);
    while (f.server.conn.bytes_read < BULK)
        turn(UV_RUN_ONCE);
    assert_memory_equal(f.server.conn.in.ptr, bytes, BULK);
    assert_true(f.server.conn.read_chunk > first);
    for (i = 0; i < 10; i++) {
        wsm_buf_consume(&f.server.conn.in, f.server.conn.in.len);
        peer_sends((const uint8_t *)"x", 1);
        while (f.server.conn.bytes_read < (uint64_t)BULK + (uint64_t)i + 1)
            turn(UV_RUN_ONCE);
    }
    assert_int_equal(f.server.conn.read_chunk, first);
    assert_true(f.server.conn.in.cap <= 2 * first);
    free(bytes);
}

static void test_conn_may_be_closed_in_on_read(void **state)
{
    (void)state;
    connect_peer();
    f.server.close_in = ON_READ;
    assert_int_equal(write(f.peer, "x", 1), 1);
    wait_for(&f.server.closed, 1);
    assert_int_equal(f.server.count[ON_READ], 1);
}

static void test_conn_may_be_closed_in_on_eof(void **state)
{
    (void)state;
    connect_peer();
    f.server.close_in = ON_EOF;
    assert_int_equal(shutdown(f.peer, SHUT_WR), 0);
    wait_for(&f.server.closed, 1);
    assert_int_equal(peer_end(), 0);
}

static void test_conn_may_be_closed_in_on_error(void **state)
{
    (void)state;
    connect_peer();
    f.server.close_in = ON_ERROR;
    reset_peer();
    wait_for(&f.server.closed, 1);
    assert_int_equal(f.server.count[ON_ERROR], 1);
}

static void test_conn_may_be_closed_in_on_written(void **state)
{
    uint8_t *bytes = bulk_bytes();
    bool done = true;

    (void)state;
    connect_peer();
    f.server.close_in = ON_WRITTEN;
    write_text(&f.server, bytes, BULK, &done);
    peer_reads(bytes, BULK, 100000);
    wait_for(&f.server.closed, 1);
    assert_int_equal(peer_end(), 0);
    free(bytes);
}

static void test_conn_may_be_closed_in_on_connected(void **state)
{
    (void)state;
    f.client.close_in = ON_CONNECTED;
    connect_client();
    wait_for(&f.client.closed, 1);
    while (!f.is_accepted)
        turn(UV_RUN_ONCE);
    wait_for(&f.server.count[ON_EOF], 1);
}

static void test_conn_close_drops_what_is_queued(void **state)
{
    uint8_t *bytes = bulk_bytes();
    bool done = true;

    (void)state;
    connect_peer();
    write_text(&f.server, bytes, BULK, &done);
    write_text(&f.server, bytes, BULK, &done);
    wsm_conn_close(&f.server.conn);
    wsm_conn_close(&f.server.conn);
    wsm_conn_reset(&f.server.conn);
    wait_for(&f.server.closed, 1);
    assert_int_equal(f.server.count[ON_WRITTEN], 0);
    assert_int_equal(f.server.count[ON_ERROR], 0);
    free(bytes);
}

static void test_conn_refuses_to_write_while_closing(void **state)
{
    struct wsm_buf message = WSM_BUF_INIT;
    struct wsm_error err = WSM_ERROR_INIT;
    bool done = false;

    (void)state;
    connect_peer();
    wsm_conn_close(&f.server.conn);
    wsm_buf_append_str(&message, "x");
    assert_false(wsm_conn_write(&f.server.conn, &message, &done, &err));
    assert_int_equal(err.code, ERROR_BROKEN_PIPE);
    wsm_error_clear(&err);
    wsm_buf_clear(&message);
    wait_for(&f.server.closed, 1);
}

static void test_conn_reset_reaches_the_peer(void **state)
{
    (void)state;
    connect_peer();
    wsm_conn_reset(&f.server.conn);
    wsm_conn_close(&f.server.conn);
    wait_for(&f.server.closed, 1);
    assert_int_equal(peer_end(), ECONNRESET);
}

static void test_conn_reports_a_refused_connect(void **state)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    struct wsm_error err = WSM_ERROR_INIT;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t len = sizeof(address);

    (void)state;
    /* a port that is taken but does not listen */
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    assert_true(wsm_conn_init(&f.client.conn, &f.loop, &events, &err));
    assert_true(wsm_conn_connect(&f.client.conn, (struct sockaddr *)&address, 0, &err));
    wait_for(&f.client.count[ON_CONNECTED], 1);
    assert_int_equal(f.client.connect_code, ERROR_WSMAN_HTTP_SERVICE_UNAVAILABLE_STATUS);
    assert_int_equal(f.client.count[ON_ERROR], 0);
    close(fd);
}

static void test_conn_closed_while_connecting_still_says_so(void **state)
{
    (void)state;
    connect_client();
    wsm_conn_close(&f.client.conn);
    wait_for(&f.client.closed, 1);
    assert_int_equal(f.client.count[ON_CONNECTED], 1);
    assert_int_equal(f.client.connect_code, ERROR_OPERATION_ABORTED);
    while (!f.is_accepted)
        turn(UV_RUN_ONCE);
}

static void test_conn_accept_without_a_peer_fails(void **state)
{
    struct wsm_error err = WSM_ERROR_INIT;

    (void)state;
    assert_true(wsm_conn_init(&f.client.conn, &f.loop, &events, &err));
    assert_false(wsm_conn_accept(&f.client.conn, (uv_stream_t *)&f.listener, 0, &err));
    assert_true(err.code != 0);
    wsm_error_clear(&err);
}

static void test_conn_reports_no_memory_for_reading(void **state)
{
    (void)state;
    connect_peer();
    assert_int_equal(write(f.peer, "x", 1), 1);
    failing_alloc_set(1);
    wait_for(&f.server.count[ON_ERROR], 1);
    failing_alloc_set(0);
    assert_int_equal(f.server.error_code, ERROR_OUTOFMEMORY);
}

static void test_conn_reports_no_memory_for_writing(void **state)
{
    struct wsm_buf message = WSM_BUF_INIT;
    struct wsm_error err = WSM_ERROR_INIT;
    uint8_t *bytes = bulk_bytes();
    bool done = false;

    (void)state;
    connect_peer();
    wsm_buf_append(&message, bytes, BULK);
    failing_alloc_set(1);
    assert_false(wsm_conn_write(&f.server.conn, &message, &done, &err));
    failing_alloc_set(0);
    assert_int_equal(err.code, ERROR_OUTOFMEMORY);
    assert_int_equal(message.len, BULK);
    wsm_error_clear(&err);
    assert_false(wsm_conn_write(&f.server.conn, &message, &done, &err)); /* half is out */
    wsm_error_clear(&err);
    wsm_buf_reset(&message);
    message.failed = true;
    assert_false(wsm_conn_write(&f.server.conn, &message, &done, &err));
    wsm_error_clear(&err);
    wsm_buf_clear(&message);
    free(bytes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_conn_echoes_between_two_ends),
        TEST(test_conn_sets_its_options),
        TEST(test_conn_sees_a_half_close_while_idle),
        TEST(test_conn_sees_a_reset_while_idle),
        TEST(test_conn_reports_a_failed_write_once),
        TEST(test_conn_counts_what_is_unacknowledged),
        TEST(test_conn_reset_that_is_not_reported_yet_is_no_acknowledgement),
        TEST(test_conn_writes_bulk_to_a_slow_reader_in_order),
        TEST(test_conn_reports_a_reset_under_a_queued_write),
        TEST(test_conn_reading_pauses_at_its_bound),
        TEST(test_conn_asks_for_more_in_bulk_and_less_when_quiet),
        TEST(test_conn_may_be_closed_in_on_read),
        TEST(test_conn_may_be_closed_in_on_eof),
        TEST(test_conn_may_be_closed_in_on_error),
        TEST(test_conn_may_be_closed_in_on_written),
        TEST(test_conn_may_be_closed_in_on_connected),
        TEST(test_conn_close_drops_what_is_queued),
        TEST(test_conn_refuses_to_write_while_closing),
        TEST(test_conn_reset_reaches_the_peer),
        TEST(test_conn_reports_a_refused_connect),
        TEST(test_conn_closed_while_connecting_still_says_so),
        TEST(test_conn_accept_without_a_peer_fails),
        TEST(test_conn_reports_no_memory_for_reading),
        TEST(test_conn_reports_no_memory_for_writing),
    };

    signal(SIGPIPE, SIG_IGN); /* libuv 1.44 writes without MSG_NOSIGNAL */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
