/* Remembered message ids. The host's only thread. Does not know what they were used for. */
#include "host/ids.h"

#include <stdlib.h>
#include <string.h>

static bool is_id(struct wsm_span text)
{
    return text.len > 0 && text.len <= WSM_HOST_ID_MAX;
}

void wsm_id_clear(struct wsm_id *id)
{
    free(id->bytes);
    *id = (struct wsm_id){ .bytes = NULL };
}

bool wsm_id_set(struct wsm_id *id, struct wsm_span text, struct wsm_error *err)
{
    struct wsm_id fresh = { .bytes = NULL };

    if (is_id(text)) {
        fresh.bytes = malloc(text.len);
        if (fresh.bytes == NULL)
            return wsm_fail_memory(err, "message id");
        memcpy(fresh.bytes, text.ptr, text.len);
        fresh.len = text.len;
    }
    wsm_id_clear(id);
    *id = fresh;
    return true;
}

bool wsm_id_is(const struct wsm_id *id, struct wsm_span text)
{
    return id->len > 0 && wsm_span_equal(wsm_span_of(id->bytes, id->len), text);
}

void wsm_ids_clear(struct wsm_ids *ids)
{
    for (size_t i = 0; ids->ring != NULL && i < WSM_IDS_MAX; i++)
        wsm_id_clear(&ids->ring[i]);
    free(ids->ring);
    *ids = (struct wsm_ids){ .ring = NULL };
}

bool wsm_ids_reserve(struct wsm_ids *ids, struct wsm_span text, struct wsm_error *err)
{
    if (!is_id(text) || ids->ring != NULL)
        return true;
    ids->ring = calloc(WSM_IDS_MAX, sizeof(*ids->ring));
    return ids->ring != NULL || wsm_fail_memory(err, "message ids");
}

void wsm_ids_move(struct wsm_ids *ids, struct wsm_id *id)
{
    struct wsm_id *to;

    if (id->len == 0)
        return;
    to = &ids->ring[ids->count++ % WSM_IDS_MAX];
    wsm_id_clear(to);
    *to = *id;
    *id = (struct wsm_id){ .bytes = NULL };
}

bool wsm_ids_has(const struct wsm_ids *ids, struct wsm_span text)
{
    for (size_t i = 0; ids->ring != NULL && i < WSM_IDS_MAX; i++) {
        if (wsm_id_is(&ids->ring[i], text))
            return true;
    }
    return false;
}
