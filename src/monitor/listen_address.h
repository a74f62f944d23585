/* Where to listen: ADDRESS:PORT or [V6]:PORT, numbers only. */
#ifndef WSM_MONITOR_LISTEN_ADDRESS_H
#define WSM_MONITOR_LISTEN_ADDRESS_H

#include "base/error.h"
#include "base/span.h"

#include <netinet/in.h>
#include <sys/socket.h>

/* "[" 45 characters of IPv6 "]:65535" NUL */
enum { WSM_LISTEN_TEXT_SIZE = 64 };

struct wsm_listen_address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    socklen_t len;
};

bool wsm_listen_address_parse(struct wsm_span text, struct wsm_listen_address *out,
                              struct wsm_error *err) WSM_MUST_CHECK;
/* As it is parsed; an IPv6 address in its shortest form. */
void wsm_listen_address_write(const struct wsm_listen_address *address,
                              char out[WSM_LISTEN_TEXT_SIZE]);
uint16_t wsm_listen_address_port(const struct wsm_listen_address *address);
void wsm_listen_address_set_port(struct wsm_listen_address *address, uint16_t port);
bool wsm_listen_address_is_loopback(const struct wsm_listen_address *address);

#endif
