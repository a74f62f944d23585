/* Parses HOST. Pure: no look-up, no network, no message. */
#include "host.h"

#include "message.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The pieces of HOST, all borrowed from the text that is parsed. */
struct pieces {
    const char *user;
    size_t user_len;
    const char *name; /* without brackets */
    size_t name_len;
    const char *port; /* digits only, port_len 0 when there is none */
    size_t port_len;
    const char *path; /* from the first '/' or '?', or "" */
    bool is_v6;
    bool is_plain;
};

static bool refuse(const char **out_reason, const char *reason)
{
    *out_reason = reason;
    return false;
}

static bool parse_port(const char *text, size_t len, const char **out_reason)
{
    unsigned long value = 0;

    if (len == 0)
        return refuse(out_reason, "the port is missing after ':'");
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9' || i >= 5)
            return refuse(out_reason, "the port is not a number from 1 to 65535");
        value = value * 10 + (unsigned long)(text[i] - '0');
    }
    if (value < 1 || value > 65535)
        return refuse(out_reason, "the port is not a number from 1 to 65535");
    return true;
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
}

static bool parse_v6(const char *text, size_t len, struct pieces *p, const char **out_reason)
{
    char address[INET6_ADDRSTRLEN + 1] = "";
    struct in6_addr parsed;
    const char *end = memchr(text, ']', len);

    if (end == NULL)
        return refuse(out_reason, "']' is missing after the IPv6 address");
    p->is_v6 = true;
    p->name = text + 1;
    p->name_len = (size_t)(end - p->name);
    if (p->name_len < sizeof(address))
        memcpy(address, p->name, p->name_len);
    if (inet_pton(AF_INET6, address, &parsed) != 1)
        return refuse(out_reason, "not an IPv6 address between the brackets");
    p->port = end + 1;
    p->port_len = len - (size_t)(p->port - text);
    if (p->port_len == 0)
        return true;
    if (*p->port != ':')
        return refuse(out_reason, "only ':port' may follow the brackets");
    p->port++;
    p->port_len--;
    return parse_port(p->port, p->port_len, out_reason);
}

static bool parse_name(const char *text, size_t len, struct pieces *p, const char **out_reason)
{
    const char *colon = memchr(text, ':', len);

    p->name = text;
    p->name_len = colon != NULL ? (size_t)(colon - text) : len;
    if (colon != NULL && memchr(colon + 1, ':', len - p->name_len - 1) != NULL)
        return refuse(out_reason, "an IPv6 address is written in brackets: [::1]");
    if (p->name_len == 0)
        return refuse(out_reason, "the host name is missing");
    if (p->name_len > WSM_CLI_HOST_NAME_MAX)
        return refuse(out_reason, "the host name is longer than 253 characters");
    for (size_t i = 0; i < p->name_len; i++)
        if (!is_name_char(text[i]))
            return refuse(out_reason, "a character that no host name has");
    if (*text == '-')
        return refuse(out_reason, "a host name does not begin with '-'");
    if (colon == NULL)
        return true;
    p->port = colon + 1;
    p->port_len = len - p->name_len - 1;
    return parse_port(p->port, p->port_len, out_reason);
}

/* [user@]host[:port] of `len` bytes. The last '@' divides: names such as
 * user@realm and realm\user are user names too. */
static bool parse_authority(const char *text, size_t len, bool is_url, struct pieces *p,
                            const char **out_reason)
{
    const char *at = memrchr(text, '@', len);

    if (at != NULL) {
        p->user = text;
        p->user_len = (size_t)(at - text);
        if (p->user_len == 0)
            return refuse(out_reason, "the user name is missing before '@'");
        if (is_url && memchr(text, ':', p->user_len) != NULL)
            return refuse(out_reason, "a password does not belong into a URL");
        len -= p->user_len + 1;
        text = at + 1;
    }
    return len != 0 && *text == '[' ? parse_v6(text, len, p, out_reason)
                                    : parse_name(text, len, p, out_reason);
}

static bool parse_pieces(const char *text, struct pieces *p, const char **out_reason)
{
    const char *scheme_end = strstr(text, "://");
    size_t len;

    if (strlen(text) > WSM_CLI_HOST_URL_MAX)
        return refuse(out_reason, "longer than 2048 characters");
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c <= ' ' || *c == 0x7f)
            return refuse(out_reason, "a blank or control character");
    p->is_plain = true;
    if (scheme_end == NULL) {
        p->path = text + strlen(text);
        if (strpbrk(text, "/?#") != NULL)
            return refuse(out_reason, "a path needs the form http://HOST/PATH");
        return parse_authority(text, strlen(text), false, p, out_reason);
    }
    if (strncasecmp(text, "https://", 8) == 0)
        p->is_plain = false;
    else if (strncasecmp(text, "http://", 7) != 0)
        return refuse(out_reason, "only http:// and https:// are known");
    text = scheme_end + 3;
    len = strcspn(text, "/?#");
    p->path = text + len;
    if (strchr(p->path, '#') != NULL)
        return refuse(out_reason, "'#' has no meaning in this URL");
    return parse_authority(text, len, true, p, out_reason);
}

static bool is_loopback(const struct pieces *p)
{
    char name[INET6_ADDRSTRLEN + 1] = "";
    struct in_addr v4;
    struct in6_addr v6;

    if (p->name_len >= sizeof(name))
        return false;
    memcpy(name, p->name, p->name_len);
    if (p->is_v6)
        return inet_pton(AF_INET6, name, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
    if (strcasecmp(name, "localhost") == 0)
        return true;
    return inet_pton(AF_INET, name, &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127;
}

bool wsm_cli_host_parse(const char *text, struct wsm_cli_host *out, const char **out_reason)
{
    struct pieces p = { .port = "", .path = "" };
    const char *open;
    const char *close;

    if (!parse_pieces(text, &p, out_reason))
        return false;
    open = p.is_v6 ? "[" : "";
    close = p.is_v6 ? "]" : "";
    *out = (struct wsm_cli_host){ .is_loopback = is_loopback(&p), .is_plain = p.is_plain };
    if (p.user != NULL)
        out->user = wsm_cli_format("%.*s", (int)p.user_len, p.user);
    out->label = wsm_cli_format("%s%.*s%s%s%.*s", open, (int)p.name_len, p.name, close,
                                p.port_len != 0 ? ":" : "", (int)p.port_len, p.port);
    out->url = wsm_cli_format("%s://%s%s", p.is_plain ? "http" : "https", out->label,
                              *p.path != '\0' ? p.path : "/wsman");
    return true;
}

void wsm_cli_host_clear(struct wsm_cli_host *host)
{
    free(host->user);
    free(host->url);
    free(host->label);
    *host = (struct wsm_cli_host){ 0 };
}
