/* Which shells of the scripted service are disconnected, and whose Receives wait. Under the
 * lock, all of it. */
#include "fake_service_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fake_shell_name fake_shell_of(const struct fake_request *request)
{
    struct wsm_span id = wsm_envelope_selector(request->env, "ShellId");
    struct fake_shell_name name = { "" };

    snprintf(name.text, sizeof(name.text), "%.*s", (int)id.len, (const char *)id.ptr);
    return name;
}

static size_t find_name(const struct fake_shell_name *names, size_t count, const char *text)
{
    size_t i;

    for (i = 0; i < count; i++) {
        if (strcmp(names[i].text, text) == 0)
            return i;
    }
    return count;
}

bool fake_shell_is_gone(const struct fake_service *service, const char *shell)
{
    return find_name(service->gone, service->gone_count, shell) < service->gone_count;
}

void fake_shell_come_back(struct fake_service *service, const char *shell)
{
    size_t i = find_name(service->gone, service->gone_count, shell);

    if (i < service->gone_count)
        service->gone[i] = service->gone[--service->gone_count];
}

void fake_shell_leave(struct fake_service *service, const struct fake_shell_name *shell)
{
    if (fake_shell_is_gone(service, shell->text))
        return;
    if (service->gone_count == FAKE_SHELLS_MAX)
        abort();
    service->gone[service->gone_count++] = *shell;
}

void fake_shell_park(struct fake_service *service, const struct fake_shell_name *shell)
{
    if (service->parked_count == FAKE_PARKED_MAX)
        abort();
    service->parked[service->parked_count++] = *shell;
}

void fake_shell_unpark(struct fake_service *service, const char *shell)
{
    size_t i = find_name(service->parked, service->parked_count, shell);

    service->parked[i] = service->parked[--service->parked_count];
    pthread_cond_broadcast(&service->changed);
}

bool fake_shell_is_parked(const struct fake_service *service, const char *shell)
{
    return find_name(service->parked, service->parked_count, shell) < service->parked_count;
}
