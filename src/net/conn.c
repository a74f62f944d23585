/* A TCP connection on a libuv loop: reading into one growing buffer, writing with one
 * call, the first error kept. Runs on the loop thread. Knows nothing of HTTP. */
#include "net/conn.h"

#include "net/descriptor.h"
#include "wsmerror.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/sockios.h>

enum {
    READ_CHUNK_FIRST = 16 * 1024,
    READ_CHUNK_MAX = 1024 * 1024,
    SHORT_READS_TO_SHRINK = 8,
};

/* A message that the kernel did not take at once. Owned by conn->writes, freed by on_write. */
struct write {
    struct wsm_list node;
    uv_write_t req;
    struct wsm_conn *conn;
    struct wsm_buf message;
};

static struct wsm_conn *conn_of(const void *tcp)
{
    return WSM_CONTAINER_OF(tcp, struct wsm_conn, tcp);
}

static uv_stream_t *stream_of(struct wsm_conn *conn)
{
    return (uv_stream_t *)&conn->tcp;
}

static uint32_t code_of(int status)
{
    switch (status) {
    case UV_ENOMEM:
    case UV_ENOBUFS:
        return ERROR_OUTOFMEMORY;
    case UV_ECANCELED:
        return ERROR_OPERATION_ABORTED;
    case UV_ETIMEDOUT:
        return ERROR_WSMAN_NETWORK_TIMEDOUT;
    case UV_ECONNREFUSED:
        return ERROR_WSMAN_HTTP_SERVICE_UNAVAILABLE_STATUS;
    case UV_EPIPE:
    case UV_ECONNRESET:
        return ERROR_BROKEN_PIPE;
    default:
        return ERROR_WSMAN_DESTINATION_UNREACHABLE;
    }
}

static bool fail_uv(struct wsm_error *err, int status, const char *what)
{
    return wsm_fail(err, code_of(status), "%s: %s", what, uv_strerror(status));
}

/* Keeps the first error ever; reading it from the socket would clear it there. */
static void keep_error(struct wsm_conn *conn, int status, const char *what)
{
    (void)fail_uv(&conn->first_error, status, what);
}

/* From a callback: an error that is not the first was reported before. */
static void report_error(struct wsm_conn *conn, int status, const char *what)
{
    if (conn->first_error.code != 0)
        return;
    keep_error(conn, status, what);
    if (conn->events->on_error != NULL)
        conn->events->on_error(conn, &conn->first_error);
}

bool wsm_conn_init(struct wsm_conn *conn, uv_loop_t *loop, const struct wsm_conn_events *events,
                   struct wsm_error *err)
{
    struct wsm_descriptor_hold hold;
    int status;

    memset(conn, 0, sizeof(*conn));
    conn->events = events;
    conn->read_chunk = READ_CHUNK_FIRST;
    wsm_list_init(&conn->writes);
    wsm_descriptor_hold(&hold); /* the loop's first stream opens one as a reserve */
    status = uv_tcp_init(loop, &conn->tcp);
    wsm_descriptor_release(&hold);
    return status == 0 || fail_uv(err, status, "socket");
}

static int set_option(int fd, int level, int option, unsigned value)
{
    return setsockopt(fd, level, option, &value, sizeof(value));
}

/* A peer that vanished is noticed after `timeout_ms`, by unacknowledged data or, where
 * nothing is under way, by probes. */
static bool set_options(struct wsm_conn *conn, unsigned timeout_ms, struct wsm_error *err)
{
    unsigned idle_s = timeout_ms / 2000 + 1;
    unsigned interval_s = timeout_ms / 8000 + 1;
    int fd = -1;
    int status = uv_fileno((uv_handle_t *)&conn->tcp, &fd);

    if (status != 0)
        return fail_uv(err, status, "socket");
    if (set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1) != 0)
        return fail_uv(err, uv_translate_sys_error(errno), "TCP_NODELAY");
    if (timeout_ms == 0)
        return true;
    if (set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1) != 0 ||
        set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle_s) != 0 ||
        set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, interval_s) != 0 ||
        set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, timeout_ms) != 0)
        return fail_uv(err, uv_translate_sys_error(errno), "keep-alive probes");
    return true;
}

bool wsm_conn_accept(struct wsm_conn *conn, uv_stream_t *listener, unsigned user_timeout_ms,
                     struct wsm_error *err)
{
    int status = uv_accept(listener, stream_of(conn));

    if (status != 0)
        return fail_uv(err, status, "accept");
    return set_options(conn, user_timeout_ms, err);
}

static void on_connect(uv_connect_t *req, int status)
{
    struct wsm_conn *conn = WSM_CONTAINER_OF(req, struct wsm_conn, connect);

    if (status == 0) {
        conn->events->on_connected(conn, NULL);
        return;
    }
    keep_error(conn, status, "connect");
    conn->events->on_connected(conn, &conn->first_error);
}

/* 0, or libuv's code. */
static int open_socket(struct wsm_conn *conn, int family)
{
    int fd = wsm_descriptor_raise(socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    int status;

    if (fd < 0)
        return uv_translate_sys_error(errno);
    status = uv_tcp_open(&conn->tcp, fd);
    if (status != 0)
        close(fd);
    return status;
}

bool wsm_conn_connect(struct wsm_conn *conn, const struct sockaddr *address,
                      unsigned user_timeout_ms, struct wsm_error *err)
{
    int status = open_socket(conn, address->sa_family);

    if (status != 0)
        return fail_uv(err, status, "socket");
    status = uv_tcp_connect(&conn->connect, &conn->tcp, address, on_connect);
    if (status != 0)
        return fail_uv(err, status, "connect");
    return set_options(conn, user_timeout_ms, err);
}

/* Room behind what is there, within read_max. */
static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct wsm_conn *conn = conn_of(handle);
    size_t want = conn->read_chunk;

    (void)suggested;
    if (conn->in.len == 0 && want == READ_CHUNK_FIRST && conn->in.cap > 2 * READ_CHUNK_FIRST)
        wsm_buf_clear(&conn->in); /* bulk is over */
    if (conn->read_max > conn->in.len && want > conn->read_max - conn->in.len)
        want = conn->read_max - conn->in.len;
    if (!wsm_buf_reserve(&conn->in, want)) {
        *out = uv_buf_init(NULL, 0); /* comes back as UV_ENOBUFS */
        return;
    }
    *out = uv_buf_init((char *)wsm_buf_end(&conn->in), (unsigned)want);
}

/* Asks for more after reads that filled what was asked for. */
static void adapt_chunk(struct wsm_conn *conn, size_t got, size_t asked)
{
    if (got == asked && asked == conn->read_chunk) {
        conn->short_reads = 0;
        if (conn->read_chunk < READ_CHUNK_MAX)
            conn->read_chunk *= 2;
    } else if (got > READ_CHUNK_FIRST) {
        conn->short_reads = 0;
    } else if (++conn->short_reads == SHORT_READS_TO_SHRINK) {
        conn->short_reads = 0;
        conn->read_chunk = READ_CHUNK_FIRST;
    }
}

static bool is_full(const struct wsm_conn *conn)
{
    return conn->read_max != 0 && conn->in.len >= conn->read_max;
}

static void stop_reading(struct wsm_conn *conn)
{
    uv_read_stop(stream_of(conn));
    conn->is_reading = false;
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    struct wsm_conn *conn = conn_of(stream);

    if (count == 0)
        return; /* nothing there yet */
    if (count == UV_EOF) {
        conn->is_eof = true;
        stop_reading(conn);
        if (conn->events->on_eof != NULL)
            conn->events->on_eof(conn);
        return;
    }
    if (count < 0) {
        stop_reading(conn);
        report_error(conn, (int)count, "read");
        return;
    }
    wsm_buf_added(&conn->in, (size_t)count);
    conn->bytes_read += (uint64_t)count;
    adapt_chunk(conn, (size_t)count, buf->len);
    conn->events->on_read(conn);
    if (conn->is_reading && is_full(conn))
        stop_reading(conn);
}

bool wsm_conn_read_start(struct wsm_conn *conn, struct wsm_error *err)
{
    int status;

    if (conn->is_reading || conn->is_eof || is_full(conn))
        return true;
    if (conn->first_error.code != 0)
        return wsm_fail(err, conn->first_error.code, "%s", wsm_error_text(&conn->first_error));
    status = uv_read_start(stream_of(conn), on_alloc, on_read);
    if (status != 0)
        return fail_uv(err, status, "read");
    conn->is_reading = true;
    return true;
}

/* After an error libuv takes what it never sent from its queue, too: the count then stays
 * where it was. */
static void count_written(struct wsm_conn *conn)
{
    if (conn->first_error.code == 0)
        conn->bytes_written = conn->bytes_submitted -
                              uv_stream_get_write_queue_size(stream_of(conn));
}

static void write_free(struct write *write)
{
    wsm_list_remove(&write->node);
    wsm_buf_clear(&write->message);
    free(write);
}

static void on_write(uv_write_t *req, int status)
{
    struct write *write = WSM_CONTAINER_OF(req, struct write, req);
    struct wsm_conn *conn = write->conn;

    write_free(write);
    conn->pending_writes--;
    if (conn->is_closing)
        return;
    if (status != 0) {
        report_error(conn, status, "write");
        return;
    }
    count_written(conn);
    if (conn->pending_writes == 0 && conn->events->on_written != NULL)
        conn->events->on_written(conn);
}

/* Hands what is left of `message` from `offset` on to the loop. */
static bool queue_rest(struct wsm_conn *conn, struct wsm_buf *message, size_t offset,
                       struct wsm_error *err)
{
    struct write *write = calloc(1, sizeof(*write));
    uv_buf_t rest;
    int status;

    if (write == NULL)
        return wsm_fail_memory(err, "message to write");
    rest = uv_buf_init((char *)message->ptr + offset, (unsigned)(message->len - offset));
    write->conn = conn;
    wsm_list_add(&conn->writes, &write->node);
    status = uv_write(&write->req, stream_of(conn), &rest, 1, on_write);
    if (status != 0) {
        write_free(write);
        return fail_uv(err, status, "write");
    }
    write->message = *message;
    *message = (struct wsm_buf)WSM_BUF_INIT;
    conn->bytes_submitted += rest.len;
    conn->pending_writes++;
    return true;
}

/* How many bytes the kernel took at once; libuv says EAGAIN while anything is queued, so
 * that nothing overtakes it. */
static int try_write(struct wsm_conn *conn, const struct wsm_buf *message)
{
    uv_buf_t all = uv_buf_init((char *)message->ptr, (unsigned)message->len);
    int status = uv_try_write(stream_of(conn), &all, 1);

    return status == UV_EAGAIN ? 0 : status;
}

bool wsm_conn_write(struct wsm_conn *conn, struct wsm_buf *message, bool *out_done,
                    struct wsm_error *err)
{
    size_t len = message->len;
    int taken;

    if (conn->is_closing || conn->first_error.code != 0)
        return wsm_fail(err, ERROR_BROKEN_PIPE, "write: %s",
                        conn->is_closing ? "connection is closing"
                                         : wsm_error_text(&conn->first_error));
    if (!wsm_buf_ok(message))
        return wsm_fail_memory(err, "message to write");
    if (len > INT32_MAX)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "write: %zu bytes in one message", len);
    taken = len == 0 ? 0 : try_write(conn, message);
    if (taken < 0) {
        keep_error(conn, taken, "write");
        return fail_uv(err, taken, "write");
    }
    conn->bytes_submitted += (uint64_t)taken;
    if ((size_t)taken == len) {
        wsm_buf_reset(message);
    } else if (!queue_rest(conn, message, (size_t)taken, err)) {
        keep_error(conn, UV_ENOMEM, "write"); /* half a message was sent: no other may follow */
        return false;
    }
    count_written(conn);
    *out_done = (size_t)taken == len;
    return true;
}

/* A reset that the loop has not reported yet: the kernel has dropped what was not
 * acknowledged, and SIOCOUTQ says 0. */
static bool is_dead(int fd)
{
    struct tcp_info info = { .tcpi_state = TCP_CLOSE };
    socklen_t len = sizeof(info);

    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0 || info.tcpi_state == TCP_CLOSE;
}

bool wsm_conn_is_quiet(struct wsm_conn *conn)
{
    int fd = -1;
    char byte;

    if (conn->is_eof || conn->is_closing || conn->first_error.code != 0 ||
        uv_fileno((uv_handle_t *)&conn->tcp, &fd) != 0)
        return false;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           (errno == EAGAIN || errno == EWOULDBLOCK);
}

int64_t wsm_conn_unacknowledged(struct wsm_conn *conn)
{
    int fd = -1;
    int count = 0;

    if (uv_fileno((uv_handle_t *)&conn->tcp, &fd) != 0 || ioctl(fd, SIOCOUTQ, &count) != 0 ||
        is_dead(fd))
        return -1;
    count_written(conn);
    return count;
}

void wsm_conn_peer_address(struct wsm_conn *conn, char *out_text, size_t out_size, int *out_port)
{
    struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
    int len = sizeof(address);

    out_text[0] = '\0';
    *out_port = 0;
    if (uv_tcp_getpeername(&conn->tcp, (struct sockaddr *)&address, &len) != 0)
        return;
    if (uv_ip_name((const struct sockaddr *)&address, out_text, out_size) != 0) {
        out_text[0] = '\0';
        return;
    }
    /* the port stands at the same place in both families */
    *out_port = ntohs(((const struct sockaddr_in *)&address)->sin_port);
}

static void on_close(uv_handle_t *handle)
{
    struct wsm_conn *conn = conn_of(handle);

    wsm_buf_clear(&conn->in);
    wsm_error_clear(&conn->first_error);
    if (conn->events->on_closed != NULL)
        conn->events->on_closed(conn);
}

static void start_close(struct wsm_conn *conn, bool with_reset)
{
    uv_handle_t *handle = (uv_handle_t *)&conn->tcp;

    if (conn->is_closing)
        return;
    count_written(conn);
    conn->is_closing = true;
    conn->is_reading = false;
    if (!with_reset || uv_tcp_close_reset(&conn->tcp, on_close) != 0)
        uv_close(handle, on_close);
}

void wsm_conn_close(struct wsm_conn *conn)
{
    start_close(conn, false);
}

void wsm_conn_reset(struct wsm_conn *conn)
{
    start_close(conn, true);
}
