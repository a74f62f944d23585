/* The scripted service of the client's tests: its life, its listener, and the requests that a
 * test holds. One lock guards all of it; what the other files do: fake_service_parts.h. */
#include "fake_service_parts.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { DEADLINE_S = 10 };

const struct timespec *fake_deadline(void)
{
    static _Thread_local struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += DEADLINE_S;
    return &until;
}

static void *acceptor_main(void *arg)
{
    struct fake_service *service = arg;
    int fd;

    while ((fd = accept4(service->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
        fake_connection_add(service, fd);
    return NULL;
}

/* On the same port again, once it has one. */
static void open_listener(struct fake_service *service)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(service->port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(address);
    int on = 1;

    service->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(service->listener >= 0);
    setsockopt(service->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    assert_int_equal(bind(service->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(service->listener, (struct sockaddr *)&address, &len), 0);
    if (service->port == 0) /* others may be reading it */
        service->port = ntohs(address.sin_port);
}

static void listen_on(struct fake_service *service)
{
    assert_int_equal(listen(service->listener, 64), 0);
    assert_int_equal(pthread_create(&service->acceptor, NULL, acceptor_main, service), 0);
}

static void stop_listening(struct fake_service *service)
{
    shutdown(service->listener, SHUT_RDWR);
    pthread_join(service->acceptor, NULL);
    close(service->listener);
}

void fake_refuse(struct fake_service *service)
{
    stop_listening(service);
    open_listener(service); /* keeps the port for us; nobody listens */
    service->is_refusing = true;
}

void fake_accept(struct fake_service *service)
{
    service->is_refusing = false;
    listen_on(service);
}

struct fake_service *fake_service_start(void)
{
    struct fake_service *service = calloc(1, sizeof(*service));

    assert_non_null(service);
    pthread_mutex_init(&service->lock, NULL);
    pthread_cond_init(&service->changed, NULL);
    service->last = &service->first;
    service->seen = calloc(FAKE_REQUESTS_MAX, sizeof(*service->seen));
    assert_non_null(service->seen);
    open_listener(service);
    listen_on(service);
    return service;
}

void fake_service_stop(struct fake_service *service)
{
    size_t i;

    pthread_mutex_lock(&service->lock);
    service->is_stopping = true;
    pthread_cond_broadcast(&service->changed);
    pthread_mutex_unlock(&service->lock);
    if (service->is_refusing)
        close(service->listener);
    else
        stop_listening(service);
    fake_close_all(service);
    for (i = 0; i < service->connection_count; i++)
        pthread_join(service->connections[i].thread, NULL);
    for (i = 0; i < service->seen_count; i++)
        free(service->seen[i].fields);
    for (i = 0; i < service->item_count; i++)
        free(service->items[i]);
    free(service->items);
    fake_answers_free(service);
    free(service->seen);
    wsm_buf_clear(&service->input);
    pthread_cond_destroy(&service->changed);
    pthread_mutex_destroy(&service->lock);
    free(service);
}

uint16_t fake_service_port(const struct fake_service *service)
{
    return service->port;
}

void fake_service_handler(struct fake_service *service, fake_handler handler)
{
    pthread_mutex_lock(&service->lock);
    service->handler = handler;
    pthread_mutex_unlock(&service->lock);
}

void fake_can_disconnect(struct fake_service *service)
{
    service->can_disconnect = true;
}

void fake_keep_receives(struct fake_service *service)
{
    service->keeps_receives = true;
}

/* ---- Requests that are held ---- */

void fake_hold(struct fake_service *service, const char *name)
{
    pthread_mutex_lock(&service->lock);
    assert_true(service->held_count < FAKE_HELD_MAX);
    service->held[service->held_count++] = name;
    pthread_mutex_unlock(&service->lock);
}

void fake_release(struct fake_service *service, const char *name)
{
    size_t i;

    pthread_mutex_lock(&service->lock);
    for (i = 0; i < service->held_count; i++) {
        if (strcmp(service->held[i], name) == 0)
            service->held[i] = service->held[--service->held_count];
    }
    pthread_cond_broadcast(&service->changed);
    pthread_mutex_unlock(&service->lock);
}

static bool is_held(const struct fake_service *service, const char *name)
{
    size_t i;

    for (i = 0; i < service->held_count; i++) {
        if (strcmp(service->held[i], name) == 0)
            return true;
    }
    return false;
}

void fake_wait_released(struct fake_service *service, const char *name)
{
    pthread_mutex_lock(&service->lock);
    while (is_held(service, name) && !service->is_stopping)
        pthread_cond_wait(&service->changed, &service->lock);
    pthread_mutex_unlock(&service->lock);
}
