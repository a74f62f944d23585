/* Ports that the system chose, kept for the next start. Pure. */
#include "monitor/kept_port.h"

#include <stdio.h>
#include <string.h>

uint16_t wsm_kept_port_find(struct wsm_span text, size_t index,
                            const struct wsm_listen_address *now)
{
    while (text.len > 0) {
        const uint8_t *end = memchr(text.ptr, '\n', text.len);
        size_t len = end == NULL ? text.len : (size_t)(end - text.ptr);
        struct wsm_span line = wsm_span_of(text.ptr, len);
        struct wsm_listen_address kept;
        char prefix[16];
        int used = snprintf(prefix, sizeof(prefix), "%zu ", index);

        if (used > 0 && line.len > (size_t)used && memcmp(line.ptr, prefix, (size_t)used) == 0 &&
            wsm_listen_address_parse(wsm_span_of(line.ptr + used, line.len - (size_t)used), &kept,
                                     NULL)) {
            uint16_t port = wsm_listen_address_port(&kept);

            wsm_listen_address_set_port(&kept, 0);
            if (kept.len == now->len && memcmp(&kept.address, &now->address, now->len) == 0)
                return port;
        }
        if (end != NULL)
            len++;
        text.ptr += len;
        text.len -= len;
    }
    return 0;
}

void wsm_kept_port_write(struct wsm_buf *out, size_t index, const struct wsm_listen_address *bound)
{
    char text[WSM_LISTEN_TEXT_SIZE];

    wsm_listen_address_write(bound, text);
    wsm_buf_printf(out, "%zu %s\n", index, text);
}
