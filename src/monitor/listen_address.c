/* Where to listen. Pure; looks up no names: the monitor must not wait for a name service. */
#include "monitor/listen_address.h"

#include "wsmerror.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static bool parse_port(struct wsm_span text, uint16_t *out)
{
    unsigned port = 0;

    if (text.len == 0 || text.len > 5)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
        port = port * 10 + (unsigned)(text.ptr[i] - '0');
    }
    if (port > UINT16_MAX)
        return false;
    *out = (uint16_t)port;
    return true;
}

static bool parse_host(struct wsm_span host, struct wsm_listen_address *out)
{
    char text[INET6_ADDRSTRLEN] = "";
    bool is_v6 = host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';

    if (is_v6)
        host = wsm_span_of(host.ptr + 1, host.len - 2);
    if (host.len == 0 || host.len >= sizeof(text) || memchr(host.ptr, '\0', host.len) != NULL)
        return false;
    memcpy(text, host.ptr, host.len);
    memset(out, 0, sizeof(*out));
    if (is_v6) {
        out->address.v6.sin6_family = AF_INET6;
        out->len = sizeof(out->address.v6);
        return inet_pton(AF_INET6, text, &out->address.v6.sin6_addr) == 1;
    }
    out->address.v4.sin_family = AF_INET;
    out->len = sizeof(out->address.v4);
    return inet_pton(AF_INET, text, &out->address.v4.sin_addr) == 1;
}

bool wsm_listen_address_parse(struct wsm_span text, struct wsm_listen_address *out,
                              struct wsm_error *err)
{
    const uint8_t *colon = text.len == 0 ? NULL : memrchr(text.ptr, ':', text.len);
    struct wsm_listen_address address;
    uint16_t port;

    if (colon == NULL || !parse_host(wsm_span_of(text.ptr, (size_t)(colon - text.ptr)), &address) ||
        !parse_port(wsm_span_of(colon + 1, text.len - (size_t)(colon - text.ptr) - 1), &port))
        return wsm_fail(err, ERROR_INVALID_PARAMETER,
                        "must be ADDRESS:PORT or [IPV6]:PORT in numbers, such as 127.0.0.1:5985");
    wsm_listen_address_set_port(&address, port);
    *out = address;
    return true;
}

void wsm_listen_address_write(const struct wsm_listen_address *address,
                              char out[WSM_LISTEN_TEXT_SIZE])
{
    char host[INET6_ADDRSTRLEN] = "";
    bool is_v6 = address->address.any.sa_family == AF_INET6;

    if (is_v6)
        inet_ntop(AF_INET6, &address->address.v6.sin6_addr, host, sizeof(host));
    else
        inet_ntop(AF_INET, &address->address.v4.sin_addr, host, sizeof(host));
    snprintf(out, WSM_LISTEN_TEXT_SIZE, is_v6 ? "[%s]:%u" : "%s:%u", host,
             wsm_listen_address_port(address));
}

uint16_t wsm_listen_address_port(const struct wsm_listen_address *address)
{
    return ntohs(address->address.any.sa_family == AF_INET6 ? address->address.v6.sin6_port
                                                            : address->address.v4.sin_port);
}

void wsm_listen_address_set_port(struct wsm_listen_address *address, uint16_t port)
{
    if (address->address.any.sa_family == AF_INET6)
        address->address.v6.sin6_port = htons(port);
    else
        address->address.v4.sin_port = htons(port);
}

bool wsm_listen_address_is_loopback(const struct wsm_listen_address *address)
{
    if (address->address.any.sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&address->address.v6.sin6_addr);
    return ntohl(address->address.v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}
