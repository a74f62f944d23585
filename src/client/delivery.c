/* Deliveries: answers taken apart by the loop thread. */
#include "client/delivery.h"

#include "wsmerror.h"

#include <stdlib.h>

/* Elements of the answer; each gives one piece, and a state alone gives one too. */
static size_t count_pieces(const struct wsm_receive_response *response)
{
    const struct wsm_xml_node *node = response->next_stream;
    size_t count = 0;

    for (; node != NULL; node = wsm_xml_next_same(node))
        count++;
    if (count == 0 && response->has_state && response->state != WSM_COMMAND_DONE)
        count = 1;
    return count;
}

static bool read_pieces(struct wsm_delivery *delivery, struct wsm_receive_response *response,
                        struct wsm_error *err)
{
    struct wsm_stream_data stream;
    enum wsm_parse answer;
    size_t i = 0;

    while ((answer = wsm_receive_response_next(response, &stream)) == WSM_PARSE_MORE)
        delivery->pieces[i++] = (struct wsm_piece){ .stream = stream.name,
                                                    .data = stream.data,
                                                    .end = stream.end,
                                                    .has_offset = stream.has_offset,
                                                    .offset = stream.offset };
    if (answer == WSM_PARSE_BAD)
        return wsm_fail(err, ERROR_WSMAN_INVALID_REPRESENTATION,
                        "output in the answer to Receive cannot be read: a bad Name, End, "
                        "Offset or base64");
    if (response->has_state && response->state != WSM_COMMAND_DONE) {
        delivery->pieces[delivery->count - 1].has_state = true;
        delivery->pieces[delivery->count - 1].state = response->state;
    }
    return true;
}

bool wsm_delivery_new(struct wsm_answer *answer, struct wsm_receive_response *response,
                      struct wsm_delivery **out_delivery, struct wsm_error *err)
{
    size_t count = count_pieces(response);
    struct wsm_delivery *delivery;

    if (count == 0) {
        *out_delivery = NULL;
        return true;
    }
    delivery = calloc(1, sizeof(*delivery) + count * sizeof(delivery->pieces[0]));
    if (delivery == NULL)
        return wsm_fail_memory(err, "output");
    delivery->count = count;
    if (!read_pieces(delivery, response, err)) {
        free(delivery);
        return false;
    }
    delivery->answer = answer;
    wsm_list_init(&delivery->node);
    wsm_list_init(&delivery->item.node);
    *out_delivery = delivery;
    return true;
}

void wsm_delivery_free(struct wsm_delivery *delivery)
{
    wsm_list_remove(&delivery->node);
    wsm_answer_free(delivery->answer);
    free(delivery);
}
