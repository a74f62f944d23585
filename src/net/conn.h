/* A TCP connection on a libuv loop, for both ends. Reads into the owner's buffer,
 * writes a message with one call, and keeps what the rules of delivery need: bytes
 * written, bytes acknowledged, the first error ever seen. Loop thread only.
 * Writing to a peer that has gone raises SIGPIPE: the thread that runs the loop blocks
 * it, or the program ignores it. */
#ifndef WSM_NET_CONN_H
#define WSM_NET_CONN_H

#include "base/buf.h"
#include "base/error.h"
#include "base/list.h"

#include <uv.h>

struct wsm_conn;

/* Called by the loop; each may close the connection. */
struct wsm_conn_events {
    /* Bytes were appended to conn->in; consume what was used. */
    void (*on_read)(struct wsm_conn *conn);
    /* The peer sent FIN (half-close too). Comes at most once, also while writing. */
    void (*on_eof)(struct wsm_conn *conn);
    /* A call on the socket failed (reset, EPIPE, time-out): err is borrowed. At most once,
     * and not at all after wsm_conn_write() itself reported a failure. */
    void (*on_error)(struct wsm_conn *conn, const struct wsm_error *err);
    /* All that was written has been taken by the kernel. */
    void (*on_written)(struct wsm_conn *conn);
    /* The handle is closed; the memory that embeds conn may be freed now. Exactly once. */
    void (*on_closed)(struct wsm_conn *conn);
    /* Client side: connected (err NULL) or not (borrowed). Exactly once after connect;
     * with ERROR_OPERATION_ABORTED if the connection was closed before. */
    void (*on_connected)(struct wsm_conn *conn, const struct wsm_error *err);
};

/* Embedded in the owner's struct. */
struct wsm_conn {
    uv_tcp_t tcp;                         /* tcp.data is the owner's */
    const struct wsm_conn_events *events; /* borrowed for ever */
    struct wsm_buf in;                    /* owned; what was read and not yet consumed */
    size_t read_max;                      /* reading pauses while in.len ≥ this (0 = no bound) */
    size_t read_chunk;                    /* bytes to ask the kernel for; grows for bulk */
    uint64_t bytes_read;                  /* since the connection exists */
    uint64_t bytes_written;               /* taken by the kernel, since the connection exists */
    struct wsm_error first_error;         /* code 0 = no call on this socket ever failed */
    bool is_eof;
    bool is_closing;
    bool is_reading;
    size_t pending_writes; /* messages that the kernel has not taken whole */
    /* The rest is private. */
    struct wsm_list writes;
    uint64_t bytes_submitted; /* handed to libuv: bytes_written and what is still queued */
    unsigned short_reads;     /* in a row: a quiet connection gives its buffer back */
    uv_connect_t connect;
};

/* After success the owner ends it with wsm_conn_close() and waits for on_closed, also if
 * accept or connect then fail. */
bool wsm_conn_init(struct wsm_conn *conn, uv_loop_t *loop, const struct wsm_conn_events *events,
                   struct wsm_error *err) WSM_MUST_CHECK;

/* Takes the next waiting connection of a listening handle. Sets TCP_NODELAY,
 * TCP_USER_TIMEOUT (user_timeout_ms, 0 = leave) and keep-alive probes of that order. */
bool wsm_conn_accept(struct wsm_conn *conn, uv_stream_t *listener, unsigned user_timeout_ms,
                     struct wsm_error *err) WSM_MUST_CHECK;
/* Starts to connect; on_connected says how it ended, unless this returns false. */
bool wsm_conn_connect(struct wsm_conn *conn, const struct sockaddr *address,
                      unsigned user_timeout_ms, struct wsm_error *err) WSM_MUST_CHECK;

/* Also keeps a parked connection's FIN and reset visible: read always, bounded by read_max.
 * Harmless while reading and after the end. Where read_max paused reading (is_reading says
 * no) it goes on with the next call, once enough was consumed. */
bool wsm_conn_read_start(struct wsm_conn *conn, struct wsm_error *err) WSM_MUST_CHECK;

/* Writes all of `message` with one call if the kernel takes it; the rest is kept (moved
 * out of `message`, which is left empty) and written by the loop, then on_written.
 * Never calls back before it returns; *out_done says whether all went at once (then no
 * on_written follows, and `message` keeps its memory, emptied, for the next one).
 * On failure `message` is untouched; some of it may have been sent. */
bool wsm_conn_write(struct wsm_conn *conn, struct wsm_buf *message, bool *out_done,
                    struct wsm_error *err) WSM_MUST_CHECK;

/* Has nothing happened that the loop has not reported yet: no FIN, no error, no bytes?
 * For an idle connection that is about to carry something. */
bool wsm_conn_is_quiet(struct wsm_conn *conn);

/* Bytes written that the peer's kernel has not acknowledged (SIOCOUTQ), unsent ones
 * included; -1 if the socket cannot say, or was reset. Brings bytes_written up to date, so that
 * bytes_written - unacknowledged is the position up to which the peer has everything.
 * After first_error the answer means nothing. */
int64_t wsm_conn_unacknowledged(struct wsm_conn *conn);

/* "192.0.2.7" and port of the peer; empty text if unknown. */
void wsm_conn_peer_address(struct wsm_conn *conn, char *out_text, size_t out_size, int *out_port);

/* Sends FIN and closes; on_closed follows. Drops what is still queued (pending_writes).
 * Harmless twice. */
void wsm_conn_close(struct wsm_conn *conn);
/* The same with a reset (SO_LINGER 0). */
void wsm_conn_reset(struct wsm_conn *conn);

#endif
