/* The scripted service's connections, a thread each: reads requests, has them noted and
 * answered, and ends connections as it is told to. */
#include "fake_service_parts.h"

#include "proto/http.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { READ_MAX = 65536 };

static const char *name_of(const struct wsm_envelope *env)
{
    static const char *const names[] = {
        "Create",     "Command",   "Send",    "Receive",   "Signal", "Delete",
        "Disconnect", "Reconnect", "Connect", "Enumerate", "Pull",
    };
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t len = strlen(names[i]);

        if (env->action.len > len && env->action.ptr[env->action.len - len - 1] == '/' &&
            memcmp(env->action.ptr + env->action.len - len, names[i], len) == 0)
            return names[i];
    }
    return "Identify";
}

static bool write_all(int fd, const void *bytes, size_t count)
{
    const char *at = bytes;

    while (count > 0) {
        ssize_t done = send(fd, at, count, MSG_NOSIGNAL);

        if (done <= 0)
            return false;
        at += done;
        count -= (size_t)done;
    }
    return true;
}

static bool write_reply(int fd, struct fake_reply *reply)
{
    struct wsm_buf out = WSM_BUF_INIT;
    size_t half = reply->body.len / 2;
    bool ok;

    wsm_buf_printf(&out, "HTTP/1.1 %d Scripted\r\nContent-Type: %s\r\n", reply->status,
                   reply->content_type != NULL ? reply->content_type
                                               : "application/soap+xml;charset=UTF-8");
    if (reply->status == 401)
        wsm_buf_append_str(&out, "WWW-Authenticate: Basic realm=\"WSMAN\"\r\n");
    if (reply->closes)
        wsm_buf_append_str(&out, "Connection: close\r\n");
    if (reply->is_chunked) {
        wsm_buf_append_str(&out, "Transfer-Encoding: chunked\r\n\r\n");
        wsm_buf_printf(&out, "%zx\r\n", half);
        wsm_buf_append(&out, reply->body.ptr, half);
        wsm_buf_printf(&out, "\r\n%zx\r\n", reply->body.len - half);
        wsm_buf_append(&out, reply->body.ptr + half, reply->body.len - half);
        wsm_buf_append_str(&out, "\r\n0\r\n\r\n");
    } else {
        wsm_buf_printf(&out, "Content-Length: %zu\r\n\r\n", reply->body.len);
        wsm_buf_append_span(&out, wsm_buf_span(&reply->body));
    }
    ok = write_all(fd, out.ptr, reply->is_halved ? out.len / 2 : out.len) && !reply->is_halved;
    wsm_buf_clear(&out);
    return ok;
}

static void reset_at_close(int fd)
{
    struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

static bool serve_body(struct fake_connection *connection, const struct wsm_http_head *head,
                       uint8_t *body, size_t len)
{
    struct fake_service *service = connection->service;
    struct wsm_span authorization = wsm_http_header_find(head, "Authorization");
    char *text = strndup((const char *)authorization.ptr, authorization.len);
    struct wsm_envelope env = { .operation_timeout_ms = -1 };
    struct fake_request request = { .length = len,
                                    .authorization = authorization.len == 0 ? "" : text,
                                    .connection = connection->number };
    struct fake_reply reply = { .status = 200 };
    fake_handler handler;
    size_t number;
    bool ok = false;

    if (!wsm_envelope_parse(&env, body, len, NULL)) {
        fprintf(stderr, "fake service: request cannot be read\n");
        goto out;
    }
    request.env = &env;
    request.name = name_of(&env);
    number = fake_remember(service, &request);
    fake_wait_released(service, request.name);
    pthread_mutex_lock(&service->lock);
    handler = service->handler; /* a Delete in the background may come while it is changed */
    pthread_mutex_unlock(&service->lock);
    if (handler == NULL || !handler(service, &request, &reply))
        fake_answer(service, connection, &request, &reply);
    ok = !reply.is_dropped && write_reply(connection->fd, &reply);
    if (reply.is_reset)
        reset_at_close(connection->fd);
    if (ok)
        fake_note_answered(service, number);
    ok = ok && !reply.closes;
out:
    wsm_buf_clear(&reply.body);
    wsm_envelope_clear(&env);
    free(text);
    return ok;
}

static bool read_more(int fd, struct wsm_buf *in)
{
    ssize_t count;

    if (!wsm_buf_reserve(in, READ_MAX))
        return false;
    count = recv(fd, wsm_buf_end(in), READ_MAX, 0);
    if (count <= 0)
        return false;
    wsm_buf_added(in, (size_t)count);
    return true;
}

/* Was this the request to be cut, and is it time? */
static bool is_cut(struct fake_connection *connection, const struct wsm_buf *in)
{
    struct fake_service *service = connection->service;
    bool is_time;

    pthread_mutex_lock(&service->lock);
    is_time = service->cut_at > 0 && in->len >= service->cut_at;
    if (is_time)
        service->cut_at = 0;
    pthread_mutex_unlock(&service->lock);
    if (is_time)
        reset_at_close(connection->fd);
    return is_time;
}

static bool serve_request(struct fake_connection *connection, struct wsm_buf *in)
{
    struct wsm_http_head head;
    size_t scanned = 0;
    size_t used = 0;
    const char *why = "";
    int status;
    bool ok;

    while (wsm_http_head_parse(WSM_HTTP_REQUEST, wsm_buf_span(in), &scanned, &head, &used, &status,
                               &why) == WSM_PARSE_MORE) {
        if (!read_more(connection->fd, in) || is_cut(connection, in))
            return false;
    }
    while (in->len < used + head.content_length) {
        if (!read_more(connection->fd, in) || is_cut(connection, in))
            return false;
    }
    scanned = 0; /* reading may have moved the bytes */
    if (wsm_http_head_parse(WSM_HTTP_REQUEST, wsm_buf_span(in), &scanned, &head, &used, &status,
                            &why) != WSM_PARSE_DONE)
        return false;
    ok = serve_body(connection, &head, in->ptr + used, (size_t)head.content_length);
    wsm_buf_consume(in, used + (size_t)head.content_length);
    return ok;
}

static void *connection_main(void *arg)
{
    struct fake_connection *connection = arg;
    struct fake_service *service = connection->service;
    struct wsm_buf in = WSM_BUF_INIT;

    while (serve_request(connection, &in))
        ;
    wsm_buf_clear(&in);
    pthread_mutex_lock(&service->lock);
    shutdown(connection->fd, SHUT_RDWR);
    close(connection->fd);
    connection->fd = -1;
    connection->is_open = false;
    pthread_cond_broadcast(&service->changed);
    pthread_mutex_unlock(&service->lock);
    return NULL;
}

void fake_connection_add(struct fake_service *service, int fd)
{
    struct fake_connection *connection;
    int on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    pthread_mutex_lock(&service->lock);
    if (service->connection_count == FAKE_CONNECTIONS_MAX || service->is_stopping) {
        close(fd);
    } else {
        connection = &service->connections[service->connection_count++];
        *connection = (struct fake_connection){
            .service = service, .fd = fd, .number = (int)service->connection_count, .is_open = true
        };
        if (pthread_create(&connection->thread, NULL, connection_main, connection) != 0)
            abort();
    }
    pthread_mutex_unlock(&service->lock);
}

/* ---- What the test asks ---- */

void fake_cut_request(struct fake_service *service, size_t bytes)
{
    pthread_mutex_lock(&service->lock);
    service->cut_at = bytes;
    pthread_mutex_unlock(&service->lock);
}

static void close_first(struct fake_service *service, size_t max)
{
    size_t count = 0;
    size_t i;

    pthread_mutex_lock(&service->lock);
    for (i = 0; i < service->connection_count && count < max; i++) {
        if (!service->connections[i].is_open)
            continue;
        shutdown(service->connections[i].fd, SHUT_RDWR);
        count++;
    }
    pthread_mutex_unlock(&service->lock);
}

void fake_close_all(struct fake_service *service)
{
    close_first(service, SIZE_MAX);
}

void fake_close_oldest(struct fake_service *service)
{
    close_first(service, 1);
}

size_t fake_connections(struct fake_service *service)
{
    size_t count;

    pthread_mutex_lock(&service->lock);
    count = service->connection_count;
    pthread_mutex_unlock(&service->lock);
    return count;
}

static size_t open_locked(const struct fake_service *service)
{
    size_t count = 0;
    size_t i;

    for (i = 0; i < service->connection_count; i++)
        count += service->connections[i].is_open;
    return count;
}

void fake_wait_open(struct fake_service *service, size_t count)
{
    const struct timespec *until = fake_deadline();
    int status = 0;
    size_t open;

    pthread_mutex_lock(&service->lock);
    while ((open = open_locked(service)) != count && status == 0)
        status = pthread_cond_timedwait(&service->changed, &service->lock, until);
    pthread_mutex_unlock(&service->lock);
    if (open != count)
        fail_msg("%zu connections open, not %zu", open, count);
}
