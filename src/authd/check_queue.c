/* Password checks that wait while one runs. winrmd-auth's only thread; checks nothing. */
#include "authd/check_queue.h"

#include "auth/users.h"
#include "wsmerror.h"

#include <stdlib.h>
#include <string.h>

void wsm_check_queue_init(struct wsm_check_queue *queue)
{
    wsm_list_init(&queue->checks);
    queue->count = 0;
}

void wsm_check_queue_clear(struct wsm_check_queue *queue)
{
    struct wsm_check *check;

    while ((check = wsm_check_queue_take(queue)) != NULL)
        wsm_check_free(check);
}

static bool has_nul(struct wsm_span text)
{
    return text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL;
}

bool wsm_check_queue_add(struct wsm_check_queue *queue, uint64_t request, struct wsm_span user,
                         struct wsm_span password, struct wsm_error *err)
{
    struct wsm_check *check;

    if (queue->count == WSM_CHECK_QUEUE_MAX)
        return wsm_fail(err, ERROR_BUSY, "busy: %d password checks are waiting",
                        WSM_CHECK_QUEUE_MAX);
    if (user.len == 0 || user.len > WSM_USER_NAME_MAX || has_nul(user))
        return wsm_fail(err, ERROR_LOGON_FAILURE, "no user can have such a name");
    if (password.len > WSM_USER_PASSWORD_MAX || has_nul(password))
        return wsm_fail(err, ERROR_LOGON_FAILURE, "no user can have such a password");
    check = calloc(1, sizeof(*check));
    if (check == NULL)
        return wsm_fail_memory(err, "password check");
    wsm_list_init(&check->node);
    check->request = request;
    check->user = strndup((const char *)user.ptr, user.len);
    check->password = password.len == 0 ? strdup("")
                                        : strndup((const char *)password.ptr, password.len);
    if (check->user == NULL || check->password == NULL) {
        wsm_check_free(check);
        return wsm_fail_memory(err, "password check");
    }
    wsm_list_add(&queue->checks, &check->node);
    queue->count++;
    return true;
}

struct wsm_check *wsm_check_queue_take(struct wsm_check_queue *queue)
{
    struct wsm_check *check;

    if (wsm_list_is_empty(&queue->checks))
        return NULL;
    check = WSM_CONTAINER_OF(queue->checks.next, struct wsm_check, node);
    wsm_list_remove(&check->node);
    queue->count--;
    return check;
}

void wsm_check_free(struct wsm_check *check)
{
    if (check == NULL)
        return;
    if (check->password != NULL)
        explicit_bzero(check->password, strlen(check->password));
    free(check->password);
    free(check->user);
    free(check);
}
