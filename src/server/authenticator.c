/* Checks passwords through winrmd-auth. The winrmd-net loop owns it. A check that is under
 * way is joined by others with the same credentials; while there is no winrmd-auth, checks
 * wait for the next one (the connection that asked has its own time limit). */
#include "server/authenticator.h"

#include "base/log.h"
#include "ipc/control_messages.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SWEEP_MS = 10000 };

/* One question to winrmd-auth. */
struct check {
    struct wsm_list node;
    uint64_t number;
    uint8_t key[WSM_AUTH_KEY_LEN];
    struct wsm_buf credentials; /* owned: name and password, wiped with the check */
    size_t user_len;
    struct wsm_list waiters;
};

static const struct wsm_message_type *const accepted[] = { &wsm_control_verified_type,
                                                           &wsm_control_denied_type };

static void on_sweep(uv_timer_t *timer)
{
    struct wsm_authenticator *auth = timer->data;

    wsm_auth_cache_sweep(&auth->cache, (int64_t)uv_now(auth->loop));
    if (auth->cache.count == 0)
        uv_timer_stop(timer);
}

void wsm_authenticator_init(struct wsm_authenticator *auth, uv_loop_t *loop,
                            const uint8_t secret[WSM_AUTH_KEY_LEN],
                            void (*on_release)(void *context, const uint8_t token[WSM_TOKEN_LEN]),
                            void *context)
{
    *auth = (struct wsm_authenticator){ .loop = loop, .on_release = on_release };
    auth->context = context;
    wsm_auth_cache_init(&auth->cache, secret);
    wsm_list_init(&auth->checks);
    uv_timer_init(loop, &auth->sweep); /* cannot fail */
    auth->sweep.data = auth;
}

static void check_free(struct check *check)
{
    wsm_list_remove(&check->node);
    wsm_buf_wipe(&check->credentials);
    explicit_bzero(check->key, sizeof(check->key));
    free(check);
}

static void check_end(struct check *check, struct wsm_logon *logon, const char *reason)
{
    wsm_list_remove(&check->node); /* nobody joins it any more */
    while (!wsm_list_is_empty(&check->waiters)) {
        struct wsm_auth_waiter *waiter = WSM_CONTAINER_OF(check->waiters.next,
                                                          struct wsm_auth_waiter, node);

        wsm_list_remove(&waiter->node);
        waiter->on_checked(waiter, logon, reason);
    }
    check_free(check);
}

/* Without a link it is asked when the next one comes. */
static void ask(struct wsm_authenticator *auth, struct check *check)
{
    struct wsm_control_check_password message = {
        .request = check->number,
        .user = wsm_span_of(check->credentials.ptr, check->user_len),
        .password = wsm_span_of(check->credentials.ptr + check->user_len,
                                check->credentials.len - check->user_len),
    };

    wsm_link_send(auth->link, &wsm_control_check_password_type, &message);
}

static struct check *check_by_number(struct wsm_authenticator *auth, uint64_t number)
{
    struct wsm_list *node;

    WSM_LIST_FOREACH (node, &auth->checks) {
        struct check *check = WSM_CONTAINER_OF(node, struct check, node);

        if (check->number == number)
            return check;
    }
    return NULL;
}

static void on_verified(struct wsm_authenticator *auth, const struct wsm_control_verified *message)
{
    struct check *check = check_by_number(auth, message->request);
    struct wsm_file_mark mark = { message->file_inode, message->file_mtime_ns };
    struct wsm_logon *logon = wsm_logon_new(message->user, message->token, auth->on_release,
                                            auth->context);

    if (logon == NULL)
        auth->on_release(auth->context, message->token);
    if (logon == NULL || check == NULL) {
        wsm_logon_unref(logon);
        if (check != NULL)
            check_end(check, NULL, "out of memory");
        return;
    }
    wsm_auth_cache_add(&auth->cache, check->key, logon, &mark, (int64_t)uv_now(auth->loop));
    if (!uv_is_active((uv_handle_t *)&auth->sweep))
        uv_timer_start(&auth->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
    check_end(check, logon, NULL);
    wsm_logon_unref(logon);
}

static void on_denied(struct wsm_authenticator *auth, const struct wsm_control_denied *message)
{
    struct check *check = check_by_number(auth, message->request);
    char *reason;

    if (check == NULL)
        return;
    reason = strndup((const char *)message->reason.ptr, message->reason.len);
    check_end(check, NULL, reason == NULL ? "refused" : reason);
    free(reason);
}

static bool on_message(void *context, const struct wsm_frame *frame, int *fd)
{
    struct wsm_authenticator *auth = context;
    union {
        struct wsm_control_verified verified;
        struct wsm_control_denied denied;
    } message;
    const struct wsm_message_type *type = wsm_message_type_find(
        accepted, sizeof(accepted) / sizeof(accepted[0]), frame->type);

    (void)fd;
    if (type == NULL)
        return (frame->flags & WSM_FRAME_FLAG_IGNORABLE) != 0;
    if (!wsm_message_parse(type, frame->payload, &message))
        return false;
    if (type == &wsm_control_verified_type)
        on_verified(auth, &message.verified);
    else
        on_denied(auth, &message.denied);
    return true;
}

/* The log-ons that it verified ended with it. */
static void on_lost(void *context, const struct wsm_error *err)
{
    struct wsm_authenticator *auth = context;

    wsm_log_debug("winrmd-auth: %s", wsm_error_text(err));
    auth->link = NULL;
    wsm_auth_cache_sweep(&auth->cache, INT64_MAX);
}

void wsm_authenticator_connect(struct wsm_authenticator *auth, int fd)
{
    static const struct wsm_link_events events = { on_message, on_lost };
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_list *node;

    wsm_link_close(auth->link);
    wsm_auth_cache_sweep(&auth->cache, INT64_MAX);
    auth->link = wsm_link_open(auth->loop, fd, &events, auth, &err);
    if (auth->link == NULL)
        wsm_log_error("winrmd-auth: %s", wsm_error_text(&err));
    wsm_error_clear(&err);
    WSM_LIST_FOREACH (node, &auth->checks)
        ask(auth, WSM_CONTAINER_OF(node, struct check, node));
}

/* A file that cannot be looked at has a mark that no success carries. */
static bool file_mark(const char *path, struct wsm_file_mark *out)
{
    struct stat st;

    if (path == NULL || stat(path, &st) != 0)
        return false;
    out->inode = (uint64_t)st.st_ino;
    out->mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    return true;
}

static struct check *check_new(struct wsm_authenticator *auth, const uint8_t *key,
                               struct wsm_span user, struct wsm_span password)
{
    struct check *check = calloc(1, sizeof(*check));

    if (check == NULL)
        return NULL;
    wsm_list_init(&check->waiters);
    wsm_list_init(&check->node);
    memcpy(check->key, key, sizeof(check->key));
    check->number = ++auth->last_number;
    check->user_len = user.len;
    if (wsm_buf_reserve(&check->credentials, user.len + password.len)) {
        wsm_buf_append_span(&check->credentials, user); /* never moves: no copy is left behind */
        wsm_buf_append_span(&check->credentials, password);
    }
    if (!wsm_buf_ok(&check->credentials)) {
        check_free(check);
        return NULL;
    }
    wsm_list_add(&auth->checks, &check->node);
    return check;
}

static struct check *check_by_key(struct wsm_authenticator *auth, const uint8_t *key)
{
    struct wsm_list *node;

    WSM_LIST_FOREACH (node, &auth->checks) {
        struct check *check = WSM_CONTAINER_OF(node, struct check, node);

        if (memcmp(check->key, key, sizeof(check->key)) == 0)
            return check;
    }
    return NULL;
}

enum wsm_auth_result wsm_authenticator_check(struct wsm_authenticator *auth, struct wsm_span user,
                                             struct wsm_span password,
                                             struct wsm_auth_waiter *waiter,
                                             struct wsm_logon **out_logon)
{
    uint8_t key[WSM_AUTH_KEY_LEN];
    struct wsm_file_mark mark;
    struct check *check;

    if (!wsm_auth_cache_key(&auth->cache, user, password, key, NULL))
        return WSM_AUTH_FAILED;
    if (file_mark(auth->users_file, &mark)) {
        struct wsm_logon *logon = wsm_auth_cache_find(&auth->cache, key, &mark,
                                                      (int64_t)uv_now(auth->loop));

        if (logon != NULL) {
            *out_logon = logon;
            return WSM_AUTH_GRANTED;
        }
    }
    check = check_by_key(auth, key);
    if (check == NULL) {
        check = check_new(auth, key, user, password);
        if (check == NULL)
            return WSM_AUTH_FAILED;
        wsm_list_add(&check->waiters, &waiter->node);
        ask(auth, check);
        return WSM_AUTH_PENDING;
    }
    wsm_list_add(&check->waiters, &waiter->node);
    return WSM_AUTH_PENDING;
}
