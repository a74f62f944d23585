/* The bytes that are kept of one stream. The host's only thread; no I/O. Knows neither what
 * is confirmed nor why bytes go. */
#include "host/chunks.h"

#include <assert.h>
#include <stdlib.h>

/* Kept: bytes[head, head + len). */
struct chunk {
    struct wsm_list node;
    uint64_t start; /* offset of the first kept byte */
    size_t head;
    size_t len;
    uint8_t bytes[WSM_CHUNK_BYTES];
};

static struct chunk *chunk_of(struct wsm_list *node)
{
    return WSM_CONTAINER_OF(node, struct chunk, node);
}

static uint64_t end_of(const struct chunk *chunk)
{
    return chunk->start + chunk->len;
}

void wsm_chunk_pool_init(struct wsm_chunk_pool *pool)
{
    wsm_list_init(&pool->spares);
    pool->count = 0;
}

void wsm_chunk_pool_clear(struct wsm_chunk_pool *pool)
{
    while (!wsm_list_is_empty(&pool->spares)) {
        struct chunk *chunk = chunk_of(pool->spares.next);

        wsm_list_remove(&chunk->node);
        free(chunk);
    }
    pool->count = 0;
}

/* Adds an empty chunk behind `before`. */
static struct chunk *take(struct wsm_chunks *chunks, struct wsm_list *before, uint64_t start)
{
    struct wsm_chunk_pool *pool = chunks->pool;
    struct chunk *chunk;

    if (wsm_list_is_empty(&pool->spares)) {
        chunk = malloc(sizeof(*chunk));
        if (chunk == NULL)
            return NULL;
        wsm_list_init(&chunk->node);
    } else {
        chunk = chunk_of(pool->spares.prev); /* the warmest */
        wsm_list_remove(&chunk->node);
        pool->count--;
    }
    chunk->start = start;
    chunk->head = 0;
    chunk->len = 0;
    wsm_list_add(before->next, &chunk->node);
    chunks->count++;
    return chunk;
}

static void give(struct wsm_chunks *chunks, struct chunk *chunk)
{
    struct wsm_chunk_pool *pool = chunks->pool;

    wsm_list_remove(&chunk->node);
    chunks->count--;
    chunks->bytes -= chunk->len;
    if (pool->count == WSM_CHUNK_SPARES_MAX) {
        free(chunk);
        return;
    }
    wsm_list_add(&pool->spares, &chunk->node);
    pool->count++;
}

void wsm_chunks_init(struct wsm_chunks *chunks, struct wsm_chunk_pool *pool)
{
    wsm_list_init(&chunks->list);
    chunks->count = 0;
    chunks->bytes = 0;
    chunks->pool = pool;
}

void wsm_chunks_clear(struct wsm_chunks *chunks)
{
    while (!wsm_list_is_empty(&chunks->list))
        give(chunks, chunk_of(chunks->list.next));
}

bool wsm_chunks_need_more(const struct wsm_chunks *chunks, uint64_t offset)
{
    const struct chunk *last = chunk_of(chunks->list.prev);

    return wsm_list_is_empty(&chunks->list) || end_of(last) != offset ||
           last->head + last->len == WSM_CHUNK_BYTES;
}

bool wsm_chunks_reserve(struct wsm_chunks *chunks, uint64_t offset, uint8_t **out_at,
                        size_t *out_len)
{
    struct chunk *chunk = chunk_of(chunks->list.prev);

    if (wsm_chunks_need_more(chunks, offset)) {
        chunk = take(chunks, chunks->list.prev, offset);
        if (chunk == NULL)
            return false;
    }
    *out_at = chunk->bytes + chunk->head + chunk->len;
    *out_len = WSM_CHUNK_BYTES - chunk->head - chunk->len;
    return true;
}

void wsm_chunks_added(struct wsm_chunks *chunks, size_t count)
{
    struct chunk *chunk = chunk_of(chunks->list.prev);

    chunk->len += count;
    chunks->bytes += count;
    if (chunk->len == 0)
        give(chunks, chunk);
}

uint64_t wsm_chunks_divide(struct wsm_chunks *chunks, uint64_t from, uint64_t upto,
                           size_t count_max)
{
    struct wsm_list *node;
    struct chunk *chunk;
    struct chunk *tail;

    WSM_LIST_FOREACH (node, &chunks->list) {
        if (end_of(chunk_of(node)) > from)
            break;
    }
    chunk = chunk_of(node);
    if (node == &chunks->list || chunk->start >= from || end_of(chunk) <= upto)
        return upto;
    tail = chunks->count < count_max ? take(chunks, node, upto) : NULL;
    if (tail == NULL)
        return end_of(chunk);
    tail->len = (size_t)(end_of(chunk) - upto);
    chunk->len -= tail->len;
    memcpy(tail->bytes, chunk->bytes + chunk->head + chunk->len, tail->len);
    return upto;
}

size_t wsm_chunks_cut(struct wsm_chunks *chunks, uint64_t from, uint64_t upto)
{
    size_t before = chunks->bytes;
    struct wsm_list *node;
    struct wsm_list *tmp;

    WSM_LIST_FOREACH_SAFE (node, tmp, &chunks->list) {
        struct chunk *chunk = chunk_of(node);
        size_t gone;

        if (chunk->start >= upto)
            break;
        if (end_of(chunk) <= from)
            continue;
        if (chunk->start >= from && end_of(chunk) <= upto) {
            give(chunks, chunk);
        } else if (chunk->start < from) {
            gone = (size_t)(end_of(chunk) - from);
            assert(end_of(chunk) <= upto);
            chunk->len -= gone;
            chunks->bytes -= gone;
        } else {
            gone = (size_t)(upto - chunk->start);
            chunk->start = upto;
            chunk->head += gone;
            chunk->len -= gone;
            chunks->bytes -= gone;
        }
    }
    return before - chunks->bytes;
}

size_t wsm_chunks_available(const struct wsm_chunks *chunks, uint64_t from)
{
    const struct wsm_list *node;
    size_t below = 0;

    WSM_LIST_FOREACH (node, &chunks->list) {
        const struct chunk *chunk = WSM_CONTAINER_OF(node, const struct chunk, node);

        if (chunk->start >= from)
            break;
        below += end_of(chunk) <= from ? chunk->len : (size_t)(from - chunk->start);
    }
    return chunks->bytes - below;
}

size_t wsm_chunks_find(const struct wsm_chunks *chunks, uint64_t offset, size_t len,
                       struct wsm_span *out_spans, size_t max)
{
    const struct wsm_list *node;
    uint64_t end = offset + len;
    size_t count = 0;

    WSM_LIST_FOREACH (node, &chunks->list) {
        const struct chunk *chunk = WSM_CONTAINER_OF(node, const struct chunk, node);
        uint64_t stop = end_of(chunk) < end ? end_of(chunk) : end;

        if (end_of(chunk) <= offset)
            continue;
        if (offset == end)
            break;
        assert(count < max && chunk->start <= offset);
        out_spans[count++] = wsm_span_of(chunk->bytes + chunk->head + (offset - chunk->start),
                                         (size_t)(stop - offset));
        offset = stop;
    }
    assert(offset == end);
    (void)max;
    return count;
}
