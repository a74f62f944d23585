/* The output of one command: two streams of bytes counted from 0, kept from the confirmed
 * offset on, and the order in which they arrived. No I/O: the owner reads into it.
 * The host's only thread. Source: docs/host-protocol.md, "Output by offset". */
#ifndef WSM_HOST_OUTPUT_H
#define WSM_HOST_OUTPUT_H

#include "base/error.h"
#include "host/chunks.h"
#include "ipc/host_messages.h"

enum {
    WSM_OUTPUT_MAX = 2 * 1024 * 1024,            /* bytes kept of a command */
    WSM_OUTPUT_STREAM_MAX = 3 * 512 * 1024,      /* of them of one stream */
    WSM_OUTPUT_CHUNKS_MAX = 24,                  /* holes leave chunks that are not full */
    WSM_OUTPUT_RUNS_MAX = 1024,                  /* changes between the streams */
    WSM_OUTPUT_DROP_RUNS = 256,                  /* dropped at once: each costs a look at all */
    WSM_OUTPUT_PIECE_MAX = WSM_FRAME_MAX - 64,   /* bytes in a piece: fits an OUTPUT frame */
    WSM_OUTPUT_PIECE_SPANS = 3,                  /* chunks that a piece can touch */
    WSM_OUTPUT_ALL = (1 << WSM_HOST_STREAMS) - 1 /* streams, as bits */
};

struct wsm_output_stream {
    struct wsm_chunks chunks;
    uint64_t confirmed;    /* below this nothing is kept */
    uint64_t served;       /* highest offset that an answer reached, ≥ confirmed */
    uint64_t served_again; /* bytes of answers that lay below it */
    uint64_t end;          /* offset of the byte that comes next */
    uint64_t dropped;      /* bytes that `end` counts and that are in no answer */
    uint64_t late;         /* bytes that came after the close: not counted by `end` */
    bool is_closed;        /* no byte will come any more */
};

/* Bytes [start, end) of a stream, arrived without a byte of the other in between, and
 * without a hole. */
struct wsm_output_run {
    uint64_t start;
    uint64_t end;
    enum wsm_host_stream stream;
};

struct wsm_output {
    struct wsm_output_stream streams[WSM_HOST_STREAMS];
    struct wsm_output_run *runs; /* private: owned, oldest first */
    size_t run_count;
    size_t run_cap;
};

void wsm_output_init(struct wsm_output *output, struct wsm_chunk_pool *pool);
void wsm_output_clear(struct wsm_output *output);

/* How many more bytes of `stream` may be kept now; 0 at one of the limits. */
size_t wsm_output_room(const struct wsm_output *output, enum wsm_host_stream stream);
/* Where the next bytes go: *out_at has room for *out_len > 0. Needs room; false when
 * there is no memory. wsm_output_added() then counts in what was read. */
bool wsm_output_reserve(struct wsm_output *output, enum wsm_host_stream stream, uint8_t **out_at,
                        size_t *out_len) WSM_MUST_CHECK;
void wsm_output_added(struct wsm_output *output, enum wsm_host_stream stream, size_t count);

/* Drops the oldest bytes that no answer carried, until there is room for `stream`, and so
 * many that this is seldom necessary. False: nothing is left that may be dropped, or there
 * is no memory; there is no room then. */
bool wsm_output_make_room(struct wsm_output *output, enum wsm_host_stream stream) WSM_MUST_CHECK;
/* Is there something that wsm_output_make_room() may drop? */
bool wsm_output_can_drop(const struct wsm_output *output, enum wsm_host_stream stream);

void wsm_output_close(struct wsm_output *output, enum wsm_host_stream stream);
/* Bytes that came after the close. */
void wsm_output_late(struct wsm_output *output, enum wsm_host_stream stream, size_t count);
bool wsm_output_is_drained(const struct wsm_output *output); /* both are closed */

/* Frees what lies below `upto`, which may lie in a hole; never moves backwards, nor beyond the end.
 */
void wsm_output_confirm(struct wsm_output *output, const uint64_t upto[WSM_HOST_STREAMS]);

/* An answer carried the bytes [start, end) of `stream`. */
void wsm_output_served(struct wsm_output *output, enum wsm_host_stream stream, uint64_t start,
                       uint64_t end);

/* Do the offsets of `streams` (bits) lie between what is confirmed and the end? */
bool wsm_output_holds(const struct wsm_output *output, uint32_t streams,
                      const uint64_t from[WSM_HOST_STREAMS]);
/* Bytes of `streams` kept at and above `from`. */
size_t wsm_output_available(const struct wsm_output *output, uint32_t streams,
                            const uint64_t from[WSM_HOST_STREAMS]);

/* A walk over the kept bytes in order of arrival. Set the first three, zero the rest. */
struct wsm_output_cursor {
    uint32_t streams;
    uint64_t at[WSM_HOST_STREAMS]; /* next byte of each */
    size_t bytes_left;             /* at most so many from here on */
    size_t run;                    /* private */
};
/* Bytes of one stream, borrowed until the next change of the output. */
struct wsm_output_piece {
    enum wsm_host_stream stream;
    uint64_t offset;
    struct wsm_span spans[WSM_OUTPUT_PIECE_SPANS];
    size_t span_count;
};
/* False at the end. Neighbouring runs of one stream make one piece. Behind a hole the piece's
 * offset is larger than the cursor was; behind one that lasts to the end of a closed stream it has
 * no bytes, and lies at that end. */
bool wsm_output_next(const struct wsm_output *output, struct wsm_output_cursor *cursor,
                     struct wsm_output_piece *out);

#endif
