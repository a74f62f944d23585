/* The service of winrmd-auth: one thread, one poll loop. It blocks while a hash is
 * computed; requests wait in a bounded queue meanwhile. It opens no sockets: both
 * channels come from the monitor. */
#include "authd/service.h"

#include "auth/users.h"
#include "authd/check_queue.h"
#include "base/log.h"
#include "ipc/channel.h"
#include "ipc/control_messages.h"
#include "wsmerror.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

struct service {
    struct wsm_channel monitor;
    struct wsm_channel net; /* closed while net is away */
    bool is_greeted;        /* the monitor's HELLO has come */
    char *users_path;       /* owned; NULL before SETTINGS */
    struct wsm_users users;
    struct wsm_check_queue queue;
};

static const struct wsm_message_type *const before_hello[] = { &wsm_control_hello_type };
static const struct wsm_message_type *const after_hello[] = { &wsm_control_settings_type,
                                                              &wsm_control_peer_type };
static const struct wsm_message_type *const from_net[] = { &wsm_control_check_password_type };

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

static void close_net(struct service *service)
{
    wsm_channel_close(&service->net);
    wsm_check_queue_clear(&service->queue);
}

static bool on_hello(struct service *service, const struct wsm_control_hello *hello,
                     struct wsm_error *err)
{
    if (hello->version != WSM_CONTROL_VERSION)
        return wsm_fail(err, ERROR_INTERNAL_ERROR, "the monitor is of another release");
    service->is_greeted = true;
    return true;
}

static bool on_settings(struct service *service, const struct wsm_control_settings *settings,
                        struct wsm_error *err)
{
    static const char users_file[] = "UsersFile=", level[] = "LogLevel=";
    struct wsm_span list = settings->values;
    enum wsm_log_level highest;
    const char *text;

    if (!wsm_strings_are_valid(list))
        return wsm_fail(err, ERROR_INTERNAL_ERROR, "malformed settings");
    while (wsm_strings_next(&list, &text)) {
        if (strncmp(text, level, sizeof(level) - 1) == 0) {
            if (!wsm_log_level_parse(text + sizeof(level) - 1, &highest))
                return wsm_fail(err, ERROR_INTERNAL_ERROR, "%s is not known", text);
            wsm_log_set_sink(wsm_log_to_stderr, highest);
        }
        if (strncmp(text, users_file, sizeof(users_file) - 1) != 0)
            continue;
        free(service->users_path);
        service->users_path = strdup(text + sizeof(users_file) - 1);
        if (service->users_path == NULL)
            return wsm_fail_memory(err, "settings");
    }
    return true;
}

static bool on_peer(struct service *service, int *fd, struct wsm_error *err)
{
    close_net(service);
    if (*fd < 0)
        return wsm_fail(err, ERROR_INTERNAL_ERROR, "no descriptor came with %s",
                        wsm_control_peer_type.name);
    if (!wsm_channel_open(&service->net, *fd, err))
        return false;
    *fd = -1; /* transferred */
    return true;
}

/* One message of the monitor. *fd is what came with it; set to -1 when taken. */
static bool handle_monitor(struct service *service, const struct wsm_frame *frame, int *fd,
                           struct wsm_error *err)
{
    const struct wsm_message_type *type =
        service->is_greeted
            ? wsm_message_type_find(after_hello, COUNT_OF(after_hello), frame->type)
            : wsm_message_type_find(before_hello, COUNT_OF(before_hello), frame->type);
    union {
        struct wsm_control_hello hello;
        struct wsm_control_settings settings;
        struct wsm_control_peer peer;
    } message;

    if (type == NULL)
        return (frame->flags & WSM_FRAME_FLAG_IGNORABLE) != 0 ||
               wsm_fail(err, ERROR_INTERNAL_ERROR, "unexpected message %u of the monitor",
                        frame->type);
    if (!wsm_message_parse(type, frame->payload, &message))
        return wsm_fail(err, ERROR_INTERNAL_ERROR, "malformed %s of the monitor", type->name);
    if (type == &wsm_control_hello_type)
        return on_hello(service, &message.hello, err);
    if (type == &wsm_control_settings_type)
        return on_settings(service, &message.settings, err);
    return on_peer(service, fd, err);
}

static void deny(struct service *service, uint64_t request, const char *reason)
{
    struct wsm_control_denied denied = { .request = request, .reason = wsm_span_str(reason) };
    struct wsm_error err = WSM_ERROR_INIT;

    if (!wsm_channel_send(&service->net, &wsm_control_denied_type, &denied, -1, &err)) {
        wsm_log_debug("channel to winrmd-net: %s", wsm_error_text(&err));
        close_net(service);
    }
    wsm_error_clear(&err);
}

/* One request of net. False: net does not speak our protocol. */
static bool handle_net(struct service *service, const struct wsm_frame *frame)
{
    const struct wsm_message_type *type = wsm_message_type_find(from_net, COUNT_OF(from_net),
                                                                frame->type);
    struct wsm_control_check_password check;
    struct wsm_error err = WSM_ERROR_INIT;

    if (type == NULL)
        return (frame->flags & WSM_FRAME_FLAG_IGNORABLE) != 0;
    if (!wsm_message_parse(type, frame->payload, &check))
        return false;
    if (!wsm_check_queue_add(&service->queue, check.request, check.user, check.password, &err))
        deny(service, check.request, wsm_error_text(&err));
    wsm_error_clear(&err);
    return true;
}

/* Reads all that is there, so that the queue's bound and not the socket's decides. */
static void read_net(struct service *service)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_frame frame;
    bool more = true;
    int fd = -1;

    while (more && wsm_channel_is_open(&service->net)) {
        switch (wsm_channel_receive(&service->net, &frame, &fd, &err)) {
        case WSM_CHANNEL_MESSAGE: {
            bool ok = handle_net(service, &frame);

            if (fd >= 0)
                close(fd);
            wsm_channel_wipe(&service->net); /* it held a password */
            if (!ok) {
                wsm_log_error("winrmd-net sent message %u that is not understood", frame.type);
                close_net(service);
            }
            break;
        }
        case WSM_CHANNEL_AGAIN:
            more = false;
            break;
        case WSM_CHANNEL_EOF:
            close_net(service);
            break;
        case WSM_CHANNEL_BAD:
            wsm_log_warning("channel to winrmd-net: %s", wsm_error_text(&err));
            close_net(service);
            break;
        }
    }
    wsm_error_clear(&err);
}

/* False with an error, or at end of file (err stays empty). */
static bool read_monitor(struct service *service, struct wsm_error *err)
{
    struct wsm_frame frame;
    int fd = -1;

    for (;;) {
        switch (wsm_channel_receive(&service->monitor, &frame, &fd, err)) {
        case WSM_CHANNEL_MESSAGE: {
            bool ok = handle_monitor(service, &frame, &fd, err);

            if (fd >= 0)
                close(fd);
            if (!ok)
                return false;
            break;
        }
        case WSM_CHANNEL_AGAIN:
            return true;
        case WSM_CHANNEL_EOF:
        case WSM_CHANNEL_BAD:
            return false;
        }
    }
}

/* The monitor must be able to read the log-on before net can use it: wait until the
 * socket has taken it. */
static bool send_register(struct service *service, const struct wsm_control_register *message,
                          struct wsm_error *err)
{
    struct pollfd wait = { .fd = service->monitor.fd, .events = POLLOUT };

    if (!wsm_channel_send(&service->monitor, &wsm_control_register_type, message, -1, err))
        return false;
    while (wsm_channel_wants_write(&service->monitor)) {
        if (poll(&wait, 1, -1) < 0 && errno != EINTR)
            return wsm_fail(err, ERROR_INTERNAL_ERROR, "poll: %s", strerror(errno));
        if (!wsm_channel_flush(&service->monitor, err))
            return false;
    }
    return true;
}

/* Tells the monitor, then net. False: the monitor is gone. */
static bool verified(struct service *service, uint64_t request, const struct wsm_user *user,
                     struct wsm_error *err)
{
    struct wsm_control_verified answer = { .request = request,
                                           .user = wsm_span_str(user->name),
                                           .file_inode = service->users.inode,
                                           .file_mtime_ns = service->users.mtime_ns };
    struct wsm_control_register log_on = { .user = answer.user };
    struct wsm_error net_err = WSM_ERROR_INIT;

    if (getrandom(log_on.token, sizeof(log_on.token), 0) != (ssize_t)sizeof(log_on.token))
        return wsm_fail(err, ERROR_INTERNAL_ERROR, "getrandom: %s", strerror(errno));
    memcpy(answer.token, log_on.token, sizeof(answer.token));
    if (!send_register(service, &log_on, err))
        return false;
    if (!wsm_channel_send(&service->net, &wsm_control_verified_type, &answer, -1, &net_err)) {
        wsm_log_debug("channel to winrmd-net: %s", wsm_error_text(&net_err));
        close_net(service);
    }
    wsm_error_clear(&net_err);
    return true;
}

/* Runs the oldest check, if one waits. False: the monitor is gone. */
static bool run_check(struct service *service, struct wsm_error *err)
{
    struct wsm_check *check = wsm_check_queue_take(&service->queue);
    const struct wsm_user *user;
    struct wsm_error why = WSM_ERROR_INIT;
    bool ok = true;

    if (check == NULL)
        return true;
    if (service->users_path == NULL)
        deny(service, check->request, "no UsersFile is set");
    else if (wsm_users_refresh(&service->users, service->users_path, &why) &&
             wsm_users_check(&service->users, wsm_span_str(check->user), check->password, &user,
                             &why))
        ok = verified(service, check->request, user, err);
    else
        deny(service, check->request, wsm_error_text(&why));
    wsm_error_clear(&why);
    wsm_check_free(check);
    return ok;
}

static short wanted_events(const struct wsm_channel *channel)
{
    return wsm_channel_wants_write(channel) ? POLLIN | POLLOUT : POLLIN;
}

/* One turn; false ends the loop, with err empty if the monitor closed the channel. */
static bool turn(struct service *service, struct wsm_error *err)
{
    bool has_net = wsm_channel_is_open(&service->net);
    struct pollfd fds[2] = {
        { .fd = service->monitor.fd, .events = wanted_events(&service->monitor) },
        { .fd = service->net.fd, .events = has_net ? wanted_events(&service->net) : 0 },
    };
    struct wsm_error net_err = WSM_ERROR_INIT;

    if (poll(fds, has_net ? 2 : 1, service->queue.count > 0 ? 0 : -1) < 0)
        return errno == EINTR || wsm_fail(err, ERROR_INTERNAL_ERROR, "poll: %s", strerror(errno));
    if (fds[0].revents != 0 && !read_monitor(service, err))
        return false;
    if (has_net && (fds[1].revents & POLLOUT) != 0 && wsm_channel_is_open(&service->net) &&
        !wsm_channel_flush(&service->net, &net_err))
        close_net(service);
    wsm_error_clear(&net_err);
    read_net(service);
    return run_check(service, err);
}

bool wsm_auth_service_run(int fd, struct wsm_error *err)
{
    struct service service = { .monitor = WSM_CHANNEL_INIT, .net = WSM_CHANNEL_INIT };
    struct wsm_control_hello hello = { .version = WSM_CONTROL_VERSION };
    bool ok = false;

    wsm_check_queue_init(&service.queue);
    if (!wsm_channel_open(&service.monitor, fd, err)) {
        close(fd);
        return false;
    }
    if (!wsm_channel_send(&service.monitor, &wsm_control_hello_type, &hello, -1, err))
        goto out;
    while (turn(&service, err)) {
    }
    ok = err->code == 0;
out:
    close_net(&service);
    wsm_channel_close(&service.monitor);
    wsm_users_clear(&service.users);
    free(service.users_path);
    return ok;
}
