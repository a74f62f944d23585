/* The ring of terminated commands. The host's only thread. */
#include "host/terminated.h"

void wsm_terminated_clear(struct wsm_terminated *terminated)
{
    for (size_t i = 0; i < WSM_TERMINATED_MAX; i++)
        wsm_id_clear(&terminated->ring[i].message_id);
    terminated->count = 0;
}

void wsm_terminated_add(struct wsm_terminated *terminated, const struct wsm_guid *id,
                        struct wsm_id *message_id)
{
    size_t at = terminated->count++ % WSM_TERMINATED_MAX;

    terminated->ring[at].id = *id;
    wsm_id_clear(&terminated->ring[at].message_id);
    terminated->ring[at].message_id = *message_id;
    *message_id = (struct wsm_id){ .bytes = NULL };
}

static size_t kept(const struct wsm_terminated *terminated)
{
    return terminated->count < WSM_TERMINATED_MAX ? terminated->count : WSM_TERMINATED_MAX;
}

bool wsm_terminated_has(const struct wsm_terminated *terminated, const struct wsm_guid *id)
{
    for (size_t i = 0; i < kept(terminated); i++) {
        if (wsm_guid_equal(&terminated->ring[i].id, id))
            return true;
    }
    return false;
}

const struct wsm_guid *wsm_terminated_started_by(const struct wsm_terminated *terminated,
                                                 struct wsm_span message_id)
{
    for (size_t i = 0; i < kept(terminated); i++) {
        if (wsm_id_is(&terminated->ring[i].message_id, message_id))
            return &terminated->ring[i].id;
    }
    return NULL;
}
