/* Judges a request by its head, before anyone knows who sends it. Pure; the winrmd-net
 * loop calls it. */
#include "server/request_head.h"

#include <stdio.h>
#include <stdlib.h>

void wsm_request_head_clear(struct wsm_request_head *head)
{
    free(head->url);
    free(head->machine);
    *head = (struct wsm_request_head){ 0 };
}

/* The path of "/path?query" or "http://host/path?query". */
static struct wsm_span path_of(struct wsm_span target)
{
    static const char scheme[] = "http://";
    size_t len = sizeof(scheme) - 1;
    const uint8_t *query;

    if (target.len > len && wsm_span_is_nocase(wsm_span_of(target.ptr, len), scheme)) {
        const uint8_t *slash = memchr(target.ptr + len, '/', target.len - len);

        if (slash == NULL)
            return wsm_span_of(NULL, 0);
        target = wsm_span_of(slash, target.len - (size_t)(slash - target.ptr));
    }
    query = target.len == 0 ? NULL : memchr(target.ptr, '?', target.len);
    if (query != NULL)
        target.len = (size_t)(query - target.ptr);
    return target;
}

/* "[::1]:5985" and "host:5985" without the port. */
static struct wsm_span machine_of(struct wsm_span host)
{
    size_t i = host.len;

    if (host.len > 0 && host.ptr[0] == '[') {
        const uint8_t *close = memchr(host.ptr, ']', host.len);

        return close == NULL ? host : wsm_span_of(host.ptr, (size_t)(close - host.ptr) + 1);
    }
    while (i > 0 && host.ptr[i - 1] != ':')
        i--;
    return i == 0 ? host : wsm_span_of(host.ptr, i - 1);
}

static bool keep_names(struct wsm_request_head *head, struct wsm_span host, struct wsm_span path)
{
    struct wsm_span machine = machine_of(host);

    if (asprintf(&head->url, "http://%.*s%.*s", (int)host.len, (const char *)host.ptr,
                 (int)path.len, (const char *)path.ptr) < 0)
        head->url = NULL;
    head->machine = strndup((const char *)machine.ptr, machine.len);
    return head->url != NULL && head->machine != NULL;
}

int wsm_request_head_take(struct wsm_request_head *head, const struct wsm_http_head *parsed,
                          size_t used)
{
    struct wsm_span host = wsm_http_header_find(parsed, "Host");
    struct wsm_span path = path_of(parsed->target);
    struct wsm_span second;

    head->len = used;
    head->is_chunked = parsed->framing == WSM_HTTP_BODY_CHUNKED;
    head->body_len = head->is_chunked ? 0 : parsed->content_length;
    head->keep_alive = parsed->keep_alive;
    head->expects_continue = parsed->expect_continue;
    head->media = wsm_http_media_of(wsm_http_header_find(parsed, "Content-Type"));
    if (wsm_http_header_nth(parsed, "Authorization", 1, &second) ||
        wsm_http_header_nth(parsed, "Host", 1, &second) || host.len == 0 ||
        host.len > WSM_HOST_HEADER_MAX)
        return 400;
    if (!wsm_span_is_nocase(path, "/wsman"))
        return 404;
    if (!wsm_span_is(parsed->method, "POST"))
        return 405;
    return keep_names(head, host, path) ? 0 : 503;
}
