/* Records the callbacks of wsman.h for tests: what came, in which order, on which
 * thread, and how many last ones each call got. */
#ifndef WSM_TESTS_RECORDER_H
#define WSM_TESTS_RECORDER_H

#define WSMAN_API_VERSION_1_1
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <wsman.h>
#include <wsmerror.h>

enum { RECORDER_EVENTS_MAX = 4096, RECORDER_DATA_MAX = 1 << 20 };

struct recorder_event {
    DWORD flags;
    DWORD code;
    void *shell;
    void *command;
    void *operation;
    bool has_data;
    char stream[16];
    bool is_done;
    bool is_running;
    DWORD exit_code;
    size_t length;
    pthread_t thread;
    unsigned long order; /* counts over all recorders of the process */
    char detail[256];
    char language[16]; /* "" = NULL, as for those below */
    char machine[64];
    char plugin[64];
};

/* One call's callbacks. async is what to pass. */
struct recorder {
    WSMAN_SHELL_ASYNC async;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct recorder_event events[RECORDER_EVENTS_MAX];
    size_t count;
    size_t last_count; /* callbacks with END_OF_OPERATION */
    char *output;      /* stdout */
    size_t output_len;
    char *errors; /* stderr */
    size_t errors_len;
    size_t total; /* bytes of both, also where the two are full */
    void (*on_event)(struct recorder *recorder, const struct recorder_event *event);
    void *user;
    bool is_gated;  /* callbacks wait inside until the gate opens */
    size_t waiting; /* callbacks inside */
};

struct recorder *recorder_new(void);
void recorder_free(struct recorder *recorder);

/* Until so many callbacks have come, or the last one has; fails the test after 10 s. */
void recorder_wait(struct recorder *recorder, size_t count);
const struct recorder_event *recorder_last(struct recorder *recorder);
/* Callbacks that begin from now on wait inside. */
void recorder_gate(struct recorder *recorder);
void recorder_open_gate(struct recorder *recorder);
void recorder_wait_inside(struct recorder *recorder);
size_t recorder_count(struct recorder *recorder);

#endif
