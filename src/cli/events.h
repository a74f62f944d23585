/* The queue between the library's callbacks and the main thread, and the one place
 * where the main thread waits. */
#ifndef WSM_CLI_EVENTS_H
#define WSM_CLI_EVENTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct wsm_cli_event {
    struct wsm_cli_event *next; /* owned by the queue until taken */
    int kind;                   /* its user's own enum */
    uint32_t code;              /* error code, 0 = success */
    uint32_t exit_code;         /* with the end of a command */
    uint32_t flags;             /* of the callback */
    char *text;                 /* owned, words of the error in UTF-8, or NULL */
};

/* Unbounded, but every entry answers a call of ours, and those are few. */
struct wsm_cli_events {
    pthread_mutex_t lock;
    struct wsm_cli_event *first;
    struct wsm_cli_event **last;
    int fd; /* readable while there may be an entry; owned */
};

bool wsm_cli_events_open(struct wsm_cli_events *events) __attribute__((warn_unused_result));
void wsm_cli_events_close(struct wsm_cli_events *events);

/* Any thread. `event` comes from wsm_cli_event_new() (transfer). */
void wsm_cli_events_post(struct wsm_cli_events *events, struct wsm_cli_event *event);

/* Main thread: the oldest entry, owned by the caller who ends it with
 * wsm_cli_event_free(), or NULL. */
struct wsm_cli_event *wsm_cli_events_take(struct wsm_cli_events *events);

struct wsm_cli_event *wsm_cli_event_new(int kind, uint32_t code);
void wsm_cli_event_free(struct wsm_cli_event *event);

enum wsm_cli_ready {
    WSM_CLI_READY_EVENT = 1 << 0,
    WSM_CLI_READY_SIGNAL = 1 << 1,
    WSM_CLI_READY_INPUT = 1 << 2,
};

/* Waits until a descriptor can be read (-1 is skipped) or `deadline_ms` of
 * wsm_cli_now_ms() has come (0 = none, then the result may be 0). */
unsigned wsm_cli_wait(int event_fd, int signal_fd, int input_fd, int64_t deadline_ms);

int64_t wsm_cli_now_ms(void);

#endif
