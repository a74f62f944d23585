/* The listening sockets. The monitor, before its loop runs. Accepts nothing: net does. */
#include "monitor/listeners.h"

#include "base/log.h"
#include "monitor/kept_port.h"
#include "wsmerror.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { RETRY_MS = 50, PORT_FILE_MAX = 16 * 1024 };

static const char PORT_FILE[] = "port";

/* One try. *out_fd is -1 with errno EADDRINUSE if the address is taken. */
static bool open_once(const struct wsm_listen_address *address, int *out_fd, const char *text,
                      struct wsm_error *err)
{
    const int on = 1;
    int fd = socket(address->address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return wsm_fail(err, ERROR_INTERNAL_ERROR, "Listen %s: %s", text, strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    /* So that 0.0.0.0 and [::] can both be given, with one port. */
    if (address->address.any.sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (bind(fd, &address->address.any, address->len) == 0 &&
        listen(fd, WSM_LISTENER_BACKLOG) == 0) {
        *out_fd = fd;
        return true;
    }
    if (errno == EADDRINUSE) {
        close(fd);
        *out_fd = -1;
        return true;
    }
    wsm_fail(err, ERROR_INTERNAL_ERROR, "Listen %s: %s", text, strerror(errno));
    close(fd);
    return false;
}

/* Tries for wait_ms: a net whose monitor has died may hold the address a moment longer.
 * *out_fd is -1 if it stayed in use. */
static bool open_patiently(const struct wsm_listen_address *address, int wait_ms, int *out_fd,
                           struct wsm_error *err)
{
    const struct timespec pause = { .tv_nsec = RETRY_MS * 1000000L };
    char text[WSM_LISTEN_TEXT_SIZE];
    int fd;

    wsm_listen_address_write(address, text);
    for (;;) {
        if (!open_once(address, &fd, text, err))
            return false;
        if (fd >= 0 || wait_ms <= 0)
            break;
        nanosleep(&pause, NULL);
        wait_ms -= RETRY_MS;
    }
    *out_fd = fd;
    return true;
}

/* A setting with port 0: the port it had before, else one that the system chooses. */
static bool open_chosen(const struct wsm_listen_address *address, uint16_t port, int wait_ms,
                        int *out_fd, struct wsm_error *err)
{
    struct wsm_listen_address wanted = *address;
    int fd = -1;

    if (port != 0) {
        wsm_listen_address_set_port(&wanted, port);
        if (!open_patiently(&wanted, wait_ms, &fd, err))
            return false;
        if (fd < 0)
            wsm_log_warning("port %u of before is in use: another one is chosen", port);
    }
    if (fd < 0 && !open_patiently(address, wait_ms, &fd, err))
        return false;
    *out_fd = fd;
    return true;
}

static bool open_one(struct wsm_listener *listener, const struct wsm_listen_address *setting,
                     uint16_t kept, int wait_ms, struct wsm_listen_address *out_bound,
                     struct wsm_error *err)
{
    struct wsm_listen_address bound = *setting;
    char text[WSM_LISTEN_TEXT_SIZE];
    int fd;

    if (!(wsm_listen_address_port(setting) == 0 ? open_chosen(setting, kept, wait_ms, &fd, err)
                                                : open_patiently(setting, wait_ms, &fd, err)))
        return false;
    wsm_listen_address_write(setting, text);
    if (fd < 0)
        return wsm_fail(err, ERROR_BUSY, "Listen %s: %s", text, strerror(EADDRINUSE));
    if (getsockname(fd, &bound.address.any, &bound.len) != 0) {
        close(fd);
        return wsm_fail(err, ERROR_INTERNAL_ERROR, "Listen %s: %s", text, strerror(errno));
    }
    wsm_listen_address_write(&bound, text);
    snprintf(listener->url, sizeof(listener->url), "http://%s/wsman", text);
    listener->fd = fd;
    *out_bound = bound;
    return true;
}

bool wsm_listeners_open(struct wsm_listeners *listeners, const struct wsm_config *config,
                        const struct wsm_run_dir *dir, int wait_ms, struct wsm_error *err)
{
    struct wsm_buf before = WSM_BUF_INIT, now = WSM_BUF_INIT;
    bool ok = false;

    if (!wsm_run_dir_read(dir, PORT_FILE, PORT_FILE_MAX, &before, NULL))
        wsm_buf_reset(&before); /* the first start, or nothing that can be used */
    for (size_t i = 0; i < config->listen_count; i++) {
        const struct wsm_listen_address *setting = &config->listen[i];
        struct wsm_listen_address bound;

        if (!open_one(&listeners->listeners[i], setting,
                      wsm_kept_port_find(wsm_buf_span(&before), i, setting), wait_ms, &bound, err))
            goto out;
        listeners->count++;
        if (wsm_listen_address_port(setting) == 0)
            wsm_kept_port_write(&now, i, &bound);
    }
    if (!wsm_buf_ok(&now))
        ok = wsm_fail_memory(err, "listeners");
    else if (now.len > 0)
        ok = wsm_run_dir_write(dir, PORT_FILE, wsm_buf_span(&now), false, err);
    else
        ok = true;
out:
    if (!ok)
        wsm_listeners_close(listeners);
    wsm_buf_clear(&before);
    wsm_buf_clear(&now);
    return ok;
}

void wsm_listeners_close(struct wsm_listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++)
        close(listeners->listeners[i].fd);
    listeners->count = 0;
}
