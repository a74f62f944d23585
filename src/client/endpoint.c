/* Endpoints: the operations and left-over answers of one command or shell. Loop thread. */
#include "client/endpoint.h"

#include "client/delivery.h"

void wsm_endpoint_init(struct wsm_endpoint *endpoint, struct wsm_shell *shell,
                       struct wsm_command *command)
{
    *endpoint = (struct wsm_endpoint){ .shell = shell, .command = command };
    wsm_list_init(&endpoint->operations);
    wsm_list_init(&endpoint->leftovers);
}

void wsm_endpoint_clear(struct wsm_endpoint *endpoint)
{
    while (!wsm_list_is_empty(&endpoint->leftovers))
        wsm_delivery_free(WSM_CONTAINER_OF(endpoint->leftovers.next, struct wsm_delivery, node));
}
