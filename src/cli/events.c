/* Hands results from callback threads to the main thread. The lock is held for a few
 * lines and never while waiting. */
#include "events.h"

#include "message.h"

#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

bool wsm_cli_events_open(struct wsm_cli_events *events)
{
    *events = (struct wsm_cli_events){ .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
    events->last = &events->first;
    if (events->fd < 0)
        return false;
    return pthread_mutex_init(&events->lock, NULL) == 0;
}

void wsm_cli_events_close(struct wsm_cli_events *events)
{
    struct wsm_cli_event *event;

    while ((event = wsm_cli_events_take(events)) != NULL)
        wsm_cli_event_free(event);
    close(events->fd);
    pthread_mutex_destroy(&events->lock);
}

void wsm_cli_events_post(struct wsm_cli_events *events, struct wsm_cli_event *event)
{
    event->next = NULL;
    pthread_mutex_lock(&events->lock);
    *events->last = event;
    events->last = &event->next;
    pthread_mutex_unlock(&events->lock);
    eventfd_write(events->fd, 1);
}

struct wsm_cli_event *wsm_cli_events_take(struct wsm_cli_events *events)
{
    struct wsm_cli_event *event;
    eventfd_t count;

    pthread_mutex_lock(&events->lock);
    event = events->first;
    if (event != NULL) {
        events->first = event->next;
        if (events->first == NULL)
            events->last = &events->first;
    } else {
        (void)eventfd_read(events->fd, &count); /* under the lock: no entry is missed */
    }
    pthread_mutex_unlock(&events->lock);
    return event;
}

struct wsm_cli_event *wsm_cli_event_new(int kind, uint32_t code)
{
    struct wsm_cli_event *event = wsm_cli_alloc(1, sizeof(*event));

    event->kind = kind;
    event->code = code;
    return event;
}

void wsm_cli_event_free(struct wsm_cli_event *event)
{
    if (event == NULL)
        return;
    free(event->text);
    free(event);
}

static int poll_timeout(int64_t deadline_ms)
{
    int64_t left;

    if (deadline_ms == 0)
        return -1;
    left = deadline_ms - wsm_cli_now_ms();
    if (left < 0)
        return 0;
    return left > INT_MAX ? INT_MAX : (int)left;
}

unsigned wsm_cli_wait(int event_fd, int signal_fd, int input_fd, int64_t deadline_ms)
{
    struct pollfd fds[] = {
        { .fd = event_fd, .events = POLLIN },
        { .fd = signal_fd, .events = POLLIN },
        { .fd = input_fd, .events = POLLIN },
    };
    unsigned ready = 0;

    if (poll(fds, sizeof(fds) / sizeof(fds[0]), poll_timeout(deadline_ms)) <= 0)
        return 0;
    /* Any condition counts: hang-up and error are told by the read that follows. */
    if (fds[0].revents != 0)
        ready |= WSM_CLI_READY_EVENT;
    if (fds[1].revents != 0)
        ready |= WSM_CLI_READY_SIGNAL;
    if (fds[2].revents != 0)
        ready |= WSM_CLI_READY_INPUT;
    return ready;
}

int64_t wsm_cli_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
