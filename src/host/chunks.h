/* The bytes that are kept of one stream, in chunks in the order of their offsets. Between
 * two chunks bytes may be missing: a hole. No I/O. The host's only thread. */
#ifndef WSM_HOST_CHUNKS_H
#define WSM_HOST_CHUNKS_H

#include "base/list.h"
#include "base/span.h"
#include "ipc/frame.h"

enum {
    WSM_CHUNK_BYTES = WSM_FRAME_MAX - 64, /* in a chunk: 32 pages with its head */
    WSM_CHUNK_SPARES_MAX = 8,             /* kept for reuse while output flows */
};

/* Chunks that no stream uses, shared by all commands of a host, so that a flow of output
 * does not map and unmap memory all the time. Emptied when the host is quiet. */
struct wsm_chunk_pool {
    struct wsm_list spares;
    size_t count;
};
void wsm_chunk_pool_init(struct wsm_chunk_pool *pool);
void wsm_chunk_pool_clear(struct wsm_chunk_pool *pool);

struct wsm_chunks {
    struct wsm_list list; /* private: owned */
    size_t count;
    size_t bytes;                /* kept in all of them */
    struct wsm_chunk_pool *pool; /* borrowed, outlives the chunks */
};
void wsm_chunks_init(struct wsm_chunks *chunks, struct wsm_chunk_pool *pool);
void wsm_chunks_clear(struct wsm_chunks *chunks);

/* Does the byte at `offset`, which is the next one, need a chunk of its own? */
bool wsm_chunks_need_more(const struct wsm_chunks *chunks, uint64_t offset);
/* Where the bytes from `offset` on go, *out_len > 0 of them; false: no memory. Then
 * wsm_chunks_added() counts in what came, which may be nothing. */
bool wsm_chunks_reserve(struct wsm_chunks *chunks, uint64_t offset, uint8_t **out_at,
                        size_t *out_len) __attribute__((warn_unused_result));
void wsm_chunks_added(struct wsm_chunks *chunks, size_t count);

/* Where a cut that begins at `from` and is to end at `upto` can end: there, or further,
 * where the two lie in one chunk that cannot be divided for want of memory or because there
 * are `count_max` chunks. */
uint64_t wsm_chunks_divide(struct wsm_chunks *chunks, uint64_t from, uint64_t upto,
                           size_t count_max);
/* Frees the bytes [from, upto), of which from or upto may lie in a chunk, but not both in
 * the same with bytes on either side. How many there were. */
size_t wsm_chunks_cut(struct wsm_chunks *chunks, uint64_t from, uint64_t upto);

/* Bytes kept at and above `from`. */
size_t wsm_chunks_available(const struct wsm_chunks *chunks, uint64_t from);
/* The kept bytes [offset, offset + len), which have no hole, in at most `max` spans; how many. */
size_t wsm_chunks_find(const struct wsm_chunks *chunks, uint64_t offset, size_t len,
                       struct wsm_span *out_spans, size_t max);

#endif
