/* Callbacks under strict watch. The callback runs on the library's threads; all else on the
 * test's. */
#include "answers.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

enum { DEADLINE_S = 10 };

/* Not recursive: a callback on the caller's stack, or before the call has returned on a thread
 * that the call waits for, gets no further. */
static pthread_mutex_t lock;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Thread_local bool is_calling;

static void make_lock(void)
{
    pthread_mutexattr_t attributes;

    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
}

void call_begin(void)
{
    pthread_once(&once, make_lock);
    assert_int_equal(pthread_mutex_lock(&lock), 0);
    is_calling = true;
}

void call_end(void)
{
    is_calling = false;
    assert_int_equal(pthread_mutex_unlock(&lock), 0);
}

/* What holds for every callback; NULL = all well. */
static const char *judge(const struct answer *answer, DWORD flags, const WSMAN_ERROR *error,
                         const WSMAN_RESPONSE_DATA *data)
{
    bool is_last = (flags & WSMAN_FLAG_CALLBACK_END_OF_OPERATION) != 0;

    if (is_calling)
        return "G8: on the caller's stack";
    if (error == NULL)
        return "G7: no error struct";
    if (error->code != 0 && data != NULL)
        return "G7: data beside an error";
    if (error->code != 0 && !is_last)
        return "G6: an error that is not the last";
    if (error->code != 0 && (error->errorDetail == NULL || error->errorDetail[0] == 0))
        return "3.6: an error without a detail";
    if (answer->last_count > 0 && (is_last || !answer->may_be_noticed))
        return "G6: a callback after the last";
    if (answer->is_inside)
        return "G8: two callbacks of one call at once";
    return NULL;
}

/* A call that is refused stores NULL instead. */
static bool has_stored_handle(const struct answer *answer, const WSMAN_ERROR *error,
                              const void *shell, const void *command, const void *operation)
{
    const void *made = operation != NULL ? operation : command != NULL ? command : shell;

    return answer->out == NULL || *answer->out == made ||
           (*answer->out == NULL && error->code != 0);
}

static void CALLBACK on_callback(PVOID context, DWORD flags, WSMAN_ERROR *error,
                                 WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                                 WSMAN_OPERATION_HANDLE operation, WSMAN_RESPONSE_DATA *data)
{
    struct answer *answer = context;
    const char *wrong;

    if (pthread_mutex_lock(&lock) != 0)
        abort(); /* this thread is in a call */
    wrong = judge(answer, flags, error, data);
    if (wrong == NULL && !has_stored_handle(answer, error, shell, command, operation))
        wrong = "G5: the handle is not the one that was stored";
    if (answer->wrong == NULL)
        answer->wrong = wrong;
    answer->flags = flags;
    answer->code = error == NULL ? 0 : error->code;
    answer->shell = shell;
    answer->command = command;
    answer->operation = operation;
    answer->has_data = data != NULL;
    answer->is_inside = true;
    pthread_mutex_unlock(&lock);
    if (answer->then != NULL)
        answer->then(answer, data);
    pthread_mutex_lock(&lock);
    answer->is_inside = false;
    answer->count++;
    answer->last_count += (flags & WSMAN_FLAG_CALLBACK_END_OF_OPERATION) != 0;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

struct answer *answer_new(void)
{
    struct answer *answer = calloc(1, sizeof(*answer));

    assert_non_null(answer);
    pthread_once(&once, make_lock);
    answer->async.operationContext = answer;
    answer->async.completionFunction = on_callback;
    return answer;
}

static void wait_until(struct answer *answer, size_t count, size_t last_count)
{
    struct timespec until;
    int status = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += DEADLINE_S;
    pthread_mutex_lock(&lock);
    while ((answer->count < count || answer->last_count < last_count) && status == 0)
        status = pthread_cond_timedwait(&changed, &lock, &until);
    pthread_mutex_unlock(&lock);
    if (status != 0)
        fail_msg("%zu callbacks came, %zu last ones", answer->count, answer->last_count);
    if (answer->wrong != NULL)
        fail_msg("%s", answer->wrong);
}

void answer_wait(struct answer *answer)
{
    wait_until(answer, 0, 1);
}

void answer_wait_count(struct answer *answer, size_t count)
{
    wait_until(answer, count, 0);
}

void answer_free(struct answer *answer)
{
    if (answer->wrong != NULL)
        fail_msg("%s", answer->wrong);
    free(answer);
}
