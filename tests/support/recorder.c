/* Callback recorder. The callback runs on the library's threads; all else on the test's. */
#include "recorder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { DEADLINE_S = 10 };

static atomic_ulong next_order = 1;

static struct timespec deadline(void)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += DEADLINE_S;
    return until;
}

static void narrow(char *out, size_t size, PCWSTR text)
{
    size_t i = 0;

    for (; text != NULL && text[i] != 0 && i + 1 < size; i++)
        out[i] = (char)text[i];
    out[i] = '\0';
}

static bool is_text(PCWSTR a, PCWSTR b)
{
    size_t i = 0;

    if (a == NULL)
        return false;
    while (a[i] == b[i] && a[i] != 0)
        i++;
    return a[i] == b[i];
}

static void keep(struct recorder *recorder, const struct recorder_event *event,
                 const WSMAN_RECEIVE_DATA_RESULT *data)
{
    bool is_out = strcmp(event->stream, "stdout") == 0;
    char *to = is_out ? recorder->output : recorder->errors;
    size_t *len = is_out ? &recorder->output_len : &recorder->errors_len;

    recorder->total += event->length;
    if (event->length > RECORDER_DATA_MAX - *len)
        return;
    if (event->length > 0)
        memcpy(to + *len, data->streamData.binaryData.data, event->length);
    *len += event->length;
}

static void read_receive(struct recorder *recorder, struct recorder_event *event,
                         const WSMAN_RECEIVE_DATA_RESULT *data)
{
    narrow(event->stream, sizeof(event->stream), data->streamId);
    event->is_done = is_text(data->commandState, WSMAN_COMMAND_STATE_DONE);
    event->is_running = is_text(data->commandState, WSMAN_COMMAND_STATE_RUNNING);
    event->exit_code = data->exitCode;
    event->length = data->streamData.binaryData.dataLength;
    keep(recorder, event, data);
}

static void CALLBACK on_callback(PVOID context, DWORD flags, WSMAN_ERROR *error,
                                 WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                                 WSMAN_OPERATION_HANDLE operation, WSMAN_RESPONSE_DATA *data)
{
    struct recorder *recorder = context;
    struct recorder_event event = { .flags = flags,
                                    .code = error->code,
                                    .shell = shell,
                                    .command = command,
                                    .operation = operation,
                                    .has_data = data != NULL,
                                    .thread = pthread_self() };

    narrow(event.detail, sizeof(event.detail), error->errorDetail);
    narrow(event.language, sizeof(event.language), error->language);
    narrow(event.machine, sizeof(event.machine), error->machineName);
    narrow(event.plugin, sizeof(event.plugin), error->pluginName);
    pthread_mutex_lock(&recorder->lock);
    event.order = atomic_fetch_add(&next_order, 1);
    if (data != NULL && recorder->user == NULL)
        read_receive(recorder, &event, &data->receiveData);
    if (recorder->count < RECORDER_EVENTS_MAX)
        recorder->events[recorder->count] = event;
    recorder->count++;
    if ((flags & WSMAN_FLAG_CALLBACK_END_OF_OPERATION) != 0)
        recorder->last_count++;
    recorder->waiting++;
    pthread_cond_broadcast(&recorder->changed);
    while (recorder->is_gated)
        pthread_cond_wait(&recorder->changed, &recorder->lock);
    if (recorder->on_event != NULL) {
        pthread_mutex_unlock(&recorder->lock);
        recorder->on_event(recorder, &event);
        pthread_mutex_lock(&recorder->lock);
    }
    recorder->waiting--;
    pthread_cond_broadcast(&recorder->changed);
    pthread_mutex_unlock(&recorder->lock);
}

struct recorder *recorder_new(void)
{
    struct recorder *recorder = calloc(1, sizeof(*recorder));

    assert_non_null(recorder);
    recorder->output = malloc(RECORDER_DATA_MAX);
    recorder->errors = malloc(RECORDER_DATA_MAX);
    assert_non_null(recorder->output);
    assert_non_null(recorder->errors);
    pthread_mutex_init(&recorder->lock, NULL);
    pthread_cond_init(&recorder->changed, NULL);
    recorder->async.operationContext = recorder;
    recorder->async.completionFunction = on_callback;
    return recorder;
}

void recorder_free(struct recorder *recorder)
{
    pthread_mutex_lock(&recorder->lock);
    while (recorder->waiting > 0) /* what woke the test may not have returned yet */
        pthread_cond_wait(&recorder->changed, &recorder->lock);
    pthread_mutex_unlock(&recorder->lock);
    pthread_cond_destroy(&recorder->changed);
    pthread_mutex_destroy(&recorder->lock);
    free(recorder->output);
    free(recorder->errors);
    free(recorder);
}

void recorder_wait(struct recorder *recorder, size_t count)
{
    struct timespec until = deadline();
    int status = 0;
    bool ok;

    pthread_mutex_lock(&recorder->lock);
    while (!(ok = recorder->count >= count) && status == 0)
        status = pthread_cond_timedwait(&recorder->changed, &recorder->lock, &until);
    pthread_mutex_unlock(&recorder->lock);
    if (!ok)
        fail_msg("%zu of %zu callbacks came", recorder->count, count);
}

const struct recorder_event *recorder_last(struct recorder *recorder)
{
    struct timespec until = deadline();
    const struct recorder_event *event = NULL;
    int status = 0;

    pthread_mutex_lock(&recorder->lock);
    while (recorder->last_count == 0 && status == 0)
        status = pthread_cond_timedwait(&recorder->changed, &recorder->lock, &until);
    if (recorder->last_count > 0)
        event = &recorder->events[recorder->count - 1];
    pthread_mutex_unlock(&recorder->lock);
    if (event == NULL)
        fail_msg("no last callback after %zu others", recorder->count);
    return event;
}

void recorder_gate(struct recorder *recorder)
{
    pthread_mutex_lock(&recorder->lock);
    recorder->is_gated = true;
    pthread_mutex_unlock(&recorder->lock);
}

void recorder_open_gate(struct recorder *recorder)
{
    pthread_mutex_lock(&recorder->lock);
    recorder->is_gated = false;
    pthread_cond_broadcast(&recorder->changed);
    pthread_mutex_unlock(&recorder->lock);
}

void recorder_wait_inside(struct recorder *recorder)
{
    struct timespec until = deadline();
    int status = 0;
    bool ok;

    pthread_mutex_lock(&recorder->lock);
    while (!(ok = recorder->waiting > 0) && status == 0)
        status = pthread_cond_timedwait(&recorder->changed, &recorder->lock, &until);
    pthread_mutex_unlock(&recorder->lock);
    assert_true(ok);
}

size_t recorder_count(struct recorder *recorder)
{
    size_t count;

    pthread_mutex_lock(&recorder->lock);
    count = recorder->count;
    pthread_mutex_unlock(&recorder->lock);
    return count;
}
