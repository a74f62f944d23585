/* Reads connection strings: [http://]host[:port][/prefix][?query]. Pure. */
#include "client/target.h"

#include "base/buf.h"
#include "base/span.h"
#include "proto/envelope.h"
#include "wsmerror.h"

#include <stdlib.h>

struct parts {
    struct wsm_span host;
    struct wsm_span port; /* digits; ptr NULL = none given */
    struct wsm_span path;
    bool has_scheme;
    bool is_bracketed;
};

static bool fail_text(struct wsm_error *err, const char *why)
{
    return wsm_fail(err, ERROR_WSMAN_CONNECTIONSTR_INVALID, "connection string: %s", why);
}

static struct wsm_span from(struct wsm_span text, size_t start)
{
    return wsm_span_of(text.ptr + start, text.len - start);
}

/* Takes the scheme off `text`. */
static bool split_scheme(struct wsm_span *text, struct parts *out, struct wsm_error *err)
{
    const uint8_t *mark = memmem(text->ptr, text->len, "://", 3);
    struct wsm_span scheme;

    if (mark == NULL)
        return true;
    scheme = wsm_span_of(text->ptr, (size_t)(mark - text->ptr));
    if (!wsm_span_is_nocase(scheme, "http"))
        return wsm_fail(err, ERROR_WSMAN_TRANSPORT_NOT_SUPPORTED,
                        "connection string: only http is supported");
    *text = from(*text, scheme.len + 3);
    out->has_scheme = true;
    return true;
}

static bool split_host(struct wsm_span authority, struct parts *out, struct wsm_error *err)
{
    const uint8_t *end;
    struct wsm_span rest;

    if (authority.len > 0 && authority.ptr[0] == '[') {
        end = memchr(authority.ptr, ']', authority.len);
        if (end == NULL)
            return fail_text(err, "'[' without ']'");
        out->is_bracketed = true;
        out->host = wsm_span_of(authority.ptr + 1, (size_t)(end - authority.ptr) - 1);
        rest = from(authority, out->host.len + 2);
    } else {
        end = memchr(authority.ptr, ':', authority.len);
        out->host = end == NULL ? authority
                                : wsm_span_of(authority.ptr, (size_t)(end - authority.ptr));
        rest = from(authority, out->host.len);
    }
    if (rest.len == 0)
        return true;
    if (rest.ptr[0] != ':')
        return fail_text(err, "text behind ']'");
    out->port = from(rest, 1);
    return true;
}

static bool is_host_byte(uint8_t byte, bool is_bracketed)
{
    if ((byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
        (byte >= 'A' && byte <= 'Z') || byte == '.' || byte == '-' || byte == '_')
        return true;
    return is_bracketed && (byte == ':' || byte == '%');
}

static bool check_texts(const struct parts *parts, struct wsm_error *err)
{
    size_t i;

    if (parts->host.len == 0)
        return fail_text(err, "no host");
    if (parts->host.len > WSM_TARGET_HOST_MAX)
        return fail_text(err, "host name too long");
    for (i = 0; i < parts->host.len; i++) {
        if (!is_host_byte(parts->host.ptr[i], parts->is_bracketed))
            return fail_text(err, "character not allowed in a host name");
    }
    for (i = 0; i < parts->path.len; i++) {
        if (parts->path.ptr[i] <= 0x20 || parts->path.ptr[i] >= 0x7f)
            return fail_text(err, "character not allowed in a path");
    }
    return true;
}

static bool parse_port(struct wsm_span text, uint16_t *out, struct wsm_error *err)
{
    uint32_t port = 0;
    size_t i;

    for (i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9' || port > UINT16_MAX)
            break;
        port = port * 10 + (uint32_t)(text.ptr[i] - '0');
    }
    if (text.len == 0 || i < text.len || port == 0 || port > UINT16_MAX)
        return wsm_fail(err, ERROR_WSMAN_PORT_INVALID, "connection string: port not 1 to 65535");
    *out = (uint16_t)port;
    return true;
}

static char *text_of(struct wsm_buf *buf)
{
    char *text;

    wsm_buf_append_byte(buf, '\0');
    text = wsm_buf_ok(buf) ? (char *)buf->ptr : NULL;
    if (text == NULL)
        wsm_buf_clear(buf);
    return text;
}

static bool build(const struct parts *parts, struct wsm_target *out, struct wsm_error *err)
{
    struct wsm_buf host = WSM_BUF_INIT;
    struct wsm_buf header = WSM_BUF_INIT;
    struct wsm_buf path = WSM_BUF_INIT;
    struct wsm_buf url = WSM_BUF_INIT;
    size_t wire_len;

    wsm_buf_append_span(&host, parts->host);
    wsm_buf_append_str(&header, parts->is_bracketed ? "[" : "");
    wsm_buf_append_span(&header, parts->host);
    wsm_buf_printf(&header, "%s:%u", parts->is_bracketed ? "]" : "", (unsigned)out->port);
    /* "/" alone is what a URL without a prefix looks like. */
    if (parts->path.len == 0 || parts->path.ptr[0] == '?' || wsm_span_is(parts->path, "/"))
        wsm_buf_append_str(&path, "/wsman");
    if (!wsm_span_is(parts->path, "/"))
        wsm_buf_append_span(&path, parts->path);
    out->host = text_of(&host);
    out->host_header = text_of(&header);
    out->path = text_of(&path);
    if (out->host_header != NULL && out->path != NULL)
        wsm_buf_printf(&url, "http://%s%s", out->host_header, out->path);
    wire_len = wsm_xml_escaped_max(wsm_buf_span(&url));
    out->url = text_of(&url);
    if (out->host == NULL || out->host_header == NULL || out->path == NULL || out->url == NULL) {
        wsm_target_clear(out);
        return wsm_fail_memory(err, "connection string");
    }
    if (wire_len > WSM_WIRE_URI_MAX) {
        wsm_target_clear(out);
        return fail_text(err, "too long");
    }
    out->has_scheme = parts->has_scheme;
    return true;
}

bool wsm_target_parse(const char *text, struct wsm_target *out, struct wsm_error *err)
{
    struct wsm_span left = wsm_span_str(text == NULL ? "localhost" : text);
    struct wsm_target target = { .port = WSM_TARGET_PORT_HTTP };
    struct parts parts = { .has_scheme = false };
    size_t end;

    if (left.len > WSM_TARGET_MAX)
        return fail_text(err, "too long");
    if (!split_scheme(&left, &parts, err))
        return false;
    for (end = 0; end < left.len && left.ptr[end] != '/' && left.ptr[end] != '?'; end++)
        ;
    parts.path = from(left, end);
    if (!split_host(wsm_span_of(left.ptr, end), &parts, err) || !check_texts(&parts, err))
        return false;
    if (parts.port.ptr != NULL && !parse_port(parts.port, &target.port, err))
        return false;
    if (!build(&parts, &target, err))
        return false;
    *out = target;
    return true;
}

void wsm_target_clear(struct wsm_target *target)
{
    free(target->host);
    free(target->path);
    free(target->host_header);
    free(target->url);
    *target = (struct wsm_target){ .host = NULL };
}
