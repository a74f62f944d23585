/* Where a session goes: its connection string, taken apart. */
#ifndef WSM_CLIENT_TARGET_H
#define WSM_CLIENT_TARGET_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    WSM_TARGET_MAX = 2048, /* bytes of a connection string */
    WSM_TARGET_HOST_MAX = 255,
    WSM_TARGET_PORT_HTTP = 5985,
};

/* All texts are owned, freed by wsm_target_clear(). */
struct wsm_target {
    char *host; /* without brackets */
    uint16_t port;
    char *path;        /* of the request line, with the query */
    char *host_header; /* host:port, IPv6 in brackets; also names the peer in errors */
    char *url;         /* for a:To */
    bool has_scheme;
};

/* text NULL = this host. Fails with ERROR_WSMAN_CONNECTIONSTR_INVALID, ERROR_WSMAN_PORT_INVALID,
 * or ERROR_WSMAN_TRANSPORT_NOT_SUPPORTED for a scheme other than http. */
bool wsm_target_parse(const char *text, struct wsm_target *out,
                      struct wsm_error *err) WSM_MUST_CHECK;
void wsm_target_clear(struct wsm_target *target);

#endif
