/* What all parts of winrmd-net have in common, and what they tell the monitor. The loop runs it;
 * what the monitor says comes through control_link.c. */
#include "server/service.h"

#include "base/log.h"
#include "ipc/control_messages.h"

#include <stdlib.h>
#include <sys/random.h>

void wsm_service_random(void *out, size_t count)
{
    if (getrandom(out, count, 0) != (ssize_t)count) { /* ≤ 256 bytes never fail once seeded */
        wsm_log_error("no random numbers");
        abort();
    }
}

void wsm_service_guid(struct wsm_guid *out)
{
    uint8_t bytes[16];

    wsm_service_random(bytes, sizeof(bytes));
    wsm_guid_from_random(bytes, out);
}

bool wsm_service_is_serving(const struct wsm_service *service)
{
    return service->state == WSM_SERVICE_SERVING;
}

uint64_t wsm_service_start_host(struct wsm_service *service, const uint8_t token[WSM_TOKEN_LEN],
                                const struct wsm_guid *id)
{
    struct wsm_control_start_host message = { .request = ++service->last_monitor_request,
                                              .shell_id = wsm_span_str(id->text) };

    memcpy(message.token, token, WSM_TOKEN_LEN);
    wsm_link_send(service->monitor, &wsm_control_start_host_type, &message);
    return message.request;
}

void wsm_service_on_connection(struct wsm_service *service, bool has_come)
{
    service->connection_count += has_come ? 1 : (size_t)-1;
}

void wsm_service_on_served(struct wsm_service *service)
{
    struct wsm_control_served message = { 0 };

    if (service->is_proven)
        return;
    service->is_proven = true;
    wsm_link_send(service->monitor, &wsm_control_served_type, &message);
}
